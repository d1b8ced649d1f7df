"""Small sets of made-up people, written as the real ones are."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

G0_MPS2 = 9.80665
FS_HZ = 50.0
ACC_LSB, GYR_LSB = 0.002, 0.0005
SWAY_RADPS = 0.012
Motion = tuple[np.ndarray, np.ndarray]


def _noise(count: int, seed: int) -> Motion:
    dice = np.random.RandomState(seed)
    return dice.normal(0, 0.03, (count, 3)), dice.normal(0, 0.003, (count, 3))


def standing(seconds: float, fs_hz: float = FS_HZ, seed: int = 1) -> Motion:
    """With a sway of 0.1 degrees once a second: somebody, not a thing."""
    accel, gyro = _noise(round(seconds * fs_hz), seed)
    phase = 2 * math.pi * np.arange(len(accel)) / fs_hz
    accel[:, 2] += G0_MPS2
    accel[:, 0] -= G0_MPS2 * SWAY_RADPS / (2 * math.pi) * np.sin(phase)
    gyro[:, 1] += SWAY_RADPS * np.cos(phase)
    return accel, gyro


def falling(
    before_s: float = 2.0, after_s: float = 4.0, fs_hz: float = FS_HZ, *, sign: float = -1.0, seed: int = 2
) -> tuple[Motion, int, int]:
    """Stands, tips over backward (`sign` -1) in 0.6 s, hits the floor, lies; with the samples of onset and impact."""
    onset, impact = round(before_s * fs_hz), round((before_s + 0.6) * fs_hz)
    accel, gyro = _noise(impact + round(after_s * fs_hz), seed)
    angle = np.concatenate(
        [np.zeros(onset), np.linspace(0, math.pi / 2, impact - onset), np.full(len(accel) - impact, math.pi / 2)]
    )
    size = np.full(len(accel), G0_MPS2)
    size[onset:impact] *= 0.5
    size[impact : impact + max(2, round(0.06 * fs_hz))] = 5.0 * G0_MPS2
    # Leaning backward, the front of the sensor looks up: it feels gravity forward.
    accel[:, 0] += -sign * np.sin(angle) * size
    accel[:, 2] += np.cos(angle) * size
    gyro[onset:impact, 1] += sign * (math.pi / 2) / 0.6
    return (accel, gyro), onset, impact


@dataclass(slots=True)
class Made:
    """One trial of a made-up person."""

    motion: Motion
    kind: str
    is_fall: bool = False
    direction: str = ""
    onset: int = -1
    impact: int = -1


def a_fall(direction: str = "backward", *, labelled: bool = True, **how: Any) -> Made:
    motion, onset, impact = falling(**how)
    return Made(motion, "fall", True, direction, onset if labelled else -1, impact)


def write_person(
    path: Path,
    trials: list[Made],
    *,
    fs_hz: float = FS_HZ,
    gyroscope: bool = True,
    without: tuple[str, ...] = (),
    **more: Any,
) -> Path:
    """`more` replaces or adds keys, `without` leaves some away."""
    accel = np.concatenate([trial.motion[0] for trial in trials]) if trials else np.zeros((0, 3))
    gyro = np.concatenate([trial.motion[1] for trial in trials]) if trials else np.zeros((0, 3))
    name = path.stem
    arrays: dict[str, Any] = {
        "acc": np.clip(np.round(accel.T / ACC_LSB), -32768, 32767).astype(np.int16),
        "gyr": np.round(gyro.T / GYR_LSB).astype(np.int16) if gyroscope else np.zeros((3, 0), np.int16),
        "acc_lsb": ACC_LSB,
        "gyr_lsb": GYR_LSB,
        "fs": fs_hz,
        "start": np.cumsum([0, *(len(trial.motion[0]) for trial in trials)]),
        "trial": np.array([f"{name}_{i:02d}" for i in range(len(trials))]),
        "activity": np.array([f"X{i:02d}" for i in range(len(trials))]),
        "kind": np.array([trial.kind for trial in trials]),
        "is_fall": np.array([trial.is_fall for trial in trials], bool),
        "direction": np.array([trial.direction for trial in trials]),
        "onset": np.array([trial.onset for trial in trials], np.int32),
        "impact": np.array([trial.impact for trial in trials], np.int32),
        "dataset": path.parent.name,
        "subject": name,
        "age": 25.0,
        **more,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **{key: value for key, value in arrays.items() if key not in without})
    return path


def write_sets(folder: Path) -> Path:
    """Two sets: two falls backward, one forward, a slump without an impact; standing, walking and a jump."""
    (slump_accel, slump_gyro), onset, impact = falling()
    slump_accel = slump_accel / np.linalg.norm(slump_accel, axis=1, keepdims=True) * G0_MPS2
    jump = standing(4.0, 20.0)
    jump[0][40:42] *= 4.0
    write_person(
        folder / "alpha" / "P01.npz",
        [a_fall(), a_fall("forward", sign=1.0), a_fall(labelled=False), Made(standing(6.0), "stand")],
    )
    write_person(
        folder / "beta" / "Q01.npz",
        [
            Made((slump_accel[::5], slump_gyro[::5]), "fall", True, "vertical", onset // 5, impact // 5),
            Made(standing(6.0, 20.0), "walk"),
            Made(jump, "jump"),
        ],
        age=math.nan,
        fs_hz=20.0,
    )
    return folder
