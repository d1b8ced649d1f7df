"""The loop sounds first, says so every 50 ms, and arms the sounder exactly for the walk."""

from collections.abc import Sequence

from firmware.core.messages import Input, Output, Pattern, SetPattern, Tick, WalkChanged, WalkState
from firmware.core.pipeline import SafetyPipeline
from firmware.guard.loop import SafetyLoop
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
    states = (WalkState.SELF_TEST, WalkState.READY, WalkState.WALKING, WalkState.PAUSED, WalkState.ENDED)
    loop = SafetyLoop(Core(*[[WalkChanged(i, state, {})] for i, state in enumerate(states)]), ear, [])
    for i in range(len(states)):
        loop.take([Tick(i)])
    assert [play.armed for play in ear.heard] == [None, True, True, True, False]
