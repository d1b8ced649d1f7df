"""From the trunk's attitude to the warning that the balance is lost, by the walker's own range."""

from firmware.core.config import CoreConfig
from firmware.core.detectors.lean import LeanDetector
from firmware.core.detectors.sway import SwayDetector
from firmware.core.estimators.attitude import Attitude
from firmware.core.estimators.steps import Steps
from firmware.core.estimators.sway import BalanceCues, TrunkSway
from firmware.core.estimators.sway_baseline import PersonalSway, StepRhythm
from hal.samples import ImuSample


class Balance:
    """`sway` warns of a sudden sway or a stumble, `lean` of a bad posture; `personal` is this walker's usual sway."""

    def __init__(self, config: CoreConfig, attitude: Attitude, steps: Steps) -> None:
        self._attitude, self._steps = attitude, steps
        self.trunk = TrunkSway(config.trunk_sway)
        self.cues = BalanceCues(self.trunk)
        self.personal = PersonalSway(config.sway_baseline)
        self._rhythm = StepRhythm()
        self.sway = SwayDetector(config.sway)
        self.lean = LeanDetector(config.lean)

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

    def update(self, sample: ImuSample, walks: bool) -> bool:
        """One sample that the attitude has seen; `walks`: on her feet and stepping. True: a slice of steps ended."""
        t_ns, attitude, personal, sway = sample.t_ns, self._attitude, self.personal, self.sway
        tilt_rad = (attitude.pitch_rad, attitude.roll_rad)
        rates_radps = (attitude.pitch_radps, attitude.roll_radps)
        cues = self.cues
        if not cues.update(t_ns, tilt_rad, rates_radps, attitude.magnitude_mps2, attitude.vertical_mps2):
            return False
        (x, y, z), (wx, wy, wz) = attitude.up, sample.gyro_radps
        learning = walks and sway.score < 1.0
        personal.update(cues.values, cues.span_s, x * wx + y * wy + z * wz, self._steps.count, learning)
        rhythm = self._rhythm.update(t_ns, self._steps.count)
        self.lean.update(t_ns, *tilt_rad, walks)
        if walks:
            sway.update(t_ns, personal.ratios, rhythm, (self.trunk.forward_rad, self.trunk.right_rad))
        else:
            sway.clear()
        return walks
