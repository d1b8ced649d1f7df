"""Recorded people as the pre-impact detector sees them: its own features, streamed through the whole shipping core."""

import math
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from bench._fall_data import Trial, Wearing, rotation, worn
from firmware.core.detectors.pre_impact import FEATURES, PreImpactConfig, PreImpactDetector, PreImpactFeatures, Slices
from firmware.core.pipeline import SafetyPipeline
from hal.samples import ImuSample

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Meta:
    """What the curve has to know about one trial."""

    dataset: str
    subject: str
    name: str
    kind: str
    direction: str
    onset_s: float | None
    impact_s: float | None
    backwards: bool
    duration_s: float

    @property
    def fell(self) -> bool:
        return self.impact_s is not None


@dataclass(frozen=True, slots=True)
class Capture:
    """`rows[k]` are the features at `t_s[k]` of a trial, its slice number `slice_[k]`; trial i is `starts[i:i + 2]`.

    Quiet slices have no row: the detector does not look at them more closely either.
    """

    trials: list[Meta]
    starts: list[int]
    t_s: Rows
    slice_: NDArray[np.int32]
    rows: Rows

    def spans(self) -> Iterable[tuple[Meta, int, int]]:
        return ((trial, a, b) for trial, (a, b) in zip(self.trials, pairwise(self.starts), strict=True))


def capture(trials: Iterable[Trial], wearing: Wearing | Callable[[Trial], tuple[Trial, Wearing]]) -> Capture:
    """Stream trials through the core; `wearing` may be another one for each trial."""
    metas: list[Meta] = []
    starts, parts = [0], []
    for trial in trials:
        seen, how = wearing(trial) if callable(wearing) else (trial, wearing)
        parts.append(stream(*worn(seen, how), how.lead_in_s))
        metas.append(
            Meta(
                *(trial.dataset, trial.subject, trial.name, trial.kind, trial.direction),
                *(trial.onset_s, trial.impact_s, trial.backwards, len(trial.acc) / trial.fs_hz),
            )
        )
        starts.append(starts[-1] + len(parts[-1][0]))
    t_s, slices, rows = (np.concatenate([part[index] for part in parts]) for index in range(3))
    return Capture(metas, starts, t_s, slices, rows)


def together(parts: Iterable[Capture]) -> Capture:
    """One after the other."""
    parts = list(parts)
    starts = [0]
    for part in parts:
        starts += [starts[-1] + start for start in part.starts[1:]]
    t_s, slices, rows = (np.concatenate([getattr(part, key) for part in parts]) for key in ("t_s", "slice_", "rows"))
    return Capture([trial for part in parts for trial in part.trials], starts, t_s, slices, rows)


class Listener:
    """Stands where the core asks its detector: keeps the features that it would have judged by, and arms nothing."""

    def __init__(self, beyond: float) -> None:
        self._features = PreImpactFeatures(beyond)
        self.kept: list[tuple[int, int, tuple[float, ...]]] = []  # t_ns, number of the slice, row
        self._number = 0

    def update(self, slices: Slices, roll_rad: float) -> None:
        self._number += 1
        self._features.follow(slices)
        if self._features.known and not self._features.quiet:
            self.kept.append((slices[-1].t_ns, self._number, self._features.row(slices, roll_rad)))


def stream(acc: Floats, gyr: Floats, rate_hz: float, lead_in_s: float) -> tuple[Rows, NDArray[np.int32], Rows]:
    """Times within the trial in seconds and numbers of slices, shape (n,), and the features, shape (n, features).

    The whole core, so that a row is left out wherever the device would not ask: before the upright is known, while the
    sensor is not trusted, and while a fall is open.
    """
    listener = Listener(PreImpactConfig().beyond)
    with mock.patch.object(PreImpactDetector, "update", lambda _, slices, roll_rad: listener.update(slices, roll_rad)):
        step = SafetyPipeline().step
        for index, (force, rate) in enumerate(zip(acc.tolist(), gyr.tolist(), strict=True)):
            step(ImuSample(round(index / rate_hz * 1e9), tuple(force), tuple(rate)))
    kept = [one for one in listener.kept if one[0] * 1e-9 >= lead_in_s]
    t_s = np.array([t_ns * 1e-9 - lead_in_s for t_ns, _, _ in kept], np.float32)
    rows = np.array([row for _, _, row in kept], np.float32).reshape(-1, len(FEATURES))
    return t_s, np.array([number for _, number, _ in kept], np.int32), rows


def otherwise(trial: Trial, seed: int) -> tuple[Trial, Wearing]:
    """The same movement as another sensor on another belt would have measured it; the same for the same seed.

    Up to 30 degrees askew, 25 to 110 Hz, a range of 2 to 16 g, 4 % of gain and 0.2 m/s2 of offset in the accelerometer,
    15 % of gain in the gyroscope (makers' tables and read-mes are wrong by as much), noise, and softer fixing.
    """
    dice = np.random.default_rng([seed, zlib.crc32(f"{trial.subject}/{trial.name}".encode())])
    turn = rotation(dice.normal(size=3), math.radians(dice.uniform(0.0, 30.0)))
    rate_hz = math.exp(dice.uniform(math.log(25.0), math.log(min(110.0, trial.fs_hz))))
    width = int(dice.integers(1, 1 + max(1, round(0.03 * trial.fs_hz)))) if dice.random() < 0.5 else 1
    acc = _softened(trial.acc, width) + dice.uniform(-0.2, 0.2, 3)
    acc += dice.normal(0.0, dice.uniform(0.0, 0.3), acc.shape)
    gyr = trial.gyr
    if len(gyr):
        gyr = _softened(gyr, width) * dice.uniform(0.85, 1.15) + dice.normal(0.0, dice.uniform(0.0, 0.05), gyr.shape)
    range_g, gain = float(dice.choice([2.0, 4.0, 4.0, 8.0, 8.0, 16.0, 16.0])), dice.uniform(0.96, 1.04)
    smoothed = bool(dice.random() < 0.5)
    wearing = Wearing("otherwise", rate_hz=rate_hz, range_g=range_g, gain=gain, turn=turn, smoothed=smoothed)
    return replace(trial, acc=acc, gyr=gyr), wearing


def _softened(values: Floats, width: int) -> Floats:
    if width <= 1 or len(values) < width:
        return values
    kernel = np.full(width, 1.0 / width)
    result: Floats = np.stack([np.convolve(column, kernel, "same") for column in values.T], axis=1)
    return result
