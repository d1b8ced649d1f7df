"""Finds how the sensor sits on the body: standing still tells where up is, a bow forward which axis points left.

Samples are those of a sensor whose mounting is not known: along its own axes x, y, z.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from hal.imu.mounting import Matrix, Mounting
from hal.samples import ImuSample, Vector

G0_MPS2 = 9.80665
LEAST_STAND_S = 1.5
MAX_STAND_MPS2 = 0.35  # rms about the mean; people who stand still stay below
MAX_STAND_RADPS = 0.12  # rms about the mean
MAX_BIAS_RADPS = 0.4  # an MPU-6050 may be off by 20 °/s
GRAVITY_G = (0.85, 1.15)
MAX_GAP_S = 0.15  # over a longer gap the gyroscope cannot be integrated
LEAST_BOW_DEG = 20.0
MAX_BOW_DEG = 120.0
MAX_BACK_DEG = 15.0  # from upright, at the end of the bow
MAX_TURN_DEG = 20.0  # how far the axis of the bow may lie from the horizontal
MAX_WOBBLE = 0.5  # of the bow's angular rate, rms, may be about other axes
MAX_GRAVITY_DEG = 25.0  # between what accelerometer and gyroscope make of the deepest point
DEEP_SHARE = 0.8  # of the bow's angle: there the axis is best known, and the trunk nearly at rest


class DoItAgain(Exception):
    """What the wearer did does not tell how the sensor sits; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Stance:
    """Standing still: where up is, in sensor axes, and the gyroscope's constant error."""

    up: Vector
    bias_radps: Vector


@dataclass(frozen=True, slots=True)
class Bow:
    """What a bow forward told."""

    mounting: Mounting
    angle_deg: float


def find_stance(samples: Sequence[ImuSample]) -> Stance:
    """Raises DoItAgain."""
    _check_samples(samples)
    lasted_s = (samples[-1].t_ns - samples[0].t_ns) / 1e9
    if lasted_s < LEAST_STAND_S:
        raise DoItAgain(f"only {lasted_s:.1f} s of standing were measured, {LEAST_STAND_S:g} s are needed; try again")
    gravity, bias = _mean([s.accel_mps2 for s in samples]), _mean([s.gyro_radps for s in samples])
    moving_mps2 = _rms([_less(s.accel_mps2, gravity) for s in samples])
    turning_radps = _rms([_less(s.gyro_radps, bias) for s in samples])
    if moving_mps2 > MAX_STAND_MPS2 or turning_radps > MAX_STAND_RADPS:
        raise DoItAgain(
            f"you moved ({moving_mps2:.1f} m/s² and {math.degrees(turning_radps):.0f} deg/s, at most "
            f"{MAX_STAND_MPS2} m/s² and {math.degrees(MAX_STAND_RADPS):.0f} deg/s): stand still, both feet on the floor"
        )
    if math.hypot(*bias) > MAX_BIAS_RADPS:
        raise DoItAgain(
            f"the sensor turned at {math.degrees(math.hypot(*bias)):.0f} deg/s all the time: stand still; "
            "if you did, its gyroscope is broken"
        )
    gravity_g = math.hypot(*gravity) / G0_MPS2
    if not GRAVITY_G[0] <= gravity_g <= GRAVITY_G[1]:
        raise DoItAgain(f"gravity reads {gravity_g:.2f} g: stand still; if you did, see `rearguard doctor`")
    return Stance(_unit(gravity), bias)


def find_mounting(stance: Stance, samples: Sequence[ImuSample]) -> Bow:
    """From a bow forward that begins and ends upright.

    The axis that the trunk turns about points to the left while it goes down, and to the right on the way back: the
    gyroscope tells the axis, and gravity at the deepest point must agree.

    Raises:
        DoItAgain: no bow, too small a one, not about one level axis, or not back upright in the end.
    """
    _check_samples(samples)
    turns = _turns(stance, samples)
    deepest_rad = max(math.hypot(*turn) for turn in turns)
    angle_deg = math.degrees(deepest_rad)
    if angle_deg < LEAST_BOW_DEG:
        raise DoItAgain(f"you bowed by {angle_deg:.0f} deg only: bow further, {LEAST_BOW_DEG:.0f} deg at least")
    if angle_deg > MAX_BOW_DEG:
        raise DoItAgain(f"the sensor turned by {angle_deg:.0f} deg: bow only as far as is comfortable, without turning")
    deep = [i for i, turn in enumerate(turns) if math.hypot(*turn) >= DEEP_SHARE * deepest_rad]
    axis = _unit(_mean([turns[i] for i in deep]))
    _check_axis(stance, axis, samples)
    _check_gravity(stance, [samples[i].accel_mps2 for i in deep], _mean([turns[i] for i in deep]))
    _check_back(stance, turns[-1], samples)
    left = _unit(_less(axis, _scaled(stance.up, _dot(axis, stance.up))))
    rows: Matrix = (_cross(left, stance.up), left, stance.up)
    return Bow(Mounting.of(rows), angle_deg)


def _check_samples(samples: Sequence[ImuSample]) -> None:
    if not samples:
        raise DoItAgain("nothing was measured; try again, and see `rearguard doctor`")
    if not all(map(math.isfinite, itertools.chain(*((*s.accel_mps2, *s.gyro_radps) for s in samples)))):
        raise DoItAgain("the sensor gave what is not a number; try again, and see `rearguard doctor`")
    if any(sample.saturated for sample in samples):
        raise DoItAgain("the sensor was shaken beyond its range: move gently")
    for before, after in itertools.pairwise(samples):
        if after.t_ns - before.t_ns > MAX_GAP_S * 1e9:
            raise DoItAgain("the sensor was silent in between; try again, and see `rearguard doctor`")


def _turns(stance: Stance, samples: Sequence[ImuSample]) -> list[Vector]:
    """Rotation vectors (rad, sensor axes) from the first sample's position to each sample's."""
    w, x, y, z = 1.0, 0.0, 0.0, 0.0
    turns: list[Vector] = [(0.0, 0.0, 0.0)]
    for before, after in itertools.pairwise(samples):
        half_s = (after.t_ns - before.t_ns) / 2e9
        p, q, r = _scaled(_less(after.gyro_radps, stance.bias_radps), half_s)
        half = math.hypot(p, q, r)
        share = math.sin(half) / half if half > 0.0 else 1.0
        c, p, q, r = math.cos(half), p * share, q * share, r * share
        w, x, y, z = (
            w * c - x * p - y * q - z * r,
            w * p + x * c + y * r - z * q,
            w * q - x * r + y * c + z * p,
            w * r + x * q - y * p + z * c,
        )
        sine = math.hypot(x, y, z)
        per = 2 * math.atan2(sine, abs(w)) / sine if sine > 0.0 else 0.0
        turns.append(_scaled((x, y, z), math.copysign(per, w)))
    return turns


def _check_axis(stance: Stance, axis: Vector, samples: Sequence[ImuSample]) -> None:
    rates = [_less(sample.gyro_radps, stance.bias_radps) for sample in samples]
    wobble = _rms([_less(rate, _scaled(axis, _dot(rate, axis))) for rate in rates]) / _rms(rates)
    turned_deg = abs(math.degrees(math.asin(max(-1.0, min(1.0, _dot(axis, stance.up))))))
    if wobble > MAX_WOBBLE or turned_deg > MAX_TURN_DEG:
        raise DoItAgain("you turned or leaned sideways while bowing: bow straight forward, and slowly")


def _check_gravity(stance: Stance, deep_mps2: Sequence[Vector], turn: Vector) -> None:
    """What was up is turned back by the sensor's own turn; the accelerometer must see it there."""
    felt = _unit(_mean(deep_mps2))
    expected = _turned(stance.up, _scaled(turn, -1.0))
    apart_deg = math.degrees(math.acos(max(-1.0, min(1.0, _dot(felt, expected)))))
    if apart_deg > MAX_GRAVITY_DEG:
        raise DoItAgain(
            f"gyroscope and accelerometer disagree by {apart_deg:.0f} deg about how far you bowed: bow slowly, and "
            "hold the bow for a second; if you did, the sensor is broken"
        )


def _check_back(stance: Stance, turn: Vector, samples: Sequence[ImuSample]) -> None:
    last = [s.accel_mps2 for s in samples if s.t_ns >= samples[-1].t_ns - 500_000_000]
    apart_deg = math.degrees(math.acos(max(-1.0, min(1.0, _dot(_unit(_mean(last)), stance.up)))))
    if max(apart_deg, math.degrees(math.hypot(*turn))) > MAX_BACK_DEG:
        raise DoItAgain("you were not upright again in the end: come back up, and stand still until the second tone")


# Vectors


def _mean(vectors: Sequence[Vector]) -> Vector:
    x, y, z = (math.fsum(component) / len(vectors) for component in zip(*vectors, strict=True))
    return (x, y, z)


def _rms(vectors: Sequence[Vector]) -> float:
    return math.sqrt(math.fsum(_dot(v, v) for v in vectors) / len(vectors))


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _less(a: Vector, b: Vector) -> Vector:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def _scaled(a: Vector, by: float) -> Vector:
    return (a[0] * by, a[1] * by, a[2] * by)


def _unit(a: Vector) -> Vector:
    return _scaled(a, 1.0 / (math.hypot(*a) or 1.0))


def _turned(a: Vector, turn: Vector) -> Vector:
    """`a`, rotated by the rotation vector `turn` (rad)."""
    angle = math.hypot(*turn)
    axis = _unit(turn)
    along = _scaled(axis, _dot(axis, a) * (1.0 - math.cos(angle)))
    across = _scaled(_cross(axis, a), math.sin(angle))
    return (
        a[0] * math.cos(angle) + across[0] + along[0],
        a[1] * math.cos(angle) + across[1] + along[1],
        a[2] * math.cos(angle) + across[2] + along[2],
    )
