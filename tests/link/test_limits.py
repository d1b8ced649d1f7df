"""What a broker says that it takes is kept, for it throws out whoever sends more."""

import contextlib
from pathlib import Path

import pytest
from support.events import DEVICE
from support.mosquitto import Mosquitto
from support.waiting import eventually

from firmware.link import topics
from firmware.link.client import Connected, Delivered, Disconnected, Message, Signal
from firmware.link.config import MqttConfig
from firmware.link.limits import Limits
from firmware.link.mqtt import MqttClient

EVENT = topics.event(DEVICE)


def test_a_broker_that_says_nothing_takes_what_we_send() -> None:
    limits, large = Limits.told(None), Message(EVENT, "x" * 100_000, qos=1, retain=True)
    assert (limits.room(60), limits.takes(large)) == (60, True)


def test_a_publication_counts_with_its_topic_and_what_goes_with_it() -> None:
    limits = Limits(most_bytes=500)
    most = 500 - 100 - len(EVENT)
    assert limits.takes(Message(EVENT, "x" * most))
    assert not limits.takes(Message(EVENT, "x" * (most + 1)))
    assert not limits.takes(Message(EVENT, "é" * (most // 2 + 1)))


def test_room_is_the_smaller_of_both_and_never_none() -> None:
    assert [Limits(under_way=of).room(60) for of in (None, 0, 5, 1000)] == [60, 1, 5, 60]


class Talk:
    """A client of a broker with limits of its own, and every signal that it got."""

    def __init__(self, broker: Mosquitto) -> None:
        self.client = MqttClient(MqttConfig(port=broker.port), DEVICE)
        self.signals: list[Signal] = []
        eventually(lambda: self.has(Connected), what="connected")

    def has(self, kind: type[Signal]) -> bool:
        self.signals += self.client.poll()
        return any(isinstance(signal, kind) for signal in self.signals)

    def answers(self) -> dict[str, Delivered]:
        self.signals += self.client.poll()
        return {signal.token: signal for signal in self.signals if isinstance(signal, Delivered)}


@pytest.mark.broker
def test_no_more_are_under_way_than_the_broker_takes_and_all_arrive(tmp_path: Path) -> None:
    extra = "allow_anonymous true\nmax_inflight_messages 3\n"
    with Mosquitto(tmp_path, extra) as broker:
        talk = Talk(broker)
        with contextlib.closing(talk.client):
            waiting = [str(number) for number in range(200)]

            def pushed() -> bool:
                while waiting and talk.client.publish(Message(EVENT, "{}", qos=1, token=waiting[0])):
                    del waiting[0]
                assert len(talk.client._tokens) <= 3
                return len(talk.answers()) == 200

            eventually(pushed, what="everything is answered")
            assert not talk.has(Disconnected)


@pytest.mark.broker
def test_what_an_earlier_connection_left_under_way_counts_in_the_next(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, "allow_anonymous true\nmax_inflight_messages 3\n") as broker:
        talk = Talk(broker)
        with contextlib.closing(talk.client):
            for number in range(3):
                assert talk.client.publish(Message(EVENT, "{}", qos=1, token=str(number)))
            broker.stop()
            eventually(lambda: talk.has(Disconnected), what="disconnected")
            left = len(talk.client._tokens)
            talk.signals.clear()
            broker.start()
            eventually(lambda: talk.has(Connected), what="connected again")
            taken = sum(talk.client.publish(Message(EVENT, "{}", qos=1, token="new")) for _ in range(10))
            assert taken <= 3
            eventually(lambda: "new" in talk.answers(), what="the new ones are answered")
            assert not talk.has(Disconnected)
            assert left <= 3


@pytest.mark.broker
def test_what_is_too_large_for_a_broker_is_answered_and_not_sent(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, "allow_anonymous true\nmax_packet_size 1000\n") as broker:
        talk = Talk(broker)
        with contextlib.closing(talk.client):
            assert talk.client.publish(Message(EVENT, "x" * 1000, qos=1, token="large"))
            assert talk.client.publish(Message(EVENT, "x" * 500, qos=1, token="small"))
            eventually(lambda: len(talk.answers()) == 2, what="both are answered")
            large, small = talk.answers()["large"], talk.answers()["small"]
            assert (large.ok, large.too_large, small.ok) == (False, True, True)
            assert not talk.has(Disconnected)
