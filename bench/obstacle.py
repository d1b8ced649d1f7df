"""Whether she is warned before she backs into something, beside hobby projects: same worlds, same echoes.

    python -m bench.obstacle [--json] [--quick] [--jobs N]

Ours is the whole core with the guard's ping schedule and the sounder's turns (10 ms from turn to turn); the peers are
gpiozero's DistanceSensor, as an exact model, and fixed zones (`bench._obstacle_peers`). Approaches: a walker backs
towards hard things and stops when she hears *that* warner, after a reaction and a stopping time drawn from published
ones; a collision is her heel at the thing. "Known": ours was told how she stopped in ten walks before. Nuisance: a
minute in each quiet place, where what sounds after two seconds of silence is an episode; the time in which it learns
what keeps its distance counts, and is told apart. Scenes: whether the warner did what the scene says is expected.
Recorded readings: see `bench._obstacle_replay`. Everything is seeded, so the same command gives the same figures.
"""

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from bench import _obstacle_print as text
from bench import blind as bench_blind
from bench import obstacle_latency
from bench._obstacle_replay import ReplayRow, replay_bars, replays, series_rows
from bench._obstacle_replay import rows as replay_rows
from bench._obstacle_tables import (
    Band,
    Bar,
    Collision,
    CollisionRow,
    NuisanceRow,
    SceneRow,
    bars,
    blind_bars,
    collision_rows,
    collisions,
    latency_bars,
    nuisance_rows,
    scene_row,
)
from bench._obstacle_walks import Approach, Kept, Quiet, Task, approaches, work
from bench.blind import BlindRow
from bench.obstacle_latency import LatencyRow
from bench.ranging import DEFAULT_DATA, READINGS
from hal.sim.world.obstacle_scenes import OBSTACLE_SCENES

T = TypeVar("T")
QUIET = ("open", "corridor", "treadmill", "partner", "park", "open_false_echoes", "open_second_device")
SLOW_ONLY = ("creeping",)
BAR = Band("old", 0.3, 0.9)
OTHERS = (
    *(Band("old", 0.9, 1.2), Band("young", 0.3, 0.9), Band("young", 0.9, 1.2)),
    *(Band("slow", 0.3, 0.9), Band("slow", 0.9, 1.2)),
    *(Band("old", 0.3, 0.9, taught=True), Band("slow", 0.3, 0.9, taught=True), Band("slow", 0.9, 1.2, taught=True)),
    *(Band("old", 0.3, 0.9, "echoes"), Band("old", 0.3, 0.9, "soft")),
)


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each."""

    bar: int = 10_000
    other: int = 300
    quiet: int = 20
    scene: int = 12
    every_series: int = 1


QUICK = Size(bar=120, other=16, quiet=1, scene=1, every_series=8)


@dataclass(slots=True)
class Report:
    collided: list[CollisionRow] = field(default_factory=list)
    ours_hit: list[Collision] = field(default_factory=list)
    nuisances: list[NuisanceRow] = field(default_factory=list)
    scenes: list[SceneRow] = field(default_factory=list)
    replayed: list[ReplayRow] = field(default_factory=list)
    replayed_series: list[ReplayRow] = field(default_factory=list)
    latency: list[LatencyRow] = field(default_factory=list)
    blind: list[BlindRow] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)


def scenes_of(group: str) -> list[str]:
    """Those that can be walked at any speed."""
    return [scene.name for scene in OBSTACLE_SCENES if scene.group == group and scene.name not in SLOW_ONLY]


class Crew:
    """Processes that share the work; the results come in the order of the tasks, however many there are."""

    def __init__(self, jobs: int) -> None:
        self._pool = multiprocessing.get_context("fork").Pool(jobs) if jobs > 1 else None

    def work(self, tasks: Iterable[Task]) -> list[Approach | Quiet | Kept]:
        found = map(work, tasks) if self._pool is None else self._pool.imap(work, tasks, chunksize=4)
        return [one for those in found for one in those]

    def later(self, measure: Callable[[bool], T], quick: bool) -> Callable[[], T]:
        """Begun now if there is somebody to do it; what is returned waits for it."""
        return partial(measure, quick) if self._pool is None else self._pool.apply_async(measure, (quick,)).get

    def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()
            self._pool.join()


def walk_into_things(crew: Crew, size: Size, report: Report) -> Iterator[str]:
    for band in (BAR, *OTHERS):
        count = size.bar if band is BAR else size.other
        tasks = approaches(scenes_of(band.group), band.person, band.low_mps, band.high_mps, count, taught=band.taught)
        found = [one for one in crew.work(tasks) if isinstance(one, Approach)]
        report.collided += collision_rows(band, found)
        report.ours_hit += collisions(found)
    yield from text.collision_lines(report.collided)
    yield from text.collided_lines(report.ours_hit)


def walk_in_quiet(crew: Crew, size: Size, report: Report) -> Iterator[str]:
    tasks = [Task("quiet", scene, seed) for scene in QUIET for seed in range(size.quiet)]
    report.nuisances = nuisance_rows([one for one in crew.work(tasks) if isinstance(one, Quiet)])
    yield from text.nuisance_lines(report.nuisances)


def play_scenes(crew: Crew, size: Size, report: Report) -> Iterator[str]:
    for scene in OBSTACLE_SCENES:
        tasks = [Task("scene", scene.name, seed) for seed in range(size.scene)]
        found = [one for one in crew.work(tasks) if isinstance(one, Kept)]
        report.scenes.append(scene_row(scene, found))
    yield from text.scene_lines(report.scenes)


def replay_readings(size: Size, report: Report) -> Iterator[str]:
    path = Path(os.environ.get("REARGUARD_DATA") or DEFAULT_DATA) / READINGS
    found = list(replays(path, size.every_series))
    report.replayed, report.replayed_series = replay_rows(found), series_rows(found)
    if not report.replayed:
        print(f"no readings at {path} (REARGUARD_DATA): nothing replayed", file=sys.stderr)
    yield from text.replay_lines(report.replayed)
    yield ""


def sections(crew: Crew, size: Size, report: Report) -> Iterator[str]:
    """The text, as it is worked out; `report` is filled on the way."""
    quick = size == QUICK
    latency, blind = crew.later(obstacle_latency.measure, quick), crew.later(bench_blind.measure, quick)
    for section in (walk_into_things, walk_in_quiet, play_scenes):
        yield from section(crew, size, report)
        yield ""
    yield from replay_readings(size, report)
    report.latency, report.blind = latency(), blind()
    yield from obstacle_latency.lines(report.latency)
    yield ""
    yield from bench_blind.lines(report.blind)
    yield ""
    report.bars = bars(BAR, report.collided, report.nuisances) + replay_bars(report.replayed)
    report.bars += latency_bars(report.latency) + blind_bars(report.blind)
    yield from text.bar_lines(report.bars, quick=quick)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.obstacle", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--quick", action="store_true", help="a few of each, in about a minute: too few to decide by")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a processor)")
    options = parser.parse_args(arguments)
    report, crew, size = Report(), Crew(options.jobs), QUICK if options.quick else Size()
    try:
        for line in sections(crew, size, report):
            if not options.json:
                print(line, flush=True)
    finally:
        crew.close()
    if options.json:
        print(json.dumps({"bench": "obstacle", "size": asdict(size), **asdict(report)}))
    return 0 if all(bar.passes for bar in report.bars) else 1


if __name__ == "__main__":
    sys.exit(main())
