"""Walks that are worked out by all warners alike: approaches in their closed loops, quiet minutes, and the scenes.

Each warner has the same world, made anew from the same seed, with its echoes; what differs is when it pings, and so
what it hears, and when she is warned. In an approach she heeds the first warning; in the others she heeds none, so
that what should have been warned of can be told from what was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from random import Random

from bench._obstacle_figures import episodes, lasting_s, spans
from bench._obstacle_loop import CAUTION, WARNING, Course, Heard, Ours, Over, play_peer
from bench._obstacle_peers import PEERS
from firmware.core.messages import StoppingBaseline
from hal.sim.world.obstacle_scene import START_S, ObstacleScene
from hal.sim.world.obstacle_scenes import obstacle_scene
from hal.sim.world.obstacle_world import HEEL_M, LOOK_S, ObstacleWorld

OURS = "rearguard"
SYSTEMS = (OURS, *(peer.name for peer in PEERS))
EARLY_S = 5.0
LESSONS, STOOD_S = 10, 2.0
LATEST_S = 0.5  # a warning must still sound, or have sounded, so shortly before it is due at the latest


@dataclass(frozen=True, slots=True)
class Task:
    """One world for all: an "approach", a "quiet" walk or a "scene". `taught`: ours knows from walks before how such a
    person stops.
    """

    what: str
    scene: str
    seed: int
    speed_mps: float | None = None
    person: str = "old"
    taught: bool = False

    def build(self) -> ObstacleWorld:
        return obstacle_scene(self.scene).build(self.seed, speed_mps=self.speed_mps, person=self.person)


@dataclass(frozen=True, slots=True)
class Approach:
    """One closed loop. `left_s`: from the warning to the contact of her heel, had she gone on at her speed."""

    system: str
    scene: str
    seed: int
    speed_mps: float
    person: str
    hit: bool
    warning_m: float | None  # from the belt, when the first warning began to sound
    left_s: float | None
    early: bool  # it sounded while she walked, long before
    reaction_s: float
    stopping_s: float


@dataclass(frozen=True, slots=True)
class Quiet:
    """One quiet walk from its first step on; `learned`: the same from where the scene expects silence."""

    system: str
    scene: str
    seed: int
    minutes: float
    warnings: int
    cautions: int
    sounds_s: float
    learned_minutes: float
    learned_warnings: int
    learned_cautions: int
    faults: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Whether one scene went as is expected; None where nothing is promised. `hit`: in its closed loop."""

    system: str
    scene: str
    seed: int
    kept: bool | None
    hit: bool


@cache
def taught(person: str) -> StoppingBaseline | None:
    """What is carried on after ten walks of such a person towards a wall, from each to the next."""
    before = None
    for index in range(LESSONS):
        world, ours = obstacle_scene("wall").build(f"lesson {index}", person=person), Ours(str(index), before=before)
        ours.play(world, world.duration_s, world.hear, partial(_stood, world))
        before = ours.end()
    return before


def _stood(world: ObstacleWorld, t_s: float) -> bool:
    return t_s > world.walker.stands_s + STOOD_S


def play(task: Task, system: str, world: ObstacleWorld, hear: Heard, over: Over) -> Course:
    if system == OURS:
        ours = Ours(str(task.seed), before=taught(task.person) if task.taught else None)
        return ours.play(world, world.duration_s, hear, over)
    peer = next(peer for peer in PEERS if peer.name == system)
    return play_peer(peer.make(), world, world.duration_s, hear, over)


def work(task: Task) -> list[Approach] | list[Quiet] | list[Kept]:
    """What all warners made of it."""
    if task.what == "approach":
        return [approach(task, system) for system in SYSTEMS]
    if task.what == "quiet":
        return [quiet(task, system) for system in SYSTEMS]
    return kept(task)


class Loop:
    """She heeds the first warning that is not early. `hit`: she hit something all the same."""

    def __init__(self, task: Task, system: str) -> None:
        world = self.world = task.build()
        self._speed_mps = task.speed_mps or obstacle_scene(task.scene).speed_mps
        self.early = False
        self._look_s = START_S  # nothing can have come near before
        course = play(task, system, world, self._hear, self._over)
        until_s = course.end_s if world.walker.heard_s is None else world.walker.stands_s
        self.hit = world.contact_s(START_S, until_s + 2 * LOOK_S) is not None

    def left_s(self, t_s: float) -> float:
        """Until her heel would touch what does not move, had she gone on."""
        return (self.world.clearance_m(t_s) - HEEL_M) / self._speed_mps

    def _hear(self, t_s: float) -> None:
        if t_s <= START_S or self.world.walker.heard_s is not None:
            return
        if self.left_s(t_s) > EARLY_S:
            self.early = True
        else:
            self.world.hear(t_s)

    def _over(self, t_s: float) -> bool:
        """Once she is warned it is settled whether she stops in time."""
        if self.world.walker.heard_s is not None:
            return True
        if t_s < self._look_s:
            return False
        free_s = self.world.free_s(t_s)
        self._look_s = t_s + free_s
        return free_s <= 0.0 and self.world.hits(t_s)


def approach(task: Task, system: str) -> Approach:
    loop = Loop(task, system)
    walker = loop.world.walker
    heard_s = walker.heard_s
    return Approach(
        *(system, task.scene, task.seed, task.speed_mps or 0.0, task.person, loop.hit),
        None if heard_s is None else loop.world.clearance_m(heard_s),
        None if heard_s is None else loop.left_s(heard_s),
        *(loop.early, walker.reaction_s, walker.stopping_s),
    )


def heedless(task: Task, system: str) -> tuple[ObstacleWorld, Course]:
    """She heeds none."""
    world = task.build()
    return world, play(task, system, world, lambda t_s: None, lambda t_s: False)


def quiet(task: Task, system: str) -> Quiet:
    world, course = heedless(task, system)
    expected, end_s = obstacle_scene(task.scene).expected, world.duration_s
    learned_s = max(world.mark_s(expected.since) + expected.from_s, START_S)
    return Quiet(
        *(system, task.scene, task.seed, (end_s - START_S) / 60.0),
        *counted(course, START_S, end_s),
        lasting_s(spans(course.sounds, CAUTION, end_s), START_S),
        (end_s - learned_s) / 60.0,
        *counted(course, learned_s, end_s),
        len(course.faults),
    )


def counted(course: Course, from_s: float, end_s: float) -> tuple[int, int]:
    """Episodes with a warning or an imminent one in them, and those with a caution alone, from then on."""
    warnings = episodes(spans(course.sounds, WARNING, end_s), from_s)
    every = episodes(spans(course.sounds, CAUTION, end_s), from_s)
    cautions = sum(not any(a < end and start < b for a, b in warnings) for start, end in every)
    return len(warnings), cautions


def kept(task: Task) -> list[Kept]:
    scene = obstacle_scene(task.scene)
    free = task.build()
    hits_s = free.contact_s(START_S) if scene.expected.what == "warned" else None
    found = []
    for system in SYSTEMS:
        world, course = heedless(task, system)
        hit = scene.expected.what in ("warned", "limit") and Loop(task, system).hit
        found.append(Kept(system, task.scene, task.seed, as_expected(scene, world, course, hits_s), hit))
    return found


def as_expected(scene: ObstacleScene, world: ObstacleWorld, course: Course, hits_s: float | None) -> bool | None:
    expected, end_s = scene.expected, world.duration_s
    if expected.what == "limit":
        return None
    since_s = world.mark_s(expected.since)
    if expected.what == "warned":
        sounding = spans(course.sounds, CAUTION if expected.caution_does else WARNING, end_s)
        if expected.lead_s is None:
            due_s = since_s + (expected.within_s or 0.0)
            return any(a <= due_s and b > since_s for a, b in sounding)
        due_s = -1.0 if hits_s is None else hits_s - expected.lead_s
        return any(a <= due_s and b > due_s - LATEST_S for a, b in sounding)
    least = CAUTION if expected.what == "quiet" else WARNING
    return not any(b > since_s + expected.from_s for _, b in spans(course.sounds, least, end_s))


def approaches(
    scenes: Sequence[str], person: str, low_mps: float, high_mps: float, count: int, *, taught: bool = False
) -> Iterator[Task]:
    """Seeded: the speeds are even over the band, the scenes take turns."""
    for index in range(count):
        dice = Random(f"approach {person} {low_mps} {high_mps} {index}")
        speed_mps = dice.uniform(low_mps, high_mps)
        seed = dice.randrange(1 << 31)
        yield Task("approach", scenes[index % len(scenes)], seed, round(speed_mps, 3), person, taught)
