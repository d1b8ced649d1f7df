"""Valid documents with one nasty field, thrown at everything that an alert's way reads; and the fuzzers themselves."""

import pytest

from bench._alerts_fuzz import FUZZERS, first_finding, seeded
from firmware.config import parse
from firmware.errors import ConfigError
from firmware.plain_json import LEVELS, decode, encode

INPUTS = {"config": 1500, "command": 5000, "payload": 3000, "inbox": 3000, "journal": 2000}


@pytest.mark.parametrize("name", FUZZERS)
def test_nothing_nasty_gets_through(name: str) -> None:
    assert first_finding(name, "test", INPUTS[name]) is None


@pytest.mark.parametrize("name", FUZZERS)
def test_each_fuzzer_finds_the_bugs_that_are_seeded(name: str) -> None:
    found = seeded(name, INPUTS[name])
    assert len(found) >= 2
    assert None not in found.values(), found


@pytest.mark.parametrize("number", ["1" + "0" * 400, "9" * 5000, "0x" + "f" * 5000, "[9223372036854775808]"])
def test_whole_number_that_no_machine_holds_is_refused_in_the_configuration(number: str) -> None:
    with pytest.raises(ConfigError, match="more digits than 64 bits can hold"):
        parse(f"[rangefinder]\nmax_m = {number}\n", "rearguard.toml")


def test_object_that_is_deeper_than_anybody_means_is_none() -> None:
    def nested(levels: int) -> str:
        return '{"a":' * levels + "1" + "}" * levels

    assert decode(nested(LEVELS)) is not None
    assert decode(nested(LEVELS + 1)) is None
    assert decode(nested(900)) is None


def test_number_of_400_digits_is_infinite_and_not_an_overflow() -> None:
    assert decode('{"a": 1' + "0" * 400 + "}") == {"a": float("inf")}
    assert decode('{"a": 123456789012345678}') == {"a": 123456789012345678}


def test_evidence_that_is_too_deep_does_not_lose_the_alert() -> None:
    evidence: list[object] = []
    for _ in range(5000):
        evidence = [evidence]
    assert decode(encode({"phase": "suspected", "evidence": evidence}) or "") is not None
