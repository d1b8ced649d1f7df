"""The course of a walk as the walker lives it: what she hears when, and why no walk begins."""

import pytest
from core.core_scenes import Wearer, patterns, ready_wearer, walking_wearer

from firmware.core.course import AGAIN_NS, UNCONFIRMED
from firmware.core.messages import (
    BackwardTest,
    Confirmed,
    Hazard,
    Notice,
    Pattern,
    PlanToday,
    Severity,
    Telemetry,
    WalkChanged,
    WalkRecord,
    WalkState,
)
from hal.samples import PowerSample


def states(wearer: Wearer) -> list[WalkState]:
    return [o.state for o in wearer.outputs if isinstance(o, WalkChanged)]


def no_start(wearer: Wearer) -> str:
    return [o.no_start for o in wearer.outputs if isinstance(o, Telemetry)][-1]


def hold(wearer: Wearer, seconds: float = 2.3, *, stepping: bool = False) -> Wearer:
    wearer.press(True)
    wearer.live(seconds, stepping=stepping)
    wearer.press(False)
    return wearer.live(0.3, stepping=stepping)


def records(wearer: Wearer) -> list[WalkRecord]:
    return [o for o in wearer.outputs if isinstance(o, WalkRecord)]


def test_from_clip_on_to_the_summary_in_the_order_of_its_states() -> None:
    wearer = hold(ready_wearer().walk(8).stand(10)).stand(4)
    assert states(wearer) == list(WalkState)
    ready_ns = next(o.t_ns for o in wearer.outputs if isinstance(o, WalkChanged) and o.state is WalkState.READY)
    assert ready_ns < 10e9, "ready within 10 s"
    said = [pattern for pattern in wearer.patterns() if pattern is not Pattern.SILENT]
    assert said == [Pattern.READY_3, Pattern.PAUSED, Pattern.ENDED, Pattern.SUMMARY_CLEAN]
    (record,) = records(wearer)
    assert record.data["steps"] == pytest.approx(13, abs=2)
    assert record.data["pauses"] == 1


def test_a_walk_with_a_warning_is_summed_up_otherwise() -> None:
    wearer = walking_wearer()
    wearer.distance_m, wearer.speed_mps = 2.4, 0.6
    wearer.walk(2.8)
    wearer.speed_mps = 0.0
    hold(wearer.stand(10)).stand(4)
    assert Pattern.SUMMARY_WARNED in wearer.patterns()
    assert records(wearer)[0].data["obstacle_warnings"] == 1


def test_the_button_begins_another_walk_after_the_summary_and_its_record_is_its_own() -> None:
    wearer = hold(ready_wearer().walk(20).stand(10)).stand(4)
    hold(wearer).stand(4)
    assert states(wearer)[-1] is WalkState.READY
    hold(wearer.walk(8).stand(10)).stand(4)
    first, second = records(wearer)
    assert isinstance(first.data["steps"], int)
    assert isinstance(second.data["steps"], int)
    assert first.data["steps"] > second.data["steps"] > 8
    assert second.data["cadence_spm"] == pytest.approx(100, abs=8)


def test_after_the_summary_falls_are_seen_and_obstacles_warned_of_as_ever() -> None:
    wearer = hold(ready_wearer().walk(8).stand(10)).stand(4)
    wearer.outputs.clear()
    wearer.distance_m, wearer.speed_mps = 2.4, 0.6
    wearer.walk(2.8)
    assert Severity.WARNING in wearer.severities(Hazard.OBSTACLE)
    wearer.distance_m, wearer.speed_mps = None, 0.0
    wearer.stand(3).fall(6.0)
    assert Severity.SUSPECTED in wearer.severities(Hazard.FALL)


def test_the_button_ends_no_walk_while_she_steps_or_is_asked_about_a_fall() -> None:
    wearer = hold(walking_wearer(), stepping=True).walk(2)
    assert states(wearer)[-1] is WalkState.WALKING
    wearer.fall(6.0)
    hold_down = wearer.press(True)
    wearer.lie(2.5)
    wearer.press(False)
    wearer.get_up().stand(3)
    assert Severity.CANCELLED in wearer.severities(Hazard.FALL)
    assert states(wearer)[-1] is WalkState.PAUSED, hold_down


def test_the_device_that_is_switched_off_in_a_walk_leaves_its_record() -> None:
    wearer = walking_wearer().walk(5)
    wearer.command("end")
    assert states(wearer)[-1] is WalkState.ENDED
    assert len(records(wearer)) == 1
    wearer.command("end")
    assert len(records(wearer)) == 1


def test_who_never_walked_leaves_no_record() -> None:
    wearer = ready_wearer().stand(5)
    wearer.command("end")
    assert records(wearer) == []


# The notice


def test_first_use_waits_for_the_notice_to_be_confirmed_by_the_button() -> None:
    wearer = Wearer()
    wearer.send(Notice(0, confirmed=False))
    wearer.stand(6)
    assert WalkState.LANE_CHECK not in states(wearer)
    assert Pattern.NOTICE in wearer.patterns()
    assert no_start(wearer) == UNCONFIRMED
    hold(wearer).stand(1)
    assert [type(o) for o in wearer.outputs].count(Confirmed) == 1
    assert states(wearer)[-1] is WalkState.READY
    assert no_start(wearer) == ""


def test_the_notice_is_said_again_now_and_then() -> None:
    wearer = Wearer()
    wearer.send(Notice(0, confirmed=False))
    wearer.stand(2 * AGAIN_NS / 1e9 + 4)
    assert wearer.patterns().count(Pattern.NOTICE) == 3


def test_where_nobody_knows_of_the_notice_the_walk_does_not_wait() -> None:
    assert states(ready_wearer())[-1] is WalkState.READY


def test_an_unconfirmed_notice_silences_no_call_for_help() -> None:
    wearer = Wearer()
    wearer.send(Notice(0, confirmed=False))
    wearer.stand(5)
    for _ in range(3):
        wearer.press(True)
        wearer.stand(0.2)
        wearer.press(False)
        wearer.stand(0.2)
    assert wearer.severities(Hazard.SOS) == [Severity.CONFIRMED]


# The plan


def test_the_end_of_the_plans_minutes_is_said_and_then_once_a_minute() -> None:
    wearer = Wearer()
    wearer.send(PlanToday(0, 1.0))
    wearer.stand(4).walk(58)
    assert Pattern.TIME_UP not in wearer.patterns()
    wearer.walk(4)
    assert wearer.patterns().count(Pattern.TIME_UP) == 1
    wearer.walk(60)
    assert wearer.patterns().count(Pattern.TIME_UP) == 2


def test_who_rests_after_the_plans_minutes_has_ended_her_walk() -> None:
    wearer = Wearer()
    wearer.send(PlanToday(0, 1.0))
    wearer.stand(4).walk(63).stand(31)
    assert states(wearer)[-1] is WalkState.SUMMARY
    assert records(wearer)[0].data["planned_minutes"] == 1.0


@pytest.mark.parametrize("minutes", [float("nan"), float("inf"), 0.0, -3.0, 31.0])
def test_a_plan_that_makes_no_sense_is_none(minutes: float) -> None:
    wearer = Wearer()
    wearer.send(PlanToday(0, minutes))
    wearer.stand(4).walk(5)
    assert [o for o in wearer.outputs if isinstance(o, WalkChanged)][-1].summary["planned_minutes"] is None


# What keeps a walk from beginning


@pytest.mark.parametrize("part", ["rangefinder", "buzzer", "motor", "button", "journal"])
def test_no_walk_begins_with_a_part_that_cannot_be_trusted(part: str) -> None:
    wearer = Wearer()
    wearer.ranging = part != "rangefinder"
    for _ in range(40):
        wearer.fail(part, "Broken")
        wearer.stand(0.2)
    wearer.ranging = True
    assert WalkState.READY not in states(wearer)
    assert no_start(wearer) == f"{part}: Broken; check its wiring"
    assert Pattern.NO_START in wearer.patterns()
    assert Pattern.FAULT not in wearer.patterns()
    wearer.stand(5)
    assert states(wearer)[-1] is WalkState.READY, "well again after two seconds"
    assert no_start(wearer) == ""


def test_who_walks_off_with_a_broken_part_hears_the_fault_of_a_walk() -> None:
    wearer = Wearer()
    for index in range(40):
        wearer.fail("motor", "Broken")
        wearer.live(0.2, stepping=index > 20)
    assert Pattern.FAULT in wearer.patterns()


def test_a_part_that_fails_after_the_ready_chirp_takes_it_back() -> None:
    wearer = ready_wearer()
    for _ in range(10):
        wearer.fail("motor", "Broken")
        wearer.stand(0.2)
    assert states(wearer)[-1] is WalkState.SELF_TEST
    wearer.stand(4)
    assert states(wearer)[-1] is WalkState.READY
    assert [pattern in wearer.patterns() for pattern in (Pattern.READY_3, Pattern.NO_START)] == [True, True]


def test_a_part_that_fails_in_the_walk_does_not_end_it() -> None:
    wearer = walking_wearer()
    for _ in range(10):
        wearer.fail("motor", "Broken")
        wearer.walk(0.2)
    assert states(wearer)[-1] is WalkState.WALKING
    assert Pattern.FAULT in wearer.patterns()


# The alarm on a nearly empty battery


def test_the_alarm_goes_on_sparingly_when_the_battery_is_nearly_empty() -> None:
    wearer = walking_wearer().fall(40.0)
    assert wearer.patterns()[-1] is Pattern.FALL_NOBODY_YET
    for _ in range(8):
        wearer.send(PowerSample(wearer.t_ns, battery_share=0.03))
        wearer.lie(0.5)
    assert patterns(wearer.outputs)[-1] is Pattern.FALL_NOBODY_SPARING
    wearer.acknowledge(wearer.alerts(Hazard.FALL)[-1].alarm, "acknowledged")
    wearer.lie(1.5)
    assert wearer.patterns()[-1] is Pattern.FALL_HEARD


def click(wearer: Wearer) -> None:
    wearer.press(True)
    wearer.live(0.15)
    wearer.press(False)
    wearer.live(0.15)


def call(wearer: Wearer) -> None:
    for _ in range(3):
        click(wearer)


def planned(minutes: float) -> Wearer:
    wearer = Wearer()
    wearer.send(PlanToday(0, minutes))
    return wearer.stand(4)


# What must not end a walk, nor its guard


def test_who_walks_on_after_her_walk_was_ended_by_a_rest_is_in_a_walk_again() -> None:
    wearer = planned(1.0).walk(63).stand(31)
    assert states(wearer)[-1] is WalkState.SUMMARY
    assert states(wearer.walk(30))[-1] is WalkState.WALKING


def test_a_motion_sensor_that_fails_after_the_plans_minutes_ends_no_walk() -> None:
    wearer = planned(1.0).walk(63)
    wearer.imu = False
    assert states(wearer.walk(40))[-1] is WalkState.PAUSED


def test_an_open_call_for_help_ends_no_walk() -> None:
    wearer = planned(1.0).walk(63)
    call(wearer)
    assert states(wearer.stand(40))[-1] is WalkState.PAUSED


def test_i_am_all_right_said_just_as_she_is_up_again_ends_no_walk() -> None:
    wearer = hold(walking_wearer().fall(6.0).get_up().stand(8.0)).stand(3)
    assert Severity.RECOVERED in wearer.severities(Hazard.FALL)
    assert states(wearer)[-1] is WalkState.PAUSED


# The button before the walk


@pytest.mark.parametrize("down_s", [0.0, 1.0])
def test_a_button_that_was_down_before_the_notice_was_heard_confirms_nothing(down_s: float) -> None:
    wearer = Wearer()
    wearer.send(Notice(0, confirmed=False))
    wearer.stand(down_s)
    wearer.press(True)
    wearer.stand(12)
    assert not [o for o in wearer.outputs if isinstance(o, Confirmed)]


def test_with_the_button_down_no_walk_begins_for_nobody_could_call_by_it() -> None:
    wearer = Wearer()
    wearer.press(True)
    assert WalkState.READY not in states(wearer.stand(8))
    wearer.press(False)
    assert states(wearer.stand(2))[-1] is WalkState.READY


def test_two_presses_begin_the_3_m_test_and_two_more_give_it_up() -> None:
    wearer = ready_wearer()
    for _ in range(2):
        click(wearer)
        click(wearer)
        wearer.stand(4)
    said = [pattern for pattern in wearer.patterns() if pattern in (Pattern.MEASURE_READY, Pattern.MEASURE_VOID)]
    assert said == [Pattern.MEASURE_READY, Pattern.MEASURE_VOID]
    assert [type(o) for o in wearer.outputs].count(BackwardTest) == 1


def test_the_walk_that_is_over_keeps_its_planned_minutes() -> None:
    wearer = hold(planned(5.0).walk(20).stand(10))
    wearer.send(PlanToday(wearer.t_ns, 6.0))
    wearer.stand(4)
    assert [o for o in wearer.outputs if isinstance(o, WalkChanged)][-1].summary["planned_minutes"] == 5.0


def test_why_ready_was_taken_back_is_in_the_walks_state() -> None:
    wearer = ready_wearer()
    for _ in range(20):
        wearer.fail("motor", "Broken")
        wearer.stand(0.2)
    last = [o for o in wearer.outputs if isinstance(o, WalkChanged)][-1]
    assert last.summary["no_start"] == "motor: Broken; check its wiring"


def test_what_was_taken_off_somebody_on_the_floor_has_not_got_up() -> None:
    wearer = walking_wearer().fall(35.0)
    wearer.pipeline._wearing._on_body.on_body = False  # as once it lies dead still after a hand had it
    for _ in range(20):
        wearer.pipeline._wearing._on_body.on_body = False
        wearer.stand(1.0)
    assert Severity.RECOVERED not in wearer.severities(Hazard.FALL)
