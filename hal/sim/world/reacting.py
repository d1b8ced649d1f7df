"""A walker who hears a warning and stops: how long she takes is drawn once for each, from what is known of people.

Reaction: from the first moment that the warning can be felt and heard until she begins to slow. Stopping: from then
until she stands; her speed falls softly, so that she goes half of it at her speed. The two are added, although the
stopping times that were measured begin at the signal: a walker here is slower than those who were measured, by about
0.2 s for an older one (Cao and others 1998: half of the older women stopped within 0.58 s of the signal at 1.3 m/s).
"""

import math
import random
from dataclasses import dataclass

from hal.sim.world.gait import GaitStyle
from hal.sim.world.hearing import seed_of
from hal.sim.world.shapes import Knots, Ramps, Wander
from hal.sim.world.things import Sensor
from hal.sim.world.walker import BELT_HEIGHT_M, Walker

LOAD_S = 0.115  # answers come 110 to 119 ms later while vibration is attended to (Haggerty and others 2012)
SPREAD = 0.25  # of the logarithm: 90 of 100 lie within 0.66 to 1.5 times the median


@dataclass(frozen=True, slots=True)
class Person:
    """Medians in seconds; lognormal around them."""

    name: str
    reaction_s: float
    stopping_s: float
    spread: float = SPREAD

    def draw(self, dice: random.Random) -> tuple[float, float]:
        """(reaction, stopping) of one of these people at one warning."""
        reaction, stopping = (math.exp(self.spread * dice.gauss(0, 1)) for _ in range(2))
        return self.reaction_s * reaction, self.stopping_s * stopping


# Reaction while walking on a treadmill, medians: 266 ms at 26 years, 304 ms at 71 (Sparrow, Begg and Parker 2006).
# Rapid stop from a walk: 463 ms at 1.29 m/s at 25 years, 574 ms at 1.17 m/s at 69 (Tirosh and Sparrow 2004).
YOUNG = Person("young", 0.266 + LOAD_S, 0.463)
OLD = Person("old", 0.304 + LOAD_S, 0.574)
SLOW = Person("slow", 0.80, 0.75)  # beyond what was measured: distracted, frail or hard of hearing; a guess
PEOPLE: dict[str, Person] = {person.name: person for person in (YOUNG, OLD, SLOW)}


class ReactingWalker(Walker):
    """Walks backward as told, straight, until a warning that she heeds stops her."""

    def __init__(
        self,
        backward_mps: Knots,
        *,
        seed: str,
        person: Person = OLD,
        style: GaitStyle | None = None,
        belt_mps: Knots | None = None,
        drift: Wander | None = None,
    ) -> None:
        """`belt_mps`: of a treadmill that carries her the other way; `drift`: to and fro in the room, metres."""
        super().__init__(backward_mps, seed=seed, style=style)
        self._belt = None if belt_mps is None else Ramps(belt_mps)
        self._drift = drift
        self._plan = Ramps(backward_mps)
        self.person = person
        self.reaction_s, self.stopping_s = person.draw(random.Random(seed_of(f"{seed} {person.name} reacts")))
        self.heard_s: float | None = None

    @property
    def stands_s(self) -> float:
        """When the warning has made her stand; infinite before she heard one."""
        return math.inf if self.heard_s is None else self.heard_s + self.reaction_s + self.stopping_s

    def planned_m(self, t_s: float) -> float:
        """How far backward she would have walked by then without a warning."""
        return self._plan.integral(t_s)

    def hear(self, t_s: float) -> None:
        """A warning that she heeds begins at `t_s`; of several the first counts. What was before stays as it was."""
        if self.heard_s is None:
            self.heard_s = t_s
            self._gait.stop(t_s + self.reaction_s, self.stopping_s)

    def place_m(self, t_s: float) -> tuple[float, float]:
        sensor = self.sensor(t_s)
        return sensor.x, sensor.y

    def backward_mps(self, t_s: float) -> float:
        """Through the room, without the surge of the steps; what a treadmill takes back is taken off."""
        speed = self._gait.backward_mps(t_s)
        if self._drift is not None:
            speed += self._drift.at(t_s)[1]
        return speed if self._belt is None else speed - self._belt.at(t_s)[0]

    def sensor(self, t_s: float) -> Sensor:
        """The rangefinder on the back of her belt, which swings and surges with her steps."""
        t_s = max(t_s, 0.0)
        pitch, yaw, surge_m = self._gait.swing(t_s)
        x = self._gait.walked_m(t_s) + surge_m - BELT_HEIGHT_M * self._quiet.pitch_rad(t_s)
        if self._belt is not None:
            x -= self._belt.integral(t_s)
        if self._drift is not None:
            x += self._drift.value(t_s)
        return Sensor(x, 0.0, yaw, pitch)
