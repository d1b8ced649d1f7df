"""How far the synthetic walker moves like recorded people: the same figures measured on both, side by side.

    python -m bench.synthetic [--json] [--quick]

The recordings are those of REARGUARD_DATA (default ../shared/data): SisFall (Sucerquia et al. 2017), KFall (Yu et al.
2021) and IPOL (Voisard et al. 2023). Exit code 1 when a figure of the walker lies outside their 5-95 % range.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench._figures import Figures, Movement, measured, movement
from hal.sim.world.scenarios import scenario
from hal.sim.world.scene import World

DEFAULT_DATA = Path(__file__).parents[2] / "shared" / "data"
SAMPLE_HZ = 200  # as SisFall, so that averaging does the same to both
KFALL_CLIPS = ("peak_g", "above_1.5g_ms")  # its range is 4 g an axis, so these come from SisFall alone

SISFALL_KINDS = {"D01": "slow walk", "D18": "stumble", "D08": "sitting down hard", "D10": "sitting down hard"} | {
    "D11": "sitting down hard"
}
KFALL_KINDS = {"T01": "standing", "T06": "slow walk", "T10": "stumble"} | dict.fromkeys(
    ("T14", "T15"), "sitting down hard"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: the walker's, and the recordings' percentiles where there are any."""

    kind: str
    figure: str
    synthetic: float
    n: int = 0
    p5: float | None = None
    p10: float | None = None
    median: float | None = None
    p90: float | None = None
    p95: float | None = None

    @property
    def fits(self) -> bool | None:
        return None if self.p5 is None or self.p95 is None else self.p5 <= self.synthetic <= self.p95


def data_folder() -> Path:
    return Path(os.environ.get("REARGUARD_DATA") or DEFAULT_DATA)


def kind_of(dataset: str, activity: str, direction: str) -> str | None:
    if direction:
        return "backward fall" if direction == "backward" else None
    if dataset == "ipol":
        return "slow walk"
    return (SISFALL_KINDS if dataset == "sisfall" else KFALL_KINDS).get(activity)


def recorded_movements(folder: Path, every: int = 1) -> Iterator[tuple[str, str, Movement]]:
    """(dataset, kind, movement) of every trial that has a synthetic counterpart, of every n-th person."""
    for dataset in ("sisfall", "kfall", "ipol"):
        for path in sorted((folder / dataset).glob("*.npz"))[::every]:
            with np.load(path) as z:
                yield from _of_person(dataset, {key: z[key] for key in z.files})


def _of_person(dataset: str, z: dict[str, np.ndarray]) -> Iterator[tuple[str, str, Movement]]:
    accel, gyro, fs_hz = z["acc"].T * z["acc_lsb"], z["gyr"].T * z["gyr_lsb"], float(z["fs"])
    for i, (activity, direction) in enumerate(zip(z["activity"], z["direction"], strict=True)):
        kind = kind_of(dataset, str(activity), str(direction))
        if kind:
            part = slice(z["start"][i], z["start"][i + 1])
            onset, impact = int(z["onset"][i]), int(z["impact"][i])
            yield dataset, kind, movement(accel[part], gyro[part], fs_hz, onset=onset, impact=impact)


def synthetic_movement(world: World, from_s: float, to_s: float) -> Movement:
    times = np.arange(from_s, to_s, 1 / SAMPLE_HZ)
    forces, rates = zip(*(world.motion(float(t)) for t in times), strict=True)
    at = {mark.what: round((mark.t_s - from_s) * SAMPLE_HZ) for mark in world.marks if from_s <= mark.t_s < to_s}
    onset, impact = at.get("falls backward", -1), at.get("impact", -1)
    return movement(np.array(forces), np.array(rates), SAMPLE_HZ, onset=onset, impact=impact)


SYNTHETIC = {
    "backward fall": ("walk", 0.0, 30.0),
    "slow walk": ("quiet", 3.5, 33.5),
    "stumble": ("stumble", 0.0, 20.0),
    "sitting down hard": ("sit", 11.0, 24.0),
    "standing": ("stand", 0.0, 30.0),
}


def synthetic_figures() -> dict[str, Figures]:
    """Median over the windows where a kind has several."""
    found: dict[str, Figures] = {}
    for kind, (name, from_s, to_s) in SYNTHETIC.items():
        sets = measured(kind, synthetic_movement(scenario(name), from_s, to_s))
        found[kind] = {figure: float(np.median([s[figure] for s in sets])) for figure in sets[0]}
    return found


def recorded_figures(folder: Path, every: int = 1) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {}
    for dataset, kind, m in recorded_movements(folder, every):
        for figures in measured(kind, m):
            for figure, value in figures.items():
                if dataset != "kfall" or kind == "slow walk" or figure not in KFALL_CLIPS:
                    found.setdefault(kind, {}).setdefault(figure, []).append(value)
    return found


def rows(folder: Path | None, every: int = 1) -> list[Row]:
    recorded = recorded_figures(folder, every) if folder else {}
    table = []
    for kind, figures in synthetic_figures().items():
        for figure, value in figures.items():
            values = recorded.get(kind, {}).get(figure, [])
            percentiles = [float(p) for p in np.percentile(values, [5, 10, 50, 90, 95])] if values else []
            table.append(Row(kind, figure, value, len(values), *percentiles))
    return table


def _lines(table: list[Row]) -> Iterator[str]:
    yield f"{'':18} {'':18} {'synthetic':>9} | {'recorded median':>15} {'p10':>8} {'p90':>8} {'n':>5}"
    for row in table:
        start = f"{row.kind:18} {row.figure:18} {row.synthetic:9.3f} |"
        if row.median is None:
            yield f"{start} {'-':>15}"
        else:
            verdict = "" if row.fits else f"  OUTSIDE {row.p5:.3f}-{row.p95:.3f} (5-95 %)"
            yield f"{start} {row.median:15.3f} {row.p10:8.3f} {row.p90:8.3f} {row.n:5d}{verdict}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.synthetic", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help="every fourth recorded person only")
    options = parser.parse_args(arguments)
    folder = data_folder()
    known = folder.is_dir()
    if not known:
        print(f"no recordings at {folder} (REARGUARD_DATA): the synthetic walker's figures alone", file=sys.stderr)
    table = rows(folder if known else None, 4 if options.quick else 1)
    if options.json:
        listed = [asdict(row) | {"fits": row.fits} for row in table]
        print(json.dumps({"bench": "synthetic", "data": known, "rows": listed}))
    else:
        print("\n".join(_lines(table)))
    return 1 if any(row.fits is False for row in table) else 0


if __name__ == "__main__":
    sys.exit(main())
