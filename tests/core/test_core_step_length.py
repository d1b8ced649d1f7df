"""How long her steps are, learned from what she backs towards, and how far they brought her."""

import math
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.core.estimators.step_length import LONGEST_M, SHORTEST_M, StepLength, StepLengthConfig

S = 1_000_000_000
PING_S = 0.05
STEP_S = 0.6
START_M = 0.36


@dataclass
class Thing:
    since_ns: int
    distance_m: float
    sure: bool = True


@dataclass
class Steps:
    count: int = 0
    last_ns: int | None = None


class Way:
    """A walker who takes steps of one length, one each 0.6 s, before something that may move by itself."""

    def __init__(self, config: StepLengthConfig | None = None) -> None:
        self.length = StepLength(config or StepLengthConfig(), START_M)
        self.steps = Steps()
        self.t_s = 0.0
        self.thing = Thing(1, 3.5)

    def see(self, distance_m: float) -> "Way":
        """Something else, there from now on."""
        self.thing = Thing(round(self.t_s * S) + 1, distance_m)
        return self

    def pass_by(self, seconds: float, step_m: float = 0.0, thing_mps: float = 0.0, seen: bool = True) -> "Way":
        """`step_m` of each step, 0 for standing; `thing_mps` at which the thing comes by itself."""
        mps, until_s = step_m / STEP_S + thing_mps, self.t_s + seconds
        next_s = self.t_s + STEP_S
        while self.t_s < until_s:
            self.t_s += PING_S
            self.thing.distance_m = max(0.2, self.thing.distance_m - mps * PING_S)
            if step_m and self.t_s >= next_s - 1e-9:
                next_s += STEP_S
                self.steps = Steps(self.steps.count + 1, round(self.t_s * S))
            self.length.update(round(self.t_s * S), [replace(self.thing)] if seen else [], self.steps)
        return self

    def approach(self, step_m: float, count: int = 6, thing_mps: float = 0.0) -> "Way":
        """She stands, walks and stands again; the thing is new, and comes by itself all the while."""
        self.see(step_m * count + 0.5 + max(0.0, thing_mps) * (count * STEP_S + 5.0))
        return self.pass_by(2, 0.0, thing_mps).pass_by(count * STEP_S, step_m, thing_mps).pass_by(3, 0.0, thing_mps)


def test_before_anything_was_approached_it_is_what_was_assumed_and_unsure() -> None:
    way = Way().pass_by(60, 0.5, seen=False)
    assert way.length.length_m == START_M
    assert way.length.sd_m == pytest.approx(0.3 * START_M)


@pytest.mark.parametrize("step_m", [0.15, 0.25, 0.36, 0.5, 0.7])
def test_one_approach_to_a_wall_tells_the_length_of_the_steps(step_m: float) -> None:
    way = Way().approach(step_m)
    assert way.length.runs == 1
    assert way.length.length_m == pytest.approx(step_m, rel=0.15)
    assert abs(way.length.length_m - step_m) < 2 * way.length.sd_m


def test_more_approaches_make_it_surer() -> None:
    way, seen = Way(), []
    for _ in range(6):
        seen.append(way.approach(0.25).length.sd_m)
    assert seen[0] > seen[-1] > 0.1 * way.length.length_m, "it is never surer than her way is square to what she sees"
    assert way.length.length_m == pytest.approx(0.25, rel=0.03)


def test_who_comes_towards_her_is_no_measure_of_her_steps() -> None:
    way = Way().approach(0.3, thing_mps=0.2).pass_by(4, 0.0, 0.2)
    assert (way.length.runs, way.length.length_m) == (0, START_M)


def test_a_partner_who_follows_teaches_nothing() -> None:
    way = Way().see(1.0).pass_by(2, 0.0).pass_by(60, 0.4, -0.4 / STEP_S).pass_by(3, 0.0)
    assert (way.length.runs, way.length.length_m) == (0, START_M)


def test_what_vanished_before_it_was_seen_to_stand_teaches_little() -> None:
    stood, vanished = Way().approach(0.25), Way()
    vanished.pass_by(0.2, 0.0, seen=False).see(3.0).pass_by(3.6, 0.25).pass_by(1, 0.25, seen=False)
    assert vanished.length.runs == 1
    assert 1.5 * stood.length.sd_m < vanished.length.sd_m < 0.3 * START_M
    assert 0.25 < vanished.length.length_m < START_M


def test_a_thing_that_was_seen_to_stand_before_she_set_off_counts_in_full() -> None:
    way = Way().see(3.0).pass_by(2, 0.0).pass_by(3.6, 0.25).pass_by(1, 0.25, seen=False)
    assert way.length.sd_m == pytest.approx(Way().approach(0.25).length.sd_m, rel=0.1)


def test_one_odd_approach_is_no_new_length_and_two_alike_are() -> None:
    way = Way()
    for _ in range(5):
        way.approach(0.25)
    known_m = way.length.length_m
    way.approach(0.6)
    assert way.length.length_m == pytest.approx(known_m, rel=0.01)
    way.approach(0.6)
    assert way.length.length_m == pytest.approx(0.6, rel=0.15)


def test_what_was_learned_long_ago_is_less_sure() -> None:
    way = Way().approach(0.25)
    sd_m = way.length.sd_m
    way.pass_by(600, 0.25, seen=False)
    assert sd_m < way.length.sd_m <= math.hypot(0.3 * START_M, 0.1 * way.length.length_m)


def test_some_steps_later_it_is_nearly_as_sure_as_it_was() -> None:
    way = Way().approach(0.25)
    sd_m = way.length.sd_m
    assert way.pass_by(12, 0.25, seen=False).length.sd_m < 1.1 * sd_m


@pytest.mark.parametrize(("step_m", "count"), [(0.3, 4), (0.09, 9)])
def test_too_few_steps_or_too_short_a_way_teach_nothing(step_m: float, count: int) -> None:
    way = Way(StepLengthConfig(least_steps=6, least_way_m=1.0)).approach(step_m, count)
    assert way.length.runs == 0


def test_what_may_be_no_thing_at_all_teaches_nothing() -> None:
    way = Way()
    for index in range(400):
        t_s = index * PING_S
        steps = Steps(index // 12, round(t_s * S)) if 3.0 < t_s < 9.0 else way.steps
        way.steps = steps
        way.length.update(round(t_s * S), [Thing(1, 3.5 - 0.02 * max(0, min(index, 180) - 60), sure=False)], steps)
    assert way.length.runs == 0


def test_the_way_of_many_steps_is_told_with_its_error() -> None:
    way_m, sd_m = Way().length.way_m(100)
    assert way_m == pytest.approx(36.0)
    assert sd_m == pytest.approx(36.0 * math.hypot(0.3, 0.05))


@given(
    way_m=st.floats(allow_nan=True, allow_infinity=True),
    steps=st.integers(-5, 50),
    share=st.floats(0.01, 1.0),
)
def test_no_run_of_steps_makes_the_length_absurd(way_m: float, steps: int, share: float) -> None:
    length = StepLength(StepLengthConfig(), START_M)
    for _ in range(3):
        length.learn(way_m, steps, share)
    assert SHORTEST_M <= length.length_m <= LONGEST_M
    assert 0.0 < length.sd_m <= math.hypot(0.3 * START_M, 0.1 * length.length_m) * 1.001


def test_what_is_no_number_is_not_there() -> None:
    way = Way()
    for index in range(200):
        thing = Thing(1, (math.nan, math.inf, -math.inf)[index % 3])
        way.length.update(index * S // 20, [thing], Steps(index // 12, index * S // 20))
    assert (way.length.runs, way.length.length_m) == (0, START_M)


@pytest.mark.parametrize(
    "key", ["people_share", "aslant_share", "stands_share", "may_move_share", "count_share", "least_way_m"]
)
def test_a_setting_out_of_its_bounds_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=f"step_length: {key}"):
        StepLengthConfig(**{key: 9.0})
