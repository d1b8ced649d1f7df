"""Warns of what the walker would back into, by the time that is left, not by the distance alone."""

import math
from collections import deque
from dataclasses import dataclass

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
    imminent_s: float = 1.2
    near_m: float = 0.50  # one echo is enough here while it comes nearer
    close_m: float = 0.35  # the same for a slow approach, which leaves more time
    least_closing_mps: float = 0.15  # a slower approach counts once it lasts; see approach.nearing_m
    clear_factor: float = 1.15  # farther than the limit before a tier ends, so that it does not flutter
    clear_s: float = 0.5

    def __post_init__(self) -> None:
        for key, low, high in (
            ("system_s", 0.1, 1.0),
            ("reaction_s", 0.5, 3.0),
            ("margin_m", 0.3, 1.5),
            ("caution_factor", 1.1, 3.0),
            ("imminent_s", 0.5, 3.0),
            ("near_m", 0.2, 1.0),
            ("close_m", 0.2, 0.5),
            ("least_closing_mps", 0.05, 0.3),
            ("clear_factor", 1.0, 2.0),
            ("clear_s", 0.0, 3.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"obstacle: {key} ({getattr(self, key)}) must lie between {low} and {high}")


_TIERS = (Severity.NONE, Severity.CAUTION, Severity.WARNING, Severity.IMMINENT)
_CALM = Detection(Hazard.OBSTACLE, Severity.NONE)


class ObstacleDetector:
    """Raises a tier when two of the last three measurements ask for it, or one very near; lowers it late."""

    def __init__(self, config: ObstacleConfig) -> None:
        self._config = config
        self._budget_s = config.system_s + config.reaction_s
        self._asked: deque[int] = deque(maxlen=3)
        self._tier = 0
        self._below_since_ns: int | None = None
        self.detection = _CALM

    def clear(self) -> None:
        """Nothing is known about the way behind, or nothing is in it; the sensor's fault is another hazard."""
        self._asked.clear()
        self._tier, self._below_since_ns, self.detection = 0, None, _CALM

    def update(
        self,
        t_ns: int,
        distance_m: float | None,
        closing_mps: float | None,
        walking: bool,
        *,
        nearing: bool = False,
        echoed: bool = True,
    ) -> Detection:
        """One measurement; None for both without a track.

        `nearing`: it comes nearer for long enough to be no sway. Not `echoed`: distance and speed are those of an
        earlier echo, so they keep a warning but are no second vote for one.
        """
        if distance_m is None or closing_mps is None:
            return self._settle(t_ns, 0, 0, {"distance_m": None})
        asked = self._ask(distance_m, closing_mps, walking, nearing, 1.0) if echoed else 0
        kept = self._ask(distance_m, closing_mps, walking, nearing, self._config.clear_factor)
        ttc_s = distance_m / closing_mps if closing_mps > 0.05 else None
        evidence: dict[str, Value] = {
            "distance_m": round(distance_m, 3),
            "closing_speed_mps": round(closing_mps, 3),
            "time_to_collision_s": None if ttc_s is None else round(ttc_s, 2),
        }
        return self._settle(t_ns, asked, kept, evidence)

    def _ask(self, distance_m: float, closing_mps: float, walking: bool, nearing: bool, factor: float) -> int:
        """Which tier this measurement alone asks for; anything that is not a number asks for the highest."""
        config = self._config
        if not (math.isfinite(distance_m) and math.isfinite(closing_mps)):
            return 3
        # Somebody who stands is not warned of the slow change that her own sway makes.
        slow = closing_mps < config.least_closing_mps * (1.0 if walking else 2.0) / factor
        if slow and not nearing:
            return 0
        near_m = config.close_m if slow else config.near_m
        closing_mps = max(0.0, closing_mps)
        if distance_m < near_m * factor or distance_m < closing_mps * config.imminent_s * factor:
            return 3
        warn_m = (closing_mps * self._budget_s + config.margin_m) * factor
        if distance_m < warn_m:
            return 2
        return 1 if distance_m < warn_m * config.caution_factor else 0

    def _settle(self, t_ns: int, asked: int, kept: int, evidence: dict[str, Value]) -> Detection:
        self._asked.append(asked)
        near = asked == 3 and not _at_least(evidence["distance_m"], self._config.near_m)
        confirmed = asked if near else _second_highest(self._asked)
        if confirmed > self._tier:
            self._tier, self._below_since_ns = confirmed, None
            self.detection = Detection(Hazard.OBSTACLE, _TIERS[self._tier], evidence)
        elif max(kept, confirmed) >= self._tier:
            self._below_since_ns = None
        elif self._below_since_ns is None:
            self._below_since_ns = t_ns
        elif t_ns - self._below_since_ns >= self._config.clear_s * 1e9:
            self._tier, self._below_since_ns = max(kept, confirmed), None
            self.detection = Detection(Hazard.OBSTACLE, _TIERS[self._tier], evidence) if self._tier else _CALM
        return self.detection


def _second_highest(tiers: deque[int]) -> int:
    return sorted(tiers)[-2] if len(tiers) >= 2 else 0


def _at_least(value: Value, limit: float) -> bool:
    return isinstance(value, float) and value >= limit
