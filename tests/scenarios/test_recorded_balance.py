"""Real people who stumble, walk and fall: the warning comes with the imbalance, at any rate and however it is worn."""

import math
from pathlib import Path

import pytest
from support.recordings import FOLDER, needs_recordings

np = pytest.importorskip("numpy")

from bench._stumble_data import Track, track  # noqa: E402
from firmware.evaluation.dataset import Source, Trial, read  # noqa: E402

pytestmark = [pytest.mark.data, needs_recordings]


def trial(name: str) -> Trial:
    file, _, wanted = name.partition(":")
    person = read(Source(Path(FOLDER / file), file.split("/")[0]))
    return next(found for found in person.trials if found.label.trial == wanted)


def played(found: Trial, *, rate_hz: float | None = None, turned_deg: float = 0.0) -> Track:
    """At another rate, by the mean of what lies nearest, and clipped on turned about the axis to the left."""
    accel, gyro = found.accel_mps2, found.gyro_radps
    assert gyro is not None
    fs_hz = found.fs_hz
    if rate_hz is not None:
        times = np.arange(0, len(accel) / fs_hz, 1 / rate_hz)
        own = np.arange(len(accel)) / fs_hz
        width = max(1, round(fs_hz / rate_hz))
        smooth = np.ones(width) / width
        accel, gyro = (
            np.column_stack([np.interp(times, own, np.convolve(axis, smooth, "same")) for axis in values.T])
            for values in (accel, gyro)
        )
        fs_hz = rate_hz
    angle = math.radians(turned_deg)
    turn = np.array([[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]])
    return track(Trial(found.label, fs_hz, accel @ turn.T, gyro @ turn.T), found.label.set_name)


STUMBLES = ("kfall/SA23.npz:T10_SA23_R02", "sisfall/SA06.npz:D18_SA06_R01")
WALKS = ("kfall/SA06.npz:T06_SA06_R01", "kfall/SA07.npz:T06_SA07_R02")


@pytest.mark.parametrize("rate_hz", [None, 64.0, 20.0])
@pytest.mark.parametrize("name", STUMBLES)
def test_a_stumble_is_warned_of(name: str, rate_hz: float | None) -> None:
    assert len(played(trial(name), rate_hz=rate_hz).warned_s) == 1


@pytest.mark.parametrize("turned_deg", [-30.0, 30.0])
@pytest.mark.parametrize("name", STUMBLES)
def test_a_stumble_is_warned_of_however_the_device_is_clipped_on(name: str, turned_deg: float) -> None:
    assert len(played(trial(name), turned_deg=turned_deg).warned_s) == 1


@pytest.mark.parametrize("rate_hz", [None, 64.0, 20.0])
@pytest.mark.parametrize("name", WALKS)
def test_a_slow_walk_is_not(name: str, rate_hz: float | None) -> None:
    assert played(trial(name), rate_hz=rate_hz).warned_s == []


@pytest.mark.parametrize("name", WALKS)
def test_nor_is_one_that_goes_backward_in_time(name: str) -> None:
    assert track(trial(name), "kfall", backward=True).warned_s == []


@pytest.mark.parametrize("name", ["kfall/SA06.npz:T02_SA06_R01", "sisfall/SA06.npz:D16_SA06_R01"])
def test_nor_is_bending_down_while_standing(name: str) -> None:
    assert played(trial(name)).warned_s == []


@pytest.mark.parametrize("name", ["kfall/SA06.npz:T34_SA06_R01", "sisfall/SA06.npz:F02_SA06_R01"])
def test_slipping_backward_is_warned_of_before_the_impact(name: str) -> None:
    seen = played(trial(name))
    assert seen.impact_s is not None
    assert 0.1 < seen.impact_s - seen.warned_s[0] < 2.0
