"""Each scenario tells the story that it promises, at the times it promises."""

import math
from itertools import pairwise

import pytest

from hal.sim.world.scenarios import SCENARIOS, SPEED_MPS, scenario
from hal.sim.world.scene import World

G_MPS2 = 9.80665


def _marks(world: World) -> dict[str, float]:
    """The first moment of each."""
    return {mark.what: mark.t_s for mark in reversed(world.marks)}


def _first_in_range_s(world: World) -> float:
    return next(i / 100 for i in range(6000) if world.distance_m(i / 100) is not None)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_gives_finite_plausible_readings_to_its_end(name: str) -> None:
    world = scenario(name)
    assert world.name == name
    for i in range(round(world.duration_s * 100)):
        force, rate = world.motion(i / 100)
        assert math.hypot(*force) < 16 * G_MPS2
        assert math.hypot(*rate) < math.radians(2000)
        distance_m = world.distance_m(i / 100)
        assert distance_m is None or 0 <= distance_m <= 4
    assert all(0 <= mark.t_s <= world.duration_s for mark in world.marks)
    assert all(a.t_s <= b.t_s for a, b in pairwise(world.marks))


@pytest.mark.parametrize("name", SCENARIOS)
def test_everybody_stands_upright_and_still_before_the_first_step(name: str) -> None:
    world = scenario(name)
    worn_s = _marks(world).get("clipped on", 0.0)
    for i in range(350):
        force, rate = world.motion(worn_s + i / 100)
        assert force[2] == pytest.approx(G_MPS2, abs=0.3)
        assert math.hypot(*rate) < math.radians(6)


def test_default_walk_keeps_to_its_timetable() -> None:
    world = scenario("walk")
    marks = _marks(world)
    assert world.duration_s <= 57
    assert (marks["walking"], marks["sudden sway"], marks["impact"]) == (3.5, 15.5, 20.0)
    assert [world.pressed(t) for t in (1.99, 2.0, 2.29, 2.31, 30.0)] == [False, True, True, False, False]
    assert world.duration_s - marks["impact"] >= 1 + 30 + 4  # suspected, the countdown, and time for the caregiver


def test_default_walker_comes_to_the_wall_at_her_speed_and_stops_short_of_it() -> None:
    world = scenario("walk")
    assert _first_in_range_s(world) == pytest.approx(_marks(world)["wall in range"], abs=0.03)
    seen = [world.distance_m(5 + i / 10) or math.nan for i in range(41)]
    assert all(a - b == pytest.approx(SPEED_MPS / 10, abs=0.012) for a, b in pairwise(seen))
    before_wall = [world.distance_m(i / 100) for i in range(420, 1175)]
    nearest_m = min(math.nan if d is None else d for d in before_wall)
    assert nearest_m == pytest.approx(0.55, abs=0.05)


def test_default_walker_has_a_second_to_react_to_a_warning_at_the_promised_distance() -> None:
    world = scenario("walk")
    at_warning_s = next(i / 100 for i in range(420, 1100) if (world.distance_m(i / 100) or 9) < 1.16)
    assert 1.1 < _marks(world)["stops"] - at_warning_s < 1.6


def test_wall_is_out_of_sight_once_she_has_turned_away() -> None:
    world = scenario("walk")
    assert all(world.distance_m(14 + i / 100) is None for i in range(590))


def test_default_walker_is_thrown_back_but_caught_and_then_falls_and_stays_down() -> None:
    world = scenario("walk")
    sway_rate = min(world.motion(15.5 + i / 100)[1][1] for i in range(50))
    assert sway_rate < -math.radians(100)
    assert world.motion(16.9)[0][2] > 0.85 * G_MPS2
    hardest_s = max((i / 1000 for i in range(19_000, 22_000)), key=lambda t: math.hypot(*world.motion(t)[0]))
    assert hardest_s == pytest.approx(20.0, abs=0.02)
    for t_s in range(22, 56):
        force, rate = world.motion(t_s)
        assert force[0] > 0.95 * G_MPS2
        assert math.hypot(*rate) < math.radians(6)


def test_who_lies_on_her_back_has_the_floor_behind_her() -> None:
    world = scenario("fall")
    assert world.distance_m(11.0) is None
    assert world.distance_m(14.0) == pytest.approx(0.06, abs=0.01)


def test_heedless_walker_meets_the_wall_when_marked_and_stays_in_contact() -> None:
    world = scenario("heedless")
    contact_s = _marks(world)["contact"]
    assert (world.distance_m(contact_s - 1) or 0) == pytest.approx(SPEED_MPS, abs=0.03)
    assert (world.distance_m(contact_s) or 0) < 0.02
    after = [world.distance_m(contact_s + 1 + i / 10) for i in range(30)]
    assert all(d is not None and d < 0.02 for d in after)


def test_cancelled_holds_the_button_longer_than_two_seconds_in_the_countdown() -> None:
    world = scenario("cancelled")
    impact_s = _marks(world)["impact"]
    held = [i / 100 for i in range(4000) if world.pressed(i / 100) and i / 100 > impact_s]
    assert impact_s + 4 < held[0]
    assert held[-1] < impact_s + 31
    assert held[-1] - held[0] == pytest.approx(2.5, abs=0.03)


def test_recovered_is_on_her_feet_within_ten_seconds_and_walks_on() -> None:
    world = scenario("recovered")
    impact_s = _marks(world)["impact"]
    assert world.motion(impact_s + 3)[0][0] > 0.9 * G_MPS2
    assert world.motion(impact_s + 10)[0][2] == pytest.approx(G_MPS2, abs=0.4)
    up = [world.motion(24 + i / 100)[0][2] for i in range(1000)]
    assert max(up) > 1.25 * G_MPS2
    assert min(up) < 0.9 * G_MPS2


def test_sos_is_three_presses_within_two_seconds() -> None:
    world = scenario("sos")
    down = [i / 100 for i in range(1, 2400) if world.pressed(i / 100) and not world.pressed((i - 1) / 100)]
    assert down[-1] - down[-3] < 2
    assert down[-4] < down[-3] - 5


def test_sitting_down_hard_is_a_blow_without_a_lasting_tilt() -> None:
    world = scenario("sit")
    peak = max(math.hypot(*world.motion(12.5 + i / 200)[0]) for i in range(200))
    assert 2.3 * G_MPS2 < peak < 3.3 * G_MPS2
    forward, _, up = world.motion(20.0)[0]
    assert abs(math.degrees(math.atan2(forward, up))) < 12


@pytest.mark.parametrize(("name", "gap_m", "within_m"), [("treadmill", 0.8, 0.08), ("partner", 1.2, 0.3)])
def test_companion_stays_behind_while_she_walks(name: str, gap_m: float, within_m: float) -> None:
    world = scenario(name)
    seen = [world.distance_m(i / 10) for i in range(340)]
    assert all(d is not None and abs(d - gap_m) < within_m for d in seen)
    assert len(set(seen)) > 300


def test_quiet_walk_has_nothing_within_reach() -> None:
    world = scenario("quiet")
    assert all(world.distance_m(i / 10) is None for i in range(360))


def test_unknown_scenario_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(ValueError, match=r"no scenario 'wlak': expected one of whole, walk, .*did you mean 'walk'"):
        scenario("wlak")
