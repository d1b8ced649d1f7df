"""What is behind the walker, as the rangefinder on the back of her belt would measure it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from hal.sim.world.shapes import Curve, Wander
from hal.sim.world.walker import BELT_HEIGHT_M, Walker

REACH_M = 4.0
MOST_OBLIQUE_RAD = math.radians(35)  # a smooth surface at a larger angle throws the sound elsewhere
BELT_LYING_M = 0.06  # the back of the belt over the floor when she lies on it; what an echo needs at least is 2 cm
Surroundings = Callable[[float], float | None]


@dataclass(frozen=True, slots=True)
class Wall:
    """A wall square to her first heading, `gap_m` behind the belt when the walk begins."""

    walker: Walker
    gap_m: float

    def __call__(self, t_s: float) -> float | None:
        heading = math.remainder(self.walker.heading_rad(t_s), 2 * math.pi)
        if abs(heading) > MOST_OBLIQUE_RAD:
            return None
        return _in_reach((self.gap_m - self.walker.place_m(t_s)[0]) / math.cos(heading))


def open_space(t_s: float) -> float | None:
    """Nothing within reach, wherever she goes."""
    return None


@dataclass(frozen=True, slots=True)
class Companion:
    """Somebody or something that keeps its distance: the rail of a treadmill, a partner walking along."""

    gap_m: float
    wander: Wander

    def __call__(self, t_s: float) -> float | None:
        return _in_reach(self.gap_m + self.wander.at(t_s)[0])


def drift_on_a_belt(seed: str) -> Wander:
    """How far off the middle of a treadmill's belt she is, metres."""
    return Wander(seed, low_hz=0.05, high_hz=0.3, rms=0.02)


def drift_of_a_partner(seed: str) -> Wander:
    """How much farther behind her than usual somebody walks, metres."""
    return Wander(seed, low_hz=0.03, high_hz=0.15, rms=0.08)


def treadmill(gap_m: float) -> Companion:
    """The rail behind; she drifts on the belt by a few centimetres."""
    return Companion(gap_m, drift_on_a_belt("treadmill"))


def partner(gap_m: float) -> Companion:
    """A partner who walks forward behind her, a little nearer and a little farther."""
    return Companion(gap_m, drift_of_a_partner("partner"))


@dataclass(frozen=True, slots=True)
class FloorWhenDown:
    """Somebody who falls on her back points the rangefinder at the floor, and then lies on it."""

    walker: Walker
    falls_s: float  # the impact
    behind: Surroundings

    def __call__(self, t_s: float) -> float | None:
        lean = self.walker.lean_rad(t_s)
        if lean > -math.pi / 4:
            return self.behind(t_s)
        return _in_reach(self._height_m(t_s) / math.sin(-lean))

    def _height_m(self, t_s: float) -> float:
        return Curve([(self.falls_s - 0.6, BELT_HEIGHT_M), (self.falls_s + 0.25, BELT_LYING_M)]).at(t_s)[0]


def _in_reach(distance_m: float) -> float | None:
    """Pressed against something is 0 m: never None, which would say that the way is free."""
    return max(distance_m, 0.0) if distance_m <= REACH_M else None
