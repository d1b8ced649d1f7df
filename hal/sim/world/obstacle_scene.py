"""What an encounter with an obstacle is made of, and what is expected of a device that warns."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from hal.sim.world.obstacle_world import ObstacleWorld
from hal.sim.world.places import FalseEchoes, Place, Stranger
from hal.sim.world.reacting import OLD, PEOPLE, ReactingWalker
from hal.sim.world.scene import Mark
from hal.sim.world.shapes import Knots
from hal.sim.world.surroundings import drift_on_a_belt
from hal.sim.world.things import CLOTHES, Panel, Path, Round, Surface, Thing

START_S = 3.5
SOFT_S = 0.8
PRESS = ((2.0, 2.3),)
QUIET_S = 64.0  # a minute of walking
BEYOND_S = 3.0  # a world goes on for so long after she would have met something
WIDE_M = 4.0

What = Literal["warned", "caution", "quiet", "limit"]
Group = Literal["hard", "soft", "moving", "echoes", "quiet", "limit"]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a device should do; `says` tells it to people.

    "warned": the warning that she stops for begins at least `lead_s` before a heedless walker's contact, or at most
    `within_s` after the mark `since`; where `caution_does`, a weaker one will do.
    It holds up to `up_to_mps`: what sends little sound back is heard too late by who walks faster.
    "caution": nothing stronger than a caution, from `from_s` after the mark `since` on.
    "quiet": no warning of any kind, from then on.
    "limit": the sensor cannot hear it, or not in time: nothing is promised, and saying so is the promise.
    """

    what: What
    says: str
    lead_s: float | None = None
    within_s: float | None = None
    up_to_mps: float = 1.2
    caution_does: bool = False
    since: str = ""  # the beginning of the world
    from_s: float = 0.0

    def __post_init__(self) -> None:
        if (self.what == "warned") != (self.lead_s is not None or self.within_s is not None):
            raise ValueError(f"{self.says} Only a warning has a time by which it must come, and it has one.")


@dataclass(slots=True)
class Setting:
    """What a scene is built from."""

    name: str
    dice: Random
    speed_mps: float
    person: str
    false: FalseEchoes | None = None
    stranger: Stranger | None = None
    celsius: float = 20.0

    @property
    def bouts(self) -> tuple[tuple[float, float], ...]:
        """She starts and goes on for ever."""
        return (START_S, 0.0), (START_S + SOFT_S, self.speed_mps)

    def walker(self, bouts: Knots | None = None, *, belt: Knots | None = None) -> ReactingWalker:
        """On a treadmill, whose `belt` carries her, she drifts to and fro."""
        drift = None if belt is None else drift_on_a_belt(f"{self.name} drift")
        return ReactingWalker(
            bouts or self.bouts, seed=self.name, person=PEOPLE[self.person], belt_mps=belt, drift=drift
        )

    def far_m(self) -> float:
        """Where things are when she begins: 5 to 8 s of her walk, and never nearer than 1.8 m."""
        return max(self.speed_mps * self.dice.uniform(5.0, 8.0), 1.8)

    def after_s(self, way_m: float) -> float:
        """When she has walked so far."""
        return START_S + SOFT_S / 2 + way_m / self.speed_mps

    def world(
        self, walker: ReactingWalker, duration_s: float, *things: Thing, marks: tuple[tuple[float, str], ...] = ()
    ) -> ObstacleWorld:
        place = Place(things, seed=self.name, false=self.false, stranger=self.stranger, celsius=self.celsius)
        known = tuple(Mark(t, what) for t, what in sorted(marks or ((START_S, "walking"),)))
        return ObstacleWorld(self.name, duration_s, walker, place, PRESS, known)

    def towards(self, way_m: float, *things: Thing) -> ObstacleWorld:
        """She walks until well after she would have met what is `way_m` behind her."""
        return self.world(self.walker(), self.after_s(way_m) + BEYOND_S, *things)


@dataclass(frozen=True, slots=True)
class ObstacleScene:
    """One kind of encounter."""

    name: str
    title: str
    happens: str
    expected: Expected
    group: Group
    make: Callable[[Setting], ObstacleWorld]
    speed_mps: float = 0.6

    def build(self, seed: int | str, *, speed_mps: float | None = None, person: str = OLD.name) -> ObstacleWorld:
        """The same seed, speed and person make the same world, and another person is in the same place."""
        name = f"{self.name} {seed}"
        return self.make(Setting(name, Random(name), speed_mps or self.speed_mps, person))


def facing(
    name: str, at_m: float, slope_deg: float = 0.0, surface: Surface | None = None, high_m: float = 2.4
) -> Panel:
    """A wide face that her way meets `at_m` from her first place, turned by `slope_deg` against square."""
    slope = math.radians(slope_deg)
    dx, dy = WIDE_M * math.sin(slope), WIDE_M * math.cos(slope)
    panel = Panel(name, at_m - dx, -dy, at_m + dx, dy, high_m=high_m)
    return panel if surface is None else panel.of(surface)


def beside(name: str, right_m: float, surface: Surface | None = None) -> Panel:
    """A long face along her way."""
    panel = Panel(name, -3.0, right_m, 90.0, right_m)
    return panel if surface is None else panel.of(surface)


def somebody(dice: Random, x: float = 0.0, y: float = 0.0, path: Path | None = None) -> Round:
    """Clothed more or less warmly: what they wear takes 4 to 11 dB."""
    clothes = Surface("clothes", dice.uniform(4.0, 11.0), CLOTHES.lost, CLOTHES.noise_m)
    return Round("person", dice.uniform(0.14, 0.20), x, y, clothes, high_m=1.7, path=path)
