import contextlib
import json
import logging
import sqlite3
from pathlib import Path

import pytest
from support.damage import damage_last_two_thirds
from support.events import DEVICE, an_event, made_id
from support.link_bench import Bench

from firmware.errors import JournalError
from firmware.journal import Journal
from firmware.link import topics
from firmware.link.client import Received
from firmware.link.memory import MemoryCaregiver

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
        _word("accepted", "hub", "suspected"),
        _word("acknowledged", "Ann"),
    ]


def _word(state: str, by: str, phase: str = "") -> dict[str, object]:
    return {"v": 1, "kind": "ack", "alarm": made_id(1), "state": state, "by": by, "phase": phase}


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
    assert bench.to_guard == [_word("acknowledged", "Ann"), _word("accepted", "hub", "suspected")] * 2
    bench.journal.set_state({"alarm": {"active": False}})
    bench.run()
    bench.to_guard.clear()
    bench.run(11)
    assert bench.to_guard == []


def test_a_link_that_starts_again_tells_the_guard_who_has_the_alarm(bench: Bench) -> None:
    _fall(bench)
    bench.run()
    bench.command("ack", {"alarm": "now", "by": "Ann"})
    bench.run()
    bench.to_guard.clear()
    bench.restart()
    bench.run(6)
    assert _word("acknowledged", "Ann") in bench.to_guard


def test_a_persons_word_reaches_the_guard_though_the_disk_fails_and_the_journal_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fall(bench)
    bench.run()
    monkeypatch.setattr(Journal, "mark_acknowledged", _broken)
    bench.command("ack", {"alarm": made_id(1), "by": "Ann"})
    bench.run()
    assert bench.to_guard == [_word("acknowledged", "Ann")]
    bench.run(6)
    assert _word("acknowledged", "Ann") in bench.to_guard[1:]
    monkeypatch.undo()
    bench.run()
    assert bench.journal.acknowledgement(made_id(1)) == ("Ann", "2026-01-01T00:00:00Z")
    assert bench.kept(ALARM)["acknowledged"]["by"] == "Ann"


def test_an_acceptance_reaches_the_guard_though_the_disk_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    monkeypatch.setattr(Journal, "mark_accepted", _broken)
    bench.command("accept", {"id": made_id(1), "by": "hub"})
    bench.run()
    assert bench.to_guard == [_word("accepted", "hub", "suspected")]
    monkeypatch.undo()
    bench.run(6)
    assert len(bench.events()) == 2  # it stayed in the outbox, so that the service says it once more


def test_a_persons_word_ends_the_telling_where_no_service_accepts_also_for_the_next_link(bench: Bench) -> None:
    _fall(bench)
    bench.run()
    bench.command("ack", {"alarm": "now", "by": "Home Assistant"})
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
    bench.command("ack", {"alarm": "now", "by": "Ann"})  # kept by the broker since before the fall
    bench.run(2)
    assert bench.to_guard == []
    bench.command("ack", {"alarm": "now", "by": "Ann"})
    bench.run()
    assert bench.to_guard == [_word("acknowledged", "Ann")]


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
    bench.command("ack", {"alarm": "now", "by": "Ann"})
    bench.run()
    assert bench.kept(ALARM)["acknowledged"] == {"by": "Ann", "t": "2026-01-01T00:00:00Z"}
    assert [delivery.acknowledged_by for delivery in bench.journal.deliveries()] == ["Ann"]


def test_a_device_without_any_alarm_says_so(bench: Bench) -> None:
    bench.run()
    assert bench.kept(ALARM) == {"v": 1, "dev": DEVICE, "boot": 1, "active": False, "acknowledged": None}


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


def test_the_heartbeat_comes_once_a_second_while_all_is_well(bench: Bench) -> None:
    for _ in range(10):
        bench.run(1)
        bench.guard_lives()
    assert 10 <= len(bench.said(HEALTH)) <= 11
    assert bench.kept(HEALTH)["ok"] is True


def test_a_guard_that_has_gone_quiet_is_not_told_as_well(bench: Bench) -> None:
    for _ in range(5):
        bench.run(1)
        bench.guard_lives()
    bench.run(10)
    health = bench.kept(HEALTH)
    assert health["ok"] is False
    assert health["guard"]["ok"] is False
    assert health["guard"]["age_s"] >= 9


def test_a_guard_that_was_well_yesterday_is_not_taken_for_well_today(bench: Bench) -> None:
    bench.guard_lives()
    bench.run(2)
    assert bench.kept(HEALTH)["guard"] == {"ok": False, "age_s": None}


def test_a_broken_part_is_told_as_broken(bench: Bench) -> None:
    for _ in range(3):
        bench.run(1)
        bench.guard_lives(rangefinder={"ok": False, "age_s": 2.0, "reason": "no echo"})
    assert bench.kept(HEALTH)["ok"] is False
    assert bench.kept(HEALTH)["parts"]["rangefinder"]["reason"] == "no echo"


def test_the_heartbeat_tells_what_waits_and_whether_anybody_listens(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.run(3)
    assert bench.kept(HEALTH)["outbox"] == {"depth": 1, "oldest_s": pytest.approx(2, abs=1.1), "heard": False}
    MemoryCaregiver(bench.broker)
    bench.run(6)
    assert bench.kept(HEALTH)["outbox"] == {"depth": 0, "oldest_s": 0.0, "heard": True}


def test_telemetry_is_told_once_a_second_and_only_while_moving(bench: Bench) -> None:
    telemetry = topics.telemetry(DEVICE)
    for step in range(100):
        bench.journal.set_state({"telemetry": {"state": "walking" if step < 50 else "ready", "steps": step}})
        bench.guard_lives()
        bench.run(0.2)
    assert len(bench.said(telemetry)) == 10
    assert not any(message.retain or message.qos for message in bench.broker.log if message.topic == telemetry)


def test_wishes_from_outside_reach_the_guard(bench: Bench) -> None:
    bench.run()
    bench.command("test", {})
    bench.command("locate", "")
    bench.run()
    assert bench.to_guard == [{"v": 1, "kind": "command", "name": name} for name in ("test", "locate")]


HOSTILE = [
    ("accept", "{"),
    ("accept", "[]"),
    ("accept", "null"),
    ("accept", "[" * 2000),
    ("accept", '{"id":' * 300 + "1" + "}" * 300),
    ("accept", json.dumps({"id": made_id(1), "by": "x" * 3000})),
    ("accept", json.dumps({"id": made_id(1), "by": "x" * 81})),
    ("accept", json.dumps({"id": made_id(1), "by": ""})),
    ("accept", json.dumps({"id": made_id(1), "by": "a\x1b[2J"})),
    ("accept", f'{{"id":"{made_id(1)}","by":"\\ud800"}}'),
    ("accept", json.dumps({"id": made_id(1)})),
    ("accept", json.dumps({"id": [made_id(1)], "by": "hub"})),
    ("accept", json.dumps({"id": made_id(7), "by": "hub"})),
    ("accept", json.dumps({"id": "' OR 1=1 --", "by": "hub"})),
    ("ack", json.dumps({"alarm": made_id(7), "by": "Ann"})),
    ("ack", json.dumps({"alarm": "now", "by": "Ann"})),
    ("ack", json.dumps({"alarm": 1e400, "by": "Ann"})),
    ("test", "on"),
    ("settings", "{}"),
    ("silence", "{}"),
    ("accept/more", json.dumps({"id": made_id(1), "by": "hub"})),
]


@pytest.mark.parametrize(("name", "payload"), HOSTILE)
def test_nonsense_is_counted_and_changes_nothing(bench: Bench, name: str, payload: str) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    bench.link._take(_received(name, payload), 0)
    bench.run(2)
    assert bench.to_guard == []
    assert bench.link.rejected.total() == 1
    assert bench.kept(HEALTH)["rejected"] == 1
    assert [stored.event.id for stored in bench.journal.unaccepted()] == [made_id(1)]


def _received(name: str, payload: str) -> Received:
    return Received(topics.command(DEVICE, name), payload.encode(), False)


def test_an_acceptance_that_the_broker_kept_from_the_past_is_ignored(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.command("accept", {"id": made_id(1), "by": "hub"}, retain=True)
    bench.run()
    assert bench.link.rejected == {"retained": 1}
    assert len(bench.journal.unaccepted()) == 1


def test_accepting_twice_is_the_same_as_once(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    for who in ("one", "two"):
        bench.command("accept", {"id": made_id(1), "by": who})
    bench.run()
    assert bench.link.rejected.total() == 0
    assert bench.journal.deliveries()[0].accepted_by == "one"


def test_home_assistant_that_starts_again_is_told_of_the_device(bench: Bench) -> None:
    bench.run()
    before = len(bench.said(topics.discovery(DEVICE)))
    bench.link._take(Received(topics.HOME_ASSISTANT_STATUS, b"online", True), 0)
    bench.run()
    assert len(bench.said(topics.discovery(DEVICE))) == before + 1


def test_a_journal_that_fails_is_said_once_and_the_link_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    bench.run()
    monkeypatch.setattr(Journal, "unaccepted", _broken)
    bench.journal.append(an_event(1))
    bench.run(3)
    assert len([record for record in caplog.records if "no space" in record.message]) == 1
    assert len(bench.said(HEALTH)) >= 3
    monkeypatch.undo()
    bench.run()
    assert len(bench.events()) == 1


def _broken(journal: Journal, *_: object) -> None:
    raise JournalError("journal: no space")


def test_a_journal_damaged_under_the_link_does_not_stop_it(bench: Bench, tmp_path: Path) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("PRAGMA writable_schema=ON")
        db.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE states (x' WHERE name = 'states'")
        db.execute("PRAGMA schema_version=999")
    db.close()
    bench.run()
    bench.journal.append(an_event(2))
    bench.run()
    assert made_id(2) in [event["id"] for event in bench.events()]


def test_after_a_damaged_journal_was_replaced_new_falls_are_told_with_new_numbers(path: Path) -> None:
    with contextlib.closing(Journal(path)) as guard, contextlib.closing(Journal(path)) as own:
        guard.next_boot()
        for number in range(1, 401):
            guard.append(an_event(number, data={"long": "x" * 200}))
        bench = Bench(own)
        MemoryCaregiver(bench.broker)
        bench.run(10)
        assert own.unaccepted() == []
        damage_last_two_thirds(path)
        for number in range(401, 404):
            guard.append(an_event(number))
            bench.run(0.1)
        assert own.quarantined or guard.quarantined
        last = [(event["id"], event["seq"]) for event in bench.events()[-3:]]
    assert last == [(made_id(number), number) for number in range(401, 404)]
    assert sorted(path.parent.glob("*.damaged-*"))


def test_a_new_journal_that_counts_from_the_start_again_is_told_from_the_start(bench: Bench, path: Path) -> None:
    for number in range(1, 10):
        bench.journal.append(an_event(number))
        bench.journal.set_state({"walk": {"steps": number}})
    bench.run()
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink()
    with contextlib.closing(Journal(path)) as guard:  # started anew, so that it knows of no earlier number
        assert guard.append(an_event(20)) == 1
        for steps in range(100, 110):
            guard.set_state({"walk": {"steps": steps}})
        guard.set_state({"health": {"parts": {}}})
        bench.run()
    assert bench.events()[-1]["id"] == made_id(20)
    assert bench.kept(topics.state(DEVICE, "walk"))["steps"] == 109


def test_rotten_states_do_not_stop_the_link(bench: Bench, path: Path) -> None:
    bench.run()
    bench.journal.set_state({"walk": {"steps": 1}, "telemetry": {"steps": 1}})
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE states SET body = '{'")
        db.execute("UPDATE counters SET value = 'x' WHERE name = 'version'")
        db.commit()
    bench.journal.append(an_event(1))
    bench.run(2)
    assert len(bench.events()) == 1
    assert bench.kept(HEALTH)["rotten"] == 2


def test_an_event_that_only_the_link_still_knows_can_be_accepted(bench: Bench, path: Path) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM events")
        db.commit()
    bench.command("accept", {"id": made_id(1), "by": "hub"})
    bench.run(60)
    assert bench.to_guard == [_word("accepted", "hub", "suspected")]
    assert len(bench.events()) == 1
