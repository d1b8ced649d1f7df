"""From the trunk's attitude to the warning that the balance is lost, by the walker's own range."""

from firmware.core.config import CoreConfig
from firmware.core.detectors.lean import LeanDetector
from firmware.core.detectors.sway import SwayDetector
from firmware.core.estimators.sway import BalanceCues, TrunkSway
from firmware.core.estimators.sway_baseline import PersonalSway, StepRhythm
from firmware.core.moving import Moving

HALF_S = 0.03
"""Two slices shorter than this are judged together: nobody loses her balance in 40 ms."""
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
        self._half: tuple[float, float, float, float, float] | None = None  # the slice before, not judged yet

    def restart(self) -> None:
        """What a faulty sensor said last is no movement."""
        self.trunk.restart()
        self.cues.restart()
        self.personal.restart()
        self._half = None
        self.clear()

    def clear(self) -> None:
        """The walk is over."""
        self.sway.clear()
        self.lean.clear()

    def update(self, walks: bool) -> bool:
        """One slice has ended, and the upright is known; `walks`: on her feet and stepping. True: judged with it."""
        ended, attitude, count = self._moving.slice, self._moving.attitude, self._moving.steps.count
        pitch_radps, roll_radps = attitude.pitch_radps, attitude.roll_radps
        size_mps2, vertical_mps2, span_s = ended.mean_mps2, attitude.vertical_mps2, ended.span_s
        half = self._half
        if half is None:
            if span_s < HALF_S:
                self._half = span_s, pitch_radps, roll_radps, size_mps2, vertical_mps2
                return False
        else:
            self._half = None
            span_s += half[0]
            pitch_radps, roll_radps = 0.5 * (pitch_radps + half[1]), 0.5 * (roll_radps + half[2])
            size_mps2, vertical_mps2 = 0.5 * (size_mps2 + half[3]), 0.5 * (vertical_mps2 + half[4])
        t_ns, cues, personal, trunk, sway = ended.t_ns, self.cues, self.personal, self.trunk, self.sway
        trunk.update(span_s, attitude.pitch_rad, attitude.roll_rad, pitch_radps, roll_radps)
        cues.update(span_s, pitch_radps, roll_radps, size_mps2, vertical_mps2)
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
        return walks
