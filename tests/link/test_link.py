"""The link tells what the journal holds until somebody has it."""

import pytest
from support.events import DEVICE, an_event, made_id
from support.link_bench import Bench, ack_word, broken

from firmware.journal import Journal
from firmware.link import topics
from firmware.link.memory import MemoryCaregiver
from firmware.responders import Responder

EVENT = topics.event(DEVICE)
ALARM = topics.state(DEVICE, "alarm")
HEALTH = topics.state(DEVICE, "health")
STATUS = topics.status(DEVICE)


def test_a_fall_is_told_within_one_tick_of_being_decided(bench: Bench) -> None:
    bench.run(1)
    bench.journal.append(an_event(1))
    bench.run(0.05)
    assert [event["id"] for event in bench.events()] == [made_id(1)]


def test_a_fall_is_repeated_until_the_service_accepts_it_and_not_after(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.run(30)
    assert len(bench.events()) == 3  # at 0, 5 and 20 s
    bench.command("accept", {"id": made_id(1), "by": "hub"})
    bench.run(200)
    assert len(bench.events()) == 3
    assert bench.journal.unaccepted() == []


def test_the_guard_hears_who_has_the_alarm(bench: Bench) -> None:
    bench.journal.append(an_event(2, alarm=made_id(1)))
    bench.run()
    bench.command("accept", {"id": made_id(2), "by": "hub"})
    bench.command("ack", {"alarm": made_id(1), "by": "Ann"})
    bench.run()
    assert bench.to_guard == [
        ack_word("accepted", "hub", "suspected"),
        ack_word("acknowledged", "Ann"),
    ]


def test_the_guard_is_told_which_phase_was_accepted(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.journal.append(an_event(2, alarm=made_id(1), phase="confirmed"))
    bench.run()
    for number in (2, 1, 2):  # the last one is a repetition of what has left the outbox
        bench.command("accept", {"id": made_id(number), "by": "hub"})
    bench.run()
    assert [word["phase"] for word in bench.to_guard] == ["confirmed", "suspected", "confirmed"]


def _fall(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.journal.set_state({"alarm": {"active": True, "alarm": made_id(1), "severity": "critical"}})


def test_the_guard_is_told_again_while_the_alarm_lasts_for_a_word_may_be_lost(bench: Bench) -> None:
    _fall(bench)
    bench.run()
    bench.command("accept", {"id": made_id(1), "by": "hub"})
    bench.command("ack", {"alarm": made_id(1), "by": "Ann"})
    bench.run()
    bench.to_guard.clear()
    bench.run(11)
    assert bench.to_guard == [ack_word("acknowledged", "Ann"), ack_word("accepted", "hub", "suspected")] * 2
    bench.journal.set_state({"alarm": {"active": False}})
    bench.run()
    bench.to_guard.clear()
    bench.run(11)
    assert bench.to_guard == []


def test_a_link_that_starts_again_tells_the_guard_who_has_the_alarm(bench: Bench) -> None:
    _fall(bench)
    bench.run()
    bench.command("ack", {"alarm": "now", "by": "Ann", "seq": 1})
    bench.run()
    bench.to_guard.clear()
    bench.restart()
    bench.run(6)
    assert ack_word("acknowledged", "Ann") in bench.to_guard


def test_a_persons_word_reaches_the_guard_though_the_disk_fails_and_the_journal_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fall(bench)
    bench.run()
    monkeypatch.setattr(Journal, "mark_acknowledged", broken)
    bench.command("ack", {"alarm": made_id(1), "by": "Ann"})
    bench.run()
    assert bench.to_guard == [ack_word("acknowledged", "Ann")]
    bench.run(6)
    assert ack_word("acknowledged", "Ann") in bench.to_guard[1:]
    monkeypatch.undo()
    bench.run()
    assert bench.journal.responders(made_id(1)) == [Responder("Ann", "seen", "2026-01-01T00:00:00Z")]
    assert bench.kept(ALARM)["acknowledged"]["by"] == "Ann"


def test_an_acceptance_reaches_the_guard_though_the_disk_fails_and_the_journal_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    monkeypatch.setattr(Journal, "mark_accepted", broken)
    bench.command("accept", {"id": made_id(1), "by": "hub"})
    bench.run()
    assert bench.to_guard == [ack_word("accepted", "hub", "suspected")]
    monkeypatch.undo()
    bench.run(6)
    assert bench.journal.deliveries()[0].accepted_by == "hub"
    assert len(bench.events()) == 1


def test_a_persons_word_ends_the_telling_where_no_service_accepts_also_for_the_next_link(bench: Bench) -> None:
    _fall(bench)
    bench.run()
    bench.command("ack", {"alarm": "now", "by": "Home Assistant", "seq": 1})
    bench.run(200)
    bench.restart()
    bench.run(200)
    assert len(bench.events()) == 1
    bench.journal.append(an_event(2, alarm=made_id(1), phase="long_lie"))
    bench.run(30)
    assert [event["phase"] for event in bench.events()[1:]] == ["long_lie"] * 3


def test_a_warning_that_nobody_accepts_is_given_up_and_the_journal_says_so(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.link.outbox.OTHER_SENDINGS", 4)
    bench.journal.append(an_event(1, type="fault", phase="fault", severity="warning"))
    bench.run(300)
    assert len(bench.events()) == 4
    assert bench.journal.deliveries()[0].state == "expired"
    assert "nobody has accepted" in caplog.text
    bench.restart()
    bench.run(10)
    assert len(bench.events()) == 4
    assert bench.kept(HEALTH)["outbox"]["depth"] == 0


def test_now_is_the_alarm_that_was_shown_and_none_that_came_while_the_broker_was_away(bench: Bench) -> None:
    bench.run(2)
    bench.broker.online = False
    bench.run()
    _fall(bench)
    bench.broker.online = True
    bench.run(0.05)
    bench.command("ack", {"alarm": "now", "by": "Ann", "seq": 2})  # kept by the broker since before the fall
    bench.run(2)
    assert bench.to_guard == []
    bench.command("ack", {"alarm": "now", "by": "Ann", "seq": 3})
    bench.run()
    assert bench.to_guard == [ack_word("acknowledged", "Ann")]


def test_a_broker_that_answers_nothing_gets_a_fall_over_every_backlog(bench: Bench) -> None:
    bench.broker.mute = True
    for number in range(2, 60):
        bench.journal.append(an_event(number, type="fault", severity="warning"))
    bench.run(25)
    bench.journal.append(an_event(1))
    bench.run(0.05)
    assert bench.events()[-1]["id"] == made_id(1)


def test_the_retained_alarm_says_who_is_coming(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.journal.set_state({"alarm": {"active": True, "alarm": made_id(1), "severity": "critical"}})
    bench.run()
    assert bench.kept(ALARM)["acknowledged"] is None
    bench.command("ack", {"alarm": "now", "by": "Ann", "seq": 4})
    bench.run()
    assert bench.kept(ALARM)["acknowledged"] == {"by": "Ann", "how": "seen", "t": "2026-01-01T00:00:00Z"}
    assert [delivery.acknowledged_by for delivery in bench.journal.deliveries()] == ["Ann"]


def test_everybody_who_has_the_alarm_is_told_and_first_whoever_is_nearest(bench: Bench) -> None:
    _fall(bench)
    bench.run()
    for by, how in (("Ann", "seen"), ("Bob", "on_my_way"), ("Ann", "at_scene"), ("Ann", "seen"), ("Bob", "on_my_way")):
        bench.command("ack", {"alarm": made_id(1), "by": by, "how": how})
        bench.run()
    bench.restart()
    bench.run(1)
    alarm = bench.kept(ALARM)
    assert (alarm["acknowledged"]["by"], alarm["acknowledged"]["how"]) == ("Ann", "at_scene")
    assert [(each["by"], each["how"]) for each in alarm["responders"]] == [("Ann", "at_scene"), ("Bob", "on_my_way")]
    assert alarm["active"] is True, "nobody's word ends an alarm"


def test_an_old_word_about_the_alarm_of_the_day_is_not_taken_for_one_about_this_alarm(bench: Bench) -> None:
    old = {"alarm": "now", "by": "Ann", "seq": 7}
    _fall(bench)
    bench.run()
    bench.command("ack", old)
    bench.run()
    bench.to_guard.clear()
    bench.journal.append(an_event(2))
    bench.journal.set_state({"alarm": {"active": True, "alarm": made_id(2), "severity": "critical"}})
    bench.run()
    bench.restart()
    bench.run(2)
    bench.command("ack", old)
    bench.run()
    assert bench.to_guard == []
    assert bench.link.rejected == {"old number": 1}
    bench.command("ack", {**old, "seq": 8})
    bench.run()
    assert [word["alarm"] for word in bench.to_guard] == [made_id(2)]


def test_an_answer_from_years_ahead_does_not_silence_the_next_one(bench: Bench) -> None:
    _fall(bench)
    bench.run(2)
    bench.command("ack", {"alarm": "now", "by": "Ann", "seq": 2**53 - 1})
    bench.run()
    bench.to_guard.clear()
    bench.today_ms = 1_767_225_600_000  # the clock was set
    bench.command("ack", {"alarm": "now", "by": "Ann", "seq": 1_767_225_599_000})
    bench.run()
    assert bench.to_guard == [ack_word("acknowledged", "Ann")]
    bench.command("ack", {"alarm": "now", "by": "Bob", "seq": 2**53 - 1})
    bench.run()
    assert bench.link.rejected == {"number ahead": 1}


def test_a_flood_of_wishes_reaches_the_guard_as_a_few_and_an_answer_comes_through_it(bench: Bench) -> None:
    _fall(bench)
    bench.run()
    for _ in range(1000):
        bench.command("test", {})
    bench.command("ack", {"alarm": made_id(1), "by": "Ann"})
    bench.run()
    assert [word["kind"] for word in bench.to_guard] == [*["command"] * 5, "ack"]
    assert bench.link.rejected == {"too many": 995}


def test_an_event_says_how_old_it_is_when_it_is_sent(bench: Bench) -> None:
    bench.clock.sleep(1.0)
    bench.journal.append(an_event(1))
    bench.journal.append(an_event(2, boot=0))
    bench.run(6)
    ages_s = {number: [each["age_s"] for each in bench.events() if each["id"] == made_id(number)] for number in (1, 2)}
    assert ages_s[1] == [pytest.approx(0.0, abs=0.1), pytest.approx(5.0, abs=0.2)]
    assert ages_s[2] == [None, None], "nobody knows whether the machine was the same"


def test_a_device_without_any_alarm_says_so(bench: Bench) -> None:
    bench.run()
    nobody = {"acknowledged": None, "responders": []}
    assert bench.kept(ALARM) == {"v": 1, "dev": DEVICE, "boot": 1, "active": False, **nobody}


def test_a_broker_that_is_absent_at_the_fall_gets_it_when_it_is_back(bench: Bench) -> None:
    bench.broker.online = False
    bench.journal.append(an_event(1))
    bench.journal.append(an_event(2, alarm=made_id(1), phase="confirmed"))
    bench.run(3600)
    assert bench.events() == []
    bench.broker.online = True
    bench.run()
    assert [(event["phase"], event["data"]["alarm"]) for event in bench.events()] == [
        ("suspected", made_id(1)),
        ("confirmed", made_id(1)),
    ]


def test_what_a_broker_took_before_it_died_is_told_again(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    bench.broker.online = False
    bench.run()
    bench.broker.online = True
    bench.run()
    assert len(bench.events()) == 2


def test_a_link_killed_before_the_acceptance_tells_again(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    bench.restart()
    bench.run()
    assert [event["id"] for event in bench.events()] == [made_id(1)] * 2


def test_an_accepted_event_is_not_told_again_by_the_next_link(bench: Bench) -> None:
    caregiver = MemoryCaregiver(bench.broker)
    bench.journal.append(an_event(1))
    bench.run()
    bench.restart()
    bench.run()
    assert len(bench.events()) == 1
    assert [word["body"]["id"] for word in caregiver.words if word["kind"] == "event"] == [made_id(1)]


def test_a_refused_event_stays_in_the_outbox_and_is_tried_again(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.broker.refused = [EVENT]
    bench.journal.append(an_event(1))
    bench.run()
    assert "Not authorized; check its access rules" in caplog.text
    assert bench.journal.deliveries()[0].state == "queued"
    bench.broker.refused = []
    bench.run(6)
    assert bench.journal.deliveries()[0].state == "sent"


def test_a_refusal_that_3_1_1_hides_does_not_empty_the_outbox(journal: Journal) -> None:
    bench = Bench(journal, "3.1.1")
    bench.broker.refused = [EVENT]
    journal.append(an_event(1))
    bench.run()
    assert journal.deliveries()[0].state == "sent"  # so the broker said
    bench.broker.refused = []
    bench.run(6)
    assert len(bench.events()) == 1


def test_a_refused_state_is_tried_once_a_minute(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.broker.refused = [ALARM]
    bench.run(90)
    assert caplog.text.count("refused") == 2
    bench.broker.refused = []
    bench.run(60)
    assert ALARM in bench.broker.retained


def test_the_truth_is_told_again_after_each_connection(bench: Bench) -> None:
    bench.journal.set_state({"walk": {"state": "walking", "steps": 12}})
    bench.run()
    bench.broker.online = False
    bench.run()
    bench.broker.retained.clear()  # it was killed and had nothing on disk
    bench.broker.online = True
    bench.run()
    walk, found = topics.state(DEVICE, "walk"), topics.discovery(DEVICE)
    assert set(bench.broker.retained) == {STATUS, ALARM, HEALTH, walk, found}
    assert bench.kept(walk)["steps"] == 12


def test_a_state_that_did_not_change_is_not_repeated(bench: Bench) -> None:
    bench.journal.set_state({"walk": {"state": "walking", "steps": 12}})
    bench.run(10)
    assert len(bench.said(topics.state(DEVICE, "walk"))) == 1
    assert len(bench.said(ALARM)) == 1


def test_the_birth_says_the_protocol_and_the_end_is_not_a_loss(journal: Journal) -> None:
    bench = Bench(journal, "3.1.1")
    bench.run()
    assert bench.kept(STATUS) == {"v": 1, "dev": DEVICE, "state": "ready", "boot": 1, "protocol": "3.1.1"}
    bench.link.close()
    assert bench.kept(STATUS)["state"] == "ended"


@pytest.mark.parametrize(
    ("state", "told"), [("ready", "lost"), ("walking", "lost"), ("paused", "lost"), ("ended", "ended")]
)
def test_a_link_that_is_ended_in_the_middle_of_a_walk_says_no_clean_end(bench: Bench, state: str, told: str) -> None:
    bench.journal.set_state({"walk": {"state": state}})
    bench.run()
    bench.link.close()
    assert bench.kept(STATUS)["state"] == told


def test_a_device_that_dies_is_told_as_lost(bench: Bench) -> None:
    bench.run()
    bench.client.vanish()
    assert bench.kept(STATUS)["state"] == "lost"


def test_a_guard_that_starts_again_is_told_with_its_new_number(bench: Bench) -> None:
    bench.run()
    assert bench.journal.next_boot() == 2
    bench.guard_lives()
    bench.run()
    assert bench.kept(STATUS)["boot"] == 2


def test_telemetry_is_told_once_a_second_and_only_while_moving(bench: Bench) -> None:
    telemetry = topics.telemetry(DEVICE)
    for step in range(100):
        bench.journal.set_state({"telemetry": {"state": "walking" if step < 50 else "ready", "steps": step}})
        bench.guard_lives()
        bench.run(0.2)
    assert len(bench.said(telemetry)) == 10
    assert not any(message.retain or message.qos for message in bench.broker.log if message.topic == telemetry)
