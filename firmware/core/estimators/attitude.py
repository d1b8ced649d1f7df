"""Which way is up, and how far the trunk leans from its own upright stance."""

import math
from collections import deque
from dataclasses import dataclass

from hal.samples import Vector

G0_MPS2 = 9.80665
_POOR_MPS2 = 0.4 * G0_MPS2  # how wrong a poor sensor may read gravity and still tell its direction


@dataclass(frozen=True, slots=True)
class AttitudeConfig:
    """How the gravity vector is followed and how the personal upright is learned."""

    correction_s: float = 0.7  # the accelerometer pulls the gyroscope back this fast; longer than a step's jolt
    gate_g: float = 0.3  # an acceleration this far from 1 g says nothing about which way is up
    max_gap_s: float = 0.15  # over a longer gap the gyroscope cannot be integrated
    still_s: float = 1.0  # so long must the walker stand still
    still_radps: float = 0.35  # and turn no faster than this
    still_mps2: float = 1.0  # and feel no more change than this
    steps_s: float = 2.5  # or take steps for so long: what the feet add to gravity cancels out
    steps_spread_deg: float = 10.0  # while each half second agrees with the mean this well
    max_mounting_tilt_deg: float = 60.0  # beyond it the wearer lies, or the device is clipped on wrongly

    def __post_init__(self) -> None:
        for key, low, high in (
            ("correction_s", 0.2, 3.0),
            ("gate_g", 0.1, 0.6),
            ("max_gap_s", 0.05, 0.5),
            ("still_s", 0.5, 3.0),
            ("still_radps", 0.05, 0.6),
            ("still_mps2", 0.3, 3.0),
            ("steps_s", 1.5, 6.0),
            ("steps_spread_deg", 3.0, 20.0),
            ("max_mounting_tilt_deg", 30.0, 70.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"attitude: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class Attitude:
    """Follows gravity in body axes: the gyroscope turns it, the accelerometer corrects it when it reads about 1 g.

    The upright reference is the mean gravity of the first second of standing still, or of some seconds of steps, so
    the device may be clipped on at a tilt. Pitch is positive leaning forward, roll is positive leaning right, both in
    radians. Until the upright is known, `tilt_rad` is the tilt of the sensor itself, and there is no pitch or roll.

    `learned` is that reference; all is told from `upright`, which is another one while the device has `turned`.
    """

    def __init__(self, config: AttitudeConfig) -> None:
        self._config = config
        self._gate_mps2 = config.gate_g * G0_MPS2
        self._correction_s, self._max_gap_ns = config.correction_s, round(config.max_gap_s * 1e9)
        self._t_ns: int | None = None
        self.up: Vector = (0.0, 0.0, 1.0)  # where up is, in the sensor's axes; length 1
        self._followed_s = 0.0  # how much of the accelerometer is in it since the last gap
        self._bias_radps: Vector = (0.0, 0.0, 0.0)
        self._forward: Vector = (1.0, 0.0, 0.0)
        self._left: Vector = (0.0, 1.0, 0.0)
        self._learned_axes = self._forward, self._left
        self.learned: Vector | None = None  # and while she stands
        self.upright: Vector | None = None
        self.upright_known = False
        self._bias_known = False
        self._still_since_ns: int | None = None
        self._still_sums = [0.0] * 6
        self._still_count = 0
        self._still_mps2 = G0_MPS2
        self._still_accel: Vector = (0.0, 0.0, 0.0)
        self._stepping = _MeanOfSteps(config)
        self._relearn_s: float | None = None
        self._least_up = math.cos(math.radians(config.max_mounting_tilt_deg))
        self.stance: Vector | None = None  # where up was while she stood or walked, also when that is no upright
        self.magnitude_mps2 = G0_MPS2
        self.turning_radps = 0.0
        self.vertical_mps2 = 0.0
        self.tilt_rad = 0.0
        self.pitch_rad = 0.0
        self.roll_rad = 0.0
        self.yaw_radps = 0.0

    @property
    def relearning(self) -> bool:
        """She is still, and if she stays so that will be taken for a new upright, be it standing or lying."""
        still = self._relearn_s is not None and self._still_since_ns is not None
        return still and abs(self.up[2]) >= self._least_up

    @property
    def turned(self) -> bool:
        """The device sits another way than it did when the upright was learned."""
        return self.upright is not self.learned

    @property
    def away_rad(self) -> float:
        """The tilt of the device, and of the rangefinder in it, from how it sat when the upright was learned."""
        if self.learned is None or not self.turned:
            return self.tilt_rad
        return math.acos(max(-1.0, min(1.0, _dot(self.up, self.learned))))

    def turn_to(self, up: Vector | None) -> None:
        """The device has turned on the body, so that up is there when she is upright; None: back to what was learned.

        It turned about a level axis, as far as gravity can tell: her forward and left are turned along.
        """
        if self.learned is None:
            return
        self._forward, self._left = self._learned_axes
        self.upright = self.learned
        if up is not None:
            self._forward, self._left = _across(up, _taken_along(self._forward, self.learned, up))
            self.upright = up

    def restart(self) -> None:
        """Forget the motion, not the upright: for the first sample after a fault."""
        self._t_ns = None
        self._still_since_ns = None
        self._stepping.restart()

    def relearn(self, still_s: float) -> None:
        """The device will be turned: so long a standing still gives a new upright. Until then the old one holds."""
        if self.upright is not None and self._relearn_s is None:
            self._relearn_s, self._bias_known, self._still_since_ns = still_s, False, None

    def update(
        self,
        t_ns: int,
        accel_mps2: Vector,
        gyro_radps: Vector,
        stepping: bool = False,
        standing: bool = True,
        alive: bool = True,
    ) -> None:
        """One sample, or the means of some.

        `stepping` while the walker takes steps, `standing` unless she may be lying on the floor, `alive` unless the
        device may be standing on a table, whose upright is nobody's.
        """
        ax, ay, az = accel_mps2
        wx, wy, wz = gyro_radps
        bx, by, bz = self._bias_radps
        wx, wy, wz = wx - bx, wy - by, wz - bz
        self.magnitude_mps2 = magnitude = math.sqrt(ax * ax + ay * ay + az * az)
        self.turning_radps = math.sqrt(wx * wx + wy * wy + wz * wz)
        before_ns, self._t_ns = self._t_ns, t_ns
        if before_ns is not None and 0 < t_ns - before_ns <= self._max_gap_ns:
            ux, uy, uz = self._turn((t_ns - before_ns) * 1e-9, accel_mps2, magnitude, wx, wy, wz)
        else:
            ux, uy, uz = self._start_over(accel_mps2, magnitude)
        self.vertical_mps2 = ax * ux + ay * uy + az * uz - G0_MPS2
        if not self._bias_known:
            self._learn(t_ns, accel_mps2, gyro_radps, stepping, standing, alive)
        if self.upright is None:
            self.tilt_rad = math.atan2(math.sqrt(ux * ux + uy * uy), uz)
            return
        ux, uy, uz = self.up
        rx, ry, rz = self.upright
        fx, fy, fz = self._forward
        lx, ly, lz = self._left
        along = ux * rx + uy * ry + uz * rz
        forward = ux * fx + uy * fy + uz * fz
        left = ux * lx + uy * ly + uz * lz
        self.tilt_rad = math.atan2(math.sqrt(forward * forward + left * left), along)
        self.pitch_rad = math.atan2(-forward, along)
        self.roll_rad = math.atan2(left, along)
        self.yaw_radps = wx * ux + wy * uy + wz * uz

    def _start_over(self, accel_mps2: Vector, magnitude: float) -> Vector:
        """After a gap: the next samples at about 1 g decide, each as much as the others."""
        self._followed_s = 0.0
        self._still_since_ns = None
        self._stepping.restart()
        if abs(magnitude - G0_MPS2) < self._gate_mps2:
            self.up = (accel_mps2[0] / magnitude, accel_mps2[1] / magnitude, accel_mps2[2] / magnitude)
        return self.up

    def _turn(self, dt_s: float, accel_mps2: Vector, magnitude: float, wx: float, wy: float, wz: float) -> Vector:
        ux, uy, uz = self.up
        x = ux + (uy * wz - uz * wy) * dt_s
        y = uy + (uz * wx - ux * wz) * dt_s
        z = uz + (ux * wy - uy * wx) * dt_s
        gate_mps2, error_mps2 = self._gate_mps2, abs(magnitude - G0_MPS2)
        if error_mps2 < gate_mps2:
            trust = 1.0 - error_mps2 / gate_mps2
            slow_s = self._correction_s
            if self._followed_s < slow_s:
                slow_s = self._followed_s
                self._followed_s += trust * dt_s
            gain = trust * dt_s / (slow_s + dt_s)
            keep, pull = 1.0 - gain, gain / magnitude
            ax, ay, az = accel_mps2
            x, y, z = x * keep + ax * pull, y * keep + ay * pull, z * keep + az * pull
        length = math.sqrt(x * x + y * y + z * z)
        if length > 0.0:
            self.up = (x / length, y / length, z / length)
        return self.up

    def _learn(
        self, t_ns: int, accel_mps2: Vector, gyro_radps: Vector, stepping: bool, standing: bool, alive: bool
    ) -> None:
        """The upright, standing or walking; standing tells the constant error of the gyroscope as well."""
        if standing:
            self._learn_standing(t_ns, accel_mps2, gyro_radps, alive)
        else:
            self._still_since_ns = None
        if self.upright is not None:
            return
        if not stepping:
            self._stepping.restart()
        elif (mean := self._stepping.add(t_ns, accel_mps2)) is not None:
            self._take_upright(mean)

    def _learn_standing(self, t_ns: int, accel_mps2: Vector, gyro_radps: Vector, alive: bool) -> None:
        config = self._config
        turning = math.sqrt(sum(rate * rate for rate in gyro_radps))
        magnitude = self.magnitude_mps2
        if self._still_since_ns is None:
            self._still_since_ns, self._still_sums, self._still_count = t_ns, [0.0] * 6, 0
            self._still_mps2, self._still_accel = magnitude, accel_mps2
        steady = abs(magnitude - self._still_mps2) < config.still_mps2
        if self._relearn_s is not None:  # who turns it slowly all the while does not stand still
            steady = steady and math.dist(accel_mps2, self._still_accel) < config.still_mps2
        if not (turning < config.still_radps and steady and abs(magnitude - G0_MPS2) < _POOR_MPS2):
            self._still_since_ns = None
            return
        for axis, value in enumerate((*accel_mps2, *gyro_radps)):
            self._still_sums[axis] += value
        self._still_count += 1
        if t_ns - self._still_since_ns >= (self._relearn_s or config.still_s) * 1e9:
            self._still_since_ns = None
            if not alive:
                return
            means = [total / self._still_count for total in self._still_sums]
            known = self.upright is not None and self._relearn_s is None
            if known or self._take_upright((means[0], means[1], means[2])):
                self._relearn_s = None
                self._bias_radps, self._bias_known = (means[3], means[4], means[5]), True

    def _take_upright(self, gravity: Vector) -> bool:
        length = math.sqrt(gravity[0] ** 2 + gravity[1] ** 2 + gravity[2] ** 2)
        self.stance = x, y, z = gravity[0] / length, gravity[1] / length, gravity[2] / length
        # Upside down is upright too: x still points forward, and nobody stands on the head.
        if abs(z) < math.cos(math.radians(self._config.max_mounting_tilt_deg)):
            return False
        across = math.sqrt(1.0 - x * x)  # not 0: the mounting tilt is below 90 degrees
        forward = (across, -x * y / across, -x * z / across)
        self._forward, self._left = self._learned_axes = _across((x, y, z), forward)
        self.up = self.upright = self.learned = (x, y, z)
        self.upright_known = True
        return True


class _MeanOfSteps:
    """The mean direction of gravity over some seconds of steps, once each half second of them agrees with it."""

    BLOCK_NS = 500_000_000

    def __init__(self, config: AttitudeConfig) -> None:
        self._least_cos = math.cos(math.radians(config.steps_spread_deg))
        self._blocks: deque[Vector] = deque(maxlen=math.ceil(config.steps_s * 1e9 / self.BLOCK_NS))
        self._since_ns: int | None = None
        self._sum: Vector = (0.0, 0.0, 0.0)

    def restart(self) -> None:
        self._since_ns = None
        self._blocks.clear()

    def add(self, t_ns: int, accel_mps2: Vector) -> Vector | None:
        if self._since_ns is None:
            self._since_ns, self._sum = t_ns, (0.0, 0.0, 0.0)
        x, y, z = self._sum
        self._sum = (x + accel_mps2[0], y + accel_mps2[1], z + accel_mps2[2])
        if t_ns - self._since_ns < self.BLOCK_NS:
            return None
        self._since_ns = None
        self._blocks.append(_direction(self._sum))
        if len(self._blocks) < (self._blocks.maxlen or 0):
            return None
        mean = _direction(
            (sum(b[0] for b in self._blocks), sum(b[1] for b in self._blocks), sum(b[2] for b in self._blocks))
        )
        agree = all(b[0] * mean[0] + b[1] * mean[1] + b[2] * mean[2] >= self._least_cos for b in self._blocks)
        return mean if agree else None


def _direction(vector: Vector) -> Vector:
    """Length 1; of a vector without any length, straight down, which is nobody's upright."""
    length = math.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2)
    return (vector[0] / length, vector[1] / length, vector[2] / length) if length > 0.0 else (0.0, 0.0, -1.0)


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _across(up: Vector, forward: Vector) -> tuple[Vector, Vector]:
    """Forward, and left of it."""
    (x, y, z), (fx, fy, fz) = up, forward
    return forward, (y * fz - z * fy, z * fx - x * fz, x * fy - y * fx)


def _taken_along(forward: Vector, a: Vector, b: Vector) -> Vector:
    """What lies square to `a`, turned by what takes `a` to `b` on the shortest way (Rodrigues); all of length 1."""
    share = _dot(forward, b) / max(1.0 + _dot(a, b), 1e-9)
    x, y, z = (f - share * (p + q) for f, p, q in zip(forward, a, b, strict=True))
    return _direction((x, y, z))
