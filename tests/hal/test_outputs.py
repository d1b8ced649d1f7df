"""Buzzer and motor on simulated pins: what sounds, and how a pin that does not follow is reported."""

from collections.abc import Callable
from typing import Protocol

import pytest

from hal.buzzer import Buzzer
from hal.errors import OutputFault, PinsUnavailable
from hal.haptic import Motor
from hal.sim.chips.pad import FaultyPad
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import PadState, SimPin, SimPinFactory

PIN = 18


class Output(Protocol):
    def off(self) -> None: ...

    def close(self) -> None: ...


class Rig:
    """A buzzer or a motor on a pin with a fault, switched on and off; the world began with the clock."""

    def __init__(self, pins: SimPinFactory, part: str, fault: Fault | None = None) -> None:
        self.pins, self.part, self.clock = pins, part, pins.clock
        self.epoch_ns = self.clock.now_ns()
        self.pin: SimPin = pins.sim_pin(PIN)
        if fault is not None:
            self.pin.pad_model = FaultyPad(self.clock, fault, epoch_ns=self.epoch_ns)
        self.output, self.on = self.open()

    def open(self) -> tuple[Output, Callable[[], None]]:
        if self.part == "motor":
            motor = Motor(self.pins, self.clock, pin=PIN)
            return motor, motor.on
        buzzer = Buzzer(self.pins, self.clock, pin=PIN)
        return buzzer, lambda: buzzer.tone(800, 1.0)

    def until(self, t_s: float) -> None:
        self.clock.advance_to(self.epoch_ns + round(t_s * 1e9))

    def t_s(self) -> float:
        return (self.clock.now_ns() - self.epoch_ns) / 1e9

    def reports(self, until_s: float) -> list[str]:
        """Pulse on and off every 0.12 s; the messages of the faults, or "" for each write that went well."""
        found = []
        while self.t_s() < until_s:
            for switch in (self.on, self.output.off):
                due_s = self.t_s() + 0.06
                found.append(self.report(switch))
                self.until(due_s)
        return found

    @staticmethod
    def report(switch: Callable[[], None]) -> str:
        try:
            switch()
        except OutputFault as error:
            return str(error)
        return ""


def test_buzzer_sounds_at_the_frequency_and_volume_asked_for(pins: SimPinFactory, clock: SimClock) -> None:
    buzzer = Buzzer(pins, clock, pin=PIN)
    buzzer.tone(800, 1.0)
    assert pins.sim_pin(PIN).pad == PadState(clock.now_ns(), 0.5, 800)
    buzzer.tone(600, 0.5)
    assert pins.sim_pin(PIN).pad == PadState(clock.now_ns(), 0.25, 600)
    buzzer.off()
    assert pins.sim_pin(PIN).pad == PadState(clock.now_ns(), 0.0, None)


def test_quietest_tone_is_still_a_tone(pins: SimPinFactory, clock: SimClock) -> None:
    buzzer = Buzzer(pins, clock, pin=PIN)
    buzzer.tone(800, 0.001)
    assert pins.sim_pin(PIN).pad.level >= 0.01
    buzzer.tone(800, 0.0)
    assert pins.sim_pin(PIN).pad == PadState(clock.now_ns(), 0.0, None)


@pytest.mark.parametrize(
    ("frequency_hz", "volume", "what"),
    [(0.0, 1.0, "frequency_hz"), (float("nan"), 1.0, "frequency_hz"), (800, 1.5, "volume"), (800, -0.1, "volume")],
)
def test_tone_that_cannot_be_meant_is_refused(
    pins: SimPinFactory, clock: SimClock, frequency_hz: float, volume: float, what: str
) -> None:
    with pytest.raises(ValueError, match=what):
        Buzzer(pins, clock, pin=PIN).tone(frequency_hz, volume)


def test_motor_shakes_and_stops(pins: SimPinFactory, clock: SimClock) -> None:
    motor = Motor(pins, clock, pin=PIN)
    motor.on()
    clock.sleep(0.2)
    motor.off()
    t_ns = clock.now_ns()
    assert pins.sim_pin(PIN).history == [PadState(t_ns - 200_000_000, 1.0, None), PadState(t_ns, 0.0, None)]


@pytest.mark.parametrize("part", ["buzzer", "motor"])
def test_closing_leaves_the_pin_silent_and_it_can_be_opened_again(pins: SimPinFactory, part: str) -> None:
    rig = Rig(pins, part)
    rig.on()
    rig.output.close()
    assert rig.pin.pad.level == 0
    assert rig.pin.pad.frequency_hz is None
    assert rig.pin.function == "input"
    rig.output, rig.on = rig.open()
    assert set(rig.reports(0.5)) == {""}
    rig.on()
    assert rig.pin.pad.level > 0


def always(text: str) -> Callable[[list[str]], bool]:
    return lambda reports: all(text in report for report in reports)


def at_every_switch_on(text: str) -> Callable[[list[str]], bool]:
    return lambda reports: all(text in report for report in reports[::2])


def often(text: str) -> Callable[[list[str]], bool]:
    return lambda reports: sum(text in report for report in reports) >= len(reports) // 4 and "" in reports


REPORTS: dict[str, Callable[[list[str]], bool]] = {
    "ok": lambda reports: set(reports) == {""},
    "off": always("cannot be written ([Errno 5] "),
    "stuck": at_every_switch_on("reads low after high was written"),
    "garbage": often("was written; check its wire for a short or a cut"),
    "wrong": always("was written; check its wire for a short or a cut"),
    "slow": always("a write took 80 ms, expected less than 50 ms; stop other programs and check the power supply"),
    "delayed": lambda reports: all(reports[:4:2]) and sum(map(bool, reports)) >= len(reports) // 3,
    "intermittent": often("cannot be written ([Errno 5] "),
}


@pytest.mark.parametrize("part", ["buzzer", "motor"])
@pytest.mark.parametrize("word", REPORTS)
def test_each_failure_bites_when_it_starts_and_is_over_when_it_ends(pins: SimPinFactory, word: str, part: str) -> None:
    rig = Rig(pins, part, Fault(word, part, start_s=1.0, end_s=5.0))
    assert set(rig.reports(0.95)) == {""}
    rig.until(1.0)
    reports = rig.reports(4.7)
    assert REPORTS[word](reports), reports
    assert all(report.startswith(f"{part} (pin 18): ") for report in reports if report)
    rig.until(5.5)
    assert set(rig.reports(7.0)) == {""}
    rig.on()
    assert rig.pin.pad.level > 0


@pytest.mark.parametrize("part", ["buzzer", "motor"])
def test_output_that_sticks_while_on_is_reported_when_it_does_not_stop(pins: SimPinFactory, part: str) -> None:
    rig = Rig(pins, part, Fault("stuck", part, start_s=1.0))
    rig.on()
    rig.until(1.0)
    with pytest.raises(OutputFault, match="reads high after low was written"):
        rig.output.off()
    assert rig.pin.pad.level == 1


@pytest.mark.parametrize("part", ["buzzer", "motor"])
def test_slow_pin_still_does_what_it_is_told(pins: SimPinFactory, part: str) -> None:
    rig = Rig(pins, part, Fault("slow", part, start_s=1.0))
    rig.until(1.0)
    with pytest.raises(OutputFault, match="80 ms"):
        rig.on()
    assert rig.pin.pad.level > 0


@pytest.mark.parametrize("part", ["buzzer", "motor"])
def test_delayed_pad_follows_200_ms_late(pins: SimPinFactory, part: str) -> None:
    rig = Rig(pins, part, Fault("delayed", part, start_s=1.0))
    rig.until(1.0)
    with pytest.raises(OutputFault):
        rig.on()
    rig.until(1.1999)
    assert rig.pin.pad.level == 0
    rig.until(3.0)
    assert rig.pin.pad.level > 0
    assert rig.pin.pad.t_ns == rig.epoch_ns + 1_200_000_000


def test_inverted_motor_shakes_when_it_should_not(pins: SimPinFactory) -> None:
    rig = Rig(pins, "motor", Fault("wrong", "motor", start_s=1.0))
    rig.until(1.0)
    with pytest.raises(OutputFault, match="reads high after low was written"):
        rig.output.off()
    assert rig.pin.pad.level == 1


@pytest.mark.parametrize("part", ["buzzer", "motor"])
@pytest.mark.parametrize("word", ["off", "stuck", "slow", "garbage"])
def test_failing_output_can_be_closed(pins: SimPinFactory, word: str, part: str) -> None:
    rig = Rig(pins, part, Fault(word, part, start_s=1.0))
    rig.until(1.0)
    rig.output.close()


@pytest.mark.parametrize("part", ["buzzer", "motor"])
def test_output_that_cannot_be_written_cannot_be_opened(pins: SimPinFactory, part: str) -> None:
    with pytest.raises(PinsUnavailable, match=rf"{part} \(pin 18\): the pin cannot be claimed"):
        Rig(pins, part, Fault("off", part, start_s=0.0))


def test_complaint_is_made_once_and_not_again_when_all_is_well(pins: SimPinFactory) -> None:
    rig = Rig(pins, "motor", Fault("stuck", "motor", start_s=1.0, end_s=2.0))
    rig.until(1.0)
    with pytest.raises(OutputFault):
        rig.on()
    rig.until(2.0)
    rig.on()
    assert rig.pin.pad.level == 1
