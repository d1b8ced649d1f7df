"""The cue to stand up straight, on walks of real people: `python -m bench.posture [--json] [--quick]`.

Every walking trial of REARGUARD_DATA (default ../shared/data), also played backward in time, through the core's own
attitude and steps; then the lean detector, as shipped and with other limits. Nobody in them was asked to lean, so
every cue is a nuisance: cues an hour, and how many people got any. IPOL and mobgap hold the people's own standing
before the walk; in most of the others the upright is learned from the first steps, as the core does.

Recognised: the same walks with the trunk leant by so many degrees from 10 s on: the share that is cued, and how soon.
Nothing is fitted, so nobody has to be held back; the table by person says whose walks are behind the sum.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.synthetic import data_folder
from firmware.core.balance import LEAN_NS
from firmware.core.detectors.lean import LeanConfig, LeanDetector
from firmware.core.messages import Severity
from firmware.core.moving import Moving
from firmware.evaluation.dataset import Trial, read, sources
from firmware.evaluation.no_gyro import rates_from_gravity

Array = NDArray[np.float64]
SETS = ("ipol", "mobgap", "sisfall", "kfall", "daphnet")
OWN_STANDING = ("ipol", "mobgap")
WALKING = ("walk", "walk_fast", "walk_pd")
LEANS_FROM_S, LEAST_S = 10.0, 25.0
LEANS_DEG = (12.0, 15.0, 20.0)
SHIPPED = LeanConfig()


def limits(forward: float, other: float, hold_s: float, smoothing_s: float) -> LeanConfig:
    return replace(
        SHIPPED, forward_deg=forward, backward_deg=other, sideways_deg=other, hold_s=hold_s, smoothing_s=smoothing_s
    )


TRIED = {
    "as shipped: 10 deg, 5 s": SHIPPED,
    "14/12 deg, 8 s, over 4 s": limits(14.0, 12.0, 8.0, 4.0),
    "12 deg, 5 s": limits(12.0, 12.0, 5.0, 2.0),
    "10 deg, 5 s, over 4 s": limits(10.0, 10.0, 5.0, 4.0),
    "10 deg, 8 s": limits(10.0, 10.0, 8.0, 2.0),
}


@dataclass(frozen=True, slots=True)
class Trunk:
    """One walk: every 0.1 s of steps the tilt from the own upright; `t_s` since the walk began."""

    person: str
    set_name: str
    kind: str
    reversed: bool
    t_s: Array
    pitch_rad: Array
    roll_rad: Array

    @property
    def hours(self) -> float:
        return len(self.t_s) * LEAN_NS * 1e-9 / 3600.0


def trunks(folder: Path, every: int = 1) -> Iterator[Trunk]:
    """Every walk of every n-th person of each set, forward and backward in time."""
    for name in SETS:
        for source in sources(folder / name)[0][::every] if (folder / name).is_dir() else ():
            for trial in read(source).trials:
                if trial.label.kind in WALKING:
                    yield followed(trial, name, backward=False)
                    yield followed(trial, name, backward=True)


def followed(trial: Trial, name: str, *, backward: bool) -> Trunk:
    accel, gyro = trial.accel_mps2, trial.gyro_radps
    if gyro is None:
        gyro = rates_from_gravity(accel, trial.fs_hz)
    if backward:
        accel, gyro = accel[::-1], -gyro[::-1]
    moving, rows, due_ns = Moving(), list[tuple[float, float, float]](), 0
    for index, (force, rate) in enumerate(zip(accel.tolist(), gyro.tolist(), strict=True)):
        t_ns = round(index * 1e9 / trial.fs_hz)
        if not np.isfinite(force).all() or not moving.take(t_ns, tuple(force), tuple(rate)):
            continue
        attitude = moving.attitude
        if t_ns >= due_ns and attitude.upright_known and moving.steps.under_way(t_ns):
            due_ns = t_ns + LEAN_NS
            rows.append((t_ns * 1e-9, attitude.pitch_rad, attitude.roll_rad))
    t_s, pitch, roll = np.array(rows, dtype=float).reshape(-1, 3).T
    return Trunk(f"{name}/{trial.label.subject}", name, trial.label.kind, backward, t_s, pitch, roll)


def cues_s(trunk: Trunk, config: LeanConfig, leant_deg: float = 0.0) -> list[float]:
    """When she is cued. The steps pausing clears, as in the core; `leant_deg` forward from LEANS_FROM_S on."""
    detector, found, last_s, said = LeanDetector(config), list[float](), 0.0, False
    leant = np.where(trunk.t_s >= LEANS_FROM_S, np.radians(leant_deg), 0.0)
    for t_s, pitch, roll in zip(trunk.t_s, trunk.pitch_rad + leant, trunk.roll_rad, strict=True):
        if t_s - last_s > 1.0:
            detector.clear()
            said = False
        last_s = float(t_s)
        cue = detector.update(round(t_s * 1e9), float(pitch), float(roll)).severity is Severity.CUE
        if cue and not said:
            found.append(last_s)
        said = cue
    return found


def nuisance(found: Sequence[Trunk], config: LeanConfig) -> dict[str, Any]:
    """Cues an hour, and people with any, by set and in all; slow and fast walks apart."""
    rows: dict[str, Any] = {}
    parts = {
        "own standing": [t for t in found if t.set_name in OWN_STANDING],
        "slow": [t for t in found if t.kind != "walk_fast"],
        "slow, with a gyroscope": [t for t in found if t.kind != "walk_fast" and t.set_name != "daphnet"],
        "fast": [t for t in found if t.kind == "walk_fast"],
    }
    parts |= {name: [t for t in found if t.set_name == name] for name in SETS}
    for name, chosen in parts.items():
        if not chosen:
            continue
        cued = {trunk.person: 0 for trunk in chosen}
        for trunk in chosen:
            cued[trunk.person] += len(cues_s(trunk, config))
        hours = sum(trunk.hours for trunk in chosen)
        total = sum(cued.values())
        rows[name] = {
            "hours": round(hours, 2),
            "cues": total,
            "per_hour": round(total / hours, 1) if hours else None,
            "people": len(cued),
            "people_cued": sum(count > 0 for count in cued.values()),
        }
    return rows


def recognised(found: Sequence[Trunk], config: LeanConfig) -> dict[str, Any]:
    """Of the walks that last long enough, those with a cue once she leans, and the median time until it."""
    rows = {}
    long = [t for t in found if len(t.t_s) and t.t_s[-1] >= LEAST_S and not t.reversed]
    for leant_deg in LEANS_DEG:
        waits = []
        for trunk in long:
            late = [t for t in cues_s(trunk, config, leant_deg) if t >= LEANS_FROM_S]
            waits += [late[0] - LEANS_FROM_S] if late else []
        share = round(len(waits) / len(long), 2) if long else None
        rows[f"{leant_deg:g}"] = {"share": share, "median_s": round(float(np.median(waits)), 1) if waits else None}
    return {"walks": len(long), **rows}


def standing_lean_deg(found: Sequence[Trunk]) -> dict[str, Any]:
    """How far people lean in walking from where they stood: percentiles over people of their median pitch and roll."""
    rows = {}
    for name in ("own standing", *SETS):
        names = OWN_STANDING if name == "own standing" else (name,)
        people: dict[str, list[Array]] = {}
        for trunk in found:
            if trunk.set_name in names and len(trunk.t_s):
                people.setdefault(trunk.person, []).append(np.degrees([trunk.pitch_rad, trunk.roll_rad]))
        if people:
            medians = np.array([np.median(np.concatenate(own, axis=1), axis=1) for own in people.values()])
            pitch, roll = (np.percentile(medians[:, i], [0, 50, 100]).round(1).tolist() for i in (0, 1))
            rows[name] = {"people": len(people), "pitch_deg": pitch, "roll_deg": roll}
    return rows


def measure(found: Sequence[Trunk], quick: bool) -> dict[str, Any]:
    tried = dict(list(TRIED.items())[:2]) if quick else TRIED
    return {
        "walking_lean": standing_lean_deg(found),
        "limits": {
            name: {"nuisance": nuisance(found, config), "recognised": recognised(found, config)}
            for name, config in tried.items()
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.posture", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="every fourth person, the shipped limits and the first")
    options = parser.parse_args(arguments)
    folder = data_folder()
    if not folder.is_dir():
        print(f"no recordings at {folder} (REARGUARD_DATA): nothing measured", file=sys.stderr)
        return 0
    result = measure(list(trunks(folder, 4 if options.quick else 1)), options.quick)
    if options.json:
        print(json.dumps(result))
        return 0
    for name, row in result["walking_lean"].items():
        print(f"leans in walking, {name}: {row}")
    for name, table in result["limits"].items():
        print(f"== {name}")
        for part, row in chain(table["nuisance"].items(), table["recognised"].items()):
            print(f"  {part:23} {row}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
