"""What the LSM6DSOX driver says of a wrong, failing or vanished chip, and that it measures again afterwards."""

import pytest
from fifo_rig import (
    FAULT_ERRORS,
    LSM6DSOX,
    Meddler,
    Worn,
    check_a_brown_out_at_any_transfer_is_said_and_never_yields_a_wrong_sample,
    check_a_brown_out_while_it_is_opened_is_said_or_harmless,
    check_a_fault_is_told_in_time_and_measured_past,
    leaning,
    standing,
)

from hal.config import ImuConfig
from hal.errors import BusError, DeviceNotFound, HalError, StuckAxis, WrongConfig, WrongDevice
from hal.imu.find import make_imu
from hal.imu.lsm6dsox import OTHER_IDS
from hal.sim.faults import Fault
from hal.sim.i2c import SimI2cBus

# Which chip it is


def test_an_empty_socket_is_told_with_its_address() -> None:
    worn = Worn(LSM6DSOX)
    with pytest.raises(DeviceNotFound, match=r"IMU at 0x6a: not found; .*no answer at 0x6a; check its wiring"):
        worn.open(SimI2cBus(worn.clock))


def test_every_other_chip_is_refused_by_its_id() -> None:
    for who_am_i in set(range(256)) - {0x6C}:
        name = OTHER_IDS.get(who_am_i, "")
        with pytest.raises(
            WrongDevice, match=rf"WHO_AM_I is {who_am_i:#04x}.*{name}.*, expected 0x6c \(LSM6DSOX or LSM6DSO\)"
        ):
            Worn(LSM6DSOX, who_am_i=who_am_i).open()


def test_a_relative_is_refused_by_its_name() -> None:
    with pytest.raises(WrongDevice, match=r"0x6a \(LSM6DS3TR-C, LSM6DSL or LSM6DSM, whose FIFO is another one\)"):
        Worn(LSM6DSOX, who_am_i=0x6A).open()


def test_the_smaller_sister_is_welcome_and_found() -> None:
    worn = Worn(LSM6DSOX)  # an LSM6DSO says the same 0x6c
    imu = make_imu(ImuConfig(), worn.bus(), worn.clock)
    assert imu.info.model == "LSM6DSOX"
    assert imu.info.address == 0x6A
    assert worn.read_for(imu, 0.2)


@pytest.mark.parametrize("transfer", range(1, 7))
def test_a_process_killed_at_any_transfer_of_a_read_leaves_a_chip_that_opens(transfer: int) -> None:
    worn = Worn(LSM6DSOX)
    bus = Meddler(worn)
    imu = worn.open(bus)
    worn.clock.sleep(0.05)
    bus.transfers = 0

    def kill(at: int) -> None:
        if at == transfer:
            raise KeyboardInterrupt

    bus.before = kill
    with pytest.raises(KeyboardInterrupt):
        worn.read_for(imu, 0.1)
    assert worn.read_for(worn.open(), 0.2)[-1].accel_mps2 == pytest.approx(leaning(0)[0], abs=0.01)


# Whether it kept its settings


def test_a_brown_out_is_said_at_the_next_read_and_never_looks_like_weightlessness() -> None:
    worn = Worn(LSM6DSOX, standing, noise=1.0)
    imu = worn.open()
    worn.read_for(imu, 1.0)
    worn.chip.power_cycle()
    for _ in range(3):
        worn.clock.sleep(0.02)
        with pytest.raises(WrongConfig, match=r"lost its settings \(reset or brown-out\): check its 3.3 V supply"):
            imu.read()
    assert worn.read_for(worn.open(), 1.0)


def test_a_brown_out_at_any_transfer_never_yields_a_wrong_sample() -> None:
    check_a_brown_out_at_any_transfer_is_said_and_never_yields_a_wrong_sample(LSM6DSOX)


def test_a_brown_out_while_it_is_opened_is_said_or_harmless() -> None:
    check_a_brown_out_while_it_is_opened_is_said_or_harmless(LSM6DSOX)


@pytest.mark.parametrize(
    ("register", "value", "name"),
    [
        (0x09, 0x00, "FIFO_CTRL3"),
        (0x10, 0x40, "CTRL1_XL"),
        (0x11, 0x40, "CTRL2_G"),
        (0x12, 0x04, "CTRL3_C"),
        (0x13, 0x02, "CTRL4_C"),
        (0x14, 0x01, "CTRL5_C"),
        (0x15, 0x10, "CTRL6_C"),
        (0x16, 0x80, "CTRL7_G"),
        (0x17, 0x02, "CTRL8_XL"),
    ],
)
def test_no_sample_is_handed_out_under_another_range_filter_or_rate(register: int, value: int, name: str) -> None:
    worn = Worn(LSM6DSOX)
    imu = worn.open()
    imu.read()
    worn.write(register, value)
    worn.clock.sleep(0.02)
    with pytest.raises(WrongConfig, match=rf"{name} is {value:#04x}, expected "):
        imu.read()


@pytest.mark.parametrize(
    ("register", "value", "name"),
    [(0x07, 9, "FIFO_CTRL1"), (0x08, 0x80, "FIFO_CTRL2"), (0x0A, 0, "FIFO_CTRL4"), (0x18, 0xE0, "CTRL9_XL")],
)
def test_every_switch_is_looked_after_once_a_second(register: int, value: int, name: str) -> None:
    worn = Worn(LSM6DSOX)
    imu = worn.open()
    imu.read()
    worn.write(register, value)
    with pytest.raises(WrongConfig, match=f"{name} is {value:#04x}, expected "):
        worn.read_for(imu, 1.1)


def test_a_setting_that_does_not_hold_is_told_when_the_chip_is_opened() -> None:
    worn = Worn(LSM6DSOX)
    bus = Meddler(worn)
    bus.change = lambda register, answer: bytes([0x33]) + answer[1:] if len(answer) == 15 else answer
    with pytest.raises(WrongConfig, match="FIFO_CTRL3 is 0x33, expected 0x44"):
        worn.open(bus)


# The words of hal/sim/faults.py


@pytest.mark.parametrize(("word", "errors"), FAULT_ERRORS)
def test_a_failing_chip_is_told_within_its_time_and_measures_again_afterwards(
    word: str, errors: tuple[type[HalError], ...]
) -> None:
    check_a_fault_is_told_in_time_and_measured_past(LSM6DSOX, word, errors)


def test_a_stuck_chip_gives_the_same_words_until_the_driver_calls_it_stuck() -> None:
    worn = Worn(LSM6DSOX, noise=1.0, fault=Fault("stuck", "imu", 1.0))
    imu = worn.open()
    worn.read_for(imu, 1.05 - worn.clock.now_ns() / 1e9)
    assert len({sample.accel_mps2 for sample in worn.read_for(imu, 0.3)[-20:]}) == 1
    with pytest.raises(StuckAxis, match=r"accelerometer's . axis has read"):
        worn.read_for(imu, 0.3)


def test_a_chip_that_is_closed_answers_nobody() -> None:
    imu = Worn(LSM6DSOX).open()
    imu.close()
    with pytest.raises(BusError, match="after the bus was closed"):
        imu.read()
