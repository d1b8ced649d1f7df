"""A stand-in for the gyroscope that some data sets have not.

The device always has one, and the core takes rates of exactly zero for a broken one. What an accelerometer does know is
how fast the direction of gravity turns, once the jolts are smoothed away. It knows nothing of turning about the
vertical, it comes late by the smoothing, and it takes a push forward for a lean backward: with it the sway warnings of
a set without a gyroscope say little, and falls are judged a little worse than with a real one.
"""

import math

import numpy as np

from firmware.evaluation.dataset import Array

SMOOTHING_S = 0.2


def rates_from_gravity(accel_mps2: Array, fs_hz: float, smoothing_s: float = SMOOTHING_S) -> Array:
    """Angular rate (rad/s, body axes, shape (n, 3)) that turns the smoothed gravity as it was seen to turn.

    Causal, as on a device. In body axes gravity u turns by du/dt = u x w; the least w that does so is du/dt x u.
    """
    rates = np.zeros_like(accel_mps2)
    if not len(accel_mps2):
        return rates
    gain = 1.0 - math.exp(-1.0 / (fs_hz * smoothing_s))
    up = _unit([float(value) for value in accel_mps2[0]])
    first = second = up
    for index, row in enumerate(accel_mps2.tolist()):
        pull = _unit(row)
        first = tuple(a + gain * (b - a) for a, b in zip(first, pull, strict=True))
        second = tuple(a + gain * (b - a) for a, b in zip(second, first, strict=True))
        new = _unit(list(second))
        dx, dy, dz = ((b - a) * fs_hz for a, b in zip(up, new, strict=True))
        ux, uy, uz = new
        rates[index] = (dy * uz - dz * uy, dz * ux - dx * uz, dx * uy - dy * ux)
        up = new
    return rates


def _unit(vector: list[float]) -> tuple[float, ...]:
    """Length 1; straight up for what has no direction, NaN included."""
    length = math.sqrt(sum(value * value for value in vector))
    if not 0.0 < length < math.inf:
        return (0.0, 0.0, 1.0)
    return tuple(value / length for value in vector)
