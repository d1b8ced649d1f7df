"""The guard in real time: threads that read, a loop that never waits for one of them, and a clean end."""

import threading
from collections.abc import Sequence

from support.waiting import eventually

from firmware.core.messages import Input, Output, Pattern, WalkChanged, WalkState
from firmware.core.pipeline import CoreConfig
from firmware.guard import threads
from firmware.guard.guard import assemble
from firmware.guard.readers import Reader
from firmware.ipc import Play
from hal.clock import MonotonicClock
from hal.samples import RangeSample, SensorFault

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
    eventually(lambda: any(play.pattern is Pattern.FAULT for play in log.said), what="the hung driver is heard")
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
