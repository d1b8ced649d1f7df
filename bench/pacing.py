"""The cue to take smaller steps, on walks of real people: `python -m bench.pacing [--json] [--quick]`.

Each person's slow walks of REARGUARD_DATA (default ../shared/data), forward and backward in time, through the core's
own attitude and steps and the shipped detector: every cue is a nuisance. Then the slow walks followed by the same
person's quick ones: she has become too fast, and a cue within 20 s has found it. The trials of one person follow one
another; sets with one quick walk or more: SisFall (D01, D02) and KFall (T06, T07).

`cross-validated`: the limit is the smallest with at most 3 cues an hour of the other people's slow walks, six folds by
person; what those who were held back got.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.synthetic import data_folder
from firmware.core.detectors.pacing import Pacing, PacingConfig
from firmware.core.moving import Moving
from firmware.evaluation.dataset import Trial, read, sources

SETS = ("sisfall", "kfall", "ipol")
FOLDS, SEED, ALLOWED_PER_H, FOUND_S, LEAST_STEPS = 6, 3, 3.0, 20.0, 60
LIMITS = tuple(round(1.1 + 0.025 * index, 3) for index in range(20))
Step = tuple[float, float]
"""When, in s, and how hard, in m/s²."""


@dataclass
class Person:
    """Steps of the slow walks and of the quick ones, the trials one after another."""

    name: str
    backward: bool
    slow: list[list[Step]] = field(default_factory=list)
    quick: list[list[Step]] = field(default_factory=list)


@dataclass
class _Counted:
    """What the detector asks of the steps, and of their length."""

    count: int = 0
    last_ns: int | None = None
    height_mps2: float = 0.0
    length_m: float = 0.36
    runs: int = 0
    sd_m: float = 0.1


def people(folder: Path, every: int = 1) -> list[Person]:
    found: dict[tuple[str, bool], Person] = {}
    for name in SETS:
        for source in sources(folder / name)[0][::every] if (folder / name).is_dir() else ():
            for trial in read(source).trials:
                if trial.label.kind in ("walk", "walk_fast") and trial.gyro_radps is not None:
                    for backward in (False, True):
                        key = f"{name}/{trial.label.subject}", backward
                        person = found.setdefault(key, Person(*key))
                        (person.slow if trial.label.kind == "walk" else person.quick).append(steps_of(trial, backward))
    return [person for person in found.values() if sum(map(len, person.slow)) >= LEAST_STEPS]


def steps_of(trial: Trial, backward: bool) -> list[Step]:
    accel, gyro = trial.accel_mps2, trial.gyro_radps
    assert gyro is not None
    if backward:
        accel, gyro = accel[::-1], -gyro[::-1]
    moving, found, count = Moving(), list[Step](), 0
    for index, (force, rate) in enumerate(zip(accel.tolist(), gyro.tolist(), strict=True)):
        t_ns, steps = round(index * 1e9 / trial.fs_hz), moving.steps
        if moving.take(t_ns, tuple(force), tuple(rate)) and steps.count != count and steps.last_ns is not None:
            count = steps.count
            found.append((steps.last_ns * 1e-9, steps.height_mps2))
    return found


def cues_s(walks: Iterable[Sequence[Step]], config: PacingConfig) -> tuple[list[float], list[float]]:
    """When cues came, and when each walk began; a second between two walks."""
    pacing, counted, found, began, offset_s = Pacing(config), _Counted(), list[float](), list[float](), 0.0
    for walk in walks:
        began.append(offset_s)
        for t_s, height_mps2 in walk:
            now_s = offset_s + t_s - walk[0][0]
            counted.count, counted.last_ns, counted.height_mps2 = counted.count + 1, round(now_s * 1e9), height_mps2
            if pacing.update(round(now_s * 1e9), counted, counted) is not None:
                found.append(now_s)
        offset_s += (walk[-1][0] - walk[0][0] if walk else 0.0) + 1.0
    return found, [*began, offset_s]


def judged(person: Person, config: PacingConfig) -> tuple[int, float, float | None]:
    """Cues in the slow walks, their hours, and how soon the quick ones were found: NaN, never; None, there are none."""
    cues, began = cues_s(person.slow, config)
    hours = began[-1] / 3600.0
    if not person.quick or person.backward:
        return len(cues), hours, None
    again, began = cues_s([*person.slow, *person.quick], replace(config, every_s=30.0))
    quick_s = began[len(person.slow)]
    late = [t_s - quick_s for t_s in again if quick_s <= t_s <= quick_s + FOUND_S]
    return len(cues), hours, late[0] if late else float("nan")


def figures(rows: Sequence[tuple[int, float, float | None]]) -> dict[str, Any]:
    cues, hours = sum(row[0] for row in rows), sum(row[1] for row in rows)
    waits = [row[2] for row in rows if row[2] is not None]
    found = [wait for wait in waits if wait == wait]
    return {
        "hours": round(hours, 2),
        "cues": cues,
        "per_hour": round(cues / hours, 1) if hours else None,
        "cued": sum(row[0] > 0 for row in rows),
        "walks": len(rows),
        "quick": len(waits),
        "found": len(found),
        "median_s": round(float(np.median(found)), 1) if found else None,
    }


def cross_validated(everybody: Sequence[Person]) -> dict[str, Any]:
    names = sorted({person.name for person in everybody})
    np.random.default_rng(SEED).shuffle(names)
    fold = {name: index % FOLDS for index, name in enumerate(names)}
    table = {limit: [judged(p, replace(PacingConfig(), times=limit)) for p in everybody] for limit in LIMITS}
    held: list[tuple[int, float, float | None]] = []
    limits = []
    for out in range(FOLDS):
        mine = [fold[person.name] == out for person in everybody]
        limit = next((x for x in LIMITS if _per_hour(table[x], [not m for m in mine]) <= ALLOWED_PER_H), LIMITS[-1])
        limits.append(limit)
        held += [row for row, is_mine in zip(table[limit], mine, strict=True) if is_mine]
    return {"limits": limits, **figures(held)}


def _per_hour(rows: Sequence[tuple[int, float, float | None]], chosen: Sequence[bool]) -> float:
    kept = [row for row, is_chosen in zip(rows, chosen, strict=True) if is_chosen]
    return sum(row[0] for row in kept) / max(1e-9, sum(row[1] for row in kept))


def measure(everybody: Sequence[Person], quick: bool) -> dict[str, Any]:
    result = {"as_shipped": figures([judged(person, PacingConfig()) for person in everybody])}
    return result if quick else {**result, "cross_validated": cross_validated(everybody)}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pacing", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="every fourth person, as shipped only")
    options = parser.parse_args(arguments)
    folder = data_folder()
    if not folder.is_dir():
        print(f"no recordings at {folder} (REARGUARD_DATA): nothing measured", file=sys.stderr)
        return 0
    result = measure(people(folder, 4 if options.quick else 1), options.quick)
    if options.json:
        print(json.dumps(result))
    else:
        for name, row in result.items():
            print(f"{name}: {row}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
