"""What is behind a walker in the scenes of obstacles, drawn anew for every seed; ranges stand beside their numbers."""

import math
from dataclasses import replace

from hal.sim.world.obstacle_scene import (
    BEYOND_S,
    QUIET_S,
    SOFT_S,
    START_S,
    Setting,
    beside,
    facing,
    somebody,
)
from hal.sim.world.obstacle_world import ObstacleWorld
from hal.sim.world.places import FalseEchoes, Stranger
from hal.sim.world.reacting import ReactingWalker
from hal.sim.world.shapes import Ramps
from hal.sim.world.surroundings import drift_of_a_partner
from hal.sim.world.things import CURTAIN, GRAVEL, HARD, HEDGE, MESH, Corner, Floor, Panel, Path, Round

STOP_S = 0.8
CHANGE_S = 16.0  # when what kept its distance does so no more
RAIL = Panel("rail", 0.8, -0.35, 0.8, 0.35, low_m=0.85, high_m=1.05)  # of a treadmill


def wall(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, facing("wall", way, s.dice.uniform(-5.0, 5.0)))


def near_wall(s: Setting) -> ObstacleWorld:
    way = s.dice.uniform(1.55, 1.70)
    return s.towards(way, facing("wall", way))


def creeping(s: Setting) -> ObstacleWorld:
    way = s.dice.uniform(1.6, 1.9)
    return s.towards(way, facing("wall", way, s.dice.uniform(-5.0, 5.0)))


def speeds_up(s: Setting) -> ObstacleWorld:
    """At half her speed for some seconds, then at her speed."""
    slow_s, slow_mps = s.dice.uniform(4.0, 7.0), s.speed_mps / 2
    way = slow_mps * slow_s + s.speed_mps * s.dice.uniform(1.8, 3.0) + 0.3
    faster_s = START_S + slow_s
    bouts = (START_S, 0.0), (START_S + SOFT_S, slow_mps), (faster_s, slow_mps), (faster_s + SOFT_S, s.speed_mps)
    return s.world(s.walker(bouts), faster_s + 8.0, facing("wall", max(way, 1.8)))


def sloping_wall(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, facing("wall", way, s.dice.choice((-1, 1)) * s.dice.uniform(25.0, 30.0)))


def oblique_wall(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, facing("wall", way, s.dice.choice((-1, 1)) * s.dice.uniform(45.0, 60.0)))


def corner(s: Setting) -> ObstacleWorld:
    way, turned = s.far_m(), math.radians(s.dice.uniform(40.0, 50.0))
    left = Panel("wall", way, 0.0, way - 4 * math.sin(turned), -4 * math.cos(turned))
    right = Panel("wall", way, 0.0, way - 4 * math.cos(turned), 4 * math.sin(turned))
    return s.towards(way, left, right, Corner("corner", way, 0.0))


def end_of_a_wall(s: Setting) -> ObstacleWorld:
    way, side = s.far_m(), s.dice.choice((-1, 1))
    return s.towards(way, Panel("wall", way, side * s.dice.uniform(0.05, 0.15), way, side * 3.0))


def curtain(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, facing("curtain", way, s.dice.uniform(-20.0, 20.0), CURTAIN))


def hedge(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, facing("hedge", way, s.dice.uniform(-45.0, 45.0), HEDGE))


def mesh(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, facing("fence", way, s.dice.uniform(-5.0, 5.0), MESH))


def pole(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, Round("pole", 0.025, way + 0.025, s.dice.uniform(-0.10, 0.10)))


def counter(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, Panel("counter", way, -0.8, way, 0.8, low_m=0.0, high_m=1.0))


def table(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, Panel("table", way, -0.8, way, 0.8, low_m=0.7, high_m=0.75))


def bench(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, Panel("bench", way, -0.75, way, 0.75, high_m=0.45))


def dog(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, Round("dog", 0.15, way + 0.15, s.dice.uniform(-0.15, 0.15), high_m=0.5))


def _leaf(way_m: float, open_deg: float) -> Panel:
    """A door's leaf, hinged to her left, whose free edge comes towards her."""
    turned = math.radians(open_deg)
    return Panel("door", way_m, -0.45, way_m - 0.88 * math.sin(turned), -0.45 + 0.88 * math.cos(turned))


def _frame(way_m: float, aside_m: float) -> tuple[Panel, ...]:
    """A wall with an opening of 0.9 m, 12 cm deep."""
    left, right, deep = aside_m - 0.45, aside_m + 0.45, way_m + 0.12
    faces = Panel("wall", way_m, -4.0, way_m, left), Panel("wall", way_m, right, way_m, 4.0)
    return *faces, Panel("jamb", way_m, left, deep, left), Panel("jamb", way_m, right, deep, right)


def doorway(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way + 2.0, *_frame(way, s.dice.uniform(-0.05, 0.05)))


def door_ajar(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, *_frame(way, 0.0), _leaf(way, s.dice.uniform(5.0, 15.0)))


def half_open_door(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, *_frame(way, 0.0), _leaf(way, s.dice.uniform(35.0, 60.0)))


def person(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, somebody(s.dice, way + 0.17, s.dice.uniform(-0.15, 0.15)))


def _crosses(s: Setting, gap_m: float, crossing_mps: float) -> ObstacleWorld:
    """Somebody crosses her way; their side is `gap_m` from the belt at the middle of it, if she just walks on."""
    walker, person, middle_s = s.walker(), somebody(s.dice), s.dice.uniform(9.0, 11.0)
    side = s.dice.choice((-1.0, 1.0)) * crossing_mps
    x = walker.planned_m(middle_s) + gap_m + person.radius_m
    crosser = replace(person, path=lambda t, _x, _y: (x, side * (t - middle_s)))
    enters_s = middle_s - (0.25 + person.radius_m) / crossing_mps
    return s.world(walker, middle_s + 8.0, crosser, marks=((START_S, "walking"), (enters_s, "in the way")))


def crosses_near(s: Setting) -> ObstacleWorld:
    return _crosses(s, 0.3 + s.speed_mps * s.dice.uniform(0.8, 1.2), s.dice.uniform(0.4, 0.7))


def crosses_far(s: Setting) -> ObstacleWorld:
    return _crosses(s, max(2.3, 0.3 + 3.0 * s.speed_mps) + s.dice.uniform(0.0, 0.7), s.dice.uniform(0.8, 1.4))


def partner(s: Setting) -> ObstacleWorld:
    """The partner sees when she stops, and stops too."""
    gap_m, wander = s.dice.uniform(1.0, 1.4), drift_of_a_partner(f"{s.name} partner")
    person = somebody(s.dice)
    return s.world(
        s.walker(), QUIET_S, replace(person, path=lambda t, x, y: (x + person.radius_m + gap_m + wander.value(t), 0.0))
    )


def partner_slows(s: Setting) -> ObstacleWorld:
    """A partner who takes no notice of her, so that she backs into them."""
    gap_m, slower_mps = s.dice.uniform(1.0, 1.4), s.dice.uniform(0.4, 1.0) * s.speed_mps
    walker, person = s.walker(), somebody(s.dice)
    lost = Ramps([(CHANGE_S, 0.0), (CHANGE_S + 0.8, slower_mps)])
    wander = drift_of_a_partner(f"{s.name} partner")

    def path(t_s: float, x: float, y: float) -> tuple[float, float]:
        ahead = gap_m + person.radius_m + wander.value(min(t_s, CHANGE_S))
        return walker.planned_m(t_s) + ahead - lost.integral(t_s), 0.0

    marks = (START_S, "walking"), (CHANGE_S, "the partner slows")
    return s.world(walker, CHANGE_S + 1.4 / slower_mps + BEYOND_S, replace(person, path=path), marks=marks)


def partner_comes_up(s: Setting) -> ObstacleWorld:
    """They keep 0.4 m in the end, and stop when she stops."""
    gap_m, closing_mps, ends_m = s.dice.uniform(1.0, 1.4), s.dice.uniform(0.3, 0.5), 0.4
    lasting_s, person = (gap_m - ends_m) / closing_mps, somebody(s.dice)
    gap = Ramps([(CHANGE_S, gap_m), (CHANGE_S + lasting_s, ends_m)])
    comes = replace(person, path=lambda t, x, y: (x + person.radius_m + gap.at(t)[0], 0.0))
    return s.world(s.walker(), CHANGE_S + 10.0, comes, marks=((START_S, "walking"), (CHANGE_S, "comes up")))


def treadmill(s: Setting) -> ObstacleWorld:
    return s.world(s.walker(belt=s.bouts), QUIET_S, RAIL)


def treadmill_drift(s: Setting) -> ObstacleWorld:
    slower_mps = s.dice.uniform(0.12, 0.20)
    belt = (*s.bouts, (CHANGE_S, s.speed_mps), (CHANGE_S + 1.0, s.speed_mps - slower_mps))
    marks = (START_S, "walking"), (CHANGE_S, "the belt slows")
    return s.world(s.walker(belt=belt), CHANGE_S + 0.8 / slower_mps + BEYOND_S, RAIL, marks=marks)


def corridor(s: Setting) -> ObstacleWorld:
    s.false = FalseEchoes(single=0.005)
    return s.world(s.walker(), QUIET_S, beside("wall", -0.6), beside("wall", 0.6))


def open_space(s: Setting) -> ObstacleWorld:
    return s.world(s.walker(), QUIET_S)


def _passes(s: Setting, walker: ReactingWalker) -> Path:
    """Walks by at a person's width and more, the other way or the same way faster."""
    meets_s, aside_m = s.dice.uniform(5.0, QUIET_S), s.dice.choice((-1, 1)) * s.dice.uniform(1.8, 2.4)
    walks_mps, x = s.dice.choice((-1, 1)) * s.dice.uniform(0.9, 1.4), walker.planned_m(meets_s)
    return lambda t_s, _x, _y: (x + walks_mps * (t_s - meets_s), aside_m)


def park(s: Setting) -> ObstacleWorld:
    s.false = FalseEchoes(single=0.02, in_runs=0.005, near_m=0.5, far_m=4.0)
    walker = s.walker()
    hedges = [beside("hedge", side * s.dice.uniform(1.5, 3.0), HEDGE) for side in (-1, 1)]
    people = [replace(somebody(s.dice), path=_passes(s, walker)) for _ in range(6)]
    return s.world(walker, QUIET_S, *hedges, *people)


def stands(s: Setting) -> ObstacleWorld:
    return s.world(s.walker(((0.0, 0.0),)), 30.0, facing("wall", 0.7), marks=((START_S, "stands"),))


def stops_herself(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    stop_s = s.after_s(way - 0.6) - STOP_S / 2
    bouts = (*s.bouts, (stop_s, s.speed_mps), (stop_s + STOP_S, 0.0))
    marks = (START_S, "walking"), (stop_s + STOP_S, "stands")
    return s.world(s.walker(bouts), stop_s + STOP_S + 15.0, facing("wall", way), marks=marks)


def wall_false(s: Setting) -> ObstacleWorld:
    s.false = FalseEchoes(single=0.10)
    return wall(s)


def wall_runs(s: Setting) -> ObstacleWorld:
    s.false = FalseEchoes(single=0.02, in_runs=0.25)
    return wall(s)


def wall_lost(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, facing("wall", way, s.dice.uniform(-5.0, 5.0), HARD.with_lost(0.20)))


def wall_cold(s: Setting) -> ObstacleWorld:
    s.celsius = 0.0
    return wall(s)


def wall_stranger(s: Setting) -> ObstacleWorld:
    s.stranger = Stranger()
    return wall(s)


def open_stranger(s: Setting) -> ObstacleWorld:
    s.stranger = Stranger(from_s=10.0, to_s=30.0)
    return open_space(s)


def open_false(s: Setting) -> ObstacleWorld:
    s.false = FalseEchoes(single=0.05, in_runs=0.02, near_m=0.6)  # a nearer one may act at once
    return open_space(s)


def _gravel(s: Setting) -> Floor:
    return Floor(math.radians(s.dice.uniform(8.0, 12.0)), GRAVEL)


def gravel(s: Setting) -> ObstacleWorld:
    return s.world(s.walker(), QUIET_S, _gravel(s))


def wall_on_gravel(s: Setting) -> ObstacleWorld:
    way = s.far_m()
    return s.towards(way, facing("wall", way, s.dice.uniform(-5.0, 5.0)), _gravel(s))


def everything_at_once(s: Setting) -> ObstacleWorld:
    """Each within the ranges of the scenes that have one of them alone."""
    dice = s.dice
    s.celsius = dice.uniform(-5.0, 35.0)
    s.false = FalseEchoes(single=dice.uniform(0.0, 0.08), in_runs=dice.uniform(0.0, 0.10))
    s.stranger = Stranger(period_s=dice.uniform(0.03, 0.08), heard=0.5) if dice.random() < 0.3 else None
    way, surface = s.far_m(), HARD.with_lost(dice.uniform(0.0, 0.15))
    wall = facing("wall", way, dice.uniform(-15.0, 15.0), surface)
    counter = Panel("counter", way, -0.8, way, 0.8, surface, high_m=1.0)
    trunk = Round("trunk", dice.uniform(0.05, 0.20), way + 0.2, dice.uniform(-0.15, 0.15), surface)
    return s.towards(way, dice.choice((wall, counter, trunk)))
