"""Worn or not is told of who stands and of what lies on a table; nobody who lies still is taken for a thing."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.core.config import CoreConfig
from firmware.core.estimators.on_body import OnBody, OnBodyConfig
from firmware.core.estimators.wear import Wear
from firmware.core.moving import Moving
from hal.samples import Vector
from hal.sim.world.loose import Loose, any_direction
from hal.sim.world.walker import Walker

G_MPS2 = 9.80665
S = 1_000_000_000
UPRIGHT, UPSIDE_DOWN, ON_ITS_BACK = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)
NOISE = {"lsm6dsox": (70.0, 3.8), "mpu6050": (400.0, 5.0), "icm20948": (230.0, 15.0)}
"""ug/sqrt(Hz) and mdeg/s/sqrt(Hz), from the data sheets."""
Motion = Callable[[float], tuple[Vector, Vector]]


class Device:
    """What is felt, with a sensor's noise and bias, through attitude and wear to the estimator."""

    def __init__(self, rate_hz: int = 100, chip: str = "mpu6050", config: OnBodyConfig | None = None) -> None:
        core = CoreConfig()
        self.moving, self.wear, self.on_body = Moving(core), Wear(core.wear), OnBody(config or core.on_body)
        accel_ug, gyro_mdps = NOISE[chip]
        root_hz = math.sqrt(rate_hz / 2)
        self._noise = (accel_ug * 1e-6 * G_MPS2 * root_hz, math.radians(gyro_mdps * 1e-3) * root_hz)
        self.bias_radps = 0.01
        self.rate_hz, self._dice, self.t_ns = rate_hz, random.Random(1), 0
        self.seen: list[tuple[float, bool | None]] = []

    def feel(self, seconds: float, motion: Motion) -> "Device":
        moving, began_ns = self.moving, self.t_ns
        for index in range(round(seconds * self.rate_hz)):
            self.t_ns = began_ns + (index + 1) * S // self.rate_hz
            force, rate = motion((self.t_ns - began_ns) * 1e-9)
            if moving.take(self.t_ns, self._noisy(force, 0, 0.0), self._noisy(rate, 1, self.bias_radps)):
                ended, attitude, steps = moving.slice, moving.attitude, moving.steps
                if attitude.upright_known:
                    self.wear.update(ended, attitude.turning_radps, attitude.tilt_rad, steps.count)
                self.on_body.update(ended, attitude.up, attitude.tilt_rad, steps.times.count, self.wear)
                self.seen.append((self.t_ns * 1e-9, self.on_body.on_body))
        return self

    def _noisy(self, vector: Vector, sensor: int, bias: float) -> Vector:
        x, y, z = (value + self._dice.gauss(bias, self._noise[sensor]) for value in vector)
        return x, y, z

    def rest(self, seconds: float, up: Vector = UPRIGHT) -> "Device":
        """On a table."""
        force = (up[0] * G_MPS2, up[1] * G_MPS2, up[2] * G_MPS2)
        return self.feel(seconds, lambda _: (force, (0.0, 0.0, 0.0)))

    def stand(self, seconds: float, seed: str = "her", turned: bool = False) -> "Device":
        her = Walker(((0.0, 0.0),), seed=seed)
        return self.feel(seconds, _upside_down(her.motion) if turned else her.motion)

    def walk(self, seconds: float) -> "Device":
        return self.feel(seconds, Walker(((0.0, 0.0), (0.8, 0.6)), seed="her").motion)

    def turn_about(self) -> "Device":
        """In a hand, to and fro."""

        def held(t_s: float) -> tuple[Vector, Vector]:
            angle = 1.5 * math.sin(2.5 * t_s)
            rate = 1.5 * 2.5 * math.cos(2.5 * t_s)
            return (-G_MPS2 * math.sin(angle), 0.0, G_MPS2 * math.cos(angle)), (0.0, rate, 0.0)

        return self.feel(4 * math.pi / 2.5, held)

    @property
    def now(self) -> bool | None:
        return self.on_body.on_body

    def said(self, what: bool | None, *, after_s: float = 0.0) -> bool:
        return any(on_body is what for t_s, on_body in self.seen if t_s > after_s)


def _upside_down(motion: Motion) -> Motion:
    """Turned about the forward axis."""

    def turned(t_s: float) -> tuple[Vector, Vector]:
        (x, y, z), (p, q, r) = motion(t_s)
        return (x, -y, -z), (p, -q, -r)

    return turned


@pytest.mark.parametrize("chip", NOISE)
@pytest.mark.parametrize("rate_hz", [20, 50, 100, 200])
@pytest.mark.parametrize("up", [UPRIGHT, UPSIDE_DOWN, ON_ITS_BACK])
def test_thing_on_a_table_is_never_worn_and_within_10_s_known_not_to_be(rate_hz: int, chip: str, up: Vector) -> None:
    device = Device(rate_hz, chip).rest(40.0, up)
    assert not device.said(True)
    assert not device.said(None, after_s=10.0)


@pytest.mark.parametrize("chip", NOISE)
@pytest.mark.parametrize("rate_hz", [20, 50, 100, 200])
@pytest.mark.parametrize("turned", [False, True], ids=["upright", "upside down"])
def test_who_stands_wears_it_within_one_and_a_half_seconds(rate_hz: int, chip: str, turned: bool) -> None:
    for seed in ("a", "b", "c"):
        device = Device(rate_hz, chip).stand(1.5, seed, turned)
        assert device.now is True


@pytest.mark.parametrize("bias_radps", [0.0, -0.1, 0.2])
def test_error_of_an_uncalibrated_gyroscope_changes_nothing(bias_radps: float) -> None:
    """0.2 rad/s on each axis is 0.35 in all, or 20 degrees a second: the most that an MPU-6050 may have."""
    device = Device()
    device.bias_radps = bias_radps
    assert device.rest(9.0).now is False
    assert device.stand(2.5).now is True
    assert device.walk(10.0).rest(10.0).now is False


def test_clipped_on_from_the_table_it_is_worn_once_she_stands() -> None:
    device = Device().rest(12.0, ON_ITS_BACK)
    assert device.now is False
    device.turn_about()
    assert device.now is None
    device.stand(1.5)
    assert device.now is True


def test_who_walks_on_and_stands_again_wears_it_all_the_while() -> None:
    device = Device().stand(3.0).walk(20.0).stand(20.0)
    assert {on_body for t_s, on_body in device.seen if t_s > 1.5} == {True}


@pytest.mark.parametrize("up", [UPRIGHT, (0.0, 0.3, 0.954)])
def test_put_down_as_it_was_worn_it_is_not_worn_ten_seconds_later(up: Vector) -> None:
    """No hand was noticed, and it stands on the table like on the belt."""
    device = Device().stand(3.0).walk(10.0).rest(10.0, up)
    assert device.now is False
    assert not device.rest(30.0, up).said(True, after_s=23.1)


def test_in_a_hand_that_turns_it_nothing_is_known_and_put_down_it_is_not_worn() -> None:
    device = Device().stand(3.0).walk(10.0).turn_about()
    assert device.now is None
    assert device.rest(11.0, ON_ITS_BACK).now is False


@pytest.mark.parametrize("worn", ["in this walk", "in an earlier run"])
def test_who_lies_as_still_as_a_thing_is_never_said_not_to_wear_it(worn: str) -> None:
    device = Device()
    if worn == "in this walk":
        device.stand(3.0).walk(10.0)
    else:
        device.on_body.resume()
    device.rest(120.0, ON_ITS_BACK)
    assert device.now is None
    assert not device.said(False)


def test_taken_off_and_laid_on_its_back_later_it_is_known_to_be_off() -> None:
    device = Device().stand(3.0).walk(10.0).rest(10.0)
    assert device.now is False

    def laid_down_gently(t_s: float) -> tuple[Vector, Vector]:
        return (G_MPS2 * math.sin(t_s), 0.0, G_MPS2 * math.cos(t_s)), (0.0, -1.0, 0.0)

    device.feel(math.pi / 2, laid_down_gently)
    assert device.now is None
    assert device.rest(11.0, ON_ITS_BACK).now is False


def test_who_knocks_on_the_table_does_not_wear_it() -> None:
    def knocked(t_s: float) -> tuple[Vector, Vector]:
        blow = 1.0 if 0.0 < t_s % 1.3 < 0.15 else 0.0
        shaken = blow * math.sin(60.0 * t_s)
        return (0.3 * shaken, 0.0, G_MPS2 + 2.0 * shaken), (0.05 * shaken, 0.08 * blow, 0.0)

    assert not Device().rest(12.0).feel(20.0, knocked).said(True)


def test_lying_on_the_side_nobody_is_taken_for_standing() -> None:
    lying = Walker(((0.0, 0.0),), seed="she")

    def turned(t_s: float) -> tuple[Vector, Vector]:
        (x, y, z), (p, q, r) = lying.motion(t_s)
        return (z, y, -x), (r, q, -p)

    assert not Device().feel(20.0, turned).said(True)


def test_gap_in_the_samples_leaves_nothing_known() -> None:
    device = Device().stand(3.0)
    device.t_ns += S
    assert device.stand(0.1).now is None
    assert device.stand(1.5).now is True


def test_stuck_values_are_neither_a_body_nor_a_thing() -> None:
    device = Device()
    device._noise = (0.0, 0.0)
    device.rest(30.0)
    assert not device.said(True)
    assert not device.said(False)


@settings(max_examples=40, deadline=None)
@given(radps=st.floats(0.7, 3.0), hz=st.floats(0.3, 2.0), seed=st.integers(0, 1000))
def test_whatever_a_hand_does_before_the_walk_it_is_not_taken_for_somebody_who_stands(
    radps: float, hz: float, seed: int
) -> None:
    axis = any_direction(random.Random(seed), radps)

    def turning(t_s: float) -> Vector:
        rate = math.sin(2 * math.pi * hz * t_s)
        return axis[0] * rate, axis[1] * rate, axis[2] * rate

    held = Loose(UPRIGHT, 4.0, turning, lambda _: 0.0, lambda _: (0.0, 0.0, 0.0))
    assert not Device(50).feel(4.0, held.motion).said(True)


@pytest.mark.parametrize(
    ("key", "value"), [("alive_ratio", 1.0), ("dead_ratio", 2.0), ("dead_s", 60.0), ("calm_radps", math.nan)]
)
def test_limits_that_would_take_a_thing_for_a_body_are_refused(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"on_body: {key}"):
        OnBodyConfig(**{key: value})  # type: ignore[arg-type]
