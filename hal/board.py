"""Opens what the configuration names, each part by itself, so that one broken part does not take the others along."""

import threading
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

from hal.button import Button
from hal.buzzer import Buzzer
from hal.clock import Clock, MonotonicClock
from hal.haptic import Motor
from hal.hcsr04 import HcSr04
from hal.i2c import I2cBus, SmbusBus
from hal.imu.mounting import Mounting
from hal.imu.mpu6050 import Mpu6050
from hal.pins import FactoryName, Pins, open_factory
from hal.samples import ButtonSample, ImuSample, RangeSample

ImuModel = Literal["mpu6050"]
RATES_HZ = (50, 100, 125, 200)  # what the chips' dividers can make, as fast as a FIFO read needs
HEADER_PINS = range(2, 28)  # BCM numbers on the 40-pin header; 0 and 1 belong to the HAT identity EEPROM


def _check_pin(key: str, pin: int) -> None:
    if pin not in HEADER_PINS:
        raise ValueError(f"{key} ({pin}) must be a BCM number from {HEADER_PINS[0]} to {HEADER_PINS[-1]}")


def _check_range(key: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # false for NaN as well
        raise ValueError(f"{key} ({value}) must lie between {low:g} and {high:g}")


def _check_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{key} ({value!r}) must be one of: {', '.join(choices)}")


@dataclass(frozen=True, slots=True)
class ImuConfig:
    """Which motion sensor, where on the bus, and which of its axes points forward, left and up on the body."""

    model: ImuModel = "mpu6050"
    bus: int = 1
    address: int = 0x68
    rate_hz: int = 100
    forward: str = "+x"
    left: str = "+y"
    up: str = "+z"

    def __post_init__(self) -> None:
        _check_choice("imu.model", self.model, get_args(ImuModel))
        _check_range("imu.bus", self.bus, 0, 255)
        _check_range("imu.address", self.address, 0x08, 0x77)
        if self.rate_hz not in RATES_HZ:
            raise ValueError(f"imu.rate_hz ({self.rate_hz}) must be one of: {', '.join(map(str, RATES_HZ))}")
        _ = self.mounting  # raises for axes that are no rotation

    @property
    def mounting(self) -> Mounting:
        return Mounting(self.forward, self.left, self.up)


@dataclass(frozen=True, slots=True)
class RangefinderConfig:
    """The HC-SR04 that looks behind, by BCM pin numbers."""

    trigger: int = 23
    echo: int = 24
    temperature_c: float = 20.0  # of the air: sound is 0.18 % faster per degree
    period_s: float = 0.06  # from ping to ping; the data sheet asks for 60 ms, so that old echoes have died down

    def __post_init__(self) -> None:
        _check_pin("rangefinder.trigger", self.trigger)
        _check_pin("rangefinder.echo", self.echo)
        _check_range("rangefinder.temperature_c", self.temperature_c, -20, 50)
        _check_range("rangefinder.period_s", self.period_s, 0.06, 0.2)


@dataclass(frozen=True, slots=True)
class BuzzerConfig:
    """The passive buzzer's BCM pin number."""

    pin: int = 18

    def __post_init__(self) -> None:
        _check_pin("buzzer.pin", self.pin)


@dataclass(frozen=True, slots=True)
class MotorConfig:
    """The vibration motor's BCM pin number."""

    pin: int = 25

    def __post_init__(self) -> None:
        _check_pin("motor.pin", self.pin)


@dataclass(frozen=True, slots=True)
class ButtonConfig:
    """The change-over button's BCM pin numbers: normally open and, to see a cut wire, normally closed."""

    pin: int = 17
    nc_pin: int | None = 27

    def __post_init__(self) -> None:
        _check_pin("button.pin", self.pin)
        if self.nc_pin is not None:
            _check_pin("button.nc_pin", self.nc_pin)


@dataclass(frozen=True, slots=True)
class BoardConfig:
    """All parts, and the GPIO library that drives them: lgpio, or rpigpio on boards before the Pi 5."""

    factory: FactoryName = "lgpio"
    imu: ImuConfig = field(default_factory=ImuConfig)
    rangefinder: RangefinderConfig = field(default_factory=RangefinderConfig)
    buzzer: BuzzerConfig = field(default_factory=BuzzerConfig)
    motor: MotorConfig = field(default_factory=MotorConfig)
    button: ButtonConfig = field(default_factory=ButtonConfig)

    def __post_init__(self) -> None:
        _check_choice("gpio.factory", self.factory, get_args(FactoryName))
        seen: dict[int, str] = {}
        for key, pin in self._pins():
            if pin in seen:
                raise ValueError(f"{key} and {seen[pin]} are both pin {pin}; each needs its own")
            seen[pin] = key

    def _pins(self) -> list[tuple[str, int]]:
        pins = [
            ("rangefinder.trigger", self.rangefinder.trigger),
            ("rangefinder.echo", self.rangefinder.echo),
            ("buzzer.pin", self.buzzer.pin),
            ("motor.pin", self.motor.pin),
            ("button.pin", self.button.pin),
        ]
        if self.button.nc_pin is not None:
            pins.append(("button.nc_pin", self.button.nc_pin))
        if self.imu.bus == 1:
            pins += [("the IMU's bus 1 (SDA)", 2), ("the IMU's bus 1 (SCL)", 3)]
        return pins


class Imu(Protocol):
    """A motion sensor: each read gives the samples since the last one, oldest first. Raises HalError."""

    def read(self) -> list[ImuSample]: ...

    def close(self) -> None: ...


class Rangefinder(Protocol):
    """A distance sensor: each read is one new measurement, or none while the last one lasts. Raises HalError."""

    def read(self) -> list[RangeSample]: ...

    def close(self) -> None: ...


class ButtonReader(Protocol):
    """A button to be read every 20 ms. Raises HalError."""

    def read(self) -> ButtonSample: ...

    def close(self) -> None: ...


class ToneOutput(Protocol):
    """Something that sounds at a frequency in Hz and a volume from 0 to 1. Raises HalError."""

    def tone(self, frequency_hz: float, volume: float) -> None: ...

    def off(self) -> None: ...

    def close(self) -> None: ...


class MotorOutput(Protocol):
    """Something that shakes. Raises HalError."""

    def on(self) -> None: ...

    def off(self) -> None: ...

    def close(self) -> None: ...


class Board(Protocol):
    """Opens one part at a time; after a fault, close the part and open it again."""

    @property
    def clock(self) -> Clock: ...

    def open_imu(self) -> Imu: ...

    def open_rangefinder(self) -> Rangefinder: ...

    def open_button(self) -> ButtonReader: ...

    def open_buzzer(self) -> ToneOutput: ...

    def open_motor(self) -> MotorOutput: ...


def make_imu(config: ImuConfig, bus: I2cBus, clock: Clock) -> Imu:
    """The driver that the configuration names; it closes the bus when it is closed or cannot be opened."""
    return Mpu6050(bus, clock, address=config.address, mounting=config.mounting, rate_hz=config.rate_hz)


def make_rangefinder(config: RangefinderConfig, pins: Pins, clock: Clock) -> Rangefinder:
    """The driver that the configuration names."""
    return HcSr04(pins, clock, trigger=config.trigger, echo=config.echo, temperature_c=config.temperature_c)


def make_button(config: ButtonConfig, pins: Pins, clock: Clock) -> ButtonReader:
    """The driver on the configured pins."""
    return Button(pins, clock, pin=config.pin, nc_pin=config.nc_pin)


class PiBoard:
    """The parts on a Raspberry Pi. The GPIO library is opened once, with the first part that needs it."""

    def __init__(self, config: BoardConfig, clock: Clock | None = None) -> None:
        self.config = config
        self._clock = clock or MonotonicClock()
        self._opening = threading.Lock()  # each part is opened by its own thread
        self._opened_pins: Pins | None = None

    @property
    def clock(self) -> Clock:
        return self._clock

    def open_imu(self) -> Imu:
        return make_imu(self.config.imu, SmbusBus(self.config.imu.bus), self._clock)

    def open_rangefinder(self) -> Rangefinder:
        return make_rangefinder(self.config.rangefinder, self._pins(), self._clock)

    def open_button(self) -> ButtonReader:
        return make_button(self.config.button, self._pins(), self._clock)

    def open_buzzer(self) -> ToneOutput:
        return Buzzer(self._pins(), self._clock, pin=self.config.buzzer.pin)

    def open_motor(self) -> MotorOutput:
        return Motor(self._pins(), self._clock, pin=self.config.motor.pin)

    def close(self) -> None:
        """Release the pins, which makes them inputs; the parts must be closed before."""
        with self._opening:
            if self._opened_pins is not None:
                self._opened_pins.close()
                self._opened_pins = None

    def _pins(self) -> Pins:
        with self._opening:
            if self._opened_pins is None:
                self._opened_pins = open_factory(self.config.factory)
            return self._opened_pins
