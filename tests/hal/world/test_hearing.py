"""How far and how far aside things are heard: as measured on real sensors, and as geometry demands."""

import math
from collections.abc import Callable

import pytest

from hal.sim.world.hearing import bell, edge_db, narrow_db, plane_db, round_db, share, throw
from hal.sim.world.things import CURTAIN, GRAVEL, HARD, Corner, Floor, Panel, Round, Sensor, Thing

AHEAD = Sensor(0.0, 0.0, 0.0, 0.0)


def _loudest_db(thing: Thing, sensor: Sensor = AHEAD) -> float:
    return max((echo.loud_db for echo in thing.echoes(sensor, 0.0, 0)), default=-math.inf)


def _wall(distance_m: float, slope_deg: float = 0.0) -> Panel:
    slope = math.radians(slope_deg)
    dx, dy = 4 * math.sin(slope), 4 * math.cos(slope)
    return Panel("wall", distance_m - dx, -dy, distance_m + dx, dy)


def _at(angle_deg: float, distance_m: float, radius_m: float) -> Round:
    angle, to_m = math.radians(angle_deg), distance_m + radius_m
    return Round("post", radius_m, to_m * math.cos(angle), to_m * math.sin(angle))


def _farthest(heard: Callable[[float], float]) -> float:
    """In steps of 1 cm or 0.1 degrees, until it is not heard."""
    return next(i for i in range(1, 10_000) if heard(i) < 0)


def test_large_wall_is_heard_as_far_as_modules_reach() -> None:
    assert 4.0 < _farthest(lambda cm: _loudest_db(_wall(cm / 100))) / 100 < 6.0


def test_cylinder_of_9_cm_is_heard_where_it_was_measured() -> None:
    """Parallax PING))) guide: to 25 degrees at 0.6 m, 20 degrees at 1.7 m; gone by 2.3 m."""
    reach_m = _farthest(lambda cm: round_db(cm / 100, 0.0445)) / 100
    assert 1.7 < reach_m < 2.3
    near, far = (_farthest(lambda tenth, d=d: _loudest_db(_at(tenth / 10, d, 0.0445))) / 10 for d in (0.61, 1.66))
    assert 22 < near < 36
    assert 15 < far < 22


def test_thin_flat_things_are_heard_as_far_as_measured() -> None:
    """Dyrkacz: a strip of 2.5 cm to 2.45 m, a piece of 3.3 x 3.8 cm to between 1.5 and 1.85 m."""
    strip_m = _farthest(lambda cm: plane_db(cm / 100) - narrow_db(cm / 100, 0.0254)) / 100
    piece_m = _farthest(lambda cm: plane_db(cm / 100) - narrow_db(cm / 100, 0.033) - narrow_db(cm / 100, 0.038)) / 100
    assert strip_m == pytest.approx(2.45, abs=0.5)
    assert piece_m == pytest.approx(1.7, abs=0.5)


@pytest.mark.parametrize(("distance_m", "measured_deg"), [(1.25, 29.5), (2.7, 26.0)])
def test_panel_is_heard_as_far_off_its_normal_as_measured(distance_m: float, measured_deg: float) -> None:
    """Dyrkacz: 23.5 degrees and half of what the panel of 26.7 cm itself takes up."""
    turned = lambda tenth: _loudest_db(_wall(distance_m), Sensor(0.0, 0.0, math.radians(tenth / 10), 0.0))  # noqa: E731
    assert _farthest(turned) / 10 == pytest.approx(measured_deg, abs=6)


def test_smooth_wall_is_heard_at_its_nearest_point_or_beyond_35_degrees_not_at_all() -> None:
    (echo,) = _wall(1.0, 30.0).echoes(AHEAD, 0.0, 0)
    assert echo.distance_m == pytest.approx(math.cos(math.radians(30)))
    assert echo.loud_db > 0
    assert _wall(1.0, 36.0).echoes(AHEAD, 0.0, 0) == []


def test_wall_beside_her_is_silent_and_so_is_one_before_her() -> None:
    assert _loudest_db(Panel("wall", -3, 0.6, 9, 0.6)) < 0
    assert _loudest_db(_wall(-1.0)) < 0
    assert _loudest_db(_at(180, 1.0, 0.2)) < 0


def test_both_sides_of_a_wall_sound_alike() -> None:
    one, other = _wall(1.0, 10.0), _wall(1.0, 190.0)
    assert _loudest_db(one) == pytest.approx(_loudest_db(other))


def test_edge_is_heard_much_less_than_a_face_and_less_the_farther_aside_it_is() -> None:
    face = _loudest_db(_wall(1.0))
    losses = [face - _loudest_db(Panel("wall", 1.0, aside, 1.0, 3.0)) for aside in (0.001, 0.05, 0.15, 0.45)]
    assert losses == sorted(losses)
    assert losses[0] == pytest.approx(6, abs=0.1)
    assert 12 < losses[1] < 16
    assert losses[3] > 30
    assert edge_db(1.0, 1.0) == pytest.approx(33.6, abs=0.1)  # 45 degrees off its normal


def test_corner_of_two_oblique_walls_throws_sound_back() -> None:
    walls = Panel("wall", 1.5, 0, -1.3, -2.8), Panel("wall", 1.5, 0, -1.3, 2.8)
    assert all(_loudest_db(wall) < 0 for wall in walls)
    (echo,) = Corner("corner", 1.5, 0.0).echoes(AHEAD, 0.0, 0)
    assert (echo.distance_m, echo.loud_db > 10) == (1.5, True)


def test_rough_cloth_is_heard_at_angles_where_a_smooth_wall_is_not() -> None:
    oblique = _wall(1.0, 45.0)
    assert _loudest_db(oblique) < 0 < _loudest_db(oblique.of(CURTAIN))


@pytest.mark.parametrize(("high_m", "seen"), [(0.45, False), (0.75, False), (1.0, True)])
def test_only_what_reaches_the_belt_can_be_heard(high_m: float, seen: bool) -> None:
    assert Panel("furniture", 1, -1, 1, 1, high_m=high_m).at_belt is seen
    assert Round("animal", 0.2, 1, 0, high_m=high_m).at_belt is seen


def test_clear_way_ends_where_her_width_meets_the_first_thing() -> None:
    assert _wall(2.0).clear_m(0.5, 0.0, 0.0, 0.0) == pytest.approx(1.5)
    sloped = _wall(2.0, 30.0).clear_m(0.0, 0.0, 0.0, 0.0)
    assert sloped == pytest.approx(2.0 - 0.25 * math.tan(math.radians(30)))
    assert Panel("wall", 1, 0.26, 1, 3).clear_m(0.0, 0.0, 0.0, 0.0) == math.inf
    assert Panel("wall", 1, 0.24, 1, 3).clear_m(0.0, 0.0, 0.0, 0.0) == pytest.approx(1.0)
    assert Panel("wall", -3, 0.6, 9, 0.6).clear_m(0.0, 0.0, 0.0, 0.0) == math.inf


def test_clear_way_follows_her_heading() -> None:
    wall = Panel("wall", -3, 1.0, 9, 1.0)
    assert wall.clear_m(0.0, 0.0, math.radians(90), 0.0) == pytest.approx(1.0)
    assert wall.clear_m(0.0, 0.0, math.radians(-90), 0.0) == math.inf


def test_post_beside_her_way_is_met_by_her_side() -> None:
    assert Round("post", 0.1, 1.0, 0.0).clear_m(0.0, 0.0, 0.0, 0.0) == pytest.approx(0.9)
    assert Round("post", 0.1, 1.0, 0.3).clear_m(0.0, 0.0, 0.0, 0.0) == pytest.approx(1 - math.sqrt(0.01 - 0.0025))
    assert Round("post", 0.1, 1.0, 0.36).clear_m(0.0, 0.0, 0.0, 0.0) == math.inf


def test_ground_is_heard_only_by_a_sensor_that_looks_down_and_nearer_when_it_looks_down_more() -> None:
    assert _loudest_db(Floor(0.0, GRAVEL)) < -3
    less, more = (Floor(math.radians(deg), GRAVEL).echoes(AHEAD, 0.0, 0)[0] for deg in (10, 15))
    assert 0 < less.loud_db < more.loud_db
    assert 3 > less.distance_m > more.distance_m > 1.5
    leans_forward = Sensor(0.0, 0.0, 0.0, math.radians(25))
    assert Floor(math.radians(10), GRAVEL).echoes(leans_forward, 0.0, 0) == []


def test_dice_are_even_and_bell_shaped_and_depend_on_every_part() -> None:
    throws = [throw(1, moment, 2) for moment in range(20_000)]
    evenly = [share(bits) for bits in throws]
    assert 0 <= min(evenly) <= max(evenly) < 1
    assert sum(evenly) / 20_000 == pytest.approx(0.5, abs=0.01)
    bells = [bell(bits) for bits in throws]
    assert sum(b * b for b in bells) / 20_000 == pytest.approx(1.0, abs=0.03)
    assert sum(bells) / 20_000 == pytest.approx(0.0, abs=0.03)
    assert len({throw(1, 2, 3), throw(2, 2, 3), throw(1, 3, 3), throw(1, 2, 4)}) == 4


def test_panel_without_extent_is_refused() -> None:
    with pytest.raises(ValueError, match="wall: a panel needs two different ends"):
        Panel("wall", 1, 1, 1, 1, HARD)
