"""A fall that has begun: an estimate 50 times a second, before the impact. It arms a recording, it prevents nothing."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from firmware.core.models import pre_impact as model
from hal.samples import Vector

G0_MPS2 = 9.80665
OMEGA0_RADPS = 3.3  # sqrt(g / l) of a body that tips about its feet (Hof 2005)
LAGS_NS = (60_000_000, 160_000_000, 300_000_000, 600_000_000)
SINK_S = (0.3, 1.0)  # over which the speed of sinking is forgotten
QUIET_RAD, QUIET_MPS = math.radians(12.0), 0.25  # of recorded walking five sixths are quieter, of falls 1 in 1000 rows
GAP_NS = 200_000_000  # nobody was asked for so long: the speed of before is forgotten
_SLACK_NS = 12_000_000  # of a lag: half a slice and what the sampling shifts it
_REACHES = tuple((lag_ns // 20_000_000 + 1, lag_ns + _SLACK_NS) for lag_ns in LAGS_NS)  # by counting, and in time
_SURE = 30.0  # log-odds; beyond it no number of this is any more certain

Features = tuple[float, ...]
FEATURES = (
    *(f"{what}_{lag_ns // 1_000_000}" for lag_ns in LAGS_NS for what in ("force", "rise", "level", "turning")),
    *(f"{what}_{lag_ns // 1_000_000}" for lag_ns in LAGS_NS for what in ("tilted", "turned")),
    *(f"{what}_{span}" for span in ("160_to_300", "300_to_600") for what in ("force", "rise", "turning")),
    *("unrest_160", "unrest_600", "tilt", "sideways", "tipping", "sink_300", "sink_1000", "least", "peak"),
)
"""Per lag: means of |a| - 1 g, upward acceleration, horizontal acceleration and turning since then; how much the tilt
has grown and 1 - cos of the angle that up has moved. Some of the means also over earlier stretches alone. Then the mean
square of |a| - 1 g, the tilt, how much of it is sideways, where it tips to, the upward speed, and the least and largest
|a| of the last 0.16 s. Only "sideways" knows which axis is which, so a device clipped on at a slant sees the same."""


@dataclass(frozen=True, slots=True)
class PreImpactConfig:
    """When a fall counts as begun: it arms recording and, where one is fitted, the pin for an airbag."""

    limit: float = 0.92  # score from 0 to 1; the curve is in docs/DETECTION.md
    decisions: int = 2  # so many in a row, one every 20 ms
    hold_s: float = 1.0  # so long it stays armed after the score was that high
    least_rate_hz: float = 18.0  # at 20 Hz it still holds, with less lead; slower was not measured

    def __post_init__(self) -> None:
        for key, low, high in (
            ("limit", 0.1, 0.9999),
            ("decisions", 1, 10),
            ("hold_s", 0.2, 5.0),
            ("least_rate_hz", 15.0, 100.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"pre_impact: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class Slice(Protocol):
    """20 ms of motion, as MotionHistory keeps them: sums since the beginning, the tilt and where up is at the end."""

    t_ns: int
    span_s: float
    peak_mps2: float
    least_mps2: float
    vertical_mps2: float
    tilt_rad: float
    up: Vector
    force_sum: float
    force_square_sum: float
    turning_sum_rad: float
    level_sum_mps: float
    speed_mps: float


class Slices(Protocol):
    """Oldest first; `collections.deque` and lists fit."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Slice: ...
    def __reversed__(self) -> Iterator[Slice]: ...


class PreImpactFeatures:
    """Turns the slices of MotionHistory into `FEATURES`: `follow` each new one, ask for a `row` unless it is quiet."""

    def __init__(self) -> None:
        self._sink_mps = [0.0, 0.0]
        self._t_ns = 0
        self._tipping_rad = 0.0
        self.known = False  # whether the slices reach back far enough

    def follow(self, slices: Slices) -> None:
        now, sink = slices[-1], self._sink_mps
        for index, forget_s in enumerate(SINK_S):
            kept = sink[index] if now.t_ns - self._t_ns < GAP_NS else 0.0
            sink[index] = (kept + now.vertical_mps2 * now.span_s) * (forget_s / (forget_s + now.span_s))
        self._t_ns = now.t_ns
        self.known = now.t_ns - slices[0].t_ns >= LAGS_NS[-1] - _SLACK_NS
        then = _before(slices, *_REACHES[0])
        steepening_radps = (now.tilt_rad - then.tilt_rad) * 1e9 / max(1, now.t_ns - then.t_ns)
        self._tipping_rad = now.tilt_rad + steepening_radps / OMEGA0_RADPS

    @property
    def quiet(self) -> bool:
        """Neither far from upright, nor on the way there, nor sinking: no fall, and not worth the trees."""
        return self._tipping_rad < QUIET_RAD and self._sink_mps[0] > -QUIET_MPS

    def row(self, slices: Slices, roll_rad: float) -> Features:
        """For `known` slices that were followed. `roll_rad` counts from the upright, positive to the right."""
        now = slices[-1]
        t_ns, force, square, speed = now.t_ns, now.force_sum, now.force_square_sum, now.speed_mps
        level, turned, tilt, (ux, uy, uz) = now.level_sum_mps, now.turning_sum_rad, now.tilt_rad, now.up
        since: Features = ()
        moved: Features = ()
        unrest: Features = ()
        stations: list[Slice] = []
        for back, reach_ns in _REACHES:
            then = _before(slices, back, reach_ns)
            stations.append(then)
            share = 1e9 / (t_ns - then.t_ns)
            vx, vy, vz = then.up
            since += (
                (force - then.force_sum) * share,
                (speed - then.speed_mps) * share,
                (level - then.level_sum_mps) * share,
                (turned - then.turning_sum_rad) * share,
            )
            moved += (tilt - then.tilt_rad, 1.0 - ux * vx - uy * vy - uz * vz)
            unrest += ((square - then.force_square_sum) * share,)
        _, late, middle, early = stations
        least, peak = _extremes(slices)
        return (
            *(*since, *moved, *_between(late, middle), *_between(middle, early), unrest[1], unrest[3]),
            *(tilt, abs(roll_rad), self._tipping_rad, *self._sink_mps, least, peak),
        )


def _between(late: Slice, early: Slice) -> Features:
    share = 1e9 / max(1, late.t_ns - early.t_ns)
    return (
        (late.force_sum - early.force_sum) * share,
        (late.speed_mps - early.speed_mps) * share,
        (late.turning_sum_rad - early.turning_sum_rad) * share,
    )


def _extremes(slices: Slices) -> tuple[float, float]:
    """The least and the largest |a| of the last 0.16 s."""
    least, peak, after_ns = math.inf, 0.0, slices[-1].t_ns - LAGS_NS[1] - _SLACK_NS
    for one in reversed(slices):
        if one.t_ns < after_ns:
            break
        if one.least_mps2 < least:
            least = one.least_mps2
        if one.peak_mps2 > peak:
            peak = one.peak_mps2
    return least, peak


def _before(slices: Slices, back: int, reach_ns: int) -> Slice:
    """The slice so many back, or a later one where a slow sensor's slices are so long that it is beyond reach."""
    if back > len(slices):
        back = len(slices)
    after_ns = slices[-1].t_ns - reach_ns
    then = slices[-back]
    while then.t_ns < after_ns and back > 2:
        back -= 1
        then = slices[-back]
    return then


class PreImpactDetector:
    """`update` with each new slice; while `armed` ask `turned`. Not armed says nothing: some falls come unseen."""

    def __init__(self, config: PreImpactConfig) -> None:
        self._config = config
        self._limit = math.log(config.limit / (1.0 - config.limit))
        self._hold_ns = round(config.hold_s * 1e9)
        self._longest_s = max(0.025, 1.0 / config.least_rate_hz)  # of a slice; they are 20 ms at least
        self._features = PreImpactFeatures()
        self._in_a_row = 0
        self._until_ns = 0
        self._log_odds = -_SURE
        self._told = False
        self.armed = False

    @property
    def score(self) -> float:
        """How sure it is, from 0 to 1, as far as the model can tell."""
        return 1.0 / (1.0 + math.exp(-self._log_odds))

    def restart(self) -> None:
        """After a gap or a fault: nothing is known."""
        self._in_a_row, self._log_odds = 0, -_SURE

    def update(self, slices: Slices, roll_rad: float) -> None:
        now = slices[-1]
        features, log_odds = self._features, -_SURE
        features.follow(slices)
        if features.known and not features.quiet and self._trusted(slices):
            log_odds = min(_SURE, max(-_SURE, model.score(features.row(slices, roll_rad))))
        self._log_odds = log_odds
        self._in_a_row = self._in_a_row + 1 if log_odds > self._limit else 0
        if self._in_a_row >= self._config.decisions:
            self._until_ns = now.t_ns + self._hold_ns
            self.armed = True

    def turned(self, now_ns: int) -> bool:
        """True once after it armed, and once more when it lets go, which it does by time alone."""
        if self.armed and not self._told:
            self._told = True
            return True
        if self.armed and now_ns >= self._until_ns:
            self.armed = self._told = False
            return True
        return False

    def _trusted(self, slices: Slices) -> bool:
        """The sensor is quick enough, and has an angular rate: one that reads 0 all the time is none."""
        back = min(21, len(slices))
        now, then = slices[-1], slices[-back]
        if (now.t_ns - then.t_ns) * 1e-9 > (back - 1) * self._longest_s:
            return False
        return now.turning_sum_rad > then.turning_sum_rad
