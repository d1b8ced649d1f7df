"""What may be said to the device. Everything that comes in is hostile until it has been through here."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from firmware.responders import HOW

MAX_BYTES = 2048
NAME_MAX = 80
LARGEST_NUMBER = 2**53  # what every JSON library can hold
SETTINGS_MAX = 20
SETTING_LARGEST = 1e6
THIS_ALARM = "now"  # for buttons that cannot name an alarm
_SETTING = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}")
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
    """A person has the alarm (an alarm's id, or THIS_ALARM). `how`: one of firmware.responders.HOW.

    `number` rises with each word of the same person. Without it an old word about THIS_ALARM, said again, would be
    taken for one about the alarm of today; a word that names its alarm can be said again without harm.
    """

    alarm: str
    by: str
    how: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Wish:
    """ "test" or "locate"; who wished it, and the number of their word, when that was said."""

    name: str
    by: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Other settings: by "section.key"; None takes one back. The guard judges them."""

    by: str
    number: int
    values: Mapping[str, object]


Word = Accept | Ack | Wish | Settings


def parse(command: str, payload: bytes) -> Word:
    """Understand a command, or raise Refused."""
    match command:
        case "accept":
            body = _object(payload)
            return Accept(_id(body.get("id")), _name(body.get("by")))
        case "ack":
            return _ack(_object(payload))
        case "test" | "locate":
            return _wish(command, _object(payload) if payload else {})
        case "settings":
            return _settings(_object(payload))
        case _:
            raise Refused("unknown command")


def _ack(body: dict[str, object]) -> Ack:
    alarm, how, number = body.get("alarm"), body.get("how", HOW[0]), _number(body)
    if not isinstance(how, str) or how not in HOW:
        raise Refused("unknown answer")
    if alarm == THIS_ALARM and number is None:
        raise Refused("no number")
    return Ack(THIS_ALARM if alarm == THIS_ALARM else _id(alarm), _name(body.get("by")), how, number)


def _wish(command: str, body: dict[str, object]) -> Wish:
    number = _number(body)
    by = _name(body.get("by")) if number is not None or "by" in body else ""
    return Wish(command, by, number)


def _settings(body: dict[str, object]) -> Settings:
    by, number, values = _name(body.get("by")), _number(body), body.get("set")
    if number is None:
        raise Refused("no number")
    if not isinstance(values, dict) or not 0 < len(values) <= SETTINGS_MAX:
        raise Refused("no settings")
    for name, value in values.items():
        if not _SETTING.fullmatch(name) or not (value is None or _plain(value)):
            raise Refused("no setting")
    return Settings(by, number, values)


def _plain(value: object) -> bool:
    """True, false, or a number of a size that a setting can have."""
    return isinstance(value, bool) or (isinstance(value, int | float) and abs(value) <= SETTING_LARGEST)


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


def _number(body: dict[str, object]) -> int | None:
    value = body.get("seq")
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON knows but one kind of number
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < LARGEST_NUMBER:
        raise Refused("bad number")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= NAME_MAX or not value.isprintable():
        raise Refused("no name")
    return value
