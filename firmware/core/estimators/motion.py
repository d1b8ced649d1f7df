"""The trunk's movement of the last seconds in slices of 20 ms: falls are judged by it, whatever the sensor's rate."""

import math
from collections import deque
from dataclasses import dataclass

from hal.samples import Vector

G0_MPS2 = 9.80665
SLICE_NS = 20_000_000
KEPT_S = 6.0


@dataclass(slots=True)
class MotionSlice:
    """One slice; a slower sensor makes one slice a sample. Orientation enters only as tilt and as the vertical."""

    t_ns: int  # of its last sample
    span_s: float  # how much time it stands for
    mean_mps2: float  # of |a|
    peak_mps2: float
    least_mps2: float
    vertical_mps2: float  # mean, gravity taken off, positive upward
    level_mps2: float  # mean of the horizontal part
    turning_radps: float  # mean of |angular rate|
    tilt_rad: float  # from the personal upright, at the end
    up: Vector  # where up is in the sensor's axes, at the end
    # From the beginning to the end of this slice, so that the mean of any stretch is a difference of two:
    force_sum: float  # of |a| - 1 g, times seconds
    force_square_sum: float
    turning_sum_rad: float
    level_sum_mps: float
    speed_mps: float  # upward; means something only as a difference over a second or two


class MotionHistory:
    """`slices` holds the last `KEPT_S` seconds, oldest first; `update` tells when a slice was finished."""

    def __init__(self) -> None:
        self.slices: deque[MotionSlice] = deque()
        self._until_ns: int | None = None
        self._last_ns = 0
        self._before_mps2 = 0.0
        self._force_sum = self._force_square_sum = self._turned = self._level_sum = self._speed = 0.0
        self._count = 0
        self._sum = self._vertical = self._level = self._turning = self._peak = 0.0
        self._least = math.inf

    def restart(self) -> None:
        """After a gap: what was before says nothing about now."""
        self.slices.clear()
        self._until_ns = None

    def update(
        self, t_ns: int, magnitude_mps2: float, vertical_mps2: float, turning_radps: float, tilt_rad: float, up: Vector
    ) -> bool:
        """One sample, all finite; True when a slice was finished with it."""
        if self._until_ns is None:
            self._until_ns, self._last_ns, self._before_mps2 = t_ns + SLICE_NS, t_ns, magnitude_mps2
            self._restart_sums()
        # The mean of two samples at 200 Hz: a single sample of a bare accelerometer spikes to 24 g.
        smooth = magnitude_mps2
        if t_ns - self._last_ns < 7_500_000:
            smooth = 0.5 * (magnitude_mps2 + self._before_mps2)
        self._before_mps2 = magnitude_mps2
        self._count += 1
        self._sum += magnitude_mps2
        self._vertical += vertical_mps2
        along_mps2 = vertical_mps2 + G0_MPS2
        self._level += math.sqrt(max(0.0, magnitude_mps2 * magnitude_mps2 - along_mps2 * along_mps2))
        self._turning += turning_radps
        if smooth > self._peak:
            self._peak = smooth
        if smooth < self._least:
            self._least = smooth
        self._last_ns = t_ns
        if t_ns < self._until_ns:
            return False
        self._finish(t_ns, tilt_rad, up)
        return True

    def _finish(self, t_ns: int, tilt_rad: float, up: Vector) -> None:
        slices, share = self.slices, 1.0 / self._count
        began_ns = slices[-1].t_ns if slices else t_ns - SLICE_NS
        span_s, mean, vertical = (t_ns - began_ns) * 1e-9, self._sum * share, self._vertical * share
        level, turning, more = self._level * share, self._turning * share, mean - G0_MPS2
        self._force_sum += more * span_s
        self._force_square_sum += more * more * span_s
        self._turned += turning * span_s
        self._level_sum += level * span_s
        self._speed += vertical * span_s
        slices.append(
            MotionSlice(
                *(t_ns, span_s, mean, self._peak, self._least, vertical, level, turning, tilt_rad, up),
                *(self._force_sum, self._force_square_sum, self._turned, self._level_sum, self._speed),
            )
        )
        while t_ns - slices[0].t_ns > KEPT_S * 1e9:
            slices.popleft()
        assert self._until_ns is not None
        # A steady grid, so that the slices of 100 and 200 Hz agree; after a late sample it begins anew.
        self._until_ns += SLICE_NS
        if self._until_ns <= t_ns:
            self._until_ns = t_ns + SLICE_NS
        self._restart_sums()

    def _restart_sums(self) -> None:
        self._count = 0
        self._sum = self._vertical = self._level = self._turning = self._peak = 0.0
        self._least = math.inf
