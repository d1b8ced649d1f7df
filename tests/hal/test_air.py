"""Two ultrasonic sensors on one board: the low one is optional, and neither pings into the other's echoes."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple, replace

import pytest

from hal.air import Air
from hal.board import PiBoard, PingTimes, Rangefinder, ping_times
from hal.config import BoardConfig, LowRangefinderConfig, RangefinderConfig
from hal.errors import DeviceNotFound, HalError
from hal.hcsr04 import MODELS
from hal.samples import Vector
from hal.sim.board import SimBoard
from hal.sim.clock import SimClock
from hal.sim.faults import WORDS, Fault
from hal.sim.world.scene import Mark

FITTED = BoardConfig(low_rangefinder=LowRangefinderConfig(trigger=5, echo=6))


class Room:
    """Somebody stands still in front of a wall."""

    name = "room"
    duration_s = 60.0
    marks: tuple[Mark, ...] = ()

    def __init__(self, distance_m: float | None = 2.0) -> None:
        self._distance_m = distance_m

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        return (0.0, 0.0, 9.81), (0.0, 0.0, 0.0)

    def distance_m(self, t_s: float) -> float | None:
        return self._distance_m

    def pressed(self, t_s: float) -> bool:
        return False


def simulated(config: BoardConfig, *faults: Fault, wall_m: float | None = 2.0) -> tuple[SimBoard, SimClock]:
    clock = SimClock()
    return SimBoard(config, Room(wall_m), faults=faults, epoch_ns=0, new_clock=lambda: clock), clock


class Meeting(float):
    """A number of seconds that is not multiplied before a second thread multiplies it too, or cannot."""

    barrier = threading.Barrier(2)

    def __mul__(self, other: float) -> float:
        with suppress(threading.BrokenBarrierError):
            self.barrier.wait(timeout=0.2)
        return float(self) * other


def test_two_threads_that_want_the_air_at_once_have_it_one_after_the_other() -> None:
    air, clock, waited_s = Air(), SimClock(), list[float]()
    threads = [threading.Thread(target=lambda: waited_s.append(air.take(clock, Meeting(0.03)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waited_s) == [0.0, pytest.approx(0.03)]


def test_air_that_is_free_is_not_waited_for() -> None:
    air, clock = Air(), SimClock(5_000_000_000)
    assert air.take(clock, 0.03) == 0.0
    assert air.take(clock, 0.03) == pytest.approx(0.03)
    clock.sleep(0.03)
    assert air.take(clock, 0.03) == 0.0


@pytest.mark.parametrize(
    ("wall_m", "expected_m"),
    [
        (None, 1.656),  # the floor, 0.95 m below, at 35 degrees
        (3.0, 1.656),
        (1.0, 1.221),  # the wall comes before the floor
    ],
)
def test_low_rangefinder_looks_along_its_own_beam(wall_m: float | None, expected_m: float) -> None:
    board, _ = simulated(FITTED, wall_m=wall_m)
    (sample,) = board.open_low_rangefinder().read()
    assert sample.sensor == "low_rangefinder"
    assert sample.distance_m == pytest.approx(expected_m, abs=0.002)
    straight = board.open_rangefinder().read()[0]
    assert straight.sensor == "rangefinder"
    assert straight.distance_m == (None if wall_m is None else pytest.approx(wall_m, abs=0.002))


@pytest.mark.parametrize("model", ["hcsr04", "hcsr04p", "jsn_sr04t"])
@pytest.mark.parametrize("straight", ["hcsr04", "jsn_sr04t", "i2cxl"])
def test_every_two_models_can_be_fitted_together(model: str, straight: str) -> None:
    config = replace(
        FITTED,
        rangefinder=RangefinderConfig(model=straight),  # type: ignore[arg-type]
        low_rangefinder=replace(FITTED.low_rangefinder, model=model),  # type: ignore[arg-type]
    )
    board, clock = simulated(config)
    sensors = board.open_rangefinder(), board.open_low_rangefinder()
    for _ in range(3):
        for sensor, expected_m in zip(sensors, (2.0, 1.656), strict=True):
            assert sensor.read()[0].distance_m == pytest.approx(expected_m, abs=0.006)
        clock.sleep(0.06)


def errors_of(open_sensor: Callable[[], Rangefinder], clock: SimClock, until_s: float) -> list[HalError]:
    errors, sensor = [], open_sensor()
    while clock.now_ns() < until_s * 1e9:
        try:
            sensor.read()
        except HalError as error:
            errors.append(error)
        clock.sleep(0.05)
    return errors


@pytest.mark.parametrize("word", WORDS)
def test_each_word_on_the_low_rangefinder_is_heard_from_its_driver_and_by_its_name(word: str) -> None:
    board, clock = simulated(FITTED, Fault(word, "low_rangefinder", start_s=0.5))
    errors = errors_of(board.open_low_rangefinder, clock, 4.0)
    assert bool(errors) == (word != "ok")
    assert all(str(error).startswith("low_rangefinder: ") for error in errors)
    board, clock = simulated(FITTED, Fault(word, "low_rangefinder", start_s=0.5))
    assert errors_of(board.open_rangefinder, clock, 4.0) == []


@pytest.mark.parametrize("word", WORDS)
def test_each_word_on_an_i2cxl_is_heard_from_its_driver(word: str) -> None:
    config = BoardConfig(rangefinder=RangefinderConfig(model="i2cxl"))
    board, clock = simulated(config, Fault(word, "rangefinder", start_s=0.5))
    assert bool(errors_of(board.open_rangefinder, clock, 4.0)) == (word != "ok")


def test_low_rangefinder_that_is_not_fitted_cannot_be_opened_and_cannot_fail() -> None:
    board, _ = simulated(BoardConfig())
    for open_low in (board.open_low_rangefinder, PiBoard(BoardConfig()).open_low_rangefinder):
        with pytest.raises(DeviceNotFound, match=r"there is none; set low_rangefinder\.trigger and low_rangefinder\.e"):
            open_low()
    with pytest.raises(ValueError, match="there is no low_rangefinder to fail"):
        simulated(BoardConfig(), Fault("off", "low_rangefinder"))


def test_i2cxl_needs_a_bus_and_no_pins() -> None:
    board = PiBoard(BoardConfig(rangefinder=RangefinderConfig(model="i2cxl", bus=200)))
    with pytest.raises(HalError, match="I2C bus 200"):
        board.open_rangefinder()


@pytest.mark.parametrize(
    ("straight", "low", "period_s", "times"),
    [
        ("hcsr04", None, 0.05, PingTimes(0.05, 0.035, 0.0320, 0.05)),
        ("jsn_sr04t", None, 0.04, PingTimes(0.0411, 0.0411, 0.0411, 0.0411)),
        ("jsn_sr04t", None, 0.05, PingTimes(0.05, 0.0411, 0.0411, 0.05)),
        ("i2cxl", None, 0.05, PingTimes(0.1, 0.1, 0.1, 0.1)),
        ("i2cxl", None, 0.15, PingTimes(0.15, 0.1, 0.1, 0.15)),
        ("hcsr04", "hcsr04", 0.04, PingTimes(0.0602, 0.0602, 0.0602, 0.0301)),
        ("hcsr04", "hcsr04", 0.1, PingTimes(0.1, 0.1, 0.1, 0.05)),
        ("jsn_sr04t", "hcsr04", 0.06, PingTimes(0.0712, 0.0712, 0.0712, 0.0411)),
        ("i2cxl", "jsn_sr04t", 0.06, PingTimes(0.1111, 0.1111, 0.1111, 0.07)),
    ],
)
def test_pings_are_as_far_apart_as_the_echoes_of_the_models_need(
    straight: str, low: str | None, period_s: float, times: PingTimes
) -> None:
    pins = {} if low is None else {"model": low, "trigger": 5, "echo": 6}
    config = BoardConfig(
        rangefinder=RangefinderConfig(model=straight, period_s=period_s),  # type: ignore[arg-type]
        low_rangefinder=LowRangefinderConfig(**pins),  # type: ignore[arg-type]
    )
    assert astuple(ping_times(config)) == pytest.approx(astuple(times), abs=0.0001)


def test_near_pings_never_come_later_than_the_usual_ones_nor_into_echoes_of_the_model() -> None:
    slow = BoardConfig(rangefinder=RangefinderConfig(period_s=0.04, near_period_s=0.06))
    assert ping_times(slow).near_s == 0.04
    for model in ("hcsr04", "hcsr04p", "jsn_sr04t"):
        hasty = BoardConfig(rangefinder=RangefinderConfig(model=model, near_period_s=0.03))  # type: ignore[arg-type]
        assert ping_times(hasty).near_s >= MODELS[model].air_s  # type: ignore[index]
