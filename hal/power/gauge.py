"""What a fuel gauge says of the battery, and the 16-bit registers that gauges have, high byte first."""

from dataclasses import dataclass
from typing import Protocol

from hal.registers import Registers

LEAST_CELL_V, MOST_CELL_V = 2.4, 4.6
"""Outside of this no lithium cell is alive: its protection opens at 2.5 V or above, and chargers end below 4.45 V."""


@dataclass(frozen=True, slots=True)
class BatteryReading:
    """The battery at one instant. None: the gauge does not know."""

    share: float | None = None  # of a full charge, 0 to 1
    voltage_v: float | None = None
    current_a: float | None = None  # positive while it discharges


class Gauge(Protocol):
    """A fuel gauge. `read` gives what it measured since the last reading, never an older value. Raises HalError."""

    def read(self) -> BatteryReading: ...

    def close(self) -> None: ...


def read_word(registers: Registers, register: int) -> int:
    """One 16-bit register. Raises BusError."""
    return int.from_bytes(registers.read(register, 2), "big")


def write_word(registers: Registers, register: int, value: int) -> None:
    """One 16-bit register. Raises BusError."""
    registers.write(register, value >> 8, value & 0xFF)
