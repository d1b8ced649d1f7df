"""Scenes that fall detectors are judged by, each as often as wanted: the same seed gives the same scene.

Every scene begins alike: she stands until the device is ready, and walks backward. The first nine are the scenes on
which six published hobby detectors were tried; the others are what else happens to a device on a belt, or off it.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from hal.samples import Vector
from hal.sim.world.gait import G_MPS2, GaitStyle
from hal.sim.world.happenings import (
    Squirming,
    bend,
    collapse,
    into_a_car,
    kneel,
    lie_down,
    rise,
    sit_down,
    sit_fall,
    sit_hard,
    slide_down_a_wall,
    squat,
    trip,
)
from hal.sim.world.incidents import Incident
from hal.sim.world.loose import Loose, dropped, handled
from hal.sim.world.rotation import Matrix, about, bring_up_to, direction, rotated
from hal.sim.world.scene import Mark, World
from hal.sim.world.shapes import Knots
from hal.sim.world.walker import Walker

STANDS_S = 3.5
SOFT_S, STOP_S = 0.8, 0.5
MOST_MOUNTING_RAD = math.radians(30.0)
Motion = Callable[[float], tuple[Vector, Vector]]


@dataclass(frozen=True, slots=True)
class FallScene:
    """`parts` are what moves the sensor, each from its time on; `mounting` turns body axes into the device's."""

    name: str
    duration_s: float
    parts: tuple[tuple[float, Motion], ...]
    mounting: Matrix
    marks: tuple[Mark, ...]

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        index = bisect_right(self.parts, t_s, key=lambda part: part[0]) - 1
        force, rate = self.parts[max(index, 0)][1](t_s)
        return rotated(self.mounting, force), rotated(self.mounting, rate)

    def distance_m(self, t_s: float) -> float | None:
        return None

    def pressed(self, t_s: float) -> bool:
        return False


def _mounted(dice: Random) -> Matrix:
    """Clipped on tilted by up to 30 degrees, in any direction."""
    to = dice.uniform(0.0, 2 * math.pi)
    return about((math.cos(to), math.sin(to), 0.0), dice.uniform(0.0, MOST_MOUNTING_RAD))


class _Making:
    """What all scenes share: her, her walk and the clip."""

    def __init__(self, name: str, seed: int) -> None:
        self.dice = Random(f"{name}:{seed}")
        self.name = self.seed = f"{name}:{seed}"
        self.style = GaitStyle(speed_mps=self.dice.uniform(0.35, 0.75), cadence_spm=self.dice.uniform(85.0, 115.0))
        self.walked_s = STANDS_S + self.dice.uniform(5.0, 9.0)
        self.mounting = _mounted(self.dice)

    def walks(self, until_s: float) -> list[tuple[float, float]]:
        speed = self.style.speed_mps
        return [(STANDS_S, 0.0), (STANDS_S + SOFT_S, speed), (until_s - STOP_S, speed), (until_s, 0.0)]

    def scene(
        self,
        duration_s: float,
        bouts: Knots,
        incidents: tuple[Incident | Squirming, ...] = (),
        *,
        loose: tuple[tuple[float, Motion], ...] = (),
        marks: tuple[tuple[float, str], ...] = (),
    ) -> World:
        her = Walker(bouts, incidents, seed=self.seed, style=self.style)  # type: ignore[arg-type]
        known = tuple(Mark(t, what) for t, what in sorted(marks))
        return FallScene(self.name, duration_s, ((0.0, her.motion), *loose), self.mounting, known)


def _lasting(t_s: float, motion: Motion) -> tuple[float, Motion]:
    """A part that counts its own seconds."""
    return t_s, lambda now_s: motion(now_s - t_s)


def _up(making: _Making, bouts: Knots, t_s: float) -> Vector:
    """Where up is at the belt while she stands or walks."""
    force, _ = Walker(bouts, (), seed=making.seed, style=making.style).motion(t_s)
    length = math.sqrt(sum(x * x for x in force))
    return force[0] / length, force[1] / length, force[2] / length


# Falls


def backward_trip(seed: int) -> World:
    m = _Making("backward trip", seed)
    impact_s = m.walked_s + 0.3
    return m.scene(impact_s + 8.0, m.walks(impact_s), (trip(impact_s, m.dice),), marks=((impact_s, "impact"),))


def trip_and_squirming(seed: int) -> World:
    m = _Making("trip and squirming", seed)
    impact_s = m.walked_s + 0.3
    squirms = Squirming(impact_s + m.dice.uniform(0.5, 2.0), impact_s + m.dice.uniform(6.0, 9.0), m.dice)
    fallen = trip(impact_s, m.dice)
    return m.scene(impact_s + 10.0, m.walks(impact_s), (fallen, squirms), marks=((impact_s, "impact"),))


def backward_sit_fall(seed: int) -> World:
    m = _Making("backward sit-fall", seed)
    impact_s = m.walked_s + 0.3
    return m.scene(impact_s + 12.0, m.walks(impact_s), (sit_fall(impact_s, m.dice),), marks=((impact_s, "impact"),))


def slow_collapse(seed: int) -> World:
    m = _Making("slow collapse", seed)
    end_s = m.walked_s + 3.0
    falls = collapse(end_s, m.dice)
    return m.scene(end_s + 12.0, m.walks(falls.start_s + 0.6), (falls,), marks=((end_s, "impact"),))


def slump_at_a_wall(seed: int) -> World:
    m = _Making("slump at a wall", seed)
    end_s = m.walked_s + 3.0
    falls = slide_down_a_wall(end_s, m.dice)
    return m.scene(end_s + 12.0, m.walks(falls.start_s + 0.2), (falls,), marks=((end_s, "impact"),))


def fell_and_up_again(seed: int) -> World:
    m = _Making("fell and up again", seed)
    impact_s = m.walked_s + 0.3
    fallen = trip(impact_s, m.dice)
    lies_s = m.dice.uniform(1.2, 1.5)
    gets_up = rise(impact_s + lies_s, fallen, 3.0 - lies_s)
    on_s = impact_s + m.dice.uniform(4.0, 6.0)
    bouts = [*m.walks(impact_s), (on_s, 0.0), (on_s + SOFT_S, m.style.speed_mps)]
    marks = ((impact_s, "impact"), (impact_s + 3.0, "stands up"))
    return m.scene(on_s + 10.0, bouts, (fallen, gets_up), marks=marks)


# What is no fall


def minute_walk(seed: int) -> World:
    m = _Making("60 s walk", seed)
    return m.scene(STANDS_S + 63.0, m.walks(STANDS_S + 60.0))


def _stops(m: _Making, least_s: float, most_s: float) -> float:
    """When, after a pause of so long."""
    return m.walked_s + m.dice.uniform(least_s, most_s)


def sitting_hard(seed: int) -> World:
    m = _Making("sitting down hard", seed)
    t_s = _stops(m, 0.8, 4.0)
    return m.scene(t_s + 12.0, m.walks(m.walked_s), (sit_hard(t_s, m.dice),), marks=((t_s, "sits down"),))


def sitting_down(seed: int) -> World:
    """Backs up to a seat, stands before it for a moment, sits down and stays."""
    m = _Making("sitting on a chair", seed)
    t_s = _stops(m, 0.3, 3.0)
    return m.scene(t_s + 16.0, m.walks(m.walked_s), (sit_down(t_s, m.dice),), marks=((t_s, "sits down"),))


def into_the_car(seed: int) -> World:
    """Stops, opens the door, and gets in."""
    m = _Making("getting into a car", seed)
    t_s = _stops(m, 3.5, 8.0)
    return m.scene(t_s + 16.0, m.walks(m.walked_s), (into_a_car(t_s, m.dice),), marks=((t_s, "gets in"),))


def squatting(seed: int) -> World:
    m = _Making("squatting", seed)
    t_s = _stops(m, 0.3, 3.0)
    return m.scene(t_s + 18.0, m.walks(m.walked_s), (squat(t_s, m.dice),), marks=((t_s, "squats"),))


def tying_shoes(seed: int) -> World:
    m = _Making("tying shoes", seed)
    t_s = _stops(m, 0.8, 4.0)
    return m.scene(t_s + 18.0, m.walks(m.walked_s), (bend(t_s, m.dice),), marks=((t_s, "bends"),))


def kneeling(seed: int) -> World:
    m = _Making("kneeling down", seed)
    t_s = _stops(m, 1.0, 5.0)
    return m.scene(t_s + 14.0, m.walks(m.walked_s), (kneel(t_s, m.dice),), marks=((t_s, "kneels"),))


def lying_on_purpose(seed: int) -> World:
    """Rests for 25 s; after a minute the device asks, as it should."""
    m = _Making("lying down on purpose", seed)
    t_s = _stops(m, 3.5, 8.0)
    lies = lie_down(t_s, m.dice)
    gets_up = rise(t_s + 32.0, lies, m.dice.uniform(3.0, 5.0))
    return m.scene(t_s + 42.0, m.walks(m.walked_s), (lies, gets_up), marks=((t_s, "lies down"),))


# The device off the body


def fell_off_or_dropped(seed: int) -> World:
    """Falls off the belt in the walk onto the floor, or out of the hand onto a table or the floor: 0.30 to 0.48 s."""
    m = _Making("device dropped", seed)
    if m.dice.random() < 0.5:
        t_s, falls_s, bouts = m.walked_s, math.sqrt(2 * m.dice.uniform(0.75, 1.05) / 9.81), m.walks(m.walked_s + 5.0)
        loose = dropped(_up(m, bouts, t_s), m.dice, falls_s)
        off = (_lasting(t_s, loose.motion),)
        return m.scene(t_s + 75.0, bouts, loose=off, marks=((t_s + falls_s, "hits the floor"),))
    t_s, bouts = _stops(m, 0.8, 4.0), m.walks(m.walked_s)
    height_m = m.dice.uniform(0.44, 0.6) if m.dice.random() < 0.6 else m.dice.uniform(0.8, 1.15)
    falls_s, holds_s = math.sqrt(2 * height_m / 9.81), m.dice.uniform(0.8, 3.0)
    hand = handled(_up(m, bouts, t_s), m.dice, 60.0)
    held_up = direction(hand.motion(holds_s)[0])
    loose = dropped(held_up, m.dice, falls_s)
    parts = (_lasting(t_s, hand.motion), _lasting(t_s + holds_s, loose.motion))
    return m.scene(t_s + holds_s + 75.0, bouts, loose=parts, marks=((t_s + holds_s + falls_s, "hits the table"),))


def put_down(seed: int) -> World:
    """She stops, unclips it, looks at it for 2 to 5 s and puts it down, whichever way."""
    return _off(_Making("taken off, put down", seed), "put down")


def hung_up(seed: int) -> World:
    """She stops, takes it off with the belt, and hangs it over a chair."""
    return _off(_Making("hung on a chair", seed), "hung up")


def _off(m: _Making, then: str) -> World:
    t_s, holds_s, bouts = _stops(m, 0.8, 4.0), m.dice.uniform(2.0, 5.0), m.walks(m.walked_s)
    hand: Loose = handled(_up(m, bouts, t_s), m.dice, holds_s, then=then)
    marks = ((t_s, "takes it off"), (t_s + holds_s, then))
    return m.scene(t_s + holds_s + 75.0, bouts, loose=(_lasting(t_s, hand.motion),), marks=marks)


def in_a_bag(seed: int) -> World:
    """Taken off, put into a bag, carried for a minute and more, forward at 0.9 to 1.4 m/s, and put down with it."""
    m = _Making("carried in a bag", seed)
    t_s, holds_s, bouts = _stops(m, 0.8, 4.0), m.dice.uniform(2.0, 5.0), m.walks(m.walked_s)
    hand = handled(_up(m, bouts, t_s), m.dice, holds_s)
    lies = direction(hand.motion(100.0)[0])
    off_s = t_s + holds_s + m.dice.uniform(1.0, 5.0)
    speed, down_s = m.dice.uniform(0.9, 1.4), off_s + m.dice.uniform(65.0, 75.0)
    bouts_off = [(off_s, 0.0), (off_s + 1.0, -speed), (down_s - 2.0, -speed), (down_s - 1.0, 0.0)]
    carrier = Walker(bouts_off, (), seed=f"{m.seed} bag")
    turned = bring_up_to(lies)
    rests = G_MPS2 * lies[0], G_MPS2 * lies[1], G_MPS2 * lies[2]

    def put_down(_: float) -> tuple[Vector, Vector]:
        return rests, (0.0, 0.0, 0.0)

    def carried(now_s: float) -> tuple[Vector, Vector]:
        force, rate = carrier.motion(now_s)
        return rotated(turned, force), rotated(turned, rate)

    parts = (_lasting(t_s, hand.motion), (off_s - 0.5, carried), (down_s, put_down))
    marks = ((t_s, "takes it off"), (off_s, "carried"), (down_s, "put down"))
    return m.scene(down_s + 35.0, bouts, loose=parts, marks=marks)


FALL_SCENES: Mapping[str, Callable[[int], World]] = {
    "backward trip": backward_trip,
    "trip and squirming": trip_and_squirming,
    "backward sit-fall": backward_sit_fall,
    "slow collapse": slow_collapse,
    "slump at a wall": slump_at_a_wall,
    "fell and up again": fell_and_up_again,
    "60 s walk": minute_walk,
    "sitting down hard": sitting_hard,
    "sitting on a chair": sitting_down,
    "getting into a car": into_the_car,
    "squatting": squatting,
    "tying shoes": tying_shoes,
    "kneeling down": kneeling,
    "lying down on purpose": lying_on_purpose,
    "device dropped": fell_off_or_dropped,
    "taken off, put down": put_down,
    "hung on a chair": hung_up,
    "carried in a bag": in_a_bag,
}
"""By name; each takes a seed."""
