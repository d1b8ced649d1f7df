"""Eight weeks of a simulated walker's plan, to look at the curve and at the report without waiting for eight weeks."""

import math
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from firmware.core.messages import Value
from firmware.core.plan import Plan, PlanConfig
from firmware.known_day import SYNCED
from firmware.walks import SCHEMA, TEST, WALK, Record, done

FIRST_DAY = date(2026, 1, 5)  # a Monday
WEEKS = 8
DAYS = (0, 2, 4)  # Monday, Wednesday, Friday
Spoil = Callable[[int, int], dict[str, Value] | None]
"""Of week and walk, both counted from 0: what is different in that walk; None: it does not take place."""


def all_clean(week: int, walk: int) -> dict[str, Value] | None:
    """Every walk is clean."""
    return {}


def ups_and_downs(week: int, walk: int) -> dict[str, Value] | None:
    """Two unclean walks in the third week, and the fifth week is missed."""
    if week == 4:
        return None
    return {"rest_cues": 1, "obstacle_warnings": 9, "sway_warnings": 2} if week == 2 and walk > 0 else {}


def a_fall(week: int, walk: int) -> dict[str, Value] | None:
    """A fall in the fourth week."""
    return {"falls": 1, "sway_warnings": 1} if (week, walk) == (3, 1) else {}


def simulated(config: PlanConfig, spoil: Spoil) -> Iterator[Record]:
    """The records of eight weeks, each walk as long as the plan says on that day, and now and then a 3-m test."""
    plan, number = Plan(config), 0
    for week in range(WEEKS):
        for walk, weekday in enumerate(DAYS):
            other = spoil(week, walk)
            if other is None:
                continue
            day = FIRST_DAY + timedelta(days=7 * week + weekday)
            minutes = plan.today(day.toordinal()).minutes
            record = _record(number, WALK, day, _walked(minutes, week + walk / 3, other))
            plan.add(done(record))
            yield record
            number += 1
            if walk == 0 and week % 2 == 0:
                seconds = 6.4 - 0.28 * week
                measured: dict[str, Value] = {"distance_m": 3.0, "range_m": 2.96, "steps": 10, "reason": ""}
                yield _record(number, TEST, day, {"duration_s": round(seconds, 1), **measured})
                number += 1


def _walked(planned_min: float, weeks: float, other: dict[str, Value]) -> dict[str, Value]:
    """Somebody who gets a little quicker and steadier; the same every time."""
    wave = math.sin(2.1 * weeks) + 0.5 * math.sin(5.3 * weeks)
    cadence_spm, step_m = 92.0 + 1.1 * weeks + 1.5 * wave, 0.34 + 0.005 * weeks
    minutes = round(planned_min * (0.97 + 0.02 * wave), 2)
    steps = round(cadence_spm * minutes)
    return {
        "minutes": minutes,
        "planned_minutes": planned_min,
        "pauses": 1 if wave > 0.7 else 0,
        "steps": steps,
        "distance_m": round(steps * step_m, 1),
        "distance_sd_m": round(0.12 * steps * step_m, 1),
        "speed_mps": round(cadence_spm / 60 * step_m, 3),
        "step_length_m": round(step_m, 3),
        "cadence_spm": round(cadence_spm, 1),
        "step_time_sd_ms": round(52 - 1.6 * weeks + 3 * wave),
        "lean_deg": round(3.4 - 0.2 * weeks + 0.5 * wave, 1),
        "sway_rms_deg": round(2.9 - 0.08 * weeks + 0.15 * wave, 2),
        "sway_drift": round(1.05 + 0.04 * wave, 2),
        "sway_ratio": None if weeks < 1 else round(1.12 - 0.025 * weeks + 0.06 * wave, 2),
        "sway_roll_p2p_deg": round(7.6 - 0.2 * weeks + 0.4 * wave, 1),
        "sway_pitch_p2p_deg": round(8.0 - 0.15 * weeks + 0.5 * wave, 1),
        "response_s": round(1.15 - 0.03 * weeks + 0.05 * wave, 2),
        "obstacle_cautions": 3,
        "obstacle_warnings": 1 + (wave > 0.5),
        "first_warning_distance_m": 1.34,
        "nearest_m": 0.71,
        "sway_warnings": int(wave > 1.0),
        "lean_cues": max(0, round(2 - weeks / 2)),
        "step_cues": 0,
        "rest_cues": 0,
        "falls": 0,
        "sos": 0,
        "faults": 0,
        "mode": None,
        "mode_minutes": 0.0,
        "clear_m": 4.0,
        "no_start": "",
        **other,
    }


def _record(number: int, kind: str, day: date, data: dict[str, Value]) -> Record:
    identity = f"019b8dd6-0000-7000-8000-{number:012}"
    return Record(
        SCHEMA, kind, identity, f"{day}T10:00:00.000Z", str(day), SYNCED, "rg-00000000", "simulated", True, data
    )
