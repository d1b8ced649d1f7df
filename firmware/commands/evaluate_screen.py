"""How an evaluation is shown: tables and a progress bar in a terminal, plain lines in a pipe."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from firmware.errors import how_to_add
from firmware.evaluation.report import numeric, plain_lines, tables
from firmware.evaluation.runner import Progress


def show(scores: Mapping[str, Any]) -> None:
    """Print everything."""
    if sys.stdout.isatty():
        try:
            _show_rich(scores)
        except ImportError:
            print(f"For coloured tables: {how_to_add('evaluate')}. Plain lines follow.")
        else:
            return
    print("\n\n".join("\n".join(plain_lines(table)) for table in tables(scores)))


def _show_rich(scores: Mapping[str, Any]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for table in tables(scores):
        console.print(f"\n[bold]{table.title}[/bold]")
        drawn = Table(header_style="dim", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        for index, column in enumerate(table.columns):
            drawn.add_column(column, justify="right" if numeric(table, index) else "left", overflow="fold")
        for row in table.rows:
            drawn.add_row(*row, style="bold" if row[0] == "all" else None)
        console.print(drawn)


@contextlib.contextmanager
def open_progress() -> Iterator[Progress]:
    """A bar on standard error where somebody looks at it; silence elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        yield _percent
        print(file=sys.stderr)
        return
    columns = (TextColumn("evaluating"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("evaluating", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _percent(done: int, of: int) -> None:
    print(f"\revaluating {100 * done // max(1, of):3d} %", end="", file=sys.stderr, flush=True)
