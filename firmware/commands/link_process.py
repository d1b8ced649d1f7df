"""The link as a process: sends what the journal holds, and brings words back to the guard. No GPIO in here."""

import threading
import time

from firmware.config import Config
from firmware.decided import Decided, paths, read
from firmware.ids import device_id
from firmware.ipc import LINK_SOCKET, NEWS_SOCKET, Receiver, Sender
from firmware.journal import JOURNAL, Journal
from firmware.known_day import SYNCED_MARK
from firmware.link.last_time import LastTime
from firmware.link.link import TURN_S, Link
from firmware.link.mqtt import MqttClient
from firmware.link.pairing import paired
from hal.clock import MonotonicClock


def today_ms() -> int | None:
    """Unix time by a clock that was set from the network since the start; None: nobody knows."""
    return time.time_ns() // 1_000_000 if SYNCED_MARK.exists() else None


def run_link(config: Config, stop: threading.Event) -> None:
    """Link until `stop` is set, then say a clean end."""
    clock, state_dir, run_dir = MonotonicClock(), config.paths.state_dir, config.paths.run_dir
    device = device_id(state_dir)
    journal = Journal(state_dir / JOURNAL, at_once=False)  # a disk that does not answer keeps no alert from being told
    to_guard, news = Sender(run_dir / LINK_SOCKET), Receiver(run_dir / NEWS_SOCKET)

    def in_memory() -> list[Decided]:
        return [each for path in paths(run_dir) if (each := read(path)) is not None]

    client = MqttClient(paired(config.mqtt, state_dir), device)
    link = Link(journal, client, to_guard.send, clock, decided=in_memory, today_ms=today_ms)
    last_time = LastTime(state_dir, lambda: None if (now_ms := today_ms()) is None else now_ms / 1000)
    try:
        while not stop.is_set():
            link.tick()
            last_time.keep()
            news.receive(TURN_S)
    finally:
        news.close()
        link.close()
        to_guard.close()
        journal.close()
