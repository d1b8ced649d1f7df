"""A simulated I2C bus: register reads and writes that reach simulated chips, or nobody."""

import errno
from typing import Protocol

from hal.clock import Clock
from hal.i2c import transfer_error


class Nack(Exception):
    """A chip does not acknowledge its address."""


class SimChip(Protocol):
    """What hangs on the bus. Either method raises Nack where the chip does not answer."""

    def read(self, register: int, count: int) -> bytes: ...

    def write(self, register: int, data: bytes) -> None: ...


class SimI2cBus:
    """An I2cBus to simulated chips; a missing or silent one fails as i2c-bcm2835 on a Raspberry Pi fails."""

    def __init__(self, clock: Clock, *, number: int = 1, byte_s: float = 0.0) -> None:
        """`byte_s`: time that a byte takes on the wire, 22.5e-6 at 400 kHz; nothing takes time unless it is given."""
        self._clock, self._number, self._byte_s = clock, number, byte_s
        self._chips: dict[int, SimChip] = {}
        self._closed = False

    def add(self, address: int, chip: SimChip) -> None:
        self._chips[address] = chip

    def read(self, address: int, register: int, count: int) -> bytes:
        chip = self._addressed(address)
        self._spend(3 + count)  # address, register, address again
        try:
            return chip.read(register, count)
        except Nack as nack:
            raise transfer_error(self._number, address, errno.EREMOTEIO) from nack

    def write(self, address: int, register: int, data: bytes) -> None:
        chip = self._addressed(address)
        self._spend(2 + len(data))
        try:
            chip.write(register, data)
        except Nack as nack:
            raise transfer_error(self._number, address, errno.EREMOTEIO) from nack

    def close(self) -> None:
        self._closed = True

    def _addressed(self, address: int) -> SimChip:
        if self._closed:
            raise transfer_error(self._number, address, errno.EBADF)
        if address not in self._chips:
            raise transfer_error(self._number, address, errno.EREMOTEIO)
        return self._chips[address]

    def _spend(self, wire_bytes: int) -> None:
        if self._byte_s:
            self._clock.sleep(wire_bytes * self._byte_s)
