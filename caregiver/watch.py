"""`python -m caregiver.watch`: the caregiver's first client. It shows what devices tell, each thing once.

With `--accept` it also tells the device that an event has arrived, once its line is written; the device repeats it
until somebody does. So only where these lines are kept or watched: the device believes that its alarm is in safe hands.
That a person has seen it is another matter (`cmd/ack`), and not this client's to claim.
"""

import argparse
import json
import logging
import re
import secrets
import signal
import socket
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caregiver.dead_man import DeadMan, Escalation
from caregiver.keyboard import Keyboard
from caregiver.lines import PlainLines, Printer, as_json_line
from firmware.errors import ConfigError, RearguardError
from firmware.link import topics
from firmware.link.client import Connected, Disconnected, Message, Received
from firmware.link.config import MqttConfig
from firmware.link.inbound import NAME_MAX
from firmware.link.mqtt import Connection
from firmware.link.payloads import MOST_TOLD
from firmware.plain_json import decode
from firmware.responders import HOW

SESSION_S = 7 * 24 * 3600  # the broker keeps events for us so long
MAX_BYTES = 65536
REMEMBERED = 10_000
TURN_S = 0.2
ANSWER_AGAIN_NS = 5_000_000_000
IDENTITY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # what is none, no device of ours has given

Say = Callable[[Mapping[str, Any]], bool]


@dataclass(slots=True)
class Answer:
    """A person's word to one alarm, until its device has it."""

    alarm: str
    by: str
    how: str
    due_ns: int = 0

    def is_known(self, alarm_now: Mapping[str, Any]) -> bool:
        """Whether the device's own word shows it; it shows of each person who is nearest."""
        people = alarm_now.get("responders")
        told = [each for each in people if isinstance(each, dict)] if isinstance(people, list) else []
        shown = any(each.get("by") == self.by and _is_as_far(each.get("how"), self.how) for each in told)
        return shown or len(told) >= MOST_TOLD  # more people than these it does not show


def _is_as_far(told: object, said: str) -> bool:
    return told in HOW and HOW.index(str(told)) >= HOW.index(said)


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
        self._answers: dict[str, Answer] = {}  # that the device has not confirmed
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
        self._say_answers(now_ns)

    @property
    def open_alarms(self) -> Mapping[str, str]:
        """By device."""
        return self._alarms

    def answer(self, device: str, how: str, by: str) -> None:
        """Tell the device's open alarm that somebody has it; again, until the device says that it knows."""
        self._answers[device] = Answer(self._alarms[device], by, how)

    def _note_alarm(self, device: str, body: Mapping[str, Any]) -> None:
        self._alarms.pop(device, None)
        alarm = body.get("alarm")
        if body.get("active") is True and isinstance(alarm, str) and IDENTITY.fullmatch(alarm):
            self._alarms[device] = alarm
        answer = self._answers.get(device)
        if answer is not None and (self._alarms.get(device) != answer.alarm or answer.is_known(body)):
            del self._answers[device]

    def _say_answers(self, now_ns: int) -> None:
        for device, answer in self._answers.items():
            if answer.due_ns <= now_ns:
                text = json.dumps({"alarm": answer.alarm, "by": answer.by, "how": answer.how})
                if self._connection.publish(Message(topics.command(device, "ack"), text, qos=1)):
                    answer.due_ns = now_ns + ANSWER_AGAIN_NS

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
            if len(self._last) > REMEMBERED:
                del self._last[next(iter(self._last))]
            self._say({"kind": kind, "dev": device, "body": body})
        self._escalate(self._dead_man.heard(now_ns, device, kind, body, retained=message.retained))

    def _event(self, device: str, body: dict[str, Any]) -> None:
        event_id = body.get("id")
        if not isinstance(event_id, str) or not IDENTITY.fullmatch(event_id):
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Watch until SIGTERM or Ctrl-C; 0 after a clean end."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.ERROR, format="watch: %(message)s")
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    try:
        files = args.password_file, args.ca_file, args.cert_file, args.key_file
        _check_name(args.answer)
        config = MqttConfig(args.host, args.port, args.username, *files)
        connection = _connect(config, args.client_id)
    except (RearguardError, ValueError) as error:
        print(f"watch: {error}", file=sys.stderr)
        return 2
    printer = Printer(as_json_line if args.json else PlainLines().line, stop)
    watch = Watch(connection, args.id, printer.say, args.name if args.accept else None)
    keyboard = Keyboard(args.answer, watch) if args.answer else None
    while not stop.is_set():
        watch.turn(time.monotonic_ns())
        if keyboard is not None:
            keyboard.turn()
        connection.wait(TURN_S)
    connection.close()
    return printer.exit_code


def _check_name(name: str) -> None:
    if len(name) > NAME_MAX or not name.isprintable():
        raise ConfigError(f"--answer: {name[:NAME_MAX]!r} is no name, expected up to {NAME_MAX} printable characters")


def _connect(config: MqttConfig, client_id: str) -> Connection:
    """A session is kept only for who asks for it by name: two clients of one name throw each other out."""
    name = client_id or f"rearguard-watch-{secrets.token_hex(6)}"
    return Connection(config, name, session_s=SESSION_S if client_id else 0, max_bytes=MAX_BYTES)


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
