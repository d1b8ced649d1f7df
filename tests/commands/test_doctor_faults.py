"""Each part failing in each way: doctor names that part, how it is to be understood, and where its wires belong."""

from pathlib import Path

import pytest
from support.doctor import doctor, well_fitted

from hal.samples import OPTIONAL_PARTS, PARTS
from hal.sim.faults import WORDS

ALL_PARTS = (*PARTS, *OPTIONAL_PARTS)
FOUND = {
    "off": "not found: ",
    "stuck": "found, wrong: ",
    "garbage": "found, noisy: ",
    "wrong": "found, wrong: ",
    "slow": "found, wrong: ",
    "delayed": "found, wrong: ",
    "intermittent": "found, noisy: ",
}


def test_every_word_has_an_answer() -> None:
    assert FOUND.keys() == {*WORDS} - {"ok"}


@pytest.mark.parametrize("part", ALL_PARTS)
@pytest.mark.parametrize("word", FOUND)
def test_a_broken_part_is_named_with_what_was_found_and_its_wires(
    word: str, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = well_fitted(tmp_path)
    begins = "@0.3" if part == "airbag" else ""  # so that its first spell is over when it is opened
    asked = ["--simulated", "--pulse-airbag", "--config", str(config), "--fault", f"{word}:{part}{begins}"]
    code, checks = doctor(capsys, *asked)
    assert code == 1
    assert checks[part]["status"] == "fail"
    assert checks[part]["detail"].startswith(FOUND[word])
    assert "; header pins: " in checks[part]["hint"]
    assert {checks[other]["status"] for other in ALL_PARTS if other != part} == {"ok"}


@pytest.mark.parametrize("part", ALL_PARTS)
def test_a_part_that_is_told_to_be_well_is_well(part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = well_fitted(tmp_path)
    code, checks = doctor(capsys, "--simulated", "--config", str(config), "--fault", f"ok:{part}")
    assert code == 0
    assert {checks[other]["status"] for other in ALL_PARTS} == {"ok"}
    assert {checks[other]["detail"].partition(":")[0] for other in ALL_PARTS} == {"found"}


def test_a_frozen_max17048_looks_like_a_resting_battery(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = well_fitted(tmp_path, gauge="max17048")  # the walk itself tells after 15 minutes
    code, checks = doctor(capsys, "--simulated", "--config", str(config), "--fault", "stuck:power")
    assert (code, checks["power"]["status"]) == (0, "ok")


@pytest.mark.parametrize("word", [word for word in FOUND if word != "stuck"])
def test_a_broken_max17048_is_named(word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = well_fitted(tmp_path, gauge="max17048")
    code, checks = doctor(capsys, "--simulated", "--config", str(config), "--fault", f"{word}:power")
    assert (code, checks["power"]["status"]) == (1, "fail")
    assert checks["power"]["detail"].startswith(FOUND[word])


def test_two_broken_parts_are_both_named(capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = doctor(capsys, "--simulated", "--fault", "off:imu", "--fault", "stuck:motor")
    assert code == 1
    assert [part for part in PARTS if checks[part]["status"] == "fail"] == ["imu", "motor"]


def test_a_fault_that_has_not_begun_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(capsys, "--simulated", "--fault", "off:imu@20")[0] == 0
