"""What echoes seldom, and comes nearer between two pings by more than its echoes scatter, is warned of in time."""

from itertools import count

import pytest
from way_behind import Echoes, Range, Way, follower, rail

from firmware.core.estimators.approach import Approach, ApproachConfig
from firmware.core.messages import Severity

FOOT_M, STOP_S = 0.35, 1.0
LATER_S = 1.0  # she has come nearer for so long


def every(nth: int, distance_m: Range, otherwise: Range = lambda _: None) -> Range:
    """Echoes of something in every nth ping alone."""
    pings = count()
    return lambda t_s: distance_m(t_s) if next(pings) % nth == 0 else otherwise(t_s)


def towards(start_m: float, mps: float) -> Range:
    return lambda t_s: max(start_m - mps * t_s, 0.05)


def sounds_when_due(way: Way, since_s: float, start_m: float, mps: float) -> bool:
    """From where she needs a second to stop until she would touch it."""
    due_s = since_s + max((start_m - mps * STOP_S - FOOT_M) / mps, LATER_S)
    begins_s = way.warned(since_s)
    ends_s = [t_s for t_s, tier in way.tiers if t_s > due_s and tier in (Severity.NONE, Severity.CAUTION)]
    return bool(begins_s) and begins_s[0] <= due_s and not ends_s


@pytest.mark.parametrize("period_s", [0.05, 0.1, 0.15, 0.2])
@pytest.mark.parametrize("closing_mps", [0.3, 0.6, 1.0, 1.5, 2.0, 2.4])
@pytest.mark.parametrize("walking_mps", [0.0, 0.6])
def test_three_echoes_are_of_one_thing_however_far_apart_they_are(
    period_s: float, closing_mps: float, walking_mps: float
) -> None:
    approach = Approach(ApproachConfig())
    for index in range(3):
        t_s = 1.0 + index * period_s
        approach.update(round(t_s * 1e9), 3.0 - closing_mps * index * period_s, walking_mps)
    assert approach.nearest is not None
    assert approach.nearest.sure
    assert approach.nearest.distance_m == pytest.approx(3.0 - closing_mps * 2 * period_s, abs=0.05)


@pytest.mark.parametrize("closing_mps", [2.7, 4.0, -2.0])
def test_three_echoes_that_nobody_who_walks_could_make_are_of_three_things(closing_mps: float) -> None:
    approach = Approach(ApproachConfig())
    for index in range(3):
        approach.update(1_000_000_000 + index * 100_000_000, 2.0 - closing_mps * index * 0.1, 0.0)
    assert not any(thing.sure for thing in approach.things)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("mps", [0.2, 0.5, 0.8, 1.1])
@pytest.mark.parametrize("stepping", [True, False], ids=["steps seen", "no steps seen"])
@pytest.mark.parametrize("noise_m", [0.003, 0.02])
def test_what_echoes_in_every_third_ping_is_warned_of_in_time(
    nth: int, mps: float, stepping: bool, noise_m: float
) -> None:
    start_m = min(mps * 3.0 + 0.5, 3.9)
    way = Way(Echoes(noise_m=noise_m)).stand(2, None)
    since_s = way.t_s
    way.go((start_m - 0.1) / mps, every(nth, towards(start_m, mps)), stepping=stepping)
    assert sounds_when_due(way, since_s, start_m, mps)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("kept", [rail, follower])
@pytest.mark.parametrize("mps", [0.4, 0.7])
@pytest.mark.parametrize("at_m", [1.2, 1.8])
def test_a_pole_before_what_keeps_its_distance_is_not_held_for_it(
    nth: int, kept: object, mps: float, at_m: float
) -> None:
    keeps: Range = kept(5, at_m)  # type: ignore[operator]
    way = Way().stand(4, at_m).walk(30, keeps)
    assert way.mode is not None
    since_s = way.t_s
    way.walk((at_m - 0.1) / mps, every(nth, towards(at_m, mps), keeps))
    due_s = since_s + max((at_m - mps * STOP_S - FOOT_M) / mps, LATER_S) + 0.15
    assert way.warned(since_s)
    assert way.warned(since_s)[0] <= due_s
