"""The link's MQTT client against real brokers."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.events import DEVICE, an_event, made_id
from support.mosquitto import Mosquitto, Subscriber, free_port
from support.mute import Mute
from support.waiting import eventually

from firmware.errors import ConfigError
from firmware.journal import Journal
from firmware.link import mqtt, topics
from firmware.link.client import Connected, Delivered, Disconnected, Message, Received, Signal
from firmware.link.config import MqttConfig
from firmware.link.ledger import Ledger
from firmware.link.link import Link
from firmware.link.mqtt import Connection, MqttClient
from hal.clock import MonotonicClock

pytestmark = pytest.mark.broker
TICK_S = 0.05


class Running:
    """A link that ticks on a thread, as its process does."""

    def __init__(self, journal: Journal, port: int) -> None:
        self.journal, self.to_guard = journal, list[dict[str, object]]()
        self.client = MqttClient(MqttConfig(port=port), DEVICE)
        self.ledger = Ledger(journal, MonotonicClock())
        self.link = Link(self.ledger, self.client, self.to_guard.append, MonotonicClock())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            self.ledger.turn()
            self.link.tick()

    def __enter__(self) -> "Running":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.link.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with contextlib.closing(Journal(tmp_path / "journal.db")) as opened:
        opened.next_boot()
        yield opened


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


def _until(client: Connection, wanted: type[Signal]) -> Signal:
    """The next signal of that kind."""
    found: list[Signal] = []

    def look() -> bool:
        found.extend(signal for signal in client.poll() if isinstance(signal, wanted))
        return bool(found)

    eventually(look, what=wanted.__name__)
    return found[0]


def _accept(port: int, event_id: str) -> None:
    _publish(port, "accept", {"id": event_id, "by": "mosquitto_pub"})


def _publish(port: int, name: str, body: dict[str, str]) -> None:
    topic = topics.command(DEVICE, name)
    address = ["-h", "127.0.0.1", "-p", str(port), "-q", "1"]
    subprocess.run(["mosquitto_pub", *address, "-t", topic, "-m", json.dumps(body)], check=True)


def test_another_client_hears_suspected_and_confirmed_of_one_alarm(journal: Journal, broker: Mosquitto) -> None:
    subscriber = Subscriber(broker.port, topics.event(DEVICE))
    with contextlib.closing(subscriber), Running(journal, broker.port) as running:
        eventually(lambda: running.client.connected)
        journal.append(an_event(1))
        journal.append(an_event(2, alarm=made_id(1), phase="confirmed"))
        events = [json.loads(payload) for _, payload in subscriber.read_until('"phase":"confirmed"')]
        assert [(event["phase"], event["data"]["alarm"]) for event in events] == [
            ("suspected", made_id(1)),
            ("confirmed", made_id(1)),
        ]
        for number in (1, 2):
            _accept(broker.port, made_id(number))
        eventually(lambda: not journal.unaccepted())
        eventually(lambda: len(running.to_guard) == 2)


def test_a_broker_absent_at_the_start_and_killed_at_the_fall_gets_it_when_it_is_back(
    journal: Journal, tmp_path: Path
) -> None:
    broker = Mosquitto(tmp_path)
    with Running(journal, broker.port) as running, contextlib.closing(broker_stop(broker)):
        journal.append(an_event(1))
        broker.start()
        eventually(lambda: running.client.connected)
        broker.stop()
        journal.append(an_event(2, alarm=made_id(1), phase="confirmed"))
        eventually(lambda: not running.client.connected)
        broker.start()
        subscriber = Subscriber(broker.port, topics.event(DEVICE), topics.status(DEVICE))
        with contextlib.closing(subscriber):
            told = subscriber.read_until('"phase":"confirmed"')
        assert any(made_id(2) in payload for _, payload in told)


class broker_stop:
    """Stops a broker at the end, whatever happened."""

    def __init__(self, broker: Mosquitto) -> None:
        self.close = broker.stop


def test_the_broker_says_that_the_device_is_lost_when_it_is_killed(broker: Mosquitto) -> None:
    code = (
        "import sys; from firmware.link.mqtt import MqttClient; from firmware.link.config import MqttConfig\n"
        f"client = MqttClient(MqttConfig(port={broker.port}), {DEVICE!r})\n"
        "while not client.connected: client.poll(); client.wait(0.1)\n"
        "print('connected', flush=True); sys.stdin.read()"
    )
    subscriber = Subscriber(broker.port, topics.status(DEVICE))
    device = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert device.stdout is not None
    with contextlib.closing(subscriber):
        assert device.stdout.readline() == b"connected\n"
        device.kill()
        device.communicate()
        ((_, payload),) = subscriber.read_until("lost")
    assert json.loads(payload)["state"] == "lost"


def test_a_clean_end_is_told_as_one(journal: Journal, broker: Mosquitto) -> None:
    subscriber = Subscriber(broker.port, topics.status(DEVICE))
    with contextlib.closing(subscriber):
        with Running(journal, broker.port) as running:
            eventually(lambda: running.client.connected)
        told = [json.loads(payload)["state"] for _, payload in subscriber.read_until('"ended"')]
    assert told == ["ready", "ended"]


def test_a_publish_that_the_access_rules_forbid_is_seen_with_mqtt_5(tmp_path: Path) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite free/#\n")
    extra = f"allow_anonymous true\nacl_file {rules}\nuser root\n"
    with Mosquitto(tmp_path, extra) as broker, contextlib.closing(_client(broker.port)) as client:
        _until(client, Connected)
        assert client.publish(Message("forbidden", "x", qos=1, token="event"))
        answer = _until(client, Delivered)
        assert answer == Delivered("event", False, "Not authorized", True)
        client.publish(Message("free/for/all", "x", qos=1, token="event"))
        assert _until(client, Delivered) == Delivered("event", True, "No matching subscribers", False)


def _client(port: int, protocol: str = "auto") -> MqttClient:
    return MqttClient(MqttConfig(port=port, protocol=protocol), DEVICE)


def test_word_does_not_wait_for_the_answer_to_the_one_before(broker: Mosquitto) -> None:
    with contextlib.closing(_client(broker.port)) as client:
        _until(client, Connected)
        assert client._paho is not None
        opened = client._paho.socket()
        assert opened is not None
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_nothing_is_queued_for_a_broker_that_is_not_there() -> None:
    with contextlib.closing(_client(free_port())) as client:
        assert not client.publish(Message("any", "x", qos=1))
        assert not client.connected


def test_a_device_without_a_broker_connects_nowhere() -> None:
    with contextlib.closing(MqttClient(MqttConfig(host=""), DEVICE)) as client:
        assert client.poll() == []
        assert not client.publish(Message("any", "x"))
        client.subscribe("any")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_network_thread_that_dies_is_replaced(broker: Mosquitto) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a callback that is not wrapped")

    with contextlib.closing(_client(broker.port)) as client:
        _until(client, Connected)
        first = client._paho
        assert first is not None
        first.on_message = fail
        client.subscribe("topic")
        client.publish(Message("topic", "kills"))
        eventually(lambda: client.poll() is not None and client._paho is not first, what="a new client")
        eventually(lambda: client.poll() is not None and client.connected)
        client.subscribe("topic")
        client.publish(Message("topic", "lives", qos=1))
        assert _until(client, Received) == Received("topic", b"lives", False)


def test_a_callback_that_fails_does_not_end_the_connection(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.closing(_client(broker.port)) as client:
        _until(client, Connected)
        first = client._paho
        assert first is not None
        with monkeypatch.context() as patched:
            patched.setattr(client, "_max_bytes", None)  # comparing with it raises
            client.subscribe("topic")
            client.publish(Message("topic", "raises"))
            eventually(lambda: "a callback failed" in caplog.text)
        client.publish(Message("topic", "lives"))
        assert _until(client, Received) == Received("topic", b"lives", False)
        assert client._paho is first


def test_messages_that_are_too_large_are_counted_and_dropped(broker: Mosquitto) -> None:
    with contextlib.closing(_client(broker.port)) as client:
        _until(client, Connected)
        client.subscribe("topic")
        client.publish(Message("topic", "x" * 2049))
        client.publish(Message("topic", "small"))
        assert _until(client, Received) == Received("topic", b"small", False)
        assert client.dropped == 1


@pytest.fixture
def mute() -> Iterator[Mute]:
    with contextlib.closing(Mute()) as running:
        yield running


def test_a_silent_broker_gets_no_more_than_a_few_unanswered_messages(mute: Mute) -> None:
    with contextlib.closing(_client(mute.port, "5")) as client:
        _until(client, Connected)
        taken = [client.publish(Message("topic", "x", qos=1, token=str(number))) for number in range(80)]
        assert taken == [True] * 60 + [False] * 20


def test_a_broker_that_never_answers_is_left_for_a_new_connection(mute: Mute, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "PUBACK_PATIENCE_S", 0.3)
    with contextlib.closing(_client(mute.port, "5")) as client:
        _until(client, Connected)
        assert client.publish(Message("topic", "x", qos=1, token="event"))
        assert _until(client, Disconnected) == Disconnected("the broker answers nothing")
        # not the next signal: on a busy machine the new connection stands before the loss of the old one is told
        eventually(lambda: client.poll() is not None and client.connected, what="a new connection")
        assert len(mute.connections) == 2


def test_a_broker_that_owes_no_answer_is_left_alone(monkeypatch: pytest.MonkeyPatch, broker: Mosquitto) -> None:
    monkeypatch.setattr(mqtt, "PUBACK_PATIENCE_S", 0.0)
    with contextlib.closing(_client(broker.port)) as client:
        _until(client, Connected)
        assert client.publish(Message("topic", "x"))
        assert not any(isinstance(signal, Disconnected) for _ in range(5) for signal in client.poll())


def test_what_was_not_answered_in_time_makes_room(mute: Mute, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(_client(mute.port, "5")) as client:
        _until(client, Connected)
        while client.publish(Message("topic", "old", qos=1, token="old")):
            pass
        monkeypatch.setattr(mqtt, "PUBACK_TIMEOUT_S", 0.0)
        assert client.publish(Message("topic", "a new fall", qos=1, token="new"))
        eventually(lambda: b"a new fall" in mute.heard)


def test_a_network_thread_that_dies_at_once_is_not_replaced_all_the_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mqtt.paho.Client, "loop_start", lambda client: None)
    with contextlib.closing(_client(free_port())) as client:
        first = client._paho
        assert [client.poll() for _ in range(50)] == [[]] * 50
        assert client._paho is first
        monkeypatch.setattr(mqtt, "RESTART_S", 0.0)
        client.poll()
        assert client._paho is not first
    assert caplog.text.count("network thread has died") == 1


def test_an_acknowledgement_pressed_while_the_link_is_away_is_heard_when_it_is_back(
    journal: Journal, broker: Mosquitto
) -> None:
    journal.append(an_event(1))
    with Running(journal, broker.port) as running:
        eventually(lambda: any(delivery.sent for delivery in journal.deliveries()))
    _publish(broker.port, "ack", {"alarm": made_id(1), "by": "Ann"})
    _publish(broker.port, "locate", {})
    with Running(journal, broker.port) as running:
        eventually(lambda: journal.responders(made_id(1)))
        _publish(broker.port, "test", {})
        eventually(lambda: any(word.get("name") == "test" for word in running.to_guard))
    assert not any(word.get("name") == "locate" for word in running.to_guard)  # nobody looks for it any more


def test_the_embedded_broker_is_reached_with_3_1_1_and_everything_arrives_once(journal: Journal) -> None:
    with _embedded() as port:
        watch = [sys.executable, "-m", "caregiver.watch", "--port", str(port), "--json", "--accept"]
        watcher = subprocess.Popen(watch, stdout=subprocess.PIPE, text=True)
        with Running(journal, port) as running:
            eventually(lambda: running.client.connected)
            journal.append(an_event(1))
            eventually(lambda: not journal.unaccepted(), what="the watcher accepts the event")
        watcher.terminate()
        words = [json.loads(line) for line in watcher.communicate()[0].splitlines()]
        assert watcher.returncode == 0
    births = [word["body"] for word in words if word["kind"] == "status" and word["body"]["state"] == "ready"]
    assert births[0]["protocol"] == "3.1.1"
    assert [word["body"]["id"] for word in words if word["kind"] == "event"] == [made_id(1)]


@contextlib.contextmanager
def _embedded() -> Iterator[int]:
    """caregiver.broker as its own process, quiet and cleanly ended."""
    command = [sys.executable, "-m", "caregiver.broker"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline().removeprefix("listening 127.0.0.1:"))
    finally:
        process.terminate()
        rest, errors = process.communicate()
    assert (process.returncode, rest, errors) == (0, "", "")


def test_a_broker_that_hangs_up_on_mqtt_5_is_asked_with_3_1_1() -> None:
    """Some brokers close the connection without an answer."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        contextlib.closing(_client(server.getsockname()[1])) as client,
    ):
        levels = []
        server.settimeout(10)
        for _ in range(2):
            connection, _address = server.accept()
            with connection:
                levels.append(connection.recv(1024)[8])
            eventually(lambda: client.poll() is not None and client._protocol == "3.1.1")
    assert levels == [5, 4]


def test_each_fall_reaches_another_client_without_waiting_for_a_repetition(journal: Journal, broker: Mosquitto) -> None:
    subscriber = Subscriber(broker.port, topics.event(DEVICE))
    with contextlib.closing(subscriber), Running(journal, broker.port) as running:
        eventually(lambda: running.client.connected)
        for number in range(1, 12):
            journal.append(an_event(number))
            told = subscriber.read_until(made_id(number))
            assert sum(made_id(number) in payload for _, payload in told) == 1


@pytest.mark.parametrize("name", ["password_file", "ca_file"])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, name: str) -> None:
    settings = {"username": "rg", name: str(tmp_path / "missing.txt")}
    with pytest.raises(ConfigError, match=r"missing\.txt"):
        MqttClient(MqttConfig(**settings), DEVICE)  # type: ignore[arg-type]
