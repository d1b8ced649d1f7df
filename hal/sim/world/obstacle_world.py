"""A walker who backs through a place: what her rangefinder hears, and the truth beside it."""

import math
from dataclasses import dataclass

from hal.samples import Vector
from hal.sim.world.places import Nearest, Place
from hal.sim.world.reacting import ReactingWalker
from hal.sim.world.scene import Mark

HEEL_M = 0.30  # the trailing foot is 0.3 to 0.4 m behind the belt
MOVES_MPS = 0.05
SLOPE_S = 0.02
FASTEST_MPS = 2.5  # nothing comes nearer faster
LOOK_S, CROSSES_S = 0.02, 0.3


@dataclass(frozen=True, slots=True)
class ObstacleWorld:
    """A World that tells the truth too, and whose walker can be warned. Times are seconds since it began."""

    name: str
    duration_s: float
    walker: ReactingWalker
    place: Place
    presses: tuple[tuple[float, float], ...]
    marks: tuple[Mark, ...]

    def hear(self, t_s: float) -> None:
        """A warning that she heeds begins; nothing before `t_s` changes."""
        self.walker.hear(t_s)

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        return self.walker.motion(max(t_s, 0.0))

    def distance_m(self, t_s: float) -> float | None:
        """What one ping at this time reads; None for nothing within reach."""
        t_s = max(t_s, 0.0)
        return self.place.echo_m(self.walker.sensor(t_s), t_s)

    def pressed(self, t_s: float) -> bool:
        return any(down <= t_s < up for down, up in self.presses)

    def nearest(self, t_s: float) -> Nearest:
        """What is in her way, and whether the beam could ever see it."""
        x, y = self.walker.place_m(t_s)
        return self.place.nearest(x, y, self.walker.heading_rad(t_s), max(t_s, 0.0))

    def clearance_m(self, t_s: float) -> float:
        """From the belt backward to the nearest solid thing in her way, seen or not; infinite when there is none."""
        return self.nearest(t_s).clear_m

    def hits(self, t_s: float) -> bool:
        """Whether she backs into something now: her heel is at it, and she comes to it rather than it to her."""
        if self.clearance_m(t_s) >= HEEL_M:
            return False
        own_mps = self.walker.backward_mps(t_s)
        if own_mps < MOVES_MPS:
            return False
        closing_mps = (self.clearance_m(t_s - SLOPE_S) - self.clearance_m(t_s + SLOPE_S)) / (2 * SLOPE_S)
        return math.isfinite(closing_mps) and closing_mps <= 2 * own_mps  # infinite when it came or went aside

    def free_s(self, t_s: float) -> float:
        """For how long nothing that is there now can come so near that it is hit; what crosses, for a moment."""
        return min((self.clearance_m(t_s) - HEEL_M) / FASTEST_MPS, CROSSES_S)

    def contact_s(self, from_s: float = 0.0, until_s: float | None = None) -> float | None:
        """When she first hits something, as things stand; None when she does not. She is not stopped by it.

        Until the world's end where no other is given. To 0.02 s, and looked for only where something could be near.
        """
        t_s, end_s = from_s, self.duration_s if until_s is None else until_s
        while t_s <= end_s:
            free_s = self.free_s(t_s)
            if free_s < 0.0 and self.hits(t_s):
                return t_s
            t_s += max(LOOK_S, free_s)
        return None

    def mark_s(self, what: str) -> float:
        """When this first happens; the beginning for an empty name. Raises KeyError when it never does."""
        if not what:
            return 0.0
        for mark in self.marks:
            if mark.what == what:
                return mark.t_s
        raise KeyError(what)
