"""Power cuts of the journal: a guard and a link at work, cut at any write, and what the next start finds.

A trial is one cut and one choice of what the disk had done of everything since its last syncs (`bench._alerts_disk`).
The controls are the same work on a disk that ignores syncs, and with SQLite's synchronous=NORMAL.
"""

import contextlib
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from unittest.mock import patch

from bench._alerts_disk import Disk, Op, Recorder, put
from firmware import journal_file
from firmware.errors import JournalError
from firmware.ids import uuid7
from firmware.journal import JOURNAL, Event, Journal

T = TypeVar("T")
TRACES = {"full": True, "no sync": False, "normal": True}  # whether the disk obeys
STEPS = 40
CUTS = 250  # of one recording
CHECKPOINT_PAGES = 20  # instead of 1000, so that each recording has several checkpoints to be cut in
SHARED_MEMORY = Path("/dev/shm")


class Normal(Journal):
    """The control: what SQLite calls enough in WAL mode, and most programs use."""

    def _write(self, action: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        return super()._write(action, durable=False)


@dataclass
class Promised:
    """What the journal's callers had been told at the cut, and what was under way."""

    begun: dict[str, Event] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)
    accepting: set[str] = field(default_factory=set)
    persons: dict[str, str] = field(default_factory=dict)
    alarms: list[int] = field(default_factory=list)
    alarm_stored: int = -1
    boots: list[int] = field(default_factory=list)

    def take(self, op: Op) -> None:
        match op:
            case ("said", "appending", event):
                self.begun[event.id] = event
            case ("said", "appended", event, seq):
                self.stored[event.id] = seq
            case ("said", "accepting", event_id):
                self.accepting.add(event_id)
            case ("said", "acknowledged", alarm, by):
                self.persons[alarm] = by
            case ("said", "alarming", number):
                self.alarms.append(number)
            case ("said", "alarmed", number):
                self.alarm_stored = number
            case ("said", "boot", number):
                self.boots.append(number)


class Work:
    """A guard and a link on one journal, drawn by chance; every promise is noted in the recording."""

    def __init__(self, folder: Path, recorder: Recorder, chance: Random, kind: type[Journal]) -> None:
        self._path, self._said, self._chance, self._kind = folder / JOURNAL, recorder.said, chance, kind
        self._events: list[Event] = []
        self._number = 0
        self._guard = self._start()
        self._link = kind(self._path)

    def run(self, steps: int) -> None:
        doings = [self._append, self._append, self._alarm, self._tell, self._send, self._send, self._accept]
        for _ in range(steps):
            self._chance.choice(doings)()
            if self._chance.random() < 0.04:
                self._restart()

    def _start(self) -> Journal:
        journal = self._kind(self._path)
        self._said("boot", journal.next_boot())
        return journal

    def _restart(self) -> None:
        self.close()
        self._guard = self._start()
        self._link = self._kind(self._path)

    def close(self) -> None:
        self._guard.close()
        self._link.close()

    def _append(self) -> None:
        self._number += 1
        event = made(self._number, self._chance)
        self._said("appending", event)
        self._said("appended", event, self._guard.append(event))
        self._events.append(event)

    def _alarm(self) -> None:
        self._number += 1
        self._said("alarming", self._number)
        self._guard.set_state({"alarm": {"active": True, "number": self._number}})
        self._said("alarmed", self._number)

    def _tell(self) -> None:
        self._guard.set_state({"telemetry": {"steps": self._chance.randrange(10**6)}})

    def _send(self) -> None:
        if self._events:
            self._link.mark_sent(self._chance.choice(self._events).id, "t")

    def _accept(self) -> None:
        if not self._events:
            return
        event = self._chance.choice(self._events)
        self._said("accepting", event.id)
        if self._chance.random() < 0.7:
            self._link.mark_accepted(event.id, "hub", "t")
        else:
            self._link.mark_acknowledged(event.alarm, "Ann", "t")
            self._said("acknowledged", event.alarm, "Ann")


def made(number: int, chance: Random, kind: str = "fall") -> Event:
    """An event with some evidence; other kinds than a fall are a fault's."""
    identity = uuid7(1_767_225_600_000 + number, chance.randbytes)
    evidence = {"number": number, "long": "x" * chance.choice((0, 20, 400, 3000))}
    what = (kind, "suspected", "critical") if kind == "fall" else (kind, "fault", "warning")
    t = "2026-01-01T00:00:00.000Z"
    return Event(identity, identity, "rg-0a1b2c3d", 1, *what, t, 1000, "synced", 30.0, data=evidence)


def recorded(folder: Path, seed: object, *, normal: bool = False, steps: int = STEPS) -> list[Op]:
    """Every write and sync of a run of `Work`, and what its journals promised, in their order."""
    chance, connect = Random(f"work {seed}"), journal_file._connect

    def often(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        return connection

    with patch.object(journal_file, "_connect", often), Recorder(folder) as recorder:
        work = Work(folder, recorder, chance, Normal if normal else Journal)
        work.run(steps)
        work.close()  # so that a clean end is cut, too
    return recorder.ops


def complaint(folder: Path, promised: Promised) -> str:
    """What the next start breaks of the promises; empty: nothing."""
    try:
        with contextlib.closing(Journal(folder / JOURNAL)) as journal:
            wrong = _broken(journal, promised)
            if wrong:
                return wrong
            if journal.next_boot() <= max(promised.boots, default=0):
                return "a start has the number of an earlier one"
            new = made(10**6, Random(0))
            if journal.append(new) <= max(promised.stored.values(), default=0):
                return "a new event has the number of an earlier one"
        with contextlib.closing(Journal(folder / JOURNAL)) as again:
            return "" if again.unaccepted()[-1].event == new else "the first new event is lost"
    except (JournalError, sqlite3.Error) as error:
        return f"the next start fails: {type(error).__name__}"


def _broken(journal: Journal, promised: Promised) -> str:
    if journal.quarantined is not None or journal.rotten_rows:
        return "the journal is damaged"
    found = {stored.event.id: stored for stored in journal.events()}
    waiting = {stored.event.id for stored in journal.unaccepted()}
    alarm = journal.states()[1].get("alarm", {}).get("number", -1)
    lost = [event_id for event_id in promised.stored if event_id not in found]
    checks = {
        "an event is lost": lost,
        "an event that was never appended": [event_id for event_id in found if event_id not in promised.begun],
        "an event is another than was appended": [
            event_id for event_id, stored in found.items() if stored.event != promised.begun.get(event_id)
        ],
        "an event has another number": [
            event_id for event_id, seq in promised.stored.items() if event_id in found and found[event_id].seq != seq
        ],
        "an event is not told any more": set(promised.stored) - waiting - promised.accepting,
        "a person's word is lost": [a for a, by in promised.persons.items() if by not in _who(journal, a)],
        "the alarm is an old one": alarm < promised.alarm_stored,
        "the alarm is one that never was": alarm != -1 and alarm not in promised.alarms,
        "the count of starts is lost": journal.boot() < max(promised.boots, default=0),
    }
    return next((text for text, wrong in checks.items() if wrong), "")


def _who(journal: Journal, alarm: str) -> list[str]:
    return [responder.by for responder in journal.responders(alarm)]


def cut(ops: list[Op], seed: object, cuts: int, *, obeys: bool = True) -> Iterator[tuple[Promised, dict[str, bytes]]]:
    """At `cuts` places in a recording, drawn by chance: what was promised, and the files that are left."""
    chance = Random(f"cut {seed}")
    first = next((at for at, op in enumerate(ops) if op[:2] == ("said", "appended")), 0) if not obeys else 0
    places = sorted(chance.randint(first + 1, len(ops)) for _ in range(cuts))
    disk, promised, done = Disk(obeys), Promised(), 0
    for place in places:
        for op in ops[done:place]:
            disk.take(op)
            promised.take(op)
        done = place
        yield promised, disk.after_a_cut(chance)


def complaints(seed: int, cuts: int = CUTS, kind: str = "full") -> list[str]:
    """One recording, cut so often; an entry for each trial."""
    where = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as written, tempfile.TemporaryDirectory(dir=where) as left:
        ops = recorded(Path(written), seed, normal=kind == "normal")
        found = []
        for promised, files in cut(ops, seed, cuts, obeys=TRACES[kind]):
            put(Path(left), files)
            found.append(complaint(Path(left), promised))
        return found


def measured(trials: int, kind: str) -> dict[str, Any]:
    """Trials, and how many of them break a promise, by the promise; on all processors."""
    runs = max(2, round(trials / CUTS))
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = pool.map(complaints, range(runs), [min(CUTS, trials // runs)] * runs, [kind] * runs)
        texts = [text for run in found for text in run]
    wrong = [text for text in texts if text]
    return {"trials": len(texts), "broken": len(wrong), "by": {text: wrong.count(text) for text in sorted(set(wrong))}}
