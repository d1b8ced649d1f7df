"""Events of the journal, for tests of what is told."""

from dataclasses import replace
from typing import Any

from firmware.ids import uuid7
from firmware.journal import Event, Journal

DEVICE = "rg-0a1b2c3d"
_EVENT = Event(
    id="",
    alarm="",
    dev=DEVICE,
    boot=1,
    type="fall",
    phase="suspected",
    severity="critical",
    t="2026-01-01T00:00:00.000Z",
    mono_ms=1000,
    clock="synced",
    deadline_s=30.0,
    data={"peak_mps2": 31.5},
)


def made_id(number: int) -> str:
    """The same number, the same id."""
    return uuid7(1_767_225_600_000 + number, lambda count: number.to_bytes(count, "big"))


def an_event(number: int = 1, **changes: Any) -> Event:
    """Event `number`, a suspected fall of an alarm of its own unless `changes` say otherwise."""
    return replace(_EVENT, **{"id": made_id(number), "alarm": made_id(number), **changes})


def waiting(journal: Journal) -> list[str]:
    return [stored.event.id for stored in journal.unaccepted()]
