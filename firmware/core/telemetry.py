"""The numbers of the moment, for whoever watches."""

import math

from firmware.core.balance import Balance
from firmware.core.behind import Behind
from firmware.core.course import Course
from firmware.core.messages import Pattern, Telemetry
from firmware.core.moving import Moving


def telemetry(
    now_ns: int,
    course: Course,
    pattern: Pattern,
    moving: Moving,
    balance: Balance,
    behind: Behind,
    imu_ok: bool,
    worn: bool | None,
) -> Telemetry:
    """What is not known is None; angles are while the IMU can be trusted and her upright is known."""
    attitude, steps, trunk, approach, tally = (
        moving.attitude,
        moving.steps,
        balance.trunk,
        behind.approach,
        course.tally,
    )
    known = attitude.upright_known and imu_ok
    sway_rad = math.hypot(trunk.pitch_rad, trunk.roll_rad)
    return Telemetry(
        now_ns,
        course.state,
        pattern,
        _rounded(approach.distance_m),
        _rounded(approach.closing_mps),
        _rounded(approach.time_to_collision_s()),
        round(math.degrees(attitude.pitch_rad), 1) if known else None,
        round(math.degrees(sway_rad), 1) if known else None,
        round(math.degrees(trunk.rate_radps), 1) if known else None,
        tally.steps_in_all,
        _rounded(steps.cadence_spm(now_ns)),
        worn,
        behind.companion.mode,
        _rounded(behind.companion.range_m),
        _rounded(tally.clear_m) if course.before else None,
        tally.no_start,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
