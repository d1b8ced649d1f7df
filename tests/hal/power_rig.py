"""A battery that stands still, and gauges on a simulated bus, for the tests of their drivers."""

from dataclasses import dataclass

from hal.power.ina219 import Ina219
from hal.power.max17048 import Max17048
from hal.samples import PowerSample, SensorFault
from hal.sim.chips.gauge import SimGauge
from hal.sim.chips.ina219 import SimIna219
from hal.sim.chips.max17048 import SimMax17048
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.i2c import SimI2cBus


@dataclass
class Cell:
    """Set by the test; the same at every moment until then."""

    full: float = 0.5
    volts: float = 3.8
    amps: float = 0.4
    word: int = 0
    celsius: float = 50.0

    def share(self, t_s: float) -> float:
        return self.full

    def voltage_v(self, t_s: float) -> float:
        return self.volts

    def current_a(self, t_s: float) -> float:
        return self.amps

    def throttled(self, t_s: float) -> int:
        return self.word

    def cpu_c(self, t_s: float) -> float:
        return self.celsius


class Wire(SimI2cBus):
    """A bus that counts how often it was closed and who was spoken to."""

    def __init__(self, clock: SimClock) -> None:
        super().__init__(clock)
        self.closings = 0
        self.asked: list[int] = []

    def read(self, address: int, register: int, count: int) -> bytes:
        self.asked.append(address)
        return super().read(address, register, count)

    def close(self) -> None:
        self.closings += 1
        super().close()


class Rig:
    """One gauge on a bus, and the drivers opened for it one after the other."""

    def __init__(self, chip: SimGauge, address: int) -> None:
        self.clock, self.chip, self.address = chip.clock, chip, address
        self.bus = self.wire()

    def wire(self) -> Wire:
        self.bus = Wire(self.clock)
        self.bus.add(self.address, self.chip)
        return self.bus

    def max17048(self) -> Max17048:
        return Max17048(self.wire(), self.clock, address=self.address)

    def ina219(self, shunt_ohm: float = 0.1) -> Ina219:
        return Ina219(self.wire(), self.clock, address=self.address, shunt_ohm=shunt_ohm)


def max17048_rig(cell: Cell, *, fault: Fault | None = None, version: int = 0x0012, fresh: bool = False) -> Rig:
    return Rig(SimMax17048(SimClock(), cell, fault=fault, version=version, fresh=fresh), 0x36)


def ina219_rig(cell: Cell, *, fault: Fault | None = None, shunt_ohm: float = 0.1, address: int = 0x40) -> Rig:
    return Rig(SimIna219(SimClock(), cell, shunt_ohm=shunt_ohm, fault=fault), address)


def sample_of(read: list[PowerSample | SensorFault]) -> PowerSample:
    (sample,) = [one for one in read if isinstance(one, PowerSample)]
    return sample


def fault_in(read: list[PowerSample | SensorFault]) -> SensorFault | None:
    return next((one for one in read if isinstance(one, SensorFault)), None)
