"""What one walk comes to: minutes, steps, warnings and how she moved."""

import math
from collections.abc import Mapping
from typing import Protocol

from firmware.core.messages import Alert, Hazard, Severity, Value
from firmware.core.walk_so_far import Part, whole

_LARGEST_SWAY_RAD2 = math.radians(45.0) ** 2  # more is bending down or falling
_COUNTED = {
    (Hazard.OBSTACLE, Severity.CAUTION): "obstacle_cautions",
    (Hazard.OBSTACLE, Severity.WARNING): "obstacle_warnings",
    (Hazard.SWAY, Severity.WARNING): "sway_warnings",
    (Hazard.LEAN, Severity.CUE): "lean_cues",
    (Hazard.FALL, Severity.SUSPECTED): "falls",
    (Hazard.SOS, Severity.CONFIRMED): "sos",
    (Hazard.FAULT, Severity.FAULT): "faults",
}
_OF = {Hazard.FALL: "falls", Hazard.SOS: "sos"}
_SERIOUS = tuple(_OF.values())
_UNCLEAN = (*_SERIOUS, "obstacle_warnings", "sway_warnings", "rest_cues", "faults")


class Regularity(Protocol):
    """Step times; `firmware.core.estimators.steps.StepTimes` fits."""

    @property
    def sd_s(self) -> float | None: ...


class StepCount(Protocol):
    """What is counted of steps; `firmware.core.estimators.steps.Steps` fits."""

    count: int
    row_since_ns: int
    last_ns: int | None
    intervals: int
    intervals_s: float

    @property
    def times(self) -> Regularity: ...


class Tally:
    """One walk. `summary` has, None where it is not known:

    minutes (walking), planned_minutes, pauses, steps, cadence_spm (of the rows of steps), step_time_sd_ms (of the
    regular ones), obstacle_cautions, obstacle_warnings, first_warning_distance_m, nearest_m, sway_warnings,
    sway_rms_deg, sway_drift (how many times as far she sways as at first), sway_ratio (as in earlier walks), lean_deg
    (forward, mean), lean_cues, falls, sos, faults; mode ("treadmill" or "partner": what kept its distance behind her
    for longest, None: nothing did), mode_minutes; clear_m (the way behind before the walk), no_start (why it does not
    begin, empty when nothing is known against it); interruptions (how often the guard was started anew in it; each is a
    fault as well); and what `add` was told.
    """

    def __init__(self) -> None:
        self._counts = dict.fromkeys(_COUNTED.values(), 0)
        self._open_before: set[str] = set()  # what was open when the guard was started anew
        self._before: Part | None = None  # the walk so far, of an earlier run of the guard
        self._warned_alarm = 0
        self._first_warning_m: float | None = None
        self._nearest_m: float | None = None
        self._since_ns: int | None = None  # of the row of steps that is under way
        self._last_step_ns: int | None = None
        self._walked_ns, self._pauses = 0, 0
        self._steps_walked, self._steps_before, self._steps = 0, 0, 0
        self._intervals, self._intervals_s = 0, 0.0
        self._times: Regularity | None = None
        self._sway_square_sum, self._lean_sum_rad, self._sway_count = 0.0, 0.0, 0
        self._modes_ns: dict[str, int] = {}
        self._mode_told_ns: int | None = None
        self._more: dict[str, Value] = {}
        self.sway_drift: float | None = None
        self.sway_ratio: float | None = None
        self.planned_minutes: float | None = None
        self.clear_m: float | None = None
        self.no_start = ""
        self.interruptions = 0

    def take_up(self, before: Part) -> None:
        """This walk began in an earlier run of the guard, and came to that."""
        self._before, self.interruptions = before, 1
        planned = before.get("planned_minutes")
        if isinstance(planned, int | float):
            self.planned_minutes = float(planned)

    @property
    def taken_up(self) -> bool:
        return self._before is not None

    def count(self, steps: StepCount) -> None:
        """The steps so far; asked several times a second."""
        self._steps, self._last_step_ns = steps.count, steps.last_ns
        self._intervals, self._intervals_s, self._times = steps.intervals, steps.intervals_s, steps.times

    def begin(self, steps: StepCount) -> None:
        """What was before it, steps and warnings, belongs to no walk. A fall that took ready back belongs to this."""
        self._counts = {name: self._counts[name] if name in _SERIOUS else 0 for name in self._counts}
        self._first_warning_m = self._nearest_m = None
        self.count(steps)
        self._steps_before = steps.count

    def walk(self, since_ns: int) -> None:
        """A row of steps is under way since then."""
        self._since_ns = since_ns

    def rest(self, now_ns: int, *, paused: bool = True) -> None:
        """The row has ended, with its last step."""
        if self._since_ns is None:
            return
        self._walked_ns += self._row_ns(now_ns)
        self._steps_walked += self._steps - self._steps_before
        self._steps_before, self._since_ns = self._steps, None
        self._pauses += paused

    def skip(self) -> None:
        """Steps up to now were no walk: crawling, getting up."""
        self._steps_before = self._steps

    @property
    def walking(self) -> bool:
        return self._since_ns is not None

    @property
    def steps(self) -> int:
        """In the walk, so far, and in this run of the guard."""
        return self._steps_walked + (self._steps - self._steps_before if self._since_ns is not None else 0)

    @property
    def steps_in_all(self) -> int:
        """Of the whole walk: what its summary will say."""
        before = (self._before or {}).get("steps")
        return self.steps + (before if isinstance(before, int) else 0)

    @property
    def clean(self) -> bool:
        """Nothing was warned of, nobody fell, called or was told to rest, and no part failed."""
        whole = self.summary(0)
        return not any(whole.get(name) for name in _UNCLEAN)

    @property
    def serious(self) -> bool:
        """Somebody seemed to fall, or called."""
        before = self._before or {}
        return self.counted or any(before.get(name) for name in _SERIOUS) or bool(self._open_before)

    @property
    def counted(self) -> bool:
        """A fall or a call was counted in this run of the guard."""
        return any(self._counts[name] for name in _SERIOUS)

    @property
    def walked(self) -> bool:
        """Steps were taken."""
        return bool(self.steps or (self._before or {}).get("steps"))

    def minutes(self, now_ns: int) -> float:
        """Walked, of the whole walk."""
        before = (self._before or {}).get("minutes")
        return self.walked_ns(now_ns) / 60e9 + (before if isinstance(before, int | float) else 0.0)

    def walked_ns(self, now_ns: int) -> int:
        """In this run of the guard."""
        return self._walked_ns + (self._row_ns(now_ns) if self._since_ns is not None else 0)

    def add(self, more: Mapping[str, Value]) -> None:
        """What others know of this walk, under its names in the summary."""
        self._more.update(more)

    def note_alert(self, alert: Alert) -> None:
        name = _COUNTED.get((alert.hazard, alert.severity))
        if alert.hazard is Hazard.OBSTACLE and alert.severity in (Severity.WARNING, Severity.IMMINENT):
            self._note_warning(alert)
        elif alert.hazard in _OF and alert.data.get("resumed") and alert.severity is not Severity.RECOVERED:
            self._open_before.add(_OF[alert.hazard])
        elif name is not None:
            self._counts[name] += 1

    def note_sway(self, pitch_rad: float, roll_rad: float, lean_rad: float) -> None:
        """How far the trunk is off its mean, and its lean forward from her own upright."""
        square = pitch_rad * pitch_rad + roll_rad * roll_rad
        if square < _LARGEST_SWAY_RAD2 and self._since_ns is not None:
            self._sway_square_sum += square
            self._lean_sum_rad += lean_rad
            self._sway_count += 1

    def note_mode(self, now_ns: int, mode: str | None) -> None:
        """What keeps its distance behind her now; asked several times a second."""
        since_ns, self._mode_told_ns = self._mode_told_ns, now_ns
        if mode is not None and since_ns is not None and self._since_ns is not None:
            self._modes_ns[mode] = self._modes_ns.get(mode, 0) + now_ns - since_ns

    def note_distance(self, distance_m: float) -> None:
        if self._since_ns is not None and (self._nearest_m is None or distance_m < self._nearest_m):
            self._nearest_m = distance_m

    def summary(self, now_ns: int) -> dict[str, Value]:
        own = self._own(now_ns)
        return own if self._before is None else whole(self._before, own)

    def _own(self, now_ns: int) -> dict[str, Value]:
        """Of this run of the guard. What it found open is counted in the part before, where that is known."""
        rms_rad = math.sqrt(self._sway_square_sum / self._sway_count) if self._sway_count else None
        step_sd_s = self._times.sd_s if self._times else None
        modes_ns, counts, before = self._modes_ns, self._counts, self._before or {}
        falls, sos = (counts[name] + (name in self._open_before and not before.get(name)) for name in _SERIOUS)
        mode = max(modes_ns, key=lambda name: modes_ns[name]) if modes_ns else None
        intervals, intervals_s, swayed = self._intervals, self._intervals_s, self._sway_count
        lean_rad = self._lean_sum_rad / swayed if swayed else None
        return {
            "minutes": round(self.walked_ns(now_ns) / 60e9, 2),
            "planned_minutes": self.planned_minutes,
            "pauses": self._pauses,
            "steps": self.steps,
            "cadence_spm": round(60.0 * intervals / intervals_s, 1) if intervals and self.steps else None,
            "step_time_sd_ms": None if step_sd_s is None or not self.steps else round(1000.0 * step_sd_s),
            "obstacle_cautions": counts["obstacle_cautions"],
            "obstacle_warnings": counts["obstacle_warnings"],
            "first_warning_distance_m": self._first_warning_m,
            "nearest_m": _rounded(self._nearest_m),
            "sway_warnings": counts["sway_warnings"],
            "sway_rms_deg": None if rms_rad is None else round(math.degrees(rms_rad), 2),
            "sway_drift": _rounded(self.sway_drift),
            "sway_ratio": _rounded(self.sway_ratio),
            "lean_deg": None if lean_rad is None else round(math.degrees(lean_rad), 1),
            "lean_cues": counts["lean_cues"],
            "falls": falls,
            "sos": sos,
            "faults": counts["faults"] + self.interruptions,
            "interruptions": self.interruptions,
            "mode": mode,
            "mode_minutes": round(modes_ns[mode] / 60e9, 2) if mode else 0.0,
            "clear_m": _rounded(self.clear_m),
            "no_start": self.no_start,
            **self._more,
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

    def _row_ns(self, now_ns: int) -> int:
        """A walk goes to its last step, not until the pause is noticed."""
        if self._since_ns is None:
            return 0
        return max(0, (self._last_step_ns or now_ns) - self._since_ns)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
