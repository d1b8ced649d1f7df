"""The comparison of fall detectors: every rule does what it says, and the table stands for any data folder."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.made_people import Made, a_fall, falling, standing, write_person
from support.recordings import FOLDER, needs_recordings

from bench import _baselines, _strangers, detection
from bench._baselines import RULES, by_c8, by_rule, folds, judged, signals
from bench._changes import CHANGES
from firmware.evaluation.dataset import Source, read

ROOT = Path(__file__).parents[1]
STRONG, TILTED, LIGHT, POSTURE = RULES


def people(folder: Path, count: int = 4) -> Path:
    for person in range(count):
        seeds = [100 * person + i for i in range(6)]
        jump = standing(6.0, seed=seeds[2])
        jump[0][150:153] *= 4.0
        trials = [a_fall(seed=seeds[0]), a_fall("forward", sign=1.0, seed=seeds[1]), Made(jump, "jump")]
        trials += [
            Made(standing(8.0, seed=seed), kind) for seed, kind in zip(seeds[3:], ("stand", "walk"), strict=False)
        ]
        write_person(folder / "made" / f"P{person}.npz", trials)
    return folder


def bench(folder: Path, *more: str) -> Any:
    command = [sys.executable, "-m", "bench.detection", "--quick", "--json", "--jobs", "1", *more]
    environment = {**os.environ, "REARGUARD_DATA": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def calls(tmp_path: Path, made: Made, rule: str) -> int:
    path = write_person(tmp_path / "P.npz", [made])
    (trial,) = (signals(trial) for trial in read(Source(path, "set")).trials)
    return len(judged(trial, RULES[rule](trial)).suspected_s)


def test_every_rule_finds_a_plain_fall_and_none_calls_for_standing(tmp_path: Path) -> None:
    for rule in RULES:
        assert calls(tmp_path, a_fall(), rule) == 1, rule
        assert calls(tmp_path, Made(standing(6.0), "stand"), rule) == 0, rule


def test_a_jump_is_a_fall_to_those_who_look_at_the_impact_alone(tmp_path: Path) -> None:
    jump = standing(6.0)
    jump[0][140:150] *= 0.2
    jump[0][150:153] *= 4.0
    made = Made(jump, "jump")
    assert {rule: calls(tmp_path, made, rule) for rule in RULES} == {STRONG: 1, TILTED: 0, LIGHT: 1, POSTURE: 0}


def test_the_posture_rule_wants_two_seconds_and_holds_the_last_posture(tmp_path: Path) -> None:
    assert calls(tmp_path, a_fall(after_s=0.8), POSTURE) == 1
    (accel, gyro), _, impact = falling()
    accel[impact + 50 :] = [0.0, 0.0, 9.81]  # up again after a second
    assert calls(tmp_path, Made((accel, gyro), "sit_floor"), POSTURE) == 0


def test_a_false_alarm_shortly_before_does_not_hide_a_fall(tmp_path: Path) -> None:
    path = write_person(tmp_path / "P.npz", [a_fall(before_s=5.0)])
    (trial,) = (signals(trial) for trial in read(Source(path, "set")).trials)
    assert judged(trial, np.array([1.0, 1.1, 5.9, 6.0])).suspected_s == (1.0, 5.9)


def test_nobody_is_in_two_folds(tmp_path: Path) -> None:
    trials = detection.all_signals([Source(path, "made") for path in sorted(people(tmp_path).glob("made/*.npz"))])
    fold_of = folds(trials, 3)
    for person in range(4):
        assert (
            len({fold for fold, trial in zip(fold_of, trials, strict=True) if trial.label.subject == f"P{person}"}) == 1
        )
    assert set(fold_of) == {0, 1, 2}


def test_a_threshold_learnt_from_others_tells_falls_from_standing(tmp_path: Path) -> None:
    trials = detection.all_signals([Source(path, "made") for path in sorted(people(tmp_path).glob("made/*.npz"))])
    found = by_c8(trials, 2)
    assert all(bool(trial.suspected_s) == trial.label.is_fall for trial in found if trial.label.kind != "jump")
    assert by_rule(trials, RULES[STRONG])[0].suspected_s


def test_one_command_gives_one_table_for_all(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    found = bench(people(tmp_path))
    names = [row["detector"] for row in found["rows"]]
    assert names == [*RULES, detection.C8, detection.WINDOWS, detection.OURS]
    assert found["people"] == detection.QUICK_PEOPLE
    for row in found["rows"]:
        assert (row["all"]["falls"], row["all"]["adl"]) == (4, 6)
        assert set(row["sets"]) == {"made"}
    assert "this core as it ships" in "\n".join(detection.lines(found))
    assert found["notes"] == [f"{detection.STRANGERS}: left out, it is grown on SisFall and KFall"]


def test_everybody_is_judged_by_the_trees_of_her_fold_and_the_shipped_ones_are_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Source(path, "made") for path in sorted(people(tmp_path, 2).glob("made/*.npz"))]
    sure, never = (dict.fromkeys(_strangers.MODELS, f"def score(f): return {score}") for score in (99.0, -99.0))
    monkeypatch.setattr(_strangers, "_grown", lambda folder, jobs: ({"made/P0": 0, "made/P1": 1}, [sure, never]))
    judged = detection.by_strangers_drawn(found, 1, tmp_path / "errors")
    assert len(list((tmp_path / "errors").glob("*.png"))) > 0, "the falls of P1 are missed"
    assert [trial.label.subject for trial in judged] == ["P0"] * 5 + ["P1"] * 5
    assert [bool(trial.suspected_s) for trial in judged[:3]] == [True] * 3
    assert not any(trial.suspected_s for trial in judged[5:])
    assert {name: module.score for name, module in _strangers.MODELS.items()} == _strangers.SHIPPED


def test_without_scikit_learn_its_row_is_left_out_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REARGUARD_DATA", str(people(tmp_path)))
    monkeypatch.setattr(detection, "find_spec", lambda name: None)
    assert detection.main(["--quick", "--jobs", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].endswith("-m pip install -e '.[bench]')")
    assert len(lines) == 2 + len(RULES) + 2 + 2


def test_a_changed_recording_is_what_another_device_would_have_measured(tmp_path: Path) -> None:
    (trial,) = read(Source(write_person(tmp_path / "P.npz", [a_fall()]), "set")).trials
    up = trial.accel_mps2[:50].mean(axis=0)
    for name in ("tilted 30 deg forward", "tilted 30 deg backward", "tilted 30 deg sideways"):
        turned = CHANGES[name](trial)
        assert turned is not None
        now = turned.accel_mps2[:50].mean(axis=0)
        assert math.degrees(math.acos(up @ now / np.linalg.norm(up) / np.linalg.norm(now))) == pytest.approx(30.0)
        assert np.allclose(np.linalg.norm(turned.accel_mps2, axis=1), np.linalg.norm(trial.accel_mps2, axis=1))
    forward, slow = CHANGES["tilted 30 deg forward"](trial), CHANGES["at 20 Hz, clipped"](trial)
    assert forward is not None
    assert slow is not None
    assert forward.accel_mps2[:50, 0].mean() == pytest.approx(-9.80665 / 2, abs=0.05)
    assert slow.duration_s == pytest.approx(trial.duration_s, abs=0.1)
    assert np.abs(slow.accel_mps2).max() <= 2 * 9.80665
    assert CHANGES["walking, backward in time"](trial) is None


def test_every_change_is_judged_by_our_own_core(tmp_path: Path) -> None:
    found = bench(people(tmp_path, 1), "--stress")
    assert [row["detector"] for row in found["rows"]] == ["as recorded", *CHANGES]
    *rows, backward = (row["all"] for row in found["rows"])
    assert {(row["falls"], row["adl"]) for row in rows} == {(2, 3)}
    assert (backward["falls"], backward["adl"], backward["sensitivity"]) == (0, 1, None)


def test_without_recordings_there_is_nothing_to_compare(tmp_path: Path) -> None:
    assert bench(tmp_path / "nowhere")["rows"] == []


@pytest.mark.parametrize("seconds", [0.04, 0.5, 2.4])
def test_a_trial_shorter_than_a_window_is_judged_by_all(tmp_path: Path, seconds: float) -> None:
    path = write_person(tmp_path / "P.npz", [Made(standing(seconds), "stand")], gyroscope=False)
    (trial,) = (signals(trial) for trial in read(Source(path, "set")).trials)
    assert trial.windows.shape == (1, 40)
    assert np.isfinite(trial.windows).all()
    assert all(not rule(trial).size for rule in RULES.values())


@pytest.mark.data
@needs_recordings
def test_the_posture_rule_does_as_well_on_one_person_as_is_published_for_it() -> None:
    trials = [signals(trial) for trial in read(Source(FOLDER / "kfall" / "SA06.npz", "kfall")).trials]
    figures = _baselines.summary(by_rule(trials, RULES[POSTURE]))
    assert isinstance(figures["f1"], float)
    assert figures["f1"] > 0.95
