"""How a sensor sits on the body: which of its axes point forward, left and up, and how far it is tilted beside that."""

import itertools
import math
from dataclasses import dataclass, field

from hal.samples import Vector

SIGNED_AXES = ("+x", "-x", "+y", "-y", "+z", "-z")
MAX_TILT_DEG = 63.0  # from the nearest of the 24 square mountings no rotation is further away than 62.8°

SignedAxis = tuple[int, int]
"""Which sensor axis (0 for x, 1 for y, 2 for z) and its sign."""

Matrix = tuple[Vector, Vector, Vector]
"""By rows."""


@dataclass(frozen=True, slots=True)
class Mounting:
    """The sensor axes that point forward, left and up, each with its sign; always a rotation, never a mirror image.

    `tilt_deg` turns these three further, for a sensor that does not sit square: a rotation vector along forward, left
    and up. Positive tilts to the right, tilts forward, and turns to the left.
    """

    forward: str = "+x"
    left: str = "+y"
    up: str = "+z"
    tilt_deg: Vector = (0.0, 0.0, 0.0)
    rows: tuple[SignedAxis, SignedAxis, SignedAxis] = field(init=False, repr=False, compare=False)
    tilt: Matrix | None = field(init=False, repr=False, compare=False)  # None: it sits square

    def __post_init__(self) -> None:
        names = (self.forward, self.left, self.up)
        for direction, name in zip(("forward", "left", "up"), names, strict=True):
            if name not in SIGNED_AXES:
                raise ValueError(f"imu: {direction} is {name!r}, expected one of {', '.join(SIGNED_AXES)}")
        if len({name[1] for name in names}) != 3:
            raise ValueError(f"imu: forward, left, up are {', '.join(names)}; each of x, y and z must occur once")
        rows = _rows(names)
        if _handedness(rows) < 0:
            raise ValueError(
                f"imu: forward, left, up are {', '.join(names)}, which is a mirror image; "
                "turn the sign of the axis that was read the wrong way round"
            )
        tilt_deg = math.hypot(*self.tilt_deg)
        if not tilt_deg <= MAX_TILT_DEG:  # true for NaN as well
            raise ValueError(
                f"imu: tilt_deg is {list(self.tilt_deg)}, expected at most {MAX_TILT_DEG:g} in length: "
                "further away, other axes point forward, left and up"
            )
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "tilt", _rotation(self.tilt_deg) if tilt_deg > 1e-6 else None)

    @classmethod
    def of(cls, rows: Matrix) -> "Mounting":
        """The mounting whose forward, left and up are `rows`, in sensor axes: three unit vectors, right-handed.

        The nearest of the 24 square mountings, and the tilt from there, rounded to 0.01°.
        """
        square = max(square_mountings(), key=lambda mounting: mounting._likeness(rows))
        turned = [[sign * row[axis] for axis, sign in square.rows] for row in rows]
        x, y, z = turned[2][1] - turned[1][2], turned[0][2] - turned[2][0], turned[1][0] - turned[0][1]
        sine = math.hypot(x, y, z) / 2
        cosine = (turned[0][0] + turned[1][1] + turned[2][2] - 1) / 2
        per = math.degrees(math.atan2(sine, cosine)) / (2 * sine) if sine > 0.0 else 0.0
        tilt_deg = (round(x * per, 2), round(y * per, 2), round(z * per, 2))
        return cls(square.forward, square.left, square.up, tilt_deg)

    def to_body(self, sensor: Vector) -> Vector:
        """Sensor axes x, y, z to body axes forward, left, up."""
        (f, f_sign), (left, left_sign), (u, u_sign) = self.rows
        return self.tilted((f_sign * sensor[f], left_sign * sensor[left], u_sign * sensor[u]))

    def tilted(self, square: Vector) -> Vector:
        """Body axes of a sensor that sits square to those of this one."""
        if self.tilt is None:
            return square
        x, y, z = square
        (a, b, c), (d, e, f), (g, h, i) = self.tilt
        return (a * x + b * y + c * z, d * x + e * y + f * z, g * x + h * y + i * z)

    def to_sensor(self, body: Vector) -> Vector:
        """Body axes forward, left, up to sensor axes x, y, z."""
        if self.tilt is not None:
            x, y, z = body
            (a, b, c), (d, e, f), (g, h, i) = self.tilt
            body = (a * x + d * y + g * z, b * x + e * y + h * z, c * x + f * y + i * z)
        sensor = [0.0, 0.0, 0.0]
        for value, (axis, sign) in zip(body, self.rows, strict=True):
            sensor[axis] = sign * value
        return (sensor[0], sensor[1], sensor[2])

    def words(self) -> str:
        """For people: "+x forward, +y left, +z up, tilted 7 deg back"."""
        axes = f"{self.forward} forward, {self.left} left, {self.up} up"
        up, forward = self.tilted((0.0, 0.0, 1.0)), self.tilted((1.0, 0.0, 0.0))
        tilts = [
            _amount(math.atan2(up[0], up[2]), "forward", "back"),
            _amount(math.atan2(-up[1], up[2]), "to the right", "to the left"),
        ]
        tilted = " and ".join(filter(None, tilts))
        turned = _amount(math.atan2(forward[1], forward[0]), "to the left", "to the right")
        return axes + (f", tilted {tilted}" if tilted else "") + (f", turned {turned}" if turned else "")

    def _likeness(self, rows: Matrix) -> float:
        return sum(sign * row[axis] for (axis, sign), row in zip(self.rows, rows, strict=True))


def square_mountings() -> list[Mounting]:
    """All 24."""
    names = [
        (forward, left, up)
        for forward, left, up in itertools.product(SIGNED_AXES, repeat=3)
        if len({forward[1], left[1], up[1]}) == 3 and _handedness(_rows((forward, left, up))) > 0
    ]
    return [Mounting(forward, left, up) for forward, left, up in names]


def _rows(names: tuple[str, str, str]) -> tuple[SignedAxis, SignedAxis, SignedAxis]:
    forward, left, up = names
    return (_signed_axis(forward), _signed_axis(left), _signed_axis(up))


def _signed_axis(name: str) -> SignedAxis:
    return "xyz".index(name[1]), -1 if name[0] == "-" else 1


def _handedness(rows: tuple[SignedAxis, SignedAxis, SignedAxis]) -> int:
    """The determinant: 1 for a rotation, -1 for a mirror image."""
    (f, f_sign), (left, left_sign), (_, u_sign) = rows
    even = (left - f) % 3 == 1
    return f_sign * left_sign * u_sign * (1 if even else -1)


def _rotation(vector_deg: Vector) -> Matrix:
    """By Rodrigues' formula."""
    angle = math.radians(math.hypot(*vector_deg))
    x, y, z = (math.radians(component) / angle for component in vector_deg)
    s, c = math.sin(angle), math.cos(angle)
    k = 1.0 - c
    return (
        (c + x * x * k, x * y * k - z * s, x * z * k + y * s),
        (y * x * k + z * s, c + y * y * k, y * z * k - x * s),
        (z * x * k - y * s, z * y * k + x * s, c + z * z * k),
    )


def _amount(angle_rad: float, positive: str, negative: str) -> str:
    degrees = round(math.degrees(angle_rad))
    return f"{abs(degrees)} deg {positive if degrees > 0 else negative}" if degrees else ""
