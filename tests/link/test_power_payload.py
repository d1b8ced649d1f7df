"""What the heartbeat says of battery and supply: what is known, and null for the rest."""

from typing import Any

import jsonschema
import pytest
from support.events import DEVICE
from support.link_bench import PARTS, Bench

from firmware.link import payloads, topics

S = 1_000_000_000
UNKNOWN = {
    "battery": {"share": None, "volts": None, "amps": None, "left_min": None},
    "supply": {"undervoltage": None, "throttled": None},
    "cpu_c": None,
}
POWER = {
    "t_ns": 100 * S,
    "kind": "power",
    "battery_share": 0.61953125,
    "battery_left_s": 10_930,
    "battery_v": 3.913671875,
    "battery_a": None,
    "undervoltage": False,
    "throttled": True,
    "cpu_c": 51.54,
    "boot_id": "4d3c",
}
LINK = {
    "t": "2026-01-01T00:00:00Z",
    "outbox": {"depth": 0, "oldest_s": 0.0, "heard": None},
    "rejected": 0,
    "rotten": 0,
    "version": "1",
}


def said(power: dict[str, Any] | None, *, age_s: float | None = 0.5, **health: object) -> dict[str, Any]:
    body = {"parts": PARTS, "t_ns": 104 * S, "boot_id": "4d3c", **health}
    found = payloads.health(DEVICE, 1, body, age_s, LINK, power)
    jsonschema.validate(found, payloads.schema("health"), cls=jsonschema.Draft202012Validator)
    return {key: found[key] for key in UNKNOWN}


def test_what_is_known_is_told_in_numbers_that_a_person_can_read() -> None:
    assert said(POWER) == {
        "battery": {"share": 0.62, "volts": 3.91, "amps": None, "left_min": 182},
        "supply": {"undervoltage": False, "throttled": True},
        "cpu_c": 51.5,
    }


@pytest.mark.parametrize("power", [None, {}, {"t_ns": "now"}, {"t_ns": 100 * S, "boot_id": "4d3c"}])
def test_what_is_not_known_is_null_and_never_full(power: dict[str, Any] | None) -> None:
    assert said(power) == UNKNOWN


def test_old_words_are_not_told_as_new_ones() -> None:
    assert said(POWER, t_ns=189 * S) != UNKNOWN
    assert said(POWER, t_ns=191 * S) == UNKNOWN
    assert said(POWER, t_ns=99 * S) == UNKNOWN, "of another run, which had gone farther"
    assert said(POWER, boot_id="other") == UNKNOWN


@pytest.mark.parametrize("age_s", [None, 3.1])
def test_silent_guard_leaves_the_battery_unknown(age_s: float | None) -> None:
    assert said(POWER, age_s=age_s) == UNKNOWN


def test_journal_brings_it_to_the_broker(bench: Bench) -> None:
    bench.run(0.1)
    bench.journal.set_state({"power": {**POWER, "t_ns": bench.clock.now_ns(), "boot_id": None}})
    bench.guard_lives()
    bench.run(2.0)
    health = bench.kept(topics.state(DEVICE, "health"))
    assert health["battery"]["share"] == 0.62
    assert health["cpu_c"] == 51.5
