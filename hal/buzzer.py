"""A passive buzzer on a PWM pin, through a transistor."""

from hal.clock import Clock
from hal.output import CheckedOutput
from hal.pins import Pins


class Buzzer:
    """Sounds a tone until told otherwise. Loudness follows the duty cycle; half is the loudest."""

    MAX_DUTY = 0.5
    MIN_DUTY = 0.01  # lgpio rounds down to whole percents, and 0 would be silent

    def __init__(self, pins: Pins, clock: Clock, *, pin: int) -> None:
        self._output = CheckedOutput(pins, clock, part="buzzer", pin=pin)

    def tone(self, frequency_hz: float, volume: float) -> None:
        """Sound at `volume` from 0 (silent) to 1.

        Raises:
            OutputFault: the pin does not follow. What can be sounded is sounding nevertheless.
            ValueError: a frequency or volume that cannot be meant.
        """
        if not 20 <= frequency_hz <= 10_000:
            raise ValueError(f"buzzer: frequency_hz ({frequency_hz}) must lie between 20 and 10000")
        if not 0 <= volume <= 1:
            raise ValueError(f"buzzer: volume ({volume}) must lie between 0 and 1")
        if volume == 0:
            self.off()
        else:
            self._output.pwm(frequency_hz, max(volume * self.MAX_DUTY, self.MIN_DUTY))

    def off(self) -> None:
        """Be silent. Raises OutputFault when the pin does not fall, or was no longer low before."""
        self._output.level(False)

    def close(self) -> None:
        self._output.close()
