"""Scenes of a device that is worn, worn wrongly, or not worn: the same seed gives the same scene.

`worn` tells when somebody stands or walks with it on her belt, `wrong_s` since when it sits wrongly then.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from hal.samples import Vector
from hal.sim.world.gait import GaitStyle
from hal.sim.world.hands import UPRIGHT, Hand, Motion, knocked, resting, slipping, turned, upside_down, wobbling
from hal.sim.world.happenings import rise, sit_down
from hal.sim.world.incidents import Incident
from hal.sim.world.loose import any_direction
from hal.sim.world.rotation import bring_up_to, direction, rotated
from hal.sim.world.scene import Mark
from hal.sim.world.shapes import Curve, Knots
from hal.sim.world.walker import Walker

STANDS_S, SOFT_S, STOP_S = 5.0, 0.8, 0.5
Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class WearingScene:
    """`parts` are what moves the device, each from its time on, in the device's axes."""

    name: str
    duration_s: float
    parts: tuple[tuple[float, Motion], ...]
    marks: tuple[Mark, ...]
    worn: Spans = ()
    wrong_s: float | None = None

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        index = bisect_right(self.parts, t_s, key=lambda part: part[0]) - 1
        return self.parts[max(index, 0)][1](t_s)

    def distance_m(self, t_s: float) -> float | None:
        return None

    def pressed(self, t_s: float) -> bool:
        return False


class _Her:
    """Who stands from `on_s` on, walks from 5 s later, for `walks_s`, and stands again."""

    def __init__(
        self, seed: str, dice: Random, on_s: float, walks_s: float, incidents: tuple[Incident, ...] = ()
    ) -> None:
        speed_mps = dice.uniform(0.35, 0.75)
        style = GaitStyle(speed_mps=speed_mps, cadence_spm=dice.uniform(85.0, 115.0))
        self.walks_s, self.stops_s = on_s + STANDS_S, on_s + STANDS_S + walks_s
        self.knots = (
            *((self.walks_s, 0.0), (self.walks_s + SOFT_S, 1.0)),
            *((self.stops_s - STOP_S, 1.0), (self.stops_s, 0.0)),
        )
        bouts: Knots = [(t, share * speed_mps) for t, share in self.knots]
        self.walker = Walker(bouts, incidents, seed=seed, style=style)
        self.motion = self.walker.motion

    def up(self, t_s: float) -> Vector:
        return direction(self.motion(t_s)[0])


def _dice(name: str, seed: int) -> tuple[Random, str]:
    return Random(f"{name}:{seed}"), f"{name}:{seed}"


def _lying(dice: Random) -> Vector:
    """On one of the sides of a box, none of which is level to the degree."""
    side = dice.choice(((1.0, 0.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)))
    x, y, z = any_direction(dice, 0.03)
    return direction((side[0] + x, side[1] + y, side[2] + z))


def _held(dice: Random, from_s: float, until_s: float, first: Vector, last: Vector) -> Hand:
    """Looked at from all sides, half a second to a second and a half each."""
    ups, t_s = [(from_s, first)], from_s + dice.uniform(0.5, 1.0)
    while t_s < until_s - 0.6:
        ups.append((t_s, any_direction(dice, 1.0)))
        t_s += dice.uniform(0.5, 1.5)
    return Hand([*ups, (until_s, last)], dice)


def table_upright(seed: int) -> WearingScene:
    dice, name = _dice("upright on a table", seed)
    x, y, _ = any_direction(dice, 0.05)
    return WearingScene(name, 60.0, ((0.0, resting(direction((x, y, 1.0)))),), ())


def table_lying(seed: int) -> WearingScene:
    dice, name = _dice("lying on a table", seed)
    return WearingScene(name, 60.0, ((0.0, resting(_lying(dice))),), ())


def table_knocked(seed: int) -> WearingScene:
    """Somebody works at the table."""
    dice, name = _dice("on a table with work", seed)
    up = UPRIGHT if dice.random() < 0.5 else _lying(dice)
    return WearingScene(name, 90.0, ((0.0, knocked(up, dice, 90.0)),), ())


def in_a_hand(seed: int) -> WearingScene:
    """Switched on in a hand, looked at for 10 to 20 s, and put down."""
    dice, name = _dice("in a hand", seed)
    down_s = dice.uniform(10.0, 20.0)
    lies = UPRIGHT if dice.random() < 0.5 else _lying(dice)
    hand = _held(dice, 0.0, down_s, any_direction(dice, 1.0), lies)
    return WearingScene(name, down_s + 30.0, ((0.0, hand.motion), (down_s, resting(lies))), (Mark(down_s, "put down"),))


def bag(seed: int) -> WearingScene:
    """Switched on in a bag that is carried for a minute, and put down with it."""
    dice, name = _dice("in a bag", seed)
    down_s, lies = dice.uniform(50.0, 70.0), any_direction(dice, 1.0)
    parts = ((0.0, _carried(dice, name, lies, 0.0, down_s)), (down_s, resting(lies)))
    return WearingScene(name, down_s + 30.0, parts, (Mark(0.0, "carried"), Mark(down_s, "put down")))


def _carried(dice: Random, name: str, lies: Vector, from_s: float, until_s: float) -> Motion:
    """By somebody who walks forward."""
    speed = -dice.uniform(0.9, 1.4)
    bouts = [(from_s, 0.0), (from_s + 1.0, speed), (until_s - 2.0, speed), (until_s - 1.0, 0.0)]
    carrier, turn = Walker(bouts, (), seed=f"{name} carried"), bring_up_to(lies)

    def motion(t_s: float) -> tuple[Vector, Vector]:
        force, rate = carrier.motion(t_s)
        return rotated(turn, force), rotated(turn, rate)

    return motion


def _clipped_on(name: str, seed: int, then: str) -> WearingScene:
    """From the table, through a hand, onto the belt; a walk; taken off again."""
    dice, name = _dice(name, seed)
    taken_s = dice.uniform(9.0, 14.0)
    on_s = taken_s + dice.uniform(3.0, 6.0)
    her = _Her(name, dice, on_s, dice.uniform(12.0, 20.0))
    off_s = her.stops_s + dice.uniform(2.0, 5.0)
    down_s = off_s + dice.uniform(2.0, 5.0)
    first, last = _lying(dice), UPRIGHT if then == "stood on a table" else _lying(dice)
    there: Motion = resting(last)
    marks = [(taken_s, "in a hand"), (on_s, "clipped on"), (her.walks_s, "walking"), (off_s, "takes it off")]
    parts = [
        *((0.0, resting(first)), (taken_s, _held(dice, taken_s, on_s, first, her.up(on_s)).motion)),
        *((on_s, her.motion), (off_s, _held(dice, off_s, down_s, her.up(off_s), last).motion)),
    ]
    if then == "carried in a bag":
        marks.append((down_s, then))
        parts.append((down_s, _carried(dice, name, last, down_s, down_s + 30.0)))
        down_s += 30.0
    marks.append((down_s, "put down"))
    told = tuple(Mark(t, what) for t, what in marks)
    return WearingScene(name, down_s + 30.0, (*parts, (down_s, there)), told, worn=((on_s, off_s),))


def clipped_on_and_stood_down(seed: int) -> WearingScene:
    return _clipped_on("clipped on, stood on a table", seed, "stood on a table")


def clipped_on_and_laid_down(seed: int) -> WearingScene:
    return _clipped_on("clipped on, laid on a table", seed, "laid on a table")


def clipped_on_and_bagged(seed: int) -> WearingScene:
    return _clipped_on("clipped on, put into a bag", seed, "carried in a bag")


def clipped_on_otherwise(seed: int, deg: float) -> WearingScene:
    """Taken off in the middle of her steps, laid on a table, and clipped on again half a minute later, by `deg` off."""
    dice, name = _dice("clipped on otherwise", seed)
    first, lies = _Her(f"{name} first", dice, 0.0, 20.0), _lying(dice)
    off_s = first.stops_s - 3.0
    down_s, taken_s, on_s = off_s + 3.0, off_s + 28.0, off_s + 31.0
    then = _Her(f"{name} then", dice, on_s, 20.0)
    sits = turned(then.motion, _across(dice), lambda _: (math.radians(deg), 0.0))
    parts = (
        *((0.0, first.motion), (off_s, _held(dice, off_s, down_s, first.up(off_s), lies).motion)),
        *((down_s, resting(lies)), (taken_s, _held(dice, taken_s, on_s, lies, direction(sits(on_s)[0])).motion)),
        (on_s, sits),
    )
    end_s = then.stops_s + 3.0
    marks = (Mark(off_s, "takes it off"), Mark(on_s, "clipped on"))
    return WearingScene(name, end_s, parts, marks, ((0.0, off_s), (on_s, end_s)), on_s)


def worn_upside_down(seed: int) -> WearingScene:
    dice, name = _dice("upside down", seed)
    her = _Her(name, dice, 0.0, 15.0)
    end_s = her.stops_s + 4.0
    return WearingScene(
        name, end_s, ((0.0, upside_down(her.motion)),), (Mark(her.walks_s, "walking"),), ((0.0, end_s),), 0.0
    )


def _across(dice: Random) -> Vector:
    """A level axis: the device leans forward, backward or to a side."""
    to = dice.uniform(0.0, 2 * math.pi)
    return math.cos(to), math.sin(to), 0.0


def slips(seed: int) -> WearingScene:
    """The clip gives way in the walk: 32 to 80 degrees within 0.2 to 0.8 s."""
    dice, name = _dice("slips", seed)
    return _slipped(dice, name, dice.uniform(0.2, 0.8), dice.uniform(32.0, 80.0))


def creeps(seed: int) -> WearingScene:
    """The belt gives way slowly: 32 to 60 degrees within 5 to 15 s."""
    dice, name = _dice("creeps", seed)
    return _slipped(dice, name, dice.uniform(5.0, 15.0), dice.uniform(32.0, 60.0))


def _slipped(dice: Random, name: str, lasts_s: float, deg: float) -> WearingScene:
    her = _Her(name, dice, 0.0, 40.0)
    at_s = her.walks_s + dice.uniform(6.0, 10.0)
    motion = slipping(her.motion, _across(dice), at_s, lasts_s, deg)
    marks = (Mark(her.walks_s, "walking"), Mark(at_s, "slips"))
    return WearingScene(name, her.stops_s + 3.0, ((0.0, motion),), marks, ((0.0, her.stops_s + 3.0),), at_s + lasts_s)


def wobbles(seed: int) -> WearingScene:
    """A loose clip, all the walk: 4 to 8 degrees to and fro at 5 to 9 Hz. No recording has one: a guess."""
    dice, name = _dice("wobbles", seed)
    her = _Her(name, dice, 0.0, 30.0)
    motion = wobbling(her.motion, _across(dice), Curve(her.knots), dice.uniform(5.0, 9.0), dice.uniform(4.0, 8.0))
    end_s = her.stops_s + 3.0
    return WearingScene(
        name, end_s, ((0.0, motion),), (Mark(her.walks_s, "wobbles"),), ((0.0, end_s),), her.walks_s + SOFT_S
    )


def rests_on_a_bench(seed: int) -> WearingScene:
    """Walks, sits down, rests for half a minute, gets up."""
    dice, name = _dice("rests on a bench", seed)
    sits_s = STANDS_S + 15.0 + dice.uniform(0.8, 3.0)
    down = sit_down(sits_s, dice)
    up = rise(sits_s + 35.0, down, dice.uniform(2.0, 3.5))
    her, end_s = _Her(name, dice, 0.0, 15.0, (down, up)), sits_s + 55.0
    marks = Mark(her.walks_s, "walking"), Mark(sits_s, "sits down"), Mark(sits_s + 35.0, "gets up")
    return WearingScene(name, end_s, ((0.0, her.motion),), marks, ((0.0, end_s),))


def worn_tilted(seed: int) -> WearingScene:
    """Clipped on as people do, up to 30 degrees from upright."""
    dice, name = _dice("worn as people do", seed)
    her, tilt = _Her(name, dice, 0.0, 40.0), math.radians(dice.uniform(0.0, 30.0))
    motion, end_s = turned(her.motion, _across(dice), lambda _: (tilt, 0.0)), her.stops_s + 3.0
    return WearingScene(name, end_s, ((0.0, motion),), (Mark(her.walks_s, "walking"),), ((0.0, end_s),))


WEARING_SCENES: Mapping[str, Callable[[int], WearingScene]] = {
    "upright on a table": table_upright,
    "lying on a table": table_lying,
    "on a table with work": table_knocked,
    "in a hand": in_a_hand,
    "in a bag": bag,
    "clipped on, stood on a table": clipped_on_and_stood_down,
    "clipped on, laid on a table": clipped_on_and_laid_down,
    "clipped on, put into a bag": clipped_on_and_bagged,
    "worn as people do": worn_tilted,
    "rests on a bench": rests_on_a_bench,
    "upside down": worn_upside_down,
    "slips": slips,
    "creeps": creeps,
    "wobbles": wobbles,
}
"""By name; each takes a seed."""
