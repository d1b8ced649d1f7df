"""HC-SR04 at its two pins: a trigger pulse in, an echo pulse out, and the ways in which that fails.

Sources: ElecFreaks HC-SR04 user guide; 0.45 ms to the echo's rise and 38 ms without an object are measured on modules.
"""

import math
from collections.abc import Callable

from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory

SHORTEST_TRIGGER_NS = 10_000
RISE_DELAY_S = 0.45e-3
NO_OBJECT_S = 0.038
FARTHEST_M = 4.5
COVERED_M = 0.005
SLOW_S = 0.1
DELAY_S = 0.02


class SimHcSr04:
    """Wired to two pins; `distance_m(t_s)` is the free way at the ping, None for nothing in range."""

    def __init__(
        self,
        pins: SimPinFactory,
        *,
        trigger: int,
        echo: int,
        distance_m: Callable[[float], float | None],
        temperature_c: float = 20.0,
        no_object_s: float = NO_OBJECT_S,
        fault: Fault | None = None,
        epoch_ns: int = 0,
    ) -> None:
        self._clock: SimClock = pins.clock
        self._echo = pins.sim_pin(echo)
        self._distance_m, self._epoch_ns = distance_m, epoch_ns
        self._s_per_m = 2 / (331.3 + 0.606 * temperature_c)
        self._no_object_s = no_object_s
        self._fault = fault or Fault("ok", "rangefinder")
        self._random = self._fault.random()
        self._trigger_up_ns: int | None = None
        self._busy_until_ns = 0
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
        if up_ns is not None and now_ns - up_ns >= SHORTEST_TRIGGER_NS and now_ns >= self._busy_until_ns:
            self._answer(self._t_s(now_ns))

    def _answer(self, t_s: float) -> None:
        word = self._fault.word if self._fault.active(t_s) else "ok"
        if word in ("off", "intermittent"):
            return
        delay_s, width_s = self._pulse(t_s, word)
        self._busy_until_ns = self._due_ns(t_s + delay_s + width_s)
        self._drive_at(t_s + delay_s, True)
        self._drive_at(t_s + delay_s + width_s, False)

    def _pulse(self, t_s: float, word: str) -> tuple[float, float]:
        """Delay and width in seconds."""
        if word == "garbage":
            return self._random.uniform(0, 0.02), math.exp(self._random.uniform(math.log(50e-6), math.log(0.05)))
        if word == "wrong":
            return RISE_DELAY_S, COVERED_M * self._s_per_m
        distance_m = self._distance_m(t_s)
        out_of_range = distance_m is None or distance_m > FARTHEST_M
        width_s = self._no_object_s if out_of_range or distance_m is None else max(distance_m, 0.0) * self._s_per_m
        return RISE_DELAY_S + {"slow": SLOW_S, "delayed": DELAY_S}.get(word, 0.0), width_s

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
