"""A prompt comes after the pattern that it explains, and never beside a warning."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.core.messages import Pattern
from firmware.ipc import Play, SounderReport
from firmware.sounder.outputs import Outputs
from firmware.sounder.patterns import SOUNDS, Urgency
from firmware.sounder.sounder import Sounder, SounderConfig
from firmware.sounder.voice import AGAIN_NS, PAUSE_S, SPOKEN, Voice, VoiceConfig

TURN_NS = 10_000_000
WARNINGS = [pattern for pattern in Pattern if pattern.startswith(("obstacle", "sway", "fall"))]


class Mouth:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.saying: str | None = None

    def say(self, name: str) -> None:
        self.said.append(name)
        self.saying = name

    def stop(self) -> None:
        self.saying = None


class Pin:
    def __init__(self) -> None:
        self.played: list[tuple[float, float] | None] = []

    def tone(self, frequency_hz: float, volume: float) -> None:
        self.played.append((frequency_hz, volume))

    def on(self) -> None:
        self.played.append((1.0, 1.0))

    def off(self) -> None:
        self.played.append(None)

    def close(self) -> None:
        pass


class Rig:
    def __init__(self, *, speaks: bool = True) -> None:
        self.mouth, self.buzzer, self.motor = Mouth(), Pin(), Pin()
        self.reports: list[SounderReport] = []
        outputs = Outputs(lambda: self.buzzer, lambda: self.motor)
        voice = Voice(self.mouth) if speaks else None
        self.sounder = Sounder(SounderConfig(), outputs, self.reports.append, voice=voice)
        self.now_ns = self.since_ns = 0
        self.asked: Pattern | None = None

    def play(self, pattern: Pattern, seconds: float) -> None:
        if pattern is not self.asked:
            self.asked, self.since_ns = pattern, self.now_ns + 1
        for _ in range(round(seconds * 100)):
            self.now_ns += TURN_NS
            self.sounder.receive(Play(pattern, self.since_ns, True), self.now_ns)
            self.sounder.tick(self.now_ns)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.mark.parametrize("pattern", sorted(SPOKEN))
def test_a_prompt_waits_for_the_end_of_its_pattern(rig: Rig, pattern: Pattern) -> None:
    rig.play(pattern, SOUNDS[pattern].burst_s + PAUSE_S - 0.05)
    assert rig.mouth.said == []
    rig.play(pattern, 0.1)
    assert rig.mouth.said == [pattern]
    rig.play(pattern, 5.0)
    assert rig.mouth.said == [pattern], "and is said once"


def test_a_prompt_goes_on_when_its_pattern_was_played_to_the_end(rig: Rig) -> None:
    rig.play(Pattern.READY_2, 1.7)
    rig.play(Pattern.SILENT, 3.0)
    assert rig.mouth.saying == Pattern.READY_2


def test_a_fault_that_is_over_is_not_talked_about(rig: Rig) -> None:
    rig.play(Pattern.FAULT, 3.0)
    assert rig.mouth.saying == Pattern.FAULT
    rig.play(Pattern.SILENT, 0.01)
    assert rig.mouth.saying is None
    rig.now_ns += AGAIN_NS
    rig.play(Pattern.FAULT, 0.2)
    rig.play(Pattern.SILENT, 5.0)
    assert rig.mouth.said == [Pattern.FAULT], "it was over before it could be named"


@pytest.mark.parametrize("warning", WARNINGS)
def test_a_warning_silences_the_prompt_at_once_and_is_never_spoken_over(rig: Rig, warning: Pattern) -> None:
    rig.play(Pattern.READY, 1.0)
    assert rig.mouth.saying == Pattern.READY
    rig.play(warning, 0.01)
    assert rig.mouth.saying is None
    rig.play(warning, 20.0)
    assert rig.mouth.said == [Pattern.READY]


@pytest.mark.parametrize("warning", WARNINGS)
def test_a_prompt_that_was_about_to_come_is_dropped_for_a_warning(rig: Rig, warning: Pattern) -> None:
    rig.play(Pattern.READY, 0.5)
    rig.play(warning, 2.0)
    rig.play(Pattern.SILENT, 5.0)
    assert rig.mouth.said == []


def test_what_comes_again_every_ten_seconds_is_put_into_words_at_most_once_a_minute(rig: Rig) -> None:
    for _ in range(13):
        rig.play(Pattern.LANE_BLOCKED, 1.5)
        rig.play(Pattern.SILENT, 8.5)
    assert rig.mouth.said == [Pattern.LANE_BLOCKED] * 2, "at 1 and 71 s"


def test_the_same_pattern_again_does_not_interrupt_its_own_prompt(rig: Rig) -> None:
    rig.play(Pattern.NOTICE, 2.0)
    rig.play(Pattern.SILENT, 1.0)
    rig.play(Pattern.NOTICE, 2.0)
    assert rig.mouth.saying == Pattern.NOTICE
    assert rig.mouth.said == [Pattern.NOTICE]


def test_no_cue_no_warning_and_nothing_of_a_fall_is_ever_spoken() -> None:
    assert {pattern for pattern in SPOKEN if SOUNDS[pattern].urgency >= Urgency.MEDIUM} == {Pattern.FAULT}
    assert not SPOKEN & {*WARNINGS, Pattern.LEAN, Pattern.SMALLER_STEPS, Pattern.METRONOME, Pattern.SILENT}
    assert Pattern.MEASURE_GO not in SPOKEN, "she is to go, not to listen"


@given(st.lists(st.tuples(st.sampled_from(Pattern), st.integers(1, 40)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_the_voice_changes_nothing_that_buzzer_and_motor_do(asked: list[tuple[Pattern, int]]) -> None:
    speaking, mute = Rig(), Rig(speaks=False)
    for pattern, tenths in asked:
        for rig in (speaking, mute):
            rig.play(pattern, tenths / 10)
        assert speaking.mouth.saying not in WARNINGS
        if pattern in WARNINGS:
            assert speaking.mouth.saying is None
    assert speaking.buzzer.played == mute.buzzer.played
    assert speaking.motor.played == mute.motor.played
    assert speaking.reports == mute.reports


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"language": "../de"}, "must be a name such as de"),
        ({"language": "d" * 21}, "must be a name such as de"),
        ({"folder": "voice"}, "must be an absolute path"),
        ({"player": ""}, "must be a command"),
        ({"player": "aplay '"}, "is no command line"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(setting: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        VoiceConfig(**setting)


def test_there_is_no_voice_unless_a_language_is_set() -> None:
    assert SounderConfig().voice.language == ""
