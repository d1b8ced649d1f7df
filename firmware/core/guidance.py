"""What guides her a little and measures her way: step length, cues, the metronome, the budget, the 3-m test."""

from collections.abc import Iterable
from typing import Protocol

from firmware.core.alerts import RULES
from firmware.core.backward_test import BackwardTestRun
from firmware.core.budget import AlarmBudget
from firmware.core.config import CoreConfig
from firmware.core.detectors.pacing import Metronome, Pacing
from firmware.core.estimators.approach import Thing
from firmware.core.estimators.step_length import StepLength
from firmware.core.messages import Alert, BackwardTest, Hazard, Pattern, Severity, Value
from firmware.core.moving import Moving

Told = list[Pattern | BackwardTest]

_ENDS_A_TEST = RULES[Hazard.FAULT, Severity.FAULT].priority
"""What sounds as urgently as a fault, or more, ends a 3-m test."""
_WHY = {
    Hazard.OBSTACLE: "warned of an obstacle",
    Hazard.SWAY: "warned of sway",
    Hazard.FALL: "a fall was suspected",
    Hazard.SOS: "called for help",
    Hazard.FAULT: "a part of the device failed",
}


class Stops(Protocol):
    """`firmware.core.estimators.stopping.StoppingTime` fits."""

    @property
    def response_s(self) -> float | None: ...


class Guidance:
    """Each call returns what is to be told: patterns to notify once, and tests that are over. None of it may wait.

    `step_cues` is how many times smaller steps were asked for in this walk.
    """

    def __init__(self, config: CoreConfig, moving: Moving) -> None:
        self._config, self._moving = config, moving
        self.length = StepLength(config.step_length, config.steps.step_length_m)
        self.test = BackwardTestRun(config.backward_test, self.length, config.button_gesture.presses_within_s)
        self._metronome = Metronome(config.metronome)
        self.begin()

    def begin(self) -> None:
        """A new walk: its pace and its alarms are its own. How long her steps are stays known."""
        self._pacing = Pacing(self._config.pacing)
        self._budget = AlarmBudget(self._config.budget)
        self.step_cues = 0

    @property
    def rest_cues(self) -> int:
        """How many times the budget of alarms was used up in this walk."""
        return self._budget.cues

    def look(self, t_ns: int, things: Iterable[Thing]) -> Told:
        """One usable reading of the rangefinder, after the approach has followed it."""
        things = tuple(things)
        self.length.update(t_ns, things, self._moving.steps)
        return self.test.look(t_ns, things)

    def feel(self, t_ns: int, walks: bool) -> Told:
        """One slice, after `Moving.follow`; `walks`: on her feet, in a walk that is under way."""
        moving = self._moving
        told = self.test.feel(t_ns, moving.attitude, moving.steps)
        if walks and not self.test.active and self._pacing.update(t_ns, moving.steps, self.length) is not None:
            self.step_cues += 1
            self._budget.note_cue(t_ns)
            told.append(Pattern.SMALLER_STEPS)
        return told

    def note(self, alert: Alert) -> Told:
        """One alert: it counts against the budget, and a warning, a fall or a fault ends the test."""
        self._budget.note(alert)
        if RULES[alert.hazard, alert.severity].priority < _ENDS_A_TEST:
            return []
        why, called = _WHY.get(alert.hazard, str(alert.hazard)), alert.hazard is Hazard.SOS
        return self.test.void(alert.t_ns, why, called=called)

    def wait(self, now_ns: int, walks: bool, sounding: Pattern) -> Told:
        """Time passed, 50 ms at the most; `sounding`: what sounds now."""
        told = self.test.wait(now_ns)
        silent, ticks = sounding is Pattern.SILENT, sounding is Pattern.METRONOME
        busy = not (silent or ticks) or self.test.active
        if self._budget.take_rest(now_ns, self._moving.steps.last_ns, busy):
            told.append(Pattern.REST)
        busy = busy or bool(told)
        if self._metronome.tick(now_ns, walks, busy, self._pacing.usual_spm):
            told.append(Pattern.METRONOME)
        return told

    def lose_sight(self) -> None:
        """Nothing is known about the way behind: where `Behind.clear` is called."""
        self.length.forget()

    def summary(self, steps: int, walked_s: float, stops: Stops) -> dict[str, Value]:
        """For the record of the walk: of so many steps in so long. None: not known."""
        way_m, sd_m = self.length.way_m(steps)
        response_s = stops.response_s
        return {
            "distance_m": round(way_m, 1),
            "distance_sd_m": round(sd_m, 1),
            "speed_mps": round(way_m / walked_s, 2) if walked_s > 0.0 and steps else None,
            "step_length_m": round(self.length.length_m, 2) if self.length.runs else None,
            "response_s": None if response_s is None else round(response_s, 2),
            "rest_cues": self.rest_cues if self._config.budget.enabled else None,
            "step_cues": self.step_cues,
        }
