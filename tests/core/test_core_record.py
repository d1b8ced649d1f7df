"""What the record of a walk tells of falls and calls, whatever happens around them."""

from core.core_scenes import Wearer, ready_wearer, walking_wearer
from core.test_core_course import call, hold, records, states

from firmware.core.messages import Hazard, Resume, Severity, WalkChanged, WalkRecord, WalkState


def calls(wearer: Wearer) -> list[object]:
    """Of each record, once the device is switched off."""
    wearer.command("end")
    return [record.data["sos"] for record in wearer.outputs if isinstance(record, WalkRecord)]


def helped(wearer: Wearer) -> Wearer:
    """She calls for help, and all is well then."""
    for index in range(3):
        wearer.press(True)
        wearer.live(0.15)
        wearer.press(False)
        wearer.live(0.15 if index < 2 else 3.0)
    wearer.press(True)
    wearer.live(2.3)
    wearer.press(False)
    assert wearer.severities(Hazard.SOS) == [Severity.CONFIRMED, Severity.CANCELLED]
    return wearer.stand(2)


def taken_back(wearer: Wearer) -> Wearer:
    """A part fails before her first step."""
    for _ in range(10):
        wearer.fail("motor", "Broken")
        wearer.stand(0.2)
    states = [o.state for o in wearer.outputs if isinstance(o, WalkChanged)]
    assert states[-1] in (WalkState.SELF_TEST, WalkState.LANE_CHECK)
    return wearer


def test_a_call_before_a_part_fails_is_recorded_though_no_walk_began() -> None:
    assert calls(taken_back(helped(ready_wearer()))) == [1]


def test_it_is_recorded_when_the_device_is_taken_off_then() -> None:
    wearer = taken_back(helped(ready_wearer()))
    wearer.pipeline._wearing._on_body.on_body = False
    wearer.stand(0.3)
    assert calls(wearer) == [1]


def test_it_is_of_the_walk_that_begins_all_the_same() -> None:
    assert calls(taken_back(helped(ready_wearer())).stand(25).walk(60)) == [1]


def test_a_call_after_ready_was_taken_back_is_one_record_and_not_the_walks() -> None:
    assert calls(helped(taken_back(ready_wearer())).stand(25).walk(60)) == [1, 0]
    assert calls(helped(taken_back(ready_wearer()))) == [1]


def test_an_alarm_of_an_earlier_run_is_no_record_where_no_walk_began() -> None:
    wearer = Wearer()
    wearer.distance_m = 1.2  # no room
    wearer.stand(5)
    wearer.send(Resume(wearer.t_ns, False, Hazard.SOS, Severity.CONFIRMED, 40.0))
    assert calls(wearer.stand(2)) == []


def test_a_fall_outside_of_any_walk_is_kept_all_the_same() -> None:
    before = Wearer()
    before.distance_m = 1.2  # no room
    before.stand(5).walk(5).fall(8.0)
    after = hold(ready_wearer().walk(8).stand(10)).stand(4).walk(5).fall(8.0)
    assert [states(wearer)[-1] for wearer in (before, after)] == [WalkState.LANE_CHECK, WalkState.SUMMARY]
    for wearer, kept in ((before, 1), (after, 2)):
        wearer.command("end")
        assert len(records(wearer)) == kept
        assert records(wearer)[-1].data["falls"] == 1


def test_a_call_for_help_before_the_first_step_is_kept() -> None:
    wearer = ready_wearer()
    call(wearer)
    wearer.command("end")
    assert [record.data["sos"] for record in records(wearer)] == [1]


def test_a_fall_that_an_earlier_guard_saw_is_a_fall_of_the_record() -> None:
    wearer = Wearer().stand(0.5)
    wearer.send(Resume(wearer.t_ns, True, Hazard.FALL, Severity.CONFIRMED, 40.0))
    hold(wearer.lie(5).get_up().stand(40).walk(60).stand(10)).stand(3)
    assert records(wearer)[0].data["falls"] == 1


def test_what_was_before_a_restart_of_the_guard_is_not_known_and_so_no_clean_walk() -> None:
    wearer = Wearer().stand(0.5)
    wearer.send(Resume(wearer.t_ns, True, Hazard.FALL, Severity.NONE, 0.0))
    hold(wearer.stand(4).walk(60).stand(10)).stand(3)
    assert (records(wearer)[0].data["falls"], records(wearer)[0].data["sos"]) == (None, None)


def test_warnings_before_the_walk_are_not_of_it() -> None:
    wearer = Wearer()
    wearer.distance_m, wearer.speed_mps = 2.4, 0.6
    wearer.walk(2.8)
    wearer.distance_m, wearer.speed_mps = None, 0.0
    hold(wearer.stand(6).walk(20).stand(10)).stand(4)
    assert Severity.WARNING in wearer.severities(Hazard.OBSTACLE)
    assert (records(wearer)[0].data["obstacle_warnings"], records(wearer)[0].data["first_warning_distance_m"]) == (
        0,
        None,
    )


def test_a_walk_without_a_pause_has_none_and_the_second_walks_stops_are_its_own() -> None:
    wearer = walking_wearer()
    wearer.distance_m, wearer.speed_mps = 2.4, 0.6
    wearer.walk(2.4)
    wearer.speed_mps = 0.0
    wearer.stand(10)
    wearer.distance_m = None
    hold(hold(wearer).stand(6)).stand(4).walk(30)
    wearer.command("end")
    first, second = records(wearer)
    assert first.data["response_s"] is not None
    assert (second.data["response_s"], second.data["pauses"]) == (None, 0)
