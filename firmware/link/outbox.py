"""What to send next, and when again. Pure: time is handed in.

A critical event is told until a service accepts it or a person acknowledges its alarm, however long that takes. Any
other is given up after some hundred sendings: where nobody accepts events (Home Assistant alone) it was heard long ago.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from firmware.journal import Event, StoredEvent

URGENT = ("fall", "sos")
CRITICAL_GAPS_S = (5.0, 15.0, 60.0)  # after the first, the second and every later sending
CRITICAL_LATE_GAP_S = 300.0
CRITICAL_LATE_NS = 3600 * 1_000_000_000  # since a broker first took it
OTHER_GAPS_S = (5.0, 15.0, 60.0, 120.0, 240.0, 480.0, 900.0)
OTHER_SENDINGS = 100  # a day
PUBACK_TIMEOUT_S = 10.0
IN_FLIGHT = 12  # a broker that answers nothing does not get everything at once, and Mosquitto takes 20 under way
RESERVED = 6  # more, for urgent ones that were never sent: no backlog keeps a fall waiting
MOST = 20_000  # that wait, as in the journal; above that the oldest go, and nothing critical
POISON = 3  # connections lost under one event: from then on it is sent without its details


@dataclass(slots=True)
class Entry:
    stored: StoredEvent
    since_ns: int
    due_ns: int
    taken: int  # how often a broker has said that it has it, also in earlier runs
    tried: bool
    first_taken_ns: int | None = None
    sendings: int = 0  # answered ones, over this connection
    in_flight: bool = False
    losses: int = 0

    @property
    def urgent(self) -> bool:
        """Also the end of a fall: whoever was called must hear that she is up."""
        return self.stored.event.type in URGENT

    @property
    def news(self) -> bool:
        return self.urgent and not self.tried

    @property
    def critical(self) -> bool:
        return self.stored.event.severity == "critical"

    @property
    def expired(self) -> bool:
        return not self.critical and self.taken >= OTHER_SENDINGS

    @property
    def minimal(self) -> bool:
        """Whether its details may be what a broker cannot bear."""
        return self.losses >= POISON

    def gap_s(self, now_ns: int) -> float:
        """How long to wait for an acceptance after the sending that was just answered."""
        if not self.critical:
            return OTHER_GAPS_S[min(max(self.sendings, self.taken - 1), len(OTHER_GAPS_S) - 1)]
        if self.first_taken_ns is not None and now_ns - self.first_taken_ns >= CRITICAL_LATE_NS:
            return CRITICAL_LATE_GAP_S
        return CRITICAL_GAPS_S[min(self.sendings, len(CRITICAL_GAPS_S) - 1)]


class Outbox:
    """Falls jump the queue, new ones first; within the same urgency the order of the journal holds."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._entries: dict[str, Entry] = {}
        self._spent: set[str] = set()  # sent often enough; found when answered, for looking at all each time is slow

    @property
    def depth(self) -> int:
        return len(self._entries)

    def oldest_s(self, now_ns: int) -> float:
        """Age of the longest-waiting event, in seconds since the link first saw it."""
        return max(((now_ns - entry.since_ns) / 1e9 for entry in self._entries.values()), default=0.0)

    def event(self, event_id: str) -> Event | None:
        """The event, while it waits to be accepted."""
        entry = self._entries.get(event_id)
        return None if entry is None else entry.stored.event

    def knows_alarm(self, alarm: str) -> bool:
        return any(entry.stored.event.alarm == alarm for entry in self._entries.values())

    def add(self, events: Iterable[StoredEvent], now_ns: int) -> None:
        """An event that is there already stays as it is."""
        for stored in events:
            new = Entry(stored, now_ns, now_ns, stored.attempts, stored.attempts > 0)
            if self._entries.setdefault(stored.event.id, new).expired:
                self._spent.add(stored.event.id)
        surplus = len(self._entries) - self._most
        if surplus > 0:  # the journal has dropped them as well, and a flood that nobody takes must not fill the memory
            lesser = (event_id for event_id, entry in self._entries.items() if not entry.critical)
            for event_id in list(itertools.islice(lesser, surplus)):
                self.remove(event_id)

    def due(self, now_ns: int) -> list[Entry]:
        """What is to be sent now, most urgent first."""
        under_way = 0
        due = []
        for entry in self._entries.values():
            if entry.due_ns <= now_ns:
                due.append(entry)
            elif entry.in_flight:
                under_way += 1
        due.sort(key=lambda entry: (not entry.news, not entry.urgent, entry.stored.seq))
        news = [entry for entry in due if entry.news][: max(0, IN_FLIGHT + RESERVED - under_way)]
        others = [entry for entry in due if not entry.news][: max(0, IN_FLIGHT - under_way - len(news))]
        return news + others

    def sending(self, event_id: str, now_ns: int) -> None:
        """It was handed to the client; without an answer it is due again after PUBACK_TIMEOUT_S."""
        entry = self._entries[event_id]
        entry.in_flight = entry.tried = True
        entry.due_ns = now_ns + round(PUBACK_TIMEOUT_S * 1e9)

    def answered(self, event_id: str, now_ns: int, *, taken: bool = True) -> None:
        """A broker has taken or refused it: again later, since neither means that anybody has it."""
        entry = self._entries.get(event_id)
        if entry is None or not entry.in_flight:
            return
        entry.in_flight, entry.losses = False, 0
        if taken:
            entry.taken += 1
            entry.first_taken_ns = now_ns if entry.first_taken_ns is None else entry.first_taken_ns
            if entry.expired:
                self._spent.add(event_id)
        entry.due_ns = now_ns + round(entry.gap_s(now_ns) * 1e9)
        entry.sendings += 1

    def too_large(self, event_id: str, now_ns: int) -> None:
        """This broker cannot take it as it is: it is due without its details at once; refused even so, later."""
        entry = self._entries.get(event_id)
        if entry is None or not entry.in_flight:
            return
        if entry.minimal:
            self.answered(event_id, now_ns, taken=False)
            entry.losses = POISON
        else:
            entry.in_flight, entry.losses, entry.due_ns = False, POISON, now_ns

    def expired(self) -> list[Event]:
        """What was sent often enough, and waits only to be taken out."""
        found = [self._entries[event_id] for event_id in self._spent if event_id in self._entries]
        return [entry.stored.event for entry in found if not entry.in_flight]

    def remove(self, event_id: str) -> None:
        """It was accepted, or is given up."""
        self._entries.pop(event_id, None)
        self._spent.discard(event_id)

    def taken(self, alarm: str) -> list[str]:
        """What a broker has taken of an alarm: once a person has it, that need not be told again."""
        return [key for key, entry in self._entries.items() if entry.stored.event.alarm == alarm and entry.taken]

    def disconnected(self, now_ns: int) -> None:
        """Everything is due at the next connection: the broker may have lost even what it took."""
        for entry in self._entries.values():
            entry.losses += entry.in_flight
            entry.in_flight = False
            entry.due_ns, entry.sendings = now_ns, 0
