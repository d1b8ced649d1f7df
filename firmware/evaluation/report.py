"""The scores as tables for people: rows of words, whoever prints them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firmware.evaluation.scoring import WALKING

Score = Mapping[str, Any]
SHOWN_ERRORS = 40
NONE = "-"


@dataclass(frozen=True, slots=True)
class Table:
    """The first column is text, the others are figures."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(scores: Mapping[str, Any]) -> list[Table]:
    """Everything that was scored; a table without rows is left out."""
    sets, everything = scores["sets"], scores["all"]
    named = {**sets, "all": everything} if len(sets) != 1 else dict(sets)
    found = [
        _falls(named),
        _times(named),
        _activities(everything["by_kind"]),
        _directions(everything["by_direction"]),
        _ages(everything["by_age"]),
        _errors(everything["errors"]),
    ]
    return [table for table in found if table.rows]


def plain_lines(table: Table) -> list[str]:
    """In columns, for a pipe or a file."""
    grid = [table.columns, *table.rows]
    widths = [max(len(row[i]) for row in grid) for i in range(len(table.columns))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 or not numeric(table, i) else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in grid
    ]
    return [table.title, *(line.rstrip() for line in lines)]


def numeric(table: Table, column: int) -> bool:
    """Whether a column holds figures: they stand to the right."""
    return column > 0 and table.columns[column] not in ("trial", "what")


def _falls(named: Mapping[str, Score]) -> Table:
    columns = (*("set", "people", "falls", "activities", "h", "sensitivity", "specificity", "F1"), "false alarms/h")
    return Table("Falls, per trial (95 % intervals)", columns, tuple(_fall_row(n, s) for n, s in named.items()))


def _fall_row(name: str, s: Score) -> tuple[str, ...]:
    shares = (_with_interval(s, key) for key in ("sensitivity", "specificity", "f1"))
    counts = (str(s["people"]), str(s["falls"]), str(s["adl"]), f"{s['adl_h']:.2f}")
    return (name, *counts, *shares, number(s["false_alarms_per_h"]))


def _times(named: Mapping[str, Score]) -> Table:
    columns = (
        *("set", "alarm after impact, median", "p95", "armed before impact", "quiet activities", "lead, median", "p5"),
        *("armed/h walking", "sway warnings/h walking"),
    )
    return Table("How soon (s)", columns, tuple(_time_row(name, s) for name, s in named.items()))


def _time_row(name: str, s: Score) -> tuple[str, ...]:
    late, lead, pre = s["latency_s"], s["lead_s"], s["pre_impact"]
    return (
        name,
        number(late["median"]),
        number(late["p95"]),
        share(pre["sensitivity"]),
        share(pre["specificity"]),
        number(lead["median"]),
        number(lead["p5"]),
        number(pre["false_alarms_per_h_walking"]),
        number(s["sway_warnings_per_h"]),
    )


def _activities(by_kind: Mapping[str, Score]) -> Table:
    rows = tuple(_activity_row(kind, s) for kind, s in by_kind.items() if kind != "fall")
    columns = ("activity", "trials", "h", "false alarms", "false alarms/h", "sway warnings/h")
    return Table("False alarms by activity", columns, rows)


def _activity_row(kind: str, s: Score) -> tuple[str, ...]:
    hours, alarms = s["hours"], s["alarms"]
    swayed = number(_per_hour(s["sway_warnings"], hours)) if kind in WALKING else NONE
    return (kind, str(s["trials"]), f"{hours:.2f}", str(alarms), number(_per_hour(alarms, hours)), swayed)


def _per_hour(count: int, hours: float) -> float | None:
    return count / hours if hours > 0.0 else None


def _directions(by_direction: Mapping[str, Score]) -> Table:
    rows = [(name, str(s["falls"]), _with_interval(s, "sensitivity")) for name, s in by_direction.items()]
    return Table("Falls by direction", ("direction", "falls", "sensitivity"), tuple(rows))


def _ages(by_age: Mapping[str, Score]) -> Table:
    columns = (*("age", "people", "falls", "activities", "h", "sensitivity", "specificity", "F1"), "false alarms/h")
    return Table("By age", columns, tuple(_fall_row(name, s) for name, s in by_age.items()))


def _errors(errors: Sequence[Sequence[str]]) -> Table:
    left = len(errors) - SHOWN_ERRORS
    title = f"Errors ({SHOWN_ERRORS} of {len(errors)}; --json has all)" if left > 0 else f"Errors ({len(errors)})"
    rows = tuple((subject, trial, what) for subject, trial, what in errors[:SHOWN_ERRORS])
    return Table(title, ("person", "trial", "what"), rows)


def _with_interval(s: Score, key: str) -> str:
    interval = s[f"{key}_ci95"]
    return share(s[key]) if interval is None else f"{share(s[key])} ({100 * interval[0]:.1f}-{100 * interval[1]:.1f})"


def share(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.2f} %"


def number(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"
