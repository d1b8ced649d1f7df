"""What is behind, how far, and how fast it comes nearer, from stamped echoes with gaps and wrong readings.

An ultrasonic rangefinder tells one echo a ping, the first. So a reading nearer than something known says nothing about
it: it is hidden for the moment. One that is farther went past where it should be. Each thing that may be there is
therefore followed by itself, and a single wrong reading is a thing of which nobody hears again.
"""

import math
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApproachConfig:
    """How echoes become things that are followed."""

    echo_sd_m: float = 0.02  # of a good echo: a few millimetres, and the swing of the trunk with each step
    change_mps: float = 0.2  # so much does a closing speed change within a second, as a random walk does (1 sd)
    unknown_mps: float = 0.3  # the same of a speed nobody has measured yet, on either side of the walking speed
    gate_m: float = 0.12  # an echo farther from its prediction is another thing's
    gate_mps: float = 1.5  # and so much farther with each second since the last reading
    agree_sd: float = 2.5  # two echoes are of one thing when no farther than so many sd from where it would be
    lost_s: float = 0.5  # not heard for so long, a thing is gone
    hidden_s: float = 1.0  # the same while nearer readings hide it; recorded runs of false short echoes last 12 pings
    passed: int = 3  # echoes in a row from beyond it: it is gone
    max_speed_mps: float = 2.5  # nobody walks backward faster
    nearing_m: float = 0.13  # so much nearer is an approach, however slow; sway is half of it
    nearing_s: float = 2.0  # within this time

    def __post_init__(self) -> None:
        for key, low, high in (
            ("echo_sd_m", 0.005, 0.05),
            ("change_mps", 0.05, 1.0),
            ("unknown_mps", 0.2, 1.0),
            ("gate_m", 0.08, 0.6),
            ("gate_mps", 0.5, 4.0),
            ("agree_sd", 2.0, 5.0),
            ("lost_s", 0.3, 1.0),
            ("hidden_s", 0.5, 2.0),
            ("passed", 2, 5),
            ("max_speed_mps", 1.5, 5.0),
            ("nearing_m", 0.08, 0.25),
            ("nearing_s", 1.5, 4.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"approach: {key} ({getattr(self, key)}) must lie between {low} and {high}")


MOST_THINGS = 4  # that are followed at once; the one not heard for longest gives way
MEASURED = 6  # echoes of its own: its speed is known rather from them than from how she walks
SELDOM, SELDOM_NS = 3, 350_000_000  # so many are enough where they come over so long a time: many are lost
SOLID_AFTER = 16  # echoes of its own
SCATTER_GAIN = 0.2  # of the mean square of the latest surprises, which a good echo's keep at 1 or below
HUBER_SD = 2.5
"""A surprise counts as no more standard deviations, so that a wrong echo within the gate cannot pull far (Huber 1964,
Ann. Math. Statist. 35, 73)."""


class Thing:
    """Something that echoes: a Kalman filter of its distance and of its closing speed, which wanders.

    `distance_m` and `closing_mps` hold for the last update, heard or not; `closing_sd_mps`: how uncertain the speed is,
    and `assumed_mps`: what it was taken to be at first. `sure`: two of three readings were its echoes, or three of
    seven. `heard`: the last reading was. `hidden`: the last reading was nearer. `solid`: no echo of something known
    beyond it went past it lately, as would past a false echo, or a thin thing. `nearing`: it came nearer lately by more
    than sway does, and still does, however slowly.
    """

    __slots__ = (
        "_change",
        "_config",
        "_dd",
        "_dv",
        "_lately",
        "_scatter",
        "_seen_through",
        "_vv",
        "assumed_mps",
        "closing_mps",
        "distance_m",
        "echoes",
        "heard",
        "heard_m",
        "heard_ns",
        "hidden",
        "latest",
        "nearing",
        "passed",
        "since_ns",
        "solid",
        "sure",
    )

    def __init__(self, config: ApproachConfig, t_ns: int, distance_m: float, walking_mps: float) -> None:
        self._config = config
        self._change = config.change_mps * config.change_mps
        self.distance_m, self.closing_mps, self.assumed_mps = distance_m, walking_mps, walking_mps
        self._dd, self._dv, self._vv = config.echo_sd_m**2, 0.0, config.unknown_mps**2
        self._lately: deque[tuple[int, float]] = deque()
        self.heard_ns = self.since_ns = t_ns
        self.heard_m = distance_m
        self.echoes, self.latest, self.passed = 1, 0b1, 0  # `latest`: the last seven readings, 1 for its echo
        self.heard, self.hidden, self.sure, self.solid, self.nearing = True, False, False, True, False
        self._seen_through, self._scatter = 0, 1.0
        self._note(t_ns)

    @property
    def measured(self) -> bool:
        """Its speed is known from its echoes: from six, or, where many are lost, from three over a longer time."""
        if self.echoes >= MEASURED:
            return True
        return self.echoes >= SELDOM and self.heard_ns - self.since_ns >= SELDOM_NS

    @property
    def closing_sd_mps(self) -> float:
        return math.sqrt(self._vv * max(1.0, self._scatter))

    def predict(self, dt_s: float) -> None:
        """Time passed: it went on as fast as it was, as far as anybody knows."""
        self.distance_m = max(0.0, self.distance_m - self.closing_mps * dt_s)
        change = self._change * dt_s
        self._dd += dt_s * (dt_s * (self._vv + change / 3.0) - 2.0 * self._dv)
        self._dv -= dt_s * (self._vv + change / 2.0)
        self._vv += change

    def surprise_sd(self, distance_m: float, dt_s: float) -> float | None:
        """How far an echo is from the prediction, in standard deviations; None: it cannot be its echo."""
        config, surprise_m = self._config, abs(distance_m - self.distance_m)
        sd_m = math.sqrt(self._dd + config.echo_sd_m**2)
        fits_m = config.agree_sd * sd_m
        if self.sure:  # as sure as the filter is, something that moves by itself may still surprise it
            fits_m = max(fits_m, config.gate_m + config.gate_mps * dt_s)
        return surprise_m / sd_m if surprise_m <= fits_m else None

    def hear(self, t_ns: int, distance_m: float) -> None:
        """Its echo: the estimate follows."""
        variance = self._dd + self._config.echo_sd_m**2
        surprise_m = distance_m - self.distance_m
        self._scatter += SCATTER_GAIN * (surprise_m * surprise_m / variance - self._scatter)
        most_m = HUBER_SD * math.sqrt(variance)
        surprise_m = min(max(surprise_m, -most_m), most_m)
        gain, gain_v = self._dd / variance, self._dv / variance
        self.distance_m = max(0.0, self.distance_m + gain * surprise_m)
        most_mps = self._config.max_speed_mps
        self.closing_mps = min(max(self.closing_mps + gain_v * surprise_m, -most_mps), most_mps)
        self._vv -= gain_v * self._dv
        self._dv -= gain * self._dv
        self._dd -= gain * self._dd
        self.heard_ns, self.heard_m, self.passed = t_ns, distance_m, 0
        self.echoes += 1
        self._turn(heard=True, hidden=False)
        self.sure = self.sure or (self.latest & 0b111).bit_count() >= 2 or self.latest.bit_count() >= 3
        self._seen_through = max(0, self._seen_through - 1)
        self.solid = self._seen_through == 0
        self._note(t_ns)

    def link(self, before: "Thing") -> bool:
        """True when an earlier echo may have been its own, if it closes faster than was assumed: the next one tells."""
        dt_s = (self.heard_ns - before.heard_ns) * 1e-9
        closing_mps = (before.heard_m - self.heard_m) / dt_s
        if not self.closing_mps < closing_mps <= self._config.max_speed_mps:
            return False
        self.closing_mps, self._dv = closing_mps, -self._dd / dt_s
        self._vv = 2.0 * self._dd / (dt_s * dt_s)
        return True

    def miss(self, distance_m: float | None, known: bool) -> None:
        """A reading that was not its echo: nearer, farther, or nothing within reach; `known`: of something sure."""
        hidden = distance_m is not None and distance_m < self.distance_m
        passed = not hidden and distance_m is not None
        self.passed += passed
        self._turn(heard=False, hidden=hidden)
        if passed and known:
            self._seen_through, self.solid = SOLID_AFTER, False

    def gone(self, t_ns: int) -> bool:
        config = self._config
        if not self.sure:
            return self.latest & 0b111 == 0  # three readings in a row were none of its echoes
        limit_s = config.hidden_s if self.hidden else config.lost_s
        return self.passed >= config.passed or t_ns - self.heard_ns > limit_s * 1e9

    def _turn(self, *, heard: bool, hidden: bool) -> None:
        self.heard, self.hidden = heard, hidden
        self.latest = (self.latest << 1 | heard) & 0b1111111

    def _note(self, t_ns: int) -> None:
        """Nearer than at any time lately, and much of it in the newer half: who has stopped is not nearing."""
        lately, distance_m, nearing_m = self._lately, self.distance_m, self._config.nearing_m
        nearing_ns = round(self._config.nearing_s * 1e9)
        while lately and lately[-1][1] <= distance_m:
            lately.pop()  # what was nearer before is no measure any more, so the first is always the farthest
        lately.append((t_ns, distance_m))
        while lately[0][0] < t_ns - nearing_ns:
            lately.popleft()
        self.nearing = False
        if lately[0][1] - distance_m >= nearing_m:
            half_ns = t_ns - nearing_ns // 2
            newer_m = next(farthest_m for noted_ns, farthest_m in lately if noted_ns >= half_ns)
            self.nearing = newer_m - distance_m >= 0.45 * nearing_m


class Approach:
    """`things` are those followed now; `nearest`, the one to tell of: the nearest that is sure, or else the newest."""

    def __init__(self, config: ApproachConfig) -> None:
        self._config = config
        self._t_ns: int | None = None
        self.things: list[Thing] = []
        self.nearest: Thing | None = None

    @property
    def distance_m(self) -> float | None:
        return None if self.nearest is None else self.nearest.distance_m

    @property
    def closing_mps(self) -> float | None:
        return None if self.nearest is None else self.nearest.closing_mps

    def update(self, t_ns: int, distance_m: float | None, walking_mps: float) -> None:
        """One reading, later than the one before; `walking_mps` is the speed of the walk, 0 when standing."""
        if self._t_ns is not None and t_ns <= self._t_ns:
            return
        dt_s = 0.0 if self._t_ns is None else (t_ns - self._t_ns) * 1e-9
        self._t_ns = t_ns
        for thing in self.things:
            thing.predict(dt_s)
        heard = None if distance_m is None else self._owner(dt_s, distance_m)
        for thing in self.things:
            if thing is heard and distance_m is not None:
                thing.hear(t_ns, distance_m)
            else:
                thing.miss(distance_m, heard is not None and heard.sure)
        unsure = [thing for thing in reversed(self.things) if not thing.sure]
        self.things = [thing for thing in self.things if not thing.gone(t_ns)]
        if heard is None and distance_m is not None:
            self._meet(t_ns, distance_m, walking_mps, unsure)
        self.nearest = self._nearest()

    def forget(self) -> None:
        """Nothing is known about the way behind."""
        self._t_ns = self.nearest = None
        self.things = []

    def time_to_collision_s(self) -> float | None:
        """None: nothing is followed, or it does not come nearer."""
        nearest = self.nearest
        if nearest is None or nearest.closing_mps <= 0.05:
            return None
        return nearest.distance_m / nearest.closing_mps

    def _nearest(self) -> Thing | None:
        """An echo of something that is sure went past all that is nearer."""
        sure = [thing for thing in self.things if thing.sure]
        if not sure:
            return self.things[-1] if self.things else None
        heard = [thing for thing in sure if thing.heard]
        return heard[0] if heard else min(sure, key=_distance_m)

    def _owner(self, dt_s: float, distance_m: float) -> Thing | None:
        """Whose echo it is: of those that fit, the one it surprises least."""
        found, least_sd = None, math.inf
        for thing in self.things:
            surprise_sd = thing.surprise_sd(distance_m, dt_s)
            if surprise_sd is not None and surprise_sd < least_sd:
                found, least_sd = thing, surprise_sd
        return found

    def _meet(self, t_ns: int, distance_m: float, walking_mps: float, unsure: list[Thing]) -> None:
        if len(self.things) == MOST_THINGS:
            self.things.remove(min(self.things, key=lambda thing: (thing.sure, thing.heard_ns)))
        new = Thing(self._config, t_ns, distance_m, walking_mps)
        any(new.link(before) for before in unsure)
        self.things.append(new)


def _distance_m(thing: Thing) -> float:
    return thing.distance_m
