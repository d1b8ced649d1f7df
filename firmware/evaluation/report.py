"""The scores as tables for people: rows of words, whoever prints them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from firmware.evaluation.scoring import WALKING

Score = Mapping[str, Any]
SHOWN_ERRORS = 40
NONE = "-"
_SHARES = ("sensitivity", "specificity", "f1")


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
    ages = everything["by_age"]
    groups = {**named, **{f"age {age}": s for age, s in ages.items()}} if len(ages) > 1 else named
    found = [
        _judged(groups),
        _falls(groups),
        _times(named),
        _activities(everything),
        _directions(everything["directions"]),
        _errors(sets),
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
    return column > 0 and table.columns[column] not in ("person", "trial", "what")


def _judged(named: Mapping[str, Score]) -> Table:
    columns = ("", "people", "falls", "activities", "hours", "not ready", "sensor fault")
    keys = ("people", "falls", "adl", "adl_h", "not_ready", "faults")
    rows = [(name, *(f"{s[key]:.2f}" if key == "adl_h" else str(s[key]) for key in keys)) for name, s in named.items()]
    return Table("Trials, and the hours of activities", columns, tuple(rows))


def _falls(named: Mapping[str, Score]) -> Table:
    columns = ("", "sensitivity", "specificity", "F1", "alarms/h")
    rows = [
        (name, *(_with_interval(s, key) for key in _SHARES), number(s["false_alarms_per_h"]))
        for name, s in named.items()
    ]
    title = "Falls, per cent of trials (95 % interval); false alarms an hour of activities"
    return Table(title, columns, tuple(rows))


def _times(named: Mapping[str, Score]) -> Table:
    columns = ("", "alarm", "p95", "foreseen %", "lead", "p5", "quiet %", "armed/h", "sway/h")
    title = (
        "Seconds from the impact to the alarm, and from the pre-impact estimate to the\n"
        "impact; activities in which it did not arm; armings and sway warnings an hour of\n"
        "walking"
    )
    return Table(title, columns, tuple(_time_row(name, s) for name, s in named.items()))


def _time_row(name: str, s: Score) -> tuple[str, ...]:
    late, lead, pre = s["latency_s"], s["lead_s"], s["pre_impact"]
    return (
        name,
        number(late["median"]),
        number(late["p95"]),
        share(pre["sensitivity"]),
        number(lead["median"]),
        number(lead["p5"]),
        share(pre["specificity"]),
        number(pre["false_alarms_per_h_walking"]),
        number(s["sway_warnings_per_h"]),
    )


def _activities(everything: Score) -> Table:
    rows = [_activity_row(kind, s) for kind, s in everything["activities"].items()]
    around = everything["around_falls"]
    if around["trials"]:
        alarms, hours = around["alarms"], around["hours"]
        rate = number(_per_hour(alarms, hours))
        rows.append(("(around falls)", str(around["trials"]), f"{hours:.2f}", str(alarms), rate, NONE, NONE))
    columns = ("activity", "trials", "hours", "alarms", "alarms/h", "specificity", "sway/h")
    return Table("Activities: false alarms; per cent of quiet trials (95 % interval)", columns, tuple(rows))


def _activity_row(kind: str, s: Score) -> tuple[str, ...]:
    hours, alarms = s["hours"], s["alarms"]
    rate, swayed = number(_per_hour(alarms, hours)), NONE
    if kind in WALKING:
        swayed = number(_per_hour(s["sway_warnings"], hours))
    return (kind, str(s["trials"]), f"{hours:.2f}", str(alarms), rate, _with_interval(s, "specificity"), swayed)


def _per_hour(count: int, hours: float) -> float | None:
    return count / hours if hours > 0.0 else None


def _directions(directions: Mapping[str, Score]) -> Table:
    rows = [(name, str(s["falls"]), _with_interval(s, "sensitivity")) for name, s in directions.items()]
    return Table(
        "Falls by direction, per cent found (95 % interval)", ("direction", "falls", "sensitivity"), tuple(rows)
    )


def _errors(sets: Mapping[str, Score]) -> Table:
    errors = [(name, *error) for name, s in sets.items() for error in s["errors"]]
    left = len(errors) - SHOWN_ERRORS
    title = f"Errors ({SHOWN_ERRORS} of {len(errors)}; --json has all)" if left > 0 else f"Errors ({len(errors)})"
    return Table(title, ("set", "person", "trial", "what"), tuple(errors[:SHOWN_ERRORS]))


def _with_interval(s: Score, key: str) -> str:
    interval = s[f"{key}_ci95"]
    if interval is None:
        return share(s[key])
    low, high = ("100" if end == 1.0 else f"{100 * end:.1f}" for end in interval)
    return f"{share(s[key])} ({low}-{high})"


def share(value: float | None) -> str:
    """In per cent."""
    return NONE if value is None else f"{100 * value:.2f}"


def number(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"
