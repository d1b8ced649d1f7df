"""The synthetic walker obeys mechanics: her sensor's readings, her tilt and her way all tell of one movement."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest

from hal.sim.world.gait import G_MPS2, GaitStyle
from hal.sim.world.incidents import Incident, fall_backward, sit_down_hard, stumble, sudden_sway, turn
from hal.sim.world.scenarios import scenario
from hal.sim.world.shapes import Curve, Ramps, Wander
from hal.sim.world.walker import Walker, sensed

STANDING = ((0.0, 0.0),)
WALKING = ((1.0, 0.0), (1.8, 0.6), (19.4, 0.6), (20.0, 0.0))


def _gravity(roll: float, pitch: float) -> np.ndarray:
    """Up in body axes, from the orientation yaw, then pitch, then roll."""
    return np.array([-math.sin(pitch), math.sin(roll) * math.cos(pitch), math.cos(roll) * math.cos(pitch)])


def _turned(up: np.ndarray, rate: np.ndarray, dt_s: float) -> np.ndarray:
    """A direction fixed in the world, seen from a body that turned for `dt_s`: d(up)/dt = -rate x up (Rodrigues)."""
    angle = -rate * dt_s
    size = float(np.linalg.norm(angle))
    if size == 0:
        return up
    axis = angle / size
    along = axis * (axis @ up) * (1 - math.cos(size))
    return up * math.cos(size) + np.cross(axis, up) * math.sin(size) + along


def test_standing_reads_one_g_upwards_and_is_never_frozen() -> None:
    walker = Walker(STANDING, seed="someone")
    readings = [walker.motion(i / 100) for i in range(3000)]
    assert np.mean([force for force, _ in readings], axis=0) == pytest.approx((0, 0, G_MPS2), abs=0.1)
    assert max(math.hypot(*rate) for _, rate in readings) < math.radians(5)
    assert all(a != b for a, b in pairwise(readings))


@pytest.mark.parametrize(
    ("angles", "sign"),
    [({"pitch": 0.3}, (-1, 0)), ({"pitch": -0.3}, (1, 0)), ({"roll": 0.3}, (0, 1)), ({"roll": -0.3}, (0, -1))],
    ids=["forward", "backward", "right", "left"],
)
def test_leaning_moves_gravity_to_the_axis_of_the_data_sets(angles: dict[str, float], sign: tuple[int, int]) -> None:
    pose = (angles.get("roll", 0.0), angles.get("pitch", 0.0), 0.7, *(0.0,) * 6)
    (forward, left, up), rate = sensed(pose)
    assert (forward, left) == pytest.approx((sign[0] * G_MPS2 * math.sin(0.3), sign[1] * G_MPS2 * math.sin(0.3)))
    assert up == pytest.approx(G_MPS2 * math.cos(0.3))
    assert rate == (0, 0, 0)


def test_falling_backward_turns_negative_about_left_and_ends_with_g_on_forward() -> None:
    walker = Walker(STANDING, [fall_backward(5.0)], seed="someone")
    assert walker.motion(4.85)[1][1] < -math.radians(60)
    forward, left, up = walker.motion(8.0)[0]
    assert forward == pytest.approx(G_MPS2, abs=0.3)
    assert math.hypot(left, up) < 0.15 * G_MPS2


def test_turning_left_is_positive_about_up() -> None:
    walker = Walker(STANDING, [turn(1.0, 90, 2.0)], seed="someone")
    turned = sum(walker.motion(i / 100)[1][2] for i in range(100, 300)) / 100
    assert math.degrees(turned) == pytest.approx(90, abs=3)


@pytest.mark.parametrize("name", ["walk", "recovered", "stumble", "sit"])
def test_gyroscope_integrates_to_the_tilt_of_the_trunk(name: str) -> None:
    walker = scenario(name).walker  # type: ignore[attr-defined]
    roll, pitch = walker.pose(0.0)[:2]
    up, dt_s = _gravity(roll, pitch), 0.001
    for i in range(24_000):
        up = _turned(up, np.array(walker.motion((i + 0.5) * dt_s)[1]), dt_s)
        if i % 500 == 499:
            expected = _gravity(*walker.pose((i + 1) * dt_s)[:2])
            assert math.degrees(math.acos(min(1.0, float(up @ expected)))) < 0.3, f"at {(i + 1) * dt_s} s"


def test_accelerometer_is_gravity_plus_linear_acceleration_seen_from_the_trunk() -> None:
    dice = random.Random(1)
    for _ in range(200):
        roll, pitch, yaw, *rest = (dice.uniform(-1.5, 1.5) for _ in range(6))
        linear = [dice.uniform(-20, 20) for _ in range(3)]
        force, _ = sensed((roll, pitch, yaw, *rest, *linear))  # type: ignore[arg-type]
        turn_y = np.array([[math.cos(pitch), 0, math.sin(pitch)], [0, 1, 0], [-math.sin(pitch), 0, math.cos(pitch)]])
        turn_x = np.array([[1, 0, 0], [0, math.cos(roll), -math.sin(roll)], [0, math.sin(roll), math.cos(roll)]])
        assert force == pytest.approx((turn_y @ turn_x).T @ np.add(linear, (0, 0, G_MPS2)))


@pytest.mark.parametrize("name", ["walk", "treadmill", "recovered"])
def test_world_answers_the_same_in_whatever_order_it_is_asked(name: str) -> None:
    times = [i * 0.0137 for i in range(2500)]
    first, second = scenario(name), scenario(name)
    forward = {t: (first.motion(t), first.distance_m(t), first.pressed(t)) for t in times}
    random.Random(3).shuffle(times)
    assert all(forward[t] == (second.motion(t), second.distance_m(t), second.pressed(t)) for t in times)


def test_gait_has_the_cadence_and_the_way_that_belong_to_its_speed() -> None:
    walker = Walker(WALKING, seed="someone")
    up = np.array([walker.motion(i / 100)[0][2] for i in range(300, 1900)])
    amplitude = np.abs(np.fft.rfft((up - up.mean()) * np.hanning(len(up)), 8192))
    step_hz = float(np.argmax(amplitude)) * 100 / 8192
    assert step_hz == pytest.approx(GaitStyle().cadence_spm / 60, rel=0.03)
    assert walker.steps(19.0) - walker.steps(3.0) == pytest.approx(16 * 100 / 60)
    assert walker.place_m(19.0)[0] - walker.place_m(3.0)[0] == pytest.approx(9.6, abs=0.03)


def test_walking_forward_counts_steps_down_and_goes_back() -> None:
    walker = Walker(((0.0, 0.0), (1.0, -0.4), (4.0, -0.4), (5.0, 0.0)), seed="someone")
    assert walker.place_m(5.0)[0] == pytest.approx(-1.6, abs=0.03)
    assert walker.steps(5.0) < -5


def _velocity_and_height(incident: Incident) -> tuple[float, float, float]:
    """Upward speed at the end, greatest downward speed, and height at the end, from the acceleration alone."""
    speed = fastest = height = 0.0
    for i in range(round((incident.end_s - incident.start_s) * 1000)):
        speed += incident.at(incident.start_s + i / 1000)[8] / 1000
        height += speed / 1000
        fastest = min(fastest, speed)
    return speed, fastest, height


def test_fall_carries_the_belt_to_the_floor_and_stops_there() -> None:
    speed, fastest, height = _velocity_and_height(fall_backward(5.0))
    assert speed == pytest.approx(0, abs=0.01)
    assert -2.8 < fastest < -1.5  # recorded falls of residents: 2.14 m/s at impact (Choi 2015)
    assert -0.9 < height < -0.5


def test_sitting_down_drops_by_a_chairs_depth_and_a_stumble_ends_on_the_feet() -> None:
    sat, stumbled = _velocity_and_height(sit_down_hard(5.0)), _velocity_and_height(stumble(5.0))
    assert sat[0] == pytest.approx(0, abs=0.01)
    assert -0.5 < sat[2] < -0.25
    assert stumbled[0] == pytest.approx(0, abs=0.01)
    assert abs(stumbled[2]) < 0.1


def test_sudden_sway_is_fast_and_large_and_is_caught() -> None:
    incident = sudden_sway(5.0)
    poses = [(i / 1000, incident.at(5.0 + i / 1000)) for i in range(1700)]
    fastest_s = max(poses, key=lambda p: abs(p[1][4]))[0]
    assert fastest_s < 0.5
    assert max(abs(math.degrees(pose[4])) for _, pose in poses) > 100
    assert 15 < max(math.degrees(math.hypot(*pose[:2])) for _, pose in poses) < 25
    assert poses[-1][1][:3] == pytest.approx((0, 0, 0), abs=1e-9)


def test_impact_is_the_hardest_moment_and_comes_when_it_is_said_to() -> None:
    walker = Walker(STANDING, [fall_backward(5.0)], seed="someone")
    sizes = {i / 1000: math.hypot(*walker.motion(i / 1000)[0]) for i in range(8000)}
    assert max(sizes, key=lambda t: sizes[t]) == pytest.approx(5.0, abs=0.02)
    assert max(sizes.values()) > 4 * G_MPS2
    assert min(sizes[i / 1000] for i in range(4400, 5000)) < 0.4 * G_MPS2


def test_curve_never_overshoots_and_its_slope_is_its_derivative() -> None:
    curve = Curve([(0, 0), (1, 2), (1.5, 2), (3, -1), (3.2, -4)])
    values = [curve.at(i / 1000)[0] for i in range(-500, 4000)]
    assert (min(values), max(values)) == (-4, 2)
    for t in (0.3, 1.2, 2.0, 3.1):
        assert curve.at(t)[1] == pytest.approx((curve.at(t + 1e-6)[0] - curve.at(t - 1e-6)[0]) / 2e-6, abs=1e-4)


def test_ramps_integrate_their_value() -> None:
    ramps = Ramps([(1, 0), (2, 3), (4, 3), (5, -1)])
    for t in (0.5, 1.7, 3.0, 4.4, 8.0):
        middle = sum(ramps.at(1 + (i + 0.5) / 2000)[0] for i in range(round((max(t, 1) - 1) * 2000))) / 2000
        assert ramps.integral(t) == pytest.approx(middle, abs=1e-3)


def test_wander_has_the_asked_rms_and_differs_between_people() -> None:
    one, other = (Wander(seed, low_hz=0.5, high_hz=2, rms=0.3) for seed in ("one", "other"))
    values = [one.at(i / 50)[0] for i in range(10_000)]
    assert math.sqrt(sum(v * v for v in values) / len(values)) == pytest.approx(0.3, rel=0.1)
    assert one.at(1.0) != other.at(1.0)
    assert all(one.value(i / 7) == one.at(i / 7)[0] for i in range(50))


def test_knots_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ValueError, match="times must rise"):
        Curve([(0, 0), (2, 1), (1, 2)])
