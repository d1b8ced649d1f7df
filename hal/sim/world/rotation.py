"""Turning what is felt from one set of axes to another."""

import math

from hal.samples import Vector

Matrix = tuple[Vector, Vector, Vector]


def rotated(m: Matrix, v: Vector) -> Vector:
    x, y, z = v
    return (
        m[0][0] * x + m[0][1] * y + m[0][2] * z,
        m[1][0] * x + m[1][1] * y + m[1][2] * z,
        m[2][0] * x + m[2][1] * y + m[2][2] * z,
    )


def about(axis: Vector, angle: float) -> Matrix:
    """The rotation by `angle` about an axis of length 1 (Rodrigues)."""
    x, y, z = axis
    c, s, k = math.cos(angle), math.sin(angle), 1 - math.cos(angle)
    return (
        (c + x * x * k, x * y * k - z * s, x * z * k + y * s),
        (y * x * k + z * s, c + y * y * k, y * z * k - x * s),
        (z * x * k - y * s, z * y * k + x * s, c + z * z * k),
    )


def direction(force: Vector) -> Vector:
    length = math.sqrt(sum(x * x for x in force))
    return force[0] / length, force[1] / length, force[2] / length


def bring_up_to(up: Vector) -> Matrix:
    """A rotation that takes (0, 0, 1) there."""
    level = math.hypot(up[0], up[1])
    axis = (-up[1] / level, up[0] / level, 0.0) if level > 1e-9 else (1.0, 0.0, 0.0)
    return about(axis, math.acos(max(-1.0, min(1.0, up[2]))))
