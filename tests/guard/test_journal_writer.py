"""What was decided reaches the journal, in order, whatever the disk does; the loop never waits for it."""

from pathlib import Path

import pytest

from firmware.core.messages import Alert, Hazard, Health, Severity, Tick, WalkChanged, WalkState
from firmware.errors import JournalError
from firmware.guard.events import EventMaker, Wall
from firmware.guard.journal_writer import JournalWriter
from firmware.journal import Journal


def suspected(t_ns: int, alarm: int = 1) -> Alert:
    return Alert(t_ns, Hazard.FALL, Severity.SUSPECTED, alarm, {"deadline_s": 30.0})


class Rig:
    def __init__(self, folder: Path) -> None:
        self.path, self.complaints = folder / "journal.db", list[str]()
        counter = iter(range(10_000))
        wall = Wall(lambda: 1_767_225_600_000, lambda: False, lambda n: next(counter).to_bytes(n, "big"))
        self.events = EventMaker("rg-12345678", 3, wall)
        self.journal = Journal(self.path)
        self.writer = JournalWriter(self.journal, lambda: Journal(self.path), self.events, self.complaints.append)

    def take(self, t_ns: int, *outputs: Alert | Health | WalkChanged) -> None:
        self.writer.take([Tick(t_ns)], outputs)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_phases_of_one_fall_share_the_alarm_and_have_ids_of_their_own(rig: Rig) -> None:
    rig.take(1, suspected(1))
    rig.take(2, Alert(2, Hazard.FALL, Severity.CONFIRMED, 1, {}))
    rig.writer.background.turn()
    first, second = rig.journal.events()
    assert first.event.alarm == second.event.alarm == first.event.id != second.event.id
    assert (first.event.phase, second.event.phase) == ("suspected", "confirmed")
    assert (first.event.deadline_s, second.event.deadline_s) == (30.0, None)
    assert (first.event.boot, first.event.clock, first.event.t) == (3, "unsynced", "2026-01-01T00:00:00.000Z")
    assert rig.events.number_of(first.event.alarm) == 1


def test_obstacles_are_counted_not_told(rig: Rig) -> None:
    rig.take(1, Alert(1, Hazard.OBSTACLE, Severity.WARNING, 1, {"distance_m": 1.2}))
    rig.writer.background.turn()
    assert rig.journal.events() == []


def test_state_of_the_alarm_says_what_is_true_now(rig: Rig) -> None:
    rig.take(1, suspected(1))
    rig.writer.background.turn()
    assert rig.journal.states()[1]["alarm"]["phase"] == "suspected"
    rig.take(2, Alert(2, Hazard.FALL, Severity.CANCELLED, 1, {}))
    rig.writer.background.turn()
    assert rig.journal.states()[1]["alarm"] == {"active": False}


def test_fault_during_a_fall_does_not_hide_the_fall(rig: Rig) -> None:
    rig.take(1, suspected(1))
    rig.take(2, Alert(2, Hazard.FAULT, Severity.FAULT, 2, {"part": "imu", "reason": "no answer"}))
    assert rig.events.alarm_now()["type"] == "fall"
    rig.take(3, Alert(3, Hazard.FALL, Severity.RECOVERED, 1, {}))
    assert rig.events.alarm_now()["type"] == "fault"
    rig.take(4, Alert(4, Hazard.FAULT, Severity.NONE, 2, {"part": "imu"}))
    assert rig.events.alarm_now() == {"active": False}


def test_fall_that_an_earlier_run_left_stays_the_truth_until_she_walks(rig: Rig) -> None:
    rig.take(1, suspected(1))
    rig.writer.background.turn()
    left_over = rig.journal.states()[1]["alarm"]
    events = EventMaker("rg-12345678", 4, Wall(lambda: 0, lambda: False, bytes), left_over)
    writer = JournalWriter(rig.journal, lambda: rig.journal, events, rig.complaints.append)
    writer.take([Tick(1)], [WalkChanged(1, WalkState.SELF_TEST, {})])
    writer.background.turn()
    assert rig.journal.states()[1]["alarm"] == left_over
    writer.take([Tick(2 * 10**9)], [WalkChanged(2 * 10**9, WalkState.WALKING, {})])
    writer.background.turn()
    assert rig.journal.states()[1]["alarm"] == {"active": False}


def test_states_wait_for_a_second_but_the_end_of_a_walk_does_not(rig: Rig) -> None:
    rig.take(0, WalkChanged(0, WalkState.WALKING, {"steps": 1}))
    rig.take(10, WalkChanged(10, WalkState.WALKING, {"steps": 2}))
    rig.writer.background.turn()
    assert rig.journal.states()[1]["walk"]["steps"] == 1
    rig.take(20, WalkChanged(20, WalkState.ENDED, {"steps": 3}))
    rig.writer.background.turn()
    assert rig.journal.states()[1]["walk"] == {"state": "ended", "steps": 3}


def test_disk_that_refuses_loses_no_event_and_is_said_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise JournalError("journal: disk full; free some space")

    with monkeypatch.context() as full:
        full.setattr(rig.journal, "append", refuse)
        for i in range(5):
            rig.take(i, suspected(i, alarm=i))
            rig.writer.background.turn()
        assert rig.complaints == ["journal: disk full; free some space"]
        assert rig.journal.events() == []
    rig.writer.background.turn()
    assert [stored.event.mono_ms for stored in rig.journal.events()] == [0, 0, 0, 0, 0]
    assert len({stored.event.alarm for stored in rig.journal.events()}) == 5


def test_journal_that_could_not_be_opened_is_opened_when_it_can(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    attempts: list[int] = []

    def reopen() -> Journal:
        attempts.append(1)
        if len(attempts) < 3:
            raise JournalError("journal: read-only")
        return Journal(rig.path)

    writer = JournalWriter(None, reopen, rig.events, rig.complaints.append)
    writer.take([Tick(1)], [suspected(1)])
    for _ in range(3):
        writer.background.turn()
    (stored,) = rig.journal.events()
    assert stored.event.boot == 1, "this start is counted when it can be"
    writer.close()
