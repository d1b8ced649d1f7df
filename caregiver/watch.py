"""`python -m caregiver.watch`: the caregiver's first client. It accepts every event, and says each thing once.

Accepting tells the device that the event has arrived; the device repeats it until then. That a person has seen it is
another matter (`cmd/ack`), and not this client's to claim.
"""

import argparse
import json
import logging
import signal
import socket
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from firmware.errors import RearguardError
from firmware.link import topics
from firmware.link.client import Connected, Disconnected, Message, Received
from firmware.link.config import MqttConfig
from firmware.link.mqtt import Connection

SESSION_S = 7 * 24 * 3600  # the broker keeps events for us so long
MAX_BYTES = 65536
REMEMBERED = 10_000
TURN_S = 0.2

Say = Callable[[Mapping[str, Any]], None]


class Watch:
    """Hears all devices, or one; gives every word to `say` once, as {"kind", "dev", "body"}."""

    def __init__(self, connection: Connection, name: str, device: str, say: Say) -> None:
        self._connection, self._name, self._device, self._say = connection, name, device, say
        self._events: OrderedDict[str, None] = OrderedDict()
        self._last: dict[str, bytes] = {}
        self.ignored = 0

    def turn(self) -> None:
        """Handle what has come."""
        for signal_ in self._connection.poll():
            match signal_:
                case Connected(protocol):
                    self._say({"kind": "connected", "dev": "", "body": {"protocol": protocol}})
                    self._connection.subscribe(topics.event(self._device))
                    self._connection.subscribe(topics.status(self._device))
                    # QoS 0: while we are away, a thousand walk states would push a fall out of the broker's queue
                    self._connection.subscribe(topics.state(self._device, "#"), qos=0)
                case Disconnected(reason):
                    self._say({"kind": "disconnected", "dev": "", "body": {"reason": reason}})
                case Received(topic, payload):
                    self._received(topic, payload)

    def _received(self, topic: str, payload: bytes) -> None:
        device = topics.device_of(topic)
        try:
            body = json.loads(payload)
        except (ValueError, RecursionError):
            body = None
        if device is None or not isinstance(body, dict):
            self.ignored += 1
            return
        kind = topic.rpartition("/")[2]
        if kind == "event":
            self._event(device, body)
        elif self._last.get(topic) != payload:  # a broker may hand out the same retained state twice
            self._last[topic] = payload
            self._say({"kind": kind, "dev": device, "body": body})

    def _event(self, device: str, body: dict[str, Any]) -> None:
        event_id = body.get("id")
        if not isinstance(event_id, str):
            self.ignored += 1
            return
        if event_id not in self._events:
            self._say({"kind": "event", "dev": device, "body": body})
            self._events[event_id] = None
            if len(self._events) > REMEMBERED:
                self._events.popitem(last=False)
        # Also for a repetition: then the device has not heard the first acceptance.
        accept = json.dumps({"id": event_id, "by": self._name})
        self._connection.publish(Message(topics.command(device, "accept"), accept, qos=1))


def as_json_line(word: Mapping[str, Any]) -> str | None:
    return json.dumps(word, separators=(",", ":"))


class PlainLines:
    """One line for a person each; a heartbeat only where it says something new."""

    def __init__(self) -> None:
        self._health: dict[str, str] = {}

    def line(self, word: Mapping[str, Any]) -> str | None:
        kind, device, body = word["kind"], word["dev"], word["body"]
        text = self._health_line(device, body) if kind == "health" else _sentence(kind, body)
        return None if text is None else "".join(c if c.isprintable() else "?" for c in f"{device} {text}".strip())

    def _health_line(self, device: str, body: Mapping[str, Any]) -> str | None:
        text = "health ok" if body.get("ok") is True else f"health: {_troubles(body)}"
        changed = self._health.get(device) != text
        self._health[device] = text
        return text if changed else None


def _sentence(kind: str, body: Mapping[str, Any]) -> str:
    match kind:
        case "connected":
            return f"broker found, MQTT {body['protocol']}"
        case "disconnected":
            return f"broker lost: {body['reason']}"
        case "status":
            return f"device {body.get('state')}"
        case "event":
            return _event_line(body)
        case "alarm":
            return _alarm_line(body)
        case "walk":
            return f"walk {body.get('state')}, {body.get('steps', 0)} steps"
        case _:
            return f"{kind} {json.dumps(body)}"


def _event_line(body: Mapping[str, Any]) -> str:
    data = body.get("data")
    alarm = data.get("alarm") if isinstance(data, dict) else None
    doubt = "" if body.get("clock") == "synced" else " (its clock is not set)"
    what = f"{body.get('severity')}: {body.get('type')} {body.get('phase')} at {body.get('t')}{doubt}"
    return f"{what}, event {body.get('id')}, alarm {alarm}"


def _alarm_line(body: Mapping[str, Any]) -> str:
    if body.get("active") is not True:
        return "no alarm"
    who = body.get("acknowledged")
    heard = f"acknowledged by {who.get('by')}" if isinstance(who, dict) else "nobody has acknowledged it"
    return f"ALARM {body.get('type')} {body.get('phase')}, {heard}"


def _troubles(body: Mapping[str, Any]) -> str:
    parts, guard = body.get("parts"), body.get("guard")
    broken = sorted(name for name, part in parts.items() if not _well(part)) if isinstance(parts, dict) else []
    silent = [] if _well(guard) else ["the guard is silent"]
    return ", ".join([*silent, *broken]) or "not known"


def _well(part: object) -> bool:
    return isinstance(part, dict) and part.get("ok") is True


def main(arguments: Sequence[str] | None = None) -> int:
    """Watch until SIGTERM or Ctrl-C; 0 after a clean end."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.ERROR, format="watch: %(message)s")
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    write = as_json_line if args.json else PlainLines().line
    try:
        config = MqttConfig(args.host, args.port, args.username, args.password_file, args.ca_file)
        connection = Connection(config, args.client_id, session_s=SESSION_S, max_bytes=MAX_BYTES)
    except (RearguardError, ValueError) as error:
        print(f"watch: {error}", file=sys.stderr)
        return 2
    watch = Watch(connection, args.name, args.id, lambda word: _print(write(word), stop))
    while not stop.is_set():
        watch.turn()
        connection.wait(TURN_S)
    connection.close()
    return 0


def _print(line: str | None, stop: threading.Event) -> None:
    try:
        if line is not None:
            print(line, flush=True)
    except BrokenPipeError:  # whoever read us has gone, for example `| head`
        stop.set()
        sys.stdout = None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m caregiver.watch", description="Show what devices tell over MQTT, and accept their events."
    )
    parser.add_argument("--host", default="127.0.0.1", help="the broker")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--id", default="+", help="one device, such as rg-0a1b2c3d; default: all")
    parser.add_argument("--name", default=f"watch@{socket.gethostname()}", help="who accepts; default: this machine")
    parser.add_argument("--client-id", default=f"rearguard-watch-{socket.gethostname()}", help="of the kept session")
    parser.add_argument("--username", default="")
    parser.add_argument("--password-file", default="")
    parser.add_argument("--ca-file", default="", help="set: TLS, and only a broker that this authority vouches for")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


if __name__ == "__main__":
    sys.exit(main())
