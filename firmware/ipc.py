"""Datagrams between the processes of one device: small JSON objects over Unix sockets, never waited for.

Whoever receives treats what comes as hostile: size, shape and every field are checked, and what does not fit is counted
and dropped.
"""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from firmware.core.messages import Pattern
from firmware.errors import AlreadyRunning
from hal.samples import OPTIONAL_PARTS, PARTS

MAX_BYTES = 2048
MOST_SETTINGS = 20  # in one word
SETTING_LARGEST = 1e6
SOUNDER_SOCKET = "sounder.sock"  # guard -> sounder: what to play
SOUNDER_REPORTS_SOCKET = "guard-sounder.sock"  # sounder -> guard: that it lives, and broken outputs
LINK_SOCKET = "guard-link.sock"  # link -> guard: acknowledgements and wishes from outside
NEWS_SOCKET = "link.sock"  # guard -> link: there is something new in the journal; what it says is of no matter


@dataclass(frozen=True, slots=True)
class Play:
    """What the guard wants to sound, sent at least every 50 ms.

    `since_ns` tells a repetition from a new pattern. `armed`: the guard's silence is an alarm; False only after the end
    of a walk; None while the guard does not know yet whether there is one, so that what held before goes on.
    `pre_impact_ns`: when a fall seemed to have begun, on the machine's monotonic clock; None: none does now.
    """

    pattern: Pattern
    since_ns: int
    armed: bool | None
    pre_impact_ns: int | None = None


@dataclass(frozen=True, slots=True)
class SounderReport:
    """The sounder lives; `part` and what follows are empty unless an output is broken."""

    part: str = ""
    kind: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RemoteAck:
    """The caregiver's side has the alarm (an id of the journal): "accepted" or "acknowledged" by somebody."""

    alarm: str
    state: str
    by: str
    phase: str = ""  # of the event that was accepted


@dataclass(frozen=True, slots=True)
class RemoteCommand:
    """A wish from outside: "test" or "locate"."""

    name: str


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """Other settings, by "section.key"; None takes one back. `firmware.remote_settings` judges them."""

    by: str
    values: Mapping[str, object]


class Malformed(ValueError):
    """A datagram that is not one of ours."""


def encode_play(play: Play) -> dict[str, object]:
    body = {"v": 1, "kind": "play", "pattern": play.pattern, "since_ns": play.since_ns, "armed": play.armed}
    return body if play.pre_impact_ns is None else {**body, "pre_impact_ns": play.pre_impact_ns}


def decode_play(body: Mapping[str, object]) -> Play:
    if body.get("kind") != "play":
        raise Malformed(f"kind is {body.get('kind')!r}, expected 'play'")
    pattern = _text(body, "pattern", 40)
    if pattern not in Pattern.__members__.values():
        raise Malformed(f"unknown pattern {pattern!r}")
    since_ns, armed = body.get("since_ns"), body.get("armed")
    if type(since_ns) is not int or not (armed is None or isinstance(armed, bool)):
        raise Malformed("since_ns must be an integer and armed true, false or null")
    pre_impact_ns = body.get("pre_impact_ns")
    if pre_impact_ns is not None and type(pre_impact_ns) is not int:
        raise Malformed("pre_impact_ns must be an integer")
    return Play(Pattern(pattern), since_ns, armed, pre_impact_ns)


def encode_report(report: SounderReport) -> dict[str, object]:
    return {"v": 1, "kind": "sounder", "part": report.part, "error": report.kind, "detail": report.detail[:400]}


def decode_report(body: Mapping[str, object]) -> SounderReport:
    if body.get("kind") != "sounder":
        raise Malformed(f"kind is {body.get('kind')!r}, expected 'sounder'")
    part = _text(body, "part", 20)
    if part and part not in (*PARTS, *OPTIONAL_PARTS):
        raise Malformed(f"unknown part {part!r}")
    return SounderReport(part, _text(body, "error", 60), _text(body, "detail", 400))


def decode_remote(body: Mapping[str, object]) -> RemoteAck | RemoteCommand | RemoteSettings:
    """What the link may tell the guard; nothing else is believed."""
    match body.get("kind"):
        case "ack":
            state = _text(body, "state", 20)
            if state not in ("accepted", "acknowledged"):
                raise Malformed(f"unknown state {state!r}")
            return RemoteAck(
                _text(body, "alarm", 64), state, _text(body, "by", 80), _text({"phase": "", **body}, "phase", 20)
            )
        case "command":
            name = _text(body, "name", 20)
            if name not in ("test", "locate"):
                raise Malformed(f"unknown command {name!r}")
            return RemoteCommand(name)
        case "settings":
            values = body.get("values")
            if not isinstance(values, dict) or not 0 < len(values) <= MOST_SETTINGS:
                raise Malformed(f"values must be 1 to {MOST_SETTINGS} settings")
            if not all(value is None or _is_number(value) for value in values.values()):
                raise Malformed("a setting must be true, false, a number or null")
            return RemoteSettings(_text(body, "by", 80), values)
        case kind:
            raise Malformed(f"unknown kind {kind!r}")


def _is_number(value: object) -> bool:
    """Or true, or false. No setting is larger."""
    return isinstance(value, int | float) and abs(value) <= SETTING_LARGEST


def _text(body: Mapping[str, object], key: str, longest: int) -> str:
    value = body.get(key)
    if not isinstance(value, str) or len(value) > longest:
        raise Malformed(f"{key} must be a text of at most {longest} characters")
    return value


class Sender:
    """Sends datagrams to a socket that may not be there; a lost one is counted, never waited for."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self.lost = 0

    def send(self, body: Mapping[str, object]) -> bool:
        data = json.dumps(body, separators=(",", ":")).encode()
        try:
            self._socket.sendto(data, self._path)
        except OSError:  # nobody there, or too busy to listen: the next one follows within 50 ms
            self.lost += 1
            return False
        return True

    def close(self) -> None:
        self._socket.close()


class Receiver:
    """Receives datagrams on a socket of its own. `Instance` sees to it that nobody else is listening there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)  # left by a process that was killed
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        before = os.umask(0o117)  # the user and the group of the services, nobody else
        try:
            self._socket.bind(str(path))
        finally:
            os.umask(before)
        self.rejected = 0

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self, timeout_s: float = 0.0) -> dict[str, object] | None:
        """One datagram; None when none came in time, an empty object when it was none of version 1."""
        self._socket.settimeout(timeout_s)
        try:
            data = self._socket.recv(MAX_BYTES + 1)
        except (BlockingIOError, TimeoutError):
            return None
        try:
            return _parse(data)
        except Malformed:
            self.rejected += 1
            return {}

    def close(self) -> None:
        self._socket.close()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()


class Instance:
    """The right to be the one process of its name in a run directory; it ends with the process, however that ends.

    Raises:
        AlreadyRunning: another process has it.
    """

    def __init__(self, run_dir: Path, name: str) -> None:
        # for both ways and without waiting: whatever stands under this name, a pipe also, can be locked
        handle = os.open(run_dir / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
        self._file = open(handle, "rb", buffering=0)  # noqa: SIM115 - open as long as the process lives
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise AlreadyRunning(
                f"a {name} is running in {run_dir} already; stop it first (systemctl stop rearguard.target, "
                "or Ctrl-C in the terminal of `rearguard run`)"
            ) from None

    def close(self) -> None:
        self._file.close()


def _parse(data: bytes) -> dict[str, object]:
    if len(data) > MAX_BYTES:
        raise Malformed(f"longer than {MAX_BYTES} bytes")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error
    if not isinstance(body, dict) or body.get("v") != 1:
        raise Malformed("not an object of version 1")
    return body
