"""A recorded person is played as she moved, comes to rest before and after, and bad files are told in one line."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.recordings import FOLDER, needs_recordings

from hal.sim.world.recorded import AFTER_IMPACT_S, LEAD_IN_S, recorded

ROOT = Path(__file__).parents[3]
FS_HZ = 50.0
LSB = 0.001


@pytest.fixture
def person(tmp_path: Path) -> Path:
    """Two trials: 4 s of a slow swing with a labelled impact, and 2 s of standing."""
    return _written(tmp_path / "S01.npz")


def _written(path: Path, **changed: object) -> Path:
    t = np.arange(300) / FS_HZ
    accel = np.stack([2 * np.sin(t), 0.5 * np.cos(t), 9.8 + 0 * t]) / LSB
    gyro = np.stack([0.3 * np.cos(t), 0 * t, -0.4 * np.sin(2 * t)]) / LSB
    content: dict[str, object] = {
        "acc": accel.astype(np.int16),
        "gyr": gyro.astype(np.int16),
        "acc_lsb": LSB,
        "gyr_lsb": LSB,
        "fs": FS_HZ,
        "start": np.array([0, 200, 300]),
        "trial": np.array(["F01_R01", "D01_R01"]),
        "onset": np.array([60, -1]),
        "impact": np.array([100, -1]),
    }
    content.update(changed)
    np.savez_compressed(path, **{key: value for key, value in content.items() if value is not None})
    return path


def test_every_sample_is_played_at_its_time_and_halfway_between_two(person: Path) -> None:
    world = recorded(f"{person}:F01_R01")
    for i in (0, 1, 57, 198):
        (forward, _, _), (roll_rate, _, _) = world.motion(LEAD_IN_S + i / FS_HZ)
        assert forward == pytest.approx(2 * math.sin(i / FS_HZ), abs=2 * LSB)
        assert roll_rate == pytest.approx(0.3 * math.cos(i / FS_HZ), abs=2 * LSB)
    a, middle, b = (world.motion(LEAD_IN_S + (57 + u) / FS_HZ)[0][0] for u in (0, 0.5, 1))
    assert middle == pytest.approx((a + b) / 2)


def test_trial_is_found_by_name_and_by_index(person: Path) -> None:
    by_name, by_index = recorded(f"{person}:D01_R01"), recorded(f"{person}:1")
    assert by_name.name == by_index.name == "S01:D01_R01"
    assert by_name.motion(5.0) == by_index.motion(5.0)


def test_marks_are_shifted_by_the_lead_in_and_the_world_outlasts_a_countdown(person: Path) -> None:
    world = recorded(f"{person}:0", lead_in_s=6.0)
    assert [(mark.what, mark.t_s) for mark in world.marks] == [("onset", 7.2), ("impact", 8.0)]
    assert world.duration_s == pytest.approx(8.0 + AFTER_IMPACT_S)
    assert recorded(f"{person}:1").marks == ()
    assert recorded(f"{person}:1").duration_s < 10


def test_rest_before_and_after_has_her_posture_and_is_never_frozen(person: Path) -> None:
    world = recorded(f"{person}:F01_R01")
    before = [world.motion(i / 100) for i in range(400)]
    after = [world.motion(9 + i / 100) for i in range(400)]
    assert np.mean([f for f, _ in before], axis=0) == pytest.approx((0.48, 0.49, 9.8), abs=0.02)
    last_s = np.arange(150, 200) / FS_HZ
    expected = (2 * np.sin(last_s).mean(), 0.5 * np.cos(last_s).mean(), 9.8)
    assert np.mean([f for f, _ in after], axis=0) == pytest.approx(expected, abs=0.02)
    for readings in (before, after):
        assert np.mean([r for _, r in readings], axis=0) == pytest.approx((0, 0, 0), abs=0.001)
        assert len(set(readings)) == len(readings)


def test_same_moment_reads_the_same_in_any_order(person: Path) -> None:
    one, other = recorded(f"{person}:0"), recorded(f"{person}:0")
    times = [i * 0.013 for i in range(3000)]
    forward = [one.motion(t) for t in times]
    assert [other.motion(t) for t in reversed(times)] == forward[::-1]


def test_played_backwards_acceleration_keeps_its_sign_and_rates_change_it(person: Path) -> None:
    ahead, back = recorded(f"{person}:0"), recorded(f"{person}:0", backwards=True)
    for i in (1, 40, 198):
        force, rate = ahead.motion(LEAD_IN_S + i / FS_HZ)
        force_back, rate_back = back.motion(LEAD_IN_S + (199 - i) / FS_HZ)
        assert force_back == pytest.approx(force, abs=1e-9)
        assert rate_back == pytest.approx([-r for r in rate], abs=1e-9)
    assert back.marks == ()


def test_nothing_is_behind_her_and_she_presses_no_button(person: Path) -> None:
    world = recorded(f"{person}:0")
    assert {world.distance_m(i / 10) for i in range(400)} == {None}
    assert not any(world.pressed(i / 10) for i in range(400))


@pytest.mark.parametrize(
    ("changed", "trial", "message"),
    [
        ({}, "F09_R01", r"no trial 'F09_R01'; it has 2, such as F01_R01"),
        ({}, "2", r"no trial '2'; it has 2"),
        ({"gyr": np.zeros((3, 0), np.int16)}, "0", "no gyroscope"),
        ({"fs": None, "acc": None}, "0", "has no acc, fs; expected acc, gyr"),
        ({"fs": 0.0}, "0", "expected 10 to 2000 Hz"),
        ({"fs": math.nan}, "0", "expected 10 to 2000 Hz"),
        ({"acc_lsb": math.inf}, "0", "finite samples"),
        ({"start": np.array([0, 200, 900])}, "1", "at least 2 finite samples"),
        ({"start": np.array([0, 200])}, "1", "at least 2 finite samples"),
        ({"acc": np.zeros((2, 300), np.int16)}, "0", r"shape \(3, n\)"),
    ],
)
def test_trial_that_cannot_be_played_is_told_in_one_line(
    tmp_path: Path, changed: dict[str, object], trial: str, message: str
) -> None:
    path = _written(tmp_path / "S02.npz", **changed)
    with pytest.raises(ValueError, match=message) as refused:
        recorded(f"{path}:{trial}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("spec", ["", "S01.npz", ":F01", "S01.npz:"])
def test_spec_without_file_and_trial_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match=r"expected FILE\.npz:TRIAL"):
        recorded(spec)


def test_missing_file_is_named() -> None:
    with pytest.raises(ValueError, match=r"there is no file /nowhere/S01\.npz"):
        recorded("/nowhere/S01.npz:0")


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off"], ids=["empty", "text", "cut"])
def test_file_that_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "S01.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"is no readable \.npz file") as refused:
        recorded(f"{path}:0")
    assert "\n" not in str(refused.value)


def test_plain_array_file_and_cut_off_archive_are_refused(tmp_path: Path, person: Path) -> None:
    plain, cut = tmp_path / "plain.npz", tmp_path / "cut.npz"
    np.save(plain.with_suffix(".npy"), np.zeros(3))
    plain.with_suffix(".npy").rename(plain)
    cut.write_bytes(person.read_bytes()[:-200])
    for path in (plain, cut):
        with pytest.raises(ValueError, match=r"is no readable \.npz file"):
            recorded(f"{path}:0")


def test_pickled_objects_in_a_recording_are_never_run(tmp_path: Path) -> None:
    path = _written(tmp_path / "S03.npz", trial=np.array([print, len], dtype=object))
    with pytest.raises(ValueError, match=r"is no readable \.npz file"):
        recorded(f"{path}:0")


def test_missing_numpy_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, person: Path) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ValueError, match=r"needs numpy.*pip install numpy"):
        recorded(f"{person}:0")


@pytest.mark.data
@needs_recordings
@pytest.mark.parametrize(("dataset", "activity"), [("sisfall", "F02"), ("kfall", "T34")])
def test_recorded_backward_fall_hits_at_its_mark_and_ends_on_the_back(dataset: str, activity: str) -> None:
    path = sorted((FOLDER / dataset).glob("*.npz"))[0]
    with np.load(path) as z:
        index = int(np.flatnonzero((z["activity"] == activity) & (z["impact"] >= 0))[0])
    world = recorded(f"{path}:{index}")
    impact_s = next(mark.t_s for mark in world.marks if mark.what == "impact")
    around = [math.hypot(*world.motion(impact_s - 0.1 + i / 200)[0]) for i in range(40)]
    assert max(around) > 2.5 * 9.81
    force, rate = world.motion(world.duration_s - 1)
    assert force[0] > 0.6 * math.hypot(*force)
    assert math.hypot(*rate) < 0.05


@pytest.mark.data
@needs_recordings
def test_synthetic_walker_moves_within_the_range_of_recorded_people() -> None:
    done = _bench("--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OUTSIDE" not in done.stdout
    assert done.stdout.count("backward fall") >= 10


def test_bench_says_so_when_there_are_no_recordings() -> None:
    done = _bench("--json", REARGUARD_DATA="/nowhere")
    assert done.returncode == 0, done.stderr
    assert "no recordings at /nowhere" in done.stderr
    assert '"data": false' in done.stdout


def _bench(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.synthetic", *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, check=False)
