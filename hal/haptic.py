"""A vibration motor on a pin, through a transistor with a flyback diode."""

from hal.clock import Clock
from hal.output import CheckedOutput
from hal.pins import Pins


class Motor:
    """Shakes until told otherwise."""

    def __init__(self, pins: Pins, clock: Clock, *, pin: int) -> None:
        self._output = CheckedOutput(pins, clock, part="motor", pin=pin)

    def on(self) -> None:
        """Raises OutputFault when the pin does not follow."""
        self._output.level(True)

    def off(self) -> None:
        """Raises OutputFault when the pin does not follow."""
        self._output.level(False)

    def close(self) -> None:
        self._output.close()
