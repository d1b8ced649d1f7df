"""Samples of any rate become slices of 20 ms: everything after the trust in a sample is worked out once a slice.

A slice drops the spikes of a bare accelerometer, makes sensors of 50, 100 and 200 Hz alike, and costs the same
whatever the rate. No fall, stumble or step is over in 20 ms. A slower sensor makes one slice a sample.
"""

import math

from hal.samples import Vector

SLICE_NS = 20_000_000
_SMOOTHED_NS = 7_500_000


class Slicer:
    """`add` tells when a slice has ended; what it came to stands in the attributes until the next one ends."""

    def __init__(self) -> None:
        self._until_ns: int | None = None
        self._last_ns = 0
        self._before_mps2 = 0.0
        self.began_ns = self.t_ns = 0  # when the slice before it ended, and its own last sample
        self.span_s = 0.0
        self.accel_mps2: Vector = (0.0, 0.0, 0.0)  # means
        self.gyro_radps: Vector = (0.0, 0.0, 0.0)
        self.mean_mps2 = self.peak_mps2 = self.least_mps2 = 0.0  # of |a|
        self._restart_sums()

    def _restart_sums(self) -> None:
        self._count = 0
        self._ax = self._ay = self._az = self._wx = self._wy = self._wz = self._total = self._peak = 0.0
        self._least = math.inf

    def restart(self) -> None:
        """After a gap: what was before says nothing about now."""
        self._until_ns = None
        self._restart_sums()

    def add(self, t_ns: int, accel_mps2: Vector, gyro_radps: Vector, magnitude_mps2: float) -> bool:
        """One sample, all finite, with its |a|; later than the one before it."""
        if self._until_ns is None:
            self._until_ns, self._last_ns, self._before_mps2 = t_ns + SLICE_NS, t_ns, magnitude_mps2
            self.t_ns = t_ns
        # At 200 Hz the mean of two samples: a single one of a bare accelerometer spikes to 24 g.
        spiky = t_ns - self._last_ns < _SMOOTHED_NS
        smooth = 0.5 * (magnitude_mps2 + self._before_mps2) if spiky else magnitude_mps2
        self._last_ns, self._before_mps2 = t_ns, magnitude_mps2
        if smooth > self._peak:
            self._peak = smooth
        if smooth < self._least:
            self._least = smooth
        ax, ay, az = accel_mps2
        wx, wy, wz = gyro_radps
        if t_ns < self._until_ns:
            self._count += 1
            self._ax += ax
            self._ay += ay
            self._az += az
            self._wx += wx
            self._wy += wy
            self._wz += wz
            self._total += magnitude_mps2
            return False
        share = 1.0 / (self._count + 1)
        self.began_ns, self.t_ns = self.t_ns, t_ns
        self.span_s = (t_ns - self.began_ns) * 1e-9
        self.accel_mps2 = ((self._ax + ax) * share, (self._ay + ay) * share, (self._az + az) * share)
        self.gyro_radps = ((self._wx + wx) * share, (self._wy + wy) * share, (self._wz + wz) * share)
        self.mean_mps2 = (self._total + magnitude_mps2) * share
        self.peak_mps2, self.least_mps2 = self._peak, self._least
        self._restart_sums()
        # A steady grid, so that the slices of 100 and 200 Hz agree; after a late sample it begins anew.
        self._until_ns += SLICE_NS
        if self._until_ns <= t_ns:
            self._until_ns = t_ns + SLICE_NS
        return True
