"""The journal's file: opened, checked, and replaced when it is damaged, so that no damage stops the device."""

import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.errors import JournalError
from firmware.ids import sync_directory
from firmware.plain_file import read_bytes, write_whole

SCHEMA_VERSION = 3
BUSY_TIMEOUT_S = 2.0
LOCK_TIMEOUT_S = 2.0
CHECK_TIMEOUT_S = 2.0  # damage that is not found by then shows in use, and is replaced then
LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe in its place keeps nobody waiting
MOST_DIGITS = 100
CHECK_STEPS = 10_000  # of SQLite's machine, between two looks at the time
LARGEST = 2**53  # no counter comes near it by counting
COLUMNS = "seq, id, alarm, body, attempts, sent"
Row = tuple[Any, ...]
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

SCHEMA = """
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    alarm TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    sent TEXT,
    accepted TEXT,
    accepted_by TEXT,
    closed TEXT
);
CREATE INDEX IF NOT EXISTS of_alarm ON events (alarm);
CREATE TABLE IF NOT EXISTS responders (
    number INTEGER PRIMARY KEY,
    alarm TEXT NOT NULL,
    by TEXT NOT NULL,
    how TEXT NOT NULL,
    t TEXT NOT NULL,
    UNIQUE (alarm, by)
);
CREATE TABLE IF NOT EXISTS states (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
"""
# `closed` is why an event needs no more telling: accepted | acknowledged | expired.
INDEXES = """
CREATE INDEX IF NOT EXISTS open_events ON events (seq) WHERE closed IS NULL;
CREATE INDEX IF NOT EXISTS closed_events ON events (seq) WHERE closed IS NOT NULL;
"""
FROM_VERSION_1 = """
BEGIN IMMEDIATE;
ALTER TABLE events ADD COLUMN closed TEXT;
UPDATE events SET closed = 'accepted' WHERE accepted_by IS NOT NULL;
DROP INDEX IF EXISTS waiting;
DROP INDEX IF EXISTS done;
COMMIT;
"""
FROM_VERSION_2 = """
BEGIN IMMEDIATE;
INSERT OR IGNORE INTO responders (alarm, by, how, t) SELECT alarm, by, 'seen', t FROM acknowledgements;
DROP TABLE acknowledgements;
COMMIT;
"""


class NewerSchema(sqlite3.DatabaseError):
    """The file was written by a newer version of this software."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken: then trying again is useless, and a new one is needed."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, NewerSchema) or (code is not None and code & 0xFF in DAMAGE)


class JournalFile:
    """Opens the database, and moves a damaged one aside, saving what can still be read of it."""

    def __init__(self, path: Path, *, check: bool = True) -> None:
        self.path, self._check = path, check
        self.quarantined: Path | None = None
        self.last_seq = 0  # the highest that was ever given, as the file knew when it was opened
        self._inode = 0

    def open(self, seq_floor: int = 0, *, replace: bool = False) -> sqlite3.Connection:
        """A connection; sequence numbers go on above `seq_floor`. `replace`: the file failed in use.

        Raises:
            JournalError: the file can neither be used nor replaced.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = self._open_alone(seq_floor, replace=replace)
            if self._check and _is_damaged(connection):  # nobody else waits for a look that may last seconds
                connection.close()
                connection = self._open_alone(seq_floor, replace=True)
            return connection
        except (OSError, sqlite3.Error) as error:
            raise self.failure(error) from error

    def replaced(self) -> bool:
        """Whether another process has moved the file aside since it was opened here."""
        try:
            return self.path.stat().st_ino != self._inode
        except OSError:
            return True

    def quarantine(self) -> Path:
        """Move the database and its log aside, under a name that is still free."""
        number = 1
        while (target := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        for suffix in ("-wal", "-shm", ""):  # the log first: a new database must never find the old one's log
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}{suffix}", f"{target}{suffix}")
        self.quarantined = target
        return target

    def damaged_count(self) -> int:
        """How many were moved aside and lie there still."""
        return sum(path.name[-1].isdigit() for path in self.path.parent.glob(f"{self.path.name}.damaged-*"))

    def failure(self, error: Exception) -> JournalError:
        return JournalError(f"journal {self.path}: {error}; check that its disk is mounted, writable and not full")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time opens or replaces the file; TimeoutError when another one does not come to an end."""
        with open(os.open(f"{self.path}.lock", LOCK_FLAGS, 0o666), "rb") as lock:
            deadline_s, pause = time.monotonic() + LOCK_TIMEOUT_S, threading.Event()
            while not _locked(lock.fileno()):
                if time.monotonic() >= deadline_s:
                    raise TimeoutError(f"another process has been opening it for {LOCK_TIMEOUT_S:g} s")
                pause.wait(0.02)
            yield

    def _open_alone(self, seq_floor: int, *, replace: bool) -> sqlite3.Connection:
        with self._alone():
            return self._open_or_replace(seq_floor, replace and not self.replaced())

    def _open_or_replace(self, seq_floor: int, replace: bool) -> sqlite3.Connection:
        try:
            if not replace:
                return self._open(seq_floor)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        saved = _salvage(self.quarantine())
        connection = self._open(max(seq_floor, saved.last_seq))
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(f"INSERT OR IGNORE INTO events ({COLUMNS}) VALUES (?,?,?,?,?,?)", saved.events)
            connection.executemany("INSERT OR IGNORE INTO states (key, version, body) VALUES (?,?,?)", saved.states)
            connection.executemany(
                "INSERT OR IGNORE INTO responders (alarm, by, how, t) VALUES (?,?,?,?)", saved.responders
            )
        return connection

    def _open(self, seq_floor: int) -> sqlite3.Connection:
        connection = _connect(self.path)
        try:
            _prepare(connection, seq_floor)
            self.last_seq = last_seq(connection)
        except BaseException:
            connection.close()
            raise
        sync_directory(self.path.parent)
        self._inode = self.path.stat().st_ino
        return connection


def _connect(path: Path) -> sqlite3.Connection:
    # Autocommit: transactions are begun by hand. The thread check is off, since Journal holds a lock.
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.text_factory = lambda raw: raw.decode(errors="replace")  # one rotten byte must not end a query
    return connection


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_damaged(connection: sqlite3.Connection) -> bool:
    """As far as it shows within CHECK_TIMEOUT_S."""
    deadline_s = time.monotonic() + CHECK_TIMEOUT_S
    connection.set_progress_handler(lambda: time.monotonic() >= deadline_s, CHECK_STEPS)
    try:
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT and not is_damage(error):
            raise
        return is_damage(error)
    finally:
        connection.set_progress_handler(None, 0)


def damage(found: str) -> sqlite3.DatabaseError:
    """The error that SQLite itself raises for a broken file."""
    error = sqlite3.DatabaseError(f"damaged: {found}")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _prepare(connection: sqlite3.Connection, seq_floor: int) -> None:
    """Nothing is written to a file that is as it should be: a full disk must not keep it from being read."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise NewerSchema(f"written by a newer version of the software (format {version}, known: {SCHEMA_VERSION})")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # NORMAL in WAL loses committed rows at a power cut
    connection.executescript(SCHEMA)
    if "closed" not in [column[1] for column in connection.execute("PRAGMA table_info(events)")]:
        connection.executescript(FROM_VERSION_1)
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'acknowledgements'").fetchone():
        connection.executescript(FROM_VERSION_2)
    connection.executescript(INDEXES)
    if version != SCHEMA_VERSION:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    if last_seq(connection) < seq_floor:  # whoever replaced the file knew less
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM sqlite_sequence WHERE name = 'events'")
            connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)", (seq_floor,))


@dataclass
class _Saved:
    """Rows of the tables of the same names."""

    events: list[Row]
    states: list[Row]
    responders: list[Row]
    last_seq: int


def _salvage(path: Path) -> _Saved:
    """What still has to be told, what was true, who has an alarm, and the highest number: as far as they can be read.

    Without the alarm that is open, nothing would sound after a start with a damaged file, or with a newer version's.
    """
    saved, events = _Saved([], [], [], 0), dict[int, Row]()
    with contextlib.suppress(sqlite3.Error), contextlib.closing(_connect(path)) as connection:
        with contextlib.suppress(sqlite3.Error):
            saved.last_seq = last_seq(connection)
        for row in _readable(connection, "SELECT * FROM events NOT INDEXED ORDER BY seq"):
            saved.last_seq = max(saved.last_seq, counted(row[0]))
            events |= {row[0]: row[:6]} if _is_open(row) else {}
        saved.states = [
            (key, counted(version), body)
            for key, version, body in _readable(connection, "SELECT key, version, body FROM states ORDER BY key")
            if isinstance(key, str) and isinstance(body, str)
        ]
        responders = _readable(connection, "SELECT alarm, by, how, t FROM responders NOT INDEXED ORDER BY number")
        saved.responders = [row for row in responders if all(isinstance(text, str) for text in row)]
    saved.events = [events[seq] for seq in sorted(events)]
    return saved


def _readable(connection: sqlite3.Connection, sql: str) -> Iterator[Row]:
    """From both ends, since the first bad page ends each reading; from the tables, for an index may be damaged too."""
    for order in ("ASC", "DESC"):
        with contextlib.suppress(sqlite3.Error):
            yield from connection.execute(f"{sql} {order}")


def _is_open(row: Row) -> bool:
    """Whether this row of events makes sense, and still has to be told. Version 1 has no column `closed`."""
    return (
        counted(row[0]) > 0 and all(isinstance(text, str) for text in row[1:4]) and row[7:9] in ((None, None), (None,))
    )


def last_seq(db: sqlite3.Connection) -> int:
    """The highest sequence number that was ever given."""
    row = db.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return counted(row[0])


def counted(value: object) -> int:
    """A number that somebody counted; 0 for one that rotted."""
    return value if isinstance(value, int) and 0 <= value < LARGEST else 0


def counter(db: sqlite3.Connection, name: str) -> int:
    row = db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else counted(row[0])


def set_counter(db: sqlite3.Connection, name: str, value: int) -> None:
    db.execute("REPLACE INTO counters VALUES (?, ?)", (name, value))


def read_number(path: Path) -> int:
    try:
        return counted(int(read_bytes(path, MOST_DIGITS)))
    except (OSError, ValueError):
        return 0  # not there yet, or damaged: the database's own count goes on


def write_number(path: Path, number: int) -> None:
    write_whole(path, str(number))
