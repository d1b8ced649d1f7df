"""The I2C seam: real smbus2 above a fake kernel, and the simulated bus beside it."""

import errno
import importlib
from types import SimpleNamespace
from typing import Any

import pytest

from hal.errors import BusError, DeviceNotFound
from hal.i2c import SmbusBus
from hal.imu.mpu6050 import Mpu6050
from hal.samples import Vector
from hal.sim.chips.mpu6050 import SimMpu6050
from hal.sim.clock import SimClock
from hal.sim.i2c import SimI2cBus

I2C_FUNCS, I2C_RDWR, I2C_M_RD = 0x0705, 0x0707, 0x0001
PI_FUNCTIONS = 0xEFF0009  # i2c-bcm2835


class FakeKernel:
    """Answers what smbus2 asks the kernel for, with one simulated chip; fails with an errno where told."""

    def __init__(self, chip: SimMpu6050) -> None:
        self.chip = chip
        self.open_errno = self.transfer_errno = 0
        self.is_open = False
        self.bursts: list[int] = []

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
        if request == I2C_FUNCS:
            argument.value = PI_FUNCTIONS
            return
        assert request == I2C_RDWR
        if self.transfer_errno:
            raise OSError(self.transfer_errno, "as told")
        sent, *answers = (argument.msgs[i] for i in range(argument.nmsgs))
        assert sent.addr == 0x68
        register, *data = bytes(sent)
        if not answers:
            self.chip.write(register, bytes(data))
            return
        (answer,) = answers
        assert answer.flags == I2C_M_RD
        self.bursts.append(answer.len)
        for i, byte in enumerate(self.chip.read(register, answer.len)):
            answer.buf[i] = byte


def standing(t_s: float) -> tuple[Vector, Vector]:
    return (0.0, 0.0, 9.80665), (0.0, 0.0, 0.0)


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


@pytest.fixture
def kernel(clock: SimClock, monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    kernel = FakeKernel(SimMpu6050(clock, standing))
    seam = importlib.import_module("smbus2.smbus2")
    monkeypatch.setattr(seam, "ioctl", kernel.ioctl)
    monkeypatch.setattr(seam, "os", SimpleNamespace(open=kernel.open, close=kernel.close, O_RDWR=2))
    return kernel


def test_the_shipping_driver_measures_gravity_through_the_real_smbus2(kernel: FakeKernel, clock: SimClock) -> None:
    imu = Mpu6050(SmbusBus(1), clock)
    clock.sleep(0.4)
    samples = imu.read()
    assert len(samples) == pytest.approx(45, abs=2)
    assert samples[-1].accel_mps2[2] == pytest.approx(9.81, abs=0.2)
    assert max(kernel.bursts) > 32, "a burst is not cut to the 32 bytes of an SMBus block"


def test_the_bus_device_is_closed_with_the_driver(kernel: FakeKernel, clock: SimClock) -> None:
    imu = Mpu6050(SmbusBus(1), clock)
    assert kernel.is_open
    imu.close()
    assert not kernel.is_open


def test_a_chip_that_cannot_be_opened_again_and_again_leaves_no_open_file(kernel: FakeKernel, clock: SimClock) -> None:
    kernel.transfer_errno = errno.EREMOTEIO
    with pytest.raises(DeviceNotFound):
        Mpu6050(SmbusBus(1), clock)
    assert not kernel.is_open


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (121, "no answer at 0x68; check its wiring"),
        (6, "no answer at 0x68; check its wiring"),
        (110, "timed out at 0x68; something holds SDA or SCL low"),
        (5, "broke off"),
        (11, "another master"),
        (16, "a kernel driver holds 0x68"),
        (95, "cannot do plain I2C"),
        (19, "the bus is gone, or nothing answers at 0x68"),
        (71, "transfer with 0x68 failed: Protocol error"),
    ],
)
def test_a_failed_transfer_is_told_in_plain_words(kernel: FakeKernel, code: int, words: str) -> None:
    bus = SmbusBus(1)
    kernel.transfer_errno = code
    with pytest.raises(BusError, match=rf"I2C bus 1: .*{words}.*\(errno {code}\)"):
        bus.read(0x68, 0x75, 1)
    with pytest.raises(BusError, match=words):
        bus.write(0x68, 0x6B, b"\x01")


@pytest.mark.parametrize("code", [2, 6, 19])
def test_a_bus_that_is_not_switched_on_is_told_with_the_line_that_switches_it_on(kernel: FakeKernel, code: int) -> None:
    kernel.open_errno = code
    with pytest.raises(DeviceNotFound, match=r"no /dev/i2c-1 .*dtparam=i2c_arm=on"):
        SmbusBus(1)


def test_a_user_outside_the_group_i2c_is_told_so(kernel: FakeKernel) -> None:
    kernel.open_errno = errno.EACCES
    with pytest.raises(BusError, match="add this user to the group i2c"):
        SmbusBus(1)


def test_any_other_refusal_to_open_is_a_bus_error_with_the_systems_words(kernel: FakeKernel) -> None:
    kernel.open_errno = errno.EMFILE
    with pytest.raises(BusError, match="Too many open files"):
        SmbusBus(1)


def test_a_closed_bus_is_an_error_of_the_bus_not_of_the_program(kernel: FakeKernel) -> None:
    bus = SmbusBus(1)
    bus.close()
    with pytest.raises(BusError, match="after the bus was closed"):
        bus.read(0x68, 0x75, 1)


def test_the_simulated_bus_fails_in_the_same_words_as_a_raspberry_pi(kernel: FakeKernel, clock: SimClock) -> None:
    kernel.transfer_errno = errno.EREMOTEIO
    with pytest.raises(BusError) as real:
        SmbusBus(1).read(0x68, 0x75, 1)
    with pytest.raises(BusError) as simulated:
        SimI2cBus(clock).read(0x68, 0x75, 1)
    assert str(simulated.value) == str(real.value)


def test_the_closed_simulated_bus_refuses_too(clock: SimClock) -> None:
    bus = SimI2cBus(clock)
    bus.add(0x68, SimMpu6050(clock, standing))
    assert bus.read(0x68, 0x75, 1) == b"\x68"
    bus.close()
    with pytest.raises(BusError, match="after the bus was closed"):
        bus.write(0x68, 0x6B, b"\x01")


def test_a_transfer_takes_the_time_of_its_bytes_where_the_simulation_is_told_so(clock: SimClock) -> None:
    bus = SimI2cBus(clock, byte_s=90e-6)  # 100 kHz
    bus.add(0x68, SimMpu6050(clock, standing))
    bus.read(0x68, 0x75, 7)
    bus.write(0x68, 0x6B, b"\x01")
    assert clock.now_ns() == (10 + 3) * 90_000
