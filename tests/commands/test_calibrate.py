"""`rearguard calibrate`: what it says, what it keeps, and that it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from firmware import cli
from firmware.commands import calibrate as command
from firmware.ipc import Instance
from firmware.mounting import read


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "rearguard.toml"
    path.write_text(f'[paths]\nstate_dir = "{tmp_path / "state"}"\nrun_dir = "{tmp_path / "run"}"\n')
    return path


def run(*arguments: str) -> int:
    return cli.main(["calibrate", *arguments])


def test_the_simulated_wearer_stands_bows_and_is_told_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--simulated") == 0
    out = capsys.readouterr().out
    assert "stand still for 3 s" in out
    assert "bow forward slowly" in out
    assert "found, from a bow of 45 deg: +x forward, +y left, +z up, tilted 7 deg back" in out
    assert "simulated: kept nowhere" in out


@pytest.mark.parametrize("axes", [("+x", "+y", "+z"), ("-z", "-x", "+y"), ("+y", "-x", "+z")])
@pytest.mark.parametrize("model", ["mpu6050", "bno055"])
def test_however_the_sensor_sits_it_is_found_and_kept(
    settings: Path, tmp_path: Path, axes: tuple[str, str, str], model: str
) -> None:
    forward, left, up = axes
    with settings.open("a") as file:
        file.write(f'[imu]\nmodel = "{model}"\nforward = "{forward}"\nleft = "{left}"\nup = "{up}"\n')
    assert run("--simulated", "--config", str(settings)) == 0
    stored = read(tmp_path / "state")
    assert stored is not None
    assert (stored.forward, stored.left, stored.up) == axes
    assert stored.tilt_deg == pytest.approx((0.0, -7.0, 0.0), abs=1.0)
    assert stored.model.replace("-", "").lower() == model
    assert stored.date == ""


def test_it_is_forgotten_on_demand(settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--simulated", "--config", str(settings)) == 0
    assert run("--forget", "--config", str(settings)) == 0
    assert "forgotten: the configuration's axes are used again" in capsys.readouterr().out
    assert read(tmp_path / "state") is None
    assert run("--forget", "--config", str(settings)) == 0
    assert "there was nothing to forget" in capsys.readouterr().out


def test_who_does_not_bow_is_asked_three_times_and_what_was_kept_stays(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--simulated", "--config", str(settings)) == 0
    before = (tmp_path / "state" / "mounting.toml").read_text()
    capsys.readouterr()
    monkeypatch.setattr(command._SimulatedWearer, "bow", lambda self, t_ns: None)
    assert run("--simulated", "--config", str(settings)) == 1
    out = capsys.readouterr().out
    assert out.count("that did not work: you bowed by 0 deg only") == 3
    assert "not found, and nothing was changed" in out
    assert (tmp_path / "state" / "mounting.toml").read_text() == before


@pytest.mark.parametrize(
    ("word", "code"),
    [("off", 3), ("garbage", None), ("wrong", 1), ("slow", 1), ("delayed", 1), ("stuck", 1), ("intermittent", 1)],
)
def test_with_a_broken_sensor_it_ends_with_a_reason_and_keeps_nothing(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], word: str, code: int | None
) -> None:
    ended = run("--simulated", "--fault", f"{word}:imu@0", "--config", str(settings))
    assert ended == code if code is not None else ended in (1, 3)
    out, err = capsys.readouterr()
    assert err.startswith("rearguard: ") or "not found, and nothing was changed" in out
    assert read(tmp_path / "state") is None


def test_it_does_not_take_the_samples_of_a_guard_that_runs(settings: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    guard = Instance(tmp_path / "run", "guard")
    try:
        assert run("--simulated", "--config", str(settings)) == 1
    finally:
        guard.close()
    assert read(tmp_path / "state") is None


def test_while_a_sounder_has_the_buzzer_the_text_has_to_do(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").mkdir()
    sounder = Instance(tmp_path / "run", "sounder")
    try:
        assert run("--simulated", "--config", str(settings)) == 0
    finally:
        sounder.close()
    assert "no tones: a sounder is running" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["off", "stuck"])
def test_without_a_buzzer_that_works_it_goes_on_by_text(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--simulated", "--fault", f"{word}:buzzer@0") == 0
    assert "found, from a bow" in capsys.readouterr().out


def test_a_mounting_that_looks_the_other_way_is_said(
    settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "math", _Backward())
    assert run("--simulated", "--config", str(settings)) == 0
    out = capsys.readouterr().out
    assert "-x forward, -y left, +z up" in out
    assert "the configuration says: +x forward, +y left, +z up" in out
    assert "if you squatted or leaned back instead of bowing, do it again" in out


class _Backward:
    """The simulated wearer leans back instead."""

    def __getattr__(self, name: str) -> object:
        import math

        return (lambda degrees: -math.radians(degrees)) if name == "radians" else getattr(math, name)


def test_wrong_usage_and_a_missing_configuration_are_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--fault", "off:imu") == 2
    assert run("--config", str(tmp_path / "absent.toml")) == 2
    assert "needs --simulated" in capsys.readouterr().err


def test_the_guard_uses_what_was_kept_and_says_so(settings: Path) -> None:
    assert run("--simulated", "--config", str(settings)) == 0
    guard = subprocess.Popen(
        [sys.executable, "-m", "firmware", "run", "guard", "--simulated", "--config", str(settings)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert guard.stderr is not None
        line = guard.stderr.readline()
    finally:
        guard.terminate()
        guard.communicate(timeout=20)
    assert line.startswith("guard: mounting: +x forward, +y left, +z up, tilted 7 deg back (calibrated")
