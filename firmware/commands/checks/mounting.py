"""Which way round the motion sensor sits on the body: by what that is known, and whether gravity agrees."""

import math
from collections.abc import Sequence

from firmware.commands.checks.check import Check
from firmware.core.detectors.mounting_check import MountingCheck, MountingCheckConfig
from hal.samples import Vector


def mounting(told: Sequence[str], feels_mps2: Vector | None, limits: MountingCheckConfig) -> Check:
    """
    Args:
        told: what `firmware.mounting.mounted` told: the mounting in use, and before it what is wrong with a kept one.
        feels_mps2: specific force in body axes while still; None when that is not known.
    """
    *complaints, in_use = (text.removeprefix("mounting: ") for text in told)
    if complaints:
        what, _, advice = complaints[0].rpartition("; ")
        return Check("mounting", "warn", f"{what or advice}; {in_use}", advice)
    if feels_mps2 is None:
        return Check("mounting", "ok", in_use)
    g_mps2 = math.hypot(*feels_mps2)
    forward, left, up = (axis / g_mps2 for axis in feels_mps2)
    detail = f"{in_use}; {math.degrees(math.atan2(math.hypot(forward, left), up)):.0f}° from upright now"
    wrong = MountingCheck(limits).judge((forward, left, up))
    if not wrong:
        return Check("mounting", "ok", detail)
    return Check("mounting", "warn", detail, f"lying on a table that means nothing; otherwise {wrong}")
