"""A simulated INA219, register by register. "DS" is Texas Instruments' data sheet SBOS448G.

What trips drivers is in it: a conversion-ready bit that only reading POWER (or a new mode) clears, a shunt voltage
clipped to the range that is set, a calibration bit that cannot be set, and a register number that does not count up.
Left out: conversion noise, and modes that convert one of the two voltages alone.
"""

from hal.sim.chips.gauge import SimGauge
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.world.battery import PowerWorld

CONFIG, SHUNT, BUS, POWER, CURRENT, CALIBRATION = range(6)  # DS table 2
POWER_ON = 0x399F  # DS 8.6.2.1
RESET = 0x8000
READY, OVERFLOW = 0x0002, 0x0001  # BUS
BUS_LSB_V, SHUNT_LSB_V = 4e-3, 10e-6
CONVERSIONS_S = {
    3: 532e-6,
    **{8 + n: 532e-6 * 2**n for n in range(8)},
}  # by the ADC bits (DS table 5); others are faster
ALL_THE_TIME = 0x0007  # CONFIG: mode


class SimIna219(SimGauge):
    """With a shunt of `shunt_ohm` between the world's battery and what it feeds."""

    def __init__(
        self,
        clock: SimClock,
        world: PowerWorld,
        *,
        shunt_ohm: float = 0.1,
        slowness: float = 1.0,
        epoch_ns: int = 0,
        fault: Fault | None = None,
    ) -> None:
        """`slowness`: how much longer than its typical time a conversion takes, up to 586/532 (DS 7.5)."""
        self._shunt_ohm, self._slowness = shunt_ohm, slowness
        super().__init__(clock, world, epoch_ns=epoch_ns, fault=fault, step=0)

    def power_cycle(self) -> None:
        self.words = {CONFIG: POWER_ON, CALIBRATION: 0, SHUNT: 0, BUS: 0, POWER: 0, CURRENT: 0}
        self._since_s = self._world_s()  # when the conversion that is under way began

    def take(self, register: int, word: int) -> None:
        if register == CALIBRATION:
            self.words[CALIBRATION] = word & ~1  # DS 8.6.4.1
        elif register == CONFIG and word & RESET:
            self.power_cycle()
        elif register == CONFIG:
            self.words[CONFIG] = word & 0x3FFF
            self.words[BUS] &= ~READY
            self._since_s = self._world_s()

    def given(self, register: int) -> None:
        if register == POWER and self.words[BUS] & READY:
            self.words[BUS] &= ~READY
            self._since_s = self._world_s()

    def measure(self, t_s: float) -> None:
        config = self.words[CONFIG]
        if config & ALL_THE_TIME != ALL_THE_TIME:
            return
        takes_s = self._slowness * sum(CONVERSIONS_S.get(config >> bit & 0xF, 148e-6) for bit in (3, 7))
        ready = self.words[BUS] & READY or t_s - self._since_s >= takes_s
        if not ready:
            return
        full_v = 0.04 * 2 ** (config >> 11 & 3)  # DS table 4
        shunt_v = max(-full_v, min(full_v, self.world.current_a(t_s) * self._shunt_ohm))
        most_v = 32.0 if config & 0x2000 else 16.0
        bus = round(min(self.world.voltage_v(t_s), most_v) / BUS_LSB_V)
        current = round(shunt_v / SHUNT_LSB_V) * self.words[CALIBRATION] >> 12
        overflow = OVERFLOW if abs(current) > 0x7FFF else 0
        self.words[SHUNT] = round(shunt_v / SHUNT_LSB_V) & 0xFFFF
        self.words[BUS] = bus << 3 | READY | overflow
        self.words[CURRENT] = current & 0xFFFF
        self.words[POWER] = abs(current) * bus // 5000 & 0xFFFF
