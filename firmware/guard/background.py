"""Slow work beside the loop: the loop only puts things into a queue; a thread, or a simulated turn, takes them out."""

import queue
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Background(Generic[Item]):
    """Does `work` with everything put in, in order and in batches, never on the caller's time."""

    def __init__(self, work: Callable[[Sequence[Item]], None], *, idle: Callable[[], None] = lambda: None) -> None:
        self._work, self._idle = work, idle
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()

    def put(self, item: Item) -> None:
        self._queue.put(item)

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
        if batch:
            self._work(batch)
        self._idle()
        return alive

    def run(self) -> None:
        """The body of a thread: work until `finish`."""
        while self.turn(timeout_s=0.5):
            pass

    def finish(self) -> None:
        """Let `run` return once everything put in so far is done."""
        self._queue.put(None)
