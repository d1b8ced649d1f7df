"""A status LED on a pin, through a resistor, lit by a high level."""

from collections.abc import Callable

from hal.clock import Clock
from hal.config import LedConfig
from hal.errors import DeviceNotFound
from hal.expiry import Timer
from hal.output import Switch
from hal.pins import Pins


class Led(Switch):
    """Shines for half a second at a time."""

    def __init__(self, pins: Pins, clock: Clock, timer: Timer, *, pin: int) -> None:
        super().__init__(pins, clock, timer, part="led", pin=pin)


def make_led(config: LedConfig, pins: Callable[[], Pins], clock: Clock, timer: Timer) -> Led:
    """The LED on the configured pin. Raises DeviceNotFound when none is configured."""
    if config.pin is None:
        raise DeviceNotFound("led: there is none; set led.pin")
    return Led(pins(), clock, timer, pin=config.pin)
