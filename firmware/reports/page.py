"""`rearguard report`: a walk and the weeks on one page that stands alone: nothing is fetched, and it prints."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from html import escape
from statistics import median

from firmware.core.backward_test import BANDS
from firmware.core.plan import LEAST_SPEED_MPS, Step, Today
from firmware.reports import charts
from firmware.reports.norms import SPEED_SOURCE, SWAY_PITCH_DEG, SWAY_ROLL_DEG, Norm, band_words
from firmware.reports.style import STYLE
from firmware.walks import Record

Row = tuple[str, str, str]  # what, how much, and what to hold it against
Chart = tuple[str, str, str]  # title, drawing, what it shows in words
UNKNOWN = "not known"
NO_CELL = "?"


def page(
    walk: Record | None,
    walks: Sequence[Record],
    tests: Sequence[Record],
    steps: Sequence[Step],
    today: Today,
    when: str,
    advice: Sequence[str],
    made: str,
) -> str:
    """The whole page as HTML. `steps` belong to `walks`, one each; `walk` is the one that is shown in full; `when`
    follows the minutes of the next walk."""
    step = next((step for one, step in zip(walks, steps, strict=True) if one is walk), None)
    parts = [
        _head(walks, made),
        _next_walk(today, when, advice),
        _one_walk(walk, step),
        _section("tests", "3-m backward walk test", _tests(tests)),
        *(_all_walks(walks, tests, steps) if walks else ()),
        _section("sources", "What this is, and what it is not", _sources()),
    ]
    return _DOCUMENT.format(style=STYLE, body="\n".join(parts))


_DOCUMENT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Rearguard: report of the walks</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _head(walks: Sequence[Record], made: str) -> str:
    span = f"{walks[0].date} to {walks[-1].date}" if walks else "no walk yet"
    device = escape(walks[-1].dev) if walks else ""
    told = [f"{len(walks)} walks, {span}" if walks else span, device, f"made {escape(made)}"]
    simulated = any(walk.simulated for walk in walks)
    note = '<p class="note"><strong>Simulated:</strong> no person walked this.</p>' if simulated else ""
    return (
        f'<header><h1>Walking backward</h1><p class="sub">{" · ".join(filter(None, told))}</p>{note}'
        "<p>Measured by a device at the belt; no diagnosis, and no replacement for anybody's judgement.</p></header>"
    )


def _next_walk(today: Today, when: str, advice: Sequence[str]) -> str:
    walks = today.walks_in_week
    in_week = "" if walks is None else f" Walks in the last seven days: {walks}."
    text = (
        f'<p class="big">{today.minutes:g} minutes{escape(when)}</p>'
        f"<p>{escape(today.reason[:1].upper() + today.reason[1:])}.{in_week}</p>"
    )
    if advice:
        items = "".join(f"<li>{escape(reason)}</li>" for reason in advice)
        text += (
            '<div class="advice" role="note"><p><strong>Advised: a treadmill with rails, or a partner behind her.'
            f"</strong> Not alone and free, for now; please talk about it.</p><ul>{items}</ul></div>"
        )
    return _section("next", "The next walk", text)


def _one_walk(walk: Record | None, step: Step | None) -> str:
    if walk is None:
        return _section("walk", "The walk", "<p>No walk is kept yet. The first one will stand here.</p>")
    dated = walk.date if walk.day is not None else f"{walk.date} (the clock was not to be trusted)"
    verdict = f"<p>For the plan: {escape(step.verdict)}: {escape(step.reason)}.</p>" if step else ""
    rows = "".join(
        f'<tr><th scope="row">{escape(what)}</th><td>{escape(value)}</td><td>{escape(beside)}</td></tr>'
        for what, value, beside in _rows(walk)
    )
    head = '<tr><th scope="col">what</th><th scope="col">this walk</th><th scope="col">to hold it against</th></tr>'
    caption = "<caption>Measured in this walk</caption>"
    table = f'<div class="scroll"><table>{caption}<thead>{head}</thead><tbody>{rows}</tbody></table></div>'
    return _section("walk", f"The walk of {dated}", verdict + table)


def _rows(walk: Record) -> Iterator[Row]:
    planned = _words(walk, "planned_minutes", "{:g} planned")
    yield "minutes walked", _words(walk, "minutes", "{:.1f} min"), planned if planned != UNKNOWN else ""
    yield "pauses", _words(walk, "pauses", "{:.0f}"), ""
    yield "distance", _with_error(walk, "distance_m", "{:.0f} m", "{:.0f} m"), "estimated: steps times step length"
    yield "mean speed", _words(walk, "speed_mps", "{:.2f} m/s"), f"{LEAST_SPEED_MPS:g} m/s (Fritz 2013)"
    yield (
        "steps, and their length",
        f"{_words(walk, 'steps', '{:.0f}')}, {_words(walk, 'step_length_m', '{:.2f} m')}",
        "",
    )
    yield "cadence", _words(walk, "cadence_spm", "{:.0f} steps/min"), ""
    yield "variability of step times", _words(walk, "step_time_sd_ms", "{:.0f} ms (SD)"), ""
    yield "sway against her own usual", _words(walk, "sway_ratio", "{:.2f} times"), "1 is her usual"
    yield "sway sideways, peak to peak", _words(walk, "sway_roll_p2p_deg", "{:.1f} deg"), _norm(SWAY_ROLL_DEG)
    yield "sway forward and back", _words(walk, "sway_pitch_p2p_deg", "{:.1f} deg"), _norm(SWAY_PITCH_DEG)
    yield "sway, end against beginning", _words(walk, "sway_drift", "{:.2f} times"), "above 1: she tired"
    yield "mean lean forward", _words(walk, "lean_deg", "{:.1f} deg"), "0 is her own upright"
    yield "obstacles: warnings, cautions", _pair(walk, "obstacle_warnings", "obstacle_cautions"), ""
    yield "first warning, nearest", _pair(walk, "first_warning_distance_m", "nearest_m", "{:.2f} m"), ""
    yield "stopped after a warning", _words(walk, "response_s", "{:.2f} s (median)"), ""
    yield "sway warnings", _words(walk, "sway_warnings", "{:.0f}"), ""
    yield "cues: lean, steps, rest", ", ".join(_words(walk, f"{kind}_cues", "{:.0f}") for kind in _CUES), ""
    yield "falls suspected, calls for help", _pair(walk, "falls", "sos"), ""
    yield "parts that failed", _words(walk, "faults", "{:.0f}"), ""
    yield "the device was started anew in it", _words(walk, "interruptions", "{:.0f}"), ""
    if walk.data.get("mode"):
        yield "walked with", str(walk.data["mode"]), _words(walk, "mode_minutes", "{:.1f} min of it")


_CUES = ("lean", "step", "rest")


def _tests(tests: Sequence[Record]) -> str:
    if not tests:
        return "<p>None yet. Two short presses while she stands start one.</p>"
    rows = []
    for test in tests[-10:]:
        duration_s = test.number("duration_s")
        result = f"{duration_s:.1f} s" if duration_s is not None else f"void: {test.data.get('reason') or 'unknown'}"
        among = band_words(duration_s) if duration_s is not None else ""
        rows.append([test.date, result, among, _words(test, "range_m", "{:.2f} m"), _words(test, "steps", "{:.0f}")])
    head = ("date", "time for 3 m", "among the limits", "by the rangefinder", "steps")
    bands = "".join(f"<li>{band.limit_s:g} s: {escape(f'{band.says} ({band.source})')}</li>" for band in BANDS)
    return (
        _plain_table("The last tests", head, rows)
        + f"<p>{_FROM_FIRST_MOVEMENT}</p><p>Published limits:</p><ul>{bands}</ul>"
    )


_FROM_FIRST_MOVEMENT = (
    "Timed by the motion sensor from her first movement, not from the word “go” as in clinics: by her reaction shorter "
    "than the times that the limits come from."
)


def _all_walks(walks: Sequence[Record], tests: Sequence[Record], steps: Sequence[Step]) -> Iterator[str]:
    drawn = "".join(map(_figure, _charts(walks, tests, steps)))
    yield _section("weeks", "The weeks", _by_week(walks) + drawn)
    yield _section("table", "All walks", _table(walks, steps))


def _by_week(walks: Sequence[Record]) -> str:
    """Medians of each week that has a date; where a clock was wrong, nobody knows which week it was."""
    weeks: dict[date, list[Record]] = {}
    for walk in walks:
        if walk.day is not None:
            day = date.fromordinal(walk.day)
            weeks.setdefault(day - timedelta(days=day.weekday()), []).append(walk)
    rows: list[list[str]] = []
    for monday, within in weeks.items():
        rows += _missed(date.fromisoformat(rows[-1][0]), monday) if rows else []
        minutes = sum(walk.number("minutes") or 0.0 for walk in within)
        warned = sum(walk.number(key) or 0.0 for walk in within for key in ("obstacle_warnings", "sway_warnings"))
        often = f"{10 * warned / minutes:.1f}" if minutes else NO_CELL
        medians = [_median(within, key, form) for key, form in _WEEKLY]
        rows.append([monday.isoformat(), str(len(within)), f"{minutes:.0f}", *medians, often])
    head = ("week from", "walks", "minutes", "m/s", "sway, times", "roll, deg", "pitch, deg", "warnings in 10 min")
    return (
        _plain_table("The weeks: minutes in all, and the medians of their walks", head, rows, 'class="wide"')
        if rows
        else ""
    )


def _missed(before: date, monday: date) -> list[list[str]]:
    """One row for the weeks between those two Mondays, where there are any: no walk, and nothing measured."""
    first, last = before + timedelta(days=7), monday - timedelta(days=7)
    if first > last:
        return []
    named = first.isoformat() if first == last else f"{first.isoformat()} to {last.isoformat()}"
    return [[named, "0", "0", *["" for _ in _WEEKLY], ""]]


_WEEKLY = (
    ("speed_mps", "{:.2f}"),
    ("sway_ratio", "{:.2f}"),
    ("sway_roll_p2p_deg", "{:.1f}"),
    ("sway_pitch_p2p_deg", "{:.1f}"),
)


def _median(records: Sequence[Record], key: str, form: str) -> str:
    known = [number for record in records if (number := record.number(key)) is not None]
    return form.format(median(known)) if known else NO_CELL


def _charts(walks: Sequence[Record], tests: Sequence[Record], steps: Sequence[Step]) -> Iterator[Chart]:
    """Those of which something is known."""
    counted = [test for test in tests if test.number("duration_s") is not None]
    yield "Minutes, walked and planned", charts.minutes(walks, steps), _in_words(walks, "minutes", "{:.1f} min")
    for title, key, draw, form in _LINES:
        if any(walk.number(key) is not None for walk in walks):
            yield title, draw(walks), _in_words(walks, key, form)
    if counted:
        words = _in_words(counted, "duration_s", "{:.1f} s")
        yield "3-m backward walk test", charts.backward_tests(counted), words


_LINES: tuple[tuple[str, str, Callable[[Sequence[Record]], str], str], ...] = (
    ("Mean speed", "speed_mps", charts.speed, "{:.2f} m/s"),
    ("Sway against her own usual", "sway_ratio", charts.sway_ratio, "{:.2f} times"),
    ("Sway against Lee 2014, forward walking", "sway_roll_p2p_deg", charts.sway_norm, "{:.1f} deg sideways"),
    ("Cadence", "cadence_spm", charts.cadence, "{:.0f} steps/min"),
    ("Variability of step times", "step_time_sd_ms", charts.variability, "{:.0f} ms"),
    ("Mean lean forward", "lean_deg", charts.lean, "{:.1f} deg"),
    ("Warnings and cues", "obstacle_warnings", charts.warnings, "{:.0f} obstacle warnings"),
    ("Time to stop after a warning", "response_s", charts.response, "{:.2f} s"),
)


def _figure(chart: Chart) -> str:
    title, drawing, words = chart
    caption = f"<figcaption><b>{escape(title)}</b> {escape(words)}</figcaption>"
    return f'<figure role="group">{caption}<div>{drawing}</div></figure>'


def _in_words(records: Sequence[Record], key: str, form: str) -> str:
    """For who cannot see the drawing, and for who can."""
    known = [number for record in records if (number := record.number(key)) is not None]
    if not known:
        return UNKNOWN
    last, middle, highest = (form.format(value) for value in (known[-1], median(known), max(known)))
    return f"last {last}, median {middle}, highest {highest} (n = {len(known)})"


def _table(walks: Sequence[Record], steps: Sequence[Step]) -> str:
    head = ("no.", "date", "min", "plan", "m", "m/s", "steps/min", "sway, times", "warnings", "cues", "for the plan")
    rows = []
    for number, (walk, step) in enumerate(zip(walks, steps, strict=True), 1):
        warned = _sum(walk, "obstacle_warnings", "sway_warnings")
        cued = _sum(walk, "lean_cues", "step_cues", "rest_cues")
        keys = (("minutes", "{:.1f}"), ("planned_minutes", "{:g}"), ("distance_m", "{:.0f}"), ("speed_mps", "{:.2f}"))
        more = (("cadence_spm", "{:.0f}"), ("sway_ratio", "{:.2f}"))
        values = [_words(walk, key, form).replace(UNKNOWN, NO_CELL) for key, form in (*keys, *more)]
        rows.append([str(number), walk.date, *values, warned, cued, f"{step.verdict}: {step.reason}"])
    return _plain_table("Oldest first", head, rows, 'class="wide"')


def _sources() -> str:
    notes = (
        "Distance and speed are estimates from steps and step length; the error that is given is one standard "
        "deviation.",
        SPEED_SOURCE,
        f"Sway, peak to peak: sideways {_norm(SWAY_ROLL_DEG)}, forward and back {_norm(SWAY_PITCH_DEG)}. "
        f"{SWAY_ROLL_DEG.source}",
        *(f"3 m in {band.limit_s:g} s: {band.says}. {band.source}" for band in BANDS),
        "Such limits tell groups apart, not people: they are a reason to talk, never a diagnosis.",
    )
    return f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>"


def _section(name: str, title: str, body: str) -> str:
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(title)}</h2>{body}</section>'


def _plain_table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], look: str = "") -> str:
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table {look}><caption>{escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _words(record: Record, key: str, form: str) -> str:
    number = record.number(key)
    return UNKNOWN if number is None else form.format(number)


def _pair(record: Record, one: str, other: str, form: str = "{:.0f}") -> str:
    return f"{_words(record, one, form)}, {_words(record, other, form)}"


def _with_error(record: Record, key: str, form: str, error_form: str) -> str:
    error = record.number(key.removesuffix("_m") + "_sd_m")
    return _words(record, key, form) + ("" if error is None else f" ± {error_form.format(error)}")


def _sum(record: Record, *keys: str) -> str:
    known = [number for key in keys if (number := record.number(key)) is not None]
    return f"{sum(known):.0f}" if known else NO_CELL


def _norm(norm: Norm) -> str:
    return f"{norm.mean:.1f} ± {norm.sd:.1f} deg (Lee 2014)"
