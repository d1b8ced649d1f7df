"""A disk that takes nothing keeps no alert from being told."""

import json
import os
from pathlib import Path

import pytest
from support.events import DEVICE, an_event, made_id
from support.link_bench import Bench, ack_word, broken

from firmware import decided
from firmware.decided import Decided
from firmware.guard.pocket import Pocket
from firmware.journal import Journal
from firmware.link import topics
from firmware.link.memory import MemoryCaregiver

ALARM_NOW = {
    "active": True,
    "alarm": made_id(1),
    "type": "fall",
    "phase": "suspected",
    "severity": "critical",
    "t": "x",
}
ALARM = topics.state(DEVICE, "alarm")


def fall() -> Decided:
    return Decided(an_event(1, boot=0), ALARM_NOW)


def test_what_the_journal_does_not_take_is_told_from_memory_with_the_alarm_now(bench: Bench) -> None:
    bench.decided.append(fall())
    bench.run(2)
    (told,) = bench.events()
    assert (told["id"], told["boot"], told["seq"]) == (made_id(1), 1, 1)
    assert bench.kept(ALARM)["phase"] == "suspected"


def test_what_is_told_from_memory_comes_after_everything_that_was_ever_told(bench: Bench) -> None:
    for _ in range(3):
        bench.journal.next_boot()
    for number in (2, 3):
        bench.journal.append(an_event(number, boot=3))
        bench.journal.mark_accepted(made_id(number), "hub")
    boot = bench.journal.next_boot()  # nothing else changes, so that the link has not heard of this start
    bench.restart()
    bench.decided.append(fall())
    bench.run(2)
    (told,) = bench.events()
    assert (told["id"], told["boot"], told["seq"]) == (made_id(1), boot, 3)


def test_a_journal_that_can_be_read_again_does_not_end_an_alarm_that_it_has_not_heard_of(bench: Bench) -> None:
    bench.journal.set_state({"alarm": {"active": False}})
    bench.hangs = True
    bench.restart()
    bench.decided.append(fall())
    bench.run(5.2)  # not when the run directory is looked at anyway
    assert bench.kept(ALARM)["active"] is True
    bench.hangs = False
    bench.run(5)
    bench.journal.close()  # as after a failed write; then it is read anew
    bench.run(5)
    assert [alarm["active"] for alarm in bench.said(ALARM)].count(False) == 0


def test_two_events_told_from_memory_never_have_the_same_number(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for method in ("dropped", "states", "unaccepted", "newest"):
        monkeypatch.setattr(Journal, method, broken)
    bench.restart()
    for number in range(1, 6):  # the one before is gone each time, wherever it went
        bench.decided[:] = [Decided(an_event(number, boot=0), ALARM_NOW)]
        bench.run(2)
    numbers = {(told["boot"], told["seq"], told["id"]) for told in bench.events()}
    assert numbers == {(1, number, made_id(number)) for number in range(1, 6)}


def test_what_the_journal_takes_at_once_is_not_looked_at_twice(bench: Bench) -> None:
    bench.decided.append(fall())
    bench.run(0.5)
    bench.decided.clear()
    bench.journal.append(an_event(1))
    bench.run(3)
    assert [told["id"] for told in bench.events()] == [made_id(1)]


def test_accepted_from_memory_it_is_told_no_more_and_the_guard_hears_it(bench: Bench) -> None:
    bench.decided.append(fall())
    MemoryCaregiver(bench.broker)
    bench.run(200)
    assert len(bench.events()) == 1
    assert bench.to_guard[0] == ack_word("accepted", "caregiver", "suspected")
    assert all(word == bench.to_guard[0] for word in bench.to_guard), "again while the alarm lasts"
    bench.decided.clear()
    bench.journal.append(an_event(1))  # there is room again
    bench.run(200)
    assert {told["id"] for told in bench.events()} == {made_id(1)}
    assert bench.journal.unaccepted() == []


def test_with_a_journal_that_can_be_neither_read_nor_written_a_fall_is_told_and_its_acceptance_heard(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for method in ("states", "unaccepted", "mark_sent", "mark_accepted", "responders", "boot", "newest", "acceptances"):
        monkeypatch.setattr(Journal, method, broken)
    bench.restart()
    bench.decided.append(fall())
    MemoryCaregiver(bench.broker)
    bench.run(30)
    assert [told["id"] for told in bench.events()] == [made_id(1)]
    assert ack_word("accepted", "caregiver", "suspected") in bench.to_guard
    assert bench.kept(ALARM)["active"] is True


@pytest.mark.parametrize("nasty", ["1", None, [], True, -1, 10**400, 1.5])
@pytest.mark.parametrize("field", ["mono_ms", "boot", "deadline_s"])
def test_a_file_whose_numbers_make_no_sense_is_none(tmp_path: Path, field: str, nasty: object) -> None:
    if field == "deadline_s" and (nasty is None or isinstance(nasty, float) or nasty == -1):
        return
    path = tmp_path / "decided-1.json"
    path.write_text(json.dumps({"event": {**an_event(1).body(), field: nasty}, "alarm": {}}))
    assert decided.read(path) is None


def test_what_is_no_file_of_a_guard_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "decided-0.json")
    with (tmp_path / "decided-1.json").open("wb") as giant:
        giant.truncate(10**9)
    assert [decided.read(path) for path in decided.paths(tmp_path)] == [None, None]


def test_the_files_of_a_guard_are_read_the_oldest_first_and_half_ones_left_out(tmp_path: Path) -> None:
    pocket = Pocket(tmp_path, print)
    for number in (1, 2):
        pocket.put(an_event(number, mono_ms=number), ALARM_NOW)
    (tmp_path / "decided-000000000000000-000000-x.json").write_text("{")
    (tmp_path / "decided-000000000000009-000009-y.json").write_text(json.dumps({"event": {}, "alarm": {}}))
    found = [each for path in decided.paths(tmp_path) if (each := decided.read(path))]
    assert [each.event.id for each in found] == [made_id(1), made_id(2)]
