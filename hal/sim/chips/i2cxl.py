"""MaxBotix I2CXL-MaxSonar-EZ on a simulated bus: busy while it measures, then two bytes of centimetres.

Source: MaxBotix PD11848k. Its ranging times between 25 ms near by (40 Hz) and 66 ms for the full range (15 Hz) are
taken as 20 ms and the time that the sound needs.
"""

import math
from collections.abc import Callable

from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.i2c import Nack

TAKE_RANGE = 81
S_PER_CM = 58e-6
SENDING_S = 0.02
SLOW_S = 0.3
DELAY_S = 0.06
FIRST_BIT = 0x8000
GAS_J_PER_KG_K = 8.314462618 / 0.0289647  # dry air
ADIABATIC_INDEX = 1.4


class SimI2cxl:
    """`distance_m(t_s)` is the free way at the command, None for nothing in range."""

    def __init__(
        self,
        clock: SimClock,
        distance_m: Callable[[float], float | None],
        *,
        least_cm: int = 20,
        temperature_c: float = 20.0,
        fault: Fault | None = None,
        epoch_ns: int = 0,
    ) -> None:
        self._clock, self._distance_m, self._epoch_ns = clock, distance_m, epoch_ns
        self._least_cm = least_cm
        self._s_per_m = 2 / math.sqrt(ADIABATIC_INDEX * GAS_J_PER_KG_K * (temperature_c + 273.15))
        self._fault = fault or Fault("ok", "rangefinder")
        self._random = self._fault.random()
        self._ready_s = -math.inf
        self.part_info = b"\x12\x32"  # told before the first range; what it is, the data sheet does not say
        self.told = self.part_info
        self.commands_s: list[float] = []

    def read(self, register: int, count: int) -> bytes:
        """It has no registers: the write that would name one is no command, and is followed by the last range."""
        self._turn()
        return self.told[:count]

    def write(self, register: int, data: bytes) -> None:
        word = self._turn()
        if register != TAKE_RANGE or data or word == "stuck":
            return
        t_s = self._t_s()
        echo_s = self._echo_s(t_s)
        self.told = self._range_cm(echo_s, word).to_bytes(2, "big")
        self._ready_s = t_s + SENDING_S + echo_s + (SLOW_S if word == "slow" else 0.0)
        self.commands_s.append(t_s)

    def receive(self, count: int) -> bytes:
        self._turn()
        return self.told[:count]

    def brown_out(self) -> None:
        """The supply was away for a moment."""
        self._ready_s, self.told = -math.inf, self.part_info

    def _turn(self) -> str:
        """What is wrong now. Raises Nack while it measures, or is not there."""
        t_s = self._t_s()
        word = self._fault.word if self._fault.active(t_s) else "ok"
        if word in ("off", "intermittent"):
            self._ready_s = -math.inf
            raise Nack
        if word == "delayed":
            self._clock.sleep(DELAY_S)
        if t_s < self._ready_s:
            raise Nack
        return word

    def _echo_s(self, t_s: float) -> float:
        distance_m, most_s = self._distance_m(t_s), 765 * S_PER_CM
        return most_s if distance_m is None else min(max(distance_m, 0.0) * self._s_per_m, most_s)

    def _range_cm(self, echo_s: float, word: str) -> int:
        if word == "garbage":
            return self._random.randrange(0x10000)
        range_cm = max(round(echo_s / S_PER_CM), self._least_cm)
        return range_cm | FIRST_BIT if word == "wrong" else range_cm

    def _t_s(self) -> float:
        return (self._clock.now_ns() - self._epoch_ns) / 1e9
