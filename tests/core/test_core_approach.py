"""Walking backward into something, at any speed and from any distance, through the whole core."""

import math

import pytest
from core_scenes import Angle, ready_wearer, walking_wearer

from firmware.core.messages import Hazard, Output, Severity, Tick

STOPPING_S, FOOT_M = 1.26, 0.40  # an older walker's reaction and stop; the foot behind the sensor
BELIEF_S, BELIEF_M = 0.8, 0.2  # how long the speed of somebody who just started is not known yet, and her sway


def told_at(speed_mps: float, gap_m: float, *, stepping: bool, seed: int = 1) -> dict[Severity, float]:
    """Distance at which each severity was first told to somebody who stood still and then walks into a wall."""
    wearer = ready_wearer(seed=seed)
    wearer.distance_m = gap_m
    wearer.stand(1.0)
    assert wearer.alerts() == []
    wearer.speed_mps = speed_mps
    told: dict[Severity, float] = {}
    while wearer.distance_m > 0.03:
        seen = len(wearer.outputs)
        wearer.live(0.05, stepping=stepping)
        wearer.outputs = wearer.outputs[seen:]
        for alert in wearer.alerts(Hazard.OBSTACLE):
            told.setdefault(alert.severity, wearer.distance_m)
    return told


@pytest.mark.parametrize("stepping", [True, False], ids=["steps", "no steps seen"])
@pytest.mark.parametrize("gap_m", [0.7, 1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("speed_mps", [0.1, 0.15, 0.2, 0.28, 0.45, 0.6, 0.75, 0.9, 1.2])
def test_nobody_touches_a_wall_unwarned(speed_mps: float, gap_m: float, stepping: bool) -> None:
    told = told_at(speed_mps, gap_m, stepping=stepping)
    urgent_m = max(told[s] for s in (Severity.WARNING, Severity.IMMINENT) if s in told)
    needed_m = speed_mps * STOPPING_S + FOOT_M
    if gap_m >= needed_m + BELIEF_S * speed_mps + BELIEF_M:
        assert urgent_m >= needed_m
    else:  # too near for the whole budget: what is lost is the time to tell the approach from sway, and no more
        assert urgent_m >= min(needed_m, gap_m - BELIEF_M - BELIEF_S * speed_mps, 0.35)
        assert urgent_m >= 0.5 * min(gap_m, needed_m)
    if gap_m >= 2.0 and 0.45 <= speed_mps <= 0.9:
        assert told[Severity.CAUTION] > urgent_m


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("gap_m", [2.0, 3.0])
def test_at_slow_walking_speed_the_warning_comes_at_1_20_m(gap_m: float, seed: int) -> None:
    assert told_at(0.6, gap_m, stepping=True, seed=seed)[Severity.WARNING] >= 1.20 - 0.03  # it looks every 3 cm


@pytest.mark.parametrize("distance_m", [0.25, 0.4, 0.6, 1.0])
@pytest.mark.parametrize("sway_hz", [0.15, 0.3, 0.8])
def test_postural_sway_near_a_wall_is_quiet(distance_m: float, sway_hz: float) -> None:
    wearer = ready_wearer()
    wearer.distance_m = distance_m
    wearer.swing_m = lambda t_s: 0.03 * math.sin(2 * math.pi * sway_hz * t_s)
    assert wearer.stand(40).alerts() == []


@pytest.mark.parametrize("swing_hz", [0.8, 1.6])
def test_a_partner_or_treadmill_at_a_range_that_swings_with_the_steps_is_quiet(swing_hz: float) -> None:
    swing: Angle = lambda t_s: 0.02 * math.sin(2 * math.pi * swing_hz * t_s)  # noqa: E731
    wearer = ready_wearer()
    wearer.distance_m, wearer.swing_m = 0.8, swing
    assert wearer.stand(2).walk(30).alerts(Hazard.OBSTACLE) == []


@pytest.mark.parametrize("speed_mps", [0.1, 0.3, 0.6])
def test_walking_away_is_quiet(speed_mps: float) -> None:
    wearer = ready_wearer()
    wearer.distance_m = 0.4
    wearer.stand(2)
    wearer.speed_mps = -speed_mps
    assert wearer.walk(5).alerts(Hazard.OBSTACLE) == []


@pytest.mark.parametrize("speed_mps", [0.07, 0.1])
@pytest.mark.parametrize("stepping", [True, False])
def test_what_comes_nearer_by_more_than_sway_is_warned_of_before_the_heel_is_there(
    speed_mps: float, stepping: bool
) -> None:
    """docs/SAFETY.md: slower than 0.065 m/s nothing may warn."""
    assert told_at(speed_mps, 1.6, stepping=stepping)[Severity.WARNING] > FOOT_M + 0.1


def test_stopping_near_a_wall_after_a_slow_approach_is_quiet_again() -> None:
    wearer = ready_wearer()
    wearer.distance_m, wearer.speed_mps = 0.8, 0.12
    wearer.stand(3)
    assert wearer.severities(Hazard.OBSTACLE)[-1] is Severity.WARNING
    wearer.speed_mps = 0.0
    wearer.stand(2.5)
    assert wearer.severities(Hazard.OBSTACLE)[-1] is Severity.NONE
    wearer.outputs.clear()
    assert wearer.stand(10).alerts() == []


@pytest.mark.parametrize("lost_at_m", [3.0, 2.2, 1.6, 1.45, 1.0])
def test_one_lost_ping_is_no_fault_and_does_not_interrupt_an_approach(lost_at_m: float) -> None:
    wearer = walking_wearer()
    wearer.distance_m, wearer.speed_mps = 3.9, 0.6
    lost: list[Output] | None = None
    told: dict[Severity, float] = {}
    while wearer.distance_m > 0.75:
        wearer.walk(0.05)
        if lost is None and wearer.distance_m <= lost_at_m:
            lost = wearer.lose_ping()
        for alert in wearer.alerts(Hazard.OBSTACLE):
            told.setdefault(alert.severity, wearer.distance_m)
    assert wearer.alerts(Hazard.FAULT) == []
    assert wearer.severities(Hazard.OBSTACLE)[:2] == [Severity.CAUTION, Severity.WARNING]
    assert Severity.NONE not in told
    assert told[Severity.WARNING] >= 1.20 - (0.25 if lost_at_m in (1.6, 1.45) else 0.03)


def test_three_lost_pings_in_a_row_are_a_fault_within_half_a_second_of_silence() -> None:
    wearer = walking_wearer()
    start_s = wearer.t_s
    for _ in range(3):
        wearer.lose_ping()
        wearer.walk(0.31)
    fault = wearer.alerts(Hazard.FAULT)[0]
    assert fault.t_ns / 1e9 - start_s <= 0.5


def test_a_rangefinder_on_probation_still_warns() -> None:
    wearer = walking_wearer()
    wearer.distance_m, wearer.speed_mps = 2.6, 0.6
    wearer.walk(0.6)
    wearer.ranging = False
    wearer.walk(0.6)
    assert wearer.severities(Hazard.FAULT) == [Severity.FAULT]
    wearer.ranging = True
    while wearer.distance_m > 1.17:
        wearer.walk(0.05)
    assert wearer.severities(Hazard.FAULT) == [Severity.FAULT], "it is on probation still"
    assert Severity.WARNING in wearer.severities(Hazard.OBSTACLE)
    assert wearer.pipeline.step(Tick(wearer.t_ns)) == []
    assert wearer.patterns()[-1].value == "obstacle_warning"


def test_a_fault_of_bad_echoes_does_not_cost_the_warning_by_good_ones() -> None:
    wearer = walking_wearer()
    wearer.distance_m, wearer.speed_mps = 1.9, 0.6
    wearer.walk(0.5)
    for _ in range(3):
        wearer.fail("rangefinder", "ImplausibleEcho")
    wearer.walk(0.5)
    assert wearer.severities(Hazard.FAULT) == [Severity.FAULT]
    assert Severity.WARNING in wearer.severities(Hazard.OBSTACLE)


def test_a_single_ghost_followed_by_open_space_is_quiet() -> None:
    wearer = walking_wearer()
    for ghost_m in (0.9, 1.1, 0.8):
        wearer.distance_m = ghost_m
        wearer.walk(0.06)
        wearer.distance_m = None
        wearer.walk(1.0)
    assert wearer.alerts() == []
