"""What simulated fuel gauges have in common: 16-bit registers, high byte first, and the ways in which they fail."""

from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.i2c import Nack
from hal.sim.world.battery import PowerWorld

SLOW_S = 0.08
DELAY_S = 0.2
SPELL_SHIFT_S = 0.25  # a gauge is asked at whole or half seconds, and no spell ever covers the beginning of one


class SimGauge:
    """A chip at the other end of a SimI2cBus, measuring `world`; its maker says what its registers hold."""

    def __init__(
        self, clock: SimClock, world: PowerWorld, *, epoch_ns: int = 0, fault: Fault | None = None, step: int = 2
    ) -> None:
        """`step`: how far the register number counts up with each word of a longer read; 0: not at all."""
        self.clock, self.world, self._epoch_ns, self._step = clock, world, epoch_ns, step
        self._fault = fault or Fault("ok", "power")
        self._random = self._fault.random()
        self._frozen_s: float | None = None
        self.words: dict[int, int] = {}
        self.power_cycle()

    def power_cycle(self) -> None:
        """Everything as at power-on."""
        raise NotImplementedError

    def measure(self, t_s: float) -> None:
        """Put what the chip measures at `t_s` into its words."""
        raise NotImplementedError

    def take(self, register: int, word: int) -> None:
        """A word was written."""
        self.words[register] = word

    def given(self, register: int) -> None:
        """A word was read."""

    def read(self, register: int, count: int) -> bytes:
        self._answer()
        if self._failing("garbage"):
            return self._random.randbytes(count)
        self.measure(self._measured_s())
        data = bytearray()
        while len(data) < count:
            data += self.words.get(register, 0).to_bytes(2, "big")
            self.given(register)
            register += self._step
        return bytes(data[:count])

    def write(self, register: int, data: bytes) -> None:
        self._answer()
        if self._failing("garbage"):
            return  # what arrives is not what was sent
        for at in range(0, len(data) - 1, 2):
            self.take(register, int.from_bytes(data[at : at + 2], "big"))
            register += self._step

    def _answer(self) -> None:
        """Be addressed, and fail as told."""
        if self._failing("off") or self._failing("intermittent"):
            raise Nack
        if self._failing("slow"):
            self.clock.sleep(SLOW_S)
        if self._failing("delayed"):
            self.clock.sleep(DELAY_S)
        if self._failing("wrong"):
            self.power_cycle()

    def _measured_s(self) -> float:
        if not self._failing("stuck"):
            self._frozen_s = None
            return self._world_s()
        if self._frozen_s is None:
            self._frozen_s = self._world_s()
        return self._frozen_s

    def _failing(self, word: str) -> bool:
        t_s = self._world_s()
        if word != self._fault.word or not self._fault.start_s <= t_s:
            return False
        return self._fault.active(t_s + SPELL_SHIFT_S if word == "intermittent" else t_s)

    def _world_s(self) -> float:
        return (self.clock.now_ns() - self._epoch_ns) / 1e9
