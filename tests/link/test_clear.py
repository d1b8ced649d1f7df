"""What a broker keeps of a device is taken back, all of it, or it is said what is left."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.events import DEVICE
from support.mosquitto import Mosquitto
from support.waiting import eventually

from firmware.config import Config
from firmware.journal import Journal
from firmware.link import topics
from firmware.link.clear import NO_ANSWER, clear
from firmware.link.client import Connected, Message, Received
from firmware.link.config import MqttConfig
from firmware.link.ledger import Ledger
from firmware.link.link import Link
from firmware.link.memory import MemoryBroker, MemoryClient
from firmware.link.mqtt import Connection, MqttClient
from firmware.virtual import DEVICE as VIRTUAL
from firmware.virtual import VirtualDevice
from hal.clock import MonotonicClock
from hal.sim.world.scenarios import scenario

PATIENCE_S = 5.0


class MemoryLine(MemoryClient):
    """Waiting lets simulated time pass; after 2 s of it the broker comes back, if it is to."""

    def __init__(self, broker: MemoryBroker, *, comes_back: bool = False) -> None:
        super().__init__(broker, DEVICE)
        self.now_s, self._at, self._comes_back = 0.0, broker, comes_back

    def wait(self, timeout_s: float) -> bool:
        self.now_s += timeout_s
        if self.now_s > 2.0 and self._comes_back:
            self._at.online = True
        return False


@pytest.fixture
def broker() -> MemoryBroker:
    """One that keeps everything of two devices."""
    broker = MemoryBroker()
    for device in (DEVICE, "rg-99999999"):
        for topic in topics.retained(device):
            broker.publish(Message(topic, "something", qos=1, retain=True))
    return broker


def left(broker: MemoryBroker) -> set[str]:
    return {topic for topic, payload in broker.retained.items() if payload}


def test_everything_that_a_device_leaves_at_a_broker_is_known(tmp_path: Path) -> None:
    """A whole walk with a fall, to its end: nothing else may be retained."""
    broker = MemoryBroker()
    world = scenario("fall")
    device = VirtualDevice(Config(), world, tmp_path, broker=broker)
    device.run_until(world.duration_s)
    device.end()
    assert left(broker) == set(topics.retained(VIRTUAL))


def test_everything_of_this_device_is_cleared_and_nothing_of_another(broker: MemoryBroker) -> None:
    line = MemoryLine(broker)
    assert clear(line, topics.retained(DEVICE), PATIENCE_S, lambda: line.now_s) == {}
    assert left(broker) == set(topics.retained("rg-99999999"))


def test_a_broker_that_is_away_is_waited_for_and_then_everything_is_said_to_be_left(broker: MemoryBroker) -> None:
    broker.online = False
    line = MemoryLine(broker)
    found = clear(line, topics.retained(DEVICE), PATIENCE_S, lambda: line.now_s)
    assert found == dict.fromkeys(topics.retained(DEVICE), NO_ANSWER)
    assert PATIENCE_S <= line.now_s < PATIENCE_S + 1.0


def test_a_broker_that_comes_back_in_time_is_cleared(broker: MemoryBroker) -> None:
    broker.online = False
    line = MemoryLine(broker, comes_back=True)
    assert clear(line, topics.retained(DEVICE), PATIENCE_S, lambda: line.now_s) == {}


def test_a_topic_that_the_broker_refuses_is_named_at_once_with_its_reason(broker: MemoryBroker) -> None:
    discovery = topics.discovery(DEVICE)
    broker.refused = [discovery]
    line = MemoryLine(broker)
    found = clear(line, topics.retained(DEVICE), PATIENCE_S, lambda: line.now_s)
    assert found == {discovery: "the broker refuses it: Not authorized"}
    assert line.now_s < PATIENCE_S


def test_a_broker_that_never_answers_has_cleared_nothing_for_certain(broker: MemoryBroker) -> None:
    broker.mute = True
    line = MemoryLine(broker)
    assert set(clear(line, topics.retained(DEVICE), PATIENCE_S, lambda: line.now_s)) == set(topics.retained(DEVICE))


def test_what_a_broker_took_and_lost_before_it_answered_is_sent_again(broker: MemoryBroker) -> None:
    class Restarted(MemoryLine):
        def wait(self, timeout_s: float) -> bool:
            broker.online, broker.mute = self.now_s > 1.0, self.now_s <= 0.5
            return super().wait(timeout_s)

    broker.mute = True
    line = Restarted(broker)
    assert clear(line, topics.retained(DEVICE), PATIENCE_S, lambda: line.now_s) == {}


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


def retained_at(mosquitto: Mosquitto) -> set[str]:
    """What a client that comes now is told, until it is told what is published now."""
    connection, found = Connection(MqttConfig(port=mosquitto.port), "later", max_bytes=100_000), set[str]()

    def heard() -> bool:
        for signal in connection.poll():
            if isinstance(signal, Connected):
                connection.subscribe("#")
                connection.publish(Message("now", "now", qos=1))
            elif isinstance(signal, Received):
                found.add(signal.topic)
        return "now" in found

    eventually(heard, what="the broker tells what it keeps")
    connection.close()
    return found - {"now"}


@pytest.mark.broker
def test_a_real_broker_keeps_nothing_of_a_device_that_was_there(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = MqttConfig(port=mosquitto.port)
    with contextlib.closing(Journal(tmp_path / "journal.db")) as journal:
        journal.next_boot()
        journal.set_state({"walk": {"state": "walking", "steps": 3}})
        client = MqttClient(config, DEVICE)
        ledger = Ledger(journal, MonotonicClock())
        link = Link(ledger, client, lambda body: None, MonotonicClock())
        ledger.turn()
        eventually(lambda: (link.tick(), client.connected)[1], what="the link is connected")
        link.tick()
        link.close()
    assert retained_at(mosquitto) == set(topics.retained(DEVICE))
    connection = Connection(config, DEVICE)
    assert clear(connection, topics.retained(DEVICE), 15.0, time.monotonic) == {}
    connection.close()
    assert retained_at(mosquitto) == set()
