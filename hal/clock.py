"""Time is handed in: everything that waits or stamps takes a Clock."""

import time
from typing import Protocol


class Waitable(Protocol):
    """What `Clock.wait` waits for: a `threading.Event` fits."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool: ...


class Clock(Protocol):
    """Monotonic time, and the two ways of letting it pass."""

    def now_ns(self) -> int: ...

    def sleep(self, seconds: float) -> None: ...

    def wait(self, event: Waitable, timeout_s: float) -> bool:
        """Wait until `event` is set; False when it was not within `timeout_s`."""
        ...


class MonotonicClock:
    """The machine's own clock: CLOCK_MONOTONIC, the one that the kernel stamps GPIO edges with."""

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def wait(self, event: Waitable, timeout_s: float) -> bool:
        return event.wait(timeout_s)
