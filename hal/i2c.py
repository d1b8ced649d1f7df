"""The seam to the I2C bus: register reads and writes, bounded in time, whose failures are said in plain words.

What the kernel does about a bus that hangs, so that nobody expects more (drivers/i2c of raspberrypi/linux):
- i2c-bcm2835 (before the Pi 5): a missing acknowledge is EREMOTEIO; a clock stretched beyond `clk_tout_ms` (35 ms) is
  EIO; when a transfer does not end it gives up with ETIMEDOUT after the adapter's time limit. It has no bus recovery.
- i2c-designware (Pi 5): the same errno values, and EAGAIN when it loses the bus, as happens when somebody holds SDA
  low. After a time-out it sets its controller up anew. It would send the nine clock pulses that free SDA if the device
  tree named the pins for that, which rp1.dtsi does not.
- i2c-gpio (an overlay): a missing acknowledge, and SCL held low while addressing, are ENXIO; later SCL gives ETIMEDOUT
  after 0.1 s, whatever the time limit.
So nobody frees a bus that a chip holds low. The pins cannot be taken from the driver from here either without losing
the bus until the next start. What helps is taking the power off the chip; a restart leaves it on. Meanwhile the time
limit below keeps each attempt short, and whoever reads the part opens it again with growing pauses.
"""

import errno
import fcntl
import os
from typing import Any, Protocol

import smbus2

from hal.errors import BusError, DeviceNotFound

I2C_RETRIES, I2C_TIMEOUT, I2C_SLAVE = 0x0701, 0x0702, 0x0703  # include/uapi/linux/i2c-dev.h
TIME_LIMIT_S = 0.05
"""Of one transfer, instead of the kernel's second; 240 bytes take 22 ms at 100 kHz. It holds for the whole adapter."""
RETRIES = 1  # only where the bus was lost to another master (EAGAIN)

NO_ANSWER = (errno.EREMOTEIO, errno.ENXIO, errno.ENODEV)
"""The errno values that may just mean that nothing is connected there; all others are trouble of the whole bus."""


class I2cBus(Protocol):
    """A bus with register-addressed chips. Every method raises BusError when the transfer did not take place."""

    def read(self, address: int, register: int, count: int) -> bytes:
        """Read `count` bytes, beginning at `register`."""
        ...

    def write(self, address: int, register: int, data: bytes) -> None:
        """Write `data`, beginning at `register`."""
        ...

    def receive(self, address: int, count: int) -> bytes:
        """Read `count` bytes from a chip that has no registers."""
        ...

    def close(self) -> None: ...


class SmbusBus:
    """/dev/i2c-N through smbus2.

    Plain I2C messages instead of SMBus block reads, which end at 32 bytes: one burst can then empty a whole FIFO.
    """

    def __init__(self, number: int) -> None:
        """Open /dev/i2c-`number` and set the time limit of its transfers.

        Raises:
            DeviceNotFound: there is no such bus.
            BusError: it may not be opened.
        """
        self._number = number
        self._closed = False
        self._free: set[int] = set()  # addresses that no kernel driver holds
        try:
            self._smbus: Any = smbus2.SMBus(number)
        except OSError as error:
            raise _open_error(number, error.errno) from error
        try:
            self._set(I2C_TIMEOUT, round(TIME_LIMIT_S * 100))
            self._set(I2C_RETRIES, RETRIES)
        except OSError as error:
            self._smbus.close()
            raise _open_error(number, error.errno) from error

    def read(self, address: int, register: int, count: int) -> bytes:
        answer: Any = smbus2.i2c_msg.read(address, count)
        self._transfer(address, smbus2.i2c_msg.write(address, [register]), answer)
        return bytes(answer)

    def write(self, address: int, register: int, data: bytes) -> None:
        self._transfer(address, smbus2.i2c_msg.write(address, [register, *data]))

    def receive(self, address: int, count: int) -> bytes:
        answer: Any = smbus2.i2c_msg.read(address, count)
        self._transfer(address, answer)
        return bytes(answer)

    def close(self) -> None:
        self._closed = True
        self._smbus.close()

    def _transfer(self, address: int, *messages: smbus2.i2c_msg) -> None:
        if self._closed:  # smbus2 would raise a TypeError about its missing file descriptor
            raise transfer_error(self._number, address, errno.EBADF)
        try:
            self._claim(address)
            self._smbus.i2c_rdwr(*messages)
        except OSError as error:
            raise transfer_error(self._number, address, error.errno) from error

    def _claim(self, address: int) -> None:
        """Plain messages reach a chip even while a kernel driver talks to it; I2C_SLAVE is what asks (EBUSY)."""
        if address not in self._free:
            self._set(I2C_SLAVE, address)
            self._free.add(address)

    def _set(self, request: int, value: int) -> None:
        fcntl.ioctl(self._smbus.fd, request, value)


_NO_ANSWER = "no answer at {address:#04x}; check its wiring and its 3.3 V supply"
_TRANSFER_ERRORS = {
    errno.EREMOTEIO: _NO_ANSWER,  # 121, what a Raspberry Pi gives
    errno.ENXIO: _NO_ANSWER,  # 6, what i2c-gpio gives
    errno.ETIMEDOUT: "timed out at {address:#04x}: something holds SDA or SCL low; "
    "check the wiring, then take the power off the whole device and on again (a restart does not reset the sensors)",
    errno.EIO: "a transfer with {address:#04x} broke off, or the chip stretched its clock too long; "
    "check its wiring and the length of the cable",
    errno.EAGAIN: "the bus was lost during a transfer with {address:#04x}; "
    "disconnect a second master, and check that nothing holds SDA low",
    errno.EBUSY: "a kernel driver holds {address:#04x}; remove its dtoverlay from /boot/firmware/config.txt",
    errno.EOPNOTSUPP: "the adapter cannot do plain I2C transfers (asked for at {address:#04x}); "
    "set another bus in rearguard.toml",
    errno.ENODEV: "the bus is gone, or nothing answers at {address:#04x}; check its wiring and dtparam=i2c_arm=on",
    errno.EBADF: "asked for {address:#04x} after the bus was closed; open it again",
}


def transfer_error(bus: int, address: int, code: int | None) -> BusError:
    """The error for a transfer that failed with errno `code`; where each comes from is said at the top of this file."""
    text = _TRANSFER_ERRORS.get(code or 0, f"transfer with {{address:#04x}} failed: {os.strerror(code or errno.EIO)}")
    error = BusError(f"I2C bus {bus}: {text.format(address=address)} (errno {code})")
    error.code = code
    return error


def _open_error(bus: int, code: int | None) -> DeviceNotFound | BusError:
    if code in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return DeviceNotFound(
            f"I2C bus {bus}: there is no /dev/i2c-{bus} (errno {code}); "
            "set dtparam=i2c_arm=on in /boot/firmware/config.txt and restart, or correct the bus in rearguard.toml"
        )
    if code in (errno.EACCES, errno.EPERM):
        return BusError(
            f"I2C bus {bus}: /dev/i2c-{bus} may not be opened (errno {code}); add this user to the group i2c"
        )
    return BusError(f"I2C bus {bus}: /dev/i2c-{bus} cannot be opened: {os.strerror(code or errno.EIO)} (errno {code})")
