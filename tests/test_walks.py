"""The records of the walks: what was kept stays readable, whatever happens to the disk or the file."""

import errno
import json
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.records import record

from firmware import walks
from firmware.core.plan import PlanConfig, Verdict
from firmware.walks import FILE, Kept, Record, append, planned, read

SCHEMA = json.loads((Path(walks.__file__).parent / "schemas" / "record.json").read_text())


def kept(folder: Path, *records: Record) -> Path:
    for one in records:
        append(folder, one)
    return folder / FILE


def test_what_was_kept_reads_back_the_same_and_in_order(tmp_path: Path) -> None:
    records = [record(1), record(2, steps=412), record(3, kind="backward_test")]
    kept(tmp_path, *records)
    assert list(read(tmp_path).records) == records
    assert (len(read(tmp_path).walks), len(read(tmp_path).tests)) == (2, 1)


def test_without_any_walk_there_is_nothing_to_read_and_nothing_to_complain_of(tmp_path: Path) -> None:
    assert read(tmp_path) == Kept()


def test_nobody_else_on_the_machine_may_read_how_she_walks(tmp_path: Path) -> None:
    assert kept(tmp_path, record(1)).stat().st_mode & 0o077 == 0


def test_a_torn_last_line_is_told_and_the_next_record_stands_on_its_own(tmp_path: Path) -> None:
    path = kept(tmp_path, record(1), record(2))
    path.write_bytes(path.read_bytes()[:-40])
    found = read(tmp_path)
    assert ([one.id for one in found.records], len(found.complaints)) == ([record(1).id], 1)
    assert "line 2 was torn off" in found.complaints[0]
    append(tmp_path, record(3))
    assert [one.id for one in read(tmp_path).records] == [record(1).id, record(3).id]


@pytest.mark.parametrize(
    "rot",
    [
        b"\xff\xfe\x00",
        b"{}",
        b"[1]",
        b'{"schema": "1"}',
        b'{"schema": 0}',
        b'{"schema": 1, "kind": "walk"}',
        b"[" * 100_000,
        b'{"schema": 1, "x": NaN}',
        b'{"schema": 1, "x": -Infinity}',
        b'{"schema": 1, "x": 1e400}',
        b'{"schema": true}',
        b"x" * 70_000,
    ],
)
def test_a_rotten_line_costs_itself_alone_and_is_told(tmp_path: Path, rot: bytes) -> None:
    path = kept(tmp_path, record(1), record(2))
    first, second = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([first, rot, second, b""]))
    found = read(tmp_path)
    assert [one.id for one in found.records] == [record(1).id, record(2).id]
    assert len(found.complaints) == 1
    assert "line 2 is damaged" in found.complaints[0]
    assert path.read_bytes().splitlines()[1] == rot


@given(cut=st.integers(0, 3000), at=st.integers(0, 3000), rot=st.binary(max_size=8))
def test_wherever_it_is_cut_or_overwritten_every_other_record_is_read(
    tmp_path_factory: pytest.TempPathFactory, cut: int, at: int, rot: bytes
) -> None:
    folder = tmp_path_factory.mktemp("rot")
    path = kept(folder, *(record(number) for number in range(1, 6)))
    data = bytearray(path.read_bytes())
    data[at : at + len(rot)] = rot[: len(data[at : at + len(rot)])]
    path.write_bytes(bytes(data[: max(cut, at + len(rot))]))
    whole = [one for one in (record(number) for number in range(1, 6)) if _line(one) in path.read_bytes().split(b"\n")]
    append(folder, record(9))
    ids = [one.id for one in read(folder).records]
    assert ids[-1] == record(9).id
    assert {one.id for one in whole} <= set(ids)


def _line(one: Record) -> bytes:
    return walks.encode(one.body()).encode()


@pytest.mark.parametrize("number", ["1e400", "-1e999", "NaN", "Infinity"])
def test_a_quantity_that_is_no_number_is_told_with_its_line_and_what_stands_there(tmp_path: Path, number: str) -> None:
    path = kept(tmp_path, record(1), record(2), record(3))
    lines = path.read_text().splitlines()
    lines[1] = json.dumps({**record(2).body(), "data": {"minutes": "?"}}).replace('"?"', number)
    path.write_text("\n".join([*lines, ""]))
    found = read(tmp_path)
    assert [one.id for one in found.records] == [record(1).id, record(3).id]
    assert f"line 2 is damaged ({number} is no number" in found.complaints[0]


@pytest.mark.parametrize("letter", ["\x1b", "\x9b", "\x00", "\r", "\n", "\x7f", "\ud800", "\u202e", "\u2028"])
def test_no_record_steers_a_terminal_or_holds_what_no_text_can(tmp_path: Path, letter: str) -> None:
    strange = {**record(1).body(), "dev": f"rg{letter}[2J", "data": {f"mood{letter}": f"{letter}]0;fine"}}
    complained = {**strange, "data": {f"key{letter}": []}}
    newer = {"schema": 9, "what": [letter]}
    (tmp_path / FILE).write_text("".join(f"{json.dumps(one)}\n" for one in (strange, complained, newer)))
    found = read(tmp_path)
    assert (found.records[0].dev, found.records[0].data) == ("rg?[2J", {"mood?": "?]0;fine"})
    assert found.newer == ({"schema": 9, "what": ["?"]},)
    assert "line 2 is damaged (data key? is []" in found.complaints[0]
    assert "".join(found.complaints).isprintable()


def test_a_full_disk_leaves_the_file_as_it_was_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept(tmp_path, record(1))
    before, write = path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:100]))
    with pytest.raises(OSError, match="No space left") as refusal:
        append(tmp_path, record(2))
    assert refusal.value.errno == errno.ENOSPC
    monkeypatch.undo()
    assert path.read_bytes() == before
    append(tmp_path, record(2))
    assert [one.id for one in read(tmp_path).records] == [record(1).id, record(2).id]


def test_a_write_that_does_not_reach_the_disk_is_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    path = kept(tmp_path, record(1))
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        append(tmp_path, record(2))
    assert path.read_bytes() == before


def test_a_pipe_in_its_place_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    with pytest.raises(OSError, match="no regular file"):
        append(tmp_path, record(1))
    with pytest.raises(OSError, match="no regular file"):
        read(tmp_path)


def test_a_record_that_was_written_twice_counts_once(tmp_path: Path) -> None:
    kept(tmp_path, record(1), record(1))
    assert len(read(tmp_path).records) == 1


def test_an_older_record_is_upgraded_when_it_is_read_and_stays_as_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept(tmp_path, record(1, minutes=7.0))
    before = path.read_bytes()
    monkeypatch.setattr(walks, "SCHEMA", 3)
    monkeypatch.setattr(
        walks,
        "UPGRADES",
        {
            1: lambda body: {**body, "data": {**body["data"], "minutes": body["data"]["minutes"] * 2}},
            2: lambda body: {**body, "dev": body["dev"].upper()},
        },
    )
    (found,) = read(tmp_path).records
    assert (found.schema, found.data["minutes"], found.dev) == (3, 14.0, record(1).dev.upper())
    assert path.read_bytes() == before


def test_there_is_an_upgrade_from_every_earlier_schema() -> None:
    assert sorted(walks.UPGRADES) == list(range(1, walks.SCHEMA))


def test_a_newer_record_is_read_where_it_can_be_and_kept_where_not(tmp_path: Path) -> None:
    path = kept(tmp_path, record(1))
    understood = {**record(2).body(), "schema": 9, "mood": "fine"}
    strange = {"schema": 9, "what": "a dance"}
    path.write_bytes(path.read_bytes() + f"{json.dumps(understood)}\n{json.dumps(strange)}\n".encode())
    found = read(tmp_path)
    assert [one.id for one in found.records] == [record(1).id, record(2).id]
    assert (list(found.newer), found.complaints) == ([strange], ())


def test_every_record_is_as_the_schema_says() -> None:
    validator = Draft202012Validator(SCHEMA)
    Draft202012Validator.check_schema(SCHEMA)
    for one in (record(1), record(2, kind="backward_test"), record(3, clock="unsynced"), record(4, speed_mps=None)):
        validator.validate(one.body())
    assert SCHEMA["properties"]["schema"]["maximum"] == walks.SCHEMA


@pytest.mark.parametrize(
    "wrong", [{"schema": 2}, {"kind": "swim"}, {"date": "today"}, {"data": {"minutes": "5"}}, {"dev": ""}, {"id": 5}]
)
def test_the_schema_refuses_what_is_no_record(wrong: dict[str, Any]) -> None:
    assert not Draft202012Validator(SCHEMA).is_valid({**record(1).body(), **wrong})


def test_eight_weeks_of_records_make_the_plan_grow_and_each_says_why() -> None:
    first = date(2026, 1, 5)
    days = [first + timedelta(days=7 * week + day) for week in range(8) for day in (0, 2, 4)]
    records = [record(number, date=str(day), minutes=30.0) for number, day in enumerate(days)]
    plan, steps = planned(PlanConfig(), records)
    assert [step.minutes for step in steps[::6]] == [5, 8, 11, 14]
    assert {step.verdict for step in steps} == {Verdict.CLEAN}
    assert plan.today((days[-1] + timedelta(days=3)).toordinal()).minutes == 17


def test_walks_on_a_simulated_board_do_not_let_a_real_walker_walk_longer() -> None:
    records = [record(number, simulated=True, date=f"2026-01-{number:02}") for number in range(1, 20)]
    plan, steps = planned(PlanConfig(), records)
    assert (plan.today(None).minutes, steps) == (5.0, [])


def test_treadmill_or_partner_is_advised_from_the_last_walks_and_the_last_test_that_counts() -> None:
    slow = [record(number, speed_mps=0.5) for number in range(3)]
    test = record(5, kind="backward_test", duration_s=6.8)
    void = record(6, kind="backward_test", duration_s=None)
    assert walks.advice(Kept(slow[:2])) == ()
    assert len(walks.advice(Kept(slow))) == 1
    assert len(walks.advice(Kept([*slow, test, void]))) == 2
