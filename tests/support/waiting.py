"""Waiting for other processes: for a condition, with a deadline, and never for a time."""

import threading
import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], timeout_s: float = 15.0, what: str = "the condition") -> None:
    """Return as soon as `condition` holds; AssertionError when it does not within `timeout_s`."""
    pause = threading.Event()
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, f"{what} did not come true within {timeout_s} s"
        pause.wait(0.01)
