"""A simulated BNO055 on a belt, for the tests of its driver."""

from collections.abc import Callable
from typing import Any

from hal.i2c import I2cBus
from hal.imu.bno055 import Bno055
from hal.imu.mounting import Mounting
from hal.samples import ImuSample, Vector
from hal.sim.chips.bno055 import SimBno055
from hal.sim.chips.imu import Motion
from hal.sim.clock import SimClock
from hal.sim.i2c import SimI2cBus

G0_MPS2 = 9.80665
ADDRESS = 0x28


def standing(t_s: float) -> tuple[Vector, Vector]:
    return (0.0, 0.0, G0_MPS2), (0.0, 0.0, 0.0)


def telling_the_time(t_s: float) -> tuple[Vector, Vector]:
    """The forward axis says when it was measured: 100 m/s² is one second."""
    alive = (37.3 * t_s) % 1  # more than a step on each axis: one that stands still would be a dead one
    a, g = 0.03 * alive, 0.003 * alive
    return (100 * (t_s % 1), a, G0_MPS2 + a), (g, g, g)


class Worn:
    """A chip on a belt, and the drivers opened for it one after the other."""

    def __init__(
        self, motion: Motion = standing, *, mounting: Mounting | None = None, byte_s: float = 0.0, **options: Any
    ) -> None:
        self.clock = SimClock()
        self.mounting = mounting or Mounting()
        self.chip = SimBno055(self.clock, motion, mounting=self.mounting, **options)
        self._byte_s = byte_s

    def bus(self) -> SimI2cBus:
        bus = SimI2cBus(self.clock, byte_s=self._byte_s)
        bus.add(ADDRESS, self.chip)
        return bus

    def open(self, *, bus: I2cBus | None = None, rate_hz: int = 100, accel_range_g: int = 16) -> Bno055:
        return Bno055(
            bus or self.bus(), self.clock, rate_hz=rate_hz, accel_range_g=accel_range_g, mounting=self.mounting
        )

    def read_for(self, imu: Bno055, duration_s: float, into: list[ImuSample] | None = None) -> list[ImuSample]:
        """Read every 20 ms, as the guard does. `into` keeps what was read before an error."""
        samples = [] if into is None else into
        due_ns = self.clock.now_ns()
        end_ns = due_ns + round(duration_s * 1e9)
        while due_ns < end_ns:
            samples += imu.read()
            due_ns = max(due_ns + 20_000_000, self.clock.now_ns())
            self.clock.advance_to(due_ns)
        return samples


class Meddler(SimI2cBus):
    """A bus on which what is read is changed on its way."""

    def __init__(self, worn: Worn) -> None:
        super().__init__(worn.clock)
        self.add(ADDRESS, worn.chip)
        self.meddle: Callable[[int, bytes], bytes] = lambda register, answer: answer

    def read(self, address: int, register: int, count: int) -> bytes:
        return self.meddle(register, super().read(address, register, count))
