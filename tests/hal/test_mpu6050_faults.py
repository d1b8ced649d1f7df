"""What the MPU-6050 driver says of a wrong, failing or vanished chip, and that it measures again afterwards."""

import contextlib
from collections.abc import Iterator

import pytest
from imu_rig import ACCEL_TOLERANCE_MPS2, G0_MPS2, KINDS, Meddler, Worn, open_mpu

from hal.errors import (
    BusError,
    DeviceNotFound,
    HalError,
    NoData,
    Overflow,
    StuckAxis,
    TooSlow,
    WrongConfig,
    WrongDevice,
)
from hal.imu.fifo import FifoImu
from hal.imu.mpu6050 import OTHER_IDS
from hal.samples import ImuSample
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.i2c import SimI2cBus


def outcomes(worn: Worn, end_s: float) -> Iterator[HalError | list[ImuSample]]:
    """What the device goes through: read every 20 ms; after an error, open again 0.1 s later."""
    imu: FifoImu | None = None
    while worn.clock.now_ns() < end_s * 1e9:
        try:
            if imu is None:
                imu = worn.open()
            worn.clock.sleep(0.02)
            yield imu.read()
        except HalError as error:
            yield error
            imu = None
            worn.clock.sleep(0.1)


# Which chip it is, and whether it kept its settings


def test_an_empty_socket_is_told_with_its_address() -> None:
    clock = SimClock()
    with pytest.raises(DeviceNotFound, match=r"IMU at 0x69: not found; .*no answer at 0x69; check its wiring"):
        open_mpu(SimI2cBus(clock), clock, address=0x69)


@pytest.mark.parametrize("kind", KINDS)
def test_every_other_chip_is_refused_by_its_id(kind: str) -> None:
    variant, _ = KINDS[kind]
    for who_am_i in set(range(256)) - set(variant.ids):
        name = OTHER_IDS.get(who_am_i, "")
        with pytest.raises(WrongDevice, match=rf"WHO_AM_I is {who_am_i:#04x}.*{name}.*, expected .*\({variant.name}\)"):
            Worn(kind=kind, who_am_i=who_am_i).open()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("expected", KINDS)
def test_a_relative_is_refused_with_the_setting_that_would_drive_it(kind: str, expected: str) -> None:
    worn = Worn(kind=kind)
    variant, _ = KINDS[expected]
    if kind == expected:
        assert open_mpu(worn.bus(), worn.clock, variant).info.model == variant.name
        return
    with pytest.raises(
        WrongDevice, match=rf'\({worn.variant.name}\), expected .*\({variant.name}\); set imu.model = "{kind}"'
    ):
        open_mpu(worn.bus(), worn.clock, variant)


def test_both_ids_of_the_mpu_9250_are_accepted() -> None:
    for who_am_i in (0x71, 0x73):
        assert Worn(kind="mpu9250", who_am_i=who_am_i).open().read()


def test_a_brown_out_is_seen_at_the_next_read_and_never_as_weightlessness() -> None:
    worn = Worn()
    imu = worn.open()
    worn.read_until(imu, 1.0)
    worn.chip.power_cycle()
    worn.clock.sleep(0.02)
    for _ in range(3):
        with pytest.raises(WrongConfig, match=r"lost its settings \(reset or brown-out\): check its 3.3 V supply"):
            imu.read()
    assert worn.read_until(worn.open(), 2.0)


@pytest.mark.parametrize(
    ("register", "value", "name"),
    [(0x19, 0, "SMPLRT_DIV"), (0x1A, 0, "CONFIG"), (0x1B, 0, "GYRO_CONFIG"), (0x1C, 0x08, "ACCEL_CONFIG")],
)
def test_no_sample_is_handed_out_under_another_range_filter_or_rate(register: int, value: int, name: str) -> None:
    worn = Worn()
    imu = worn.open()
    worn.read_until(imu, 1.0)
    worn.bus().write(0x68, register, bytes([value]))
    worn.clock.sleep(0.02)
    with pytest.raises(WrongConfig, match=f"IMU at 0x68: {name} is {value:#04x}, expected"):
        imu.read()


@pytest.mark.parametrize(
    ("register", "value", "name"),
    [
        (0x23, 0x08, "FIFO_EN"),
        (0x38, 0x00, "INT_ENABLE"),
        (0x6A, 0x00, "USER_CTRL"),
        (0x6B, 0x41, "PWR_MGMT_1"),
        (0x6C, 0x07, "PWR_MGMT_2"),
    ],
)
def test_a_lost_switch_is_seen_within_a_second(register: int, value: int, name: str) -> None:
    worn = Worn()
    imu = worn.open()
    worn.read_until(imu, 1.0)
    worn.bus().write(0x68, register, bytes([value]))
    with pytest.raises((WrongConfig, Overflow)) as seen:
        worn.read_until(imu, 2.1)
    if isinstance(seen.value, Overflow):  # half frames show first
        with pytest.raises(WrongConfig, match=name):
            worn.read_until(imu, 2.1)
    else:
        assert name in str(seen.value)


def test_a_setting_that_does_not_hold_is_refused_when_the_chip_is_opened() -> None:
    worn = Worn()
    bus = Meddler(worn)
    bus.meddle = lambda register, answer: answer[:3] + b"\x00" if register == 0x19 else answer
    with pytest.raises(WrongConfig, match="ACCEL_CONFIG is 0x00, expected 0x18"):
        open_mpu(bus, worn.clock)


def test_a_chip_that_answers_but_makes_no_samples_is_refused_when_it_is_opened() -> None:
    worn = Worn()
    bus = Meddler(worn)
    bus.meddle = lambda register, answer: bytes(len(answer)) if register == 0x72 else answer
    with pytest.raises(TooSlow, match=r"0 samples in 0.05 s, expected 5"):
        open_mpu(bus, worn.clock)


def test_a_chip_that_stops_making_samples_is_an_error_after_a_tenth_of_a_second() -> None:
    worn = Worn()
    bus = Meddler(worn)
    imu = open_mpu(bus, worn.clock)
    worn.read_until(imu, 0.5)
    bus.meddle = lambda register, answer: bytes(len(answer)) if register == 0x72 else answer
    worn.clock.sleep(0.05)
    assert imu.read() == []
    worn.clock.sleep(0.07)
    for _ in range(2):
        with pytest.raises(NoData, match=r"no sample for 0.12 s, expected 100 a second"):
            imu.read()


# The failure words, from 1 s to 3 s; what a device that opens the chip again after each error goes through


EXPECTED: dict[str, dict[type[HalError], str]] = {
    "off": {BusError: "no answer at 0x68", DeviceNotFound: "not found; .*no answer"},
    "garbage": {BusError: "FIFO_COUNT is", WrongDevice: "WHO_AM_I is 0x", WrongConfig: "expected", Overflow: "lost"},
    "wrong": {WrongConfig: "GYRO_CONFIG is 0x00, expected 0x18"},
    "slow": {TooSlow: "samples in", NoData: "no sample for"},
    "delayed": {BusError: "a transfer took 200 ms, expected at most 50 ms"},
    "intermittent": {BusError: "no answer at 0x68", DeviceNotFound: "not found"},
}


@pytest.mark.parametrize("word", EXPECTED)
def test_a_failing_chip_is_reported_all_the_while_and_measures_again_afterwards(word: str) -> None:
    worn = Worn(fault=Fault(word, "imu", 1.0, 3.0))
    seen: list[tuple[float, HalError | list[ImuSample]]] = []
    for outcome in outcomes(worn, 5.0):
        seen.append((worn.clock.now_ns() / 1e9, outcome))
    assert not [what for t_s, what in seen if t_s < 1.0 and isinstance(what, HalError)]
    during = [what for t_s, what in seen if 1.0 <= t_s < 3.0]
    errors = [what for what in during if isinstance(what, HalError)]
    assert errors
    for error in errors:
        assert type(error) in EXPECTED[word]
        with pytest.raises(type(error), match=EXPECTED[word][type(error)]):
            raise error
    first_s = next(t_s for t_s, what in seen if isinstance(what, HalError))
    assert first_s - 1.0 <= (0.55 if word == "slow" else 0.9 if word == "intermittent" else 0.25)
    after = [what for t_s, what in seen if t_s > 3.7]
    assert not [what for what in after if isinstance(what, HalError)]
    assert sum(len(what) for what in after if isinstance(what, list)) > 110


@pytest.mark.parametrize("word", ["off", "garbage", "wrong", "slow", "delayed"])
def test_while_it_fails_no_opened_chip_passes_for_a_sound_one(word: str) -> None:
    worn = Worn(fault=Fault(word, "imu", 0.0))
    for _ in range(5):
        with pytest.raises(HalError):
            worn.open()
        worn.clock.sleep(0.5)


def test_no_reading_under_any_failure_is_a_motion_that_did_not_happen() -> None:
    for word in EXPECTED:
        worn = Worn(fault=Fault(word, "imu", 1.0, 3.0))
        for outcome in outcomes(worn, 4.0):
            for sample in outcome if isinstance(outcome, list) else []:
                assert sample.accel_mps2 == pytest.approx((0.0, 0.0, G0_MPS2), abs=ACCEL_TOLERANCE_MPS2), word


def test_a_stuck_chip_is_called_stuck_by_the_driver_until_it_lives() -> None:
    worn = Worn(fault=Fault("stuck", "imu", 1.0, 3.0))
    imu = worn.open()
    before = worn.read_until(imu, 0.98)
    worn.read_until(imu, 1.1)
    during = worn.read_until(imu, 1.4)
    assert len({(s.accel_mps2, s.gyro_radps) for s in before}) > len(before) / 2
    assert len({(s.accel_mps2, s.gyro_radps) for s in during}) == 1
    with pytest.raises(StuckAxis):
        worn.read_until(imu, 1.7)
    with pytest.raises(StuckAxis):
        worn.read_until(imu, 1.8)
    worn.clock.sleep(3.1 - worn.clock.now_ns() / 1e9)
    with contextlib.suppress(Overflow):  # nobody read it meanwhile
        imu.read()
    after = worn.read_until(imu, 4.0)
    assert len({(s.accel_mps2, s.gyro_radps) for s in after}) > len(after) / 2


@pytest.mark.parametrize(("error", "enough"), [(-0.2, True), (-0.4, False)])
def test_a_chip_that_makes_two_thirds_of_its_samples_is_too_slow(error: float, enough: bool) -> None:
    worn = Worn()
    imu = worn.open()
    worn.read_until(imu, 0.5)
    worn.chip._rate = 1 + error
    if enough:
        worn.read_until(imu, 1.5)
        return
    with pytest.raises(TooSlow, match=r"samples in 0\.\d+ s, expected"):
        worn.read_until(imu, 1.0)


def test_samples_after_an_overflow_are_whole_although_the_fifo_could_not_be_emptied_at_once() -> None:
    worn = Worn()
    bus = Meddler(worn)
    imu = open_mpu(bus, worn.clock)
    worn.clock.sleep(3.0)
    imu._chip.empty, empty = worn_out, imu._chip.empty  # type: ignore[method-assign]
    with pytest.raises(BusError):
        imu.read()
    imu._chip.empty = empty  # type: ignore[method-assign]
    imu.read()  # empties it now
    worn.clock.sleep(0.05)
    for sample in imu.read():
        assert sample.accel_mps2 == pytest.approx((0.0, 0.0, G0_MPS2), abs=ACCEL_TOLERANCE_MPS2)


def worn_out() -> None:
    raise BusError("no answer")
