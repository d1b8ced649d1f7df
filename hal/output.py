"""An output pin that is checked: steady levels are read back from the pad, and writing must be quick.

Under PWM a pad cannot be read: it must have followed to high before a tone, and to low after it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hal.clock import Clock
from hal.errors import OutputFault
from hal.expiry import LIMIT_S, Expiring, Timer
from hal.pins import Pins, claiming, pin_errors


class Complaint:
    """The first thing that is wrong with an output; raised once the write is complete: what works of it is used."""

    SLOWEST_WRITE_S = 0.050

    def __init__(self, name: str, clock: Clock) -> None:
        self._name, self._clock = name, clock
        self._what: str | None = None

    def note(self, what: str) -> None:
        self._what = self._what or what

    def report(self) -> None:
        """Raises OutputFault when something was noted; then it is forgotten."""
        if self._what is not None:
            raise self.fault(self._what)

    def fault(self, what: str) -> OutputFault:
        self._what = None
        return OutputFault(f"{self._name}: {what}")

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Note that a write took too long."""
        from_ns = self._clock.now_ns()
        yield
        took_s = (self._clock.now_ns() - from_ns) / 1e9
        if took_s > self.SLOWEST_WRITE_S:
            self.note(
                f"a write took {took_s * 1e3:.0f} ms, expected less than {self.SLOWEST_WRITE_S * 1e3:g} ms; "
                "stop other programs and check the power supply (`vcgencmd get_throttled`)"
            )


class CheckedOutput:
    """Writes level and software PWM to a pin, which is low from the moment it is claimed."""

    ADVICE = "check its wire for a short or a cut, then try another pin"

    def __init__(self, pins: Pins, clock: Clock, *, part: str, pin: int) -> None:
        name = f"{part} (pin {pin})"
        self._complaint = Complaint(name, clock)
        self._last: bool | None = None  # what the pad must still read; None where that is not known
        with claiming(name):
            self._pin = pins.pin(pin)
            self._pin.output_with_state(False)

    def level(self, high: bool) -> None:
        """Write a steady level and read it back.

        Raises:
            OutputFault: the pad did not follow, the write failed or was slow.
        """
        self._steady(high)
        self._complaint.report()

    def low(self) -> None:
        """Be off. Raises OutputFault when the pad does not fall, or was no longer low before."""
        self.level(False)

    def pwm(self, frequency_hz: float, duty: float) -> None:
        """Start or change PWM. The pad cannot be read under PWM, so it must first reach high before a start.

        Raises:
            OutputFault: as for `level`.
        """
        if self._pin.frequency is None:
            self._steady(True)
        self._write("frequency", frequency_hz)
        self._write("state", duty)
        self._complaint.report()

    def close(self) -> None:
        """Leave the pin low, then as an input that is pulled down; one that fails here has been reported before."""
        with suppress(*pin_errors()):
            self._pin.frequency = None
            self._pin.state = False
        with suppress(*pin_errors()):
            self._pin.input_with_pull("down")

    def _steady(self, high: bool) -> None:
        if self._pin.frequency is not None:
            self._write("frequency", None)
        elif self._last is not None and self._found() is (not self._last):
            was, is_now = _word(self._last), _word(not self._last)
            self._complaint.note(f"went {is_now} by itself after {was} was written; {self.ADVICE}")
        self._write("state", high)
        found = self._found()
        self._last = found if found is high else None
        if found is (not high):
            self._complaint.note(f"reads {_word(found)} after {_word(high)} was written; {self.ADVICE}")

    def _found(self) -> bool | None:
        """None where it cannot be read, which is noted: what cannot be looked at is driven low all the same."""
        try:
            return bool(self._pin.state)
        except pin_errors() as error:
            self._complaint.note(f"cannot be read back ({error}); check its wiring")
            return None

    def _write(self, attribute: str, value: float | None) -> None:
        self._last = None
        with self._complaint.timed():
            try:
                setattr(self._pin, attribute, value)
            except pin_errors() as error:
                raise self._complaint.fault(f"cannot be written ({error}); check its wiring") from error


class Switch:
    """An output that is on or off, for `limit_s` at a time."""

    def __init__(
        self, pins: Pins, clock: Clock, timer: Timer, *, part: str, pin: int, limit_s: float = LIMIT_S
    ) -> None:
        self._output = CheckedOutput(pins, clock, part=part, pin=pin)
        self._expiring = Expiring(clock, timer, self._output.low, limit_s)

    def on(self) -> None:
        """Be on, or stay on, for `limit_s` from now. Raises OutputFault when the pin does not follow."""
        self._expiring.show(True, lambda: self._output.level(True))

    def off(self) -> None:
        """Raises OutputFault when the pin does not follow."""
        self._expiring.off()

    def close(self) -> None:
        self._expiring.close()
        self._output.close()


def _word(high: bool) -> str:
    return "high" if high else "low"
