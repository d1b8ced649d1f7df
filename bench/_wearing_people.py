"""Whether recorded people seem to wear the device, and to wear it wrongly: all of them do, and none wrongly.

Every trial is led in by three seconds of standing, and walks are played a second time from their end to their start.
"""

import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench._wearing import Said, judged
from bench.scenes import G_MPS2
from firmware.evaluation.dataset import Array, Source, Trial, read
from firmware.evaluation.stream import LEAD_IN_S, led_in
from hal.samples import ImuSample

SETS = ("ipol", "mobgap", "kfall", "sisfall")
WALKS = ("walk", "walk_fast", "simulated_daily")
NOISY = (230.0, 15.0)
"""ug/sqrt(Hz) and mdeg/s/sqrt(Hz) of the noisiest supported gyroscope, the ICM-20948's, added to who stands."""
STARTS_S, PATIENCE_S = 1.0, 5.0  # every second of standing is a start, and 5 s are played of each
LATE_S = 1.5


@dataclass(slots=True)
class PeopleRow:
    """Of one kind of trial; people who were ever told so by mistake."""

    kind: str
    trials: int = 0
    hours: float = 0.0
    people: set[str] = field(default_factory=set)
    not_worn: set[str] = field(default_factory=set)
    slipped: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Standing:
    """How soon it is said to be worn, of every second of standing; seconds."""

    person: str
    after_s: tuple[float, ...]


def people_rows(folder: Path, every: int) -> tuple[list[PeopleRow], list[Standing]]:
    jobs = [(name, path) for name in SETS for path in sorted((folder / name).glob("*.npz"))[::every]]
    rows: dict[str, PeopleRow] = {}
    standing: list[Standing] = []
    with ProcessPoolExecutor() as pool:
        for found, stood in pool.map(_person, jobs):
            standing += stood
            for kind, row in found.items():
                whole = rows.setdefault(kind, PeopleRow(kind))
                whole.trials += row.trials
                whole.hours += row.hours
                for mine, theirs in zip(_sets(whole), _sets(row), strict=True):
                    mine |= theirs
    return [rows[kind] for kind in sorted(rows)], standing


def _sets(row: PeopleRow) -> tuple[set[str], ...]:
    return row.people, row.not_worn, row.slipped, row.loose


def _person(job: tuple[str, Path]) -> tuple[dict[str, PeopleRow], list[Standing]]:
    name, path = job
    rows: dict[str, PeopleRow] = {}
    stood: list[float] = []
    person = f"{name}/{path.stem}"
    for trial in read(Source(path, name)).trials:
        if trial.gyro_radps is None:
            continue
        label = trial.label
        if label.kind == "stand":
            stood += _stands(trial)
        kind = "fall, before it" if label.is_fall else label.kind
        row = rows.setdefault(kind, PeopleRow(kind))
        row.people.add(person)
        for backwards in (False, True) if label.kind in WALKS else (False,):
            row.trials += 1
            row.hours += trial.duration_s / 3600.0
            said = judged(_samples(*_played(trial, backwards), trial.fs_hz))
            until_s = LEAD_IN_S + (label.falls_from_s if label.is_fall else math.inf)
            _note(row, person, said, until_s)
    return rows, [Standing(person, tuple(stood))] if stood else []


def _note(row: PeopleRow, person: str, said: list[Said], until_s: float) -> None:
    if any(one.on_body is False for one in said):
        row.not_worn.add(person)
    told = {one.complaint for one in said if one.t_s < until_s}
    if any("slipped" in complaint for complaint in told):
        row.slipped.add(person)
    if any("loose" in complaint for complaint in told):
        row.loose.add(person)


def _played(trial: Trial, backwards: bool) -> tuple[Array, Array]:
    accel, gyro = led_in(trial, LEAD_IN_S)
    assert gyro is not None
    if not backwards:
        return accel, gyro
    first = len(accel) - len(trial.accel_mps2)
    return (
        np.concatenate([accel[:first], accel[first:][::-1]]),
        np.concatenate([gyro[:first], -gyro[first:][::-1]]),
    )


def _samples(accel: Array, gyro: Array, fs_hz: float) -> Iterator[ImuSample]:
    for index, (force, rate) in enumerate(zip(accel.tolist(), gyro.tolist(), strict=True)):
        if math.isfinite(sum(force) + sum(rate)):
            yield ImuSample(round(index * 1e9 / fs_hz), tuple(force), tuple(rate))


def _stands(trial: Trial) -> Iterator[float]:
    """From each second on as if the device had just been switched on, with the noise of a poor chip."""
    assert trial.gyro_radps is not None
    fs_hz, dice, root_hz = trial.fs_hz, np.random.default_rng(1), math.sqrt(trial.fs_hz / 2)
    accel = trial.accel_mps2 + dice.normal(0.0, NOISY[0] * 1e-6 * G_MPS2 * root_hz, trial.accel_mps2.shape)
    gyro = trial.gyro_radps + dice.normal(0.0, math.radians(NOISY[1] * 1e-3) * root_hz, trial.gyro_radps.shape)
    span, step = round(PATIENCE_S * fs_hz), round(STARTS_S * fs_hz)
    for first in range(0, len(accel) - span, step):
        part = slice(first, first + span)
        yield next((one.t_s for one in judged(_samples(accel[part], gyro[part], fs_hz)) if one.on_body), math.inf)
