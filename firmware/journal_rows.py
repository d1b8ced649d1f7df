"""An event and its delivery, as they stand in the rows of the journal, where they may have rotted."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from firmware.plain_json import decode

LARGEST = 1 << 63
_TEXTS = ("id", "alarm", "dev", "type", "phase", "severity", "t", "clock")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing to be told. `id` is its own; `alarm` is the same through all phases of one alarm's life."""

    id: str
    alarm: str
    dev: str
    boot: int
    type: str
    phase: str
    severity: str  # critical | warning | info
    t: str  # RFC 3339, UTC
    mono_ms: int
    clock: str  # synced | unsynced: whether `t` can be believed
    deadline_s: float | None
    data: Mapping[str, Any]

    def body(self) -> dict[str, Any]:
        """Its fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its place in the order, and how often a broker has taken it."""

    seq: int
    event: Event
    attempts: int
    sent: str | None  # when a broker first took it


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far an event has come, and with whom. Times are RFC 3339; None: not yet."""

    id: str
    seq: int
    boot: int
    alarm: str
    type: str
    phase: str
    sent: str | None
    accepted: str | None
    accepted_by: str | None
    expired: int | None  # not 0: it is not told any more
    acknowledged: str | None
    acknowledged_by: str | None

    @property
    def state(self) -> str:
        """queued | sent (a broker has it) | expired (sent often enough, no service has ever said that it stored it)
        | accepted (a service has stored it) | acknowledged (a person)."""
        if self.acknowledged_by is not None:
            return "acknowledged"
        if self.accepted_by is not None:
            return "accepted"
        if self.expired:
            return "expired"
        return "queued" if self.sent is None else "sent"


def event_of(event_id: str, alarm: str, body: object) -> Event | None:
    """None for a row that rotted on the disk: it must not keep the sound ones from being told."""
    return read_event({**(object_of(body) or {}), "id": event_id, "alarm": alarm})


def read_event(body: Mapping[str, Any]) -> Event | None:
    """The event of these fields; None for what is none."""
    try:
        event = Event(**body)
    except TypeError:
        return None
    sound = isinstance(event.data, dict) and all(isinstance(getattr(event, name), str) for name in _TEXTS)
    counts = _is_count(event.boot) and _is_count(event.mono_ms)
    return event if sound and counts and (event.deadline_s is None or _is_time(event.deadline_s)) else None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def object_of(body: object) -> dict[str, Any] | None:
    """The JSON object in a column; None for anything else that may stand there."""
    return decode(body) if isinstance(body, str) else None
