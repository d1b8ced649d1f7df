"""What a walk comes to: minutes, steps and counts."""

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import record

from firmware import walks
from firmware.core.estimators.steps import StepTimes
from firmware.core.messages import Alert, Hazard, Severity
from firmware.core.plan import PlanConfig, Verdict
from firmware.core.tally import _COUNTED, Tally

S = 1_000_000_000


@dataclass
class StepStub:
    count: int = 0
    row_since_ns: int = 0
    last_ns: int | None = None
    intervals: int = 0
    intervals_s: float = 0.0
    times: StepTimes = field(default_factory=StepTimes)

    def take(self, number: int, t_ns: int) -> "StepStub":
        self.count += number
        self.last_ns = t_ns
        self.intervals += number
        self.intervals_s += 0.6 * number
        return self


def alert(hazard: Hazard, severity: Severity, number: int = 1, **data: float) -> Alert:
    return Alert(30 * S, hazard, severity, number, data)


def begun(before: int = 0) -> tuple[Tally, StepStub]:
    tally, steps = Tally(), StepStub(count=before)
    tally.begin(steps)
    return tally, steps


def test_minutes_go_from_the_first_step_to_the_last() -> None:
    tally, steps = begun(before=40)
    tally.walk(3 * S)
    for second in range(4, 66):
        tally.count(steps.take(1, second * S))
    summary = tally.summary(74 * S)
    assert summary["minutes"] == pytest.approx(62 / 60, abs=0.01)
    assert summary["steps"] == 62
    assert summary["cadence_spm"] == 100.0
    tally.rest(74 * S)
    assert tally.summary(200 * S)["minutes"] == summary["minutes"], "a rest adds nothing"
    assert tally.summary(200 * S)["steps"] == 62


def test_hands_before_the_walk_have_no_cadence() -> None:
    tally, steps = begun(before=40)
    tally.count(steps.take(10, 30 * S))
    summary = tally.summary(31 * S)
    assert (summary["steps"], summary["cadence_spm"], summary["step_time_sd_ms"]) == (0, None, None)


def test_rows_of_steps_add_up_and_each_end_of_one_is_a_pause() -> None:
    tally, steps = begun()
    for row in range(3):
        tally.walk(row * 100 * S)
        tally.count(steps.take(10, (row * 100 + 30) * S))
        tally.rest((row * 100 + 40) * S)
    summary = tally.summary(400 * S)
    assert (summary["minutes"], summary["steps"], summary["pauses"]) == (1.5, 30, 3)


def test_crawling_is_no_walk() -> None:
    tally, steps = begun()
    tally.walk(0)
    tally.count(steps.take(10, 6 * S))
    tally.rest(7 * S)
    tally.count(steps.take(5, 20 * S))
    tally.skip()
    tally.walk(30 * S)
    tally.count(steps.take(10, 36 * S))
    assert tally.summary(37 * S)["steps"] == 20


def test_a_tally_of_nothing_claims_nothing() -> None:
    counts = {"pauses", "steps", "obstacle_cautions", "obstacle_warnings", "sway_warnings", "lean_cues", "falls", "sos"}
    counts |= {"faults", "interruptions", "minutes", "mode_minutes"}
    for name, value in Tally().summary(0).items():
        assert value == (0 if name in counts else "" if name == "no_start" else None), name


def test_one_approach_is_one_warning_however_it_rises() -> None:
    tally, _ = begun()
    tally.note_alert(alert(Hazard.OBSTACLE, Severity.WARNING, 4, distance_m=1.31))
    tally.note_alert(alert(Hazard.OBSTACLE, Severity.IMMINENT, 4, distance_m=0.7))
    tally.note_alert(alert(Hazard.OBSTACLE, Severity.WARNING, 4, distance_m=0.9))
    tally.note_alert(alert(Hazard.OBSTACLE, Severity.IMMINENT, 5, distance_m=0.4))
    summary = tally.summary(40 * S)
    assert summary["obstacle_warnings"] == 2
    assert summary["first_warning_distance_m"] == 1.31


@pytest.mark.parametrize(
    ("hazard", "severity", "clean"),
    [
        (Hazard.OBSTACLE, Severity.CAUTION, True),
        (Hazard.LEAN, Severity.CUE, True),
        (Hazard.FAULT, Severity.FAULT, False),
        (Hazard.OBSTACLE, Severity.IMMINENT, False),
        (Hazard.SWAY, Severity.WARNING, False),
        (Hazard.FALL, Severity.SUSPECTED, False),
        (Hazard.SOS, Severity.CONFIRMED, False),
    ],
)
def test_a_walk_is_clean_until_something_is_warned_of(hazard: Hazard, severity: Severity, clean: bool) -> None:
    tally, _ = begun()
    assert tally.clean
    tally.note_alert(alert(hazard, severity))
    assert tally.clean is clean


@given(
    alerts=st.lists(st.sampled_from(list(_COUNTED)), max_size=4),
    rest_cues=st.integers(0, 1),
    restarts=st.integers(0, 1),
)
def test_what_sounds_clean_is_not_held_against_her_by_the_plan(
    alerts: list[tuple[Hazard, Severity]], rest_cues: int, restarts: int
) -> None:
    tally, _ = begun()
    tally.interruptions = restarts
    tally.add({"rest_cues": rest_cues})
    for number, (hazard, severity) in enumerate(alerts):
        tally.note_alert(alert(hazard, severity, number))
    whole = record(1, **{**tally.summary(0), "minutes": 5.0})
    _, (step,) = walks.planned(PlanConfig(), [whole])
    assert not tally.clean or step.verdict is Verdict.CLEAN


def test_sway_and_lean_are_of_the_walking_alone_and_bending_down_is_neither() -> None:
    tally, _ = begun()
    tally.note_sway(0.5, 0.0, 0.5)
    assert tally.summary(0)["sway_rms_deg"] is None, "standing"
    tally.walk(0)
    for _ in range(10):
        tally.note_sway(math.radians(3.0), math.radians(4.0), math.radians(6.0))
        tally.note_sway(math.radians(60.0), 0.0, math.radians(60.0))
        tally.note_sway(math.nan, 0.0, math.nan)
    summary = tally.summary(S)
    assert summary["sway_rms_deg"] == 5.0
    assert summary["lean_deg"] == 6.0


def test_what_others_know_is_told_under_its_name() -> None:
    tally, _ = begun()
    tally.add({"distance_m": 31.0, "response_s": None})
    tally.add({"distance_m": 33.5})
    assert tally.summary(0)["distance_m"] == 33.5
