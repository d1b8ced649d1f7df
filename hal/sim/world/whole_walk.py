"""A whole walk: from the table onto the belt, everything that may happen, and back onto the table."""

from dataclasses import dataclass
from random import Random

from hal.samples import Vector
from hal.sim.world.hands import UPRIGHT, Hand, Motion, resting
from hal.sim.world.incidents import DESCENT_S, fall_backward, get_up, sudden_sway, turn
from hal.sim.world.rotation import direction
from hal.sim.world.scene import Mark, World
from hal.sim.world.shapes import Knots
from hal.sim.world.surroundings import FloorWhenDown, Wall
from hal.sim.world.walker import Walker

TAKEN_S, ON_S = 2.0, 4.5  # from the table, and onto the belt
OFF_S, DOWN_S, END_S = 87.0, 89.5, 100.0
ON_ITS_BACK: Vector = (-1.0, 0.0, 0.0)
SPEED_MPS, GAP_M = 0.6, 4.18


@dataclass(frozen=True, slots=True)
class Clipped:
    """`worn` from `on_s` to `off_s`, counted in its own time; before and after, a table and a hand.

    A rangefinder that is not worn looks into the open.
    """

    name: str
    duration_s: float
    worn: World
    on_s: float
    off_s: float
    before: Motion
    after: Motion
    marks: tuple[Mark, ...]

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        if t_s < self.on_s:
            return self.before(t_s)
        return self.worn.motion(t_s - self.on_s) if t_s < self.off_s else self.after(t_s)

    def distance_m(self, t_s: float) -> float | None:
        return self.worn.distance_m(t_s - self.on_s) if self.on_s <= t_s < self.off_s else None

    def pressed(self, t_s: float) -> bool:
        return self.worn.pressed(t_s - self.on_s)


@dataclass(frozen=True, slots=True)
class _Her:
    """What is worn, in seconds since it was clipped on."""

    walker: Walker
    behind: FloorWhenDown
    presses: tuple[tuple[float, float], ...]
    name: str = "whole"
    duration_s: float = END_S
    marks: tuple[Mark, ...] = ()

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        return self.walker.motion(t_s)

    def distance_m(self, t_s: float) -> float | None:
        return self.behind(t_s)

    def pressed(self, t_s: float) -> bool:
        return any(down <= t_s < up for down, up in self.presses)


def _bout(start_s: float, end_s: float) -> Knots:
    return (start_s, 0.0), (start_s + 0.8, SPEED_MPS), (end_s - 0.6, SPEED_MPS), (end_s, 0.0)


def whole_walk() -> World:
    """Clipped on; a wall, a stop, a turn, a near-fall, a fall that nobody cancels; she gets up, and ends the walk."""
    walks_s, stop_s, off_s, sway_s, impact_s, up_s = 5.5, 12.25, 13.75, 17.5, 22.0, 61.0
    knots = (
        *_bout(walks_s, stop_s),
        *((off_s, 0.0), (14.3, -0.4), (15.0, -0.4), (15.4, 0.0)),
        *_bout(15.41, sway_s + 0.7),
        *_bout(18.6, impact_s),
    )
    incidents = (turn(13.9, 100, 2.0), sudden_sway(sway_s), fall_backward(impact_s), get_up(up_s))
    walker = Walker(knots, incidents, seed="whole")
    ends_s = up_s + 16.0
    presses = ((13.0, 13.3), (ends_s, ends_s + 2.5))  # she tries the button in the rest; then she holds it
    her = _Her(walker, FloorWhenDown(walker, impact_s, Wall(walker, GAP_M)), presses)
    marks = (
        *((walks_s, "walking"), (stop_s, "stops"), (off_s, "walks forward"), (15.41, "walking")),
        *((sway_s, "sudden sway"), (18.6, "walking"), (impact_s - DESCENT_S, "falls backward"), (impact_s, "impact")),
        *((up_s, "gets up"), (ends_s, "holds the button")),
    )
    return clipped("whole", her, marks, Random("whole"))


def clipped(name: str, her: World, marks: tuple[tuple[float, str], ...], dice: Random) -> World:
    """The same, with the table before it and after it; `marks` are in her seconds."""

    def up(t_s: float) -> Vector:
        return direction(her.motion(t_s)[0])

    lies, stands = resting(ON_ITS_BACK), resting(UPRIGHT)
    taken = Hand([(TAKEN_S, ON_ITS_BACK), (3.2, (0.0, 0.6, 0.8)), (ON_S, up(0.0))], dice).motion
    put_down = Hand([(OFF_S, up(OFF_S - ON_S)), (88.2, (0.0, -0.6, 0.8)), (DOWN_S, UPRIGHT)], dice).motion
    told = ((TAKEN_S, "in a hand"), (ON_S, "clipped on"), (OFF_S, "takes it off"), (DOWN_S, "put down"))
    known = [*(Mark(ON_S + t, what) for t, what in marks), *(Mark(t, what) for t, what in told)]
    return Clipped(
        name,
        END_S,
        her,
        ON_S,
        OFF_S,
        lambda t_s: lies(t_s) if t_s < TAKEN_S else taken(t_s),
        lambda t_s: put_down(t_s) if t_s < DOWN_S else stands(t_s),
        tuple(sorted(known, key=lambda mark: mark.t_s)),
    )
