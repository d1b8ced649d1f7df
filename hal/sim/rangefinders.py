"""The rangefinders of a simulated board: chips as the configuration says, and the shipping drivers on them."""

import math
from collections.abc import Callable

from hal.air import Air
from hal.board import Rangefinder, make_low_rangefinder, make_rangefinder
from hal.config import BoardConfig
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.chips.i2cxl import SimI2cxl
from hal.sim.clock import SimClock
from hal.sim.faults import Fault, fault_of
from hal.sim.i2c import SimI2cBus
from hal.sim.pins import SimPin, SimPinFactory
from hal.sim.world.scene import World


class SimRangefinders:
    """The straight one, and the low one where it is fitted; each has its own clock."""

    def __init__(
        self,
        config: BoardConfig,
        world: World,
        *,
        faults: tuple[Fault, ...],
        epoch_ns: int,
        new_clock: Callable[[], SimClock],
    ) -> None:
        """Raises ValueError when a part is to fail that is not fitted."""
        self._config, self._world, self._faults, self._epoch_ns = config, world, faults, epoch_ns
        self._air = Air()
        self._clock = new_clock()
        self._pins = SimPinFactory(self._clock)
        self._i2cxl = self._connect()
        self._low_pins = SimPinFactory(new_clock() if config.low_rangefinder.fitted else self._clock)
        self._connect_low()

    def open(self) -> Rangefinder:
        return make_rangefinder(self._config.rangefinder, self._clock, self._air, lambda: self._pins, self._open_bus)

    def open_low(self) -> Rangefinder:
        pins, temperature_c = self._low_pins, self._config.rangefinder.temperature_c
        return make_low_rangefinder(self._config.low_rangefinder, pins.clock, self._air, lambda: pins, temperature_c)

    @property
    def echo_pin(self) -> SimPin:
        """Of the straight one, whose wire may break; as `trigger_pin`."""
        return self._pins.sim_pin(self._config.rangefinder.echo)

    @property
    def trigger_pin(self) -> SimPin:
        return self._pins.sim_pin(self._config.rangefinder.trigger)

    @property
    def pings_s(self) -> dict[str, list[float]]:
        """When each one pinged, in the world's time."""
        config = self._config
        on_pins = [("rangefinder", self._pins, config.rangefinder.trigger if config.rangefinder.on_pins else None)]
        on_pins += [("low_rangefinder", self._low_pins, config.low_rangefinder.trigger)]
        pings = {part: self._rises_s(pins, trigger) for part, pins, trigger in on_pins if trigger is not None}
        return pings if self._i2cxl is None else pings | {"rangefinder": self._i2cxl.commands_s}

    def low_distance_m(self, t_s: float) -> float:
        """Along the low one's beam: the floor, or the wall where that is nearer. The trunk counts as upright."""
        tilt_rad = math.radians(self._config.low_rangefinder.tilt_deg)
        floor_m = self._config.low_rangefinder.height_m / math.sin(tilt_rad)
        level_m = self._world.distance_m(t_s)
        return floor_m if level_m is None else min(floor_m, level_m / math.cos(tilt_rad))

    def _rises_s(self, pins: SimPinFactory, trigger: int) -> list[float]:
        return [(state.t_ns - self._epoch_ns) / 1e9 for state in pins.sim_pin(trigger).history if state.level]

    def _connect(self) -> SimI2cxl | None:
        """The chip that is on the bus; one that is on pins is reached over these."""
        config, fault = self._config.rangefinder, fault_of("rangefinder", self._faults)
        distance_m, temperature_c = self._world.distance_m, config.temperature_c
        if config.model == "i2cxl":
            return SimI2cxl(self._clock, distance_m, temperature_c=temperature_c, fault=fault, epoch_ns=self._epoch_ns)
        SimHcSr04(
            self._pins,
            trigger=config.trigger,
            echo=config.echo,
            distance_m=distance_m,
            model=config.model,
            temperature_c=temperature_c,
            fault=fault,
            epoch_ns=self._epoch_ns,
        )
        return None

    def _connect_low(self) -> None:
        config, fault = self._config.low_rangefinder, fault_of("low_rangefinder", self._faults)
        if config.trigger is None or config.echo is None:
            if fault.word != "ok":
                raise ValueError("fault: there is no low_rangefinder to fail; set low_rangefinder.trigger and .echo")
            return
        SimHcSr04(
            self._low_pins,
            trigger=config.trigger,
            echo=config.echo,
            distance_m=self.low_distance_m,
            model=config.model,
            temperature_c=self._config.rangefinder.temperature_c,
            fault=fault,
            epoch_ns=self._epoch_ns,
        )

    def _open_bus(self, number: int) -> SimI2cBus:
        bus = SimI2cBus(self._clock, number=number)
        if self._i2cxl is not None:
            bus.add(self._config.rangefinder.address, self._i2cxl)
        return bus
