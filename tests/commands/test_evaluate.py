"""`rearguard evaluate`: what it prints, what it refuses, and that it says the same every time."""

import importlib.util
import json
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import validate
from support.made_people import Made, standing, write_person, write_sets
from support.recordings import FOLDER, needs_recordings
from support.scripted_core import ScriptedCore
from support.waiting import eventually

from firmware import cli
from firmware.errors import how_to_add
from firmware.evaluation import runner, stream
from firmware.evaluation.dataset import Source, Trial, sources
from firmware.evaluation.stream import Judged

ROOT = Path(__file__).parents[2]

SHARE = {"anyOf": [{"type": "null"}, {"type": "number", "minimum": 0, "maximum": 1}]}
NUMBER = {"anyOf": [{"type": "null"}, {"type": "number"}]}
COUNT = {"type": "integer", "minimum": 0}


def of(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def just(**properties: object) -> dict[str, object]:
    return {**of(**properties), "additionalProperties": False}


CORE = {"falls": COUNT, "adl": COUNT, "adl_h": {"type": "number"}, "sensitivity": SHARE, "specificity": SHARE} | {
    "f1": SHARE,
    "false_alarms_per_h": NUMBER,
}
SCORE = of(
    **CORE,
    latency_s=just(median=NUMBER, p95=NUMBER),
    lead_s=just(median=NUMBER, p5=NUMBER),
    sway_warnings_per_h=NUMBER,
    by_kind={"type": "object", "additionalProperties": just(trials=COUNT, alarms=COUNT, hours={"type": "number"})},
    by_direction={"type": "object", "additionalProperties": just(falls=COUNT, sensitivity=SHARE)},
    by_age={"type": "object", "additionalProperties": of(**CORE)},
    errors={"type": "array", "items": {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 3}},
)
SCHEMA = just(sets={"type": "object", "additionalProperties": SCORE}, all=SCORE)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SafetyPipeline", ScriptedCore)


def scores(data: Path, capsys: pytest.CaptureFixture[str], *more: str, code: int = 0) -> Any:
    assert cli.main(["evaluate", str(data), "--json", "--jobs", "1", *more]) == code
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.usefixtures("scripted")
def test_sets_are_counted_exactly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = scores(write_sets(tmp_path), capsys)
    validate(found, SCHEMA)
    alpha, beta, everything = found["sets"]["alpha"], found["sets"]["beta"], found["all"]
    assert (alpha["falls"], alpha["adl"], alpha["sensitivity"], alpha["specificity"]) == (3, 1, 1.0, 1.0)
    assert (beta["falls"], beta["adl"], beta["sensitivity"], beta["specificity"]) == (1, 2, 0.0, 0.5)
    assert (everything["falls"], everything["adl"], everything["sensitivity"]) == (4, 3, 0.75)
    assert everything["adl_h"] == pytest.approx(16.0 / 3600)
    assert everything["false_alarms_per_h"] == pytest.approx(3600 / 16.0)
    assert alpha["latency_s"]["median"] == pytest.approx(1.0)
    assert alpha["lead_s"]["median"] == pytest.approx(0.6, abs=0.05)
    assert beta["latency_s"] == {"median": None, "p95": None}
    assert everything["by_direction"]["backward"]["falls"] == 2
    assert everything["by_kind"]["jump"]["alarms"] == 1
    assert {age: group["falls"] for age, group in everything["by_age"].items()} == {"<30": 3, "unknown": 1}
    assert everything["errors"] == [
        ["Q01", "Q01_00", "missed fall (vertical)"],
        ["Q01", "Q01_02", "false alarm at 3.00 s (jump)"],
    ]


def test_the_shipping_core_scores_every_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = scores(write_sets(tmp_path), capsys)
    validate(found, SCHEMA)
    assert set(found["sets"]) == {"alpha", "beta"}
    assert found["all"]["by_kind"]["stand"]["alarms"] == found["all"]["by_kind"]["walk"]["alarms"] == 0


def test_any_number_of_processes_says_the_same(tmp_path: Path) -> None:
    write_sets(tmp_path / "data")
    command = [sys.executable, "-m", "firmware", "evaluate", str(tmp_path / "data"), "--json", "--jobs"]
    said = [
        subprocess.run([*command, jobs], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for jobs in ("1", "2")
    ]
    assert said[0] == said[1]
    validate(json.loads(said[0]), SCHEMA)


@pytest.mark.usefixtures("scripted")
def test_in_a_pipe_it_prints_plain_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", str(write_sets(tmp_path)), "--jobs", "1"]) == 0
    out, err = capsys.readouterr()
    assert "\x1b" not in out
    rows = [line.split() for line in out.splitlines()]
    assert ["alpha", "1", "3", "1", "0.00", "0", "0"] in rows
    assert ["alpha", "100.00", "(43.9-100)", "100.00", "(20.7-100)", "100.00", "(61.0-100)", "0.00"] in rows
    assert ["beta", "Q01", "Q01_00", "missed", "fall", "(vertical)"] in rows
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "Errors (2)" in out
    assert "P01" not in out.partition("Errors")[2]
    assert "7 trials" in err
    assert "s of recording a CPU second" in err


@pytest.mark.usefixtures("scripted")
def test_a_terminal_gets_the_same_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["evaluate", str(write_sets(tmp_path)), "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    assert "──" in out
    assert "missed fall (vertical)" in out
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in out.splitlines()) <= 80


@pytest.mark.usefixtures("scripted")
def test_a_damaged_file_is_named_and_the_rest_is_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_sets(tmp_path)
    (tmp_path / "alpha" / "P00.npz").write_bytes(b"PK\x03\x04 no more")
    assert cli.main(["evaluate", str(tmp_path), "--json", "--jobs", "1"]) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["all"]["falls"] == 4
    assert "P00.npz" in found["all"]["damaged"][0]
    assert f"rearguard: {tmp_path / 'alpha' / 'P00.npz'}: no readable .npz file" in err


def test_a_core_that_breaks_in_one_trial_is_a_failure_and_the_rest_is_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(trial: Any, config: object, **how: Any) -> Judged:
        if trial.label.kind == "jump":
            raise ZeroDivisionError("by nothing")
        return stream.judge(trial, **how)

    monkeypatch.setattr(runner, "judge", breaks)
    found = scores(write_sets(tmp_path), capsys, code=1)
    assert found["all"]["adl"] == 2
    assert found["all"]["damaged"][0].endswith("the core failed in Q01_02: ZeroDivisionError: by nothing")


def test_odd_sets_are_evaluated_without_a_crash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    still = standing(3.0)
    broken = (still[0] * math.nan, still[1])
    write_person(tmp_path / "odd" / "P1.npz", [Made(standing(0.04), "sit"), Made(still, "juggling")], gyroscope=False)
    write_person(tmp_path / "odd" / "P2.npz", [])
    write_person(tmp_path / "odd" / "P3.npz", [Made(still, "sit")], acc=broken[0].T, acc_lsb=1.0)
    write_person(tmp_path / "odd" / "P4.npz", [Made(still, "sit")], acc=np.full((3, 150), 32767, np.int16))
    assert cli.main(["evaluate", str(tmp_path), "--json", "--jobs", "1"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["sets"]["odd"]["adl"] == 4
    assert found["sets"]["odd"]["sensitivity"] is None
    assert "no gyroscope; angular rates estimated from the turning of gravity" in err


def test_a_process_that_is_killed_costs_its_file_alone(tmp_path: Path) -> None:
    write_sets(tmp_path)
    found, _ = sources(tmp_path)
    done = runner.evaluate_files(found, jobs=2, change=dies_of_the_jump)
    assert [bool(outcome.damage) for outcome in done] == [False, True]
    assert "its process was killed, perhaps for want of memory" in done[1].damage
    assert len(done[0].trials) == 4


def dies_of_the_jump(trial: Trial) -> Trial:
    if trial.label.kind == "jump":
        os.kill(os.getpid(), signal.SIGKILL)
    return trial


def test_progress_within_one_long_file_is_told(tmp_path: Path) -> None:
    path = write_person(tmp_path / "set" / "P01.npz", [Made(standing(600.0), "stand")])
    told: list[tuple[int, int]] = []
    runner.evaluate_files([Source(path, "set")], jobs=1, progress=lambda done, of: told.append((done, of)))
    size = path.stat().st_size
    assert told[0] == (0, size)
    assert told[-1] == (size, size)
    assert len({done for done, _ in told}) > 5


@pytest.mark.usefixtures("scripted")
def test_trials_of_the_same_name_have_a_picture_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jump = standing(4.0)
    jump[0][100:105] *= 4.0
    trials = [Made(jump, "jump"), Made(jump, "jump"), Made(standing(4.0), "stand")]
    write_person(tmp_path / "set" / "P1.npz", trials, trial=np.array(["a/b", "a/b", "a/b"]))
    assert cli.main(["evaluate", str(tmp_path), "--jobs", "1", "--plot", str(tmp_path / "plots")]) == 0
    drawn = sorted(path.name for path in (tmp_path / "plots" / "errors").iterdir())
    assert drawn == ["set-P1-a_b-2.png", "set-P1-a_b.png"]
    capsys.readouterr()


@pytest.mark.usefixtures("scripted")
def test_pictures_are_drawn_and_those_of_before_are_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, folder = write_sets(tmp_path / "data"), tmp_path / "plots"
    (folder / "errors").mkdir(parents=True)
    (folder / "errors" / "old.png").write_bytes(b"")
    assert cli.main(["evaluate", str(data), "--jobs", "1", "--plot", str(folder)]) == 0
    drawn = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))
    assert drawn == [
        "by_kind.png",
        "errors/beta-Q01-Q01_00.png",
        "errors/beta-Q01-Q01_02.png",
        "lead_time.png",
        "roc.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.rglob("*.png"))
    capsys.readouterr()


def test_without_a_lead_in_a_trial_begins_as_it_was_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_person(tmp_path / "set" / "P01.npz", [Made(standing(0.5), "stand")])
    assert scores(data, capsys)["all"]["not_ready"] == 0
    assert scores(data, capsys, "--lead-in", "0")["all"]["not_ready"] == 1


def test_the_command_line_knows_the_same_lead_in_as_the_evaluation() -> None:
    assert cli.parser().parse_args(["evaluate", "data"]).lead_in == stream.LEAD_IN_S


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--jobs", "0"], 2, "--jobs 0: expected 1 or more"),
        (["--lead-in", "-1"], 2, "--lead-in -1: expected 0 to 60 seconds"),
        (["--lead-in", "nan"], 2, "--lead-in nan: expected 0 to 60 seconds"),
        (["--jobs", "-1"], 2, "--jobs -1: expected 1 or more"),
        (["--plot", "/dev/null/plots"], 2, "--plot /dev/null/plots: cannot be written"),
        (["--config", "/nowhere.toml"], 2, "/nowhere.toml"),
    ],
)
def test_wrong_usage_is_one_line_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], code: int, said: str
) -> None:
    assert cli.main(["evaluate", str(write_sets(tmp_path)), *more]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert said in err


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err.startswith(f"rearguard: {tmp_path / 'nowhere'}: there is no such folder")


@pytest.mark.parametrize(
    ("absent", "more", "said"),
    [
        ("numpy", [], f"evaluate needs numpy; {how_to_add('evaluate')}"),
        ("matplotlib", ["--plot", "plots"], f"evaluate needs matplotlib; {how_to_add('evaluate')}"),
    ],
)
def test_a_missing_extra_is_named_with_its_remedy(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    absent: str,
    more: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    real = importlib.util.find_spec
    monkeypatch.setattr("firmware.commands.evaluate.find_spec", lambda name: None if name == absent else real(name))
    assert cli.main(["evaluate", str(write_sets(tmp_path / "data")), *more]) == 2
    assert capsys.readouterr().err == f"rearguard: {said}\n"


def test_matplotlib_is_loaded_only_for_pictures(tmp_path: Path) -> None:
    write_sets(tmp_path)
    code = "import sys; from firmware import cli; cli.main(['evaluate', sys.argv[1], '--json', '--jobs', '1']); "
    code += "sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, check=True)


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["evaluate", "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "rearguard evaluate DATA --json" in out
    for option in ("--json", "--plot", "--jobs", "--lead-in"):
        assert option in out


def test_ctrl_c_ends_it_at_once_without_a_traceback(tmp_path: Path) -> None:
    for person in range(4):
        write_person(tmp_path / "set" / f"P{person}.npz", [Made(standing(600.0, 200.0), "stand")], fs_hz=200.0)
    command = [sys.executable, "-m", "firmware", "evaluate", str(tmp_path), "--json", "--jobs", "2"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    eventually(lambda: len(children.read_text().split()) >= 3, timeout_s=30.0)  # two, and the tracker of resources
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == cli.INTERRUPTED
    assert (out, err) == ("", "")


@pytest.mark.data
@needs_recordings
def test_real_people_are_scored(capsys: pytest.CaptureFixture[str]) -> None:
    found = scores(FOLDER / "kfall" / "SA06.npz", capsys)
    validate(found, SCHEMA)
    everything = found["sets"]["kfall"]
    assert (everything["falls"] + everything["adl"], everything["faults"]) == (156, 0)
    assert everything["sensitivity"] >= 0.95
    walking = [found["all"]["by_kind"][kind] for kind in ("walk", "walk_fast", "stairs")]
    assert sum(kind["alarms"] for kind in walking) == 0


@pytest.mark.data
@needs_recordings
def test_people_without_a_gyroscope_are_scored(capsys: pytest.CaptureFixture[str]) -> None:
    found = scores(FOLDER / "daphnet" / "S01.npz", capsys)
    assert (found["all"]["adl"], found["all"]["faults"], found["all"]["by_kind"]["walk_pd"]["alarms"]) == (1, 0, 0)
