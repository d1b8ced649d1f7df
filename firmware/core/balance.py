"""From the trunk's attitude to the warning that the balance is lost, by the walker's own range."""

import math

from firmware.core.config import CoreConfig
from firmware.core.detectors.lean import LeanDetector
from firmware.core.detectors.sway import SwayDetector
from firmware.core.estimators.motion import MotionSlice
from firmware.core.estimators.sway import BalanceCues, TrunkSway
from firmware.core.estimators.sway_baseline import PersonalSway, StepRhythm
from firmware.core.moving import Moving
from hal.samples import Vector

EVERY_NS = 30_000_000
"""With the slices of a usual sensor: every 40 ms. Nobody loses her balance in less."""
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
        self._before: tuple[MotionSlice, float, float] | None = None  # what was judged last, with pitch and roll
        self._upright: Vector | None = None

    def restart(self) -> None:
        """What a faulty sensor said last is no movement."""
        self.trunk.restart()
        self.cues.restart()
        self.personal.restart()
        self._before = None
        self.clear()

    def clear(self) -> None:
        """The walk is over."""
        self.sway.clear()
        self.lean.clear()

    def update(self, walks: bool) -> bool:
        """One slice has ended, and the upright is known; `walks`: on her feet and stepping. True: judged with it."""
        now, attitude = self._moving.motion.slices[-1], self._moving.attitude
        if self._before is None or attitude.upright is not self._upright:
            self._before, self._upright = (now, attitude.pitch_rad, attitude.roll_rad), attitude.upright
            self.lean.clear()
            return False
        then, pitch_rad, roll_rad = self._before
        if now.t_ns - then.t_ns < EVERY_NS:
            return False
        self._before = now, attitude.pitch_rad, attitude.roll_rad
        # Who lies and rolls goes past half a turn: the short way round, not a whole turn in 40 ms.
        pitched_rad, rolled_rad = (
            math.remainder(attitude.pitch_rad - pitch_rad, math.tau),
            math.remainder(attitude.roll_rad - roll_rad, math.tau),
        )
        self._judge(now, then, pitched_rad, rolled_rad, walks)
        return walks

    def _judge(self, now: MotionSlice, then: MotionSlice, pitched_rad: float, rolled_rad: float, walks: bool) -> None:
        """What has changed from `then` to `now` are the means of that time; the yaw rate is the latest one alone."""
        span_s = (now.t_ns - then.t_ns) * 1e-9
        share, attitude, count = 1.0 / span_s, self._moving.attitude, self._moving.steps.count
        t_ns, pitch_radps, roll_radps = now.t_ns, pitched_rad * share, rolled_rad * share
        jolt_mps2 = (now.force_sum - then.force_sum) * share
        vertical_mps2 = (now.speed_mps - then.speed_mps) * share
        cues, personal, trunk, sway = self.cues, self.personal, self.trunk, self.sway
        trunk.update(span_s, attitude.pitch_rad, attitude.roll_rad, pitch_radps, roll_radps)
        cues.update(span_s, pitch_radps, roll_radps, jolt_mps2, vertical_mps2)
        personal.update(cues.values, span_s, attitude.yaw_radps, count, walks and sway.score < 1.0)
        rhythm = self._rhythm.update(t_ns, count)
        if walks:
            if t_ns >= self._lean_due_ns:
                self._lean_due_ns = t_ns + LEAN_NS
                self.lean.update(t_ns, attitude.pitch_rad, attitude.roll_rad)
            sway.update(t_ns, personal.ratios, rhythm, (trunk.forward_rad, trunk.right_rad))
        elif self._walked:
            self.clear()
        self._walked = walks
