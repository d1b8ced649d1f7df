"""The walk: from clip-on to the end, and what it comes to."""

import math
from dataclasses import dataclass
from typing import Protocol

from firmware.core.messages import Alert, Hazard, Severity, Value, WalkState


@dataclass(frozen=True, slots=True)
class WalkConfig:
    """When somebody counts as walking."""

    start_steps: int = 3
    pause_s: float = 8.0  # without a step

    def __post_init__(self) -> None:
        if not 2 <= self.start_steps <= 20:
            raise ValueError(f"walk: start_steps ({self.start_steps}) must lie between 2 and 20")
        if not 3 <= self.pause_s <= 60:
            raise ValueError(f"walk: pause_s ({self.pause_s}) must lie between 3 and 60")


class Regularity(Protocol):
    """Step times; `firmware.core.estimators.steps.StepTimes` fits."""

    @property
    def sd_s(self) -> float | None: ...


class StepCount(Protocol):
    """What the walk has to know about steps; `firmware.core.estimators.steps.Steps` fits."""

    count: int
    in_a_row: int
    row_since_ns: int
    last_ns: int | None
    intervals: int
    intervals_s: float

    @property
    def times(self) -> Regularity: ...


_LARGEST_SWAY_RAD2 = math.radians(45.0) ** 2  # more is bending down or falling

# Looking up the member of an enum costs 0.1 us, and these are asked all the time.
_SELF_TEST, _READY, _WALKING = WalkState.SELF_TEST, WalkState.READY, WalkState.WALKING
_PAUSED, _ENDED = WalkState.PAUSED, WalkState.ENDED
_ACTIVE = (_WALKING, _READY, _PAUSED)

_COUNTED = {
    (Hazard.OBSTACLE, Severity.CAUTION): "obstacle_cautions",
    (Hazard.OBSTACLE, Severity.WARNING): "obstacle_warnings",
    (Hazard.SWAY, Severity.WARNING): "sway_warnings",
    (Hazard.LEAN, Severity.CUE): "lean_cues",
    (Hazard.FALL, Severity.SUSPECTED): "falls",
    (Hazard.SOS, Severity.CONFIRMED): "sos",
    (Hazard.FAULT, Severity.FAULT): "faults",
}


class Walk:
    """self-test -> ready -> walking <-> paused -> ended. Ended is for good: a new walk is a new pipeline.

    `summary` has: minutes (walking), steps, cadence_spm (of the rows of steps), step_time_sd_ms (of the regular ones),
    obstacle_cautions, obstacle_warnings, first_warning_distance_m, nearest_m, sway_warnings, sway_rms_deg, sway_drift
    (how many times as far she sways as at first), lean_cues, falls, sos, faults; mode ("treadmill" or "partner": what
    kept its distance behind her for longest, None: nothing did), mode_minutes; clear_m (the way behind before the
    walk), no_start (why it does not begin, empty when nothing is known against it). None: not known.
    """

    def __init__(self, config: WalkConfig) -> None:
        self._config = config
        self._counts = dict.fromkeys(_COUNTED.values(), 0)
        self._warned_alarm = 0
        self._first_warning_m: float | None = None
        self._nearest_m: float | None = None
        self._walked_ns = 0
        self._steps_while_walking = 0
        self._walking_since_ns: int | None = None
        self._steps_at_start = 0
        self._steps = 0
        self._ready_ns = 0
        self._last_step_ns: int | None = None
        self._intervals, self._intervals_s = 0, 0.0
        self._times: Regularity | None = None
        self._fallen = False
        self._sway_square_sum = 0.0
        self._sway_count = 0
        self.sway_drift: float | None = None
        self._modes_ns: dict[str, int] = {}
        self._mode_told_ns: int | None = None
        self.clear_m: float | None = None
        self.no_start = ""
        self.state = _SELF_TEST
        self.active = False  # the self-test is done, or the guard was started anew, and the walk is not over

    def update(self, now_ns: int, ready: bool, steps: StepCount) -> bool:
        """True when the state changed. `ready`: the sensors are well and the walker stands upright."""
        if self.state is _SELF_TEST:
            self._steps_at_start = self._steps = steps.count
            self._ready_ns = now_ns  # steps before it are not counted, nor is their time
            return ready and self._enter(now_ns, _READY)
        if self.state is _ENDED:
            return False
        self._steps, self._last_step_ns = steps.count, steps.last_ns
        self._intervals, self._intervals_s, self._times = steps.intervals, steps.intervals_s, steps.times
        recent = steps.last_ns is not None and now_ns - steps.last_ns < self._config.pause_s * 1e9
        if self.state is _WALKING:
            return (self._fallen or not recent) and self._enter(now_ns, _PAUSED)
        enough = min(steps.count - self._steps_at_start, steps.in_a_row) >= self._config.start_steps
        if not (recent and enough) or self._fallen:
            return False
        self._enter(now_ns, _WALKING)
        self._walking_since_ns = max(steps.row_since_ns, self._ready_ns)
        return True

    def resume(self, now_ns: int, steps: StepCount) -> bool:
        """The walk of an earlier run goes on; True when the state changed. A walker is warned without a self-test."""
        if self.state is not _SELF_TEST:
            return False
        self._steps_at_start = self._steps = steps.count
        return self._enter(now_ns, _PAUSED)

    def end(self, now_ns: int) -> bool:
        """True when the walk was not over before."""
        return self.state is not _ENDED and self._enter(now_ns, _ENDED)

    def note_alert(self, alert: Alert) -> None:
        name = _COUNTED.get((alert.hazard, alert.severity))
        if alert.hazard is Hazard.FALL and alert.severity not in (Severity.POSSIBLE, Severity.NONE):
            self._fallen = alert.severity not in (Severity.CANCELLED, Severity.RECOVERED)
            if not self._fallen:
                self._steps_at_start = self._steps  # crawling is no walk
        if alert.hazard is Hazard.OBSTACLE and alert.severity in (Severity.WARNING, Severity.IMMINENT):
            self._note_warning(alert)
        elif name is not None:
            self._counts[name] += 1

    def note_sway(self, pitch_rad: float, roll_rad: float) -> None:
        square = pitch_rad * pitch_rad + roll_rad * roll_rad
        if square < _LARGEST_SWAY_RAD2 and self.state is _WALKING:
            self._sway_square_sum += square
            self._sway_count += 1

    def note_mode(self, now_ns: int, mode: str | None) -> None:
        """What keeps its distance behind her now; asked several times a second."""
        since_ns, self._mode_told_ns = self._mode_told_ns, now_ns
        if mode is not None and since_ns is not None and self.state is _WALKING:
            self._modes_ns[mode] = self._modes_ns.get(mode, 0) + now_ns - since_ns

    def note_distance(self, distance_m: float) -> None:
        if self.state is _WALKING and (self._nearest_m is None or distance_m < self._nearest_m):
            self._nearest_m = distance_m

    def summary(self, now_ns: int) -> dict[str, Value]:
        walked_ns, walked_steps = self._walked_ns, self._steps_while_walking
        if self._walking_since_ns is not None:
            walked_ns += self._row_ns(now_ns)
            walked_steps += self._steps - self._steps_at_start
        sway_rad = math.sqrt(self._sway_square_sum / self._sway_count) if self._sway_count else None
        step_sd_s = self._times.sd_s if self._times else None
        counts, modes_ns = self._counts, self._modes_ns
        mode = max(modes_ns, key=lambda name: modes_ns[name]) if modes_ns else None
        return {
            "minutes": round(walked_ns / 60e9, 2),
            "steps": walked_steps,
            "cadence_spm": round(60.0 * self._intervals / self._intervals_s, 1) if self._intervals else None,
            "step_time_sd_ms": None if step_sd_s is None else round(1000.0 * step_sd_s),
            "obstacle_cautions": counts["obstacle_cautions"],
            "obstacle_warnings": counts["obstacle_warnings"],
            "first_warning_distance_m": self._first_warning_m,
            "nearest_m": None if self._nearest_m is None else round(self._nearest_m, 2),
            "sway_warnings": counts["sway_warnings"],
            "sway_rms_deg": None if sway_rad is None else round(math.degrees(sway_rad), 2),
            "sway_drift": None if self.sway_drift is None else round(self.sway_drift, 2),
            "lean_cues": counts["lean_cues"],
            "falls": counts["falls"],
            "sos": counts["sos"],
            "faults": counts["faults"],
            "mode": mode,
            "mode_minutes": round(modes_ns[mode] / 60e9, 2) if mode else 0.0,
            "clear_m": None if self.clear_m is None else round(self.clear_m, 2),
            "no_start": self.no_start,
        }

    def _note_warning(self, alert: Alert) -> None:
        """A warning that comes at once as imminent, or twice in one approach, is one warning."""
        if alert.alarm == self._warned_alarm:
            return
        self._warned_alarm = alert.alarm
        self._counts["obstacle_warnings"] += 1
        distance_m = alert.data.get("distance_m")
        if self._first_warning_m is None and isinstance(distance_m, float):
            self._first_warning_m = round(distance_m, 2)

    def _enter(self, now_ns: int, state: WalkState) -> bool:
        if self._walking_since_ns is not None:
            self._walked_ns += self._row_ns(now_ns)
            self._steps_while_walking += self._steps - self._steps_at_start
            self._walking_since_ns = None
            self._steps_at_start = self._steps
        if state is _WALKING:
            self._walking_since_ns = now_ns
        self.state, self.active = state, state in _ACTIVE
        return True

    def _row_ns(self, now_ns: int) -> int:
        """A walk goes to its last step, not until the pause is noticed."""
        if self._walking_since_ns is None:
            return 0
        return max(0, (self._last_step_ns or now_ns) - self._walking_since_ns)
