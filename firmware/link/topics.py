"""The names of everything that goes over MQTT. docs/MQTT.md explains them."""

ROOT = "rearguard/v1"
COMMANDS = {
    "accept": 1,
    "ack": 1,
    "test": 0,
    "locate": 0,
    "settings": 1,
}  # QoS: an acknowledgement is kept for an hour, a sound is not
HOME_ASSISTANT_STATUS = "homeassistant/status"


def status(device: str) -> str:
    return f"{ROOT}/{device}/status"


def state(device: str, key: str) -> str:
    return f"{ROOT}/{device}/state/{key}"


def event(device: str) -> str:
    return f"{ROOT}/{device}/event"


def telemetry(device: str) -> str:
    return f"{ROOT}/{device}/telemetry"


def command(device: str, name: str) -> str:
    """`name` is one of COMMANDS."""
    return f"{ROOT}/{device}/cmd/{name}"


def discovery(device: str) -> str:
    return f"homeassistant/device/{device}/config"


def retained(device: str) -> list[str]:
    """Everything that a broker keeps of a device: what has to be cleared, in this order, when it is to be forgotten.

    The description first: Home Assistant complains of states that are cleared while it still looks at them.
    """
    return [discovery(device), status(device), *(state(device, key) for key in ("alarm", "health", "walk"))]


def device_of(topic: str) -> str | None:
    """Whose topic this is; None when it is not one of ours."""
    parts = topic.split("/")
    return parts[2] if len(parts) >= 4 and "/".join(parts[:2]) == ROOT else None
