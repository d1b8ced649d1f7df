"""Who has an alarm: said to the guard at once, and to the journal until it has it. Waits for nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from firmware.journal import Event, StoredEvent
from firmware.link.inbound import Refused
from firmware.link.ledger import Found, Ledger
from firmware.link.outbox import Outbox
from firmware.link.untaken import Untaken
from firmware.responders import HOW, Responder, furthest

UNWRITTEN_MAX = 100
ACCEPTED_MAX = 1000


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A person's word that the journal does not have yet."""

    responder: Responder
    told: bool  # whether the guard has heard it
    taken: Sequence[str]  # what a broker had of the alarm when it was said


class Answers:
    """Takes out of `outbox` what a service has stored or a person has heard of.

    `alarm` is the alarm now, whose answers are shown and repeated; `changed`: there are others than before.
    """

    def __init__(
        self,
        ledger: Ledger,
        outbox: Outbox,
        untaken: Untaken,
        notify_guard: Callable[[dict[str, object]], object],
        utc: Callable[[], str],
        rejected: Counter[str],
    ) -> None:
        self._ledger, self._outbox, self._untaken = ledger, outbox, untaken
        self._notify, self._utc, self._rejected = notify_guard, utc, rejected
        self.alarm, self.changed = "", False
        self._people: Sequence[Responder] = ()  # of the alarm now, as the journal knows them
        self._acceptances: dict[tuple[str, str], None] = {}  # of the alarm now: phase and service, in order
        self._accepted: dict[str, tuple[Event, str]] = {}  # lately; whoever finds one of them again tells it no more
        self._unwritten: dict[tuple[str, str], Unwritten] = {}  # by alarm and name

    def follow(self, alarm: str) -> None:
        """This is the alarm now."""
        if alarm != self.alarm:
            self.alarm, self._people, self._acceptances = alarm, (), {}

    def learn(self, found: Found) -> None:
        """What the journal knows."""
        if found.alarm == self.alarm:
            self.changed = self.changed or self._people != found.people
            self._people = found.people
            self._acceptances = {**dict.fromkeys(found.acceptances), **self._acceptances}
        for stored in found.events:  # the journal may have been asked too soon, or be another one
            if stored.event.id in self._accepted:
                self._write_acceptance(stored.event.id, self._accepted[stored.event.id][1], told=True)
        for alarm, by in self._unwritten if found.events else ():
            self._write_word(alarm, by)

    def unaccepted(self, events: Iterable[StoredEvent]) -> list[StoredEvent]:
        """Those of `events` that no service has accepted."""
        return [stored for stored in events if stored.event.id not in self._accepted]

    def accept(self, event_id: str, by: str) -> None:
        """A service has stored the event."""
        event = self._outbox.event(event_id)
        if event is None and event_id in self._accepted:
            event = self._accepted[event_id][0]
        if event is not None:
            self._tell_guard(event.alarm, "accepted", by, event.phase)
            if event.alarm == self.alarm:
                self._acceptances[event.phase, by] = None
        if not self._write_acceptance(event_id, by, told=event is not None):
            return  # it stays in the outbox, so that the service is asked again
        if event is not None:
            self._accepted.setdefault(event_id, (event, by))
            if len(self._accepted) > ACCEPTED_MAX:
                del self._accepted[next(iter(self._accepted))]
        self._outbox.remove(event_id)

    def _write_acceptance(self, event_id: str, by: str, *, told: bool) -> bool:
        t = self._utc()

        def written(event: Event | None) -> None:
            self._outbox.remove(event_id)
            if event is None and not told:
                self._rejected["unknown id"] += 1
            elif event is not None and not told:
                self._tell_guard(event.alarm, "accepted", by, event.phase)

        key = "accepted", event_id, by
        return self._ledger.put(key, lambda journal: journal.mark_accepted(event_id, by, t), written)

    def acknowledge(self, alarm: str, by: str, how: str) -> None:
        """A person says it once. Raises Refused."""
        known = bool(alarm) and (alarm == self.alarm or self._outbox.knows_alarm(alarm))
        if not alarm or (not known and len(self._unwritten) >= UNWRITTEN_MAX):
            raise Refused("unknown alarm")
        if known:
            self._tell_guard(alarm, "acknowledged", by)
        if len(self._unwritten) >= UNWRITTEN_MAX and (alarm, by) not in self._unwritten:
            raise Refused("too many people")  # while the disk fails; the guard has heard it
        person = Responder(by, how, self._utc())
        self._unwritten[alarm, by] = Unwritten(person, known, self._outbox.taken(alarm))
        self._write_word(alarm, by)
        self.changed = True

    def _write_word(self, alarm: str, by: str) -> None:
        word = self._unwritten[alarm, by]
        person = word.responder

        def written(known: bool) -> None:
            if self._unwritten.get((alarm, by)) is not word:
                return  # a newer word is on its way
            if not known and word.told and self._untaken.knows_alarm(alarm):
                return  # the journal is about to get the alarm; then it is asked again
            del self._unwritten[alarm, by]
            self.changed = True
            if not known:
                self._rejected["unknown alarm"] += 1
                return
            if not word.told:
                self._tell_guard(alarm, "acknowledged", by)
            for event_id in word.taken:
                self._outbox.remove(event_id)

        key = "acknowledged", alarm, by
        self._ledger.put(key, lambda journal: journal.mark_acknowledged(alarm, by, person.t, person.how), written)

    def remind_guard(self) -> None:
        """Every word about the alarm now, again: a datagram may be lost, and the guard may have started anew."""
        person = furthest(self.people())
        if person is not None:
            self._tell_guard(self.alarm, "acknowledged", person.by)
        for phase, by in self._acceptances:
            self._tell_guard(self.alarm, "accepted", by, phase)

    def people(self) -> list[Responder]:
        """Who has the alarm now, also those whose word the journal could not take yet."""
        found = {person.by: person for person in self._people}
        for (alarm, by), word in self._unwritten.items():
            if alarm and alarm == self.alarm:
                before = found.get(by, word.responder)
                found[by] = max(before, word.responder, key=lambda each: HOW.index(each.how))
        return list(found.values())

    def _tell_guard(self, alarm: str, state: str, by: str, phase: str = "") -> None:
        self._notify({"v": 1, "kind": "ack", "alarm": alarm, "state": state, "by": by, "phase": phase})
