"""How the device sits while she steps: how far it has turned since her upright was learned, and how much it wobbles.

Gravity alone cannot tell a device that slipped from a trunk that bent. Nobody walks on with even steps, bent by far and
held so steadily: of what people do while seated, bending, lying down or getting into a car, nothing looks like it.

Somebody who lies and shakes, as in a fit, does look like it; but she went down in between, and took no step meanwhile.
Of 160 simulated slips the longest time between two steps, while it turned, was 1.0 of the usual one, and 1.0 of 160
that crept; of 160 collapses into a fit that takes the place of steps at once, it was less than 1.2 of it in 3.
"""

import math
from collections import deque
from typing import Protocol

from hal.samples import Vector

EVERY_NS = 100_000_000
WINDOW, EVEN_STEPS, IN_A_ROW = 18, 2, 4
"""1.8 s of even steps, the fourth of a row at the earliest."""
LATE_NS = 1_000_000_000
"""After so long without a step she stands."""
STEADY_COS = math.cos(math.radians(8.0))
WELL_RAD = math.radians(15.0)
"""A device that has not turned by more needs no steps to be told so."""
WOBBLE_WINDOW, COARSE_S = 40, 0.03
"""4 s of steps. Slices of a sensor slower than this say nothing about a wobble."""
LONG_STEP, STEP_LATE_S = 1.2, 0.2
"""Of her usual step time, and how much later a step is known."""


class Slice(Protocol):
    """20 ms of samples; `firmware.core.estimators.slices.Slicer` fits."""

    t_ns: int
    span_s: float
    gyro_radps: Vector  # means


class StepTimes(Protocol):
    """How many steps came as evenly as usual; `firmware.core.estimators.steps.StepTimes` fits."""

    @property
    def count(self) -> int: ...


class Steps(Protocol):
    """`firmware.core.estimators.steps.Steps` fits."""

    in_a_row: int
    last_ns: int | None

    @property
    def times(self) -> StepTimes: ...
    def cadence_spm(self, now_ns: int) -> float | None: ...


class Seat:
    """`slipped_rad`: since the upright was learned; `wobble_radps`: of turning, from 20 ms to 20 ms, rms over 4 s.

    None: not known, as while she stands bent or does not walk. `up` is where it was steadily, then, and `stepping`
    whether that was in even steps; `walked_on` while no step has failed to come since she was upright last; `well_s`
    is how long it has sat steadily as it was learned, stepping or not.
    """

    def __init__(self) -> None:
        self._learned: Vector | None = None
        self.restart()

    def restart(self) -> None:
        """After a gap, or off the body: what was before says nothing about now."""
        self._ups: deque[tuple[Vector, int]] = deque(maxlen=WINDOW)
        self._jerks: deque[float] = deque(maxlen=WOBBLE_WINDOW)
        self._last: Vector | None = None
        self._due_ns = 0
        self._jerk, self._slices = 0.0, 0
        self._longest_s = 0.0  # of a step, since she was upright last
        self.slipped_rad: float | None = None
        self.wobble_radps: float | None = None
        self.up: Vector = (0.0, 0.0, 1.0)
        self.stepping = self.walked_on = False
        self.well_s = 0.0

    def update(self, ended: Slice, up: Vector, learned: Vector | None, tilt_rad: float, steps: Steps) -> bool:
        """One slice, all finite; up and the learned upright as unit vectors. True: both figures are new.

        `tilt_rad` is from the upright by which she is judged now.
        """
        last, self._last = self._last, ended.gyro_radps
        if last is not None and ended.span_s < COARSE_S:
            x, y, z = ended.gyro_radps
            p, q, r = last
            self._jerk += (x - p) * (x - p) + (y - q) * (y - q) + (z - r) * (z - r)
            self._slices += 1
        if ended.t_ns < self._due_ns:
            return False
        self._due_ns = ended.t_ns + EVERY_NS
        stepping = steps.in_a_row >= IN_A_ROW and steps.last_ns is not None and ended.t_ns - steps.last_ns < LATE_NS
        self._wobble(stepping)
        self._slip(up, learned, stepping, steps.times.count)
        self._follow(ended.t_ns, tilt_rad, steps)
        return True

    def _follow(self, t_ns: int, tilt_rad: float, steps: Steps) -> None:
        if tilt_rad < WELL_RAD:
            cadence_spm = steps.cadence_spm(t_ns)
            self._longest_s = LONG_STEP * 60.0 / cadence_spm + STEP_LATE_S if cadence_spm else 0.0
            self.walked_on = cadence_spm is not None
        elif steps.last_ns is None or t_ns - steps.last_ns > self._longest_s * 1e9:
            self.walked_on = False

    def _wobble(self, stepping: bool) -> None:
        jerks = self._jerks
        if stepping and self._slices:
            jerks.append(self._jerk / self._slices)
        else:
            jerks.clear()
        self._jerk, self._slices = 0.0, 0
        self.wobble_radps = math.sqrt(sum(jerks) / WOBBLE_WINDOW) if len(jerks) == WOBBLE_WINDOW else None

    def _slip(self, up: Vector, learned: Vector | None, stepping: bool, even_steps: int) -> None:
        ups, self.slipped_rad = self._ups, None
        if learned is not self._learned:
            self._learned = learned
            ups.clear()
            self.slipped_rad = 0.0
        ups.append((up, even_steps))
        if learned is None or len(ups) < WINDOW:
            return
        mean = _direction(sum(v[0] for v, _ in ups), sum(v[1] for v, _ in ups), sum(v[2] for v, _ in ups))
        if not all(_along(v, mean) > STEADY_COS for v, _ in ups):
            self.well_s = 0.0
            return
        turned_rad = math.acos(max(-1.0, min(1.0, _along(mean, learned))))
        self.up, self.stepping = mean, stepping and even_steps - ups[0][1] >= EVEN_STEPS
        if turned_rad < WELL_RAD or self.stepping:
            self.slipped_rad = turned_rad
        self.well_s = self.well_s + EVERY_NS * 1e-9 if turned_rad < WELL_RAD else 0.0


def _along(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _direction(x: float, y: float, z: float) -> Vector:
    """Length 1; the mean of opposite directions has none, and agrees with nothing."""
    length = math.sqrt(x * x + y * y + z * z)
    return (x / length, y / length, z / length) if length > 0.0 else (0.0, 0.0, 0.0)
