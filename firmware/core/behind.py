"""From the echoes to the warning of what the walker would back into."""

import math

from firmware.core.config import CoreConfig
from firmware.core.detectors.lane import Lane
from firmware.core.detectors.obstacle import ObstacleDetector
from firmware.core.detectors.range_check import RangeCheck
from firmware.core.estimators.approach import Approach, Thing
from firmware.core.estimators.companion import Companion
from firmware.core.estimators.stopping import StoppingTime
from firmware.core.messages import Severity
from firmware.core.moving import Moving
from hal.samples import RangeSample

LOOKS_AWAY_RAD = math.radians(30.0)
"""With the trunk tilted so far, or the device turned on the belt, it looks at the floor or into the air, not behind."""
HIDDEN_NS = 100_000_000
"""What keeps its distance and was not heard for so long may be hidden by something else."""
_WARNED = (Severity.WARNING, Severity.IMMINENT)


class Behind:
    """`approach` is what is seen, `obstacle` what is warned of.

    `companion` is what keeps its distance and needs no warning, `stopping` how long she takes to stop after one, and
    `lane` the room before the first step.
    """

    def __init__(self, config: CoreConfig, moving: Moving) -> None:
        self._moving = moving
        self._check = RangeCheck(config.range_check)
        self._unseen_ns = round(config.approach.lost_s * 1e9)
        self._seen_ns: int | None = None  # the last usable reading
        self.approach = Approach(config.approach)
        self.obstacle = ObstacleDetector(config.obstacle)
        self.companion = Companion(config.companion)
        self.stopping = StoppingTime(config.stopping, config.obstacle.reaction_s)
        self.lane = Lane(config.lane)
        self._kept_ns = -HIDDEN_NS  # when what keeps its distance was heard last

    @property
    def usable(self) -> bool:
        """Whether the last reading was."""
        return self._check.usable

    def judge(self, now_ns: int, sample: RangeSample) -> str:
        """Empty, or why the rangefinder cannot be trusted."""
        return self._check.judge(now_ns, sample, self._moving.steps.under_way(now_ns))

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
        if imu_ok and attitude.upright_known and attitude.away_rad > LOOKS_AWAY_RAD:
            approach.forget()
            self.obstacle.clear()
            return
        walking_mps = steps.speed_mps(now_ns)
        self.lane.update(sample.t_ns, sample.distance_m)
        approach.update(sample.t_ns, sample.distance_m, walking_mps)
        self._accompany(now_ns, sample)
        self.obstacle.reaction_s = self.stopping.time_s
        before = self.obstacle.detection
        said = self.obstacle.update(sample.t_ns, self._obstacles(sample.t_ns), walking_mps > 0.0)
        warned = said.severity in _WARNED
        worst = self.obstacle.worst
        if warned and said is not before and worst is not None and worst.sure:
            self.companion.warn(sample.t_ns, worst.distance_m)
        self.stopping.update(sample.t_ns, warned, approach.distance_m, approach.closing_mps, steps.last_ns)

    def _accompany(self, now_ns: int, sample: RangeSample) -> None:
        """What was heard just now may be what keeps its distance."""
        t_ns = sample.t_ns
        heard = next((thing for thing in self.approach.things if thing.heard and thing.sure), None)
        stepping, yaw_radps = self._moving.steps.under_way(now_ns), self._moving.attitude.yaw_radps
        if heard is None:
            self.companion.update(t_ns, None, None, False, stepping, yaw_radps)
        else:
            self.companion.update(t_ns, sample.distance_m, _surely_mps(heard), heard.nearing, stepping, yaw_radps)

    def _obstacles(self, t_ns: int) -> list[Thing]:
        """What may be in her way: not what keeps its distance, though what crept nearer than that is an approach.

        Something solid in between would hide what keeps its distance: while that is heard, an echo from nearer by is
        false until it is seen to close.
        """
        companion, others = self.companion, []
        for thing in self.approach.things:
            if thing.sure and companion.crept(thing.distance_m):
                thing.nearing = True
            if not companion.holds(thing.distance_m, _surely_mps(thing)):
                others.append(thing)
            elif thing.heard and thing.sure:
                self._kept_ns = t_ns
        hidden = t_ns - self._kept_ns > HIDDEN_NS
        return [thing for thing in others if hidden or thing.measured]


def _surely_mps(thing: Thing) -> float | None:
    """How fast it closes at least, as far as that is measured."""
    return thing.closing_mps - thing.closing_sd_mps if thing.measured else None
