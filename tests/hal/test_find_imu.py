"""Which motion sensor is found on a bus, and what is said when there is none, another one, or too many."""

import errno

import pytest
from i2c_kernel import FakeKernel
from imu_rig import standing

from hal.config import ImuConfig
from hal.errors import BusError, DeviceNotFound, WrongDevice
from hal.i2c import SmbusBus
from hal.imu.find import MODELS, make_imu
from hal.imu.imu import Imu
from hal.sim.clock import SimClock
from hal.sim.i2c import SimChip, SimI2cBus, SimWires
from hal.sim.motion_sensor import CHIPS, WHEN_NOT_NAMED

PLACES = [(model, address) for model, entry in MODELS.items() for address in entry.addresses]


class Looked(SimI2cBus):
    """A bus that notes what is asked of it."""

    def __init__(self, clock: SimClock, wires: SimWires) -> None:
        super().__init__(clock, wires=wires)
        self.reads: list[tuple[int, int]] = []
        self.writes: list[tuple[int, int]] = []
        self.closed = False

    def read(self, address: int, register: int, count: int) -> bytes:
        self.reads.append((address, register))
        return super().read(address, register, count)

    def write(self, address: int, register: int, data: bytes) -> None:
        self.writes.append((address, register))
        super().write(address, register, data)

    def close(self) -> None:
        self.closed = True
        super().close()


class Rtc:
    """A DS3231 clock: 19 registers, and nothing but zeros behind them."""

    def read(self, register: int, count: int) -> bytes:
        return bytes(0x12 if register + i < 19 else 0 for i in range(count))

    def write(self, register: int, data: bytes) -> None:
        raise AssertionError("a search must not write to what it does not know")


def bus_with(clock: SimClock, **chips: SimChip) -> Looked:
    """`chips`: by address, "at_0x68"."""
    wires = SimWires()
    wires.chips = {int(name.removeprefix("at_"), 16): chip for name, chip in chips.items()}
    return Looked(clock, wires)


def simulated(model: str, clock: SimClock, **options: object) -> SimChip:
    _, make = CHIPS[model]
    chip: SimChip = make(clock, standing, **options)
    return chip


def gravity_mps2(imu: Imu, clock: SimClock) -> float:
    for _ in range(5):
        clock.sleep(0.02)
        samples = imu.read()
    return samples[-1].accel_mps2[2]


def test_every_model_has_a_simulated_chip_and_a_place_in_the_configuration() -> None:
    assert set(MODELS) == set(CHIPS)
    for model in MODELS:
        ImuConfig(model=model)  # type: ignore[arg-type]
    assert WHEN_NOT_NAMED in MODELS


@pytest.mark.parametrize("named", [True, False], ids=["named", "auto"])
@pytest.mark.parametrize(("model", "address"), PLACES)
def test_each_model_is_found_at_each_of_its_addresses(model: str, address: int, named: bool) -> None:
    clock = SimClock()
    bus = bus_with(clock, **{f"at_{address:#x}": simulated(model, clock)})
    imu = make_imu(ImuConfig(model=model if named else "auto"), bus, clock)  # type: ignore[arg-type]
    assert (imu.info.model, imu.info.address) == (MODELS[model].name, address)
    assert gravity_mps2(imu, clock) == pytest.approx(9.8, abs=0.2)


@pytest.mark.parametrize("model", MODELS)
def test_an_address_in_the_configuration_is_the_only_one_looked_at(model: str) -> None:
    clock = SimClock()
    usual, other = MODELS[model].addresses[:2]
    bus = bus_with(clock, **{f"at_{usual:#x}": simulated(model, clock)})
    with pytest.raises(DeviceNotFound, match=rf"nothing answers on I2C bus 1 at {other:#04x}; check its wiring"):
        make_imu(ImuConfig(address=other), bus, clock)
    assert {address for address, _ in bus.reads} == {other}
    assert bus.closed


def test_an_empty_bus_is_told_with_every_address_and_what_to_check() -> None:
    clock = SimClock()
    bus = bus_with(clock)
    with pytest.raises(DeviceNotFound) as seen:
        make_imu(ImuConfig(), bus, clock)
    for _, address in PLACES:
        assert f"{address:#04x}" in str(seen.value)
    for advice in ("wiring", "3.3 V", "dtparam=i2c_arm=on", "imu.bus"):
        assert advice in str(seen.value)
    assert bus.closed
    assert len(bus.reads) == len({address for _, address in PLACES}), "one transfer for each address"


@pytest.mark.parametrize("model", MODELS)
def test_looking_only_reads(model: str) -> None:
    clock = SimClock()
    address, _ = CHIPS[model]
    stranger = simulated(model, clock, who_am_i=0x5A)
    bus = bus_with(clock, **{f"at_{address:#x}": stranger})
    with pytest.raises(WrongDevice, match=rf"no known chip on I2C bus 1: at {address:#04x} .* is 0x5a"):
        make_imu(ImuConfig(), bus, clock)
    assert not bus.writes
    assert bus.closed


def test_an_imu_beside_a_clock_chip_is_found_and_the_clock_left_alone() -> None:
    clock = SimClock()
    bus = bus_with(clock, at_0x68=Rtc(), at_0x69=simulated("mpu6050", clock))
    assert make_imu(ImuConfig(), bus, clock).info.address == 0x69


def test_a_clock_chip_alone_is_told_as_what_it_may_be() -> None:
    clock = SimClock()
    with pytest.raises(
        WrongDevice, match=r"at 0x68 WHO_AM_I is 0x00.*may be a DS3231 or DS1307 clock; expected one of"
    ):
        make_imu(ImuConfig(), bus_with(clock, at_0x68=Rtc()), clock)


def test_a_relative_that_is_not_known_is_told_by_its_name() -> None:
    clock = SimClock()
    with pytest.raises(WrongDevice, match=r"at 0x68 WHO_AM_I is 0x98 \(ICM-20689.*expected one of MPU-6050, MPU-6500"):
        make_imu(ImuConfig(), bus_with(clock, at_0x68=simulated("mpu6050", clock, who_am_i=0x98)), clock)


def test_an_mpu_6500_sold_as_an_mpu_6050_works_when_found_and_is_refused_by_name_when_the_other_is_named() -> None:
    clock = SimClock()
    bus = bus_with(clock, at_0x68=simulated("mpu6500", clock))
    with pytest.raises(WrongDevice, match=r'WHO_AM_I is 0x70 \(MPU-6500\), expected 0x68 .*set imu.model = "mpu6500"'):
        make_imu(ImuConfig(model="mpu6050"), bus, clock)
    assert bus.closed
    assert make_imu(ImuConfig(), bus_with(clock, at_0x68=simulated("mpu6500", clock)), clock).info.model == "MPU-6500"


def test_all_256_ids_are_either_a_model_or_refused() -> None:
    known = {0x68: "MPU-6050", 0x70: "MPU-6500", 0x71: "MPU-9250", 0x73: "MPU-9250"}
    for who_am_i in range(256):
        clock = SimClock()
        bus = bus_with(clock, at_0x68=simulated("mpu6500", clock, who_am_i=who_am_i))
        if who_am_i in known:
            assert make_imu(ImuConfig(), bus, clock).info.model == known[who_am_i]
        else:
            with pytest.raises(WrongDevice, match=f"WHO_AM_I is {who_am_i:#04x}"):
                make_imu(ImuConfig(), bus, clock)


def test_a_chip_that_answers_too_late_ends_the_search_at_once() -> None:
    clock = SimClock()
    bus = bus_with(clock, at_0x68=simulated("mpu6050", clock))
    bus.wires.stretch_s = 0.2
    with pytest.raises(BusError, match="a transfer took 200 ms"):
        make_imu(ImuConfig(), bus, clock)
    assert clock.now_ns() == 200_000_000
    assert bus.closed


def test_an_address_that_a_kernel_driver_holds_is_passed_over_and_told_when_nothing_else_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SimClock()
    kernel = FakeKernel(clock, simulated("mpu6050", clock))
    kernel.install(monkeypatch)
    kernel.driver_address = 0x68  # dtoverlay=i2c-rtc,ds3231
    with pytest.raises(WrongDevice, match="at 0x68 a kernel driver is at work, which may be a DS3231"):
        make_imu(ImuConfig(), SmbusBus(1), clock)
    assert {0x68, 0x69, 0x6A, 0x28} <= set(kernel.asked_addresses)
    with pytest.raises(BusError, match="a kernel driver holds 0x68; remove its dtoverlay") as seen:
        make_imu(ImuConfig(model="mpu6050", address=0x68), SmbusBus(1), clock)
    assert seen.value.code == errno.EBUSY
