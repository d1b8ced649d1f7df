"""`python -m caregiver.watch`: the caregiver's first client. It shows what devices tell, each thing once.

With `--accept` it also tells the device that an event has arrived, once its line is written; the device repeats it
until somebody does. So only where these lines are kept or watched: the device believes that its alarm is in safe hands.
That a person has seen it is another matter (`cmd/ack`), and not this client's to claim.
"""

import argparse
import io
import json
import logging
import queue
import secrets
import signal
import socket
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from caregiver import dead_man
from caregiver.dead_man import DeadMan, Escalation
from firmware.errors import RearguardError
from firmware.link import topics
from firmware.link.client import Connected, Disconnected, Message, Received
from firmware.link.config import MqttConfig
from firmware.link.mqtt import Connection
from firmware.plain_json import decode, plain

SESSION_S = 7 * 24 * 3600  # the broker keeps events for us so long
MAX_BYTES = 65536
REMEMBERED = 10_000
TURN_S = 0.2

ANSWERS = {"seen": "seen", "": "on_my_way", "way": "on_my_way", "here": "at_scene"}  # what is typed
TYPE_ONE = "type seen, way (or nothing) or here, and Enter, to"

Say = Callable[[Mapping[str, Any]], bool]


class Watch:
    """Hears all devices, or one; gives every word to `say` once, as {"kind", "dev", "body"}.

    `say` returns whether the word has reached somebody; only then an event is accepted, in the name of `accept_as`.
    """

    def __init__(self, connection: Connection, device: str, say: Say, accept_as: str | None = None) -> None:
        self._connection, self._device, self._say, self._accept_as = connection, device, say, accept_as
        self._events: OrderedDict[str, None] = OrderedDict()
        self._last: dict[str, bytes] = {}
        self._dead_man = DeadMan()
        self._alarms: dict[str, str] = {}  # open, by device
        self.ignored = 0

    def turn(self, now_ns: int) -> None:
        """Handle what has come, and what has not; `now_ns` is our own monotonic clock."""
        for signal_ in self._connection.poll():
            match signal_:
                case Connected(protocol):
                    self._dead_man.connected(now_ns, True)
                    self._say({"kind": "connected", "dev": "", "body": {"protocol": protocol}})
                    self._connection.subscribe(topics.event(self._device))
                    self._connection.subscribe(topics.status(self._device))
                    # QoS 0: while we are away, a thousand walk states would push a fall out of the broker's queue
                    self._connection.subscribe(topics.state(self._device, "#"), qos=0)
                case Disconnected(reason):
                    self._dead_man.connected(now_ns, False)
                    self._say({"kind": "disconnected", "dev": "", "body": {"reason": reason}})
                case Received():
                    self._received(now_ns, signal_)
        self._escalate(self._dead_man.tick(now_ns))

    def answer(self, how: str, by: str) -> int:
        """Tell every open alarm that somebody has it; how many there are."""
        for device, alarm in self._alarms.items():
            body = json.dumps({"alarm": alarm, "by": by, "how": how})
            self._connection.publish(Message(topics.command(device, "ack"), body, qos=1))
        return len(self._alarms)

    def _note_alarm(self, device: str, body: Mapping[str, Any]) -> None:
        self._alarms.pop(device, None)
        if body.get("active") is True and isinstance(body.get("alarm"), str):
            self._alarms[device] = body["alarm"]

    def _received(self, now_ns: int, message: Received) -> None:
        topic, device = message.topic, topics.device_of(message.topic)
        body = decode(message.payload)
        if device is None or body is None:
            self.ignored += 1
            return
        kind = topic.rpartition("/")[2]
        if kind == "alarm":
            self._note_alarm(device, body)
        if kind == "event":
            self._event(device, body)
        elif self._last.get(topic) != message.payload:  # a broker may hand out the same retained state twice
            self._last[topic] = message.payload
            self._say({"kind": kind, "dev": device, "body": body})
        self._escalate(self._dead_man.heard(now_ns, device, kind, body, retained=message.retained))

    def _event(self, device: str, body: dict[str, Any]) -> None:
        event_id = body.get("id")
        if not isinstance(event_id, str):
            self.ignored += 1
            return
        if event_id not in self._events:
            if not self._say({"kind": "event", "dev": device, "body": body}):
                return
            self._events[event_id] = None
            if len(self._events) > REMEMBERED:
                self._events.popitem(last=False)
        if self._accept_as is not None:  # also a repetition: then the device has not heard the first acceptance
            accept = json.dumps({"id": event_id, "by": self._accept_as})
            self._connection.publish(Message(topics.command(device, "accept"), accept, qos=1))

    def _escalate(self, escalations: Sequence[Escalation]) -> None:
        """Nobody acknowledges these to us: whoever reads the lines has to act."""
        for each in escalations:
            body = {"why": each.kind, "alarm": each.alarm, "after_s": round(each.after_s, 1)}
            self._say({"kind": "escalation", "dev": each.device, "body": body})


def as_json_line(word: Mapping[str, Any]) -> str | None:
    return json.dumps(plain(word), separators=(",", ":"), allow_nan=False)


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
        case "escalation":
            return _escalation_line(body)
        case "alarm":
            return _alarm_line(body)
        case "walk":
            why = body.get("no_start")
            return f"walk {body.get('state')}, {body.get('steps', 0)} steps{f'; no walk begins: {why}' if why else ''}"
        case _:
            return f"{kind} {json.dumps(body)}"


def _event_line(body: Mapping[str, Any]) -> str:
    data = body.get("data")
    alarm = data.get("alarm") if isinstance(data, dict) else None
    doubt = "" if body.get("clock") == "synced" else " (its clock is not set)"
    what = f"{body.get('severity')}: {body.get('type')} {body.get('phase')} at {body.get('t')}{doubt}"
    return f"{what}, event {body.get('id')}, alarm {alarm}"


def _escalation_line(body: Mapping[str, Any]) -> str:
    after_s = f"{body['after_s']:.0f} s"
    match body["why"]:
        case dead_man.UNANSWERED:
            return f"CALL HER: a fall was suspected {after_s} ago, and neither cancelled nor confirmed since"
        case dead_man.BACK:
            return f"speaks again after {after_s}"
        case _:
            return f"CALL HER: in a walk, and no word from her device for {after_s}"


def _alarm_line(body: Mapping[str, Any]) -> str:
    if body.get("active") is not True:
        return "no alarm"
    who = body.get("acknowledged")
    heard = _responder(who) if isinstance(who, dict) else "nobody has acknowledged it"
    return f"ALARM {body.get('type')} {body.get('phase')}, {heard}"


def _responder(who: Mapping[str, Any]) -> str:
    match who.get("how"):
        case "on_my_way":
            return f"{who.get('by')} is on the way"
        case "at_scene":
            return f"{who.get('by')} is with her"
        case _:
            return f"acknowledged by {who.get('by')}"


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
    try:
        files = args.password_file, args.ca_file, args.cert_file, args.key_file
        config = MqttConfig(args.host, args.port, args.username, *files)
        connection = _connect(config, args.client_id)
    except (RearguardError, ValueError) as error:
        print(f"watch: {error}", file=sys.stderr)
        return 2
    printer = Printer(as_json_line if args.json else PlainLines().line, stop)
    watch = Watch(connection, args.id, printer.say, args.name if args.accept else None)
    answers = _typed(args.answer) if args.answer else None
    while not stop.is_set():
        watch.turn(time.monotonic_ns())
        if answers is not None:
            _answer(watch, answers, args.answer)
        connection.wait(TURN_S)
    connection.close()
    return printer.exit_code


def _connect(config: MqttConfig, client_id: str) -> Connection:
    """A session is kept only for who asks for it by name: two clients of one name throw each other out."""
    name = client_id or f"rearguard-watch-{secrets.token_hex(6)}"
    return Connection(config, name, session_s=SESSION_S if client_id else 0, max_bytes=MAX_BYTES)


def _typed(name: str) -> queue.SimpleQueue[str]:
    """What somebody types, a line at a time; the thread ends with its input or with the process."""
    print(f"{TYPE_ONE} answer an alarm as {name}", file=sys.stderr)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line.strip().lower())

    threading.Thread(target=read, daemon=True).start()
    return lines


def _answer(watch: Watch, lines: queue.SimpleQueue[str], name: str) -> None:
    while not lines.empty():
        how = ANSWERS.get(lines.get())
        if how is None:
            print(f"{TYPE_ONE} answer an alarm", file=sys.stderr)
        elif not watch.answer(how, name):
            print("no alarm is open", file=sys.stderr)


class Printer:
    """Writes lines to standard output until that fails; then `stop` is set and nothing counts as said any more."""

    def __init__(self, line: Callable[[Mapping[str, Any]], str | None], stop: threading.Event) -> None:
        self._line, self._stop = line, stop
        self.exit_code = 0
        self._failed = False
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal that does not know a letter is no reason to end

    def say(self, word: Mapping[str, Any]) -> bool:
        line = self._line(word)
        if line is None or self._failed:
            return not self._failed
        try:
            print(line, flush=True)
        except OSError as error:
            self._failed = True
            self._stop.set()
            sys.stdout = None
            if not isinstance(error, BrokenPipeError):  # else whoever read us has gone, for example `| head`
                print(f"watch: standard output cannot be written: {error}", file=sys.stderr)
                self.exit_code = 1
        return not self._failed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m caregiver.watch", description="Show what devices tell over MQTT.")
    parser.add_argument("--host", default="127.0.0.1", help="the broker")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--id", default="+", help="one device, such as rg-0a1b2c3d; default: all")
    parser.add_argument("--accept", action="store_true", help="tell the device that its events have arrived")
    parser.add_argument("--name", default=f"watch@{socket.gethostname()}", help="who accepts; default: this machine")
    parser.add_argument("--answer", default="", metavar="NAME", help="answer alarms by the keyboard, as NAME")
    parser.add_argument("--client-id", default="", metavar="NAME", help="let the broker keep events while we are away")
    parser.add_argument("--username", default="")
    parser.add_argument("--password-file", default="")
    parser.add_argument("--ca-file", default="", help="set: TLS, and only a broker that this authority vouches for")
    parser.add_argument("--cert-file", default="", help="what `rearguard authority caregiver` made; so is --key-file")
    parser.add_argument("--key-file", default="")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


if __name__ == "__main__":
    sys.exit(main())
