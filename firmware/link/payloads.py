"""What is said over MQTT, as JSON-able objects; firmware/link/schemas describes each one."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from firmware.journal import StoredEvent
from firmware.plain_json import encode
from firmware.responders import Responder, furthest

VERSION = 1
MAX_BYTES = 2048  # brokers with a smaller limit than the message close the connection instead of refusing
EXPIRY_S = {"critical": 24 * 3600, "warning": 3600, "info": 24 * 3600}
DEFAULT_EXPIRY_S = 3600
GUARD_SILENT_S = 3.0
MOST_TOLD = 8  # of the people who have an alarm
MOST_REASON = 200  # characters
POWER_STALE_NS = 90_000_000_000
NO_POWER: Mapping[str, Any] = {
    "battery": {"share": None, "volts": None, "amps": None, "left_min": None},
    "supply": {"undervoltage": None, "throttled": None},
    "cpu_c": None,
}


def event(stored: StoredEvent, age_s: float | None, *, minimal: bool = False) -> str:
    """The event as it is told, `age_s` after it happened (None: not known).

    Details that would make it too large are left out, and `data.cut` says so.
    """
    body = {"v": VERSION, **stored.event.body(), "seq": stored.seq, "age_s": age_s}
    alarm = body.pop("alarm")
    text = encode({**body, "data": {**stored.event.data, "alarm": alarm}})
    if minimal or len(text.encode()) > MAX_BYTES:
        text = encode({**body, "data": {"alarm": alarm, "cut": True}})
    return text


def expiry_s(severity: str) -> int:
    """How long a broker may keep an event for a service that is away."""
    return EXPIRY_S.get(severity, DEFAULT_EXPIRY_S)


def birth(device: str, boot: int, protocol: str) -> str:
    return encode({"v": VERSION, "dev": device, "state": "ready", "boot": boot, "protocol": protocol})


def ended(device: str, boot: int) -> str:
    return encode({"v": VERSION, "dev": device, "state": "ended", "boot": boot})


def lost(device: str) -> str:
    """The last will: the broker says it when the device has gone without a word."""
    return encode({"v": VERSION, "dev": device, "state": "lost"})


def alarm(device: str, boot: int, body: Mapping[str, Any] | None, people: list[Responder]) -> dict[str, Any]:
    """The alarm now, or that there is none; and who has it: whoever is nearest to her, and everybody."""
    everybody = [{"by": each.by, "how": each.how, "t": each.t} for each in people[:MOST_TOLD]]
    nearest = furthest(people)
    acknowledged = None if nearest is None else {"by": nearest.by, "how": nearest.how, "t": nearest.t}
    return {**_state(device, boot, body or {"active": False}), "acknowledged": acknowledged, "responders": everybody}


def walk(device: str, boot: int, body: Mapping[str, Any]) -> dict[str, Any]:
    return _state(device, boot, body)


def telemetry(device: str, boot: int, body: Mapping[str, Any]) -> dict[str, Any]:
    return _state(device, boot, body)


def health(
    device: str,
    boot: int,
    body: Mapping[str, Any] | None,
    guard_age_s: float | None,
    link: Mapping[str, Any],
    power: Mapping[str, Any] | None = None,
    troubles: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The heartbeat. `ok` is True only when the guard has spoken lately and says that every part is well.

    `troubles` are the link's own, by part, with the reason; an empty one is none.
    """
    parts = (body or {}).get("parts")
    parts = parts if isinstance(parts, Mapping) else {}
    for name, reason in (troubles or {}).items():
        if reason:
            parts = {**parts, name: {"ok": False, "age_s": None, "reason": reason[:MOST_REASON]}}
    guard_ok = guard_age_s is not None and guard_age_s <= GUARD_SILENT_S
    well = bool(parts) and all(isinstance(part, Mapping) and part.get("ok") is True for part in parts.values())
    guard = {"ok": guard_ok, "age_s": None if guard_age_s is None else round(guard_age_s, 1)}
    fed = _power(power or {}, body or {}) if guard_ok else NO_POWER
    return {**_state(device, boot, body or {}), "parts": parts, "ok": guard_ok and well, "guard": guard, **fed, **link}


def gist(health: Mapping[str, Any]) -> object:
    """What is worth a heartbeat of its own when it changes: what is well, why not, and whether anybody listens."""
    parts = health["parts"].items()
    troubles = {name: part.get("reason") if isinstance(part, Mapping) else part for name, part in parts}
    outbox = health["outbox"]
    return health["ok"], health["guard"]["ok"], troubles, outbox["depth"] > 0, outbox["heard"], health["boot"]


def _power(power: Mapping[str, Any], health: Mapping[str, Any]) -> Mapping[str, Any]:
    """Battery and supply; unknown when told long before the guard's last word, or in another life of the machine."""
    told_ns, now_ns = power.get("t_ns"), health.get("t_ns")
    if not isinstance(told_ns, int) or not isinstance(now_ns, int) or power.get("boot_id") != health.get("boot_id"):
        return NO_POWER
    if not 0 <= now_ns - told_ns <= POWER_STALE_NS:
        return NO_POWER
    left_s = power.get("battery_left_s")
    return {
        "battery": {
            "share": _rounded(power.get("battery_share"), 3),
            "volts": _rounded(power.get("battery_v"), 2),
            "amps": _rounded(power.get("battery_a"), 2),
            "left_min": round(left_s / 60) if isinstance(left_s, int) else None,
        },
        "supply": {"undervoltage": power.get("undervoltage"), "throttled": power.get("throttled")},
        "cpu_c": _rounded(power.get("cpu_c"), 1),
    }


def _rounded(value: object, digits: int) -> float | None:
    return round(value, digits) if isinstance(value, int | float) else None


def _state(device: str, boot: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """`t_ns` and `kind` are the recording's words; the boot number and the sender say the rest."""
    kept = {key: value for key, value in body.items() if key not in ("t_ns", "kind", "boot_id", "others")}
    return {**kept, "v": VERSION, "dev": device, "boot": boot}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of `name`: event, status, alarm, health, walk or telemetry."""
    text = files("firmware.link").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
