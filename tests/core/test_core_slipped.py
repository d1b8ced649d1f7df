"""A device that has turned on the belt: the trunk is judged by how it sits now, and a slip alone is no fall."""

import math
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import pytest
from core.way_behind import Way

from bench.scenes import play
from firmware.core.config import CoreConfig
from firmware.core.estimators.attitude import Attitude, AttitudeConfig
from firmware.core.messages import Alert, Hazard, Severity
from firmware.core.wearing import Wearing
from hal.samples import Vector
from hal.sim.world.rotation import about, rotated
from hal.sim.world.slipped_scenes import FALLS, SEEDS, collapse_and_fit, mark_s, slipped
from hal.sim.world.wearing_scenes import clipped_on_otherwise

RATE_HZ = 100
SOME = range(3, SEEDS, 9)  # 38, 58, 78, 99 and 119 degrees


@lru_cache
def alerts(seed: int, then: str) -> tuple[Alert, ...]:
    outputs = play(slipped(seed, then), RATE_HZ, seed)
    return tuple(output for output in outputs if isinstance(output, Alert))


def of(told: tuple[Alert, ...], hazard: Hazard, severity: Severity) -> list[float]:
    return [alert.t_ns * 1e-9 for alert in told if (alert.hazard, alert.severity) == (hazard, severity)]


@pytest.mark.parametrize("then", ["walks on", "stops"])
def test_slip_of_a_device_whose_wearer_walks_on_or_stops_is_told_and_is_no_fall(then: str) -> None:
    told = {seed: alerts(seed, then) for seed in SOME}
    assert all(of(one, Hazard.MOUNTING, Severity.CAUTION) for one in told.values())
    fallen = [seed for seed, one in told.items() if of(one, Hazard.FALL, Severity.SUSPECTED)]
    assert fallen == [], "who may have sunk is asked all the same: 2 of 40 who stop"


def test_who_walks_on_with_a_slipped_device_hears_no_lean_and_no_sway_but_that_of_the_slip() -> None:
    for seed in SOME:
        rests_s = slipped(seed).wrong_s
        assert rests_s is not None
        told = alerts(seed, "walks on")
        assert of(told, Hazard.LEAN, Severity.CUE) == [], seed
        assert [t_s for t_s in of(told, Hazard.SWAY, Severity.WARNING) if t_s > rests_s + 2.0] == [], seed


@pytest.mark.parametrize("then", FALLS)
def test_fall_with_a_turned_device_is_called(then: str) -> None:
    for seed in SOME:
        fell_s = mark_s(slipped(seed, then), "impact")
        called = of(alerts(seed, then), Hazard.FALL, Severity.SUSPECTED)
        assert called, seed
        assert fell_s - 4.0 < called[0] < fell_s + 30.0, (
            seed,
            "not before she went down; what a hand may have turned waits for 25 s",
        )


@pytest.mark.parametrize("seed", [1, 4, 6])
def test_who_collapses_and_shakes_as_regularly_as_steps_is_called(seed: int) -> None:
    scene = collapse_and_fit(seed)
    told = tuple(output for output in play(scene, RATE_HZ, seed) if isinstance(output, Alert))
    called = of(told, Hazard.FALL, Severity.SUSPECTED)
    assert called
    assert called[0] < mark_s(scene, "impact") + 13.0


@pytest.mark.parametrize("seed", [0, 3])
def test_device_taken_off_between_two_steps_and_clipped_on_upside_down_is_told_so_and_is_no_fall(seed: int) -> None:
    scene = clipped_on_otherwise(seed, 175.0)
    told = tuple(output for output in play(scene, 50, seed) if isinstance(output, Alert))
    assert of(told, Hazard.FALL, Severity.SUSPECTED) == []
    assert [alert.data["reason"] for alert in told if alert.hazard is Hazard.MOUNTING] == [
        "it is worn upside down: turn it upright, or run `rearguard calibrate`"
    ]


@pytest.mark.parametrize(("away_deg", "warns"), [(0.0, True), (29.0, True), (31.0, False), (120.0, False)])
def test_rangefinder_that_the_device_has_turned_away_tells_nothing_of_the_way_behind(
    away_deg: float, warns: bool
) -> None:
    way = Way()
    way.body.attitude.away_rad = math.radians(away_deg)
    way.walk(4.0, lambda t_s: 2.8 - 0.6 * t_s)
    assert bool(way.warned()) is warns


# What of it is believed

ON_ITS_SIDE: Vector = (0.0, 1.0, 0.0)


def turned_after(
    *,
    before: bool = False,
    sank: bool = False,
    slipped: bool = True,
    tilt_deg: float = 0.0,
    stood_s: float = 1.0,
    **seat: Any,
) -> bool:
    """Whether the device counts as turned, `before` and after one look at how it sits."""
    attitude = upright()
    attitude.turn_to(ON_ITS_SIDE if before else None)
    attitude.tilt_rad = math.radians(tilt_deg)
    last_ns = 100_000_000_000
    now = SimpleNamespace(t_ns=last_ns + round(stood_s * 1e9))
    wearing = Wearing(
        CoreConfig(), SimpleNamespace(attitude=attitude, steps=SimpleNamespace(last_ns=last_ns), slice=now)
    )  # type: ignore[arg-type]
    usual = {"slipped_rad": 1.0, "up": ON_ITS_SIDE, "stepping": True, "walked_on": True, "well_s": 0.0}
    wearing._seat = SimpleNamespace(**{**usual, **seat})  # type: ignore[assignment]
    wearing._wrong = SimpleNamespace(slipped=slipped)  # type: ignore[assignment]
    wearing._follow(sank)
    return attitude.turned


@pytest.mark.parametrize(
    ("seen", "turned"),
    [({}, True), ({"stepping": False}, False), ({"walked_on": False}, False), ({"sank": True}, False)],
)
def test_device_has_turned_only_while_she_walks_on_and_has_not_sunk(seen: dict[str, Any], turned: bool) -> None:
    assert turned_after(**seen) is turned


@pytest.mark.parametrize(
    ("seen", "turned"),
    [
        ({"slipped": False}, False),
        ({"slipped": False, "stepping": False}, True),
        ({"slipped": False, "stepping": False, "well_s": 1.3}, False),
        ({"slipped": False, "stepping": False, "well_s": 1.3, "sank": True}, True),
        ({"slipped_rad": None, "stood_s": 19.0}, True),
        ({"slipped_rad": None, "stood_s": 21.0}, False),
        ({"slipped_rad": None, "stood_s": 21.0, "tilt_deg": 20.0}, True),
    ],
)
def test_what_was_learned_holds_again_once_it_sits_so_or_she_has_not_stepped_for_long(
    seen: dict[str, Any], turned: bool
) -> None:
    assert turned_after(before=True, **seen) is turned


# The attitude by itself


def upright() -> Attitude:
    attitude = Attitude(AttitudeConfig())
    for index in range(120):
        attitude.update(index * 20_000_000, (0.5, 0.3, 9.78), (0.0, 0.0, 0.0))
    assert attitude.upright_known
    assert not attitude.turned
    return attitude


@pytest.mark.parametrize("deg", [20.0, 80.0, 150.0, 180.0])
@pytest.mark.parametrize("to_deg", [0.0, 60.0, 90.0, 200.0])
def test_lean_of_a_trunk_is_told_alike_by_a_device_that_turned_about_a_level_axis(deg: float, to_deg: float) -> None:
    """She leans forward by 20 degrees and to the right by 5: first as learned, then after the slip."""
    attitude = upright()
    assert attitude.upright is not None
    to = math.radians(to_deg)
    forward, left = attitude._forward, attitude._left
    axis: Vector = (
        math.cos(to) * forward[0] + math.sin(to) * left[0],
        math.cos(to) * forward[1] + math.sin(to) * left[1],
        math.cos(to) * forward[2] + math.sin(to) * left[2],
    )
    slip = about(axis, math.radians(deg))
    new = rotated(slip, attitude.upright)
    attitude.turn_to(new)
    assert attitude.turned
    # Upside down any level axis would do as well: what lies forward is taken to have stayed.
    if deg < 180.0:
        assert attitude._forward == pytest.approx(rotated(slip, forward), abs=1e-6)
        assert attitude._left == pytest.approx(rotated(slip, left), abs=1e-6)
    attitude.restart()
    for index in range(120, 240):
        force = (new[0] * 9.81, new[1] * 9.81, new[2] * 9.81)
        attitude.update(index * 20_000_000, force, (0.0, 0.0, 0.0))
    assert attitude.tilt_rad == pytest.approx(0.0, abs=0.03)
    assert math.degrees(attitude.away_rad) == pytest.approx(deg, abs=2.0)
    attitude.turn_to(None)
    assert not attitude.turned
    assert (attitude._forward, attitude._left) == (forward, left)


def test_device_whose_upright_is_not_known_cannot_have_turned() -> None:
    attitude = Attitude(AttitudeConfig())
    attitude.turn_to((1.0, 0.0, 0.0))
    assert not attitude.turned
    assert attitude.upright is None
