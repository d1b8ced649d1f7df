"""The guard in real time: threads that read, a loop that never waits for one of them, and a clean end."""

import queue
import threading
from collections.abc import Sequence
from itertools import pairwise
from random import Random

from support.waiting import eventually

from firmware.core.config import CoreConfig
from firmware.core.messages import Input, Output, Pattern, WalkChanged, WalkState
from firmware.guard import threads
from firmware.guard.guard import assemble
from firmware.guard.pace import Jitter, Steady
from firmware.guard.readers import Reader
from firmware.ipc import Play
from hal.clock import MonotonicClock
from hal.samples import RangeSample, SensorFault
from hal.sim.clock import SimClock

CLOCK = MonotonicClock()


class Wall:
    closed = False

    def read(self) -> list[RangeSample]:
        return [RangeSample(CLOCK.now_ns(), 2.0)]

    def close(self) -> None:
        self.closed = True


class Hung:
    """A driver whose call never comes back, until the test is over."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def read(self) -> list[RangeSample]:
        self.let_go.wait()
        return [RangeSample(CLOCK.now_ns(), 2.0)]

    def close(self) -> None:
        return None


class Log:
    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.outputs: list[Output] = []
        self.said: list[Play] = []

    def take(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        self.inputs += inputs
        self.outputs += outputs

    def play(self, play: Play) -> None:
        self.said.append(play)


def test_hung_driver_is_a_fault_and_neither_stops_the_others_nor_the_end() -> None:
    log, wall, hung, stop, said = Log(), Wall(), Hung(), threading.Event(), list[str]()
    readers = [
        Reader("imu", lambda: hung, CLOCK, period_s=0.02),
        Reader("rangefinder", lambda: wall, CLOCK, period_s=0.06),
    ]
    guard = assemble(CoreConfig(), readers, log, [log], [], said.append)
    loop = threading.Thread(target=threads.run, args=(guard, CLOCK, stop))
    loop.start()
    eventually(lambda: any(play.pattern is Pattern.NO_START for play in log.said), what="the hung driver is heard")
    eventually(lambda: sum(isinstance(item, RangeSample) for item in log.inputs) > 10, what="the wall is seen")
    assert not any(isinstance(item, SensorFault) for item in log.inputs), "the core itself noticed the silence"
    assert said == [], "systemd is not told that all is well"
    stop.set()
    loop.join(timeout=10.0)
    assert not loop.is_alive()
    assert wall.closed
    assert any(isinstance(output, WalkChanged) and output.state is WalkState.ENDED for output in log.outputs)
    assert not log.said[-1].armed
    hung.let_go.set()


class Polls:
    """A rangefinder that remembers when it was read, and takes a while."""

    def __init__(self, clock: SimClock, *, takes_s: float = 0.0) -> None:
        self._clock, self._takes_s, self.times_ns = clock, takes_s, list[int]()

    def read(self) -> list[RangeSample]:
        self.times_ns.append(self._clock.now_ns())
        self._clock.sleep(self._takes_s)
        return []

    def hurry(self) -> None:
        self._takes_s = 0.0

    def close(self) -> None:
        return None


def test_reader_that_was_held_up_once_goes_on_at_its_own_pace() -> None:
    clock, stop = SimClock(), threading.Event()
    polls = Polls(clock, takes_s=1.0)
    clock.call_at(500_000_000, polls.hurry)
    clock.call_at(2_000_000_000, stop.set)
    threads.read_for_ever(Reader("rangefinder", lambda: polls, clock, period_s=0.06), clock, queue.SimpleQueue(), stop)
    assert {b - a for a, b in pairwise(polls.times_ns[1:])} == {60_000_000}


def polls_ns(*, takes_s: float = 0.0, first_s: float = 0.0, jitter_s: float = 0.0) -> list[int]:
    """When a reader with a period of 60 ms polls in two seconds of simulated time."""
    clock, stop = SimClock(), threading.Event()
    polls = Polls(clock, takes_s=takes_s)
    pace = Steady(0.06, Jitter(jitter_s, Random(0)))
    reader = Reader("rangefinder", lambda: polls, clock, period_s=0.06, first_s=first_s, pace=pace)
    clock.call_at(2_000_000_000, stop.set)
    threads.read_for_ever(reader, clock, queue.SimpleQueue(), stop)
    return polls.times_ns


def test_reader_keeps_an_absolute_schedule_from_its_first_poll_on() -> None:
    assert polls_ns(takes_s=0.04, first_s=0.03) == [30_000_000 + i * 60_000_000 for i in range(33)]


def test_reader_with_jitter_polls_later_by_another_time_each_time() -> None:
    periods_ns = [b - a for a, b in pairwise(polls_ns(jitter_s=0.004))]
    assert all(60_000_000 <= period_ns <= 64_000_000 for period_ns in periods_ns)
    assert len(set(periods_ns)) == len(periods_ns)
    assert max(periods_ns) - min(periods_ns) > 3_000_000


def test_reader_that_is_late_leaves_polls_out_and_does_not_make_up_for_them() -> None:
    times_ns = polls_ns(takes_s=0.09)
    assert {b - a for a, b in pairwise(times_ns)} == {90_000_000}
