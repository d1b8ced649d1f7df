"""The seam to gpiozero: factories chosen by name, edges with their times, and the simulated pins themselves."""

import errno
import gc
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from hal.buzzer import Buzzer
from hal.clock import MonotonicClock
from hal.errors import OutputFault, PinsUnavailable
from hal.haptic import Motor
from hal.output import CheckedOutput
from hal.pins import Pins, PolledPulse, open_factory, pin_errors
from hal.sim.clock import PacedClock, SimClock
from hal.sim.pins import PadState, SimPinFactory, SimPulse
from hal.sim.timer import SimTimer


class FakeLgpio(ModuleType):
    """Stands in for the C library lgpio, so that gpiozero's own LGPIOFactory runs without a Raspberry Pi."""

    BOTH_EDGES, RISING_EDGE, FALLING_EDGE = 3, 1, 2
    SET_PULL_NONE, SET_PULL_UP, SET_PULL_DOWN = 128, 32, 64

    class error(Exception):  # noqa: N801, N818, RUF100
        """As lgpio's own: no subclass of OSError."""

    def __init__(self) -> None:
        super().__init__("lgpio")
        self.levels: dict[int, int] = {}
        self.modes: dict[int, int] = {}
        self.pwm: list[tuple[int, float, float]] = []
        self.callbacks: dict[int, Callable[..., None]] = {}
        self.broken: set[int] = set()

    def gpiochip_open(self, chip: int) -> int:
        return chip

    def gpiochip_close(self, handle: int) -> None: ...

    def gpio_claim_input(self, handle: int, gpio: int, flags: int = 0) -> None:
        self.modes[gpio] = flags

    def gpio_claim_alert(self, handle: int, gpio: int, edges: int, flags: int = 0) -> None:
        self.modes[gpio] = flags

    def gpio_claim_output(self, handle: int, gpio: int, level: int = 0) -> None:
        self.modes[gpio], self.levels[gpio] = 2, level

    def gpio_free(self, handle: int, gpio: int) -> None: ...

    def gpio_get_mode(self, handle: int, gpio: int) -> int:
        return self.modes[gpio]

    def gpio_read(self, handle: int, gpio: int) -> int:
        return self.levels.get(gpio, 0)

    def gpio_write(self, handle: int, gpio: int, level: int) -> None:
        if gpio in self.broken:
            raise self.error("bad GPIO write")
        self.levels[gpio] = int(level)

    def tx_pwm(self, handle: int, gpio: int, frequency_hz: float, duty_percent: float) -> None:
        self.pwm.append((gpio, frequency_hz, duty_percent))

    def callback(self, handle: int, gpio: int, edges: int, function: Callable[..., None]) -> SimpleNamespace:
        self.callbacks[gpio] = function
        return SimpleNamespace(cancel=lambda: self.callbacks.pop(gpio, None))


@pytest.fixture
def lgpio(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLgpio]:
    fake = FakeLgpio()
    monkeypatch.setitem(sys.modules, "lgpio", fake)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    monkeypatch.setattr(importlib.import_module("gpiozero.pins.local"), "get_pi_revision", lambda: 0xA02082)
    yield fake
    sys.modules.pop("gpiozero.pins.lgpio", None)
    importlib.import_module("gpiozero.pins.local").LocalPiFactory.pins.clear()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LG_WD", "")  # so that it is put back when a factory has set it
    monkeypatch.delenv("LG_WD")


def test_missing_lgpio_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", None)
    with pytest.raises(PinsUnavailable, match=r"gpio: lgpio cannot be imported .* `sudo apt install python3-lgpio`"):
        open_factory("lgpio")


def buzzer_on(pins: Pins) -> Buzzer:
    clock = SimClock()
    return Buzzer(CheckedOutput(pins, clock, part="buzzer", pin=18), clock, SimTimer(clock))


def motor_on(pins: Pins) -> Motor:
    clock = SimClock()
    return Motor(pins, clock, SimTimer(clock), pin=25)


def test_empty_lgpio_from_the_package_index_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stub = ModuleType("lgpio")
    stub.__file__ = "site-packages/lgpio.py"
    monkeypatch.setitem(sys.modules, "lgpio", stub)
    with pytest.raises(PinsUnavailable, match=r"site-packages/lgpio\.py is not the real one; remove it and install"):
        open_factory("lgpio")


def test_missing_rpi_gpio_says_where_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "RPi.GPIO", None)
    monkeypatch.setitem(sys.modules, "RPi", None)
    with pytest.raises(PinsUnavailable, match=r"gpio: RPi\.GPIO cannot be imported .* up to the Pi 4"):
        open_factory("rpigpio")


def test_unknown_factory_is_refused_and_nothing_else_is_tried() -> None:
    with pytest.raises(PinsUnavailable, match=r"no factory 'pigpio'; set gpio\.factory to one of: lgpio, rpigpio"):
        open_factory("pigpio")  # type: ignore[arg-type]


def test_machine_that_is_no_raspberry_pi_is_told_so(lgpio: FakeLgpio, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(chip: int) -> int:
        raise lgpio.error("can not open gpiochip")

    monkeypatch.setattr(lgpio, "gpiochip_open", denied)
    with pytest.raises(PinsUnavailable, match=r"lgpio cannot be opened \(can not open gpiochip\); check .* group gpio"):
        open_factory("lgpio")


def test_lgpio_makes_its_pipes_in_the_runtime_directory(lgpio: FakeLgpio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/rearguard:/run/other")
    open_factory("lgpio").close()
    assert os.environ["LG_WD"] == "/run/rearguard"


def test_lgpio_that_cannot_make_its_pipes_is_said_with_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(name: str) -> object:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", ".lgd-nfy-3")  # as the real one does

    monkeypatch.setenv("LG_WD", "/run/gone")
    monkeypatch.setattr("hal.pins.importlib.import_module", refused)
    with pytest.raises(PinsUnavailable, match=r"cannot make its pipe in /run/gone .*; set LG_WD to a folder"):
        open_factory("lgpio")


def test_lgpio_buzzer_starts_pwm_from_a_high_pad_and_stops_it_low(lgpio: FakeLgpio) -> None:
    pins = open_factory("lgpio")
    buzzer = buzzer_on(pins)
    buzzer.tone(800, 1.0)
    assert lgpio.levels[18] == 1
    assert lgpio.pwm[-1] == (18, 800, 50)
    buzzer.off()
    assert lgpio.pwm[-1] == (18, 0, 0)
    assert lgpio.levels[18] == 0
    pins.close()


def test_lgpio_pad_that_does_not_follow_is_reported(lgpio: FakeLgpio, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = open_factory("lgpio")
    motor = motor_on(pins)
    monkeypatch.setattr(lgpio, "gpio_write", lambda *args: None)
    with pytest.raises(OutputFault, match=r"motor \(pin 25\): reads low after high was written"):
        motor.on()
    pins.close()


def test_lgpio_error_becomes_an_output_fault(lgpio: FakeLgpio) -> None:
    pins = open_factory("lgpio")
    motor = motor_on(pins)
    lgpio.broken.add(25)
    with pytest.raises(OutputFault, match=r"cannot be written \(bad GPIO write\)"):
        motor.on()
    assert lgpio.error in pin_errors()
    pins.close()


def test_lgpio_parts_can_be_closed_and_opened_again(lgpio: FakeLgpio) -> None:
    pins = open_factory("lgpio")
    for _ in range(3):
        motor = motor_on(pins)
        motor.on()
        assert lgpio.levels[25] == 1
        motor.close()
        assert lgpio.levels[25] == 0
    pins.close()


class FakePwm:
    """RPi.GPIO's PWM object: it goes on for ever unless it is stopped."""

    running = 0

    def __init__(self, gpio: int, frequency_hz: float) -> None: ...

    def start(self, duty_percent: float) -> None:
        FakePwm.running += 1

    def stop(self) -> None:
        FakePwm.running -= 1

    def ChangeFrequency(self, frequency_hz: float) -> None: ...  # noqa: N802, RUF100

    def ChangeDutyCycle(self, duty_percent: float) -> None: ...  # noqa: N802, RUF100


def fake_rpi_gpio(levels: dict[int, int]) -> ModuleType:
    gpio: Any = ModuleType("RPi.GPIO")
    names = ["BCM", "IN", "OUT", "I2C", "SPI", "HARD_PWM", "SERIAL", "UNKNOWN", "PUD_UP", "PUD_DOWN", "PUD_OFF"]
    names.extend(["BOTH", "RISING", "FALLING"])
    for number, name in enumerate(names):
        setattr(gpio, name, number)
    for name in ("setmode", "setwarnings", "cleanup", "add_event_detect", "remove_event_detect"):
        setattr(gpio, name, lambda *args, **kwargs: None)
    gpio.setup = lambda number, mode, pull=0, initial=None: levels.__setitem__(number, int(bool(initial)))
    gpio.output = levels.__setitem__
    gpio.input = levels.__getitem__
    gpio.PWM = FakePwm
    return gpio  # type: ignore[no-any-return]


@pytest.fixture
def rpigpio(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pins]:
    package: Any = ModuleType("RPi")
    package.GPIO = fake_rpi_gpio({})
    monkeypatch.setitem(sys.modules, "RPi", package)
    monkeypatch.setitem(sys.modules, "RPi.GPIO", package.GPIO)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.rpigpio", raising=False)
    monkeypatch.setattr(importlib.import_module("gpiozero.pins.local"), "get_pi_revision", lambda: 0xA02082)
    pins = open_factory("rpigpio")
    yield pins
    pins.close()
    sys.modules.pop("gpiozero.pins.rpigpio", None)


def test_rpi_gpio_pwm_is_stopped_when_the_tone_ends(rpigpio: Pins) -> None:
    buzzer = buzzer_on(rpigpio)
    buzzer.tone(800, 1.0)
    buzzer.tone(600, 0.5)
    assert FakePwm.running == 1
    buzzer.off()
    assert FakePwm.running == 0
    buzzer.tone(800, 1.0)
    buzzer.close()
    assert FakePwm.running == 0


def test_rpi_gpio_is_asked_for_the_level_because_its_stamps_come_late(rpigpio: Pins) -> None:
    assert isinstance(rpigpio.pulse_input(24), PolledPulse)


def test_ticks_are_the_clock_that_the_kernel_stamps_edges_with(lgpio: FakeLgpio) -> None:
    pins = open_factory("lgpio")
    before_ns = MonotonicClock().now_ns()
    ticks_s = pins.ticks()
    assert before_ns - 1 <= ticks_s * 1e9 <= MonotonicClock().now_ns() + 1
    assert pins.ticks_diff(ticks_s + 0.25, ticks_s) == pytest.approx(0.25)
    pins.close()


def drive(pins: SimPinFactory, *edges: tuple[bool, int]) -> None:
    for level, t_ns in edges:
        pins.sim_pin(24).drive(level, t_ns)


def test_pulse_is_timed_from_rise_to_fall(pins: SimPinFactory) -> None:
    timer = SimPulse(pins.pin(24), pins.clock)
    timer.arm()
    drive(pins, (True, 1_000_000_000))
    assert not timer.seen.is_set()
    drive(pins, (False, 1_000_500_000), (True, 2_000_000_000), (False, 2_100_000_000))
    assert timer.seen.is_set()
    assert (timer.rise, timer.fall) == (1.0, 1.0005)


def test_fall_without_a_rise_is_no_pulse(pins: SimPinFactory) -> None:
    drive(pins, (True, 1))
    timer = SimPulse(pins.pin(24), pins.clock)
    timer.arm()
    drive(pins, (False, 2))
    assert not timer.seen.is_set()
    assert timer.fall is None


def test_armed_timer_has_forgotten_the_last_pulse(pins: SimPinFactory) -> None:
    timer = SimPulse(pins.pin(24), pins.clock)
    drive(pins, (True, 1), (False, 2))
    timer.arm()
    assert not timer.seen.is_set()
    assert (timer.rise, timer.fall) == (None, None)


def test_timer_outlives_a_garbage_collection(pins: SimPinFactory) -> None:
    timer = SimPulse(pins.pin(24), pins.clock)
    gc.collect()
    drive(pins, (True, 1), (False, 2))
    assert timer.seen.is_set()


def test_edges_are_stamped_with_the_time_they_were_due_in_real_time_too() -> None:
    clock = PacedClock()
    pins = SimPinFactory(clock)
    timer = SimPulse(pins.pin(24), pins.clock)
    t_ns = clock.now_ns()
    for level, after_ns in ((True, 1_000_000), (False, 3_000_000)):
        clock.call_at(t_ns + after_ns, lambda level=level, after_ns=after_ns: drive(pins, (level, t_ns + after_ns)))
    assert clock.wait(timer.seen, 1.0)
    assert timer.rise == pytest.approx(t_ns / 1e9 + 0.001, abs=1e-7)
    assert timer.fall == pytest.approx(t_ns / 1e9 + 0.003, abs=1e-7)
    assert pins.ticks() >= timer.fall


def test_history_tells_when_an_output_changed(pins: SimPinFactory, clock: SimClock) -> None:
    pin = pins.sim_pin(18)
    pin.output_with_state(False)
    t_ns = clock.now_ns()
    pin.state = True
    clock.sleep(0.1)
    pin.frequency = 800
    pin.state = 0.5
    clock.sleep(0.1)
    pin.frequency = None
    assert pin.history == [
        PadState(t_ns, 1.0, None),
        PadState(t_ns + 100_000_000, 0.0, 800),
        PadState(t_ns + 100_000_000, 0.5, 800),
        PadState(t_ns + 200_000_000, 0.0, None),
    ]


def test_listener_hears_each_change_of_a_steady_level_once(pins: SimPinFactory) -> None:
    pin, heard = pins.sim_pin(23), []
    pin.listen(heard.append)
    pin.output_with_state(False)
    for state in (True, True, False, False, True):
        pin.state = state
    assert heard == [True, False, True]


def test_pin_that_is_an_input_cannot_be_written(pins: SimPinFactory) -> None:
    pin = pins.sim_pin(18)
    pin.input_with_pull("up")
    assert pin.state
    with pytest.raises(pin_errors(), match="cannot set state"):
        pin.state = True
    with pytest.raises(pin_errors(), match="cannot start PWM"):
        pin.frequency = 800
