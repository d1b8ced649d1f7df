"""Whatever sounds, what is asked for next takes its place at once: within a turn, and so within any pulse."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.core.messages import Pattern
from firmware.ipc import Play
from firmware.sounder.outputs import Outputs
from firmware.sounder.patterns import SOUNDS
from firmware.sounder.sounder import TURN_S, Sounder, SounderConfig

TURN_NS = round(TURN_S * 1e9)
SHORTEST_PULSE_S = min(pulse.on_s for sound in SOUNDS.values() for pulse in sound.pulses)


class Pin:
    """Buzzer and motor in one: what it plays now."""

    def __init__(self) -> None:
        self.plays: float | None = None

    def tone(self, frequency_hz: float, volume: float) -> None:
        self.plays = frequency_hz if volume > 0 else None

    def on(self) -> None:
        self.plays = 1.0

    def off(self) -> None:
        self.plays = None

    def close(self) -> None:
        self.plays = None


class Rig:
    def __init__(self) -> None:
        self.buzzer, self.motor = Pin(), Pin()
        outputs = Outputs(lambda: self.buzzer, lambda: self.motor)
        self.sounder = Sounder(SounderConfig(), outputs, lambda report: None)
        self.now_ns, self.since_ns = 0, 0

    def ask(self, pattern: Pattern, after_ns: int = 0) -> None:
        """So long after the last turn."""
        self.since_ns += 1
        self.sounder.receive(Play(pattern, self.since_ns, True), self.now_ns + after_ns)

    def turn(self, *, say_again: Pattern | None = None) -> None:
        self.now_ns += TURN_NS
        if say_again is not None:
            self.sounder.receive(Play(say_again, self.since_ns, True), self.now_ns)
        self.sounder.tick(self.now_ns)


def begins_with(pattern: Pattern) -> float | None:
    pulses = SOUNDS[pattern].pulses
    return pulses[0].frequency_hz if pulses else None


def test_a_turn_is_shorter_than_any_pulse() -> None:
    assert TURN_S < SHORTEST_PULSE_S


@given(turns=st.integers(1, 90), after_ns=st.integers(0, TURN_NS - 1))
@settings(max_examples=10, deadline=None)
def test_every_pattern_takes_the_place_of_every_other_at_the_next_turn(turns: int, after_ns: int) -> None:
    rig = Rig()
    for one, other in itertools.permutations(Pattern, 2):
        rig.ask(one)
        for _ in range(turns):
            rig.turn(say_again=one)
        rig.ask(other, after_ns)
        rig.turn()
        assert rig.sounder.sounding is other, f"{one}, then {other}"
        assert rig.buzzer.plays == begins_with(other), f"{one}, then {other}"
        assert (rig.motor.plays is None) is (begins_with(other) is None), f"{one}, then {other}"
