"""From the trunk's movement to the evidence of a fall: what is sensed, and what of it counts."""

import math
from collections.abc import Sequence

from firmware.core.config import CoreConfig
from firmware.core.detectors.fall import Evidence, FallDetector
from firmware.core.detectors.not_worn import NotWorn
from firmware.core.detectors.pre_impact import PreImpactDetector
from firmware.core.estimators.fall_features import PEAK_MPS2, FallLooks, Look
from firmware.core.estimators.sinking import Sinking
from firmware.core.estimators.wear import Wear
from firmware.core.moving import Moving
from hal.samples import Vector

STEPPING_NS = 1_500_000_000
"""Who took a step less than so long ago is on her feet."""
UPRIGHT_NS, LEAN_RAD = 100_000_000, math.radians(10.0)
"""Of somebody who is about upright, and feels no jolt, the fall detector is asked so rarely: nothing changes sooner.

So no jolt below `PEAK_MPS2` and no lean below this may count there: its `JOLT_MPS2` and `lean_deg` are never less.
"""


class Falling:
    """`update` leaves `evidence` of a fall, once, and `possible`, an early guess; `pre_impact` comes before both."""

    def __init__(self, config: CoreConfig, moving: Moving) -> None:
        self._moving = moving
        self._walked_steps = config.fall.walked_steps
        self._looks = FallLooks()
        self._sinking, self._lean_rad = Sinking(), math.radians(config.fall.lean_deg)
        self._sunk_m = config.fall.sunk_m
        self.sank = False  # she may have gone down to the floor since she was upright last
        self._upright: Vector | None = None
        self._fall = FallDetector(config.fall)
        self._wear = Wear(config.wear)
        self._not_worn = NotWorn()
        self.pre_impact = PreImpactDetector(config.pre_impact)
        self.evidence: Evidence | None = None
        self.possible: Evidence | None = None
        self._due_ns = 0
        self._taken_off = False  # since it was upright last
        self.excuse = self._fall.excuse

    @property
    def worn(self) -> bool | None:
        """Whether the device is on a body; None: not known."""
        return self._wear.worn

    @property
    def wear(self) -> Wear:
        """What is known of hands and free falls."""
        return self._wear

    @property
    def went_down(self) -> bool:
        """Her trunk went down in the middle of a walk, and stays there: nobody stands like that.

        Unless it was taken off: clipped on again, it may sit another way.
        """
        return self._fall.posture.went_down and not self._taken_off

    def take_off(self) -> None:
        """Nobody wears it."""
        self._taken_off = True

    def forget_motion(self) -> None:
        """The movement of the last moments was none."""
        self._looks.restart()
        self._sinking.restart()
        self._fall.restart()

    def lose_touch(self, now_ns: int) -> Evidence | None:
        """The sensor is silent for too long: what may still be told of the fall that it saw begin."""
        evidence = self._not_worn.restart() or self._fall.lose_touch(now_ns)
        self._wear.restart()
        self.pre_impact.restart()
        self.forget_motion()
        return evidence

    def update(self, now_ns: int, walking: bool) -> bool:
        """One slice has ended; True when there is evidence, or another guess. `walking`: the walk is under way.

        Before her upright is known too: how far she turned tells a fall as well. In a walk the sensor's own tilt has
        to do until the upright is known.
        """
        moving, wear = self._moving, self._wear
        attitude, slices = moving.attitude, moving.motion.slices
        t_ns, tilt_rad, known = moving.slice.t_ns, attitude.tilt_rad, attitude.upright_known
        if known:
            wear.update(moving.slice, attitude.turning_radps, tilt_rad, moving.steps.count)
        peak_mps2, evidence, guessed = moving.slice.peak_mps2, None, self.possible
        jolted = peak_mps2 > PEAK_MPS2
        looks = self._looks.update(slices, attitude.upright) if jolted or self._looks.pending else ()
        if looks or jolted or guessed is not None or tilt_rad > LEAN_RAD or t_ns >= self._due_ns:
            self._due_ns = t_ns + UPRIGHT_NS
            evidence = self._judge(t_ns, peak_mps2, tilt_rad if known or walking else None, looks)
            self.possible = self._fall.possible
        if evidence is None and not self._not_worn.waiting:
            self.evidence = None
            return self.possible is not guessed
        self.evidence = self._not_worn.judge(now_ns, wear, evidence)
        return True

    def _judge(self, t_ns: int, peak_mps2: float, tilt_rad: float | None, looks: Sequence[Look]) -> Evidence | None:
        attitude, steps, sinking = self._moving.attitude, self._moving.steps, self._sinking
        known = attitude.upright_known
        forward_rad = attitude.pitch_rad if known else 0.0
        stepped_ns = steps.last_ns if steps.in_a_row >= self._walked_steps or not known else None
        speed_mps = self._moving.motion.slices[-1].speed_mps
        if attitude.upright is not self._upright:  # what was leaning by the one is upright by the other
            self._upright = attitude.upright
            sinking.restart()
        placed = sinking.add(t_ns, speed_mps, forward_rad, attitude.tilt_rad, stepped_ns)
        leans = attitude.tilt_rad >= self._lean_rad
        self._taken_off = self._taken_off and leans
        way = sinking.latest() if placed and leans else None
        self.sank = leans and (self.sank or (way is not None and way.metres >= self._sunk_m))
        evidence = self._fall.update(
            t_ns,
            peak_mps2,
            tilt_rad,
            looks,
            stepped_ns,
            forward_rad,
            steps.last_ns is not None and t_ns - steps.last_ns < STEPPING_NS,
            self._wear.worn is not False,
            not attitude.relearning,
            way,
            round(self._moving.slice.span_s * 1e9),
        )
        if evidence is not None:
            sinking.restart()
        return evidence
