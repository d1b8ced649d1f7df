"""Falls: an impact that looks like one, or a trunk that went down in the middle of a walk. What follows: `fall_alarm`.

Two paths. *Impact*: boosted trees judge every jolt from how she moved before, on the way down, at it and after it; the
first look, 0.3 s after it, says "possible", the second, after 1 s, "suspected", and a third, after 2 s, settles what
the second left open. Beside them stands one rule for who hits the floor very hard and sits there (`fell_seated`).

*Posture*: trunk far from the personal upright. Who walked until she went down is asked after some seconds, or after one
when there was an impact. Who had stopped walking before may have lain down on purpose, and is asked after a minute.
That is a trade-off: who rests, slumps without any jolt and stays down is found a minute later than she could be.

With few samples or a small range (20 Hz, 2 g) the same trees judge what is left of the signal: they have learned from
recordings that were made that poor. Without a gyroscope turning counts as 0, and tilt follows the accelerometer alone.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from firmware.core.messages import Value
from firmware.core.models import fall_later, fall_possible, fall_suspected

G0_MPS2 = 9.80665
HARD_KEPT_NS = 2_000_000_000
"""So long may an impact still be judged."""
CLACK_NS = 10_000_000
"""Impacts are smoothed by this: a device that is put on a table clacks for 20 ms, the softest blow of a body for 40."""
JOLT_MPS2, RESTS_NS = 1.5 * G0_MPS2, 400_000_000
"""Who is jolted like this again and again runs, whatever the tilt seems to be; who lies is not, for so long."""
GUESS_NS = 2_500_000_000
"""Longer than the last look takes: a guess that is neither confirmed nor taken back by then is over."""
SEATED_G, SEATED_RAD = 6.0, math.radians(25.0)
_SEATED_BY = ("impact_g", "end_turned_rad", "end_tilt_rad", "after_peak_g", "end_turning_radps", "falling_least_g")
_SEATED = tuple(fall_suspected.FEATURES.index(name) for name in _SEATED_BY)


@dataclass(frozen=True, slots=True)
class FallConfig:
    """What counts as a fall without an impact, and when somebody is called."""

    impact_g: float = 2.0  # in a walk: steps reach 1.8 g, falls on mats 2 g and more
    settle_s: float = 0.4  # from such an impact until the trunk has to be down
    decide_s: float = 1.1  # and until it is decided; the trees come first
    smashed_g: float = 3.0  # when the sensor dies within 2 s after such an impact, it asks
    lean_deg: float = 20.0  # from the personal upright: from here on she is on the way down
    seated_deg: float = 25.0  # leaning back or sideways, after such an impact: she sits on the floor
    sunk_m: float = 0.4  # or by `lean_deg` after sinking so far from a walk
    bowed_deg: float = 15.0  # unless she bowed forward as far on the way: who sits down on purpose does
    slumped_deg: float = 40.0  # and without one: nobody stands like this, nor walks
    seated_s: float = 5.0
    down_deg: float = 60.0  # nobody walks like this
    down_s: float = 4.0  # and so long is no bending down, for who walked until she went down
    bent_s: float = 12.0  # forward it may be bending down, to tie a shoe
    walked_s: float = 3.0  # a step so long before the way down: she walked until then
    walked_steps: int = 5  # in a row; the few steps into a car seat are no walk
    rest_s: float = 60.0  # who had stopped walking before may have lain down on purpose
    ask_again_s: float = 60.0  # after a cancelled alarm, while she stays down; each time twice as long, to 16 times
    countdown_s: float = 30.0
    no_cancel_s: float = 3.0  # a press that begins sooner after the impact may be the fall itself
    upright_deg: float = 30.0
    recovered_steps: int = 4
    recovered_upright_s: float = 10.0
    not_recovered_min: tuple[float, ...] = (5.0, 15.0)
    long_lie_min: float = 60.0

    def __post_init__(self) -> None:
        for key, low, high in (
            ("impact_g", 1.5, 4.0),
            ("settle_s", 0.1, 1.0),
            ("decide_s", 0.5, 1.9),
            ("smashed_g", 1.5, 5.0),
            ("lean_deg", 10.0, 45.0),
            ("seated_deg", 15.0, 60.0),
            ("sunk_m", 0.3, 1.5),
            ("bowed_deg", 5.0, 40.0),
            ("slumped_deg", 15.0, 60.0),
            ("seated_s", 2.0, 20.0),
            ("down_deg", 45.0, 80.0),
            ("down_s", 2.0, 10.0),
            ("bent_s", 4.0, 30.0),
            ("walked_s", 1.0, 10.0),
            ("walked_steps", 2, 20),
            ("rest_s", 10.0, 120.0),
            ("ask_again_s", 20.0, 300.0),
            ("countdown_s", 10.0, 60.0),
            ("no_cancel_s", 0.0, 5.0),
            ("upright_deg", 10.0, 40.0),
            ("recovered_steps", 3, 20),
            ("recovered_upright_s", 5.0, 60.0),
            ("long_lie_min", 20.0, 120.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"fall: {key} ({getattr(self, key)}) must lie between {low} and {high}")
        if not self.lean_deg <= self.seated_deg <= self.slumped_deg <= self.down_deg:
            raise ValueError(
                f"fall: lean_deg ({self.lean_deg}), seated_deg ({self.seated_deg}), slumped_deg ({self.slumped_deg}) "
                f"and down_deg ({self.down_deg}) must each be no less than the one before"
            )
        minutes = (0.0, *self.not_recovered_min, self.long_lie_min)
        if not all(early < late for early, late in itertools.pairwise(minutes)):
            raise ValueError(
                f"fall: not_recovered_min ({list(self.not_recovered_min)}) must rise and end before "
                f"long_lie_min ({self.long_lie_min})"
            )


def fell_seated(features: Sequence[float]) -> bool:
    """Whether somebody hit the floor so hard that she fell, though her trunk hardly leans, and sits there since.

    No recorded sitting down that ends leaning reaches 6 g: the hardest is 5.2 g on SisFall, 4.7 g on KFall; a limit a
    tenth above the hardest of either set has at most one false alarm on the other. A jump ends upright, jogging and
    stairs go on, and a dropped device was weightless before (below 0.04 g).
    """
    impact_g, turned_rad, tilt_rad, peak_g, turning_radps, least_g = (features[index] for index in _SEATED)
    return (
        impact_g >= SEATED_G
        and min(turned_rad, tilt_rad) >= SEATED_RAD
        and peak_g < 2.0
        and turning_radps < 1.5
        and least_g > 0.15
    )


class Look(Protocol):
    """A jolt at one of the moments at which it is judged; `firmware.core.estimators.fall_features.Look` fits."""

    @property
    def number(self) -> int: ...
    @property
    def peak_ns(self) -> int: ...
    @property
    def peak_mps2(self) -> float: ...
    @property
    def features(self) -> tuple[float, ...]: ...


class Way(Protocol):
    """How she came to where she rests; `firmware.core.estimators.sinking.Sunk` fits."""

    @property
    def metres(self) -> float: ...
    @property
    def forward_rad(self) -> float: ...
    @property
    def tilt_rad(self) -> float: ...
    @property
    def from_ns(self) -> int: ...
    @property
    def stepped_ns(self) -> int | None: ...


Evidence = dict[str, Value]


class FallDetector:
    """Tells that somebody seems to have fallen; `update` returns the evidence, once. `possible` is an early guess."""

    def __init__(self, config: FallConfig) -> None:
        self._impacts = _Impacts()
        self.posture = Posture(config)
        self._smashed_mps2 = config.smashed_g * G0_MPS2
        self._hardest: tuple[int, float] | None = None  # of the blows that may still be judged
        self._blow_mps2 = G0_MPS2

    @property
    def possible(self) -> Evidence | None:
        return self._impacts.possible

    def restart(self) -> None:
        """The motion before a sensor's fault says nothing about now."""
        self._impacts.restart()
        self.posture.restart()
        self._hardest = None

    def lose_touch(self, now_ns: int) -> Evidence | None:
        """The sensor is silent for too long: evidence of a fall when a hard impact was still to be judged before that.

        A device that is smashed in the fall cannot tell how the fall ended; it asks.
        """
        hardest = self._hardest
        self.restart()
        if hardest is None or hardest[1] < self._smashed_mps2:
            return None
        return _evidence("impact, then no signal", None, hardest[1], (now_ns - hardest[0]) * 1e-9)

    def update(
        self,
        t_ns: int,
        peak_mps2: float,
        tilt_rad: float | None,
        looks: Sequence[Look],
        stepped_ns: int | None,
        forward_rad: float = 0.0,
        stepping: bool = False,
        worn: bool = True,
        may_rest: bool = True,
        way: Way | None = None,
        span_ns: int = 20_000_000,
    ) -> Evidence | None:
        """Some 20 ms of movement have passed, or more in which nothing jolted her.

        Args:
            peak_mps2: of |a| in the last `span_ns` of them.
            tilt_rad: from the personal upright; None while that is not known.
            looks: at the jolts that are to be judged now.
            stepped_ns: the latest step, when it was the last of `walked_steps` in a row at least.
            forward_rad: how much of the tilt is forward; negative backward.
            stepping: a step was taken a moment ago, whatever came before it.
            worn: False while the device is known to be off the body: nobody falls then.
            may_rest: False while lying still could be taken for a new upright: then it is asked about at once.
            way: how she came down to here, when that was looked at just now.
        """
        if not worn:
            self.restart()
            return None
        self._blow_mps2 += (peak_mps2 - self._blow_mps2) * span_ns / (CLACK_NS + span_ns)
        hardest = self._hardest
        if hardest is None or self._blow_mps2 > hardest[1] or t_ns - hardest[0] > HARD_KEPT_NS:
            self._hardest = t_ns, self._blow_mps2
        evidence = None
        if looks or self._impacts.possible is not None:
            evidence = self._impacts.update(t_ns, tilt_rad, looks)
        if tilt_rad is not None:
            hardest = self._hardest
            self.posture.sink(tilt_rad, way)
            down = self.posture.update(t_ns, peak_mps2, tilt_rad, forward_rad, stepping, stepped_ns, hardest, may_rest)
            evidence = evidence or down
        if evidence is not None:
            self.restart()
        return evidence

    def excuse(self, now_ns: int) -> None:
        """The wearer cancelled: lying on is no new fall, until it lasts too long."""
        self.posture.excuse(now_ns)


class _Impacts:
    """What the trees say of the jolts; at most one guess is open at a time."""

    def __init__(self) -> None:
        self.possible: Evidence | None = None
        self._possible_ns = 0  # the jolt that it belongs to
        self._open: set[int] = set()  # jolts that the second look left open
        self._score = 0.0  # the latest one

    def restart(self) -> None:
        self.possible = None
        self._open.clear()

    def update(self, t_ns: int, tilt_rad: float | None, looks: Sequence[Look]) -> Evidence | None:
        found = None
        for look in looks:
            if self._judge(look):
                found = _evidence("impact", tilt_rad, look.peak_mps2, (t_ns - look.peak_ns) * 1e-9)
                found["score"] = round(self._score, 3)
        if self.possible is not None and t_ns - self._possible_ns > GUESS_NS:
            self.possible = None
        return found

    def _judge(self, look: Look) -> bool:
        """True when it was a fall."""
        if look.number == 0:
            self._guess(look)
            return False
        if look.number == 1:
            self._score = fall_suspected.score(look.features)
            if fell_seated(look.features):
                return True
            if fall_suspected.OPEN <= self._score < fall_suspected.LIMIT:
                self._open.add(look.peak_ns)
            elif look.peak_ns >= self._possible_ns:
                self.possible = None
            return self._score >= fall_suspected.LIMIT
        if look.peak_ns not in self._open:
            return False
        self._open.discard(look.peak_ns)
        self._score = fall_later.score(look.features)
        if look.peak_ns >= self._possible_ns:
            self.possible = None
        return self._score >= fall_later.LIMIT

    def _guess(self, look: Look) -> None:
        score = fall_possible.score(look.features)
        if score >= fall_possible.LIMIT:
            self._possible_ns = look.peak_ns
            if self.possible is None:
                self.possible = {"impact_g": round(look.peak_mps2 / G0_MPS2, 2), "score": round(score, 3)}


_FALLS_NS = 1_000_000_000
"""Nobody takes longer from lying in the air to the floor: a jolt later than that was no fall's."""
_TURNED_BACK_RAD = math.radians(25.0)  # a hand turns it far over and back again; who slides down does not
_BENT_SHARE = 0.7  # of the tilt: within some 45 degrees of straight forward


class Posture:
    """The trunk stays far from its upright."""

    def __init__(self, config: FallConfig) -> None:
        self._lean_rad, self._down_rad = math.radians(config.lean_deg), math.radians(config.down_deg)
        self._walked_ns = round(config.walked_s * 1e9)
        self._seated_rad, self._seated_ns = math.radians(config.seated_deg), round(config.seated_s * 1e9)
        self._slumped_rad = math.radians(config.slumped_deg)
        self._down_ns, self._rest_ns = round(config.down_s * 1e9), round(config.rest_s * 1e9)
        self._bent_ns = round(config.bent_s * 1e9)
        self._ask_again_ns = self._next_wait_ns = round(config.ask_again_s * 1e9)
        self._impact_mps2 = config.impact_g * G0_MPS2
        self._settle_ns, self._decide_ns = round(config.settle_s * 1e9), round(config.decide_s * 1e9)
        self._excused_until_ns: int | None = None
        self._jolted_ns = -RESTS_NS
        self._walking = False  # when she was upright last
        self._jolted = False  # before she went down, or meanwhile
        self._sunk = False  # from a walk down to the floor, since she was upright last
        self._sunk_m, self._bowed_rad = config.sunk_m, math.radians(config.bowed_deg)
        self._down_since_ns: int | None = None

    @property
    def went_down(self) -> bool:
        """In the middle of a walk, and stays down: nobody stands like that."""
        return self._down_since_ns is not None and (self._walking or self._sunk)

    def restart(self) -> None:
        self._sunk = False
        self._down_since_ns = None

    def excuse(self, now_ns: int) -> None:
        self._excused_until_ns = now_ns + self._next_wait_ns
        self._next_wait_ns = min(2 * self._next_wait_ns, 16 * self._ask_again_ns)

    def sink(self, tilt_rad: float, way: Way | None) -> None:
        """Before `update`: whether she sank to the floor, from a walk and without bowing to sit down."""
        if tilt_rad < self._lean_rad:
            self._sunk = False
        elif way is not None and not self._sunk:
            walked = way.stepped_ns is not None and way.from_ns - way.stepped_ns <= self._walked_ns
            straight = way.forward_rad < self._bowed_rad and way.tilt_rad - tilt_rad < _TURNED_BACK_RAD
            self._sunk = walked and straight and way.metres >= self._sunk_m

    def update(
        self,
        t_ns: int,
        peak_mps2: float,
        tilt_rad: float,
        forward_rad: float,
        stepping: bool,
        stepped_ns: int | None,
        hardest: tuple[int, float] | None,
        may_rest: bool,
    ) -> Evidence | None:
        """`hardest`: the hardest impact of the last two seconds, (time, m/s^2)."""
        if peak_mps2 > JOLT_MPS2:
            self._jolted_ns = t_ns
        if tilt_rad < self._lean_rad:
            self._walking = stepped_ns is not None and t_ns - stepped_ns <= self._walked_ns
        bent = forward_rad > _BENT_SHARE * tilt_rad
        if self._down_since_ns is None:
            self._jolted = hardest is not None and hardest[1] >= self._impact_mps2
        limit_rad, walking = self._down_rad, self._walking or self._sunk
        if walking and not bent and not stepping:
            limit_rad = self._lean_rad if self._sunk else self._seated_rad if self._jolted else self._slumped_rad
        if tilt_rad < limit_rad:
            self._down_since_ns = None
            if tilt_rad < self._seated_rad:
                self._excused_until_ns, self._next_wait_ns = None, self._ask_again_ns
            return None
        if self._down_since_ns is None:
            self._down_since_ns = t_ns
        down_ns = t_ns - self._down_since_ns
        if t_ns - self._jolted_ns < RESTS_NS:
            return None
        if self._excused_until_ns is not None:
            asks = t_ns >= self._excused_until_ns and down_ns >= self._down_ns
        elif not walking and may_rest:
            asks = down_ns >= self._rest_ns
        elif hardest is not None and tilt_rad >= self._down_rad and self._fell(t_ns, *hardest):
            return _evidence("impact in a walk", tilt_rad, hardest[1], (t_ns - hardest[0]) * 1e-9)
        else:
            asks = down_ns >= self._patience_ns(tilt_rad, bent)
        return _evidence("posture", tilt_rad, None, down_ns * 1e-9) if asks else None

    def _patience_ns(self, tilt_rad: float, bent: bool) -> int:
        if bent:
            return self._bent_ns
        return self._down_ns if tilt_rad >= self._down_rad else self._seated_ns

    def _fell(self, t_ns: int, impact_ns: int, impact_mps2: float) -> bool:
        """Down with a jolt in the middle of a walk: nobody lies down like this, whatever the trees say."""
        since_ns = self._down_since_ns
        lay = since_ns is not None and impact_ns - _FALLS_NS <= since_ns <= impact_ns + self._settle_ns
        return lay and impact_mps2 >= self._impact_mps2 and t_ns - impact_ns >= self._decide_ns


def _evidence(path: str, tilt_rad: float | None, peak_mps2: float | None, age_s: float) -> Evidence:
    return {
        "path": path,
        "tilt_deg": None if tilt_rad is None else round(math.degrees(tilt_rad), 1),
        "impact_g": None if peak_mps2 is None else round(peak_mps2 / G0_MPS2, 2),
        "impact_age_s": round(age_s, 2),
    }
