"""From the trunk's movement to the evidence of a fall: what is sensed, and what of it counts."""

import math

from firmware.core.config import CoreConfig
from firmware.core.detectors.fall import Evidence, FallDetector
from firmware.core.detectors.not_worn import NotWorn
from firmware.core.detectors.pre_impact import PreImpactDetector
from firmware.core.estimators.attitude import Attitude
from firmware.core.estimators.fall_features import FallLooks
from firmware.core.estimators.motion import MotionHistory
from firmware.core.estimators.sinking import Sinking, Sunk
from firmware.core.estimators.steps import Steps
from firmware.core.estimators.wear import Wear
from hal.samples import ImuSample

STEPPING_NS = 1_500_000_000
"""Who took a step less than so long ago is on her feet."""


class Falling:
    """`update` leaves `evidence` of a fall, once, and `possible`, an early guess; `pre_impact` comes before both."""

    def __init__(self, config: CoreConfig, attitude: Attitude, steps: Steps) -> None:
        self._attitude, self._steps = attitude, steps
        self._walked_steps = config.fall.walked_steps
        self._motion = MotionHistory()
        self._looks = FallLooks()
        self._sinking, self._lean_rad = Sinking(), math.radians(config.fall.lean_deg)
        self._fall = FallDetector(config.fall)
        self._wear = Wear(config.wear)
        self._not_worn = NotWorn()
        self.pre_impact = PreImpactDetector(config.pre_impact)
        self.evidence: Evidence | None = None
        self.excuse = self._fall.excuse

    @property
    def possible(self) -> Evidence | None:
        return self._fall.possible

    @property
    def worn(self) -> bool | None:
        """Whether the device is on a body; None: not known."""
        return self._wear.worn

    def forget_motion(self) -> None:
        """The movement of the last moments was none."""
        self._motion.restart()
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

    def update(self, now_ns: int, sample: ImuSample, walking: bool) -> bool:
        """One sample that the attitude has seen; True when a slice of movement ended with it.

        Before her upright is known too: how far she turned tells a fall as well. `walking`: the walk is under way, so
        the sensor's own tilt has to do until the upright is known.
        """
        t_ns, attitude, motion = sample.t_ns, self._attitude, self._motion
        magnitude_mps2, turning_radps, tilt_rad = attitude.magnitude_mps2, attitude.turning_radps, attitude.tilt_rad
        known = attitude.upright_known
        if known:
            self._wear.update(t_ns, sample.accel_mps2, sample.gyro_radps, attitude, self._steps.count)
        if not motion.update(t_ns, magnitude_mps2, attitude.vertical_mps2, turning_radps, tilt_rad, attitude.up):
            return False
        self.evidence = self._judge(now_ns, t_ns, tilt_rad if known or walking else None)
        return True

    def sense_impact_coming(self) -> None:
        """For the slice that just ended, while the upright is known and no fall is open."""
        self.pre_impact.update(self._motion.slices, self._attitude.roll_rad)

    def _judge(self, now_ns: int, t_ns: int, tilt_rad: float | None) -> Evidence | None:
        slices, steps, wear, attitude = self._motion.slices, self._steps, self._wear, self._attitude
        looks = self._looks.update(slices, attitude.upright)
        stepped_ns = steps.last_ns if steps.in_a_row >= self._walked_steps or not attitude.upright_known else None
        worn, settled = wear.worn is not False, not attitude.relearning
        forward_rad = attitude.pitch_rad if attitude.upright_known else 0.0
        stepping = steps.last_ns is not None and t_ns - steps.last_ns < STEPPING_NS
        last = slices[-1]
        way: Sunk | None = None
        if self._sinking.add(t_ns, last.speed_mps, forward_rad, last.tilt_rad, stepped_ns):
            way = self._sinking.latest() if last.tilt_rad >= self._lean_rad else None
        evidence = self._fall.update(
            *(t_ns, last.peak_mps2, tilt_rad, looks, stepped_ns, forward_rad, stepping, worn, settled, way)
        )
        if evidence is not None:
            self._sinking.restart()
        return self._not_worn.judge(now_ns, wear, evidence)
