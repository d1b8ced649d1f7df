"""The link on a broker in memory, under simulated time."""

import json
from typing import Any

from support.events import DEVICE, made_id

from firmware.decided import Decided
from firmware.errors import JournalError
from firmware.journal import Journal
from firmware.link import topics
from firmware.link.client import Message
from firmware.link.ledger import Ledger
from firmware.link.link import Link
from firmware.link.memory import MemoryBroker, MemoryClient
from hal.sim.clock import SimClock

PARTS = {"imu": {"ok": True, "age_s": 0.0, "reason": ""}}


class Bench:
    """A link, its journal and its broker; `run` lets time pass as the link's process does.

    `hangs`: the journal's thread is waiting for its disk, and takes no turn.
    """

    def __init__(self, journal: Journal, protocol: str = "5") -> None:
        self.journal, self.clock, self.broker = journal, SimClock(), MemoryBroker(protocol)
        self.client = MemoryClient(self.broker, DEVICE)
        self.to_guard: list[dict[str, object]] = []
        self.decided: list[Decided] = []
        self.today_ms: int | None = None
        self.hangs = False
        self.link = self.new_link()

    def new_link(self) -> Link:
        self.ledger = Ledger(self.journal, self.clock)
        return Link(
            self.ledger,
            self.client,
            self.to_guard.append,
            self.clock,
            utc=lambda: "2026-01-01T00:00:00Z",
            decided=lambda: self.decided,
            today_ms=lambda: self.today_ms,
        )

    def restart(self) -> None:
        """The link's process is killed and starts again."""
        self.client.vanish()
        self.client = MemoryClient(self.broker, DEVICE)
        self.link = self.new_link()

    def run(self, seconds: float = 0.1) -> None:
        for _ in range(round(seconds / 0.05)):
            if not self.hangs:
                self.ledger.turn()
            self.link.tick()
            self.clock.sleep(0.05)
        if not self.hangs:
            self.ledger.turn()

    def guard_lives(self, **parts: dict[str, object]) -> None:
        """The guard's heartbeat."""
        self.journal.set_state({"health": {"t_ns": self.clock.now_ns(), "kind": "health", "parts": {**PARTS, **parts}}})

    def command(self, name: str, body: object, *, retain: bool = False) -> None:
        payload = body if isinstance(body, str) else json.dumps(body)
        self.broker.publish(Message(topics.command(DEVICE, name), payload, qos=1, retain=retain))

    def said(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(message.payload) for message in self.broker.log if message.topic == topic]

    def events(self) -> list[dict[str, Any]]:
        return self.said(topics.event(DEVICE))

    def kept(self, topic: str) -> dict[str, Any]:
        """What the broker would tell whoever comes now."""
        body: dict[str, Any] = json.loads(self.broker.retained[topic])
        return body


def ack_word(state: str, by: str, phase: str = "") -> dict[str, object]:
    return {"v": 1, "kind": "ack", "alarm": made_id(1), "state": state, "by": by, "phase": phase}


def broken(journal: Journal, *_: object) -> None:
    raise JournalError("journal: no space")
