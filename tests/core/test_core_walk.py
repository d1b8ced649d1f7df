"""The states of a walk: every state with every event."""

from dataclasses import dataclass, field

import pytest

from firmware.core.estimators.steps import StepTimes
from firmware.core.messages import Alert, Hazard, Severity, WalkState
from firmware.core.walk import Walk, WalkConfig

S = 1_000_000_000


@dataclass
class StepStub:
    count: int = 0
    in_a_row: int = 0
    row_since_ns: int = 0
    last_ns: int | None = None
    intervals: int = 0
    intervals_s: float = 0.0
    times: StepTimes = field(default_factory=StepTimes)


def walk_in(state: WalkState) -> tuple[Walk, StepStub]:
    walk, steps = Walk(WalkConfig()), StepStub()
    if state is WalkState.SELF_TEST:
        return walk, steps
    walk.update(S, True, steps)
    if state in (WalkState.WALKING, WalkState.PAUSED):
        take_steps(steps, 3, 5 * S)
        walk.update(5 * S, True, steps)
    if state is WalkState.PAUSED:
        walk.update(14 * S, True, steps)
    if state is WalkState.ENDED:
        walk.end(20 * S)
    assert walk.state is state
    return walk, steps


def take_steps(steps: StepStub, number: int, t_ns: int) -> None:
    steps.count += number
    steps.in_a_row += number
    steps.row_since_ns, steps.last_ns = t_ns - 2 * S, t_ns
    steps.intervals += number - 1
    steps.intervals_s += 0.6 * (number - 1)


def alert(hazard: Hazard, severity: Severity, number: int = 1, **data: float) -> Alert:
    return Alert(30 * S, hazard, severity, number, data)


A, B, C, D, E = WalkState.SELF_TEST, WalkState.READY, WalkState.WALKING, WalkState.PAUSED, WalkState.ENDED
TABLE = {
    #          SELF_TEST READY WALKING PAUSED ENDED
    "nothing": (A, B, D, D, E),  # walking pauses after 8 s without a step
    "ready": (B, B, D, D, E),
    "two steps": (A, B, C, D, E),
    "three steps": (A, C, C, C, E),
    "fall, then steps": (A, B, D, D, E),
    "fall, cancelled, then steps": (A, C, C, C, E),
    "end": (E, E, E, E, E),
}


@pytest.mark.parametrize("event", list(TABLE))
@pytest.mark.parametrize(("index", "before"), list(enumerate([A, B, C, D, E])))
def test_every_state_with_every_event(event: str, index: int, before: WalkState) -> None:
    walk, steps = walk_in(before)
    if event.startswith("fall"):
        walk.note_alert(alert(Hazard.FALL, Severity.SUSPECTED))
        walk.update(29 * S, False, steps)
        if "cancelled" in event:
            walk.note_alert(alert(Hazard.FALL, Severity.CANCELLED))
        steps.in_a_row = 0
    if "steps" in event:
        take_steps(steps, 2 if "two" in event else 4, 30 * S)
    changed = walk.end(30 * S) if event == "end" else walk.update(30 * S, event == "ready", steps)
    after = TABLE[event][index]
    assert walk.state is after
    if not event.startswith("fall"):
        assert changed == (before is not after)


def test_only_an_upright_walker_with_good_sensors_is_ready() -> None:
    walk, steps = walk_in(WalkState.SELF_TEST)
    assert not walk.active
    assert not walk.update(60 * S, False, steps)
    assert walk.update(61 * S, True, steps)
    assert walk.active


def test_minutes_go_from_the_first_step_to_the_last() -> None:
    walk, steps = walk_in(WalkState.WALKING)
    for second in range(6, 66):
        take_steps(steps, 1, second * S)
        steps.row_since_ns = 3 * S
        walk.update(second * S, True, steps)
    walk.update(90 * S, True, steps)
    assert walk.state is WalkState.PAUSED
    summary = walk.summary(90 * S)
    assert summary["minutes"] == pytest.approx(62 / 60, abs=0.02)
    assert summary["steps"] == 63


def test_the_summary_of_no_walk_claims_nothing() -> None:
    summary = Walk(WalkConfig()).summary(0)
    assert summary == {
        "minutes": 0.0,
        "steps": 0,
        "cadence_spm": None,
        "step_time_sd_ms": None,
        "obstacle_cautions": 0,
        "obstacle_warnings": 0,
        "first_warning_distance_m": None,
        "nearest_m": None,
        "sway_warnings": 0,
        "sway_rms_deg": None,
        "sway_drift": None,
        "lean_cues": 0,
        "falls": 0,
        "sos": 0,
        "faults": 0,
        "mode": None,
        "mode_minutes": 0.0,
        "clear_m": None,
        "no_start": "",
    }


def test_one_approach_is_one_warning_however_it_rises() -> None:
    walk, _ = walk_in(WalkState.WALKING)
    walk.note_alert(alert(Hazard.OBSTACLE, Severity.WARNING, 4, distance_m=1.31))
    walk.note_alert(alert(Hazard.OBSTACLE, Severity.IMMINENT, 4, distance_m=0.7))
    walk.note_alert(alert(Hazard.OBSTACLE, Severity.WARNING, 4, distance_m=0.9))
    walk.note_alert(alert(Hazard.OBSTACLE, Severity.IMMINENT, 5, distance_m=0.4))
    summary = walk.summary(40 * S)
    assert summary["obstacle_warnings"] == 2
    assert summary["first_warning_distance_m"] == 1.31
