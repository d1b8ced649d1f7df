"""Whether the readings of the rangefinder can be echoes of real things."""

import math
from collections import deque
from dataclasses import dataclass

from hal.samples import RangeSample


@dataclass(frozen=True, slots=True)
class RangeCheckConfig:
    """What a healthy rangefinder never does."""

    highest_m: float = 6.0
    jump_mps: float = 10.0  # nothing behind a walker moves faster
    jump_m: float = 0.6
    jump_share: float = 0.5  # of the readings of a second; echoes of the floor reach 0.2
    least_readings: int = 10
    window_s: float = 1.0
    late_s: float = 0.3
    frozen_s: float = 10.0  # of steps without any change: her trunk alone moves by more than a sensor's resolution

    def __post_init__(self) -> None:
        for key, low, high in (
            ("highest_m", 4.0, 10.0),
            ("jump_mps", 5.0, 50.0),
            ("jump_m", 0.3, 2.0),
            ("jump_share", 0.3, 0.8),
            ("least_readings", 5, 15),
            ("window_s", 0.8, 5.0),
            ("late_s", 0.1, 1.0),
            ("frozen_s", 5.0, 60.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"range_check: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class RangeCheck:
    """Judges reading by reading. `usable` tells whether the last one may be used.

    Readings that jump are those far from the median of the five before them: a wrong one now and then is one
    jump, noise is a jump most of the time.
    """

    def __init__(self, config: RangeCheckConfig) -> None:
        self._config = config
        self._t_ns: int | None = None
        self._latest_m: deque[float] = deque(maxlen=5)
        self._judged: deque[tuple[int, bool]] = deque()
        self._jumps = 0
        self._same_m: float | None = None  # what it has read again and again
        self._same_since_ns = 0  # while she steps
        self._frozen = False  # until it reads something else
        self.usable = False

    def judge(self, newest_ns: int, sample: RangeSample, stepping: bool = False) -> str:
        """Empty, or why the rangefinder cannot be trusted; `newest_ns` is the newest time seen in any input.

        `stepping`: she walks, so what is behind her cannot stay the same to the last digit.
        """
        t_ns, distance_m, config = sample.t_ns, sample.distance_m, self._config
        self.usable = False
        if distance_m is not None and not (math.isfinite(distance_m) and 0.0 <= distance_m <= config.highest_m):
            return f"rangefinder: it reads {distance_m} m, expected 0 to {config.highest_m} m; check its wiring"
        if newest_ns - t_ns > config.late_s * 1e9:
            return f"rangefinder: a reading came {(newest_ns - t_ns) / 1e9:.2f} s late; check the processor's load"
        if self._t_ns is not None and t_ns <= self._t_ns:
            return ""  # not usable; when nothing better comes, the part grows stale
        self._forget_before(t_ns - round(config.window_s * 1e9))
        if distance_m is not None:
            self._compare(t_ns, distance_m)
        self._t_ns = t_ns
        if self._is_frozen(t_ns, distance_m, stepping):
            return f"rangefinder: it reads {distance_m:.3f} m again and again; switch it off and on, check its wiring"
        if len(self._judged) < config.least_readings or self._jumps <= config.jump_share * len(self._judged):
            self.usable = True
            return ""
        return f"rangefinder: {self._jumps} of {len(self._judged)} readings jump; check its wiring and 5 V supply"

    def _is_frozen(self, t_ns: int, distance_m: float | None, stepping: bool) -> bool:
        if distance_m is None or distance_m != self._same_m:
            self._same_m, self._same_since_ns, self._frozen = distance_m, t_ns, False
        elif not stepping:
            self._same_since_ns = t_ns
        elif t_ns - self._same_since_ns >= self._config.frozen_s * 1e9:
            self._frozen = True
        return self._frozen

    def _compare(self, t_ns: int, distance_m: float) -> None:
        judged, latest_m = self._judged, self._latest_m
        if self._t_ns is not None and latest_m:
            possible_m = max(self._config.jump_m, self._config.jump_mps * (t_ns - self._t_ns) * 1e-9)
            jumped = abs(distance_m - sorted(latest_m)[len(latest_m) // 2]) > possible_m
            judged.append((t_ns, jumped))
            self._jumps += jumped
        latest_m.append(distance_m)

    def _forget_before(self, start_ns: int) -> None:
        judged = self._judged
        while judged and judged[0][0] <= start_ns:
            self._jumps -= judged.popleft()[1]
