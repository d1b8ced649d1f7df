"""What every motion sensor tells about itself and its samples, whichever chip it is."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from hal.samples import ImuSample


@dataclass(frozen=True, slots=True)
class ImuInfo:
    """Which chip it is, and what its data sheet promises at the settings in use."""

    model: str  # as its maker writes it: "MPU-6050"
    address: int
    output_hz: float  # samples a second; the chip's own clock may be off by some per cent
    bandwidth_hz: float  # of the low-pass filter
    accel_noise_mps2_rthz: float  # noise density, per root hertz
    gyro_noise_radps_rthz: float


@dataclass(frozen=True, slots=True)
class AxisTest:
    """The data sheet's self-test of one axis: its response must lie between `low` and `high`."""

    axis: str  # "accel x", "gyro z"; "accelerometer" for a chip that tests all axes at once
    response: float
    low: float
    high: float
    unit: str

    @property
    def passed(self) -> bool:
        return self.low <= self.response <= self.high  # false for NaN


def check_setting(key: str, value: int, choices: Collection[int]) -> None:
    """Raises ValueError when a driver is asked for what its chip cannot do."""
    if value not in choices:
        raise ValueError(f"imu: {key} is {value}, expected one of {', '.join(map(str, choices))}")


class Imu(Protocol):
    """A motion sensor; everything may raise HalError. It owns its bus: closing it closes the bus."""

    @property
    def info(self) -> ImuInfo: ...

    @property
    def measured_hz(self) -> float:
        """Samples a second by the host's clock."""
        ...

    def read(self) -> list[ImuSample]:
        """The samples since the last read, oldest first, in body axes; empty when nothing is due yet."""
        ...

    def temperature_c(self) -> float:
        """Of the chip, which is warmer than the air around it."""
        ...

    def self_test(self) -> list[AxisTest]:
        """The data sheet's self-test, lying or standing still; takes up to a second. Reading goes on afterwards."""
        ...

    def close(self) -> None: ...
