"""Home Assistant as far as it judges us: what it takes of a description, and what it makes of a payload.

The facts are those of 2025.4.4 (its MQTT integration's schemas and platforms, its sensor's constants); whatever
it would refuse, drop or complain of in its log is an error here. A class that is not listed wants looking up first.
"""

import json
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

_ANY = """p name unique_id qos encoding enabled_by_default entity_category entity_picture icon object_id
    json_attributes_topic json_attributes_template availability availability_mode availability_topic
    availability_template payload_available payload_not_available"""
# Another key of a device or an origin is refused with everything; one of an entity is dropped without a word.
DEVICE_KEYS = """identifiers connections manufacturer model model_id name hw_version serial_number sw_version via_device
    suggested_area configuration_url"""
ORIGIN_KEYS = "name sw_version support_url"
ENTITY_KEYS = {
    "binary_sensor": "state_topic value_template device_class expire_after force_update off_delay payload_off "
    "payload_on",
    "event": "state_topic value_template device_class event_types",
    "button": "command_topic command_template device_class payload_press retain",
    "sensor": "state_topic value_template device_class expire_after force_update last_reset_value_template options "
    "state_class suggested_display_precision unit_of_measurement",
}
REQUIRED = {
    "binary_sensor": {"state_topic"},
    "event": {"state_topic", "event_types"},
    "button": {"command_topic"},
    "sensor": {"state_topic"},
}
CLASSES: dict[str, set[str | None]] = {
    "binary_sensor": {"safety", "problem", "connectivity"},
    "event": {None, "doorbell", "button", "motion"},
    "button": {None, "identify", "restart", "update"},
    "sensor": {None, "battery", "distance", "duration", "enum"},
}
UNITS = {
    "battery": {"%"},
    "distance": {"mm", "cm", "m", "km", "in", "ft", "yd", "mi", "nmi"},
    "duration": {"d", "h", "min", "s", "ms"},
    "enum": {None},
}
# These names an attribute from MQTT may not have; they are left out.
BLOCKED = """assumed_state available device_class device_info entity_category entity_picture
    entity_registry_enabled_default extra_state_attributes force_update icon friendly_name should_poll state
    supported_features unique_id unit_of_measurement"""
LONGEST_STATE = 255
LONGEST_ATTRIBUTES = 16_384  # bytes; longer ones are not kept


class Now:
    """Its `now()`: a second later with each call."""

    def __init__(self) -> None:
        self._s = 1_767_225_600.25

    def timestamp(self) -> float:
        self._s += 1.0
        return self._s


class HomeAssistant:
    """Takes a description, and then the broker's messages one after the other; `states` holds what it shows."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.entities: dict[str, dict[str, Any]] = description["components"]
        self.states: dict[str, str | None] = dict.fromkeys(self.entities)
        self.attributes: dict[str, dict[str, Any]] = {name: {} for name in self.entities}
        self.available = {name: "availability_topic" not in entity for name, entity in self.entities.items()}
        self.fired: list[dict[str, Any]] = []
        self._environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
        clock = Now()
        self._environment.globals["now"] = lambda: clock
        check_description(description)

    def hear(self, topic: str, payload: str, *, retained: bool = False) -> None:
        """One message; `retained` when the broker had kept it from before the subscription."""
        for name, entity in self.entities.items():
            if topic == entity.get("availability_topic"):
                word = self._render(name, entity["availability_template"], payload)
                assert word in ("online", "offline"), f"{name}: {word}"
                self.available[name] = word == "online"
            if topic == entity.get("json_attributes_topic"):
                self._take_attributes(name, entity, payload)
            if topic == entity.get("state_topic") and not (retained and entity["p"] == "event"):
                self._take_state(name, entity, self._render(name, entity["value_template"], payload))

    def press(self, name: str) -> tuple[str, str]:
        """The topic and the payload that it publishes."""
        entity = self.entities[name]
        template = self._environment.from_string(entity["command_template"])
        return entity["command_topic"], template.render()

    def _render(self, name: str, template: str, payload: str) -> str:
        this = {"attributes": self.attributes[name]}
        rendered = self._environment.from_string(template).render(value_json=json.loads(payload), this=this)
        return rendered.strip()

    def _take_attributes(self, name: str, entity: dict[str, Any], payload: str) -> None:
        template = entity.get("json_attributes_template")
        found = json.loads(payload if template is None else self._render(name, template, payload))
        assert isinstance(found, dict), f"{name}: {found}"
        self._keep_attributes(name, {key: value for key, value in found.items() if key not in BLOCKED.split()})

    def _keep_attributes(self, name: str, attributes: dict[str, Any]) -> None:
        assert len(json.dumps(attributes).encode()) <= LONGEST_ATTRIBUTES, name
        self.attributes[name] = attributes

    def _take_state(self, name: str, entity: dict[str, Any], word: str) -> None:
        match entity["p"]:
            case "event":
                if word:
                    event = json.loads(word)
                    assert event["event_type"] in entity["event_types"], event
                    self.fired.append(event)
                    self._keep_attributes(name, event)
            case "binary_sensor":
                assert word in ("ON", "OFF", "None"), f"{name}: {word}"
                self.states[name] = {"ON": "on", "OFF": "off", "None": None}[word]
            case "sensor":
                assert len(word) <= LONGEST_STATE, f"{name}: {word}"
                if word != "None" and "unit_of_measurement" in entity:
                    float(word)
                assert word == "None" or word in entity.get("options", [word]), f"{name}: {word}"
                self.states[name] = None if word == "None" else word


def check_description(description: dict[str, Any]) -> None:
    """Raise AssertionError for whatever Home Assistant would not take, or would take for something else."""
    assert set(description) == {"device", "origin", "components"}
    assert set(description["device"]) <= set(DEVICE_KEYS.split())
    assert description["device"]["identifiers"]
    assert "name" in description["origin"]
    assert set(description["origin"]) <= set(ORIGIN_KEYS.split())
    entities = description["components"].values()
    assert len({entity["unique_id"] for entity in entities}) == len(entities)
    assert len({(entity["p"], entity["name"]) for entity in entities}) == len(entities)
    for name, entity in description["components"].items():
        _check_entity(name, entity)


def _check_entity(name: str, entity: dict[str, Any]) -> None:
    platform = entity["p"]
    assert set(entity) <= {*_ANY.split(), *ENTITY_KEYS[platform].split()}, name
    assert REQUIRED[platform] | {"unique_id", "name"} <= set(entity), name
    device_class = entity.get("device_class")
    assert device_class in CLASSES[platform], name
    for key, value in entity.items():
        if key.endswith("_topic"):
            assert value, name
            assert not set("+#\0") & set(value), name
    assert entity.get("qos", 0) in (0, 1, 2), name
    if platform == "sensor":
        _check_sensor(name, entity, device_class)


def _check_sensor(name: str, entity: dict[str, Any], device_class: str | None) -> None:
    unit = entity.get("unit_of_measurement")
    assert device_class is None or unit in UNITS[device_class], name
    assert entity.get("state_class") in (None, "measurement"), name
    if "options" in entity:
        assert entity["options"], name
        assert device_class == "enum", name
    if device_class == "enum":
        assert not {"unit_of_measurement", "state_class"} & set(entity), name
