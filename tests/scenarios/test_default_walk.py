"""The default walk, end to end in simulated time: the whole device on the simulated board, as `make walk` plays it."""

import hashlib
import itertools
import json
from pathlib import Path

import pytest
from support.walks import Walk, take_walk

from firmware.core.messages import Alert, Hazard, Pattern, Severity, WalkChanged, WalkState
from firmware.outputs import as_json
from hal.sim.world.scenarios import Scene

LEAST_M = 1.16  # peers' budget for an older walker at 0.6 m/s: 1.26 s to stop, 0.40 m for the trailing foot


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return take_walk("walk", tmp_path_factory.mktemp("walk"))


def first(walk: Walk, hazard: Hazard, severity: Severity) -> Alert:
    return next(alert for alert in walk.alerts if (alert.hazard, alert.severity) == (hazard, severity))


def test_device_is_ready_within_ten_seconds(walk: Walk) -> None:
    ready = next(item for item in walk.outputs if isinstance(item, WalkChanged) and item.state is WalkState.READY)
    assert ready.t_ns < 10e9


def test_caution_then_warning_sound_while_enough_way_is_left(walk: Walk) -> None:
    caution, warning = first(walk, Hazard.OBSTACLE, Severity.CAUTION), first(walk, Hazard.OBSTACLE, Severity.WARNING)
    assert caution.t_ns < warning.t_ns
    buzz_ns = walk.buzz_after(warning.t_ns)
    assert (buzz_ns - warning.t_ns) / 1e9 < 0.02
    left_m = walk.world.distance_m(buzz_ns / 1e9)
    assert left_m is not None
    assert left_m >= LEAST_M


def test_sudden_sway_is_tapped_on_the_back(walk: Walk) -> None:
    began_s = walk.mark_s("sudden sway")
    warned = [
        alert.t_ns / 1e9 for alert in walk.alerts if alert.hazard is Hazard.SWAY and alert.severity is not Severity.NONE
    ]
    assert any(began_s < t_s < began_s + 0.6 for t_s in warned)
    assert walk.sounded(Pattern.SWAY)


def test_fall_is_suspected_within_a_little_over_a_second_and_confirmed_after_the_countdown(walk: Walk) -> None:
    suspected, confirmed = first(walk, Hazard.FALL, Severity.SUSPECTED), first(walk, Hazard.FALL, Severity.CONFIRMED)
    assert suspected.t_ns / 1e9 - walk.mark_s("impact") < 1.05
    assert (confirmed.t_ns - suspected.t_ns) / 1e9 == pytest.approx(30.0, abs=0.1)
    assert suspected.alarm == confirmed.alarm
    assert walk.pattern_at(suspected.t_ns + 10**9) is Pattern.FALL_COUNTDOWN


def test_caregiver_gets_suspected_then_confirmed_of_one_alarm_once_each(walk: Walk) -> None:
    falls = [event for event in walk.events if event["type"] == "fall"]
    assert [event["phase"] for event in falls] == ["suspected", "confirmed"]
    assert len({event["data"]["alarm"] for event in falls}) == 1
    assert falls[0]["data"]["alarm"] == falls[0]["id"]
    assert falls[0]["deadline_s"] == 30.0
    assert [event["seq"] for event in falls] == sorted(event["seq"] for event in falls)


def test_wearer_feels_that_the_alarm_was_taken(walk: Walk) -> None:
    assert walk.sounded(Pattern.FALL_SENT)


def taken_and_walked(walk: Walk) -> tuple[float, float]:
    """Steps the simulated walker really took before the fall, and seconds in which her feet moved."""
    assert isinstance(walk.world, Scene)
    until = round(walk.mark_s("falls backward") * 100)
    phases = [walk.world.walker.steps(i / 100) for i in range(until)]
    moved = [abs(after - before) for before, after in itertools.pairwise(phases)]
    return sum(moved), sum(step > 1e-4 for step in moved) / 100


def test_summary_is_right(walk: Walk) -> None:
    summary = walk.summary
    assert summary["obstacle_cautions"] == 1
    assert summary["obstacle_warnings"] == 1
    assert summary["falls"] == 1
    assert summary["sway_warnings"] >= 1
    assert summary["faults"] == 0
    assert summary["nearest_m"] == pytest.approx(0.5, abs=0.1)
    true_steps, true_walking_s = taken_and_walked(walk)
    assert summary["steps"] == pytest.approx(true_steps, rel=0.15)
    assert summary["minutes"] == pytest.approx(true_walking_s / 60, rel=0.2)
    assert summary["cadence_spm"] == pytest.approx(60 * true_steps / true_walking_s, rel=0.1)


def test_outputs_are_silent_at_the_end(walk: Walk) -> None:
    assert not walk.device.board.buzzer_pin.history[-1].level
    assert not walk.device.board.motor_pin.history[-1].level


def test_same_walk_twice_is_the_same_to_the_last_byte(walk: Walk, tmp_path: Path) -> None:
    def digest(of: Walk) -> str:
        text = "\n".join(json.dumps(as_json(output)) for output in of.outputs)
        told = json.dumps(of.events)
        return hashlib.sha256((text + told).encode()).hexdigest()

    assert digest(take_walk("walk", tmp_path)) == digest(walk)
