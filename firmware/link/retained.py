"""What the broker should be holding for whoever comes later. Pure: time is handed in."""

from firmware.link.client import Message

REFUSED_AGAIN_S = 60.0


class Retained:
    """Keeps the truth for each topic, and knows which of it the broker does not have yet."""

    def __init__(self) -> None:
        self._wanted: dict[str, Message] = {}
        self._published: dict[str, str] = {}
        self._not_before_ns: dict[str, int] = {}

    def want(self, topic: str, payload: str) -> None:
        self._wanted[topic] = Message(topic, payload, qos=1, retain=True, token=topic)

    def due(self, now_ns: int) -> list[Message]:
        return [
            message
            for topic, message in self._wanted.items()
            if self._published.get(topic) != message.payload and self._not_before_ns.get(topic, now_ns) <= now_ns
        ]

    def published(self, message: Message) -> None:
        self._published[message.topic] = message.payload

    def refused(self, topic: str, now_ns: int) -> None:
        """The broker does not want it: asked again in a minute, not twenty times a second."""
        if self._published.pop(topic, None) is not None:
            self._not_before_ns[topic] = now_ns + round(REFUSED_AGAIN_S * 1e9)

    def forget(self, topic: str | None = None) -> None:
        """Publish `topic` again, or everything: after a new connection nothing is sure."""
        for known in (self._published, self._not_before_ns):
            if topic is None:
                known.clear()
            else:
                known.pop(topic, None)
