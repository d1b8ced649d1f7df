"""Writes files whole or not at all, with their mode from the first byte on: a key is never readable by others."""

import grp
import os
from pathlib import Path

from firmware.ids import sync_directory

BROKER_GROUP = "mosquitto"
SECRET, PUBLIC, FOR_GROUP = 0o600, 0o644, 0o640


def write(path: Path, text: str, mode: int = PUBLIC, group: str | None = None) -> None:
    """Replace `path`. Made by root, it belongs to the folder's owner, or to `group` as well. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, SECRET)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(handle, mode)  # whatever the umask says
            give(handle, path.parent, group)
            file.write(text)
            file.flush()
            os.fsync(handle)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)


def give(what: int | Path, like: Path, group: str | None = None) -> None:
    """Let it belong to the owner of `like`, and to `group` where there is one; only root can."""
    if os.geteuid() != 0:
        return
    owner = like.stat()
    os.chown(what, owner.st_uid, _number_of(group, owner.st_gid))


def exists(group: str) -> bool:
    return any(entry.gr_name == group for entry in grp.getgrall())


def _number_of(group: str | None, otherwise: int) -> int:
    return grp.getgrnam(group).gr_gid if group is not None and exists(group) else otherwise
