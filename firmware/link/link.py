"""The link: tells what the journal holds until somebody has it, and brings back who does."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from firmware.decided import Decided
from firmware.errors import JournalError
from firmware.journal import Journal, StoredEvent
from firmware.link import payloads, topics
from firmware.link.client import Client, Connected, Delivered, Disconnected, Message, Received, Signal
from firmware.link.discovery import discovery
from firmware.link.gate import Gate
from firmware.link.inbound import THIS_ALARM, Accept, Ack, Refused, Settings, Wish, Word, parse
from firmware.link.outbox import Entry, Outbox
from firmware.link.retained import Retained
from firmware.plain_json import encode
from firmware.responders import Responder, furthest
from firmware.version import VERSION
from hal.clock import Clock

TURN_S = 0.05  # how often `tick` is to be called
HEARTBEAT_NS = 10_000_000_000  # and at once, but not twice a second, where it says something else
CHANGED_HEARTBEAT_NS = 1_000_000_000
TELEMETRY_NS = 1_000_000_000
REMIND_NS = 5_000_000_000  # the guard's socket loses what it has no room for
CATCH_UP_NS = 1_000_000_000  # by then a broker has handed out what it kept for us
UNWRITTEN_MAX = 100
DECIDED_NS = 500_000_000  # so often the run directory is looked at
UNTAKEN_NS = 1_000_000_000  # a sound disk takes an event in some milliseconds
MOVING = ("walking", "paused")
UNDER_WAY = ("ready", *MOVING)

log = logging.getLogger("rearguard.link")


def utc_now() -> str:
    """RFC 3339 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Link:
    """`tick` every 50 ms does everything; it never waits for the network and never raises for what comes from it.

    `notify_guard` gets {"v": 1, "kind": "ack", "alarm", "state", "by", "phase"}, again every 5 s while the alarm lasts,
    or {"v": 1, "kind": "command", "name"}. `phase` is that of the accepted event, empty for a person's word.
    """

    def __init__(
        self,
        journal: Journal,
        client: Client,
        notify_guard: Callable[[dict[str, object]], object],
        clock: Clock,
        *,
        utc: Callable[[], str] = utc_now,
        decided: Callable[[], Sequence[Decided]] = tuple,
        today_ms: Callable[[], int | None] = lambda: None,
    ) -> None:
        """`decided` is what the guard has in the run directory because its journal does not take it; `today_ms` is
        Unix time by a clock that was set, or None."""
        self._journal, self._client, self._notify, self._clock, self._utc = journal, client, notify_guard, clock, utc
        self._device, self._decided, self._decided_ns = client.device, decided, 0
        self._today_ms = today_ms
        self._untaken: dict[str, int] = {}  # decided, by id -> since when
        self._accepted: set[str] = set()  # of these
        self._newest = 1, 0  # boot and sequence number
        self._outbox, self._retained, self._gate = Outbox(), Retained(), Gate()
        self._states: dict[str, dict[str, Any]] = {}
        self._openings = self._version = self._last_seq = self._boot = self._dropped = 0
        self._unwritten: dict[tuple[str, str], tuple[Responder, bool]] = {}  # alarm, by -> does the guard know
        self._shown_alarm = ""  # what whoever presses a button can have seen
        self._connected_ns = self._reminded_ns = 0
        self._protocol = ""
        self._heard: bool | None = None
        self._guard_ns: int | None = None
        self._heartbeat_ns: int | None = None
        self._heartbeat_said: object = None
        self._telemetry_ns: int | None = None
        self._telemetry_said: dict[str, Any] | None = None
        self._started = self._journal_failing = False
        self._changed = True
        self.rejected: Counter[str] = Counter()

    def tick(self) -> None:
        """Hear what came, read what is new, tell the guard and the world what is due."""
        now_ns = self._clock.now_ns()
        well = [self._with_journal(self._take, signal, now_ns) for signal in self._client.poll()]
        well.append(self._with_journal(self._read, now_ns))
        self._read_decided(now_ns)
        well.append(self._with_journal(self._write_acknowledgements))
        well.append(self._with_journal(self._remind_guard, now_ns))
        if self._client.connected:
            self._send(now_ns)
        self._journal_failing = not all(well)

    def close(self) -> None:
        """Say that this is a clean end, not a loss. In the middle of a walk it is none, whoever ended us."""
        self.tick()
        under_way = self._states.get("walk", {}).get("state") in UNDER_WAY
        last = payloads.lost(self._device) if under_way else payloads.ended(self._device, self._boot)
        self._client.close(Message(topics.status(self._device), last, qos=1, retain=True))

    def _with_journal(self, action: Callable[..., None], *args: object) -> bool:
        """The journal's disk may fail; what is connected stays connected, and the next tick tries again."""
        try:
            action(*args)
        except JournalError as error:
            if not self._journal_failing:  # said once, not twenty times a second
                log.error("%s", error)
            self._journal_failing = True
            return False
        return True

    # What comes in

    def _take(self, signal: Signal, now_ns: int) -> None:
        match signal:
            case Connected(protocol):
                log.info("MQTT %s: connected", protocol)
                self._protocol = protocol
                self._retained.forget()
                self._heartbeat_ns, self._changed = None, True
                self._connected_ns = now_ns
                for command, qos in topics.COMMANDS.items():
                    self._client.subscribe(topics.command(self._device, command), qos)
                self._client.subscribe(topics.HOME_ASSISTANT_STATUS, 0)
            case Disconnected(reason):
                log.warning("MQTT: connection lost: %s", reason)
                self._heard = None
                self._outbox.disconnected(now_ns)
            case Delivered():
                self._delivered(signal, now_ns)
            case Received():
                self._received(signal, now_ns)

    def _delivered(self, answer: Delivered, now_ns: int) -> None:
        if not answer.ok:
            log.warning("MQTT: the broker refused %s: %s; check its access rules", answer.token, answer.reason)
        if "/" in answer.token:  # a topic, so a retained state
            if not answer.ok:
                self._retained.refused(answer.token, now_ns)
            return
        self._outbox.answered(answer.token, now_ns, taken=answer.ok)
        self._heard = answer.heard if answer.ok else False
        if answer.ok:
            self._journal.mark_sent(answer.token, self._utc())
            self._give_up()

    def _give_up(self) -> None:
        for event in self._outbox.expired():
            self._journal.mark_expired(event.id)
            self._outbox.remove(event.id)
            log.warning("nobody has accepted %s (%s %s); it is not told any more", event.id, event.type, event.phase)

    def _received(self, message: Received, now_ns: int) -> None:
        if message.topic == topics.HOME_ASSISTANT_STATUS:
            if message.payload == b"online":
                self._retained.forget(topics.discovery(self._device))
            return
        try:
            if message.retained:
                raise Refused("retained")  # a wish of the past, kept by mistake or on purpose
            word = parse(message.topic.removeprefix(topics.command(self._device, "")), message.payload)
            self._gate.admit(word, now_ns, self._today_ms())
            self._obey(word)
        except Refused as error:
            self.rejected[str(error)] += 1

    def _obey(self, word: Word) -> None:
        match word:
            case Wish(name):
                self._notify({"v": 1, "kind": "command", "name": name})
            case Settings(by, _, values):
                self._notify({"v": 1, "kind": "settings", "by": by, "values": dict(values)})
            case Accept(event_id, by):
                self._accept(event_id, by)
            case Ack(alarm, by, how):
                responder = Responder(by, how, self._utc())
                self._acknowledge(self._shown_alarm if alarm == THIS_ALARM else alarm, responder)

    def _accept(self, event_id: str, by: str) -> None:
        """The guard hears it first, for the journal's disk may fail; the service is asked again then."""
        waiting = self._outbox.event(event_id)
        if waiting is not None:
            self._tell_guard(waiting.alarm, "accepted", by, waiting.phase)
            if event_id in self._untaken:
                self._accepted.add(event_id)
                self._outbox.remove(event_id)
        event = self._journal.mark_accepted(event_id, by, self._utc())
        self._outbox.remove(event_id)
        if event is None and waiting is None:
            raise Refused("unknown id")
        if event is not None and waiting is None:
            self._tell_guard(event.alarm, "accepted", by, event.phase)

    def _acknowledge(self, alarm: str, responder: Responder) -> None:
        """A person says it once: the guard hears it at once, and the journal is asked until it has it."""
        known = bool(alarm) and (alarm == self._alarm_now() or self._outbox.knows_alarm(alarm))
        if not alarm or (not known and len(self._unwritten) >= UNWRITTEN_MAX):
            raise Refused("unknown alarm")
        if known:
            self._tell_guard(alarm, "acknowledged", responder.by)
        if len(self._unwritten) >= UNWRITTEN_MAX and (alarm, responder.by) not in self._unwritten:
            raise Refused("too many people")  # while the disk fails; the guard has heard it
        self._unwritten[alarm, responder.by] = responder, known

    def _write_acknowledgements(self) -> None:
        for (alarm, by), (responder, told) in list(self._unwritten.items()):
            known = self._journal.mark_acknowledged(alarm, by, responder.t, responder.how)
            del self._unwritten[alarm, by]
            if not known:
                self.rejected["unknown alarm"] += 1
                continue
            if not told:
                self._tell_guard(alarm, "acknowledged", by)
            self._outbox.acknowledged(alarm)
            self._changed = True
        if self._gate.numbers:
            self._journal.set_state({"senders": self._gate.numbers})

    def _remind_guard(self, now_ns: int) -> None:
        """Every word about the alarm that lasts, again: a datagram may be lost, and the guard may have started anew."""
        alarm = self._alarm_now()
        if self._states.get("alarm", {}).get("active") is not True or now_ns - self._reminded_ns < REMIND_NS:
            return
        self._reminded_ns = now_ns
        person = furthest([*self._waiting_responders(alarm), *self._journal.responders(alarm)])
        if person is not None:
            self._tell_guard(alarm, "acknowledged", person.by)
        for phase, by in self._journal.acceptances(alarm):
            self._tell_guard(alarm, "accepted", by, phase)

    def _waiting_responders(self, alarm: str) -> list[Responder]:
        """Whose word the journal could not take yet."""
        return [responder for (named, _), (responder, _) in self._unwritten.items() if named == alarm]

    def _tell_guard(self, alarm: str, state: str, by: str, phase: str = "") -> None:
        self._notify({"v": 1, "kind": "ack", "alarm": alarm, "state": state, "by": by, "phase": phase})

    def _alarm_now(self) -> str:
        return str(self._states.get("alarm", {}).get("alarm", ""))

    # What is new in the journal

    def _read(self, now_ns: int) -> None:
        if self._openings != self._journal.openings:  # another file, perhaps: what is known of the old one says nothing
            self._openings, self._version, self._last_seq = self._journal.openings, 0, 0
        self._version, states = self._journal.states(self._version)
        changed = {key: body for key, body in states.items() if self._states.get(key) != body}
        self._states.update(changed)
        if "health" in changed and self._started:  # what lay there at the start may be from yesterday
            self._guard_ns = now_ns
        if not self._started:
            self._gate.restore(self._states.get("senders", {}))
        if not self._started or (self._client.connected and now_ns - self._connected_ns >= CATCH_UP_NS):
            self._shown_alarm = self._alarm_now()
        fresh = self._journal.unaccepted(self._last_seq)
        self._last_seq = max((stored.seq for stored in fresh), default=self._last_seq)
        self._outbox.add(fresh, now_ns)
        self._started, self._changed = True, self._changed or bool(changed)
        if self._changed:
            self._boot, self._dropped = self._journal.boot(), self._journal.dropped()
            self._want_all()
            self._changed = False

    def _read_decided(self, now_ns: int) -> None:
        """What the journal does not take for a second is told from memory; once it is taken, its id is the same."""
        if now_ns - self._decided_ns < DECIDED_NS:
            return
        self._decided_ns, found = now_ns, self._decided()
        self._untaken = {each.event.id: self._untaken.get(each.event.id, now_ns) for each in found}
        self._accepted &= self._untaken.keys()
        late = [each for each in found if now_ns - self._untaken[each.event.id] >= UNTAKEN_NS]
        if late:
            self._with_journal(self._read_newest)
        boot, newest_seq = self._newest
        for seq, each in enumerate(late, newest_seq + 1):  # the numbers that the journal is about to give
            if each.event.id not in self._accepted:
                self._outbox.add([StoredEvent(seq, replace(each.event, boot=boot), 0, None)], now_ns)
        if late:
            self._states["alarm"] = dict(late[-1].alarm)
            self._want_state("alarm", payloads.alarm(self._device, self._boot, late[-1].alarm, []))

    def _read_newest(self) -> None:
        self._newest = max(self._newest, self._journal.newest())

    def _want_all(self) -> None:
        if self._protocol:
            self._retained.want(topics.status(self._device), payloads.birth(self._device, self._boot, self._protocol))
        alarm = self._alarm_now()
        people = self._journal.responders(alarm) if alarm else []
        self._want_state("alarm", payloads.alarm(self._device, self._boot, self._states.get("alarm"), people))
        if "walk" in self._states:
            self._want_state("walk", payloads.walk(self._device, self._boot, self._states["walk"]))
        self._retained.want(topics.discovery(self._device), encode(discovery(self._device, VERSION)))

    def _want_state(self, key: str, body: dict[str, Any]) -> None:
        self._retained.want(topics.state(self._device, key), encode(body))

    # What goes out

    def _send(self, now_ns: int) -> None:
        self._send_events(now_ns)
        for message in self._retained.due(now_ns):
            if not self._client.publish(message):
                return
            self._retained.published(message)
        self._send_heartbeat(now_ns)
        self._send_telemetry(now_ns)

    def _send_events(self, now_ns: int) -> None:
        for entry in self._outbox.due(now_ns):
            event = entry.stored.event
            text = payloads.event(entry.stored, self._age_s(entry, now_ns), minimal=entry.minimal)
            expiry_s = payloads.expiry_s(event.severity)
            message = Message(topics.event(self._device), text, qos=1, expiry_s=expiry_s, token=event.id)
            if not self._client.publish(message):
                return
            self._outbox.sending(event.id, now_ns)

    def _age_s(self, entry: Entry, now_ns: int) -> float | None:
        """How long ago it happened. None: in an earlier run, whose clock may have been another."""
        event = entry.stored.event
        age_s = now_ns / 1e9 - event.mono_ms / 1000
        return round(age_s, 1) if event.boot == self._boot and age_s >= 0 else None

    def _send_heartbeat(self, now_ns: int) -> None:
        since_ns = HEARTBEAT_NS if self._heartbeat_ns is None else now_ns - self._heartbeat_ns
        if since_ns < CHANGED_HEARTBEAT_NS:
            return
        body = self._health(now_ns)
        said = payloads.gist(body)
        if since_ns < HEARTBEAT_NS and said == self._heartbeat_said:
            return
        if self._client.publish(Message(topics.state(self._device, "health"), encode(body), retain=True)):
            self._heartbeat_ns, self._heartbeat_said = now_ns, said

    def _health(self, now_ns: int) -> dict[str, Any]:
        guard_age_s = None if self._guard_ns is None else (now_ns - self._guard_ns) / 1e9
        oldest_s = round(self._outbox.oldest_s(now_ns), 1)
        said = {
            "t": self._utc(),
            "outbox": {"depth": self._outbox.depth, "oldest_s": oldest_s, "heard": self._heard},
            "rejected": self.rejected.total(),
            "rotten": self._journal.rotten_rows,
            "dropped": self._dropped,
            "version": VERSION,
        }
        states = self._states
        told = states.get("health"), guard_age_s, said, states.get("power"), self._client.warning
        return payloads.health(self._device, self._boot, *told)

    def _send_telemetry(self, now_ns: int) -> None:
        body = self._states.get("telemetry")
        if body is None or body is self._telemetry_said or body.get("state") not in MOVING or self._guard_ns is None:
            return
        if self._telemetry_ns is None or now_ns - self._telemetry_ns >= TELEMETRY_NS:
            self._telemetry_ns, self._telemetry_said = now_ns, body
            message = payloads.telemetry(self._device, self._boot, body)
            self._client.publish(Message(topics.telemetry(self._device), encode(message)))
