"""The trunk's movement of the last seconds, slice by slice: falls are judged by it, whatever the sensor's rate."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from hal.samples import Vector

G0_MPS2 = 9.80665
KEPT_S = 6.0
KEPT_NS = round(KEPT_S * 1e9)
LONGEST_S = 0.1
"""After a gap a slice stands for no more than this: nobody knows whether what is felt now went on all the while."""


@dataclass(slots=True)
class MotionSlice:
    """One slice. Orientation enters only as tilt and as the vertical."""

    t_ns: int  # of its last sample
    span_s: float  # how much time it stands for, `LONGEST_S` at the most
    peak_mps2: float  # of |a|
    least_mps2: float
    vertical_mps2: float  # mean, gravity taken off, positive upward
    level_mps2: float  # of the horizontal part of the mean
    turning_radps: float  # of the mean angular rate
    tilt_rad: float  # from the personal upright, at the end
    up: Vector  # where up is in the sensor's axes, at the end
    # From the beginning to the end of this slice, so that the mean of any stretch is a difference of two:
    force_sum: float  # of |a| - 1 g, times seconds
    force_square_sum: float
    turning_sum_rad: float
    level_sum_mps: float
    speed_mps: float  # upward; means something only as a difference over a second or two


class Slice(Protocol):
    """`firmware.core.estimators.slices.Slicer` fits."""

    t_ns: int
    span_s: float
    mean_mps2: float
    peak_mps2: float
    least_mps2: float


class Attitude(Protocol):
    """After the same slice; `firmware.core.estimators.attitude.Attitude` fits."""

    magnitude_mps2: float
    vertical_mps2: float
    turning_radps: float
    tilt_rad: float
    up: Vector


class MotionHistory:
    """`slices` holds the last `KEPT_S` seconds, oldest first; of stamps that leap, the one before as well."""

    def __init__(self) -> None:
        self.slices: deque[MotionSlice] = deque()
        self._force_sum = self._force_square_sum = self._turned = self._level_sum = self._speed = 0.0

    def restart(self) -> None:
        """After a gap: what was before says nothing about now."""
        self.slices.clear()

    def add(self, ended: Slice, attitude: Attitude) -> None:
        slices, t_ns = self.slices, ended.t_ns
        span_s = ended.span_s if ended.span_s < LONGEST_S else LONGEST_S
        size, vertical, turning = attitude.magnitude_mps2, attitude.vertical_mps2, attitude.turning_radps
        along = vertical + G0_MPS2
        square = size * size - along * along
        level = math.sqrt(square) if square > 0.0 else 0.0
        more = ended.mean_mps2 - G0_MPS2
        self._force_sum += more * span_s
        self._force_square_sum += more * more * span_s
        self._turned += turning * span_s
        self._level_sum += level * span_s
        self._speed += vertical * span_s
        slices.append(
            MotionSlice(  # by position: a quarter quicker than by name
                t_ns,
                span_s,
                ended.peak_mps2,
                ended.least_mps2,
                vertical,
                level,
                turning,
                attitude.tilt_rad,
                attitude.up,
                self._force_sum,
                self._force_square_sum,
                self._turned,
                self._level_sum,
                self._speed,
            )
        )
        while t_ns - slices[0].t_ns > KEPT_NS and len(slices) > 2:
            slices.popleft()
