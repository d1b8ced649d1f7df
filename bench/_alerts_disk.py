"""A disk that can be cut: records what SQLite really writes and syncs, and makes what a power cut may leave of it.

SQLite writes from C, so its own seam is used: a VFS between it and the operating system, made with ctypes around the
one of the library that `sqlite3` itself has loaded. What Python writes beside it (the count of starts) is seen where
it is synced or renamed.
"""

import contextlib
import ctypes
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

SECTOR = 512  # what a disk promises to write whole, if it promises anything
GRAIN = 16  # what some trials tear at instead
CREATE = 0x4  # SQLITE_OPEN_CREATE
LOGS = ("-wal", "-journal")  # os_unix.c, UNIXFILE_DIRSYNC: the first sync of a new one syncs its directory too

Op = tuple[Any, ...]
"""("write", file, offset, bytes) ("truncate", file, size) ("sync", file) ("link", name, file) ("unlink", name)
("dirsync",) ("said", ...): what the journal's caller was told, for whoever judges."""

_P = ctypes.c_void_p
# The name as a pointer, which must be handed on as it is: SQLite keeps it, and names the shared memory after it.
_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, _P, _P, _P, ctypes.c_int, ctypes.POINTER(ctypes.c_int))
_DELETE = ctypes.CFUNCTYPE(ctypes.c_int, _P, ctypes.c_char_p, ctypes.c_int)
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, _P, _P, ctypes.c_int, ctypes.c_int64)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, _P, ctypes.c_int64)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, _P, ctypes.c_int)
_REST = ("file_size", "lock", "unlock", "check", "control", "sector", "character")
_SHARED = ("shm_map", "shm_lock", "shm_barrier", "shm_unmap", "fetch", "unfetch")


class _Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = [
        ("version", ctypes.c_int),
        ("close", _P),
        ("read", _P),
        ("write", _WRITE),
        ("truncate", _TRUNCATE),
        ("sync", _SYNC),
        *((name, _P) for name in (*_REST, *_SHARED)),
    ]


class _File(ctypes.Structure):
    _fields_ = [("methods", ctypes.POINTER(_Methods))]


class _Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3."""

    _fields_ = [
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("name_max", ctypes.c_int),
        ("next", _P),
        ("name", ctypes.c_char_p),
        ("data", _P),
        ("open", _OPEN),
        ("delete", _DELETE),
        *((name, _P) for name in ("access", "full", "dl1", "dl2", "dl3", "dl4", "random", "sleep", "time", "error")),
        *((name, _P) for name in ("time64", "set_call", "get_call", "next_call")),
    ]


class Recorder:
    """While its `with` block lasts, every database that this process opens in `folder` is recorded in `ops`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ops = folder, list[Op]()
        self._files = 0
        self._names: dict[str, int] = {}
        self._of_handle: dict[int, int] = {}
        self._tables: dict[int, tuple[_Methods, _Methods]] = {}
        self._synced: set[int] = set()
        self._library = _library()
        self._library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        found = self._library.sqlite3_vfs_find(None)
        self._real: _Vfs = found.contents
        self._vfs = _Vfs.from_buffer_copy(self._real)
        self._vfs.name, self._vfs.next = b"rearguard-recorder", None
        self._vfs.open, self._vfs.delete = _OPEN(self._open), _DELETE(self._delete)
        self._stack = contextlib.ExitStack()

    def said(self, *what: object) -> None:
        """A promise of the journal to its caller, at this place in the stream."""
        self.ops.append(("said", *what))

    def __enter__(self) -> "Recorder":
        self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1)
        self._stack.enter_context(patch.object(os, "fsync", self._fsync(os.fsync)))
        self._stack.enter_context(patch.object(os, "replace", self._replace(os.replace)))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs))

    # What SQLite does

    def _open(self, vfs: int, name: int | None, file: int, flags: int, out: Any) -> int:
        path = Path(os.fsdecode(ctypes.string_at(name))) if name else None
        before = path is not None and path.exists()
        code = int(self._real.open(ctypes.addressof(self._real), name, file, flags, out))
        if code or path is None or path.parent != self.folder:
            return code
        short = path.name
        if not before or short not in self._names:
            self._link(short, self._new())
        self._of_handle[file] = self._names[short]
        handle = ctypes.cast(file, ctypes.POINTER(_File)).contents
        handle.methods = ctypes.pointer(self._hooked(handle.methods))
        return code

    def _delete(self, vfs: int, name: bytes, sync: int) -> int:
        code = int(self._real.delete(ctypes.addressof(self._real), name, sync))
        short = Path(os.fsdecode(name)).name
        if not code and self._names.pop(short, None) is not None:
            self.ops.append(("unlink", short))
            if sync:
                self.ops.append(("dirsync",))
        return code

    def _hooked(self, real: Any) -> _Methods:
        """The same methods, of which three tell us; one table for each of the library's."""
        address = ctypes.addressof(real.contents)
        if address in self._tables:
            return self._tables[address][1]
        methods = real.contents
        mine = _Methods.from_buffer_copy(methods)

        def write(file: int, data: int, size: int, offset: int) -> int:
            self.ops.append(("write", self._of_handle[file], offset, ctypes.string_at(data, size)))
            return int(methods.write(file, data, size, offset))

        def truncate(file: int, size: int) -> int:
            self.ops.append(("truncate", self._of_handle[file], size))
            return int(methods.truncate(file, size))

        def sync(file: int, flags: int) -> int:
            code = int(methods.sync(file, flags))
            self._sync(self._of_handle[file])
            return code

        mine.write, mine.truncate, mine.sync = _WRITE(write), _TRUNCATE(truncate), _SYNC(sync)
        self._tables[address] = (methods, mine)
        return mine

    def _sync(self, file: int) -> None:
        self.ops.append(("sync", file))
        is_log = any(name.endswith(LOGS) and known == file for name, known in self._names.items())
        if is_log and file not in self._synced:
            self.ops.append(("dirsync",))
        self._synced.add(file)

    # What Python does

    def _fsync(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def fsync(handle: int) -> None:
            real(handle)
            path = Path(os.readlink(f"/proc/self/fd/{handle}"))
            if path == self.folder:
                self.ops.append(("dirsync",))
            elif path.parent == self.folder:
                self._wrote(path)
                self.ops.append(("sync", self._names[path.name]))

        return fsync

    def _replace(self, real: Callable[..., None]) -> Callable[..., None]:
        def replace(old: Any, new: Any) -> None:
            source, target = Path(old), Path(new)
            if source.parent == self.folder and source.exists():
                if source.name not in self._names:
                    self._wrote(source)
                real(old, new)
                self._link(target.name, self._names.pop(source.name))
                self.ops.append(("unlink", source.name))
            else:
                real(old, new)

        return replace

    def _wrote(self, path: Path) -> None:
        self._link(path.name, self._new())
        self.ops.append(("write", self._names[path.name], 0, path.read_bytes()))

    def _new(self) -> int:
        self._files += 1
        return self._files

    def _link(self, name: str, file: int) -> None:
        self._names[name] = file
        self.ops.append(("link", name, file))


def _library() -> ctypes.CDLL:
    import _sqlite3

    return ctypes.CDLL(_sqlite3.__file__)  # dlsym looks into what it was linked with, too


@dataclass
class Disk:
    """What is safe on the disk, and what is only on its way; `obeys` False: a sync does nothing."""

    obeys: bool = True
    _safe: dict[int, bytearray] = field(default_factory=dict)
    _pending: dict[int, list[Op]] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict)
    _renames: list[Op] = field(default_factory=list)

    def take(self, op: Op) -> None:
        match op:
            case ("write", file, *_) | ("truncate", file, _):
                self._pending.setdefault(file, []).append(op)
            case ("link", *_) | ("unlink", _):
                self._renames.append(op)
            case ("sync", file) if self.obeys:
                content = self._safe.setdefault(file, bytearray())
                for waiting in self._pending.pop(file, []):
                    _apply(content, waiting)
            case ("dirsync",) if self.obeys:
                self._names = _named(self._names, self._renames)
                self._renames = []

    def after_a_cut(self, chance: Random) -> dict[str, bytes]:
        """Files by name. Names come in the order in which they were changed; contents in any."""
        names = _named(self._names, self._renames[: chance.randint(0, len(self._renames))])
        return {name: bytes(self._left(file, chance)) for name, file in names.items()}

    def _left(self, file: int, chance: Random) -> bytearray:
        content = bytearray(self._safe.get(file, b""))
        pending, safe_size = list(self._pending.get(file, [])), len(content)
        kind = chance.random()
        share = 0.0 if kind < 0.15 else 1.0 if kind > 0.97 else chance.random()
        grain = GRAIN if chance.random() < 0.2 else SECTOR
        if chance.random() < 0.5:
            chance.shuffle(pending)
        for op in pending:
            for piece in _pieces(op, grain) if 0.0 < share < 1.0 else [op]:
                if chance.random() < share:
                    _apply(content, piece)
        if len(content) > safe_size and chance.random() < 0.3:
            del content[chance.randint(safe_size, len(content)) :]  # its new size came only in part
        return content


def _apply(content: bytearray, op: Op) -> None:
    if op[0] == "truncate":
        del content[op[2] :]
        return
    _, _, offset, data = op
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _pieces(op: Op, grain: int) -> Iterator[Op]:
    if op[0] != "write":
        yield op
        return
    _, file, offset, data = op
    start = offset
    while start < offset + len(data):
        end = min((start // grain + 1) * grain, offset + len(data))
        yield ("write", file, start, data[start - offset : end - offset])
        start = end


def _named(names: dict[str, int], renames: list[Op]) -> dict[str, int]:
    names = dict(names)
    for op in renames:
        if op[0] == "link":
            names[op[1]] = op[2]
        else:
            names.pop(op[1], None)
    return names


def put(folder: Path, files: dict[str, bytes]) -> None:
    """Make `folder` hold these files and nothing else."""
    for old in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            old.unlink()
    for name, content in files.items():
        folder.joinpath(name).write_bytes(content)
