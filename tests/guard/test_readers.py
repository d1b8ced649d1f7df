"""A reader turns whatever a driver does into inputs, and opens the driver anew when that may help."""

import itertools
from collections.abc import Sequence

import pytest

from firmware.guard.readers import ButtonChanges, Reader
from hal.errors import BusError, HalError, NoEcho, WrongConfig
from hal.samples import ButtonSample, RangeSample, SensorFault
from hal.sim.clock import SimClock


class Wire:
    """A rangefinder whose answers are written down beforehand."""

    def __init__(self, clock: SimClock) -> None:
        self.clock, self.opened, self.closed = clock, 0, 0
        self.errors: list[HalError | None] = []
        self.open_error: HalError | None = None

    def open(self) -> "Wire":
        if self.open_error:
            raise self.open_error
        self.opened += 1
        return self

    def read(self) -> list[RangeSample]:
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error
        return [RangeSample(self.clock.now_ns(), 1.5)]

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


@pytest.fixture
def wire(clock: SimClock) -> Wire:
    return Wire(clock)


def poll_for(reader: Reader, clock: SimClock, seconds: float) -> list[object]:
    seen: list[object] = []
    for _ in range(round(seconds * 1e9 / reader.period_ns)):
        seen += reader.poll()
        clock.sleep(reader.period_ns / 1e9)
    return seen


def test_measurement_becomes_an_input(clock: SimClock, wire: Wire) -> None:
    reader = Reader("rangefinder", wire.open, clock, period_s=0.06)
    assert reader.poll() == [RangeSample(0, 1.5)]
    assert reader.polled_ns == 0


def test_lost_echo_is_a_fault_with_its_own_time_and_the_part_stays_open(clock: SimClock, wire: Wire) -> None:
    reader = Reader("rangefinder", wire.open, clock, period_s=0.06)
    wire.errors = [None, NoEcho("no echo"), None]
    seen = poll_for(reader, clock, 0.18)
    assert [type(item) for item in seen] == [RangeSample, SensorFault, RangeSample]
    assert seen[1] == SensorFault(60_000_000, "rangefinder", "NoEcho", "no echo")
    assert wire.opened == 1


def test_three_failures_in_a_row_open_the_part_anew(clock: SimClock, wire: Wire) -> None:
    reader = Reader("imu", wire.open, clock, period_s=0.02)
    wire.errors = [BusError("no answer") for _ in range(3)]
    seen = poll_for(reader, clock, 0.5)
    assert wire.opened == 2
    assert wire.closed == 1
    assert isinstance(seen[-1], RangeSample)


def test_every_poll_says_again_that_the_part_is_gone(clock: SimClock, wire: Wire) -> None:
    reader = Reader("imu", wire.open, clock, period_s=0.02)
    wire.open_error = BusError("no answer at 0x68")
    seen = poll_for(reader, clock, 2.0)
    assert len(seen) == 100
    assert all(isinstance(fault, SensorFault) for fault in seen)
    times = [fault.t_ns for fault in seen if isinstance(fault, SensorFault)]
    assert times == sorted(set(times)), "each with a fresh time"


def test_opening_backs_off_but_never_for_more_than_two_seconds(clock: SimClock, wire: Wire) -> None:
    attempts: list[int] = []

    def fail() -> Wire:
        attempts.append(clock.now_ns())
        raise BusError("no answer")

    poll_for(Reader("imu", fail, clock, period_s=0.02), clock, 20.0)
    gaps_s = [(b - a) / 1e9 for a, b in itertools.pairwise(attempts)]
    assert gaps_s == sorted(gaps_s)
    assert gaps_s[0] <= 0.3
    assert 1.9 <= gaps_s[-1] <= 2.1


def test_chip_that_lost_its_settings_is_set_up_again_at_once(clock: SimClock, wire: Wire) -> None:
    reader = Reader("imu", wire.open, clock, period_s=0.02)
    wire.errors = [WrongConfig("ranges lost")]
    poll_for(reader, clock, 0.5)
    assert (wire.opened, wire.closed) == (2, 1)


def test_driver_that_cannot_even_close_is_let_go(clock: SimClock, wire: Wire) -> None:
    def close() -> None:
        raise BusError("no answer")

    wire.close = close  # type: ignore[method-assign]
    reader = Reader("imu", wire.open, clock, period_s=0.02)
    wire.errors = [WrongConfig("ranges lost")]
    assert isinstance(poll_for(reader, clock, 0.5)[-1], RangeSample)
    reader.close()


def test_defect_in_a_driver_is_a_fault_of_its_part(clock: SimClock, wire: Wire) -> None:
    def read() -> list[RangeSample]:
        raise ZeroDivisionError("division by zero")

    wire.read = read  # type: ignore[method-assign]
    (fault,) = Reader("rangefinder", wire.open, clock, period_s=0.06).poll()
    assert isinstance(fault, SensorFault)
    assert fault.detail == "rangefinder: ZeroDivisionError: division by zero; please report it"


class Button:
    def __init__(self, clock: SimClock, presses: Sequence[bool]) -> None:
        self.clock, self.presses = clock, list(presses)

    def read(self) -> ButtonSample:
        return ButtonSample(self.clock.now_ns(), self.presses.pop(0))

    def close(self) -> None:
        self.presses.clear()


def test_button_is_told_on_every_change_and_twice_a_second(clock: SimClock) -> None:
    button = Button(clock, [False] * 50 + [True] * 10 + [False] * 40)
    reader = Reader("button", lambda: ButtonChanges(button), clock, period_s=0.02)
    seen = poll_for(reader, clock, 2.0)
    assert [(item.t_ns // 10**6, item.pressed) for item in seen if isinstance(item, ButtonSample)] == [
        (0, False),
        (500, False),
        (1000, True),
        (1200, False),
        (1700, False),
    ]
