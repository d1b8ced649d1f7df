"""The outputs of the simulated board: shipping drivers on simulated pads, and hardware PWM where it is asked for."""

from collections.abc import Callable

from hal.airbag import make_airbag
from hal.board import AirbagOutput, LedOutput, MotorOutput, ToneOutput
from hal.buzzer import make_buzzer
from hal.config import BoardConfig
from hal.haptic import Motor
from hal.led import make_led
from hal.pwm import FUNCTIONS
from hal.sim.chips.pad import FaultyPad
from hal.sim.chips.pwm import SimPwmChip, SimSysfs
from hal.sim.clock import SimClock
from hal.sim.faults import Fault, fault_of
from hal.sim.pins import SimPin, SimPinFactory
from hal.sim.timer import timer_of


class SimOutputs:
    """Buzzer, motor, status LED and airbag pin, each on pins of its own."""

    def __init__(
        self,
        config: BoardConfig,
        *,
        faults: tuple[Fault, ...],
        epoch_ns: int,
        new_clock: Callable[[], SimClock],
    ) -> None:
        """Raises ValueError when a fault names an LED or an airbag pin that is not fitted."""
        self._config, self._faults, self._epoch_ns = config, faults, epoch_ns
        self._buzzer_pins = self._wired(new_clock(), "buzzer", config.buzzer.pin)
        self._motor_pins = self._wired(new_clock(), "motor", config.motor.pin)
        self._led_pins = self._fitted(new_clock, "led", config.led.pin)
        self._airbag_pins = self._fitted(new_clock, "airbag", config.airbag.pin)
        self._sysfs = SimSysfs()
        pin = config.buzzer.pin
        if config.buzzer.pwm == "hardware" and pin in FUNCTIONS:
            clock = self._buzzer_pins.clock
            SimPwmChip(self._sysfs, clock, functions={pin: FUNCTIONS[pin]}, pads={pin: self.buzzer_pin})

    @property
    def buzzer_pin(self) -> SimPin:
        return self._buzzer_pins.sim_pin(self._config.buzzer.pin)

    @property
    def motor_pin(self) -> SimPin:
        return self._motor_pins.sim_pin(self._config.motor.pin)

    @property
    def led_pin(self) -> SimPin:
        """Raises ValueError when there is none."""
        if self._led_pins is None or self._config.led.pin is None:
            raise ValueError("there is no led; set led.pin")
        return self._led_pins.sim_pin(self._config.led.pin)

    @property
    def airbag_pin(self) -> SimPin:
        """Raises ValueError when there is none."""
        if self._airbag_pins is None or self._config.airbag.pin is None:
            raise ValueError("there is no airbag; set airbag.pin")
        return self._airbag_pins.sim_pin(self._config.airbag.pin)

    def open_buzzer(self) -> ToneOutput:
        pins = self._buzzer_pins
        return make_buzzer(self._config.buzzer, lambda: pins, pins.clock, timer_of(pins.clock), self._sysfs)

    def open_motor(self) -> MotorOutput:
        pins = self._motor_pins
        return Motor(pins, pins.clock, timer_of(pins.clock), pin=self._config.motor.pin)

    def open_led(self) -> LedOutput:
        pins = self._led_pins or self._motor_pins  # without an LED no pin of either is touched
        return make_led(self._config.led, lambda: pins, pins.clock, timer_of(pins.clock))

    def open_airbag(self) -> AirbagOutput:
        pins = self._airbag_pins or self._motor_pins  # without one no pin of either is touched
        return make_airbag(self._config.airbag, lambda: pins, pins.clock, timer_of(pins.clock))

    def _fitted(self, new_clock: Callable[[], SimClock], part: str, pin: int | None) -> SimPinFactory | None:
        if pin is not None:
            return self._wired(new_clock(), part, pin)
        if fault_of(part, self._faults).word != "ok":
            raise ValueError(f"fault: there is no {part} to fail; set {part}.pin")
        return None

    def _wired(self, clock: SimClock, part: str, pin: int) -> SimPinFactory:
        pins = SimPinFactory(clock)
        pins.sim_pin(pin).pad_model = FaultyPad(clock, fault_of(part, self._faults), epoch_ns=self._epoch_ns)
        return pins
