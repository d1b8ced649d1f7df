"""From the trunk's attitude to the warning that the balance is lost, by the walker's own range."""

from firmware.core.config import CoreConfig
from firmware.core.detectors.lean import LeanDetector
from firmware.core.detectors.sway import SwayDetector
from firmware.core.estimators.sway import BalanceCues, TrunkSway
from firmware.core.estimators.sway_baseline import PersonalSway, StepRhythm
from firmware.core.moving import Moving

LEAN_NS = 100_000_000  # a posture does not change sooner


class Balance:
    """`sway` warns of a sudden sway or a stumble, `lean` of a bad posture; `personal` is this walker's usual sway."""

    def __init__(self, config: CoreConfig, moving: Moving) -> None:
        self._moving = moving
        self.trunk = TrunkSway(config.trunk_sway)
        self.cues = BalanceCues(self.trunk)
        self.personal = PersonalSway(config.sway_baseline)
        self._rhythm = StepRhythm()
        self.sway = SwayDetector(config.sway)
        self.lean = LeanDetector(config.lean)
        self._walked = False
        self._lean_due_ns = 0

    def restart(self) -> None:
        """What a faulty sensor said last is no movement."""
        self.trunk.restart()
        self.cues.restart()
        self.personal.restart()
        self.clear()

    def clear(self) -> None:
        """The walk is over."""
        self.sway.clear()
        self.lean.clear()

    def update(self, walks: bool) -> None:
        """One slice has ended, and the upright is known; `walks`: on her feet and stepping."""
        ended, attitude, sway = self._moving.slice, self._moving.attitude, self.sway
        t_ns, count = ended.t_ns, self._moving.steps.count
        cues, personal, trunk = self.cues, self.personal, self.trunk
        cues.update(ended.span_s, ended.mean_mps2, attitude)
        personal.update(cues.values, ended.span_s, attitude.yaw_radps, count, walks and sway.score < 1.0)
        rhythm = self._rhythm.update(t_ns, count)
        if walks:
            if t_ns >= self._lean_due_ns:
                self._lean_due_ns = t_ns + LEAN_NS
                self.lean.update(t_ns, attitude.pitch_rad, attitude.roll_rad)
            sway.update(t_ns, personal.ratios, rhythm, (trunk.forward_rad, trunk.right_rad))
        elif self._walked:
            self.clear()
        self._walked = walks
