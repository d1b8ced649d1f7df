"""Damage to the journal's file, as a worn SD card makes it."""

import contextlib
import sqlite3
from pathlib import Path


def damage_last_two_thirds(path: Path) -> None:
    """Everything that was written is in the file itself first, and then most of it is not."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 3 // 4096 * 4096)
        file.write(b"\xa5" * (size - file.tell()))
