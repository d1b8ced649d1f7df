"""What goes over the wire besides the words themselves: how long a broker may keep them, and what it says for us."""

import contextlib
import json
import logging
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from support.events import DEVICE, an_event
from support.link_bench import Bench
from support.mosquitto import Mosquitto
from support.mute import Mute
from support.waiting import eventually

from firmware.link import topics
from firmware.link.client import Connected, Disconnected, Message, Signal
from firmware.link.config import MqttConfig
from firmware.link.mqtt import MqttClient

EVENT = topics.event(DEVICE)
WILL, WILL_QOS_1, WILL_RETAIN = 0x04, 0x08, 0x20  # bits of the connect flags: MQTT 5, section 3.1.2.3
SESSION_EXPIRY_OF_AN_HOUR = bytes([0x11, 0, 0, 0x0E, 0x10])  # section 3.1.2.11.2


@pytest.fixture
def mute() -> Iterator[Mute]:
    with contextlib.closing(Mute()) as running:
        yield running


def until(client: MqttClient, wanted: type[Signal]) -> Signal:
    found: list[Signal] = []
    eventually(lambda: found.extend(s for s in client.poll() if isinstance(s, wanted)) or found, what=wanted.__name__)
    return found[0]


def test_the_link_lets_a_broker_keep_an_alarm_for_a_day_and_a_warning_for_an_hour(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.journal.append(an_event(2, type="fault", severity="warning"))
    bench.run(1)
    expiry_s = {json.loads(m.payload)["type"]: m.expiry_s for m in bench.broker.log if m.topic == EVENT}
    assert expiry_s == {"fall": 24 * 3600, "fault": 3600}


@pytest.mark.broker
def test_a_broker_hears_how_long_it_may_keep_a_word(tmp_path: Path) -> None:
    binary = shutil.which("mosquitto_sub")
    assert binary, "mosquitto_sub is missing: apt-get install mosquitto-clients"
    with Mosquitto(tmp_path) as broker, contextlib.closing(MqttClient(MqttConfig(port=broker.port), DEVICE)) as client:
        until(client, Connected)
        assert client.publish(Message(EVENT, "kept", qos=1, retain=True, expiry_s=1234, token="event"))
        eventually(lambda: client.poll(), what="it is taken")
        address = ["-h", "127.0.0.1", "-p", str(broker.port), "-V", "mqttv5", "-C", "1", "-W", "10"]
        told = subprocess.run([binary, *address, "-t", EVENT, "-F", "%E"], capture_output=True, text=True, check=True)
    assert 1200 < int(told.stdout) <= 1234


def test_the_first_word_asks_for_a_kept_session_and_leaves_a_will_that_stays(mute: Mute) -> None:
    with contextlib.closing(MqttClient(MqttConfig(port=mute.port, protocol="5"), DEVICE)) as client:
        until(client, Connected)
    (word,) = mute.first_words
    flags = word[word.index(b"MQTT") + 5]
    assert flags & (WILL | WILL_QOS_1 | WILL_RETAIN) == WILL | WILL_QOS_1 | WILL_RETAIN
    assert SESSION_EXPIRY_OF_AN_HOUR in word
    assert topics.status(DEVICE).encode() in word
    assert b'"state":"lost"' in word


def test_why_a_broker_ends_a_connection_is_told(mute: Mute) -> None:
    with contextlib.closing(MqttClient(MqttConfig(port=mute.port, protocol="5"), DEVICE)) as client:
        until(client, Connected)
        mute.connections[0].sendall(bytes([0xE0, 2, 0x8B, 0]))  # DISCONNECT, section 3.14.2.1
        assert until(client, Disconnected) == Disconnected("Server shutting down")


def test_a_subscription_that_is_refused_is_told_loudly(caplog: pytest.LogCaptureFixture) -> None:
    with contextlib.closing(MqttClient(MqttConfig(host=""), DEVICE)) as client, caplog.at_level(logging.ERROR):
        client._on_subscribe(1, [ReasonCode(PacketTypes.SUBACK, "Not authorized")], None)
    assert "refuses a subscription: Not authorized; check its access rules" in caplog.text
