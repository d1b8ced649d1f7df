"""Recorded sits and made slides, and what the fall detector would be told of how far she sank and how she bowed."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from bench.scenes import Chip
from firmware.core.config import CoreConfig
from firmware.core.detectors.fall import _BENT_SHARE, _TURNED_BACK_RAD, Evidence, FallConfig, FallDetector, Look, Way
from firmware.core.falling import Falling
from firmware.core.moving import Moving
from firmware.evaluation.dataset import Trial, read, sources
from firmware.evaluation.no_gyro import rates_from_gravity
from firmware.evaluation.stream import EPOCH_NS, LEAD_IN_S, judge, led_in
from hal.samples import Vector
from hal.sim.world.fall_scenes import FALL_SCENES
from hal.sim.world.happenings import sit_fall, slide_down_a_wall
from hal.sim.world.incidents import Incident
from hal.sim.world.walker import Walker

RUNS, RATE_HZ = 40, 100
SETS = ("sisfall", "kfall", "ipol", "daphnet", "mobgap")
WALKS = ("walk", "walk_fast", "walk_pd", "stairs")
RECORDED = {
    "chairs SisFall": ("sisfall", ("D07", "D08", "D09", "D10", "D11")),
    "chairs KFall": ("kfall", ("T13", "T14", "T15", "T16")),
    "floor KFall": ("kfall", ("T05",)),
    "cars SisFall": ("sisfall", ("D17",)),
}
MADE = {
    "made slides": ("slump at a wall",),
    "made sit-falls": ("backward sit-fall",),
    "made chairs": ("sitting on a chair", "sitting down hard"),
}
GROUPS = (*RECORDED, "walks", *MADE)
FALLS = {"made slides": slide_down_a_wall, "made sit-falls": sit_fall}
DOWN_S, STEP_S = 15.0, 0.001

Motion = Callable[[float], tuple[Vector, Vector]]
Limits = tuple[float, float]
"""`sunk_m` and `bowed_deg`; infinite: however far she bowed."""
SHIPPED: Limits = (FallConfig().sunk_m, FallConfig().bowed_deg)


@dataclass(frozen=True, slots=True)
class Seen:
    """One trial; `ways` are what she had come by while she leaned back: metres, degrees forward, from a walk."""

    group: str
    leans: bool
    ways: tuple[tuple[float, float, bool], ...]
    asked: bool | None = None  # by the whole core; looked at only where a recording shows all cues after a walk

    @property
    def sunk_m(self) -> float | None:
        return max((metres for metres, _, _ in self.ways), default=None)

    def shows(self, limits: Limits, *, walked: bool = False) -> bool:
        sunk_m, bowed_deg = limits
        return any(m >= sunk_m and bowed < bowed_deg and after >= walked for m, bowed, after in self.ways)


class _Notes(FallDetector):
    """Never tells of a fall, but keeps what `Posture` would go by: what was sunk counts until she is upright."""

    def __init__(self, config: FallConfig) -> None:
        super().__init__(config)
        self._lean_rad, self._walked_ns = math.radians(config.lean_deg), round(config.walked_s * 1e9)
        self._pending: list[tuple[float, float, bool]] = []
        self.leans, self.ways = False, list[tuple[float, float, bool]]()

    def update(
        self,
        t_ns: int,
        peak_mps2: float,
        tilt_rad: float | None,
        looks: Sequence[Look],
        stepped_ns: int | None,
        forward_rad: float = 0.0,
        stepping: bool = False,
        worn: bool = True,
        may_rest: bool = True,
        way: Way | None = None,
        span_ns: int = 0,
    ) -> Evidence | None:
        if not worn or tilt_rad is None or tilt_rad < self._lean_rad:
            self._pending.clear()
            return None
        if way is not None and way.tilt_rad - tilt_rad < _TURNED_BACK_RAD:
            walked = way.stepped_ns is not None and way.from_ns - way.stepped_ns <= self._walked_ns
            self._pending.append((way.metres, math.degrees(way.forward_rad), walked))
        if not stepping and forward_rad <= _BENT_SHARE * tilt_rad:
            self.leans = True
            self.ways += self._pending
            self._pending.clear()
        return None


class _Listening(Falling):
    def __init__(self, config: CoreConfig, moving: Moving) -> None:
        super().__init__(config, moving)
        self._fall = self.notes = _Notes(config.fall)


def seen(group: str, samples: Iterable[tuple[int, Vector, Vector]]) -> Seen:
    config = CoreConfig()
    moving = Moving(config)
    falling = _Listening(config, moving)
    for t_ns, force, rate in samples:
        if moving.take(t_ns, force, rate):
            falling.update(t_ns, False)
    return Seen(group, falling.notes.leans, tuple(falling.notes.ways))


def _recorded(trial: Trial) -> Iterator[tuple[int, Vector, Vector]]:
    accel, gyro = led_in(trial, LEAD_IN_S)
    if gyro is None:
        gyro = rates_from_gravity(accel, trial.fs_hz)
    for index, (force, rate) in enumerate(zip(accel.tolist(), gyro.tolist(), strict=True)):
        if math.isfinite(sum(force) + sum(rate)):
            yield EPOCH_NS + round(index * 1e9 / trial.fs_hz), tuple(force), tuple(rate)


def _made(motion: Motion, duration_s: float, seed: int) -> Iterator[tuple[int, Vector, Vector]]:
    chip = Chip(Random(f"chip {seed}"), RATE_HZ)
    for index in range(1, round(duration_s * RATE_HZ)):
        t_ns = index * 1_000_000_000 // RATE_HZ
        sample = chip.sample(t_ns, motion(t_ns * 1e-9))
        yield t_ns, sample.accel_mps2, sample.gyro_radps


def share_found(group: str, seed: int) -> float | None:
    """How far a made fall seems to have sunk, as a share of how far it did; None: it does not lean back."""
    fall = FALLS[group](DOWN_S, Random(f"{group} {seed}"))
    walks = [(0.0, 0.0), (3.5, 0.0), (4.3, 0.5), (fall.start_s, 0.5), (fall.start_s + 0.5, 0.0)]
    found_m = seen(group, _made(Walker(walks, (fall,), seed=f"{group} {seed}").motion, DOWN_S + 10.0, seed)).sunk_m
    return None if found_m is None else found_m / _sinks_m(fall)


def _sinks_m(fall: Incident) -> float:
    speed_mps = height_m = 0.0
    for index in range(round((fall.end_s - fall.start_s) / STEP_S)):
        speed_mps += fall.at(fall.start_s + (index + 0.5) * STEP_S)[-1] * STEP_S
        height_m += speed_mps * STEP_S
    return -height_m


def seeds(quick: bool) -> range:
    return range(RUNS // 4 if quick else RUNS)


def gathered(folder: Path | None, quick: bool) -> Iterator[Seen]:
    """Without a folder the made ones alone; `quick`: every sixth person and a quarter of the seeds."""
    for set_name in SETS if folder else ():
        place = folder / set_name if folder else Path()
        group_of = {code: group for group, (name, codes) in RECORDED.items() if name == set_name for code in codes}
        for source in sources(place)[0][:: 6 if quick else 1] if place.is_dir() else ():
            for trial in read(source).trials:
                group = group_of.get(trial.label.activity, "walks" if trial.label.kind in WALKS else None)
                if group is not None and not trial.label.is_fall:
                    found = seen(group, _recorded(trial))
                    shows = found.shows(SHIPPED, walked=True)
                    yield replace(found, asked=bool(judge(trial).suspected_s)) if shows else found
    for group, scenes in MADE.items():
        for scene in scenes:
            for seed in seeds(quick):
                world = FALL_SCENES[scene](seed)
                yield seen(group, _made(world.motion, world.duration_s, seed))
