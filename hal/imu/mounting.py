"""How a sensor sits on the body: which of its axes point forward, left and up."""

from dataclasses import dataclass, field

from hal.samples import Vector

SIGNED_AXES = ("+x", "-x", "+y", "-y", "+z", "-z")

SignedAxis = tuple[int, int]
"""Which sensor axis (0 for x, 1 for y, 2 for z) and its sign."""


@dataclass(frozen=True, slots=True)
class Mounting:
    """The sensor axes that point forward, left and up, each with its sign; always a rotation, never a mirror image."""

    forward: str = "+x"
    left: str = "+y"
    up: str = "+z"
    rows: tuple[SignedAxis, SignedAxis, SignedAxis] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = (self.forward, self.left, self.up)
        for direction, name in zip(("forward", "left", "up"), names, strict=True):
            if name not in SIGNED_AXES:
                raise ValueError(f"imu: {direction} is {name!r}, expected one of {', '.join(SIGNED_AXES)}")
        if len({name[1] for name in names}) != 3:
            raise ValueError(f"imu: forward, left, up are {', '.join(names)}; each of x, y and z must occur once")
        rows = (_signed_axis(self.forward), _signed_axis(self.left), _signed_axis(self.up))
        if _handedness(rows) < 0:
            raise ValueError(
                f"imu: forward, left, up are {', '.join(names)}, which is a mirror image; "
                "turn the sign of the axis that was read the wrong way round"
            )
        object.__setattr__(self, "rows", rows)

    def to_sensor(self, body: Vector) -> Vector:
        """Body axes forward, left, up to sensor axes x, y, z."""
        sensor = [0.0, 0.0, 0.0]
        for value, (axis, sign) in zip(body, self.rows, strict=True):
            sensor[axis] = sign * value
        return (sensor[0], sensor[1], sensor[2])


def _signed_axis(name: str) -> SignedAxis:
    return "xyz".index(name[1]), -1 if name[0] == "-" else 1


def _handedness(rows: tuple[SignedAxis, SignedAxis, SignedAxis]) -> int:
    """The determinant: 1 for a rotation, -1 for a mirror image."""
    (f, f_sign), (left, left_sign), (_, u_sign) = rows
    even = (left - f) % 3 == 1
    return f_sign * left_sign * u_sign * (1 if even else -1)
