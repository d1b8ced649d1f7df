"""What the link asks of an MQTT client, and what it hears from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """Something to publish. `token`, when not empty, comes back in `Delivered`."""

    topic: str
    payload: str
    qos: int = 0
    retain: bool = False
    expiry_s: int | None = None  # MQTT 5 only: a 3.1.1 broker keeps it
    token: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """A broker has let us in; subscriptions have to be made again. `protocol` is "5" or "3.1.1"."""

    protocol: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The broker is gone; what was not confirmed may or may not have arrived."""

    reason: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """The broker has answered for a QoS 1 message: taken, or refused (`ok` False; 3.1.1 cannot say so).

    `heard` is False when the broker had nobody to give it to; None when it cannot say (3.1.1).
    """

    token: str
    ok: bool
    reason: str
    heard: bool | None = None
    too_large: bool = False  # for this broker: it was not sent at all


@dataclass(frozen=True, slots=True)
class Received:
    """A message for us. `retained`: it is old, the broker kept it."""

    topic: str
    payload: bytes
    retained: bool


Signal = Connected | Disconnected | Delivered | Received


class Client(Protocol):
    """Connects by itself, again and again. No method waits for the network but `close`."""

    @property
    def device(self) -> str:
        """The device that it speaks for: its topics, its certificate's name."""
        ...

    @property
    def connected(self) -> bool: ...

    @property
    def dropped(self) -> int:
        """How many messages to us were too large or too many."""
        ...

    @property
    def warning(self) -> str:
        """What will keep it from connecting one day, such as a certificate that ends; empty when nothing does."""
        ...

    def poll(self) -> Sequence[Signal]:
        """What has happened since the last call, in order."""
        ...

    def subscribe(self, topic: str, qos: int = 1) -> None: ...

    def publish(self, message: Message) -> bool:
        """False: not connected or too much under way, and nothing was kept."""
        ...

    def close(self, farewell: Message | None = None) -> None:
        """Publish the last word, wait a second at most for the broker to have it, and end the connection."""
        ...
