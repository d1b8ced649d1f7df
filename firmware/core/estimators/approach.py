"""Distance to what is behind, and how fast it comes nearer, from stamped echoes with gaps and wrong readings."""

import math
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApproachConfig:
    """How echoes become a track."""

    smoothing_s: float = 0.25  # the trunk swings with each step; its swing is no approach
    gate_m: float = 0.25  # a reading farther from its prediction is first doubted
    gate_mps: float = 1.5  # and a prediction is this much less certain with each second
    agree_m: float = 0.20  # two doubted readings this near to each other are something new
    lost_s: float = 0.5  # without an echo for so long there is no track; one lost ping takes 0.36 s
    young_s: float = 0.6  # until then the closing speed is not measured yet
    max_speed_mps: float = 2.5  # nobody walks backward faster
    nearing_m: float = 0.13  # so much nearer is an approach, however slow; sway is half of it
    nearing_s: float = 2.0  # within this time

    def __post_init__(self) -> None:
        for key, low, high in (
            ("smoothing_s", 0.1, 0.6),
            ("gate_m", 0.1, 0.6),
            ("gate_mps", 0.5, 4.0),
            ("agree_m", 0.05, 0.5),
            ("lost_s", 0.3, 1.0),
            ("young_s", 0.2, 1.5),
            ("max_speed_mps", 1.5, 5.0),
            ("nearing_m", 0.08, 0.25),
            ("nearing_s", 1.5, 4.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"approach: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class Approach:
    """An alpha-beta filter with time-based, critically damped gains and a 2-of-3 way in for jumps.

    `distance_m` and `closing_mps` are None without a track. While a track is young its closing speed is the
    walking speed that is handed in, because the first echo of a walk backward must already be able to warn.
    `echoed` tells whether the last measurement was an echo of the track; `nearing` whether the track came nearer
    lately by more than sway does, and still does, however slowly.
    """

    def __init__(self, config: ApproachConfig) -> None:
        self._config = config
        self._nearing_ns = round(config.nearing_s * 1e9)
        self._t_ns = 0
        self._distance_m = 0.0
        self._closing_mps = 0.0
        self._since_ns: int | None = None
        self._doubted_m: float | None = None
        self._doubted_ns = 0
        self._doubts = 0
        self._lately: deque[tuple[int, float]] = deque()
        self.distance_m: float | None = None
        self.closing_mps: float | None = None
        self.echoed = self.nearing = False

    def update(self, t_ns: int, distance_m: float | None, walking_mps: float) -> None:
        """One measurement; `walking_mps` is the speed of the walk, 0 when standing."""
        self.echoed = False
        if self._since_ns is not None and t_ns - self._t_ns > self._config.lost_s * 1e9:
            self.forget()
        if distance_m is None:
            return
        if self._since_ns is None:
            self._begin(t_ns, distance_m, walking_mps)
        elif t_ns > self._t_ns:
            self._follow(t_ns, distance_m, walking_mps)
        self.distance_m = self._distance_m
        self.closing_mps = self._closing_mps
        if self._since_ns is not None and t_ns - self._since_ns < self._config.young_s * 1e9:
            self.closing_mps = max(self._closing_mps, walking_mps)

    def forget(self) -> None:
        """Nothing is known about the way behind."""
        self._since_ns = self._doubted_m = None
        self.distance_m = self.closing_mps = None
        self.echoed = self.nearing = False
        self._lately.clear()

    def time_to_collision_s(self) -> float | None:
        """None: no track, or it does not come nearer."""
        if self.distance_m is None or self.closing_mps is None or self.closing_mps <= 0.05:
            return None
        return self.distance_m / self.closing_mps

    def _begin(self, t_ns: int, distance_m: float, closing_mps: float) -> None:
        self._t_ns = self._since_ns = t_ns
        self._distance_m, self._closing_mps = distance_m, closing_mps
        self._doubted_m, self._doubts = None, 0
        self._lately.clear()
        self._note(t_ns)

    def _follow(self, t_ns: int, distance_m: float, walking_mps: float) -> None:
        config = self._config
        dt_s = (t_ns - self._t_ns) * 1e-9
        predicted_m = self._distance_m - self._closing_mps * dt_s
        surprise_m = distance_m - predicted_m
        if abs(surprise_m) > config.gate_m + config.gate_mps * dt_s:
            self._doubt(t_ns, distance_m, walking_mps)
            return
        keep = math.exp(-dt_s / config.smoothing_s)
        self._distance_m = max(0.0, predicted_m + (1.0 - keep * keep) * surprise_m)
        closing_mps = self._closing_mps - (1.0 - keep) ** 2 / dt_s * surprise_m
        self._closing_mps = max(-config.max_speed_mps, min(config.max_speed_mps, closing_mps))
        self._t_ns = t_ns
        self._doubts = max(0, self._doubts - 1)
        if self._doubts == 0:
            self._doubted_m = None
        self._note(t_ns)

    def _doubt(self, t_ns: int, distance_m: float, walking_mps: float) -> None:
        before_m, before_ns = self._doubted_m, self._doubted_ns
        self._doubted_m, self._doubted_ns, self._doubts = distance_m, t_ns, 2
        if before_m is not None and abs(distance_m - before_m) <= self._config.agree_m:
            recent = t_ns - before_ns <= self._config.lost_s * 1e9
            if recent:
                self._begin(t_ns, distance_m, walking_mps)

    def _note(self, t_ns: int) -> None:
        """Nearer than at any time lately, and much of it in the newer half: who has stopped is not nearing."""
        lately, distance_m, nearing_m = self._lately, self._distance_m, self._config.nearing_m
        while lately and lately[-1][1] <= distance_m:
            lately.pop()  # what was nearer before is no measure any more, so the first is always the farthest
        lately.append((t_ns, distance_m))
        while lately[0][0] < t_ns - self._nearing_ns:
            lately.popleft()
        self.echoed, self.nearing = True, False
        if lately[0][1] - distance_m >= nearing_m:
            half_ns = t_ns - self._nearing_ns // 2
            newer_m = next(farthest_m for noted_ns, farthest_m in lately if noted_ns >= half_ns)
            self.nearing = newer_m - distance_m >= 0.45 * nearing_m
