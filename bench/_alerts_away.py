"""Brokers that die or forget, and days without one: what becomes of a fall that the broker had said it has.

Beside the device, in the same runs, what most programs do: QoS 1, and believing the broker's answer.
"""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from bench._alerts_broker import DEFAULTS, KEPT, Broker
from bench._alerts_line import DEVICE, PATIENCE_S, Line, until
from bench._alerts_power import made
from firmware.journal import JOURNAL, Journal
from firmware.link import topics
from firmware.link.client import Delivered, Message, Received
from firmware.link.ledger import Ledger
from firmware.link.link import Link
from firmware.link.memory import MemoryBroker, MemoryClient
from firmware.link.mqtt import Connection
from hal.sim.clock import SimClock

SETTINGS = {"Mosquitto's defaults": DEFAULTS, "as shipped": KEPT}
SESSION_S = 7 * 24 * 3600
PEERS_HEARTBEAT_S, OUR_HEARTBEAT_S = 30, 10
AT_ONCE = 100
ANSWER_S = 0.05  # at most, each of many, on a busy machine
DAY_S = 24 * 3600
QUEUE = """
import sys, time
from paho.mqtt.client import CallbackAPIVersion, Client
client = Client(CallbackAPIVersion.VERSION2, "their-device", clean_session=False)
client.connect_async("127.0.0.1", int(sys.argv[1]))
if len(sys.argv) > 2:
    client.publish("rearguard/fall", sys.argv[2], qos=1)
else:
    client.on_connect = lambda *_: print("connected", flush=True)
client.loop_start()
if len(sys.argv) > 2:
    print("given", flush=True)
time.sleep(60)
"""
OFFLINE_TURN_S = 1.0
Doing = Callable[[Broker], None]


def killed(broker: Broker) -> None:
    broker.kill()
    broker.start()


def forgotten(broker: Broker) -> None:
    broker.forget()
    broker.start()


def nothing(_: Broker) -> None:
    """The broker lives."""


class Trusting:
    """Subscriber and publisher of whoever believes a PUBACK: everything at QoS 1, with a session that is kept."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def subscribes_and_leaves(self) -> None:
        with contextlib.closing(Connection(self._broker.config, "their-reader", session_s=SESSION_S)) as reader:
            until(lambda: reader.poll() and reader.connected, "their reader is connected")
            reader.subscribe("rearguard/#", 1)
            reader.publish(Message("rearguard/ready", "", qos=1, token="ready"))
            until(lambda: any(isinstance(signal, Received) for signal in reader.poll()), "their reader has subscribed")

    def publish(self, topic: str, payload: str, count: int = 1) -> None:
        """Each waits for its PUBACK, as far as the window goes."""
        with contextlib.closing(Connection(self._broker.config, "their-device")) as device:
            until(lambda: device.poll() is not None and device.connected, "their device is connected")
            sent = answered = 0

            def turn() -> bool:
                nonlocal sent, answered
                while sent < count and device.publish(Message(topic, payload, qos=1, token=str(sent + 1))):
                    sent += 1
                answered += sum(isinstance(signal, Delivered) for signal in device.poll())
                return answered >= count

            until(turn, "the broker has taken everything", PATIENCE_S + count * ANSWER_S)

    def comes_back(self) -> list[str]:
        """Everything that the broker has for it, up to a word that is published now."""
        with contextlib.closing(Connection(self._broker.config, "their-reader", session_s=SESSION_S)) as reader:
            until(lambda: reader.poll() is not None and reader.connected, "their reader is back")
            reader.subscribe("rearguard/#", 1)
            reader.publish(Message("rearguard/end", "end", qos=1, token="end"))
            heard: list[str] = []

            def turn() -> bool:
                heard.extend(s.payload.decode() for s in reader.poll() if isinstance(s, Received))
                return "end" in heard

            until(turn, "their reader has heard everything")
            return heard


def theirs_lost(settings: str, doing: Doing, trials: int, heartbeats: int = 0) -> int:
    """Falls that the broker took, and their reader never got."""
    lost = 0
    for number in range(trials):
        with tempfile.TemporaryDirectory() as folder, Broker(Path(folder), settings) as broker:
            peer = Trusting(broker)
            peer.subscribes_and_leaves()
            if heartbeats:
                peer.publish("rearguard/heartbeat", "alive", heartbeats)
            peer.publish("rearguard/fall", f"fall {number}")
            doing(broker)
            lost += f"fall {number}" not in peer.comes_back()
    return lost


def queue_lost(trials: int) -> int:
    """Falls that were given to paho while no broker was there, by a program that was killed before one came."""
    lost = 0
    for _ in range(trials):
        with tempfile.TemporaryDirectory() as folder, Broker(Path(folder)) as broker:
            peer = Trusting(broker)
            peer.subscribes_and_leaves()
            broker.kill()
            with subprocess.Popen(
                [sys.executable, "-c", QUEUE, str(broker.port), "fall"], stdout=subprocess.PIPE
            ) as given:
                assert given.stdout is not None
                given.stdout.readline()
                given.kill()
            broker.start()
            with subprocess.Popen([sys.executable, "-c", QUEUE, str(broker.port)], stdout=subprocess.PIPE) as again:
                assert again.stdout is not None
                again.stdout.readline()
                lost += "fall" not in peer.comes_back()
                again.kill()
    return lost


def ours_lost(settings: str, doing: Doing, trials: int, heartbeats: int = 0) -> int:
    """Falls that the broker took from the device, and our reader did not get within half a minute of coming back."""
    lost, chance = 0, Random("away")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = stack.enter_context(Broker(folder, settings))
        line = stack.enter_context(Line(folder, broker))
        for number in range(trials):
            until(lambda: line.connected, "connected")
            line.leave()
            if heartbeats:
                _beat(broker, heartbeats)
            fall = made(number + 1, chance)
            line.append(fall)
            until(lambda: line.journal.deliveries()[-1].sent is not None, "the broker has the fall")
            doing(broker)
            line.come_back()
            try:
                until(lambda wanted=fall.id: wanted in line.reader.ids, "the reader has the fall")  # type: ignore[misc]
            except TimeoutError:
                lost += 1
    return lost


def _beat(broker: Broker, count: int) -> None:
    """What the link says every ten seconds of a day, at once: retained, QoS 0."""
    with contextlib.closing(Connection(broker.config, "heart")) as heart:
        until(lambda: heart.poll() is not None and heart.connected, "connected")
        topic = topics.state(DEVICE, "health")
        for start in range(0, count, AT_ONCE):
            for number in range(start, min(start + AT_ONCE, count)):
                heart.publish(Message(topic, f'{{"v":1,"ok":true,"number":{number}}}', retain=True))
            until(lambda: heart.publish(Message("rearguard/v1/end", "", qos=1, token="end")), "a word is sent")
            until(lambda: any(isinstance(s, Delivered) for s in heart.poll()), "the broker has every heartbeat")


WAYS: dict[str, tuple[Doing, int]] = {
    "killed": (killed, 0),
    "its state deleted": (forgotten, 0),
    "24 h of heartbeats before": (nothing, DAY_S),
}
"""What becomes of the broker, and seconds of heartbeats before the fall."""


def measured(way: str, trials: int) -> dict[str, int]:
    """Lost of `trials` when a broker fails so, for each of its settings, theirs beside ours."""
    doing, seconds = WAYS[way]
    found = {"trials": trials}
    for name, settings in SETTINGS.items():
        found[f"theirs, {name}"] = theirs_lost(settings, doing, trials, seconds // PEERS_HEARTBEAT_S)
        found[f"ours, {name}"] = ours_lost(settings, doing, trials, seconds // OUR_HEARTBEAT_S)
    return found


def offline(hours: int, events: int) -> dict[str, Any]:
    """`events` in as many hours without a broker, in simulated time, a fall each hour; then told through a real one."""
    with tempfile.TemporaryDirectory() as name:
        folder, falls = Path(name), set[str]()
        _without_a_broker(folder, hours, events, falls)
        with Broker(folder) as broker, Line(folder, broker, knows_reader=True) as line:
            began_s = time.monotonic()
            until(lambda: not line.journal.unaccepted(), "everything is accepted", 300.0)
            took_s = time.monotonic() - began_s
            told = [body["id"] for _, body in line.reader.told]
            expected = [stored.event.id for stored in line.journal.events()]
        return {
            "hours": hours,
            "events": events,
            "falls": len(falls),
            "lost": len(set(expected) - set(told)) + events - len(expected),
            "doubled": len(told) - len(set(told)),
            "falls_first": set(told[: len(falls)]) == falls,
            "in_order": line.reader.ids == expected,
            "drained_s": round(took_s, 1),
        }


def _without_a_broker(folder: Path, hours: int, events: int, falls: set[str]) -> None:
    chance, clock, broker = Random("offline"), SimClock(), MemoryBroker()
    broker.online = False
    with contextlib.closing(Journal(folder / JOURNAL)) as journal:
        journal.next_boot()
        ledger = Ledger(journal, clock)
        link = Link(ledger, MemoryClient(broker, DEVICE), lambda _: None, clock, utc=lambda: "2026-01-01T00:00:00Z")
        done, every_s, each_hour = 0, hours * 3600 / events, events // hours
        for second in range(hours * 3600):
            while done < events and done * every_s <= second:
                done += 1
                is_fall = done % each_hour == 0
                event = made(done, chance, kind="fall" if is_fall else "battery")
                falls |= {event.id} if is_fall else set()
                journal.append(event)
            ledger.turn()
            link.tick()
            clock.sleep(OFFLINE_TURN_S)
