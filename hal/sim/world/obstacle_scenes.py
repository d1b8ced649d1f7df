"""Walks backward among things, as data: what happens, and what is expected of a device that warns.

Distances, angles and people are drawn anew for every seed; the ranges stand beside them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from random import Random
from typing import Literal

from hal.sim.world.obstacle_world import ObstacleWorld
from hal.sim.world.places import FalseEchoes, Place, Stranger
from hal.sim.world.reacting import OLD, PEOPLE, ReactingWalker
from hal.sim.world.scene import Mark
from hal.sim.world.shapes import Knots, Ramps, Wander
from hal.sim.world.things import CLOTHES, Panel, Path, Round, Surface, Thing

START_S = 3.5
SOFT_S = 0.8
PRESS = ((2.0, 2.3),)
LEARNED_S = START_S + 8.0  # by then what keeps its distance has been learned
BEYOND_S = 3.0  # a world goes on for so long after she would have met something
WIDE_M = 4.0

What = Literal["warned", "caution", "quiet", "limit"]


@dataclass(frozen=True, slots=True)
class Expected:
    """ "warned": a warning begins in time. "caution": nothing stronger. "quiet": not a sound. "limit": nothing is
    promised, the sensor cannot hear it.
    """

    what: What
    says: str
    lead_s: float | None = None  # warned: at the latest so long before a heedless walker's contact
    within_s: float | None = None  # warned: at the latest so long after the mark "in the way"
    from_s: float = 0.0  # caution, quiet: from then on
    to_s: float = math.inf


@dataclass(slots=True)
class Setting:
    """What a scene is built from."""

    name: str
    dice: Random
    speed_mps: float
    person: str

    def walker(self, bouts: Knots | None = None, *, belt: Knots | None = None, drift: bool = False) -> ReactingWalker:
        wander = Wander(f"{self.name} drift", low_hz=0.05, high_hz=0.3, rms=0.02) if drift else None
        bouts = bouts or ((START_S, 0.0), (START_S + SOFT_S, self.speed_mps))
        return ReactingWalker(bouts, seed=self.name, person=PEOPLE[self.person], belt_mps=belt, drift=wander)

    def far_m(self) -> float:
        """Where things are when she begins: 5 to 8 s of her walk, and never nearer than 1.8 m."""
        return max(self.speed_mps * self.dice.uniform(5.0, 8.0), 1.8)

    def after_s(self, way_m: float) -> float:
        """When she has walked so far."""
        return START_S + SOFT_S / 2 + way_m / self.speed_mps

    def world(
        self,
        walker: ReactingWalker,
        duration_s: float,
        *things: Thing,
        false: FalseEchoes | None = None,
        stranger: Stranger | None = None,
        celsius: float = 20.0,
        marks: tuple[tuple[float, str], ...] = (),
    ) -> ObstacleWorld:
        place = Place(things, seed=self.name, false=false, stranger=stranger, celsius=celsius)
        known = tuple(Mark(t, what) for t, what in sorted(((START_S, "walking"), *marks)))
        return ObstacleWorld(self.name, duration_s, walker, place, PRESS, known)

    def towards(self, way_m: float, *things: Thing, **more: object) -> ObstacleWorld:
        """She walks until well after she would have met what is `way_m` behind her."""
        return self.world(self.walker(), self.after_s(way_m) + BEYOND_S, *things, **more)  # type: ignore[arg-type]


Build = Callable[[Setting], ObstacleWorld]


@dataclass(frozen=True, slots=True)
class ObstacleScene:
    """One kind of encounter."""

    name: str
    title: str
    happens: str
    expected: Expected
    make: Build
    speed_mps: float = 0.6

    def build(self, seed: int | str, *, speed_mps: float | None = None, person: str = OLD.name) -> ObstacleWorld:
        """The same seed, speed and person make the same world. The place does not depend on the person."""
        name = f"{self.name} {seed}"
        return self.make(Setting(name, Random(name), speed_mps or self.speed_mps, person))


def facing(
    name: str, at_m: float, slope_deg: float = 0.0, *, surface: Surface | None = None, high_m: float = 2.4
) -> Panel:
    """A wide face that her way meets `at_m` from her first place, turned by `slope_deg` against square."""
    slope = math.radians(slope_deg)
    dx, dy = WIDE_M * math.sin(slope), WIDE_M * math.cos(slope)
    given = {} if surface is None else {"surface": surface}
    return Panel(name, at_m - dx, -dy, at_m + dx, dy, high_m=high_m, **given)  # type: ignore[arg-type]


def beside(name: str, right_m: float, surface: Surface | None = None) -> Panel:
    """A long face along her way."""
    given = {} if surface is None else {"surface": surface}
    return Panel(name, -3.0, right_m, 60.0, right_m, **given)  # type: ignore[arg-type]


def somebody(dice: Random, path: Path | None = None, x: float = 0.0, y: float = 0.0) -> Round:
    """Clothed more or less warmly: 4 to 11 dB."""
    clothes = Surface("clothes", dice.uniform(4.0, 11.0), CLOTHES.lost, CLOTHES.noise_m)
    return Round("person", dice.uniform(0.14, 0.20), x, y, clothes, high_m=1.7, path=path)


def _wall(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, facing("wall", way, s.dice.uniform(-5.0, 5.0)))


def _open(s: Setting) -> ObstacleWorld:
    return s.world(s.walker(), 64.0)


def _standing_person(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, somebody(s.dice, x=way + 0.17, y=s.dice.uniform(-0.15, 0.15)))


def _treadmill(s: Setting) -> ObstacleWorld:
    rail = Panel("rail", 0.8, -0.35, 0.8, 0.35, high_m=1.1, low_m=0.8)
    bouts = ((START_S, 0.0), (START_S + SOFT_S, s.speed_mps))
    return s.world(s.walker(bouts, belt=bouts, drift=True), 64.0, rail)


def _treadmill_drift(s: Setting) -> ObstacleWorld:
    rail, from_s, slower = Panel("rail", 0.8, -0.35, 0.8, 0.35, high_m=1.1, low_m=0.8), 16.0, s.dice.uniform(0.12, 0.2)
    bouts = ((START_S, 0.0), (START_S + SOFT_S, s.speed_mps))
    belt = (*bouts, (from_s, s.speed_mps), (from_s + 1.0, s.speed_mps - slower))
    return s.world(s.walker(bouts, belt=belt, drift=True), 26.0, rail, marks=((from_s, "drifts to the rail"),))


def _partner_follows(s: Setting) -> ObstacleWorld:
    """The partner sees when she stops, and stops too."""
    gap_m, wander = s.dice.uniform(1.0, 1.4), Wander(f"{s.name} partner", low_hz=0.03, high_hz=0.15, rms=0.08)
    person = somebody(s.dice)
    follows = replace(person, path=lambda t, x, y: (x + person.radius_m + gap_m + wander.at(t)[0], 0.0))
    return s.world(s.walker(), 64.0, follows)


def _partner_slows(s: Setting) -> ObstacleWorld:
    """She would back into a partner who takes no notice of her."""
    gap_m, from_s, share = s.dice.uniform(1.0, 1.4), 16.0, s.dice.uniform(0.4, 1.0)
    walker, person = s.walker(), somebody(s.dice)
    loses = Ramps([(from_s, 0.0), (from_s + 0.8, share * s.speed_mps)])
    wander = Wander(f"{s.name} partner", low_hz=0.03, high_hz=0.15, rms=0.08)

    def path(t_s: float, x: float, y: float) -> tuple[float, float]:
        along = walker.planned_m(t_s) + person.radius_m + gap_m + wander.at(min(t_s, from_s))[0]
        return along - loses.integral(t_s), 0.0

    stops = replace(person, path=path)
    return s.world(walker, 30.0, stops, marks=((from_s, "the partner slows"),))


def _false(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, facing("wall", way, s.dice.uniform(-5.0, 5.0)), false=FalseEchoes(single=0.10))


OBSTACLE_SCENES: tuple[ObstacleScene, ...] = (
    ObstacleScene(
        "wall",
        "A wall",
        "She backs towards a wall, square to it within 5 degrees.",
        Expected("warned", "Warned early enough to stop.", lead_s=1.0),
        _wall,
    ),
    ObstacleScene(
        "person",
        "Somebody in the way",
        "A clothed person stands in her way, up to 15 cm aside.",
        Expected("warned", "Warned early enough to stop.", lead_s=1.0),
        _standing_person,
    ),
    ObstacleScene(
        "wall_false_echoes",
        "False short echoes before a wall",
        "One ping in ten brings a short echo of nothing.",
        Expected("warned", "Warned of the wall early enough to stop.", lead_s=1.0),
        _false,
    ),
    ObstacleScene(
        "open",
        "Open space",
        "A minute with nothing within reach.",
        Expected("quiet", "Not a sound."),
        _open,
    ),
    ObstacleScene(
        "treadmill",
        "A treadmill",
        "The rail stays 0.8 m behind her.",
        Expected("quiet", "Not a sound once the rail has been learned.", from_s=LEARNED_S),
        _treadmill,
    ),
    ObstacleScene(
        "treadmill_drift",
        "A treadmill that runs slower",
        "After 16 s the belt loses 0.12 to 0.2 m/s, and she comes nearer to the rail.",
        Expected("warned", "Warned although the rail had been learned.", lead_s=1.0),
        _treadmill_drift,
    ),
    ObstacleScene(
        "partner",
        "A partner behind her",
        "A clothed person keeps 1.0 to 1.4 m behind her.",
        Expected("quiet", "Not a sound once the partner has been learned.", from_s=LEARNED_S),
        _partner_follows,
    ),
    ObstacleScene(
        "partner_slows",
        "A partner who slows or stops",
        "After 16 s the partner loses 40 to 100 % of their speed, and she comes nearer.",
        Expected("warned", "Warned although the partner had been learned.", lead_s=1.0),
        _partner_slows,
    ),
)


def obstacle_scene(name: str) -> ObstacleScene:
    """Raises ValueError when no scene has that name; the message names one that is near."""
    found = {scene.name: scene for scene in OBSTACLE_SCENES}
    if name not in found:
        near = get_close_matches(name, found, n=1)
        hint = f"; did you mean {near[0]!r}" if near else ""
        raise ValueError(f"no scene {name!r}: expected one of {', '.join(found)}{hint}")
    return found[name]
