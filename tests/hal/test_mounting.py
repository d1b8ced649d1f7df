"""Which sensor axis points where on the body."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.imu.mounting import SIGNED_AXES, Mounting
from hal.samples import Vector

RIGHT_HANDED = {
    names
    for names in itertools.product(SIGNED_AXES, repeat=3)
    if len({name[1] for name in names}) == 3
    and (
        (tuple(name[1] for name in names) in {("x", "y", "z"), ("y", "z", "x"), ("z", "x", "y")})
        == (sum(name[0] == "-" for name in names) % 2 == 0)
    )
}


def mountings() -> st.SearchStrategy[Mounting]:
    return st.sampled_from(sorted(RIGHT_HANDED)).map(lambda names: Mounting(*names))


def vectors() -> st.SearchStrategy[Vector]:
    component = st.floats(-160, 160)
    return st.tuples(component, component, component)


def cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def test_a_sensor_has_exactly_24_ways_to_sit_square_on_the_belt() -> None:
    accepted = set()
    for names in itertools.product(SIGNED_AXES, repeat=3):
        try:
            accepted.add((Mounting(*names).forward, *names[1:]))
        except ValueError:
            continue
    assert len(accepted) == 24
    assert accepted == RIGHT_HANDED


@given(mounting=mountings(), a=vectors(), b=vectors())
def test_any_mounting_keeps_lengths_and_the_sense_of_rotation(mounting: Mounting, a: Vector, b: Vector) -> None:
    turned = mounting.to_sensor(cross(a, b))
    assert cross(mounting.to_sensor(a), mounting.to_sensor(b)) == pytest.approx(turned, abs=1e-9)
    assert math.hypot(*mounting.to_sensor(a)) == pytest.approx(math.hypot(*a))


def test_a_sensor_with_its_y_axis_up_feels_gravity_on_y() -> None:
    assert Mounting("-z", "-x", "+y").to_sensor((0.0, 0.0, 9.81)) == pytest.approx((0.0, 9.81, 0.0))
    assert Mounting("-z", "-x", "+y").to_sensor((1.0, 2.0, 0.0)) == pytest.approx((-2.0, 0.0, -1.0))


def test_a_mirror_image_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"\+x, -y, \+z, which is a mirror image; turn the sign"):
        Mounting("+x", "-y", "+z")


def test_an_axis_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\+x, -x, \+z; each of x, y and z must occur once"):
        Mounting("+x", "-x", "+z")


@pytest.mark.parametrize("name", ["x", "", "+w", "up", "++x", " +x"])
def test_an_unknown_axis_is_refused_with_the_ones_that_exist(name: str) -> None:
    with pytest.raises(ValueError, match=r"imu: left is .*, expected one of \+x, -x"):
        Mounting("+x", name, "+z")
