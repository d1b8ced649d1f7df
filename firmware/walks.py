"""The records of the walks: one JSON object a line in the state directory, on the disk before the walk counts as kept.

A line that a power cut tore, or that rotted, costs that line alone: it is told and left where it is, and the next
record begins on a line of its own. docs/RECORDS.md tells the fields; schemas/record.json checks them.
"""

import contextlib
import errno
import json
import math
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from firmware import typed
from firmware.core.messages import Value
from firmware.core.plan import Plan, PlanConfig, Step, WalkDone, not_safe_alone
from firmware.ids import sync_directory
from firmware.known_day import CHIP, SYNCED, UNSYNCED
from firmware.plain_file import as_text, read_bytes
from firmware.plain_json import encode

FILE = "walks.jsonl"
SCHEMA = 1  # a new key needs no new number; one that is renamed, or means something else, does
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From each earlier schema to the next: a record is read however old it is, and never rewritten."""
LARGEST = 1e9  # nothing of a walk is more; what claims to be is not known
WALK, TEST = "walk", "backward_test"
MOST_BYTES = 64_000_000  # some hundred years of walks
LONGEST_LINE = 64_000


@dataclass(frozen=True, slots=True)
class Record:
    """A walk, or a 3-m backward walk test, that is over. `data` is what the core made of it."""

    schema: int
    kind: str  # WALK or TEST
    id: str
    t: str  # of its end, RFC 3339, UTC
    date: str  # the same by the device's time zone, YYYY-MM-DD
    clock: str  # SYNCED, CHIP or UNSYNCED: whether `t` and `date` can be believed
    dev: str
    software: str
    simulated: bool
    data: Mapping[str, Value]

    def __post_init__(self) -> None:
        if self.kind not in (WALK, TEST):
            raise ValueError(f"kind is {self.kind!r}, expected {WALK} or {TEST}")
        if self.clock not in (SYNCED, CHIP, UNSYNCED):
            raise ValueError(f"clock is {self.clock!r}, expected {SYNCED}, {CHIP} or {UNSYNCED}")
        date.fromisoformat(self.date)

    @property
    def day(self) -> int | None:
        """Counted from a fixed day; None when the clock was not to be trusted."""
        return date.fromisoformat(self.date).toordinal() if self.clock != UNSYNCED else None

    def number(self, key: str) -> float | None:
        """A quantity of `data`; None where it is not known."""
        value = self.data.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < LARGEST:
            return None
        return float(value)

    def count(self, key: str) -> int | None:
        """A whole number of `data`; None where it is not known."""
        value = self.data.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST else None

    def body(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in typed.hints(Record)}


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file holds, oldest first. `newer`: what only a later version can read, as it stands there."""

    records: Sequence[Record] = ()
    newer: Sequence[Mapping[str, Any]] = ()
    complaints: Sequence[str] = ()

    @property
    def walks(self) -> list[Record]:
        return [record for record in self.records if record.kind == WALK]

    @property
    def tests(self) -> list[Record]:
        """The 3-m backward walk tests, the void ones included."""
        return [record for record in self.records if record.kind == TEST]


def append(state_dir: Path, record: Record) -> None:
    """Add a record; it is on the disk when this returns.

    Raises:
        OSError: the disk refuses. The file is as it was then, and it can be tried again.
    """
    path = state_dir / FILE
    new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        size = status.st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        _write(handle, ("\n" if torn else "") + encode(record.body()) + "\n", size)
    finally:
        os.close(handle)
    if new:
        sync_directory(state_dir)


def read(state_dir: Path) -> Kept:
    """Everything that is kept; the same record written twice counts once.

    Raises:
        OSError: the file is there and cannot be read.
    """
    path = state_dir / FILE
    try:
        lines = read_bytes(path, MOST_BYTES).split(b"\n")
    except FileNotFoundError:
        return Kept()
    records: dict[str, Record] = {}
    newer, complaints = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            body = _parsed(line)
            record = _record(body)
        except (ValueError, RecursionError) as error:
            why = _printable(" ".join(str(error).split())[:200])
            what = "was torn off" if number == len(lines) else f"is damaged ({why})"
            complaints.append(f"{path}: line {number} {what}; it is left as it is, and all others are read")
            continue
        if record is None:
            newer.append(body)
        else:
            records.setdefault(record.id, record)
    return Kept(tuple(records.values()), tuple(newer), tuple(complaints))


def done(walk: Record) -> WalkDone:
    """What the plan wants to know of it."""
    counts = (walk.count(key) for key in ("falls", "sos", "rest_cues", "faults"))
    return WalkDone(walk.day, walk.number("minutes"), *counts)


def planned(config: PlanConfig, walks: Iterable[Record], *, simulated: bool = False) -> tuple[Plan, list[Step]]:
    """The plan after these walks, and what each did to it. Walks on a simulated board do not count for a real one."""
    plan = Plan(config)
    return plan, [plan.add(done(walk)) for walk in walks if walk.simulated == simulated]


def advice(kept: Kept, *, simulated: bool = False) -> tuple[str, ...]:
    """Why she should not walk backward alone and free, if anything measured says so (`not_safe_alone`)."""
    speeds = [walk.number("speed_mps") for walk in kept.walks if walk.simulated == simulated]
    tests = [test.number("duration_s") for test in kept.tests if test.simulated == simulated]
    known = [duration_s for duration_s in tests if duration_s is not None]
    return not_safe_alone(speeds, known[-1] if known else None)


def _write(handle: int, text: str, size: int) -> None:
    """All of it or nothing of it: a full disk may take half a line."""
    data = text.encode()
    try:
        if os.write(handle, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), FILE)
        os.fsync(handle)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, size)
        raise


def _parsed(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise ValueError(f"longer than {LONGEST_LINE} bytes")
    try:
        body = _printable(json.loads(as_text(line), parse_constant=_number, parse_float=_number))
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON from its letter {error.pos + 1} on") from error
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")
    if type(body.get("schema")) is not int or body["schema"] < 1:
        raise ValueError("it has no schema number")
    return body


def _record(body: dict[str, Any]) -> Record | None:
    """None for what only a newer version understands."""
    schema = body["schema"]
    while body["schema"] < SCHEMA:
        body = {**UPGRADES[body["schema"]](body), "schema": body["schema"] + 1}
    try:
        return typed.build(Record, body)
    except ValueError:
        if schema > SCHEMA:
            return None
        raise


def _number(text: str) -> float:
    if not math.isfinite(float(text)):
        raise ValueError(f"{text[:40]} is no number that can have been measured")
    return float(text)


def _printable(value: Any) -> Any:
    """What would steer a terminal, and what no text can hold (half a surrogate pair), becomes "?"."""
    if isinstance(value, str):
        return value if value.isprintable() else "".join(one if one.isprintable() else "?" for one in value)
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value
