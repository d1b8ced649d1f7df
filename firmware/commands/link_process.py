"""The link as a process: sends what the journal holds, and brings words back to the guard. No GPIO in here."""

import threading

from firmware.config import Config
from firmware.ids import device_id
from firmware.ipc import LINK_SOCKET, NEWS_SOCKET, Receiver, Sender
from firmware.journal import JOURNAL, Journal
from firmware.link.link import TURN_S, Link
from firmware.link.mqtt import MqttClient
from firmware.link.pairing import paired
from hal.clock import MonotonicClock


def run_link(config: Config, stop: threading.Event) -> None:
    """Link until `stop` is set, then say a clean end."""
    clock, state_dir = MonotonicClock(), config.paths.state_dir
    device = device_id(state_dir)
    journal = Journal(state_dir / JOURNAL)
    to_guard, news = Sender(config.paths.run_dir / LINK_SOCKET), Receiver(config.paths.run_dir / NEWS_SOCKET)
    link = Link(journal, MqttClient(paired(config.mqtt, state_dir), device), to_guard.send, clock)
    try:
        while not stop.is_set():
            link.tick()
            news.receive(TURN_S)
    finally:
        news.close()
        link.close()
        to_guard.close()
        journal.close()
