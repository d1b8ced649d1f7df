"""Which way is up: our gravity-vector filter beside imufusion and VQF: `python -m bench.attitude [--json] [--quick]`.

Everything at 100 Hz, each filter with its own defaults, on the sensors as they are (no bias taken off).

- posture changes: a still half second, then another one within 10 s whose gravity lies 30 degrees or more away (sitting
  down, lying down, bending, falling). The error is the angle between the filter's up and the mean acceleration of the
  second still half second, at its *first* sample: what the filter believes on arrival, before standing still helps it.
- walking: the angle to VQF's offline filter, which knows what comes later (so VQF's own figure flatters it), rms; and
  the rms of the tilt about its mean in pieces of five seconds, against the same of the offline filter.
- cost: one update with the tilt read, the least of several passes over the same samples, in turns (ABBA).
"""

import argparse
import importlib.util
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench._walks import Array, folder
from firmware.core.config import CoreConfig
from firmware.core.estimators.attitude import G0_MPS2, AttitudeConfig
from firmware.core.moving import Moving
from hal.samples import Vector

RATE_HZ = 100
SETS = ("kfall", "sisfall")
POSTURE = ("sit_stand", "sit_floor", "lie_down", "collapse_chair", "bend", "roll_lying")
HALF, STRIDE = 50, 5  # samples
APART_DEG, WITHIN_S = 30.0, 10.0
PIECE = 500

Update = Callable[[int, Vector, Vector], Vector]
"""A sample in, up in body axes out."""


@dataclass(frozen=True, slots=True)
class Motion:
    group: str
    accel_mps2: Array
    gyro_radps: Array


def ours(config: AttitudeConfig | None = None) -> Update:
    moving = Moving(CoreConfig(attitude=config or AttitudeConfig()))

    def update(t_ns: int, accel: Vector, gyro: Vector) -> Vector:
        moving.take(t_ns, accel, gyro)
        return moving.attitude.up

    return update


def imufusion_filter(rejection_deg: float = 0.0) -> Update:
    import imufusion

    ahrs: Any = imufusion.Ahrs()
    settings = imufusion.AhrsSettings()
    settings.acceleration_rejection, settings.gyroscope_range = rejection_deg, 2000.0
    settings.rejection_timeout = 5.0 if rejection_deg else 0.0
    ahrs.set_settings(settings)
    ahrs.set_sample_period(1.0 / RATE_HZ)
    degrees = 180.0 / math.pi

    def update(t_ns: int, accel: Vector, gyro: Vector) -> Vector:
        ax, ay, az = accel
        wx, wy, wz = gyro
        in_deg = (wx * degrees, wy * degrees, wz * degrees)
        ahrs.update_no_magnetometer(in_deg, (ax / G0_MPS2, ay / G0_MPS2, az / G0_MPS2))
        x, y, z = ahrs.get_gravity()
        return x, y, z

    return update


def vqf_filter() -> Update:
    from vqf import VQF

    vqf: Any = VQF(1.0 / RATE_HZ)

    def update(t_ns: int, accel: Vector, gyro: Vector) -> Vector:
        vqf.update(np.array(gyro), np.array(accel))
        return _up_of(*vqf.getQuat6D().tolist())

    return update


def _up_of(w: float, x: float, y: float, z: float) -> Vector:
    return 2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)


FILTERS: dict[str, tuple[str | None, Callable[[], Update]]] = {
    "ours": (None, ours),
    "imufusion": ("imufusion", imufusion_filter),
    "imufusion, rejecting 10 deg": ("imufusion", lambda: imufusion_filter(10.0)),
    "VQF": ("vqf", vqf_filter),
}


def offline_up(motion: Motion) -> Array:
    from vqf import offlineVQF

    found = offlineVQF(
        np.ascontiguousarray(motion.gyro_radps), np.ascontiguousarray(motion.accel_mps2), None, 1.0 / RATE_HZ
    )
    up: Array = np.array(_up_of(*found["quat6D"].T)).T
    return up


def followed(make: Callable[[], Update], motion: Motion) -> Array:
    update, step_ns = make(), 1_000_000_000 // RATE_HZ
    samples = zip(motion.accel_mps2.tolist(), motion.gyro_radps.tolist(), strict=True)
    return np.array([update(i * step_ns, tuple(a), tuple(g)) for i, (a, g) in enumerate(samples)])


def motions(data: Path, groups: Mapping[str, Sequence[str]], *, every: int) -> Iterator[Motion]:
    """The first trial of each activity of the kinds asked for, of every n-th person; longer ones cut to 30 s."""
    for path in (path for name in SETS for path in sorted((data / name).glob("*.npz"))[::every]):
        z = np.load(path)
        accel, gyro = z["acc"].T * float(z["acc_lsb"]), z["gyr"].T * float(z["gyr_lsb"])
        together, seen = round(float(z["fs"]) / RATE_HZ), set()
        for i, kind in enumerate(z["kind"]):
            group = next((name for name, kinds in groups.items() if kind in kinds), None)
            if group is None or z["activity"][i] in seen:
                continue
            seen.add(z["activity"][i])
            span = slice(z["start"][i], min(z["start"][i + 1], z["start"][i] + 30 * RATE_HZ * together))
            n = (span.stop - span.start) // together
            a, g = (x[span][: n * together].reshape(n, together, 3).mean(axis=1) for x in (accel, gyro))
            yield Motion(group, a, g)


def angles_deg(a: Array, b: Array) -> Array:
    across, along = np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)
    found: Array = np.degrees(np.arctan2(across, along))
    return found


def arrivals(motion: Motion) -> list[tuple[int, Array]]:
    """First sample and mean acceleration of each still half second that ends a posture change."""
    found, before = [], None
    moving = True
    for i in range(0, len(motion.accel_mps2) - HALF + 1, STRIDE):
        accel, gyro = motion.accel_mps2[i : i + HALF], motion.gyro_radps[i : i + HALF]
        mean = accel.mean(axis=0)
        still = accel.std(axis=0).max() < 0.25 and np.linalg.norm(gyro, axis=1).max() < 0.25
        if not still or abs(np.linalg.norm(mean) - G0_MPS2) > 0.6:
            moving = True
            continue
        if moving and before is not None:
            first, was = before
            if i - first < WITHIN_S * RATE_HZ and float(angles_deg(mean, was)) >= APART_DEG:
                found.append((i, mean))
        before, moving = (i, mean), False
    return found


def judged(data: Path, every: int) -> tuple[dict[str, Any], list[Motion]]:
    filters = {name: make for name, (package, make) in FILTERS.items() if not package or _installed(package)}
    groups = {"posture": POSTURE, "falls": ("fall",), "walking": ("walk", "walk_fast", "stairs")}
    errors: dict[str, dict[str, list[float]]] = {name: {group: [] for group in groups} for name in filters}
    spreads: dict[str, list[float]] = {name: [] for name in (*filters, "offline VQF")}
    kept = []
    for motion in motions(data, groups, every=every):
        walking = motion.group == "walking"
        ends = [] if walking else arrivals(motion)
        if not ends and not (walking and _installed("vqf")):
            continue
        kept.append(motion)
        reference = offline_up(motion) if walking else None
        if reference is not None:
            spreads["offline VQF"] += spread_deg(reference)
        for name, make in filters.items():
            up = followed(make, motion)
            if reference is None:
                errors[name][motion.group] += [float(angles_deg(up[i], mean)) for i, mean in ends]
            else:
                errors[name]["walking"].append(float(np.sqrt(np.mean(angles_deg(up, reference)[200:] ** 2))))
                spreads[name] += spread_deg(up)
    table: dict[str, Any] = {}
    for name in filters:
        row = {f"{group}_{key}": value for group in groups for key, value in _figures(errors[name][group]).items()}
        table[name] = row | {"walking_spread_deg": _median(spreads[name])}
    return table | {"offline VQF": {"walking_spread_deg": _median(spreads["offline VQF"])}}, kept


def spread_deg(up: Array) -> list[float]:
    """Rms angle to the mean direction, of each five seconds but the first two."""
    pieces = [up[i : i + PIECE] for i in range(200, len(up) - PIECE + 1, PIECE)]
    return [float(np.sqrt(np.mean(angles_deg(piece, piece.mean(axis=0)) ** 2))) for piece in pieces]


def _figures(values: list[float]) -> dict[str, float | int | None]:
    if not values:
        return {"n": 0, "median_deg": None, "p95_deg": None}
    p95 = round(float(np.percentile(values, 95)), 2)
    return {"n": len(values), "median_deg": _median(values), "p95_deg": p95}


def _median(values: list[float]) -> float | None:
    return round(float(np.median(values)), 2) if values else None


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def costs_us(motion: Motion, passes: int) -> dict[str, float]:
    """Of one update; the least of each hundred samples over all passes."""
    step_ns = 1_000_000_000 // RATE_HZ
    rows = zip(motion.accel_mps2.tolist(), motion.gyro_radps.tolist(), strict=True)
    samples = [(i * step_ns, tuple(a), tuple(g)) for i, (a, g) in enumerate(rows)]
    names = [name for name, (package, _) in FILTERS.items() if not package or _installed(package)]
    least = {name: [math.inf] * (len(samples) // 100) for name in names}
    for number in range(passes):
        for name in names if number % 2 == 0 else reversed(names):
            update = FILTERS[name][1]()
            for k in range(len(samples) // 100):
                began_ns = time.perf_counter_ns()
                for sample in samples[100 * k : 100 * k + 100]:
                    update(*sample)
                least[name][k] = min(least[name][k], (time.perf_counter_ns() - began_ns) / 1e5)
    return {name: round(sum(times) / len(times), 2) for name, times in least.items()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.attitude", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="every eighth person")
    args = parser.parse_args()
    data = folder()
    if data is None:
        print("null" if args.json else "no recordings of real people; set REARGUARD_DATA to their folder")
        return 0
    table, kept = judged(data, 8 if args.quick else 1)
    longest = max(kept, key=lambda motion: len(motion.accel_mps2))
    for name, cost in costs_us(longest, 6 if args.quick else 20).items():
        table[name]["us"] = cost
    if args.json:
        print(json.dumps(table | {"load_average": round(os.getloadavg()[0], 1)}))
        return 0
    columns = [key for key in table["ours"] if not key.endswith("_n")]
    counts = ", ".join(f"{table['ours'][f'{group}_n']} {group}" for group in ("posture", "falls", "walking"))
    print(f"{'':30}" + "".join(f"{column.replace('_deg', '').replace('_', ' '):>17}" for column in columns))
    for name, row in table.items():
        print(f"{name:30}" + "".join(f"{row.get(column, '')!s:>17}" for column in columns))
    print(f"degrees; us an update; {counts}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
