"""Recorded people as the pre-impact detector sees them: its own features, streamed through the shipping estimators."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench._fall_data import Trial, Wearing, worn
from firmware.core.detectors.pre_impact import FEATURES, QUIET_MPS, QUIET_RAD, PreImpactFeatures
from firmware.core.moving import Moving

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
    """`rows[k]` are the features at `t_s[k]` of a trial; trial i has the rows `starts[i]:starts[i + 1]`."""

    trials: list[Meta]
    starts: list[int]
    t_s: Rows
    rows: Rows

    @property
    def quiet(self) -> NDArray[np.bool_]:
        """Rows that the detector does not look at more closely."""
        tipping, sink = (self.rows[:, FEATURES.index(name)] for name in ("tipping", "sink_300"))
        calm: NDArray[np.bool_] = (tipping < QUIET_RAD) & (sink > -QUIET_MPS)
        return calm

    def spans(self) -> Iterable[tuple[Meta, int, int]]:
        return ((trial, a, b) for trial, (a, b) in zip(self.trials, pairwise(self.starts), strict=True))


def capture(trials: Iterable[Trial], wearing: Wearing) -> Capture:
    """Stream trials through attitude, slices and features."""
    metas: list[Meta] = []
    starts, times, rows = [0], [], []
    for trial in trials:
        t_s, features = stream(*worn(trial, wearing), wearing.lead_in_s)
        metas.append(
            Meta(
                *(trial.dataset, trial.subject, trial.name, trial.kind, trial.direction),
                *(trial.onset_s, trial.impact_s, trial.backwards, len(trial.acc) / trial.fs_hz),
            )
        )
        starts.append(starts[-1] + len(t_s))
        times.append(t_s)
        rows.append(features)
    return Capture(metas, starts, np.concatenate(times), np.concatenate(rows))


def stream(acc: Floats, gyr: Floats, rate_hz: float, lead_in_s: float) -> tuple[Rows, Rows]:
    """Times within the trial in seconds, shape (n,), and the features at them, shape (n, features)."""
    moving, features = Moving(), PreImpactFeatures()
    times: list[float] = []
    rows: list[tuple[float, ...]] = []
    for index, (a, w) in enumerate(zip(acc.tolist(), gyr.tolist(), strict=True)):
        t_ns = round(index / rate_hz * 1e9)
        if moving.take(t_ns, a, w):
            features.follow(moving.motion.slices)
            t_s = t_ns * 1e-9 - lead_in_s
            if features.known and t_s >= 0.0:
                times.append(t_s)
                rows.append(features.row(moving.motion.slices, moving.attitude.roll_rad))
    return np.array(times, np.float32), np.array(rows, np.float32).reshape(-1, len(FEATURES))


def stored(path: Path | None, made: Iterable[Trial], wearing: Wearing) -> Capture:
    """Read from `path` where it is, otherwise captured and kept there."""
    if path is not None and path.is_file():
        with np.load(path, allow_pickle=True) as z:
            return Capture(list(z["trials"]), z["starts"].tolist(), z["t_s"], z["rows"])
    found = capture(made, wearing)
    if path is not None:
        trials = np.empty(len(found.trials), object)
        trials[:] = found.trials
        np.savez(path, trials=trials, starts=np.array(found.starts), t_s=found.t_s, rows=found.rows)
    return found
