import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.events import DEVICE, an_event, made_id
from support.link_bench import PARTS, Bench

from firmware.journal import StoredEvent
from firmware.link import payloads, topics

SCHEMAS = ("event", "status", "alarm", "health", "walk", "telemetry")


def check(name: str, body: object) -> None:
    jsonschema.validate(body, payloads.schema(name), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_shipped_schema_is_itself_sound(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(payloads.schema(name))


def test_an_event_is_told_as_the_design_says() -> None:
    body = json.loads(payloads.event(StoredEvent(412, an_event(2, alarm=made_id(1), boot=17), 0, None), 0.5))
    assert body == {
        "v": 1,
        "id": made_id(2),
        "dev": DEVICE,
        "boot": 17,
        "seq": 412,
        "type": "fall",
        "phase": "suspected",
        "severity": "critical",
        "t": "2026-01-01T00:00:00.000Z",
        "mono_ms": 1000,
        "clock": "synced",
        "deadline_s": 30.0,
        "age_s": 0.5,
        "data": {"peak_mps2": 31.5, "alarm": made_id(1)},
    }
    check("event", body)


DETAIL = st.text(max_size=20).filter(lambda name: name != "cut")  # that one is the link's own


@given(data=st.dictionaries(DETAIL, st.text(max_size=4000) | st.floats() | st.none(), max_size=9))
def test_whatever_its_details_an_event_fits_and_names_its_alarm(data: dict[str, Any]) -> None:
    text = payloads.event(StoredEvent(1, an_event(1, data=data), 0, None), 0.5)
    assert len(text.encode()) <= payloads.MAX_BYTES
    check("event", json.loads(text))
    assert json.loads(text)["data"]["alarm"] == made_id(1)


@pytest.mark.parametrize("data", [{"who": "\ud800"}, {"\udfff": 1}, {"deep": [{"a": ("\ud83d", 1)}]}])
def test_half_a_letter_is_told_as_a_question_mark(data: dict[str, Any]) -> None:
    text = payloads.event(StoredEvent(1, an_event(1, data=data), 0, None), 0.5)
    assert "?" in text.encode().decode()
    check("event", json.loads(text))


@pytest.mark.parametrize("field", ["id", "boot", "seq", "severity", "deadline_s", "data"])
def test_the_event_schema_notices_a_missing_field(field: str) -> None:
    body = json.loads(payloads.event(StoredEvent(1, an_event(1), 0, None), 0.5))
    del body[field]
    with pytest.raises(jsonschema.ValidationError):
        check("event", body)


def test_everything_that_a_walk_tells_follows_its_schema(bench: Bench) -> None:
    alarm = {"active": True, "alarm": made_id(1), "type": "fall", "phase": "suspected", "severity": "critical"}
    bench.journal.append(an_event(1))
    bench.journal.set_state({"alarm": {**alarm, "t": "2026-01-01T00:00:00.000Z", "deadline_s": 30.0}})
    bench.journal.set_state({"walk": {"state": "walking", "minutes": 0.2, "steps": 12, "nearest_m": None}})
    for step in range(4):
        bench.journal.set_state({"telemetry": {"t_ns": step, "state": "walking", "steps": step, "distance_m": None}})
        bench.guard_lives(button={"ok": False, "age_s": None, "reason": "never heard"})
        bench.run(1)
    bench.command("ack", {"alarm": "now", "by": "Ann", "seq": 1})
    bench.run()
    bench.link.close()
    seen = set()
    for message in bench.broker.log:
        kind = message.topic.rpartition("/")[2]
        if kind in SCHEMAS:
            check(kind, json.loads(message.payload))
            seen.add(kind)
    assert seen == set(SCHEMAS)


def test_an_alarm_that_went_on_through_a_restart_follows_its_schema() -> None:
    body = {"active": True, "alarm": made_id(1), "type": "fall", "phase": "confirmed", "severity": "critical"}
    known = {**body, "t": "2026-01-01T00:00:00.000Z", "deadline_s": None, "mono_ms": 32000}
    check("alarm", payloads.alarm(DEVICE, 1, known, []))
    with pytest.raises(jsonschema.ValidationError):
        check("alarm", payloads.alarm(DEVICE, 1, {**known, "mono_ms": "soon"}, []))
    resumed = json.loads(payloads.event(StoredEvent(1, an_event(1, data={"resumed": True}), 0, None), 0.5))
    check("event", resumed)
    with pytest.raises(jsonschema.ValidationError):
        check("event", {**resumed, "data": {**resumed["data"], "resumed": "yes"}})


def test_the_last_will_follows_its_schema() -> None:
    check("status", json.loads(payloads.lost(DEVICE)))


@pytest.mark.parametrize(
    ("parts", "age_s", "ok"),
    [
        (PARTS, 0.5, True),
        (PARTS, 3.1, False),
        (PARTS, None, False),
        ({}, 0.5, False),
        ({"imu": {"ok": "yes"}}, 0.5, False),
        ({"imu": None}, 0.5, False),
        (None, 0.5, False),
    ],
)
def test_only_a_guard_that_speaks_and_says_that_all_is_well_is_well(parts: object, age_s: float, ok: bool) -> None:
    assert payloads.health(DEVICE, 1, {"parts": parts}, age_s, {})["ok"] is ok


def test_a_fall_outlives_a_day_in_a_broker_that_waits_for_the_service() -> None:
    assert payloads.expiry_s("critical") == 86_400
    assert payloads.expiry_s("unheard of") > 0


def test_topics_say_whose_they_are() -> None:
    assert topics.device_of(topics.event(DEVICE)) == DEVICE
    assert topics.device_of(topics.state(DEVICE, "alarm")) == DEVICE
    assert topics.device_of("homeassistant/status") is None
    assert topics.device_of("rearguard/v2/rg-0a1b2c3d/event") is None


def test_a_certificate_that_ends_soon_is_a_part_that_is_not_well(bench: Bench) -> None:
    bench.run()
    bench.guard_lives()
    bench.run(2)
    assert bench.said(topics.state(DEVICE, "health"))[-1]["ok"] is True
    bench.client.warning = "this device's certificate ends on 2031-11-23 (in 12 days): renew it"
    bench.guard_lives()
    bench.run(2)
    body = bench.said(topics.state(DEVICE, "health"))[-1]
    check("health", body)
    assert body["ok"] is False
    assert body["parts"]["certificate"] == {"ok": False, "age_s": None, "reason": bench.client.warning}
    assert body["parts"]["imu"]["ok"] is True
