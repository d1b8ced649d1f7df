"""What a guard has decided and its journal does not hold yet: small files in the run directory, which is memory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.journal_rows import Event, read_event

PATTERN = "decided-*.json"


@dataclass(frozen=True, slots=True)
class Decided:
    """An event, and what its guard called the alarm now when it had decided on it."""

    event: Event
    alarm: Mapping[str, Any]


def paths(folder: Path) -> list[Path]:
    """The oldest first."""
    return sorted(folder.glob(PATTERN))


def read(path: Path) -> Decided | None:
    """None for what was written by half, or is gone by now."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        event, alarm = read_event(body["event"]), body["alarm"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return None if event is None or not isinstance(alarm, dict) else Decided(event, alarm)
