"""Recorded readings of an HC-SR04 as the echoes of a walk: `../shared/data/hcsr04`, where the true distance was known.

A walker stands for 3.5 s with the way free, walks for 4.5 s, and then hears, at her speed:

- each stand's readings in a row, as something new behind her that keeps its distance ("stand");
- an approach from the farthest recorded distance to 0.3 m: each reading comes from the stand of that series nearest to
  where she is, the next in the recorded order, its error kept ("approach");
- the same from 4 m on, with the errors of the farthest stand beyond it ("prolonged").

A false imminent warning: imminent while the true distance is more than 0.15 m beyond `obstacle.near_m`, and the time
to collision at her speed (of a stand as well: she walks, and cannot know yet that it keeps its distance) is more than
0.3 s beyond `obstacle.imminent_s`. A target is lost: the warning has not begun when the true distance falls below what
an older walker needs to stop (her speed times 1.26 s, and 0.3 m for the trailing foot), or ends before 0.3 m. An
approach that begins with less than `obstacle.system_s` to spare before that cannot be judged so, and counts for false
warnings alone. The readings carry no times, so they come as the guard pings; the series named 5 ms and 10 ms heard
their own pings before, and have rows of their own.
"""

import copy
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench._obstacle_loop import IMMINENT, SEVERITIES, SILENT, WARNING, Ours
from bench._obstacle_tables import Bar
from bench.ranging import HASTY, Stand, stands
from firmware.core.detectors.obstacle import ObstacleConfig
from hal.samples import Vector
from hal.sim.world.gait import GaitStyle
from hal.sim.world.obstacle_scene import SOFT_S, START_S
from hal.sim.world.obstacle_world import HEEL_M
from hal.sim.world.walker import Walker

SPEEDS_MPS = (0.3, 0.45, 0.6, 0.9)
WARM_S = 8.0
NEAREST_M, FARTHEST_M = 0.3, 4.0
STOPPING_S = 1.26
MORE_TTC_S, MORE_M = 0.3, 0.15
SOUND = "all but the hasty"
AFTER_S = 0.5  # watched for so long after the last reading of a stand


@dataclass(frozen=True, slots=True)
class Replay:
    """One replayed walk."""

    series: str
    form: str
    speed_mps: float
    false_imminent: bool
    lost: bool | None  # None: not to be judged
    warned_at_m: float | None


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One form over many series."""

    series: str
    form: str
    n: int
    false_imminent: int
    judged: int
    lost: int


class Walking:
    """The motion of a walker at one speed, and what she hears from `WARM_S` on; nothing before."""

    def __init__(self, speed_mps: float) -> None:
        self.speed_mps = speed_mps
        knots = [(START_S, 0.0), (START_S + SOFT_S, speed_mps)]
        self._walker = Walker(knots, seed=f"replay {speed_mps}", style=GaitStyle())
        self._felt: dict[int, tuple[Vector, Vector]] = {}
        self.heard: Callable[[float], float | None] = lambda t_s: None

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        index = round(t_s * 100)
        found = self._felt.get(index)
        if found is None:
            found = self._felt[index] = self._walker.motion(t_s)
        return found

    def distance_m(self, t_s: float) -> float | None:
        return None if t_s < WARM_S else self.heard(t_s)


class InOrder:
    """The readings of a series, by where the walker is: as runs, each stand's in its order and from its beginning."""

    def __init__(self, of: Sequence[Stand]) -> None:
        self._stands = sorted(of, key=lambda stand: stand.true_m)
        self._true_m = [stand.true_m for stand in self._stands]
        self._next = [0] * len(self._stands)

    @property
    def farthest_m(self) -> float:
        return self._true_m[-1]

    def __call__(self, true_m: float) -> float | None:
        after = bisect_left(self._true_m, true_m)
        around = [index for index in (after - 1, after) if 0 <= index < len(self._true_m)]
        index = min(around, key=lambda i: abs(self._true_m[i] - true_m))
        stand = self._stands[index]
        reading_m = stand.readings_m[self._next[index] % len(stand.readings_m)]
        self._next[index] += 1
        return None if reading_m is None else max(reading_m + true_m - stand.true_m, 0.02)


def replay(warm: Ours, walking: Walking, end_s: float) -> list[tuple[float, int]]:
    """What the core says of obstacles, and when, by the tier."""
    ours = copy.deepcopy(warm)
    course = ours.play(walking, end_s, lambda t_s: None, lambda t_s: False)
    return [(t_s, SEVERITIES.get(severity, SILENT)) for t_s, severity, _ in course.told if t_s >= WARM_S]


def warmed(walking: Walking) -> Ours:
    """Up to the first reading, the same for all; the loop goes on where it was left."""
    ours = Ours(f"replay {walking.speed_mps}")
    ours.play(walking, WARM_S, lambda t_s: None, lambda t_s: False)
    return ours


def is_false(true_m: float, speed_mps: float, config: ObstacleConfig) -> bool:
    """Whether an imminent warning would be, there."""
    return true_m > config.near_m + MORE_M and true_m / speed_mps > config.imminent_s + MORE_TTC_S


def of_stand(warm: Ours, walking: Walking, stand: Stand, config: ObstacleConfig) -> Replay:
    left = iter(stand.readings_m)
    times: list[float] = []

    def heard(t_s: float) -> float | None:
        times.append(t_s)
        return next(left, None)

    walking.heard = heard
    said = replay(warm, walking, WARM_S + 0.06 * len(stand.readings_m) + AFTER_S)
    false = is_false(stand.true_m, walking.speed_mps, config) and any(tier == IMMINENT for _, tier in said)
    warned = any(tier >= WARNING for _, tier in said)
    return Replay(stand.series, "stand", walking.speed_mps, false, None, stand.true_m if warned else None)


def of_approach(warm: Ours, walking: Walking, of: Sequence[Stand], config: ObstacleConfig, prolonged: bool) -> Replay:
    readings, speed_mps = InOrder(of), walking.speed_mps
    from_m = max(FARTHEST_M, readings.farthest_m) if prolonged else readings.farthest_m

    def true_m(t_s: float) -> float:
        return from_m - speed_mps * (t_s - WARM_S)

    walking.heard = lambda t_s: readings(true_m(t_s))
    end_s = WARM_S + (from_m - NEAREST_M) / speed_mps
    said = replay(warm, walking, end_s)
    false = any(tier == IMMINENT and is_false(true_m(t_s), speed_mps, config) for t_s, tier in said)
    needs_m = speed_mps * STOPPING_S + HEEL_M
    warned_at_m = held_from_m(said, true_m)
    judged = from_m >= needs_m + speed_mps * config.system_s
    lost = warned_at_m is None or warned_at_m < needs_m
    form = "prolonged" if prolonged else "approach"
    return Replay(of[0].series, form, speed_mps, false, lost if judged else None, warned_at_m)


def held_from_m(said: Sequence[tuple[float, int]], true_m: Callable[[float], float]) -> float | None:
    """Where the warning began that lasted to the end."""
    began_s: float | None = None
    for t_s, tier in said:
        if tier < WARNING:
            began_s = None
        elif began_s is None:
            began_s = t_s
    return None if began_s is None else true_m(began_s)


def replays(path: Path, every: int) -> Iterator[Replay]:
    """Nothing where there are no recordings; `every`: of so many series the first only."""
    found = stands(path) if path.is_file() else []
    by_series: dict[str, list[Stand]] = {}
    for stand in found:
        by_series.setdefault(stand.series, []).append(stand)
    config = ObstacleConfig()
    chosen = list(by_series.values())[::every]
    for speed_mps in SPEEDS_MPS:
        walking = Walking(speed_mps)
        warm = warmed(walking)
        for of in chosen:
            for stand in of:
                yield of_stand(warm, walking, stand, config)
            for prolonged in (False, True):
                yield of_approach(warm, walking, of, config, prolonged)


def rows(found: Sequence[Replay]) -> list[ReplayRow]:
    """Each form over the series that were not hasty, over those that were, and by series where something is wrong."""
    table = []
    for form in ("stand", "approach", "prolonged"):
        those = [one for one in found if one.form == form]
        for name, hasty in ((SOUND, False), ("5 ms and 10 ms apart", True)):
            table.append(_row(name, form, [one for one in those if one.series.endswith(HASTY) is hasty]))
        bad = dict.fromkeys(one.series for one in those if one.false_imminent or one.lost)
        table += [_row(series, form, [one for one in those if one.series == series]) for series in bad]
    return [row for row in table if row.n]


def series_rows(found: Sequence[Replay]) -> list[ReplayRow]:
    """Each series by itself, in each form."""
    names = dict.fromkeys((one.series, one.form) for one in found)
    return [_row(*name, [one for one in found if (one.series, one.form) == name]) for name in names]


def _row(series: str, form: str, those: Sequence[Replay]) -> ReplayRow:
    judged = [one for one in those if one.lost is not None]
    return ReplayRow(
        *(series, form, len(those), sum(one.false_imminent for one in those)),
        *(len(judged), sum(bool(one.lost) for one in judged)),
    )


def replay_bars(table: Sequence[ReplayRow]) -> list[Bar]:
    """What is asked of the series that were not hasty."""
    those = [row for row in table if row.series == SOUND]
    if not those:
        return []
    false, of = sum(row.false_imminent for row in those), sum(row.n for row in those)
    lost, judged = sum(row.lost for row in those), sum(row.judged for row in those)
    return [
        Bar("false imminent warnings from recorded readings", "0", f"{false} of {of}", false == 0),
        Bar("true targets lost in recorded readings", "0", f"{lost} of {judged}", lost == 0),
    ]
