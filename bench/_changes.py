"""What a recording would have been with the device sitting otherwise, or with a poorer sensor."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from firmware.evaluation.dataset import Array, Trial

G0_MPS2 = 9.80665
WALKING = ("walk", "walk_fast", "walk_pd", "stairs")


def _turned(trial: Trial, axis: int, angle_deg: float) -> Trial:
    """About one body axis: 0 forward, 1 left, 2 up."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    matrix = np.eye(3)
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix[a, a], matrix[a, b], matrix[b, a], matrix[b, b] = c, -s, s, c
    gyro = trial.gyro_radps
    return replace(trial, accel_mps2=trial.accel_mps2 @ matrix.T, gyro_radps=None if gyro is None else gyro @ matrix.T)


def tilted_forward(trial: Trial) -> Trial:
    """Up lies behind the sensor then, so at rest it reads less than 0 forward."""
    return _turned(trial, 1, -30.0)


def tilted_backward(trial: Trial) -> Trial:
    return _turned(trial, 1, 30.0)


def tilted_sideways(trial: Trial) -> Trial:
    return _turned(trial, 0, 30.0)


def turned_about_the_vertical(trial: Trial) -> Trial:
    return _turned(trial, 2, 30.0)


def upside_down(trial: Trial) -> Trial:
    return _turned(trial, 0, 180.0)


def at_20_hz(trial: Trial) -> Trial:
    together = max(1, round(trial.fs_hz / 20.0))
    gyro = trial.gyro_radps
    return replace(
        trial,
        fs_hz=trial.fs_hz / together,
        accel_mps2=_averaged(trial.accel_mps2, together),
        gyro_radps=None if gyro is None else _averaged(gyro, together),
    )


def _averaged(values: Array, together: int) -> Array:
    count = len(values) // together
    means: Array = values[: count * together].reshape(count, together, 3).mean(axis=1)
    return means


def clipped(trial: Trial) -> Trial:
    """The ranges that an MPU-6050 wakes up with: 2 g and 250 deg/s."""
    limit_mps2, limit_radps = 2.0 * G0_MPS2, math.radians(250.0)
    gyro = trial.gyro_radps
    return replace(
        trial,
        accel_mps2=np.clip(trial.accel_mps2, -limit_mps2, limit_mps2),
        gyro_radps=None if gyro is None else np.clip(gyro, -limit_radps, limit_radps),
    )


def at_20_hz_clipped(trial: Trial) -> Trial:
    return clipped(at_20_hz(trial))


def without_gyroscope(trial: Trial) -> Trial:
    return replace(trial, gyro_radps=None)


def walked_backward_in_time(trial: Trial) -> Trial | None:
    """For p(t) played as p(-t) acceleration keeps its sign and angular rate changes it. Only walking and stairs."""
    if trial.label.is_fall or trial.label.kind not in WALKING:
        return None
    gyro = trial.gyro_radps
    return replace(trial, accel_mps2=trial.accel_mps2[::-1], gyro_radps=None if gyro is None else -gyro[::-1])


CHANGES: dict[str, Callable[[Trial], Trial | None]] = {
    "tilted 30 deg forward": tilted_forward,
    "tilted 30 deg backward": tilted_backward,
    "tilted 30 deg sideways": tilted_sideways,
    "turned 30 deg about the vertical": turned_about_the_vertical,
    "upside down, not calibrated": upside_down,
    "at 20 Hz": at_20_hz,
    "clipped at 2 g and 250 deg/s": clipped,
    "at 20 Hz, clipped": at_20_hz_clipped,
    "without a gyroscope": without_gyroscope,
    "walking, backward in time": walked_backward_in_time,
}
