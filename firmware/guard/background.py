"""Slow work beside the loop: the loop only puts things into a queue; a thread, or a simulated turn, takes them out."""

import queue
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")

IDLE_S = 0.5


class Background(Generic[Item]):
    """Does `work` with everything put in, in order and in batches, never on the caller's time.

    `turns` counts what came back; the watchdog looks at it. Work that fails in a way nobody foresaw is complained
    about, and the next batch is worked on: a thread that dies silently would lose every later alert.
    """

    def __init__(self, work: Callable[[Sequence[Item]], None], complain: Callable[[str], None]) -> None:
        self._work, self._complain = work, complain
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self.turns = 0

    def put(self, item: Item) -> None:
        self._queue.put(item)

    @property
    def waiting(self) -> int:
        """How many things have been put in and not taken out."""
        return self._queue.qsize()

    def turn(self, timeout_s: float = 0.0) -> bool:
        """Work on what is waiting, at most `timeout_s` after the first; False once the end was reached."""
        batch: list[Item] = []
        alive = True
        try:
            item = self._queue.get(timeout=timeout_s) if timeout_s > 0 else self._queue.get_nowait()
            while item is not None:
                batch.append(item)
                item = self._queue.get_nowait()
            alive = False
        except queue.Empty:
            pass
        try:
            self._work(batch)
        except Exception as error:  # noqa: BLE001 - see the class
            self._complain(f"{type(error).__name__}: {error}; this is a defect, please report it")
        self.turns += 1
        return alive

    def run(self) -> None:
        """The body of a thread: work until `finish`; with nothing to do, `work` gets an empty batch now and then."""
        while self.turn(timeout_s=IDLE_S):
            pass

    def finish(self) -> None:
        """Let `run` return once everything put in so far is done."""
        self._queue.put(None)
