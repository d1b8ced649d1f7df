"""Configurations of a board, and the whole simulated board: shipping drivers, simulated chips, a simulated world."""

import errno
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hal.board import PiBoard
from hal.config import (
    BoardConfig,
    ButtonConfig,
    BuzzerConfig,
    ImuConfig,
    LedConfig,
    LowRangefinderConfig,
    MotorConfig,
    PowerConfig,
    RangefinderConfig,
)
from hal.errors import HalError, Overflow, PinsUnavailable
from hal.pins import gpio_chips
from hal.samples import PARTS, Vector
from hal.sim.board import SimBoard
from hal.sim.clock import PacedClock, SimClock
from hal.sim.faults import WORDS, Fault
from hal.sim.pins import SimPinFactory
from hal.sim.world.scene import Mark

EPOCH_NS = 5_000_000_000
ON_BUS, NO_GAUGE = RangefinderConfig(model="i2cxl"), PowerConfig(gauge="none")


class Room:
    """Somebody stands in front of a wall, leaning a little, and presses the button between 2 s and 3 s."""

    name = "room"
    duration_s = 60.0
    marks: tuple[Mark, ...] = ()

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        return (1.0, -2.0, 9.5), (0.1, -0.2, 0.3)

    def distance_m(self, t_s: float) -> float | None:
        return 2.0 - 0.1 * t_s if t_s < 10 else None

    def pressed(self, t_s: float) -> bool:
        return 2.0 <= t_s < 3.0


def simulated(*faults: Fault, config: BoardConfig | None = None) -> tuple[SimBoard, SimClock]:
    clock = SimClock(EPOCH_NS)
    board = SimBoard(config or BoardConfig(), Room(), faults=faults, epoch_ns=EPOCH_NS, new_clock=lambda: clock)
    return board, clock


def test_drivers_measure_the_simulated_world() -> None:
    board, clock = simulated()
    imu, rangefinder, button = board.open_imu(), board.open_rangefinder(), board.open_button()
    clock.advance_to(EPOCH_NS + 1_000_000_000)
    with pytest.raises(Overflow):  # nobody has read it for too long
        imu.read()
    clock.sleep(0.05)
    sample = imu.read()[-1]
    assert sample.accel_mps2 == pytest.approx((1.0, -2.0, 9.5), abs=0.2)
    assert sample.gyro_radps == pytest.approx((0.1, -0.2, 0.3), abs=0.05)
    assert rangefinder.read()[0].distance_m == pytest.approx(1.895, abs=0.002)
    assert not button.read().pressed
    clock.advance_to(EPOCH_NS + 2_100_000_000)
    button.read()
    clock.sleep(0.02)
    assert button.read().pressed


def test_imu_worn_another_way_round_reads_the_same_body_axes() -> None:
    mounted = replace(BoardConfig(), imu=ImuConfig(forward="-z", left="+x", up="-y"))
    board, clock = simulated(config=mounted)
    imu = board.open_imu()
    clock.sleep(0.05)
    assert imu.read()[-1].accel_mps2 == pytest.approx((1.0, -2.0, 9.5), abs=0.2)


def test_outputs_are_seen_on_their_pins() -> None:
    board, clock = simulated()
    buzzer, motor = board.open_buzzer(), board.open_motor()
    buzzer.tone(700, 1.0)
    motor.on()
    assert board.buzzer_pin.pad == (clock.now_ns(), 0.5, 700)
    assert board.motor_pin.pad == (clock.now_ns(), 1.0, None)
    assert board.clock.now_ns() == clock.now_ns()


def test_every_part_can_be_closed_and_opened_again() -> None:
    board, clock = simulated()
    for _ in range(3):
        imu, rangefinder, button = board.open_imu(), board.open_rangefinder(), board.open_button()
        buzzer, motor = board.open_buzzer(), board.open_motor()
        clock.sleep(0.06)
        assert imu.read()
        assert rangefinder.read()[0].distance_m is not None
        button.read()
        buzzer.tone(700, 1.0)
        motor.on()
        for part in (imu, rangefinder, button, buzzer, motor):
            part.close()
        assert board.buzzer_pin.pad.level == board.motor_pin.pad.level == 0


def errors_of(board: SimBoard, clock: SimClock, part: str, until_s: float) -> list[str]:
    """Use one part as the firmware does; the errors, in order. An IMU is opened again after each."""
    opened = {
        "imu": board.open_imu,
        "rangefinder": board.open_rangefinder,
        "button": board.open_button,
        "buzzer": board.open_buzzer,
        "motor": board.open_motor,
    }
    errors, device = [], opened[part]()
    while clock.now_ns() < EPOCH_NS + until_s * 1e9:
        try:
            match part:
                case "buzzer":
                    device.tone(700, 1.0)
                    clock.sleep(0.07)
                    device.off()
                case "motor":
                    device.on()
                    clock.sleep(0.07)
                    device.off()
                case _:
                    device.read()
        except HalError as error:
            errors.append(type(error).__name__)
        clock.sleep(0.02)
    return errors


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("word", WORDS)
def test_each_word_on_each_part_is_heard_from_the_driver(word: str, part: str) -> None:
    board, clock = simulated(Fault(word, part, start_s=1.5))
    errors = errors_of(board, clock, part, 6.0)
    assert bool(errors) == (word != "ok")


def test_fault_of_one_part_leaves_the_others_alone() -> None:
    for part in PARTS:
        board, clock = simulated(Fault("off", part, start_s=0.5))
        for other in PARTS:
            if other != part:
                assert errors_of(board, clock, other, 3.0) == [], (part, other)


def test_same_board_gives_the_same_samples_twice() -> None:
    def run() -> list[object]:
        board, clock = simulated(Fault("garbage", "rangefinder", 1.0))
        imu, rangefinder = board.open_imu(), board.open_rangefinder()
        answers: list[object] = []
        for _ in range(50):
            answers += imu.read()
            try:
                answers.append(rangefinder.read())
            except HalError as error:
                answers.append(str(error))
            clock.sleep(0.02)
        return answers

    assert run() == run()


def test_board_in_real_time_measures_with_one_clock_a_part() -> None:
    clocks: list[PacedClock] = []

    def new_clock() -> PacedClock:
        clocks.append(PacedClock())
        return clocks[-1]

    board = SimBoard(BoardConfig(), Room(), epoch_ns=time.monotonic_ns(), new_clock=new_clock)
    assert len(clocks) == len(PARTS) + 1
    assert len(set(map(id, clocks))) == len(clocks)
    rangefinder = board.open_rangefinder()
    for _ in range(3):
        assert rangefinder.read()[0].distance_m == pytest.approx(2.0, abs=0.05)
    board.open_buzzer().tone(700, 1.0)
    assert board.buzzer_pin.pad.level == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BuzzerConfig(pin=1), r"buzzer\.pin \(1\) must be a BCM number from 2 to 27"),
        (lambda: MotorConfig(pin=28), r"motor\.pin \(28\)"),
        (lambda: ButtonConfig(nc_pin=-1), r"button\.nc_pin \(-1\)"),
        (lambda: RangefinderConfig(period_s=0.03), r"rangefinder\.period_s \(0\.03\) must lie between 0\.04 and 0\.2"),
        (lambda: RangefinderConfig(near_m=3.0), r"rangefinder\.near_m \(3\.0\) must lie between 0\.5 and 2\.5"),
        (lambda: RangefinderConfig(near_period_s=0.02), r"near_period_s \(0\.02\) must lie between 0\.03 and 0\.06"),
        (lambda: RangefinderConfig(temperature_c=float("nan")), r"rangefinder\.temperature_c \(nan\)"),
        (lambda: ImuConfig(model="mpu9150"), r"imu\.model \('mpu9150'\) must be one of: auto, mpu6050"),  # type: ignore[arg-type]
        (lambda: ImuConfig(rate_hz=110), r"imu\.rate_hz \(110\) must be one of: 100, 200"),
        (lambda: ImuConfig(address=0x80), r"imu\.address \(128\)"),
        (lambda: ImuConfig(forward="+x", left="+y", up="-z"), "mirror image"),
        (lambda: BoardConfig(factory="pigpio"), "must be one of: lgpio, rpigpio"),  # type: ignore[arg-type]
        (lambda: BoardConfig(buzzer=BuzzerConfig(pin=24)), r"buzzer\.pin and rangefinder\.echo are both pin 24"),
        (lambda: BoardConfig(motor=MotorConfig(pin=27)), r"button\.nc_pin and motor\.pin are both pin 27"),
        (lambda: BoardConfig(motor=MotorConfig(pin=2)), r"I2C bus 1 \(SDA\) and motor\.pin are both pin 2"),
        (lambda: BoardConfig(imu=ImuConfig(bus=3), motor=MotorConfig(pin=3)), r"I2C bus 1 \(SCL\) and motor\.pin"),
        (
            lambda: BoardConfig(imu=ImuConfig(bus=3), rangefinder=ON_BUS, power=NO_GAUGE, motor=MotorConfig(pin=2)),
            r"I2C bus 1 \(SDA\) and motor\.pin",
        ),
        (
            lambda: BoardConfig(low_rangefinder=LowRangefinderConfig(trigger=25, echo=6)),
            r"motor\.pin and low_rangefinder\.trigger are both pin 25",
        ),
        (lambda: BoardConfig(led=LedConfig(pin=25)), r"led\.pin and motor\.pin are both pin 25"),
        (lambda: RangefinderConfig(jitter_s=0.02), r"rangefinder\.jitter_s \(0\.02\) must lie between 0 and 0\.01"),
    ],
)
def test_configuration_that_cannot_work_is_refused_by_name(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()


def test_bus_1_without_anything_on_it_frees_its_pins() -> None:
    assert BoardConfig(imu=ImuConfig(bus=3), power=NO_GAUGE, motor=MotorConfig(pin=2)).motor.pin == 2


def test_button_without_a_second_contact_frees_its_pin() -> None:
    assert BoardConfig(button=ButtonConfig(nc_pin=None), motor=MotorConfig(pin=27)).motor.pin == 27


def test_real_board_opens_nothing_until_it_is_asked_and_then_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LG_WD", str(tmp_path))
    monkeypatch.setitem(sys.modules, "lgpio", None)
    board = PiBoard(BoardConfig())
    assert board.clock.now_ns() > 0
    for open_part in (board.open_rangefinder, board.open_button, board.open_buzzer, board.open_motor):
        with pytest.raises(PinsUnavailable, match="python3-lgpio"):
            open_part()
    with pytest.raises(HalError, match="I2C bus 200"):
        PiBoard(BoardConfig(imu=ImuConfig(bus=200))).open_imu()
    board.close()


def test_gpio_chip_that_vanished_and_came_back_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    chips, opened, closed = [("gpiochip0", 7)], [], []

    class Library(SimPinFactory):
        def close(self) -> None:
            closed.append(self)
            raise OSError(errno.ENODEV, "No such device")

    def open_library(name: str) -> SimPinFactory:
        opened.append(Library(SimClock()))
        return opened[-1]

    monkeypatch.setattr("hal.board.gpio_chips", lambda: tuple(chips))
    monkeypatch.setattr("hal.board.open_factory", open_library)
    board = PiBoard(BoardConfig())
    board.open_button()
    board.open_button()
    assert len(opened) == 1, "one for all parts"
    chips[:] = [("gpiochip0", 19)]
    board.open_button()
    assert len(opened) == 2
    assert closed == opened[:1]


def test_chip_that_came_back_is_told_from_the_one_that_was_there(tmp_path: Path) -> None:
    node, kept = tmp_path / "gpiochip0", tmp_path / "kept"
    node.touch()
    before = gpio_chips(tmp_path)
    assert gpio_chips(tmp_path) == before
    node.rename(kept)  # keeps its inode from being given to the next one
    assert gpio_chips(tmp_path) == ()
    node.touch()
    assert gpio_chips(tmp_path) != before
