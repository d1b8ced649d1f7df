"""The I2C seam: real smbus2 above a fake kernel, and the simulated bus beside it."""

import errno

import pytest
from i2c_kernel import FakeKernel
from imu_rig import Worn, open_mpu, standing

from hal.config import ImuConfig
from hal.errors import BusError, DeviceNotFound, HalError
from hal.i2c import TIME_LIMIT_S, SmbusBus
from hal.imu.find import make_imu
from hal.sim.chips.mpu6050 import SimMpu6050
from hal.sim.clock import SimClock
from hal.sim.i2c import ARBITRATION_LOST, HELD_LOW, NOT_ACKNOWLEDGED, STRETCHED, SimI2cBus, Trouble


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


@pytest.fixture
def kernel(clock: SimClock, monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    kernel = FakeKernel(clock, SimMpu6050(clock, standing))
    kernel.install(monkeypatch)
    return kernel


def test_the_shipping_driver_measures_gravity_through_the_real_smbus2(kernel: FakeKernel, clock: SimClock) -> None:
    imu = open_mpu(SmbusBus(1), clock)
    clock.sleep(0.3)
    samples = imu.read()
    assert len(samples) == pytest.approx(35, abs=2)
    assert samples[-1].accel_mps2[2] == pytest.approx(9.81, abs=0.2)
    assert max(kernel.bursts) > 32, "a burst is not cut to the 32 bytes of an SMBus block"


def test_the_bus_device_is_closed_with_the_driver(kernel: FakeKernel, clock: SimClock) -> None:
    imu = open_mpu(SmbusBus(1), clock)
    assert kernel.is_open
    imu.close()
    assert not kernel.is_open


def test_a_chip_that_cannot_be_opened_again_and_again_leaves_no_open_file(kernel: FakeKernel, clock: SimClock) -> None:
    kernel.transfer_errno = errno.EREMOTEIO
    with pytest.raises(DeviceNotFound):
        open_mpu(SmbusBus(1), clock)
    assert not kernel.is_open


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (121, "no answer at 0x68; check its wiring"),
        (6, "no answer at 0x68; check its wiring"),
        (110, "timed out at 0x68: something holds SDA or SCL low"),
        (5, "a transfer with 0x68 broke off, or the chip stretched its clock too long"),
        (11, "the bus was lost during a transfer with 0x68"),
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


def test_a_bus_whose_transfers_cannot_be_limited_in_time_is_refused_and_closed(kernel: FakeKernel) -> None:
    kernel.setting_errno = errno.ENOTTY
    with pytest.raises(BusError, match="/dev/i2c-1 cannot be opened"):
        SmbusBus(1)
    assert not kernel.is_open


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


# Bounded in time


def test_a_bus_held_low_ends_each_transfer_after_50_ms_instead_of_the_kernels_second(
    kernel: FakeKernel, clock: SimClock
) -> None:
    bus = SmbusBus(1)
    kernel.transfer_errno = errno.ETIMEDOUT
    for _ in range(20):
        start_ns = clock.now_ns()
        with pytest.raises(BusError, match="something holds SDA or SCL low; check the wiring, then take the power off"):
            bus.read(0x68, 0x75, 1)
        assert clock.now_ns() - start_ns == round(TIME_LIMIT_S * 1e9)
    kernel.transfer_errno = 0
    assert bus.read(0x68, 0x75, 1) == b"\x68"


def test_a_lost_arbitration_is_tried_once_more_and_a_lasting_one_is_told(kernel: FakeKernel) -> None:
    bus = SmbusBus(1)
    kernel.transfer_errno, kernel.failing_transfers = errno.EAGAIN, 1
    assert bus.read(0x68, 0x75, 1) == b"\x68"
    kernel.failing_transfers = 2
    with pytest.raises(BusError, match="the bus was lost"):
        bus.read(0x68, 0x75, 1)


def test_no_other_failure_is_tried_again_behind_the_drivers_back(kernel: FakeKernel) -> None:
    bus = SmbusBus(1)
    for code in (errno.EREMOTEIO, errno.ENXIO, errno.EIO, errno.ETIMEDOUT):
        kernel.transfer_errno, kernel.failing_transfers = code, 1
        with pytest.raises(BusError):
            bus.read(0x68, 0x75, 1)
        assert kernel.failing_transfers == 0
        assert bus.read(0x68, 0x75, 1) == b"\x68"


def test_a_chip_that_a_kernel_driver_talks_to_is_not_talked_to_as_well(kernel: FakeKernel) -> None:
    kernel.driver_address = 0x68
    bus = SmbusBus(1)
    with pytest.raises(BusError, match=r"a kernel driver holds 0x68; remove its dtoverlay .*\(errno 16\)"):
        bus.write(0x68, 0x6B, b"\x01")
    assert not kernel.bursts
    kernel.driver_address = None
    assert bus.read(0x68, 0x75, 1) == b"\x68"


def test_each_address_is_asked_about_once(kernel: FakeKernel) -> None:
    bus = SmbusBus(1)
    for _ in range(5):
        bus.read(0x68, 0x75, 1)
    assert kernel.asked_addresses == [0x68]


# The troubles of the simulated bus


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (HELD_LOW, "timed out at 0x68: something holds SDA or SCL low"),
        (STRETCHED, "stretched its clock too long"),
        (NOT_ACKNOWLEDGED, "no answer at 0x68"),
        (ARBITRATION_LOST, "the bus was lost"),
    ],
)
def test_trouble_of_the_simulated_bus_takes_its_time_and_has_the_words_of_a_real_one(
    kernel: FakeKernel, clock: SimClock, trouble: Trouble, words: str
) -> None:
    kernel.transfer_errno = trouble.code
    with pytest.raises(BusError) as real:
        SmbusBus(1).read(0x68, 0x75, 1)
    bus = SimI2cBus(clock)
    bus.add(0x68, SimMpu6050(clock, standing))
    assert bus.read(0x68, 0x75, 1) == b"\x68"
    bus.wires.trouble = trouble
    for talk in (lambda: bus.read(0x68, 0x75, 1), lambda: bus.write(0x68, 0x6B, b""), lambda: bus.receive(0x68, 1)):
        start_ns = clock.now_ns()
        with pytest.raises(BusError, match=words) as simulated:
            talk()
        assert str(simulated.value) == str(real.value)
        assert simulated.value.code == real.value.code == trouble.code
        assert clock.now_ns() - start_ns == round(trouble.after_s * 1e9)
    bus.wires.trouble = None
    assert bus.read(0x68, 0x75, 1) == b"\x68"


@pytest.mark.parametrize("trouble", [HELD_LOW, STRETCHED, NOT_ACKNOWLEDGED, ARBITRATION_LOST])
def test_a_driver_in_the_middle_of_a_walk_reports_the_trouble_and_measures_again_after_it(trouble: Trouble) -> None:
    worn = Worn()
    imu = worn.open()
    worn.read_until(imu, 1.0)
    worn.wires.trouble = trouble
    worn.clock.sleep(0.02)
    for _ in range(5):
        start_ns = worn.clock.now_ns()
        with pytest.raises(BusError):
            imu.read()
        assert worn.clock.now_ns() - start_ns <= TIME_LIMIT_S * 1e9
    worn.wires.trouble = None
    assert imu.read()
    assert len(worn.read_until(imu, worn.clock.now_ns() / 1e9 + 1.0)) == pytest.approx(101, abs=3)


@pytest.mark.parametrize("trouble", [HELD_LOW, STRETCHED, ARBITRATION_LOST])
def test_opening_on_a_bus_in_trouble_ends_at_the_first_transfer_and_blames_the_bus_not_the_chip(
    trouble: Trouble,
) -> None:
    worn = Worn()
    worn.wires.trouble = trouble
    for make in (lambda: make_imu(ImuConfig(), worn.bus(), worn.clock), worn.open):
        start_ns = worn.clock.now_ns()
        with pytest.raises(HalError) as seen:
            make()
        assert type(seen.value) is BusError
        assert seen.value.code == trouble.code
        assert worn.clock.now_ns() - start_ns == round(trouble.after_s * 1e9)


def test_a_chip_that_stretches_the_clock_makes_transfers_late_and_that_is_told() -> None:
    worn = Worn()
    imu = worn.open()
    worn.wires.stretch_s = 0.004
    worn.clock.sleep(0.02)
    assert imu.read(), "a little is in order"
    worn.wires.stretch_s = 0.06
    worn.clock.sleep(0.02)
    with pytest.raises(BusError, match=r"a transfer took 60 ms, expected at most 50 ms.*stretches its clock"):
        imu.read()
