"""How near the estimator comes to true distances: `python -m bench.ranging [--json] [--quick]`.

HC-SR04 readings of a bench, where the distance was known, of REARGUARD_DATA (default ../shared/data). The approach
estimator as it ships, beside the usual filters, each fed the same readings. They carry no times, so they are taken as
one cycle of ours apart; nothing moved, so the walking speed is 0. Errors count from the ninth reading at a distance
on, when every filter is full. The series that are named 5 ms and 10 ms alternate between two wrong distances, as when
each ping hears the one before; they are also left out. And, which needs no data: how many readings late each filter
follows a step from 2.0 to 0.5 m.
"""

import argparse
import csv
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from statistics import median

from firmware.core.estimators.approach import Approach, ApproachConfig
from hal.config import RangefinderConfig

DEFAULT_DATA = Path(__file__).parents[2] / "shared" / "data"
READINGS = Path("hcsr04") / "readings.csv"
PERIOD_NS = round(RangefinderConfig().period_s * 1e9)
LONGEST_QUEUE = 9  # of gpiozero's DistanceSensor
FAR_OFF_M = 0.2
BEYOND_M = 1.0  # most wrong readings are there
HASTY = ("_5ms", "_10ms")
STEP_M = (2.0, 0.5)
FOLLOWED_M = 0.1

Filter = Callable[[float | None], float | None]


@dataclass(frozen=True, slots=True)
class Stand:
    """Readings in a row in front of one target."""

    series: str
    true_m: float
    readings_m: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """How far one filter was off. The longest run counts estimates in a row that were more than 20 cm off."""

    distances: str
    filter: str
    n: int
    median_m: float
    p95_m: float
    far_off_share: float
    too_near_share: float
    longest_run: int


class Ours:
    """The estimator of the core, on the guard's clock."""

    def __init__(self) -> None:
        self._approach = Approach(ApproachConfig())
        self._t_ns = 0

    def __call__(self, reading_m: float | None) -> float | None:
        self._t_ns += PERIOD_NS
        self._approach.update(self._t_ns, reading_m, 0.0)
        return self._approach.distance_m


class MedianOf:
    """The median of the last `count` readings that are any; None, unless `partial`, until there are so many."""

    def __init__(self, count: int, *, partial: bool = True) -> None:
        self._readings_m: deque[float] = deque(maxlen=count)
        self._least = 1 if partial else count

    def __call__(self, reading_m: float | None) -> float | None:
        if reading_m is not None:
            self._readings_m.append(reading_m)
        return median(self._readings_m) if len(self._readings_m) >= self._least else None


FILTERS: dict[str, Callable[[], Filter]] = {
    "last reading": lambda: lambda reading_m: reading_m,
    "ours": Ours,
    "median of 3": lambda: MedianOf(3),
    "median of 5": lambda: MedianOf(5),
    "gpiozero's queue of 9": lambda: MedianOf(LONGEST_QUEUE, partial=False),
}


def stands(path: Path) -> list[Stand]:
    """The readings of each series at each distance, in the order in which they were taken."""
    found: dict[tuple[str, float], list[float | None]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            key = f"{line['host']}/{line['series']}", float(line["actual_cm"]) / 100
            found.setdefault(key, []).append(_reading_m(line["reading_cm"]))
    return [Stand(series, true_m, tuple(readings_m)) for (series, true_m), readings_m in found.items()]


def _reading_m(reading_cm: str) -> float | None:
    return float(reading_cm) / 100 if reading_cm else None


def errors_m(stand: Stand, new_filter: Callable[[], Filter]) -> list[float]:
    """Estimate less truth from the ninth reading on; positive is too far."""
    estimate = new_filter()
    estimates_m = [estimate(reading_m) for reading_m in stand.readings_m][LONGEST_QUEUE - 1 :]
    return [estimate_m - stand.true_m for estimate_m in estimates_m if estimate_m is not None]


def row(distances: str, name: str, of: Sequence[Stand]) -> Row | None:
    by_stand = [errors_m(stand, FILTERS[name]) for stand in of]
    off_m = sorted(abs(error_m) for found in by_stand for error_m in found)
    if not off_m:
        return None
    return Row(
        distances,
        name,
        len(off_m),
        median(off_m),
        off_m[round(0.95 * (len(off_m) - 1))],
        sum(error_m > FAR_OFF_M for error_m in off_m) / len(off_m),
        sum(error_m < -FAR_OFF_M for found in by_stand for error_m in found) / len(off_m),
        max(longest_run(abs(error_m) > FAR_OFF_M for error_m in found) for found in by_stand),
    )


def longest_run(bad: Iterable[bool]) -> int:
    return max((sum(1 for _ in run) for is_bad, run in groupby(bad) if is_bad), default=0)


def late_by(new_filter: Callable[[], Filter]) -> int:
    """How many readings after the first one of the step the estimate follows."""
    estimate, (from_m, to_m) = new_filter(), STEP_M
    for _ in range(2 * LONGEST_QUEUE):
        estimate(from_m)
    for late in range(2 * LONGEST_QUEUE):
        estimate_m = estimate(to_m)
        if estimate_m is not None and abs(estimate_m - to_m) <= FOLLOWED_M:
            return late
    raise AssertionError("a filter never follows")


def measure(path: Path, every: int) -> tuple[list[Row], dict[str, int]]:
    """The errors, where the data are, and how late each filter follows the step."""
    late = {name: late_by(new_filter) for name, new_filter in FILTERS.items()}
    found = stands(path)[::every] if path.is_file() else []
    near = [stand for stand in found if stand.true_m <= BEYOND_M]
    far = [stand for stand in found if stand.true_m > BEYOND_M]
    slower = [stand for stand in far if not stand.series.endswith(HASTY)]
    groups = (("up to 1 m", near), ("beyond 1 m", far), ("so, but slower", slower))
    rows = [row(distances, name, of) for distances, of in groups for name in FILTERS]
    return [found_row for found_row in rows if found_row], late


def _print(rows: Sequence[Row], late: dict[str, int]) -> None:
    if rows:
        print(f"{'':16}{'':24}{'n':>6} {'median':>8} {'p95':>8} {'>20 cm off':>11} {'too near':>9} {'longest run':>12}")
    for r in rows:
        print(
            f"{r.distances:16}{r.filter:24}{r.n:6} {r.median_m:6.3f} m {r.p95_m:6.3f} m {r.far_off_share:11.1%} "
            f"{r.too_near_share:9.1%} {r.longest_run:12}"
        )
    for name, count in late.items():
        print(f"{STEP_M[0]:g} -> {STEP_M[1]:g} m{'':6}{name:24}{count:6} readings late")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.ranging", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help="every fourth distance of each series only")
    options = parser.parse_args(arguments)
    path = Path(os.environ.get("REARGUARD_DATA") or DEFAULT_DATA) / READINGS
    rows, late = measure(path, 4 if options.quick else 1)
    if not rows:
        print(f"no readings at {path} (REARGUARD_DATA): the step alone", file=sys.stderr)
    if options.json:
        print(json.dumps({"bench": "ranging", "data": bool(rows), "rows": [asdict(r) for r in rows], "late": late}))
    else:
        _print(rows, late)
    return 0


if __name__ == "__main__":
    sys.exit(main())
