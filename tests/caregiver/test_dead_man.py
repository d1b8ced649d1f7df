"""Who says nothing more is taken to need help."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from caregiver.dead_man import (
    BACK,
    GRACE_S,
    MOST_ALARMS,
    MOST_DEVICES,
    SILENT,
    SILENT_S,
    UNANSWERED,
    DeadMan,
    Escalation,
)

DEV, FALL = "rg-00000001", "the fall"
TOLD_WITHIN_S = 60.0
HEARTBEAT = {"ok": True, "guard": {"ok": True, "age_s": 0.1}}


class Time:
    """A receiver under simulated time: `hears` what is said now, and ticks once a second."""

    def __init__(self) -> None:
        self.man, self.now_s = DeadMan(), 1000.0
        self.called: list[tuple[float, Escalation]] = []

    def hears(self, kind: str, body: Mapping[str, Any], *, retained: bool = False) -> None:
        self._note(self.man.heard(self._now_ns, DEV, kind, body, retained=retained))

    def passes(self, seconds: float, *, heartbeat_s: float = 0.0) -> None:
        for second in range(round(seconds)):
            self.now_s += 1
            if heartbeat_s and second % heartbeat_s == 0:
                self.hears("health", HEARTBEAT)
            self._note(self.man.tick(self._now_ns))

    @property
    def kinds(self) -> list[str]:
        return [each.kind for _, each in self.called]

    @property
    def _now_ns(self) -> int:
        return round(self.now_s * 1e9)

    def _note(self, escalations: list[Escalation]) -> None:
        self.called += [(self.now_s, each) for each in escalations]


def event(phase: str, seq: int, *, alarm: str = FALL, **more: object) -> dict[str, object]:
    severity = "info" if phase in ("cancelled", "recovered") else "critical"
    deadline_s = 30.0 if phase == "suspected" else None
    body = {"boot": 1, "seq": seq, "type": "fall", "phase": phase, "severity": severity, "deadline_s": deadline_s}
    return {**body, "age_s": 0.5, "data": {"alarm": alarm}, **more}


@pytest.fixture
def time() -> Time:
    return Time()


def test_a_suspected_fall_that_nobody_answers_is_escalated_once_after_its_deadline(time: Time) -> None:
    began_s = time.now_s
    time.hears("event", event("suspected", 1))
    time.passes(30)
    assert time.called == []
    time.passes(600)
    ((at_s, escalation),) = time.called
    assert (escalation.kind, escalation.device, escalation.alarm) == (UNANSWERED, DEV, FALL)
    assert 30 <= at_s - began_s <= 30 + GRACE_S + 1


@pytest.mark.parametrize("phase", ["cancelled", "recovered", "confirmed", "not_recovered", "a_later_word"])
def test_any_later_word_of_the_fall_answers_it(time: Time, phase: str) -> None:
    time.hears("event", event("suspected", 1))
    time.passes(29)
    time.hears("event", event(phase, 2))
    time.hears("event", event("suspected", 1))  # told again, for its acceptance was lost
    time.passes(600)
    assert time.called == []


def test_the_answer_may_come_before_the_question(time: Time) -> None:
    time.hears("event", event("cancelled", 2))
    time.hears("event", event("suspected", 1))
    time.passes(600)
    assert time.called == []


def test_a_word_of_another_alarm_answers_nothing(time: Time) -> None:
    time.hears("event", event("suspected", 1))
    time.hears("event", event("cancelled", 2, alarm="another"))
    time.hears("alarm", {"active": True, "alarm": "another", "phase": "confirmed"})
    time.passes(600)
    assert time.kinds == [UNANSWERED]


def test_asked_again_after_a_cancelled_fall_it_is_a_question_again(time: Time) -> None:
    for seq, phase in enumerate(("suspected", "cancelled", "suspected"), 1):
        time.hears("event", event(phase, seq))
    time.passes(600)
    assert time.kinds == [UNANSWERED]


@pytest.mark.parametrize(("age_s", "waits_s"), [(0.0, 35), (20.0, 15), (30.0, 5), (86_400.0, 5), (None, 5)])
def test_what_the_event_has_waited_counts(time: Time, age_s: float | None, waits_s: float) -> None:
    began_s = time.now_s
    time.hears("event", event("suspected", 1, age_s=age_s))
    time.passes(600)
    assert time.called[0][0] - began_s == pytest.approx(waits_s, abs=1.1)


@pytest.mark.parametrize(
    "nasty",
    [float("nan"), float("inf"), -1, 10**400, 1e308, "30", None, [], True, {}],
    ids=lambda value: repr(value)[:6],
)
@pytest.mark.parametrize("field", ["deadline_s", "age_s", "boot", "seq"])
def test_no_nasty_number_keeps_a_fall_from_being_escalated(time: Time, field: str, nasty: object) -> None:
    time.hears("event", {**event("suspected", 1), field: nasty})
    time.passes(200)
    assert time.kinds == [UNANSWERED]


@pytest.mark.parametrize("data", [None, [], "x", {}, {"alarm": 7}])
def test_an_event_without_an_alarm_is_no_reason_to_stop(time: Time, data: object) -> None:
    time.hears("event", {**event("suspected", 1), "data": data})
    time.passes(200)
    assert time.called == []


def test_who_comes_in_the_middle_learns_of_the_fall_from_the_retained_alarm(time: Time) -> None:
    time.hears("alarm", {"active": True, "alarm": FALL, "phase": "suspected", "deadline_s": 30.0}, retained=True)
    time.passes(34)
    assert time.called == []
    time.passes(60)
    assert time.kinds == [UNANSWERED]


@pytest.mark.parametrize("now", [{"active": False}, {"active": True, "alarm": FALL, "phase": "confirmed"}])
def test_the_alarm_now_answers_it_too_but_not_an_old_one(time: Time, now: dict[str, object]) -> None:
    time.hears("event", event("suspected", 1))
    time.hears("alarm", now, retained=True)
    time.passes(600)
    assert time.kinds == [UNANSWERED]
    time.hears("event", event("suspected", 3))
    time.hears("alarm", now)
    time.passes(600)
    assert time.kinds == [UNANSWERED]


@pytest.mark.parametrize("state", ["ready", "walking", "paused"])
def test_silence_in_a_walk_calls_somebody_within_a_minute_and_once(time: Time, state: str) -> None:
    time.hears("status", {"state": "ready"})
    time.hears("walk", {"state": state})
    time.passes(300, heartbeat_s=10)
    assert time.called == []
    last_word_s = time.now_s
    time.passes(600)
    assert time.kinds == [SILENT]
    assert SILENT_S - 10 <= time.called[0][0] - last_word_s <= TOLD_WITHIN_S


@pytest.mark.parametrize("state", ["off_body", "clipped_on", "self_test", "lane_check", "ended", "summary"])
def test_silence_outside_a_walk_calls_nobody(time: Time, state: str) -> None:
    time.hears("walk", {"state": "walking"})
    time.hears("walk", {"state": state})
    time.passes(600)
    assert time.called == []


@pytest.mark.parametrize("order", [1, -1])
def test_a_clean_end_is_no_silence_in_whatever_order_it_is_learned(time: Time, order: int) -> None:
    for kind, state in (("status", "ended"), ("walk", "walking"))[::order]:
        time.hears(kind, {"state": state}, retained=True)
    time.passes(600)
    assert time.called == []


def test_the_brokers_word_that_it_is_lost_is_no_sign_of_life(time: Time) -> None:
    time.hears("walk", {"state": "walking"})
    began_s = time.now_s
    time.passes(40)
    time.hears("status", {"state": "lost"})
    time.passes(600)
    assert time.kinds == [SILENT]
    assert time.called[0][0] - began_s <= TOLD_WITHIN_S


def test_a_device_that_was_lost_in_a_walk_before_we_came_calls_somebody(time: Time) -> None:
    time.hears("status", {"state": "lost"}, retained=True)
    time.hears("walk", {"state": "walking"}, retained=True)
    time.passes(60)
    assert time.kinds == [SILENT]


@pytest.mark.parametrize("guard", [{"ok": False, "age_s": 60.0}, {"ok": 1}, {}, None, "well"])
def test_a_device_whose_guard_is_dead_is_silent_however_much_its_link_says(time: Time, guard: object) -> None:
    time.hears("walk", {"state": "walking"})
    for seq in range(60):
        time.hears("health", {"ok": False, "guard": guard})
        time.hears("status", {"state": "ready"})
        time.hears("walk", {"state": "walking"})  # the link says all of it again at each connection
        time.hears("event", event("confirmed", seq + 1, age_s=None))
        time.passes(1)
    assert time.kinds == [SILENT]


def test_what_was_decided_just_now_is_a_sign_of_life(time: Time) -> None:
    time.hears("walk", {"state": "walking"})
    for seq in range(6):
        time.passes(30)
        time.hears("event", event("confirmed", seq + 1, age_s=9.9))
    assert time.called == []


def test_silence_counts_from_the_beginning_of_a_walk(time: Time) -> None:
    time.hears("health", HEARTBEAT)
    time.passes(3600)
    time.hears("walk", {"state": "ready"})
    time.passes(SILENT_S - 1)
    assert time.called == []
    time.hears("status", {"state": "ended"})
    time.passes(3600)
    time.hears("status", {"state": "ready"})
    time.passes(SILENT_S - 1)
    assert time.called == []
    time.passes(2)
    assert time.kinds == [SILENT]


@pytest.mark.parametrize("every_s", [20, 40, 44, 60])
def test_a_connection_of_ours_that_drops_again_and_again_hides_no_silence(time: Time, every_s: int) -> None:
    time.hears("walk", {"state": "walking"})
    began_s = time.now_s
    for _ in range(600 // every_s):
        time.passes(every_s - 1)
        time.man.connected(round(time.now_s * 1e9), False)
        time.passes(1)
        time.man.connected(round(time.now_s * 1e9), True)
        time.hears("walk", {"state": "walking"}, retained=True)
    assert time.kinds == [SILENT]
    assert time.called[0][0] - began_s <= TOLD_WITHIN_S


@pytest.mark.parametrize("every_s", [20, 30, 34])
def test_a_device_that_restarts_for_ever_puts_off_no_answer(time: Time, every_s: int) -> None:
    for boot in range(20):
        time.hears("event", event("suspected", boot + 1, boot=boot + 1))
        time.passes(every_s)
    assert time.kinds == [UNANSWERED]
    assert time.called[0][1].after_s == pytest.approx(30 + GRACE_S, abs=1)


def test_an_event_that_knows_its_age_shortens_what_the_retained_alarm_left_open(time: Time) -> None:
    time.hears("alarm", {"active": True, "alarm": FALL, "phase": "suspected", "deadline_s": 30.0}, retained=True)
    time.hears("event", event("suspected", 1, age_s=25.0))
    time.passes(11)
    assert time.kinds == [UNANSWERED]


@pytest.mark.parametrize(("deadline_s", "waits_s"), [(120.0, 125), (121.0, 5)])
def test_a_deadline_that_no_device_has_is_over(time: Time, deadline_s: float, waits_s: float) -> None:
    time.hears("event", event("suspected", 1, deadline_s=deadline_s, age_s=0.0))
    time.passes(waits_s - 1)
    assert time.called == []
    time.passes(2)
    assert time.kinds == [UNANSWERED]


def test_a_retained_alarm_that_is_confirmed_asks_nothing(time: Time) -> None:
    time.hears("alarm", {"active": True, "alarm": FALL, "phase": "confirmed", "deadline_s": 30.0}, retained=True)
    time.hears("alarm", {"active": False, "alarm": FALL, "phase": "suspected", "deadline_s": 30.0}, retained=True)
    time.passes(600)
    assert time.called == []


def test_what_is_remembered_is_bounded_and_the_newest_stays() -> None:
    time = Time()
    for number in range(MOST_DEVICES + 5):
        time.man.heard(0, f"rg-{number:08x}", "walk", {"state": "walking"})
    assert len(time.man.tick(round(SILENT_S * 1e9))) == MOST_DEVICES
    for seq in range(1, MOST_ALARMS + 50):
        time.hears("event", event("suspected", seq, alarm=f"alarm {seq}"))
    time.passes(60)
    assert time.kinds.count(UNANSWERED) == MOST_ALARMS


def test_a_device_that_speaks_again_is_told_as_back(time: Time) -> None:
    time.hears("walk", {"state": "walking"})
    time.passes(100)
    time.hears("health", HEARTBEAT)
    time.passes(100)
    assert time.kinds == [SILENT, BACK, SILENT]


def test_while_we_hear_nobody_nobody_is_silent_but_a_fall_is_still_unanswered(time: Time) -> None:
    time.hears("walk", {"state": "walking"})
    time.hears("event", event("suspected", 1))
    time.man.connected(round(time.now_s * 1e9), False)
    time.passes(600)
    assert time.kinds == [UNANSWERED]
    time.man.connected(round(time.now_s * 1e9), True)
    time.passes(40)
    assert time.kinds == [UNANSWERED]
    time.passes(20)
    assert time.kinds == [UNANSWERED, SILENT]


def test_a_thousand_other_alarms_do_not_push_out_one_that_waits(time: Time) -> None:
    time.hears("event", event("suspected", 1))
    for seq in range(2, 1000):
        time.hears("event", event("confirmed", seq, alarm=f"alarm {seq}"))
    time.passes(600)
    assert (UNANSWERED, FALL) in [(each.kind, each.alarm) for _, each in time.called]


@pytest.mark.parametrize("seed", range(50))
def test_in_whatever_order_and_however_often_it_comes_the_last_phase_decides(seed: int) -> None:
    chance = random.Random(seed)
    phases = (
        ["suspected", "cancelled", "suspected", "recovered"] if seed % 2 else ["suspected", "cancelled", "suspected"]
    )
    words = [event(phase, seq) for seq, phase in enumerate(phases, 1)] * 3
    chance.shuffle(words)
    time = Time()
    for word in words:
        time.hears("event", word)
        time.passes(chance.choice((0, 1, 2)))
    time.passes(100)
    assert time.kinds == ([] if seed % 2 else [UNANSWERED])
