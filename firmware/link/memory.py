"""A broker, a client and a caregiver without a network, for simulated time: deterministic, one thread."""

import json
from collections import deque
from collections.abc import Callable
from typing import Any

from firmware.link import payloads, topics
from firmware.link.client import Connected, Delivered, Disconnected, Message, Received, Signal

Deliver = Callable[[str, bytes, bool], None]


def matches(pattern: str, topic: str) -> bool:
    """Whether an MQTT topic filter covers a topic."""
    wanted, found = pattern.split("/"), topic.split("/")
    for index, part in enumerate(wanted):
        if part == "#":
            return True
        if index >= len(found) or part not in ("+", found[index]):
            return False
    return len(wanted) == len(found)


class MemoryBroker:
    """Delivers at once. `online` False: nobody gets through, and clients notice at their next poll.

    `refused` are topic filters that nobody may write to; `mute` swallows every answer; `log` is all that was published.
    """

    def __init__(self, protocol: str = "5") -> None:
        self.protocol = protocol
        self.online = True
        self.mute = False
        self.refused: list[str] = []
        self.retained: dict[str, str] = {}
        self.log: list[Message] = []
        self._subscriptions: list[tuple[object, str, Deliver]] = []

    def subscribe(self, owner: object, pattern: str, deliver: Deliver) -> None:
        """Deliver what matches from now on, and what is retained at once."""
        self._subscriptions.append((owner, pattern, deliver))
        for topic, payload in list(self.retained.items()):
            if matches(pattern, topic):
                deliver(topic, payload.encode(), True)

    def unsubscribe(self, owner: object) -> None:
        self._subscriptions = [item for item in self._subscriptions if item[0] is not owner]

    def publish(self, message: Message) -> Delivered:
        if any(matches(pattern, message.topic) for pattern in self.refused):
            # 3.1.1 has no word for a refusal: it says "taken" and drops the message
            told = self.protocol == "5"
            return Delivered(message.token, not told, "Not authorized" if told else "Success", None)
        self.log.append(message)
        if message.retain:
            self.retained[message.topic] = message.payload
        hearers = [deliver for _, pattern, deliver in self._subscriptions if matches(pattern, message.topic)]
        for deliver in hearers:
            deliver(message.topic, message.payload.encode(), False)
        heard = bool(hearers) if self.protocol == "5" else None
        return Delivered(message.token, True, "Success", heard)


class MemoryClient:
    """The link's client on a MemoryBroker."""

    def __init__(self, broker: MemoryBroker, device: str) -> None:
        self.device = device
        self.warning = ""
        self.dropped = 0
        self._broker = broker
        self._signals: deque[Signal] = deque()
        self._connected = self._closed = False

    @property
    def connected(self) -> bool:
        return self._connected and self._broker.online

    def poll(self) -> list[Signal]:
        if self._connected and not self._broker.online:
            self._connected = False
            self._broker.unsubscribe(self)
            self._signals.append(Disconnected("the broker is gone"))
        elif not self._connected and self._broker.online and not self._closed:
            self._connected = True
            self._signals.append(Connected(self._broker.protocol))
        signals, self._signals = list(self._signals), deque()
        return signals

    def subscribe(self, topic: str, qos: int = 1) -> None:
        self._broker.subscribe(self, topic, self._receive)

    def publish(self, message: Message) -> bool:
        if not self.connected:
            return False
        answer = self._broker.publish(message)
        if message.token and message.qos and not self._broker.mute:
            self._signals.append(answer)
        return True

    def close(self, farewell: Message | None = None) -> None:
        if farewell is not None:
            self.publish(farewell)
        self._broker.unsubscribe(self)
        self._connected, self._closed = False, True

    def vanish(self) -> None:
        """The device dies: its last will is heard."""
        self.close(Message(topics.status(self.device), payloads.lost(self.device), qos=1, retain=True))

    def _receive(self, topic: str, payload: bytes, retained: bool) -> None:
        self._signals.append(Received(topic, payload, retained))


class MemoryCaregiver:
    """What the caregiver's first client does: accepts every event, and keeps each word once."""

    def __init__(self, broker: MemoryBroker, name: str = "caregiver") -> None:
        self.words: list[dict[str, Any]] = []
        self._broker, self._name = broker, name
        self._events: set[str] = set()
        for pattern in (topics.status("+"), topics.state("+", "+"), topics.event("+")):
            broker.subscribe(self, pattern, self._take)

    def command(self, device: str, name: str, body: dict[str, object]) -> None:
        self._broker.publish(Message(topics.command(device, name), json.dumps(body), qos=1))

    def _take(self, topic: str, payload: bytes, retained: bool) -> None:
        body = json.loads(payload)
        kind = topic.rpartition("/")[2]
        if kind != "event" or body["id"] not in self._events:
            self.words.append({"kind": kind, "dev": body["dev"], "body": body})
        if kind == "event":
            self._events.add(body["id"])
            self.command(body["dev"], "accept", {"id": body["id"], "by": self._name})
