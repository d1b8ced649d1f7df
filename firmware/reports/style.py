"""How a report looks: large enough to read, light or dark as the reader's screen is, black on white on paper."""

STYLE = """
:root { --paper: #ffffff; --ink: #1c2328; --faint: #d3d9de; --soft: #f2f5f7; --blue: #0b63a5; --red: #b8490a;
  --green: #0a7a5b; --pink: #a8497c; --amber: #a86f00; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181b; --ink: #e8ecef; --faint: #3b444b; --soft: #1f262b;
  --blue: #6db6ec; --red: #f0915a; --green: #4fc9a4; --pink: #e39cc2; --amber: #e9b44c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 1.25rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0.4em 0 0; }
h2 { font-size: 1.35rem; margin: 2em 0 0.5em; border-bottom: 2px solid var(--faint); padding-bottom: 0.2em; }
.sub { margin: 0.2em 0 0.8em; }
.big { font-size: 1.7rem; font-weight: 600; margin: 0.3em 0; }
.advice, .note { border-left: 0.4rem solid var(--red); background: var(--soft); padding: 0.6rem 1rem; }
.advice p { margin: 0.2em 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.95rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-size: 0.9rem; padding: 0.3em 0; }
th, td { text-align: left; vertical-align: top; padding: 0.35em 0.7em 0.35em 0; border-bottom: 1px solid var(--faint); }
thead th { border-bottom: 2px solid var(--ink); }
th[scope=row] { font-weight: 500; }
figure { margin: 1.2rem 0; break-inside: avoid; }
figcaption { font-size: 0.95rem; }
figure svg { display: block; width: 100%; max-width: 46rem; height: auto; }
figure svg text { fill: var(--ink); }
figure > div { overflow-x: auto; }
@media (max-width: 40rem) { main { padding: 0.8rem; } h1 { font-size: 1.5rem; } figure svg { min-width: 32rem; }
  table.wide { min-width: 48rem; } }
@media print {
  :root { --paper: #ffffff; --ink: #000000; --faint: #bbbbbb; --soft: #f2f2f2; --blue: #0b63a5; --red: #b8490a;
    --green: #0a7a5b; --pink: #a8497c; --amber: #a86f00; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; } .scroll { overflow: visible; }
  h2 { break-after: avoid; } tr { break-inside: avoid; } table { font-size: 8.5pt; }
  @page { margin: 16mm; }
}
"""
