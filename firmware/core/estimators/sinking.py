"""How far the trunk sank in the last seconds, from walking to where it rests now: a chair is 0.4 m down, the floor 0.8.

The vertical acceleration, integrated twice, drifts away within seconds. It is pinned at both ends: over a second of
walking, and over the latest second, she rises and sinks by nothing on the whole, so the mean speed in each has to be 0,
and the line between both errors is taken off. What remains is the error of a sensor whose bias changes as it tilts:
T squared / 8 times that change, 0.15 m after 2 s with 0.03 g, either way. Of simulated slides of 1.5 to 4 s it finds
0.6 to 1.5 times the way, of sit-falls of a second 0.8 to 1.2 times (`python -m bench.sinking`, 5 to 95 %). Of recorded
people who end leaning back by 20 degrees, it finds a median of 1.0 m for the floor (34 of 38 by 0.6 m or more), and of
0.4 m for chairs and sofas: 0.2 to 0.6 m with KFall's sensor, 0.1 to 1.7 m with SisFall's. By itself it does not tell a
chair from the floor.
"""

from collections import deque
from dataclasses import dataclass

STRIDE_NS, HALF = 100_000_000, 5
"""A place each 0.1 s; speeds are means over twice five of them, about a stride."""
LONGEST, SHORTEST = 45, 3
"""A way down takes 0.3 to 4.5 s."""
SAME_MPS = 0.15
"""Speeds that differ by less are one speed: she rests since then. The slowest slide to the floor reaches twice that."""
GAP_NS = 200_000_000


@dataclass(frozen=True, slots=True)
class Sunk:
    """How far, how much she leaned on the way at the most, forward and any way, and her latest step before it."""

    metres: float
    forward_rad: float
    tilt_rad: float
    from_ns: int
    stepped_ns: int | None


class Sinking:
    """`add` often, `latest` asks how she came to where she is now."""

    def __init__(self) -> None:
        self._places: deque[tuple[int, float, float, float, int | None]] = deque(maxlen=LONGEST + 6 * HALF)
        self._t_ns = self._next_ns = 0
        self._height_m = self._speed_mps = self._forward_rad = self._tilt_rad = 0.0

    def restart(self) -> None:
        """After a gap: what was before says nothing about now."""
        self._places.clear()

    def add(self, t_ns: int, speed_mps: float, forward_rad: float, tilt_rad: float, stepped_ns: int | None) -> bool:
        """`speed_mps` upward, with any constant and slowly growing error; True when there is a new place."""
        since_ns, self._t_ns = t_ns - self._t_ns, t_ns
        if not 0 < since_ns <= GAP_NS:
            self.restart()
            self._next_ns, since_ns = t_ns, 0
        self._height_m += 0.5 * (speed_mps + self._speed_mps) * since_ns * 1e-9
        self._speed_mps = speed_mps
        if forward_rad > self._forward_rad:
            self._forward_rad = forward_rad
        if tilt_rad > self._tilt_rad:
            self._tilt_rad = tilt_rad
        if t_ns < self._next_ns:
            return False
        self._next_ns = max(self._next_ns + STRIDE_NS, t_ns)
        self._places.append((t_ns, self._height_m, self._forward_rad, self._tilt_rad, stepped_ns))
        self._forward_rad, self._tilt_rad = forward_rad, tilt_rad
        return True

    def latest(self) -> Sunk | None:
        """From the moment in the last 4.5 s that she sank the farthest since, to the one from which on she rests."""
        places = self._places
        last = len(places) - 1 - HALF
        if last - SHORTEST < HALF:
            return None
        heights, times = [place[1] for place in places], [place[0] for place in places]
        speeds = [_speed(heights, times, index) for index in range(HALF, last + 1)]
        rests, drift_mps2 = last, 0.0
        if len(speeds) > HALF:
            drift_mps2 = (speeds[-1] - speeds[-1 - HALF]) / ((times[last] - times[last - HALF]) * 1e-9)
        while rests > HALF:
            expected_mps = speeds[-1] - drift_mps2 * (times[last] - times[rests - 1]) * 1e-9
            if abs(speeds[rests - 1 - HALF] - expected_mps) > SAME_MPS:
                break
            rests -= 1
        best, at = 0.0, -1
        for first in range(max(HALF, rests - LONGEST), rests - SHORTEST + 1):
            drift_mps = 0.5 * (speeds[rests - HALF] + speeds[first - HALF])
            sunk = heights[first] - heights[rests] + drift_mps * (times[rests] - times[first]) * 1e-9
            if sunk > best:
                best, at = sunk, first
        if at < 0:
            return None
        way = [place for index, place in enumerate(places) if index >= at]
        return Sunk(best, max(p[2] for p in way), max(p[3] for p in way), times[at], places[at][4])


def _speed(heights: list[float], times: list[int], index: int) -> float:
    early, late = index - HALF, index + HALF
    return (heights[late] - heights[early]) / ((times[late] - times[early]) * 1e-9)
