"""A simulated MPU-6050, or a successor, without a driver."""

import struct

from hal.samples import Vector
from hal.sim.chips.mpu6050 import SimMpu6050
from hal.sim.clock import SimClock
from hal.sim.i2c import SimI2cBus

G0_MPS2 = 9.80665
ACCEL_GYRO_FRAME = struct.Struct(">6h")


def standing(t_s: float) -> tuple[Vector, Vector]:
    return (0.0, 0.0, G0_MPS2), (0.0, 0.0, 0.0)


class Bench:
    """A chip on a bus, and a few words to talk to it."""

    def __init__(self, motion=standing, **options) -> None:  # type: ignore[no-untyped-def]
        self.clock = SimClock()
        self.chip = SimMpu6050(self.clock, motion, **{"clock_error": 0.0, **options})
        self.bus = SimI2cBus(self.clock)
        self.bus.add(0x68, self.chip)

    def get(self, register: int, count: int = 1) -> bytes:
        return self.bus.read(0x68, register, count)

    def put(self, register: int, value: int) -> None:
        self.bus.write(0x68, register, bytes([value]))

    def wake(self, *, divider: int = 9, accel: int = 0x18, gyro: int = 0x18) -> None:
        """Awake at 1 kHz / (1 + divider), low-pass filter on, accelerometer and gyroscope into the FIFO."""
        for register, value in ((0x6B, 0x01), (0x1A, 3), (0x1B, gyro), (0x1C, accel), (0x23, 0x78), (0x6A, 0x40)):
            self.put(register, value)
        self.put(0x19, divider)

    def count(self) -> int:
        return int.from_bytes(self.get(0x72, 2), "big")

    def frames(self) -> list[tuple[int, ...]]:
        return list(ACCEL_GYRO_FRAME.iter_unpack(self.get(0x74, self.count())))
