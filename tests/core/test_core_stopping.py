"""How long she takes to stop is learned from warnings that she heeded, within bounds, and carried to the next walk."""

import math

import pytest

from firmware.core.detectors.obstacle import ObstacleConfig
from firmware.core.estimators.stopping import StoppingConfig, StoppingTime
from firmware.core.messages import StoppingBaseline

S = 1_000_000_000
DT_S = 0.05


def fresh() -> StoppingTime:
    return StoppingTime(StoppingConfig(), ObstacleConfig().reaction_s)


def approach(
    stopping: StoppingTime,
    takes_s: float,
    *,
    speed_mps: float = 0.6,
    steps_until_s: float | None = None,
    vanishes_s: float | None = None,
    start_s: float = 0.0,
    warned: bool = True,
) -> StoppingTime:
    """She walks, a warning begins, and `takes_s` later nothing comes nearer any more; steps end with it."""
    began_s, distance_m, lag_mps = start_s + 2.0, 3.5, speed_mps
    last_step_s = start_s
    for index in range(round(8.0 / DT_S)):
        t_s = start_s + index * DT_S
        closing_mps = speed_mps if t_s < began_s + takes_s else 0.0
        distance_m = max(0.3, distance_m - closing_mps * DT_S)
        lag_mps += (closing_mps - lag_mps) * DT_S / (0.15 + DT_S)  # as a filter follows
        ends_s = began_s + (takes_s if steps_until_s is None else steps_until_s)
        if t_s - last_step_s >= 0.6 and t_s < ends_s:
            last_step_s = t_s
        gone = vanishes_s is not None and t_s >= began_s + vanishes_s
        sounds = warned and began_s <= t_s < began_s + takes_s + 0.5
        seen = (None, None) if gone else (distance_m, lag_mps)
        stopping.update(round(t_s * S), sounds, *seen, round(last_step_s * S))
    return stopping


def learned(*takes_s: float) -> StoppingTime:
    stopping = fresh()
    for index, took_s in enumerate(takes_s):
        approach(stopping, took_s, start_s=10.0 * index)
    return stopping


def test_it_begins_with_what_older_adults_need() -> None:
    assert fresh().time_s == 1.05


@pytest.mark.parametrize("took_s", [0.9, 1.2, 1.5, 1.8])
def test_who_always_stops_alike_is_known_by_that_time(took_s: float) -> None:
    assert learned(*[took_s] * 40).time_s == pytest.approx(took_s, abs=0.12)


def test_one_slow_stop_counts_at_once_and_one_quick_stop_hardly() -> None:
    assert learned(1.7).time_s >= 1.35
    assert 1.0 <= learned(0.7).time_s < 1.05


def test_of_stops_that_differ_a_high_one_is_assumed() -> None:
    assert learned(*[0.8, 1.0, 1.2, 1.4] * 10).time_s >= 1.15


@pytest.mark.parametrize(("took_s", "bound_s"), [(0.2, 0.8), (2.6, 2.0)])
def test_it_never_leaves_its_bounds(took_s: float, bound_s: float) -> None:
    assert learned(*[took_s] * 60).time_s == pytest.approx(bound_s, abs=0.05)


def test_who_stops_much_later_had_another_reason() -> None:
    assert learned(3.6).approaches == 0


def test_what_vanished_teaches_nothing() -> None:
    stopping = approach(fresh(), 1.5, vanishes_s=0.8)
    assert (stopping.approaches, stopping.time_s) == (0, 1.05)


def test_who_steps_on_has_not_stopped_what_was_behind_her_has() -> None:
    stopping = approach(fresh(), 0.4, steps_until_s=5.0)
    assert (stopping.approaches, stopping.time_s) == (0, 1.05)


def test_who_stood_when_the_warning_began_teaches_nothing() -> None:
    stopping = approach(fresh(), 1.5, speed_mps=0.1)
    assert stopping.approaches == 0
    stopping = approach(fresh(), 1.5, steps_until_s=-3.0)
    assert stopping.approaches == 0


def test_nothing_is_learned_without_a_warning() -> None:
    assert approach(fresh(), 1.5, warned=False).approaches == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_teach_nothing(value: float) -> None:
    stopping = fresh()
    for index in range(100):
        stopping.update(index * S // 20, index > 20, value if index % 2 else 1.0, value, index * S // 20)
    assert (stopping.approaches, stopping.time_s) == (0, 1.05)
    stopping.carry(StoppingBaseline(0, 5, value))
    assert stopping.time_s == 1.05


def test_what_earlier_walks_showed_is_carried_within_bounds() -> None:
    earlier = learned(*[1.6] * 10).baseline(7)
    following = fresh()
    following.carry(earlier)
    assert following.time_s == pytest.approx(earlier.time_s)
    assert following.baseline(9).approaches == 10
    for absurd_s, kept_s in ((0.0, 0.8), (-5.0, 0.8), (99.0, 2.0)):
        other = fresh()
        other.carry(StoppingBaseline(0, 3, absurd_s))
        assert other.time_s == kept_s


def test_what_is_learned_in_this_walk_is_not_overruled_by_a_late_word() -> None:
    stopping = learned(1.7)
    time_s = stopping.time_s
    stopping.carry(StoppingBaseline(0, 5, 0.8))
    assert stopping.time_s == time_s


@pytest.mark.parametrize("start_s", [0.6, 2.5])
def test_what_was_set_to_begin_with_is_respected(start_s: float) -> None:
    assert StoppingTime(StoppingConfig(), start_s).time_s == start_s


def test_how_long_she_took_in_this_walk_is_the_median_of_her_stops() -> None:
    assert fresh().response_s is None
    assert learned(0.9, 1.5, 1.1).response_s == pytest.approx(1.1, abs=0.12)


def test_what_earlier_walks_showed_is_no_response_of_this_one() -> None:
    following = fresh()
    following.carry(learned(1.6).baseline(7))
    assert following.response_s is None
