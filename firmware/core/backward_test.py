"""The 3-m backward walk test: guided by sound and one button, timed by the trunk's movement, checked by the range.

She asks for it, stands still, hears "go", walks 3 m backward as fast as is safe, and hears "done". She stops at a mark
on the floor, or somebody presses the button there, and the way has to agree with 3 m: by the rangefinder as far as it
sees something that stands, by her steps else. Where it sees enough, she may walk on: the time is that at which she
passed 3 m.

Clinics time from the word "go" (Carter 2019); here the time begins with her first movement, so it is shorter by her
reaction to the sound.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from firmware.core.messages import BackwardTest, Pattern

WAY_M = 3.0


@dataclass(frozen=True, slots=True)
class Band:
    """What was published about a time. No diagnosis: groups of people, not one of them."""

    limit_s: float
    says: str
    source: str


BANDS: tuple[Band, ...] = (
    Band(
        3.5,
        "below it, a faller is unlikely (98 % of the fallers were slower)",
        "Polo-Ferrero 2025, 483 people of 76 years",
    ),
    Band(5.5, "from it on, a faller is more likely (59.5 % of the fallers, 31.4 % of the others)", "Polo-Ferrero 2025"),
    Band(8.15, "from it on, falls followed among residents of a nursing home", "Kapan 2025"),
)
"""From peers.md, 3.2. 3 m in 5.5 s are 0.55 m/s; all of the fallers of Fritz 2013 walked slower than 0.6 m/s."""


@dataclass(frozen=True, slots=True)
class BackwardTestConfig:
    """How long she has for each part, and how well 3 m have to agree."""

    still_s: float = 2.0  # so long she stands still before "go"
    settle_s: float = 20.0  # and has so long to begin with that
    set_off_s: float = 10.0  # after "go"
    longest_s: float = 40.0  # nobody needs longer who may walk alone
    stopped_s: float = 0.7  # so long without movement is a stop
    agree_m: float = 0.3  # from 3 m, or twice the standard deviation of the way where that is more
    sure_m: float = 0.3  # no more standard deviation, and who walks on past 3 m ends it so
    turned_deg: float = 60.0  # so far is no straight way

    def __post_init__(self) -> None:
        for key, low, high in (
            ("still_s", 1.0, 5.0),
            ("settle_s", 5.0, 60.0),
            ("set_off_s", 3.0, 30.0),
            ("longest_s", 15.0, 120.0),
            ("stopped_s", 0.4, 2.0),
            ("agree_m", 0.1, 0.6),
            ("sure_m", 0.05, 0.4),
            ("turned_deg", 30.0, 120.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"backward_test: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class Seen(Protocol):
    """Something that echoes; `firmware.core.estimators.approach.Thing` fits."""

    since_ns: int
    distance_m: float
    sure: bool


class Trunk(Protocol):
    """After a slice; `firmware.core.estimators.attitude.Attitude` fits."""

    magnitude_mps2: float
    turning_radps: float
    yaw_radps: float


class Counted(Protocol):
    """`firmware.core.estimators.steps.Steps` fits."""

    count: int
    last_ns: int | None


class Length(Protocol):
    """`firmware.core.estimators.step_length.StepLength` fits."""

    length_m: float

    @property
    def sd_m(self) -> float: ...


_STANDS_MPS2, _STANDS_RADPS = 0.6, 0.35
"""Who waits for "go" is below."""
_STILL_MPS2, _STILL_RADPS = 0.2, 0.08
_RESTLESS = 1.5
"""And has set off above this, or so many times her own largest while she waited, where that is more."""
_STEADY_S = 2.0  # over which the size of gravity is followed while she stands
_SOUNDS_NS = 200_000_000  # nobody sets off so soon after "go", but the motor shakes
_FIDGET_NS = 400_000_000  # a movement, then so long none, and no step: she did not set off
_NO_STEP_NS = 1_500_000_000  # after a step: she has stopped, or stepped too softly to be seen
_LEAST_STEPS = 3
_GAP_NS = 500_000_000
_ANEW_NS = 5_000_000_000  # two presses so soon after one that gave a test up ask for no other one
_RANGE_SHARE = 0.05  # of the way that was seen: it was not quite square
_STEP_SHARE = 0.1  # of the steps that were not seen, by those that were
_EDGE_STEPS = 0.5  # the first one and the last one are shorter, and a thing comes into sight in mid step
_SURELY_SD, _PLAUSIBLE_SD = 2.0, 3.0
_SEEN_STEPS = 3  # from so many on the range tells how long her steps are


class _Still:
    """Whether the trunk is still, by her own restlessness."""

    def __init__(self) -> None:
        self._gravity_mps2: float | None = None
        self._shook_mps2 = self._turned_radps = 0.0

    def judge(self, dt_s: float, trunk: Trunk, waits: bool) -> bool:
        """False as well for what is no number. `waits`: for "go", and how restless she is then is learned."""
        size, turning = trunk.magnitude_mps2, trunk.turning_radps
        if not math.isfinite(size + turning):
            return False
        if self._gravity_mps2 is None:
            self._gravity_mps2 = size
        shook = abs(size - self._gravity_mps2)
        if not waits:
            still = shook < max(_STILL_MPS2, _RESTLESS * self._shook_mps2)
            return still and turning < max(_STILL_RADPS, _RESTLESS * self._turned_radps)
        self._gravity_mps2 += dt_s / (_STEADY_S + dt_s) * (size - self._gravity_mps2)
        still = shook < _STANDS_MPS2 and turning < _STANDS_RADPS
        if still:
            self._shook_mps2, self._turned_radps = max(self._shook_mps2, shook), max(self._turned_radps, turning)
        return still

    def restart(self) -> None:
        """She has moved: what was learned is not how she stands."""
        self._shook_mps2 = self._turned_radps = 0.0


class _Way:
    """How far she has come: what the range says while it sees something, and steps where it does not."""

    def __init__(self, length: Length) -> None:
        self._length = length
        self._thing_ns: int | None = None
        self._there_m = 0.0
        self._heard_ns = 0
        self._unseen = 0.0
        self.seen_m = 0.0
        self._seen_steps = 0.0
        self._stepped_m = 0.0  # what was seen by the last step
        self.steps = 0

    def step(self, count: int) -> None:
        self.steps += count
        if self._thing_ns is None:
            self._unseen += count
        else:
            self._seen_steps += count
            self._stepped_m = self.seen_m

    def look(self, t_ns: int, things: Iterable[Seen]) -> None:
        """The same thing for as long as it is there, then the nearest."""
        sure = [thing for thing in things if thing.sure and math.isfinite(thing.distance_m)]
        same = next((thing for thing in sure if thing.since_ns == self._thing_ns), None)
        if same is not None:
            self.seen_m += self._there_m - same.distance_m
        elif sure and (self._thing_ns is None or t_ns - self._heard_ns > _GAP_NS):
            same = min(sure, key=_distance_m)
            if self.steps:  # in mid step, as far as anybody knows
                self._unseen += 0.5
                self._seen_steps -= 0.5
        if same is not None:
            self._thing_ns, self._there_m, self._heard_ns = same.since_ns, same.distance_m, t_ns
        elif t_ns - self._heard_ns > _GAP_NS:
            self._thing_ns = None

    @property
    def range_m(self) -> float | None:
        """What was seen to come nearer as her steps do; None: nothing, or something that moves by itself."""
        if self._seen_steps < _SEEN_STEPS:
            return None
        off_m = self._stepped_m / self._seen_steps - self._length.length_m
        near = abs(off_m) <= _PLAUSIBLE_SD * math.hypot(self._length.sd_m, _RANGE_SHARE * self._length.length_m)
        return self.seen_m if near else None

    def told(self) -> tuple[float, float]:
        """The way and its standard deviation."""
        seen_m, length = self.range_m, self._length
        if seen_m is None:
            return self.steps * length.length_m, self.steps * length.sd_m + 0.5 * length.length_m
        step_m, unseen = self._stepped_m / self._seen_steps, self._unseen
        edge_m = _EDGE_STEPS * step_m if unseen else 0.0
        unseen_m = unseen * step_m
        return seen_m + unseen_m, math.hypot(_RANGE_SHARE * seen_m, _STEP_SHARE * unseen_m, edge_m)


class _State(Enum):
    IDLE = 0
    SETTLES = 1
    SETS_OFF = 2
    WALKS = 3
    MARKED = 4  # by a press, which may yet be the first one of a call for help


class BackwardTestRun:
    """One test after another. `feel`, `look`, `press` and `wait` cost nothing while none is under way.

    Each returns what is to be told: patterns to play once, and the test when it is over. Whoever warns of something,
    or finds a fall or a fault, calls `void` and goes on as ever: the test never holds anything back.
    """

    def __init__(self, config: BackwardTestConfig, length: Length, presses_within_s: float = 2.0) -> None:
        """A press that no other one follows within `presses_within_s` is the mark."""
        self._config, self._length = config, length
        self._within_ns = round(presses_within_s * 1e9)
        self._state = _State.IDLE
        self._marked: list[Pattern | BackwardTest] = []
        self._since_ns = self._t_ns = self._told_ns = 0  # of the state, of the last slice, of the last reading
        self._quiet_ns: int | None = None  # since when the trunk is still
        self._onset_ns: int | None = None
        self._passed_ns: int | None = None  # when she was at 3 m, as far as is known
        self._count: int | None = None
        self._turned_rad = self._told_m = 0.0
        self._still, self._way = _Still(), _Way(length)
        self._pressed_ns = -_ANEW_NS

    @property
    def active(self) -> bool:
        return self._state is not _State.IDLE

    @property
    def since_ns(self) -> int | None:
        """When she set off; None before she has."""
        return self._onset_ns if self._state is _State.WALKS else None

    def ask(self, now_ns: int) -> list[Pattern | BackwardTest]:
        """She wants to be measured: while she stands, in ready or in a pause. Asked again, she gives it up."""
        if self.active:
            return self.void(now_ns, "given up by the button")
        if now_ns - self._pressed_ns < _ANEW_NS:
            return []  # those two presses gave it up
        self._reset(now_ns)
        self._state = _State.SETTLES
        return [Pattern.MEASURE_READY]

    def press(self, t_ns: int) -> list[Pattern | BackwardTest]:
        """One short press: the mark, once she walks; before that she gives it up.

        What it came to is told when no other press follows: a call for help stores no test.
        """
        if self._state is _State.MARKED:
            return []
        if self.active:
            self._pressed_ns = t_ns
        if self._state is _State.WALKS:
            self._marked = self._judge(t_ns, t_ns)
            self._state = _State.MARKED
            return []
        return self.void(t_ns, "given up by the button")

    def void(self, now_ns: int, reason: str, *, called: bool = False) -> list[Pattern | BackwardTest]:
        """Something came in between: a warning, a fall, a fault, the end of the walk. Nothing where none is active.

        `called`: for help. Nothing else undoes a test that was marked: she was at its end before that came.
        """
        if not self.active:
            return []
        if self._state is _State.MARKED and not called:
            return self._tell_marked(now_ns)
        way_m = round(self._way.told()[0], 2)
        return self._finish(Pattern.MEASURE_VOID, BackwardTest(now_ns, None, way_m, None, self._way.steps, reason))

    def feel(self, t_ns: int, trunk: Trunk, steps: Counted) -> list[Pattern | BackwardTest]:
        """One slice, after the attitude and the steps have followed it."""
        if self._state in (_State.IDLE, _State.MARKED):
            return []
        dt_s, self._t_ns = max(0.0, (t_ns - self._t_ns) * 1e-9), t_ns
        still = self._still.judge(dt_s, trunk, self._state is _State.SETTLES)
        self._quiet_ns = None if not still else self._quiet_ns or t_ns
        stepped = 0 if self._count is None else steps.count - self._count
        self._count = steps.count
        if self._state is _State.SETTLES:
            return self._settle(t_ns, stepped > 0)
        if self._state is _State.SETS_OFF:
            self._set_off(t_ns, still, stepped)
        else:
            self._way.step(max(0, stepped))
        yaw_radps = trunk.yaw_radps if math.isfinite(trunk.yaw_radps) else 0.0
        self._turned_rad += yaw_radps * dt_s
        if abs(self._turned_rad) > math.radians(self._config.turned_deg):
            return self.void(t_ns, f"turned by more than {self._config.turned_deg:g} degrees")
        if self._state is _State.WALKS and (stopped_ns := self._stopped_ns(t_ns, steps)) is not None:
            return self._judge(t_ns, stopped_ns)
        return []

    def look(self, t_ns: int, things: Iterable[Seen]) -> list[Pattern | BackwardTest]:
        """One reading of the rangefinder. Once she is surely beyond 3 m by what it sees, the test is over."""
        if self._state in (_State.IDLE, _State.MARKED):
            return []
        before_m, before_ns = self._told_m, self._told_ns
        self._way.look(t_ns, things)
        way_m, sd_m = self._way.told()
        self._told_m, self._told_ns = way_m, t_ns
        if way_m < WAY_M:
            self._passed_ns = None
        elif self._passed_ns is None:
            share = (WAY_M - before_m) / (way_m - before_m) if before_m < way_m else 1.0
            self._passed_ns = before_ns + round(share * (t_ns - before_ns))
        seen = self._state is _State.WALKS and self._way.range_m is not None and sd_m <= self._config.sure_m
        if not seen or self._passed_ns is None or way_m < WAY_M + _SURELY_SD * sd_m:
            return []
        return self._done(t_ns, self._passed_ns, WAY_M)

    def wait(self, now_ns: int) -> list[Pattern | BackwardTest]:
        """Time passed."""
        config, waited_s = self._config, (now_ns - self._since_ns) * 1e-9
        if self._state is _State.SETTLES and waited_s > config.settle_s:
            return self.void(now_ns, f"did not stand still for {config.still_s:g} s")
        if self._state is _State.SETS_OFF and waited_s > config.set_off_s:
            return self.void(now_ns, "did not set off")
        if self._state is _State.WALKS and waited_s > config.longest_s:
            return self.void(now_ns, f"took longer than {config.longest_s:g} s")
        if self._state is _State.MARKED and now_ns - self._pressed_ns > self._within_ns:
            return self._tell_marked(now_ns)
        return []

    def _tell_marked(self, now_ns: int) -> list[Pattern | BackwardTest]:
        self._state = _State.IDLE
        return [replace(one, t_ns=now_ns) if isinstance(one, BackwardTest) else one for one in self._marked]

    def _reset(self, now_ns: int) -> None:
        self._still, self._way = _Still(), _Way(self._length)
        self._since_ns = self._t_ns = self._told_ns = now_ns
        self._quiet_ns = self._onset_ns = self._passed_ns = self._count = None
        self._turned_rad = self._told_m = 0.0

    def _settle(self, t_ns: int, stepped: bool) -> list[Pattern | BackwardTest]:
        if self._quiet_ns is None or stepped:
            self._quiet_ns = None
            self._still.restart()
            return []
        if t_ns - self._quiet_ns < self._config.still_s * 1e9:
            return []
        self._state, self._since_ns, self._turned_rad = _State.SETS_OFF, t_ns, 0.0
        self._way = _Way(self._length)
        return [Pattern.MEASURE_GO]

    def _set_off(self, t_ns: int, still: bool, stepped: int) -> None:
        """The movement that leads to the first step is the beginning; one that does not, is none."""
        if not still and self._onset_ns is None and t_ns - self._since_ns > _SOUNDS_NS:
            self._onset_ns = t_ns
        elif self._quiet_ns is not None and t_ns - self._quiet_ns > _FIDGET_NS:
            self._onset_ns = None
        if stepped > 0:
            self._onset_ns = t_ns if self._onset_ns is None else self._onset_ns
            self._state, self._since_ns = _State.WALKS, self._onset_ns
            self._way.step(stepped)

    def _stopped_ns(self, t_ns: int, steps: Counted) -> int | None:
        """When she stopped, once that is sure; None while she walks."""
        if self._quiet_ns is not None and t_ns - self._quiet_ns >= self._config.stopped_s * 1e9:
            return self._quiet_ns
        if steps.last_ns is not None and t_ns - steps.last_ns > _NO_STEP_NS:
            return steps.last_ns
        return None

    def _judge(self, now_ns: int, end_ns: int) -> list[Pattern | BackwardTest]:
        """She has come to the end, by whatever told so: does the way agree with 3 m?"""
        (way_m, sd_m), steps = self._way.told(), self._way.steps
        if abs(way_m - WAY_M) > max(self._config.agree_m, _SURELY_SD * sd_m) or steps < _LEAST_STEPS:
            return self.void(now_ns, f"stopped after {way_m:.1f} m, expected {WAY_M:g} m")
        return self._done(now_ns, end_ns, way_m)

    def _done(self, now_ns: int, end_ns: int, way_m: float) -> list[Pattern | BackwardTest]:
        assert self._onset_ns is not None  # who walks has set off
        duration_s, range_m = round((end_ns - self._onset_ns) * 1e-9, 2), self._way.range_m
        seen_m = None if range_m is None else round(range_m, 2)
        test = BackwardTest(now_ns, duration_s, round(way_m, 2), seen_m, self._way.steps, "")
        return self._finish(Pattern.MEASURE_DONE, test)

    def _finish(self, pattern: Pattern, test: BackwardTest) -> list[Pattern | BackwardTest]:
        self._state = _State.IDLE
        return [pattern, test]


def _distance_m(thing: Seen) -> float:
    return thing.distance_m
