"""The guard, put together: readers, loop, inboxes and watchdog. Who runs it decides what time is."""

from collections.abc import Callable, Sequence

from firmware.core.messages import Command
from firmware.core.pipeline import CoreConfig, SafetyPipeline
from firmware.guard.inbox import Inbox
from firmware.guard.loop import SafetyLoop, Sink, SounderPort
from firmware.guard.readers import ButtonChanges, Reader
from firmware.guard.watchdog import Watchdog
from hal.board import Board
from hal.clock import Clock

IMU_PERIOD_S = 0.02  # two samples a burst at 100 Hz: the wake-up costs more than the sample
BUTTON_PERIOD_S = 0.02


class Guard:
    """`loop.take` whenever a reader has something, `turn` every 50 ms, `end` once."""

    def __init__(
        self, loop: SafetyLoop, readers: Sequence[Reader], inboxes: Sequence[Inbox], watchdog: Watchdog
    ) -> None:
        self.loop, self.readers = loop, tuple(readers)
        self._inboxes, self._watchdog = inboxes, watchdog

    def turn(self, now_ns: int) -> None:
        """Hear the neighbours, let the core know the time, feed the watchdog."""
        for inbox in self._inboxes:
            self.loop.take(inbox.take(now_ns))
        self.loop.tick(now_ns)
        self._watchdog.turn(now_ns)

    def end(self, now_ns: int) -> None:
        """The walk is over: the core sums it up, the sounder is told that silence is calm again."""
        self.loop.take([Command(now_ns, "end")])


def open_readers(board: Board, clock: Clock, range_period_s: float) -> list[Reader]:
    """One reader a sensor; nothing is opened until it is first polled."""
    return [
        Reader("imu", board.open_imu, clock, period_s=IMU_PERIOD_S),
        Reader("rangefinder", board.open_rangefinder, clock, period_s=range_period_s),
        Reader("button", lambda: ButtonChanges(board.open_button()), clock, period_s=BUTTON_PERIOD_S),
    ]


def assemble(
    core: CoreConfig,
    readers: Sequence[Reader],
    sounder: SounderPort,
    sinks: Sequence[Sink],
    inboxes: Sequence[Inbox],
    notify: Callable[[str], None],
) -> Guard:
    return Guard(SafetyLoop(SafetyPipeline(core), sounder, sinks), readers, inboxes, Watchdog(notify, readers))
