"""A journal that fails, is damaged or replaced under the link does not stop the telling."""

import contextlib
import logging
import sqlite3
from pathlib import Path

import pytest
from support.damage import damage_last_two_thirds
from support.events import DEVICE, an_event, made_id
from support.link_bench import Bench, ack_word, broken

from firmware.journal import Journal
from firmware.link import topics
from firmware.link.answers import UNWRITTEN_MAX
from firmware.link.memory import MemoryCaregiver
from firmware.link.outbox import Outbox

EVENT = topics.event(DEVICE)
ALARM = topics.state(DEVICE, "alarm")
HEALTH = topics.state(DEVICE, "health")
STATUS = topics.status(DEVICE)


def test_a_journal_that_fails_is_said_once_and_the_link_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    bench.run()
    monkeypatch.setattr(Journal, "unaccepted", broken)
    bench.journal.append(an_event(1))
    bench.run(31)
    assert len([record for record in caplog.records if "no space" in record.message]) == 1
    assert len(bench.said(HEALTH)) >= 3
    monkeypatch.undo()
    bench.run()
    assert len(bench.events()) == 1


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


def test_a_damaged_journal_that_was_moved_aside_is_told_for_as_long_as_it_lies_there(bench: Bench, path: Path) -> None:
    bench.run()
    assert bench.kept(HEALTH)["damaged"] == 0
    bench.journal.close()
    path.with_name(path.name + "-wal").unlink(missing_ok=True)
    path.write_bytes(b"no database" * 1000)
    bench.restart()
    bench.run(20)
    assert bench.kept(HEALTH)["damaged"] == 1
    bench.restart()
    bench.run(20)
    assert bench.kept(HEALTH)["damaged"] == 1


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
    assert bench.to_guard == [ack_word("accepted", "hub", "suspected")]
    assert len(bench.events()) == 1


def test_a_flood_of_names_while_the_disk_fails_is_bounded_and_the_guard_hears_each(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    monkeypatch.setattr(Journal, "mark_acknowledged", broken)
    for second in range(60):
        for number in range(5):
            bench.command("ack", {"alarm": made_id(1), "by": f"name {second}.{number}"})
        bench.run(1)
    assert len(bench.to_guard) == 300
    assert len(bench.link._answers._unwritten) == UNWRITTEN_MAX
    bench.command("ack", {"alarm": made_id(1), "by": "name 0.0", "how": "at_scene"})  # who waits already may go on
    bench.run()
    assert bench.link._answers._unwritten[made_id(1), "name 0.0"].responder.how == "at_scene"
    assert bench.link.rejected == {"too many people": 300 - UNWRITTEN_MAX}


def test_faults_that_nobody_takes_for_weeks_make_room_in_the_link_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.link, "_outbox", Outbox(most=50))
    bench.broker.online = False
    bench.journal.append(an_event(1))
    for number in range(2, 202):
        bench.journal.append(an_event(number, type="fault", severity="warning"))
        bench.run(0.05)
    bench.broker.online = True
    bench.run(60)
    told = {event["id"] for event in bench.events()}
    assert told == {made_id(1), *(made_id(number) for number in range(153, 202))}
