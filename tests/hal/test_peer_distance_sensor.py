"""The unplugged-sensor test, put to our driver and to a reader built on gpiozero's own DistanceSensor.

Both work on the same simulated pins and chip, in simulated time; gpiozero's code runs unchanged, only what it waits
with is the simulated clock. DistanceSensor drops the readings that failed and goes on with the median of those before.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress

import pytest
from hcsr04_rig import PERIOD_S

from bench._peer_sensor import peer_sensor
from hal.board import Rangefinder
from hal.errors import HalError
from hal.hcsr04 import HcSr04
from hal.samples import RangeSample
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory

WALL_M = 1.5
FAILS_S = 3.0
NOTICED_WITHIN_S = 0.5  # more than the core waits
LASTS_S = 10.0


class GpiozeroReader:
    """What one would write around DistanceSensor; its thread's loop runs until its next reading is due."""

    def __init__(self, pins: SimPinFactory) -> None:
        self._opened = ExitStack()
        self._sensor = self._opened.enter_context(peer_sensor(pins, max_distance=4))

    def read(self) -> list[RangeSample]:
        self._sensor.turn()
        distance_m = self._sensor.distance_m
        return [] if distance_m is None else [RangeSample(self._sensor.clock.now_ns(), distance_m)]

    def close(self) -> None:
        self._opened.close()


def ours(pins: SimPinFactory) -> Rangefinder:
    return HcSr04(pins, pins.clock, trigger=23, echo=24)


def gpiozeros(pins: SimPinFactory) -> Rangefinder:
    return GpiozeroReader(pins)


def distances_until(sensor: Rangefinder, clock: SimClock, end_s: float) -> list[float | None]:
    """Read as the guard does; errors tell no distance."""
    found: list[float | None] = []
    while clock.now_ns() < end_s * 1e9:
        due_ns = clock.now_ns() + round(PERIOD_S * 1e9)
        with suppress(HalError):
            found += [sample.distance_m for sample in sensor.read()]
        clock.advance_to(due_ns)
    return found


@pytest.mark.parametrize("word", ["off", "stuck"])
@pytest.mark.parametrize(
    ("new_sensor", "verdict"),
    [
        (ours, nullcontext()),
        (gpiozeros, pytest.raises(AssertionError, match=r"10 s after it failed it still tells 1\.50\d* m")),
    ],
    ids=["ours", "gpiozero"],
)
def test_sensor_that_is_unplugged_or_stuck_tells_no_distance_any_more(
    new_sensor: Callable[[SimPinFactory], Rangefinder],
    verdict: AbstractContextManager[object],
    word: str,
) -> None:
    pins = SimPinFactory(SimClock())
    fault = Fault(word, "rangefinder", start_s=FAILS_S)
    SimHcSr04(pins, trigger=23, echo=24, distance_m=lambda _: WALL_M, fault=fault)
    sensor = new_sensor(pins)
    before = distances_until(sensor, pins.clock, FAILS_S)
    assert before[-1] == pytest.approx(WALL_M, abs=0.01)
    distances_until(sensor, pins.clock, FAILS_S + NOTICED_WITHIN_S)
    with verdict:
        told_m = distances_until(sensor, pins.clock, FAILS_S + LASTS_S)
        assert told_m == [], f"{LASTS_S:g} s after it failed it still tells {told_m[-1]} m"
    sensor.close()
