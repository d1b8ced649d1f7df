"""A simulated MPU-6050 on a belt, for the tests of its driver."""

import math
from collections.abc import Callable

from hal.imu.mounting import Mounting
from hal.imu.mpu6050 import Mpu6050
from hal.samples import ImuSample, Vector
from hal.sim.chips.mpu6050 import Motion, SimMpu6050
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.i2c import SimI2cBus

G0_MPS2 = 9.80665
ACCEL_LSB_MPS2, GYRO_LSB_RADPS = G0_MPS2 / 2048, math.radians(1 / 16.4)
# Five times the chip's noise (3.3 mg and 0.042 °/s) and one LSB
ACCEL_TOLERANCE_MPS2 = 5 * 3.4e-3 * G0_MPS2 + ACCEL_LSB_MPS2
GYRO_TOLERANCE_RADPS = 5 * math.radians(0.042) + GYRO_LSB_RADPS


def standing(t_s: float) -> tuple[Vector, Vector]:
    return (0.0, 0.0, G0_MPS2), (0.0, 0.0, 0.0)


class Worn:
    """A chip on a belt, and the drivers opened for it one after the other."""

    def __init__(
        self,
        motion: Motion = standing,
        *,
        fault: Fault | None = None,
        mounting: Mounting | None = None,
        clock_error: float = 0.008,
        byte_s: float = 0.0,
        who_am_i: int = 0x68,
    ) -> None:
        self.clock = SimClock()
        self.mounting = mounting or Mounting()
        self.chip = SimMpu6050(
            self.clock, motion, fault=fault, mounting=self.mounting, clock_error=clock_error, who_am_i=who_am_i
        )
        self._byte_s = byte_s

    def bus(self) -> SimI2cBus:
        bus = SimI2cBus(self.clock, byte_s=self._byte_s)
        bus.add(0x68, self.chip)
        return bus

    def open(self, rate_hz: int = 100) -> Mpu6050:
        return Mpu6050(self.bus(), self.clock, mounting=self.mounting, rate_hz=rate_hz)

    def read_until(self, imu: Mpu6050, end_s: float, step_s: float = 0.02) -> list[ImuSample]:
        samples = []
        while self.clock.now_ns() < end_s * 1e9:
            self.clock.sleep(step_s)
            samples += imu.read()
        return samples


class Meddler(SimI2cBus):
    """A bus on which one kind of read is changed on its way."""

    def __init__(self, worn: Worn) -> None:
        super().__init__(worn.clock)
        self.add(0x68, worn.chip)
        self.meddle: Callable[[int, bytes], bytes] = lambda register, answer: answer

    def read(self, address: int, register: int, count: int) -> bytes:
        return self.meddle(register, super().read(address, register, count))
