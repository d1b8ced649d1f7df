"""The broker's access rules, as Mosquitto's acl_file: what a device, a caregiver and a therapist may say and hear.

A device needs no line of its own: its name is in its topics. A person has a block, since Mosquitto knows no groups;
in it the tree of her own name is forbidden, which the devices' patterns would otherwise give her: she could show a
device that there is not. Mosquitto looks at what is forbidden first.
"""

from collections.abc import Iterable

from firmware.link import topics

HEAD = "# Made by `rearguard authority`: what is changed here is lost. docs/MQTT.md explains it.\n"
OF_DEVICES = (
    "write {root}/%u/status",
    "write {root}/%u/state/alarm",
    "write {root}/%u/state/health",
    "write {root}/%u/state/walk",
    "write {root}/%u/event",
    "write {root}/%u/telemetry",
    "read {root}/%u/cmd/+",
    "write homeassistant/device/%u/config",
    "read homeassistant/status",
)
OF_CAREGIVERS = (
    "deny {root}/{name}/#",
    "deny homeassistant/device/{name}/#",
    "read {root}/#",
    *(f"write {{root}}/+/cmd/{command}" for command in topics.COMMANDS if command != "settings"),
    "read homeassistant/#",
    "write homeassistant/status",
)
OF_THERAPISTS = (*OF_CAREGIVERS, "write {root}/+/cmd/settings")


def acl(caregivers: Iterable[str], therapists: Iterable[str], revoked: Iterable[str]) -> str:
    """The whole file. Who is `revoked` and still connected hears and says nothing more once the broker has read it."""
    blocks = [HEAD + _lines("pattern", OF_DEVICES)]
    for people, rights in ((caregivers, OF_CAREGIVERS), (therapists, OF_THERAPISTS)):
        blocks += [f"user {name}\n{_lines('topic', rights, name)}" for name in sorted(people)]
    blocks += [f"user {name}\ntopic deny #\n" for name in sorted(revoked)]
    return "\n".join(blocks)


def _lines(kind: str, rules: Iterable[str], name: str = "") -> str:
    return "".join(f"{kind} {rule.format(root=topics.ROOT, name=name)}\n" for rule in rules)
