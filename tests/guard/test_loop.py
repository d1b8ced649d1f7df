"""The loop sounds first, says so every 50 ms, and arms the sounder exactly for the walk."""

from collections.abc import Sequence

import pytest

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
from firmware.guard.loop import ARMED, SafetyLoop
from firmware.ipc import Play


class Core(SafetyPipeline):
    """Answers every input with what the test wrote down."""

    def __init__(self, *answers: Sequence[Output]) -> None:
        super().__init__()
        self.answers = list(answers)

    def step(self, item: Input) -> list[Output]:
        return list(self.answers.pop(0)) if self.answers else []


class Ear:
    def __init__(self) -> None:
        self.heard: list[Play] = []
        self.order: list[str] = []

    def play(self, play: Play) -> None:
        self.heard.append(play)
        self.order.append("sound")

    def take(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        self.order.append("sink")


def test_new_pattern_is_said_at_once_and_before_anything_is_written() -> None:
    ear = Ear()
    loop = SafetyLoop(Core([SetPattern(7, Pattern.SWAY)]), ear, [ear])
    loop.take([Tick(7)])
    assert ear.heard == [Play(Pattern.SWAY, 7, armed=None)]
    assert ear.order == ["sound", "sink"]


def test_pattern_is_repeated_with_every_tick() -> None:
    ear = Ear()
    loop = SafetyLoop(Core([SetPattern(7, Pattern.FAULT)]), ear, [])
    for t_ns in (7, 50, 100):
        loop.tick(t_ns)
    assert [play.since_ns for play in ear.heard[1:]] == [7, 7, 7]


def test_silence_is_an_alarm_from_ready_to_the_end_of_the_walk() -> None:
    ear = Ear()
    loop = SafetyLoop(Core(*[[WalkChanged(i, state, {})] for i, state in enumerate(WalkState)]), ear, [])
    for i in range(len(WalkState)):
        loop.take([Tick(i)])
    armed = dict(zip(WalkState, (play.armed for play in ear.heard), strict=True))
    assert {state for state in WalkState if armed[state]} == {WalkState.READY, WalkState.WALKING, WalkState.PAUSED}
    assert {state for state in WalkState if armed[state] is False} == {WalkState.ENDED}


def in_state(state: WalkState, *then: Sequence[Output]) -> Ear:
    """What the sounder hears of `then`, one answer a step, in a walk in this state."""
    ear = Ear()
    loop = SafetyLoop(Core([WalkChanged(0, state, {})], *then), ear, [ear])
    for i in range(1 + len(then)):
        loop.take([Tick(i)])
    loop.tick(99)
    return ear


@pytest.mark.parametrize("state", [WalkState.READY, WalkState.WALKING, WalkState.PAUSED])
def test_fall_that_seems_to_begin_is_said_at_once_with_its_time_and_repeated(state: WalkState) -> None:
    ear = in_state(state, [PreImpact(7, True, 0.95)])
    assert [play.pre_impact_ns for play in ear.heard] == [None, 7, 7]
    assert ear.order == ["sound", "sink", "sound", "sink", "sink", "sound"], "before anything is written"


@pytest.mark.parametrize("state", [state for state in WalkState if not ARMED[state]])
def test_outside_of_a_walk_no_fall_is_said_to_begin(state: WalkState) -> None:
    ear = in_state(state, [PreImpact(7, True, 0.95)])
    assert {play.pre_impact_ns for play in ear.heard} == {None}


def test_when_it_is_over_it_is_no_longer_said() -> None:
    ear = in_state(WalkState.WALKING, [PreImpact(7, True, 0.95)], [PreImpact(9, False, 0.1)])
    assert [play.pre_impact_ns for play in ear.heard] == [None, 7, None]


@pytest.mark.parametrize("hazard", [Hazard.FALL, Hazard.SOS])
@pytest.mark.parametrize("state", list(WalkState))
def test_an_open_call_is_an_alarm_that_the_guards_silence_must_not_end(hazard: Hazard, state: WalkState) -> None:
    def alert(severity: Severity) -> Alert:
        return Alert(1, hazard, severity, 1, {})

    ear = in_state(state, [alert(Severity.CONFIRMED)], [alert(Severity.CANCELLED)])
    assert [play.armed for play in ear.heard[1:]] == [True, ARMED[state], ARMED[state]]


def test_taken_off_before_the_walk_began_the_guards_silence_is_none() -> None:
    ear = in_state(WalkState.READY, [WalkChanged(1, WalkState.OFF_BODY, {})])
    assert [play.armed for play in ear.heard] == [True, False, False]
    assert in_state(WalkState.OFF_BODY).heard[-1].armed is None, "a guard that has just been started knows of no walk"
