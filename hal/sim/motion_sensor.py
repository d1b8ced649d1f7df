"""The simulated motion sensor of a board: the chip that the configuration names, at its address."""

from collections.abc import Callable, Mapping
from functools import partial

from hal.config import ImuConfig
from hal.imu.find import make_imu
from hal.imu.imu import Imu
from hal.sim.chips.bno055 import SimBno055
from hal.sim.chips.icm20948 import SimIcm20948
from hal.sim.chips.imu import Motion, SimImu
from hal.sim.chips.lsm6dsox import SimLsm6dsox
from hal.sim.chips.mpu6050 import MPU6050, MPU6500, MPU9250, SimMpu6050
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.i2c import SimI2cBus, SimWires

CHIPS: Mapping[str, tuple[int, Callable[..., SimImu]]] = {
    "mpu6050": (0x68, partial(SimMpu6050, kind=MPU6050)),
    "mpu6500": (0x68, partial(SimMpu6050, kind=MPU6500)),
    "mpu9250": (0x68, partial(SimMpu6050, kind=MPU9250)),
    "icm20948": (0x69, SimIcm20948),
    "lsm6dsox": (0x6A, SimLsm6dsox),
    "bno055": (0x28, SimBno055),
}
"""By imu.model: where the chip usually answers, and what simulates it."""

WHEN_NOT_NAMED = "mpu6050"


class SimMotionSensor:
    """Chip and wires live on while drivers are closed and opened again."""

    def __init__(self, config: ImuConfig, motion: Motion, *, clock: SimClock, epoch_ns: int, fault: Fault) -> None:
        self._config, self._clock = config, clock
        address, make_chip = CHIPS[WHEN_NOT_NAMED if config.model == "auto" else config.model]
        self.chip = make_chip(clock, motion, epoch_ns=epoch_ns, fault=fault, mounting=config.mounting)
        self.wires = SimWires()
        self.wires.chips[address if config.address is None else config.address] = self.chip

    def open(self) -> Imu:
        bus = SimI2cBus(self._clock, number=self._config.bus, wires=self.wires)
        return make_imu(self._config, bus, self._clock)
