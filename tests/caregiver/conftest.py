"""The caregiver's client without a broker."""

from collections.abc import Iterable

import pytest

from firmware.link.client import Message, Signal


class ScriptedConnection:
    """Gives `signals` at the next poll and keeps what is asked of it."""

    def __init__(self) -> None:
        self.signals: list[Signal] = []
        self.published: list[Message] = []
        self.subscribed: list[tuple[str, int]] = []
        self.connected = True

    def poll(self) -> Iterable[Signal]:
        signals, self.signals = self.signals, []
        return signals

    def subscribe(self, topic: str, qos: int = 1) -> None:
        self.subscribed.append((topic, qos))

    def publish(self, message: Message) -> bool:
        if self.connected:
            self.published.append(message)
        return self.connected


@pytest.fixture
def connection() -> ScriptedConnection:
    return ScriptedConnection()
