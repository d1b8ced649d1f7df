"""The trunk's movement of the last seconds in slices of 20 ms: falls are judged by it, whatever the sensor's rate."""

import math
from collections import deque
from dataclasses import dataclass

from hal.samples import Vector

G0_MPS2 = 9.80665
SLICE_NS = 20_000_000
KEPT_S = 6.0
KEPT_NS = round(KEPT_S * 1e9)
SMOOTHED_NS = 7_500_000


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
        self._samples: list[tuple[int, float, float, float]] = []  # of the slice that is not finished yet
        self._last_ns = 0
        self._before_mps2 = 0.0
        self._force_sum = self._force_square_sum = self._turned = self._level_sum = self._speed = 0.0

    def restart(self) -> None:
        """After a gap: what was before says nothing about now."""
        self.slices.clear()
        self._samples.clear()
        self._until_ns = None

    def update(
        self, t_ns: int, magnitude_mps2: float, vertical_mps2: float, turning_radps: float, tilt_rad: float, up: Vector
    ) -> bool:
        """One sample, all finite; True when a slice was finished with it."""
        if self._until_ns is None:
            self._until_ns, self._last_ns, self._before_mps2 = t_ns + SLICE_NS, t_ns, magnitude_mps2
        self._samples.append((t_ns, magnitude_mps2, vertical_mps2, turning_radps))
        if t_ns < self._until_ns:
            return False
        self._finish(t_ns, tilt_rad, up)
        # A steady grid, so that the slices of 100 and 200 Hz agree; after a late sample it begins anew.
        self._until_ns += SLICE_NS
        if self._until_ns <= t_ns:
            self._until_ns = t_ns + SLICE_NS
        return True

    def _finish(self, t_ns: int, tilt_rad: float, up: Vector) -> None:
        total = vertical = level = turning = peak = 0.0
        least, last_ns, before = math.inf, self._last_ns, self._before_mps2
        for at_ns, force, upward, rate in self._samples:
            # The mean of two samples at 200 Hz: a single sample of a bare accelerometer spikes to 24 g.
            smooth = 0.5 * (force + before) if at_ns - last_ns < SMOOTHED_NS else force
            last_ns, before = at_ns, force
            total += force
            vertical += upward
            turning += rate
            along = upward + G0_MPS2
            square = force * force - along * along
            if square > 0.0:
                level += math.sqrt(square)
            if smooth > peak:
                peak = smooth
            if smooth < least:
                least = smooth
        share = 1.0 / len(self._samples)
        self._samples.clear()
        self._last_ns, self._before_mps2 = last_ns, before
        self._keep(t_ns, total * share, peak, least, vertical * share, level * share, turning * share, tilt_rad, up)

    def _keep(
        self,
        t_ns: int,
        mean: float,
        peak: float,
        least: float,
        vertical: float,
        level: float,
        turning: float,
        tilt_rad: float,
        up: Vector,
    ) -> None:
        slices = self.slices
        span_s = (t_ns - (slices[-1].t_ns if slices else t_ns - SLICE_NS)) * 1e-9
        more = mean - G0_MPS2
        self._force_sum += more * span_s
        self._force_square_sum += more * more * span_s
        self._turned += turning * span_s
        self._level_sum += level * span_s
        self._speed += vertical * span_s
        slices.append(
            MotionSlice(  # by position: a quarter quicker than by name
                t_ns,
                span_s,
                mean,
                peak,
                least,
                vertical,
                level,
                turning,
                tilt_rad,
                up,
                self._force_sum,
                self._force_square_sum,
                self._turned,
                self._level_sum,
                self._speed,
            )
        )
        while t_ns - slices[0].t_ns > KEPT_NS:
            slices.popleft()
