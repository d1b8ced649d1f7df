"""Warns of what the walker would back into, by the time that is left, not by the distance alone."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from firmware.core.messages import Detection, Hazard, Severity, Value


@dataclass(frozen=True, slots=True)
class ObstacleConfig:
    """How early to warn: distance = closing speed * (system_s + reaction_s) + margin_m.

    Sources: Tirosh and Sparrow (2004), Cao et al. (1998): older adults need about 1 s to stop on a cue.
    """

    system_s: float = 0.35  # two of three pings, the lag of the filter, the buzzer
    reaction_s: float = 1.05  # reaction under vibration, and the steps it takes to stop
    margin_m: float = 0.55  # the foot behind the sensor 0.40, error of the echo and of the speed 0.15
    caution_factor: float = 1.5  # the caution comes at this many times the warning distance
    imminent_s: float = 1.2  # to contact, by the speed at which it surely closes
    near_m: float = 0.50  # so near is imminent while it comes nearer, whatever the speed
    close_m: float = 0.35  # the same for a slow approach, which leaves more time
    touch_m: float = 0.15  # one echo is enough for a warning; farther off, the second comes 32 to 42 ms later
    foot_m: float = 0.40  # behind the sensor: what is new counts only if she could hardly stop before it
    proven: int = 6  # echoes until it is not new any more, which is less than system_s
    least_closing_mps: float = 0.15  # a slower approach counts once it lasts; see approach.nearing_m
    clear_factor: float = 1.15  # farther than the limit before a tier ends, so that it does not flutter
    clear_s: float = 0.5  # so long must the way be clear before it is silent

    def __post_init__(self) -> None:
        for key, low, high in (
            ("system_s", 0.1, 1.0),
            ("reaction_s", 0.5, 3.0),
            ("margin_m", 0.3, 1.5),
            ("caution_factor", 1.1, 3.0),
            ("imminent_s", 0.5, 3.0),
            ("near_m", 0.2, 1.0),
            ("close_m", 0.2, 0.5),
            ("touch_m", 0.1, 0.5),
            ("foot_m", 0.2, 0.6),
            ("proven", 3, 9),
            ("least_closing_mps", 0.05, 0.3),
            ("clear_factor", 1.0, 2.0),
            ("clear_s", 0.0, 3.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"obstacle: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class Thing(Protocol):
    """What the detector has to know of something behind; `firmware.core.estimators.approach.Thing` fits."""

    distance_m: float
    closing_mps: float
    heard: bool
    hidden: bool
    sure: bool
    nearing: bool
    solid: bool
    echoes: int
    assumed_mps: float

    @property
    def closing_sd_mps(self) -> float: ...

    @property
    def measured(self) -> bool: ...


_TIERS = (Severity.NONE, Severity.CAUTION, Severity.WARNING, Severity.IMMINENT)
_WARNING = 2
SURELY_SD = 1.5  # slower than this by so many standard deviations it hardly closes: 7 %
_CALM = Detection(Hazard.OBSTACLE, Severity.NONE)
_NOTHING: dict[str, Value] = {"distance_m": None}


class ObstacleDetector:
    """Raises a tier at once when something that is sure asks for it, or one echo very near; lowers it late."""

    def __init__(self, config: ObstacleConfig) -> None:
        self._config = config
        self.reaction_s = config.reaction_s  # of this walker, where it is known better
        self._tier = 0
        self._below_since_ns: int | None = None
        self.detection = _CALM
        self.worst: Thing | None = None  # that was judged last: what a change of the detection is about

    def clear(self) -> None:
        """Nothing is known about the way behind, or nothing is in it; the sensor's fault is another hazard."""
        self._tier, self._below_since_ns, self.detection = 0, None, _CALM

    def update(self, t_ns: int, things: Iterable[Thing], walking: bool) -> Detection:
        """One measurement, and all that may be behind after it; `walking`: she takes steps."""
        asked, most = 0, (-1, -1)
        self.worst = None
        for thing in things:
            asks = self._ask(thing, walking, 1.0)
            keeps = max(asks, self._ask(thing, walking, self._config.clear_factor))
            # What did not echo though nothing hid it may have gone: it keeps a warning, and begins none.
            begins = asks if thing.heard or thing.hidden else 0
            asked = max(asked, begins)
            if (keeps, begins) > most:
                most, self.worst = (keeps, begins), thing
        return self._settle(t_ns, asked, max(most[0], 0), _NOTHING if self.worst is None else _evidence(self.worst))

    def _ask(self, thing: Thing, walking: bool, factor: float) -> int:
        """Which tier this thing alone asks for; anything that is not a number asks for the highest."""
        config, distance_m, closing_mps = self._config, thing.distance_m, thing.closing_mps
        if not (math.isfinite(distance_m) and math.isfinite(closing_mps)):
            return 3
        # Somebody who stands is not warned of the slow change that her own sway makes.
        least_mps = config.least_closing_mps * (1.0 if walking else 2.0) / factor
        slow = closing_mps < least_mps
        if slow and not thing.nearing:
            return 0
        if not thing.sure:  # of one echo nothing is known but where it was
            return _WARNING if distance_m < config.touch_m else 0
        if thing.echoes >= config.proven and self._is_imminent(thing, slow, factor):
            return 3
        closing_mps = max(0.0, closing_mps)
        warn_m = (closing_mps * (config.system_s + self.reaction_s) + config.margin_m) * factor
        if thing.echoes < config.proven and not thing.measured:
            # Its speed is hardly measured: no faster than she walks, and only if she could hardly stop before it.
            least_mps = min(closing_mps, thing.assumed_mps) if thing.assumed_mps > 0.0 else closing_mps
            return _WARNING if distance_m < least_mps * self.reaction_s + config.foot_m else 0
        if distance_m < warn_m:
            return _WARNING
        return 1 if distance_m < warn_m * config.caution_factor else 0

    def _is_imminent(self, thing: Thing, slow: bool, factor: float) -> bool:
        """By the least speed at which it surely closes: a stop at the last moment must not be asked for by chance."""
        config, distance_m = self._config, thing.distance_m
        if slow or not thing.solid:
            return distance_m < config.close_m * factor
        surely_mps = thing.closing_mps - SURELY_SD * thing.closing_sd_mps
        near_m = config.near_m if surely_mps >= config.least_closing_mps or thing.nearing else config.close_m
        return distance_m < max(near_m, surely_mps * config.imminent_s) * factor

    def _settle(self, t_ns: int, asked: int, kept: int, evidence: dict[str, Value]) -> Detection:
        if asked > self._tier:
            self._tier, self._below_since_ns = asked, None
            self.detection = Detection(Hazard.OBSTACLE, _TIERS[self._tier], evidence)
        elif kept >= self._tier:
            self._below_since_ns = None
        elif self._below_since_ns is None:
            self._below_since_ns = t_ns
        elif t_ns - self._below_since_ns >= self._config.clear_s * 1e9:
            self._tier, self._below_since_ns = kept, None
            self.detection = Detection(Hazard.OBSTACLE, _TIERS[self._tier], evidence) if self._tier else _CALM
        return self.detection


def _evidence(thing: Thing) -> dict[str, Value]:
    closing_mps = thing.closing_mps
    return {
        "distance_m": round(thing.distance_m, 3),
        "closing_speed_mps": round(closing_mps, 3),
        "closing_speed_sd_mps": round(thing.closing_sd_mps, 3),
        "time_to_collision_s": round(thing.distance_m / closing_mps, 2) if closing_mps > 0.05 else None,
    }
