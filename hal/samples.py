"""What the hardware tells: time-stamped samples in SI units, body axes forward, left, up."""

from dataclasses import dataclass

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ImuSample:
    """Specific force and angular rate at one instant; standing still reads (0, 0, +9.81) m/s²."""

    t_ns: int
    accel_mps2: Vector
    gyro_radps: Vector


@dataclass(frozen=True, slots=True)
class RangeSample:
    """One measurement of the free way behind; `distance_m` is None when nothing is within range."""

    t_ns: int
    distance_m: float | None


@dataclass(frozen=True, slots=True)
class ButtonSample:
    """The button went down or came up; sent on every change, and once when it is first read."""

    t_ns: int
    pressed: bool


@dataclass(frozen=True, slots=True)
class SensorFault:
    """A part could not be trusted at `t_ns`; sent again for as long as that lasts."""

    t_ns: int
    part: str  # one of hal.samples.PARTS; the guard adds "journal"
    kind: str  # the class name of the HalError: "NoEcho", "BusError", ...
    detail: str  # which part, what was found, what was expected, what to do


PARTS = ("imu", "rangefinder", "button", "buzzer", "motor")
