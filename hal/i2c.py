"""The seam to the I2C bus: register reads and writes, whose failures are said in plain words."""

import errno
import os
from typing import Any, Protocol

import smbus2

from hal.errors import BusError, DeviceNotFound


class I2cBus(Protocol):
    """A bus with register-addressed chips. Every method raises BusError when the transfer did not take place."""

    def read(self, address: int, register: int, count: int) -> bytes:
        """Read `count` bytes, beginning at `register`."""
        ...

    def write(self, address: int, register: int, data: bytes) -> None:
        """Write `data`, beginning at `register`."""
        ...

    def close(self) -> None: ...


class SmbusBus:
    """/dev/i2c-N through smbus2.

    Plain I2C messages instead of SMBus block reads, which end at 32 bytes: one burst can then empty a whole FIFO.
    """

    def __init__(self, number: int) -> None:
        """Open /dev/i2c-`number`.

        Raises:
            DeviceNotFound: there is no such bus.
            BusError: it may not be opened.
        """
        self._number = number
        self._closed = False
        try:
            self._smbus: Any = smbus2.SMBus(number)
        except OSError as error:
            raise _open_error(number, error.errno) from error

    def read(self, address: int, register: int, count: int) -> bytes:
        answer: Any = smbus2.i2c_msg.read(address, count)
        self._transfer(address, smbus2.i2c_msg.write(address, [register]), answer)
        return bytes(answer)

    def write(self, address: int, register: int, data: bytes) -> None:
        self._transfer(address, smbus2.i2c_msg.write(address, [register, *data]))

    def close(self) -> None:
        self._closed = True
        self._smbus.close()

    def _transfer(self, address: int, *messages: smbus2.i2c_msg) -> None:
        if self._closed:  # smbus2 would raise a TypeError about its missing file descriptor
            raise transfer_error(self._number, address, errno.EBADF)
        try:
            self._smbus.i2c_rdwr(*messages)
        except OSError as error:
            raise transfer_error(self._number, address, error.errno) from error


# What i2c-bcm2835 and the I2C core answer; Documentation/i2c/fault-codes.rst of the Linux kernel.
_NO_ANSWER = "no answer at {address:#04x}; check its wiring and its 3.3 V supply"
_TRANSFER_ERRORS = {
    errno.EREMOTEIO: _NO_ANSWER,  # 121, what a Raspberry Pi gives
    errno.ENXIO: _NO_ANSWER,  # 6, what other adapters give
    errno.ETIMEDOUT: "timed out at {address:#04x}; something holds SDA or SCL low: check the wiring, then restart",
    errno.EIO: "a transfer with {address:#04x} broke off; check its wiring and the length of the cable",
    errno.EAGAIN: "another master took the bus during a transfer with {address:#04x}; disconnect it",
    errno.EBUSY: "a kernel driver holds {address:#04x}; remove its dtoverlay from /boot/firmware/config.txt",
    errno.EOPNOTSUPP: "the adapter cannot do plain I2C transfers (asked for at {address:#04x}); set another imu.bus",
    errno.ENODEV: "the bus is gone, or nothing answers at {address:#04x}; check its wiring and dtparam=i2c_arm=on",
    errno.EBADF: "asked for {address:#04x} after the bus was closed; open it again",
}


def transfer_error(bus: int, address: int, code: int | None) -> BusError:
    """The error for a transfer that failed with errno `code`."""
    text = _TRANSFER_ERRORS.get(code or 0, f"transfer with {{address:#04x}} failed: {os.strerror(code or errno.EIO)}")
    return BusError(f"I2C bus {bus}: {text.format(address=address)} (errno {code})")


def _open_error(bus: int, code: int | None) -> DeviceNotFound | BusError:
    if code in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return DeviceNotFound(
            f"I2C bus {bus}: there is no /dev/i2c-{bus} (errno {code}); "
            "set dtparam=i2c_arm=on in /boot/firmware/config.txt and restart, or correct imu.bus in rearguard.toml"
        )
    if code in (errno.EACCES, errno.EPERM):
        return BusError(
            f"I2C bus {bus}: /dev/i2c-{bus} may not be opened (errno {code}); add this user to the group i2c"
        )
    return BusError(f"I2C bus {bus}: /dev/i2c-{bus} cannot be opened: {os.strerror(code or errno.EIO)} (errno {code})")
