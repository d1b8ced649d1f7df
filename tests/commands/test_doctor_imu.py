"""What doctor makes of a motion sensor's samples: noise, gravity, a hand that holds it, and its own test."""

import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.doctor import examined

from firmware.commands.checks import imu
from firmware.commands.checks.check import Check
from firmware.commands.checks.imu import judge, measure
from firmware.commands.checks.mounting import mounting
from firmware.commands.checks.noise import roughness
from firmware.commands.checks.probe import Try
from firmware.config import Config, PathsConfig
from firmware.core.detectors.mounting_check import MountingCheckConfig
from firmware.mounting import FILE, StoredMounting, keep, mounted
from hal.config import BoardConfig, ImuConfig, ImuModel
from hal.errors import BusError
from hal.imu.imu import AxisTest, ImuInfo
from hal.samples import ImuSample, Vector

G0_MPS2 = 9.80665
INFO = ImuInfo("MPU-6050", 0x68, 100.0, 44.0, 400e-6 * G0_MPS2, math.radians(0.005))
WIRES = "header pins: SDA 3 (GPIO 2)"
Motion = Callable[[float], tuple[Vector, Vector]]


def at_rest(t_s: float) -> tuple[Vector, Vector]:
    return (0.0, 0.0, G0_MPS2), (0.0, 0.0, 0.0)


def held_in_a_hand(t_s: float) -> tuple[Vector, Vector]:
    """Physiological tremor: 9 Hz, 0.1 m/s² and 2 °/s, above a slow drift."""
    tremor, drift = math.sin(math.tau * 9 * t_s), math.sin(math.tau * 0.7 * t_s)
    return (0.3 * drift, 0.1 * tremor, G0_MPS2 + 0.1 * tremor), (0.035 * tremor, 0.05 * drift, 0.0)


def readings(
    motion: Motion = at_rest, *, noise: float = 1.0, rate_hz: float = 100.0, seconds: float = 1.0, info: ImuInfo = INFO
) -> list[Try[list[ImuSample]]]:
    """Bursts of two samples, with so many times the data sheet's noise behind a first-order filter."""
    chance, root_hz = random.Random(0), math.sqrt(info.bandwidth_hz * math.pi / 2)
    accel, gyro = info.accel_noise_mps2_rthz * root_hz * noise, info.gyro_noise_radps_rthz * root_hz * noise

    def sample(i: int) -> ImuSample:
        force, turn = motion(i / rate_hz)
        return ImuSample(round(i / rate_hz * 1e9), noisy(force, accel), noisy(turn, gyro))

    def noisy(vector: Vector, rms: float) -> Vector:
        x, y, z = (value + rms * chance.gauss(0, 1) for value in vector)
        return (x, y, z)

    count = round(seconds * rate_hz)
    return [Try(round((i + 1) / rate_hz * 1e9), [sample(i), sample(i + 1)]) for i in range(0, count, 2)]


def judged(tries: list[Try[list[ImuSample]]], info: ImuInfo = INFO) -> Check:
    return judge(tries, [sample for item in tries for sample in item.value or ()], info, WIRES)


def test_a_sensor_at_rest_is_found_with_its_figures() -> None:
    check = judged(readings())
    assert check.status == "ok"
    assert check.detail.startswith("found: MPU-6050 at 0x68, 100 Hz, gravity 9.80 m/s², noise 1.")


def test_a_calm_hand_is_still_enough_and_its_tremor_is_no_noise_of_the_sensor() -> None:
    check = judged(readings(held_in_a_hand))
    assert check.status == "ok"
    tries = readings(held_in_a_hand)
    measured = measure(tries, [sample for item in tries for sample in item.value or ()], INFO)
    assert measured.accel_noise < 1.5
    assert measured.gyro_noise < 2.5


def test_a_sensor_that_is_moved_is_found_but_its_gravity_and_noise_are_not_judged() -> None:
    check = judged(readings(lambda t_s: ((0.0, 0.0, G0_MPS2), (1.0 * math.sin(math.tau * t_s), 0.0, 0.0))))
    assert (check.status, "moving" in check.detail) == ("warn", True)
    assert "turning by less than 20°/s" in check.hint


@given(times=st.floats(0.2, 2.0), accel=st.floats(5e-4, 1e-2), rate_hz=st.sampled_from([100.0, 200.0]))
def test_noise_is_measured_in_units_of_the_data_sheet(times: float, accel: float, rate_hz: float) -> None:
    info = ImuInfo("X", 0x68, rate_hz, 44.0, accel, 1e-4)
    tries = readings(noise=times, rate_hz=rate_hz, seconds=2.0, info=info)
    measured = measure(tries, [sample for item in tries for sample in item.value or ()], info)
    assert measured.accel_noise == pytest.approx(times, rel=0.35)
    assert measured.gyro_noise == pytest.approx(times, rel=0.35)


@pytest.mark.parametrize(("noise", "status"), [(2.0, "ok"), (5.0, "warn"), (15.0, "fail")])
def test_a_noisy_sensor_is_called_noisy(noise: float, status: str) -> None:
    check = judged(readings(noise=noise))
    assert check.status == status
    assert check.detail.startswith("found: " if status == "ok" else "found, noisy: ")


@pytest.mark.parametrize("g_mps2", [0.0, 8.5, 11.0, 156.9])
def test_wrong_gravity_is_a_wrong_sensor(g_mps2: float) -> None:
    check = judged(readings(lambda t_s: ((0.0, 0.0, g_mps2), (0.0, 0.0, 0.0))))
    assert (check.status, check.detail.startswith("found, wrong: ")) == ("fail", True)
    assert "m/s² at rest, expected 9.81" in check.detail


def test_a_gyroscope_that_turns_at_rest_is_wrong_and_a_usual_bias_is_not() -> None:
    assert judged(readings(lambda t_s: ((0.0, 0.0, G0_MPS2), (0.3, 0.0, 0.0)))).status == "ok"
    check = judged(readings(lambda t_s: ((0.0, 0.0, G0_MPS2), (0.6, 0.0, 0.0))))
    assert (check.status, "turns by 34°/s at rest" in check.detail) == ("fail", True)


def test_numbers_that_repeat_are_a_frozen_sensor() -> None:
    check = judged(readings(noise=0.0))
    assert check.detail == "found, wrong: MPU-6050 at 0x68 repeats the same numbers"


@pytest.mark.parametrize(
    ("axis", "name"), [(0, "accelerometer, forward"), (2, "accelerometer, up"), (4, "gyroscope, left")]
)
def test_one_axis_that_repeats_its_number_is_named_whatever_the_others_do(axis: int, name: str) -> None:
    def frozen(sample: ImuSample) -> ImuSample:
        values = [*sample.accel_mps2, *sample.gyro_radps]
        values[axis] = 9.8 if axis == 2 else 0.1
        return ImuSample(sample.t_ns, (values[0], values[1], values[2]), (values[3], values[4], values[5]))

    check = judged([Try(item.t_ns, [frozen(sample) for sample in item.value or ()]) for item in readings()])
    assert check.status == "fail"
    assert check.detail == f"found, wrong: MPU-6050 at 0x68 gives the same number all the time on {name}"


@pytest.mark.parametrize(("rate_hz", "status"), [(95.0, "ok"), (105.0, "ok"), (80.0, "fail"), (125.0, "fail")])
def test_a_clock_may_be_off_by_some_per_cent_and_no_more(rate_hz: float, status: str) -> None:
    assert judged(readings(rate_hz=rate_hz)).status == status


def test_a_lost_reading_is_told_without_failing() -> None:
    tries = readings()
    tries.insert(20, Try(tries[20].t_ns, None, BusError("I2C bus 1: no answer at 0x68; check its wiring")))
    check = judged(tries)
    assert (check.status, "(1 of 51 tries failed)" in check.detail) == ("warn", True)
    assert check.detail.startswith("found, noisy: ")


def test_samples_that_hardly_come_are_wrong() -> None:
    assert judged(readings(seconds=0.1)).detail.startswith("found, wrong: MPU-6050 at 0x68 gave 10 samples")


@given(st.lists(st.floats(-10, 10), min_size=4, max_size=30), st.floats(-5, 5), st.floats(-5, 5))
def test_what_changes_evenly_is_not_rough(series: list[float], start: float, slope: float) -> None:
    on_a_slope = [value + start + slope * i for i, value in enumerate(series)]
    assert roughness(on_a_slope, 3) == pytest.approx(roughness(series, 3), abs=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_roughness_of_white_noise_is_its_standard_deviation(order: int) -> None:
    chance = random.Random(1)
    assert roughness([chance.gauss(0, 2.0) for _ in range(20_000)], order) == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize("model", ["mpu6050", "mpu6500", "mpu9250", "icm20948", "lsm6dsox", "bno055"])
@pytest.mark.parametrize("rate_hz", [100, 200])
def test_every_model_at_rest_is_well_and_passes_its_own_test(model: ImuModel, rate_hz: int) -> None:
    check = examined(BoardConfig(imu=ImuConfig(model=model, rate_hz=rate_hz)), self_test=True)[0]["imu"]
    assert (check.status, "self-test passed" in check.detail) == ("ok", True), check


class SelfTesting:
    """Of a motion sensor only its own test."""

    def __init__(self, outcome: list[AxisTest] | BusError) -> None:
        self._outcome = outcome

    def self_test(self) -> list[AxisTest]:
        if isinstance(self._outcome, BusError):
            raise self._outcome
        return self._outcome


def test_an_axis_that_fails_its_own_test_is_named_with_what_was_expected() -> None:
    good, bad = AxisTest("accel x", 100.0, 50.0, 150.0, "%"), AxisTest("gyro z", 3.0, 50.0, 150.0, "%")
    check = imu._self_tested(SelfTesting([good, bad]), Check("imu", "ok", "found: it"), WIRES)  # type: ignore[arg-type]
    assert check.detail == "found, wrong: self-test: gyro z answers 3 %, expected 50 to 150"
    check = imu._self_tested(SelfTesting([good]), Check("imu", "ok", "found: it"), WIRES)  # type: ignore[arg-type]
    assert check == Check("imu", "ok", "found: it, self-test passed (1 of 1)")


def test_a_test_that_breaks_off_is_a_failure() -> None:
    error = BusError("IMU at 0x68: a transfer broke off; check its wiring")
    check = imu._self_tested(SelfTesting(error), Check("imu", "ok", "found: it"), WIRES)  # type: ignore[arg-type]
    assert (check.status, check.hint) == ("fail", f"check its wiring; {WIRES}")


def test_a_sensor_that_is_not_well_at_rest_is_spared_its_own_test() -> None:
    checks, _ = examined(BoardConfig(), "off:imu@0.5-0.55", self_test=True)
    assert checks["imu"].status == "warn", "a lost reading or two"
    assert checks["imu"].detail.endswith("; self-test left out")


def test_without_being_asked_the_sensor_does_not_test_itself() -> None:
    assert "self-test" not in examined(BoardConfig())[0]["imu"].detail


@pytest.mark.parametrize(
    ("feels", "status", "text"),
    [
        (None, "ok", "+x forward, +y left, +z up (from the configuration)"),
        ((0.0, 1.0, 9.8), "ok", "6° from upright now"),
        ((9.8, 0.0, 0.1), "warn", "89° from upright now"),
        ((0.0, 0.0, -9.8), "warn", "180° from upright now"),
    ],
)
def test_gravity_tells_whether_the_mounting_fits(feels: Vector | None, status: str, text: str) -> None:
    told = ["mounting: +x forward, +y left, +z up (from the configuration)"]
    check = mounting(told, feels, MountingCheckConfig())
    assert (check.status, text in check.detail) == (status, True)
    assert ("rearguard calibrate" in check.hint) is (status == "warn")


@pytest.mark.parametrize("damage", ["forward = 3", "", "\xff"])
def test_a_kept_mounting_that_cannot_be_used_is_told_with_the_one_that_is(tmp_path: Path, damage: str) -> None:
    (tmp_path / FILE).write_text(damage, encoding="latin-1")
    told: list[str] = []
    mounted(Config(paths=PathsConfig(state_dir=tmp_path)), told.append)
    check = mounting(told, None, MountingCheckConfig())
    assert check.status == "warn"
    assert "is damaged" in check.detail
    assert check.detail.endswith("+x forward, +y left, +z up (from the configuration)")
    assert "rearguard calibrate" in check.hint


def test_a_kept_mounting_is_named_with_its_day(tmp_path: Path) -> None:
    keep(tmp_path, StoredMounting("+z", "+x", "+y", (0.0, 0.0, 0.0), "MPU-6050", 0x68, "2026-11-20"))
    told: list[str] = []
    mounted(Config(paths=PathsConfig(state_dir=tmp_path)), told.append)
    check = mounting(told, None, MountingCheckConfig())
    assert (check.status, check.detail) == ("ok", "+z forward, +x left, +y up (calibrated on 2026-11-20)")
