"""Writes files whole or not at all, with their mode from the first byte on: a key is never readable by others."""

import grp
import os
from pathlib import Path

from firmware.plain_file import write_whole

BROKER_GROUP = "mosquitto"
SECRET, PUBLIC, FOR_GROUP = 0o600, 0o644, 0o640


def write(path: Path, text: str, mode: int = PUBLIC, group: str | None = None) -> None:
    """Replace `path`. Made by root, it belongs to the folder's owner, or to `group` as well. Raises OSError."""

    def own(handle: int) -> None:
        os.fchmod(handle, mode)  # whatever the umask says
        give(handle, path.parent, group)

    write_whole(path, text, SECRET, own)


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
