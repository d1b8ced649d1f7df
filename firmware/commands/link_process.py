"""The link as a process: sends what the journal holds, and brings words back to the guard. No GPIO in here."""

import contextlib
import threading
import time
from pathlib import Path

from firmware.config import Config
from firmware.decided import Decided, paths, read
from firmware.ids import device_id
from firmware.ipc import LINK_SOCKET, NEWS_SOCKET, Receiver, Sender
from firmware.journal import JOURNAL, Journal
from firmware.known_day import SYNCED_MARK
from firmware.link.last_time import LastTime
from firmware.link.ledger import Ledger
from firmware.link.link import TURN_S, Link
from firmware.link.mqtt import MqttClient
from firmware.link.pairing import paired
from hal.clock import MonotonicClock


class InMemory:
    """What the guard has in the run directory; each file is read until it is whole, and not again."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._known: dict[Path, Decided | None] = {}

    def __call__(self) -> list[Decided]:
        with contextlib.suppress(OSError):  # too many files are open, perhaps: what was there is there still
            self._known = {path: self._known.get(path) or read(path) for path in paths(self._run_dir)}
        return [decided for decided in self._known.values() if decided is not None]


def today_ms() -> int | None:
    """Unix time by a clock that was set from the network since the start; None: nobody knows."""
    return time.time_ns() // 1_000_000 if SYNCED_MARK.exists() else None


def run_link(config: Config, stop: threading.Event) -> None:
    """Link until `stop` is set, then say a clean end. At any other end the broker says our last will."""
    clock, state_dir, run_dir = MonotonicClock(), config.paths.state_dir, config.paths.run_dir
    device = device_id(state_dir)
    client = MqttClient(paired(config.mqtt, state_dir), device)
    ledger = Ledger(Journal(state_dir / JOURNAL, at_once=False), clock)
    to_guard, news = Sender(run_dir / LINK_SOCKET), Receiver(run_dir / NEWS_SOCKET)
    link = Link(ledger, client, to_guard.send, clock, decided=InMemory(run_dir), today_ms=today_ms)
    last_time = LastTime(state_dir, lambda: None if (now_ms := today_ms()) is None else now_ms / 1000)

    def wait(timeout_s: float) -> None:
        last_time.keep()  # on the thread that may wait for a disk
        news.receive(timeout_s)

    ledger.start(wait)
    try:
        while not stop.is_set():
            link.tick()
            ledger.wait(TURN_S)
        link.close()
    finally:
        ledger.close()
        news.close()
        to_guard.close()
