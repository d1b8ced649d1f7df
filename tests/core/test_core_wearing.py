"""How the device sits is watched all through; what people do while seated, bent or lying is no slipping."""

import math
import random
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench._wearing import Said, felt, judged
from firmware.core.config import CoreConfig
from firmware.core.detectors.worn_wrong import WornWrong, WornWrongConfig
from firmware.core.estimators.attitude import Attitude, AttitudeConfig
from firmware.core.estimators.seat import Seat
from firmware.evaluation.dataset import Label, Trial
from firmware.evaluation.stream import LEAD_IN_S, led_in
from hal.samples import ImuSample, Vector
from hal.sim.world.hands import Hand, Motion, resting, slipping, turned, upside_down, wobbling
from hal.sim.world.recorded import Recorded
from hal.sim.world.recorded import Trial as ReplayedTrial
from hal.sim.world.shapes import Curve
from hal.sim.world.wearing_scenes import WEARING_SCENES, WearingScene

LIMIT_RAD = math.radians(WornWrongConfig().slipped_deg)
LOOSE_RADPS = WornWrongConfig().loose_radps
NOT_WORN = [name for name in WEARING_SCENES if name.startswith(("upright", "lying", "on a", "in a hand"))]
TAKEN_OFF = [name for name in WEARING_SCENES if name.startswith("clipped on")]
WORN_WELL = ["worn as people do", "rests on a bench"]


def scene(name: str, seed: int = 1) -> tuple[WearingScene, list[Said]]:
    world = WEARING_SCENES[name](seed)
    return world, judged(felt(world, seed))


def mark_s(world: WearingScene, what: str) -> float:
    return next(mark.t_s for mark in world.marks if mark.what == what)


@pytest.mark.parametrize("name", NOT_WORN)
def test_what_nobody_wears_is_never_worn_never_complains_and_is_known_at_the_end(name: str) -> None:
    _, said = scene(name)
    assert True not in {one.on_body for one in said}
    assert {one.complaint for one in said} == {""}
    assert said[-1].on_body is False


@pytest.mark.parametrize("name", TAKEN_OFF)
def test_from_the_table_to_the_belt_and_off_again_it_is_known_when_it_is_worn(name: str) -> None:
    world, said = scene(name)
    on_s, off_s = world.worn[0]
    assert not any(one.on_body for one in said if one.t_s < on_s - 1.0)
    assert all(one.on_body for one in said if on_s + 1.5 < one.t_s < off_s)
    assert not any(one.on_body for one in said if one.t_s > mark_s(world, "put down") + 10.0)
    assert not any(one.complaint for one in said if one.t_s < off_s)


@pytest.mark.parametrize("name", WORN_WELL)
@pytest.mark.parametrize("seed", [1, 2])
def test_who_wears_it_well_hears_no_complaint_walking_sitting_or_getting_up(name: str, seed: int) -> None:
    world, said = scene(name, seed)
    assert {one.complaint for one in said} == {""}
    assert all(one.on_body for one in said if one.t_s > 1.5)
    assert world.duration_s > 40.0


def test_worn_upside_down_is_told_within_two_seconds_of_standing() -> None:
    _, said = scene("upside down")
    first = next(one for one in said if one.complaint)
    assert first.t_s < 2.0
    assert "worn upside down: turn it upright" in first.complaint
    assert said[-1].complaint == first.complaint


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_device_that_slips_in_the_walk_is_told_within_two_seconds(seed: int) -> None:
    world, said = scene("slips", seed)
    assert world.wrong_s is not None
    first = next(one for one in said if one.complaint)
    assert 0.0 < first.t_s - world.wrong_s < 2.0
    assert "it has slipped by" in first.complaint
    assert "stop, clip it on upright and tight" in first.complaint


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_device_that_slips_slowly_is_told_two_seconds_after_it_has_come_to_rest_at_the_latest(seed: int) -> None:
    world, said = scene("creeps", seed)
    assert world.wrong_s is not None
    first = next(one for one in said if one.complaint)
    assert mark_s(world, "slips") < first.t_s < world.wrong_s + 2.0
    assert "it has slipped by" in first.complaint


def test_loose_clip_is_told_and_what_to_do() -> None:
    world, said = scene("wobbles")
    first = next(one for one in said if one.complaint)
    assert world.wrong_s is not None
    assert first.t_s < world.wrong_s + 8.0
    assert first.complaint == "it is loose and wobbles: stop, and clip it on tight"


def test_complaint_about_a_device_that_was_put_down_ends() -> None:
    loose = WEARING_SCENES["wobbles"](1)
    down_s = loose.duration_s - 3.0
    table = resting((0.0, 0.0, 1.0))
    said = judged(felt(WearingScene("put down", down_s + 12.0, (*loose.parts, (down_s, table)), ()), 1))
    assert any(one.complaint for one in said if one.t_s < down_s)
    assert {(one.on_body, one.complaint) for one in said if one.t_s > down_s + 10.0} == {(False, "")}


def test_scene_is_the_same_for_the_same_seed() -> None:
    for name, make in WEARING_SCENES.items():
        one, other, another = ([make(seed).motion(t) for t in (0.5, 3.3, 9.9, 17.3)] for seed in (5, 5, 6))
        assert one == other, name
        assert one != another, name


# The detector by itself


@given(slipped_deg=st.floats(25.1, 180.0), wobble_radps=st.floats(0.0, 1.0))
def test_what_has_slipped_by_more_than_the_limit_is_told_until_it_sits_well_again(
    slipped_deg: float, wobble_radps: float
) -> None:
    wrong = WornWrong(WornWrongConfig())
    assert "slipped" in wrong.update("", math.radians(slipped_deg), wobble_radps)
    assert wrong.slipped
    assert "slipped" in wrong.update("", None, None), "while nothing is known nothing is well"
    assert "slipped" in wrong.update("", 0.9 * LIMIT_RAD, None), "it does not flutter at the limit"
    assert wrong.update("", 0.5 * LIMIT_RAD, None) == ""
    assert not wrong.slipped


@given(slipped_deg=st.floats(0.0, 24.9), wobble_radps=st.floats(0.0, 1.19))
def test_within_the_limits_nothing_is_said(slipped_deg: float, wobble_radps: float) -> None:
    assert WornWrong(WornWrongConfig()).update("", math.radians(slipped_deg), wobble_radps) == ""


@pytest.mark.parametrize(("slipped_rad", "wobble_radps"), [(math.nan, 0.0), (0.0, math.nan), (math.inf, 0.0)])
def test_no_number_is_no_calm(slipped_rad: float, wobble_radps: float) -> None:
    assert WornWrong(WornWrongConfig()).update("", slipped_rad, wobble_radps)


def test_what_was_wrong_at_the_start_is_told_first() -> None:
    wrong = WornWrong(WornWrongConfig())
    assert wrong.update("it is worn upside down", 1.0, 5.0) == "it is worn upside down"
    assert "slipped" in wrong.update("", 1.0, 5.0)
    wrong.restart()
    assert wrong.complaint == ""


@pytest.mark.parametrize(
    ("key", "value"), [("slipped_deg", 90.0), ("slipped_deg", math.nan), ("loose_radps", 50.0), ("loose_radps", 0.1)]
)
def test_limits_that_would_switch_it_off_are_refused(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"worn_wrong: {key}"):
        WornWrongConfig(**{key: value})


# The estimator by itself


class Steady:
    """Slices of somebody who steps evenly, or does not."""

    def __init__(self) -> None:
        self.seat, self._index = Seat(), 0
        self.steps = SimpleNamespace(in_a_row=9, last_ns=0, times=SimpleNamespace(count=0), cadence_spm=lambda _: 102.0)

    def live(self, seconds: float, up: Vector, *, steps_hz: float = 0.0, gyro_radps: float = 0.0) -> "Steady":
        for _ in range(round(seconds * 50)):
            self._index += 1
            t_ns = self._index * 20_000_000
            if steps_hz and int(self._index * 0.02 * steps_hz) > int((self._index - 1) * 0.02 * steps_hz):
                self.steps.last_ns, self.steps.times.count = t_ns, self.steps.times.count + 1
            rate = gyro_radps if self._index % 2 else -gyro_radps
            ended = SimpleNamespace(t_ns=t_ns, span_s=0.02, gyro_radps=(0.0, rate, 0.0))
            self.seat.update(ended, up, (0.0, 0.0, 1.0), math.acos(up[2]), self.steps)
        return self


def leaning(deg: float) -> Vector:
    return -math.sin(math.radians(deg)), 0.0, math.cos(math.radians(deg))


@given(deg=st.floats(16.0, 100.0))
def test_tilt_counts_as_slipping_only_while_she_steps(deg: float) -> None:
    assert Steady().live(4.0, leaning(deg)).seat.slipped_rad is None
    stepping = Steady().live(4.0, leaning(deg), steps_hz=1.7)
    assert stepping.seat.slipped_rad == pytest.approx(math.radians(deg))
    stepping.live(2.0, leaning(deg))
    assert stepping.seat.slipped_rad is None, "she stands: it may be her back that is bent"


def test_it_is_known_whether_her_steps_went_on_while_it_turned() -> None:
    walked = Steady().live(4.0, leaning(0.0), steps_hz=1.7).live(2.0, leaning(70.0), steps_hz=1.7)
    assert walked.seat.walked_on
    rested = Steady().live(4.0, leaning(0.0), steps_hz=1.7).live(1.5, leaning(70.0))
    assert not rested.seat.walked_on
    assert not rested.live(4.0, leaning(70.0), steps_hz=1.7).seat.walked_on, "steps that come again later tell nothing"
    assert rested.live(1.0, leaning(0.0), steps_hz=1.7).seat.walked_on


def test_device_that_was_put_right_is_known_to_be_while_she_stands() -> None:
    seat = Steady().live(4.0, leaning(40.0), steps_hz=1.7).live(3.0, leaning(5.0)).seat
    assert seat.slipped_rad == pytest.approx(math.radians(5.0))


def test_trunk_that_moves_while_she_steps_is_no_slipping() -> None:
    steady = Steady()
    for index in range(40):
        steady.live(0.3, leaning(45.0 if index % 4 < 2 else 20.0), steps_hz=1.7)
        assert steady.seat.slipped_rad is None


def test_wobble_needs_four_seconds_of_steps() -> None:
    steady = Steady().live(3.8, leaning(0.0), steps_hz=1.7, gyro_radps=1.0)
    assert steady.seat.wobble_radps is None
    steady.live(1.0, leaning(0.0), steps_hz=1.7, gyro_radps=1.0)
    assert steady.seat.wobble_radps == pytest.approx(2.0)
    assert steady.live(2.0, leaning(0.0)).seat.wobble_radps is None


# What the upright is learned of


@pytest.mark.parametrize("alive", [True, False])
def test_upright_is_learned_of_a_body_and_of_no_table(alive: bool) -> None:
    attitude, dice = Attitude(AttitudeConfig()), random.Random(1)
    for index in range(500):
        force = (dice.gauss(3.0, 0.03), dice.gauss(0.0, 0.03), dice.gauss(9.3, 0.03))
        attitude.update(index * 20_000_000, force, (0.0, 0.0, 0.0), alive=alive)
    assert attitude.upright_known is alive
    assert (attitude.stance is not None) is alive


# The simulated motions


def held(motion: Motion, at_s: float, step_s: float = 1e-4) -> tuple[Vector, Vector]:
    """How fast up turns, seen and as the rates tell it: du/dt = u x rate."""
    (before, _), (force, rate), (after, _) = motion(at_s - step_s), motion(at_s), motion(at_s + step_s)
    seen = tuple((b - a) / (2 * step_s) / 9.80665 for a, b in zip(before, after, strict=True))
    u = tuple(value / 9.80665 for value in force)
    told = u[1] * rate[2] - u[2] * rate[1], u[2] * rate[0] - u[0] * rate[2], u[0] * rate[1] - u[1] * rate[0]
    return (seen[0], seen[1], seen[2]), told


def calm_hand() -> Motion:
    hand = Hand([(0.0, (0.0, 0.0, 1.0)), (1.0, (1.0, 0.0, 0.0)), (2.0, (0.0, -1.0, 0.0))], random.Random(1))
    hand._jerks = [SimpleNamespace(value=lambda _: 0.0)] * 3  # type: ignore[list-item]
    return hand.motion


@pytest.mark.parametrize(
    "motion",
    [
        calm_hand(),
        upside_down(calm_hand()),
        slipping(calm_hand(), (0.6, 0.8, 0.0), 0.1, 1.5, 70.0),
        wobbling(resting((0.0, 0.0, 1.0)), (0.0, 1.0, 0.0), Curve([(0.0, 0.0), (1.0, 1.0)]), 7.0, 5.0),
        turned(calm_hand(), (0.0, 1.0, 0.0), lambda t_s: (t_s * t_s, 2.0 * t_s)),
    ],
)
def test_gyroscope_of_a_turned_device_tells_what_its_accelerometer_sees(motion: Motion) -> None:
    for at_s in (0.2, 0.5, 0.77, 1.2, 1.6):
        seen, told = held(motion, at_s)
        assert seen == pytest.approx(told, abs=1e-3)


def test_config_of_the_core_holds_both_parts() -> None:
    assert CoreConfig().worn_wrong == WornWrongConfig()
    assert isinstance(next(felt(WEARING_SCENES["slips"](1), 1)), ImuSample)


# What is put before a recording


def test_who_stands_before_a_recorded_trial_is_somebody_and_her_posture_is_that_of_the_trial() -> None:
    dice = np.random.default_rng(1)
    posture = np.array((2.0, -1.0, 9.5))
    label = Label("set", "P01", "T", "T", "stand", False, "", None, None, None)
    for fs_hz in (20.0, 50.0, 64.0, 200.0):
        count = round(2 * fs_hz)
        trial = Trial(label, fs_hz, posture + dice.normal(0.0, 0.01, (count, 3)), np.zeros((count, 3)))
        accel, gyro = led_in(trial, LEAD_IN_S)
        assert gyro is not None
        assert len(accel) - count == LEAD_IN_S * fs_hz
        before, turning = accel[:-count], gyro[:-count]
        assert before.mean(axis=0) == pytest.approx(posture * 9.80665 / np.linalg.norm(posture), abs=0.02)
        assert np.abs(turning.mean(axis=0)).max() < 0.001
        samples = [
            ImuSample(round(i * 1e9 / fs_hz), tuple(force), tuple(rate))
            for i, (force, rate) in enumerate(zip(before.tolist(), turning.tolist(), strict=True))
        ]
        assert next(one.t_s for one in judged(samples) if one.on_body) < 1.5


def test_who_stands_before_a_replayed_trial_is_somebody() -> None:
    still = np.tile((0.5, 0.0, 9.79, 0.0, 0.0, 0.0), (200, 1))
    world = Recorded(ReplayedTrial("P01:T", 100.0, still, ()), lead_in_s=4.0)
    samples = [ImuSample(i * 10_000_000, *world.motion(i * 0.01)) for i in range(400)]
    said = judged(samples)
    assert all(one.on_body for one in said if one.t_s > 1.5)
