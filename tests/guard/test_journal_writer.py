"""What was decided reaches the journal, in order, whatever the disk does; the loop never waits for it."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firmware.core.messages import (
    Alert,
    Hazard,
    Health,
    Pattern,
    Severity,
    StoppingBaseline,
    SwayBaseline,
    Telemetry,
    Tick,
    WalkChanged,
    WalkState,
)
from firmware.errors import JournalError
from firmware.guard.events import EventMaker, Wall
from firmware.guard.journal_writer import JournalWriter
from firmware.journal import Journal
from hal.samples import SensorFault

Said = Alert | Health | StoppingBaseline | SwayBaseline | Telemetry | WalkChanged


def suspected(t_ns: int, alarm: int = 1, **data: Any) -> Alert:
    return Alert(t_ns, Hazard.FALL, Severity.SUSPECTED, alarm, {"deadline_s": 30.0, **data})


class Run:
    """One run of a guard's journal writer on the journal of a folder."""

    def __init__(self, folder: Path, now_ns: int = 0, boot_id: str = "this") -> None:
        self.path, self.complaints, self.resumed = folder / "journal.db", list[str](), list[Any]()
        counter = itertools.count(now_ns)  # so that no two runs make the same names
        wall = Wall(lambda: 1_767_225_600_000, lambda: False, lambda n: next(counter).to_bytes(n, "big"), boot_id)
        self.events = EventMaker("rg-12345678", wall)
        self.refuse, self.now_ns = False, now_ns
        self.writer = JournalWriter(
            self._open, self.events, lambda: self.now_ns, self.resumed.append, self.complaints.append
        )
        self.journal = Journal(self.path)  # the link's own view of it

    def _open(self) -> Journal:
        if self.refuse:
            raise JournalError("journal: read-only; mount it writable")
        return Journal(self.path)

    def take(self, t_ns: int, *outputs: Said) -> None:
        self.writer.take([Tick(t_ns)], outputs)

    def write(self) -> None:
        self.writer.background.turn()

    def state(self, key: str) -> dict[str, Any]:
        return self.journal.states()[1].get(key, {})


Start = Callable[..., Run]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts one guard after another on the same journal."""
    runs: list[Run] = []

    def start(now_ns: int, boot_id: str = "this") -> Run:
        runs.append(Run(tmp_path, now_ns, boot_id))
        return runs[-1]

    yield start
    for run in runs:
        run.writer.close()
        run.journal.close()


@pytest.fixture
def run(start: Start) -> Run:
    return start(0)


def test_phases_of_one_fall_share_the_alarm_and_have_ids_of_their_own(run: Run) -> None:
    run.take(1, suspected(1))
    run.take(2, Alert(2, Hazard.FALL, Severity.CONFIRMED, 1, {}))
    run.write()
    first, second = run.journal.events()
    assert first.event.alarm == second.event.alarm == first.event.id != second.event.id
    assert (first.event.phase, second.event.phase) == ("suspected", "confirmed")
    assert (first.event.deadline_s, second.event.deadline_s) == (30.0, None)
    assert (first.event.boot, first.event.clock) == (1, "unsynced")
    assert first.event.t.startswith("2026-01-01T00:00:00.000Z")
    assert run.events.number_of(first.event.alarm) == 1


def test_obstacles_are_counted_not_told(run: Run) -> None:
    run.take(1, Alert(1, Hazard.OBSTACLE, Severity.WARNING, 1, {"distance_m": 1.2}))
    run.write()
    assert run.journal.events() == []


def test_state_of_the_alarm_says_what_is_true_now(run: Run) -> None:
    run.take(1, suspected(1))
    run.write()
    assert run.state("alarm")["phase"] == "suspected"
    run.take(2, Alert(2, Hazard.FALL, Severity.CANCELLED, 1, {}))
    run.write()
    assert run.state("alarm") == {"active": False}


def test_fault_during_a_fall_does_not_hide_the_fall(run: Run) -> None:
    run.take(1, suspected(1))
    run.take(2, Alert(2, Hazard.FAULT, Severity.FAULT, 2, {"part": "imu", "reason": "no answer"}))
    assert run.events.alarm_now()["type"] == "fall"
    run.take(3, Alert(3, Hazard.FALL, Severity.RECOVERED, 1, {}))
    assert run.events.alarm_now()["type"] == "fault"
    run.take(4, Alert(4, Hazard.FAULT, Severity.NONE, 2, {"part": "imu"}))
    assert run.events.alarm_now() == {"active": False}


def test_states_wait_for_a_second_but_the_end_of_a_walk_does_not(run: Run) -> None:
    run.take(0, WalkChanged(0, WalkState.WALKING, {"steps": 1}))
    run.take(10, WalkChanged(10, WalkState.WALKING, {"steps": 2}))
    run.write()
    assert run.state("walk")["steps"] == 1
    run.take(20, WalkChanged(20, WalkState.ENDED, {"steps": 3}))
    run.write()
    assert run.state("walk") == {"state": "ended", "steps": 3}


def test_disk_that_refuses_loses_no_event_and_is_said_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.write()

    def refuse(*_: object) -> int:
        raise JournalError("journal: disk full; free some space")

    with monkeypatch.context() as full:
        full.setattr(Journal, "append", refuse)
        for i in range(5):
            run.take(i, suspected(i, alarm=i))
            run.write()
        assert len(run.complaints) == 1
        assert run.journal.events() == []
    run.write()
    assert len({stored.event.alarm for stored in run.journal.events()}) == 5
    assert [stored.seq for stored in run.journal.events()] == [1, 2, 3, 4, 5]


def test_journal_that_could_not_be_opened_is_opened_when_it_can_and_events_count_that_start(run: Run) -> None:
    run.refuse = True
    run.take(1, suspected(1))
    run.write()
    run.write()
    assert len(run.complaints) == 1
    run.refuse = False
    run.write()
    (stored,) = run.journal.events()
    assert stored.event.boot == 1


def test_disk_that_goes_on_failing_is_heard_by_the_walker(run: Run) -> None:
    run.refuse = True
    for _ in range(5):
        run.write()
        run.now_ns += 500_000_000
    faults = [fault for fault in run.resumed if isinstance(fault, SensorFault)]
    assert [fault.t_ns for fault in faults] == [1_000_000_000, 1_500_000_000, 2_000_000_000]
    assert (faults[0].part, faults[0].detail) == ("journal", "journal: read-only; mount it writable")
    run.refuse = False
    run.write()
    run.now_ns += 500_000_000
    run.write()
    assert len(run.resumed) == 3


def test_evidence_that_cannot_be_kept_does_not_cost_the_alert(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    append = Journal.append

    def picky(journal: Journal, event: Any) -> int:
        if "odd" in event.data:
            raise ValueError("not JSON")
        return append(journal, event)

    monkeypatch.setattr(Journal, "append", picky)
    run.take(1, suspected(1, odd=1.0))
    run.take(2, suspected(2, alarm=2))
    run.write()
    assert [stored.event.mono_ms for stored in run.journal.events()] == [0, 0]
    assert len(run.complaints) == 1


def test_defect_in_the_work_is_complained_about_and_the_next_batch_is_done(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Journal, "next_boot", lambda _: 1 / 0)
        run.take(1, suspected(1))
        run.write()
    assert "ZeroDivisionError" in run.complaints[0]
    run.write()
    assert len(run.journal.events()) == 1


def test_guard_that_died_in_the_countdown_hands_it_to_the_next_one(run: Run, start: Start) -> None:
    run.take(5_000_000_000, suspected(5_000_000_000))
    run.write()
    after = start(15_000_000_000)
    after.write()
    (resumed,) = after.resumed
    assert (resumed.hazard, resumed.severity, resumed.age_s) == (Hazard.FALL, Severity.SUSPECTED, 10.0)
    assert after.state("alarm")["phase"] == "suspected", "nothing is written over it"
    after.take(16_000_000_000, suspected(16_000_000_000, alarm=7, resumed=True, age_s=11.0))
    after.write()
    first, second = after.journal.events()
    assert second.event.alarm == first.event.alarm != second.event.id
    assert second.event.boot == first.event.boot + 1
    assert after.events.number_of(first.event.alarm) == 7


def test_call_for_help_and_fall_are_both_handed_on_each_with_its_name(run: Run, start: Start) -> None:
    run.take(1_000_000_000, Alert(1_000_000_000, Hazard.SOS, Severity.CONFIRMED, 1, {"by": "button"}))
    run.take(2_000_000_000, suspected(2_000_000_000, alarm=2))
    run.write()
    after = start(5_000_000_000)
    after.write()
    assert [(one.hazard, one.age_s) for one in after.resumed] == [(Hazard.SOS, 4.0), (Hazard.FALL, 3.0)]
    resumed = {"resumed": True}
    after.take(
        6 * 10**9, Alert(6 * 10**9, Hazard.SOS, Severity.CONFIRMED, 1, resumed), suspected(6 * 10**9, 2, **resumed)
    )
    after.write()
    names = [stored.event.alarm for stored in after.journal.events()]
    assert names[:2] == names[2:]


def test_alarm_of_before_a_power_cut_starts_its_countdown_again(run: Run, start: Start) -> None:
    run.take(5_000_000_000, suspected(5_000_000_000), telemetry(5_000_000_000))
    run.take(5_100_000_000, WalkChanged(5_100_000_000, WalkState.WALKING, {}))
    run.write()
    after = start(20_000_000_000, boot_id="the next")
    after.write()
    assert after.resumed[0].age_s == 0.0, "seconds of two boots do not compare"
    assert not after.resumed[0].walking


def test_what_a_new_run_says_first_does_not_hide_an_open_fall(run: Run, start: Start) -> None:
    run.take(1_000_000_000, suspected(1_000_000_000))
    run.write()
    for number in (2, 3):
        after = start(number * 10**9)
        after.take(1, Alert(1, Hazard.FAULT, Severity.FAULT, 1, {"part": "imu", "reason": "no answer"}))
        after.write()
        assert [resumed.hazard for resumed in after.resumed] == [Hazard.FALL]


def telemetry(t_ns: int) -> Telemetry:
    return Telemetry(t_ns, WalkState.WALKING, Pattern.SILENT, None, None, None, None, None, None, 7, None)


@pytest.mark.parametrize(("later_s", "expected"), [(5, True), (59, True), (61, False), (-3, False)])
def test_walk_of_a_moment_ago_goes_on(run: Run, start: Start, later_s: int, expected: bool) -> None:
    t_ns = 100_000_000_000
    run.take(t_ns, WalkChanged(t_ns, WalkState.WALKING, {}), telemetry(t_ns))
    run.write()
    after = start(t_ns + later_s * 10**9)
    after.write()
    assert [resumed.walking for resumed in after.resumed] == ([True] if expected else [])


def test_walk_that_was_ended_does_not_go_on(run: Run, start: Start) -> None:
    run.take(1, WalkChanged(1, WalkState.ENDED, {}), telemetry(1))
    run.write()
    after = start(2)
    after.write()
    assert after.resumed == []
    assert after.state("alarm") == {"active": False}


def test_what_a_walk_showed_of_her_balance_is_handed_to_the_next_one(run: Run, start: Start) -> None:
    usual = (0.2, 0.2, 0.3, 0.5, 3.5, 0.3, 0.3)
    run.take(1, WalkChanged(1, WalkState.ENDED, {}), SwayBaseline(1, 250, usual))
    run.write()
    after = start(2, "another")
    after.write()
    assert after.resumed == [SwayBaseline(2, 250, usual)]


def test_how_she_stopped_is_handed_to_the_next_walk(run: Run, start: Start) -> None:
    run.take(1, WalkChanged(1, WalkState.ENDED, {}), StoppingBaseline(1, 7, 1.31))
    run.write()
    after = start(2, "another")
    after.write()
    assert after.resumed == [StoppingBaseline(2, 7, 1.31)]


def test_a_walk_goes_on_though_the_next_guard_is_killed_before_the_core_has_heard_of_it(run: Run, start: Start) -> None:
    run.take(1, WalkChanged(1, WalkState.WALKING, {}), telemetry(1))
    run.write()
    for number in (2, 3, 4):
        after = start(number * 10**9)
        after.take(1, WalkChanged(1, WalkState.OFF_BODY, {}), replace(telemetry(1), state=WalkState.OFF_BODY))
        after.write()
        assert [resumed.walking for resumed in after.resumed] == [True]


@pytest.mark.parametrize(
    ("walk", "told", "over"),
    [
        (WalkState.ENDED, WalkState.ENDED, True),
        (WalkState.SUMMARY, WalkState.ENDED, True),
        (WalkState.SUMMARY, WalkState.SUMMARY, True),
        (WalkState.ENDED, WalkState.SUMMARY, False),  # switched off
        (WalkState.OFF_BODY, WalkState.SUMMARY, False),
    ],
)
def test_after_a_walk_whose_end_was_told_the_next_guard_is_told_that_it_is_over(
    run: Run, start: Start, walk: WalkState, told: WalkState, over: bool
) -> None:
    run.take(1, WalkChanged(1, walk, {}), replace(telemetry(1), state=told))
    run.write()
    after = start(2_000_000_000)
    after.write()
    assert [(resumed.walking, resumed.over) for resumed in after.resumed] == ([(False, True)] if over else [])
    later = start(90_000_000_000)
    later.write()
    assert later.resumed == []
