"""What the guard has decided and the journal does not take: which of it is to be told, and under which number.

Pure: time is handed in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from firmware.decided import Decided
from firmware.journal import StoredEvent

UNTAKEN_NS = 1_000_000_000  # a sound disk takes an event in some milliseconds


class Untaken:
    """`alarm` is the alarm now, as far as what is told from here knows it; None while nothing is."""

    def __init__(self) -> None:
        self.alarm: Mapping[str, Any] | None = None
        self._since_ns: dict[str, int] = {}
        self._alarms: set[str] = set()
        self._told: dict[str, StoredEvent] = {}
        self._boot, self._seq = 1, 0

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._since_ns

    def knows_alarm(self, alarm: str) -> bool:
        return alarm in self._alarms

    def number_after(self, boot: int, seq: int) -> None:
        """The journal has given these numbers; what is told from here comes after everything that it holds."""
        self._boot, self._seq = max(self._boot, boot), max(self._seq, seq)

    def late(self, found: Sequence[Decided], now_ns: int) -> list[StoredEvent]:
        """Of what the run directory holds now, the oldest first: what has been there for UNTAKEN_NS.

        Each has a number of its own, which it keeps. It is the one that the journal is about to give, as far as that
        can be known.
        """
        self._since_ns = {each.event.id: self._since_ns.get(each.event.id, now_ns) for each in found}
        self._alarms = {each.event.alarm for each in found}
        late = [each for each in found if now_ns - self._since_ns[each.event.id] >= UNTAKEN_NS]
        self._told = {each.event.id: self._told.get(each.event.id) or self._numbered(each) for each in late}
        self.alarm = late[-1].alarm if late else None
        return list(self._told.values())

    def _numbered(self, each: Decided) -> StoredEvent:
        self._seq += 1
        return StoredEvent(self._seq, replace(each.event, boot=self._boot), 0, None)
