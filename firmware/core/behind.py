"""From the echoes to the warning of what the walker would back into."""

import math

from firmware.core.config import CoreConfig
from firmware.core.detectors.obstacle import ObstacleDetector
from firmware.core.detectors.range_check import RangeCheck
from firmware.core.estimators.approach import Approach
from firmware.core.moving import Moving
from hal.samples import RangeSample

LOOKS_AWAY_RAD = math.radians(30.0)
"""With the trunk tilted so far, the rangefinder looks at the floor or into the air, not at the way behind."""


class Behind:
    """`approach` is what is seen, `obstacle` what is warned of."""

    def __init__(self, config: CoreConfig, moving: Moving) -> None:
        self._moving = moving
        self._check = RangeCheck(config.range_check)
        self._unseen_ns = round(config.approach.lost_s * 1e9)
        self._seen_ns: int | None = None  # the last usable reading
        self.approach = Approach(config.approach)
        self.obstacle = ObstacleDetector(config.obstacle)

    @property
    def usable(self) -> bool:
        """Whether the last reading was."""
        return self._check.usable

    def judge(self, now_ns: int, sample: RangeSample) -> str:
        """Empty, or why the rangefinder cannot be trusted."""
        return self._check.judge(now_ns, sample)

    def clear(self) -> None:
        """Nothing is known about the way behind any more."""
        self._seen_ns = None
        self.approach.forget()
        self.obstacle.clear()

    def watch(self, now_ns: int) -> None:
        """Time passed: who has seen nothing for too long knows neither a hazard nor calm."""
        if self._seen_ns is not None and now_ns - self._seen_ns >= self._unseen_ns:
            self.clear()

    def look(self, now_ns: int, sample: RangeSample, imu_ok: bool) -> None:
        """One usable reading: the approach first, then the obstacle."""
        attitude, steps, approach = self._moving.attitude, self._moving.steps, self.approach
        self._seen_ns = now_ns
        if imu_ok and attitude.upright_known and attitude.tilt_rad > LOOKS_AWAY_RAD:
            approach.forget()
            self.obstacle.clear()
            return
        walking_mps = steps.speed_mps(now_ns)
        approach.update(sample.t_ns, sample.distance_m, walking_mps)
        self.obstacle.update(sample.t_ns, approach.things, walking_mps > 0.0)
