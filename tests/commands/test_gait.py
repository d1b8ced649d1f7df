"""Our steps beside an established library's, at the desk: `rearguard gait`."""

import json
import math
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from firmware import cli
from firmware.config import Config
from firmware.errors import RecordingError
from firmware.reports import gait
from firmware.virtual import VirtualDevice
from hal.samples import ImuSample
from hal.sim.world.scenarios import scenario

WHEELS = "x86_64"  # where pyproject.toml asks for the library


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated walk of half a minute at 100 steps a minute."""
    folder = tmp_path_factory.mktemp("walk")
    world = scenario("quiet")
    device = VirtualDevice(Config(), world, folder, record=folder / "walk.mcap")
    device.run_until(world.duration_s)
    device.end()
    return folder / "walk.mcap"


class Library:
    """Stands for scikit-digital-health, and remembers what it was asked."""

    def __init__(self, contacts_s: Sequence[float]) -> None:
        self.asked: Mapping[str, Any] = {}
        self._contacts_s = contacts_s

    def predict(self, **asked: Any) -> dict[str, Sequence[float]]:
        self.asked = asked
        return {"IC Timestamp": self._contacts_s}


def install(monkeypatch: pytest.MonkeyPatch, library: Library | None) -> None:
    module = None if library is None else SimpleNamespace(GaitLumbar=lambda day_window: library)
    monkeypatch.setitem(sys.modules, "skdh", None if module is None else ModuleType("skdh"))
    monkeypatch.setitem(sys.modules, "skdh.gait", module)


def test_both_are_counted_in_the_same_rows_of_steps(
    recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    library = Library([10.0 + 0.5 * step for step in range(21)] + [math.nan, 900.0])
    install(monkeypatch, library)
    assert cli.main(["gait", str(recording), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["to_s"] - row["from_s"] == pytest.approx(28, abs=1.0)
    assert row["ours"]["steps"] == pytest.approx(48, abs=1)
    assert row["ours"]["cadence_spm"] == pytest.approx(100, abs=4)
    assert row["theirs"] == {"steps": 21, "cadence_spm": 120.0, "step_time_sd_ms": pytest.approx(0.0, abs=1e-6)}
    accel_g, asked = library.asked["accel"], library.asked
    assert accel_g[:, asked["v_axis"]].mean() == pytest.approx(1.0, abs=0.05)
    assert (asked["ap_axis"], asked["fs"]) == (0, pytest.approx(100, rel=0.05))
    assert len(asked["gait_bouts"]) == 1


def test_the_table_says_that_the_library_was_made_for_walking_forward(
    recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, Library([]))
    assert cli.main(["gait", str(recording)]) == 0
    out = capsys.readouterr().out
    assert "neither is the truth" in out
    assert out.splitlines()[1].split()[-3:] == ["0", "-", "-"]


def test_without_the_library_one_line_says_how_to_get_it(
    recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, None)
    assert cli.main(["gait", str(recording)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("rearguard: gait needs scikit-digital-health; ")
    assert "'.[gait]'" in err


@pytest.mark.skipif(platform.machine() != WHEELS, reason=f"scikit-digital-health has wheels for {WHEELS} alone")
def test_the_real_library_finds_the_cadence_that_the_simulated_walker_has(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it can be installed it has to be: this test is not to be skipped without anybody noticing."""
    assert cli.main(["gait", str(recording), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["theirs"]["cadence_spm"] == pytest.approx(row["ours"]["cadence_spm"], rel=0.05)
    assert row["theirs"]["steps"] == pytest.approx(row["ours"]["steps"], abs=6)


def still(seconds: float, rate_hz: float) -> list[ImuSample]:
    times_ns = [round(1e9 * step / rate_hz) for step in range(round(seconds * rate_hz))]
    return [ImuSample(t_ns, (0.0, 0.0, 9.81), (0.0, 0.0, 0.0)) for t_ns in times_ns]


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([], "0 samples of the motion sensor, expected 8 s or more"),
        (still(0.01, 100.0), "1 samples"),
        (still(5.0, 100.0), "500 samples"),
        (still(20.0, 10.0), "10 samples a second, expected 20 or more"),
        ([ImuSample(5, (0.0, 0.0, 9.8), (0.0, 0.0, 0.0))] * 50, "50 samples"),
    ],
)
def test_a_recording_with_too_little_in_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, samples: list[ImuSample], said: str
) -> None:
    install(monkeypatch, Library([]))
    with pytest.raises(RecordingError, match=said):
        gait.compare(samples)


def test_a_recording_that_was_cut_off_is_told(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, Library([]))
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(recording.read_bytes()[: recording.stat().st_size * 3 // 4])
    cli.main(["gait", str(cut)])
    assert f"{cut}: is cut off or damaged" in capsys.readouterr().err


def test_who_only_stands_has_no_row_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library([])
    install(monkeypatch, library)
    assert gait.compare(still(20.0, 50.0)) == []
    assert library.asked == {}


@pytest.mark.parametrize(
    ("steps_s", "rows"),
    [
        ([], []),
        ([1.0], []),
        ([0.5 * step for step in range(16)], []),  # 7.5 s
        ([0.5 * step for step in range(17)], [(0.0, 8.0)]),
        ([*(0.5 * step for step in range(17)), *(11.0 + 0.5 * step for step in range(20))], [(0.0, 8.0), (11.0, 20.5)]),
        ([*(0.5 * step for step in range(17)), 10.0], [(0.0, 10.0)]),
    ],
)
def test_a_pause_of_two_seconds_ends_a_row(steps_s: list[float], rows: list[tuple[float, float]]) -> None:
    assert list(gait.rows_of(steps_s)) == rows
