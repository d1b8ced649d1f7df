"""Files that are read whatever they are (a pipe would keep us waiting, a device would never end) and written whole."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from firmware.ids import sync_directory

MOST_BYTES = 1_000_000


def read_bytes(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """What a regular file of at most `most_bytes` holds.

    Raises:
        OSError: it cannot be read; also with EINVAL when it is no regular file, and EFBIG when it is larger.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer would wait
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {most_bytes // 1_000_000} MB", str(path))
    return data


def as_text(data: bytes) -> str:
    """Raises ValueError for what is no UTF-8, in words for people."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not a text in UTF-8 (byte {error.start})") from error


def write_whole(path: Path, text: str, mode: int = 0o666, own: Callable[[int], None] | None = None) -> None:
    """All of it or none of it, also when the power is cut: it is on the disk before it gets its name.

    `mode` is that of the file, less what the umask takes away; `own` gives the open file to whom it belongs, before
    anything stands in it. Raises OSError; then what was there is there still.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)  # of an earlier process of this number, or what somebody put in our way
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(handle, "w", encoding="utf-8") as file:
            if own is not None:
                own(handle)
            file.write(text)
            file.flush()
            os.fsync(handle)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)
