"""Walking, stumbles and falls of real people through the shipping core, and what the core thinks of their balance."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware.core.config import CoreConfig
from firmware.core.messages import Alert, Hazard, Severity, Tick
from firmware.core.pipeline import SafetyPipeline
from firmware.evaluation.dataset import Trial, read, sources
from firmware.evaluation.no_gyro import rates_from_gravity
from firmware.evaluation.stream import LEAD_IN_S, led_in
from hal.samples import ButtonSample, ImuSample, RangeSample

Array = NDArray[np.float64]
SETS = ("sisfall", "kfall", "ipol", "daphnet", "mobgap")
WALKING = ("walk", "walk_fast", "walk_pd")
NUISANCE = ("stairs", "bend", "stand", "sit_stand", "simulated_daily")
WALKING_FALLS = ("F01", "F02", "F03", "F04", "F05", "T30", "T31", "T32", "T33", "T34")
EPOCH_NS = 1_000_000_000
TURN_NS = 50_000_000
CUES = 8  # tilt, rate, jolt, bounce (logarithms of ratios, the highest of late), rhythm; the tilt of 3 directions


@dataclass(slots=True)
class Track:
    """One trial as the core saw it; arrays with a row for each judgement while she took steps, times in s."""

    subject: str
    set_name: str
    trial: str
    kind: str
    activity: str
    reversed: bool
    duration_s: float
    impact_s: float | None
    t_s: Array
    cues: Array  # shape (n, CUES)
    score: Array
    peaks: Array  # shape (steps, 7): the largest value of each cue within each step
    warned_s: list[float] = field(default_factory=list)

    @property
    def slow(self) -> bool:
        return self.kind in ("walk", "walk_pd")


def wanted(trial: Trial, kinds: Iterable[str]) -> bool:
    label = trial.label
    return label.activity in WALKING_FALLS if label.is_fall else label.kind in kinds


def tracks(folder: Path, every: int = 1, config: CoreConfig | None = None, nuisance: bool = True) -> Iterator[Track]:
    """Every trial that matters of every n-th person of each set; walking also played backward in time."""
    kinds = (*WALKING, "stumble", *(NUISANCE if nuisance else ()))
    for name in SETS:
        for source in sources(folder / name)[0][::every] if (folder / name).is_dir() else ():
            for trial in read(source).trials:
                if wanted(trial, kinds):
                    yield track(trial, name, config)
                    if trial.label.kind in WALKING:
                        yield track(trial, name, config, backward=True)


def data_hash(folder: Path) -> str:
    """Of the names and sizes of all files that are read."""
    digest = hashlib.sha256()
    for name in SETS:
        for path in sorted((folder / name).glob("*.npz")):
            digest.update(f"{name}/{path.name}:{path.stat().st_size};".encode())
    return digest.hexdigest()[:16]


def turned_back(trial: Trial) -> Trial:
    """For p(t) played as p(-t) acceleration keeps its sign and angular rate changes it."""
    gyro = None if trial.gyro_radps is None else -trial.gyro_radps[::-1]
    return Trial(trial.label, trial.fs_hz, trial.accel_mps2[::-1], gyro)


def track(trial: Trial, name: str, config: CoreConfig | None = None, *, backward: bool = False) -> Track:
    """One trial through a new core, led in by standing."""
    played = turned_back(trial) if backward else trial
    accel, gyro = led_in(played, LEAD_IN_S)
    if gyro is None:
        gyro = rates_from_gravity(accel, trial.fs_hz)
    zero_ns = EPOCH_NS + round((len(accel) - len(trial.accel_mps2)) * 1e9 / trial.fs_hz)
    t_s, cues, score, peaks, warned_s = _feed(SafetyPipeline(config), accel, gyro, trial.fs_hz, zero_ns)
    label = trial.label
    return Track(
        f"{name}/{label.subject}",
        name,
        label.trial,
        label.kind,
        label.activity,
        backward,
        trial.duration_s,
        label.impact_s,
        np.array(t_s),
        np.array(cues, dtype=float).reshape(-1, CUES),
        np.array(score),
        np.array(peaks, dtype=float).reshape(-1, 7),
        warned_s,
    )


def _feed(
    core: SafetyPipeline, accel: Array, gyro: Array, fs_hz: float, zero_ns: int
) -> tuple[list[float], list[tuple[float, ...]], list[float], list[list[float]], list[float]]:
    t_s: list[float] = []
    cues: list[tuple[float, ...]] = []
    score: list[float] = []
    peaks: list[list[float]] = []
    warned_s: list[float] = []
    seen: tuple[float, ...] = ()
    highest, steps, due_ns = [0.0] * 7, core.steps, EPOCH_NS
    for index, (force, rate) in enumerate(zip(accel.tolist(), gyro.tolist(), strict=True)):
        t_ns = EPOCH_NS + round(index * 1e9 / fs_hz)
        if due_ns <= t_ns:
            core.step(RangeSample(due_ns, None))
            core.step(ButtonSample(due_ns, False))
            core.step(Tick(due_ns))
            due_ns += TURN_NS
        for output in core.step(ImuSample(t_ns, tuple(force), tuple(rate))):
            if isinstance(output, Alert) and output.hazard is Hazard.SWAY and output.severity is Severity.WARNING:
                warned_s.append((t_ns - zero_ns) * 1e-9)
        values, judged, now = core.balance
        if values is seen or t_ns < zero_ns:
            continue
        seen = values
        if not judged:
            highest, steps = [0.0] * 7, core.steps
            continue
        highest = [max(pair) for pair in zip(highest, values, strict=True)]
        if core.steps != steps:
            peaks.append(highest)
            highest, steps = [0.0] * 7, core.steps
        t_s.append((t_ns - zero_ns) * 1e-9)
        cues.append(judged)
        score.append(now)
    return t_s, cues, score, peaks, warned_s
