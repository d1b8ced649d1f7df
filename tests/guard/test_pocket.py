"""What was decided outlives a guard that is killed before it could write it down."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.events import an_event, made_id

from firmware import decided
from firmware.core.messages import Alert, Hazard, Resume, Severity, Tick
from firmware.errors import JournalError
from firmware.guard import pocket
from firmware.guard.events import EventMaker, Wall
from firmware.guard.journal_writer import JournalWriter
from firmware.guard.pocket import Pocket
from firmware.journal import Journal

COUNTER = itertools.count(1)


class Run:
    """One run of a guard's journal writer; it is killed by not being used any more."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.complaints, self.resumed = folder, list[str](), list[Any]()
        wall = Wall(lambda: 1_767_225_600_000, lambda: True, lambda n: next(COUNTER).to_bytes(n, "big"), "this")
        self.disk_full = False
        self.writer = JournalWriter(
            self._open,
            EventMaker("rg-12345678", wall),
            lambda: 0,
            self.resumed.append,
            self.complaints.append,
            Pocket(folder, self.complaints.append),
        )

    def _open(self) -> Journal:
        if self.disk_full:
            raise JournalError("journal: full")
        return Journal(self.folder / "journal.db")

    def decide(self, t_ns: int, severity: Severity = Severity.SUSPECTED) -> None:
        self.writer.take([Tick(t_ns)], [Alert(t_ns, Hazard.FALL, severity, 1, {"deadline_s": 30.0})])

    def write(self) -> None:
        self.writer.background.turn()

    def pocketed(self) -> list[Path]:
        return sorted(self.folder.glob("decided-*"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Run]]:
    runs: list[Run] = []

    def start() -> Run:
        runs.append(Run(tmp_path))
        return runs[-1]

    yield start
    for run in runs:
        run.writer.close()


def phases(folder: Path) -> list[tuple[int, str]]:
    journal = Journal(folder / "journal.db")
    try:
        return [(stored.event.boot, stored.event.phase) for stored in journal.unaccepted()]
    finally:
        journal.close()


def test_a_fall_that_a_killed_guard_had_not_written_down_is_told_and_goes_on(
    start: Callable[[], Run], tmp_path: Path
) -> None:
    first = start()
    first.write()
    first.decide(10**9)
    first.decide(2 * 10**9, Severity.CONFIRMED)
    second = start()
    second.write()
    assert phases(tmp_path) == [(1, "suspected"), (1, "confirmed")]
    assert [(item.hazard, item.severity) for item in second.resumed if isinstance(item, Resume)] == [
        (Hazard.FALL, Severity.CONFIRMED)
    ]
    assert second.pocketed() == []


def test_what_was_written_down_is_not_told_twice(start: Callable[[], Run], tmp_path: Path) -> None:
    first = start()
    first.decide(10**9)
    left = {path: path.read_bytes() for path in first.pocketed()}
    first.write()
    for path, content in left.items():
        path.write_bytes(content)  # the guard was killed between writing it down and forgetting it
    start().write()
    assert phases(tmp_path) == [(1, "suspected")]


def test_pocket_is_empty_once_the_journal_has_event_and_alarm(start: Callable[[], Run]) -> None:
    run = start()
    run.decide(10**9)
    assert len(run.pocketed()) == 1
    run.write()
    assert run.pocketed() == []


def test_pocket_keeps_an_event_whose_alarm_is_not_written_yet(start: Callable[[], Run]) -> None:
    run = start()
    run.decide(10**9)
    event = run.writer.background._queue.get_nowait()
    states = run.writer.background._queue.get_nowait()
    assert event is not None
    assert states is not None
    run.writer._write([event])
    assert len(run.pocketed()) == 1
    run.writer._write([states])
    assert run.pocketed() == []


def test_pocket_holds_what_a_full_disk_does_not_take(start: Callable[[], Run], tmp_path: Path) -> None:
    first = start()
    first.disk_full = True
    first.decide(10**9)
    first.write()
    start().write()
    assert phases(tmp_path) == [(0, "suspected")]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[" * 5000, b"\xff", b"[]", b'{"event":{},"alarm":{}}', b'{"event":3}']
)
def test_a_file_that_makes_no_sense_is_thrown_away(start: Callable[[], Run], tmp_path: Path, content: bytes) -> None:
    tmp_path.joinpath("decided-000000000000001-000001-x.json").write_bytes(content)
    run = start()
    run.decide(10**9)
    run.write()
    assert phases(tmp_path) == [(1, "suspected")]
    assert run.pocketed() == []


def test_an_event_without_its_texts_is_thrown_away(start: Callable[[], Run], tmp_path: Path) -> None:
    first = start()
    first.decide(10**9)
    (path,) = first.pocketed()
    body = json.loads(path.read_text())
    path.write_text(json.dumps({**body, "event": {**body["event"], "phase": 7}}))
    start().write()
    assert phases(tmp_path) == []


def test_run_directory_that_cannot_be_written_is_complained_about_once_and_the_alert_goes_on(
    start: Callable[[], Run], tmp_path: Path
) -> None:
    run = start()
    assert run.writer._pocket is not None
    run.writer._pocket._folder = tmp_path / "not there"
    for t_ns in (1, 2):
        run.decide(t_ns * 10**9)
    run.write()
    assert len(phases(tmp_path)) == 2
    assert len(run.complaints) == 1
    assert "may lose an alert" in run.complaints[0]


def test_on_a_disk_the_loop_writes_nothing_and_the_thread_does_before_the_journal(start: Callable[[], Run]) -> None:
    run = start()
    assert run.writer._pocket is not None
    run.writer._pocket.in_memory = False
    run.disk_full = True
    run.decide(10**9)
    assert run.pocketed() == []
    run.write()
    assert len(run.pocketed()) == 1, "it is told from there"
    run.disk_full = False
    run.write()
    assert run.pocketed() == []


def test_pocket_is_bounded(start: Callable[[], Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pocket, "MOST", 2)
    run = start()
    for t_ns in (1, 2, 3):
        run.decide(t_ns * 10**9)
    assert len(run.pocketed()) == 2


def test_a_flood_of_lesser_events_leaves_room_for_a_fall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pocket, "MOST", 2)
    held = pocket.Pocket(tmp_path, print)
    for number in range(1, 6):
        held.put(an_event(number, type="fault", severity="warning"), {})
    for number in range(6, 11):
        held.put(an_event(number), {"active": True})
    kinds = [found.event.type for path in decided.paths(tmp_path) if (found := decided.read(path))]
    assert sorted(kinds) == ["fall", "fall", "fault", "fault"]
    again = pocket.Pocket(tmp_path, print)
    assert len(again.left()) == 4
    again.put(an_event(11), {})
    held.drop(made_id(6))
    held.put(an_event(12), {})
    assert (tmp_path / f"decided-{an_event(12).mono_ms:015}-000005-{made_id(12)}.json").exists()
    assert not list(tmp_path.glob(f"*{made_id(11)}*"))


def test_who_tells_is_woken_once_an_event_is_written(start: Callable[[], Run]) -> None:
    run, woken = start(), list[list[tuple[int, str]]]()
    run.writer._written = lambda: woken.append(phases(run.folder))
    run.decide(10**9)
    assert woken == []
    run.write()
    assert woken == [[(1, "suspected")]]
