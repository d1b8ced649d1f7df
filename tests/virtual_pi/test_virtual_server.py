"""The virtual Pi ends well, whichever of its two threads is the first to see the end."""

import threading
from pathlib import Path

from support.waiting import eventually

from hal.sim.virtual_pi.server import VirtualPi


def test_end_is_no_error_where_the_serving_thread_has_ended_before(library: Path) -> None:
    before = set(threading.enumerate())
    with VirtualPi(library) as pi:
        (serving,) = set(threading.enumerate()) - before
        pi._running = False  # what a thread sees that is woken by a closed connection just as the end begins
        with pi.held():
            pass
        eventually(lambda: not serving.is_alive(), what="the serving thread has ended")
    assert set(threading.enumerate()) == before
