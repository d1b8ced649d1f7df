"""What the record of a walk tells of falls and calls, whatever happens around them."""

from core.core_scenes import Wearer, ready_wearer

from firmware.core.messages import Hazard, Resume, Severity, WalkChanged, WalkRecord, WalkState


def calls(wearer: Wearer) -> list[object]:
    """Of each record, once the device is switched off."""
    wearer.command("end")
    return [record.data["sos"] for record in wearer.outputs if isinstance(record, WalkRecord)]


def call(wearer: Wearer) -> Wearer:
    """She calls for help, and is helped."""
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
    assert calls(taken_back(call(ready_wearer()))) == [1]


def test_it_is_recorded_when_the_device_is_taken_off_then() -> None:
    wearer = taken_back(call(ready_wearer()))
    wearer.pipeline._wearing._on_body.on_body = False
    wearer.stand(0.3)
    assert calls(wearer) == [1]


def test_it_is_of_the_walk_that_begins_all_the_same() -> None:
    assert calls(taken_back(call(ready_wearer())).stand(25).walk(60)) == [1]


def test_a_call_after_ready_was_taken_back_is_one_record_and_not_the_walks() -> None:
    assert calls(call(taken_back(ready_wearer())).stand(25).walk(60)) == [1, 0]
    assert calls(call(taken_back(ready_wearer()))) == [1]


def test_an_alarm_of_an_earlier_run_is_no_record_where_no_walk_began() -> None:
    wearer = Wearer()
    wearer.distance_m = 1.2  # no room
    wearer.stand(5)
    wearer.send(Resume(wearer.t_ns, False, Hazard.SOS, Severity.CONFIRMED, 40.0))
    assert calls(wearer.stand(2)) == []
