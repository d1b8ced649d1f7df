"""Smooth functions of time with their slopes, of which a simulated person's movements are made."""

import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

Knots = Sequence[tuple[float, float]]
TAU = 2 * math.pi


def _checked(knots: Knots) -> tuple[list[float], list[float]]:
    times, values = [t for t, _ in knots], [value for _, value in knots]
    if not times or any(b <= a for a, b in pairwise(times)):
        raise ValueError(f"knots must be given, and their times must rise; found {times}")
    return times, values


class Ramps:
    """Constant between ramps that start and end softly: speeds, which need their integral too."""

    def __init__(self, knots: Knots) -> None:
        self._t, self._v = _checked(knots)
        self._whole = [0.0]
        for t0, t1, v0, v1 in zip(self._t, self._t[1:], self._v, self._v[1:], strict=False):
            self._whole.append(self._whole[-1] + (t1 - t0) * (v0 + v1) / 2)

    def _place(self, t_s: float) -> tuple[int, float, float]:
        """The ramp's index, its length and how far `t_s` is along it (0 to 1)."""
        i = min(max(bisect_right(self._t, t_s) - 1, 0), len(self._t) - 2)
        length_s = self._t[i + 1] - self._t[i]
        return i, length_s, min(max((t_s - self._t[i]) / length_s, 0.0), 1.0)

    def at(self, t_s: float) -> tuple[float, float]:
        """Value and slope."""
        if len(self._t) == 1:
            return self._v[0], 0.0
        i, length_s, u = self._place(t_s)
        rise = self._v[i + 1] - self._v[i]
        return self._v[i] + rise * u * u * (3 - 2 * u), rise * 6 * u * (1 - u) / length_s

    def integral(self, t_s: float) -> float:
        """From the first knot to `t_s`; before it, 0."""
        if len(self._t) == 1:
            return self._v[0] * (t_s - self._t[0])
        i, length_s, u = self._place(t_s)
        rise = self._v[i + 1] - self._v[i]
        beyond_s = max(t_s - self._t[-1], 0.0)
        return self._whole[i] + length_s * (self._v[i] * u + rise * u**3 * (1 - u / 2)) + self._v[-1] * beyond_s


class Slope(Protocol):
    """A function of time whose slope and integral are known."""

    def at(self, t_s: float) -> tuple[float, float]:
        """Value and slope."""
        ...

    def integral(self, t_s: float) -> float: ...


class Ending:
    """As `before` until `from_s`, then softly down to 0 within `lasting_s`, and 0 for ever."""

    def __init__(self, before: Slope, from_s: float, lasting_s: float) -> None:
        self._before, self._from_s, self._lasting_s = before, from_s, lasting_s
        self._value, slope = before.at(from_s)
        self._slope = slope * lasting_s
        self._whole = before.integral(from_s)

    def at(self, t_s: float) -> tuple[float, float]:
        """Value and slope."""
        u = (t_s - self._from_s) / self._lasting_s
        if u <= 0:
            return self._before.at(t_s)
        if u >= 1:
            return 0.0, 0.0
        left = 1 - u
        value = left * left * (self._value * (1 + 2 * u) + self._slope * u)
        slope = -6 * self._value * u * left + self._slope * left * (1 - 3 * u)
        return value, slope / self._lasting_s

    def integral(self, t_s: float) -> float:
        u = min((t_s - self._from_s) / self._lasting_s, 1.0)
        if u <= 0:
            return self._before.integral(t_s)
        bent = self._value * u * (1 - u * u * (1 - u / 2))
        bent += self._slope * u * u * (0.5 - u * (2 / 3 - u / 4))
        return self._whole + self._lasting_s * bent


class Curve:
    """A line through its knots that never overshoots them; flat before the first and after the last.

    Source: Fritsch and Carlson (1980), SIAM J. Numer. Anal. 17, 238-246, with Brodlie's weighted harmonic slopes.
    """

    def __init__(self, knots: Knots = ((0.0, 0.0),)) -> None:
        self._t, self._v = _checked(knots)
        self._slope = [0.0] * len(self._t)
        for i in range(1, len(self._t) - 1):
            self._slope[i] = self._inner_slope(i)

    def _inner_slope(self, i: int) -> float:
        before_s, after_s = self._t[i] - self._t[i - 1], self._t[i + 1] - self._t[i]
        before, after = (self._v[i] - self._v[i - 1]) / before_s, (self._v[i + 1] - self._v[i]) / after_s
        if before * after <= 0:
            return 0.0
        weight = (1 + after_s / (before_s + after_s)) / 3
        return before * after / (weight * after + (1 - weight) * before)

    def at(self, t_s: float) -> tuple[float, float]:
        """Value and slope."""
        if t_s <= self._t[0] or t_s >= self._t[-1]:
            return self._v[0] if t_s <= self._t[0] else self._v[-1], 0.0
        i = bisect_right(self._t, t_s) - 1
        length_s = self._t[i + 1] - self._t[i]
        u = (t_s - self._t[i]) / length_s
        rise, m0, m1 = self._v[i + 1] - self._v[i], self._slope[i] * length_s, self._slope[i + 1] * length_s
        value = self._v[i] + u * (m0 + u * (3 * rise - 2 * m0 - m1 + u * (m0 + m1 - 2 * rise)))
        slope = m0 + u * (2 * (3 * rise - 2 * m0 - m1) + u * 3 * (m0 + m1 - 2 * rise))
        return value, slope / length_s


@dataclass(frozen=True, slots=True)
class Pulse:
    """A raised cosine: a blow, a push or a drop. Its integral is `peak` times half its width."""

    centre_s: float
    width_s: float
    peak: float

    def at(self, t_s: float) -> float:
        u = (t_s - self.centre_s) / self.width_s
        return self.peak * 0.5 * (1 + math.cos(TAU * u)) if -0.5 < u < 0.5 else 0.0

    @property
    def integral(self) -> float:
        return self.peak * self.width_s / 2


Pulses = tuple[Pulse, ...]


class Wander:
    """What a body does without meaning to: seeded, never repeating within a walk, with a given rms."""

    def __init__(self, seed: str, *, low_hz: float, high_hz: float, rms: float, parts: int = 5) -> None:
        dice = random.Random(seed)
        ratio = (high_hz / low_hz) ** (1 / parts)
        self._parts = [
            (TAU * low_hz * ratio ** (i + dice.random()), dice.uniform(0, TAU), rms * math.sqrt(2 / parts))
            for i in range(parts)
        ]

    def value(self, t_s: float) -> float:
        value = 0.0
        for omega, phase, amplitude in self._parts:
            value += amplitude * math.sin(omega * t_s + phase)
        return value

    def at(self, t_s: float) -> tuple[float, float]:
        """Value and slope."""
        value = slope = 0.0
        for omega, phase, amplitude in self._parts:
            angle = omega * t_s + phase
            value += amplitude * math.sin(angle)
            slope += amplitude * omega * math.cos(angle)
        return value, slope
