"""Warns of a loss of balance: a trunk that heads farther than it usually does, or a stumble."""

import math
from collections import deque
from dataclasses import dataclass

from firmware.core.messages import Detection, Hazard, Severity
from firmware.core.models.sway import BOUNCE, JOLT, LIMIT, RATE, RHYTHM, TILT

_SUM = TILT + RATE + JOLT + BOUNCE
_WITHIN = 0.7  # of the limit: the range of her steps
_SPELL_NS = 200_000_000  # three of them are looked at: tilt, jolt and drop of one stumble do not come in one instant


@dataclass(frozen=True, slots=True)
class SwayConfig:
    """How many times the walker's own usual range is too far."""

    backward_times: float = 2.5  # extrapolated tilt (tilt + rate / 3.3 rad/s); tighter: there is no foot behind yet
    forward_times: float = 3.5
    sideways_times: float = 3.5
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
        self._shares = tuple(1.0 / t for t in (config.forward_times, config.backward_times, config.sideways_times))
        self._tighter = config.forward_times / config.backward_times
        self._limit = LIMIT + _SUM * math.log(config.stumble_times)
        self._hold_ns, self._clear_ns = round(config.hold_s * 1e9), round(config.clear_s * 1e9)
        self.clear()

    def clear(self) -> None:
        """Nobody walks, or nothing is known about the trunk; the sensor's fault is another hazard."""
        self._beyond: deque[tuple[int, float]] = deque()
        self._began_within = False
        self._spells: deque[list[float]] = deque(maxlen=3)
        self._spell_ends_ns: int | None = None
        self._highest: list[float] = []
        self._ratios: tuple[float, ...] = ()
        self._calm_since_ns: int | None = None
        self._stumble = 0.0
        self.score = 0.0
        self.detection = _CALM

    @property
    def cues(self) -> tuple[float, ...]:
        """What was judged by: a stumble by five (tilt, rate, jolt, bounce, rhythm), sway by three; in logarithms."""
        if not self._highest:
            return ()
        *ratios, rhythm = self._highest
        return (*map(math.log, ratios), rhythm, *map(math.log, self._ratios[:3]))

    def update(self, t_ns: int, ratios: tuple[float, ...], rhythm: float, tilt_rad: tuple[float, float]) -> Detection:
        """Some 40 ms: the cues of `models.sway` over their usual values; extrapolated tilt forward and to the right."""
        self._ratios = ratios
        forward, backward, sideways, rate, jolt, drop, rise = ratios
        total = forward + backward + sideways + rate + jolt + drop + rise
        if total != total:  # a broken estimate warns instead of hiding
            sway = self.score = math.nan
        else:
            # Conditions, not max(): this is asked 25 times a second.
            tilt, tighter = forward if forward > sideways else sideways, backward * self._tighter
            self._note(t_ns, tighter if tighter > tilt else tilt, rate, jolt, drop if drop > rise else rise, rhythm)
            sway = self._lasting(t_ns, forward, backward, sideways)
            self.score = sway if sway > self._stumble else self._stumble
        if self.detection is _CALM:
            if not self.score < 1.0:
                self._warn(ratios, tilt_rad, sway >= self._stumble)
        elif not self.score < self._config.clear_share:
            self._calm_since_ns = None
        elif self._calm_since_ns is None:
            self._calm_since_ns = t_ns
        elif t_ns - self._calm_since_ns >= self._clear_ns:
            self.detection, self._calm_since_ns = _CALM, None
        return self.detection

    def _lasting(self, t_ns: int, forward: float, backward: float, sideways: float) -> float:
        """The tilt of the worst direction over its limit, the least of the last `hold_s`."""
        for_forward, for_backward, for_sideways = self._shares
        beyond, along, across = forward * for_forward, backward * for_backward, sideways * for_sideways
        if along > beyond:
            beyond = along
        if across > beyond:
            beyond = across
        recent = self._beyond
        if beyond < _WITHIN:
            self._began_within = True
            if recent:
                recent.clear()
            return beyond
        if not self._began_within:  # who bends down and then is thought to step, did not lose her balance in walking
            return 0.0
        recent.append((t_ns, beyond))
        while len(recent) > 1 and t_ns - recent[1][0] >= self._hold_ns:
            recent.popleft()
        if t_ns - recent[0][0] < self._hold_ns:
            return _WITHIN
        return min([value for _, value in recent])

    def _note(self, t_ns: int, tilt: float, rate: float, jolt: float, bounce: float, rhythm: float) -> None:
        """The stumble's share of the score; worked out anew only when something is higher than of late, or gone."""
        if self._spell_ends_ns is None or t_ns >= self._spell_ends_ns:
            self._spell_ends_ns = t_ns + _SPELL_NS
            self._spells.append([tilt, rate, jolt, bounce, rhythm])
        else:
            newest, highest = self._spells[-1], self._highest
            if tilt > newest[0]:
                newest[0] = tilt
            if rate > newest[1]:
                newest[1] = rate
            if jolt > newest[2]:
                newest[2] = jolt
            if bounce > newest[3]:
                newest[3] = bounce
            if rhythm > newest[4]:
                newest[4] = rhythm
            if (
                tilt <= highest[0]
                and rate <= highest[1]
                and jolt <= highest[2]
                and bounce <= highest[3]
                and rhythm <= highest[4]
            ):
                return
        tilt, rate, jolt, bounce, rhythm = self._highest = list(map(max, zip(*self._spells, strict=True)))
        log = math.log
        total = TILT * log(tilt) + RATE * log(rate) + JOLT * log(jolt) + BOUNCE * log(bounce) + RHYTHM * rhythm
        self._stumble = math.exp(min((total - self._limit) / _SUM, 50.0))

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
                "why": "tilt" if swayed or not self._highest else self._why(),
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
