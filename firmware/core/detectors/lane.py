"""Whether there is room to walk: the clear metres behind her, before the first step."""

import math
from collections import deque
from dataclasses import dataclass

NOTHING_M = 4.0
"""What "nothing within reach" is worth: no sensor that fits sees less far."""


@dataclass(frozen=True, slots=True)
class LaneConfig:
    """How much room a walk needs, and how it is told. Source: peers.md W21."""

    start_m: float = 1.5  # less: no start; what an older walker needs to stop, and two steps
    two_m: float = 2.0  # from here two pulses
    three_m: float = 3.0  # and from here three
    window_s: float = 2.0  # of readings
    least_readings: int = 8  # in that time; fewer say nothing
    support: float = 0.35  # of the readings agree on the nearest thing; a run of 12 false echoes is fewer
    agree_m: float = 0.20  # no farther apart
    again_s: float = 10.0  # "no room" is said again while she stands there

    def __post_init__(self) -> None:
        for key, low, high in (
            ("start_m", 1.0, 3.0),
            ("two_m", 1.5, 3.5),
            ("three_m", 2.0, 4.0),
            ("window_s", 1.0, 5.0),
            ("least_readings", 5, 20),
            ("support", 0.1, 0.5),
            ("agree_m", 0.1, 0.4),
            ("again_s", 5.0, 60.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"lane: {key} ({getattr(self, key)}) must lie between {low} and {high}")
        if not self.start_m <= self.two_m <= self.three_m:
            each = f"start_m ({self.start_m}), two_m ({self.two_m}) and three_m ({self.three_m})"
            raise ValueError(f"lane: {each}: none may be smaller than the one before")


class Lane:
    """`clear_m`: the way that is clear, NOTHING_M when nothing is within reach, None while it is not known.

    The nearest thing that a third of the readings agree on counts, so neither false echoes nor lost ones do; where the
    readings agree on nothing, as when she moves, the nearest third of them.
    """

    def __init__(self, config: LaneConfig) -> None:
        self._config = config
        self._window_ns = round(config.window_s * 1e9)
        self._readings: deque[tuple[int, float]] = deque()
        self._since_ns: int | None = None
        self._stale = False
        self._clear_m: float | None = None
        self._say_ns: int | None = None

    def forget(self) -> None:
        """Nothing is known about the way behind."""
        self._readings.clear()
        self._since_ns, self._clear_m, self._stale = None, None, False

    def update(self, t_ns: int, distance_m: float | None) -> None:
        """One usable reading; None: nothing within reach. What is no number is no reading."""
        if distance_m is not None and not math.isfinite(distance_m):
            return
        readings = self._readings
        if readings and t_ns - readings[-1][0] > self._window_ns // 2:
            self.forget()
        if self._since_ns is None:
            self._since_ns = t_ns
        readings.append((t_ns, NOTHING_M if distance_m is None else min(distance_m, NOTHING_M)))
        while readings[0][0] <= t_ns - self._window_ns:
            readings.popleft()
        self._stale = True

    def watch(self, now_ns: int) -> None:
        """Time passed: where the readings have stopped, nothing is known any more."""
        if self._readings and now_ns - self._readings[-1][0] > self._window_ns // 2:
            self.forget()

    @property
    def clear_m(self) -> float | None:
        if self._stale:
            self._clear_m, self._stale = self._judge(), False
        return self._clear_m

    @property
    def blocked(self) -> bool:
        """Less room is known than a walk needs. What is not known is neither blocked nor open."""
        clear_m = self.clear_m
        return clear_m is not None and clear_m < self._config.start_m

    @property
    def open(self) -> bool:
        """Room enough all the time, and at its end too: who moves may have left it."""
        clear_m, start_m = self.clear_m, self._config.start_m
        if clear_m is None or clear_m < start_m:
            return False
        since_ns = self._readings[-1][0] - self._window_ns // 4
        latest = sorted(distance_m for t_ns, distance_m in self._readings if t_ns > since_ns)
        return latest[len(latest) // 2] >= start_m

    @property
    def pulses(self) -> int:
        """1 to 3 by the clear metres; 0 without room, or while it is not known."""
        clear_m, config = self.clear_m, self._config
        if clear_m is None or clear_m < config.start_m:
            return 0
        return 1 + (clear_m >= config.two_m) + (clear_m >= config.three_m)

    @property
    def reason(self) -> str:
        """Why no walk begins; empty while nothing is known against it."""
        clear_m, start_m = self.clear_m, self._config.start_m
        if clear_m is None or clear_m >= start_m:
            return ""
        told_m = min(clear_m, start_m - 0.06)  # never rounded up to what is expected
        return f"{told_m:.1f} m clear behind, expected at least {start_m:g} m: turn or step forward"

    def say(self, now_ns: int) -> bool:
        """True when there is no room and that is due to be said: at once, and now and then while it stays so."""
        if not self.blocked:
            return False
        if self._say_ns is not None and now_ns < self._say_ns:
            return False
        self._say_ns = now_ns + round(self._config.again_s * 1e9)
        return True

    def _judge(self) -> float | None:
        config, readings = self._config, self._readings
        if self._since_ns is None or not readings or len(readings) < config.least_readings:
            return None
        if readings[-1][0] - self._since_ns < 0.9 * self._window_ns:
            return None
        return self._nearest([distance_m for _, distance_m in readings])

    def _nearest(self, distances_m: list[float]) -> float:
        """The middle of the nearest readings that agree, or the end of the nearest third of all."""
        ordered = sorted(distances_m)
        needed = max(2, math.ceil(self._config.support * len(ordered)))
        for first in range(len(ordered) - needed + 1):
            if ordered[first + needed - 1] - ordered[first] <= self._config.agree_m:
                return ordered[first + needed // 2]
        return ordered[needed - 1]
