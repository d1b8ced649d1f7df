"""The link: tells what the journal holds until somebody has it, and brings back who does."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from firmware.decided import Decided
from firmware.journal import Journal
from firmware.link import payloads, topics
from firmware.link.answers import Answers
from firmware.link.client import Client, Connected, Delivered, Disconnected, Message, Received, Signal
from firmware.link.discovery import discovery
from firmware.link.gate import Gate
from firmware.link.inbound import THIS_ALARM, Accept, Ack, Refused, Settings, Wish, Word, parse
from firmware.link.ledger import Found, Ledger
from firmware.link.outbox import Entry, Outbox
from firmware.link.retained import Retained
from firmware.link.untaken import Untaken
from firmware.plain_json import encode
from firmware.version import VERSION
from hal.clock import Clock

TURN_S = 0.05  # how often `tick` is to be called
HEARTBEAT_NS = 10_000_000_000  # and at once, but not twice a second, where it says something else
CHANGED_HEARTBEAT_NS = 1_000_000_000
TELEMETRY_NS = 1_000_000_000
REMIND_NS = 5_000_000_000  # the guard's socket loses what it has no room for
CATCH_UP_NS = 1_000_000_000  # by then a broker has handed out what it kept for us
START_NS = 2_000_000_000  # so long the first word from outside waits for what the journal knows of earlier ones
DECIDED_NS = 500_000_000  # so often the run directory is looked at
MOVING = ("walking", "paused")
UNDER_WAY = ("ready", *MOVING)

log = logging.getLogger("rearguard.link")


def _expiry(event_id: str) -> Callable[[Journal], None]:
    return lambda journal: journal.mark_expired(event_id)


def utc_now() -> str:
    """RFC 3339 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Link:
    """`tick` every 50 ms does everything; it waits neither for the network nor for a disk, and never raises for what
    comes from there.

    `notify_guard` gets {"v": 1, "kind": "ack", "alarm", "state", "by", "phase"}, again every 5 s while the alarm lasts,
    or {"v": 1, "kind": "command", "name"}. `phase` is that of the accepted event, empty for a person's word.
    """

    def __init__(
        self,
        ledger: Ledger,
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
        self._ledger, self._client, self._notify, self._clock, self._utc = ledger, client, notify_guard, clock, utc
        self._device, self._decided, self._decided_ns = client.device, decided, 0
        self._began_ns, self._today_ms = clock.now_ns(), today_ms
        self._outbox, self._retained, self._gate, self._untaken = Outbox(), Retained(), Gate(), Untaken()
        self.rejected: Counter[str] = Counter()
        self._answers = Answers(ledger, self._outbox, self._untaken, notify_guard, utc, self.rejected)
        self._states: dict[str, dict[str, Any]] = {}
        self._boot = self._dropped = self._rotten = self._damaged = 0
        self._shown_alarm = ""  # what whoever presses a button can have seen
        self._connected_ns = self._reminded_ns = 0
        self._protocol = ""
        self._heard: bool | None = None
        self._guard_ns: int | None = None
        self._heartbeat_ns: int | None = None
        self._heartbeat_said: object = None
        self._telemetry_ns: int | None = None
        self._telemetry_said: dict[str, Any] | None = None
        self._started = False  # whether the journal has ever been read
        self._changed = True

    def tick(self) -> None:
        """Hear what came, take what is new, tell the guard and the world what is due."""
        now_ns = self._clock.now_ns()
        for outcome in self._ledger.take():
            if isinstance(outcome, Found):
                self._learn(outcome, now_ns)
            else:
                outcome()
        ready = self._started or now_ns - self._began_ns >= START_NS
        for signal in self._client.poll() if ready else ():
            self._take(signal, now_ns)
        self._read_decided(now_ns)
        if self._client.connected and now_ns - self._connected_ns >= CATCH_UP_NS:
            self._shown_alarm = self._alarm_now()
        self._remind_guard(now_ns)
        if (self._changed or self._answers.changed) and ready:
            self._want_all()
        self._ledger.alarm = self._alarm_now()
        if self._started and self._gate.numbers:  # before, those that it holds are not known
            self._ledger.kept = {"senders": self._gate.numbers}
        if self._client.connected:
            self._send(now_ns)

    def close(self) -> None:
        """Say that this is a clean end, not a loss. In the middle of a walk it is none, whoever ended us."""
        self.tick()
        under_way = self._states.get("walk", {}).get("state") in UNDER_WAY
        last = payloads.lost(self._device) if under_way else payloads.ended(self._device, self._boot)
        self._client.close(Message(topics.status(self._device), last, qos=1, retain=True))

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
            advice = "" if answer.too_large else "; check its access rules"
            log.warning("MQTT: the broker refused %s: %s%s", answer.token, answer.reason, advice)
        if "/" in answer.token:  # a topic, so a retained state
            if not answer.ok:
                self._retained.refused(answer.token, now_ns)
            return
        if answer.too_large:
            self._outbox.too_large(answer.token, now_ns)
            return
        self._outbox.answered(answer.token, now_ns, taken=answer.ok)
        self._heard = answer.heard if answer.ok else False
        if answer.ok:
            event_id, t = answer.token, self._utc()
            self._ledger.put(("sent", event_id), lambda journal: journal.mark_sent(event_id, t))
            self._give_up()

    def _give_up(self) -> None:
        for event in self._outbox.expired():
            self._ledger.put(("expired", event.id), _expiry(event.id))
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
                self._answers.accept(event_id, by)
            case Ack(alarm, by, how):
                self._answers.acknowledge(self._shown_alarm if alarm == THIS_ALARM else alarm, by, how)

    def _remind_guard(self, now_ns: int) -> None:
        """While the alarm lasts."""
        if self._states.get("alarm", {}).get("active") is True and now_ns - self._reminded_ns >= REMIND_NS:
            self._reminded_ns = now_ns
            self._answers.remind_guard()

    def _alarm_now(self) -> str:
        return str(self._states.get("alarm", {}).get("alarm", ""))

    # What is new in the journal, and beside it

    def _learn(self, found: Found, now_ns: int) -> None:
        self._untaken.number_after(found.boot, found.seq)
        self._boot, self._dropped, self._rotten, self._damaged = found.boot, found.dropped, found.rotten, found.damaged
        self._states.update(found.states)
        self._changed = self._changed or bool(found.states) or not self._started
        if not self._started:  # what lay there at the start may be from yesterday, and was shown
            self._started = True
            self._gate.restore(self._states.get("senders", {}))
            self._shown_alarm = self._alarm_now()
        elif "health" in found.states:
            self._guard_ns = now_ns
        if "alarm" in found.states:
            self._decided_ns = 0  # what the guard could not write may be newer: it is looked at before anything is said
        self._answers.follow(self._alarm_now())
        self._answers.learn(found)
        self._outbox.add(self._answers.unaccepted(found.events), now_ns)

    def _read_decided(self, now_ns: int) -> None:
        """What the journal does not take for a second is told from memory; once it is taken, its id is the same."""
        if now_ns - self._decided_ns < DECIDED_NS:
            return
        self._decided_ns = now_ns
        late = self._untaken.late(self._decided(), now_ns)
        self._outbox.add(self._answers.unaccepted(late), now_ns)
        if self._untaken.alarm is not None and self._untaken.alarm != self._states.get("alarm"):
            self._states["alarm"] = dict(self._untaken.alarm)
            self._answers.follow(self._alarm_now())
            self._changed = True

    def _want_all(self) -> None:
        self._changed = self._answers.changed = False
        if self._protocol:
            self._retained.want(topics.status(self._device), payloads.birth(self._device, self._boot, self._protocol))
        if self._started or "alarm" in self._states:  # else what the broker keeps of the alarm may well be true
            alarm = payloads.alarm(self._device, self._boot, self._states.get("alarm"), self._answers.people())
            self._want_state("alarm", alarm)
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
        of_now = event.boot == self._boot or event.id in self._untaken
        return round(age_s, 1) if of_now and age_s >= 0 else None

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
            "rejected": self.rejected.total() + self._client.dropped,
            "rotten": self._rotten,
            "damaged": self._damaged,
            "dropped": self._dropped,
            "version": VERSION,
        }
        states = self._states
        troubles = {"certificate": self._client.warning, "journal": self._ledger.trouble(now_ns)}
        told = states.get("health"), guard_age_s, said, states.get("power"), troubles
        return payloads.health(self._device, self._boot, *told)

    def _send_telemetry(self, now_ns: int) -> None:
        body = self._states.get("telemetry")
        if body is None or body is self._telemetry_said or body.get("state") not in MOVING or self._guard_ns is None:
            return
        if self._telemetry_ns is None or now_ns - self._telemetry_ns >= TELEMETRY_NS:
            self._telemetry_ns, self._telemetry_said = now_ns, body
            message = payloads.telemetry(self._device, self._boot, body)
            self._client.publish(Message(topics.telemetry(self._device), encode(message)))
