"""How far the trunk goes to and fro in walking, peak to peak, as published norms have it.

Lee 2014 (SwayStar, 284 people of 65 and older who walked forward): roll 6.0 ± 2.0 deg, pitch 6.7 ± 2.2 deg over the
way of one trial. A walk of minutes has some steps that are larger than any of a trial, so it is taken as trials of
eight seconds, and their median counts.
"""

import math

WINDOW_NS = 8_000_000_000
GAP_NS = 500_000_000
MOST_WINDOWS = 500


class SwaySpan:
    """`add` while she walks. `roll_deg` and `pitch_deg` are None until eight seconds in a row were seen."""

    def __init__(self) -> None:
        self._spans: tuple[list[float], list[float]] = ([], [])
        self._began_ns = self._t_ns = 0
        self._least = self._most = (0.0, 0.0)

    def add(self, t_ns: int, roll_rad: float, pitch_rad: float) -> None:
        """Angles from her own upright; what is no number ends the window that is under way."""
        now = (roll_rad, pitch_rad)
        if not math.isfinite(roll_rad + pitch_rad):
            self._t_ns = 0
            return
        if not self._t_ns or t_ns - self._t_ns > GAP_NS:
            self._began_ns, self._least, self._most = t_ns, now, now
        self._t_ns = t_ns
        self._least = (min(self._least[0], roll_rad), min(self._least[1], pitch_rad))
        self._most = (max(self._most[0], roll_rad), max(self._most[1], pitch_rad))
        if t_ns - self._began_ns >= WINDOW_NS:
            if len(self._spans[0]) < MOST_WINDOWS:
                for spans, least, most in zip(self._spans, self._least, self._most, strict=True):
                    spans.append(most - least)
            self._began_ns, self._least, self._most = t_ns, now, now

    @property
    def roll_deg(self) -> float | None:
        return _degrees(self._spans[0])

    @property
    def pitch_deg(self) -> float | None:
        return _degrees(self._spans[1])


def _degrees(spans: list[float]) -> float | None:
    return round(math.degrees(sorted(spans)[len(spans) // 2]), 1) if spans else None
