"""The description with which the device appears in Home Assistant by itself (2024.11 and later).

Alarm, events, walk, connection and buttons are on purpose not gated by availability: an alarm that vanishes when the
belt breaks would be the worst of answers. Home Assistant refuses a device with an unknown key and silently drops one of
an entity, and it complains in its log of each field that a template asks for in vain: hence `get`, and no others.
Source: Home Assistant, MQTT integration, "Device discovery payload".
"""

from typing import Any

from firmware.link import topics

OTHER_EVENT = "other"  # Home Assistant refuses an event of a type that it was not told of; no alarm is to be lost so
EVENT_TYPES = (
    *(f"fall_{phase}" for phase in ("suspected", "confirmed", "cancelled", "recovered", "not_recovered", "long_lie")),
    *(f"sos_{phase}" for phase in ("confirmed", "cancelled")),
    *(f"fault_{phase}" for phase in ("caution", "warning", "fault", "over")),
    *(f"mounting_{phase}" for phase in ("caution", "over")),
    *(f"settings_{phase}" for phase in ("applied", "refused")),
    OTHER_EVENT,
)
WALK_STATES = ("off_body", "clipped_on", "self_test", "lane_check", "ready", "walking", "paused", "ended", "summary")
REMEMBERED = 100  # events: what is told again fires once, though Home Assistant alone accepts nothing
TELEMETRY_STALE_S = 10  # it comes each second while she walks; the last range of a walk says nothing about now

NUMBER = "{{ (now().timestamp() * 1000) | int }}"  # rises with each press
# Home Assistant takes the text None for "unknown"; a share of nothing would be shown as an empty battery.
BATTERY = (
    "{% set share = value_json.get('battery', {}).get('share') %}"
    "{{ none if share is none else (share * 100) | round | int }}"
)
LAST_WORD = "{{ {'last_word': value_json.state} | tojson }}"  # "state" is no name that an attribute may have
WALK = f"{{% set state = value_json.get('state') %}}{{{{ state if state in {list(WALK_STATES)} else none }}}}"
EVENT = (
    "{% set told = this.attributes.get('told', []) %}{% set kind = value_json.type ~ '_' ~ value_json.phase %}"
    "{% if value_json.id not in told %}"
    f"{{% set kind = kind if kind in {list(EVENT_TYPES)} else '{OTHER_EVENT}' %}}"
    f"{{{{ dict(value_json, event_type=kind, told=(told + [value_json.id])[-{REMEMBERED}:]) | tojson }}}}"
    "{% endif %}"
)
REASONS = (
    "{% set found = namespace(reasons=[]) %}"
    "{% if not value_json.guard.ok %}{% set found.reasons = ['guard: silent'] %}{% endif %}"
    "{% for name, part in value_json.parts.items() if part.reason or not part.ok %}"
    "{% set found.reasons = found.reasons + [name ~ ': ' ~ part.reason] %}{% endfor %}"
    "{{ {'reasons': found.reasons} | tojson }}"
)


def discovery(device: str, version: str) -> dict[str, Any]:
    """The payload of `topics.discovery(device)`; `version` is the firmware's."""
    entities = {**_told(device), **_buttons(device), **_measured(device)}
    for name, entity in entities.items():
        entity["unique_id"] = f"{device}_{name}"
    return {
        "device": {
            "identifiers": [device],
            "name": f"Rearguard {device}",
            "manufacturer": "Rearguard",
            "model": "Belt-worn guard for walking backward",
            "sw_version": version,
        },
        "origin": {"name": "rearguard", "sw_version": version},
        "components": entities,
    }


def _told(device: str) -> dict[str, dict[str, Any]]:
    """What a caregiver must see at any time."""
    alarm, health, status = topics.state(device, "alarm"), topics.state(device, "health"), topics.status(device)
    serious = "value_json.active and value_json.severity == 'critical'"
    # not all of the heartbeat: each other number in it would be written to Home Assistant's database every ten seconds
    reasons = {"json_attributes_topic": health, "json_attributes_template": REASONS}
    return {
        "alarm": _binary("Fall or SOS", alarm, serious, "safety") | {"json_attributes_topic": alarm},
        "problem": _binary("Device problem", health, "not value_json.ok", "problem") | reasons,
        "connection": _binary("Connection", status, "value_json.state == 'ready'", "connectivity")
        | {"json_attributes_topic": status, "json_attributes_template": LAST_WORD},
        "event": {
            "p": "event",
            "name": "Event",
            "state_topic": topics.event(device),
            "event_types": list(EVENT_TYPES),
            "value_template": EVENT,
            "qos": 1,
        },
        "walk": {
            "p": "sensor",
            "name": "Walk",
            "state_topic": topics.state(device, "walk"),
            "value_template": WALK,
            "device_class": "enum",
            "options": list(WALK_STATES),
        },
    }


def _binary(name: str, topic: str, condition: str, device_class: str) -> dict[str, Any]:
    return {
        "p": "binary_sensor",
        "name": name,
        "state_topic": topic,
        "value_template": f"{{{{ 'ON' if {condition} else 'OFF' }}}}",
        "device_class": device_class,
        "qos": 1,
    }


def _buttons(device: str) -> dict[str, dict[str, Any]]:
    def ack(how: str) -> str:
        return f'{{"alarm": "now", "by": "Home Assistant", "how": "{how}", "seq": {NUMBER}}}'

    return {
        "ack": _button("I am coming", topics.command(device, "ack"), ack("on_my_way")),
        "seen": _button("I have seen it", topics.command(device, "ack"), ack("seen")),
        "locate": _button("Find the device", topics.command(device, "locate"), "{}"),
    }


def _button(name: str, topic: str, template: str) -> dict[str, Any]:
    return {"p": "button", "name": name, "command_topic": topic, "command_template": template, "qos": 1}


def _measured(device: str) -> dict[str, dict[str, Any]]:
    """What is only worth showing while the device is there."""
    telemetry, walk, health = topics.telemetry(device), topics.state(device, "walk"), topics.state(device, "health")
    return {
        "distance": _sensor(device, "Free way behind", telemetry, "distance_m", "m")
        | {"device_class": "distance", "expire_after": TELEMETRY_STALE_S},
        "cadence": _sensor(device, "Cadence", telemetry, "cadence_spm", "steps/min")
        | {"expire_after": TELEMETRY_STALE_S},
        "steps": _sensor(device, "Steps", walk, "steps", "steps"),
        "minutes": _sensor(device, "Walk duration", walk, "minutes", "min") | {"device_class": "duration"},
        "battery": _sensor(device, "Battery", health, "battery.share", "%")
        | {"device_class": "battery", "value_template": BATTERY},
    }


def _sensor(device: str, name: str, topic: str, field: str, unit: str) -> dict[str, Any]:
    return {
        "p": "sensor",
        "name": name,
        "state_topic": topic,
        "value_template": f"{{{{ value_json.get('{field}') }}}}",
        "unit_of_measurement": unit,
        "state_class": "measurement",
        "availability_topic": topics.status(device),
        "availability_template": "{{ 'online' if value_json.state == 'ready' else 'offline' }}",
    }
