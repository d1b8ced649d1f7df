"""The MPU-6050 driver that ships, on a simulated chip below it."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imu_rig import ACCEL_TOLERANCE_MPS2, G0_MPS2, GYRO_TOLERANCE_RADPS, Meddler, Worn, mountings, open_mpu

from hal.errors import BusError, Overflow
from hal.imu.mounting import Mounting
from hal.imu.mpu6050 import MPU6050
from hal.samples import ImuSample, Vector


def telling_the_time(t_s: float) -> tuple[Vector, Vector]:
    """The forward axis says when it was measured: 100 m/s² is one second, noise 0.3 ms."""
    return (100 * (t_s % 1), 0.0, G0_MPS2), (0.0, 0.0, 0.0)


def lateness_s(sample: ImuSample) -> float:
    """How much later the sample's stamp is than the motion it measured."""
    return (sample.t_ns / 1e9 - sample.accel_mps2[0] / 100 + 0.5) % 1 - 0.5


# What is measured


def vectors(limit: float) -> st.SearchStrategy[Vector]:
    component = st.floats(-limit, limit)
    return st.tuples(component, component, component)


@settings(deadline=None)
@given(accel_mps2=vectors(15.9 * G0_MPS2), gyro_radps=vectors(math.radians(1990)), mounting=mountings())
def test_any_motion_within_range_is_measured_to_the_noise_in_any_mounting(
    accel_mps2: Vector, gyro_radps: Vector, mounting: Mounting
) -> None:
    worn = Worn(lambda t_s: (accel_mps2, gyro_radps), mounting=mounting)
    samples = worn.read_until(worn.open(), 0.4)
    assert samples
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx(accel_mps2, abs=ACCEL_TOLERANCE_MPS2)
        assert sample.gyro_radps == pytest.approx(gyro_radps, abs=GYRO_TOLERANCE_RADPS)


def test_an_impact_beyond_16_g_reads_as_full_scale_and_not_as_its_opposite() -> None:
    worn = Worn(lambda t_s: ((-400.0, 0.0, 400.0), (50.0, -50.0, 0.0)))
    sample = worn.read_until(worn.open(), 0.3)[-1]
    assert sample.accel_mps2 == pytest.approx((-16 * G0_MPS2, 0.0, 16 * G0_MPS2), abs=0.2)
    assert sample.gyro_radps == pytest.approx((math.radians(1998), -math.radians(1998), 0.0), abs=0.02)


def test_no_sample_is_due_right_after_a_read() -> None:
    worn = Worn()
    imu = worn.open()
    assert imu.read()
    assert imu.read() == []


@pytest.mark.parametrize("rate_hz", [50, 100, 125, 200, 250, 500])
def test_samples_come_at_the_rate_that_was_asked_for(rate_hz: int) -> None:
    worn = Worn(clock_error=0.0)
    imu = worn.open(rate_hz)
    start_s = worn.clock.now_ns() / 1e9
    imu.read()
    assert len(worn.read_until(imu, start_s + 2.0)) == pytest.approx(2 * rate_hz, abs=rate_hz * 0.02)
    assert imu.measured_hz == pytest.approx(rate_hz, rel=0.01)


@pytest.mark.parametrize("rate_hz", [0, -100, 49, 60, 99, 300, 501, 1000])
def test_a_rate_that_the_chip_or_the_bus_cannot_keep_is_refused(rate_hz: int) -> None:
    with pytest.raises(ValueError, match=f"rate_hz is {rate_hz}, expected one of 50, 100"):
        Worn().open(rate_hz)


@settings(deadline=None)
@given(backlog_s=st.floats(0.0, 0.34), clock_error=st.floats(-0.05, 0.05))
def test_a_backlog_of_any_size_is_fetched_whole(backlog_s: float, clock_error: float) -> None:
    worn = Worn(telling_the_time, clock_error=clock_error)
    imu = worn.open()
    first = imu.read()
    worn.clock.sleep(backlog_s)
    second = imu.read()
    due = backlog_s * 100 * (1 + clock_error)
    assert len(second) == pytest.approx(due, abs=1)
    for before, after in itertools.pairwise(first + second):
        step_s = (after.accel_mps2[0] - before.accel_mps2[0]) / 100 % 1
        assert step_s == pytest.approx(0.01 / (1 + clock_error), abs=0.0035), "no sample is missing in between"


# When it was measured


@settings(deadline=None, max_examples=60)
@given(
    clock_error=st.floats(-0.05, 0.05),
    gaps_s=st.lists(st.floats(0.0005, 0.25), min_size=10, max_size=60),
    byte_s=st.sampled_from([0.0, 22.5e-6, 90e-6]),
)
def test_stamps_increase_are_never_in_the_future_and_within_a_period_of_the_truth(
    clock_error: float, gaps_s: list[float], byte_s: float
) -> None:
    worn = Worn(telling_the_time, clock_error=clock_error, byte_s=byte_s)
    imu = worn.open()
    last_ns = 0
    for gap_s in gaps_s:
        worn.clock.sleep(gap_s)
        for sample in imu.read():
            assert last_ns < sample.t_ns <= worn.clock.now_ns()
            assert abs(lateness_s(sample)) < 0.0125 + 0.08 * gap_s  # a period, noise, and an unmeasured rate
            last_ns = sample.t_ns


@pytest.mark.parametrize("clock_error", [-0.05, -0.01, 0.0, 0.008, 0.05])
def test_stamps_do_not_drift_and_settle_to_the_chips_own_rate(clock_error: float) -> None:
    worn = Worn(telling_the_time, clock_error=clock_error)
    imu = worn.open()
    worn.read_until(imu, 2.0)
    samples = worn.read_until(imu, 120.0)
    assert imu.measured_hz == pytest.approx(100 * (1 + clock_error), rel=0.001)
    period_ns = 1e7 / (1 + clock_error)
    assert all(abs(lateness_s(sample)) < 0.0125 for sample in samples)
    steps_ns = [b.t_ns - a.t_ns for a, b in itertools.pairwise(samples)]
    assert min(steps_ns) > 0.8 * period_ns
    assert max(steps_ns) < 1.2 * period_ns


def test_the_delay_of_the_chips_filter_is_taken_off() -> None:
    worn = Worn(telling_the_time, clock_error=0.0)
    imu = worn.open()
    worn.clock.sleep(0.02)
    newest = imu.read()[-1]
    assert worn.clock.now_ns() - newest.t_ns == pytest.approx(MPU6050.filter_delay_ns, abs=1_000)
    assert lateness_s(newest) == pytest.approx(0, abs=0.0015)


def test_after_samples_were_lost_stamps_go_on_increasing_and_are_right_again() -> None:
    worn = Worn(telling_the_time)
    imu = worn.open()
    last = imu.read()[-1]
    worn.clock.sleep(2.0)
    with pytest.raises(Overflow):
        imu.read()
    samples = worn.read_until(imu, 4.0)
    assert samples[0].t_ns - last.t_ns > 2e9
    assert all(abs(lateness_s(sample)) < 0.0125 for sample in samples)


# What may go wrong in the FIFO


def test_a_fifo_that_ran_over_is_an_error_and_then_whole_frames_again() -> None:
    worn = Worn(lambda t_s: ((1.0, 2.0, G0_MPS2), (0.1, 0.2, 0.3)))
    imu = worn.open()
    worn.clock.sleep(0.9)
    with pytest.raises(
        Overflow, match=r"its FIFO held 85 frames of 12 bytes and 4 bytes more.*trusted with 37.*every 0.1 s"
    ):
        imu.read()
    for sample in worn.read_until(imu, 2.0):
        assert sample.accel_mps2 == pytest.approx((1.0, 2.0, G0_MPS2), abs=ACCEL_TOLERANCE_MPS2)


def test_an_overflow_during_the_burst_is_seen_after_it() -> None:
    worn = Worn()
    bus = Meddler(worn)
    imu = open_mpu(bus, worn.clock)
    worn.clock.sleep(0.1)
    bus.meddle = lambda register, answer: b"\x11" if register == 0x3A else answer
    with pytest.raises(Overflow):
        imu.read()


@given(extra=st.integers(1, 11))
@settings(deadline=None)
def test_a_count_caught_in_the_middle_of_a_frame_loses_and_shifts_nothing(extra: int) -> None:
    worn = Worn(lambda t_s: ((1.0, 2.0, G0_MPS2), (0.1, 0.2, 0.3)), clock_error=0.0)
    bus = Meddler(worn)
    imu = open_mpu(bus, worn.clock)
    imu.read()
    odd_once = iter([extra])

    def odd(register: int, answer: bytes) -> bytes:
        more = next(odd_once, 0) if register == 0x72 else 0
        return (int.from_bytes(answer, "big") + more).to_bytes(len(answer), "big") if more else answer

    bus.meddle = odd
    worn.clock.sleep(0.1)
    samples = imu.read() + worn.read_until(imu, 1.0)
    assert next(odd_once, None) is None
    assert len(samples) == pytest.approx(75, abs=2)
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx((1.0, 2.0, G0_MPS2), abs=ACCEL_TOLERANCE_MPS2)


def test_frames_that_lost_their_alignment_for_good_are_an_error_and_then_aligned_again() -> None:
    worn = Worn(lambda t_s: ((1.0, 2.0, G0_MPS2), (0.1, 0.2, 0.3)))
    bus = worn.bus()
    imu = open_mpu(bus, worn.clock)
    worn.clock.sleep(0.1)
    bus.read(0x68, 0x74, 5)  # somebody else takes five bytes
    with pytest.raises(Overflow, match=r"held \d+ frames of 12 bytes and 7 bytes more"):
        imu.read()
    for sample in worn.read_until(imu, 1.0):
        assert sample.accel_mps2 == pytest.approx((1.0, 2.0, G0_MPS2), abs=ACCEL_TOLERANCE_MPS2)


def test_a_burst_that_breaks_off_does_not_shift_the_frames_after_it() -> None:
    worn = Worn(lambda t_s: ((1.0, 2.0, G0_MPS2), (0.1, 0.2, 0.3)))
    bus = Meddler(worn)
    imu = open_mpu(bus, worn.clock)

    def break_off(register: int, answer: bytes) -> bytes:
        if register == 0x74:
            raise BusError("I2C bus 1: a transfer with 0x68 broke off")
        return answer

    worn.clock.sleep(0.1)
    bus.meddle = break_off
    with pytest.raises(BusError, match="broke off"):
        imu.read()
    bus.meddle = lambda register, answer: answer
    bus.read(0x68, 0x74, 7)  # as far as that burst had come
    samples = worn.read_until(imu, 1.0)
    assert len(samples) > 50
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx((1.0, 2.0, G0_MPS2), abs=ACCEL_TOLERANCE_MPS2)


def test_an_impossible_count_is_blamed_on_the_bus() -> None:
    worn = Worn()
    bus = Meddler(worn)
    imu = open_mpu(bus, worn.clock)
    bus.meddle = lambda register, answer: b"\xff\xff" if register == 0x72 else answer
    with pytest.raises(BusError, match="FIFO_COUNT is 65535, and the FIFO holds 1024 bytes"):
        imu.read()


def test_a_bus_at_100_khz_is_never_too_slow_for_a_nearly_full_fifo() -> None:
    worn = Worn(byte_s=90e-6)
    imu = worn.open()
    worn.clock.sleep(0.29)
    assert len(imu.read()) == pytest.approx(34, abs=2)
    assert worn.read_until(imu, 3.0)
