"""Recorded walks with labelled foot contacts, as a sensor of another rate, mounting or direction of time gives them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware.core.moving import Moving

ROOT = Path(__file__).parents[1]
SETS = ("ipol", "mobgap")
HEEL_STRIKE = 0
Array = NDArray[np.float64]


def folder() -> Path | None:
    """Where the recordings are; None where they are not."""
    path = Path(os.environ.get("REARGUARD_DATA") or ROOT.parent / "shared" / "data")
    return path if path.is_dir() else None


@dataclass(frozen=True, slots=True)
class Walk:
    """One trial. `contacts_s` are the labelled contacts of the feet, `bouts_s` from and to of each labelled walk."""

    dataset: str
    subject: str
    trial: str
    fs_hz: float
    accel_mps2: Array  # (n, 3), forward, left, up
    gyro_radps: Array
    contacts_s: Array
    bouts_s: tuple[tuple[float, float], ...]

    @property
    def times_s(self) -> Array:
        times: Array = np.arange(len(self.accel_mps2)) / self.fs_hz
        return times

    @property
    def end_s(self) -> float:
        return (len(self.accel_mps2) - 1) / self.fs_hz

    def labels_fit(self) -> bool:
        """Whether the clocks of labels and sensor agree.

        In some trials of IPOL feet go on for seconds after the trunk stands still, or after the recording's end.
        """
        size = np.linalg.norm(self.accel_mps2, axis=1)
        half = round(self.fs_hz / 4)
        moving = [i for i in range(half, len(size) - half, half // 4) if size[i - half : i + half].std() > 0.5]
        last_s = float(self.contacts_s[-1])
        return last_s <= self.end_s and last_s <= moving[-1] / self.fs_hz + 1.0

    def reversed(self) -> "Walk":
        """Played backward: p(t) -> p(-t) keeps accelerations and turns the rates round."""
        contacts_s = np.sort(self.end_s - self.contacts_s)
        bouts_s = tuple((self.end_s - to_s, self.end_s - from_s) for from_s, to_s in reversed(self.bouts_s))
        accel, gyro = self.accel_mps2[::-1].copy(), -self.gyro_radps[::-1]
        return replace(self, accel_mps2=accel, gyro_radps=gyro, contacts_s=contacts_s, bouts_s=bouts_s)

    def mounted(self, deg: float) -> "Walk":
        """The sensor sits tilted forward by `deg`, and sideways by a third of it."""
        turn = _about(1, deg) @ _about(0, deg / 3.0)
        return replace(self, accel_mps2=self.accel_mps2 @ turn.T, gyro_radps=self.gyro_radps @ turn.T)

    def at(self, rate_hz: float) -> "Walk":
        """Averaged to a lower rate; times stay those of the middle of what is averaged, to half a sample."""
        together = max(1, round(self.fs_hz / rate_hz))
        n = len(self.accel_mps2) // together
        accel, gyro = (
            x[: n * together].reshape(n, together, 3).mean(axis=1) for x in (self.accel_mps2, self.gyro_radps)
        )
        late_s = (together - 1) / 2.0 / self.fs_hz
        bouts_s = tuple((from_s - late_s, to_s - late_s) for from_s, to_s in self.bouts_s)
        return replace(
            self,
            fs_hz=self.fs_hz / together,
            accel_mps2=accel,
            gyro_radps=gyro,
            contacts_s=self.contacts_s - late_s,
            bouts_s=bouts_s,
        )


def _about(axis: int, deg: float) -> Array:
    """Rotation matrix about forward (0) or left (1)."""
    c, s = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    if axis == 0:
        return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def walks(data: Path) -> list[Walk]:
    """Every trial with labelled contacts."""
    return [walk for name in SETS for path in sorted((data / name).glob("*.npz")) for walk in _of(path)]


def _of(path: Path) -> Iterator[Walk]:
    z = np.load(path)
    accel, gyro = z["acc"].T * float(z["acc_lsb"]), z["gyr"].T * float(z["gyr_lsb"])
    fs_hz, starts, names = float(z["fs"]), z["start"], z["trial"]
    for i, name in enumerate(names):
        mine = (_trial_of(z["step_trial"], names) == i) & (z["step_event"] == HEEL_STRIKE)
        segments = (_trial_of(z["seg_trial"], names) == i) & (z["seg_name"] == "walk")
        ends = zip(z["seg_start"][segments] / fs_hz, z["seg_end"][segments] / fs_hz, strict=True)
        span = slice(starts[i], starts[i + 1])
        yield Walk(
            path.parent.name,
            str(z["subject"]),
            str(name),
            fs_hz,
            accel[span],
            gyro[span],
            np.sort(z["step_idx"][mine]) / fs_hz,
            tuple((float(a), float(b)) for a, b in ends),
        )


def _trial_of(column: NDArray[np.generic], names: NDArray[np.generic]) -> NDArray[np.int64]:
    """Trials are named by their number or by their name."""
    if column.dtype.kind in "iu":
        return column.astype(np.int64)
    return np.array([list(names).index(name) for name in column], dtype=np.int64)


def detected_s(walk: Walk) -> Array:
    """When the core says that each step was."""
    moving, found, count = Moving(), [], 0
    times_ns = np.round(walk.times_s * 1e9).astype(np.int64).tolist()
    for t_ns, accel, gyro in zip(times_ns, walk.accel_mps2.tolist(), walk.gyro_radps.tolist(), strict=True):
        moving.take(t_ns, tuple(accel), tuple(gyro))
        if moving.steps.count != count and moving.steps.last_ns is not None:
            count = moving.steps.count
            found.append(moving.steps.last_ns / 1e9)
    return np.array(found)
