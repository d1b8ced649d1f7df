"""Whether the device sits on the body as its mounting says: gravity must point about down when the walk begins.

A device that was turned about the vertical cannot be told from one that was not: gravity is the same.
"""

import math
from dataclasses import dataclass

from hal.samples import Vector

UPSIDE_DOWN_DEG = 135.0
CALIBRATED_TILT_DEG = 25.0
"""`max_tilt_deg` for a wearer whose own mounting was found by `rearguard calibrate`."""


@dataclass(frozen=True, slots=True)
class MountingCheckConfig:
    """How far from upright the device may sit."""

    # Waist sensors of 53 people sat tilted by up to 36° while they stood and 44° on stairs; a wrong axis shows as 90°.
    # From their own usual stance the same people were never more than 23° away: see CALIBRATED_TILT_DEG.
    max_tilt_deg: float = 45.0

    def __post_init__(self) -> None:
        if not 15.0 <= self.max_tilt_deg <= 60.0:
            raise ValueError(f"mounting_check: max_tilt_deg ({self.max_tilt_deg}) must lie between 15 and 60")


class MountingCheck:
    """Says what is wrong with how the device sits, and what to do. It judges readiness only, never a fall."""

    def __init__(self, config: MountingCheckConfig) -> None:
        self._max_deg = config.max_tilt_deg
        self._judged: Vector | None = None
        self._said = ""

    def judge(self, up: Vector | None) -> str:
        """Empty, or what is wrong.

        Args:
            up: where up was while the walker stood, a unit vector in body axes; None while that is not known.
        """
        if up is not self._judged:
            self._judged, self._said = up, "" if up is None else self._complaint(up)
        return self._said

    def _complaint(self, up: Vector) -> str:
        tilt_deg = math.degrees(math.atan2(math.hypot(up[0], up[1]), up[2]))
        if tilt_deg <= self._max_deg:
            return ""
        how = "upside down" if tilt_deg > UPSIDE_DOWN_DEG else f"tilted by {tilt_deg:.0f} deg {_direction(up)}"
        return f"it is worn {how}: turn it upright, or run `rearguard calibrate`"


def _direction(up: Vector) -> str:
    """Up seems to lie where the device leans away from."""
    forward, left, _ = up
    if abs(forward) >= abs(left):
        return "forward" if forward < 0.0 else "backward"
    return "to the right" if left > 0.0 else "to the left"
