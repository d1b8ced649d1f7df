"""Recorded people as the fall detector sees them: trials, worn and measured in many ways, through the shipping core."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.core.estimators.attitude import Attitude, AttitudeConfig
from firmware.core.estimators.fall_features import FallLooks, Look
from firmware.core.estimators.motion import MotionHistory
from firmware.core.estimators.steps import Steps, StepsConfig

Floats = NDArray[np.float64]
G0_MPS2 = 9.80665
WALKS = ("walk", "walk_fast", "walk_pd", "stairs")


@dataclass(frozen=True, slots=True)
class Trial:
    """`acc` and `gyr` shape (n, 3), SI units, body axes; `impact_s` None where nobody falls."""

    dataset: str
    subject: str
    name: str
    kind: str
    direction: str
    fs_hz: float
    acc: Floats
    gyr: Floats  # shape (0, 3) without a gyroscope
    onset_s: float | None
    impact_s: float | None
    backwards: bool = False

    @property
    def fell(self) -> bool:
        return self.impact_s is not None

    @property
    def duration_s(self) -> float:
        return len(self.acc) / self.fs_hz


@dataclass(frozen=True, slots=True)
class Wearing:
    """How the device is worn and what its sensor can do. `turn` is a rotation matrix from body to sensor axes."""

    name: str
    rate_hz: float = math.inf  # at most
    range_g: float = 16.0
    gain: float = 1.0
    turn: tuple[tuple[float, ...], ...] | None = None
    gyroscope: bool = True
    smoothed: bool = True  # low-passed before it is sampled more slowly


def trials(folder: Path, datasets: tuple[str, ...]) -> Iterator[Trial]:
    """Every trial; walks a second time from their end to their start, the proxy for walking backward."""
    for dataset in datasets:
        for path in sorted((folder / dataset).glob("*.npz")):
            yield from _person(dataset, path)


def _person(dataset: str, path: Path) -> Iterator[Trial]:
    with np.load(path, allow_pickle=False) as loaded:
        z: dict[str, Any] = {key: loaded[key] for key in loaded.files}
    fs_hz = float(z["fs"])
    acc = z["acc"].T * float(z["acc_lsb"])
    gyr = z["gyr"].T * float(z["gyr_lsb"])
    for index, (start, end) in enumerate(zip(z["start"][:-1], z["start"][1:], strict=True)):
        fell = bool(z["is_fall"][index]) and int(z["impact"][index]) >= 0
        onset = int(z["onset"][index])
        trial = Trial(
            dataset,
            f"{dataset}/{path.stem}",
            str(z["trial"][index]),
            str(z["kind"][index]),
            str(z["direction"][index]),
            fs_hz,
            acc[start:end],
            gyr[start:end] if len(gyr) else gyr.reshape(0, 3),
            onset / fs_hz if fell and onset >= 0 else None,
            int(z["impact"][index]) / fs_hz if fell else None,
        )
        yield trial
        if trial.kind in WALKS:
            yield replace(
                trial, name=f"{trial.name}<", acc=trial.acc[::-1], gyr=-trial.gyr[::-1], backwards=True
            )


def worn(trial: Trial, wearing: Wearing) -> tuple[Floats, Floats, float]:
    """Acceleration, angular rate (zeros without a gyroscope) and their rate in Hz, as that device would measure."""
    acc = trial.acc * wearing.gain
    gyr = trial.gyr if wearing.gyroscope and len(trial.gyr) else np.zeros_like(trial.acc)
    if wearing.turn is not None:
        turn = np.array(wearing.turn)
        acc, gyr = acc @ turn.T, gyr @ turn.T
    acc = np.clip(acc, -wearing.range_g * G0_MPS2, wearing.range_g * G0_MPS2)
    rate_hz = trial.fs_hz
    if wearing.rate_hz < rate_hz:
        every = trial.fs_hz / wearing.rate_hz
        width = max(1, round(every)) if wearing.smoothed else 1
        acc, gyr = (_smoothed(values, width) for values in (acc, gyr))
        at = np.arange(0, len(acc) - 1, every)
        acc, gyr = (_sampled(values, at) for values in (acc, gyr))
        rate_hz = wearing.rate_hz
    return acc, gyr, rate_hz


def _smoothed(values: Floats, width: int) -> Floats:
    if width <= 1 or len(values) < width:
        return values
    total = np.cumsum(np.vstack([np.zeros((1, 3)), values]), axis=0)
    means: Floats = (total[width:] - total[:-width]) / width
    return np.vstack([means, np.repeat(means[-1:], width - 1, axis=0)])


def _sampled(values: Floats, at: Floats) -> Floats:
    low = at.astype(np.int64)
    share = (at - low)[:, None]
    result: Floats = values[low] * (1 - share) + values[low + 1] * share
    return result


def rotation(axis: Floats, angle_rad: float) -> tuple[tuple[float, ...], ...]:
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix = np.eye(3) + math.sin(angle_rad) * cross + (1 - math.cos(angle_rad)) * (cross @ cross)
    return tuple(tuple(float(v) for v in row) for row in matrix)
