"""The registers of one chip on an I2C bus: transfers bounded in time, settings read back, errors that name them."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from hal.clock import Clock
from hal.errors import BusError, DeviceNotFound, WrongConfig
from hal.i2c import NO_ANSWER, I2cBus

MAX_TRANSFER_S = 0.05
"""A sound bus stays far below: 240 bytes take 22 ms at 100 kHz."""

T = TypeVar("T")


class Registers:
    """Reads and writes the registers of the chip at `address`; `name` begins every error message."""

    def __init__(self, bus: I2cBus, clock: Clock, address: int, name: str, names: Mapping[int, str]) -> None:
        """`names`: what the data sheet calls the registers that are compared."""
        self._bus, self._clock, self._address = bus, clock, address
        self.name, self._names = name, names

    def read(self, register: int, count: int) -> bytes:
        """Read `count` bytes, beginning at `register`. Raises BusError, also for a transfer that took over 50 ms."""
        return self._timed(lambda: self._bus.read(self._address, register, count))

    def write(self, register: int, *values: int) -> None:
        """Write bytes, beginning at `register`. Raises BusError, also for a transfer that took over 50 ms."""
        self._timed(lambda: self._bus.write(self._address, register, bytes(values)))

    def identify(self, register: int) -> int:
        """Read the byte that tells what the chip is.

        Raises DeviceNotFound when nothing answers, BusError for trouble of the bus, also when the answer comes late.
        """
        try:
            return self.read(register, 1)[0]
        except BusError as error:
            if error.code not in NO_ANSWER:
                raise
            raise DeviceNotFound(f"{self.name}: not found; {error}") from error

    def compare(self, register: int, found: int, expected: int) -> None:
        """Raises WrongConfig when they differ."""
        if found != expected:
            raise WrongConfig(
                f"{self.name}: {self._names[register]} is {found:#04x}, expected {expected:#04x}; "
                "the chip lost its settings (reset or brown-out): check its 3.3 V supply and its plug"
            )

    def check(self, settings: Mapping[int, int]) -> None:
        """Read each setting back. Raises WrongConfig at the first that does not hold, BusError."""
        for register, expected in settings.items():
            self.compare(register, self.read(register, 1)[0], expected)

    def _timed(self, transfer: Callable[[], T]) -> T:
        start_ns = self._clock.now_ns()
        result = transfer()
        took_s = (self._clock.now_ns() - start_ns) / 1e9
        if took_s > MAX_TRANSFER_S:
            raise BusError(
                f"{self.name}: a transfer took {took_s * 1e3:.0f} ms, expected at most {MAX_TRANSFER_S * 1e3:.0f} ms; "
                "check the wiring, and the bus for a chip that stretches its clock"
            )
        return result
