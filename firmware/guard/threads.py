"""Runs the guard in real time: a mostly sleeping thread a sensor, and the loop that owns the core."""

import contextlib
import queue
import threading
from collections.abc import Sequence

from firmware.core.messages import Input
from firmware.guard.guard import Guard
from firmware.guard.loop import TICK_NS
from firmware.guard.readers import Reader
from hal.clock import Clock

FAREWELL_NS = 1_200_000_000  # the end chirp, and the silence after it

Inbox = queue.SimpleQueue[Sequence[Input]]


def read_for_ever(reader: Reader, clock: Clock, inbox: Inbox, stop: threading.Event) -> None:
    """Poll on an absolute schedule; after a late poll the missed ones are left out, not made up for."""
    due_ns = clock.now_ns() + reader.first_ns
    while not clock.wait(stop, max(due_ns - clock.now_ns(), 0) / 1e9):
        inputs = reader.poll()
        if inputs:
            inbox.put(inputs)
        due_ns = max(due_ns + reader.wait_ns(), clock.now_ns())


def run(guard: Guard, clock: Clock, stop: threading.Event) -> None:
    """The safety loop, until `stop` is set. The threads are daemons: one that hangs in a driver cannot hold us up."""
    inbox: Inbox = queue.SimpleQueue()
    threads = [
        threading.Thread(target=read_for_ever, args=(reader, clock, inbox, stop), name=reader.part, daemon=True)
        for reader in guard.readers
    ]
    for thread in threads:
        thread.start()
    turn_ns = clock.now_ns()
    while not stop.is_set():
        wait_s = (turn_ns - clock.now_ns()) / 1e9
        with contextlib.suppress(queue.Empty):
            guard.loop.take(inbox.get(timeout=wait_s) if wait_s > 0 else inbox.get_nowait())
        now_ns = clock.now_ns()
        if now_ns >= turn_ns:
            guard.turn(now_ns)
            turn_ns = max(turn_ns + TICK_NS, now_ns)
    _end(guard, clock, threads)


def _end(guard: Guard, clock: Clock, threads: Sequence[threading.Thread]) -> None:
    """Sum the walk up, stay until the end chirp has sounded, and close what is not in use any more."""
    guard.end(clock.now_ns())
    until_ns = clock.now_ns() + FAREWELL_NS
    while clock.now_ns() < until_ns:
        guard.loop.tick(clock.now_ns())
        clock.sleep(TICK_NS / 1e9)
    for reader, thread in zip(guard.readers, threads, strict=True):
        if not thread.is_alive():
            reader.close()
