"""What docs/MQTT.md, the AsyncAPI file and the schemas promise is what the link says and understands."""

import itertools
import json
import re
from pathlib import Path

import jsonschema
import pytest
from support.events import DEVICE, an_event, made_id
from support.link_bench import Bench

from firmware.link import payloads, topics
from firmware.link.inbound import Refused, parse

DOCUMENT = (Path(__file__).parents[2] / "docs" / "MQTT.md").read_text(encoding="utf-8")
ASYNC = payloads.schema("asyncapi")
SCHEMA_OF = {"accept": "accept", "ack": "ack", "test": "wish", "locate": "wish", "settings": "settings"}
Channel = tuple[str, bool, int]  # address, retained, QoS


def operations(action: str) -> set[Channel]:
    found = set()
    for operation in ASYNC["operations"].values():
        if operation["action"] == action:
            channel = ASYNC["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
            mqtt = operation["bindings"]["mqtt"]
            found.add((channel["address"].replace("{device}", "<id>"), mqtt.get("retain", False), mqtt["qos"]))
    return found


def documented() -> set[Channel]:
    found = set()
    for names, retained, qos in re.findall(r"^\| (`[^|]+`) \| (yes|no) \| ([01]) \|", DOCUMENT, re.M):
        first, *others = re.findall(r"`([^`]+)`", names)
        root = first.rpartition("/cmd/")[0]
        found |= {(name, retained == "yes", int(qos)) for name in (first, *(f"{root}/{other}" for other in others))}
    return found


def test_the_document_and_the_asyncapi_file_name_the_same_topics() -> None:
    home_assistant = {(topics.HOME_ASSISTANT_STATUS, False, 0)}
    assert operations("send") | operations("receive") == documented() | home_assistant


def test_the_link_says_what_is_promised_with_its_qos_and_hears_what_is_promised(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.journal.set_state({"walk": {"state": "walking"}})
    for step in range(3):
        bench.journal.set_state({"telemetry": {"t_ns": step, "state": "walking", "steps": step}})
        bench.guard_lives()
        bench.run(1)
    bench.link.close()
    said = {(each.topic.replace(DEVICE, "<id>"), each.retain, each.qos) for each in bench.broker.log}
    assert said == operations("send")
    heard = {(topics.command("<id>", name), False, qos) for name, qos in topics.COMMANDS.items()}
    assert heard | {(topics.HOME_ASSISTANT_STATUS, False, 0)} == operations("receive")


def test_every_schema_that_the_asyncapi_file_names_is_shipped_and_every_shipped_one_is_named() -> None:
    named = set(re.findall(r'"\./([a-z]+)\.json"', json.dumps(ASYNC)))
    folder = Path(payloads.__file__).parent / "schemas"
    assert named == {path.stem for path in folder.glob("*.json")} - {"asyncapi"}
    for name in named:
        jsonschema.Draft202012Validator.check_schema(payloads.schema(name))


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)```", DOCUMENT, re.S))
def test_the_events_in_the_document_follow_their_schema(example: str) -> None:
    jsonschema.validate(json.loads(example), payloads.schema("event"))


ABSENT = object()
NASTY = (
    *(ABSENT, None, True, False, 0, 1, -1, 2**53 - 1, 2**53, 10**400, 1.0, 1.5, float("nan"), float("inf")),
    *({"a.b": None}, {"a.b": 1e6, "c.d": True}, {"a.b": 1e7}, {"a.b": "x"}, {"a": 1}, {"A.b": 1}, {f"a.{'b' * 41}": 1}),
    {f"a.{'b' * number}": 1 for number in range(1, 21)},
    {f"a.{'b' * number}": 1 for number in range(1, 22)},
    *(
        "",
        "now",
        "seen",
        "at_scene",
        "x" * 80,
        "x" * 81,
        "a\nb",
        "\ud800",
        made_id(2),
        made_id(2).upper(),
        [],
        {},
        [made_id(2)],
    ),
)
SOUND: dict[str, dict[str, object]] = {
    "accept": {"id": made_id(1), "by": "hub"},
    "ack": {"alarm": made_id(1), "by": "Ann", "how": "on_my_way", "seq": 3},
    "test": {"by": "Ann", "seq": 3},
    "locate": {},
    "settings": {"by": "Ann", "seq": 3, "set": {"plan.start_min": 6}},
}
FIELDS = ("id", "alarm", "by", "how", "seq", "set")


@pytest.mark.parametrize("command", SOUND)
def test_the_link_understands_a_command_exactly_if_its_schema_allows_it(command: str) -> None:
    schema = jsonschema.Draft202012Validator(payloads.schema(SCHEMA_OF[command]))
    for first, second in itertools.combinations(FIELDS, 2):
        for one, other in itertools.product(NASTY, NASTY):
            changed = {**SOUND[command], first: one, second: other}
            body = {key: value for key, value in changed.items() if value is not ABSENT}
            assert _understood(command, body) == (schema.is_valid(body) and _printable(body.get("by", ""))), body


def _understood(command: str, body: dict[str, object]) -> bool:
    try:
        parse(command, json.dumps(body).encode())
    except Refused:
        return False
    return True


def _printable(by: object) -> bool:
    """What a schema cannot say."""
    return not isinstance(by, str) or by.isprintable()


def test_a_client_from_tomorrow_is_understood(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.run()
    bench.command("ack", {"v": 7, "alarm": made_id(1), "by": "Ann", "mood": {"calm": True}})
    bench.run()
    assert [word["by"] for word in bench.to_guard] == ["Ann"]
