"""The journal's file: opened, checked, and replaced when it is damaged, so that no damage stops the device."""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from firmware.errors import JournalError
from firmware.ids import sync_directory

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 5.0
COLUMNS = "seq, id, alarm, body, attempts, sent, accepted, accepted_by"
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
    accepted_by TEXT
);
CREATE INDEX IF NOT EXISTS waiting ON events (seq) WHERE accepted_by IS NULL;
CREATE INDEX IF NOT EXISTS done ON events (seq) WHERE accepted_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS of_alarm ON events (alarm);
CREATE TABLE IF NOT EXISTS acknowledgements (alarm TEXT PRIMARY KEY, by TEXT NOT NULL, t TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS states (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
"""


class NewerSchema(sqlite3.DatabaseError):
    """The file was written by a newer version of this software."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken: then trying again is useless, and a new one is needed."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, NewerSchema) or (code is not None and code & 0xFF in DAMAGE)


class JournalFile:
    """Opens the database, and moves a damaged one aside, saving what can still be read of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.quarantined: Path | None = None
        self._inode = 0

    def open(self, seq_floor: int = 0, *, replace: bool = False) -> sqlite3.Connection:
        """A checked connection; sequence numbers go on above `seq_floor`. `replace`: the file failed in use.

        Raises:
            JournalError: the file can neither be used nor replaced.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._alone():
                return self._open_or_replace(seq_floor, replace and not self.replaced())
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

    def failure(self, error: Exception) -> JournalError:
        return JournalError(f"journal {self.path}: {error}; check that its disk is mounted, writable and not full")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time opens or replaces the file."""
        with open(f"{self.path}.lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _open_or_replace(self, seq_floor: int, replace: bool) -> sqlite3.Connection:
        try:
            if not replace:
                return self._open(seq_floor)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        rows, last_seq = _salvage(self.quarantine())
        connection = self._open(max(seq_floor, last_seq))
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(f"INSERT OR IGNORE INTO events ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?)", rows)
        return connection

    def _open(self, seq_floor: int) -> sqlite3.Connection:
        connection = _connect(self.path)
        try:
            _check(connection)
            _prepare(connection, seq_floor)
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


def _check(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise NewerSchema(f"written by a newer version of the software (format {version}, known: {SCHEMA_VERSION})")
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        error = sqlite3.DatabaseError(f"damaged: {found}")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _prepare(connection: sqlite3.Connection, seq_floor: int) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # NORMAL in WAL loses committed rows at a power cut
    connection.executescript(SCHEMA)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    if seq_floor and not connection.execute("SELECT 1 FROM sqlite_sequence WHERE name='events'").fetchone():
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)", (seq_floor,))


def _salvage(path: Path) -> tuple[list[tuple[Any, ...]], int]:
    """What nobody has accepted yet, and the highest sequence number, as far as they can still be read."""
    rows: list[tuple[Any, ...]] = []
    with contextlib.suppress(sqlite3.Error), contextlib.closing(_connect(path)) as connection:
        # One by one, from the table itself: an index may be damaged, and the first bad page ends the reading.
        for row in connection.execute(f"SELECT {COLUMNS} FROM events NOT INDEXED ORDER BY seq"):
            if all(isinstance(text, str) for text in row[1:4]):
                rows.append(row)
    last_seq = max((int(row[0]) for row in rows), default=0)
    return [row for row in rows if row[7] is None], last_seq


def counter(db: sqlite3.Connection, name: str) -> int:
    row = db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])


def set_counter(db: sqlite3.Connection, name: str, value: int) -> None:
    db.execute("REPLACE INTO counters VALUES (?, ?)", (name, value))


def read_number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0  # not there yet, or damaged: the database's own count goes on


def write_number(path: Path, number: int) -> None:
    draft = path.with_name(path.name + ".new")
    with draft.open("w", encoding="ascii") as file:
        file.write(str(number))
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    sync_directory(path.parent)
