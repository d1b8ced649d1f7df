"""A place answers each ping by its time alone, with the faults that it is said to have, as often as it is said."""

import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest

from hal.sim.world.hearing import sound_mps
from hal.sim.world.places import FalseEchoes, Place, Stranger
from hal.sim.world.things import HARD, Panel, Round, Sensor

PINGS_S = [i * 0.05 for i in range(20_000)]
AHEAD = Sensor(0.0, 0.0, 0.0, 0.0)


def _wall(distance_m: float) -> Panel:
    return Panel("wall", distance_m, -3.0, distance_m, 3.0)


def _readings(place: Place, pings_s: list[float] = PINGS_S) -> list[float | None]:
    return [place.echo_m(AHEAD, t_s) for t_s in pings_s]


def _far(reading_m: float | None) -> float:
    return math.inf if reading_m is None else reading_m


def test_wall_reads_its_distance_within_millimetres() -> None:
    read = [_far(r) for r in _readings(Place([_wall(1.5)], seed="a"), PINGS_S[:4000])]
    good = [r for r in read if r < 2]
    assert len(good) > 0.99 * len(read)
    assert sum(good) / len(good) == pytest.approx(1.5, abs=0.001)
    assert max(abs(r - 1.5) for r in good) < 0.015


def test_pings_are_answered_alike_in_any_order_and_otherwise_with_another_seed() -> None:
    def make(seed: str) -> Place:
        things = _wall(1.8).of(HARD.with_lost(0.2)), Round("post", 0.05, 1.2, 0.3)
        return Place(things, seed=seed, false=FalseEchoes(0.1, 0.2), stranger=Stranger())

    one, same, other = make("a"), make("a"), make("b")
    forward = {t_s: one.echo_m(AHEAD, t_s) for t_s in PINGS_S[:3000]}
    shuffled = PINGS_S[:3000]
    random.Random(2).shuffle(shuffled)
    assert all(forward[t_s] == same.echo_m(AHEAD, t_s) for t_s in shuffled)
    assert [other.echo_m(AHEAD, t_s) for t_s in PINGS_S[:3000]] != list(forward.values())


@pytest.mark.parametrize("single", [0.02, 0.10])
def test_single_false_echoes_are_as_frequent_as_stated_and_within_their_range(single: float) -> None:
    read = _readings(Place(seed="a", false=FalseEchoes(single=single, near_m=0.5, far_m=2.5)))
    heard = [r for r in read if r is not None]
    assert len(heard) / len(read) == pytest.approx(single, rel=0.1)
    assert 0.5 <= min(heard) <= max(heard) <= 2.5


def test_runs_of_false_echoes_take_the_stated_share_of_the_time_at_one_distance_each() -> None:
    read = _readings(Place(seed="a", false=FalseEchoes(in_runs=0.20)))
    heard = [r is not None for r in read]
    assert sum(heard) / len(read) == pytest.approx(0.20 * 0.8, rel=0.15)
    pairs = [(a, b) for a, b in pairwise(read) if a is not None and b is not None]
    assert sum(abs(a - b) < 0.15 for a, b in pairs) > 0.9 * len(pairs)


def test_false_echo_from_beyond_the_wall_is_not_heard() -> None:
    read = [_far(r) for r in _readings(Place([_wall(1.0)], seed="a", false=FalseEchoes(0.5, near_m=2.0)))]
    assert sum(r < 0.95 for r in read) == 0


def test_lost_echoes_are_as_frequent_as_stated_and_some_come_to_and_fro() -> None:
    lost = _wall(0.9).of(HARD.with_lost(0.2))
    read = _readings(Place([lost], seed="a"))
    assert sum(_far(r) > 1.0 for r in read) / len(read) == pytest.approx(0.2, rel=0.1)
    late = [r for r in read if r is not None and r > 1.0]
    assert late
    assert all(r == pytest.approx(1.8, abs=0.03) for r in late)


def test_more_echoes_are_missed_the_fainter_they_are() -> None:
    missed = []
    for distance_m in (1.0, 1.5, 1.8, 2.1, 2.4):
        place = Place([Round("post", 0.04, distance_m + 0.04, 0.0)], seed="a")
        missed.append(sum(r is None for r in _readings(place, PINGS_S[:2000])) / 2000)
    assert missed == sorted(missed)
    assert missed[0] < 0.02
    assert missed[-1] > 0.8


def test_nearest_of_several_things_is_heard() -> None:
    place = Place([_wall(2.0), Round("post", 0.05, 1.05, 0.0)], seed="a")
    read = [_far(r) for r in _readings(place, PINGS_S[:2000])]
    assert sum(abs(r - 1.0) < 0.03 for r in read) > 0.98 * len(read)


@pytest.mark.parametrize(("celsius", "factor"), [(0.0, 1.036), (40.0, 0.967)])
def test_wrong_temperature_stretches_what_is_read(celsius: float, factor: float) -> None:
    (read,) = {round(_far(Place([_wall(1.0)], seed="a", celsius=celsius).echo_m(AHEAD, 1.0)), 1)}
    assert read == pytest.approx(factor, abs=0.05)
    assert sound_mps(20.0) / sound_mps(celsius) == pytest.approx(factor, abs=0.001)


def test_other_device_is_heard_at_its_own_rhythm_and_only_while_it_is_near() -> None:
    stranger = Stranger(period_s=0.05, heard=1.0, from_s=10.0, to_s=20.0, jitter_s=0.0)
    place = Place(seed="a", stranger=stranger)
    read = {t_s: place.echo_m(AHEAD, t_s) for t_s in (i * 0.037 for i in range(1000))}
    assert all(r is None for t_s, r in read.items() if not 9.9 < t_s < 20)
    arrivals = {round((t_s + 2 * r / sound_mps(20.0)) % 0.05, 6) for t_s, r in read.items() if r is not None}
    assert len(arrivals) == 1
    assert min(r for r in read.values() if r is not None) > 0.02
    near = [r for t_s, r in read.items() if 10 < t_s < 19.9]
    assert sum(r is not None for r in near) / len(near) == pytest.approx(4.0 / (0.05 * sound_mps(20.0) / 2), abs=0.1)


def test_share_of_the_other_devices_pings_is_heard() -> None:
    place = Place(seed="a", stranger=Stranger(period_s=0.02, heard=0.3))
    read = _readings(place, [0.1 + i * 0.04 for i in range(5000)])
    assert sum(r is not None for r in read) / 5000 == pytest.approx(0.3 + 0.7 * 0.3 / 6, abs=0.06)


def test_nearest_solid_thing_is_told_though_it_cannot_be_heard() -> None:
    bench = Panel("bench", 1.0, -0.5, 1.0, 0.5, high_m=0.45)
    place = Place([_wall(2.0), bench], seed="a")
    assert place.nearest(0.0, 0.0, 0.0, 0.0) == (1.0, "bench", False)
    assert _far(place.echo_m(AHEAD, 0.0)) == pytest.approx(2.0, abs=0.02)
    assert Place(seed="a").nearest(0.0, 0.0, 0.0, 0.0).clear_m == math.inf


def test_thing_that_moves_is_where_its_path_says() -> None:
    crosser = Round("person", 0.2, path=lambda t_s, x, y: (1.2, t_s - 5.0))
    place = Place([crosser], seed="a")
    assert place.nearest(0.0, 0.0, 0.0, 5.0).clear_m == pytest.approx(1.0)
    assert place.nearest(0.0, 0.0, 0.0, 4.0).clear_m == math.inf
    assert _far(place.echo_m(AHEAD, 5.0)) == pytest.approx(1.0, abs=0.03)
    assert place.echo_m(AHEAD, 3.0) is None


@pytest.mark.parametrize("wrong", [{"single": 1.0}, {"single": -0.1}, {"in_runs": 0.6}])
def test_impossible_shares_of_false_echoes_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="false echoes"):
        replace(FalseEchoes(), **wrong)
