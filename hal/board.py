"""Opens what the configuration names, each part by itself, so that one broken part does not take the others along."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hal.air import Air, speed_of_sound_mps
from hal.airbag import make_airbag
from hal.button import Button
from hal.buzzer import make_buzzer
from hal.clock import Clock, MonotonicClock
from hal.config import BoardConfig, ButtonConfig, LowRangefinderConfig, RangefinderConfig
from hal.errors import DeviceNotFound
from hal.expiry import TimerThread
from hal.haptic import Motor
from hal.hcsr04 import HEARD_M, MODELS, HcSr04
from hal.i2c import I2cBus, SmbusBus
from hal.i2cxl import I2cxl
from hal.imu.find import make_imu
from hal.imu.imu import Imu
from hal.led import make_led
from hal.pins import Pins, gpio_chips, open_factory, pin_errors
from hal.power.pi_supply import PiSupply
from hal.power.power import Power
from hal.pwm import SysfsFolder
from hal.samples import ButtonSample, PowerSample, RangeSample, SensorFault


class Rangefinder(Protocol):
    """A distance sensor: each read is one new measurement, or none while the last one lasts. Raises HalError."""

    def read(self) -> list[RangeSample]: ...

    def close(self) -> None: ...


class ButtonReader(Protocol):
    """A button to be read every 20 ms. Raises HalError."""

    def read(self) -> ButtonSample: ...

    def close(self) -> None: ...


class PowerReader(Protocol):
    """How the device is fed: each read is one sample, and what is wrong with the battery's gauge, if anything is."""

    def read(self) -> list[PowerSample | SensorFault]: ...

    def close(self) -> None: ...


class ToneOutput(Protocol):
    """Something that sounds at a frequency in Hz and a volume from 0 to 1, half a second long. Raises HalError."""

    def tone(self, frequency_hz: float, volume: float) -> None: ...

    def off(self) -> None: ...

    def close(self) -> None: ...


class MotorOutput(Protocol):
    """Something that shakes, for half a second from each `on`. Raises HalError."""

    def on(self) -> None: ...

    def off(self) -> None: ...

    def close(self) -> None: ...


class LedOutput(MotorOutput, Protocol):
    """Something that shines, for half a second from each `on`. Raises HalError."""


class AirbagOutput(MotorOutput, Protocol):
    """Something that is told of a fall by one pulse, from `on` until the pulse is over. Raises HalError."""


class Board(Protocol):
    """Opens one part at a time; after a fault, close the part and open it again."""

    @property
    def clock(self) -> Clock: ...

    def open_imu(self) -> Imu: ...

    def open_rangefinder(self) -> Rangefinder: ...

    def open_low_rangefinder(self) -> Rangefinder: ...

    def open_button(self) -> ButtonReader: ...

    def open_buzzer(self) -> ToneOutput: ...

    def open_motor(self) -> MotorOutput: ...

    def open_led(self) -> LedOutput: ...

    def open_airbag(self) -> AirbagOutput: ...

    def open_power(self) -> PowerReader: ...


def make_rangefinder(
    config: RangefinderConfig, clock: Clock, air: Air, pins: Callable[[], Pins], bus: Callable[[int], I2cBus]
) -> Rangefinder:
    """The driver that the configuration names; it opens the pins or the bus, whichever the model is on."""
    if config.model == "i2cxl":
        opened = bus(config.bus)
        return I2cxl(opened, clock, address=config.address, temperature_c=config.temperature_c, air=air)
    return HcSr04(
        pins(),
        clock,
        trigger=config.trigger,
        echo=config.echo,
        model=config.model,
        temperature_c=config.temperature_c,
        air=air,
    )


def make_low_rangefinder(
    config: LowRangefinderConfig, clock: Clock, air: Air, pins: Callable[[], Pins], temperature_c: float
) -> Rangefinder:
    """The driver on the configured pins. Raises DeviceNotFound when none are configured."""
    if config.trigger is None or config.echo is None:
        raise DeviceNotFound("low_rangefinder: there is none; set low_rangefinder.trigger and low_rangefinder.echo")
    return HcSr04(
        pins(),
        clock,
        trigger=config.trigger,
        echo=config.echo,
        model=config.model,
        temperature_c=temperature_c,
        part="low_rangefinder",
        air=air,
    )


@dataclass(frozen=True, slots=True)
class PingTimes:
    """From one reading of the rangefinder to the next."""

    period_s: float
    near_s: float  # while something is near
    again_s: float  # after a surprise or a ping that was not answered: as soon as the farthest echoes are over
    low_after_s: float  # and from its reading to that of the low one, which has the same period


def ping_times(config: BoardConfig) -> PingTimes:
    """As configured, or as long as the models need for the echoes of each to die down.

    Two rangefinders fill the air between them: with the low one fitted the straight one never pings sooner, or one of
    them would wait for the other all the time.
    """
    straight, low = config.rangefinder, config.low_rangefinder
    straight_s = I2cxl.AIR_S if straight.model == "i2cxl" else MODELS[straight.model].air_s
    low_s = MODELS[low.model].air_s if low.fitted else 0.0
    least_s = straight_s if straight.on_pins else I2cxl.CYCLE_S
    period_s = max(straight.period_s, least_s, straight_s + low_s)
    if low.fitted:
        return PingTimes(period_s, period_s, period_s, period_s * straight_s / (straight_s + low_s))
    near_s = min(period_s, max(straight.near_period_s, least_s))
    again_s = min(period_s, max(2 * HEARD_M / speed_of_sound_mps(straight.temperature_c), least_s))
    return PingTimes(period_s, near_s, again_s, period_s)


def make_button(config: ButtonConfig, pins: Pins, clock: Clock) -> ButtonReader:
    """The driver on the configured pins."""
    return Button(pins, clock, pin=config.pin, nc_pin=config.nc_pin)


class PiBoard:
    """The parts on a Raspberry Pi. The GPIO library is opened once, with the first part that needs it."""

    def __init__(self, config: BoardConfig, clock: Clock | None = None) -> None:
        self.config = config
        self._clock = clock or MonotonicClock()
        self._air = Air()
        self._opening = threading.Lock()  # each part is opened by its own thread
        self._opened_pins: Pins | None = None
        self._chips: object = None  # that were there when they were opened

    @property
    def clock(self) -> Clock:
        return self._clock

    def open_imu(self) -> Imu:
        return make_imu(self.config.imu, SmbusBus(self.config.imu.bus), self._clock)

    def open_rangefinder(self) -> Rangefinder:
        return make_rangefinder(self.config.rangefinder, self._clock, self._air, self._pins, SmbusBus)

    def open_low_rangefinder(self) -> Rangefinder:
        temperature_c = self.config.rangefinder.temperature_c
        return make_low_rangefinder(self.config.low_rangefinder, self._clock, self._air, self._pins, temperature_c)

    def open_button(self) -> ButtonReader:
        return make_button(self.config.button, self._pins(), self._clock)

    def open_buzzer(self) -> ToneOutput:
        return make_buzzer(self.config.buzzer, self._pins, self._clock, TimerThread(self._clock), SysfsFolder())

    def open_motor(self) -> MotorOutput:
        return Motor(self._pins(), self._clock, TimerThread(self._clock), pin=self.config.motor.pin)

    def open_led(self) -> LedOutput:
        return make_led(self.config.led, self._pins, self._clock, TimerThread(self._clock))

    def open_airbag(self) -> AirbagOutput:
        return make_airbag(self.config.airbag, self._pins, self._clock, TimerThread(self._clock))

    def open_power(self) -> PowerReader:
        power = self.config.power
        return Power(power, lambda: SmbusBus(power.bus), PiSupply(), self._clock)

    def close(self) -> None:
        """Release the pins, which makes them inputs; the parts must be closed before."""
        with self._opening:
            if self._opened_pins is not None:
                self._opened_pins.close()
                self._opened_pins = None

    def _pins(self) -> Pins:
        """The library, opened anew where a GPIO chip vanished or came back: what it held there is dead for good."""
        with self._opening:
            chips = gpio_chips()
            if self._opened_pins is not None and chips != self._chips:
                with contextlib.suppress(*pin_errors()):
                    self._opened_pins.close()
                self._opened_pins = None
            if self._opened_pins is None:
                self._opened_pins = open_factory(self.config.factory)
                self._chips = chips
            return self._opened_pins
