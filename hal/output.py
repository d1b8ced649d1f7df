"""An output pin that is checked: steady levels are read back from the pad, and writing must be quick.

Under PWM a pad cannot be read: it must have followed to high before a tone, and to low after it.
"""

from contextlib import suppress

from hal.clock import Clock
from hal.errors import OutputFault
from hal.pins import Pins, claiming, pin_errors


class CheckedOutput:
    """Writes level and PWM. A fault is reported once the write is complete: what works of a pad is used."""

    SLOWEST_WRITE_S = 0.050
    ADVICE = "check its wire for a short or a cut, then try another pin"

    def __init__(self, pins: Pins, clock: Clock, *, part: str, pin: int) -> None:
        self._clock = clock
        self._name = f"{part} (pin {pin})"
        self._complaint: str | None = None
        self._last: bool | None = None  # what the pad must still read; None where that is not known
        with claiming(self._name):
            self._pin = pins.pin(pin)
            self._pin.output_with_state(False)

    def level(self, high: bool) -> None:
        """Write a steady level and read it back.

        Raises:
            OutputFault: the pad did not follow, the write failed or was slow.
        """
        self._steady(high)
        self._report()

    def pwm(self, frequency_hz: float, duty: float) -> None:
        """Start or change PWM. The pad cannot be read under PWM, so it must first reach high before a start.

        Raises:
            OutputFault: as for `level`.
        """
        if self._pin.frequency is None:
            self._steady(True)
        self._write("frequency", frequency_hz)
        self._write("state", duty)
        self._report()

    def close(self) -> None:
        """Leave the pin low and released; a pin that fails here has been reported before."""
        with suppress(*pin_errors()):
            self._pin.frequency = None
            self._pin.state = False
        with suppress(*pin_errors()):
            self._pin.close()

    def _steady(self, high: bool) -> None:
        if self._pin.frequency is not None:
            self._write("frequency", None)
        elif self._last is not None and (found := self._found()) is not self._last:
            self._complain(f"went {_word(found)} by itself after {_word(self._last)} was written; {self.ADVICE}")
        self._write("state", high)
        found = self._found()
        self._last = found if found is high else None
        if self._last is None:
            self._complain(f"reads {_word(found)} after {_word(high)} was written; {self.ADVICE}")

    def _found(self) -> bool:
        try:
            return bool(self._pin.state)
        except pin_errors() as error:
            raise self._fault(f"cannot be read back ({error}); check its wiring") from error

    def _write(self, attribute: str, value: float | None) -> None:
        from_ns = self._clock.now_ns()
        self._last = None
        try:
            setattr(self._pin, attribute, value)
        except pin_errors() as error:
            raise self._fault(f"cannot be written ({error}); check its wiring") from error
        took_s = (self._clock.now_ns() - from_ns) / 1e9
        if took_s > self.SLOWEST_WRITE_S:
            self._complain(
                f"a write took {took_s * 1e3:.0f} ms, expected less than {self.SLOWEST_WRITE_S * 1e3:g} ms; "
                "stop other programs and check the power supply (`vcgencmd get_throttled`)"
            )

    def _complain(self, what: str) -> None:
        self._complaint = self._complaint or what

    def _report(self) -> None:
        if self._complaint is not None:
            raise self._fault(self._complaint)

    def _fault(self, what: str) -> OutputFault:
        self._complaint = None
        return OutputFault(f"{self._name}: {what}")


def _word(high: bool) -> str:
    return "high" if high else "low"
