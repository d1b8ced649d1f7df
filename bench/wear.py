"""What the limits of wearing stand on: free fall, brisk turning and stillness in recordings; scenes; and people.

    python -m bench.wear [--json] [--quick]

Of the sets under REARGUARD_DATA (default ../shared/data), among them SisFall (Sucerquia et al. 2017) and KFall (Yu et
al. 2021). Stillness is shown as recorded and with the noise of the supported sensors added: what a noisier one would
see of the same people. The scenes are made: a table, a hand, a bag, a bad clip. They show blind spots, not accuracy.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench._wearing import SceneRow, scene_rows
from bench._wearing_people import LATE_S, PeopleRow, Standing, people_rows
from bench.synthetic import data_folder
from firmware.core.estimators.wear import WearConfig

Array = NDArray[np.float64]
G_MPS2 = 9.80665
RATE_HZ = 50
LIMITS = WearConfig()
SENSORS = {"as recorded": (0.0, 0.0), "lsm6dsox": (70.0, 3.8), "mpu6050": (400.0, 5.0), "icm20948": (230.0, 15.0)}
"""Noise added: ug/sqrt(Hz) and mdeg/s/sqrt(Hz)."""
LYING_DOWN = ("lie_down", "roll_lying", "bend", "sit_floor")


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    unit: str
    n: int
    median: float
    p99: float
    least: float
    most: float
    limit: float
    beyond: int  # how many are taken for a device off the body by this alone


def trials(folder: Path, every: int) -> Iterator[tuple[str, str, bool, int, float, Array, Array]]:
    """Set, kind, whether it is a fall, the impact, the rate, acceleration and turning."""
    for dataset in ("sisfall", "kfall"):
        for path in sorted((folder / dataset).glob("*.npz"))[::every]:
            with np.load(path) as z:
                accel, gyro = (z[key].T * float(z[f"{key}_lsb"]) for key in ("acc", "gyr"))
                for i, (a, b) in enumerate(zip(z["start"], z["start"][1:], strict=False)):
                    kind, impact = str(z["kind"][i]), int(z["impact"][i])
                    yield dataset, kind, bool(z["is_fall"][i]), impact, float(z["fs"]), accel[a:b], gyro[a:b]


def size(vectors: Array) -> Array:
    lengths: Array = np.sqrt((vectors**2).sum(axis=1))
    return lengths


def longest_free_s(accel: Array, fs_hz: float) -> float:
    free = np.concatenate([[0], size(accel) < LIMITS.free_g * G_MPS2, [0]]).astype(int)
    edges = np.flatnonzero(np.diff(free))
    return float((edges[1::2] - edges[::2]).max(initial=0)) / fs_hz


def slices(vectors: Array, fs_hz: float) -> Array:
    together = round(fs_hz / RATE_HZ)
    n = len(vectors) // together
    means: Array = vectors[: n * together].reshape(n, together, 3).mean(axis=1)
    return means


def brisk_rad(accel: Array, gyro: Array, until: int) -> float:
    """Turning beyond the brisk rate, away from how the trial began, within 12 s."""
    smooth = np.stack([np.convolve(axis, np.ones(15) / 15, "same") for axis in accel.T], axis=1)
    up = accel[:25].mean(axis=0)
    along = smooth @ up / (size(smooth) * math.sqrt(float(up @ up)) + 1e-9)
    away = along < math.cos(math.radians(LIMITS.away_deg))
    turning = np.convolve(size(gyro), np.ones(5) / 5, "same")
    more = np.where(away, np.maximum(turning - LIMITS.brisk_radps, 0.0), 0.0)[:until] / RATE_HZ
    total = np.concatenate([[0.0], np.cumsum(more)])
    return float((total[600:] - total[:-600]).max()) if len(total) > 600 else float(total[-1])


def stillness(accel: Array, gyro: Array) -> float:
    """How much more the means of 0.1 s wander than the noise explains: the larger one of both sensors."""
    return max(_ratio(accel), _ratio(gyro))


def _ratio(values: Array) -> float:
    noise = float((np.diff(values, axis=0) ** 2).mean(axis=0).sum()) / 2 / 5
    n = len(values) // 5
    return math.sqrt(float(values[: n * 5].reshape(n, 5, 3).mean(axis=1).var(axis=0, ddof=1).sum()) / noise)


def rows(folder: Path, every: int) -> list[Row]:
    free: dict[str, list[float]] = {}
    brisk: dict[str, list[float]] = {}
    still: dict[str, list[float]] = {}
    dice = np.random.default_rng(1)
    for dataset, kind, is_fall, impact, fs_hz, accel, gyro in trials(folder, every):
        if is_fall or kind == "jump":
            free.setdefault(f"{dataset} {kind}", []).append(longest_free_s(accel, fs_hz))
        together = round(fs_hz / RATE_HZ)
        a, w = slices(accel, fs_hz), slices(gyro, fs_hz)
        if is_fall and impact >= 0:
            until = max(0, impact // together - 35)
            brisk.setdefault(f"{dataset} fall, until 0.7 s before its impact", []).append(brisk_rad(a, w, until))
        elif kind in LYING_DOWN:
            brisk.setdefault(f"{dataset} {kind}", []).append(brisk_rad(a, w, len(a)))
        if kind in ("lying", "sit", "stand") and dataset == "kfall":
            for sensor, (accel_ug, gyro_mdps) in SENSORS.items():
                noisy = a + dice.normal(size=a.shape) * accel_ug * 1e-6 * G_MPS2 * 5
                turned = w + dice.normal(size=w.shape) * math.radians(gyro_mdps * 1e-3) * 5
                for first in range(RATE_HZ, len(a) - 549, 250):
                    part = slice(first, first + 500)
                    still.setdefault(f"{kind}, {sensor}", []).append(stillness(noisy[part], turned[part]))
    limits = (("longest free fall", "s", free, LIMITS.free_s), ("brisk turning", "rad", brisk, LIMITS.handled_rad))
    table = [
        _row(f"{name}: {what}", unit, v, limit, True) for name, unit, of, limit in limits for what, v in of.items()
    ]
    return table + [_row(f"stillness, 10 s: {what}", "", v, LIMITS.dead_ratio, False) for what, v in still.items()]


def _row(what: str, unit: str, values: list[float], limit: float, above: bool) -> Row:
    beyond = sum(value >= limit if above else value < limit for value in values)
    median, p99 = (float(p) for p in np.percentile(values, [50, 99]))
    return Row(what, unit, len(values), median, p99, min(values), max(values), limit, beyond)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.wear", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help="every fourth recorded person only")
    options = parser.parse_args(arguments)
    folder = data_folder()
    if not folder.is_dir():
        print(f"no recordings at {folder} (REARGUARD_DATA): nothing to measure", file=sys.stderr)
    known, every = folder.is_dir(), 4 if options.quick else 1
    table, scenes = rows(folder, every) if known else [], scene_rows(2 if options.quick else 20)
    people, standing = people_rows(folder, every) if known else ([], [])
    if options.json:
        found = {"bench": "wear", "data": known, "rows": [asdict(row) for row in table]}
        told = [{key: sorted(v) if isinstance(v, set) else v for key, v in asdict(row).items()} for row in people]
        stood = [asdict(one) for one in standing]
        print(json.dumps({**found, "scenes": [asdict(row) for row in scenes], "people": told, "standing": stood}))
        return 0
    for line in (*_lines(table), "", *_scene_lines(scenes), "", *_people_lines(people, standing)):
        print(line)
    return 0


def _lines(table: list[Row]) -> Iterator[str]:
    yield f"{'':66} {'n':>5} {'median':>7} {'p99':>6} {'least':>6} {'most':>6} {'limit':>6} {'beyond':>6}"
    for row in table:
        figures = f"{row.median:7.2f} {row.p99:6.2f} {row.least:6.2f} {row.most:6.2f} {row.limit:6.2f} {row.beyond:6d}"
        yield f"{row.what:66} {row.n:5d} {figures} {row.unit}"


def _scene_lines(scenes: list[SceneRow]) -> Iterator[str]:
    yield "Made scenes; seconds are those of the worst run."
    heads = (
        ("runs", "worn", "not worn", "worn in", "doubt", "off at", "comp-", "after"),
        ("", "after s", "by error", "no one s", "after s", "the end", "lains", "s"),
    )
    for head in heads:
        yield f"{'':30} {head[0]:>5} {head[1]:>7} {head[2]:>9} {head[3]:>8} " + " ".join(f"{h:>7}" for h in head[4:])
    for row in scenes:
        yield (
            f"{row.scene:30} {row.runs:5d} {_s(row.worn_after_s)} {row.missed_share:9.4f} {row.worn_while_off_s:8.1f} "
            f"{_s(row.doubt_after_s)} {row.known_off:7d} {row.complained:7d} {_s(row.complaint_after_s)}"
        )


def _s(value: float | None) -> str:
    return f"{'-':>7}" if value is None else f"{value:7.2f}"


def _people_lines(people: list[PeopleRow], standing: list[Standing]) -> Iterator[str]:
    if not people:
        return
    yield "Recorded people; how many were ever told by mistake:"
    yield f"{'':18} {'trials':>6} {'hours':>6} {'people':>6} {'not worn':>8} {'slipped':>8} {'loose':>6}"
    for row in people:
        figures = f"{len(row.not_worn):8d} {len(row.slipped):8d} {len(row.loose):6d}"
        who = ", ".join(sorted(row.not_worn | row.slipped | row.loose))
        yield f"{row.kind:18} {row.trials:6d} {row.hours:6.2f} {len(row.people):6d} {figures}  {who}"
    after_s = sorted(value for one in standing for value in one.after_s)
    late = [one.person for one in standing if max(one.after_s) > LATE_S]
    missed = sum(value > LATE_S for value in after_s)
    yield (
        f"Standing, with the noise of the noisiest chip: worn after {after_s[len(after_s) // 2]:.2f} s (median), later "
        f"than {LATE_S} s in {missed} of {len(after_s)} starts, of {len(late)} of {len(standing)} people"
    )


if __name__ == "__main__":
    sys.exit(main())
