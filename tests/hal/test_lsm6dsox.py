"""The LSM6DSOX driver that ships, on a simulated chip below it: what is measured, and when."""

import itertools

import pytest
from fifo_rig import (
    LSM6DSOX,
    MOUNTINGS,
    Meddler,
    Worn,
    check_any_motion_is_measured_to_one_lsb,
    check_every_length_of_backlog_is_fetched_whole,
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

from hal.errors import BusError, NoData, Overflow
from hal.imu.mounting import Mounting
from hal.samples import ImuSample, Vector

ACCEL_LSB_MPS2 = 0.488e-3 * 9.80665
SETTINGS = [
    {"rate_hz": rate_hz, "accel_range_g": accel_g, "gyro_range_dps": gyro_dps}
    for rate_hz in (100, 200)
    for accel_g in (8, 16)
    for gyro_dps in (1000, 2000)
]


def as_leaning(samples: list[ImuSample]) -> bool:
    """Whether each sample's six values are those of `leaning`: no accelerometer word with another one's gyroscope."""
    accel_mps2, gyro_radps = leaning(0)
    return all(
        sample.accel_mps2 == pytest.approx(accel_mps2, abs=0.01)
        and sample.gyro_radps == pytest.approx(gyro_radps, abs=0.01)
        for sample in samples
    )


# What is measured


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@settings(deadline=None, max_examples=25)
@given(accel=vectors(0.999), gyro=vectors(1.0), mounting=st.sampled_from(MOUNTINGS))
def test_any_motion_within_range_is_measured_to_one_lsb_at_every_setting(
    setting: dict[str, int], accel: Vector, gyro: Vector, mounting: Mounting
) -> None:
    check_any_motion_is_measured_to_one_lsb(LSM6DSOX, accel, gyro, mounting, setting)


@pytest.mark.parametrize("mounting", MOUNTINGS, ids=str)
def test_every_axis_points_where_it_should_in_each_of_the_24_mountings(mounting: Mounting) -> None:
    for setting in SETTINGS:
        check_any_motion_is_measured_to_one_lsb(LSM6DSOX, (0.1, 0.4, -0.9), (0.2, -0.5, 0.8), mounting, setting)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("axis", range(6))
def test_an_impact_beyond_the_range_reads_as_full_scale_and_is_flagged(axis: int, sign: int) -> None:
    check_what_exceeds_the_range_is_clipped_and_flagged(LSM6DSOX, axis, sign)


def test_standing_still_reads_gravity_within_the_chips_noise() -> None:
    worn = Worn(LSM6DSOX, standing, noise=1.0)
    imu = worn.open()
    imu.read()
    samples = worn.read_for(imu, 2.0)
    assert len(samples) == pytest.approx(2 * 105.0, abs=4)
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx((0.0, 0.0, 9.80665), abs=5 * 1.0e-3 * 9.80665 + ACCEL_LSB_MPS2)
        assert not sample.saturated


@pytest.mark.parametrize(("rate_hz", "output_hz"), [(100, 6667 / 64), (200, 6667 / 32)])
def test_samples_come_at_least_as_often_as_they_were_asked_for(rate_hz: int, output_hz: float) -> None:
    worn = Worn(LSM6DSOX, clock_error=0.0)
    imu = worn.open(rate_hz=rate_hz)
    assert imu.info.output_hz == pytest.approx(output_hz)
    imu.read()
    assert len(worn.read_for(imu, 2.0)) == pytest.approx(2 * output_hz, abs=2)
    assert imu.measured_hz == pytest.approx(output_hz, rel=0.01)


@pytest.mark.parametrize("clock_error", [-0.19, -0.05, 0.0, 0.008, 0.05, 0.19])
def test_the_chip_tells_by_how_much_its_own_clock_is_off(clock_error: float) -> None:
    worn = Worn(LSM6DSOX, clock_error=clock_error)
    assert worn.open().info.output_hz == pytest.approx(6667 / 64 * (1 + clock_error), rel=0.001)


@pytest.mark.parametrize(
    ("key", "value"),
    [("rate_hz", 0), ("rate_hz", 104), ("rate_hz", 400), ("accel_range_g", 2), ("gyro_range_dps", 125)],
)
def test_a_rate_or_range_that_does_not_suit_is_refused(key: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"imu: {key} is {value}, expected one of "):
        Worn(LSM6DSOX).open(**{key: value})


@pytest.mark.parametrize("temperature_c", [-40.0, 0.0, 25.0, 36.5, 85.0])
def test_the_chips_temperature_is_told_to_a_hundredth(temperature_c: float) -> None:
    worn = Worn(LSM6DSOX, temperature_c=temperature_c)
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
    check_stamps(LSM6DSOX, clock_error, gaps_s, byte_s)


@pytest.mark.parametrize("trim_error", [0.0, 0.02])
@pytest.mark.parametrize("clock_error", [-0.05, 0.0, 0.05])
@pytest.mark.parametrize("rate_hz", [100, 200])
def test_stamps_settle_to_the_chips_own_rate(clock_error: float, trim_error: float, rate_hz: int) -> None:
    worn = Worn(LSM6DSOX, telling_the_time, clock_error=clock_error, trim_error=trim_error)
    imu = worn.open(rate_hz=rate_hz)
    worn.read_for(imu, 2.0)
    samples = worn.read_for(imu, 8.0)
    true_hz = 6667 / (6400 / rate_hz) * (1 + clock_error)
    assert imu.measured_hz == pytest.approx(true_hz, rel=0.003)
    assert all(abs(lateness_s(sample)) < 1.15 / true_hz for sample in samples)


@pytest.mark.parametrize("rate_hz", [100, 200])
def test_the_delay_of_the_filters_is_taken_off(rate_hz: int) -> None:
    worn = Worn(LSM6DSOX, telling_the_time, clock_error=0.0)
    imu = worn.open(rate_hz=rate_hz)
    worn.read_for(imu, 2.0)
    samples = worn.read_for(imu, 1.0, step_s=0.001)  # so often that each sample is seen when it comes
    assert [lateness_s(sample) for sample in samples] == pytest.approx([0.0] * len(samples), abs=0.0022)


# The words of the FIFO


def test_a_backlog_of_any_length_is_fetched_whole() -> None:
    check_every_length_of_backlog_is_fetched_whole(LSM6DSOX, 255, 200)


def test_a_word_whose_partner_is_not_there_yet_waits_for_it() -> None:
    worn = Worn(LSM6DSOX)
    bus = Meddler(worn)
    imu = worn.open(bus)
    imu.read()
    late = itertools.cycle([0, 1])

    def not_yet(register: int, answer: bytes) -> bytes:
        return bytes([answer[0] - next(late), answer[1]]) if register == 0x3A else answer

    bus.change = not_yet
    samples = worn.read_for(imu, 1.0)
    assert len(samples) == pytest.approx(105, abs=2)
    assert as_leaning(samples)


def test_a_fifo_that_begins_with_a_lone_word_is_paired_all_the_same() -> None:
    """It was emptied between the two words of a slot: from then on every pair is split between two reads."""
    worn = Worn(LSM6DSOX)
    imu = worn.open()
    worn.clock.sleep(3.0)
    with pytest.raises(Overflow):
        imu.read()  # and empties it
    worn.clock.sleep(0.02)
    worn.chip.drop_word()
    samples = worn.read_for(imu, 1.0)
    assert len(samples) == pytest.approx(105, abs=3)
    assert as_leaning(samples)
    assert max(after.t_ns - before.t_ns for before, after in itertools.pairwise(samples)) < 12_000_000


@pytest.mark.parametrize("words", [1, 2, 3, 5, 6, 7])
def test_words_that_somebody_else_took_are_missed_and_then_pairs_again(words: int) -> None:
    worn = Worn(LSM6DSOX)
    imu = worn.open()
    imu.read()
    worn.clock.sleep(0.1)
    for _ in range(words):
        worn.chip.drop_word()
    with pytest.raises(Overflow, match=r"samples were lost; in its FIFO .* nothing else reads this chip"):
        imu.read()
    samples = worn.read_for(imu, 0.5)
    assert len(samples) > 45
    assert as_leaning(samples)


@pytest.mark.parametrize("tag", [0x00, 0x08, 0x1B, 0xFF, 0x28])
def test_a_word_with_an_impossible_tag_is_blamed_on_the_bus(tag: int) -> None:
    worn = Worn(LSM6DSOX)
    bus = Meddler(worn)
    imu = worn.open(bus)
    bus.change = lambda register, answer: bytes([tag]) + answer[1:] if register == 0x78 else answer
    with pytest.raises(BusError, match=f"a FIFO word is tagged {tag:#04x}, expected .* check the wiring"):
        imu.read()
    bus.change = lambda register, answer: answer
    assert as_leaning(worn.read_for(imu, 0.2))


def test_a_single_flipped_bit_in_a_tag_is_never_taken_for_another_word() -> None:
    for bit in range(8):
        worn = Worn(LSM6DSOX)
        bus = Meddler(worn)
        imu = worn.open(bus)
        bus.change = (
            lambda register, answer, bit=bit: (  # type: ignore[misc]
                bytes([answer[0] ^ 1 << bit]) + answer[1:] if register == 0x78 else answer
            )
        )
        with pytest.raises(BusError, match="is tagged"):
            imu.read()


def test_a_fifo_that_ran_over_is_an_error_and_then_pairs_again() -> None:
    worn = Worn(LSM6DSOX)
    imu = worn.open()
    imu.read()
    worn.clock.sleep(3.0)
    with pytest.raises(Overflow, match="samples were lost"):
        imu.read()
    samples = worn.read_for(imu, 1.0)
    assert len(samples) > 95
    assert as_leaning(samples)


def test_an_overrun_is_not_forgotten_with_the_count_that_was_read_along_with_it() -> None:
    worn = Worn(LSM6DSOX)
    bus = Meddler(worn)
    imu = worn.open(bus)
    imu.read()
    worn.clock.sleep(0.1)
    bus.change = lambda register, answer: bytes([answer[0], answer[1] | 0x08]) if register == 0x3A else answer
    with pytest.raises(Overflow, match="samples were lost; its FIFO held"):
        imu.read()
    bus.change = lambda register, answer: answer
    assert worn.read_for(imu, 0.5)


def test_an_overrun_during_the_burst_is_seen_after_it() -> None:
    worn = Worn(LSM6DSOX)
    bus = Meddler(worn)
    imu = worn.open(bus)
    worn.clock.sleep(0.1)
    bus.change = lambda register, answer: b"\x08" if register == 0x3B else answer
    with pytest.raises(Overflow):
        imu.read()


def test_after_samples_were_lost_stamps_go_on_increasing_and_are_right_again() -> None:
    worn = Worn(LSM6DSOX, telling_the_time)
    imu = worn.open()
    last = imu.read()[-1]
    worn.clock.sleep(4.0)
    with pytest.raises(Overflow):
        imu.read()
    samples = worn.read_for(imu, 1.0)
    assert samples[0].t_ns - last.t_ns > 4e9
    assert all(abs(lateness_s(sample)) < 0.0115 for sample in samples)


def test_a_burst_that_breaks_off_does_not_shift_the_words_after_it() -> None:
    worn = Worn(LSM6DSOX)
    bus = Meddler(worn)
    imu = worn.open(bus)

    def break_off(register: int, answer: bytes) -> bytes:
        if register == 0x78:
            raise BusError("I2C bus 1: a transfer with 0x6a broke off")
        return answer

    worn.clock.sleep(0.1)
    bus.change = break_off
    with pytest.raises(BusError, match="broke off"):
        imu.read()
    bus.change = lambda register, answer: answer
    samples = worn.read_for(imu, 0.5)
    assert len(samples) > 45
    assert as_leaning(samples)


def test_an_impossible_count_is_blamed_on_the_bus() -> None:
    worn = Worn(LSM6DSOX)
    bus = Meddler(worn)
    imu = worn.open(bus)
    bus.change = lambda register, answer: b"\xff\x03" if register == 0x3A else answer
    with pytest.raises(BusError, match="DIFF_FIFO is 1023, and the FIFO holds 512 words"):
        imu.read()


def test_a_bus_at_100_khz_is_never_too_slow_for_a_nearly_full_fifo() -> None:
    worn = Worn(LSM6DSOX, byte_s=90e-6, clock_error=0.0)
    imu = worn.open()
    imu.read()
    worn.clock.sleep(200 * 64 / 6667)
    assert len(imu.read()) == pytest.approx(200, abs=1)
    assert worn.read_for(imu, 1.0)


# The self-test of AN5272


def test_a_sound_chip_passes_its_self_test_and_goes_on_measuring() -> None:
    worn = Worn(LSM6DSOX, standing, noise=1.0)
    imu = worn.open()
    results = imu.self_test()
    assert [result.axis for result in results] == ["accel x", "accel y", "accel z", "gyro x", "gyro y", "gyro z"]
    assert all(result.passed for result in results)
    assert [result.response for result in results] == pytest.approx([400, 450, 500, 300, 280, 320], abs=3.0)
    for sample in worn.read_for(imu, 0.5):
        assert sample.accel_mps2[2] == pytest.approx(9.80665, abs=0.06)


def test_the_self_test_takes_about_a_second_on_the_slowest_bus() -> None:
    worn = Worn(LSM6DSOX, standing, byte_s=90e-6)
    imu = worn.open()
    start_ns = worn.clock.now_ns()
    assert all(result.passed for result in imu.self_test())
    assert worn.clock.now_ns() - start_ns < 1.2e9


@pytest.mark.parametrize("axis", range(6))
def test_a_broken_axis_fails_its_self_test_and_no_other_does(axis: int) -> None:
    worn = Worn(LSM6DSOX, standing, noise=1.0, broken_axes=[axis])
    assert [result.passed for result in worn.open().self_test()] == [i != axis for i in range(6)]


@pytest.mark.parametrize(
    ("push", "passed"),
    [
        (0.1, [False, False, True, False, False, False]),  # 40, 45, 50 mg and 28 to 32 °/s
        (0.55, [True] * 6),  # 154 °/s at the least
        (2.1, [True] * 6),  # 672 °/s at the most
        (4.0, [True, False, False, False, False, False]),  # 1600, 1800, 2000 mg and over 1100 °/s
    ],
)
def test_an_answer_passes_between_the_data_sheets_limits(push: float, passed: list[bool]) -> None:
    results = Worn(LSM6DSOX, standing, push=push).open().self_test()
    assert [result.passed for result in results] == passed


def test_a_chip_that_stops_sampling_in_its_self_test_is_told() -> None:
    worn = Worn(LSM6DSOX)
    bus = Meddler(worn)
    imu = worn.open(bus)
    bus.change = lambda register, answer: b"\x00" if register == 0x1E else answer
    with pytest.raises(NoData, match=r"no sample for 0.1 s in its self-test"):
        imu.self_test()
    assert worn.read_for(imu, 0.2), "it was opened anew all the same"
