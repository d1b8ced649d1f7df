"""A stand-in for the gyroscope that some data sets have not.

The device always has one, and the core takes rates of exactly zero for a broken one. What an accelerometer does know is
how fast the direction of gravity turns, once the jolts are smoothed away. It knows nothing of turning about the
vertical, it comes late by the smoothing, and it takes a push forward for a lean backward: with it the sway warnings of
a set without a gyroscope say little, and falls are judged a little worse than with a real one.
"""

import math
from collections.abc import Sequence

import numpy as np

from firmware.evaluation.dataset import Array

Vector = tuple[float, float, float]

SMOOTHING_S = 0.2


class RatesFromGravity:
    """Angular rates that turn the smoothed gravity as it was seen to turn, sample by sample; causal, as on a device."""

    def __init__(self, fs_hz: float, smoothing_s: float = SMOOTHING_S) -> None:
        self._fs_hz, self._gain = fs_hz, 1.0 - math.exp(-1.0 / (fs_hz * smoothing_s))
        self._first: Vector | None = None
        self._second = self._up = (0.0, 0.0, 1.0)

    def next(self, accel_mps2: Sequence[float]) -> Vector:
        """Of one sample (rad/s, body axes); 0 where nothing was measured.

        In body axes gravity u turns by du/dt = u x w; the least w that does so is du/dt x u.
        """
        pull = _unit(accel_mps2)
        if pull is None:
            return (0.0, 0.0, 0.0)
        if self._first is None:
            self._first = self._second = self._up = pull
        self._first = _towards(self._first, pull, self._gain)
        self._second = _towards(self._second, self._first, self._gain)
        before, up = self._up, _unit(self._second) or self._up
        self._up = up
        dx, dy, dz = ((b - a) * self._fs_hz for a, b in zip(before, up, strict=True))
        ux, uy, uz = up
        return (dy * uz - dz * uy, dz * ux - dx * uz, dx * uy - dy * ux)


def rates_from_gravity(accel_mps2: Array, fs_hz: float, smoothing_s: float = SMOOTHING_S) -> Array:
    """Angular rates (rad/s, body axes) of a whole recording, shape (n, 3) as `accel_mps2`."""
    turning, rates = RatesFromGravity(fs_hz, smoothing_s), np.zeros_like(accel_mps2)
    for index, row in enumerate(accel_mps2):
        rates[index] = turning.next(row.tolist())
    return rates


def _towards(vector: Vector, goal: Vector, share: float) -> Vector:
    ax, ay, az = vector
    bx, by, bz = goal
    return (ax + share * (bx - ax), ay + share * (by - ay), az + share * (bz - az))


def _unit(vector: Sequence[float]) -> Vector | None:
    """Length 1; None for what has no direction, NaN included."""
    x, y, z = vector
    length = math.sqrt(x * x + y * y + z * z)
    return (x / length, y / length, z / length) if 0.0 < length < math.inf else None
