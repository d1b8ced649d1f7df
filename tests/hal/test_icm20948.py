"""The ICM-20948 driver that ships, on a simulated chip below it: what is measured, and when."""

import math

import pytest
from fifo_rig import (
    ICM20948,
    MOUNTINGS,
    Meddler,
    Worn,
    check_a_frame_that_the_fifo_did_not_hold_is_refused,
    check_any_motion_is_measured_to_one_lsb,
    check_every_length_of_backlog_is_fetched_whole,
    check_more_than_the_fifo_can_be_trusted_with_is_thrown_away,
    check_stamps,
    check_what_exceeds_the_range_is_clipped_and_flagged,
    lateness_s,
    leaning,
    standing,
    telling_the_time,
    vectors,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import BusError, Overflow
from hal.imu.mounting import Mounting
from hal.samples import Vector

ACCEL_LSB_MPS2 = 16 * 9.80665 / 32768
SETTINGS = [
    {"rate_hz": rate_hz, "accel_range_g": accel_g, "gyro_range_dps": gyro_dps}
    for rate_hz in (100, 200)
    for accel_g in (8, 16)
    for gyro_dps in (1000, 2000)
]


# What is measured


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@settings(deadline=None, max_examples=25)
@given(accel=vectors(0.998), gyro=vectors(0.998), mounting=st.sampled_from(MOUNTINGS))
def test_any_motion_within_range_is_measured_to_one_lsb_at_every_setting(
    setting: dict[str, int], accel: Vector, gyro: Vector, mounting: Mounting
) -> None:
    check_any_motion_is_measured_to_one_lsb(ICM20948, accel, gyro, mounting, setting)


@pytest.mark.parametrize("mounting", MOUNTINGS, ids=str)
def test_every_axis_points_where_it_should_in_each_of_the_24_mountings(mounting: Mounting) -> None:
    for setting in SETTINGS:
        check_any_motion_is_measured_to_one_lsb(ICM20948, (0.1, 0.4, -0.9), (0.2, -0.5, 0.8), mounting, setting)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("axis", range(6))
def test_an_impact_beyond_the_range_reads_as_full_scale_and_is_flagged(axis: int, sign: int) -> None:
    check_what_exceeds_the_range_is_clipped_and_flagged(ICM20948, axis, sign)


def test_standing_still_reads_gravity_within_the_chips_noise() -> None:
    worn = Worn(ICM20948, standing, noise=1.0)
    imu = worn.open()
    imu.read()
    samples = worn.read_for(imu, 2.0)
    assert len(samples) == pytest.approx(2 * 103.1, abs=4)
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx((0.0, 0.0, 9.80665), abs=5 * 1.92e-3 * 9.80665 + ACCEL_LSB_MPS2)
        assert not sample.saturated


@pytest.mark.parametrize(("rate_hz", "output_hz"), [(100, 1125 / 11), (200, 1125 / 5)])
def test_samples_come_at_least_as_often_as_they_were_asked_for(rate_hz: int, output_hz: float) -> None:
    worn = Worn(ICM20948, clock_error=0.0)
    imu = worn.open(rate_hz=rate_hz)
    assert imu.info.output_hz == pytest.approx(output_hz)
    imu.read()
    assert len(worn.read_for(imu, 2.0)) == pytest.approx(2 * output_hz, abs=2)
    assert imu.measured_hz == pytest.approx(output_hz, rel=0.01)


@pytest.mark.parametrize(
    ("key", "value"),
    [("rate_hz", 0), ("rate_hz", 50), ("rate_hz", 1125), ("accel_range_g", 2), ("gyro_range_dps", 250)],
)
def test_a_rate_or_range_that_does_not_suit_is_refused(key: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"imu: {key} is {value}, expected one of "):
        Worn(ICM20948).open(**{key: value})


@pytest.mark.parametrize("temperature_c", [-40.0, 0.0, 21.0, 36.5, 85.0])
def test_the_chips_temperature_is_told_to_a_hundredth(temperature_c: float) -> None:
    worn = Worn(ICM20948, temperature_c=temperature_c)
    assert worn.open().temperature_c() == pytest.approx(temperature_c, abs=0.01)


# When it was measured


@settings(deadline=None, max_examples=40)
@given(
    clock_error=st.floats(-0.05, 0.05),
    gaps_s=st.lists(st.floats(0.0005, 0.25), min_size=10, max_size=40),
    byte_s=st.sampled_from([0.0, 22.5e-6, 90e-6]),
)
def test_stamps_increase_are_never_in_the_future_and_within_a_period_of_the_truth(
    clock_error: float, gaps_s: list[float], byte_s: float
) -> None:
    check_stamps(ICM20948, clock_error, gaps_s, byte_s)


@pytest.mark.parametrize("clock_error", [1 / 1.1 - 1, -0.05, 0.0, 0.05, 1 / 0.9 - 1])  # a period 10 % off at most
@pytest.mark.parametrize("rate_hz", [100, 200])
def test_stamps_settle_to_the_chips_own_rate(clock_error: float, rate_hz: int) -> None:
    worn = Worn(ICM20948, telling_the_time, clock_error=clock_error)
    imu = worn.open(rate_hz=rate_hz)
    worn.read_for(imu, 2.0)
    samples = worn.read_for(imu, 8.0)
    true_hz = imu.info.output_hz * (1 + clock_error)
    assert imu.measured_hz == pytest.approx(true_hz, rel=0.003)
    assert all(abs(lateness_s(sample)) < 1.1 / true_hz for sample in samples)


def test_the_delay_of_the_filters_is_taken_off() -> None:
    worn = Worn(ICM20948, telling_the_time, clock_error=0.0)
    imu = worn.open()
    worn.read_for(imu, 2.0)
    samples = worn.read_for(imu, 1.0, step_s=0.001)  # so often that each sample is seen when it comes
    assert [lateness_s(sample) for sample in samples] == pytest.approx([0.0] * len(samples), abs=0.0015)


# What may go wrong in the FIFO


@pytest.mark.parametrize("rate_hz", [100, 200])
def test_a_backlog_of_any_length_is_fetched_whole(rate_hz: int) -> None:
    check_every_length_of_backlog_is_fetched_whole(ICM20948, 36, rate_hz)


def test_more_than_the_fifo_can_be_trusted_with_is_thrown_away_and_told() -> None:
    check_more_than_the_fifo_can_be_trusted_with_is_thrown_away(ICM20948)


def test_a_frame_that_the_fifo_did_not_hold_is_refused() -> None:
    check_a_frame_that_the_fifo_did_not_hold_is_refused(ICM20948, 0x70)


def test_a_fifo_that_ran_over_is_an_error_and_then_whole_frames_again() -> None:
    worn = Worn(ICM20948)
    imu = worn.open()
    imu.read()
    worn.clock.sleep(0.5)
    with pytest.raises(Overflow, match=r"samples were lost; its FIFO held 42 frames of 12 bytes and 8 bytes more"):
        imu.read()
    samples = worn.read_for(imu, 1.0)
    assert len(samples) > 90
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx(leaning(0)[0], abs=0.01)
        assert sample.gyro_radps == pytest.approx(leaning(0)[1], abs=0.01)


def test_after_samples_were_lost_stamps_go_on_increasing_and_are_right_again() -> None:
    worn = Worn(ICM20948, telling_the_time)
    imu = worn.open()
    last = imu.read()[-1]
    worn.clock.sleep(2.0)
    with pytest.raises(Overflow):
        imu.read()
    samples = worn.read_for(imu, 1.0)
    assert samples[0].t_ns - last.t_ns > 2e9
    assert all(abs(lateness_s(sample)) < 0.0115 for sample in samples)


def test_an_overflow_during_the_burst_is_seen_after_it() -> None:
    worn = Worn(ICM20948)
    bus = Meddler(worn)
    imu = worn.open(bus)
    worn.clock.sleep(0.1)
    bus.change = lambda register, answer: b"\x01" if register == 0x1B else answer
    with pytest.raises(Overflow):
        imu.read()


@given(taken=st.integers(1, 11))
@settings(deadline=None, max_examples=11)
def test_frames_that_lost_their_alignment_are_an_error_and_then_aligned_again(taken: int) -> None:
    worn = Worn(ICM20948)
    bus = worn.bus()
    imu = worn.open(bus)
    worn.clock.sleep(0.1)
    bus.read(0x69, 0x72, taken)  # somebody else takes some bytes
    with pytest.raises(Overflow, match="frames of 12 bytes and"):
        imu.read()
    for sample in worn.read_for(imu, 0.5):
        assert sample.accel_mps2 == pytest.approx(leaning(0)[0], abs=0.01)


def test_a_burst_that_breaks_off_does_not_shift_the_frames_after_it() -> None:
    worn = Worn(ICM20948)
    bus = Meddler(worn)
    imu = worn.open(bus)

    def break_off(register: int, answer: bytes) -> bytes:
        if register == 0x72:
            raise BusError("I2C bus 1: a transfer with 0x69 broke off")
        return answer

    worn.clock.sleep(0.1)
    bus.change = break_off
    with pytest.raises(BusError, match="broke off"):
        imu.read()
    bus.change = lambda register, answer: answer
    samples = worn.read_for(imu, 0.5)
    assert len(samples) > 40
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx(leaning(0)[0], abs=0.01)


def test_a_count_beyond_the_data_sheets_fifo_means_lost_samples() -> None:
    worn = Worn(ICM20948)
    bus = Meddler(worn)
    imu = worn.open(bus)
    bus.change = lambda register, answer: (600).to_bytes(2, "big") if register == 0x70 else answer
    with pytest.raises(Overflow, match="its FIFO held 50 frames of 12 bytes"):
        imu.read()


def test_an_impossible_count_is_blamed_on_the_bus() -> None:
    worn = Worn(ICM20948)
    bus = Meddler(worn)
    imu = worn.open(bus)
    bus.change = lambda register, answer: b"\xff\xff" if register == 0x70 else answer
    with pytest.raises(BusError, match="FIFO_COUNT is 65535, and the FIFO holds 512 bytes"):
        imu.read()


def test_a_bus_at_100_khz_is_never_too_slow_for_a_nearly_full_fifo() -> None:
    worn = Worn(ICM20948, byte_s=90e-6, clock_error=0.0)
    imu = worn.open()
    imu.read()
    worn.clock.sleep(36 * 11 / 1125)
    assert len(imu.read()) == pytest.approx(36, abs=1)
    assert worn.read_for(imu, 1.0)


# The self-test of eMD


def test_a_sound_chip_passes_its_self_test_and_goes_on_measuring() -> None:
    worn = Worn(ICM20948, standing, noise=1.0)
    imu = worn.open()
    results = imu.self_test()
    assert [result.axis for result in results] == ["accel x", "accel y", "accel z", "gyro x", "gyro y", "gyro z"]
    assert all(result.passed for result in results)
    assert [result.response for result in results] == pytest.approx([100] * 6, abs=1.0)
    for sample in worn.read_for(imu, 0.5):
        assert sample.accel_mps2[2] == pytest.approx(9.80665, abs=0.11)


def test_the_self_test_takes_about_a_second_on_the_slowest_bus() -> None:
    worn = Worn(ICM20948, standing, byte_s=90e-6)
    imu = worn.open()
    start_ns = worn.clock.now_ns()
    assert all(result.passed for result in imu.self_test())
    assert worn.clock.now_ns() - start_ns < 1.2e9


@pytest.mark.parametrize("axis", range(6))
def test_a_broken_axis_fails_its_self_test_and_no_other_does(axis: int) -> None:
    worn = Worn(ICM20948, standing, noise=1.0, broken_axes=[axis])
    assert [result.passed for result in worn.open().self_test()] == [i != axis for i in range(6)]


@pytest.mark.parametrize(
    ("code_change", "passed"),
    [
        (+65, True),  # the answer is 52 % of the factory's
        (+75, False),  # 47 %
        (-35, True),  # 142 %
        (-45, False),  # 156 %
    ],
)
def test_an_accelerometer_axis_passes_between_half_and_one_and_a_half_of_the_factorys_answer(
    code_change: int, passed: bool
) -> None:
    codes = [112 + code_change, 96, 121, 88, 104, 93]
    results = Worn(ICM20948, standing, noise=1.0, factory_codes=codes).open().self_test()
    assert [result.passed for result in results] == [passed] + [True] * 5


def test_a_gyroscope_axis_has_no_upper_limit() -> None:
    codes = [112, 96, 121, 88 - 80, 104, 93]
    results = Worn(ICM20948, standing, factory_codes=codes).open().self_test()
    assert results[3].response == pytest.approx(100 * 1.01**80, rel=0.01)
    assert results[3].passed


def test_an_axis_without_a_factory_value_fails_because_nothing_is_known_of_it() -> None:
    results = Worn(ICM20948, standing, factory_codes=[112, 0, 121, 88, 104, 93]).open().self_test()
    assert math.isnan(results[1].response)
    assert [result.passed for result in results] == [True, False, True, True, True, True]
