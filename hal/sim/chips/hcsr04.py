"""HC-SR04, HC-SR04P and JSN-SR04T at their two pins: a trigger pulse in, an echo pulse out, and the ways it fails.

Sources: ElecFreaks HC-SR04 user guide; Jieshenna JSN-SR04T output modes, mode 1; 0.45 ms to the echo's rise and 38 ms
without an object are measured on modules, 12.3 ms on JSN-SR04T (esphome/esphome, pull request 12897).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hal.hcsr04 import EchoModel
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory

COVERED = 0.25  # of the least distance that can be measured
NEAREST_M = 0.005
SLOW_S = 0.1
DELAY_S = 0.02
GAS_J_PER_KG_K = 8.314462618 / 0.0289647  # dry air
ADIABATIC_INDEX = 1.4


@dataclass(frozen=True, slots=True)
class Module:
    """What is soldered on the module."""

    shortest_trigger_ns: int
    rise_delay_s: float
    no_object_s: float  # how long the line is high then
    farthest_m: float
    blind_m: float = 0.02
    one_transducer: bool = False  # deaf while it rings: the first echo from nearer than `blind_m` is not heard


MODULES: dict[EchoModel, Module] = {
    "hcsr04": Module(10_000, 0.45e-3, 0.038, 4.5),
    "hcsr04p": Module(10_000, 0.45e-3, math.inf, 4.5),  # the kind without a time-out of its own
    "jsn_sr04t": Module(20_000, 12.3e-3, 0.060, 6.0, blind_m=0.20, one_transducer=True),
}


class SimHcSr04:
    """Wired to two pins; `distance_m(t_s)` is the free way at the ping, None for nothing in range."""

    def __init__(
        self,
        pins: SimPinFactory,
        *,
        trigger: int,
        echo: int,
        distance_m: Callable[[float], float | None],
        model: EchoModel = "hcsr04",
        temperature_c: float = 20.0,
        no_object_s: float | None = None,
        strange_s: Sequence[float] = (),
        fault: Fault | None = None,
        epoch_ns: int = 0,
    ) -> None:
        """`no_object_s`: of a clone that differs; `strange_s`: when another device's sound arrives, in order."""
        self._clock: SimClock = pins.clock
        self._echo = pins.sim_pin(echo)
        self._distance_m, self._epoch_ns = distance_m, epoch_ns
        self._module = MODULES[model]
        self._s_per_m = 2 / math.sqrt(ADIABATIC_INDEX * GAS_J_PER_KG_K * (temperature_c + 273.15))
        self.no_object_s = self._module.no_object_s if no_object_s is None else no_object_s
        self._strange_s = strange_s
        self._fault = fault or Fault("ok", "rangefinder")
        self._random = self._fault.random()
        self._trigger_up_ns: int | None = None
        self._busy_until_s = -math.inf
        pins.sim_pin(trigger).listen(self._triggered)
        if self._fault.word == "stuck":
            self._drive_at(self._fault.start_s, True)
            self._drive_at(self._fault.end_s + 1e-6, False)  # after the end, however it is rounded

    def _triggered(self, high: bool) -> None:
        now_ns = self._clock.now_ns()
        if high:
            self._trigger_up_ns = now_ns
            return
        up_ns, self._trigger_up_ns = self._trigger_up_ns, None
        t_s = self._t_s(now_ns)
        if up_ns is not None and now_ns - up_ns >= self._module.shortest_trigger_ns and t_s >= self._busy_until_s:
            self._answer(t_s)

    def _answer(self, t_s: float) -> None:
        word = self._fault.word if self._fault.active(t_s) else "ok"
        if word in ("off", "intermittent"):
            return
        delay_s, width_s = self._pulse(t_s, word)
        self._busy_until_s = t_s + delay_s + width_s
        self._drive_at(t_s + delay_s, True)
        self._drive_at(t_s + delay_s + width_s, False)

    def _pulse(self, t_s: float, word: str) -> tuple[float, float]:
        """Delay and width in seconds."""
        delay_s, blind_m = self._module.rise_delay_s, self._module.blind_m
        if word == "garbage":
            return self._random.uniform(0, 0.02), math.exp(self._random.uniform(math.log(50e-6), math.log(0.05)))
        if word == "wrong":
            return delay_s, COVERED * blind_m * self._s_per_m
        delay_s += {"slow": SLOW_S, "delayed": DELAY_S}.get(word, 0.0)
        rise_s = t_s + delay_s
        deaf_s = blind_m * self._s_per_m
        strange_s = (arrival_s - rise_s for arrival_s in self._strange_s if arrival_s - rise_s > deaf_s)
        return delay_s, min(self._own_echo_s(t_s), next(strange_s, math.inf))

    def _own_echo_s(self, t_s: float) -> float:
        """How long after the rise its own sound comes back."""
        module, distance_m = self._module, self._distance_m(t_s)
        if distance_m is None or distance_m > module.farthest_m:
            return self.no_object_s
        distance_m = max(distance_m, 0.0)
        if module.one_transducer and distance_m < module.blind_m:
            distance_m *= math.ceil(module.blind_m / max(distance_m, NEAREST_M))  # to and fro again and again
        return distance_m * self._s_per_m

    def _drive_at(self, t_s: float, level: bool) -> None:
        if math.isfinite(t_s):
            due_ns = self._due_ns(t_s)
            self._clock.call_at(due_ns, lambda: self._drive(level, due_ns))

    def _drive(self, level: bool, due_ns: int) -> None:
        stuck = self._fault.word == "stuck" and self._fault.active(self._t_s(due_ns))
        self._echo.drive(level or stuck, due_ns)

    def _t_s(self, t_ns: int) -> float:
        return (t_ns - self._epoch_ns) / 1e9

    def _due_ns(self, t_s: float) -> int:
        return self._epoch_ns + round(t_s * 1e9)
