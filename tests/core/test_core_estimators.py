"""Attitude, steps, sway and the button, each alone."""

import math
import random

import pytest

from firmware.core.estimators.attitude import G0_MPS2, Attitude, AttitudeConfig
from firmware.core.estimators.steps import Steps, StepsConfig
from firmware.core.estimators.sway import TrunkSway, TrunkSwayConfig

S = 1_000_000_000
Vector = tuple[float, float, float]


def rotated(vector: Vector, axis: str, angle_rad: float) -> Vector:
    """A fixed vector as seen from a body that turned by `angle_rad` about one of its own axes."""
    x, y, z = vector
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    if axis == "y":
        return (c * x - s * z, y, s * x + c * z)
    return (x, c * y + s * z, -s * y + c * z)


def still(attitude: Attitude, up: Vector, seconds: float = 1.2, start_ns: int = 0) -> int:
    for index in range(round(seconds * 100)):
        attitude.update(start_ns + index * 10_000_000, up, (0.0, 0.0, 0.0))
    return start_ns + round(seconds * 100) * 10_000_000


MOUNTINGS = [(0, 0), (30, 0), (-30, 0), (0, 25), (20, -25), (-40, 30)]


@pytest.mark.parametrize(("pitch_deg", "roll_deg"), MOUNTINGS)
@pytest.mark.parametrize(("axis", "lean_deg"), [("y", 20), ("y", -35), ("x", 15), ("x", -25)])
def test_lean_is_measured_from_the_personal_upright_whatever_the_mounting(
    pitch_deg: int, roll_deg: int, axis: str, lean_deg: int
) -> None:
    def sensed(vector: Vector) -> Vector:
        return rotated(rotated(vector, "x", math.radians(roll_deg)), "y", math.radians(pitch_deg))

    attitude = Attitude(AttitudeConfig())
    t_ns = still(attitude, sensed((0.0, 0.0, G0_MPS2)))
    assert attitude.upright_known
    assert attitude.tilt_rad == pytest.approx(0, abs=0.001)
    rate = math.radians(lean_deg)  # in one second
    turn = (rate, 0.0, 0.0) if axis == "x" else (0.0, rate, 0.0)
    for index in range(1, 101):
        up = rotated((0.0, 0.0, G0_MPS2), axis, rate * index / 100)
        attitude.update(t_ns + index * 10_000_000, sensed(up), sensed(turn))
    assert math.degrees(attitude.tilt_rad) == pytest.approx(abs(lean_deg), abs=1.0)
    if roll_deg == 0 and axis == "y":
        assert math.degrees(attitude.pitch_rad) == pytest.approx(lean_deg, abs=1.0)
    if pitch_deg == 0 and axis == "x":
        assert math.degrees(attitude.roll_rad) == pytest.approx(lean_deg, abs=1.0)


def test_a_shake_that_is_no_gravity_does_not_tilt_the_trunk() -> None:
    attitude = Attitude(AttitudeConfig())
    t_ns = still(attitude, (0.0, 0.0, G0_MPS2))
    for index in range(30):
        attitude.update(t_ns + index * 10_000_000, (20.0, 0.0, 9.8), (0.0, 0.0, 0.0))
    assert math.degrees(attitude.tilt_rad) < 1


@pytest.mark.parametrize("gravity_g", [0.69, 0.78, 0.9, 1.2])
def test_a_sensor_with_a_poor_scale_still_tells_who_stands_still(gravity_g: float) -> None:
    attitude = Attitude(AttitudeConfig())
    still(attitude, (1.0, 0.0, gravity_g * G0_MPS2))
    assert attitude.upright_known


def test_a_lying_or_moving_wearer_teaches_no_upright() -> None:
    attitude = Attitude(AttitudeConfig())
    still(attitude, (G0_MPS2, 0.0, 0.0), 3)
    assert not attitude.upright_known
    for index in range(300):
        attitude.update(4 * S + index * 10_000_000, (0.0, 0.0, G0_MPS2), (0.0, 0.6, 0.0))
    assert not attitude.upright_known


def test_a_constant_error_of_the_gyroscope_is_learned_while_standing() -> None:
    attitude = Attitude(AttitudeConfig())
    for index in range(400):
        attitude.update(index * 10_000_000, (0.0, 0.0, G0_MPS2), (0.0, 0.1, 0.0))
    assert math.degrees(attitude.tilt_rad) < 0.2
    assert attitude.turning_radps == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("rate_hz", [25, 64, 100, 200])
@pytest.mark.parametrize("cadence_spm", [60, 80, 100, 120])
@pytest.mark.parametrize("height_mps2", [0.7, 1.5, 4.0])
def test_slow_and_small_steps_are_counted(rate_hz: int, cadence_spm: int, height_mps2: float) -> None:
    steps, rng = Steps(StepsConfig()), random.Random(1)
    for index in range(30 * rate_hz):
        t_s = index / rate_hz
        steps.update(
            index * S // rate_hz, height_mps2 * math.sin(2 * math.pi * cadence_spm / 60 * t_s) + rng.gauss(0, 0.05)
        )
    assert steps.count == pytest.approx(cadence_spm / 2, abs=2)
    assert steps.cadence_spm(30 * S) == pytest.approx(cadence_spm, rel=0.05)
    assert steps.speed_mps(30 * S) == pytest.approx(cadence_spm / 60 * 0.36, rel=0.05)


@pytest.mark.parametrize("rate_hz", [20, 50, 100, 200])
@pytest.mark.parametrize("true_sd_s", [0.02, 0.06])
def test_uneven_steps_are_told_from_even_ones_at_any_sampling_rate(rate_hz: int, true_sd_s: float) -> None:
    steps, rng = Steps(StepsConfig()), random.Random(3)
    phase, step_s = 0.0, 0.6
    for index in range(120 * rate_hz):
        if phase >= 1.0:
            phase, step_s = phase - 1.0, rng.gauss(0.6, true_sd_s)
        phase += 1.0 / rate_hz / step_s
        steps.update(index * S // rate_hz, 1.5 * math.sin(2 * math.pi * phase) + rng.gauss(0, 0.05))
    assert steps.times.count > 150
    assert steps.times.mean_s == pytest.approx(0.6, abs=0.02)
    assert steps.times.sd_s == pytest.approx(true_sd_s, abs=0.018)


def test_a_few_steps_have_no_variability_yet() -> None:
    steps = Steps(StepsConfig())
    for index in range(600):
        steps.update(index * 10_000_000, math.sin(2 * math.pi * 1.6 * index / 100))
    assert steps.times.sd_s is None


def test_standing_is_no_step_and_has_no_cadence() -> None:
    steps, rng = Steps(StepsConfig()), random.Random(2)
    for index in range(6000):
        steps.update(index * 10_000_000, rng.gauss(0, 0.15))
    assert steps.count == 0
    assert steps.cadence_spm(60 * S) is None
    assert steps.speed_mps(60 * S) == 0.0


def test_the_cadence_ends_with_the_walk() -> None:
    steps = Steps(StepsConfig())
    for index in range(1000):
        steps.update(index * 10_000_000, math.sin(2 * math.pi * 1.6 * index / 100))
    assert steps.cadence_spm(10 * S) is not None
    assert steps.cadence_spm(13 * S) is None


def test_extrapolated_tilt_leads_the_tilt() -> None:
    trunk = TrunkSway(TrunkSwayConfig())
    for _ in range(100):
        trunk.update(0.01, 0.0, 0.0, 0.0, 0.0)
    for index in range(100, 130):
        trunk.update(0.01, -0.5 * (index - 100) / 100, 0.0, -0.5, 0.0)
    assert trunk.pitch_rad == pytest.approx(-0.145, abs=0.02)
    assert trunk.forward_rad == pytest.approx(-0.145 - 0.5 / 3.3, abs=0.03)
    assert trunk.right_rad == pytest.approx(0, abs=0.001)


def test_a_usual_lean_is_no_sway_but_a_large_one_stays_one() -> None:
    trunk, deep = TrunkSway(TrunkSwayConfig()), TrunkSway(TrunkSwayConfig())
    for _ in range(6000):
        trunk.update(0.01, 0.12, 0.0, 0.0, 0.0)
        deep.update(0.01, 0.5, 0.0, 0.0, 0.0)
    assert trunk.pitch_rad == pytest.approx(0, abs=0.001)
    assert deep.pitch_rad == pytest.approx(0.5)


def test_the_upright_is_learned_from_steps_when_nobody_stands_still() -> None:
    attitude, rng = Attitude(AttitudeConfig()), random.Random(5)
    mounted_rad = math.radians(20)
    for index in range(400):
        bounce = 1.5 * math.sin(2 * math.pi * 1.6 * index / 100)
        sway = 0.8 * math.sin(2 * math.pi * 0.8 * index / 100)
        accel = rotated((sway + rng.gauss(0, 0.1), sway, G0_MPS2 + bounce), "y", mounted_rad)
        attitude.update(index * 10_000_000, accel, (0.0, 0.4 * sway, 0.0), stepping=True)
        if attitude.upright_known:
            break
    assert 2.0 < index / 100 < 3.5
    for step in range(1, 200):
        accel = rotated((0.0, 0.0, G0_MPS2), "y", mounted_rad)
        attitude.update((index + step) * 10_000_000, accel, (0.0, 0.0, 0.0))
    assert math.degrees(attitude.tilt_rad) < 5


def test_steps_with_a_changing_tilt_teach_no_upright() -> None:
    attitude = Attitude(AttitudeConfig())
    for index in range(1000):
        tilt_rad = math.radians(35) * math.sin(2 * math.pi * 0.2 * index / 100)
        rate = math.radians(35) * 2 * math.pi * 0.2 * math.cos(2 * math.pi * 0.2 * index / 100)
        accel = rotated((0.0, 0.0, G0_MPS2 + math.sin(index / 10)), "y", tilt_rad)
        attitude.update(index * 10_000_000, accel, (0.0, rate, 0.0), stepping=True)
    assert not attitude.upright_known


def test_the_error_of_the_gyroscope_is_learned_later_when_the_upright_came_from_steps() -> None:
    attitude = Attitude(AttitudeConfig())
    for index in range(350):
        bounce = 1.5 * math.sin(2 * math.pi * 1.6 * index / 100)
        attitude.update(index * 10_000_000, (0.0, 0.0, G0_MPS2 + bounce), (0.0, 0.1, 0.0), stepping=True)
    assert attitude.upright_known
    assert attitude.turning_radps == pytest.approx(0.1)
    for index in range(350, 500):
        attitude.update(index * 10_000_000, (0.0, 0.0, G0_MPS2), (0.0, 0.1, 0.0))
    assert attitude.turning_radps == pytest.approx(0.0, abs=0.001)
