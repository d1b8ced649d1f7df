"""The way of an alert in one process: journal, link, a real broker, and the caregiver's first client, which accepts."""

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from bench._alerts_broker import Broker
from bench._alerts_power import made
from bench._alerts_proxy import TROUBLES, ChaosProxy
from caregiver.watch import MAX_BYTES, SESSION_S, Watch
from firmware.ipc import NEWS_SOCKET, Receiver, Sender
from firmware.journal import JOURNAL, Event, Journal
from firmware.link import topics
from firmware.link.client import Delivered, Message
from firmware.link.config import MqttConfig
from firmware.link.ledger import Ledger
from firmware.link.link import TURN_S as LINK_TURN_S
from firmware.link.link import Link
from firmware.link.mqtt import Connection, MqttClient
from hal.clock import MonotonicClock

DEVICE = "rg-0a1b2c3d"
READER = "hub"
READER_TURN_S = 0.02
PATIENCE_S = 30.0


class Reader:
    """A caregiver who accepts what she has written down. `told` is every event that she was shown, with the time."""

    def __init__(self, config: MqttConfig, *, accepts: bool = True, name: str = READER) -> None:
        self._connection = Connection(config, name, session_s=SESSION_S, max_bytes=MAX_BYTES)
        self.watch = Watch(self._connection, "+", self._say, name if accepts else None)
        self.told: list[tuple[int, dict[str, Any]]] = []

    def turn(self) -> None:
        self.watch.turn(time.monotonic_ns())

    def wait(self, timeout_s: float) -> None:
        self._connection.wait(timeout_s)

    @property
    def connected(self) -> bool:
        return self._connection.connected

    def close(self) -> None:
        self._connection.close()

    def _say(self, word: Mapping[str, Any]) -> bool:
        if word["kind"] == "event":
            self.told.append((time.monotonic_ns(), word["body"]))
        return True

    @property
    def ids(self) -> list[str]:
        """In the order of their numbers, as a page would show them."""
        return [body["id"] for _, body in sorted(self.told, key=lambda item: (item[1]["boot"], item[1]["seq"]))]


class Line:
    """Guard's journal, link and reader, each on a thread of its own; `port`: of a proxy before the broker.

    `knows_reader`: the broker keeps the reader's place from before the link finds it.
    """

    def __init__(self, folder: Path, broker: Broker, port: int = 0, *, knows_reader: bool = False) -> None:
        self._config = broker.config_at(port or broker.port)
        self.journal, self._ledger = Journal(folder / JOURNAL), Ledger(Journal(folder / JOURNAL), MonotonicClock())
        self.journal.next_boot()
        self._news, self._guard = Receiver(folder / NEWS_SOCKET), Sender(folder / NEWS_SOCKET)
        if knows_reader:
            _introduce(self._config)
        self.client = MqttClient(self._config, DEVICE)
        self.link = Link(self._ledger, self.client, lambda _: None, MonotonicClock())
        self.reader = Reader(self._config)
        self._away = threading.Event()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._tell, self._read)]

    def _tell(self) -> None:
        """As `firmware.commands.link_process` does."""
        while not self._stop.is_set():
            self.link.tick()
            self._ledger.wait(LINK_TURN_S)

    def append(self, event: Event) -> None:
        """As the guard's writer does."""
        self.journal.append(event)
        self.wake()

    def wake(self) -> None:
        self._guard.send({"v": 1})

    def _read(self) -> None:
        while not self._stop.is_set():
            if not self._away.is_set():
                self.reader.turn()
            self.reader.wait(READER_TURN_S)

    def leave(self) -> None:
        """The reader goes away; the broker keeps her place."""
        self._away.set()
        self.reader.close()

    def come_back(self) -> None:
        told = self.reader.told
        self.reader = Reader(self._config)
        self.reader.told = told
        self._away.clear()

    @property
    def connected(self) -> bool:
        return self.client.connected and self.reader.connected

    def __enter__(self) -> "Line":
        self._ledger.start(self._news.receive)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.link.close()
        self._ledger.close()
        self.reader.close()
        self._news.close()
        self._guard.close()
        self.journal.close()


def _introduce(config: MqttConfig) -> None:
    """The reader comes, asks for events, and goes."""
    with contextlib.closing(Connection(config, READER, session_s=SESSION_S)) as reader:
        until(lambda: reader.poll() is not None and reader.connected, "the reader is connected")
        reader.subscribe(topics.event("+"))
        reader.publish(Message("rearguard/ready", "", qos=1, token="ready"))
        until(lambda: any(isinstance(signal, Delivered) for signal in reader.poll()), "the reader has subscribed")


def until(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Raises TimeoutError when it does not come true."""
    pause, deadline_s = threading.Event(), time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{what}: not within {patience_s:g} s")
        pause.wait(0.005)


def through_chaos(troubles: int, events: int, *, seed: int = 0, connected_between: bool = False) -> dict[str, Any]:
    """Events told while the network fails again and again: how many the reader has, and whether once and in order.

    `connected_between`: each trouble waits until link and reader have found each other again, else they overlap.
    """
    chance = Random(f"chaos {seed}")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = stack.enter_context(Broker(folder, tls=True))
        proxy = stack.enter_context(ChaosProxy(broker.port, chance))
        line = stack.enter_context(Line(folder, broker, proxy.port))
        until(lambda: line.connected, "connected")
        began_s, sent = time.monotonic(), list[Event]()
        for number in range(troubles):
            while len(sent) < events * (number + 1) // troubles:
                sent.append(made(len(sent) + 1, chance))
                line.append(sent[-1])
            trouble = TROUBLES[number] if number < len(TROUBLES) else chance.choice(TROUBLES)
            proxy.cause(trouble, chance.uniform(0.05, 1.5))
            if connected_between:
                until(lambda: line.connected, "connected again")
            else:
                line.client.wait(chance.uniform(0.0, 0.5))
        until(lambda: not line.journal.unaccepted(), "everything is accepted")
        told = [body["id"] for _, body in line.reader.told]
        data = {body["id"]: body["data"] for _, body in line.reader.told}
    return {
        "events": len(sent),
        "troubles": dict(proxy.caused),
        "connections": proxy.passed,
        "lost": sum(event.id not in told for event in sent),
        "doubled": len(told) - len(set(told)),
        "changed": sum(_changed(event, data.get(event.id, {})) for event in sent),
        "in_order": line.reader.ids == [event.id for event in sent],
        "took_s": round(time.monotonic() - began_s, 1),
    }


def _changed(event: Event, data: Mapping[str, Any]) -> bool:
    """Whether something else has arrived; what was too long for a broker is told without its evidence."""
    return data != {"alarm": event.alarm, "cut": True} and data != {**event.data, "alarm": event.alarm}
