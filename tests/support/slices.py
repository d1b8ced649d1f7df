"""Slices of movement for the estimators that read them, from samples at any rate."""

from dataclasses import dataclass

from firmware.core.estimators.motion import MotionHistory
from firmware.core.estimators.slices import Slicer
from hal.samples import Vector


@dataclass
class Felt:
    """What the attitude says of a slice."""

    magnitude_mps2: float = 9.80665
    vertical_mps2: float = 0.0
    turning_radps: float = 0.0
    tilt_rad: float = 0.0
    up: Vector = (0.0, 0.0, 1.0)
    upright: Vector | None = None
    pitch_rad: float = 0.0
    roll_rad: float = 0.0
    yaw_radps: float = 0.0


class Bobbing:
    """Somebody whose trunk only moves up and down, sample by sample."""

    def __init__(self) -> None:
        self.motion, self._slicer = MotionHistory(), Slicer()

    def add(self, t_ns: int, vertical_mps2: float, turning_radps: float, tilt_rad: float, up: Vector) -> bool:
        """True when a slice ended with this sample."""
        force = 9.80665 + vertical_mps2
        x, y, z = up
        if not self._slicer.add(t_ns, (x * force, y * force, z * force), (turning_radps, 0.0, 0.0), abs(force)):
            return False
        mean = self._slicer.accel_mps2
        along = mean[0] * x + mean[1] * y + mean[2] * z
        self.motion.add(self._slicer, Felt(abs(along), along - 9.80665, turning_radps, tilt_rad, up))
        return True
