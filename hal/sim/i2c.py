"""A simulated I2C bus: transfers that reach simulated chips, or nobody, and the troubles of real wires."""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from hal.clock import Clock
from hal.i2c import TIME_LIMIT_S, transfer_error

T = TypeVar("T")


class Nack(Exception):
    """A chip does not acknowledge its address."""


class SimChip(Protocol):
    """What hangs on the bus. Either method raises Nack where the chip does not answer."""

    def read(self, register: int, count: int) -> bytes: ...

    def write(self, register: int, data: bytes) -> None: ...


class RegisterlessChip(SimChip, Protocol):
    """A chip that answers a read that names no register. Raises Nack where it does not answer."""

    def receive(self, count: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """What every transfer comes to while the bus is in this trouble: an errno, after the time that it takes."""

    code: int
    after_s: float


HELD_LOW = Trouble(errno.ETIMEDOUT, TIME_LIMIT_S)  # SDA or SCL; see hal/i2c.py for what each kernel driver does
STRETCHED = Trouble(errno.EIO, 0.035)  # SCL held by a chip that is busy; i2c-bcm2835 waits clk_tout_ms
NOT_ACKNOWLEDGED = Trouble(errno.EREMOTEIO, 0.0)
ARBITRATION_LOST = Trouble(errno.EAGAIN, 0.0)


class SimWires:
    """Two wires with chips on them; they stay while buses on them are opened and closed."""

    def __init__(self) -> None:
        self.chips: dict[int, SimChip] = {}
        self.trouble: Trouble | None = None
        self.stretch_s = 0.0  # by which a chip makes each transfer longer that still comes to its end


class SimI2cBus:
    """An I2cBus to simulated chips; a missing or silent one fails as i2c-bcm2835 on a Raspberry Pi fails."""

    def __init__(self, clock: Clock, *, number: int = 1, byte_s: float = 0.0, wires: SimWires | None = None) -> None:
        """`byte_s`: time that a byte takes on the wire, 22.5e-6 at 400 kHz; nothing takes time unless it is given."""
        self._clock, self._number, self._byte_s = clock, number, byte_s
        self.wires = wires or SimWires()
        self._closed = False

    def add(self, address: int, chip: SimChip) -> None:
        self.wires.chips[address] = chip

    def read(self, address: int, register: int, count: int) -> bytes:
        # on the wire: address, register, address again
        return self._transfer(address, 3 + count, lambda chip: chip.read(register, count))

    def write(self, address: int, register: int, data: bytes) -> None:
        self._transfer(address, 2 + len(data), lambda chip: chip.write(register, data))

    def receive(self, address: int, count: int) -> bytes:
        return self._transfer(address, 1 + count, lambda chip: cast(RegisterlessChip, chip).receive(count))

    def close(self) -> None:
        self._closed = True

    def _transfer(self, address: int, wire_bytes: int, talk: Callable[[SimChip], T]) -> T:
        if self._closed:
            raise transfer_error(self._number, address, errno.EBADF)
        trouble = self.wires.trouble
        if trouble is not None:
            self._spend(trouble.after_s)
            raise transfer_error(self._number, address, trouble.code)
        if address not in self.wires.chips:
            raise transfer_error(self._number, address, errno.EREMOTEIO)
        self._spend(wire_bytes * self._byte_s + self.wires.stretch_s)
        try:
            return talk(self.wires.chips[address])
        except Nack as nack:
            raise transfer_error(self._number, address, errno.EREMOTEIO) from nack

    def _spend(self, seconds: float) -> None:
        if seconds:
            self._clock.sleep(seconds)
