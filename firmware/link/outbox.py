"""What to send next, and when again. Only the caregiver's service empties it. Pure: time is handed in."""

from collections.abc import Iterable
from dataclasses import dataclass

from firmware.journal import StoredEvent

URGENT = ("fall", "sos")
RESEND_S = (5.0, 15.0, 60.0)  # after the first, the second and every later sending that nobody accepted
PUBACK_TIMEOUT_S = 10.0
IN_FLIGHT = 20  # a broker that answers nothing does not get everything at once
POISON = 3  # connections lost under one event: from then on it is sent without its details


@dataclass(slots=True)
class Entry:
    stored: StoredEvent
    since_ns: int
    due_ns: int
    sendings: int = 0
    in_flight: bool = False
    losses: int = 0

    @property
    def urgent(self) -> bool:
        return self.stored.event.type in URGENT

    @property
    def minimal(self) -> bool:
        """Whether its details may be what a broker cannot bear."""
        return self.losses >= POISON


class Outbox:
    """Falls jump the queue; within the same urgency the order of the journal holds."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    @property
    def depth(self) -> int:
        return len(self._entries)

    def oldest_s(self, now_ns: int) -> float:
        """Age of the longest-waiting event, in seconds since the link first saw it."""
        return max(((now_ns - entry.since_ns) / 1e9 for entry in self._entries.values()), default=0.0)

    def add(self, events: Iterable[StoredEvent], now_ns: int) -> None:
        for stored in events:
            self._entries.setdefault(stored.event.id, Entry(stored, now_ns, now_ns))

    def due(self, now_ns: int) -> list[Entry]:
        """What is to be sent now, most urgent first."""
        under_way = 0
        due = []
        for entry in self._entries.values():
            if entry.due_ns <= now_ns:
                due.append(entry)
            elif entry.in_flight:
                under_way += 1
        due.sort(key=lambda entry: (not entry.urgent, entry.stored.seq))
        return due[: max(0, IN_FLIGHT - under_way)]

    def sending(self, event_id: str, now_ns: int) -> None:
        """It was handed to the client; without an answer it is due again after PUBACK_TIMEOUT_S."""
        entry = self._entries[event_id]
        entry.in_flight = True
        entry.due_ns = now_ns + round(PUBACK_TIMEOUT_S * 1e9)

    def answered(self, event_id: str, now_ns: int) -> None:
        """A broker has taken or refused it: again later, since neither means that anybody has it."""
        entry = self._entries.get(event_id)
        if entry is None or not entry.in_flight:
            return
        entry.in_flight, entry.losses = False, 0
        entry.due_ns = now_ns + round(RESEND_S[min(entry.sendings, len(RESEND_S) - 1)] * 1e9)
        entry.sendings += 1

    def accepted(self, event_id: str) -> None:
        self._entries.pop(event_id, None)

    def disconnected(self, now_ns: int) -> None:
        """Everything is due at the next connection: the broker may have lost even what it took."""
        for entry in self._entries.values():
            entry.losses += entry.in_flight
            entry.in_flight = False
            entry.due_ns, entry.sendings = now_ns, 0
