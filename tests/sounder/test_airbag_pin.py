"""The airbag's pin under the sounder: one bounded pulse for a fresh word in a walk, and nothing else raises it."""

from dataclasses import replace

import pytest

from firmware.core.messages import Pattern
from firmware.ipc import Play, SounderReport
from firmware.sounder.airbag import STALE_NS, AirbagPin
from firmware.sounder.outputs import Outputs
from firmware.sounder.sounder import Sounder, SounderConfig
from hal.config import AirbagConfig, BoardConfig
from hal.sim.clock import SimClock
from hal.sim.faults import WORDS, Fault
from hal.sim.outputs import SimOutputs

EPOCH_NS = 10**12
TURN_NS = 10_000_000
SPEAK_NS = 50_000_000
CONFIG = AirbagConfig(pin=22, pulse_s=0.3, apart_s=6.0)
PULSE_NS, APART_NS = 300_000_000, 6_000_000_000
FAILURES = [word for word in WORDS if word != "ok"]


class Rig:
    """A sounder on simulated pads, started long ago unless `rested_s` says otherwise; times count from `began_ns`."""

    def __init__(self, *faults: Fault, config: AirbagConfig = CONFIG, rested_s: float = 7.0) -> None:
        self.clock = SimClock(EPOCH_NS)
        board = replace(BoardConfig(), airbag=config)
        self.board = SimOutputs(board, faults=faults, epoch_ns=EPOCH_NS, new_clock=lambda: self.clock)
        self.outputs = Outputs(self.board.open_buzzer, self.board.open_motor)
        self.airbag = AirbagPin(config, self.board.open_airbag)
        self.reports: list[SounderReport] = []
        self.sounder = Sounder(SounderConfig(), self.outputs, self.reports.append, self.airbag)
        self.airbag.rest(self.clock.now_ns())
        self.turn(rested_s)
        self.began_ns = self.clock.now_ns()

    def say(self, begun_ns: int | None, armed: bool | None = True, pattern: Pattern = Pattern.SILENT) -> None:
        self.sounder.receive(Play(pattern, 1, armed, begun_ns), self.clock.now_ns())

    def turn(
        self, seconds: float, begun_ns: int | None = None, *, says: bool = True, pattern: Pattern = Pattern.SILENT
    ) -> None:
        """Let time pass; every 50 ms the guard repeats itself, unless it is silent."""
        end_ns = self.clock.now_ns() + round(seconds * 1e9)
        while self.clock.now_ns() < end_ns:
            due_ns = self.clock.now_ns() + TURN_NS
            if says and self.clock.now_ns() % SPEAK_NS == 0:
                self.say(begun_ns, pattern=pattern)
            self.sounder.tick(self.clock.now_ns())
            self.clock.advance_to(due_ns)

    @property
    def changes(self) -> list[tuple[int, bool]]:
        """Of the pin: when, counted from the beginning, and whether it went high."""
        return [(state.t_ns - self.began_ns, state.level > 0) for state in self.board.airbag_pin.history]

    def broken(self) -> set[str]:
        return {report.part for report in self.reports} - {""}


ONE_PULSE = [(0, True), (PULSE_NS, False)]


def test_pin_is_high_before_the_word_is_taken_to_its_end_and_low_after_its_pulse() -> None:
    rig = Rig()
    rig.say(rig.began_ns)
    assert rig.changes == [(0, True)], "at once, not with the next turn"
    rig.turn(5.0, rig.began_ns)
    assert rig.changes == ONE_PULSE, "a word that is repeated makes it no longer, and is no second one"


def test_guard_that_goes_silent_in_the_middle_of_a_pulse_makes_it_no_longer() -> None:
    rig = Rig()
    rig.say(rig.began_ns)
    rig.turn(20.0, says=False)
    assert rig.changes == ONE_PULSE


@pytest.mark.parametrize("after_ns", [0, TURN_NS, PULSE_NS - TURN_NS])
def test_sounder_that_hangs_in_the_middle_of_a_pulse_makes_it_no_longer(after_ns: int) -> None:
    rig = Rig()
    rig.say(rig.began_ns)
    rig.turn(after_ns / 1e9, rig.began_ns)
    rig.clock.sleep(10.0)
    assert rig.changes == ONE_PULSE


def test_end_of_the_sounder_in_the_middle_of_a_pulse_ends_the_pulse() -> None:
    rig = Rig()
    rig.say(rig.began_ns)
    rig.clock.sleep(0.1)
    rig.sounder.close()
    assert rig.changes == [(0, True), (100_000_000, False)]
    assert rig.board.airbag_pin.pull == "down"


def test_series_of_armings_fires_once_and_again_only_after_the_pause() -> None:
    rig = Rig()
    for second in range(13):
        rig.turn(1.0, rig.began_ns + second * 1_000_000_000)
    starts = [t_ns for t_ns, high in rig.changes if high]
    assert starts == [0, APART_NS, 2 * APART_NS]


@pytest.mark.parametrize("armed", [None, False])
def test_outside_of_a_walk_nothing_fires(armed: bool | None) -> None:
    rig = Rig()
    rig.say(rig.began_ns, armed)
    assert rig.changes == []


@pytest.mark.parametrize("off_ns", [-STALE_NS - 1, STALE_NS + 1, -(10**12), 2**62])
def test_word_of_another_time_fires_nothing(off_ns: int) -> None:
    """As it waits in the socket of a sounder that stood still."""
    rig = Rig()
    rig.say(rig.began_ns + off_ns)
    rig.turn(2.0)
    assert rig.changes == []


def test_word_that_was_lost_fires_with_its_repetition() -> None:
    rig = Rig()
    rig.clock.sleep(SPEAK_NS / 1e9)
    rig.say(rig.began_ns)
    assert rig.changes == [(SPEAK_NS, True)]


def test_sounder_that_was_started_just_now_fires_nothing() -> None:
    """The one before may have been killed in the middle of a pulse."""
    rig = Rig(rested_s=0.1)
    rig.say(rig.began_ns)
    rig.turn(1.0, rig.began_ns)
    assert rig.changes == []


def test_pin_that_was_left_high_is_low_before_the_first_turn() -> None:
    rig = Rig(rested_s=0.0)
    rig.airbag.close()
    rig.board.airbag_pin.show(1.0, None)
    AirbagPin(CONFIG, rig.board.open_airbag).rest(rig.clock.now_ns())
    assert rig.board.airbag_pin.pad.level == 0


def test_sounder_without_a_pin_takes_the_word_and_does_nothing() -> None:
    rig = Rig(config=AirbagConfig())
    rig.say(rig.began_ns)
    rig.turn(1.0, rig.began_ns)
    assert rig.board.motor_pin.history == []
    assert not rig.broken()


@pytest.mark.parametrize("word", FAILURES)
def test_broken_pin_is_told_and_neither_buzzer_nor_motor_hears_of_it(word: str) -> None:
    rigs = Rig(Fault(word, "airbag", start_s=6.5)), Rig()
    for rig in rigs:
        rig.turn(2.5, rig.began_ns, pattern=Pattern.OBSTACLE_WARNING)
    broken, sound = rigs
    assert broken.broken() == {"airbag"}
    for mine, theirs in (
        (broken.board.buzzer_pin, sound.board.buzzer_pin),
        (broken.board.motor_pin, sound.board.motor_pin),
    ):
        if word == "slow":  # it takes its time, but is not tried again for a while
            assert abs(len(mine.history) - len(theirs.history)) <= 4
        else:
            assert mine.history == theirs.history


@pytest.mark.parametrize("part", ["buzzer", "motor"])
@pytest.mark.parametrize("word", FAILURES)
def test_broken_buzzer_or_motor_delays_no_pulse(word: str, part: str) -> None:
    rig = Rig(Fault(word, part, start_s=6.5))
    rig.say(rig.began_ns, pattern=Pattern.FALL_POSSIBLE)
    rig.turn(2.0, rig.began_ns, pattern=Pattern.FALL_POSSIBLE)
    assert rig.changes[0] == (0, True)
    assert len(rig.changes) == 2


def test_pin_that_follows_again_is_told_as_well() -> None:
    rig = Rig(Fault("off", "airbag", start_s=6.5, end_s=8.0))
    rig.say(rig.began_ns)
    rig.turn(15.0)
    assert rig.broken() == {"airbag"}
    assert rig.reports[-1] == SounderReport()
    assert rig.board.airbag_pin.pad.level == 0
