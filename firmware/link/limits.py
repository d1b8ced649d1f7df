"""What a broker takes, as it says when it lets us in (MQTT 5, section 3.2.2.3). Whoever sends more is thrown out.

One that takes no QoS 1, or retains nothing, does not let us in: our last will wants both.
"""

from dataclasses import dataclass

from paho.mqtt.properties import Properties

from firmware.link.client import Message

OVERHEAD_BYTES = 100  # of a publication besides its topic and payload: header, packet number, properties


@dataclass(frozen=True, slots=True)
class Limits:
    """None: the broker names none. `under_way`: unanswered publications of QoS 1."""

    under_way: int | None = None
    most_bytes: int | None = None

    @classmethod
    def told(cls, properties: Properties | None) -> "Limits":
        """By a CONNACK; 3.1.1 tells nothing."""
        return cls(getattr(properties, "ReceiveMaximum", None), getattr(properties, "MaximumPacketSize", None))

    def room(self, most: int) -> int:
        """How many may be under way, at most `most`."""
        return most if self.under_way is None else max(1, min(most, self.under_way))

    def takes(self, message: Message) -> bool:
        size = len(message.topic.encode()) + len(message.payload.encode()) + OVERHEAD_BYTES
        return self.most_bytes is None or size <= self.most_bytes
