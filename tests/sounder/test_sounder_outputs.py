"""The sounder on simulated pads: what one broken output does to the others, and what a sounder that hangs leaves on."""

from dataclasses import replace
from itertools import pairwise

import pytest

from firmware.core.messages import Pattern
from firmware.ipc import Play, SounderReport
from firmware.sounder.outputs import CALM_NS, LED_RETRY_NS, Outputs
from firmware.sounder.sounder import Sounder, SounderConfig
from hal.board import LedOutput, ToneOutput
from hal.config import BoardConfig, LedConfig
from hal.expiry import LIMIT_S
from hal.sim.clock import SimClock
from hal.sim.faults import WORDS, Fault
from hal.sim.outputs import SimOutputs
from hal.sim.pins import SimPin

EPOCH_NS = 10**12
TURN_NS = 10_000_000
START_S = 2.0
FAILURES = [word for word in WORDS if word != "ok"]
PLAYED = (Pattern.OBSTACLE_WARNING, Pattern.SILENT, Pattern.FALL_COUNTDOWN, Pattern.SILENT, Pattern.FAULT)
SPELL_S = 2.5


class Rig:
    """A sounder on real drivers and simulated pads; `play` lets the guard ask for one pattern after the other."""

    def __init__(self, *faults: Fault, led: bool = True) -> None:
        self.clock = SimClock(EPOCH_NS)
        config = replace(BoardConfig(), led=LedConfig(pin=16 if led else None))
        self.board = SimOutputs(config, faults=faults, epoch_ns=EPOCH_NS, new_clock=lambda: self.clock)
        open_led = self.board.open_led if led else None
        self.outputs = Outputs(self.board.open_buzzer, self.board.open_motor, open_led)
        self.reports: list[SounderReport] = []
        self.sounder = Sounder(SounderConfig(), self.outputs, self.reports.append)

    def play(self, *patterns: Pattern, seconds: float = SPELL_S) -> "Rig":
        for pattern in patterns:
            end_ns = self.clock.now_ns() + round(seconds * 1e9)
            since_ns = self.clock.now_ns()
            while self.clock.now_ns() < end_ns:
                due_ns = self.clock.now_ns() + TURN_NS
                self.sounder.receive(Play(pattern, since_ns, armed=True), self.clock.now_ns())
                self.sounder.tick(self.clock.now_ns())
                self.clock.advance_to(due_ns)
        return self

    def broken(self) -> set[str]:
        return {report.part for report in self.reports} - {""}


def onsets_s(pin: SimPin) -> list[float]:
    """When each spell of being driven began."""
    at = {state.t_ns: state.level > 0 for state in pin.history}
    before, found = False, []
    for t_ns, driven in at.items():
        if driven and not before:
            found.append((t_ns - EPOCH_NS) / 1e9)
        before = driven
    return found


@pytest.fixture(scope="module")
def sound() -> Rig:
    return Rig().play(*PLAYED)


@pytest.mark.parametrize("word", FAILURES)
def test_broken_led_is_told_and_disturbs_neither_buzzer_nor_motor(sound: Rig, word: str) -> None:
    rig = Rig(Fault(word, "led", start_s=START_S)).play(*PLAYED)
    assert rig.broken() == {"led"}
    for mine, theirs in ((rig.board.buzzer_pin, sound.board.buzzer_pin), (rig.board.motor_pin, sound.board.motor_pin)):
        if word == "slow":  # it takes its time once; tried again it is only when nobody is waiting for anything
            assert len(onsets_s(theirs)) - len(onsets_s(mine)) <= 1
            late = [t_s for t_s in onsets_s(theirs) if min(abs(t_s - other_s) for other_s in onsets_s(mine)) > 0.02]
            assert len(late) <= 2
        else:
            assert mine.history == theirs.history


@pytest.mark.parametrize("word", FAILURES)
@pytest.mark.parametrize(("broken", "other"), [("buzzer", "motor"), ("motor", "buzzer")])
def test_broken_output_is_told_and_the_other_goes_on(sound: Rig, word: str, broken: str, other: str) -> None:
    rig = Rig(Fault(word, broken, start_s=START_S)).play(*PLAYED)
    assert rig.broken() == {broken}
    mine, theirs = (onsets_s(getattr(r.board, f"{other}_pin")) for r in (rig, sound))
    if word == "slow":  # there is one thread, which waits for each slow write
        assert len(mine) >= len(theirs) / 2
    else:
        assert mine == theirs


def test_led_blinks_evenly_while_the_buzzer_is_broken_also_in_silence() -> None:
    rig = Rig(Fault("off", "buzzer", start_s=START_S))
    rig.play(Pattern.OBSTACLE_WARNING, seconds=START_S + 1.0)
    from_ns = rig.clock.now_ns()
    rig.play(Pattern.SILENT, seconds=4.0)
    blinks = sum(1 for state in rig.board.led_pin.history if state.t_ns > from_ns and state.level)
    assert blinks == pytest.approx(10, abs=1)


def test_led_blinks_evenly_while_the_fault_pattern_sounds() -> None:
    rig = Rig().play(Pattern.FAULT, seconds=4.0)
    begun_s = onsets_s(rig.board.led_pin)[1:]
    assert [round(b - a, 3) for a, b in pairwise(begun_s)] == [0.4] * (len(begun_s) - 1)
    assert len(begun_s) >= 8


def test_led_follows_the_rhythm_and_flashes_when_it_is_over(sound: Rig) -> None:
    rig = Rig().play(Pattern.OBSTACLE_WARNING)
    assert onsets_s(rig.board.led_pin) == onsets_s(rig.board.motor_pin)
    begun = len(onsets_s(rig.board.led_pin))
    rig.play(Pattern.SILENT, seconds=7.0)
    assert len(onsets_s(rig.board.led_pin)) - begun == 3


def test_broken_led_is_not_tried_while_anything_sounds() -> None:
    rig = Rig(Fault("slow", "led", start_s=START_S))
    rig.play(Pattern.OBSTACLE_WARNING, seconds=3 * LED_RETRY_NS / 1e9)
    tried = len(rig.board.led_pin.history)
    rig.play(Pattern.OBSTACLE_WARNING, seconds=3 * LED_RETRY_NS / 1e9)
    assert len(rig.board.led_pin.history) == tried
    rig.play(Pattern.SILENT, seconds=2 * CALM_NS / 1e9 + 0.1)
    assert len(rig.board.led_pin.history) > tried


def test_device_without_an_led_plays_the_same(sound: Rig) -> None:
    rig = Rig(led=False).play(*PLAYED)
    assert rig.board.buzzer_pin.history == sound.board.buzzer_pin.history
    assert not rig.broken()


def test_led_that_works_again_is_used_again() -> None:
    rig = Rig(Fault("off", "led", start_s=START_S, end_s=4.0)).play(Pattern.SILENT, seconds=20.0)
    assert rig.broken() == {"led"}
    assert rig.reports[-1] == SounderReport()
    assert len(onsets_s(rig.board.led_pin)) >= 4


@pytest.mark.parametrize("moment_s", [0.05, 0.27, 0.31, 1.13])
def test_sounder_that_hangs_leaves_nothing_on_for_longer_than_half_a_second(moment_s: float) -> None:
    rig = Rig().play(Pattern.OBSTACLE_WARNING, seconds=moment_s)
    hung_ns = rig.clock.now_ns()
    rig.clock.sleep(10.0)
    for pin in (rig.board.buzzer_pin, rig.board.motor_pin, rig.board.led_pin):
        assert pin.pad.level == 0
        assert (pin.pad.t_ns - hung_ns) / 1e9 <= LIMIT_S
    rig.play(Pattern.OBSTACLE_WARNING)
    assert onsets_s(rig.board.buzzer_pin)[-1] > (hung_ns - EPOCH_NS) / 1e9 + 10.0, "and plays on when it comes back"
    assert not rig.broken()


def test_long_tone_goes_on_while_the_sounder_turns() -> None:
    rig = Rig()
    for _ in range(300):
        rig.outputs.set((700.0, 1.0), rig.clock.now_ns())
        rig.clock.advance_to(rig.clock.now_ns() + TURN_NS)
    assert onsets_s(rig.board.buzzer_pin) == onsets_s(rig.board.motor_pin) == [0.0]
    assert rig.board.buzzer_pin.pad.level > 0


def test_outputs_that_were_left_on_are_silent_before_the_first_turn() -> None:
    rig = Rig()
    for pin in (rig.board.buzzer_pin, rig.board.motor_pin, rig.board.led_pin):
        pin.show(1.0, None)
    rig.outputs.rest(rig.clock.now_ns())
    for pin in (rig.board.buzzer_pin, rig.board.motor_pin, rig.board.led_pin):
        assert pin.pad == (EPOCH_NS, 0.0, None)


def test_output_that_cannot_be_silenced_at_the_start_is_told_and_holds_up_no_other() -> None:
    rig = Rig(Fault("off", "buzzer", start_s=0.0))
    for pin in (rig.board.motor_pin, rig.board.led_pin):
        pin.show(1.0, None)
    rig.outputs.rest(rig.clock.now_ns())
    assert rig.board.motor_pin.pad.level == rig.board.led_pin.pad.level == 0
    assert [report.part for report in rig.outputs.broken()] == ["buzzer"]


def test_a_defect_of_one_output_is_told_and_silences_no_other() -> None:
    """Not only what drivers are meant to raise: whatever ends the sounder silences everything."""

    def broken() -> ToneOutput:
        raise IndexError("list index out of range")

    rig = Rig()
    outputs = Outputs(broken, rig.board.open_motor)
    for _ in range(3):
        outputs.set((800.0, 1.0), rig.clock.now_ns())
        assert rig.board.motor_pin.pad.level == 1.0
    (report,) = outputs.broken()
    assert (report.part, report.kind) == ("buzzer", "DriverDefect")
    assert "IndexError" in report.detail


def test_defect_in_one_driver_is_told_and_the_others_go_on(sound: Rig) -> None:
    rig = Rig()

    def defective() -> LedOutput:
        raise IndexError("of nothing")

    rig.outputs = Outputs(rig.board.open_buzzer, rig.board.open_motor, defective)
    rig.sounder = Sounder(SounderConfig(), rig.outputs, rig.reports.append)
    rig.play(*PLAYED)
    told = SounderReport("led", "DriverDefect", "led: IndexError: of nothing; please report it")
    assert set(rig.reports) - {SounderReport()} == {told}
    assert rig.board.buzzer_pin.history == sound.board.buzzer_pin.history
    assert rig.board.motor_pin.history == sound.board.motor_pin.history
