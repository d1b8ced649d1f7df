"""Simulated time: events happen when they are due, and waiting costs nothing. PacedClock does the same in real time."""

import heapq
import time
from collections.abc import Callable
from itertools import count

from hal.clock import Waitable


class SimClock:
    """A discrete-event clock for one thread. Whoever sleeps or waits lets what is due happen on the way."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()

    def now_ns(self) -> int:
        return self._now_ns

    def call_at(self, t_ns: int, callback: Callable[[], None]) -> None:
        """Call back at `t_ns`; in the order of asking where two are due at once."""
        heapq.heappush(self._due, (t_ns, next(self._order), callback))

    def sleep(self, seconds: float) -> None:
        self.advance_to(self.now_ns() + round(seconds * 1e9))

    def wait(self, event: Waitable, timeout_s: float) -> bool:
        deadline_ns = self.now_ns() + round(timeout_s * 1e9)
        while not event.is_set() and self._due and self._due[0][0] <= deadline_ns:
            self._run_next()
        if not event.is_set():
            self._reach(deadline_ns)
        return event.is_set()

    def advance_to(self, t_ns: int) -> None:
        """Let time pass until `t_ns`, running everything that is due by then."""
        while self._due and self._due[0][0] <= t_ns:
            self._run_next()
        self._reach(t_ns)

    def catch_up(self) -> None:
        """Let what is due happen, where time passes by itself; here it does not."""

    def _run_next(self) -> None:
        t_ns, _, callback = heapq.heappop(self._due)
        self._reach(t_ns)
        callback()

    def _reach(self, t_ns: int) -> None:
        self._now_ns = max(self._now_ns, t_ns)


class PacedClock(SimClock):
    """A SimClock that keeps step with the machine's monotonic clock, for a simulated board in real time."""

    def __init__(self) -> None:
        super().__init__(time.monotonic_ns())

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def catch_up(self) -> None:
        self.advance_to(self.now_ns())

    def _reach(self, t_ns: int) -> None:
        remaining_ns = t_ns - time.monotonic_ns()
        if remaining_ns > 0:
            time.sleep(remaining_ns / 1e9)
