"""How long this walker's steps are, learned from how much nearer each one brings her to something that stands still."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StepLengthConfig:
    """How fast the length of a step is learned, and how sure anybody can be of it.

    Shares are standard deviations, as a part of the length. Until something is seen, it is `steps.step_length_m`.
    """

    people_share: float = 0.30  # how far people's lengths lie from the one that is assumed at first
    aslant_share: float = 0.10  # her way is not square to what she sees, time after time: never surer than this
    stands_share: float = 0.05  # of a run towards what was seen to stand still
    may_move_share: float = 0.25  # the same of what may have moved by itself
    count_share: float = 0.05  # of the steps are counted wrongly, one more or one less
    wander_share: float = 0.01  # from each step to the next
    least_steps: int = 2  # of a run
    least_way_m: float = 0.5  # of a run; sway and echoes are a tenth of it

    def __post_init__(self) -> None:
        for key, low, high in (
            ("people_share", 0.1, 0.6),
            ("aslant_share", 0.05, 0.3),
            ("stands_share", 0.03, 0.3),
            ("may_move_share", 0.1, 0.6),
            ("count_share", 0.01, 0.2),
            ("wander_share", 0.001, 0.05),
            ("least_steps", 2, 20),
            ("least_way_m", 0.3, 2.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"step_length: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class Seen(Protocol):
    """Something that echoes; `firmware.core.estimators.approach.Thing` fits. No two begin at the same time."""

    since_ns: int
    distance_m: float
    sure: bool


class Counted(Protocol):
    """`firmware.core.estimators.steps.Steps` fits."""

    count: int
    last_ns: int | None


SHORTEST_M, LONGEST_M = 0.08, 0.90
"""No run of steps is shorter or longer than this: it was no walk, or no approach."""
_ECHO_M = 0.03  # of the range at either end of a run
_STOPPED_NS = 1_300_000_000  # without a step for so long: slow steps take less
_STANDS_NS, _STANDS_M = 800_000_000, 0.06  # what kept its distance so long while she stood, stands
_STOOD_LATELY_NS = 2_500_000_000  # before her first step was counted
_MOVES_M = 0.15  # and what came so much nearer then, moves
_WAITS_NS = 4_000_000_000  # for that to be known
_SURPRISE_SD = 3.0
_TWICE_SHARE = 0.15  # two surprises as near to each other are none


@dataclass(slots=True)
class _Run:
    """Steps towards one thing; `ended_ns` when she stopped, and `stood_m` where it was then."""

    thing_ns: int
    steps: int
    first_m: float
    last_steps: int
    last_m: float
    stands: bool
    ended_ns: int | None = None
    stood_m: float = 0.0


@dataclass(slots=True)
class _Place:
    """Since when a thing has been where, and when it was last known to stand."""

    since_ns: int
    there_m: float
    stood_ns: int | None


class StepLength:
    """`length_m` with its standard deviation `sd_m`: a Kalman filter of runs of steps towards something.

    A run is an approach to one thing; steps and ranges are taken at the same moment of the step, so that the surge of
    the trunk cancels out. Whether the thing stands is seen while she does, before the run or after it; of what moves
    nothing is learned. Older people have one length at all their speeds (Laufer 2005, J. Gerontol. A 60, 627), so one
    length is learned, and lets go of it slowly.
    """

    def __init__(self, config: StepLengthConfig, start_m: float) -> None:
        """`start_m` is assumed until something was approached."""
        self._config = config
        self._people_var = (config.people_share * start_m) ** 2
        self._var = self._people_var
        self._run: _Run | None = None
        self._places: dict[int, _Place] = {}  # by the thing
        self._count: int | None = None
        self._surprise_m: float | None = None
        self.length_m = start_m
        self.runs = 0  # that were learned from

    @property
    def sd_m(self) -> float:
        """Of the length of her usual step. More runs make it smaller, but for what is wrong with each of them alike."""
        aslant_m = self._config.aslant_share * self.length_m if self.runs else 0.0
        return math.sqrt(self._var + aslant_m * aslant_m)

    def way_m(self, steps: int) -> tuple[float, float]:
        """How far so many steps have brought her, with the standard deviation of that."""
        share = self._config.count_share
        return steps * self.length_m, steps * math.hypot(self.sd_m, share * self.length_m)

    def forget(self) -> None:
        """Nothing is known about the way behind: the run under way is none."""
        self._run = None
        self._places.clear()

    def learn(self, way_m: float, steps: int, share: float) -> bool:
        """She came so far with so many steps; `share` is the standard deviation of that. False: it is not believed."""
        if steps <= 0 or not (math.isfinite(way_m) and SHORTEST_M <= way_m / steps <= LONGEST_M):
            return False
        found_m = way_m / steps
        noise = (share * found_m) ** 2 + 2.0 * (_ECHO_M / steps) ** 2
        off_m, before_m = found_m - self.length_m, self._surprise_m
        if abs(off_m) > _SURPRISE_SD * math.sqrt(self._var + noise):
            self._surprise_m = found_m
            if before_m is None or abs(found_m - before_m) > _TWICE_SHARE * found_m:
                return False
            self._var = self._people_var  # twice the same: she walks otherwise now
        self._surprise_m = None
        gain = self._var / (self._var + noise)
        self.length_m += gain * off_m
        self._var *= 1.0 - gain
        self.runs += 1
        return True

    def update(self, t_ns: int, things: Iterable[Seen], steps: Counted) -> None:
        """One reading of the rangefinder: what is there now, and the steps so far."""
        sure = [thing for thing in things if thing.sure and math.isfinite(thing.distance_m)]
        stepped = self._count is not None and steps.count > self._count
        if self._count is not None and stepped:
            self._wander(steps.count - self._count)
        self._count = steps.count
        standing = steps.last_ns is None or t_ns - steps.last_ns > _STOPPED_NS
        self._watch_still(t_ns, sure, standing)
        run = self._run
        if run is None:
            if stepped and sure:
                self._begin(t_ns, min(sure, key=_distance_m), steps.count)
            return
        thing = next((thing for thing in sure if thing.since_ns == run.thing_ns), None)
        if thing is None:
            self._end(run, run.stands)  # as far as it was seen
        elif run.ended_ns is not None:
            self._look_back(t_ns, run, run.ended_ns, thing, stepped)
        elif standing:
            run.ended_ns, run.stood_m = t_ns, thing.distance_m
        elif stepped:
            run.last_steps, run.last_m = steps.count, thing.distance_m

    def _begin(self, t_ns: int, thing: Seen, count: int) -> None:
        place = self._places.get(thing.since_ns)
        stood = place is not None and place.stood_ns is not None and t_ns - place.stood_ns < _STOOD_LATELY_NS
        self._run = _Run(thing.since_ns, count, thing.distance_m, count, thing.distance_m, stood)

    def _look_back(self, t_ns: int, run: _Run, ended_ns: int, thing: Seen, stepped: bool) -> None:
        """She has stopped: does it stand, too?"""
        if run.stood_m - thing.distance_m > _MOVES_M:
            self._run = None
        elif stepped or t_ns - ended_ns > _WAITS_NS:
            self._end(run, run.stands)
        elif t_ns - ended_ns > _STANDS_NS and abs(thing.distance_m - run.stood_m) < _STANDS_M:
            self._end(run, True)

    def _end(self, run: _Run, stands: bool) -> None:
        self._run = None
        steps, way_m = run.last_steps - run.steps, run.first_m - run.last_m
        if steps >= self._config.least_steps and way_m >= self._config.least_way_m:
            self.learn(way_m, steps, self._config.stands_share if stands else self._config.may_move_share)

    def _watch_still(self, t_ns: int, sure: list[Seen], standing: bool) -> None:
        """When each thing was last seen to keep its place while she stood. A step is counted once it is over."""
        before, self._places = self._places, {}
        for thing in sure:
            place = before.get(thing.since_ns)
            if place is None or not standing or abs(thing.distance_m - place.there_m) > _STANDS_M:
                place = _Place(t_ns, thing.distance_m, None if place is None else place.stood_ns)
            elif t_ns - place.since_ns > _STANDS_NS:
                place.stood_ns = t_ns
            self._places[thing.since_ns] = place

    def _wander(self, steps: int) -> None:
        more = steps * (self._config.wander_share * self.length_m) ** 2
        self._var = min(self._var + more, self._people_var)


def _distance_m(thing: Seen) -> float:
    return thing.distance_m
