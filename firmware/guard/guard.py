"""The guard, put together: readers, loop, inboxes and watchdog. Who runs it decides what time is."""

from collections.abc import Callable, Sequence
from random import Random

from firmware.core.config import CoreConfig
from firmware.core.messages import Command
from firmware.core.pipeline import SafetyPipeline
from firmware.guard.inbox import Inbox
from firmware.guard.loop import SafetyLoop, Sink, SounderPort
from firmware.guard.pace import Jitter, Pace, Pinging, Steady
from firmware.guard.readers import ButtonChanges, Reader
from firmware.guard.watchdog import Watchdog
from hal.board import Board, Rangefinder, ping_times
from hal.clock import Clock
from hal.config import BoardConfig

IMU_PERIOD_S = 0.02  # two samples a burst at 100 Hz: the wake-up costs more than the sample
BUTTON_PERIOD_S = 0.02
POWER_FIRST_S = 0.5  # the sensors that guard are opened first


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


def open_readers(
    board: Board,
    clock: Clock,
    config: BoardConfig,
    chance: Random | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> list[Reader]:
    """One reader a sensor; nothing is opened until it is first polled. `chance` is where the pings' jitter comes from.

    `tell` takes a line when a part goes down, and one when it is up again.

    The low rangefinder pings in the middle between the straight one's pings, and with the same jitter, so that neither
    waits for the other. Without it the straight one pings sooner where every ping counts.
    """
    times, straight = ping_times(config), config.rangefinder
    seed = (chance or Random()).getrandbits(64)

    def ranging(part: str, open_device: Callable[[], Rangefinder], first_s: float) -> Reader:
        jitter = Jitter(straight.jitter_s, Random(seed))
        alone = not config.low_rangefinder.fitted
        pace: Pace = Pinging(times, straight.near_m, jitter) if alone else Steady(times.period_s, jitter)
        return Reader(part, open_device, clock, period_s=times.period_s, first_s=first_s, pace=pace, tell=tell)

    readers = [
        Reader("imu", board.open_imu, clock, period_s=IMU_PERIOD_S, tell=tell),
        ranging("rangefinder", board.open_rangefinder, 0.0),
        Reader("button", lambda: ButtonChanges(board.open_button()), clock, period_s=BUTTON_PERIOD_S, tell=tell),
    ]
    if config.low_rangefinder.fitted:
        readers.append(ranging("low_rangefinder", board.open_low_rangefinder, times.low_after_s))
    power_s = config.power.period_s
    readers.append(Reader("power", board.open_power, clock, period_s=power_s, first_s=POWER_FIRST_S, tell=tell))
    return readers


def assemble(
    core: CoreConfig,
    readers: Sequence[Reader],
    sounder: SounderPort,
    sinks: Sequence[Sink],
    inboxes: Sequence[Inbox],
    notify: Callable[[str], None],
) -> Guard:
    guarding = [reader for reader in readers if reader.part != "power"]  # a gauge that hangs is no reason to be killed
    return Guard(SafetyLoop(SafetyPipeline(core), sounder, sinks), readers, inboxes, Watchdog(notify, guarding))
