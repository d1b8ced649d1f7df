"""The journal has one line when a part goes down and one when it is up again, and no more."""

import pytest

from firmware.guard.downtime import Downtime
from firmware.guard.readers import Reader
from hal.config import ImuConfig
from hal.errors import BusError
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.i2c import HELD_LOW
from hal.sim.motion_sensor import SimMotionSensor

SECOND_NS = 1_000_000_000


class Watched:
    def __init__(self, part: str = "rangefinder") -> None:
        self.lines: list[str] = []
        self.downtime = Downtime(part, self.lines.append)
        self.t_ns = 0

    def measure(self, seconds: float, *, fails: bool, given_up: bool = False) -> None:
        """Every 0.1 s."""
        for _ in range(round(seconds * 10)):
            if fails:
                self.downtime.failed(self.t_ns, BusError("no answer at 0x68"), given_up=given_up)
            else:
                self.downtime.measured(self.t_ns)
            self.t_ns += SECOND_NS // 10


def test_a_lost_ping_now_and_then_is_not_worth_a_line() -> None:
    watched = Watched()
    for _ in range(50):
        watched.measure(0.9, fails=True)
        watched.measure(0.1, fails=False)
    assert watched.lines == []


def test_a_part_that_stays_silent_is_told_once_and_its_return_once() -> None:
    watched = Watched()
    watched.measure(10.0, fails=False)
    watched.measure(600.0, fails=True)
    assert watched.lines == ["rangefinder is down: no answer at 0x68"]
    watched.measure(60.0, fails=False)
    assert watched.lines[1:] == ["rangefinder is up again; it was down for 600.0 s"]


def test_a_part_that_is_given_up_is_told_at_once() -> None:
    watched = Watched("imu")
    watched.measure(0.1, fails=True, given_up=True)
    assert watched.lines == ["imu is down: no answer at 0x68"]


def test_a_loose_plug_for_an_hour_is_two_lines() -> None:
    watched = Watched("imu")
    for _ in range(900):
        watched.measure(2.0, fails=True, given_up=True)
        watched.measure(2.0, fails=False)
    watched.measure(10.0, fails=False)
    assert watched.lines == [
        "imu is down: no answer at 0x68",
        f"imu is up again; it was down for {899 * 4 + 2:.1f} s",
    ]


def test_each_downtime_has_its_own_two_lines() -> None:
    watched = Watched()
    for _ in range(3):
        watched.measure(2.0, fails=True)
        watched.measure(20.0, fails=False)
    assert len(watched.lines) == 6


@pytest.mark.parametrize("down_s", [0.5, 7.0])
def test_a_bus_held_low_under_the_real_driver_is_one_line_down_and_one_up(down_s: float) -> None:
    clock, lines = SimClock(), list[str]()
    sensor = SimMotionSensor(
        ImuConfig(), lambda t_s: ((0.0, 0.0, 9.81), (0.0, 0.0, 0.0)), clock=clock, epoch_ns=0, fault=Fault("ok", "imu")
    )
    reader = Reader("imu", sensor.open, clock, period_s=0.02, tell=lines.append)

    def poll_for(seconds: float) -> None:
        until_ns = clock.now_ns() + round(seconds * 1e9)
        while clock.now_ns() < until_ns:
            reader.poll()
            clock.sleep(0.02)

    poll_for(2.0)
    sensor.wires.trouble = HELD_LOW
    poll_for(down_s)
    sensor.wires.trouble = None
    poll_for(10.0)
    down, up = lines
    assert down.startswith(
        "imu is down: I2C bus 1: timed out at 0x68: something holds SDA or SCL low; check the wiring"
    )
    assert up.startswith("imu is up again; it was down for ")
    assert float(up.split()[-2]) == pytest.approx(down_s, abs=2.3), "the pause before it is opened again is 2 s at most"
