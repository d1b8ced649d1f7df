"""What comes as text or datagram: a configuration, a command, an event at the caregiver's, a word to the guard."""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from unittest.mock import patch

from bench._alerts_nasty import HUGE, nasty, spoiled, strict
from caregiver import lines, watch
from firmware import config as settings
from firmware import ipc, remote_settings, typed
from firmware.core.messages import Acknowledgement, Command
from firmware.errors import ConfigError
from firmware.guard.inbox import RemoteInbox, SounderInbox
from firmware.link import inbound
from firmware.link.client import Received
from firmware.plain_json import encode
from hal.samples import SensorFault

ID = "01964c2e-0000-7000-8000-00000000000a"
LONGEST = 400  # of any text that may reach the core

Bugs = dict[str, Callable[[], Any]]
"""Defects to be seeded: each makes a patch."""

# Configuration

SECTIONS = [
    (name, {key: getattr(value, key) for key in settings._plain_fields(type(value))})
    for name, _, value in settings.sections(settings.Config())
]
TOML = (
    *("nan", "-nan", "inf", "-inf", "1e400", "-0.0", "0", "-1", "1e308", "5e-324", "true", '"none"', '""', '"\\u0000"'),
    *("[]", "[1]", "[nan]", "[1, inf, 2]", "[[1]]", "{}", "{a = 1}", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z"),
    *('"""', "'", "0x10", "1_0", "0b1", "'\\'", '"\\ud800"', '"é"', '"' + "x" * 5000 + '"', "[" * 3000, "{a=" * 1500),
    *(*HUGE, "0x" + "f" * 5000),
)
DEFAULT = settings.Config()
WRITTEN_DOWN = 8  # one in so many is written down and read again, which takes ten times as long as reading it


def config(chance: Random) -> str:
    """One or two sections with a few of their keys, of which one is nasty."""
    lines = []
    for name, known in chance.sample(SECTIONS, chance.choice((1, 1, 2))):
        lines.append(f"[{name}]")
        keys = chance.sample(sorted(known), min(len(known), chance.randint(1, 3)))
        lines += [f"{key} = {settings._toml(known[key])}" for key in keys[1:]]
        lines.append(f"{_key(keys[0], chance)} = {_toml_value(known[keys[0]], chance)}")
    return "\n".join(lines)


def _key(key: str, chance: Random) -> str:
    return key if chance.random() < 0.95 else chance.choice(('""', f"{key}.a", '"\\u0000"', "a b", "é", key[:-1]))


def _toml_value(value: Any, chance: Random) -> str:
    if isinstance(value, tuple) and value and chance.random() < 0.6:
        items = [settings._toml(item) for item in value]
        items[chance.randrange(len(items))] = chance.choice(TOML)
        return "[" + ", ".join(items) + "]"
    if isinstance(value, int | float) and not isinstance(value, bool) and chance.random() < 0.3:
        return repr(value * chance.choice((-1, 0, 2, 1e9, 1e-9, 1e300)))
    return chance.choice(TOML)


def check_config(text: str) -> None:
    """Refused in our own words; or every number is one, and it says the same when it is written down."""
    try:
        found = settings.parse(text, "fuzz")
    except ConfigError as error:
        _short(str(error), 20_000)
        return
    _finite(found)
    if len(text) % WRITTEN_DOWN == 0:
        assert settings.parse(settings.to_toml(found), "again") == found, "it says something else when written down"


def _short(text: str, most: int) -> None:
    """What is said of a refusal can be shown and written."""
    text.encode()
    assert len(text) < most, f"a complaint of {len(text)} letters"


def _finite(value: Any) -> None:
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            _finite(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            _finite(item)
    elif isinstance(value, float):
        assert math.isfinite(value), f"{value} was let in"


# Commands

COMMANDS: list[tuple[str, Any]] = [
    ("accept", {"id": ID, "by": "hub"}),
    ("ack", {"alarm": ID, "by": "Ann", "how": "on_my_way", "seq": 7}),
    ("ack", {"alarm": "now", "by": "Ann", "seq": 7}),
    ("locate", {"by": "Ann", "seq": 7}),
    ("test", {}),
    ("settings", {"by": "Ann", "seq": 7, "set": {"plan.start_min": 3, "lean.enabled": False, "sounder.volume": None}}),
]


def command(chance: Random) -> tuple[str, bytes]:
    name, body = chance.choice(COMMANDS)
    return (name if chance.random() < 0.97 else nasty(chance)), spoiled(body, chance)


def check_command(said: tuple[str, bytes]) -> None:
    """Refused with a short word; or of ids, names and whole numbers that everything behind it can bear."""
    try:
        word = inbound.parse(*said)
    except inbound.Refused as error:
        _short(str(error), 40)
        return
    for field in dataclasses.fields(word):
        value = getattr(word, field.name)
        if isinstance(value, str):
            value.encode()
            assert len(value) <= inbound.NAME_MAX, f"{field.name} is {len(value)} letters long"
            assert value.isprintable(), f"{field.name} is {value!r}"
        elif isinstance(value, dict):
            _bounded(value)
        else:
            assert value is None or (type(value) is int and abs(value) <= 2**53), f"{field.name} is {value!r}"
    event_id = str(getattr(word, "event_id", getattr(word, "alarm", ID)))
    assert event_id == inbound.THIS_ALARM or len(event_id) == len(ID), f"an id is {event_id!r}"


def _bounded(values: dict[str, object]) -> None:
    """Settings from afar: short names, and numbers of a size that a setting can have."""
    for name, value in values.items():
        assert name.isascii(), f"a setting is called {name!r}"
        assert value is None or abs(float(value)) <= 2**53, f"{name} is {value!r}"  # type: ignore[arg-type]


# Payloads, as the caregiver's client reads them

DATA = {"alarm": ID, "peak_mps2": 31.5, "simulated": True, "distance_m": None}
EVENT = {
    "v": 1,
    "id": ID,
    "dev": "rg-0a1b2c3d",
    "boot": 17,
    "seq": 412,
    "type": "fall",
    "phase": "suspected",
    "severity": "critical",
    "t": "2026-01-01T00:00:00.000Z",
    "mono_ms": 1234567,
    "clock": "synced",
    "deadline_s": 30.0,
    "data": DATA,
}
PARTS = {"imu": {"ok": True, "age_s": 0.0, "reason": ""}}
SAID: list[tuple[str, Any]] = [
    ("event", EVENT),
    ("event", EVENT),
    (
        "state/alarm",
        {"v": 1, "active": True, "type": "fall", "phase": "confirmed", "acknowledged": {"by": "A", "t": ""}},
    ),
    ("state/health", {"v": 1, "ok": False, "parts": PARTS, "guard": {"ok": True, "age_s": 0.4}}),
    ("state/walk", {"v": 1, "state": "walking", "steps": 12, "no_start": None}),
    ("status", {"v": 1, "dev": "rg-0a1b2c3d", "state": "ready", "boot": 3, "protocol": "5"}),
]


def payload(chance: Random) -> tuple[str, bytes]:
    topic, body = chance.choice(SAID)
    return f"rearguard/v1/rg-0a1b2c3d/{topic}", spoiled(body, chance)


class _Nowhere:
    """In the place of a connection: what would be published must be JSON."""

    def publish(self, message: Any) -> bool:
        strict(message.payload)
        return True


def check_payload(said: tuple[str, bytes]) -> None:
    """Ignored; or shown as one printable line, and as JSON that every parser reads; and accepted as JSON."""
    plain = lines.PlainLines()

    def say(word: Any) -> bool:
        line = plain.line(word)
        assert line is None or line.isprintable(), f"a terminal would obey {line!r}"
        as_json = lines.as_json_line(word)
        assert as_json is None or "\n" not in as_json
        strict(as_json or "{}")
        return True

    watch.Watch(_Nowhere(), "+", say, "hub")._received(0, Received(*said, False))  # type: ignore[arg-type]


# Datagrams to the guard

TO_GUARD: list[Any] = [
    {"v": 1, "kind": "ack", "alarm": ID, "state": "acknowledged", "by": "Ann", "phase": ""},
    {"v": 1, "kind": "ack", "alarm": ID, "state": "accepted", "by": "hub", "phase": "suspected"},
    {"v": 1, "kind": "command", "name": "locate"},
    {"v": 1, "kind": "settings", "by": "Ann", "values": {"plan.start_min": 3, "lean.enabled": False, "x.y": None}},
    {"v": 1, "kind": "sounder", "part": "buzzer", "error": "NoCurrent", "detail": "cut"},
    {"v": 1, "kind": "play", "pattern": "silent", "since_ns": 5, "armed": True, "pre_impact_ns": 7},
]


def datagram(chance: Random) -> bytes:
    return spoiled(chance.choice(TO_GUARD), chance)[: ipc.MAX_BYTES + 1]


def _receiver(data: bytes) -> Callable[[], dict[str, object] | None]:
    """As `Receiver.receive` does, without its socket."""
    waiting = [data]

    def receive() -> dict[str, object] | None:
        if not waiting:
            return None
        try:
            return ipc._parse(waiting.pop())
        except ipc.Malformed:
            return {}

    return receive


def check_datagram(data: bytes) -> None:
    """Nothing; or an acknowledgement, a wish or a fault whose texts are short."""
    said: list[ipc.RemoteSettings] = []
    inputs = RemoteInbox(_receiver(data), lambda _: 1, said.append).take(0) + SounderInbox(_receiver(data), 0).take(0)
    for word in said:
        _apply(word.values)
    for item in inputs:
        assert isinstance(item, Acknowledgement | Command | SensorFault)
        texts = [value for value in _values(item) if isinstance(value, str)]
        assert all(len(text) <= LONGEST for text in texts), "a text is longer than the guard wants to keep"
    body = _receiver(data)() or {}
    try:
        play = ipc.decode_play(body)
    except ipc.Malformed:
        return
    assert type(play.since_ns) is int
    assert play.armed in (True, False, None)


def _apply(values: Mapping[str, object]) -> None:
    """Refused as a configuration is; or no number in it is none."""
    strict(encode(values))
    try:
        found = remote_settings.applied(DEFAULT, values, "settings")
    except ConfigError as error:
        _short(str(error), 20_000)
        return
    _finite(found)


def _values(item: Any) -> list[Any]:
    return [getattr(item, field.name) for field in dataclasses.fields(item)]


# Bugs to be found


def _trusting(payload: bytes) -> Any:
    return json.loads(payload)


def _shallow(payload: bytes) -> Any:
    """Believes that every wrong document is a ValueError."""
    try:
        body = json.loads(payload)
    except ValueError as error:
        raise inbound.Refused("not JSON") from error
    if not isinstance(body, dict):
        raise inbound.Refused("not an object")
    return body


def _shallow_payload(payload: bytes) -> Any:
    try:
        body = json.loads(payload)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _shallow_datagram(data: bytes) -> Any:
    try:
        body = json.loads(data)
    except ValueError as error:
        raise ipc.Malformed(str(error)) from error
    return body if isinstance(body, dict) and body.get("v") == 1 else {}


def _any_text(body: Any, key: str, longest: int) -> str:
    return str(body.get(key))


def _any_name(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise inbound.Refused("no name")
    return value


def _unchecked(value: object, hint: Any) -> Any:
    return typed.convert(value, hint)


CONFIG_BUGS: Bugs = {
    "NaN is a number": lambda: patch.object(settings, "_setting", _unchecked),
    "any whole number": lambda: patch.object(settings, "_check_digits", lambda _: None),
}
COMMAND_BUGS: Bugs = {
    "deep JSON is a ValueError": lambda: patch.object(inbound, "_object", _shallow),
    "any JSON is an object": lambda: patch.object(inbound, "_object", _trusting),
    "any text is a name": lambda: patch.object(inbound, "_name", _any_name),
    "any value is an id": lambda: patch.object(inbound, "_id", lambda value: value),
}
PAYLOAD_BUGS: Bugs = {
    "NaN is JSON": lambda: patch.object(lines, "as_json_line", json.dumps),
    "deep JSON is a ValueError": lambda: patch.object(watch, "decode", _shallow_payload),
    "a line is a line": lambda: patch.object(lines.PlainLines, "line", lambda _, word: str(word["body"].get("state"))),
}
INBOX_BUGS: Bugs = {
    "deep JSON is a ValueError": lambda: patch.object(ipc, "_parse", _shallow_datagram),
    "any number is a setting": lambda: patch.object(ipc, "_is_number", lambda _: True),
    "any text will do": lambda: patch.object(ipc, "_text", _any_text),
}
