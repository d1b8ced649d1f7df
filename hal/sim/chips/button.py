"""A change-over button with its two wires: closed contacts pull their pins to ground."""

from collections.abc import Callable

from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory

TRAVEL_S = 0.004  # a lever leaves one contact before it reaches the other
SLOW_TRAVEL_S = 0.5
DELAY_S = 0.2


class SimButton:
    """Wired to `pin` (normally open) and `nc_pin` (normally closed), held down while `pressed(t_s)` is true."""

    def __init__(
        self,
        pins: SimPinFactory,
        *,
        pin: int,
        nc_pin: int | None,
        pressed: Callable[[float], bool],
        fault: Fault | None = None,
        epoch_ns: int = 0,
    ) -> None:
        self._clock: SimClock = pins.clock
        self._pressed, self._epoch_ns = pressed, epoch_ns
        self._fault = fault or Fault("ok", "button")
        self._random = self._fault.random()
        pins.sim_pin(pin).follow(lambda: not self._closed(normally_closed=False))
        if nc_pin is not None:
            pins.sim_pin(nc_pin).follow(lambda: not self._closed(normally_closed=True))

    def _closed(self, *, normally_closed: bool) -> bool:
        t_s = (self._clock.now_ns() - self._epoch_ns) / 1e9
        word = self._fault.word if self._fault.active(t_s) else "ok"
        match word:
            case "off" | "intermittent":
                return False
            case "garbage":
                return self._random.random() < 0.5
            case "wrong":
                return True
            case "stuck" if not normally_closed:
                return True
            case "delayed" if not normally_closed:
                return self._at(t_s - DELAY_S) is True
        down = self._at(t_s, SLOW_TRAVEL_S if word == "slow" else TRAVEL_S)
        return down is not None and down is not normally_closed

    def _at(self, t_s: float, travel_s: float = TRAVEL_S) -> bool | None:
        """Whether the lever is down; None while it travels."""
        positions = {self._pressed(max(t_s - travel_s * part / 5, 0.0)) for part in range(6)}
        return positions.pop() if len(positions) == 1 else None
