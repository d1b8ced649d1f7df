"""What the ICM-20948 driver says of a wrong, failing or vanished chip, and that it measures again afterwards."""

import pytest
from fifo_rig import (
    FAULT_ERRORS,
    ICM20948,
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
from hal.imu.icm20948 import OTHER_IDS
from hal.sim.faults import Fault
from hal.sim.i2c import SimI2cBus

# Which chip it is


def test_an_empty_socket_is_told_with_its_address() -> None:
    worn = Worn(ICM20948)
    with pytest.raises(DeviceNotFound, match=r"IMU at 0x69: not found; .*no answer at 0x69; check its wiring"):
        worn.open(SimI2cBus(worn.clock))


def test_every_other_chip_is_refused_by_its_id() -> None:
    for who_am_i in set(range(256)) - {0xEA}:
        name = OTHER_IDS.get(who_am_i, "")
        with pytest.raises(WrongDevice, match=rf"WHO_AM_I is {who_am_i:#04x}.*{name}.*, expected 0xea \(ICM-20948\)"):
            Worn(ICM20948, who_am_i=who_am_i).open()


def test_a_relative_is_refused_by_its_name() -> None:
    with pytest.raises(WrongDevice, match=r"0xe1 \(ICM-20649, whose ranges are twice as wide\)"):
        Worn(ICM20948, who_am_i=0xE1).open()


@pytest.mark.parametrize("bank", [0x00, 0x10, 0x20, 0x30])
def test_a_chip_that_was_left_in_another_bank_is_found_and_opened(bank: int) -> None:
    worn = Worn(ICM20948)
    worn.write(0x7F, bank)  # whoever read it last was killed before it could switch back
    imu = make_imu(ImuConfig(), worn.bus(), worn.clock)
    assert imu.info.model == "ICM-20948"
    assert imu.info.address == 0x69
    assert worn.read_for(worn.open(), 0.2)


@pytest.mark.parametrize("transfer", range(1, 9))
def test_a_process_killed_at_any_transfer_of_a_read_leaves_a_chip_that_opens(transfer: int) -> None:
    worn = Worn(ICM20948)
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
    worn = Worn(ICM20948, standing, noise=1.0)
    imu = worn.open()
    worn.read_for(imu, 1.0)
    worn.chip.power_cycle()
    for _ in range(3):
        worn.clock.sleep(0.02)
        with pytest.raises(WrongConfig, match=r"lost its settings \(reset or brown-out\): check its 3.3 V supply"):
            imu.read()
    assert worn.read_for(worn.open(), 1.0)


def test_a_brown_out_at_any_transfer_never_yields_a_wrong_sample() -> None:
    check_a_brown_out_at_any_transfer_is_said_and_never_yields_a_wrong_sample(ICM20948)


def test_a_brown_out_while_it_is_opened_is_said_or_harmless() -> None:
    check_a_brown_out_while_it_is_opened_is_said_or_harmless(ICM20948)


@pytest.mark.parametrize(
    ("register", "value", "name"),
    [
        (0x00, 0, "GYRO_SMPLRT_DIV"),
        (0x01, 0x01, "GYRO_CONFIG_1"),
        (0x02, 0x38, "GYRO_CONFIG_2"),
        (0x09, 0, "ODR_ALIGN_EN"),
        (0x10, 1, "ACCEL_SMPLRT_DIV_1"),
        (0x11, 0, "ACCEL_SMPLRT_DIV_2"),
        (0x14, 0x1D, "ACCEL_CONFIG"),
        (0x15, 0x1C, "ACCEL_CONFIG_2"),
    ],
)
def test_no_sample_is_handed_out_under_another_range_filter_or_rate(register: int, value: int, name: str) -> None:
    worn = Worn(ICM20948)
    imu = worn.open()
    imu.read()
    worn.write(0x7F, 0x20)
    worn.write(register, value)
    worn.write(0x7F, 0)
    worn.clock.sleep(0.02)
    with pytest.raises(WrongConfig, match=rf"{name} is {value:#04x}, expected "):
        imu.read()


@pytest.mark.parametrize(
    ("register", "value", "name"),
    [
        (0x03, 0, "USER_CTRL"),
        (0x05, 0x30, "LP_CONFIG"),
        (0x06, 0x41, "PWR_MGMT_1"),
        (0x07, 0x07, "PWR_MGMT_2"),
        (0x12, 0, "INT_ENABLE_2"),
        (0x66, 1, "FIFO_EN_1"),
        (0x67, 0, "FIFO_EN_2"),
        (0x68, 0x1F, "FIFO_RST"),
        (0x69, 0x01, "FIFO_MODE"),
        (0x76, 0x01, "FIFO_CFG"),
    ],
)
def test_every_switch_is_looked_after_once_a_second(register: int, value: int, name: str) -> None:
    worn = Worn(ICM20948)
    imu = worn.open()
    imu.read()
    worn.write(register, value)
    with pytest.raises(WrongConfig, match=f"{name} is {value:#04x}, expected "):
        worn.read_for(imu, 1.1)


def test_a_setting_that_does_not_hold_is_told_when_the_chip_is_opened() -> None:
    worn = Worn(ICM20948)
    bus = Meddler(worn)
    bus.change = lambda register, answer: bytes([0x01] * len(answer)) if len(answer) == 22 else answer
    with pytest.raises(WrongConfig, match="GYRO_SMPLRT_DIV is 0x01, expected 0x0a"):
        worn.open(bus)


# The words of hal/sim/faults.py


@pytest.mark.parametrize(("word", "errors"), FAULT_ERRORS)
def test_a_failing_chip_is_told_within_its_time_and_measures_again_afterwards(
    word: str, errors: tuple[type[HalError], ...]
) -> None:
    check_a_fault_is_told_in_time_and_measured_past(ICM20948, word, errors)


def test_a_stuck_chip_gives_the_same_words_until_the_driver_calls_it_stuck() -> None:
    worn = Worn(ICM20948, noise=1.0, fault=Fault("stuck", "imu", 1.0))
    imu = worn.open()
    worn.read_for(imu, 1.05 - worn.clock.now_ns() / 1e9)
    assert len({sample.accel_mps2 for sample in worn.read_for(imu, 0.3)[-20:]}) == 1
    with pytest.raises(StuckAxis, match=r"accelerometer's . axis has read"):
        worn.read_for(imu, 0.3)


def test_a_chip_that_is_closed_answers_nobody() -> None:
    imu = Worn(ICM20948).open()
    imu.close()
    with pytest.raises(BusError, match="after the bus was closed"):
        imu.read()
