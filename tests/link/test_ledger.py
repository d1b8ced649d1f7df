"""The journal has a thread of its own: whatever its disk does, the link goes on telling."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.events import DEVICE, an_event, made_id
from support.link_bench import Bench, ack_word, broken

from firmware import journal_file
from firmware.decided import Decided
from firmware.journal import Journal
from firmware.link import ledger, topics
from firmware.link.ledger import MOST_WRITES, NO_ANSWER, Found, Ledger
from firmware.responders import Responder
from hal.sim.clock import SimClock

ALARM = topics.state(DEVICE, "alarm")
HEALTH = topics.state(DEVICE, "health")
STATUS = topics.status(DEVICE)
FALLEN = {"active": True, "alarm": made_id(1), "severity": "critical"}
ANN = Responder("Ann", "seen", "2026-01-01T00:00:00Z")


@pytest.fixture
def ledger_(journal: Journal) -> Ledger:
    return Ledger(journal, SimClock())


def found(of: Ledger) -> list[Found]:
    """What a turn finds; what was written is said to whom it concerns."""
    of.turn()
    outcomes = of.take()
    for outcome in outcomes:
        if not isinstance(outcome, Found):
            outcome()
    return [outcome for outcome in outcomes if isinstance(outcome, Found)]


def test_what_was_found_is_found_once(ledger_: Ledger, journal: Journal) -> None:
    journal.append(an_event(1))
    journal.set_state({"walk": {"steps": 1}})
    first, *none = found(ledger_)
    assert ([stored.seq for stored in first.events], dict(first.states), none) == ([1], {"walk": {"steps": 1}}, [])
    assert found(ledger_) == []
    journal.append(an_event(2))
    journal.set_state({"alarm": FALLEN})
    (second,) = found(ledger_)
    assert ([stored.seq for stored in second.events], list(second.states)) == ([2], ["alarm"])
    assert (second.boot, second.seq, second.alarm) == (1, 2, made_id(1))


def test_what_is_put_in_is_written_in_its_order_before_anything_is_read(ledger_: Ledger, journal: Journal) -> None:
    journal.append(an_event(1))
    written: list[object] = []
    ledger_.put(("sent", "1"), lambda journal: journal.mark_sent(made_id(1)), lambda _: written.append("sent"))
    ledger_.put(("accepted", "1"), lambda journal: journal.mark_accepted(made_id(1), "hub"), written.append)
    (first,) = found(ledger_)
    assert (written, first.events) == (["sent", an_event(1)], [])


def test_what_the_disk_refuses_is_asked_for_until_it_is_there_and_what_is_new_is_read_all_the_same(
    ledger_: Ledger, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(an_event(1))
    written: list[bool] = []
    monkeypatch.setattr(Journal, "mark_acknowledged", broken)
    ledger_.put(("ack",), lambda journal: journal.mark_acknowledged(made_id(1), "Ann"), written.append)
    for _ in range(3):
        found(ledger_)
    journal.append(an_event(2))
    assert [stored.seq for each in found(ledger_) for stored in each.events] == [2]
    assert (ledger_.trouble(0), written) == ("journal: no space", [])
    monkeypatch.undo()
    assert [person.by for each in found(ledger_) for person in each.people] == []
    assert (ledger_.trouble(0), written) == ("", [True])


def test_a_newer_word_takes_the_place_of_one_that_waits_and_is_not_lost_while_the_older_is_written(
    ledger_: Ledger, journal: Journal
) -> None:
    written: list[str] = []

    def put(word: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        ledger_.put(("word",), lambda _: (meanwhile(), word)[1], written.append)

    put("waits")
    put("older", meanwhile=lambda: put("newer"))
    found(ledger_)
    assert written == ["older", "newer"]


def test_what_can_never_be_written_keeps_nothing_else_waiting(
    ledger_: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    written: list[int] = []
    ledger_.put(("bad",), lambda journal: journal.set_state({"nonsense": {}}))
    ledger_.put(("good",), lambda journal: journal.boot(), written.append)
    found(ledger_)
    assert written == [1]
    assert "please report it" in caplog.text


def test_a_disk_that_is_away_for_long_fills_no_memory(ledger_: Ledger) -> None:
    taken = [ledger_.put(("sent", str(number)), Journal.boot) for number in range(MOST_WRITES + 10)]
    assert sum(taken) == MOST_WRITES
    assert ledger_.put(("sent", "7"), Journal.boot), "what waits already may be replaced"


def test_a_long_queue_keeps_nothing_new_from_being_read(ledger_: Ledger, journal: Journal) -> None:
    clock = SimClock()
    slow = Ledger(journal, clock)
    for number in range(100):
        slow.put(("sent", str(number)), lambda _: clock.sleep(0.02))
    journal.append(an_event(1))
    assert [stored.seq for each in found(slow) for stored in each.events] == [1]
    assert clock.now_ns() < 2 * ledger.WRITING_NS


def test_a_journal_that_is_opened_anew_gives_a_silent_guard_no_new_life(bench: Bench) -> None:
    bench.run(1)
    bench.guard_lives()
    bench.run(10)
    bench.journal.close()
    bench.run(2)
    assert bench.kept(HEALTH)["guard"]["ok"] is False


class Hanging(Journal):
    """Its disk does not answer until `released`."""

    asked, released = threading.Event(), threading.Event()

    def dropped(self) -> int:
        self.asked.set()
        self.released.wait()
        return super().dropped()


@pytest.fixture
def hanging(path: Path) -> Iterator[Bench]:
    """A bench whose journal hangs on a thread of its own, for good."""
    Hanging.asked.clear()
    Hanging.released.clear()
    with contextlib.closing(Hanging(path)) as opened:
        opened.next_boot()
        bench = Bench(opened)
        bench.hangs = True
        turns = threading.Event()
        bench.ledger.start(turns.wait)
        try:
            assert Hanging.asked.wait(15.0)
            yield bench
        finally:
            Hanging.released.set()
            turns.set()
            bench.ledger.close()


def test_a_fall_is_told_and_its_acceptance_heard_while_the_disk_hangs_in_the_middle_of_a_call(hanging: Bench) -> None:
    hanging.run(3)
    hanging.decided.append(Decided(an_event(1, boot=0), {**FALLEN, "phase": "suspected"}))
    hanging.run(1.6)
    assert [told["id"] for told in hanging.events()] == [made_id(1)]
    assert hanging.kept(ALARM)["active"] is True
    hanging.decided.append(Decided(an_event(2, alarm=made_id(1), phase="confirmed"), {**FALLEN, "phase": "confirmed"}))
    hanging.run(1.6)
    assert [told["phase"] for told in hanging.events()] == ["suspected", "confirmed"]
    for number in (1, 2):
        hanging.command("accept", {"id": made_id(number), "by": "hub"})
    hanging.command("ack", {"alarm": "now", "by": "Ann", "seq": 1})
    hanging.run(0.05)
    assert hanging.to_guard == [
        ack_word("accepted", "hub", "suspected"),
        ack_word("accepted", "hub", "confirmed"),
        ack_word("acknowledged", "Ann"),
    ]
    hanging.run(60)
    assert len(hanging.events()) == 2
    assert hanging.kept(ALARM)["acknowledged"]["by"] == "Ann"


def test_the_heartbeat_goes_on_while_the_disk_hangs_and_says_so(hanging: Bench) -> None:
    hanging.run(60)
    said = hanging.said(HEALTH)
    assert 6 <= len(said) <= 8
    assert said[-1]["ok"] is False
    assert said[-1]["parts"]["journal"] == {"ok": False, "age_s": None, "reason": NO_ANSWER}


def test_the_end_waits_for_no_disk(hanging: Bench) -> None:
    hanging.run(3)
    hanging.link.close()
    hanging.ledger.close()
    assert hanging.kept(STATUS)["state"] == "ended"


def test_what_the_broker_keeps_of_an_alarm_stays_while_a_new_link_cannot_read_the_journal(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.journal.set_state({"alarm": FALLEN})
    bench.run()
    bench.hangs = True
    bench.restart()
    bench.run(10)
    assert bench.kept(STATUS)["state"] == "ready"
    assert bench.kept(ALARM)["active"] is True


def test_an_old_word_that_the_broker_has_kept_waits_until_the_journal_says_that_it_is_old(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.journal.set_state({"alarm": FALLEN})
    bench.run()
    bench.command("ack", {"alarm": "now", "by": "Ann", "seq": 7})
    bench.run()
    bench.hangs = True
    bench.restart()
    bench.to_guard.clear()
    bench.client._receive(topics.command(DEVICE, "ack"), b'{"alarm":"now","by":"Ann","seq":7}', False)
    bench.run(1)
    bench.hangs = False
    bench.run(1)
    assert bench.link.rejected == {"old number": 1}
    assert bench.to_guard == []


def test_numbers_that_the_journal_holds_are_kept_though_a_word_came_before_it_could_be_read(bench: Bench) -> None:
    bench.journal.set_state({"senders": {"Ann": 7}})
    bench.hangs = True
    bench.restart()
    bench.run(3)
    bench.command("locate", {"by": "Bob", "seq": 1})
    bench.run(1)
    assert [word["name"] for word in bench.to_guard] == ["locate"]
    bench.hangs = False
    bench.run(1)
    assert bench.journal.states()[1]["senders"] == {"Ann": 7, "Bob": 1}


@pytest.fixture
def locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bench, sqlite3.Connection]]:
    """A bench, and another process's handle on its journal; nobody waits for a lock."""
    monkeypatch.setattr(journal_file, "BUSY_TIMEOUT_S", 0.0)
    other = sqlite3.connect(path, isolation_level=None)
    with contextlib.closing(Journal(path)) as journal, contextlib.closing(other):
        journal.next_boot()
        yield Bench(journal), other


def test_a_fall_is_told_while_another_process_holds_the_journal_and_all_answers_are_written_when_it_lets_go(
    locked: tuple[Bench, sqlite3.Connection],
) -> None:
    bench, other = locked
    bench.run(2)
    other.execute("BEGIN EXCLUSIVE")
    bench.decided.append(Decided(an_event(1, boot=0), {**FALLEN, "phase": "suspected"}))
    bench.run(1.6)
    bench.command("accept", {"id": made_id(1), "by": "hub"})
    bench.command("ack", {"alarm": made_id(1), "by": "Ann"})
    bench.run(30)
    assert len(bench.events()) == 1
    assert ack_word("accepted", "hub", "suspected") in bench.to_guard
    assert ack_word("acknowledged", "Ann") in bench.to_guard
    assert "locked" in bench.kept(HEALTH)["parts"]["journal"]["reason"]
    other.execute("ROLLBACK")
    bench.run(2)  # and the guard takes its time
    assert bench.journal.deliveries() == []
    bench.journal.append(an_event(1))
    bench.journal.set_state({"alarm": FALLEN})
    bench.decided.clear()
    bench.run(30)
    assert [each.accepted_by for each in bench.journal.deliveries()] == ["hub"]
    assert bench.journal.responders(made_id(1)) == [ANN]
    assert len(bench.events()) == 1, "nobody is told again of what a service has"
    assert bench.link.rejected == {}
    assert "journal" not in bench.kept(HEALTH)["parts"]


def test_an_acceptance_for_which_there_is_no_room_is_asked_for_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    monkeypatch.setattr(ledger, "MOST_WRITES", 0)
    bench.hangs = True
    bench.command("accept", {"id": made_id(1), "by": "hub"})
    bench.run(6)
    assert bench.to_guard == [ack_word("accepted", "hub", "suspected")]
    assert len(bench.events()) == 2
