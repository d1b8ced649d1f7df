"""A device that turns on the belt in a walk, and what may come after it: the same seed gives the same scene.

By a quick slip within 0.2 to 0.8 s, by 30 to 120 degrees about any level axis; forty seeds go through all angles.
"""

import math
from collections.abc import Callable, Mapping
from random import Random

from hal.sim.world.gait import STILL, GaitStyle, Pose
from hal.sim.world.hands import slipping
from hal.sim.world.happenings import collapse, sit_fall, slide_down_a_wall, trip
from hal.sim.world.incidents import Incident
from hal.sim.world.scene import Mark
from hal.sim.world.shapes import TAU
from hal.sim.world.walker import Walker
from hal.sim.world.wearing_scenes import SOFT_S, STANDS_S, STOP_S, WearingScene

SEEDS = 40
LEAST_DEG, MOST_DEG = 30.0, 120.0
FALLS: Mapping[str, Callable[[float, Random], Incident]] = {
    "trip": trip,
    "sit-fall": sit_fall,
    "collapse": collapse,
    "slump at a wall": slide_down_a_wall,
}


class Shaking:
    """She lies and shakes as regularly as steps are, at 1.4 to 2.5 Hz, as in a fit. Fits where incidents do."""

    def __init__(self, start_s: float, end_s: float, dice: Random) -> None:
        self.start_s, self.end_s = start_s, end_s
        self._radps, self._up = TAU * dice.uniform(1.4, 2.5), dice.uniform(1.0, 3.0)
        self._level, self._pitch = dice.uniform(0.0, 1.5), math.radians(dice.uniform(0.5, 3.0))

    def at(self, t_s: float) -> Pose:
        if not self.start_s < t_s < self.end_s:
            return STILL
        phase = self._radps * (t_s - self.start_s)
        s, rate = math.sin(phase), self._pitch * self._radps * math.cos(phase)
        return 0.0, self._pitch * s, 0.0, 0.0, rate, 0.0, self._level * s, 0.0, self._up * s


def slipped(seed: int, then: str = "walks on") -> WearingScene:
    """`then`: "walks on" for 20 s, "stops" within 5 s and stands, or a fall of `FALLS` 6 to 12 s later."""
    dice = Random(f"slipped, {then}:{seed}")
    at_s, lasts_s = STANDS_S + dice.uniform(6.0, 10.0), dice.uniform(0.2, 0.8)
    deg = LEAST_DEG + (MOST_DEG - LEAST_DEG) * (seed % SEEDS + 0.5) / SEEDS
    to = dice.uniform(0.0, TAU)
    axis = (math.cos(to), math.sin(to), 0.0)
    rests_s = at_s + lasts_s
    incidents: tuple[Incident, ...] = ()
    stops_s = rests_s + (dice.uniform(2.5, 5.0) if then == "stops" else 20.0)
    marks = [Mark(STANDS_S, "walking"), Mark(at_s, "slips")]
    end_s = stops_s + 12.0
    if then in FALLS:
        fallen_s = rests_s + dice.uniform(9.0, 15.0)
        incidents = (FALLS[then](fallen_s, dice),)
        stops_s, end_s = min(fallen_s, incidents[0].start_s + 0.6), fallen_s + 30.0
        marks.append(Mark(fallen_s, "impact"))
    her = _her(f"slipped, {then}:{seed}", dice, stops_s, incidents)
    motion = slipping(her.motion, axis, at_s, lasts_s, deg)
    return WearingScene(f"slipped, {then}:{seed}", end_s, ((0.0, motion),), tuple(marks), ((0.0, end_s),), rests_s)


def collapse_and_fit(seed: int) -> WearingScene:
    """Nothing slips: the knees give way in a walk, and on the floor she shakes for 10 to 60 s."""
    name = f"collapse and fit:{seed}"
    dice = Random(name)
    fallen_s = STANDS_S + dice.uniform(9.0, 13.0)
    falls = collapse(fallen_s, dice)
    shakes_s = fallen_s + dice.uniform(-0.3, 1.5)
    shaking = Shaking(shakes_s, shakes_s + dice.uniform(10.0, 60.0), dice)
    her, end_s = _her(name, dice, falls.start_s + 0.6, (falls, shaking)), fallen_s + 90.0
    return WearingScene(name, end_s, ((0.0, her.motion),), (Mark(fallen_s, "impact"),), ((0.0, end_s),))


def _her(seed: str, dice: Random, stops_s: float, incidents: tuple[Incident | Shaking, ...]) -> Walker:
    speed_mps = dice.uniform(0.35, 0.75)
    style = GaitStyle(speed_mps=speed_mps, cadence_spm=dice.uniform(85.0, 115.0))
    bouts = ((STANDS_S, 0.0), (STANDS_S + SOFT_S, speed_mps), (stops_s - STOP_S, speed_mps), (stops_s, 0.0))
    return Walker(bouts, incidents, seed=seed, style=style)  # type: ignore[arg-type]


def mark_s(scene: WearingScene, what: str) -> float:
    """When it happens."""
    return next(mark.t_s for mark in scene.marks if mark.what == what)
