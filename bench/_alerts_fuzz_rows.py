"""Rows of the journal that rotted on the disk: what guard and link do with them."""

import contextlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from bench import _alerts_fuzz_words as words
from bench._alerts_fuzz_words import ID, Bugs
from bench._alerts_nasty import spoiled, strict
from bench._alerts_power import SHARED_MEMORY
from firmware import journal as journals
from firmware import plain_json
from firmware.guard import left_over
from firmware.journal import JOURNAL, STATE_KEYS, Journal
from firmware.link import payloads
from firmware.link.outbox import Outbox

DEVICE = "rg-0a1b2c3d"
NOW_NS = 10**12
IN_THE_JOURNAL = {"alarm": ID, "data": {"peak_mps2": 31.5, "trace": [1.0, 2.0], "simulated": True}}
EVENT = {key: value for key, value in words.EVENT.items() if key not in ("v", "seq")} | IN_THE_JOURNAL
ALARM = {
    "active": True,
    "alarm": ID,
    "type": "fall",
    "phase": "suspected",
    "severity": "critical",
    "boot_id": "this",
    "t": "2026-01-01T00:00:00.000Z",
    "deadline_s": 30.0,
    "began_mono_ms": 1234,
}
STATES: dict[str, Any] = {
    "alarm": {**ALARM, "others": [{**ALARM, "type": "sos", "phase": "confirmed"}]},
    "health": {"t_ns": NOW_NS, "boot_id": "this", "parts": {"imu": {"ok": True, "age_s": 0.0, "reason": ""}}},
    "walk": {"state": "walking", "steps": 17, "distance_m": 3.5},
    "telemetry": {"t_ns": NOW_NS - 10**9, "boot_id": "this", "state": "walking", "lean_deg": 2.5},
    "power": {
        "t_ns": NOW_NS,
        "boot_id": "this",
        "battery_share": 0.5,
        "battery_v": 3.9,
        "battery_a": 0.3,
        "cpu_c": 50.5,
        "battery_left_s": 3600,
        "undervoltage": False,
        "throttled": False,
    },
    "sway_baseline": {"steps": 40, "usual": [0.1, 0.2, 0.3]},
    "stopping_baseline": {"approaches": 3, "time_s": 1.2},
}
COLUMNS: dict[str, tuple[Any, ...]] = {
    "attempts": (0, 1, -5, "x", b"\xff", 2**62, float("inf"), 0.5),
    "sent": (None, "t", 7, b"\xff\x00", float("inf")),
    "accepted_by": (None, None, "hub", 7, b"\xff"),
    "alarm": (ID, "", b"\xff", "x" * 3000),
    "id": (ID, "", b"\xff\x00", "\x00"),
}
_sound = {key: json.dumps(body).encode() for key, body in STATES.items()}  # states that are to be made sound again
Rows = tuple[bytes, str, bytes, dict[str, Any]]


def rows(chance: Random) -> Rows:
    """An event's body, a state's key and body, and one of the event's other columns; mostly only one of them bad."""
    key = chance.choice(sorted(STATES))
    kind = chance.random()
    body = spoiled(EVENT, chance) if kind < 0.45 else json.dumps(EVENT).encode()
    state = spoiled(STATES[key], chance) if kind > 0.4 else json.dumps(STATES[key]).encode()
    column = chance.choice(sorted(COLUMNS))
    return body, key, state, {column: chance.choice(COLUMNS[column]) if kind < 0.1 else COLUMNS[column][0]}


@cache
def _opened() -> tuple[Journal, sqlite3.Connection]:
    """One journal for all rows of this process; the second handle plays the rot."""
    where = tempfile.mkdtemp(prefix="fuzz-", dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None)
    Finalize(None, shutil.rmtree, args=(where, True), exitpriority=1)  # atexit is not heard in a pool's processes
    path = Path(where) / JOURNAL
    journal, rot = Journal(path), sqlite3.connect(path, isolation_level=None)
    rot.execute("PRAGMA synchronous=OFF")
    rot.execute("INSERT INTO events (seq, id, alarm, body) VALUES (1, ?, ?, '{}')", (ID, ID))
    return journal, rot


def _rot(rot: sqlite3.Connection, found: Rows) -> None:
    body, key, state, others = found
    values = {"id": ID, "alarm": ID, "attempts": 0, "sent": None, "accepted_by": None, **others}
    names = ", ".join(f"{name} = ?" for name in values)
    rot.execute("BEGIN")
    rot.execute(f"UPDATE events SET body = CAST(? AS TEXT), {names} WHERE seq = 1", (body, *values.values()))
    rot.executemany("REPLACE INTO states VALUES (?, 1, CAST(? AS TEXT))", [*_sound.items(), (key, state)])
    rot.execute("COMMIT")
    _sound.clear()
    _sound[key] = json.dumps(STATES[key]).encode()


def check_rows(found: Rows) -> None:
    """Nothing raises; what goes out is JSON that every parser reads; what is not understood is as if absent."""
    journal, rot = _opened()
    _rot(rot, found)
    outbox = Outbox()
    outbox.add(journal.unaccepted(), NOW_NS)
    for entry in outbox.due(NOW_NS):
        for minimal in (False, True):
            text = payloads.event(entry.stored, 0.5, minimal=minimal)
            strict(text)
        entry.gap_s(NOW_NS)
        payloads.expiry_s(entry.stored.event.severity)
    for delivery in journal.deliveries():
        assert delivery.state in ("queued", "sent", "expired", "accepted", "acknowledged")
    journal.acceptances(ID)
    states = journal.states()[1]
    assert set(states) <= set(STATE_KEYS)
    left_over.resume(states, NOW_NS, "this")
    left_over.baselines(states, NOW_NS)
    told = _told(found[1], states)
    if told is not None:
        strict(plain_json.encode(told))


def _told(key: str, states: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    """What the link says of the state that is bad; None: only the guard reads it."""
    empty = dict[str, Any]()
    match key:
        case "alarm":
            return payloads.alarm(DEVICE, 1, states.get("alarm"), [])
        case "walk":
            return payloads.walk(DEVICE, 1, states.get("walk", empty))
        case "telemetry":
            return payloads.telemetry(DEVICE, 1, states.get("telemetry", empty))
        case "health" | "power":
            return payloads.health(DEVICE, 1, states.get("health"), 0.5, empty, states.get("power"))
    return None


def _shallow(body: object) -> Any:
    try:
        found = json.loads(body) if isinstance(body, str) else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _trusting(event_id: str, alarm: str, body: Any) -> Any:
    with contextlib.suppress(ValueError, RecursionError, TypeError):
        return journals.Event(**json.loads(body))
    return None


def _lax(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"), default=str)


JOURNAL_BUGS: Bugs = {
    "deep JSON is a ValueError": lambda: patch.object(journals, "object_of", _shallow),
    "any body is an event": lambda: patch.object(journals, "event_of", _trusting),
    "NaN is a number": lambda: patch.object(payloads, "encode", _lax),
    "isfinite(10**400)": lambda: patch.object(left_over, "_elapsed_ms", lambda body, mono_ms, *_: float(mono_ms or 0)),
}
