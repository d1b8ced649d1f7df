"""`rearguard plan`: how long the next walk is to be, when, and why."""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from firmware.commands.records import kept, settings, today
from firmware.core.plan import PlanConfig, Step, Today
from firmware.errors import ConfigError, MissingExtra, RearguardError, how_to_add
from firmware.known_day import UNSYNCED
from firmware.walks import WALK, Record, advice, planned

ADVICE = "advised, for now: a treadmill with rails, or a partner behind (no diagnosis; please talk about it)"
Curve = tuple[str, Sequence[Record]]  # its name, and the walks


def plan(args: argparse.Namespace) -> int:
    """0 when the plan could be told, and drawn where that was asked for.

    Raises:
        RearguardError: there is nothing to draw yet.
    """
    config = settings(args)
    kind = _drawable(args.draw) if args.draw else ""
    if args.simulated:
        curves = list(_simulated(config.plan))
        for name, walks in curves:
            print(f"{name}: {', '.join(f'{_planned(walk):g}' for walk in walks)} minutes")
    else:
        found = kept(config)
        curves = [("her walks", [walk for walk in found.walks if not walk.simulated])]
        now, steps = planned(config.plan, found.walks)
        day, clock = today()
        known = clock != UNSYNCED
        coming = now.today(day.toordinal() if known else None)
        if args.json:
            _tell_as_json(coming, steps, advice(found))
        else:
            _tell(coming, config.plan, advice(found), day_known=known)
    if args.draw and not any(walks for _, walks in curves):
        see = f"rearguard plan --simulated --draw {args.draw}"
        raise RearguardError(f"--draw {args.draw}: not drawn, no walk is kept yet (to see what it looks like: {see})")
    if args.draw:
        _draw(args.draw, kind, curves)
    return 0


def _tell(coming: Today, config: PlanConfig, reasons: Sequence[str], *, day_known: bool) -> None:
    print(f"the next walk: {coming.minutes:g} minutes{due(coming)}")
    print(f"because: {coming.reason}")
    if day_known:
        print(f"walks in the last seven days: {coming.walks_in_week}; the plan has {config.per_week} a week")
    else:
        print("nobody knows the day (no network, no clock chip): walks are kept, and none of them lets the plan grow")
    for line in (ADVICE, *(f"  {reason}" for reason in reasons)) if reasons else ():
        print(line)


def _tell_as_json(coming: Today, steps: Sequence[Step], reasons: Sequence[str]) -> None:
    body = {"v": 1, "minutes": coming.minutes, "reason": coming.reason, "due_in_days": coming.due_in_days}
    walks = [{"verdict": step.verdict, "reason": step.reason, "minutes": step.minutes} for step in steps]
    print(json.dumps({**body, "walks_in_week": coming.walks_in_week, "not_safe_alone": reasons, "walks": walks}))


def due(coming: Today) -> str:
    """When the next walk is due, to follow its minutes; empty where nobody knows what day it is."""
    if coming.due_in_days is None:
        return ""
    return {0: ", due today", 1: ", due tomorrow"}.get(coming.due_in_days, f", due in {coming.due_in_days} days")


def _simulated(config: PlanConfig) -> Iterator[Curve]:
    from firmware.reports import weeks

    for name, spoil in (
        ("every walk clean", weeks.all_clean),
        ("two unclean walks in week 3, week 5 missed", weeks.ups_and_downs),
        ("a fall in week 4", weeks.a_fall),
    ):
        yield name, [record for record in weeks.simulated(config, spoil) if record.kind == WALK]


def _drawable(path: Path) -> str:
    """The kind of picture that `path` asks for, before any work is done.

    Raises:
        ConfigError: there is no such kind.
        MissingExtra: nothing can be drawn here.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("svg", "png"):
        raise ConfigError(f"--draw {path}: expected a name that ends with .svg or .png")
    if find_spec("matplotlib") is None:
        raise MissingExtra(f"pictures need matplotlib; {how_to_add('report')}")
    return kind


def _draw(path: Path, kind: str, curves: Sequence[Curve]) -> None:
    from firmware.reports import charts

    lines = [(name, _days(walks), [_planned(walk) for walk in walks]) for name, walks in curves]
    try:
        charts.save(charts.plan_curves(lines), str(path), kind)
    except OSError as error:
        raise ConfigError(f"--draw {path}: cannot be written: {error.strerror}") from error
    print(f"drew {path}", file=sys.stderr)


def _days(walks: Sequence[Record]) -> list[float]:
    """Since the first dated walk; one without a date stands where the last one was."""
    days: list[float] = []
    first = next((walk.day for walk in walks if walk.day is not None), 0)
    for walk in walks:
        days.append(float(walk.day - first) if walk.day is not None else (days[-1] if days else 0.0))
    return days


def _planned(walk: Record) -> float:
    minutes = walk.number("planned_minutes")
    return math.nan if minutes is None else minutes
