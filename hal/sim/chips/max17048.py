"""A simulated MAX17048, register by register. "DS" is Maxim's data sheet 19-6171, revision 7.

What trips drivers is in it: no estimate within the first second after power-on, the reset indicator, hibernation in
which values are up to 45 s old, and an alert bit that the chip sets in a register of settings.
Left out: sleep, quick-start, voltage alerts, and the model behind the share, which the world gives.
"""

from hal.sim.chips.gauge import SimGauge
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.world.battery import PowerWorld

VCELL, SOC, MODE, VERSION, HIBRT, CONFIG, VALRT, CRATE, VRESET, STATUS, CMD = (
    0x02, 0x04, 0x06, 0x08, 0x0A, 0x0C, 0x14, 0x16, 0x18, 0x1A, 0xFE
)  # fmt: skip
READ_ONLY = {VCELL, SOC, VERSION, CRATE}
POWER_ON = {MODE: 0, HIBRT: 0x8030, CONFIG: 0x971C, VALRT: 0x00FF, VRESET: 0x9600, STATUS: 0x0100}  # DS table 2
RESET = 0x5400  # CMD
ESTIMATE_S = 1.0  # DS "SOC Register"
HIBERNATE_S = 45.0  # from measurement to measurement (DS "Hibernate Mode")
HIBERNATE_AFTER_S = 360.0  # of a charge rate below the threshold
SHARE_PER_H_LSB = 0.00208
VOLT_LSB, SHARE_LSB = 78.125e-6, 1 / 25600
ALERT = 0x0020


class SimMax17048(SimGauge):
    """Its cell and its host have known it since long before the world began; when `fresh`, since a moment ago."""

    def __init__(
        self,
        clock: SimClock,
        world: PowerWorld,
        *,
        epoch_ns: int = 0,
        fault: Fault | None = None,
        version: int = 0x0012,
        fresh: bool = False,
    ) -> None:
        self._version = version
        super().__init__(clock, world, epoch_ns=epoch_ns, fault=fault)
        if not fresh:
            self._power_on_s -= 3600.0
            self.words[STATUS] = 0

    def power_cycle(self) -> None:
        self.words = {**POWER_ON, VERSION: self._version}
        self._power_on_s = self._world_s()

    def take(self, register: int, word: int) -> None:
        if register == CMD and word == RESET:
            self.power_cycle()
        elif register not in READ_ONLY:
            self.words[register] = word

    def measure(self, t_s: float) -> None:
        since_s = t_s - self._power_on_s
        if since_s < ESTIMATE_S:
            self.words |= {VCELL: 0, SOC: 0, CRATE: 0}
            return
        rate = (self.world.share(t_s) - self.world.share(t_s - 1.0)) * 3600  # of a full charge, in an hour
        hibernating = since_s > HIBERNATE_AFTER_S and abs(rate) < (self.words[HIBRT] & 0xFF) * SHARE_PER_H_LSB
        at_s = t_s - t_s % HIBERNATE_S if hibernating else t_s
        share = self.world.share(at_s)
        self.words[VCELL] = _clipped(self.world.voltage_v(at_s) / VOLT_LSB)
        self.words[SOC] = _clipped(share / SHARE_LSB)
        self.words[CRATE] = round(rate / SHARE_PER_H_LSB) & 0xFFFF
        if share * 100 < 32 - (self.words[CONFIG] & 0x1F):
            self.words[CONFIG] |= ALERT


def _clipped(value: float) -> int:
    return max(0, min(0xFFFF, round(value)))
