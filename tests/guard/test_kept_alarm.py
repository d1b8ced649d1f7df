"""A fall or a call in a walk that the guard did not outlive is of that walk's record, counted in it or not."""

from pathlib import Path
from typing import Any

import pytest
from guard.test_kept_walk import end, handed, left, records, so_far, start
from guard.test_walk_log import NOON_MS
from support.records import WALKED

from firmware import known_day
from firmware.core.messages import WalkRecord
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


def test_a_fall_outside_of_a_walk_that_is_not_over_takes_nothing_of_what_is_kept(tmp_path: Path) -> None:
    """Ready was taken back in a walk that goes on; a guard that is killed now leaves the walk as well."""
    run = start(tmp_path)
    so_far(run, steps=600)
    run.log.take([], [WalkRecord(1, {**WALKED, "steps": 0, "minutes": 0.0, "falls": 1})])
    run.turn()
    assert left(tmp_path)["record"]["data"]["steps"] == 600
    end(run, steps=620)
    fell, walked = records(tmp_path)
    assert (fell.data["steps"], walked.data["steps"]) == (0, 620)
    assert fell.id != walked.id
    assert left(tmp_path) == {}


def test_what_the_core_says_before_it_has_heard_of_the_walk_is_not_taken_for_all_of_it(tmp_path: Path) -> None:
    so_far(start(tmp_path), steps=300)
    after = start(tmp_path, later_s=40, boot_id="another")
    so_far(after, steps=700, minutes=9.0)
    assert [word.data["steps"] for word in handed(after)] == [300]
    assert left(tmp_path)["record"]["data"]["steps"] == 300
    so_far(after, steps=1000, minutes=15.2, interruptions=1)
    assert left(tmp_path)["record"]["data"]["steps"] == 1000


def test_a_record_of_which_the_core_was_never_told_the_beginning_leaves_that_as_it_is(tmp_path: Path) -> None:
    so_far(start(tmp_path), steps=3, minutes=0.1)
    after = start(tmp_path, later_s=40)
    after.log.take([], [WalkRecord(1, {**WALKED, "interruptions": 1})])
    after.turn()
    assert left(tmp_path)["record"]["data"]["steps"] == 3
    start(tmp_path, later_s=700)
    assert sorted(record.data["steps"] for record in records(tmp_path)) == [3, 604]
