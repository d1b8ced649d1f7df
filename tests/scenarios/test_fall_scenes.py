"""Simulated falls, and what is none: what the shipping core makes of them. `python -m bench.scenes` plays many more."""

import math
from pathlib import Path

import pytest
from support.walks import take_walk

from bench.scenes import AT_LEAST, KNOWN_CALLS, PEERS_CALL_PERCENT, RUNS, Run, play, run
from firmware.core.messages import Hazard, Severity
from hal.sim.world.fall_scenes import FALL_SCENES

MANY = {"backward sit-fall": RUNS, "slow collapse": RUNS, "slump at a wall": RUNS, "device dropped": 16}
"""A bar stands for them; the others are played eight times. `python -m bench.scenes` plays each forty times."""
SOME, FEW = 8, 3


def played(scene: str, rate_hz: int, count: int) -> list[Run]:
    return [run(scene, seed, rate_hz) for seed in range(count)]


def wrong(found: list[Run]) -> list[str]:
    return [f"{r.seed}: {', '.join(r.phases) or 'nothing'} by {r.path}" for r in found if not r.right]


@pytest.mark.parametrize("scene", FALL_SCENES)
def test_every_scene_is_judged_as_it_should_be(scene: str) -> None:
    count = MANY.get(scene, SOME)
    found = played(scene, 50, count)
    missing = 1.0 - AT_LEAST.get(scene, 1.0 - KNOWN_CALLS.get(scene, 0.0))
    assert len(wrong(found)) <= math.ceil(missing * count - 1e-9), wrong(found)


@pytest.mark.parametrize("rate_hz", [100, 200])
@pytest.mark.parametrize("scene", [*AT_LEAST, "device dropped", "sitting down hard", "sitting on a chair"])
def test_other_sampling_rates_change_nothing(scene: str, rate_hz: int) -> None:
    found = played(scene, rate_hz, FEW)
    assert wrong(found) == []


def test_dropped_device_is_known_to_be_off_the_body() -> None:
    assert [r.seed for r in played("device dropped", 100, FEW) if r.worn_at_end is not False] == []


def test_nobody_who_lies_on_the_floor_is_taken_for_a_device_that_was_put_down() -> None:
    fallen = ("backward trip", "slow collapse", "slump at a wall", "backward sit-fall", "lying down on purpose")
    assert [r for scene in fallen for r in played(scene, 50, FEW) if r.worn_at_end is False] == []


@pytest.mark.parametrize(
    ("scene", "told"),
    [
        ("backward trip", [Severity.SUSPECTED]),
        ("slow collapse", [Severity.SUSPECTED]),
        ("fell and up again", [Severity.SUSPECTED, Severity.RECOVERED]),
        ("sitting down hard", []),
        ("device dropped", []),
    ],
)
def test_whole_device_on_the_simulated_board_agrees(scene: str, told: list[Severity], tmp_path: Path) -> None:
    walk = take_walk(FALL_SCENES[scene](1), tmp_path)
    falls = [alert.severity for alert in walk.alerts if alert.hazard is Hazard.FALL]
    assert [severity for severity in falls if severity not in ("possible", Severity.NONE)] == told


def test_same_seed_is_the_same_scene_and_another_seed_another() -> None:
    for make in FALL_SCENES.values():
        assert make(3).motion(9.1) == make(3).motion(9.1)
        assert make(3).motion(9.1) != make(4).motion(9.1)
    scene = FALL_SCENES["slow collapse"]
    assert play(scene(0), 50, 0) == play(scene(0), 50, 0)


def test_peers_are_only_said_to_have_done_what_they_were_tried_on() -> None:
    assert set(PEERS_CALL_PERCENT) <= set(FALL_SCENES)
    assert all(len(row) == 6 for row in PEERS_CALL_PERCENT.values())
