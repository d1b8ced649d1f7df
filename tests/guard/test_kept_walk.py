"""The walk that is under way is kept in the journal, and leaves one record whenever the guard is killed."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from guard.test_walk_log import DAY_MS, Run
from support.records import WALKED

from firmware import known_day, walks
from firmware.core.messages import Confirmed, WalkChanged, WalkRecord, WalkSoFar, WalkState
from firmware.errors import JournalError
from firmware.guard.kept_walk import DURABLE_NS, KEY
from firmware.journal import JOURNAL, Journal, peek

S = 1_000_000_000


@pytest.fixture(autouse=True)
def chips(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine's clock chips would be; it has none."""
    folder = tmp_path_factory.mktemp("rtc")
    monkeypatch.setattr(known_day, "CHIPS", folder)
    return folder


def start(folder: Path, **how: Any) -> Run:
    run = Run(folder, **how)
    run.turn()
    return run


def so_far(run: Run, **data: Any) -> None:
    run.log.take([], [WalkSoFar(1, {**WALKED, **data})])
    run.turn()


def end(run: Run, **data: Any) -> None:
    run.log.take([], [WalkRecord(1, {**WALKED, **data}), WalkChanged(1, WalkState.ENDED, {})])
    run.turn()


def handed(run: Run) -> list[WalkSoFar]:
    return [word for word in run.told if isinstance(word, WalkSoFar)]


def put(folder: Path, body: Any) -> None:
    journal = Journal(folder / JOURNAL)
    journal.set_state({KEY: body})
    journal.close()


def left(folder: Path) -> Any:
    return peek(folder / JOURNAL, KEY)


def records(folder: Path) -> list[walks.Record]:
    return list(walks.read(folder).records)


def no_room(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_next_run_hands_the_walk_to_the_core_once_somebody_walks_and_its_record_is_one(tmp_path: Path) -> None:
    so_far(start(tmp_path), steps=300)
    after = start(tmp_path, later_s=5)
    assert handed(after) == []
    so_far(after, steps=0, interruptions=1)
    (word,) = handed(after)
    assert word.data["steps"] == 300
    assert left(tmp_path)["record"]["data"]["steps"] == 300, "nothing is written over it before the core has it"
    so_far(after, steps=320, interruptions=1)
    assert left(tmp_path)["record"]["data"]["steps"] == 320
    end(after, steps=604, interruptions=1)
    (record,) = records(tmp_path)
    assert record.data["steps"] == 604
    assert left(tmp_path) == {}
    assert (len(handed(after)), after.complaints) == (1, [])


@pytest.mark.parametrize("when", ["before the record", "before it is forgotten"])
def test_a_kill_at_the_end_of_a_walk_loses_and_doubles_nothing(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(tmp_path)
    so_far(run, steps=300)
    with monkeypatch.context() as killed:
        if when == "before the record":
            killed.setattr(walks, "append", lambda *_: 1 / 0)
        else:
            killed.setattr(Journal, "set_state", lambda *_, **__: 1 / 0)
        end(run, steps=604)
    after = start(tmp_path, later_s=700)
    assert [record.data["steps"] for record in records(tmp_path)] == [300 if when == "before the record" else 604]
    assert left(tmp_path) == {}
    assert handed(after) == []
    assert len(after.complaints) == (1 if when == "before the record" else 0)


def test_a_walk_is_over_when_it_was_left_for_as_long_as_a_rest_that_ends_it(tmp_path: Path) -> None:
    so_far(start(tmp_path), steps=300, minutes=4.0)
    after = start(tmp_path, later_s=601)
    (record,) = records(tmp_path)
    assert (record.t, record.clock) == ("2026-01-01T12:00:00.000Z", "synced"), "when it was kept last"
    assert (record.data["steps"], record.data["falls"], record.data["interruptions"]) == (300, None, 1)
    assert after.complaints == [
        "walks: the walk of 2026-01-01T12:00:00.000Z was cut off and is not gone on with; it is recorded"
    ]
    so_far(after, steps=3)
    assert handed(after) == []
    end(after, steps=90)
    assert [record.data["steps"] for record in records(tmp_path)] == [300, 90]


@pytest.mark.parametrize(("later_s", "goes_on"), [(40, True), (599, True), (601, False), (-5, False), (86_400, False)])
def test_of_another_boot_the_clock_tells_how_old_the_walk_is(tmp_path: Path, later_s: int, goes_on: bool) -> None:
    so_far(start(tmp_path), steps=300)
    after = start(tmp_path, later_s=later_s, boot_id="another")
    so_far(after, steps=3)
    assert bool(handed(after)) is goes_on
    assert len(records(tmp_path)) == (0 if goes_on else 1)


@pytest.mark.parametrize("clocks", [(False, False), (True, False), (False, True)])
def test_of_another_boot_without_a_clock_a_walk_does_not_go_on(tmp_path: Path, clocks: tuple[bool, bool]) -> None:
    before, later = clocks
    so_far(start(tmp_path, synced=before), steps=300)
    after = start(tmp_path, later_s=40, synced=later, boot_id="another")
    so_far(after, steps=3)
    so_far(after, steps=9)
    assert handed(after) == []
    assert [record.data["steps"] for record in records(tmp_path)] == [300]
    assert left(tmp_path)["record"]["data"]["steps"] == 9


def test_a_clock_that_is_set_before_she_walks_tells_that_it_is_the_same_walk(tmp_path: Path) -> None:
    so_far(start(tmp_path), steps=300)
    after = start(tmp_path, later_s=40, synced=False, boot_id="another")
    after.synced = True
    so_far(after, steps=3)
    assert handed(after)


def test_what_was_left_stays_until_its_record_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    so_far(start(tmp_path), steps=300)
    after = start(tmp_path, later_s=40, synced=False, boot_id="another")
    with monkeypatch.context() as full:
        full.setattr(walks, "append", no_room)
        so_far(after, steps=3)
    assert left(tmp_path)["record"]["data"]["steps"] == 300
    after.turn()
    assert [record.data["steps"] for record in records(tmp_path)] == [300]


@pytest.mark.parametrize("cut_off", [True, False])
def test_each_walk_has_its_own_record_also_while_that_of_the_one_before_waits_for_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_off: bool
) -> None:
    run = start(tmp_path)
    so_far(run, steps=300)
    with monkeypatch.context() as full:
        full.setattr(walks, "append", no_room)
        if cut_off:
            run = start(tmp_path, later_s=40, synced=False, boot_id="another")
        else:
            end(run, steps=300)
        so_far(run, steps=3)
        end(run, steps=90)
    run.turn()
    assert [record.data["steps"] for record in records(tmp_path)] == [300, 90]


@pytest.mark.parametrize("synced", [True, False])
def test_without_another_step_the_walk_is_recorded_once_it_is_too_old(tmp_path: Path, synced: bool) -> None:
    so_far(start(tmp_path), steps=300)
    after = start(tmp_path, later_s=40, synced=synced, boot_id="this" if synced else "another")
    assert records(tmp_path) == []
    for _ in range(3):
        after.now_ns += 300 * S
        after.turn()
    assert [record.data["steps"] for record in records(tmp_path)] == [300]
    assert left(tmp_path) == {}


def test_a_walk_that_went_on_and_is_killed_again_has_still_one_record(tmp_path: Path) -> None:
    so_far(start(tmp_path), steps=300)
    for number in (1, 2, 3):
        again = start(tmp_path, later_s=5 * number)
        so_far(again, steps=0, interruptions=1)
        so_far(again, steps=300 + number, interruptions=number)
    end(again, steps=400, interruptions=3)
    assert [record.data["steps"] for record in records(tmp_path)] == [400]


@pytest.mark.parametrize("simulated", [False, True])
def test_a_real_walk_does_not_go_on_from_a_simulated_one_nor_the_other_way_round(
    tmp_path: Path, simulated: bool
) -> None:
    so_far(start(tmp_path, simulated=simulated), steps=300)
    after = start(tmp_path, later_s=5, simulated=not simulated)
    so_far(after, steps=3)
    assert handed(after) == []
    assert [(record.data["steps"], record.simulated) for record in records(tmp_path)] == [(300, simulated)]


def test_who_never_walked_leaves_nothing(tmp_path: Path) -> None:
    so_far(start(tmp_path), steps=0)
    assert start(tmp_path, later_s=700).complaints == []
    assert records(tmp_path) == []


def test_a_fall_outside_of_the_walk_that_was_left_is_a_record_of_its_own(tmp_path: Path) -> None:
    so_far(start(tmp_path), steps=300)
    after = start(tmp_path, later_s=5)
    after.log.take([], [WalkRecord(1, {**WALKED, "steps": 0, "falls": 1})])
    after.turn()
    so_far(after, steps=0, interruptions=1)
    so_far(after, steps=310, interruptions=1)
    end(after, steps=320, interruptions=1)
    assert [record.data["steps"] for record in records(tmp_path)] == [0, 320]


def good(folder: Path) -> dict[str, Any]:
    so_far(start(folder), steps=300)
    body: dict[str, Any] = left(folder)
    return body


HOSTILE = {
    "no object": lambda body: {"record": 3},
    "another format": lambda body: {**body, "v": 2},
    "a text for a time": lambda body: {**body, "mono_ms": "soon"},
    "a time before all": lambda body: {**body, "mono_ms": -1},
    "a huge time": lambda body: {**body, "mono_ms": 10**400},
    "a test": lambda body: {**body, "record": {**body["record"], "kind": "backward_test"}},
    "no day": lambda body: {**body, "record": {**body["record"], "date": "yesterday"}},
    "no moment": lambda body: {**body, "record": {**body["record"], "t": "noon"}},
    "the first year": lambda body: {**body, "record": {**body["record"], "t": "0001-01-01T00:00:00"}},
    "steps below nothing": lambda body: with_data(body, steps=-3),
    "a text for minutes": lambda body: with_data(body, minutes="many"),
    "more than any walk": lambda body: with_data(body, minutes=1e300),
    "nothing of a walk": lambda body: {**body, "record": {**body["record"], "data": {}}},
}


def with_data(body: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {**body, "record": {**body["record"], "data": {**body["record"]["data"], **data}}}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_cannot_have_been_kept_is_told_and_costs_nothing_else(tmp_path: Path, what: str) -> None:
    put(tmp_path, HOSTILE[what](good(tmp_path)))
    after = start(tmp_path, later_s=5)
    assert len(after.complaints) == 1
    assert after.complaints[0].startswith("walks: what was kept of the walk before this start ")
    assert after.complaints[0].endswith("; that walk is not gone on with")
    assert (after.notices, after.minutes) == ([False], [5.0])
    so_far(after, steps=3)
    end(after, steps=90)
    assert handed(after) == []
    assert [record.data["steps"] for record in records(tmp_path)] == [90]


@pytest.mark.parametrize("number", ["NaN", "1e400", "-1e400", "1" * 5000])
def test_numbers_that_json_does_not_know_are_no_walk(tmp_path: Path, number: str) -> None:
    text = json.dumps(good(tmp_path)).replace('"steps": 300', f'"steps": {number}')
    journal = Journal(tmp_path / JOURNAL)
    journal._write(lambda db: db.execute("UPDATE states SET body = ? WHERE key = ?", (text, KEY)))
    journal.close()
    after = start(tmp_path, later_s=5)
    so_far(after, steps=3)
    assert handed(after) == []
    assert after.minutes == [5.0]


def test_a_journal_that_refuses_is_told_once_and_the_walk_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise JournalError("journal: disk full; free some space")

    run = start(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(Journal, "set_state", refuse)
        for steps in (3, 9, 20):
            so_far(run, steps=steps)
        end(run, steps=30)
    assert [record.data["steps"] for record in records(tmp_path)] == [30]
    assert run.complaints == [
        "journal: disk full; free some space; if the guard is killed now, the walk so far is lost"
    ]


@pytest.mark.parametrize("answers", ["while she rests", "when she walks", "after the walk"])
def test_a_journal_that_is_busy_at_the_start_is_asked_again_and_nothing_is_kept_over_what_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise JournalError("journal: another process has been opening it")

    so_far(start(tmp_path), steps=300)
    with monkeypatch.context() as busy:
        busy.setattr(Journal, "states", refuse)
        after = start(tmp_path, later_s=5)
        if answers == "after the walk":
            so_far(after, steps=0, interruptions=1)
            end(after, steps=90, interruptions=1)
    assert left(tmp_path)["record"]["data"]["steps"] == 300
    if answers == "after the walk":
        after.now_ns += 700 * S
        after.turn()
        assert [record.data["steps"] for record in records(tmp_path)] == [90, 300]
        return
    if answers == "while she rests":
        after.now_ns += 3 * S
        after.turn()
    so_far(after, steps=0, interruptions=1)
    assert [word.data["steps"] for word in handed(after)] == [300]
    assert len(after.complaints) == 1


def test_the_sd_card_has_to_write_each_half_minute_and_at_once_after_a_fall_a_call_or_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable: list[bool] = []
    set_state = Journal.set_state
    monkeypatch.setattr(
        Journal,
        "set_state",
        lambda self, states, *, durable=False: (log.append(durable), set_state(self, states, durable=durable))[1],
    )
    log = durable
    run = start(tmp_path)
    for steps, falls, sos, interruptions in (
        (3, 0, 0, 0),
        (9, 0, 0, 0),
        (15, 1, 0, 0),
        (20, 1, 0, 0),
        (25, 1, 1, 0),
        (26, 1, 1, 1),
    ):
        so_far(run, steps=steps, falls=falls, sos=sos, interruptions=interruptions)
        run.now_ns += 3 * S
    run.now_ns += DURABLE_NS
    so_far(run, steps=30, falls=1, sos=1, interruptions=1)
    assert durable == [True, False, True, False, True, True, True]


def test_a_full_disk_until_the_end_leaves_the_walk_to_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(tmp_path)
    so_far(run, steps=300, falls=1)
    with monkeypatch.context() as full:
        full.setattr(walks, "append", no_room)
        end(run, steps=310, falls=1)
        run.turn()
    assert run.log.unwritten_count == 1
    assert len(run.complaints) == 1
    after = start(tmp_path, later_s=DAY_MS // 1000)
    assert [record.data["falls"] for record in records(tmp_path)] == [1]
    assert after.minutes == [5.0, 5.0]


def test_a_notice_that_cannot_be_written_holds_no_record_back(tmp_path: Path) -> None:
    run = start(tmp_path)
    (tmp_path / "notice.toml").mkdir()
    run.log.take([], [Confirmed(1)])
    end(run, steps=30)
    run.turn()
    assert [record.data["steps"] for record in records(tmp_path)] == [30]
    assert len(run.complaints) == 1
    assert run.log.unwritten_count == 0
