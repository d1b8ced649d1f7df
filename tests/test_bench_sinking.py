"""What the bench of sinking counts, on made scenes alone and on one made person."""

import json
import math
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")

from bench import _sinking_data as data  # noqa: E402
from bench import sinking  # noqa: E402
from bench._sinking_data import SHIPPED, Seen  # noqa: E402
from hal.sim.world.fall_scenes import FALL_SCENES  # noqa: E402


@pytest.fixture(autouse=True)
def _few_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "RUNS", 8)


def recorded(folder: Path, activity: str, scene: str) -> None:
    """One person whose only trial is a made scene."""
    world = FALL_SCENES[scene](1)
    moved = [world.motion(index / 50) for index in range(round(world.duration_s * 50))]
    accel, gyro = (np.array(values).T for values in zip(*moved, strict=True))
    (folder / "sisfall").mkdir(parents=True)
    np.savez(
        folder / "sisfall" / "SA01.npz",
        acc=accel,
        gyr=gyro,
        acc_lsb=1.0,
        gyr_lsb=1.0,
        fs=50.0,
        start=[0, accel.shape[1]],
        is_fall=[False],
        activity=[activity],
        kind=["sit_stand"],
    )


def test_without_recordings_it_says_so_and_measures_the_made_scenes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REARGUARD_DATA", str(tmp_path / "nowhere"))
    assert sinking.main(["--quick", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "no recordings" in err
    found = json.loads(out)
    assert list(found["groups"]) == ["made slides", "made sit-falls", "made chairs"]
    slides, sit_falls, chairs = found["groups"].values()
    assert sit_falls["shipped, after a walk"] == sit_falls["trials"] == slides["leans"] == 2
    assert chairs["shipped, after a walk"] == 0
    assert list(found["left_out"]) == ["shipped"], "with one set or none nothing can be left out"


def test_recorded_sits_are_counted_under_their_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(tmp_path, "D09", "slump at a wall")
    monkeypatch.setenv("REARGUARD_DATA", str(tmp_path))
    assert sinking.main(["--quick"]) == 0
    out, err = capsys.readouterr()
    assert not err
    assert "chairs SisFall" in out.splitlines()[0]
    (slide,) = [trial for trial in data.gathered(tmp_path, True) if trial.group == "chairs SisFall"]
    assert slide.shows(SHIPPED, walked=True)
    assert slide.asked


def sat(group: str, metres: float, bowed_deg: float) -> Seen:
    return Seen(group, True, ((metres, bowed_deg, False),))


def test_a_sit_counts_only_where_height_and_bow_come_together() -> None:
    twice = Seen("chairs KFall", True, ((0.7, 30.0, False), (0.2, 5.0, False)))
    assert not twice.shows(SHIPPED)
    assert twice.shows((0.7, math.inf))
    assert twice.shows((0.2, 15.0))
    assert not sat("", 0.7, 5.0).shows(SHIPPED, walked=True)


def test_the_limits_chosen_on_one_set_leave_its_sits_alone_and_find_the_made_falls() -> None:
    groups = {name: [sat(name, 0.62, 9.0)] for name in sinking.FALLS}
    groups |= {"chairs SisFall": [sat("", 0.45, 5.0)], "chairs KFall": [sat("", 0.61, 20.0)] * 2}
    found = sinking.left_out(groups)
    assert found["chosen on chairs SisFall"]["chairs SisFall"] == 0
    assert found["chosen on chairs SisFall"]["sunk_m"] > 0.45
    assert found["chosen on chairs SisFall"]["chairs KFall"] == 2, "the widest bow that costs its own set nothing"
    assert found["chosen on chairs KFall"]["bowed_deg"] <= 20.0
    assert all(row["made slides"] == 1 for row in found.values())
