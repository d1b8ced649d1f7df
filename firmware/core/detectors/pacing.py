"""Small, controlled steps: a soft cue when they become faster and harder than hers, or long; and a metronome."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from firmware.core.messages import Value


@dataclass(frozen=True, slots=True)
class PacingConfig:
    """When steps are no small, controlled steps any more. The figures are from `bench.pacing`."""

    enabled: bool = True
    usual_steps: int = 50  # of this walk: the pace that she chose herself
    latest_steps: int = 16  # are compared with them
    times: float = 1.25  # the usual pace; see Pacing
    long_m: float = 0.60  # a step that is surely longer is none for walking backward
    every_s: float = 60.0  # at most one cue in so long

    def __post_init__(self) -> None:
        for key, low, high in (
            ("usual_steps", 20, 200),
            ("latest_steps", 6, 40),
            ("times", 1.1, 2.0),
            ("long_m", 0.3, 0.9),
            ("every_s", 30.0, 600.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"pacing: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class Stepping(Protocol):
    """`firmware.core.estimators.steps.Steps` fits."""

    count: int
    last_ns: int | None
    height_mps2: float


class Length(Protocol):
    """`firmware.core.estimators.step_length.StepLength` fits."""

    length_m: float
    runs: int

    @property
    def sd_m(self) -> float: ...


_PAUSE_NS = 2_000_000_000  # a longer one ends a row of steps
_USUAL_FADES = 200.0  # steps, over which the usual pace follows
_LONG_SD = 1.0


class Pacing:
    """`pace` is how many times her usual one: cadence, times the root of how hard the trunk rises at each step.

    Both grow when she walks faster; longer steps are harder ones. The usual one is the median of her first steps of
    this walk, and follows slowly while nothing is unusual. NaN is no step.
    """

    def __init__(self, config: PacingConfig) -> None:
        self._config = config
        self._count: int | None = None
        self._last_ns: int | None = None
        self._times_s: deque[float] = deque(maxlen=config.latest_steps)
        self._heights: deque[float] = deque(maxlen=config.latest_steps)
        self._first: list[tuple[float, float]] = []
        self._usual_s = self._usual_mps2 = 0.0
        self._known = False
        self._next_ns = 0
        self._runs = 0
        self.pace: float | None = None  # None: not known

    @property
    def usual_spm(self) -> float | None:
        """The cadence that she chose herself; None while it is being learned."""
        return 60.0 / self._usual_s if self._known else None

    def update(self, t_ns: int, steps: Stepping, length: Length) -> dict[str, Value] | None:
        """Several times a second while she walks; what to say of the cue when one is due, else None."""
        if self._count == steps.count or steps.last_ns is None:
            return None
        one = self._count is not None and steps.count == self._count + 1
        before_ns, self._last_ns, self._count = self._last_ns, steps.last_ns, steps.count
        if before_ns is None or steps.last_ns - before_ns > _PAUSE_NS:
            self._times_s.clear()  # she sets off: the first steps of a row are no pace
            self._heights.clear()
            self.pace = None
        elif one and steps.last_ns > before_ns and math.isfinite(steps.height_mps2) and steps.height_mps2 > 0.0:
            self._take((steps.last_ns - before_ns) * 1e-9, steps.height_mps2)
        if not self._config.enabled or t_ns < self._next_ns:
            return None
        why = self._why(length)
        if why is None:
            return None
        self._next_ns = t_ns + round(self._config.every_s * 1e9)
        return why

    def _take(self, step_s: float, height_mps2: float) -> None:
        self._times_s.append(step_s)
        self._heights.append(height_mps2)
        if not self._known:
            self._first.append((step_s, height_mps2))
            if len(self._first) < self._config.usual_steps:
                return
            self._usual_s = _median([time_s for time_s, _ in self._first])
            self._usual_mps2 = _median([height for _, height in self._first])
            self._known = True
            return
        if len(self._times_s) < self._config.latest_steps:
            return
        faster = self._usual_s / _median(list(self._times_s))
        self.pace = faster * math.sqrt(_median(list(self._heights)) / self._usual_mps2)
        if self.pace <= self._config.times:
            self._usual_s += (step_s - self._usual_s) / _USUAL_FADES
            self._usual_mps2 += (height_mps2 - self._usual_mps2) / _USUAL_FADES

    def _why(self, length: Length) -> dict[str, Value] | None:
        """Her pace; or the length, each time that it was learned anew."""
        anew, self._runs = length.runs > self._runs, length.runs
        if self.pace is not None and self.pace > self._config.times:
            return {"why": "pace", "times_usual": round(self.pace, 2)}
        if anew and length.length_m - _LONG_SD * length.sd_m > self._config.long_m:
            return {"why": "length", "step_length_m": round(length.length_m, 2)}
        return None


@dataclass(frozen=True, slots=True)
class MetronomeConfig:
    """Off unless somebody wants it. A tick is the least important of all sounds."""

    enabled: bool = False
    cadence_spm: float = 0.0  # 0: her own
    every_steps: int = 2  # a tick on every second step
    ticks: int = 10  # and then a pause
    pause_s: float = 20.0

    def __post_init__(self) -> None:
        for key, low, high in (("every_steps", 1, 4), ("ticks", 4, 40), ("pause_s", 10.0, 120.0)):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"metronome: {key} ({getattr(self, key)}) must lie between {low} and {high}")
        if self.cadence_spm != 0.0 and not 40.0 <= self.cadence_spm <= 130.0:
            raise ValueError(f"metronome: cadence_spm ({self.cadence_spm}) must be 0 or lie between 40 and 130")


_QUIET_NS = 2_000_000_000  # after anything else has sounded


class Metronome:
    """`tick` says when one is due. It never asks for a tick while something else sounds, nor soon after."""

    def __init__(self, config: MetronomeConfig) -> None:
        self._config = config
        self._next_ns: int | None = None
        self._left = config.ticks
        self._quiet_from_ns = 0

    def tick(self, now_ns: int, walks: bool, busy: bool, own_spm: float | None) -> bool:
        """Asked each 50 ms or more often; `own_spm` is `Pacing.usual_spm`. `busy`: anything but a tick sounds."""
        spm = self._config.cadence_spm or own_spm
        if not (self._config.enabled and walks) or spm is None:
            self._next_ns, self._left = None, self._config.ticks
            return False
        if busy:
            self._quiet_from_ns, self._next_ns = now_ns + _QUIET_NS, None
        if now_ns < self._quiet_from_ns:
            return False
        if self._next_ns is None:
            self._next_ns = now_ns
        if now_ns < self._next_ns:
            return False
        self._left -= 1
        period_ns = round(self._config.every_steps * 60e9 / spm)
        self._next_ns = max(self._next_ns + period_ns, now_ns + period_ns // 2)
        if self._left == 0:
            self._left, self._next_ns = self._config.ticks, now_ns + round(self._config.pause_s * 1e9)
        return True


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
