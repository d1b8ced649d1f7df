"""What a guard has decided and its journal does not hold yet: small files in the run directory, which is memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.journal_rows import Event, read_event
from firmware.plain_file import read_bytes
from firmware.plain_json import decode

PATTERN = "decided-*.json"
MOST, MOST_BYTES = 1000, 100_000  # whoever put more there was no guard


@dataclass(frozen=True, slots=True)
class Decided:
    """An event, and what its guard called the alarm now when it had decided on it."""

    event: Event
    alarm: Mapping[str, Any]


def paths(folder: Path) -> list[Path]:
    """The oldest first."""
    return sorted(folder.glob(PATTERN))[:MOST]


def read(path: Path) -> Decided | None:
    """None for what was written by half, or is gone by now."""
    try:
        body = decode(read_bytes(path, MOST_BYTES)) or {}
        event, alarm = read_event(body["event"]), body["alarm"]
    except (OSError, TypeError, KeyError):
        return None
    return None if event is None or not isinstance(alarm, dict) else Decided(event, alarm)
