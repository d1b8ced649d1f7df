"""Takes back what a broker keeps of a device: an empty retained message removes the one before it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from firmware.link.client import Delivered, Disconnected, Message, Signal

TURN_S = 0.1
NO_ANSWER = "the broker was not reached"


class Line(Protocol):
    """A connection that is kept up; `firmware.link.mqtt.Connection` is one."""

    def poll(self) -> Sequence[Signal]: ...

    def publish(self, message: Message) -> bool: ...

    def wait(self, timeout_s: float) -> bool: ...


def clear(line: Line, topics: Sequence[str], patience_s: float, now_s: Callable[[], float]) -> dict[str, str]:
    """Clear each topic, and return those of which the broker has not said that they are, with the reason.

    A broker that speaks only MQTT 3.1.1 cannot say that it refuses.
    """
    left = dict.fromkeys(topics, NO_ANSWER)
    waiting, unsent = set(topics), list(topics)
    deadline_s = now_s() + patience_s
    while waiting and now_s() < deadline_s:
        for signal in line.poll():
            if isinstance(signal, Disconnected):
                unsent = [topic for topic in topics if topic in waiting]
            elif isinstance(signal, Delivered) and signal.token in waiting:
                waiting.discard(signal.token)
                if signal.ok:
                    del left[signal.token]
                else:
                    left[signal.token] = f"the broker refuses it: {signal.reason}"
        unsent = [topic for topic in unsent if not line.publish(Message(topic, "", qos=1, retain=True, token=topic))]
        if waiting:
            line.wait(TURN_S)
    return left
