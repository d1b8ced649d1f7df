"""What the kernel's i2c-dev and i2c-core do for one bus, below the real smbus2."""

import errno
import importlib
from types import SimpleNamespace
from typing import Any

import pytest

from hal.sim.clock import SimClock
from hal.sim.i2c import SimChip

I2C_RETRIES, I2C_TIMEOUT, I2C_SLAVE, I2C_FUNCS, I2C_RDWR, I2C_M_RD = 0x0701, 0x0702, 0x0703, 0x0705, 0x0707, 0x0001
PI_FUNCTIONS = 0xEFF0009  # i2c-bcm2835


class FakeKernel:
    """/dev/i2c-1 with one chip at 0x68. Fails with an errno where told, for so many transfers; for ever if negative."""

    def __init__(self, clock: SimClock, chip: SimChip) -> None:
        self.clock, self.chip = clock, chip
        self.open_errno = self.setting_errno = self.transfer_errno = 0
        self.failing_transfers = -1
        self.driver_address: int | None = None  # held by a kernel driver
        self.is_open = False
        self.timeout_s, self.retries = 1.0, 0  # the kernel's own
        self.bursts: list[int] = []
        self.asked_addresses: list[int] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seam = importlib.import_module("smbus2.smbus2")
        monkeypatch.setattr(seam, "ioctl", self.ioctl)
        monkeypatch.setattr(seam, "os", SimpleNamespace(open=self.open, close=self.close, O_RDWR=2))
        monkeypatch.setattr("hal.i2c.fcntl", SimpleNamespace(ioctl=self.ioctl))

    def open(self, path: str, flags: int) -> int:
        if self.open_errno:
            raise OSError(self.open_errno, "as told")
        assert path == "/dev/i2c-1"
        self.is_open = True
        return 42

    def close(self, fd: int) -> None:
        self.is_open = False

    def ioctl(self, fd: int, request: int, argument: Any) -> None:
        assert fd == 42
        assert self.is_open
        if request in (I2C_TIMEOUT, I2C_RETRIES) and self.setting_errno:
            raise OSError(self.setting_errno, "as told")
        if request == I2C_FUNCS:
            argument.value = PI_FUNCTIONS
        elif request == I2C_TIMEOUT:
            self.timeout_s = argument / 100
        elif request == I2C_RETRIES:
            self.retries = argument
        elif request == I2C_SLAVE:
            self._claim(argument)
        elif request == I2C_RDWR:
            self._transfer([argument.msgs[i] for i in range(argument.nmsgs)])
        else:
            raise OSError(errno.ENOTTY, "no such ioctl")

    def _claim(self, address: int) -> None:
        self.asked_addresses.append(address)
        if address == self.driver_address:
            raise OSError(errno.EBUSY, "a driver is bound to it")

    def _transfer(self, messages: list[Any]) -> None:
        """As i2c-core's __i2c_transfer does: a lost bus is tried again."""
        for attempt in range(self.retries + 1):
            if not self._fails():
                return self._exchange(messages)
            if self.transfer_errno == errno.ETIMEDOUT:
                self.clock.sleep(self.timeout_s)
            if self.transfer_errno != errno.EAGAIN or attempt == self.retries:
                raise OSError(self.transfer_errno, "as told")
        raise AssertionError

    def _fails(self) -> bool:
        if not self.transfer_errno or not self.failing_transfers:
            return False
        self.failing_transfers -= 1
        return True

    def _exchange(self, messages: list[Any]) -> None:
        sent, *answers = messages
        if sent.addr != 0x68:
            raise OSError(errno.EREMOTEIO, "not acknowledged")
        register, *data = bytes(sent)
        if not answers:
            self.chip.write(register, bytes(data))
            return
        (answer,) = answers
        assert answer.flags == I2C_M_RD
        self.bursts.append(answer.len)
        for i, byte in enumerate(self.chip.read(register, answer.len)):
            answer.buf[i] = byte
