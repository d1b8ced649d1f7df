"""The sounder plays what it is asked, forgets what is not repeated, and calls out when the guard goes silent."""

import pytest

from firmware.core.messages import Pattern
from firmware.ipc import Play, SounderReport
from firmware.sounder.outputs import Outputs
from firmware.sounder.sounder import Sounder, SounderConfig
from hal.errors import OutputFault

TURN_NS = 10_000_000


class Buzzer:
    def __init__(self) -> None:
        self.heard: list[float | None] = []  # each change
        self.broken = False

    def tone(self, frequency_hz: float, volume: float) -> None:
        self._show(frequency_hz)

    def off(self) -> None:
        self._show(None)

    def close(self) -> None:
        self._show(None)

    def _show(self, heard: float | None) -> None:
        if self.broken:
            raise OutputFault("buzzer on pin 18: stays low; check its wire")
        if self.heard[-1:] != [heard]:
            self.heard.append(heard)


class Motor(Buzzer):
    def on(self) -> None:
        self._show(1.0)


class Rig:
    def __init__(self) -> None:
        self.buzzer, self.motor, self.reports = Buzzer(), Motor(), list[SounderReport]()
        self.sounder = Sounder(SounderConfig(), Outputs(lambda: self.buzzer, lambda: self.motor), self.reports.append)
        self.now_ns = 0

    def say(self, pattern: Pattern, *, armed: bool | None = True, since_ns: int = 1) -> None:
        self.sounder.receive(Play(pattern, since_ns, armed), self.now_ns)

    def run(self, seconds: float, *, say: Pattern | None = None) -> None:
        """Let time pass; with `say`, the guard repeats itself every 50 ms."""
        for i in range(round(seconds / 0.01)):
            self.now_ns += TURN_NS
            if say is not None and i % 5 == 0:
                self.say(say)
            self.sounder.tick(self.now_ns)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_what_the_guard_asks_for_sounds_at_the_next_turn(rig: Rig) -> None:
    rig.run(0.1, say=Pattern.SILENT)
    rig.say(Pattern.OBSTACLE_WARNING)
    rig.run(0.01)
    assert rig.buzzer.heard[-1] == 698.0
    assert rig.motor.heard[-1] == 1.0


def test_guard_gone_silent_in_a_walk_is_the_fault_pattern_after_three_tenths_of_a_second(rig: Rig) -> None:
    rig.run(1.0, say=Pattern.SILENT)
    rig.run(0.25)  # the last word was 40 ms before
    assert rig.sounder.sounding is Pattern.SILENT
    rig.run(0.03)
    assert rig.sounder.sounding is Pattern.FAULT
    assert rig.buzzer.heard[-1] is not None
    rig.run(60.0)
    assert rig.sounder.sounding is Pattern.FAULT, "it goes on until the guard is back"
    rig.run(0.1, say=Pattern.SILENT)
    assert rig.sounder.sounding is Pattern.SILENT


def test_guard_that_came_back_is_not_trusted_before_it_says_that_it_guards(rig: Rig) -> None:
    rig.run(1.0, say=Pattern.SILENT)
    rig.run(1.0)
    for _ in range(100):
        rig.say(Pattern.SILENT, armed=None)
        rig.run(0.05)
    assert rig.sounder.sounding is Pattern.FAULT, "it is in its self-test, and the walker walks on"
    rig.say(Pattern.OBSTACLE_IMMINENT, armed=None)
    rig.run(0.02)
    assert rig.sounder.sounding is Pattern.OBSTACLE_IMMINENT, "what it does see comes first"
    rig.run(0.1, say=Pattern.SILENT)
    assert rig.sounder.sounding is Pattern.SILENT


def test_guard_that_never_speaks_is_heard_after_ten_seconds(rig: Rig) -> None:
    rig.run(9.9)
    assert rig.sounder.sounding is Pattern.SILENT
    rig.run(0.2)
    assert rig.sounder.sounding is Pattern.FAULT


def test_after_the_end_of_a_walk_silence_is_calm(rig: Rig) -> None:
    rig.run(1.0, say=Pattern.SILENT)
    rig.say(Pattern.SILENT, armed=False)
    rig.run(60.0)
    assert rig.sounder.sounding is Pattern.SILENT


def test_next_guard_that_dies_in_its_self_test_is_heard_as_well(rig: Rig) -> None:
    rig.say(Pattern.SILENT, armed=False)
    rig.run(5.0)
    rig.say(Pattern.SILENT, armed=None)
    rig.run(9.0)
    assert rig.sounder.sounding is Pattern.SILENT
    rig.run(2.0)
    assert rig.sounder.sounding is Pattern.FAULT


def test_nothing_sticks_on_when_nobody_walks(rig: Rig) -> None:
    rig.say(Pattern.FALL_NOBODY_YET, armed=False)
    rig.run(0.1)
    assert rig.buzzer.heard[-1] is not None
    rig.run(0.6)
    assert rig.sounder.sounding is Pattern.SILENT
    assert rig.buzzer.heard[-1] is None
    assert rig.motor.heard[-1] is None


def test_repeated_word_does_not_start_the_pattern_anew_but_a_new_one_does(rig: Rig) -> None:
    rig.run(0.5, say=Pattern.READY)
    rig.run(0.5, say=Pattern.READY)
    count = len(rig.buzzer.heard)
    rig.run(1.0, say=Pattern.READY)
    assert len(rig.buzzer.heard) == count, "the chirp is over"
    rig.say(Pattern.READY, since_ns=2)
    rig.run(0.02)
    assert len(rig.buzzer.heard) == count + 1


def test_broken_buzzer_is_reported_and_never_stops_the_motor(rig: Rig) -> None:
    rig.buzzer.broken = True
    rig.run(1.0, say=Pattern.FAULT)
    assert 1.0 in rig.motor.heard
    assert rig.reports[-1] == SounderReport("buzzer", "OutputFault", "buzzer on pin 18: stays low; check its wire")
    rig.buzzer.broken = False
    rig.run(1.0, say=Pattern.FAULT)
    assert rig.buzzer.heard
    assert rig.reports[-1] == SounderReport()


def test_sounder_tells_ten_times_a_second_that_it_lives(rig: Rig) -> None:
    rig.run(10.0, say=Pattern.SILENT)
    assert len(rig.reports) == pytest.approx(100, abs=2)


def test_closing_silences_both(rig: Rig) -> None:
    rig.run(0.05, say=Pattern.OBSTACLE_IMMINENT)
    rig.sounder.close()
    assert rig.buzzer.heard[-1] is None
    assert rig.motor.heard[-1] is None


@pytest.mark.parametrize(
    "config",
    [
        {"silence_s": 5.0},
        {"expiry_s": float("nan")},
        {"report_s": 0.2},
        {"start_s": 900.0},
        {"volume": 0.29},
        {"volume": 0.0},
        {"volume": 1.1},
        {"volume": float("nan")},
    ],
)
def test_sounder_cannot_be_set_to_believe_too_long_nor_to_be_silent(config: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must lie between"):
        SounderConfig(**config)
