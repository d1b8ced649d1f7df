"""A timer in simulated time: what `hal.expiry.TimerThread` is on a machine."""

from collections.abc import Callable

from hal.clock import MonotonicClock
from hal.expiry import Timer, TimerThread
from hal.sim.clock import PacedClock, SimClock


class SimTimer:
    """Calls back when the simulated time has come, in the middle of whatever lets that time pass."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock

    def call_at(self, t_ns: int, callback: Callable[[], None]) -> None:
        self._clock.call_at(t_ns, callback)

    def close(self) -> None:
        """Who is closed takes no notice of the calls that are left."""


def timer_of(clock: SimClock) -> Timer:
    """A simulated board in real time has real threads: nobody lets a PacedClock's events happen while a loop hangs."""
    return TimerThread(MonotonicClock()) if isinstance(clock, PacedClock) else SimTimer(clock)
