"""Who sits down on purpose and who slides to the floor: in how many the cues of `sunk_m` and `bowed_deg` come together.

    python -m bench.sinking [--json] [--quick]

Recorded sits, rides in cars and walks of REARGUARD_DATA (default ../shared/data; led in by standing, at their own rate)
and made scenes (40 seeds, 100 samples a second) go through the shipping estimators and the shipping `Falling`, in which
a detector writes down what it is told. A trial counts for a limit when her trunk leans back or sideways by `lean_deg`,
she takes no step, and since she was upright she sank so far without bowing so far. For how long she stays so does not
count, nor does a walk before it, but for `shipped, after a walk`; `asked about` are those of them (recorded ones only)
in which the whole core asks. Then the limits that would be chosen on one set alone (fewest sits on chairs that finds
95 % of each kind of made fall) and what they give on the other; last, what is found of how far a made fall sinks.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bench._sinking_data import FALLS, GROUPS, SETS, SHIPPED, Limits, Seen, gathered, seeds, share_found
from bench.synthetic import data_folder

CHAIRS = ("chairs SisFall", "chairs KFall")
SHARE = 0.95  # of each kind of made fall has to be found
SUNK_M, BOWED_DEG = (0.0, 0.3, 0.4, 0.5, 0.6), (15.0, 20.0, math.inf)
ROWS: tuple[Limits, ...] = tuple((sunk_m, bowed_deg) for bowed_deg in BOWED_DEG for sunk_m in SUNK_M)
CANDIDATES: tuple[Limits, ...] = tuple(
    (sunk / 100, bowed) for sunk in range(30, 65, 5) for bowed in (5.0, 7.5, 10.0, 12.5, 15.0, 17.5, 20.0, 25.0, 30.0)
)


def figures(those: Sequence[Seen]) -> dict[str, Any]:
    """Of one group."""
    walked = [trial for trial in those if trial.shows(SHIPPED, walked=True)]
    sunk_m = [trial.sunk_m for trial in those if trial.sunk_m is not None]
    return {
        "trials": len(those),
        "leans": sum(trial.leans for trial in those),
        "shows": {_name(limits): sum(trial.shows(limits) for trial in those) for limits in ROWS},
        "shipped, after a walk": len(walked),
        "asked about": None if any(trial.asked is None for trial in walked) else sum(bool(t.asked) for t in walked),
        "sunk_m_5_50_95": spread(sunk_m),
    }


def spread(values: Sequence[float]) -> list[float] | None:
    return [round(float(p), 2) for p in np.percentile(values, [5, 50, 95])] if values else None


def _name(limits: Limits) -> str:
    sunk_m, bowed_deg = limits
    return f"sank {sunk_m:g} m, " + (f"bowed < {bowed_deg:g}" if bowed_deg < math.inf else "bowed or not")


def chosen(groups: dict[str, list[Seen]], chairs: str) -> Limits | None:
    """The fewest of those sits; of equals what finds more falls, then what allows more bowing."""

    def found(limits: Limits) -> list[float]:
        return [sum(t.shows(limits) for t in groups[name]) / len(groups[name]) for name in FALLS]

    enough = [limits for limits in CANDIDATES if min(found(limits)) >= SHARE]
    asked = {limits: sum(trial.shows(limits) for trial in groups[chairs]) for limits in enough}
    return min(enough, key=lambda limits: (asked[limits], -sum(found(limits)), -limits[1]), default=None)


def left_out(groups: dict[str, list[Seen]]) -> dict[str, dict[str, float]]:
    both = [name for name in CHAIRS if name in groups]
    picked = {f"chosen on {name}": chosen(groups, name) for name in both} if len(both) == 2 else {}
    return {
        by: {"sunk_m": limits[0], "bowed_deg": limits[1]}
        | {name: sum(trial.shows(limits) for trial in groups[name]) for name in (*both, *FALLS)}
        for by, limits in (picked | {"shipped": SHIPPED}).items()
        if limits is not None
    }


def lines(table: dict[str, Any], others: dict[str, dict[str, float]]) -> Iterator[str]:
    yield f"{'':28}" + "".join(f"{name:>15}" for name in table)
    for key in ("trials", "leans"):
        yield f"{key:28}" + "".join(f"{row[key]:15d}" for row in table.values())
    for limits in ROWS:
        yield f"{_name(limits):28}" + "".join(f"{row['shows'][_name(limits)]:15d}" for row in table.values())
    for key in ("shipped, after a walk", "asked about"):
        yield f"{key:28}" + "".join(f"{'-' if row[key] is None else row[key]:>15}" for row in table.values())
    for index, name in enumerate(("5 %", "median", "95 %")):
        cells = ((row["sunk_m_5_50_95"] or [math.nan] * 3)[index] for row in table.values())
        yield f"{'sank, m, ' + name:28}" + "".join(f"{cell:15.2f}" for cell in cells)
    for by, row in others.items():
        yield f"{by:28}" + ", ".join(f"{key} {value}" for key, value in row.items())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.sinking", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help="every sixth person, 10 seeds")
    options = parser.parse_args(arguments)
    folder = data_folder()
    if not any((folder / name).is_dir() for name in SETS):
        print(f"no recordings at {folder} (REARGUARD_DATA): the made scenes alone", file=sys.stderr)
    groups: dict[str, list[Seen]] = {}
    for trial in gathered(folder if folder.is_dir() else None, options.quick):
        groups.setdefault(trial.group, []).append(trial)
    table, others = {name: figures(groups[name]) for name in GROUPS if name in groups}, left_out(groups)
    shares = {name: [share_found(name, seed) for seed in seeds(options.quick)] for name in FALLS}
    found = {name: spread([share for share in those if share is not None]) for name, those in shares.items()}
    if options.json:
        print(json.dumps({"bench": "sinking", "groups": table, "left_out": others, "share_found_5_50_95": found}))
    else:
        print("\n".join(lines(table, others)))
        print(f"share found of how far it sinks, 5 %, median, 95 %: {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
