"""The button on the belt: a change-over switch to ground, so that a cut or shorted wire is seen."""

from contextlib import suppress

from hal.clock import Clock
from hal.errors import ContactFault, PinsUnavailable
from hal.pins import Pins, claiming, pin_errors
from hal.samples import ButtonSample


class Button:
    """To be read every 20 ms. With `nc_pin` exactly one contact must be closed; without it no wire fault can be seen.

    Time spent in contradiction adds up and is forgotten four times slower, so that neither the lever's travel nor
    quick presses matter, but a loose plug does.
    """

    DEBOUNCE_S = 0.020
    CONTRADICTION_S = 0.1
    FORGETTING = 0.25  # seconds of contradiction forgotten in a second without
    FIRST_STEP_S = 0.01  # nobody knows when before a reading a contradiction began
    LONGEST_STEP_S = 0.04  # one late poll says no more than a punctual one: a fault takes at least three readings

    def __init__(self, pins: Pins, clock: Clock, *, pin: int, nc_pin: int | None) -> None:
        self._clock = clock
        self._name = f"button (pin {pin}" + (")" if nc_pin is None else f", normally closed on pin {nc_pin})")
        with claiming(self._name):
            self._no = pins.pin(pin)
            self._no.input_with_pull("up")
            self._nc = None if nc_pin is None else pins.pin(nc_pin)
            if self._nc is not None:
                self._nc.input_with_pull("up")
        self._last_ns = clock.now_ns()
        self._raw: bool | None = None
        self._raw_since_ns = self._last_ns
        self._pressed: bool | None = None
        self._contradiction = ""
        self._contradicted = False
        self._contradiction_s = 0.0
        self._faulty = False

    def read(self) -> ButtonSample:
        """The debounced state now.

        Raises:
            ContactFault: the contacts contradict each other for longer than a lever travels.
            PinsUnavailable: a pin cannot be read; open the button anew.
        """
        t_ns = self._clock.now_ns()
        no_closed, nc_closed = self._contacts()
        raw = no_closed if no_closed is not nc_closed else None
        if raw is None:
            self._contradiction = _word(no_closed)
        self._judge(t_ns, raw)
        if self._faulty or (raw is None and self._pressed is None):
            self._pressed = None
            raise ContactFault(self._complaint())
        self._debounce(t_ns, raw)
        return ButtonSample(t_ns, bool(self._pressed))

    def close(self) -> None:
        with suppress(*pin_errors()):
            self._no.close()
            if self._nc is not None:
                self._nc.close()

    def _contacts(self) -> tuple[bool, bool]:
        """Whether each contact is closed; a closed contact pulls its pin low."""
        try:
            no_closed = not self._no.state
            return no_closed, not no_closed if self._nc is None else not self._nc.state
        except pin_errors() as error:
            raise PinsUnavailable(
                f"{self._name}: its pins cannot be read ({error}); another program may hold them, see `gpioinfo`"
            ) from error

    def _judge(self, t_ns: int, raw: bool | None) -> None:
        longest_s = self.LONGEST_STEP_S if self._contradicted or raw is not None else self.FIRST_STEP_S
        step_s = min((t_ns - self._last_ns) / 1e9, longest_s)
        self._last_ns, self._contradicted = t_ns, raw is None
        if raw is None:
            self._contradiction_s = min(self._contradiction_s + step_s, self.CONTRADICTION_S)
        else:
            self._contradiction_s = max(self._contradiction_s - step_s * self.FORGETTING, 0.0)
        if self._contradiction_s >= self.CONTRADICTION_S:
            self._faulty = True
        elif self._contradiction_s == 0:
            self._faulty = False

    def _debounce(self, t_ns: int, raw: bool | None) -> None:
        if raw is not self._raw:
            self._raw, self._raw_since_ns = raw, t_ns
        if raw is not None and (self._pressed is None or t_ns - self._raw_since_ns >= self.DEBOUNCE_S * 1e9):
            self._pressed = raw

    def _complaint(self) -> str:
        return (
            f"{self._name}: both contacts {self._contradiction}, expected one open and one closed; "
            "check its plug and both wires"
        )


def _word(closed: bool) -> str:
    return "closed" if closed else "open"
