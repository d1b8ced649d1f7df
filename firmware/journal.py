"""The durable store between guard and link. What it has taken survives a kill and a power cut at any instant."""

import contextlib
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from firmware import responders
from firmware.errors import JournalError
from firmware.journal_file import (
    JournalFile,
    counted,
    counter,
    damage,
    is_damage,
    last_seq,
    read_number,
    set_counter,
    write_number,
)
from firmware.journal_rows import Delivery, Event, StoredEvent, event_of, object_of
from firmware.plain_json import encode
from firmware.responders import HOW, Responder

__all__ = ["JOURNAL", "STATE_KEYS", "Delivery", "Event", "Journal", "StoredEvent", "peek", "read_copy"]

T = TypeVar("T")
JOURNAL = "journal.db"  # its name in the state directory, for every process of the device
STATE_KEYS = (
    *("alarm", "health", "walk", "walk_so_far", "telemetry", "power"),
    *("sway_baseline", "stopping_baseline", "senders"),
)
LOOK_EVERY = 50  # events, at how many of them are open


def peek(path: Path, key: str) -> dict[str, Any]:
    """The state `key` of a journal that others may have open, without touching it; empty when there is none.

    Raises:
        JournalError: it cannot be read.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0)) as db:
            row = db.execute("SELECT body FROM states WHERE key = ?", (key,)).fetchone()
    except sqlite3.Error as error:
        raise JournalError(f"{path}: {error}") from error
    return (object_of(row[0]) if row else None) or {}


def read_copy(path: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Every state of a journal that cannot be opened, for its disk is full or takes nothing any more.

    It is read from a copy in `folder`, which is memory: without room for its logs SQLite opens nothing.

    Raises:
        JournalError: it cannot be read either.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="journal-", dir=folder) as memory:
            copy = Path(memory) / path.name
            shutil.copyfile(path, copy)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}-wal", f"{copy}-wal")
            with contextlib.closing(sqlite3.connect(copy)) as db:
                rows = db.execute("SELECT key, body FROM states").fetchall()
    except (OSError, sqlite3.Error) as error:
        raise JournalError(f"{path}: {error}") from error
    return {str(key): state for key, body in rows if (state := object_of(body)) is not None}


class Journal:
    """Used by the guard and the link at once, each with its own object. Safe to share between threads.

    Every method raises JournalError when the disk refuses; nothing was stored then, and the call can be repeated.
    A damaged file is moved aside and replaced (`quarantined`), with everything untold that can still be read; a rotten
    row in a sound file is taken for absent. `openings` counts files and handles: what was read before the last one
    may be gone, and its sequence numbers and versions say nothing about what is there now.
    """

    def __init__(
        self, path: Path | str, *, keep: int = 10_000, keep_open: int = 20_000, at_once: bool = True, check: bool = True
    ) -> None:
        """`keep` closed events; `keep_open` that still have to be told, and above that the critical ones alone.

        `at_once` False: it is opened with the first call, which may be answered better than a start.
        `check` False: it is opened without a look through all of it, and damage shows in use, or to another handle.
        """
        self._file = JournalFile(Path(path), check=check)
        self._boot_file = self.path.with_name(self.path.name + ".boot")  # outlives a damaged database
        self._lock = threading.RLock()
        self._keep, self._keep_open = keep, keep_open
        self._last_seq = 0
        self._written: dict[str, str] = {}
        self._rotten: set[tuple[str, object]] = set()
        self.openings = 0
        self._connection: sqlite3.Connection | None = None
        if at_once:
            self._open()

    @property
    def path(self) -> Path:
        return self._file.path

    @property
    def quarantined(self) -> Path | None:
        """Where a damaged journal was moved to by this object; None: it was sound."""
        return self._file.quarantined

    def damaged_count(self) -> int:
        """How many damaged journals lie beside this one, whoever moved them there."""
        return self._file.damaged_count()

    @property
    def rotten_rows(self) -> int:
        """How many rows were found in the open file that make no sense, and were taken for absent."""
        return len(self._rotten)

    def close(self) -> None:
        with self._lock, contextlib.suppress(sqlite3.Error):
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    # The guard's side

    def next_boot(self) -> int:
        """Count this start of the guard; never the same number twice, even after the journal was replaced."""
        floor = read_number(self._boot_file)

        def count(db: sqlite3.Connection) -> int:
            boot = max(floor, counter(db, "boot")) + 1
            set_counter(db, "boot", boot)
            return boot

        boot = self._write(count)
        try:
            write_number(self._boot_file, boot)
        except OSError as error:
            raise self._file.failure(error) from error
        self._write(lambda db: _prune(db, self._keep))
        return boot

    def append(self, event: Event) -> int:
        """Store an event and return its sequence number; it is on the disk when this returns.

        Appending the same event again changes nothing and returns the number that it has.
        """
        row = (event.id, event.alarm, encode(event.body()))

        def insert(db: sqlite3.Connection) -> int:
            db.execute("INSERT INTO events (id, alarm, body) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", row)
            found = db.execute("SELECT seq FROM events WHERE id = ?", (event.id,)).fetchone()
            if found is None:
                raise damage("the index of events misses one that was just written")
            if found[0] % LOOK_EVERY == 0:
                _prune_open(db, self._keep_open)
            return int(found[0])

        seq = self._write(insert)
        self._last_seq = max(self._last_seq, seq)
        return seq

    def set_state(self, states: Mapping[str, Mapping[str, Any]], *, durable: bool = False) -> None:
        """Replace what is true now, under one of STATE_KEYS each; what did not change costs nothing.

        A changed alarm, or a change that is asked to be `durable`, is on the disk when this returns. The others survive
        a kill and need not survive a power cut: five of them a second would wear out an SD card.
        """
        unknown = sorted(set(states) - set(STATE_KEYS))
        if unknown:
            raise ValueError(f"journal: unknown state {unknown[0]!r}, expected one of {', '.join(STATE_KEYS)}")
        bodies = {key: encode(state) for key, state in states.items()}
        with self._lock:
            self._open()  # a file that was replaced knows none of the earlier states
            changed = {key: body for key, body in bodies.items() if self._written.get(key) != body}
            if changed:
                self._write(lambda db: _put_states(db, changed), durable=durable or "alarm" in changed)
                self._written.update(changed)

    # The link's side

    def boot(self) -> int:
        """The number of the guard's last start; 0 before the first."""
        return max(self._run(lambda db: counter(db, "boot")), read_number(self._boot_file))

    def newest(self) -> tuple[int, int]:
        """The highest boot and sequence number that were ever given: whatever is stored next comes after them."""
        return self.boot(), self._run(last_seq)

    def dropped(self) -> int:
        """How many events that nobody took were given up for newer ones, in all; none of them was critical."""
        return self._run(lambda db: counter(db, "dropped"))

    def unaccepted(self, after_seq: int = 0) -> list[StoredEvent]:
        """Everything above `after_seq` that still has to be told, oldest first.

        That is: no service has accepted it, no person has acknowledged it, and it has not expired.
        """
        return self._read_events("WHERE closed IS NULL AND seq > ?", after_seq)

    def events(self) -> list[StoredEvent]:
        """Everything that is kept, oldest first."""
        return self._read_events("WHERE seq > ?", 0)

    def states(self, since_version: int = 0) -> tuple[int, dict[str, dict[str, Any]]]:
        """The version now, and at least the states that changed after `since_version`."""

        def select(db: sqlite3.Connection) -> tuple[int, dict[str, dict[str, Any]]]:
            newest = _version(db)
            since = since_version if since_version <= newest else 0  # it counts from the start again
            rows = db.execute("SELECT key, body FROM states WHERE version > ?", (since,)).fetchall()
            bodies = {str(key): object_of(body) for key, body in rows}
            self._rotten |= {("state", key) for key, body in bodies.items() if body is None}
            return newest, {key: body for key, body in bodies.items() if body is not None}

        return self._run(select)

    def mark_sent(self, event_id: str, t: str = "") -> None:
        """A broker has taken the event at `t`. It stays in `unaccepted`."""
        sql = "UPDATE events SET attempts = attempts + 1, sent = coalesce(sent, ?) WHERE id = ?"
        self._write(lambda db: db.execute(sql, (t, event_id)), durable=False)

    def mark_accepted(self, event_id: str, by: str, t: str = "") -> Event | None:
        """A service has stored the event, which is returned; None: no such event. The first one counts."""
        sql = (
            "UPDATE events SET accepted_by = ?, accepted = ?, closed = 'accepted' WHERE id = ? AND accepted_by IS NULL"
        )

        def update(db: sqlite3.Connection) -> Event | None:
            if db.execute(sql, (by, t, event_id)).rowcount:
                _prune(db, self._keep)
            row = db.execute("SELECT id, alarm, body FROM events WHERE id = ?", (event_id,)).fetchone()
            return None if row is None else event_of(*row)

        return self._write(update, durable=False)  # forgotten in a power cut, it is only told once more

    def mark_expired(self, event_id: str) -> None:
        """The event was sent often enough, and nobody there accepts events: it is not told any more."""
        sql = "UPDATE events SET closed = 'expired' WHERE id = ? AND closed IS NULL"

        def update(db: sqlite3.Connection) -> None:
            db.execute(sql, (event_id,))
            _prune(db, self._keep)

        self._write(update, durable=False)

    def mark_acknowledged(self, alarm: str, by: str, t: str = "", how: str = HOW[0]) -> bool:
        """A person has the alarm; `how` never goes back. False: no such alarm.

        What a broker has taken of it until now is not told any more; what is newer, or was never sent, still is.
        """

        def insert(db: sqlite3.Connection) -> bool:
            if db.execute("SELECT 1 FROM events WHERE alarm = ?", (alarm,)).fetchone() is None:
                return False
            responders.put(db, alarm, Responder(by, how, t))
            taken = "alarm = ? AND sent IS NOT NULL AND closed IS NULL"
            db.execute(f"UPDATE events SET closed = 'acknowledged' WHERE {taken}", (alarm,))
            return True

        return self._write(insert)

    def acceptances(self, alarm: str) -> list[tuple[str, str]]:
        """The phases of an alarm that a service has stored, oldest first, each with the service's name."""
        sql = "SELECT id, alarm, body, accepted_by FROM events WHERE alarm = ? AND accepted_by IS NOT NULL ORDER BY seq"
        rows = self._run(lambda db: db.execute(sql, (alarm,)).fetchall())
        found = [(event_of(*row), by) for *row, by in rows]
        return [(event.phase, str(by)) for event, by in found if event is not None]

    def responders(self, alarm: str) -> list[Responder]:
        """Who has the alarm, in the order in which they first said so."""
        return self._run(lambda db: responders.read(db, alarm))

    def deliveries(self, boot: int | None = None) -> list[Delivery]:
        """How far every kept event has come, oldest first; of one start of the guard, or of all."""
        sql = (
            "SELECT e.seq, e.sent, e.accepted, e.accepted_by, e.closed = 'expired', r.t, r.by, "
            "e.id, e.alarm, e.body FROM events e LEFT JOIN responders r ON r.number = "
            "(SELECT min(number) FROM responders WHERE alarm = e.alarm) ORDER BY e.seq"
        )
        rows = self._run(lambda db: db.execute(sql).fetchall())
        found = [(row[0], event_of(*row[7:]), row[1:7]) for row in rows]
        return [
            Delivery(event.id, seq, event.boot, event.alarm, event.type, event.phase, *progress)
            for seq, event, progress in found
            if event is not None and (boot is None or event.boot == boot)
        ]

    # Below: how it is done

    def _read_events(self, where: str, after_seq: int) -> list[StoredEvent]:
        sql = f"SELECT seq, attempts, sent, id, alarm, body FROM events {where} ORDER BY seq"
        rows = self._run(lambda db: db.execute(sql, (after_seq,)).fetchall())
        found = [(seq, event_of(*row), _number(attempts), sent) for seq, attempts, sent, *row in rows]
        self._last_seq = max([self._last_seq, *(seq for seq, *_ in found)])
        self._rotten |= {("event", seq) for seq, event, *_ in found if event is None}
        return [StoredEvent(seq, event, *progress) for seq, event, *progress in found if event is not None]

    def _write(self, action: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        def transaction(db: sqlite3.Connection) -> T:
            db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            db.execute("BEGIN IMMEDIATE")
            try:
                result = action(db)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            return result

        return self._run(transaction)

    def _run(self, action: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            try:
                result = action(self._open())
                if not self._file.replaced():
                    return result
                return action(self._open())  # what went into a file that was moved aside meanwhile may be lost
            except sqlite3.Error as error:
                self.close()  # after a failed write or sync the old handle is not to be trusted
                if not is_damage(error):
                    raise self._file.failure(error) from error
            try:
                return action(self._open(replace=True))
            except sqlite3.Error as error:
                self.close()
                raise self._file.failure(error) from error

    def _open(self, *, replace: bool = False) -> sqlite3.Connection:
        if self._connection is not None and self._file.replaced():
            self.close()
        if self._connection is None:
            self._written.clear()
            self._rotten.clear()
            self.openings += 1
            self._connection = self._file.open(self._last_seq, replace=replace)
            self._last_seq = max(self._last_seq, self._file.last_seq)
        return self._connection


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _prune(db: sqlite3.Connection, keep: int) -> None:
    newest_to_go = "SELECT seq FROM events WHERE closed IS NOT NULL ORDER BY seq DESC LIMIT 1 OFFSET ?"
    db.execute(f"DELETE FROM events WHERE closed IS NOT NULL AND seq <= ({newest_to_go})", (keep,))
    db.execute("DELETE FROM responders AS r WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.alarm = r.alarm)")


def _prune_open(db: sqlite3.Connection, keep: int) -> None:
    """A year of a chattering sensor without a broker must not fill the disk that a fall needs."""
    surplus = db.execute("SELECT count(*) FROM events WHERE closed IS NULL").fetchone()[0] - keep
    if surplus > 0:
        lesser = "closed IS NULL AND (NOT json_valid(body) OR json_extract(body, '$.severity') IS NOT 'critical')"
        oldest = f"SELECT seq FROM events WHERE {lesser} ORDER BY seq LIMIT ?"
        gone = db.execute(f"DELETE FROM events WHERE seq IN ({oldest})", (surplus,)).rowcount
        set_counter(db, "dropped", counter(db, "dropped") + gone)


def _version(db: sqlite3.Connection) -> int:
    """Of the states; should the counter have rotted, they know it too."""
    known = [counted(row[0]) for row in db.execute("SELECT version FROM states").fetchall()]
    return max([counter(db, "version"), *known])


def _put_states(db: sqlite3.Connection, bodies: Mapping[str, str]) -> None:
    version = _version(db) + 1
    set_counter(db, "version", version)
    db.executemany("REPLACE INTO states VALUES (?, ?, ?)", [(key, version, body) for key, body in bodies.items()])
