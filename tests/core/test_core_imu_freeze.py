"""One half of the motion sensor can freeze while the other one lives."""

import pytest

from firmware.core.detectors.imu_check import ImuCheck, ImuCheckConfig
from hal.samples import ImuSample


def reasons(accel_moves: bool, gyro_moves: bool, seconds: float) -> list[str]:
    check = ImuCheck(ImuCheckConfig(rate_hz=100.0))
    said = []
    for i in range(round(seconds * 100)):
        shake = 0.01 * (i % 7)
        accel = (shake if accel_moves else 0.0, 0.0, 9.81)
        gyro = (0.0, shake if gyro_moves else 0.0, 0.1)
        said.append(check.judge(i * 10**7, ImuSample(i * 10**7, accel, gyro)))
    return [reason for reason in said if reason]


@pytest.mark.parametrize(
    ("accel_moves", "gyro_moves", "within_s", "what"),
    [(False, True, 0.25, "equal accelerations"), (True, False, 2.5, "equal angular rates")],
)
def test_half_that_freezes_is_a_fault(accel_moves: bool, gyro_moves: bool, within_s: float, what: str) -> None:
    assert what in reasons(accel_moves, gyro_moves, within_s)[0]


def test_sensor_that_lives_is_none() -> None:
    assert reasons(True, True, 10.0) == []
