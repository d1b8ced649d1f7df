"""How the device is fed: the battery's gauge, where there is one, and what the Pi says of its supply."""

from collections.abc import Callable

from hal.clock import Clock
from hal.config import PowerConfig
from hal.errors import HalError
from hal.i2c import I2cBus
from hal.power.find import find_gauge, open_gauge
from hal.power.gauge import BatteryReading, Gauge
from hal.power.pi_supply import Supply
from hal.samples import PowerSample, SensorFault

PART = "power"


class Power:
    """Read once each `power.period_s`; a gauge that fails is opened anew at the next reading.

    A gauge that was configured, or found once, and fails is a SensorFault *beside* the sample: with the battery
    unknown, the Pi's own flags are still told. "auto" that never found one has nothing to miss.
    """

    def __init__(self, config: PowerConfig, open_bus: Callable[[], I2cBus], supply: Supply, clock: Clock) -> None:
        """Opens nothing yet."""
        self._config: PowerConfig | None = None if config.gauge == "none" else config
        self._open_bus, self._supply, self._clock = open_bus, supply, clock
        self._gauge: Gauge | None = None

    def read(self) -> list[PowerSample | SensorFault]:
        """One sample, and what is wrong with the gauge, if anything is."""
        fault = None
        battery = BatteryReading()
        try:
            battery = self._battery()
        except HalError as error:
            self.close()
            if self._config is not None and self._config.gauge != "auto":
                fault = SensorFault(self._clock.now_ns(), PART, type(error).__name__, str(error))
        supply = self._supply.read()
        sample = PowerSample(
            self._clock.now_ns(),
            battery.share,
            battery.voltage_v,
            battery.current_a,
            supply.undervoltage,
            supply.throttled,
            supply.cpu_c,
        )
        return [sample] if fault is None else [sample, fault]

    def close(self) -> None:
        gauge, self._gauge = self._gauge, None
        if gauge is not None:
            gauge.close()

    def _battery(self) -> BatteryReading:
        if self._gauge is None:
            if self._config is not None and self._config.gauge == "auto":
                self._config = self._look(self._config)
            if self._config is None:
                return BatteryReading()
            self._gauge = open_gauge(self._config, self._open_bus(), self._clock)
        return self._gauge.read()

    def _look(self, config: PowerConfig) -> PowerConfig | None:
        bus = self._open_bus()
        try:
            return find_gauge(config, bus, self._clock)
        finally:
            bus.close()
