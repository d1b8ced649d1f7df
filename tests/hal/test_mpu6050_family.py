"""MPU-6050, MPU-6500 and MPU-9250 alike: the driver that ships, on simulated chips, over their whole range."""

import math
from dataclasses import replace
from functools import partial

import pytest
from fifo_rig import (
    MOUNTINGS,
    Kind,
    Worn,
    check_a_brown_out_at_any_transfer_is_said_and_never_yields_a_wrong_sample,
    check_a_brown_out_while_it_is_opened_is_said_or_harmless,
    check_a_frame_that_the_fifo_did_not_hold_is_refused,
    check_any_motion_is_measured_to_one_lsb,
    check_every_length_of_backlog_is_fetched_whole,
    check_more_than_the_fifo_can_be_trusted_with_is_thrown_away,
    check_stamps,
    check_what_exceeds_the_range_is_clipped_and_flagged,
    leaning,
    standing,
    vectors,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from imu_rig import KINDS

from hal.errors import Overflow, WrongConfig
from hal.imu.imu import AxisTest
from hal.imu.mounting import Mounting
from hal.imu.mpu6050 import Mpu
from hal.imu.mpu_self_test import AXES
from hal.samples import Vector
from hal.sim.chips.mpu6050 import SimMpu6050

SETTINGS = [
    {"rate_hz": rate_hz, "accel_range_g": accel_g, "gyro_range_dps": gyro_dps}
    for rate_hz in (100, 200)
    for accel_g in (8, 16)
    for gyro_dps in (1000, 2000)
]
FAMILY = {
    name: Kind(0x68, partial(SimMpu6050, kind=sim_kind), partial(Mpu, variant))
    for name, (variant, sim_kind) in KINDS.items()
}

every_kind = pytest.mark.parametrize("name", FAMILY)


# What is measured


@every_kind
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@settings(deadline=None, max_examples=6)
@given(accel=vectors(0.998), gyro=vectors(0.998), mounting=st.sampled_from(MOUNTINGS))
def test_any_motion_within_range_is_measured_to_one_lsb_at_every_setting(
    name: str, setting: dict[str, int], accel: Vector, gyro: Vector, mounting: Mounting
) -> None:
    check_any_motion_is_measured_to_one_lsb(FAMILY[name], accel, gyro, mounting, setting)


@every_kind
@pytest.mark.parametrize("number", range(24))
def test_every_axis_points_where_it_should_in_each_of_the_24_mountings(name: str, number: int) -> None:
    mounting, setting = MOUNTINGS[number], SETTINGS[number % len(SETTINGS)]
    check_any_motion_is_measured_to_one_lsb(FAMILY[name], (0.1, 0.4, -0.9), (0.2, -0.5, 0.8), mounting, setting)


@every_kind
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("axis", range(6))
def test_an_impact_beyond_the_range_reads_as_full_scale_and_is_flagged(name: str, axis: int, sign: int) -> None:
    check_what_exceeds_the_range_is_clipped_and_flagged(FAMILY[name], axis, sign)


@every_kind
def test_standing_still_reads_gravity_with_the_noise_that_its_description_promises(name: str) -> None:
    worn = Worn(FAMILY[name], standing, noise=1.0)
    imu = worn.open()
    samples = worn.read_for(imu, 4.0)
    noise_mps2 = imu.info.accel_noise_mps2_rthz * math.sqrt(imu.info.bandwidth_hz * math.pi / 2)
    found_mps2 = math.sqrt(sum(sample.accel_mps2[0] ** 2 for sample in samples) / len(samples))
    assert found_mps2 == pytest.approx(noise_mps2, rel=0.1)
    assert not any(sample.saturated for sample in samples)


@every_kind
@pytest.mark.parametrize("temperature_c", [-40.0, 0.0, 21.0, 36.5, 85.0])
def test_the_chips_temperature_is_told_to_a_hundredth(name: str, temperature_c: float) -> None:
    worn = Worn(FAMILY[name], temperature_c=temperature_c)
    assert worn.open().temperature_c() == pytest.approx(temperature_c, abs=0.01)


@every_kind
@pytest.mark.parametrize(("key", "value"), [("accel_range_g", 4), ("gyro_range_dps", 500), ("rate_hz", 333)])
def test_a_rate_or_range_that_does_not_suit_is_refused(name: str, key: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"imu: {key} is {value}, expected one of "):
        Worn(FAMILY[name]).open(**{key: value})


# When it was measured, and what the FIFO does


@every_kind
@settings(deadline=None, max_examples=10)
@given(
    clock_error=st.floats(-0.05, 0.05),
    gaps_s=st.lists(st.floats(0.0005, 0.25), min_size=10, max_size=40),
    byte_s=st.sampled_from([0.0, 22.5e-6, 90e-6]),
)
def test_stamps_increase_are_never_in_the_future_and_within_a_period_of_the_truth(
    name: str, clock_error: float, gaps_s: list[float], byte_s: float
) -> None:
    check_stamps(FAMILY[name], clock_error, gaps_s, byte_s)


@every_kind
@pytest.mark.parametrize("rate_hz", [100, 200])
def test_every_length_of_backlog_is_fetched_whole(name: str, rate_hz: int) -> None:
    check_every_length_of_backlog_is_fetched_whole(FAMILY[name], 36, rate_hz)


@every_kind
def test_more_than_the_fifo_can_be_trusted_with_is_thrown_away_and_told(name: str) -> None:
    check_more_than_the_fifo_can_be_trusted_with_is_thrown_away(FAMILY[name])


@every_kind
def test_a_frame_that_the_fifo_did_not_hold_is_refused(name: str) -> None:
    check_a_frame_that_the_fifo_did_not_hold_is_refused(FAMILY[name], 0x72)


@every_kind
def test_a_fifo_that_ran_over_is_an_error_and_then_whole_frames_again(name: str) -> None:
    worn = Worn(FAMILY[name])
    imu = worn.open()
    for _ in range(3):
        worn.clock.sleep(KINDS[name][0].fifo_bytes / 12 / 100 + 0.02)
        with pytest.raises(Overflow, match="trusted with 37 frames"):
            imu.read()
        for sample in worn.read_for(imu, 0.3):
            assert sample.accel_mps2 == pytest.approx(leaning(0)[0], abs=0.01)


@pytest.mark.parametrize("name", ["mpu6500", "mpu9250"])
def test_a_fifo_that_stops_instead_of_running_over_is_a_lost_setting(name: str) -> None:
    worn = Worn(FAMILY[name])
    imu = worn.open()
    worn.write(0x1A, 0x43)  # FIFO_MODE
    worn.clock.sleep(0.02)
    with pytest.raises(WrongConfig, match="CONFIG is 0x43, expected 0x03"):
        imu.read()


@pytest.mark.parametrize("name", ["mpu6500", "mpu9250"])
def test_the_accelerometers_own_filter_is_watched_too(name: str) -> None:
    worn = Worn(FAMILY[name])
    imu = worn.open()
    worn.write(0x1D, 0x00)
    worn.clock.sleep(0.02)
    with pytest.raises(WrongConfig, match="ACCEL_CONFIG_2 is 0x00, expected 0x03"):
        imu.read()


# Brown-outs


@every_kind
def test_a_brown_out_at_any_transfer_is_said_and_never_yields_a_wrong_sample(name: str) -> None:
    check_a_brown_out_at_any_transfer_is_said_and_never_yields_a_wrong_sample(FAMILY[name])


@every_kind
def test_a_brown_out_while_it_is_opened_is_said_or_harmless(name: str) -> None:
    check_a_brown_out_while_it_is_opened_is_said_or_harmless(FAMILY[name])


# Self-test


def self_test(worn: Worn) -> dict[str, AxisTest]:
    """After it the chip goes on measuring."""
    imu = worn.open()
    tests = imu.self_test()
    assert worn.read_for(imu, 0.1)[-1].accel_mps2 == pytest.approx(leaning(0)[0], abs=0.3)
    return {test.axis: test for test in tests}


@every_kind
def test_a_sound_chip_passes_its_self_test_on_every_axis(name: str) -> None:
    tests = self_test(Worn(FAMILY[name], lambda t_s: (leaning(t_s)[0], (0.0, 0.0, 0.0)), noise=1.0))
    assert list(tests)[:6] == list(AXES)
    assert all(test.passed for test in tests.values()), tests


@every_kind
@pytest.mark.parametrize("axis", range(6))
def test_an_axis_that_does_not_answer_is_the_one_that_fails(name: str, axis: int) -> None:
    worn = Worn(FAMILY[name], lambda t_s: (leaning(t_s)[0], (0.0, 0.0, 0.0)), noise=1.0, broken_axes={axis})
    assert [test.axis for test in self_test(worn).values() if not test.passed] == [AXES[axis]]


@every_kind
def test_a_gyroscope_that_turns_at_rest_by_more_than_20_degrees_a_second_fails(name: str) -> None:
    for rate_dps, passes in ((19.0, True), (21.0, False)):
        rate_radps = math.radians(rate_dps)
        worn = Worn(FAMILY[name], lambda t_s, rate=rate_radps: (leaning(t_s)[0], (0.0, rate, 0.0)))
        assert self_test(worn)["gyro y at rest"].passed is passes


def without_notes(name: str, *registers: int) -> Kind:
    """At whose factory nothing was written into these registers."""
    variant, kind = KINDS[name]
    bare = replace(kind, factory=kind.factory | dict.fromkeys(registers, 0))
    return Kind(0x68, partial(SimMpu6050, kind=bare), partial(Mpu, variant))


def test_a_copy_of_the_mpu_6050_without_the_factorys_notes_does_not_pass() -> None:
    worn = Worn(without_notes("mpu6050", 0x0D, 0x0E, 0x0F, 0x10), lambda t_s: (leaning(t_s)[0], (0.0, 0.0, 0.0)))
    assert [axis for axis, test in self_test(worn).items() if not test.passed] == list(AXES)


@pytest.mark.parametrize("name", ["mpu6500", "mpu9250"])
def test_without_the_factorys_notes_a_successor_is_judged_in_units(name: str) -> None:
    kind = without_notes(name, 0x01, 0x0E)  # one axis of each sensor is enough
    tests = self_test(Worn(kind, lambda t_s: (leaning(t_s)[0], (0.0, 0.0, 0.0)), broken_axes={4}))
    assert [tests[axis].unit for axis in AXES] == ["mg"] * 3 + ["°/s"] * 3
    assert [axis for axis in AXES if not tests[axis].passed] == ["gyro y"]
    assert tests["accel x"].response == pytest.approx(1000 * KINDS[name][1].answers[0], rel=0.01)
