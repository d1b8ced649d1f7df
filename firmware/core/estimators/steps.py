"""Steps and cadence from the vertical acceleration of the trunk, for slow, small steps."""

import math
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepsConfig:
    """What counts as a step."""

    smoothing_s: float = 0.06  # twice; keeps the rise of the trunk, drops the jolt of the heel
    baseline_s: float = 1.0
    least_mps2: float = 0.25  # a rise and a fall of the trunk smaller than this is standing
    share: float = 0.25  # of the usual height of this walker's steps
    least_interval_s: float = 0.30
    longest_interval_s: float = 2.0  # a longer pause ends the row of steps
    regular_share: float = 0.3  # a step time farther from the usual one is a turn, a halt or a miss: no variability
    step_length_m: float = 0.36  # small backward steps: 0.6 m/s at 100 steps a minute

    def __post_init__(self) -> None:
        for key, low, high in (
            ("smoothing_s", 0.02, 0.15),
            ("baseline_s", 0.3, 5.0),
            ("least_mps2", 0.1, 1.0),
            ("share", 0.1, 0.7),
            ("least_interval_s", 0.15, 0.5),
            ("longest_interval_s", 1.0, 4.0),
            ("regular_share", 0.1, 0.6),
            ("step_length_m", 0.1, 1.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"steps: {key} ({getattr(self, key)}) must lie between {low} and {high}")


LEAST_REGULAR = 10


@dataclass(frozen=True, slots=True)
class StepTimes:
    """How regular the steps were, of those that followed one another as usual."""

    count: int = 0
    mean_s: float = 0.0
    squares_s2: float = 0.0  # sum of the squared deviations from the mean

    def with_one(self, step_s: float) -> "StepTimes":
        count, off_s = self.count + 1, step_s - self.mean_s
        mean_s = self.mean_s + off_s / count
        return StepTimes(count, mean_s, self.squares_s2 + off_s * (step_s - mean_s))

    @property
    def sd_s(self) -> float | None:
        """Step-time variability: the standard deviation; None of fewer than ten."""
        return math.sqrt(self.squares_s2 / self.count) if self.count >= LEAST_REGULAR else None


class Steps:
    """Counts a step where the smoothed vertical acceleration falls from a peak after a trough.

    The step's time is the middle of that peak, weighed by its height: the steadier of several moments that were tried,
    walking forward and in recordings played backward. It lags behind the contact of the foot by a constant.
    """

    def __init__(self, config: StepsConfig) -> None:
        self._config = config
        self._t_ns: int | None = None
        self._first = self._second = self._baseline = 0.0
        self._rise = 0.0
        self._usual_mps2 = 0.0  # height of the usual step
        self._limit_mps2 = config.least_mps2
        self._armed = False
        self._peak_mps2 = 0.0
        self._peak_from_ns = 0
        self._peak_sum = self._peak_moment_ns = 0.0
        self._latest_s: deque[float] = deque(maxlen=6)
        self.count = 0
        self.in_a_row = 0
        self.row_since_ns = 0  # when the first step of the row began, roughly
        self.last_ns: int | None = None
        self.height_mps2 = 0.0  # of the last step: how hard it was
        self.intervals = 0  # between steps of one row, and their sum
        self.intervals_s = 0.0
        self.times = StepTimes()

    def restart(self) -> None:
        """Forget the motion, not the count: for the first sample after a fault."""
        self._t_ns = None
        self._first = self._second = self._baseline = self._rise = 0.0
        self._armed = False

    def begin(self) -> None:
        """A walk begins: cadence and regularity are told of it alone. The count goes on."""
        self.intervals, self.intervals_s, self.times = 0, 0.0, StepTimes()

    def update(self, t_ns: int, vertical_mps2: float) -> bool:
        """True when a step was completed just now."""
        dt_s = 0.0 if self._t_ns is None else (t_ns - self._t_ns) * 1e-9
        self._t_ns = t_ns
        config = self._config
        gain = dt_s / (config.smoothing_s + dt_s)
        self._first = first = self._first + gain * (vertical_mps2 - self._first)
        self._second = second = self._second + gain * (first - self._second)
        self._baseline = baseline = self._baseline + dt_s / (config.baseline_s + dt_s) * (second - self._baseline)
        before, self._rise = self._rise, second - baseline
        rise = self._rise
        taken = self._armed and (rise > 0.0 or self._peak_mps2 > 0.0) and self._follow(t_ns, dt_s, before, rise)
        if rise < -0.5 * self._limit_mps2:
            self._armed = True
            self._peak_mps2 = self._peak_sum = self._peak_moment_ns = 0.0
        return taken

    def _follow(self, t_ns: int, dt_s: float, before: float, rise: float) -> bool:
        """After a trough: the peak, and its end."""
        if rise > 0.0:
            if not self._peak_sum:  # where the rise crossed the baseline
                self._peak_from_ns = t_ns - (round(dt_s * 1e9 * rise / (rise - before)) if before < 0.0 else 0)
            self._peak_sum += rise * dt_s
            self._peak_moment_ns += rise * dt_s * (t_ns - self._peak_from_ns)
        if rise > self._peak_mps2:
            self._peak_mps2 = rise
        elif self._peak_mps2 > self._limit_mps2 and rise < 0.6 * self._peak_mps2:
            self._armed = False
            return self._take(self._peak_from_ns + round(self._peak_moment_ns / self._peak_sum))
        return False

    def _take(self, t_ns: int) -> bool:
        interval_s = math.inf if self.last_ns is None else (t_ns - self.last_ns) * 1e-9
        if interval_s < self._config.least_interval_s:
            return False
        self.last_ns, self.height_mps2 = t_ns, self._peak_mps2
        self.count += 1
        if interval_s > self._config.longest_interval_s:
            self._latest_s.clear()
            self._usual_mps2, self.in_a_row, self.row_since_ns = self._peak_mps2 * 0.5, 1, t_ns
        else:
            self._note_time(interval_s)
            self._usual_mps2 += 0.25 * (min(self._peak_mps2, 2.0 * self._usual_mps2) - self._usual_mps2)
            self.in_a_row += 1
            self.intervals += 1
            self.intervals_s += interval_s
        self._limit_mps2 = max(self._config.least_mps2, self._config.share * self._usual_mps2)
        return True

    def _note_time(self, step_s: float) -> None:
        latest_s = self._latest_s
        if len(latest_s) >= 3:
            usual_s = sorted(latest_s)[len(latest_s) // 2]
            if abs(step_s - usual_s) <= self._config.regular_share * usual_s:
                self.times = self.times.with_one(step_s)
        latest_s.append(step_s)

    def under_way(self, now_ns: int) -> bool:
        """Somebody takes steps now: two at least, the last one not long ago."""
        return self.in_a_row >= 2 and self.last_ns is not None and now_ns - self.last_ns < 3_000_000_000

    def cadence_spm(self, now_ns: int) -> float | None:
        """Steps a minute over the last steps; None while nobody walks."""
        if self.last_ns is None or now_ns - self.last_ns > self._config.longest_interval_s * 1e9:
            return None
        if len(self._latest_s) < 2:
            return None
        return 60.0 / sorted(self._latest_s)[len(self._latest_s) // 2]

    def speed_mps(self, now_ns: int) -> float:
        """Walking speed, roughly: cadence times a small step; 0 while nobody walks."""
        cadence_spm = self.cadence_spm(now_ns)
        return 0.0 if cadence_spm is None else cadence_spm / 60.0 * self._config.step_length_m
