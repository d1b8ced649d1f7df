"""Damaged journals are moved aside; what nobody has accepted is saved, and counting goes on."""

import contextlib
import fcntl
import os
import sqlite3
from pathlib import Path

import pytest
from support.damage import damage_last_two_thirds
from support.events import an_event, made_id, waiting

from firmware.errors import JournalError
from firmware.journal import Journal
from firmware.responders import Responder


@pytest.mark.parametrize("damage", [b"this is no database at all" * 400, b"\x00" * 8192])
def test_a_file_that_is_no_journal_is_moved_aside_and_the_device_goes_on(path: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    with contextlib.closing(Journal(path)) as journal:
        assert journal.quarantined == path.with_name("journal.db.damaged-1")
        assert journal.quarantined.read_bytes() == damage
        assert journal.append(an_event()) == 1


def test_what_nobody_has_accepted_is_saved_from_a_damaged_journal(path: Path) -> None:
    with contextlib.closing(Journal(path)) as journal:
        for number in range(1, 60):
            journal.append(an_event(number))
        for number in range(1, 50):
            journal.mark_accepted(made_id(number), "hub", "t")
        page_of_index = 1 + int(_root_page(path, "open_events"))
    content = bytearray(path.read_bytes())
    start = (page_of_index - 2) * 4096
    content[start : start + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    with contextlib.closing(Journal(path)) as journal:
        assert journal.quarantined is not None
        assert waiting(journal) == [made_id(number) for number in range(50, 60)]
        assert journal.append(an_event(60)) > 59


def _root_page(path: Path, name: str) -> int:
    with contextlib.closing(sqlite3.connect(path)) as db:
        page: int = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0]
        return page


def test_a_journal_of_a_newer_version_gives_up_its_unaccepted_events(path: Path) -> None:
    with contextlib.closing(Journal(path)) as journal:
        journal.append(an_event(1))
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=99")
    with contextlib.closing(Journal(path)) as journal:
        assert journal.quarantined is not None
        assert waiting(journal) == [made_id(1)]


def _spoil(path: Path, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(sql)
        db.commit()


ROTTEN = ["'{'", "'[1]'", "'null'", "x'ff00'", "7", "'" + "[" * 3000 + "'", "CAST(x'7bff22' AS TEXT)"]


@pytest.mark.parametrize("body", ROTTEN)
def test_a_rotten_state_is_absent_and_the_others_are_told(journal: Journal, path: Path, body: str) -> None:
    journal.set_state({"alarm": {"active": True}, "walk": {"steps": 1}})
    _spoil(path, f"UPDATE states SET body = {body} WHERE key = 'walk'")
    assert journal.states()[1] == {"alarm": {"active": True}}
    assert journal.rotten_rows == 1
    with contextlib.closing(Journal(path)) as guard:
        guard.set_state({"walk": {"steps": 2}})
    assert journal.states()[1] == {"alarm": {"active": True}, "walk": {"steps": 2}}


@pytest.mark.parametrize("value", ["'x'", "x'00'", "-5", "9223372036854775807"])
def test_a_rotten_counter_stops_neither_guard_nor_link(journal: Journal, path: Path, value: str) -> None:
    assert journal.next_boot() == 1
    journal.set_state({"walk": {"steps": 1}})
    version, _ = journal.states()
    _spoil(path, f"UPDATE counters SET value = {value}")
    assert journal.boot() == 1
    assert journal.next_boot() == 2
    journal.set_state({"walk": {"steps": 2}})
    assert journal.states(version)[1]["walk"] == {"steps": 2}


def test_a_rotten_file_of_starts_is_as_none(path: Path) -> None:
    path.with_name("journal.db.boot").write_text("9" * 40)
    with contextlib.closing(Journal(path)) as journal:
        assert journal.next_boot() == 1


@pytest.mark.parametrize("body", [*ROTTEN, """'{"data":{}}'"""])
def test_a_rotten_event_is_absent_everywhere(journal: Journal, path: Path, body: str) -> None:
    for number in (1, 2):
        journal.append(an_event(number))
    _spoil(path, f"UPDATE events SET body = {body} WHERE seq = 1")
    assert waiting(journal) == [made_id(2)]
    assert len(journal.deliveries()) == 1
    assert journal.rotten_rows == 1
    assert journal.mark_accepted(made_id(1), "hub", "t") is None
    assert journal.acceptances(made_id(1)) == []


def test_the_walk_that_was_under_way_is_known_at_the_next_start(path: Path) -> None:
    with contextlib.closing(Journal(path)) as journal:
        journal.set_state(
            {"telemetry": {"t_ns": 17, "kind": "telemetry", "state": "walking", "lean_deg": float("nan")}}
        )
    with contextlib.closing(Journal(path)) as journal:
        telemetry = journal.states()[1]["telemetry"]
    assert (telemetry["t_ns"], telemetry["state"]) == (17, "walking")


def test_half_a_letter_does_not_lose_the_alert(journal: Journal) -> None:
    journal.append(an_event(1, data={"who\udfff": "\ud800 Zoë"}))
    assert journal.unaccepted()[0].event.data == {"who?": "? Zoë"}


def test_sequence_numbers_go_on_whoever_replaces_the_damaged_journal(path: Path) -> None:
    with contextlib.closing(Journal(path)) as guard:
        for number in range(1, 401):
            guard.append(an_event(number, data={"long": "x" * 200}))
        with contextlib.closing(Journal(path)) as link:
            damage_last_two_thirds(path)
            with contextlib.closing(Journal(path)) as third:  # knows nothing of its own
                assert third.quarantined is not None
                saved = [stored.seq for stored in third.unaccepted()]
                assert saved[:50] == list(range(1, 51))
            assert link.append(an_event(401)) == 401
            assert guard.append(an_event(402)) == 402


def test_sequence_numbers_go_on_though_nothing_is_left_and_everything_was_accepted(path: Path) -> None:
    with contextlib.closing(Journal(path)) as journal:
        for number in (1, 2, 3):
            journal.append(an_event(number))
            journal.mark_accepted(made_id(number), "hub", "t")
    with contextlib.closing(Journal(path)) as journal:
        path.unlink()
        assert journal.append(an_event(4)) == 4


def test_what_stands_behind_a_damaged_page_is_saved_too(path: Path) -> None:
    with contextlib.closing(Journal(path)) as journal:
        for number in range(1, 401):
            journal.append(an_event(number, data={"long": "x" * 1500}))
    content = bytearray(path.read_bytes())
    start = content.index(f'"id":"{made_id(200)}"'.encode()) // 4096 * 4096
    content[start : start + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    with contextlib.closing(Journal(path)) as journal:
        saved = waiting(journal)
    assert 300 < len(saved) < 400
    assert (saved[0], saved[-1]) == (made_id(1), made_id(400))


def test_an_event_that_went_into_a_file_which_was_just_moved_aside_is_written_again(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, answers = journal._file.replaced, iter([False, True, True])
    monkeypatch.setattr(journal._file, "replaced", lambda: next(answers, None) or known())
    openings = journal.openings
    journal.append(an_event(1))
    assert journal.openings == openings + 1
    assert waiting(journal) == [made_id(1)]


def test_a_process_that_holds_the_journals_door_makes_an_error_and_no_standstill(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.journal_file.LOCK_TIMEOUT_S", 0.1)
    with open(f"{path}.lock", "wb") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        with pytest.raises(JournalError, match=r"another process has been opening it for 0\.1 s"):
            Journal(path)
    Journal(path).close()


def test_a_check_that_takes_too_long_is_left_to_the_use(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(Journal(path)) as journal:
        for number in range(1, 60):
            journal.append(an_event(number, data={"long": "x" * 1000}))
    monkeypatch.setattr("firmware.journal_file.CHECK_TIMEOUT_S", -1.0)
    monkeypatch.setattr("firmware.journal_file.CHECK_STEPS", 1)
    with contextlib.closing(Journal(path)) as journal:
        assert journal.quarantined is None
        assert len(waiting(journal)) == 59


TO_VERSION_2 = """
DROP TABLE responders;
CREATE TABLE acknowledgements (alarm TEXT PRIMARY KEY, by TEXT NOT NULL, t TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO acknowledgements SELECT alarm, by, t FROM events JOIN (SELECT 'Ann' AS by, '10:00' AS t) WHERE seq = 2;
PRAGMA user_version=2;
"""
TO_VERSION_1 = """
DROP INDEX open_events; DROP INDEX closed_events; ALTER TABLE events DROP COLUMN closed;
CREATE INDEX waiting ON events (seq) WHERE accepted_by IS NULL; PRAGMA user_version=1;
"""


@pytest.mark.parametrize("old", [TO_VERSION_2, TO_VERSION_2 + TO_VERSION_1], ids=["version 2", "version 1"])
def test_a_journal_of_an_earlier_version_goes_on(path: Path, old: str) -> None:
    with contextlib.closing(Journal(path)) as journal:
        for number in (1, 2):
            journal.append(an_event(number))
        journal.mark_accepted(made_id(1), "hub", "t")
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(old)
    for _ in range(2):  # it is done once
        with contextlib.closing(Journal(path)) as journal:
            assert journal.quarantined is None
            assert waiting(journal) == [made_id(2)]
            assert [delivery.state for delivery in journal.deliveries()] == ["accepted", "acknowledged"]
            assert journal.responders(made_id(2)) == [Responder("Ann", "seen", "10:00")]


def test_one_rotten_row_does_not_keep_the_sound_ones_from_being_told(journal: Journal, path: Path) -> None:
    for number in (1, 2, 3):
        journal.append(an_event(number))
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE events SET body = CAST(x'7bff22' AS TEXT) WHERE seq = 2")
        db.commit()
    assert waiting(journal) == [made_id(1), made_id(3)]
    assert len(journal.deliveries()) == 2


def test_a_journal_that_the_link_replaced_goes_on_in_the_guard(journal: Journal, path: Path) -> None:
    journal.append(an_event(1))
    journal.set_state({"alarm": {"active": True}, "walk": {"steps": 1}})
    for suffix in ("", "-wal", "-shm"):
        os.replace(f"{path}{suffix}", f"{path}.damaged-1{suffix}")
    with contextlib.closing(Journal(path)) as link:
        version, states = link.states(0)
        assert states == {}
        assert journal.append(an_event(2)) == 2  # above what it had given before
        journal.set_state({"alarm": {"active": True}, "walk": {"steps": 1}})
        assert waiting(link) == [made_id(2)]
        assert link.states(version)[1] == {"alarm": {"active": True}, "walk": {"steps": 1}}


def test_damage_that_shows_only_in_use_is_replaced_too(journal: Journal, path: Path) -> None:
    journal.append(an_event(1))
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA writable_schema=ON")
        db.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE events (nonsense' WHERE name = 'events'")
        db.execute("PRAGMA schema_version=999")  # makes every connection read it again
        db.commit()
    assert journal.append(an_event(2)) > 1
    assert journal.quarantined is not None


@pytest.mark.parametrize("name", ["file/journal.db", "folder"])
def test_a_place_that_cannot_hold_a_journal_is_one_clear_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(JournalError, match="check that its disk is mounted, writable and not full"):
        Journal(tmp_path / name)


def _of_version_99(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript("""
            ALTER TABLE events ADD COLUMN where_she_was TEXT; ALTER TABLE states ADD COLUMN since TEXT;
            CREATE TABLE rooms (name TEXT); PRAGMA user_version=99;
        """)


def test_an_older_version_goes_on_with_the_alarm_the_states_and_the_persons_of_a_newer_ones_journal(path: Path) -> None:
    alarm = {"active": True, "type": "fall", "phase": "confirmed"}
    with contextlib.closing(Journal(path)) as journal:
        assert journal.next_boot() == 1
        for number in (1, 2, 3):
            journal.append(an_event(number))
        journal.mark_accepted(made_id(1), "hub", "t")
        journal.mark_acknowledged(made_id(2), "Ann", "10:00", "on_my_way")
        journal.set_state({"alarm": alarm, "walk_so_far": {"minutes": 3.5}})
    _of_version_99(path)
    with contextlib.closing(Journal(path)) as journal:
        assert journal.quarantined is not None
        assert waiting(journal) == [made_id(2), made_id(3)]
        assert journal.states()[1] == {"alarm": alarm, "walk_so_far": {"minutes": 3.5}}
        assert journal.responders(made_id(2)) == [Responder("Ann", "on_my_way", "10:00")]
        assert journal.next_boot() == 2
        assert journal.append(an_event(4)) == 4


def test_a_journal_of_a_newer_version_is_moved_aside_whole_and_can_still_be_read_by_that(path: Path) -> None:
    with contextlib.closing(Journal(path)) as journal:
        journal.append(an_event(1))
    _of_version_99(path)
    with contextlib.closing(Journal(path)) as journal:
        assert journal.quarantined is not None
        with contextlib.closing(sqlite3.connect(journal.quarantined)) as db:
            assert db.execute("PRAGMA user_version").fetchone()[0] == 99
            assert db.execute("SELECT count(*) FROM events").fetchone()[0] == 1


def test_the_alarm_that_is_open_outlives_damage_of_the_events(path: Path) -> None:
    with contextlib.closing(Journal(path)) as journal:
        journal.set_state({"alarm": {"active": True}})
        for number in range(1, 60):
            journal.append(an_event(number))
        page = int(_root_page(path, "of_alarm"))
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    with contextlib.closing(Journal(path)) as journal:
        assert journal.quarantined is not None
        assert journal.states()[1] == {"alarm": {"active": True}}
        assert len(waiting(journal)) == 59


def test_a_look_through_the_file_keeps_nobody_else_from_opening_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Journal(path).close()
    seen: list[str] = []

    def looked(connection: sqlite3.Connection) -> bool:
        if not seen:
            seen.append("looks")
            with contextlib.closing(Journal(path, check=False)) as guard:
                seen.append(str(guard.append(an_event(1))))
        return False

    monkeypatch.setattr("firmware.journal_file.LOCK_TIMEOUT_S", 0.0)
    monkeypatch.setattr("firmware.journal_file._is_damaged", looked)
    Journal(path).close()
    assert seen == ["looks", "1"]


def test_damage_that_one_handle_finds_is_mended_for_the_one_that_does_not_look(path: Path) -> None:
    with contextlib.closing(Journal(path)) as journal:
        for number in range(1, 60):
            journal.append(an_event(number))
        page = int(_root_page(path, "open_events"))
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    with contextlib.closing(Journal(path, check=False)) as guard:
        assert guard.quarantined is None
        with contextlib.closing(Journal(path)) as other:
            assert other.quarantined is not None
        assert guard.append(an_event(60)) > 59
        assert len(waiting(guard)) == 60
