"""What stands or moves around a walker, in plan: metres from her first place, x backward, y to her right.

Every thing answers two questions: which echoes a ping from the belt would bring, and how far she could walk backward
before she meets it. Only what reaches the height of the belt gives an echo; lower things are met all the same.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from hal.sim.world.hearing import BEAM_DB_PER_RAD2, edge_db, narrow_db, plane_db, round_db
from hal.sim.world.surroundings import MOST_OBLIQUE_RAD
from hal.sim.world.walker import BELT_HEIGHT_M

HALF_PATH_M = 0.25  # half of what a person needs to pass
GONE_BY_M = -1.0  # what is farther ahead of her than this she has passed
ROUGH_BEAM_RAD = math.radians(12)
CORNER_DB = 3.0  # walls are never quite at right angles


@dataclass(frozen=True, slots=True)
class Surface:
    """What a thing is made of, as sound at 40 kHz finds it."""

    name: str
    loss_db: float = 0.0
    lost: float = 0.003  # share of pings without its echo, however loud
    noise_m: float = 0.003  # bench series: 1 to 5 mm
    rough: bool = False  # sends sound back at any angle
    depth_m: float = 0.0  # an echo comes from somewhere in this depth

    def with_lost(self, lost: float) -> "Surface":
        return replace(self, lost=lost)


HARD = Surface("hard")
# Dyrkacz 2020: cloth of a loose weave does not show up at all, skin only near by. Losses are stated, not measured.
CLOTHES = Surface("clothes", loss_db=8.0, lost=0.02, noise_m=0.010)
CURTAIN = Surface("curtain", loss_db=16.0, lost=0.05, noise_m=0.012, rough=True, depth_m=0.04)
HEDGE = Surface("hedge", loss_db=14.0, lost=0.05, noise_m=0.010, rough=True, depth_m=0.15)
GRAVEL = Surface("gravel", loss_db=2.5, lost=0.05, noise_m=0.010, rough=True, depth_m=0.20)
MESH = Surface("mesh", loss_db=18.0, lost=0.05, noise_m=0.004)


class Sensor(NamedTuple):
    """Where the rangefinder is at a ping, and where it points."""

    x: float
    y: float
    bearing_rad: float  # of its axis, from x towards y
    tilt_rad: float  # up or down


class Echo(NamedTuple):
    """One that could come back."""

    distance_m: float
    loud_db: float  # above the weakest that is heard
    surface: Surface
    thing: int


class Thing(Protocol):
    """Something that a walker could back into."""

    @property
    def name(self) -> str: ...

    @property
    def at_belt(self) -> bool:
        """Whether it reaches the height of the beam."""
        ...

    def echoes(self, sensor: Sensor, t_s: float, thing: int) -> list[Echo]: ...

    def clear_m(self, x: float, y: float, heading_rad: float, t_s: float) -> float:
        """How far the belt can go on this heading until it meets the thing; infinite if it passes."""
        ...


@dataclass(frozen=True, slots=True)
class Panel:
    """A flat upright face from one point to another: a wall, a door, a counter, a rail, a hedge."""

    name: str
    x0: float
    y0: float
    x1: float
    y1: float
    surface: Surface = HARD
    low_m: float = 0.0
    high_m: float = 2.0
    length_m: float = field(init=False)

    def __post_init__(self) -> None:
        length_m = math.hypot(self.x1 - self.x0, self.y1 - self.y0)
        if length_m <= 0:
            raise ValueError(f"{self.name}: a panel needs two different ends; found {self.x0, self.y0} twice")
        object.__setattr__(self, "length_m", length_m)

    @property
    def at_belt(self) -> bool:
        return self.low_m <= BELT_HEIGHT_M <= self.high_m

    def of(self, surface: Surface) -> "Panel":
        return replace(self, surface=surface)

    def echoes(self, sensor: Sensor, t_s: float, thing: int) -> list[Echo]:
        x, y, bearing, tilt = sensor
        length = self.length_m
        along_x, along_y = (self.x1 - self.x0) / length, (self.y1 - self.y0) / length
        to_x, to_y = x - self.x0, y - self.y0
        along = to_x * along_x + to_y * along_y
        across = to_y * along_x - to_x * along_y
        distance = abs(across)
        if not 0 <= along <= length:
            return self._edge(sensor, 0.0 if along < 0 else length, -along if along < 0 else along - length, thing)
        normal = math.atan2(-along_x, along_y) if across > 0 else math.atan2(along_x, -along_y)
        angle = math.remainder(normal - bearing, 2 * math.pi)
        found = []
        loud = plane_db(distance) - narrow_db(distance, length) - self.surface.loss_db
        if abs(angle) <= MOST_OBLIQUE_RAD:
            heard = loud - BEAM_DB_PER_RAD2 * (angle * angle + tilt * tilt)
            found.append(Echo(distance, heard, self.surface, thing))
        if self.surface.rough and abs(angle) > ROUGH_BEAM_RAD:
            found += self._rough(sensor, distance, angle, thing)
        return found

    def _edge(self, sensor: Sensor, along: float, aside: float, thing: int) -> list[Echo]:
        x, y, bearing, tilt = sensor
        share = along / self.length_m
        to_x, to_y = self.x0 + share * (self.x1 - self.x0) - x, self.y0 + share * (self.y1 - self.y0) - y
        angle = math.remainder(math.atan2(to_y, to_x) - bearing, 2 * math.pi)
        if abs(angle) > math.pi / 2:
            return []
        distance = math.hypot(to_x, to_y)
        loud = plane_db(distance) - edge_db(distance, aside) - self.surface.loss_db
        return [Echo(distance, loud - BEAM_DB_PER_RAD2 * (angle * angle + tilt * tilt), self.surface, thing)]

    def _rough(self, sensor: Sensor, distance: float, angle: float, thing: int) -> list[Echo]:
        """From where the beam's edge meets it."""
        slant = abs(angle) - ROUGH_BEAM_RAD
        if slant >= math.pi / 2 - 0.1:
            return []
        ray = sensor.bearing_rad + math.copysign(ROUGH_BEAM_RAD, angle)
        reach = distance / math.cos(slant)
        hit_x, hit_y = sensor.x + reach * math.cos(ray), sensor.y + reach * math.sin(ray)
        at = ((hit_x - self.x0) * (self.x1 - self.x0) + (hit_y - self.y0) * (self.y1 - self.y0)) / self.length_m
        if not 0 <= at <= self.length_m:
            return []
        loud = plane_db(reach) - self.surface.loss_db - BEAM_DB_PER_RAD2 * ROUGH_BEAM_RAD**2
        return [Echo(reach, loud, self.surface, thing)]

    def clear_m(self, x: float, y: float, heading_rad: float, t_s: float) -> float:
        ux, uy = math.cos(heading_rad), math.sin(heading_rad)
        ahead0, side0 = _seen_from(self.x0 - x, self.y0 - y, ux, uy)
        ahead1, side1 = _seen_from(self.x1 - x, self.y1 - y, ux, uy)
        if side0 > side1:
            ahead0, side0, ahead1, side1 = ahead1, side1, ahead0, side0
        if side1 < -HALF_PATH_M or side0 > HALF_PATH_M:
            return math.inf
        if side1 > side0:
            slope = (ahead1 - ahead0) / (side1 - side0)
            left, right = max(side0, -HALF_PATH_M), min(side1, HALF_PATH_M)
            ahead0, ahead1 = ahead0 + slope * (left - side0), ahead0 + slope * (right - side0)
        nearest = min(ahead0, ahead1)
        return nearest if nearest > GONE_BY_M else math.inf


def _seen_from(dx: float, dy: float, ux: float, uy: float) -> tuple[float, float]:
    """How far along a heading, and how far to its right."""
    return dx * ux + dy * uy, dy * ux - dx * uy


Path = Callable[[float, float, float], tuple[float, float]]
"""Where its middle is, from the time and the walker's place (x, y)."""


@dataclass(frozen=True, slots=True)
class Round:
    """An upright cylinder: a post, a pole, a trunk of a person or a tree; it stands, or follows its path."""

    name: str
    radius_m: float
    x: float = 0.0
    y: float = 0.0
    surface: Surface = HARD
    low_m: float = 0.0
    high_m: float = 2.0
    path: Path | None = None

    @property
    def at_belt(self) -> bool:
        return self.low_m <= BELT_HEIGHT_M <= self.high_m

    def place_m(self, x: float, y: float, t_s: float) -> tuple[float, float]:
        return (self.x, self.y) if self.path is None else self.path(t_s, x, y)

    def echoes(self, sensor: Sensor, t_s: float, thing: int) -> list[Echo]:
        x, y, bearing, tilt = sensor
        mid_x, mid_y = self.place_m(x, y, t_s)
        angle = math.remainder(math.atan2(mid_y - y, mid_x - x) - bearing, 2 * math.pi)
        if abs(angle) > math.pi / 2:
            return []
        distance = max(math.hypot(mid_x - x, mid_y - y) - self.radius_m, 0.0)
        loud = round_db(distance, self.radius_m) - self.surface.loss_db
        return [Echo(distance, loud - BEAM_DB_PER_RAD2 * (angle * angle + tilt * tilt), self.surface, thing)]

    def clear_m(self, x: float, y: float, heading_rad: float, t_s: float) -> float:
        mid_x, mid_y = self.place_m(x, y, t_s)
        ahead, side = _seen_from(mid_x - x, mid_y - y, math.cos(heading_rad), math.sin(heading_rad))
        beside = max(abs(side) - HALF_PATH_M, 0.0)
        if beside >= self.radius_m or ahead < GONE_BY_M:
            return math.inf
        return ahead - math.sqrt(self.radius_m**2 - beside**2)


@dataclass(frozen=True, slots=True)
class Corner:
    """Where two walls meet at right angles, seen from inside: sound comes back from it whatever the angle to each.

    The walls are panels of their own; this is only their common echo.
    """

    name: str
    x: float
    y: float
    surface: Surface = HARD
    at_belt: bool = True

    def echoes(self, sensor: Sensor, t_s: float, thing: int) -> list[Echo]:
        x, y, bearing, tilt = sensor
        angle = math.remainder(math.atan2(self.y - y, self.x - x) - bearing, 2 * math.pi)
        distance = math.hypot(self.x - x, self.y - y)
        loud = plane_db(distance) - CORNER_DB - self.surface.loss_db
        return [Echo(distance, loud - BEAM_DB_PER_RAD2 * (angle * angle + tilt * tilt), self.surface, thing)]

    def clear_m(self, x: float, y: float, heading_rad: float, t_s: float) -> float:
        return math.inf


@dataclass(frozen=True, slots=True)
class Floor:
    """Rough ground before a sensor that looks down: gravel, grass. It comes and goes with the nodding of the trunk.

    The beam's lower edge, `ROUGH_BEAM_RAD` below its axis, meets it; nobody can back into it.
    """

    down_rad: float  # how far the sensor on her belt is turned down
    surface: Surface
    name: str = "floor"
    at_belt: bool = True

    def echoes(self, sensor: Sensor, t_s: float, thing: int) -> list[Echo]:
        grazing = self.down_rad - sensor.tilt_rad + ROUGH_BEAM_RAD
        if grazing <= 0:
            return []
        distance = BELT_HEIGHT_M / math.sin(grazing)
        lost = self.surface.loss_db - 20 * math.log10(math.sin(grazing))  # the flatter, the less comes back
        loud = plane_db(distance) - lost - BEAM_DB_PER_RAD2 * ROUGH_BEAM_RAD**2
        return [Echo(distance, loud, self.surface, thing)]

    def clear_m(self, x: float, y: float, heading_rad: float, t_s: float) -> float:
        return math.inf
