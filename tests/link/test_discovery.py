"""The description for Home Assistant, by Home Assistant's rules, and what its templates make of what the link says."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.events import DEVICE, an_event, made_id
from support.home_assistant import HomeAssistant, check_description
from support.link_bench import Bench

from firmware.config import Config
from firmware.core.alerts import RULES
from firmware.core.messages import Alert, Hazard, Severity, WalkState
from firmware.guard.events import EventMaker, Wall
from firmware.journal import StoredEvent
from firmware.link import payloads, topics
from firmware.link.discovery import EVENT_TYPES, OTHER_EVENT, REMEMBERED, WALK_STATES, discovery
from firmware.link.link import HEARTBEAT_NS, TELEMETRY_NS
from firmware.link.memory import MemoryBroker
from firmware.virtual import DEVICE as VIRTUAL
from firmware.virtual import VirtualDevice
from hal.sim.faults import parse_fault
from hal.sim.world.scenarios import scenario

PUBLISHED = [key for key, rule in RULES.items() if rule.published]
UNPLANNED = RULES[Hazard.LEAN, Severity.LONG_LIE]  # as all that nobody planned
PLANNED = [key for key in PUBLISHED if RULES[key] is not UNPLANNED]
DOCUMENT = (Path(__file__).parents[2] / "docs" / "HOME-ASSISTANT.md").read_text(encoding="utf-8")
WALL_MS = 1_767_225_600_000
SHOWN_WHATEVER_HAPPENS = {"alarm", "problem", "connection", "event", "walk", "ack", "seen", "locate"}


@pytest.fixture
def home() -> HomeAssistant:
    return HomeAssistant(discovery(DEVICE, "1.0"))


def listen(home: HomeAssistant, broker: MemoryBroker, since: int = 0) -> int:
    """Hand over all that was said after the first `since` messages, and return how many there are now."""
    for message in broker.log[since:]:
        home.hear(message.topic, message.payload)
    return len(broker.log)


def tell(home: HomeAssistant, topic: str, **body: Any) -> None:
    home.hear(topic, json.dumps(body))


def kind_of(hazard: Hazard, severity: Severity) -> str:
    return f"{hazard}_{'over' if severity is Severity.NONE else severity}"


def test_home_assistant_takes_the_description_of_the_device() -> None:
    check_description(discovery(DEVICE, "1.0"))


@pytest.mark.parametrize(
    ("entity", "wrong"),
    [
        ("alarm", {"colour": "red"}),
        ("alarm", {"device_class": "fall"}),
        ("battery", {"unit_of_measurement": "V"}),
        ("walk", {"state_class": "measurement"}),
        ("steps", {"unique_id": f"{DEVICE}_alarm"}),
        ("steps", {"state_topic": "rearguard/v1/+/state/walk"}),
    ],
)
def test_what_home_assistant_would_refuse_or_drop_is_noticed(entity: str, wrong: dict[str, str]) -> None:
    description = discovery(DEVICE, "1.0")
    description["components"][entity] |= wrong
    with pytest.raises(AssertionError):
        check_description(description)


def test_a_fall_is_never_hidden_by_availability() -> None:
    components = discovery(DEVICE, "1.0")["components"]
    gates = ("availability", "expire_after")
    gated = {name for name, entity in components.items() if any(key.startswith(gates) for key in entity)}
    assert set(components) - gated == SHOWN_WHATEVER_HAPPENS


def test_each_event_that_is_planned_has_a_type_of_its_own_and_no_type_is_listed_that_never_comes() -> None:
    answers = {"settings_applied", "settings_refused"}  # to what is set from afar; no alert
    assert {kind_of(*planned) for planned in PLANNED} | answers | {OTHER_EVENT} == set(EVENT_TYPES)


def test_each_alert_that_the_guard_can_publish_is_shown(bench: Bench, home: HomeAssistant) -> None:
    seen, ids = 0, itertools.count(1)
    for hazard, severity in PUBLISHED:
        events = EventMaker(DEVICE, Wall(lambda: WALL_MS, lambda: True, lambda count: next(ids).to_bytes(count, "big")))
        event = events.event(Alert(bench.clock.now_ns(), hazard, severity, 1, {"deadline_s": 30.0}))
        assert event is not None
        bench.journal.append(event)
        bench.journal.set_state({"alarm": events.alarm_now()})
        bench.run()
        seen = listen(home, bench.broker, seen)
        fired = home.fired[-1]
        assert fired["event_type"] == (kind_of(hazard, severity) if (hazard, severity) in PLANNED else OTHER_EVENT)
        assert (fired["type"], fired["phase"], fired["id"]) == (hazard, event.phase, event.id)
        assert home.states["alarm"] == ("on" if event.severity == "critical" else "off"), event.phase
        assert home.attributes["alarm"].get("phase") == events.alarm_now().get("phase")
    assert len(home.fired) == len(PUBLISHED)


def test_an_event_of_tomorrow_is_shown_as_another_one(bench: Bench, home: HomeAssistant) -> None:
    bench.journal.append(an_event(1, type="earthquake", phase="felt"))
    bench.run()
    listen(home, bench.broker)
    assert [(event["event_type"], event["type"]) for event in home.fired] == [(OTHER_EVENT, "earthquake")]


def test_a_repetition_fires_no_second_event_and_what_is_new_does(bench: Bench, home: HomeAssistant) -> None:
    """Home Assistant accepts nothing, so the device tells it again and again, in turns."""
    bench.journal.append(an_event(1))
    bench.journal.append(an_event(2, alarm=made_id(1), phase="confirmed"))
    bench.run(30)
    bench.journal.append(an_event(3, type="fault", phase="warning", severity="warning"))
    bench.run(60)
    listen(home, bench.broker)
    assert len(bench.events()) > 6
    assert [event["id"] for event in home.fired] == [made_id(number) for number in (1, 2, 3)]


def test_the_largest_event_after_many_others_is_still_kept_by_home_assistant(home: HomeAssistant) -> None:
    for number in range(2 * REMEMBERED):
        text = payloads.event(StoredEvent(number, an_event(number, data={"why": "x" * 1500}), 0, None), 0.5)
        home.hear(topics.event(DEVICE), text)
    assert len(home.fired) == 2 * REMEMBERED
    assert len(home.attributes["event"]["told"]) == REMEMBERED


def test_who_has_the_alarm_stands_beside_it(bench: Bench, home: HomeAssistant) -> None:
    bench.journal.append(an_event(1))
    alarm = {"active": True, "alarm": made_id(1), "type": "fall", "phase": "suspected", "severity": "critical"}
    bench.journal.set_state({"alarm": {**alarm, "t": "2026-01-01T00:00:00.000Z", "deadline_s": 30.0}})
    bench.run()
    seen = listen(home, bench.broker)
    assert home.attributes["alarm"]["acknowledged"] is None
    for button, how in (("seen", "seen"), ("ack", "on_my_way"), ("ack", "on_my_way")):
        topic, payload = home.press(button)
        bench.command(topic.removeprefix(topics.command(DEVICE, "")), payload)
        bench.run(1)
        seen = listen(home, bench.broker, seen)
        assert home.attributes["alarm"]["acknowledged"]["how"] == how
        assert home.attributes["alarm"]["acknowledged"]["by"] == "Home Assistant"
    assert bench.link.rejected == {}
    assert {word["state"] for word in bench.to_guard} == {"acknowledged"}


def test_each_press_has_a_higher_number(home: HomeAssistant) -> None:
    numbers = [json.loads(home.press(button)[1])["seq"] for button in ("ack", "seen", "ack")]
    assert numbers == sorted(set(numbers))


def test_the_button_that_finds_the_device_is_heard(bench: Bench, home: HomeAssistant) -> None:
    bench.run()
    topic, payload = home.press("locate")
    assert topic == topics.command(DEVICE, "locate")
    bench.command("locate", payload)
    bench.run()
    assert [word["name"] for word in bench.to_guard] == ["locate"]


def test_a_device_that_is_lost_keeps_its_alarm_and_loses_its_measures(bench: Bench, home: HomeAssistant) -> None:
    bench.journal.append(an_event(1))
    bench.journal.set_state({"alarm": {"active": True, "alarm": made_id(1), "type": "fall", "severity": "critical"}})
    bench.journal.set_state({"walk": {"state": "walking", "minutes": 0.2, "steps": 12}})
    bench.guard_lives()
    bench.run(1)
    bench.client.vanish()
    listen(home, bench.broker)
    assert (home.states["connection"], home.states["alarm"], home.states["walk"]) == ("off", "on", "walking")
    assert home.attributes["connection"]["last_word"] == "lost"
    assert {name for name, there in home.available.items() if not there} == {
        "distance",
        "cadence",
        "steps",
        "minutes",
        "battery",
    }


def test_after_its_restart_home_assistant_shows_what_the_broker_kept_and_fires_nothing(bench: Bench) -> None:
    bench.journal.append(an_event(1))
    bench.journal.set_state({"alarm": {"active": True, "alarm": made_id(1), "type": "fall", "severity": "critical"}})
    bench.journal.set_state({"walk": {"state": "walking", "minutes": 0.2, "steps": 12}})
    bench.run(0.1)
    bench.guard_lives(button={"ok": False, "age_s": None, "reason": "never heard"})
    bench.run(1)
    home = HomeAssistant(bench.kept(topics.discovery(DEVICE)))
    for topic, payload in bench.broker.retained.items():
        home.hear(topic, payload, retained=True)
    shown = ("alarm", "connection", "problem", "walk", "steps", "minutes", "battery")
    assert [home.states[name] for name in shown] == ["on", "on", "on", "walking", "12", "0.2", None]
    assert home.attributes["problem"] == {"reasons": ["button: never heard"]}
    assert home.fired == []


@pytest.mark.parametrize(("share", "shown"), [(None, None), (0.0, "0"), (0.617, "62"), (1.0, "100")])
def test_a_battery_that_is_not_known_is_neither_full_nor_empty(
    home: HomeAssistant, share: float | None, shown: str | None
) -> None:
    power = payloads.NO_POWER["battery"] | {"share": share}
    health = {"ok": True, "parts": {}, "guard": {"ok": True}}
    tell(home, topics.state(DEVICE, "health"), **health, battery=power)
    assert home.states["battery"] == shown
    tell(home, topics.state(DEVICE, "health"), **health)
    assert home.states["battery"] is None, "kept at the broker by an older firmware"


def test_a_guard_that_is_silent_is_a_problem_with_its_reason(bench: Bench, home: HomeAssistant) -> None:
    bench.run(1)
    bench.guard_lives()
    bench.run(1)
    seen = listen(home, bench.broker)
    assert (home.states["problem"], home.attributes["problem"]["reasons"]) == ("off", [])
    bench.run(4)
    listen(home, bench.broker, seen)
    assert (home.states["problem"], home.attributes["problem"]["reasons"][0]) == ("on", "guard: silent")


def test_a_heartbeat_that_says_nothing_new_writes_nothing_to_its_database(bench: Bench, home: HomeAssistant) -> None:
    bench.guard_lives()
    bench.run(1)
    seen, before = listen(home, bench.broker), None
    for _ in range(3):
        before = (dict(home.states), {**home.attributes})
        bench.guard_lives(imu={"ok": True, "age_s": 0.01, "reason": ""})
        bench.run(HEARTBEAT_NS / 1e9)
        bench.guard_lives()
        bench.run(1)
        seen = listen(home, bench.broker, seen)
    assert before == (home.states, home.attributes)


def test_the_walk_is_one_of_the_states_that_it_has_and_a_new_one_is_unknown(home: HomeAssistant) -> None:
    assert set(WALK_STATES) == set(WalkState) == set(payloads.schema("walk")["properties"]["state"]["enum"])
    for state in WALK_STATES:
        tell(home, topics.state(DEVICE, "walk"), state=state)
        assert home.states["walk"] == state
        assert home.states["steps"] is None
    tell(home, topics.state(DEVICE, "walk"), state="flying")
    assert home.states["walk"] is None


def test_a_range_is_shown_no_longer_than_it_is_worth() -> None:
    components = discovery(DEVICE, "1.0")["components"]
    brief = {name: entity["expire_after"] for name, entity in components.items() if "expire_after" in entity}
    assert set(brief) == {
        name for name, entity in components.items() if entity.get("state_topic") == topics.telemetry(DEVICE)
    }
    assert all(2 * TELEMETRY_NS <= expire_s * 1e9 <= 15e9 for expire_s in brief.values())


@pytest.mark.parametrize(
    ("world", "fault", "told"),
    [
        ("recovered", None, ["fall_suspected", "fall_recovered"]),
        ("cancelled", None, ["fall_suspected", "fall_cancelled"]),
        ("fall", None, ["fall_suspected", "fall_confirmed"]),
        ("sos", None, ["sos_confirmed"]),
        ("quiet", "off:rangefinder", ["fault_fault"]),
        ("quiet", "garbage:imu", ["fault_fault"]),
    ],
)
def test_nothing_that_a_whole_walk_says_is_complained_of(
    tmp_path: Path, world: str, fault: str | None, told: list[str]
) -> None:
    broker, played = MemoryBroker(), scenario(world)
    faults = [parse_fault(fault)] if fault else []
    device = VirtualDevice(Config(), played, tmp_path, faults=faults, broker=broker)
    device.run_until(min(played.duration_s, 46.0))
    device.end()
    home = HomeAssistant(json.loads(broker.retained[topics.discovery(VIRTUAL)]))
    listen(home, broker)
    assert [event["event_type"] for event in home.fired][: len(told)] == told
    assert home.attributes["connection"]["last_word"] == "ended"
    assert home.states["walk"] in ("ended", "summary")


def test_home_assistant_is_told_to_forget_the_device_before_its_states_are_cleared() -> None:
    assert topics.retained(DEVICE)[0] == topics.discovery(DEVICE)


def test_the_document_names_the_entities_as_home_assistant_does() -> None:
    entities = discovery(DEVICE, "1.0")["components"].values()
    ids = {
        f"{each['p']}.rearguard {DEVICE} {each['name']}".lower().replace("-", "_").replace(" ", "_")
        for each in entities
    }
    named = set(re.findall(r"(?:binary_sensor|sensor|event|button)\.rearguard_\w+", DOCUMENT))
    assert named
    assert named <= ids
    table = DOCUMENT.partition("## What appears")[2].partition("## Automations")[0]
    assert [each["name"] for each in entities if each["name"] not in table] == []


def test_the_access_rules_in_the_document_let_each_button_through(home: HomeAssistant) -> None:
    rules = re.findall(r"^topic write (\S+)$", DOCUMENT, re.M)
    pressed = {home.press(name)[0].replace(DEVICE, "+") for name in ("ack", "seen", "locate")}
    assert pressed == set(rules)
