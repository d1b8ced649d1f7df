"""One line when a part goes down and one when it is up again, for whoever reads the journal at night."""

from collections.abc import Callable

LASTING_NS = 1_000_000_000  # one lost ping or transfer is not worth a line
STEADY_NS = 5_000_000_000  # what fails again within this was never up, so a loose plug does not fill the journal


class Downtime:
    """Told of each measurement and each failure of one part; `tell` takes the lines."""

    def __init__(self, part: str, tell: Callable[[str], None]) -> None:
        self._part, self._tell = part, tell
        self._down_ns: int | None = None  # the first failure since it was last steady
        self._up_ns: int | None = None  # the first measurement since the last failure
        self._told = False

    def failed(self, t_ns: int, error: Exception, *, given_up: bool) -> None:
        """`given_up`: the part was closed, to be opened anew."""
        if self._down_ns is None:
            self._down_ns = t_ns
        self._up_ns = None
        if not self._told and (given_up or t_ns - self._down_ns >= LASTING_NS):
            self._told = True
            self._tell(f"{self._part} is down: {error}")

    def measured(self, t_ns: int) -> None:
        if self._down_ns is None:
            return
        if self._up_ns is None:
            self._up_ns = t_ns
        if self._told and t_ns - self._up_ns < STEADY_NS:
            return
        if self._told:
            self._tell(f"{self._part} is up again; it was down for {(self._up_ns - self._down_ns) / 1e9:.1f} s")
        self._down_ns, self._up_ns, self._told = None, None, False
