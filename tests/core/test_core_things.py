"""What is behind, how far and how fast, from echoes with gaps, wrong readings and runs of them."""

import math
import random
from collections.abc import Iterable

import pytest

from firmware.core.estimators.approach import Approach, ApproachConfig, Thing

PING = 60_000_000


def pings(approach: Approach, distances: Iterable[float | None], start: int = 0, walking_mps: float = 0.0) -> int:
    for distance_m in distances:
        approach.update(start * PING, distance_m, walking_mps)
        start += 1
    return start


def nearest(approach: Approach) -> Thing:
    assert approach.nearest is not None
    return approach.nearest


def test_closing_speed_and_time_to_collision_are_measured() -> None:
    approach = Approach(ApproachConfig())
    pings(approach, [3.0 - 0.6 * 0.06 * index for index in range(40)])
    assert approach.closing_mps == pytest.approx(0.6, abs=0.03)
    assert approach.distance_m == pytest.approx(3.0 - 0.6 * 0.06 * 39, abs=0.02)
    assert approach.time_to_collision_s() == pytest.approx((3 - 0.036 * 39) / 0.6, abs=0.2)


def test_the_first_echo_of_a_walk_counts_with_the_walking_speed_and_is_unsure() -> None:
    approach = Approach(ApproachConfig())
    pings(approach, [1.2], walking_mps=0.6)
    assert (approach.distance_m, approach.closing_mps) == (1.2, 0.6)
    assert approach.time_to_collision_s() == pytest.approx(2.0)
    assert not nearest(approach).sure


def test_the_closing_speed_grows_surer_with_each_echo() -> None:
    approach = Approach(ApproachConfig())
    sd_mps = []
    for index in range(10):
        approach.update(index * PING, 3.0 - 0.036 * index, 0.6)
        sd_mps.append(nearest(approach).closing_sd_mps)
    assert sd_mps == sorted(sd_mps, reverse=True)
    assert sd_mps[-1] < sd_mps[0] / 3


@pytest.mark.parametrize("seed", range(5))
def test_the_uncertainty_told_is_about_the_error_made(seed: int) -> None:
    config, rng = ApproachConfig(), random.Random(seed)
    approach = Approach(config)
    off: list[float] = []
    for index in range(400):
        approach.update(index * PING, 8.0 - 0.3 * 0.06 * index + rng.gauss(0, config.echo_sd_m), 0.3)
        if index > 20:
            off.append((nearest(approach).closing_mps - 0.3) / nearest(approach).closing_sd_mps)
    assert 0.2 < math.sqrt(sum(o * o for o in off) / len(off)) < 1.3


def test_missing_echoes_do_not_break_a_track_but_silence_does() -> None:
    approach = Approach(ApproachConfig())
    after = pings(approach, [2.0, 2.0, None, None, 2.0, None, 2.0])
    assert approach.distance_m == pytest.approx(2.0)
    pings(approach, [None] * 10, after)
    assert approach.nearest is None
    assert approach.time_to_collision_s() is None


@pytest.mark.parametrize("wrong_m", [0.3, 1.2, 3.9])
def test_a_single_wrong_reading_changes_nothing(wrong_m: float) -> None:
    approach = Approach(ApproachConfig())
    pings(approach, [2.0] * 20 + [wrong_m] + [2.0] * 2, walking_mps=0.0)
    assert approach.distance_m == pytest.approx(2.0, abs=0.01)
    assert approach.closing_mps == pytest.approx(0.0, abs=0.01)


def test_a_wrong_reading_within_the_gate_pulls_little() -> None:
    approach = Approach(ApproachConfig())
    pings(approach, [*[2.0] * 20, 1.75])
    assert approach.distance_m == pytest.approx(2.0, abs=0.03)


def test_something_new_is_believed_at_its_second_reading_of_three() -> None:
    approach = Approach(ApproachConfig())
    pings(approach, [3.0] * 20 + [0.9, 3.0, 0.88])
    assert approach.distance_m == pytest.approx(0.88, abs=0.02)


def test_two_readings_that_do_not_agree_are_nothing_new() -> None:
    approach = Approach(ApproachConfig())
    pings(approach, [3.0] * 20 + [0.9, 3.0, 1.3, 3.0])
    assert approach.distance_m == pytest.approx(3.0, abs=0.02)


@pytest.mark.parametrize("false_m", [0.4, 0.7, 1.2])
def test_a_target_lives_on_behind_a_run_of_twelve_false_short_echoes(false_m: float) -> None:
    approach, rng = Approach(ApproachConfig()), random.Random(3)
    after = pings(approach, [2.6 - 0.036 * index for index in range(20)], walking_mps=0.6)
    after = pings(approach, [false_m + rng.gauss(0, 0.05) for _ in range(12)], after, walking_mps=0.6)
    wall = max(approach.things, key=lambda thing: thing.distance_m)
    assert wall.hidden
    assert wall.distance_m == pytest.approx(2.6 - 0.036 * 31, abs=0.08)
    pings(approach, [2.6 - 0.036 * index for index in range(32, 36)], after, walking_mps=0.6)
    assert approach.nearest is wall
    assert wall.echoes == 24


def test_what_echoes_go_through_three_times_is_gone() -> None:
    approach = Approach(ApproachConfig())
    after = pings(approach, [1.0] * 20)
    after = pings(approach, [3.0] * 2, after)
    assert len(approach.things) == 2
    pings(approach, [3.0], after)
    assert [thing.distance_m for thing in approach.things] == [pytest.approx(3.0)]


@pytest.mark.parametrize("speed_mps", [0.08, 0.1, 0.2, 0.6])
def test_a_lasting_approach_is_nearing_and_ends_with_a_stop(speed_mps: float) -> None:
    approach, rng = Approach(ApproachConfig()), random.Random(7)
    after = pings(approach, [2.0 - speed_mps * 0.06 * index + rng.gauss(0, 0.01) for index in range(50)])
    assert nearest(approach).nearing
    stopped_m = 2.0 - speed_mps * 0.06 * 49
    pings(approach, [stopped_m + rng.gauss(0, 0.01) for _ in range(17)], after)
    assert not nearest(approach).nearing


@pytest.mark.parametrize("sway_hz", [0.2, 0.5, 1.0])
def test_sway_and_a_growing_distance_are_no_nearing(sway_hz: float) -> None:
    sways, away, rng = Approach(ApproachConfig()), Approach(ApproachConfig()), random.Random(8)
    for index in range(500):
        t_s = 0.06 * index
        sways.update(index * PING, 0.5 + 0.03 * math.sin(2 * math.pi * sway_hz * t_s) + rng.gauss(0, 0.01), 0.0)
        away.update(index * PING, 0.5 + 0.1 * t_s + rng.gauss(0, 0.01), 0.0)
        assert not nearest(sways).nearing
        assert not nearest(away).nearing


def test_each_thing_knows_whether_the_last_reading_was_its_echo() -> None:
    approach = Approach(ApproachConfig())
    seen = []
    for index, distance_m in enumerate([2.0, 2.0, None, 0.5, 2.0]):
        approach.update(index * PING, distance_m, 0.0)
        seen.append((approach.things[0].heard, approach.things[0].hidden))
    assert seen == [(True, False), (True, False), (False, False), (False, True), (True, False)]


def test_no_more_things_are_followed_than_can_be_there() -> None:
    approach, rng = Approach(ApproachConfig()), random.Random(4)
    pings(approach, [2.0, 2.0])
    for index in range(2, 300):
        approach.update(index * PING, rng.uniform(0.2, 4.0), 0.6)
        assert len(approach.things) <= 4
