"""A fall that has begun: an estimate 50 times a second, before the impact. It arms a recording, it prevents nothing."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from firmware.core.models import pre_impact as model
from hal.samples import Vector

OMEGA0_RADPS = 3.3  # sqrt(g / l) of a body that tips about its feet (Hof 2005)
LAGS_NS = (60_000_000, 160_000_000, 300_000_000, 600_000_000)
SINK_S = (0.3, 1.0)  # over which the speed of sinking is forgotten
QUIET_RAD, QUIET_MPS = math.radians(12.0), 0.25  # of recorded walking five sixths are quieter, of falls 1 in 1000 rows
GAP_NS = 200_000_000  # nobody was asked for so long: the speed of before is forgotten
_SLACK_NS = 12_000_000  # of a lag: half a slice and what the sampling shifts it
_BACKS = tuple(lag_ns // 20_000_000 + 1 for lag_ns in LAGS_NS)
_REACHES = tuple(lag_ns + _SLACK_NS for lag_ns in LAGS_NS)
_SURE = 30.0  # log-odds; beyond it no number of this is any more certain

Features = tuple[float, ...]
FEATURES = (
    *("force_60", "force_160", "force_300", "force_600", "rise_60", "rise_160", "rise_300", "rise_600"),
    *("level_160", "level_600", "turning_60", "turning_160", "turning_300", "turning_600"),
    *("tilted_60", "tilted_160", "tilted_300", "tilted_600", "turned_160", "turned_300"),
    *("force_160_to_300", "rise_160_to_300", "turning_160_to_300"),
    *("force_300_to_600", "rise_300_to_600", "turning_300_to_600"),
    *("unrest_160", "unrest_600", "tilt", "sideways", "tipping", "sink_300", "sink_1000", "least", "peak"),
)
"""Means of |a| - 1 g, upward acceleration, horizontal acceleration and turning over so many milliseconds; how much the
tilt has grown and 1 - cos of the angle that up has moved since then. Some of the means also over earlier stretches
alone. Then the mean square of |a| - 1 g, the tilt, how much of it is sideways, where it tips to, the upward speed, and
the least and largest |a| of the last 0.16 s. Only "sideways" knows which axis is which, so a device clipped on at a
slant sees the same."""
RISING = ("tilted_60", "tilted_160", "tilted_300", "tilted_600", "tilt", "tipping")
FALLING = ("sink_300", "sink_1000", "least")
"""With more of the former and less of the latter a fall is never less likely: the trees are grown to agree."""


@dataclass(frozen=True, slots=True)
class PreImpactConfig:
    """When a fall counts as begun: then what came before it is kept, see `firmware.guard.flight_recorder`."""

    limit: float = 0.9  # score from 0 to 1; the curve is in docs/DETECTION.md
    decisions: int = 2  # so many in a row, one every 20 ms
    beyond: float = 1.6  # times as far as her own last steps tipped, or sank; without that, nothing is judged
    hold_s: float = 1.0  # so long it stays armed after the score was that high
    least_rate_hz: float = 18.0  # at 20 Hz it still holds, with less lead; slower was not measured

    def __post_init__(self) -> None:
        for key, low, high in (
            ("limit", 0.1, 0.9999),
            ("decisions", 1, 10),
            ("beyond", 0.5, 5.0),
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


class Usual:
    """How far this wearer tipped and how fast she sank in the seconds before the last 0.6 s: that is how she moves.

    A sensor that measures too much, or sits loosely, shows in it as well. The last 0.6 s may be the fall itself.
    """

    BUCKET_NS = 200_000_000
    WAITING = 3  # buckets that may be the fall
    KEPT = math.exp(-0.2 / 4.0)  # from bucket to bucket: forgotten over 4 s

    def __init__(self) -> None:
        self.tipping_rad = self.sink_mps = 0.0
        self._waiting: list[tuple[float, float]] = []
        self.newest_tipping_rad = self.newest_sink_mps = 0.0  # of the bucket that is being filled
        self.until_ns = 0

    def follow(self, t_ns: int, tipping_rad: float, sink_mps: float) -> None:
        """`sink_mps`: downward, positive."""
        if tipping_rad > self.newest_tipping_rad:
            self.newest_tipping_rad = tipping_rad
        if sink_mps > self.newest_sink_mps:
            self.newest_sink_mps = sink_mps
        if t_ns >= self.until_ns:
            self._turn_over(t_ns)

    def _turn_over(self, t_ns: int) -> None:
        self.until_ns = t_ns + self.BUCKET_NS
        self._waiting.append((self.newest_tipping_rad, self.newest_sink_mps))
        self.newest_tipping_rad = self.newest_sink_mps = 0.0
        if len(self._waiting) > self.WAITING:
            tipping_rad, sink_mps = self._waiting.pop(0)
            self.tipping_rad = max(tipping_rad, self.tipping_rad * self.KEPT)
            self.sink_mps = max(sink_mps, self.sink_mps * self.KEPT)


class PreImpactFeatures:
    """Turns the slices of MotionHistory into `FEATURES`: `follow` each new one, ask for a `row` unless it is quiet."""

    def __init__(self, beyond: float) -> None:
        """`beyond`: how many times the usual is unusual."""
        self._beyond = beyond
        self._sink_mps = self._long_sink_mps = 0.0
        self._t_ns = 0
        self._tipping_rad = 0.0
        self._usual = Usual()
        self.known = False  # whether the slices reach back far enough

    def follow(self, slices: Slices) -> None:
        now = slices[-1]
        t_ns, span_s, tilt_rad = now.t_ns, now.span_s, now.tilt_rad
        if t_ns - self._t_ns >= GAP_NS:
            self._sink_mps = self._long_sink_mps = 0.0
        self._t_ns = t_ns
        gained_mps = now.vertical_mps2 * span_s
        sink_mps = self._sink_mps = (self._sink_mps + gained_mps) * (SINK_S[0] / (SINK_S[0] + span_s))
        self._long_sink_mps = (self._long_sink_mps + gained_mps) * (SINK_S[1] / (SINK_S[1] + span_s))
        self.known = t_ns - slices[0].t_ns >= LAGS_NS[-1] - _SLACK_NS
        then = slices[-_BACKS[0]] if len(slices) >= _BACKS[0] else slices[0]
        if t_ns - then.t_ns > _REACHES[0]:
            then = _before(slices, _BACKS[0], _REACHES[0])
        steepening_radps = (tilt_rad - then.tilt_rad) * 1e9 / max(1, t_ns - then.t_ns)
        tipping_rad = self._tipping_rad = tilt_rad + steepening_radps / OMEGA0_RADPS
        usual = self._usual
        if tipping_rad > usual.newest_tipping_rad or -sink_mps > usual.newest_sink_mps or t_ns >= usual.until_ns:
            usual.follow(t_ns, tipping_rad, -sink_mps)

    @property
    def quiet(self) -> bool:
        """Neither far from upright, nor on the way there, nor sinking, or no more than usual: not worth the trees."""
        tipping_rad, sink_mps, usual, beyond = self._tipping_rad, -self._sink_mps, self._usual, self._beyond
        if tipping_rad < QUIET_RAD and sink_mps < QUIET_MPS:
            return True
        return tipping_rad <= beyond * usual.tipping_rad and sink_mps <= beyond * usual.sink_mps

    def row(self, slices: Slices, roll_rad: float) -> Features:
        """For `known` slices that were followed. `roll_rad` counts from the upright, positive to the right."""
        now = slices[-1]
        t_ns, force, speed, turned = now.t_ns, now.force_sum, now.speed_mps, now.turning_sum_rad
        square, level, tilt, (ux, uy, uz) = now.force_square_sum, now.level_sum_mps, now.tilt_rad, now.up
        a, b, c, d = _stations(slices)
        per_a, per_b = 1e9 / (t_ns - a.t_ns), 1e9 / (t_ns - b.t_ns)
        per_c, per_d = 1e9 / (t_ns - c.t_ns), 1e9 / (t_ns - d.t_ns)
        (bx, by, bz), (cx, cy, cz) = b.up, c.up
        least, peak = _extremes(slices)
        per_bc, per_cd = 1e9 / max(1, b.t_ns - c.t_ns), 1e9 / max(1, c.t_ns - d.t_ns)
        return (
            (force - a.force_sum) * per_a,
            (force - b.force_sum) * per_b,
            (force - c.force_sum) * per_c,
            (force - d.force_sum) * per_d,
            (speed - a.speed_mps) * per_a,
            (speed - b.speed_mps) * per_b,
            (speed - c.speed_mps) * per_c,
            (speed - d.speed_mps) * per_d,
            (level - b.level_sum_mps) * per_b,
            (level - d.level_sum_mps) * per_d,
            (turned - a.turning_sum_rad) * per_a,
            (turned - b.turning_sum_rad) * per_b,
            (turned - c.turning_sum_rad) * per_c,
            (turned - d.turning_sum_rad) * per_d,
            tilt - a.tilt_rad,
            tilt - b.tilt_rad,
            tilt - c.tilt_rad,
            tilt - d.tilt_rad,
            1.0 - ux * bx - uy * by - uz * bz,
            1.0 - ux * cx - uy * cy - uz * cz,
            (b.force_sum - c.force_sum) * per_bc,
            (b.speed_mps - c.speed_mps) * per_bc,
            (b.turning_sum_rad - c.turning_sum_rad) * per_bc,
            (c.force_sum - d.force_sum) * per_cd,
            (c.speed_mps - d.speed_mps) * per_cd,
            (c.turning_sum_rad - d.turning_sum_rad) * per_cd,
            (square - b.force_square_sum) * per_b,
            (square - d.force_square_sum) * per_d,
            tilt,
            abs(roll_rad),
            self._tipping_rad,
            self._sink_mps,
            self._long_sink_mps,
            least,
            peak,
        )


def _stations(slices: Slices) -> tuple[Slice, Slice, Slice, Slice]:
    """The slices at the lags; slices are 20 ms long at least, so where the last lag fits by counting, all do."""
    now, far = slices[-1], slices[-_BACKS[3]] if len(slices) >= _BACKS[3] else None
    if far is not None and now.t_ns - far.t_ns <= _REACHES[3]:
        return slices[-_BACKS[0]], slices[-_BACKS[1]], slices[-_BACKS[2]], far
    a, b, c, d = (_before(slices, back, reach_ns) for back, reach_ns in zip(_BACKS, _REACHES, strict=True))
    return a, b, c, d


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
        self._features = PreImpactFeatures(config.beyond)
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
        features = self._features
        features.follow(slices)
        if features.quiet or not (features.known and self._trusted(slices)):
            self._in_a_row, self._log_odds = 0, -_SURE
            return
        now, log_odds = slices[-1], min(_SURE, max(-_SURE, model.score(features.row(slices, roll_rad))))
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
