"""A vibration motor on a pin, through a transistor with a flyback diode."""

from hal.clock import Clock
from hal.expiry import Timer
from hal.output import Switch
from hal.pins import Pins


class Motor(Switch):
    """Shakes for half a second at a time."""

    def __init__(self, pins: Pins, clock: Clock, timer: Timer, *, pin: int) -> None:
        super().__init__(pins, clock, timer, part="motor", pin=pin)
