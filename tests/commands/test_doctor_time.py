"""How long doctor takes by the board's clock, every part side by side; what is late is told and left behind."""

import threading

import pytest
from support.doctor import examined

from firmware.commands.checks.check import Check, Job, side_by_side
from firmware.commands.doctor import SPARE_S
from firmware.commands.examination import READING_S, Examination
from firmware.core.config import CoreConfig
from hal.config import (
    AirbagConfig,
    BoardConfig,
    ImuConfig,
    ImuModel,
    LedConfig,
    LowRangefinderConfig,
    PowerConfig,
    RangefinderConfig,
)
from hal.samples import OPTIONAL_PARTS, PARTS
from hal.sim.board import SimBoard
from hal.sim.clock import SimClock
from hal.sim.faults import WORDS
from hal.sim.world.scenarios import scenario

BUDGET_S = 3.0
EVERYTHING = BoardConfig(
    led=LedConfig(pin=16),
    airbag=AirbagConfig(pin=22),
    low_rangefinder=LowRangefinderConfig(trigger=5, echo=6),
    power=PowerConfig(gauge="ina219"),
)


def test_a_whole_device_is_examined_within_three_seconds_of_its_clock() -> None:
    checks, took_s = examined(EVERYTHING)
    assert {*PARTS, *OPTIONAL_PARTS} <= checks.keys()
    assert took_s <= 2.4, "what is left is for starting Python and loading the GPIO library"


@pytest.mark.parametrize("model", ["mpu6050", "icm20948", "lsm6dsox", "bno055"])
def test_every_motion_sensor_keeps_to_the_time(model: ImuModel) -> None:
    assert examined(BoardConfig(imu=ImuConfig(model=model)))[1] <= 2.4


def test_a_rangefinder_on_the_bus_keeps_to_the_time() -> None:
    checks, took_s = examined(BoardConfig(rangefinder=RangefinderConfig(model="i2cxl")))
    assert (checks["rangefinder"].status, took_s <= 2.4) == ("ok", True)


@pytest.mark.parametrize("part", [*PARTS, *OPTIONAL_PARTS])
@pytest.mark.parametrize("word", [word for word in WORDS if word != "ok"])
def test_no_broken_part_takes_longer_than_three_seconds(word: str, part: str) -> None:
    assert examined(EVERYTHING, f"{word}:{part}", pulse_airbag=True)[1] <= BUDGET_S


def test_what_is_late_is_given_up_within_three_seconds() -> None:
    examination = Examination(EVERYTHING, CoreConfig(), lambda: board(), mounting_told=["square"])
    assert examination.duration_s + SPARE_S <= BUDGET_S


def test_a_self_test_is_over_before_anything_shakes() -> None:
    for model in ("mpu6050", "icm20948", "lsm6dsox", "bno055"):
        config = BoardConfig(imu=ImuConfig(model=model))  # type: ignore[arg-type]
        clock = SimClock()
        tested = board(config, clock)
        examination = Examination(
            config, CoreConfig(), lambda tested=tested: tested, mounting_told=["square"], self_test=True
        )  # type: ignore[misc]
        job = examination.jobs()[0]
        assert "self-test passed" in job.look()[0].detail
        assert clock.now_ns() / 1e9 <= examination.play_s, model


def board(config: BoardConfig = EVERYTHING, clock: SimClock | None = None) -> SimBoard:
    clock = clock or SimClock()
    return SimBoard(config, scenario("stand"), epoch_ns=0, new_clock=lambda: clock)


def test_nothing_sounds_or_shakes_while_the_sensors_are_read() -> None:
    boards: dict[str, SimBoard] = {}

    def next_board() -> SimBoard:
        boards[str(len(boards))] = made = board()
        return made

    side_by_side(Examination(EVERYTHING, CoreConfig(), next_board, mounting_told=["square"]).jobs(), None)
    starts_s = [
        state.t_ns / 1e9
        for made in boards.values()
        for pin in (made.buzzer_pin, made.motor_pin, made.led_pin)
        for state in pin.history
        if state.level
    ]
    assert len(starts_s) >= 6, "buzzer, motor and LED play twice each"
    assert min(starts_s) >= READING_S


def test_jobs_are_done_side_by_side_and_told_in_their_order() -> None:
    meet = threading.Barrier(3, timeout=60)

    def look(name: str) -> list[Check]:
        meet.wait()  # one after the other they would never meet
        return [Check(name, "ok", "")]

    jobs = [Job(lambda name=name: look(name), Check(name, "fail", "late")) for name in "abc"]  # type: ignore[misc]
    assert [check.id for check in side_by_side(jobs, None)] == ["a", "b", "c"]


def test_a_job_that_hangs_is_told_as_late_and_holds_up_nobody() -> None:
    release = threading.Event()

    def hang() -> list[Check]:
        release.wait()
        return []

    hangs = Job(hang, Check("imu", "fail", "late"))
    done = Job(lambda: [Check("motor", "ok", "")], Check("motor", "fail", "late"))
    checks = side_by_side([done, hangs], 1.0)
    release.set()
    assert [(check.id, check.status) for check in checks] == [("motor", "ok"), ("imu", "fail")]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_a_job_is_no_finding() -> None:
    def break_off() -> list[Check]:
        raise ZeroDivisionError

    with pytest.raises(RuntimeError, match="looking at imu broke off"):
        side_by_side([Job(break_off, Check("imu", "fail", "late"))], None)
