"""A fall or a call in a walk that the guard did not outlive is of that walk's record, counted in it or not."""

from pathlib import Path
from typing import Any

import pytest
from guard.test_kept_walk import handed, records, so_far, start
from guard.test_walk_log import NOON_MS
from support.records import WALKED

from firmware import known_day
from firmware.ids import uuid7
from firmware.journal import JOURNAL, Journal

KEYS = {"fall": "falls", "sos": "sos"}


@pytest.fixture(autouse=True)
def chips(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this machine's clock chips would be; it has none."""
    monkeypatch.setattr(known_day, "CHIPS", tmp_path_factory.mktemp("rtc"))


def alarm(hazard: str, later_ms: int, **other: Any) -> dict[str, Any]:
    name = uuid7(NOON_MS + later_ms, lambda size: b"\x05" * size)
    return {"active": True, "type": hazard, "phase": "confirmed", "alarm": name, "severity": "critical", **other}


def cut(folder: Path, alarms: dict[str, Any], **data: Any) -> None:
    """The power is cut while these alarms are open, before the walk was kept with them."""
    so_far(start(folder), steps=300, **data)
    journal = Journal(folder / JOURNAL)
    journal.set_state({"alarm": alarms})
    journal.close()


@pytest.mark.parametrize("hazard", ["fall", "sos"])
@pytest.mark.parametrize(("known", "counted"), [(0, 1), (1, 1), (2, 2)])
@pytest.mark.parametrize("later_ms", [-300, 100, 6000])
def test_an_alarm_of_the_last_moment_is_counted_once_in_the_walk_that_goes_on(
    tmp_path: Path, hazard: str, known: int, counted: int, later_ms: int
) -> None:
    cut(tmp_path, alarm(hazard, later_ms), **{KEYS[hazard]: known})
    after = start(tmp_path, later_s=40, boot_id="another")
    so_far(after, steps=3)
    (word,) = handed(after)
    assert word.data[KEYS[hazard]] == counted
    assert word.data["falls" if hazard == "sos" else "sos"] == 0


def test_it_is_counted_in_the_record_of_a_walk_that_does_not_go_on(tmp_path: Path) -> None:
    cut(tmp_path, alarm("sos", 100, others=[alarm("fall", 200)]))
    start(tmp_path, later_s=700, boot_id="another")
    (record,) = records(tmp_path)
    assert (record.data["falls"], record.data["sos"]) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        alarm("fall", 60_000),
        alarm("fall", -60_000),
        alarm("fall", 100, active=False),
        alarm("fault", 100),
        alarm("fall", 100, alarm="no name"),
        alarm("fall", 100, alarm=None),
    ],
)
def test_what_began_at_another_time_or_is_over_is_not(tmp_path: Path, other: dict[str, Any]) -> None:
    cut(tmp_path, other)
    after = start(tmp_path, later_s=40, boot_id="another")
    so_far(after, steps=3)
    assert [{key for key in word.data if word.data[key] != WALKED.get(key)} for word in handed(after)] == [{"steps"}]
