"""Real people through the whole device: their recorded motion goes through the simulated chip's registers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.recordings import FOLDER, needs_recordings
from support.walks import Walk, take_walk

from firmware.core.messages import Hazard, Severity
from hal.sim.world.recorded import recorded

pytestmark = [pytest.mark.data, needs_recordings]


def play(trial: str, folder: Path) -> Walk:
    return take_walk(recorded(f"{FOLDER / trial}"), folder)


def alarms(walk: Walk) -> list[str]:
    return [alert.severity for alert in walk.alerts if alert.hazard is Hazard.FALL]


@pytest.mark.parametrize("trial", ["kfall/SA06.npz:T34_SA06_R01", "sisfall/SA06.npz:F02_SA06_R01"])
def test_backward_fall_is_told_within_a_second_or_so_and_confirmed(trial: str, tmp_path: Path) -> None:
    walk = play(trial, tmp_path)
    assert alarms(walk) == [Severity.POSSIBLE, Severity.SUSPECTED, Severity.CONFIRMED]
    suspected = next(alert for alert in walk.alerts if alert.severity is Severity.SUSPECTED)
    assert 0.0 < suspected.t_ns / 1e9 - walk.mark_s("impact") < 1.3
    assert [event["phase"] for event in walk.events if event["type"] == "fall"] == ["suspected", "confirmed"]


def test_command_plays_a_real_person() -> None:
    trial = f"{FOLDER}/kfall/SA06.npz:T34_SA06_R01"
    command = [sys.executable, "-m", "firmware", "walk", "--simulated", "--virtual-time", "--json", "--motion", trial]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    summary = json.loads(done.stdout.splitlines()[-1])
    assert [alert["what"] for alert in summary["alerts"]] == ["fall suspected", "fall confirmed"]
    assert {alert["delivery"] for alert in summary["alerts"]} == {"delivered"}


def test_slow_walk_is_counted_and_nothing_sounds(tmp_path: Path) -> None:
    walk = play("kfall/SA06.npz:T06_SA06_R01", tmp_path)
    assert walk.summary["steps"] >= 10
    assert walk.alerts == []


def test_stumble_that_is_caught_is_no_fall(tmp_path: Path) -> None:
    walk = play("sisfall/SA06.npz:D18_SA06_R01", tmp_path)
    assert alarms(walk) == []


def test_sitting_down_hard_is_no_fall(tmp_path: Path) -> None:
    walk = play("sisfall/SA06.npz:D11_SA06_R01", tmp_path)
    assert alarms(walk) == []
