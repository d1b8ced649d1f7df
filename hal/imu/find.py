"""Which motion sensor hangs on the bus, and its driver."""

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from hal.clock import Clock
from hal.config import ImuConfig
from hal.errors import BusError, DeviceNotFound, HalError, WrongDevice
from hal.i2c import NO_ANSWER, I2cBus
from hal.imu import bno055, icm20948, lsm6dsox, mpu6050, mpu_registers
from hal.imu.bno055 import Bno055
from hal.imu.fifo import FifoChip, FifoImu
from hal.imu.icm20948 import Icm20948
from hal.imu.imu import Imu
from hal.imu.lsm6dsox import Lsm6dsox
from hal.imu.mpu6050 import FAMILY, MPU6050, MPU6500, MPU9250, Mpu, Variant
from hal.registers import Registers

Identify = Callable[[Registers], tuple[bool, str]]
"""Whether the chip that answers is this one, and what it said: "WHO_AM_I is 0x70 (MPU-6500)".

It only reads, because it is tried on whatever hangs there. Raises BusError.
"""


@dataclass(frozen=True, slots=True)
class Model:
    """A chip that we can drive: where it can answer, how it is told from others, and how it is opened at an address."""

    name: str
    addresses: tuple[int, ...]  # the usual one first
    identify: Identify
    open: Callable[[ImuConfig, int, I2cBus, Clock], Imu]


def by_id(register: int, name: str, ids: tuple[int, ...], others: Mapping[int, str]) -> Identify:
    """Tells a chip by one register, whose `name` the data sheet gives; `others` may have it too."""

    def identify(registers: Registers) -> tuple[bool, str]:
        found = registers.read(register, 1)[0]
        return found in ids, f"{name} is {found:#04x}" + (f" ({others[found]})" if found in others else "")

    return identify


def _open_fifo(chip_class: Callable[..., FifoChip], config: ImuConfig, address: int, bus: I2cBus, clock: Clock) -> Imu:
    chip = chip_class(
        bus,
        clock,
        address=address,
        rate_hz=config.rate_hz,
        accel_range_g=config.accel_range_g,
        gyro_range_dps=config.gyro_range_dps,
    )
    return FifoImu(chip, bus, clock, config.mounting)


def _bno055(config: ImuConfig, address: int, bus: I2cBus, clock: Clock) -> Imu:
    return Bno055(
        bus,
        clock,
        address=address,
        rate_hz=config.rate_hz,
        accel_range_g=config.accel_range_g,  # its gyroscope measures ±2000 °/s, whatever is asked for
        mounting=config.mounting,
    )


def _mpu(variant: Variant) -> Model:
    relatives = {identity: other.name for other in FAMILY for identity in other.ids}
    identify = by_id(mpu_registers.WHO_AM_I, "WHO_AM_I", variant.ids, mpu6050.OTHER_IDS | relatives)
    return Model(variant.name, (0x68, 0x69), identify, partial(_open_fifo, partial(Mpu, variant)))


MODELS: Mapping[str, Model] = {
    "mpu6050": _mpu(MPU6050),
    "mpu6500": _mpu(MPU6500),
    "mpu9250": _mpu(MPU9250),
    "icm20948": Model("ICM-20948", (0x69, 0x68), icm20948.identify, partial(_open_fifo, Icm20948)),
    "lsm6dsox": Model(
        "LSM6DSOX",
        (0x6A, 0x6B),
        by_id(lsm6dsox.WHO_AM_I, "WHO_AM_I", (lsm6dsox.LSM6DSOX_ID,), lsm6dsox.OTHER_IDS),
        partial(_open_fifo, Lsm6dsox),
    ),
    "bno055": Model(
        "BNO055",
        (0x28, 0x29),
        bno055.identify,
        _bno055,
    ),
}
"""In the order in which they are looked for."""

STRANGERS = {
    0x29: "a VL53L0X distance sensor",
    0x68: "a DS3231 or DS1307 clock",
}
"""What often answers at these addresses and is no IMU."""


def make_imu(config: ImuConfig, bus: I2cBus, clock: Clock) -> Imu:
    """The driver of the chip that the configuration names, or that is found; it owns the bus.

    It closes the bus when it is closed or cannot be opened. Looking for a chip takes some milliseconds; the first
    transfer that takes longer than 50 ms ends it.

    Raises:
        DeviceNotFound: nothing answers at any address where the chip could be.
        WrongDevice: something answers, but it is not the chip that is named, or none that is known.
        BusError: the bus itself is in trouble.
        HalError: what the driver says when it opens the chip.
    """
    try:
        model, address = _find(config, bus, clock)
    except HalError:
        bus.close()
        raise
    return model.open(config, address, bus, clock)


def _find(config: ImuConfig, bus: I2cBus, clock: Clock) -> tuple[Model, int]:
    models = list(MODELS.values()) if config.model == "auto" else [MODELS[config.model]]
    usual = [address for model in models for address in model.addresses]
    addresses = list(dict.fromkeys(usual)) if config.address is None else [config.address]
    strangers: dict[int, list[str]] = {}
    for address in addresses:
        registers = Registers(bus, clock, address, f"IMU at {address:#04x}", {})
        candidates = [model for model in models if address in model.addresses] or models
        match, said = _look(registers, candidates)
        if match is not None:
            return match, address
        if said:
            strangers[address] = said
    if not strangers:
        where = ", ".join(f"{address:#04x}" for address in addresses)
        raise DeviceNotFound(
            f"IMU: not found, nothing answers on I2C bus {config.bus} at {where}; check its wiring, its 3.3 V supply, "
            "dtparam=i2c_arm=on in /boot/firmware/config.txt, and imu.bus and imu.address in rearguard.toml"
        )
    if config.model != "auto":
        return models[0], next(iter(strangers))  # its driver says what it found instead
    raise _unknown(config.bus, strangers)


def _look(registers: Registers, models: list[Model]) -> tuple[Model | None, list[str]]:
    """Which of the models answers; or what the chip said, nothing where there is none."""
    said = []
    for model in models:
        try:
            match, found = model.identify(registers)
        except BusError as error:
            if error.code == errno.EBUSY:  # a clock with its overlay, for example; the IMU may be elsewhere
                return None, ["a kernel driver is at work"]
            if error.code not in NO_ANSWER:
                raise
            return None, []
        if match:
            return model, []
        said.append(found)
    return None, said


def _unknown(bus: int, strangers: Mapping[int, list[str]]) -> WrongDevice:
    found = "; ".join(
        f"at {address:#04x} {', '.join(dict.fromkeys(said))}"
        + (f", which may be {STRANGERS[address]}" if address in STRANGERS else "")
        for address, said in strangers.items()
    )
    known = ", ".join(model.name for model in MODELS.values())
    return WrongDevice(
        f"IMU: no known chip on I2C bus {bus}: {found}; expected one of {known}; "
        "check the part's label and docs/HARDWARE.md"
    )
