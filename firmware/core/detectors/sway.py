"""Warns of a loss of balance: a trunk that heads farther than it usually does, or a stumble."""

import math
from collections import deque
from dataclasses import dataclass

from firmware.core.messages import Detection, Hazard, Severity
from firmware.core.models.sway import BOUNCE, JOLT, LIMIT, RATE, RHYTHM, TILT

_SUM = TILT + RATE + JOLT + BOUNCE
_WITHIN = math.log(0.7)  # of the limit: the range of her steps
_SPELL_NS = 200_000_000  # three of them are looked at: tilt, jolt and drop of one stumble do not come in one instant


@dataclass(frozen=True, slots=True)
class SwayConfig:
    """How many times the walker's own usual range is too far."""

    backward_times: float = 2.2  # extrapolated tilt (tilt + rate / 3.3 rad/s); tighter: there is no foot behind yet
    forward_times: float = 3.2
    sideways_times: float = 3.2
    stumble_times: float = 1.0  # of the limit that was learned from stumbles; more is less sensitive
    clear_share: float = 0.6  # of the limit, so that the buzzer does not flutter at it
    hold_s: float = 0.08  # longer than the jolt of one heel
    clear_s: float = 0.5

    def __post_init__(self) -> None:
        for key, low, high in (
            ("backward_times", 1.3, 4.0),
            ("forward_times", 1.3, 5.0),
            ("sideways_times", 1.3, 4.0),
            ("stumble_times", 0.7, 1.4),
            ("clear_share", 0.2, 0.95),
            ("hold_s", 0.0, 0.5),
            ("clear_s", 0.0, 3.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"sway: {key} ({getattr(self, key)}) must lie between {low} and {high}")


_CALM = Detection(Hazard.SWAY, Severity.NONE)


class SwayDetector:
    """`score`: how many times the personal limit, 1 is the limit. The larger one of two:

    - the extrapolated tilt of one direction over its limit, for longer than one jolt;
    - a stumble: the weighted geometric mean of the ratios of tilt, tilt rate, jolt and vertical speed to those of her
      own steps, and of the broken rhythm of the steps, over the limit that was learned from recorded stumbles.
    """

    def __init__(self, config: SwayConfig) -> None:
        self._config = config
        self._times = tuple(math.log(t) for t in (config.forward_times, config.backward_times, config.sideways_times))
        self._tighter = self._times[0] - self._times[1]
        self._limit = LIMIT + _SUM * math.log(config.stumble_times)
        self._hold_ns, self._clear_ns = round(config.hold_s * 1e9), round(config.clear_s * 1e9)
        self.clear()

    def clear(self) -> None:
        """Nobody walks, or nothing is known about the trunk; the sensor's fault is another hazard."""
        self._beyond: deque[tuple[int, float]] = deque()
        self._spells: deque[list[float]] = deque([[-math.inf] * 5], maxlen=3)
        self._spell_ends_ns: int | None = None
        self._calm_since_ns: int | None = None
        self.score = 0.0
        self._began_within = False
        self.cues: tuple[float, ...] = ()  # what was judged by, in logarithms: a stumble by five, sway by three
        self.detection = _CALM

    def update(self, t_ns: int, ratios: tuple[float, ...], rhythm: float, tilt_rad: tuple[float, float]) -> Detection:
        """One slice: the cues of `models.sway` as logarithms of ratios; extrapolated tilt forward and to the right."""
        forward, backward, sideways = (ratio - limit for ratio, limit in zip(ratios, self._times, strict=False))
        sway = self._lasting(t_ns, _worst(forward, backward, sideways))
        self._directions = ratios[:3]
        tilt = _worst(ratios[0], ratios[1] + self._tighter, ratios[2])
        stumble = self._stumble(t_ns, (tilt, ratios[3], ratios[4], _worst(ratios[5], ratios[6])), rhythm)
        self.score = score = math.exp(min(_worst(sway, stumble), 50.0))
        if self.detection is _CALM:
            if not score < 1.0:  # NaN as well: a broken estimate warns instead of hiding
                self._warn(ratios, tilt_rad, sway >= stumble)
        elif not score < self._config.clear_share:
            self._calm_since_ns = None
        elif self._calm_since_ns is None:
            self._calm_since_ns = t_ns
        elif t_ns - self._calm_since_ns >= self._clear_ns:
            self.clear()
        return self.detection

    def _lasting(self, t_ns: int, beyond: float) -> float:
        """The least of the last `hold_s`."""
        if not self._began_within:  # who bends down and then is thought to step, did not lose her balance in walking
            self._began_within = beyond < _WITHIN
            return beyond if beyond != beyond else -math.inf
        recent = self._beyond
        recent.append((t_ns, beyond))
        while len(recent) > 1 and t_ns - recent[1][0] >= self._hold_ns:
            recent.popleft()
        if t_ns - recent[0][0] < self._hold_ns:
            return beyond if beyond != beyond else -math.inf
        least = min(value for _, value in recent)
        return beyond if beyond != beyond else least

    def _stumble(self, t_ns: int, ratios: tuple[float, ...], rhythm: float) -> float:
        if self._spell_ends_ns is None or t_ns >= self._spell_ends_ns:
            self._spell_ends_ns = t_ns + _SPELL_NS
            self._spells.append([-math.inf] * 5)
        newest = self._spells[-1]
        for index, cue in enumerate((*ratios, rhythm)):
            if not cue < newest[index]:  # NaN as well
                newest[index] = cue
        tilt, rate, jolt, bounce, rhythm = highest = [_worst(*spells) for spells in zip(*self._spells, strict=True)]
        self.cues = (*highest, *self._directions)
        total = TILT * tilt + RATE * rate + JOLT * jolt + BOUNCE * bounce + RHYTHM * rhythm
        return (total - self._limit) / _SUM

    def _warn(self, ratios: tuple[float, ...], tilt_rad: tuple[float, float], swayed: bool) -> None:
        forward_rad, right_rad = tilt_rad
        if ratios[2] > max(ratios[0], ratios[1]):
            direction = "right" if right_rad > 0.0 else "left"
        else:
            direction = "forward" if forward_rad > 0.0 else "backward"
        tilt_deg, score = math.degrees(math.hypot(forward_rad, right_rad)), self.score
        self.detection = Detection(
            Hazard.SWAY,
            Severity.WARNING,
            {
                "direction": direction,
                "why": "tilt" if swayed else self._why(),
                "times_limit": round(score, 2) if math.isfinite(score) else None,
                "extrapolated_tilt_deg": round(tilt_deg, 1) if math.isfinite(tilt_deg) else None,
            },
        )

    def _why(self) -> str:
        """What is farthest from the usual."""
        tilt, rate, jolt, bounce, rhythm = self.cues[:5]
        shares = {
            "tilt": (TILT * tilt + RATE * rate) / (TILT + RATE),
            "jolt": (JOLT * jolt + BOUNCE * bounce) / (JOLT + BOUNCE),
            "rhythm": rhythm,
        }
        return max(shares, key=lambda name: shares[name])


def _worst(*values: float) -> float:
    """The largest; NaN when any is."""
    total = sum(values)
    return total if total != total and math.inf not in values else max(values)
