"""What the hardware tells: time-stamped samples in SI units, body axes forward, left, up."""

from dataclasses import dataclass

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ImuSample:
    """Specific force and angular rate at one instant; standing still reads (0, 0, +9.81) m/s²."""

    t_ns: int
    accel_mps2: Vector
    gyro_radps: Vector
    saturated: bool = False  # an axis was at the end of its range: what happened was at least this much


@dataclass(frozen=True, slots=True)
class RangeSample:
    """One measurement of the free way behind; `distance_m` is None when nothing is within range."""

    t_ns: int
    distance_m: float | None
    sensor: str = "rangefinder"  # the part that measured: "rangefinder", or "low_rangefinder" along its own beam


@dataclass(frozen=True, slots=True)
class ButtonSample:
    """The button went down or came up; sent on every change, and once when it is first read."""

    t_ns: int
    pressed: bool


@dataclass(frozen=True, slots=True)
class PowerSample:
    """How the device is fed and how hot it is. None: not known, which is neither full nor cool."""

    t_ns: int
    battery_share: float | None = None  # of a full charge, 0 to 1; only a gauge that counts charge knows it
    battery_v: float | None = None
    battery_a: float | None = None  # positive while it discharges
    undervoltage: bool | None = None  # the Pi's 5 V are below 4.63 V now
    throttled: bool | None = None  # the processor is slowed down now, for heat or for want of current
    cpu_c: float | None = None


@dataclass(frozen=True, slots=True)
class SensorFault:
    """A part could not be trusted at `t_ns`; sent again for as long as that lasts."""

    t_ns: int
    part: str  # one of hal.samples.PARTS or OPTIONAL_PARTS; the guard adds "journal"
    kind: str  # the class name of the HalError: "NoEcho", "BusError", ...
    detail: str  # which part, what was found, what was expected, what to do


PARTS = ("imu", "rangefinder", "button", "buzzer", "motor")
"""Without these nobody is guarded."""

OPTIONAL_PARTS = ("low_rangefinder", "led", "airbag", "power")
"""What a board may have besides; one that is fitted and fails is told like the others."""
