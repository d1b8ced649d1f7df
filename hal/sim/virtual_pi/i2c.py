"""The I2C adapter of the virtual Pi: transfers as i2c-dev asks for them, answered by simulated chips."""

import errno
import struct
from typing import NamedTuple, cast

from hal.sim.i2c import Nack, RegisterlessChip, SimChip

I2C_RDWR, I2C_SMBUS = 0x0707, 0x0720  # linux/i2c-dev.h
READ = 0x0001  # I2C_M_RD
_MESSAGE = struct.Struct("=HHH")  # address, flags, bytes
_SMBUS = struct.Struct("=4B34s")  # address, whether it reads, command, kind, data

# Kinds of SMBus transfer, linux/i2c.h
_QUICK, _BYTE, _BYTE_DATA, _WORD_DATA, _I2C_BLOCK_BROKEN, _I2C_BLOCK = 0, 1, 2, 3, 6, 8


class Message(NamedTuple):
    """One message of a transfer: `size` bytes to read, or `data` to write."""

    address: int
    size: int
    data: bytes | None


class I2cAdapter:
    """A bus with chips. What it cannot do fails with the errno that i2c-bcm2835 gives on a Raspberry Pi."""

    def __init__(self) -> None:
        self.held_low = False  # a chip holds SDA or SCL low: every transfer times out
        self._chips: dict[int, SimChip] = {}
        self._pointers: dict[int, int] = {}  # the register that was last addressed

    def add(self, address: int, chip: SimChip) -> None:
        self._chips[address] = chip

    def ioctl(self, request: int, data: bytes) -> bytes:
        """Serve a request as `device.c` passes it on. Raises OSError."""
        if request == I2C_RDWR:
            return self._transfer(_messages(data))
        if request == I2C_SMBUS:
            return self._smbus(*_SMBUS.unpack(data))
        raise OSError(errno.ENOTTY, "no such ioctl")

    def _transfer(self, messages: list[Message]) -> bytes:
        if self.held_low:
            raise OSError(errno.ETIMEDOUT, "the bus is held low")
        try:
            return b"".join([self._exchange(message) for message in messages])
        except Nack as nack:
            raise OSError(errno.EREMOTEIO, "not acknowledged") from nack

    def _exchange(self, message: Message) -> bytes:
        chip = self._chips.get(message.address)
        if chip is None:
            raise Nack
        if message.data is None:
            if hasattr(chip, "receive"):
                return cast(RegisterlessChip, chip).receive(message.size)
            return chip.read(self._pointers.get(message.address, 0), message.size)
        if message.data:
            self._pointers[message.address] = message.data[0]
        chip.write(message.data[0] if message.data else 0, message.data[1:])
        return b""

    def _smbus(self, address: int, reads: int, command: int, kind: int, data: bytes) -> bytes:
        """As the I2C core makes SMBus transfers of plain ones."""
        if kind == _QUICK:
            return self._transfer([Message(address, 0, b"")])
        if kind == _BYTE:
            return self._transfer([Message(address, 1, None if reads else bytes([command]))])
        block = kind in (_I2C_BLOCK, _I2C_BLOCK_BROKEN)
        count = data[0] if block else {_BYTE_DATA: 1, _WORD_DATA: 2}.get(kind)
        if count is None:
            raise OSError(errno.EOPNOTSUPP, "no such SMBus transfer")
        if reads:
            found = self._transfer([Message(address, 0, bytes([command])), Message(address, count, None)])
            return bytes([count]) + found if block else found
        written = data[1 : 1 + count] if block else data[:count]
        return self._transfer([Message(address, 0, bytes([command]) + written)])


def _messages(data: bytes) -> list[Message]:
    found: list[Message] = []
    at = 0
    while at < len(data):
        address, flags, count = _MESSAGE.unpack_from(data, at)
        at += _MESSAGE.size
        if flags & READ:
            found.append(Message(address, count, None))
        else:
            found.append(Message(address, 0, data[at : at + count]))
            at += count
    return found
