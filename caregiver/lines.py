"""What a caregiver's terminal says of each word, and whether it could be said."""

import io
import json
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from caregiver import dead_man
from firmware.plain_json import plain


class Printer:
    """Writes lines to standard output until that fails; then `stop` is set and nothing counts as said any more."""

    def __init__(self, line: Callable[[Mapping[str, Any]], str | None], stop: threading.Event) -> None:
        self._line, self._stop = line, stop
        self.exit_code = 0
        self._failed = False
        if sys.stdout is None:
            self._fail("it is closed; nobody would see an alarm")
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal that does not know a letter is no reason to end

    def say(self, word: Mapping[str, Any]) -> bool:
        line = self._line(word)
        if line is None or self._failed:
            return not self._failed
        try:
            print(line, flush=True)
        except OSError as error:
            sys.stdout = None
            self._fail("" if isinstance(error, BrokenPipeError) else str(error))  # who reads us may go: `| head`
        return not self._failed

    def _fail(self, reason: str) -> None:
        self._failed = True
        self._stop.set()
        if reason:
            print(f"watch: standard output cannot be written: {reason}", file=sys.stderr)
            self.exit_code = 1


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
            return f"guards her again after {after_s}"
        case _:
            return f"CALL HER: in a walk, and for {after_s} nothing has said that her device guards her"


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
