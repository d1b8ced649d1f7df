"""Networks as they are: a portal that wants a log-in, and a broker that freezes and thaws."""

import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.events import DEVICE, an_event, made_id
from support.home import Home
from support.mosquitto import Mosquitto, Subscriber, free_port
from support.waiting import eventually

from firmware.journal import Journal
from firmware.link import topics
from firmware.link.config import MqttConfig
from firmware.link.ledger import Ledger
from firmware.link.link import Link
from firmware.link.mqtt import MqttClient
from hal.clock import MonotonicClock

pytestmark = pytest.mark.broker
LOG_IN = b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/log-in\r\nContent-Length: 0\r\n\r\n"


class Portal:
    """What a captive network puts in every server's place: it answers whatever is said with its log-in page."""

    def __init__(self, port: int) -> None:
        self._server = socket.create_server(("127.0.0.1", port))
        self.visits = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor = self._server.accept()[0]
                self.visits += 1
                with visitor, contextlib.suppress(OSError):
                    visitor.recv(4096)
                    visitor.sendall(LOG_IN)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()


@contextlib.contextmanager
def told(journal: Journal, config: MqttConfig) -> Iterator[MqttClient]:
    """A link at work."""
    client, stop = MqttClient(config, DEVICE), threading.Event()
    ledger = Ledger(journal, MonotonicClock())
    link = Link(ledger, client, lambda _: None, MonotonicClock())

    def run() -> None:
        while not stop.wait(0.02):
            ledger.turn()
            link.tick()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield client
    finally:
        stop.set()
        thread.join()
        link.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with contextlib.closing(Journal(tmp_path / "journal.db")) as opened:
        opened.next_boot()
        yield opened


def test_a_fall_waits_out_a_captive_portal_and_is_told_behind_it(journal: Journal, tmp_path: Path) -> None:
    port = free_port()
    portal = Portal(port)
    with told(journal, MqttConfig(port=port)) as client:
        journal.append(an_event(1))
        eventually(lambda: portal.visits >= 3, what="it is tried again")
        assert not client.connected
        portal.close()
        broker = Mosquitto(tmp_path)
        broker.port = port
        broker._config.write_text(broker._config.read_text().replace("listener ", f"listener {port} 127.0.0.1\n#"))
        with broker, contextlib.closing(Subscriber(port, topics.event(DEVICE))) as subscriber:
            ((_, payload),) = subscriber.read_until(made_id(1))
    assert json.loads(payload)["phase"] == "suspected"


def test_a_broker_that_freezes_under_tls_and_thaws_hands_out_every_event(journal: Journal, tmp_path: Path) -> None:
    with Home(tmp_path / "home") as home, told(journal, home.config(home.device(DEVICE))) as client:
        eventually(lambda: client.connected, what="connected")
        process = home._process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        try:
            for number in (1, 2, 3):
                journal.append(an_event(number))
            eventually(lambda: not client.connected, timeout_s=40.0, what="the silence is noticed")
        finally:
            os.kill(process.pid, signal.SIGCONT)
        eventually(lambda: all(one.sent for one in journal.deliveries()), timeout_s=40.0, what="all are taken")
        assert [one.state for one in journal.deliveries()] == ["sent"] * 3
