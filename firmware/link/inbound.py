"""What may be said to the device. Everything that comes in is hostile until it has been through here."""

import json
import re
from dataclasses import dataclass

MAX_BYTES = 2048
NAME_MAX = 80
THIS_ALARM = "now"  # for buttons that cannot name an alarm
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Refused(ValueError):
    """Not one of ours; the message is a short word to count it under."""


@dataclass(frozen=True, slots=True)
class Accept:
    """The caregiver's service `by` has stored an event."""

    event_id: str
    by: str


@dataclass(frozen=True, slots=True)
class Ack:
    """A person has the alarm (an alarm's id, or THIS_ALARM)."""

    alarm: str
    by: str


@dataclass(frozen=True, slots=True)
class Wish:
    """ "test" or "locate"."""

    name: str


def parse(command: str, payload: bytes) -> Accept | Ack | Wish:
    """Understand a command, or raise Refused."""
    match command:
        case "accept":
            body = _object(payload)
            return Accept(_id(body.get("id")), _name(body.get("by")))
        case "ack":
            body = _object(payload)
            alarm = body.get("alarm")
            return Ack(THIS_ALARM if alarm == THIS_ALARM else _id(alarm), _name(body.get("by")))
        case "test" | "locate":
            if payload:
                _object(payload)
            return Wish(command)
        case _:
            raise Refused("unknown command")


def _object(payload: bytes) -> dict[str, object]:
    if len(payload) > MAX_BYTES:
        raise Refused("too long")
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Refused("not JSON") from error
    if not isinstance(body, dict):
        raise Refused("not an object")
    return body


def _id(value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Refused("no id")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= NAME_MAX or not value.isprintable():
        raise Refused("no name")
    return value
