"""A walker who hears a warning stops as people do, and nothing that was before changes."""

import math
import random
from itertools import pairwise
from statistics import median, quantiles

import numpy as np
import pytest

from hal.sim.world.reacting import OLD, PEOPLE, SLOW, YOUNG, Person, ReactingWalker
from hal.sim.world.shapes import Ending, Ramps
from hal.sim.world.walker import Walker

WALKING = ((1.0, 0.0), (1.8, 0.6))


def _walker(person: Person = OLD, seed: str = "somebody") -> ReactingWalker:
    return ReactingWalker(WALKING, seed=seed, person=person)


@pytest.mark.parametrize(
    ("person", "reaction_s", "stopping_s"),
    [(YOUNG, 0.266 + 0.115, 0.463), (OLD, 0.304 + 0.115, 0.574), (SLOW, 0.8, 0.75)],
    ids=["young", "old", "slow"],
)
def test_times_of_people_have_the_medians_of_those_who_were_measured(
    person: Person, reaction_s: float, stopping_s: float
) -> None:
    """Sparrow 2006 while walking, and Haggerty 2012 for the vibration; Tirosh and Sparrow 2004."""
    drawn = [person.draw(random.Random(i)) for i in range(4000)]
    assert median(reaction for reaction, _ in drawn) == pytest.approx(reaction_s, rel=0.02)
    assert median(stopping for _, stopping in drawn) == pytest.approx(stopping_s, rel=0.02)
    fastest, *_, slowest = quantiles((reaction for reaction, _ in drawn), n=20)
    assert (fastest / reaction_s, slowest / reaction_s) == pytest.approx((0.66, 1.51), abs=0.05)


def test_older_walkers_here_need_more_way_than_measured_ones() -> None:
    """Cao 1998: at 1.3 m/s half of the older women stop within 0.58 s of the signal, on 0.75 m."""
    ways = [1.3 * (reaction + stopping / 2) for reaction, stopping in (OLD.draw(random.Random(i)) for i in range(2000))]
    assert 0.75 < median(ways) < 1.0


def test_who_reacts_is_the_same_each_time_and_differs_between_walks() -> None:
    one, same, other = _walker(), _walker(), _walker(seed="another")
    assert (one.reaction_s, one.stopping_s) == (same.reaction_s, same.stopping_s)
    assert one.reaction_s != other.reaction_s


@pytest.mark.parametrize("warned_s", [0.5, 1.1, 1.4, 4.0], ids=["standing", "setting off", "nearly", "walking"])
def test_nothing_before_the_reaction_changes_and_the_place_never_jumps(warned_s: float) -> None:
    walker = _walker()
    times = [i / 200 for i in range(2000)]
    before = [(walker.motion(t), walker.place_m(t), walker.steps(t)) for t in times]
    walker.hear(warned_s)
    assert walker.stands_s == warned_s + walker.reaction_s + walker.stopping_s
    for t, was in zip(times, before, strict=True):
        if t <= warned_s + walker.reaction_s:
            assert (walker.motion(t), walker.place_m(t), walker.steps(t)) == was
    assert all(abs(b - a) < 0.006 for a, b in pairwise(walker.place_m(t)[0] for t in times))
    speeds = [walker.backward_mps(t) for t in times]
    assert all(abs(b - a) < 0.02 for a, b in pairwise(speeds))
    assert min(speeds) >= 0


def test_she_stands_after_her_stopping_time_and_for_ever() -> None:
    walker = _walker()
    walker.hear(4.0)
    stands_s = walker.stands_s
    assert walker.backward_mps(stands_s - 0.1) > 0 == walker.backward_mps(stands_s)
    after = [walker.place_m(stands_s + i / 10)[0] for i in range(200)]
    assert max(after) - min(after) < 0.05
    assert walker.steps(stands_s + 20) == walker.steps(stands_s)


def test_half_of_the_stopping_time_is_walked_at_her_speed() -> None:
    walker = _walker()
    at_m = walker.planned_m(4.0 + walker.reaction_s)
    walker.hear(4.0)
    stopped_m = sum(walker.backward_mps(4.0 + walker.reaction_s + i / 1000) for i in range(2000)) / 1000
    assert stopped_m == pytest.approx(0.6 * walker.stopping_s / 2, abs=0.002)
    assert walker.place_m(20.0)[0] == pytest.approx(at_m + stopped_m, abs=0.02)
    assert walker.planned_m(10.0) == pytest.approx(0.6 * 8.6)


def test_only_the_first_of_several_warnings_counts() -> None:
    walker, once = _walker(), _walker()
    walker.hear(4.0)
    walker.hear(4.4)
    once.hear(4.0)
    assert walker.heard_s == 4.0
    assert [walker.place_m(i / 10) for i in range(100)] == [once.place_m(i / 10) for i in range(100)]


def test_she_steps_on_while_she_slows() -> None:
    walker = _walker(SLOW)
    walker.hear(4.0)
    slowing_s = 4.0 + walker.reaction_s
    assert walker.steps(walker.stands_s) - walker.steps(slowing_s) > 0.3
    assert max(abs(walker.motion(slowing_s + i / 100)[0][0]) for i in range(30)) > 0.5


def test_her_sensor_feels_the_speed_that_her_place_shows() -> None:
    walker = _walker()
    walker.hear(9.0)
    times = np.arange(0, 14, 0.005)
    felt_mps = -np.cumsum([walker.pose(t + 0.0025)[6] for t in times]) * 0.005
    shown_mps = np.diff([walker.place_m(t)[0] for t in (*times, 14.0)]) / 0.005
    by_stride = np.convolve(felt_mps, np.ones(240) / 240, "same")  # 1.2 s at 100 steps a minute
    assert by_stride[800] - by_stride[100] == pytest.approx(0.6, abs=0.1)
    assert by_stride[2500] - by_stride[1700] == pytest.approx(-0.6, abs=0.1)
    walking = slice(600, 1600)
    assert np.corrcoef(felt_mps[walking], shown_mps[walking])[0, 1] > 0.9


def test_an_unwarned_walker_moves_as_the_walker_of_the_other_scenes() -> None:
    one, other = _walker(), Walker(WALKING, seed="somebody")
    assert [one.motion(i / 50) for i in range(500)] == [other.motion(i / 50) for i in range(500)]
    assert one.place_m(9.0)[0] == pytest.approx(other.place_m(9.0)[0], abs=0.05)


def test_treadmill_keeps_her_in_place_and_carries_her_away_when_she_stops() -> None:
    walker = ReactingWalker(WALKING, seed="somebody", belt_mps=WALKING)
    assert all(abs(walker.place_m(i / 10)[0]) < 0.06 for i in range(100))
    assert walker.steps(10.0) > 10
    walker.hear(10.0)
    assert walker.place_m(13.0)[0] < -0.6
    assert walker.backward_mps(13.0) == pytest.approx(-0.6)


def test_trunk_swings_by_some_degrees_with_the_steps_and_not_when_she_stands() -> None:
    walker = _walker()
    bearings = [math.degrees(walker.sensor(3 + i / 100).bearing_rad) for i in range(500)]
    assert 3 < max(bearings) < 9
    assert -9 < min(bearings) < -3
    assert walker.sensor(0.5).bearing_rad == 0.0
    assert walker.sensor(5.0).bearing_rad == pytest.approx(walker.pose(5.0)[2], abs=math.radians(0.6))


def test_ending_has_its_slope_and_its_integral() -> None:
    ending = Ending(Ramps([(1, 0), (2, 3), (4, 3), (5, 1)]), 1.6, 0.7)
    for t_s in (0.5, 1.3, 1.7, 2.0, 2.25, 5.0):
        assert ending.at(t_s)[1] == pytest.approx(
            (ending.at(t_s + 1e-6)[0] - ending.at(t_s - 1e-6)[0]) / 2e-6, abs=1e-4
        )
        summed = sum(ending.at((i + 0.5) * t_s / 5000)[0] for i in range(5000)) * t_s / 5000
        assert ending.integral(t_s) == pytest.approx(summed, abs=1e-4)
    assert ending.at(2.31) == (0.0, 0.0)


def test_people_are_known_by_their_names() -> None:
    assert PEOPLE == {"young": YOUNG, "old": OLD, "slow": SLOW}
