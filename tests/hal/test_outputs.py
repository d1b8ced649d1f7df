"""Buzzers, motor and LED on simulated pins: what sounds, and how a pin that does not follow is reported."""

import errno
from collections.abc import Callable

import pytest
from output_rig import CONFIGS, KINDS, PIN, READ_BACK, OutputRig, software_buzzer

from hal.buzzer import Buzzer, make_buzzer
from hal.config import LedConfig
from hal.errors import DeviceNotFound, OutputFault, PinsUnavailable
from hal.expiry import LIMIT_S
from hal.led import make_led
from hal.sim.chips.pwm import SimSysfs
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import Pad, PadState, SimPin, SimPinFactory
from hal.sim.timer import SimTimer


@pytest.mark.parametrize("kind", ["software", "hardware"])
def test_passive_buzzer_sounds_at_the_frequency_and_volume_asked_for(pins: SimPinFactory, kind: str) -> None:
    rig = OutputRig(pins, kind)
    rig.on()
    assert rig.pin.pad == PadState(rig.clock.now_ns(), 0.5, 800)
    rig.other()
    assert rig.pin.pad.level == pytest.approx(0.25, abs=1e-6)
    assert rig.pin.pad.frequency_hz == pytest.approx(600, abs=0.001)
    rig.output.off()
    assert rig.pin.pad == PadState(rig.clock.now_ns(), 0.0, None)


def test_active_buzzer_is_switched_whatever_the_frequency_and_the_volume(pins: SimPinFactory) -> None:
    rig = OutputRig(pins, "active")
    for switch in (rig.on, rig.other):
        switch()
        assert rig.pin.pad == PadState(rig.epoch_ns, 1.0, None)
    buzzer = rig.output
    assert not isinstance(buzzer, Buzzer)
    rig.clock.sleep(0.1)
    buzzer.tone(523, 0.0)  # type: ignore[attr-defined]
    assert rig.pin.pad == PadState(rig.clock.now_ns(), 0.0, None)


def test_quietest_tone_is_still_a_tone(pins: SimPinFactory, clock: SimClock) -> None:
    buzzer = software_buzzer(pins)
    buzzer.tone(800, 0.001)
    assert pins.sim_pin(PIN).pad.level >= 0.01
    buzzer.tone(800, 0.0)
    assert pins.sim_pin(PIN).pad == PadState(clock.now_ns(), 0.0, None)


@pytest.mark.parametrize(
    ("frequency_hz", "volume", "what"),
    [(0.0, 1.0, "frequency_hz"), (float("nan"), 1.0, "frequency_hz"), (800, 1.5, "volume"), (800, -0.1, "volume")],
)
@pytest.mark.parametrize("kind", CONFIGS)
def test_tone_that_cannot_be_meant_is_refused(
    pins: SimPinFactory, clock: SimClock, kind: str, frequency_hz: float, volume: float, what: str
) -> None:
    rig = OutputRig(pins, kind)
    with pytest.raises(ValueError, match=what):
        rig.output.tone(frequency_hz, volume)  # type: ignore[attr-defined]
    assert not rig.spells()


@pytest.mark.parametrize("kind", ["motor", "led"])
def test_motor_shakes_and_led_shines_until_told_to_stop(pins: SimPinFactory, kind: str) -> None:
    rig = OutputRig(pins, kind)
    rig.on()
    rig.clock.sleep(0.2)
    rig.output.off()
    t_ns = rig.clock.now_ns()
    assert rig.pin.history == [PadState(t_ns - 200_000_000, 1.0, None), PadState(t_ns, 0.0, None)]


def test_led_that_is_not_fitted_is_not_found(pins: SimPinFactory, clock: SimClock) -> None:
    with pytest.raises(DeviceNotFound, match=r"led: there is none; set led\.pin"):
        make_led(LedConfig(), lambda: pins, clock, SimTimer(clock))
    assert make_led(LedConfig(pin=PIN), lambda: pins, clock, SimTimer(clock)) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_closing_leaves_the_pin_silent_and_it_can_be_opened_again(pins: SimPinFactory, kind: str) -> None:
    rig = OutputRig(pins, kind)
    rig.on()
    rig.output.close()
    assert rig.pin.pad.level == 0
    assert rig.pin.pad.frequency_hz is None
    rig.open()
    assert set(rig.reports(0.5)) == {""}
    rig.on()
    assert rig.pin.pad.level > 0


@pytest.mark.parametrize("kind", READ_BACK)
def test_closed_pin_is_pulled_down_so_that_nothing_floats(pins: SimPinFactory, kind: str) -> None:
    rig = OutputRig(pins, kind)
    rig.on()
    rig.output.close()
    assert (rig.pin.function, rig.pin.pull) == ("input", "down")


@pytest.mark.parametrize("kernel_keeps_lines", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_killed_sounder_left_on_goes_off_when_the_next_one_opens_it(
    pins: SimPinFactory, kind: str, kernel_keeps_lines: bool
) -> None:
    rig = OutputRig(pins, kind)
    rig.on()
    rig.kill(kernel_keeps_lines=kernel_keeps_lines)
    rig.until(10.0)
    assert (rig.pin.pad.level > 0) == (kernel_keeps_lines or kind == "hardware"), "hal.expiry says which stay on"
    rig.open()
    assert rig.pin.pad.level == 0
    assert set(rig.reports(12.0)) == {""}


def always(text: str) -> Callable[[list[str]], bool]:
    return lambda reports: all(text in report for report in reports)


def at_every_switch_on(text: str) -> Callable[[list[str]], bool]:
    return lambda reports: all(text in report for report in reports[::2])


def often(text: str) -> Callable[[list[str]], bool]:
    return lambda reports: sum(text in report for report in reports) >= len(reports) // 4 and "" in reports


def never(reports: list[str]) -> bool:
    return set(reports) == {""}


SLOW = "a write took 80 ms, expected less than 50 ms; stop other programs and check the power supply"
REPORTS: dict[str, Callable[[list[str]], bool]] = {
    "ok": never,
    "off": always("cannot be written ([Errno 5] "),
    "stuck": at_every_switch_on("reads low after high was written"),
    "garbage": often("was written; check its wire for a short or a cut"),
    "wrong": always("was written; check its wire for a short or a cut"),
    "slow": always(SLOW),
    "delayed": lambda reports: all(reports[:4:2]) and sum(map(bool, reports)) >= len(reports) // 3,
    "intermittent": often("cannot be written ([Errno 5] "),
}


def check_reports(rig: OutputRig, holds: Callable[[list[str]], bool], name: str) -> None:
    """A fault from 1 s to 5 s: nothing before, what is expected while it lasts, nothing after."""
    assert set(rig.reports(0.95)) == {""}
    rig.until(1.0)
    reports = rig.reports(4.7)
    assert holds(reports), reports
    assert all(report.startswith(f"{name}: ") for report in reports if report)
    rig.until(5.5)
    assert set(rig.reports(7.0)) == {""}
    rig.on()
    assert rig.pin.pad.level > 0


@pytest.mark.parametrize("kind", READ_BACK)
@pytest.mark.parametrize("word", REPORTS)
def test_each_failure_bites_when_it_starts_and_is_over_when_it_ends(pins: SimPinFactory, word: str, kind: str) -> None:
    rig = OutputRig(pins, kind, Fault(word, KINDS[kind], start_s=1.0, end_s=5.0))
    check_reports(rig, REPORTS[word], f"{KINDS[kind]} (pin 18)")


@pytest.mark.parametrize(
    ("word", "holds"),
    [
        ("off", at_every_switch_on("the kernel does not take it ([Errno 5] ")),
        ("intermittent", lambda reports: sum("[Errno 5] " in report for report in reports) >= len(reports) // 8),
        ("slow", at_every_switch_on(SLOW)),
        # Nobody can look at a pad that belongs to PWM: docs/SAFETY.md says so, and who hears it instead.
        ("stuck", never),
        ("garbage", never),
        ("wrong", never),
        ("delayed", never),
    ],
)
def test_under_hardware_pwm_only_a_write_that_fails_or_is_slow_is_noticed(
    pins: SimPinFactory, word: str, holds: Callable[[list[str]], bool]
) -> None:
    rig = OutputRig(pins, "hardware", Fault(word, "buzzer", start_s=1.0, end_s=5.0))
    check_reports(rig, holds, "buzzer (pin 18, hardware PWM)")


@pytest.mark.parametrize("kind", READ_BACK)
def test_output_that_sticks_while_on_is_reported_when_it_does_not_stop(pins: SimPinFactory, kind: str) -> None:
    rig = OutputRig(pins, kind, Fault("stuck", KINDS[kind], start_s=1.0))
    rig.until(0.8)
    rig.on()
    rig.until(1.0)
    with pytest.raises(OutputFault, match="reads high after low was written"):
        rig.output.off()
    assert rig.pin.pad.level == 1


@pytest.mark.parametrize("kind", KINDS)
def test_slow_pin_still_does_what_it_is_told(pins: SimPinFactory, kind: str) -> None:
    rig = OutputRig(pins, kind, Fault("slow", KINDS[kind], start_s=1.0))
    rig.until(1.0)
    with pytest.raises(OutputFault, match="80 ms"):
        rig.on()
    assert rig.pin.pad.level > 0


@pytest.mark.parametrize("kind", READ_BACK)
def test_delayed_pad_follows_200_ms_late(pins: SimPinFactory, kind: str) -> None:
    rig = OutputRig(pins, kind, Fault("delayed", KINDS[kind], start_s=1.0))
    rig.until(1.0)
    with pytest.raises(OutputFault):
        rig.on()
    rig.until(1.1999)
    assert rig.pin.pad.level == 0
    rig.until(1.4)
    assert rig.pin.pad.level > 0
    assert rig.pin.pad.t_ns == rig.epoch_ns + 1_200_000_000


def test_inverted_motor_shakes_when_it_should_not(pins: SimPinFactory) -> None:
    rig = OutputRig(pins, "motor", Fault("wrong", "motor", start_s=1.0))
    rig.until(1.0)
    with pytest.raises(OutputFault, match="reads high after low was written"):
        rig.output.off()
    assert rig.pin.pad.level == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("word", ["off", "stuck", "slow", "garbage"])
def test_failing_output_can_be_closed(pins: SimPinFactory, word: str, kind: str) -> None:
    rig = OutputRig(pins, kind, Fault(word, KINDS[kind], start_s=1.0))
    rig.until(0.8)
    rig.on()
    rig.until(1.0)
    rig.output.close()


@pytest.mark.parametrize("kind", READ_BACK)
def test_output_that_cannot_be_written_cannot_be_opened(pins: SimPinFactory, kind: str) -> None:
    with pytest.raises(PinsUnavailable, match=rf"{KINDS[kind]} \(pin 18\): the pin cannot be claimed"):
        OutputRig(pins, kind, Fault("off", KINDS[kind], start_s=0.0))


def test_complaint_is_made_once_and_not_again_when_all_is_well(pins: SimPinFactory) -> None:
    rig = OutputRig(pins, "motor", Fault("stuck", "motor", start_s=1.0, end_s=2.0))
    rig.until(1.0)
    with pytest.raises(OutputFault):
        rig.on()
    rig.until(2.0)
    rig.on()
    assert rig.pin.pad.level == 1


def test_pad_that_somebody_else_drives_is_noticed_at_the_next_write(pins: SimPinFactory) -> None:
    rig = OutputRig(pins, "motor")
    rig.output.off()
    rig.pin.show(1.0, None)
    with pytest.raises(OutputFault, match="went high by itself after low was written"):
        rig.output.off()
    assert rig.pin.pad.level == 0


def test_buzzer_of_the_configuration_is_made_by_software_where_there_is_no_hardware_pwm(pins: SimPinFactory) -> None:
    buzzer = make_buzzer(CONFIGS["software"], lambda: pins, pins.clock, SimTimer(pins.clock), SimSysfs())
    buzzer.tone(700, 1.0)
    assert pins.sim_pin(PIN).frequency == 700


class UnreadablePad(Pad):
    """A pad that can be written; from when `deaf` is set it cannot be read back."""

    deaf = False

    def read(self, pin: SimPin) -> bool:
        if self.deaf:
            raise OSError(errno.EIO, "cannot be read")
        return super().read(pin)


@pytest.mark.parametrize("expires", [True, False])
@pytest.mark.parametrize("kind", READ_BACK)
def test_what_cannot_be_read_back_goes_off_all_the_same(pins: SimPinFactory, kind: str, expires: bool) -> None:
    rig = OutputRig(pins, kind)
    pad = rig.pin.pad_model = UnreadablePad()
    rig.on()
    pad.deaf = True
    if expires:
        rig.clock.sleep(LIMIT_S)
    else:
        with pytest.raises(OutputFault, match="cannot be read back"):
            rig.output.off()
    assert rig.pin.pad.level == 0
