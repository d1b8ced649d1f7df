"""What keeps its distance behind her although she walks: the rail of a treadmill, or a partner who follows."""

import math
from collections import deque
from dataclasses import dataclass
from itertools import islice

TREADMILL, PARTNER = "treadmill", "partner"

_BIN_S = 0.25
_STEADY_BINS = 5  # the median of so many is what is there: false echoes come up to 12 in a row (0.7 s)
_FILLED_SHARE = 0.6  # of the bins must hold an echo
_MEMORY_S = 30.0  # over which a creeping approach is noticed
_QUICK_S = 2.0
_JUMP_M = 0.4  # in one bin: another thing is seen, nothing has moved
_TREND_M = (0.04, 0.08)  # the newer half of the time nearer than the older half: a rail, a partner
_SLOWEST_LIMIT_MPS, _FASTEST_LIMIT_MPS = 0.15, 0.25
_TURN_RAD, _TURN_FADES_S = 0.8, 4.0
_NEARER_BANDS = 0.75  # echoes from nearer by than so much of the band tell of a change
_BACK_S = 2.0
_FOLLOW = 0.03  # of the way, each quarter of a second: slower than anybody wanders
_NEARER_S = 1.0  # out of its band for so long, it is no companion any more
_ROOM_SHARE = 0.25  # of the room to the foot may be used up unasked
_NEAR_PARTNER_SHARE = 0.8  # of a partner's band, however little room there is
_CREEPS_M, _CREEPS_BINS = 0.05, 40  # so much nearer in ten seconds: it is still coming
_TELL_AGAIN_S = 60.0  # one cue, however often it is found
_LEFT_M = 0.6  # farther than it ever came: she has left what she had approached


@dataclass(frozen=True, slots=True)
class CompanionConfig:
    """What counts as keeping its distance, and how far it may come before it counts as an obstacle again.

    Sources: peers.md W7 (learned in 5 s, only a change warns); a walker drifts on a belt by some centimetres, a
    partner's distance wanders by 0.08 m rms.
    """

    learn_s: float = 5.0  # of steps, at a constant range
    rest_s: float = 2.0  # of standing: what has not moved until then is no surprise at the first steps
    nearest_m: float = 0.35  # the trailing foot: nothing nearer keeps its distance
    farthest_m: float = 3.0  # nobody is warned of what keeps farther away
    rail_spread_m: float = 0.10  # between the lowest and the highest tenth of the range
    rail_band_m: float = 0.10  # nearer than learned by more is a change; more room, more band, to partner_band_m
    partner_spread_m: float = 0.35  # the same as of a rail: what wanders more keeps no distance
    partner_band_m: float = 0.25  # the same of a partner; four fifths of it where there is little room
    follow_m: float = 0.10  # so much nearer may the learned range drift altogether; farther as it likes
    approach_m: float = 0.35  # so much nearer within 2 s was an approach, and what she approached is no companion
    creep_m: float = 0.50  # or so much within half a minute
    after_closing_s: float = 10.0  # smaller approaches, and warnings, are forgiven after so long
    forgive_s: float = 30.0  # what she approached and then stood before for so long may be a treadmill's rail
    gone_s: float = 3.0  # not seen for so long
    forget_s: float = 10.0  # without a step, or a sight of it: it is not known any more

    def __post_init__(self) -> None:
        for key, low, high in (
            ("learn_s", 3.0, 15.0),
            ("rest_s", 1.0, 10.0),
            ("nearest_m", 0.2, 0.6),
            ("farthest_m", 1.5, 4.0),
            ("rail_spread_m", 0.05, 0.15),
            ("rail_band_m", 0.04, 0.15),
            ("partner_spread_m", 0.15, 0.5),
            ("partner_band_m", 0.1, 0.3),
            ("follow_m", 0.02, 0.15),
            ("approach_m", 0.2, 0.5),
            ("creep_m", 0.3, 0.7),
            ("after_closing_s", 5.0, 60.0),
            ("forgive_s", 20.0, 300.0),
            ("gone_s", 1.0, 10.0),
            ("forget_s", 5.0, 60.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"companion: {key} ({getattr(self, key)}) must lie between {low} and {high}")
        if self.partner_band_m < self.rail_band_m:
            each = f"partner_band_m ({self.partner_band_m}) must not be smaller than rail_band_m ({self.rail_band_m})"
            raise ValueError(f"companion: {each}, which it limits")


class Seen:
    """The range in quarters of a second, and whether what is seen was ever approached."""

    def __init__(self, config: CompanionConfig) -> None:
        self._config = config
        self._bins: deque[float | None] = deque(maxlen=round(_MEMORY_S / _BIN_S))
        self._steady: deque[float] = deque(maxlen=round(_MEMORY_S / _BIN_S))
        self._bin: list[float] = []
        self._bin_ends_ns: int | None = None
        self._approached_m: float | None = None  # the nearest it came
        self._unseen_s = self._rested_s = self._left_s = 0.0
        self._calm_from_ns: int | None = None  # until then something has closed lately
        self.steady_m: float | None = None
        self.jumped = False  # just now, to another thing

    def forget(self) -> None:
        """Everything, what was approached too."""
        self._bins.clear()
        self._steady.clear()
        self._bin.clear()
        self._approached_m = self._calm_from_ns = self.steady_m = None
        self._unseen_s = self._rested_s = self._left_s = 0.0

    def add(self, t_ns: int, distance_m: float | None, stepping: bool) -> int:
        """One reading; how many quarters of a second have ended with it."""
        ended, bin_ns = 0, round(_BIN_S * 1e9)
        if self._bin_ends_ns is None or t_ns - self._bin_ends_ns > _MEMORY_S * 1e9:
            self._bin_ends_ns, ended = t_ns + bin_ns, 1
            self.forget()
        while t_ns >= self._bin_ends_ns:
            self._end_bin(self._bin_ends_ns, stepping)
            self._bin_ends_ns += bin_ns
            ended += 1
        if distance_m is not None and distance_m <= self._config.farthest_m + _LEFT_M + _JUMP_M:
            self._bin.append(distance_m)
        return ended

    def clear_of_approach(self, t_ns: int) -> bool:
        """It was not approached, and nothing has closed lately."""
        return self._approached_m is None and (self._calm_from_ns is None or t_ns >= self._calm_from_ns)

    def nearer_m(self) -> float:
        """How much nearer it has come in the last ten seconds."""
        lately = list(islice(reversed(self._steady), _CREEPS_BINS))
        return max(lately) - lately[0] if lately else 0.0

    def close_in(self, t_ns: int) -> None:
        """It came nearer quickly, or she was warned of it."""
        self._calm_from_ns = t_ns + round(self._config.after_closing_s * 1e9)

    def window(self, seconds: float) -> list[float] | None:
        """The readings of the last bins, in the order of time; None where too many bins are empty."""
        count = round(seconds / _BIN_S)
        if len(self._bins) < count:
            return None
        found = [value for value in islice(self._bins, len(self._bins) - count, None) if value is not None]
        return found if len(found) >= _FILLED_SHARE * count else None

    def _end_bin(self, t_ns: int, stepping: bool) -> None:
        self._bins.append(_median(self._bin) if self._bin else None)
        self._bin.clear()
        self.jumped = False
        latest = [value for value in islice(reversed(self._bins), _STEADY_BINS) if value is not None]
        if len(latest) <= _STEADY_BINS // 2:
            self._unseen_s += _BIN_S
            if self._unseen_s >= self._config.forget_s:
                self.forget()
            return
        now_m = _median(latest)
        self.jumped = self._unseen_s == 0.0 and bool(self._steady) and abs(now_m - self._steady[-1]) > _JUMP_M
        if self.jumped:
            self._steady.clear()  # another thing
        self._unseen_s = 0.0
        self._steady.append(now_m)
        self.steady_m = now_m
        self._rested_s = 0.0 if stepping else self._rested_s + _BIN_S
        self._watch_approach(t_ns, now_m)

    def _watch_approach(self, t_ns: int, now_m: float) -> None:
        config, quick = self._config, round(_QUICK_S / _BIN_S) + 1
        lately_m = max(islice(reversed(self._steady), quick))
        if lately_m - now_m >= config.approach_m or max(self._steady) - now_m >= config.creep_m:
            self._approached_m = min(now_m, self._approached_m or now_m)
            self._rested_s = 0.0
        elif self._approached_m is not None:
            self._approached_m = min(now_m, self._approached_m)
            self._left_s = self._left_s + _BIN_S if now_m > self._approached_m + _LEFT_M else 0.0
            if self._left_s >= config.gone_s or self._rested_s >= config.forgive_s:
                self._approached_m, self._left_s = None, 0.0
                self._steady.clear()
        if lately_m - now_m >= 0.7 * config.approach_m:
            self.close_in(t_ns)


class Companion:
    """`mode` is "treadmill", "partner" or None; `range_m` the range that was learned."""

    def __init__(self, config: CompanionConfig) -> None:
        self._config = config
        self._seen = Seen(config)
        self._t_ns: int | None = None
        self._turned_rad = 0.0
        self._rest_m: float | None = None
        self._anchor_m: float | None = None  # where it was first learned, and is bound to
        self._floor_m: float | None = None  # nearer than this, what was learned is an obstacle
        self._roams = False  # it came out of a rail's band: no rail
        self._limit_mps = self._closed_mps = 0.0
        self._stepped_s = self._stood_s = self._away_s = 0.0
        self._back_s = _BACK_S  # where it was learned, since she was warned of it
        self._nearer: deque[bool] = deque(maxlen=4)  # whether the last echoes came from nearer by than usual
        self._found_ns: int | None = None
        self._untold = False
        self.mode: str | None = None
        self.range_m: float | None = None

    def forget(self) -> None:
        """Nothing is known about the way behind: she has turned."""
        self._seen.forget()
        self._rest_m = None
        self._stepped_s = 0.0
        self._lose()
        self._forget_place()

    def warn(self, t_ns: int, distance_m: float) -> None:
        """She is warned of something there. When that is what is followed here, it does not keep its distance.

        What was learned is then trusted again only when it is still where it was some seconds later.
        """
        steady_m = self._seen.steady_m
        if steady_m is None or abs(distance_m - steady_m) > self._config.approach_m:
            return
        self._rest_m = None
        if self.mode is None:
            self._seen.close_in(t_ns)
        self._back_s = 0.0

    def take_found(self) -> bool:
        """True once, after something was found; not soon again, for every cue too many is a nuisance."""
        untold, self._untold = self._untold, False
        return untold

    def holds(self, distance_m: float, closing_mps: float | None = None) -> bool:
        """Something here keeps its distance and is no obstacle; never what is no number, or closes too fast.

        `closing_mps`: None until it is measured. It takes three of four echoes from nearer by to believe a change, but
        for what is nearer than the band and surely closes: it may be heard in turns with what keeps its distance.
        """
        usual_m = self._usual_m()
        if usual_m is None or self._back_s < _BACK_S or not distance_m >= self._config.nearest_m:
            return False
        if closing_mps is not None and not math.isfinite(closing_mps):
            return False
        limit_mps = self._limit_mps if self.mode else _SLOWEST_LIMIT_MPS
        away_m, band_m = distance_m - usual_m, self._band_m()
        closes = closing_mps is not None and closing_mps > limit_mps
        if abs(away_m) <= band_m and not closes:
            return True
        if closes and away_m < -band_m:
            return False
        return -2.0 * band_m <= away_m <= band_m and sum(self._nearer) < 3

    def crept(self, distance_m: float) -> bool:
        """Something here is what was learned, nearer by more than its band: an obstacle, however slowly it comes."""
        steady_m, floor_m = self._seen.steady_m, self._floor_m
        if floor_m is None or steady_m is None or not distance_m < floor_m:
            return False
        here = steady_m < floor_m and abs(distance_m - steady_m) <= self._config.partner_band_m
        return here and self._seen.nearer_m() >= _CREEPS_M

    def update(
        self,
        t_ns: int,
        distance_m: float | None,
        closing_mps: float | None,
        nearing: bool,
        stepping: bool,
        yaw_radps: float = 0.0,
    ) -> None:
        """One reading; None for the distance without an echo, for the closing speed until it is measured.

        `nearing`: it has come nearer for long enough to be no sway.
        """
        dt_s = 0.0 if self._t_ns is None else min(max((t_ns - self._t_ns) * 1e-9, 0.0), 1.0)
        self._t_ns = t_ns
        if self._turns(dt_s, yaw_radps):
            self.forget()
        if distance_m is not None and not math.isfinite(distance_m):
            distance_m = None
        self._closed_mps = max(0.0, self._closed_mps - 0.1 * dt_s)
        if distance_m is not None:
            self._nearer.append(self._is_nearer(distance_m))
            if closing_mps is not None and math.isfinite(closing_mps):
                self._closed_mps = max(closing_mps, self._closed_mps)
        for _ in range(self._seen.add(t_ns, distance_m, stepping)):
            self._judge(t_ns, nearing, stepping)

    def _is_nearer(self, distance_m: float) -> bool:
        """An echo from nearer by than what was learned, or than it was in the last second."""
        usual_m, steady_m = self._usual_m(), self._seen.steady_m
        if usual_m is None or steady_m is None:
            return False
        learned_m, lately_m = _NEARER_BANDS * self._band_m(), _NEARER_BANDS * self._config.rail_band_m
        return distance_m < max(usual_m - learned_m, steady_m - lately_m)

    def _turns(self, dt_s: float, yaw_radps: float) -> bool:
        rate_radps = yaw_radps if math.isfinite(yaw_radps) else 0.0
        self._turned_rad += dt_s * (rate_radps - self._turned_rad / _TURN_FADES_S)
        if abs(self._turned_rad) <= _TURN_RAD:
            return False
        self._turned_rad = 0.0
        return True

    def _judge(self, t_ns: int, nearing: bool, stepping: bool) -> None:
        """A quarter of a second has ended."""
        self._stepped_s, self._stood_s = (self._stepped_s + _BIN_S, 0.0) if stepping else (0.0, self._stood_s + _BIN_S)
        if self._stood_s >= self._config.forget_s or self._seen.steady_m is None:
            self._lose()
            self._forget_place()
        if self._seen.jumped and not self._is_there():
            self._lose()
            self._forget_place()
        if self.mode is not None:
            self._follow()
        elif self._stepped_s >= self._config.learn_s and not nearing:
            self._learn(t_ns)
        if not stepping:
            self._rest(t_ns)
        elif self._stepped_s >= self._config.learn_s + self._config.rest_s:
            self._rest_m = None

    def _rest(self, t_ns: int) -> None:
        values = self._seen.window(self._config.rest_s)
        self._rest_m = None
        if values and self._seen.clear_of_approach(t_ns) and _spread(values) <= self._config.rail_band_m:
            self._rest_m = _median(values)

    def _learn(self, t_ns: int) -> None:
        config, values = self._config, self._seen.window(self._config.learn_s)
        if values is None or not self._seen.clear_of_approach(t_ns):
            return
        range_m, spread_m, half = _median(values), _spread(values), len(values) // 2
        if not config.nearest_m <= range_m <= config.farthest_m or spread_m > config.partner_spread_m:
            return
        partner = self._roams or spread_m > config.rail_spread_m
        if _median(values[:half]) - _median(values[half:]) > _TREND_M[partner]:
            return
        if self._anchor_m is not None and self._floor_m is not None and range_m < self._floor_m:
            return  # it came nearer, too slowly to be noticed otherwise
        self._anchor_m = range_m if self._anchor_m is None else self._anchor_m
        self.mode, self.range_m, self._away_s = PARTNER if partner else TREADMILL, range_m, 0.0
        self._floor_m = self._lowest_m(range_m, self._anchor_m)
        self._limit_mps = min(max(1.5 * self._closed_mps, _SLOWEST_LIMIT_MPS), _FASTEST_LIMIT_MPS)
        if self._found_ns is None or t_ns - self._found_ns >= _TELL_AGAIN_S * 1e9:
            self._found_ns, self._untold = t_ns, True

    def _follow(self) -> None:
        """Outward as it likes, inward not far from where it was first learned."""
        config, now_m, range_m, anchor_m = self._config, self._seen.steady_m, self.range_m, self._anchor_m
        latest = self._seen.window(3 * _BIN_S)
        if now_m is None or range_m is None or anchor_m is None:
            return
        away_m = now_m - range_m
        if latest is not None and abs(away_m) <= self._band_m():
            self._away_s = 0.0
            self._back_s += _BIN_S
            self.range_m = max(range_m + _FOLLOW * away_m, anchor_m - config.follow_m)
            self._floor_m = self._lowest_m(self.range_m, anchor_m)
            if self.mode == TREADMILL and abs(away_m) > config.rail_band_m:
                self.mode = PARTNER
            return
        self._away_s += _BIN_S
        self._back_s = min(self._back_s, _BACK_S)
        if self.mode == TREADMILL and latest is not None and away_m > 0.0:
            self.mode = PARTNER
        came_nearer = latest is not None and away_m < 0.0
        if self._away_s >= (_NEARER_S if came_nearer else config.gone_s):
            self._lose()
            self._roams = came_nearer
            if not came_nearer:
                self._forget_place()

    def _usual_m(self) -> float | None:
        return self._rest_m if self.range_m is None else self.range_m

    def _is_there(self) -> bool:
        """It is where it was learned, or it went farther away and may come back."""
        steady_m, range_m = self._seen.steady_m, self.range_m
        return steady_m is not None and range_m is not None and steady_m >= range_m - self._band_m()

    def _lowest_m(self, range_m: float, anchor_m: float) -> float:
        """Nearer than this it is an obstacle, whatever was learned."""
        return max(range_m, anchor_m) - self._config.follow_m - self._band_m()

    def _band_m(self) -> float:
        """More where there is more room to the foot; a rail so far away may turn out to be a partner."""
        config = self._config
        room_m = _ROOM_SHARE * ((self.range_m or 0.0) - config.nearest_m)
        least_m = _NEAR_PARTNER_SHARE * config.partner_band_m if self.mode == PARTNER else config.rail_band_m
        return min(max(least_m, room_m), config.partner_band_m)

    def _lose(self) -> None:
        self.mode = self.range_m = None
        self._untold = False
        self._away_s, self._back_s = 0.0, _BACK_S

    def _forget_place(self) -> None:
        self._anchor_m = self._floor_m = None
        self._roams = False


def _median(values: list[float]) -> float:
    """The upper one of two, which is no less cautious than their mean: what is nearer than learned is a change."""
    return sorted(values)[len(values) // 2]


def _spread(values: list[float]) -> float:
    """From the lowest to the highest tenth, so that false echoes do not count."""
    ordered = sorted(values)
    tenth = len(ordered) // 10
    return ordered[-1 - tenth] - ordered[tenth]
