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
    """The nearest rate to it that is a whole share of the recording's own."""
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


def at_240_hz(trial: Trial) -> Trial:
    """As a faster sensor would give it, without anything between the samples that were recorded."""
    gyro, count = trial.gyro_radps, len(trial.accel_mps2)
    at = np.arange(0.0, count - 1, trial.fs_hz / 240.0) if count > 1 else np.zeros(1)
    return replace(
        trial,
        fs_hz=240.0,
        accel_mps2=_interpolated(trial.accel_mps2, at),
        gyro_radps=None if gyro is None else _interpolated(gyro, at),
    )


def _interpolated(values: Array, at: Array) -> Array:
    places = np.arange(len(values))
    return np.stack([np.interp(at, places, axis) for axis in values.T], axis=1)


def gain_high(trial: Trial) -> Trial:
    return replace(trial, accel_mps2=trial.accel_mps2 * 1.05)


def gain_low(trial: Trial) -> Trial:
    return replace(trial, accel_mps2=trial.accel_mps2 * 0.95)


def with_offsets(trial: Trial) -> Trial:
    """An uncalibrated sensor; the data sheet of the MPU-6050 allows 0.05 to 0.08 g and 20 deg/s at rest."""
    gyro = trial.gyro_radps
    offset_radps = np.radians([3.0, -3.0, 3.0])
    return replace(
        trial,
        accel_mps2=trial.accel_mps2 + np.array([0.4, -0.4, 0.6]),
        gyro_radps=None if gyro is None else gyro + offset_radps,
    )


def coarse(trial: Trial) -> Trial:
    """Ten bits for 16 g and 2000 deg/s, as old loggers keep: a sensor at rest repeats itself."""
    accel_step, gyro_step = 32.0 * G0_MPS2 / 1024.0, math.radians(4000.0 / 1024.0)
    gyro = trial.gyro_radps
    return replace(
        trial,
        accel_mps2=np.round(trial.accel_mps2 / accel_step) * accel_step,
        gyro_radps=None if gyro is None else np.round(gyro / gyro_step) * gyro_step,
    )


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
    "at 240 Hz": at_240_hz,
    "accelerations 5 % too large": gain_high,
    "accelerations 5 % too small": gain_low,
    "offsets of 0.05 g and 3 deg/s": with_offsets,
    "resolution of 10 bits": coarse,
    "without a gyroscope": without_gyroscope,
    "walking, backward in time": walked_backward_in_time,
}
