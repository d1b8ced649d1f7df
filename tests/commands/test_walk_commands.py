"""What the commands about walks tell, export and confirm."""

import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from support.records import record
from support.walk_device import Device, answers

from firmware import notice, walks
from firmware.commands import confirm as confirming
from firmware.commands import records as looked_up
from firmware.commands.walks import SCHEMA
from firmware.core.plan import PlanConfig
from firmware.notice import Confirmation
from firmware.reports import weeks


@pytest.fixture
def device(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Device:
    monkeypatch.setattr(looked_up, "SYNCED_MARK", tmp_path)
    return Device(tmp_path, capsys)


def eight_weeks() -> list[walks.Record]:
    return [replace(one, simulated=False) for one in weeks.simulated(PlanConfig(), weeks.ups_and_downs)]


# walks


def test_walks_are_listed_with_what_each_meant_for_the_plan(device: Device) -> None:
    device.walked(record(1), record(2, date="2026-01-07", rest_cues=1), record(3, kind="backward_test"))
    code, out, err = device("walks")
    lines = out.splitlines()
    assert (code, err, len(lines)) == (0, "", 4)
    assert lines[1].split()[:8] == ["1", "2026-01-05", "6.2", "6", "604", "97", "0.58", "1.10"]
    assert lines[1].endswith("clean: a clean walk")
    assert lines[2].endswith("unclean: more warnings than the budget allows")
    assert lines[3].endswith("3-m backward walk test: 5.1 s")


def test_a_device_without_walks_says_so_and_where_it_looked(device: Device) -> None:
    assert device("walks") == (0, f"no walk is kept yet in {device.state}\n", "")


def test_walks_that_cannot_be_read_are_not_told_as_none(device: Device) -> None:
    (device.state / walks.FILE).write_bytes(b'\xff\n{"schema": 1,\n')
    code, out, err = device("walks")
    assert (code, out) == (0, f"no walk in {device.state} can be read\n")
    assert "line 1 is damaged (not a text in UTF-8 (byte 0))" in err
    assert "line 2 is damaged (no JSON from its letter 14 on)" in err


def test_the_export_as_json_is_what_the_schema_says_and_reads_back(device: Device) -> None:
    device.walked(*eight_weeks())
    code, out, _ = device("walks", "--json")
    bodies = [json.loads(line) for line in out.splitlines()]
    validator = Draft202012Validator(json.loads(SCHEMA.read_text()))
    for body in bodies:
        validator.validate(body)
    assert code == 0
    assert bodies == [one.body() for one in eight_weeks()]


def test_the_export_as_csv_has_a_column_for_every_quantity_and_an_empty_cell_for_what_is_not_known(
    device: Device,
) -> None:
    device.walked(record(1, speed_mps=None, mood="fine"), record(2, kind="backward_test", reason='a "turn", then'))
    rows = list(csv.DictReader(io.StringIO(device("walks", "--csv")[1])))
    told = [rows[0][name] for name in ("speed_mps", "steps", "mood", "simulated")]
    assert told == ["", "604", "fine", "false"]
    assert (rows[1]["kind"], rows[1]["duration_s"], rows[1]["reason"]) == ("backward_test", "5.1", 'a "turn", then')
    assert set(record(1).data) <= set(rows[0])


def test_only_the_walks_since_a_day_can_be_exported(device: Device) -> None:
    device.walked(record(1, date="2026-01-05"), record(2, date="2026-01-12"))
    out = device("walks", "--json", "--since", "2026-01-06")[1]
    assert [json.loads(line)["date"] for line in out.splitlines()] == ["2026-01-12"]
    code, _, err = device("walks", "--since", "tomorrow")
    assert (code, err) == (2, "rearguard: --since 'tomorrow': expected a date such as 2026-01-31\n")


def test_days_are_compared_as_days_however_they_are_written(device: Device) -> None:
    device.walked(record(1, date="20260105"), record(2, date="2026-W03-1"))
    out = device("walks", "--json", "--since", "2026-W02-2")[1]
    assert [json.loads(line)["date"] for line in out.splitlines()] == ["2026-W03-1"]


@pytest.mark.parametrize("wish", ["", "2026-02-30", "2026-13-01", "yesterday", "1", "\udcff"])
def test_a_day_that_is_none_is_refused_in_one_line(device: Device, wish: str) -> None:
    code, out, err = device("walks", "--since", wish)
    assert (code, out) == (2, "")
    assert err == f"rearguard: --since {wish!r}: expected a date such as 2026-01-31\n"


@pytest.mark.parametrize("form", [[], ["--csv"], ["--json"]])
def test_strange_letters_in_a_record_neither_end_a_command_nor_steer_the_terminal(
    device: Device, form: list[str]
) -> None:
    strange = record(1, kind="backward_test", duration_s=None, reason="\ud800\x1b[31m\x9b2J\x07").body()
    (device.state / walks.FILE).write_text(json.dumps(strange) + "\n")
    code, out, _ = device("walks", *form)
    assert (code, "??[31m?2J?" in out) == (0, True)
    assert out.replace("\n", "").isprintable()


def test_the_export_as_json_is_valid_on_a_stream_that_knows_only_ascii(device: Device) -> None:
    """There `é` would become `\\xe9`, which no JSON has."""
    device.walked(record(1, mood="müde, 5 °C", software="😀"))
    command = [
        sys.executable,
        "-m",
        "firmware",
        "walks",
        "--json",
        "--config",
        str(device.state.parent / "rearguard.toml"),
    ]
    for encoding in ("ascii", "latin-1", "utf-8"):
        env = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run(command, env=env, capture_output=True, timeout=60, check=True)
        body = json.loads(done.stdout.decode(encoding))
        assert (body["data"]["mood"], body["software"]) == ("müde, 5 °C", "😀")


def test_rotten_and_newer_records_are_told_and_the_rest_is_listed(device: Device) -> None:
    device.walked(record(1))
    path = device.state / walks.FILE
    path.write_text('rot\n{"schema": 7, "what": "a dance"}\n' + path.read_text())
    code, out, err = device("walks", "--json")
    assert (code, len(out.splitlines())) == (0, 2)
    assert "line 1 is damaged" in err
    assert "1 records are of a newer version" in err
    assert '"a dance"' in out


def test_records_that_nobody_may_read_are_one_clear_line(device: Device) -> None:
    (device.state / walks.FILE).mkdir()
    code, out, err = device("walks")
    assert (code, out) == (1, "")
    assert err == f"rearguard: {device.state / walks.FILE}: cannot be read: Is a directory\n"


# plan


def test_the_plan_says_how_long_when_and_why(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    device.walked(record(1), record(2, date="2026-01-07"))
    monkeypatch.setattr("firmware.commands.plan.today", lambda: (date(2026, 1, 8), "synced"))
    code, out, _ = device("plan")
    assert code == 0
    assert out.splitlines() == [
        "the next walk: 6 minutes, due today",
        "because: a clean walk",
        "walks in the last seven days: 2; the plan has 3 a week",
    ]
    body = json.loads(device("plan", "--json")[1])
    assert (body["minutes"], body["due_in_days"], len(body["walks"])) == (6.0, 0, 2)


def test_without_a_believable_clock_no_day_is_named(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.commands.plan.today", lambda: (date(1970, 1, 1), "unsynced"))
    out = device("plan")[1]
    assert out.splitlines()[0] == "the next walk: 5 minutes"
    assert "none of them lets the plan grow" in out


def test_a_slow_walker_is_advised_a_treadmill_or_a_partner_with_the_source(device: Device) -> None:
    device.walked(*(record(number, speed_mps=0.5) for number in range(3)))
    device.walked(record(8, kind="backward_test", duration_s=6.8))
    out = device("plan")[1]
    assert "a treadmill with rails, or a partner behind (no diagnosis" in out
    assert "Fritz 2013" in out
    assert "Polo-Ferrero 2025" in out


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_eight_weeks_of_a_simulated_walker_are_drawn(device: Device, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"plan.{kind}"
    code, out, _ = device("plan", "--simulated", "--draw", str(path))
    assert code == 0
    minutes = ", ".join(f"{5 + number // 2}" for number in range(24))
    assert out.splitlines()[0] == f"every walk clean: {minutes} minutes"
    assert path.stat().st_size > 5000
    assert path.read_bytes()[:4] == (b"<?xm" if kind == "svg" else b"\x89PNG")


def test_a_picture_leaves_the_json_of_the_plan_alone(device: Device, tmp_path: Path) -> None:
    device.walked(record(1))
    code, out, err = device("plan", "--json", "--draw", str(tmp_path / "plan.svg"))
    assert (code, json.loads(out)["minutes"], err) == (0, 5.0, f"drew {tmp_path / 'plan.svg'}\n")
    assert device("plan", "--json", "--simulated")[0] == 2, "of no walker there is no JSON"


def test_a_picture_of_an_unknown_kind_is_refused_before_any_work(device: Device) -> None:
    code, _, err = device("plan", "--draw", "plan.jpeg")
    assert (code, "expected a name that ends with .svg or .png" in err) == (2, True)


def test_a_plan_without_walks_is_told_and_not_drawn(device: Device, tmp_path: Path) -> None:
    code, out, err = device("plan", "--draw", str(tmp_path / "plan.svg"))
    assert (code, out.splitlines()[0]) == (1, "the next walk: 5 minutes, due today")
    assert err.startswith(f"rearguard: --draw {tmp_path / 'plan.svg'}: not drawn, no walk is kept yet (")
    assert not (tmp_path / "plan.svg").exists()


def test_the_document_tells_the_defaults_of_the_plan() -> None:
    text = (Path(__file__).parents[2] / "docs" / "RECORDS.md").read_text()
    lines = [line for line in text.splitlines() if (line.startswith("|") and "_min`" in line) or "`per_week`)" in line]
    rows = {line.split("`")[1]: line.split("|")[2].strip() for line in lines}
    config = PlanConfig()
    assert rows["start_min"] == f"{config.start_min:g}"
    assert rows["per_week"] == f"{config.per_week}"
    assert rows["step_min"] == f"{config.step_min:g} min after {config.clean_walks}"
    assert rows["first_weeks_min"] == f"{config.first_weeks_min:g}"
    assert rows["cap_min"] == f"{config.cap_min:g}"


# confirm


def test_the_notice_is_confirmed_once_on_a_terminal(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "yes\n")
    monkeypatch.setattr(confirming, "today", lambda: (date(2026, 1, 5), "synced"))
    code, out, _ = device("confirm")
    assert code == 0
    assert all(word in " ".join(out.split()) for paragraph in notice.TEXT for word in paragraph.split())
    assert notice.read(device.state) == Confirmation(notice.EDITION, "terminal", "2026-01-05", "synced")
    assert "confirmed on 2026-01-05, by terminal" in device("confirm")[1]
    assert device("confirm", "--show")[0] == 0


def test_the_notice_fits_a_narrow_terminal(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert max(map(len, device("confirm", "--show")[1].splitlines())) <= 40


@pytest.mark.parametrize("answer", ["no\n", "\n", "YES\n", "y\n"])
def test_anything_but_yes_confirms_nothing(device: Device, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    answers(monkeypatch, answer)
    assert device("confirm")[0] == 1
    assert notice.read(device.state) is None


def test_a_notice_that_nobody_saw_is_not_confirmed(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "yes\n", sees=False)
    assert device("confirm")[0] == 2
    assert notice.read(device.state) is None


def test_a_script_cannot_confirm_for_a_person(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    code, _, err = device("confirm")
    assert (code, "confirm asks a person" in err) == (2, True)
    assert notice.read(device.state) is None


def test_a_new_edition_of_the_notice_has_to_be_confirmed_again(device: Device) -> None:
    notice.keep(device.state, Confirmation(notice.EDITION - 1, "button", "2025-01-05", "unsynced"))
    code, out, _ = device("confirm", "--show")
    assert code == 1
    assert "an earlier edition was confirmed on 2025-01-05 (by a clock that was not set), by button" in out
