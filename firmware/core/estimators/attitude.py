"""Which way is up, and how far the trunk leans from its own upright stance."""

import math
from dataclasses import dataclass

from hal.samples import Vector

G0_MPS2 = 9.80665


@dataclass(frozen=True, slots=True)
class AttitudeConfig:
    """How the gravity vector is followed and how the personal upright is learned."""

    correction_s: float = 0.7  # the accelerometer pulls the gyroscope back this fast; longer than a step's jolt
    gate_g: float = 0.3  # an acceleration this far from 1 g says nothing about which way is up
    max_gap_s: float = 0.15  # over a longer gap the gyroscope cannot be integrated
    still_s: float = 1.0  # so long must the walker stand still
    still_radps: float = 0.35
    still_mps2: float = 1.0
    max_mounting_tilt_deg: float = 60.0  # beyond it the wearer lies, or the device is clipped on wrongly

    def __post_init__(self) -> None:
        for key in ("correction_s", "gate_g", "max_gap_s", "still_s", "still_radps", "still_mps2"):
            if not getattr(self, key) > 0:
                raise ValueError(f"attitude: {key} ({getattr(self, key)}) must be greater than 0")
        if not 0 < self.max_mounting_tilt_deg < 90:
            raise ValueError(
                f"attitude: max_mounting_tilt_deg ({self.max_mounting_tilt_deg}) must lie between 0 and 90"
            )


class Attitude:
    """Follows gravity in body axes: the gyroscope turns it, the accelerometer corrects it when it reads about 1 g.

    The upright reference is the mean gravity of the first second of standing still, so the device may be
    clipped on at a tilt. Pitch is positive leaning forward, roll is positive leaning right, both in radians.
    """

    def __init__(self, config: AttitudeConfig) -> None:
        self._config = config
        self._gate_mps2 = config.gate_g * G0_MPS2
        self._t_ns: int | None = None
        self._up: Vector = (0.0, 0.0, 1.0)
        self._bias_radps: Vector = (0.0, 0.0, 0.0)
        self._forward: Vector = (1.0, 0.0, 0.0)
        self._left: Vector = (0.0, 1.0, 0.0)
        self._upright: Vector | None = None
        self._still_since_ns: int | None = None
        self._still_sums = [0.0] * 6
        self._still_count = 0
        self.magnitude_mps2 = G0_MPS2
        self.vertical_mps2 = 0.0
        self.tilt_rad = 0.0
        self.pitch_rad = 0.0
        self.roll_rad = 0.0
        self.pitch_radps = 0.0
        self.roll_radps = 0.0

    @property
    def upright_known(self) -> bool:
        return self._upright is not None

    def restart(self) -> None:
        """Forget the motion, not the upright: for the first sample after a fault."""
        self._t_ns = None
        self._still_since_ns = None

    def update(self, t_ns: int, accel_mps2: Vector, gyro_radps: Vector) -> None:
        ax, ay, az = accel_mps2
        bx, by, bz = self._bias_radps
        wx, wy, wz = gyro_radps[0] - bx, gyro_radps[1] - by, gyro_radps[2] - bz
        magnitude = math.sqrt(ax * ax + ay * ay + az * az)
        dt_s = 0.0 if self._t_ns is None else (t_ns - self._t_ns) * 1e-9
        self._t_ns = t_ns
        self.magnitude_mps2 = magnitude
        if 0.0 < dt_s <= self._config.max_gap_s:
            self._turn(dt_s, accel_mps2, magnitude, wx, wy, wz)
        elif magnitude > 0.0:
            self._up = (ax / magnitude, ay / magnitude, az / magnitude)
        ux, uy, uz = self._up
        self.vertical_mps2 = ax * ux + ay * uy + az * uz - G0_MPS2
        if self._upright is None:
            self._learn_upright(t_ns, accel_mps2, gyro_radps)
        else:
            self._lean(self._upright, wx, wy, wz)

    def _turn(self, dt_s: float, accel_mps2: Vector, magnitude: float, wx: float, wy: float, wz: float) -> None:
        ux, uy, uz = self._up
        x = ux + (uy * wz - uz * wy) * dt_s
        y = uy + (uz * wx - ux * wz) * dt_s
        z = uz + (ux * wy - uy * wx) * dt_s
        error_mps2 = abs(magnitude - G0_MPS2)
        if error_mps2 < self._gate_mps2:
            trust = 1.0 - error_mps2 / self._gate_mps2
            gain = trust * dt_s / (self._config.correction_s + dt_s)
            keep, pull = 1.0 - gain, gain / magnitude
            x = x * keep + accel_mps2[0] * pull
            y = y * keep + accel_mps2[1] * pull
            z = z * keep + accel_mps2[2] * pull
        length = math.sqrt(x * x + y * y + z * z)
        if length > 0.0:
            self._up = (x / length, y / length, z / length)

    def _lean(self, upright: Vector, wx: float, wy: float, wz: float) -> None:
        ux, uy, uz = self._up
        fx, fy, fz = self._forward
        lx, ly, lz = self._left
        along = ux * upright[0] + uy * upright[1] + uz * upright[2]
        forward = ux * fx + uy * fy + uz * fz
        left = ux * lx + uy * ly + uz * lz
        self.tilt_rad = math.atan2(math.sqrt(forward * forward + left * left), along)
        self.pitch_rad = math.atan2(-forward, along)
        self.roll_rad = math.atan2(left, along)
        self.pitch_radps = wx * lx + wy * ly + wz * lz
        self.roll_radps = wx * fx + wy * fy + wz * fz

    def _learn_upright(self, t_ns: int, accel_mps2: Vector, gyro_radps: Vector) -> None:
        config = self._config
        turning = math.sqrt(sum(rate * rate for rate in gyro_radps))
        if not (turning < config.still_radps and abs(self.magnitude_mps2 - G0_MPS2) < config.still_mps2):
            self._still_since_ns = None
            return
        if self._still_since_ns is None:
            self._still_since_ns, self._still_sums, self._still_count = t_ns, [0.0] * 6, 0
        for axis, value in enumerate((*accel_mps2, *gyro_radps)):
            self._still_sums[axis] += value
        self._still_count += 1
        if t_ns - self._still_since_ns >= config.still_s * 1e9:
            self._still_since_ns = None
            self._take_upright([total / self._still_count for total in self._still_sums])

    def _take_upright(self, means: list[float]) -> None:
        length = math.sqrt(means[0] ** 2 + means[1] ** 2 + means[2] ** 2)
        x, y, z = means[0] / length, means[1] / length, means[2] / length
        if z < math.cos(math.radians(self._config.max_mounting_tilt_deg)):
            return
        across = math.sqrt(1.0 - x * x)  # not 0: the mounting tilt is below 90 degrees
        forward = (across, -x * y / across, -x * z / across)
        self._forward = forward
        self._left = (
            y * forward[2] - z * forward[1],
            z * forward[0] - x * forward[2],
            x * forward[1] - y * forward[0],
        )
        self._up = self._upright = (x, y, z)
        self._bias_radps = (means[3], means[4], means[5])
