"""What the journal has taken survives a kill and a power cut."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.events import an_event, made_id, waiting
from support.waiting import eventually

from firmware.errors import JournalError
from firmware.journal import Journal, read_copy


def test_an_event_is_what_it_was_when_it_is_read_by_another_process(journal: Journal, path: Path) -> None:
    event = an_event(data={"peak_mps2": 31.5, "who": "Zoë", "lying": True, "nothing": None})
    seq = journal.append(event)
    with contextlib.closing(Journal(path)) as other:
        (stored,) = other.unaccepted()
    assert (stored.seq, stored.event, stored.attempts, stored.sent) == (seq, event, 0, None)


def test_events_keep_their_order(journal: Journal) -> None:
    assert [journal.append(an_event(number)) for number in (3, 1, 2)] == [1, 2, 3]
    assert waiting(journal) == [made_id(3), made_id(1), made_id(2)]


def test_appending_again_after_a_doubtful_failure_changes_nothing(journal: Journal) -> None:
    assert journal.append(an_event(1)) == journal.append(an_event(1))
    assert len(journal.events()) == 1


def test_a_number_that_json_cannot_say_does_not_lose_the_alert(journal: Journal) -> None:
    journal.append(an_event(data={"peak": float("nan"), "ttc_s": float("inf"), "steps": 3}))
    assert journal.unaccepted()[0].event.data == {"peak": None, "ttc_s": None, "steps": 3}


def test_only_acceptance_takes_an_event_out_of_thewaiting(journal: Journal) -> None:
    journal.append(an_event(1))
    journal.mark_sent(made_id(1), "10:00")
    journal.mark_sent(made_id(1), "10:05")
    (stored,) = journal.unaccepted()
    assert (stored.attempts, stored.sent) == (2, "10:00")
    assert journal.mark_accepted(made_id(1), "hub", "10:07") == an_event(1)
    assert waiting(journal) == []


def test_the_first_who_accepts_and_the_first_who_acknowledges_count(journal: Journal) -> None:
    journal.append(an_event(1))
    for who in ("Ann", "Bob"):
        assert journal.mark_accepted(made_id(1), who, "t") == an_event(1)
        assert journal.mark_acknowledged(made_id(1), who, "t")
    (delivery,) = journal.deliveries()
    assert (delivery.accepted_by, delivery.acknowledged_by) == ("Ann", "Ann")
    assert [each.by for each in journal.responders(made_id(1))] == ["Ann", "Bob"]


def test_what_is_not_known_cannot_be_accepted_or_acknowledged(journal: Journal) -> None:
    assert journal.mark_accepted(made_id(9), "hub") is None
    assert not journal.mark_acknowledged(made_id(9), "Ann")
    assert journal.responders(made_id(9)) == []


def test_deliveries_tell_how_far_each_event_of_a_start_has_come(journal: Journal) -> None:
    journal.append(an_event(9, boot=1))
    for number in (1, 2, 3, 4):
        journal.append(an_event(number, boot=2))
    for number in (2, 3):
        journal.mark_sent(made_id(number), "t")
    journal.mark_accepted(made_id(3), "hub", "t")
    journal.mark_acknowledged(made_id(4), "Ann", "t")
    states = [delivery.state for delivery in journal.deliveries(boot=2)]
    assert states == ["queued", "sent", "accepted", "acknowledged"]
    assert len(journal.deliveries()) == 5


def test_a_persons_word_closes_what_was_sent_of_the_alarm_and_not_what_follows(journal: Journal) -> None:
    journal.append(an_event(1))
    journal.mark_sent(made_id(1), "t")
    journal.append(an_event(2, alarm=made_id(1), phase="confirmed"))
    assert journal.mark_acknowledged(made_id(1), "Ann", "t")
    journal.append(an_event(3, alarm=made_id(1), phase="long_lie"))
    assert waiting(journal) == [made_id(2), made_id(3)]


def test_an_expired_event_is_closed_and_a_late_acceptance_still_counts(journal: Journal) -> None:
    journal.append(an_event(1, severity="info"))
    journal.mark_sent(made_id(1), "t")
    journal.mark_expired(made_id(1))
    assert waiting(journal) == []
    assert journal.deliveries()[0].state == "expired"
    journal.mark_accepted(made_id(1), "hub", "t")
    journal.mark_expired(made_id(1))
    assert journal.deliveries()[0].state == "accepted"


def test_the_phases_that_a_service_has_stored_are_known(journal: Journal) -> None:
    journal.append(an_event(1))
    journal.append(an_event(2, alarm=made_id(1), phase="confirmed"))
    journal.append(an_event(3))
    for number in (2, 1):
        journal.mark_accepted(made_id(number), "hub", "t")
    assert journal.acceptances(made_id(1)) == [("suspected", "hub"), ("confirmed", "hub")]
    assert journal.acceptances(made_id(3)) == []


def test_what_nobody_takes_is_bounded_and_no_fall_makes_room(path: Path) -> None:
    with contextlib.closing(Journal(path, keep_open=100)) as journal:
        for number in range(1, 501):
            kind = "critical" if number % 10 == 0 else ("warning", "info")[number % 2]
            journal.append(an_event(number, severity=kind))
        left = [stored.event for stored in journal.unaccepted()]
        assert [event.id for event in left if event.severity == "critical"] == [made_id(10 * n) for n in range(1, 51)]
        lesser = [event.id for event in left if event.severity != "critical"]
        assert lesser == [made_id(number) for number in range(501 - 60, 501) if number % 10][-len(lesser) :]
        assert len(left) == 100
        assert journal.dropped() == 400


def test_only_accepted_events_are_ever_dropped_and_the_oldest_first(path: Path) -> None:
    with contextlib.closing(Journal(path, keep=3)) as journal:
        for number in range(1, 11):
            journal.append(an_event(number))
        journal.mark_acknowledged(made_id(2), "Ann", "t")
        for number in range(2, 11):
            journal.mark_accepted(made_id(number), "hub", "t")
        assert [stored.event.id for stored in journal.events()] == [made_id(number) for number in (1, 8, 9, 10)]
        assert journal.responders(made_id(2)) == []


def test_each_start_has_a_new_number_even_when_the_journal_was_lost(path: Path) -> None:
    for expected in (1, 2):
        with contextlib.closing(Journal(path)) as journal:
            assert journal.next_boot() == expected
            assert journal.boot() == expected
    path.unlink()
    with contextlib.closing(Journal(path)) as journal:
        assert journal.boot() == 2
        assert journal.next_boot() == 3


def test_a_state_is_told_once_and_again_when_it_changes(journal: Journal, path: Path) -> None:
    with contextlib.closing(Journal(path)) as link:
        journal.set_state({"alarm": {"active": False}, "walk": {"steps": 1}})
        version, states = link.states(0)
        assert states == {"alarm": {"active": False}, "walk": {"steps": 1}}
        journal.set_state({"alarm": {"active": False}, "walk": {"steps": 2}})
        version, states = link.states(version)
        assert states == {"walk": {"steps": 2}}
        assert link.states(version) == (version, {})


def test_an_unknown_state_is_a_mistake_of_the_caller(journal: Journal) -> None:
    with pytest.raises(ValueError, match="unknown state 'weather'"):
        journal.set_state({"weather": {}})


def test_a_guard_that_starts_again_is_heard_although_nothing_changed(path: Path) -> None:
    for expected in (1, 2):
        with contextlib.closing(Journal(path)) as guard:
            guard.set_state({"health": {"parts": {}}})
            assert guard.states(0)[0] == expected


def test_a_full_disk_is_said_and_the_event_is_taken_once_there_is_room(journal: Journal) -> None:
    journal.append(an_event(1))
    connection = journal._open()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(JournalError, match="full"):
        journal.append(an_event(2, data={"long": "x" * 20_000}))
    assert journal.append(an_event(2)) == 2


def test_guard_and_link_write_at_once_and_nothing_is_lost(journal: Journal, path: Path) -> None:
    done = threading.Event()
    accepted: set[str] = set()

    def accept() -> None:
        with contextlib.closing(Journal(path)) as link:
            while not (done.is_set() and not link.unaccepted()):
                for stored in link.unaccepted():
                    link.mark_sent(stored.event.id, "t")
                    link.mark_accepted(stored.event.id, "hub", "t")
                    accepted.add(stored.event.id)

    thread = threading.Thread(target=accept)
    thread.start()
    for number in range(1, 101):
        journal.append(an_event(number))
        journal.set_state({"telemetry": {"steps": number}})
    done.set()
    thread.join(30)
    assert accepted == {made_id(number) for number in range(1, 101)}


WRITER = """
import sys
from firmware.journal import Journal
from support.events import an_event
journal = Journal(sys.argv[1])
print("boot", journal.next_boot(), flush=True)
for number in range(int(sys.argv[2]), 10**9):
    print(number, journal.append(an_event(number)), flush=True)
"""


def test_a_guard_killed_while_it_writes_loses_nothing_that_it_had_taken(path: Path) -> None:
    promised = 0
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(path), str(promised + 1)]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        assert writer.stdout is not None
        for _ in range(40):
            last = writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        rest = writer.communicate()[0].splitlines()
        promised = int((rest or [last])[-1].split()[0])
        with contextlib.closing(Journal(path)) as journal:
            stored = [stored.seq for stored in journal.events()]
            assert journal.quarantined is None
        assert stored[:promised] == list(range(1, promised + 1))
        promised = len(stored)


def test_closing_lets_go_of_the_file(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    journal.close()
    eventually(lambda: not Path(f"{path}-wal").exists(), what="the log is gone")


@pytest.mark.parametrize("ended", [True, False])
def test_a_journal_that_cannot_be_opened_is_read_from_a_copy(path: Path, tmp_path: Path, ended: bool) -> None:
    writes = Journal(path)
    writes.set_state({"alarm": {"active": True}, "walk": {"steps": 3}})
    if ended:
        writes.close()
    memory = tmp_path / "memory"
    memory.mkdir()
    before = {each.name: each.read_bytes() for each in path.parent.iterdir() if each.is_file()}
    assert read_copy(path, memory) == {"alarm": {"active": True}, "walk": {"steps": 3}}
    assert {each.name: each.read_bytes() for each in path.parent.iterdir() if each.is_file()} == before
    assert list(memory.iterdir()) == []
    writes.close()


@pytest.mark.parametrize("content", [None, b"", b"no database" * 900])
def test_a_journal_whose_copy_cannot_be_read_either_is_one_clear_error(path: Path, content: bytes | None) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(JournalError, match=r"journal\.db"):
        read_copy(path, path.parent)


def test_an_event_that_is_stored_is_never_changed(journal: Journal) -> None:
    journal.append(an_event(1))
    journal.append(an_event(1, phase="cancelled", data={"forged": True}))
    assert [stored.event for stored in journal.events()] == [an_event(1)]
