"""The core goes on with a walk that an earlier run of the guard has kept."""

import math
from typing import Any

import pytest
from core.core_scenes import Wearer, ready_wearer, walking_wearer
from support.records import WALKED

from firmware.core.course import KEEP_NS
from firmware.core.detectors.readiness import Readiness, ReadinessConfig
from firmware.core.messages import (
    Alert,
    Hazard,
    Pattern,
    PlanToday,
    Resume,
    Severity,
    Tick,
    WalkChanged,
    WalkRecord,
    WalkSoFar,
    WalkState,
)

NONE, SUSPECTED, CONFIRMED = Severity.NONE, Severity.SUSPECTED, Severity.CONFIRMED


def resumed(hazard: Hazard = Hazard.FALL, severity: Severity = NONE, age_s: float = 0.0, **kept: Any) -> Wearer:
    wearer = Wearer()
    wearer.send(PlanToday(0, 5.0))
    wearer.send(Resume(0, True, hazard, severity, age_s))
    wearer.send(WalkSoFar(0, {**WALKED, **kept}))
    return wearer


def records(wearer: Wearer) -> list[WalkRecord]:
    return [o for o in wearer.outputs if isinstance(o, WalkRecord)]


def ended(wearer: Wearer) -> WalkRecord:
    wearer.command("end")
    (record,) = records(wearer)
    return record


def kept(wearer: Wearer) -> list[WalkSoFar]:
    return [o for o in wearer.outputs if isinstance(o, WalkSoFar)]


def test_a_walk_is_told_to_be_kept_now_and_then_at_each_change_and_soon_after_a_fall() -> None:
    wearer = walking_wearer().walk(20)
    changes = {o.t_ns for o in wearer.outputs if isinstance(o, WalkChanged) and o.state in ("ready", "walking")}
    told_ns = [one.t_ns for one in kept(wearer)]
    assert changes <= set(told_ns)
    assert len(told_ns) <= len(changes) + 25e9 / KEEP_NS + 1
    wearer.outputs.clear()
    wearer.fall(4.0)
    (suspected,) = (alert for alert in wearer.alerts(Hazard.FALL) if alert.severity is SUSPECTED)
    after = [one for one in kept(wearer) if one.t_ns > suspected.t_ns]
    assert after[0].data["falls"] == 1
    assert after[0].t_ns - suspected.t_ns < 2e9


def test_a_call_for_help_is_kept_soon_too() -> None:
    wearer = walking_wearer().stand(12)
    for index in range(3):
        wearer.press(True)
        wearer.live(0.15)
        wearer.press(False)
        wearer.live(0.15 if index < 2 else 1.8)
    (called,) = wearer.alerts(Hazard.SOS)
    assert [one.data["sos"] for one in kept(wearer) if 0 < one.t_ns - called.t_ns < 1.5e9] == [1]


def test_before_a_walk_and_after_it_there_is_nothing_to_keep() -> None:
    wearer = Wearer().stand(2)
    assert kept(wearer) == []
    wearer = walking_wearer()
    wearer.command("end")
    before = len(kept(wearer))
    wearer.send(Tick(wearer.t_ns + 10**10))
    assert len(kept(wearer)) == before


def test_it_counts_on_from_what_was_kept() -> None:
    data = ended(resumed(steps=600, minutes=4.0, obstacle_warnings=1, planned_minutes=6.0).stand(3).walk(60)).data
    assert data["minutes"] == pytest.approx(5.0, abs=0.06)
    assert data["steps"] == pytest.approx(700, abs=6)
    assert (data["obstacle_warnings"], data["planned_minutes"]) == (1, 6.0)
    assert (data["falls"], data["sos"], data["interruptions"], data["faults"]) == (0, 0, 1, 1)


def test_the_planned_minutes_of_before_hold_whatever_is_planned_by_now() -> None:
    wearer = resumed(minutes=4.5, planned_minutes=5.0)
    wearer.send(PlanToday(wearer.t_ns, 20.0))
    wearer.stand(3).walk(26)
    assert Pattern.TIME_UP not in wearer.patterns()
    wearer.walk(8)
    assert Pattern.TIME_UP in wearer.patterns()


def test_a_word_that_comes_late_loses_nothing_that_was_walked_meanwhile() -> None:
    wearer = Wearer()
    wearer.send(Resume(0, True, Hazard.FALL, NONE, 0.0))
    wearer.stand(3).walk(60)
    wearer.send(WalkSoFar(wearer.t_ns, {**WALKED, "steps": 600, "minutes": 4.0}))
    data = ended(wearer.walk(30)).data
    assert data["minutes"] == pytest.approx(5.5, abs=0.06)
    assert (data["interruptions"], data["falls"]) == (1, 0)


def test_a_walk_that_is_ready_again_after_a_power_cut_is_the_same_walk() -> None:
    wearer = ready_wearer()
    wearer.send(WalkSoFar(wearer.t_ns, {**WALKED, "steps": 600, "minutes": 4.0}))
    data = ended(wearer.walk(60)).data
    assert data["minutes"] == pytest.approx(5.0, abs=0.06)
    assert data["interruptions"] == 1


def test_taken_off_before_her_next_step_its_record_is_kept_once() -> None:
    for unfit in (False, True):
        wearer = ready_wearer()
        wearer.send(WalkSoFar(wearer.t_ns, {**WALKED, "steps": 600}))
        for _ in range(10 if unfit else 0):
            wearer.fail("motor", "Broken")
            wearer.stand(0.2)
        wearer.pipeline._wearing._on_body.on_body = False
        wearer.send(Tick(wearer.t_ns + 200_000_000))
        wearer.command("end")
        assert [record.data["steps"] for record in records(wearer)] == [600]


def test_without_a_walk_to_go_on_with_what_was_kept_is_a_record_of_its_own() -> None:
    wearer = Wearer()
    for _ in range(2):
        wearer.send(WalkSoFar(0, WALKED))
    assert [record.data["steps"] for record in records(wearer)] == [604]
    assert records(wearer)[0].data["falls"] is None


@pytest.mark.parametrize(
    "data", [{}, {"minutes": math.nan, "steps": 3}, {**WALKED, "steps": -5}, {**WALKED, "falls": 1e400}]
)
def test_what_cannot_be_true_is_not_gone_on_with_and_the_walk_is(data: dict[str, Any]) -> None:
    wearer = Wearer()
    wearer.send(Resume(0, True, Hazard.FALL, NONE, 0.0))
    wearer.send(WalkSoFar(0, data))
    found = ended(wearer.stand(3).walk(60)).data
    assert found["minutes"] == pytest.approx(1.0, abs=0.06)
    assert (found["falls"], found["interruptions"]) == (None, 1)


def test_what_was_kept_is_taken_up_once() -> None:
    wearer = resumed(steps=600)
    wearer.send(WalkSoFar(0, {**WALKED, "steps": 600}))
    assert ended(wearer.stand(3)).data["steps"] == 600


@pytest.mark.parametrize("hazard", [Hazard.FALL, Hazard.SOS])
@pytest.mark.parametrize("known", [0, 1])
def test_an_alarm_that_goes_on_is_one_of_the_record_and_no_record_of_its_own(hazard: Hazard, known: int) -> None:
    key = {Hazard.FALL: "falls", Hazard.SOS: "sos"}[hazard]
    data = ended(resumed(hazard, CONFIRMED, 40.0, **{key: known}).lie(3)).data
    assert data[key] == 1


@pytest.mark.parametrize("hazard", [Hazard.FALL, Hazard.SOS])
def test_an_alarm_that_goes_on_is_recorded_where_nothing_was_kept_of_its_walk(hazard: Hazard) -> None:
    wearer = Wearer()
    wearer.send(Resume(0, True, hazard, CONFIRMED, 40.0))
    data = ended(wearer.lie(3)).data
    assert (data["falls"], data["sos"]) == ((1, 0) if hazard is Hazard.FALL else (0, 1))


@pytest.mark.parametrize("walking", [False, True])
def test_a_resumed_alarm_alone_makes_no_record_beside_the_walks(walking: bool) -> None:
    wearer = Wearer()
    wearer.send(Resume(0, walking, Hazard.FALL, CONFIRMED, 40.0))
    wearer.lie(2)
    assert records(wearer) == []


def test_a_fall_that_was_cancelled_and_asked_about_again_is_one_and_the_next_one_another() -> None:
    wearer = walking_wearer().fall(6.0)
    wearer.press(True)
    wearer.lie(2.5)
    wearer.press(False)
    wearer.lie(75.0)
    assert wearer.severities(Hazard.FALL).count(SUSPECTED) == 2
    wearer.get_up().stand(12).walk(20).fall(6.0)
    assert wearer.severities(Hazard.FALL).count(SUSPECTED) == 3
    assert ended(wearer).data["falls"] == 2


@pytest.mark.parametrize("walks_s", [0, 10])
def test_who_was_up_again_after_she_cancelled_has_fallen_anew_however_it_is_seen(walks_s: int) -> None:
    wearer = walking_wearer().fall(6.0)
    wearer.press(True)
    wearer.lie(2.5)
    wearer.press(False)
    wearer.get_up().stand(3).walk(walks_s)
    course = wearer.pipeline._course
    course.note_alert(Alert(wearer.t_ns, Hazard.FALL, SUSPECTED, 99, {"path": "posture"}))
    assert course.tally.summary(wearer.t_ns)["falls"] == 2


def test_an_impact_after_she_cancelled_is_another_fall_though_she_lay_until_then() -> None:
    wearer = walking_wearer().fall(6.0)
    wearer.press(True)
    wearer.lie(2.5)
    wearer.press(False)
    wearer.lie(3)
    course = wearer.pipeline._course
    course.note_alert(Alert(wearer.t_ns, Hazard.FALL, SUSPECTED, 99, {"path": "impact"}))
    assert course.tally.summary(wearer.t_ns)["falls"] == 2


def test_a_fall_outside_of_a_walk_that_was_cancelled_and_asked_about_again_is_one_record() -> None:
    wearer = Wearer()
    wearer.distance_m = 1.2  # no room
    wearer.stand(5).walk(5).fall(6.0)
    wearer.press(True)
    wearer.lie(2.5)
    wearer.press(False)
    wearer.lie(75.0)
    assert wearer.severities(Hazard.FALL).count(SUSPECTED) == 2
    assert ended(wearer).data["falls"] == 1


def test_after_a_walk_that_was_over_nothing_begins_by_itself() -> None:
    wearer = Wearer()
    wearer.send(Resume(0, False, Hazard.FALL, NONE, 0.0, over=True))
    wearer.stand(20)
    states = [o.state for o in wearer.outputs if isinstance(o, WalkChanged)]
    assert states[-1] is WalkState.SUMMARY
    assert not {Pattern.SUMMARY_CLEAN, Pattern.ENDED, Pattern.READY_3} & set(wearer.patterns())
    wearer.walk(5).stand(2).fall(6.0)
    assert SUSPECTED in wearer.severities(Hazard.FALL)


def test_a_walk_in_which_a_part_failed_does_not_sound_clean() -> None:
    wearer = walking_wearer()
    for _ in range(10):
        wearer.fail("motor", "Broken")
        wearer.walk(0.2)
    wearer.walk(5).stand(9)
    wearer.press(True)
    wearer.live(2.3)
    wearer.press(False)
    wearer.stand(4)
    assert Pattern.SUMMARY_WARNED in wearer.patterns()
    assert records(wearer)[0].data["faults"] == 1


def hold(wearer: Wearer) -> Wearer:
    wearer.press(True)
    wearer.live(2.3)
    wearer.press(False)
    return wearer.live(0.3)


def test_each_walk_of_one_run_tells_how_she_sways_at_its_own_end_against_its_own_beginning() -> None:
    wearer = hold(hold(walking_wearer().walk(60).stand(10)).stand(4)).stand(4).walk(30)
    wearer.command("end")
    first, second = records(wearer)
    assert first.data["sway_ratio"] is None
    assert second.data["sway_ratio"] is not None, "the first walk is what is usual for her by now"
    assert wearer.pipeline._balance.personal.steps < 60


def test_who_has_to_stand_still_once_more_has_as_long_for_it_as_at_first() -> None:
    readiness = Readiness(ReadinessConfig(patience_s=20.0))
    assert readiness.update(0, False, True, 0) == ""
    assert readiness.update(10**10, True, True, 0) == ""
    assert readiness.update(60 * 10**9, False, True, 0) == "", "the upright is learned anew"
    assert readiness.update(79 * 10**9, False, True, 0) == ""
    assert readiness.update(81 * 10**9, False, True, 0) != ""
