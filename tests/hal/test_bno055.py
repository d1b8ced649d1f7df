"""The BNO055 driver that ships, on a simulated chip below it: what it measures, when, and that it is never old."""

import itertools
import math

import pytest
from bno055_rig import ADDRESS, G0_MPS2, Meddler, Worn, standing, telling_the_time
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hal.config import ImuConfig
from hal.errors import NoData, Overflow
from hal.imu.find import make_imu
from hal.imu.mounting import Mounting, square_mountings
from hal.samples import ImuSample, Vector

ACC_LSB_MPS2 = {8: 8 * G0_MPS2 / 8192, 16: 16 * G0_MPS2 / 8192}  # 14 bits; the registers' unit of 0.01 is smaller
GYR_LSB_RADPS = math.radians(1 / 16)
AGE_S = {100: 1 / 125, 200: 1 / 250}  # how old a reading can be: the accelerometer's own period


def mountings() -> st.SearchStrategy[Mounting]:
    return st.sampled_from(square_mountings())


def vectors(limit: float) -> st.SearchStrategy[Vector]:
    component = st.floats(-limit, limit)
    return st.tuples(component, component, component)


def lateness_s(sample: ImuSample) -> float:
    """How much later the sample's stamp is than the motion it measured."""
    return (sample.t_ns / 1e9 - sample.accel_mps2[0] / 100 + 0.5) % 1 - 0.5


# What is measured


@settings(deadline=None)
@given(
    range_g=st.sampled_from([8, 16]),
    rate_hz=st.sampled_from([100, 200]),
    accel_g=vectors(0.99),
    gyro_radps=vectors(math.radians(1990)),
    mounting=mountings(),
)
def test_any_motion_within_range_is_measured_to_one_lsb_in_any_mounting(
    range_g: int, rate_hz: int, accel_g: Vector, gyro_radps: Vector, mounting: Mounting
) -> None:
    x, y, z = (share * range_g * G0_MPS2 for share in accel_g)
    assume(max(abs(x), abs(y), abs(z)) > ACC_LSB_MPS2[range_g])  # all words 0 is what it reads in CONFIGMODE
    worn = Worn(lambda t_s: ((x, y, z), gyro_radps), mounting=mounting, noise=0.0)
    samples = worn.open(rate_hz=rate_hz, accel_range_g=range_g).read()
    assert samples
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx((x, y, z), abs=ACC_LSB_MPS2[range_g])
        assert sample.gyro_radps == pytest.approx(gyro_radps, abs=GYR_LSB_RADPS)
        assert not sample.saturated


@settings(deadline=None)
@given(
    range_g=st.sampled_from([8, 16]),
    rate_hz=st.sampled_from([100, 200]),
    axis=st.integers(0, 5),
    beyond=st.floats(1.01, 5.0) | st.floats(-5.0, -1.01),
    mounting=mountings(),
)
def test_what_exceeds_the_range_is_flagged_and_reads_as_its_end(
    range_g: int, rate_hz: int, axis: int, beyond: float, mounting: Mounting
) -> None:
    full_scale = range_g * G0_MPS2 if axis < 3 else math.radians(2000)
    values = [0.0, 0.0, G0_MPS2, 0.0, 0.0, 0.0]
    values[axis] = beyond * full_scale
    motion = (values[0], values[1], values[2]), (values[3], values[4], values[5])
    worn = Worn(lambda t_s: motion, mounting=mounting, noise=0.0)
    samples = worn.open(rate_hz=rate_hz, accel_range_g=range_g).read()
    assert samples
    for sample in samples:
        assert sample.saturated
        measured = (*sample.accel_mps2, *sample.gyro_radps)[axis]
        assert measured == pytest.approx(math.copysign(full_scale, beyond), rel=0.002)


def test_its_gyroscope_measures_2000_degrees_a_second_also_where_1000_would_do() -> None:
    worn = Worn(lambda t_s: ((0.0, 0.0, G0_MPS2), (math.radians(1500), 0.0, 0.0)))
    imu = make_imu(ImuConfig(model="bno055", gyro_range_dps=1000), worn.bus(), worn.clock)
    for sample in imu.read():
        assert math.degrees(sample.gyro_radps[0]) == pytest.approx(1500, abs=2)
        assert not sample.saturated


def test_its_noise_at_rest_is_that_of_its_data_sheet() -> None:
    worn = Worn()
    imu = worn.open()
    samples = worn.read_for(imu, 10.0)
    rms_mps2 = math.sqrt(sum(sample.accel_mps2[0] ** 2 for sample in samples) / len(samples))
    rms_radps = math.sqrt(sum(sample.gyro_radps[0] ** 2 for sample in samples) / len(samples))
    root_hz = math.sqrt(imu.info.bandwidth_hz * math.pi / 2)
    assert rms_mps2 == pytest.approx(imu.info.accel_noise_mps2_rthz * root_hz, rel=0.15)
    assert rms_radps <= imu.info.gyro_noise_radps_rthz * root_hz


def test_the_chips_temperature_is_read_below_zero_too() -> None:
    for temperature_c in (-40.0, -1.0, 0.0, 37.0, 85.0):
        worn = Worn(temperature_c=temperature_c)
        assert worn.open().temperature_c() == temperature_c


# When it is measured


@pytest.mark.parametrize("rate_hz", [100, 200])
@pytest.mark.parametrize("byte_s", [0.0, 22.5e-6, 90e-6])
def test_a_punctual_guard_gets_the_rate_that_was_asked_for(rate_hz: int, byte_s: float) -> None:
    worn = Worn(byte_s=byte_s)
    imu = worn.open(rate_hz=rate_hz)
    assert imu.info.output_hz == rate_hz
    samples = worn.read_for(imu, 3.0)
    assert len(samples) == pytest.approx(3 * rate_hz, abs=4)
    assert imu.measured_hz == pytest.approx(rate_hz, rel=0.03)


def test_nothing_is_due_right_after_a_read_and_the_call_does_not_wait() -> None:
    worn = Worn()
    imu = worn.open()
    assert imu.read()
    before_ns = worn.clock.now_ns()
    assert imu.read() == []
    assert worn.clock.now_ns() == before_ns


@settings(deadline=None, max_examples=60)
@given(
    rate_hz=st.sampled_from([100, 200]),
    clock_error=st.floats(-0.05, 0.05),
    late_s=st.lists(st.floats(0.0, 0.06), min_size=10, max_size=40),
    byte_s=st.sampled_from([0.0, 22.5e-6, 90e-6]),
)
def test_stamps_increase_are_never_in_the_future_and_within_a_period_of_the_truth(
    rate_hz: int, clock_error: float, late_s: list[float], byte_s: float
) -> None:
    worn = Worn(telling_the_time, clock_error=clock_error, byte_s=byte_s, noise=0.1)
    imu = worn.open(rate_hz=rate_hz)
    last_ns = 0
    for delay_s in late_s:
        worn.clock.sleep(delay_s)
        for sample in imu.read():
            assert last_ns < sample.t_ns <= worn.clock.now_ns()
            assert abs(lateness_s(sample)) < 1 / rate_hz
            last_ns = sample.t_ns


@pytest.mark.parametrize("rate_hz", [100, 200])
@pytest.mark.parametrize("clock_error", [-0.05, 0.0, 0.05])
def test_no_reading_is_taken_for_a_new_one_twice(rate_hz: int, clock_error: float) -> None:
    worn = Worn(telling_the_time, clock_error=clock_error, noise=0.0)
    samples = worn.read_for(worn.open(rate_hz=rate_hz), 5.0)
    assert len(samples) == 5 * rate_hz
    assert all(before.accel_mps2 != after.accel_mps2 for before, after in itertools.pairwise(samples))


def test_a_reading_met_twice_is_given_once() -> None:
    worn = Worn()
    bus = Meddler(worn)
    imu = worn.open(bus=bus)
    kept: list[bytes] = []

    def every_fifth_again(register: int, answer: bytes) -> bytes:
        if register != 0x07:
            return answer
        kept.append(kept[-1] if kept and len(kept) % 5 == 0 else answer)
        return kept[-1]

    bus.meddle = every_fifth_again
    samples = worn.read_for(imu, 2.0)
    assert len(samples) == pytest.approx(160, abs=2)
    assert all((a.accel_mps2, a.gyro_radps) != (b.accel_mps2, b.gyro_radps) for a, b in itertools.pairwise(samples))


def test_who_does_not_read_it_for_a_tenth_of_a_second_is_told_that_a_motion_may_be_missing() -> None:
    worn = Worn()
    imu = worn.open()
    last_ns = imu.read()[-1].t_ns
    worn.clock.sleep(0.2)
    with pytest.raises(Overflow, match=r"IMU at 0x28: nobody read it for 0.20 s, .* must be read every 0.02 s"):
        imu.read()
    samples = imu.read()
    assert len(samples) == 2
    assert samples[0].t_ns > last_ns


# Self-test


@pytest.mark.parametrize(
    ("broken", "failed"),
    [
        ((), set()),
        ((0,), {"accelerometer"}),
        ((1,), {"accelerometer"}),
        ((2,), {"accelerometer"}),
        ((3,), {"gyroscope"}),
        ((4,), {"gyroscope"}),
        ((5,), {"gyroscope"}),
        ((1, 4), {"accelerometer", "gyroscope"}),
    ],
)
def test_the_self_test_names_the_sensor_that_fails_it_and_measuring_goes_on(
    broken: tuple[int, ...], failed: set[str]
) -> None:
    worn = Worn(broken_axes=broken)
    imu = worn.open()
    results = imu.self_test()
    assert {result.axis for result in results} == {"accelerometer", "gyroscope"}
    assert {result.axis for result in results if not result.passed} == failed
    assert len(worn.read_for(imu, 1.0)) == 100


def test_a_self_test_that_never_ends_is_an_error_after_a_second() -> None:
    worn = Worn(standing)
    bus = Meddler(worn)
    imu = worn.open(bus=bus)
    bus.meddle = lambda register, answer: b"\x04" if (register, len(answer)) == (0x39, 1) else answer
    before_ns = worn.clock.now_ns()
    with pytest.raises(NoData, match="self-test has not ended after 1 s"):
        imu.self_test()
    assert worn.clock.now_ns() - before_ns < 2e9
    bus.meddle = lambda register, answer: answer
    assert worn.read_for(imu, 0.1)


def test_the_model_is_opened_by_its_name_at_its_usual_address() -> None:
    worn = Worn()
    info = make_imu(ImuConfig(model="bno055"), worn.bus(), worn.clock).info
    assert (info.model, info.address) == ("BNO055", ADDRESS)
