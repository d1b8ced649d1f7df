"""A trial through the core: what it is fed, and what is kept of what it says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.made_people import Made, a_fall, standing, write_person
from support.scripted_core import ScriptedCore

from firmware.core.messages import Tick
from firmware.evaluation import stream
from firmware.evaluation.dataset import Source, Trial, read
from firmware.evaluation.no_gyro import rates_from_gravity
from firmware.evaluation.stream import judge
from hal.samples import ButtonSample, ImuSample


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SafetyPipeline", ScriptedCore)
    monkeypatch.setattr(ScriptedCore, "again", False)


def trial(tmp_path: Path, made: Made, fs_hz: float = 50.0) -> Trial:
    return read(Source(write_person(tmp_path / "P01.npz", [made], fs_hz=fs_hz), "set")).trials[0]


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize("fs_hz", [15.0, 20.0, 64.0, 200.0])
def test_every_sample_comes_at_the_recordings_own_rate(tmp_path: Path, fs_hz: float) -> None:
    one = trial(tmp_path, Made(standing(4.0, fs_hz), "stand"), fs_hz)
    judge(one, lead_in_s=0.0)
    samples = [item for item in ScriptedCore.latest.inputs if isinstance(item, ImuSample)]
    assert np.allclose([sample.accel_mps2 for sample in samples], one.accel_mps2)
    gaps_ns = np.diff([sample.t_ns for sample in samples])
    assert abs(gaps_ns - 1e9 / fs_hz).max() <= 1.0


@pytest.mark.usefixtures("scripted")
def test_the_way_behind_is_free_the_button_is_up_and_time_passes(tmp_path: Path) -> None:
    judge(trial(tmp_path, Made(standing(4.0), "stand")), lead_in_s=0.0)
    core = ScriptedCore.latest
    assert {item.distance_m for item in core.ranges()} == {None}
    assert len(core.ranges()) == pytest.approx(80, abs=1)
    assert {item.pressed for item in core.inputs if isinstance(item, ButtonSample)} == {False}
    for kind, apart_ns in ((Tick, 50_000_000), (ButtonSample, 500_000_000)):
        times_ns = [item.t_ns for item in core.inputs if isinstance(item, kind)]
        assert set(np.diff(times_ns)) == {apart_ns}
    assert [item.t_ns for item in core.inputs] == sorted(item.t_ns for item in core.inputs)


def pressed_in(tmp_path: Path, alarms_s: tuple[float, ...], falls_s: float | None) -> list[ButtonSample]:
    """A jolt for each alarm (the scripted core suspects a fall a second after it); what the button said."""
    motion = standing(60.0)
    for alarm_s in alarms_s:
        motion[0][round((alarm_s - 1.0) * 50)] *= 4.0
    one = trial(tmp_path, Made(motion, "walk"))
    label = replace(one.label, is_fall=falls_s is not None, onset_s=falls_s)
    ScriptedCore.again = True
    judge(replace(one, label=label), lead_in_s=0.0)
    return [item for item in ScriptedCore.latest.inputs if isinstance(item, ButtonSample) and item.pressed]


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize(
    ("alarms_s", "falls_s", "held"),
    [
        ((5.0,), None, 1),
        ((5.0,), 30.0, 1),
        ((5.0, 31.0), 30.0, 1),  # about the fall: nobody cancels
        ((5.0,), 4.5, 0),
        ((5.0,), 17.0, 0),  # she falls before she could have let the button go
        ((5.0, 30.0), None, 2),
        ((), None, 0),
    ],
)
def test_who_is_well_cancels_a_false_alarm_and_who_fell_never(
    tmp_path: Path, alarms_s: tuple[float, ...], falls_s: float | None, held: int
) -> None:
    pressed_s = [(item.t_ns - stream.EPOCH_NS) / 1e9 for item in pressed_in(tmp_path, alarms_s, falls_s)]
    begins = [t_s for t_s, before_s in zip(pressed_s, [-1.0, *pressed_s], strict=False) if t_s - before_s > 1.0]
    assert begins == pytest.approx([alarm_s + 10.0 for alarm_s in alarms_s[:held]], abs=0.1)
    assert not pressed_s or pressed_s[-1] - begins[-1] >= 2.0, "the core asks for two seconds"


@pytest.mark.usefixtures("scripted")
def test_what_was_not_measured_does_not_come(tmp_path: Path) -> None:
    one = trial(tmp_path, Made(standing(4.0), "stand"))
    one.accel_mps2[50:100] = np.nan
    assert one.gyro_radps is not None
    one.gyro_radps[150] = np.inf
    judge(one, lead_in_s=0.0)
    times_s = [
        (item.t_ns - stream.EPOCH_NS) / 1e9 for item in ScriptedCore.latest.inputs if isinstance(item, ImuSample)
    ]
    assert times_s == pytest.approx([i / 50 for i in range(200) if not 50 <= i < 100 and i != 150])


def test_who_lies_for_minutes_and_cancels_is_asked_again_by_the_shipping_core(tmp_path: Path) -> None:
    accel, gyro = standing(260.0)
    accel[20 * 50 :] = accel[20 * 50 :, [2, 1, 0]]
    alarms_s = judge(trial(tmp_path, Made((accel, gyro), "lying"))).suspected_s
    assert len(alarms_s) >= 2, "without the button the first alarm would stay open"
    assert min(np.diff(alarms_s)) > 60.0


def test_progress_is_told_within_a_trial(tmp_path: Path) -> None:
    shares: list[float] = []
    judge(trial(tmp_path, Made(standing(300.0), "stand")), progress=shares.append)
    assert len(shares) > 3
    assert shares == sorted(shares)
    assert 0.0 <= shares[0] < shares[-1] < 1.0


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize("lead_in_s", [0.0, 3.0])
def test_times_are_of_the_trial_whatever_was_before_it(tmp_path: Path, lead_in_s: float) -> None:
    found = judge(trial(tmp_path, a_fall()), lead_in_s=lead_in_s)
    assert found.suspected_s == (pytest.approx(3.6),)
    assert found.armed == ((pytest.approx(2.0, abs=0.05), pytest.approx(0.5, abs=0.02)),)
    assert found.scored == ((pytest.approx(3.6), 0.75),)
    assert found.ready_s == pytest.approx(1.0 - lead_in_s)
    assert found.duration_s == pytest.approx(6.6)


def test_a_lead_in_stands_as_the_trial_begins_and_is_the_same_every_time(tmp_path: Path) -> None:
    one = trial(tmp_path, a_fall())
    accel, gyro = stream.led_in(one, 3.0)
    assert gyro is not None
    assert len(accel) == len(gyro) == len(one.accel_mps2) + 150
    assert accel[:150].mean(axis=0) == pytest.approx([0.0, 0.0, 9.80665], abs=0.02)
    assert 0.01 < accel[:150, 0].std() < 0.1
    assert len({tuple(row) for row in gyro[:150]}) == 150, "a gyroscope that repeats itself is a broken one"
    again, _ = stream.led_in(one, 3.0)
    assert np.array_equal(accel, again)
    assert np.array_equal(accel[150:], one.accel_mps2)


def test_a_lead_in_tells_nothing_of_the_labels(tmp_path: Path) -> None:
    one = trial(tmp_path, a_fall())
    other = replace(one, label=replace(one.label, is_fall=False, onset_s=None, impact_s=None))
    assert np.array_equal(stream.led_in(one, 3.0)[0], stream.led_in(other, 3.0)[0])
    assert judge(one).suspected_s == judge(other).suspected_s


def test_the_shipping_core_gets_ready_in_a_lead_in(tmp_path: Path) -> None:
    ready_s = judge(trial(tmp_path, Made(standing(2.0), "stand"))).ready_s
    assert ready_s is not None
    assert ready_s < 0.0


@pytest.mark.parametrize("fs_hz", [20.0, 64.0, 100.0])
def test_a_set_without_a_gyroscope_is_no_broken_sensor_to_the_core(tmp_path: Path, fs_hz: float) -> None:
    made = Made(standing(8.0, fs_hz), "stand")
    found = judge(replace(trial(tmp_path, made, fs_hz), gyro_radps=None))
    assert (found.fault, found.has_gyro) == ("", False)
    assert found.ready_s is not None


def test_estimated_rates_have_the_sign_and_the_size_of_the_real_ones() -> None:
    fs_hz, rate_radps = 100.0, 0.8
    angle = np.arange(200) / fs_hz * rate_radps  # leaning forward: positive about y, gravity's pull moves to -x
    accel = np.stack([-np.sin(angle), np.zeros(200), np.cos(angle)], axis=1) * 9.80665
    estimated = rates_from_gravity(accel, fs_hz)
    assert estimated[100:, 1] == pytest.approx(rate_radps, abs=0.05)
    assert np.abs(estimated[:, [0, 2]]).max() < 0.01


@pytest.mark.parametrize(
    "accel",
    [
        np.full((200, 3), np.nan),
        np.zeros((200, 3)),
        np.full((200, 3), 500.0),
        np.full((200, 3), np.inf),
        np.tile([0.0, 0.0, 9.81], (200, 1)),
        np.tile([0.0, 0.0, 9.81], (1, 1)),
        np.zeros((0, 3)),
    ],
    ids=["NaN", "zero", "saturated", "infinite", "frozen", "one sample", "empty"],
)
@pytest.mark.parametrize("gyroscope", [True, False])
def test_whatever_was_recorded_is_judged_without_a_crash(tmp_path: Path, accel: np.ndarray, gyroscope: bool) -> None:
    one = trial(tmp_path, Made(standing(4.0), "stand"))
    odd = replace(one, accel_mps2=accel, gyro_radps=np.zeros_like(accel) if gyroscope else None)
    if len(accel):
        assert judge(odd).suspected_s == ()


def test_a_frozen_sensor_is_named(tmp_path: Path) -> None:
    one = trial(tmp_path, Made(standing(4.0), "stand"))
    frozen = np.tile([0.0, 0.0, 9.81], (200, 1))
    assert "stuck" in judge(replace(one, accel_mps2=frozen), lead_in_s=0.0).fault
