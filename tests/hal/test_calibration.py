"""Finding the mounting from standing still and a bow forward."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.imu.calibration import Bow, DoItAgain, Stance, find_mounting, find_stance
from hal.imu.mounting import Mounting, square_mountings
from hal.samples import ImuSample, Vector

G0_MPS2 = 9.80665
RATE_HZ = 100
BOW_S = 4.0

Turn = Callable[[float], Vector]
"""Seconds to the trunk's rotation about forward, left and up in degrees, one after the other from up to forward."""


@dataclass(frozen=True)
class Wearer:
    """Somebody with a sensor on her back, who does as she is told, or not."""

    mounting: Mounting
    accel_noise_mps2: float = 0.05
    gyro_noise_radps: float = 0.01
    bias_radps: Vector = (0.0, 0.0, 0.0)
    seed: int = 1

    def stands(self, seconds: float = 3.0) -> list[ImuSample]:
        return self.moves(seconds, lambda t_s: (0.0, 0.0, 0.0))

    def bows(self, angle_deg: float, *, back_s: float = 1.5) -> list[ImuSample]:
        return self.moves(BOW_S + back_s, lambda t_s: (0.0, bowed_deg(t_s, angle_deg), 0.0))

    def moves(self, seconds: float, turn_deg: Turn) -> list[ImuSample]:
        noise = random.Random(self.seed).gauss
        samples = []
        for i in range(round(seconds * RATE_HZ)):
            t_s, dt_s = i / RATE_HZ, 1e-4
            roll, pitch, _ = map(math.radians, turn_deg(t_s))
            rates = [math.radians(b - a) / dt_s for a, b in zip(turn_deg(t_s), turn_deg(t_s + dt_s), strict=True)]
            accel = up_in_body(roll, pitch)
            gyro = rates_in_body(roll, pitch, (rates[0], rates[1], rates[2]))
            x, y, z = self.mounting.to_sensor((accel[0] * G0_MPS2, accel[1] * G0_MPS2, accel[2] * G0_MPS2))
            p, q, r = self.mounting.to_sensor(gyro)
            a, g, (bx, by, bz) = self.accel_noise_mps2, self.gyro_noise_radps, self.bias_radps
            samples.append(
                ImuSample(
                    i * 10**9 // RATE_HZ,
                    (x + noise(0, a), y + noise(0, a), z + noise(0, a)),
                    (p + bx + noise(0, g), q + by + noise(0, g), r + bz + noise(0, g)),
                )
            )
        return samples


def bowed_deg(t_s: float, angle_deg: float) -> float:
    return angle_deg * math.sin(math.pi * min(t_s, BOW_S) / BOW_S) ** 2


def up_in_body(roll: float, pitch: float) -> Vector:
    """Leaning forward is a positive pitch, leaning right a positive roll."""
    return (-math.sin(pitch), math.sin(roll) * math.cos(pitch), math.cos(roll) * math.cos(pitch))


def rates_in_body(roll: float, pitch: float, rates: Vector) -> Vector:
    """Source: the kinematics of yaw, pitch and roll angles, in that order."""
    p, q, r = rates
    return (
        p - r * math.sin(pitch),
        q * math.cos(roll) + r * math.sin(roll) * math.cos(pitch),
        -q * math.sin(roll) + r * math.cos(roll) * math.cos(pitch),
    )


def apart_deg(a: Mounting, b: Mounting) -> float:
    """The angle of the rotation between two mountings."""
    axes: list[Vector] = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
    trace = sum(sum(x * y for x, y in zip(a.to_sensor(axis), b.to_sensor(axis), strict=True)) for axis in axes)
    return math.degrees(math.acos(max(-1.0, min(1.0, (trace - 1) / 2))))


def tilts(largest_deg: float) -> st.SearchStrategy[Vector]:
    component = st.floats(-1.0, 1.0)
    directions = st.tuples(component, component, component).filter(lambda v: math.hypot(*v) > 0.1)
    return st.builds(
        lambda v, deg: (v[0] * deg / math.hypot(*v), v[1] * deg / math.hypot(*v), v[2] * deg / math.hypot(*v)),
        directions,
        st.floats(0.0, largest_deg),
    )


def mountings(largest_tilt_deg: float = 40.0) -> st.SearchStrategy[Mounting]:
    return st.builds(
        lambda square, tilt_deg: replace(square, tilt_deg=tilt_deg),
        st.sampled_from(square_mountings()),
        tilts(largest_tilt_deg),
    )


@settings(deadline=None, max_examples=100)
@given(
    mounting=mountings(),
    bow_deg=st.floats(20.5, 60.0),
    accel_noise_mps2=st.floats(0.0, 0.15),
    gyro_noise_radps=st.floats(0.0, 0.03),
    bias_radps=st.tuples(*[st.floats(-0.2, 0.2)] * 3),
    seed=st.integers(0, 1000),
)
def test_any_mounting_is_found_within_3_degrees_whatever_the_noise_and_the_bow(
    mounting: Mounting,
    bow_deg: float,
    accel_noise_mps2: float,
    gyro_noise_radps: float,
    bias_radps: Vector,
    seed: int,
) -> None:
    wearer = Wearer(mounting, accel_noise_mps2, gyro_noise_radps, bias_radps, seed)
    bow = find_mounting(find_stance(wearer.stands()), wearer.bows(bow_deg))
    assert apart_deg(bow.mounting, mounting) < 3.0
    assert bow.angle_deg == pytest.approx(bow_deg, abs=1.5)


@pytest.mark.parametrize("mounting", square_mountings())
def test_each_of_the_24_square_mountings_is_found_by_its_axes(mounting: Mounting) -> None:
    wearer = Wearer(mounting)
    found = find_mounting(find_stance(wearer.stands()), wearer.bows(45.0)).mounting
    assert (found.forward, found.left, found.up) == (mounting.forward, mounting.left, mounting.up)
    assert math.hypot(*found.tilt_deg) < 1.0


@settings(deadline=None, max_examples=30)
@given(mounting=mountings(), wobble_deg=st.floats(0.0, 1.5), phase=st.floats(0, 6.28))
def test_a_bow_that_wobbles_a_little_is_good_enough(mounting: Mounting, wobble_deg: float, phase: float) -> None:
    wearer = Wearer(mounting)

    def unsteady(t_s: float) -> Vector:
        wobble = wobble_deg * math.sin(2 * math.pi * 0.7 * t_s + phase) if t_s < BOW_S else 0.0
        return (wobble, bowed_deg(t_s, 45.0), wobble)

    found = find_mounting(find_stance(wearer.stands()), wearer.moves(BOW_S + 1.5, unsteady)).mounting
    assert apart_deg(found, mounting) < 6.0


@settings(deadline=None, max_examples=30)
@given(mounting=mountings(), twist_deg=st.floats(-8.0, 8.0))
def test_up_is_where_it_was_while_standing_however_crooked_the_bow(mounting: Mounting, twist_deg: float) -> None:
    wearer = Wearer(mounting)
    crooked = wearer.moves(5.5, lambda t_s: (0.0, bowed_deg(t_s, 40.0), bowed_deg(t_s, twist_deg)))
    standing = find_stance(wearer.stands())
    up = find_mounting(standing, crooked).mounting.to_sensor((0.0, 0.0, 1.0))
    assert math.degrees(math.dist(up, standing.up)) < 0.1


# What is refused, and why


def stance(wearer: Wearer) -> Stance:
    return find_stance(wearer.stands())


@settings(deadline=None, max_examples=40)
@given(mounting=mountings(), bow_deg=st.floats(0.0, 18.5))
def test_a_bow_of_less_than_20_degrees_is_refused(mounting: Mounting, bow_deg: float) -> None:
    wearer = Wearer(mounting)
    with pytest.raises(DoItAgain, match=r"you bowed by \d+ deg only: bow further, 20 deg at least"):
        find_mounting(stance(wearer), wearer.bows(bow_deg))


@settings(deadline=None, max_examples=40)
@given(mounting=mountings(), sway_deg=st.floats(6.0, 20.0))
def test_who_does_not_stand_still_is_told_so(mounting: Mounting, sway_deg: float) -> None:
    swaying = Wearer(mounting).moves(3.0, lambda t_s: (sway_deg * math.sin(2 * math.pi * 0.5 * t_s), 0.0, 0.0))
    with pytest.raises(DoItAgain, match=r"you moved .*: stand still, both feet on the floor"):
        find_stance(swaying)


def test_a_glance_is_no_standing_and_nothing_at_all_is_no_sensor() -> None:
    wearer = Wearer(Mounting())
    with pytest.raises(DoItAgain, match=r"only 1\.0 s of standing were measured, 1\.5 s are needed"):
        find_stance(wearer.stands(1.01))
    with pytest.raises(DoItAgain, match="nothing was measured"):
        find_stance([])
    with pytest.raises(DoItAgain, match="nothing was measured"):
        find_mounting(stance(wearer), [])


@pytest.mark.parametrize("turn_deg", [40.0, -40.0, 90.0])
@pytest.mark.parametrize("mounting", [Mounting(), Mounting("-z", "-x", "+y", (10.0, -20.0, 15.0))])
def test_a_turn_on_the_spot_is_no_bow(mounting: Mounting, turn_deg: float) -> None:
    wearer = Wearer(mounting)
    turn = wearer.moves(5.0, lambda t_s: (0.0, 0.0, bowed_deg(t_s, turn_deg)))
    with pytest.raises(DoItAgain, match="you turned or leaned sideways"):
        find_mounting(stance(wearer), turn)


def test_a_bow_with_a_turn_in_it_is_refused() -> None:
    wearer = Wearer(Mounting())
    twisted = wearer.moves(5.5, lambda t_s: (0.0, bowed_deg(t_s, 40.0), bowed_deg(t_s, 40.0)))
    with pytest.raises(DoItAgain, match="you turned or leaned sideways"):
        find_mounting(stance(wearer), twisted)


@pytest.mark.parametrize("stay_deg", [20.0, 45.0])
def test_who_does_not_come_back_up_is_told_so(stay_deg: float) -> None:
    wearer = Wearer(Mounting())
    stays = wearer.moves(5.0, lambda t_s: (0.0, min(stay_deg, 15 * t_s), 0.0))
    with pytest.raises(DoItAgain, match="you were not upright again in the end"):
        find_mounting(stance(wearer), stays)


def test_a_gyroscope_that_turns_the_wrong_way_is_not_believed() -> None:
    wearer = Wearer(Mounting())
    mirrored = [
        replace(s, gyro_radps=(-s.gyro_radps[0], -s.gyro_radps[1], -s.gyro_radps[2])) for s in wearer.bows(45.0)
    ]
    with pytest.raises(DoItAgain, match=r"gyroscope and accelerometer disagree by \d+ deg"):
        find_mounting(stance(wearer), mirrored)


def test_a_sensor_that_reads_half_a_gravity_is_sent_to_the_doctor() -> None:
    half = [
        replace(s, accel_mps2=(s.accel_mps2[0] / 2, s.accel_mps2[1] / 2, s.accel_mps2[2] / 2))
        for s in Wearer(Mounting()).stands()
    ]
    with pytest.raises(DoItAgain, match=r"gravity reads 0\.50 g: .*rearguard doctor"):
        find_stance(half)


def test_a_gyroscope_with_an_absurd_offset_is_named() -> None:
    with pytest.raises(DoItAgain, match=r"turned at 57 deg/s all the time: .* its gyroscope is broken"):
        find_stance(Wearer(Mounting(), bias_radps=(0.0, 1.0, 0.0)).stands())


def test_a_pause_in_the_samples_and_a_jolt_beyond_the_range_are_refused() -> None:
    wearer = Wearer(Mounting())
    samples = wearer.bows(45.0)
    with pytest.raises(DoItAgain, match="silent in between"):
        find_mounting(stance(wearer), samples[:200] + samples[220:])
    with pytest.raises(DoItAgain, match="shaken beyond its range"):
        find_mounting(stance(wearer), [replace(samples[0], saturated=True), *samples[1:]])


def test_a_second_bow_finds_the_same() -> None:
    first, second = (Wearer(Mounting("-z", "-x", "+y", (3.0, -12.0, 5.0)), seed=seed) for seed in (1, 2))
    bows: list[Bow] = [find_mounting(stance(wearer), wearer.bows(40.0)) for wearer in (first, second)]
    assert apart_deg(bows[0].mounting, bows[1].mounting) < 1.0


@pytest.mark.parametrize("odd", [math.nan, math.inf])
@pytest.mark.parametrize("of", ["accel_mps2", "gyro_radps"])
def test_what_is_not_a_number_is_neither_stillness_nor_a_bow(of: str, odd: float) -> None:
    wearer = Wearer(Mounting())
    stance = find_stance(wearer.stands())
    for samples, find in ((wearer.stands(), find_stance), (wearer.bows(45.0), lambda s: find_mounting(stance, s))):
        samples[100] = replace(samples[100], **{of: (0.0, odd, 0.0)})
        with pytest.raises(DoItAgain, match="not a number"):
            find(samples)
