"""The safety loop: take inputs, step the core, hand the outputs on. The buzz goes first; nothing here waits."""

from collections.abc import Sequence
from typing import Protocol

from firmware.core.alerts import LIFE_ENDS
from firmware.core.messages import (
    Alert,
    Hazard,
    Input,
    Output,
    Pattern,
    PreImpact,
    SetPattern,
    Severity,
    Tick,
    WalkChanged,
    WalkState,
)
from firmware.core.pipeline import SafetyPipeline
from firmware.ipc import Play

CALLS = (Hazard.FALL, Hazard.SOS)
TICK_NS = 50_000_000  # how often time passing is told to the core, and the sounder hears from us
# When the guard's silence is an alarm; before the walk of a guard that was started anew that is not for it to say.
ARMED = {
    WalkState.OFF_BODY: None,
    WalkState.CLIPPED_ON: None,
    WalkState.SELF_TEST: None,
    WalkState.LANE_CHECK: None,
    WalkState.READY: True,
    WalkState.WALKING: True,
    WalkState.PAUSED: True,
    WalkState.ENDED: False,
    WalkState.SUMMARY: None,  # she may wear it still
}


class SounderPort(Protocol):
    def play(self, play: Play) -> None: ...


class Sink(Protocol):
    """Takes what was decided, off the loop: the journal, the recorder, the live view."""

    def take(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None: ...


class SafetyLoop:
    """Owns the core. Called with what came in, in the order in which it came in."""

    def __init__(self, pipeline: SafetyPipeline, sounder: SounderPort, sinks: Sequence[Sink]) -> None:
        self._pipeline, self._sounder, self._sinks = pipeline, sounder, sinks
        self._pattern, self._since_ns = Pattern.SILENT, 0
        self._armed: bool | None = None  # by the walk
        self._calling: frozenset[Hazard] = (
            frozenset()
        )  # alarms that call somebody, and must not fall silent with the guard
        self._pre_impact_ns: int | None = None
        self.steps = 0

    def take(self, inputs: Sequence[Input]) -> None:
        """Step the core with each input, sound what it wants, then tell the rest."""
        outputs = [output for item in inputs for output in self._pipeline.step(item)]
        self.steps += len(inputs)
        self._sound(outputs)
        for sink in self._sinks:
            sink.take(inputs, outputs)

    def tick(self, now_ns: int) -> None:
        """Tell the core that time passed, and the sounder that we live."""
        self.take([Tick(now_ns)])
        self._say()

    def _sound(self, outputs: Sequence[Output]) -> None:
        changed = False
        for output in outputs:
            if isinstance(output, SetPattern):
                self._pattern, self._since_ns, changed = output.pattern, output.t_ns, True
            elif isinstance(output, WalkChanged):
                self._armed, changed = self._arm(output.state), True
            elif isinstance(output, Alert) and output.hazard in CALLS:
                over = output.severity in (*LIFE_ENDS, Severity.POSSIBLE)
                self._calling = self._calling - {output.hazard} if over else self._calling | {output.hazard}
                changed = True
            elif isinstance(output, PreImpact):
                self._pre_impact_ns = output.t_ns if output.armed and self._armed else None  # outside of a walk: none
                changed = changed or output.armed
        if changed:
            self._say()

    def _arm(self, state: WalkState) -> bool | None:
        """Taken off before it began, a walk is over: nobody has to be told that the guard is silent."""
        return False if state is WalkState.OFF_BODY and self._armed else ARMED[state]

    def _say(self) -> None:
        armed = True if self._calling else self._armed
        self._sounder.play(Play(self._pattern, self._since_ns, armed, self._pre_impact_ns))
