"""`doctor` says why no walk begins where nobody has confirmed the notice, and whether the records can be read."""

import json
from pathlib import Path

import pytest
from support.records import record

from firmware import cli, notice, walks
from firmware.commands.checks.check import Check
from firmware.commands.checks.last_start import last_start
from firmware.commands.checks.records import confirmed, records
from firmware.journal import JOURNAL, Journal
from firmware.notice import Confirmation


def test_a_notice_that_nobody_confirmed_is_told_with_what_to_do(tmp_path: Path) -> None:
    check = confirmed(tmp_path)
    assert (check.status, check.detail) == ("warn", "not confirmed yet, so no walk begins")
    assert "rearguard confirm" in check.hint


@pytest.mark.parametrize(("edition", "status"), [(notice.EDITION, "ok"), (notice.EDITION - 1, "warn")])
def test_a_confirmed_notice_is_told_with_its_date_and_an_earlier_edition_is_not_enough(
    tmp_path: Path, edition: int, status: str
) -> None:
    notice.keep(tmp_path, Confirmation(edition, "button", "2026-01-05", "synced"))
    check = confirmed(tmp_path)
    assert (check.status, "confirmed on 2026-01-05, by button" in check.detail) == (status, True)


def test_a_notice_or_records_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / walks.FILE).mkdir()
    (tmp_path / notice.FILE).write_text("edition = 1")
    assert [check.status for check in (confirmed(tmp_path), records(tmp_path))] == ["warn", "warn"]
    assert confirmed(tmp_path).hint == "confirm the notice again"
    (tmp_path / notice.FILE).unlink()
    (tmp_path / notice.FILE).mkdir()
    assert "cannot be read: Is a directory" in confirmed(tmp_path).detail


def test_records_are_counted_and_damage_is_told(tmp_path: Path) -> None:
    assert records(tmp_path) == Check("walks", "ok", "0 walks and 0 backward tests are kept")
    walks.append(tmp_path, record(1))
    walks.append(tmp_path, record(2, kind="backward_test"))
    path = tmp_path / walks.FILE
    path.write_bytes(path.read_bytes() + b'{"schema"')
    check = records(tmp_path)
    assert check.status == "warn"
    assert check.detail.startswith("1 walks and 1 backward tests are kept; ")
    assert "line 3 was torn off" in check.detail


def test_doctor_of_a_real_device_looks_at_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "rearguard.toml"
    config.write_text(f'[paths]\nstate_dir = "{tmp_path}"\nrun_dir = "{tmp_path}"\n[mqtt]\nhost = ""\n')
    cli.main(["doctor", "--json", "--config", str(config)])
    ids = [check["id"] for check in json.loads(capsys.readouterr().out)["checks"]]
    assert {"notice", "walks"} <= set(ids)


def test_why_no_walk_began_is_told_also_while_the_guard_runs(tmp_path: Path) -> None:
    assert last_start(tmp_path) == Check("start", "ok", "no walk yet")
    journal = Journal(tmp_path / JOURNAL)  # as the guard has it open
    journal.set_state({"walk": {"state": "self_test", "no_start": "motor: its pin does not follow"}})
    check = last_start(tmp_path)
    assert (check.status, check.detail) == ("warn", "no walk began: motor: its pin does not follow")
    journal.set_state({"walk": {"state": "walking", "no_start": ""}})
    assert last_start(tmp_path).status == "ok"
    journal.close()


def test_a_damaged_journal_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL
    path.write_bytes(b"this is no database, and long enough to be looked at as one" * 20)
    before = path.read_bytes()
    assert last_start(tmp_path).status == "warn"
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [JOURNAL]
