"""What an earlier guard left open goes on at once, also where the disk takes nothing; and it goes on once."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firmware.core.messages import Alert, Hazard, Pattern, Resume, Severity, Telemetry, Tick, WalkChanged, WalkState
from firmware.errors import JournalError
from firmware.guard.events import EventMaker, Wall
from firmware.guard.journal_writer import JournalWriter
from firmware.guard.pocket import Pocket
from firmware.journal import JOURNAL, Journal, read_copy

COUNTER = itertools.count(1)


class Run:
    """One run of a guard's journal writer; it is killed by not being used any more."""

    def __init__(self, folder: Path, now_ns: int = 10**9) -> None:
        self.path, self.complaints, self.handed = folder / JOURNAL, list[str](), list[Any]()
        wall = Wall(lambda: 1_767_225_600_000, lambda: True, lambda n: next(COUNTER).to_bytes(n, "big"), "this")
        self.shut = False
        self.writer = JournalWriter(
            *(self._open, EventMaker("rg-12345678", wall), lambda: now_ns, self.handed.append, self.complaints.append),
            pocket=Pocket(folder, self.complaints.append),
            read_copy=lambda: read_copy(self.path, folder),
        )

    def _open(self) -> Journal:
        if self.shut:
            raise JournalError("journal: disk I/O error")
        return Journal(self.path, check=False)

    def take(self, *outputs: Any) -> None:
        self.writer.take([Tick(outputs[0].t_ns)], outputs)

    def write(self) -> None:
        self.writer.background.turn()

    @property
    def resumed(self) -> list[tuple[Hazard, Severity]]:
        return [(item.hazard, item.severity) for item in self.handed if isinstance(item, Resume)]


def fall(t_ns: int, severity: Severity = Severity.SUSPECTED) -> Alert:
    return Alert(t_ns, Hazard.FALL, severity, 1, {"deadline_s": 30.0})


def telemetry(t_ns: int, state: WalkState = WalkState.WALKING) -> Telemetry:
    return Telemetry(t_ns, state, Pattern.SILENT, None, None, None, None, None, None, 7, None)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(now_ns: int = 10**9) -> Run:
        runs.append(Run(tmp_path, now_ns))
        return runs[-1]

    yield start
    for run in runs:
        run.writer.close()


def told(folder: Path) -> list[str]:
    with contextlib.closing(Journal(folder / JOURNAL)) as journal:
        return [stored.event.phase for stored in journal.unaccepted()]


def refuse(*_: object, **__: object) -> int:
    raise JournalError("journal: database or disk is full")


def test_an_open_alarm_goes_on_at_once_although_the_disk_takes_nothing(
    start: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    first.take(fall(1))
    first.write()
    second = start()
    with monkeypatch.context() as full:
        full.setattr(Journal, "_write", refuse)
        second.write()
        second.write()
        assert second.resumed == [(Hazard.FALL, Severity.SUSPECTED)]
        second.take(fall(2, Severity.CONFIRMED))
        second.write()
    second.write()
    assert second.resumed == [(Hazard.FALL, Severity.SUSPECTED)], "it goes on once"
    assert told(tmp_path) == ["suspected", "confirmed"]


def test_an_open_alarm_goes_on_where_the_journal_cannot_even_be_opened(start: Callable[..., Run]) -> None:
    first = start()
    first.take(fall(1, Severity.CONFIRMED))
    first.write()
    second = start()
    second.shut = True
    second.write()
    second.write()
    assert second.resumed == [(Hazard.FALL, Severity.CONFIRMED)]
    second.shut = False
    second.write()
    assert second.resumed == [(Hazard.FALL, Severity.CONFIRMED)], "it goes on once"


def test_what_cannot_be_read_at_first_is_handed_on_once_it_can(start: Callable[..., Run], tmp_path: Path) -> None:
    first = start()
    first.take(fall(1))
    first.write()
    first.writer.close()
    second = start()
    second.shut = True
    path = tmp_path / JOURNAL
    path.rename(tmp_path / "away")
    second.write()
    assert second.resumed == []
    assert second.complaints[0].startswith("journal: disk I/O error"), "why it cannot be opened, not copied"
    (tmp_path / "away").rename(path)
    second.shut = False
    second.write()
    assert second.resumed == [(Hazard.FALL, Severity.SUSPECTED)]


def test_what_a_killed_guard_had_decided_goes_on_and_is_written_when_there_is_room(
    start: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    first.write()
    first.take(fall(1), fall(2, Severity.CONFIRMED))
    second = start()
    with monkeypatch.context() as full:
        full.setattr(Journal, "_write", refuse)
        second.write()
        second.write()
        assert second.resumed == [(Hazard.FALL, Severity.CONFIRMED)]
    second.write()
    assert told(tmp_path) == ["suspected", "confirmed"]
    assert list(tmp_path.glob("decided-*")) == []


@pytest.mark.parametrize(("own", "kept"), [(WalkState.READY, "ready"), (WalkState.SELF_TEST, "walking")])
def test_a_walk_that_has_begun_in_this_run_is_not_hidden_by_that_of_the_run_before(
    start: Callable[..., Run], tmp_path: Path, own: WalkState, kept: str
) -> None:
    first = start()
    first.take(WalkChanged(1, WalkState.WALKING, {}), telemetry(1))
    first.write()
    second = start(9 * 10**9)
    second.take(WalkChanged(2, own, {}), replace(telemetry(2), state=own))
    second.write()
    with contextlib.closing(Journal(tmp_path / JOURNAL)) as journal:
        states = journal.states()[1]
    assert (states["walk"]["state"], states["telemetry"]["state"]) == (kept, kept)
    assert [item.walking for item in second.handed if isinstance(item, Resume)] == [True]
