"""A simulated MPU-6050, or a successor, on a belt, for the tests of its driver."""

import itertools
import math
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from hal.clock import Clock
from hal.i2c import I2cBus
from hal.imu import mpu6050
from hal.imu.fifo import FifoImu
from hal.imu.mounting import SIGNED_AXES, Mounting
from hal.imu.mpu6050 import Mpu, Variant
from hal.samples import ImuSample, Vector
from hal.sim.chips import mpu6050 as sim
from hal.sim.chips.imu import Motion
from hal.sim.clock import SimClock
from hal.sim.i2c import SimI2cBus, SimWires

G0_MPS2 = 9.80665
ACCEL_LSB_MPS2, GYRO_LSB_RADPS = G0_MPS2 / 2048, math.radians(1 / 16.4)
# Five times the chip's noise (3.3 mg and 0.042 °/s) and one LSB
ACCEL_TOLERANCE_MPS2 = 5 * 3.4e-3 * G0_MPS2 + ACCEL_LSB_MPS2
GYRO_TOLERANCE_RADPS = 5 * math.radians(0.042) + GYRO_LSB_RADPS

KINDS = {
    "mpu6050": (mpu6050.MPU6050, sim.MPU6050),
    "mpu6500": (mpu6050.MPU6500, sim.MPU6500),
    "mpu9250": (mpu6050.MPU9250, sim.MPU9250),
}
"""The driver's and the simulation's side of each chip of the family."""


def standing(t_s: float) -> tuple[Vector, Vector]:
    return (0.0, 0.0, G0_MPS2), (0.0, 0.0, 0.0)


def mountings() -> st.SearchStrategy[Mounting]:
    """All 24 that are square to the body."""
    return st.sampled_from(square_mountings())


def square_mountings() -> list[Mounting]:
    square = []
    for names in itertools.product(SIGNED_AXES, repeat=3):
        try:
            square.append(Mounting(*names))
        except ValueError:
            continue
    return square


def open_mpu(
    bus: I2cBus, clock: Clock, variant: Variant = mpu6050.MPU6050, mounting: Mounting | None = None, **settings: int
) -> FifoImu:
    return FifoImu(Mpu(variant, bus, clock, **settings), bus, clock, mounting)


class Worn:
    """A chip on a belt, and the drivers opened for it one after the other."""

    def __init__(
        self,
        motion: Motion = standing,
        *,
        kind: str = "mpu6050",
        mounting: Mounting | None = None,
        byte_s: float = 0.0,
        **options: Any,
    ) -> None:
        """`options`: those of the simulated chip."""
        self.clock = SimClock()
        self.mounting = mounting or Mounting()
        self.variant, sim_kind = KINDS[kind]
        self.chip = sim.SimMpu6050(self.clock, motion, kind=sim_kind, mounting=self.mounting, **options)
        self.wires = SimWires()
        self.wires.chips[0x68] = self.chip
        self._byte_s = byte_s

    def bus(self) -> SimI2cBus:
        return SimI2cBus(self.clock, byte_s=self._byte_s, wires=self.wires)

    def open(self, rate_hz: int = 100, **settings: int) -> FifoImu:
        return open_mpu(self.bus(), self.clock, self.variant, self.mounting, rate_hz=rate_hz, **settings)

    def read_until(self, imu: FifoImu, end_s: float, step_s: float = 0.02) -> list[ImuSample]:
        samples = []
        while self.clock.now_ns() < end_s * 1e9:
            self.clock.sleep(step_s)
            samples += imu.read()
        return samples


class Meddler(SimI2cBus):
    """A bus on which one kind of read is changed on its way."""

    def __init__(self, worn: Worn) -> None:
        super().__init__(worn.clock, wires=worn.wires)
        self.meddle: Callable[[int, bytes], bytes] = lambda register, answer: answer

    def read(self, address: int, register: int, count: int) -> bytes:
        return self.meddle(register, super().read(address, register, count))
