"""What the core's estimators say, moment by moment, of a device that is worn, worn wrongly, or not worn."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from bench.scenes import Chip
from firmware.core.config import CoreConfig
from firmware.core.estimators.wear import Wear
from firmware.core.moving import Moving
from firmware.core.wearing import Wearing
from hal.samples import ImuSample
from hal.sim.world.wearing_scenes import WEARING_SCENES, WearingScene

RATE_HZ = 100


@dataclass(frozen=True, slots=True)
class Said:
    """At one moment."""

    t_s: float
    on_body: bool | None
    complaint: str


class Judging:
    """The estimators in the order in which the core asks them, without any fall detection."""

    def __init__(self, config: CoreConfig | None = None) -> None:
        config = config or CoreConfig()
        self.moving, self.wear = Moving(config), Wear(config.wear)
        self.wearing = Wearing(config, self.moving)

    def take(self, sample: ImuSample) -> Said | None:
        """What is said after one sample; None when no slice ended with it."""
        moving, wearing, (x, y, z) = self.moving, self.wearing, sample.accel_mps2
        if not moving.add(sample.t_ns, sample.accel_mps2, sample.gyro_radps, (x * x + y * y + z * z) ** 0.5):
            return None
        moving.follow(moving.steps.under_way(sample.t_ns), alive=wearing.alive)
        attitude = moving.attitude
        if attitude.upright_known:
            self.wear.update(moving.slice, attitude.turning_radps, attitude.tilt_rad, moving.steps.count)
        wearing.update(self.wear)
        return Said(sample.t_ns * 1e-9, wearing.on_body, wearing.complaint)


def judged(samples: Iterable[ImuSample], config: CoreConfig | None = None) -> list[Said]:
    judging = Judging(config)
    return [said for sample in samples if (said := judging.take(sample)) is not None]


def felt(world: WearingScene, seed: int) -> Iterator[ImuSample]:
    """The scene as a chip of its own feels it: noise, bias, scale and rounding."""
    chip = Chip(Random(f"chip {seed}"), RATE_HZ)
    for index in range(1, round(world.duration_s * RATE_HZ)):
        t_ns = index * 1_000_000_000 // RATE_HZ
        yield chip.sample(t_ns, world.motion(t_ns * 1e-9))


@dataclass(frozen=True, slots=True)
class SceneRow:
    """Of the runs of one scene. Seconds are the longest of all runs; None where it does not apply."""

    scene: str
    runs: int
    worn_after_s: float | None  # standing with it, until it is said to be worn
    missed_share: float  # of the time that somebody wears it, said to be worn by nobody
    worn_while_off_s: float  # without anybody, said to be worn, in one piece
    doubt_after_s: float | None  # from when it lies still for good, until it is no longer said to be worn
    known_off: int  # runs at whose end it is said to be off
    complained: int  # runs with a complaint
    complaint_after_s: float | None  # from when it sits wrongly


def scene_rows(runs: int) -> list[SceneRow]:
    return [scene_row(name, runs) for name in WEARING_SCENES]


def scene_row(name: str, runs: int) -> SceneRow:
    played = [(world, judged(felt(world, seed))) for seed in range(runs) for world in (WEARING_SCENES[name](seed),)]
    worn_after = [_worn_after_s(world, said) for world, said in played if world.worn]
    doubts = [after_s for world, said in played if (after_s := _doubt_after_s(world, said)) is not None]
    complaints = [_complaint_s(said) for _, said in played]
    late = [
        at_s - world.wrong_s
        for (world, _), at_s in zip(played, complaints, strict=True)
        if at_s is not None and world.wrong_s is not None
    ]
    missed = [one.on_body is False for world, said in played for one in said if _wears(world, one.t_s)]
    return SceneRow(
        name,
        runs,
        max(worn_after, default=None),
        sum(missed) / len(missed) if missed else 0.0,
        max(_worn_while_off_s(world, said) for world, said in played),
        max(doubts, default=None),
        sum(said[-1].on_body is False for _, said in played),
        sum(at_s is not None for at_s in complaints),
        max(late, default=None),
    )


def _wears(world: WearingScene, t_s: float) -> bool:
    return any(on_s <= t_s < off_s for on_s, off_s in world.worn)


def _worn_after_s(world: WearingScene, said: list[Said]) -> float:
    on_s = world.worn[0][0]
    return next((one.t_s - on_s for one in said if one.t_s > on_s and one.on_body), float("inf"))


def _doubt_after_s(world: WearingScene, said: list[Said]) -> float | None:
    """None: it is worn to the end."""
    if world.worn and world.worn[-1][1] >= world.duration_s:
        return None
    down_s = next((mark.t_s for mark in world.marks if mark.what == "put down"), 0.0)
    return max((one.t_s - down_s for one in said if one.on_body), default=0.0)


def _worn_while_off_s(world: WearingScene, said: list[Said]) -> float:
    longest_s, since_s = 0.0, None
    for one in said:
        if one.on_body and not _wears(world, one.t_s):
            since_s = one.t_s if since_s is None else since_s
            longest_s = max(longest_s, one.t_s - since_s)
        else:
            since_s = None
    return longest_s


def _complaint_s(said: list[Said]) -> float | None:
    return next((one.t_s for one in said if one.complaint), None)
