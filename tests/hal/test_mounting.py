"""Which sensor axis points where on the body."""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.imu.mounting import MAX_TILT_DEG, SIGNED_AXES, Matrix, Mounting, square_mountings
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


def tilts(largest_deg: float = 44.0) -> st.SearchStrategy[Vector]:
    """Below 45°, so that no other square mounting is nearer."""
    component = st.floats(-1.0, 1.0)
    directions = st.tuples(component, component, component).filter(lambda v: math.hypot(*v) > 0.1)

    def scaled(v: Vector, deg: float) -> Vector:
        per = deg / math.hypot(*v)
        return (v[0] * per, v[1] * per, v[2] * per)

    return st.builds(scaled, directions, st.floats(0.0, largest_deg))


def tilted_mountings() -> st.SearchStrategy[Mounting]:
    return st.builds(lambda square, tilt: replace(square, tilt_deg=tilt), mountings(), tilts())


def rows_of(mounting: Mounting) -> Matrix:
    """Forward, left and up in sensor axes."""
    return (
        mounting.to_sensor((1.0, 0.0, 0.0)),
        mounting.to_sensor((0.0, 1.0, 0.0)),
        mounting.to_sensor((0.0, 0.0, 1.0)),
    )


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
    assert {(mounting.forward, mounting.left, mounting.up) for mounting in square_mountings()} == RIGHT_HANDED


@given(mounting=mountings() | tilted_mountings(), a=vectors(), b=vectors())
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


# Sensors that do not sit square


@given(mounting=mountings() | tilted_mountings(), body=vectors())
def test_what_the_sensor_feels_is_turned_back_to_what_the_body_felt(mounting: Mounting, body: Vector) -> None:
    assert mounting.to_body(mounting.to_sensor(body)) == pytest.approx(body, abs=1e-9)


@given(mounting=mountings(), sensor=vectors())
def test_a_square_mounting_changes_no_bit_of_a_number(mounting: Mounting, sensor: Vector) -> None:
    assert mounting.tilt is None
    assert sorted(map(abs, mounting.to_body(sensor))) == sorted(map(abs, sensor))
    assert mounting.tilted(sensor) is sensor


@given(mounting=mountings() | tilted_mountings())
def test_any_mounting_is_recognised_from_where_its_axes_point(mounting: Mounting) -> None:
    found = Mounting.of(rows_of(mounting))
    for axis in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)):
        assert found.to_sensor(axis) == pytest.approx(mounting.to_sensor(axis), abs=3e-4)
    if math.hypot(*mounting.tilt_deg) < 44.0:
        assert (found.forward, found.left, found.up) == (mounting.forward, mounting.left, mounting.up)
        assert found.tilt_deg == pytest.approx(mounting.tilt_deg, abs=0.006)


@given(mounting=mountings(), tilt=tilts(180.0))
def test_every_rotation_lies_within_63_degrees_of_a_square_mounting(mounting: Mounting, tilt: Vector) -> None:
    half = (tilt[0] / 4, tilt[1] / 4, tilt[2] / 4)  # four turns of a quarter of it
    quarter = replace(Mounting(), tilt_deg=half)
    forward, left, up = rows_of(mounting)
    for _ in range(4):
        forward, left, up = quarter.to_sensor(forward), quarter.to_sensor(left), quarter.to_sensor(up)
    found = Mounting.of((forward, left, up))
    assert math.hypot(*found.tilt_deg) <= MAX_TILT_DEG
    assert found.to_sensor((0.0, 0.0, 1.0)) == pytest.approx(up, abs=3e-4)
    assert found.to_sensor((1.0, 0.0, 0.0)) == pytest.approx(forward, abs=3e-4)


def test_a_sensor_tilted_back_feels_standing_as_leaning_back_and_its_mounting_undoes_that() -> None:
    mounting = Mounting(tilt_deg=(0.0, -10.0, 0.0))
    felt = mounting.to_sensor((0.0, 0.0, 9.81))
    assert felt == pytest.approx((9.81 * math.sin(math.radians(10)), 0.0, 9.81 * math.cos(math.radians(10))))
    assert mounting.to_body(felt) == pytest.approx((0.0, 0.0, 9.81))


@pytest.mark.parametrize(
    ("mounting", "words"),
    [
        (Mounting(), "+x forward, +y left, +z up"),
        (Mounting("-z", "-x", "+y"), "-z forward, -x left, +y up"),
        (Mounting(tilt_deg=(0.0, -7.2, 0.0)), "+x forward, +y left, +z up, tilted 7 deg back"),
        (Mounting(tilt_deg=(0.0, 7.2, 0.0)), "+x forward, +y left, +z up, tilted 7 deg forward"),
        (Mounting(tilt_deg=(3.0, 0.0, 0.0)), "+x forward, +y left, +z up, tilted 3 deg to the right"),
        (Mounting(tilt_deg=(-3.0, 0.0, 0.0)), "+x forward, +y left, +z up, tilted 3 deg to the left"),
        (Mounting(tilt_deg=(0.0, 0.0, 12.0)), "+x forward, +y left, +z up, turned 12 deg to the left"),
        (
            Mounting(tilt_deg=(3.0, 20.0, -5.0)),
            "+x forward, +y left, +z up, tilted 20 deg forward and 4 deg to the right, turned 5 deg to the right",
        ),
    ],
)
def test_a_mounting_is_said_in_words(mounting: Mounting, words: str) -> None:
    assert mounting.words() == words


@pytest.mark.parametrize("tilt", [(64.0, 0.0, 0.0), (40.0, 40.0, 40.0), (0.0, math.nan, 0.0), (0.0, 0.0, math.inf)])
def test_a_tilt_so_large_that_other_axes_would_fit_is_refused(tilt: Vector) -> None:
    with pytest.raises(ValueError, match=r"imu: tilt_deg is .*, expected at most 63 in length"):
        Mounting(tilt_deg=tilt)
