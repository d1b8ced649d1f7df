"""The description with which the device appears in Home Assistant by itself (2024.11 and later).

Alarm, events, connection and buttons are on purpose not gated by availability: an alarm that vanishes when the belt
breaks would be the worst of answers. Home Assistant refuses an entity with an unknown key, so there are no others.
Source: Home Assistant, MQTT integration, "Device discovery payload".
"""

from typing import Any

from firmware.link import topics

EVENT_TYPES = (
    *(f"fall_{phase}" for phase in ("suspected", "confirmed", "cancelled", "recovered", "not_recovered", "long_lie")),
    *(f"sos_{phase}" for phase in ("confirmed", "cancelled", "recovered", "not_recovered", "long_lie")),
    *(f"fault_{phase}" for phase in ("caution", "warning", "fault", "over")),
    *(f"mounting_{phase}" for phase in ("caution", "over")),
    *(f"settings_{phase}" for phase in ("applied", "refused")),
)


# Home Assistant takes the text None for "unknown"; a share of nothing would be shown as an empty battery.
NUMBER = "{{ (now().timestamp() * 1000) | int }}"  # rises with each press
BATTERY = "{% set share = value_json.battery.share %}{{ none if share is none else (share * 100) | round }}"


def discovery(device: str, version: str) -> dict[str, Any]:
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
    alarm, health = topics.state(device, "alarm"), topics.state(device, "health")
    details = {"json_attributes_topic": health}
    serious = "value_json.active and value_json.severity == 'critical'"
    return {
        "alarm": _binary("Fall or SOS", alarm, serious, "safety") | {"json_attributes_topic": alarm},
        "problem": _binary("Device problem", health, "not value_json.ok", "problem") | details,
        "connection": _binary("Connection", topics.status(device), "value_json.state == 'ready'", "connectivity"),
        "event": {
            "p": "event",
            "name": "Event",
            "state_topic": topics.event(device),
            "event_types": list(EVENT_TYPES),
            "value_template": "{{ dict(value_json, event_type=value_json.type ~ '_' ~ value_json.phase) | tojson }}",
            "qos": 1,
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
        "distance": _sensor(device, "Free way behind", telemetry, "distance_m", "m") | {"device_class": "distance"},
        "cadence": _sensor(device, "Cadence", telemetry, "cadence_spm", "steps/min"),
        "steps": _sensor(device, "Steps", walk, "steps", "steps"),
        "minutes": _sensor(device, "Walk", walk, "minutes", "min") | {"device_class": "duration"},
        "battery": _sensor(device, "Battery", health, "battery.share", "%")
        | {"device_class": "battery", "value_template": BATTERY},
    }


def _sensor(device: str, name: str, topic: str, field: str, unit: str) -> dict[str, Any]:
    return {
        "p": "sensor",
        "name": name,
        "state_topic": topic,
        "value_template": f"{{{{ value_json.{field} }}}}",
        "unit_of_measurement": unit,
        "state_class": "measurement",
        "availability_topic": topics.status(device),
        "availability_template": "{{ 'online' if value_json.state == 'ready' else 'offline' }}",
    }
