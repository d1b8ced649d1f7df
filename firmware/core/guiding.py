"""What she is guided by, beside the warnings: the pace, the metronome, a rest in time, and the 3-m test.

Nothing here protects, so nothing here holds back a warning or delays one.
"""

from firmware.core.backward_test import BackwardTestRun
from firmware.core.behind import Behind
from firmware.core.budget import AlarmBudget
from firmware.core.config import CoreConfig
from firmware.core.detectors.pacing import Metronome, Pacing
from firmware.core.estimators.step_length import StepLength
from firmware.core.messages import Alert, BackwardTest, Hazard, Output, Pattern, Severity, Value
from firmware.core.moving import Moving

VOID_SEVERITIES = (Severity.WARNING, Severity.IMMINENT, Severity.SUSPECTED, Severity.CONFIRMED, Severity.FAULT)


class Guiding:
    """`feel` after each slice, `look` after each reading, `guide` several times a second: what is to be heard once."""

    def __init__(self, config: CoreConfig, moving: Moving, behind: Behind) -> None:
        self._config, self._moving, self._behind = config, moving, behind
        self._metronome = Metronome(config.metronome)
        self._said: list[Pattern | BackwardTest] = []
        self.step_length = StepLength(config.step_length, config.steps.step_length_m)
        self.test = BackwardTestRun(config.backward_test, self.step_length)
        self.begin()

    def begin(self) -> None:
        """A new walk: its pace, its alarms."""
        self._pacing = Pacing(self._config.pacing)
        self._budget = AlarmBudget(self._config.budget)
        self._step_cues = 0

    def feel(self) -> None:
        """A slice has ended."""
        if self.test.active:
            moving = self._moving
            self._said += self.test.feel(moving.slice.t_ns, moving.attitude, moving.steps)

    def look(self, t_ns: int) -> None:
        """One usable reading of the way behind."""
        things = self._behind.approach.things
        self.step_length.update(t_ns, things, self._moving.steps)
        self._said += self.test.look(t_ns, things)

    def lose_sight(self) -> None:
        """Nothing is known about the way behind any more."""
        self.step_length.forget()

    def note_alert(self, alert: Alert) -> None:
        """What is warned of counts, and ends a test."""
        self._budget.note(alert)
        if alert.severity in VOID_SEVERITIES and self.test.active:
            what = "a fault" if alert.hazard is Hazard.FAULT else f"a warning ({alert.hazard})"
            self._said += self.test.void(alert.t_ns, what)

    def ask(self, now_ns: int) -> None:
        """She pressed twice, standing: the 3-m test."""
        self._said += self.test.ask(now_ns)

    def press(self, t_ns: int) -> None:
        """The button went down: in a test she is at the mark, or gives it up."""
        if self.test.active:
            self._said += self.test.press(t_ns)

    def guide(self, now_ns: int, walks: bool, busy: bool, out: list[Output]) -> list[Pattern]:
        """What she is to hear; `out` takes a test that is over.

        Args:
            now_ns: the time.
            walks: the walk is under way, and she steps.
            busy: something sounds, other than a tick of the metronome.
            out: takes what is to be kept.
        """
        self._said += self.test.wait(now_ns)
        said, self._said = self._said, []
        out += [word for word in said if isinstance(word, BackwardTest)]
        patterns = [word for word in said if not isinstance(word, BackwardTest)]
        steps, quiet = self._moving.steps, not (busy or patterns or self.test.active)
        if walks and not self.test.active and self._pacing.update(now_ns, steps, self.step_length) is not None:
            self._step_cues += 1
            self._budget.note_cue(now_ns)
            patterns.append(Pattern.SMALLER_STEPS)
        if self._budget.take_rest(now_ns, steps.last_ns, not quiet):
            patterns.append(Pattern.REST)
        if self._metronome.tick(now_ns, walks, not quiet, self._pacing.usual_spm):
            patterns.append(Pattern.METRONOME)
        return patterns

    def summary(self, steps: int, minutes: float) -> dict[str, Value]:
        """What is known of so many steps in so many minutes; for the walk's record."""
        way_m, sd_m = self.step_length.way_m(steps)
        response_s = self._behind.stopping.response_s
        return {
            "distance_m": round(way_m, 1) if steps else None,
            "distance_sd_m": round(sd_m, 1) if steps else None,
            "speed_mps": round(way_m / (60.0 * minutes), 2) if steps and minutes > 0.0 else None,
            "step_length_m": round(self.step_length.length_m, 3) if self.step_length.runs else None,
            "response_s": None if response_s is None else round(response_s, 2),
            "rest_cues": self._budget.cues,
            "step_cues": self._step_cues,
        }
