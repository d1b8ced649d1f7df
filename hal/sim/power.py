"""A simulated gauge on its bus, and what a simulated Pi says of its supply, under the driver that ships."""

from collections.abc import Callable
from dataclasses import replace

from hal.clock import Clock
from hal.config import PowerConfig
from hal.i2c import I2cBus
from hal.power import ina219, max17048
from hal.power.pi_supply import SupplyFlags, SupplyReading
from hal.power.power import Power
from hal.sim.chips.gauge import SimGauge
from hal.sim.chips.ina219 import SimIna219
from hal.sim.chips.max17048 import SimMax17048
from hal.sim.clock import SimClock
from hal.sim.faults import Fault, fault_of
from hal.sim.i2c import SimI2cBus
from hal.sim.world.battery import PowerWorld


class SimPower:
    """Fitted when it is first opened; from then on the chip lives on while its driver is closed and opened again.

    "auto" is a board without a gauge, unless a fault names the part: then it has a MAX17048, for the fault to bite.
    """

    def __init__(
        self,
        config: PowerConfig,
        new_clock: Callable[[], SimClock],
        world: PowerWorld,
        *,
        epoch_ns: int,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        """Raises ValueError when two faults name the part."""
        if config.gauge == "auto":
            named = any(fault.part == "power" for fault in faults)
            config = replace(config, gauge="max17048" if named else "none", address=None)
        self._config, self._new_clock, self._world, self._epoch_ns = config, new_clock, world, epoch_ns
        self._fault = fault_of("power", faults)
        self._clock: SimClock | None = None
        self._chips: dict[int, SimGauge] = {}

    def open(self) -> Power:
        clock = self._clock
        if clock is None:
            clock = self._clock = self._new_clock()
            self._chips = self._fitted(clock)
        return Power(self._config, lambda: self._bus(clock), SimSupply(clock, self._world, self._epoch_ns), clock)

    def _fitted(self, clock: SimClock) -> dict[int, SimGauge]:
        config, world, epoch_ns, fault = self._config, self._world, self._epoch_ns, self._fault
        if config.gauge == "none":
            return {}
        if config.gauge == "ina219":
            address = ina219.ADDRESSES[0] if config.address is None else config.address
            return {address: SimIna219(clock, world, shunt_ohm=config.shunt_ohm, epoch_ns=epoch_ns, fault=fault)}
        address = max17048.ADDRESS if config.address is None else config.address
        return {address: SimMax17048(clock, world, epoch_ns=epoch_ns, fault=fault)}

    def _bus(self, clock: SimClock) -> I2cBus:
        bus = SimI2cBus(clock, number=self._config.bus)
        for address, chip in self._chips.items():
            bus.add(address, chip)
        return bus


class SimSupply:
    """What the Pi would say of its supply in this world."""

    def __init__(self, clock: Clock, world: PowerWorld, epoch_ns: int) -> None:
        self._clock, self._world, self._epoch_ns = clock, world, epoch_ns

    def read(self) -> SupplyReading:
        t_s = (self._clock.now_ns() - self._epoch_ns) / 1e9
        flags = SupplyFlags.of(self._world.throttled(t_s))
        return SupplyReading(flags.undervoltage, flags.capped or flags.throttled, self._world.cpu_c(t_s))
