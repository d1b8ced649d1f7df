"""A simulated battery and the Pi that it feeds, as functions of the world's time."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

RESTING_V = ((0.0, 3.10), (0.05, 3.45), (0.15, 3.62), (0.3, 3.70), (0.5, 3.78), (0.7, 3.93), (0.9, 4.08), (1.0, 4.18))
"""Share of the charge and volts of a lithium cell at rest; typical of 18650 cells, no particular one."""
RESISTANCE_OHM = 0.12
RIPPLE_A, RIPPLE_HZ = 0.05, 0.37  # a processor's load is never quite even


class PowerWorld(Protocol):
    """Asked in whatever order, it gives the same answer for the same second of the world."""

    def share(self, t_s: float) -> float: ...

    def voltage_v(self, t_s: float) -> float: ...

    def current_a(self, t_s: float) -> float: ...

    def throttled(self, t_s: float) -> int:
        """The word that the Pi's firmware gives for get_throttled."""
        ...

    def cpu_c(self, t_s: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Battery:
    """A cell that is emptied evenly, feeding a Pi that is well."""

    start_share: float = 0.8
    hours: float = 5.0  # from full to empty
    mean_current_a: float = 0.6

    def share(self, t_s: float) -> float:
        return min(max(self.start_share - t_s / (self.hours * 3600), 0.0), 1.0)

    def voltage_v(self, t_s: float) -> float:
        share = self.share(t_s)
        (from_share, from_v), (to_share, to_v) = next(
            (low, high) for low, high in pairwise(RESTING_V) if share <= high[0]
        )
        resting_v = from_v + (to_v - from_v) * (share - from_share) / (to_share - from_share)
        return resting_v - RESISTANCE_OHM * self.current_a(t_s)

    def current_a(self, t_s: float) -> float:
        return self.mean_current_a + RIPPLE_A * math.sin(math.tau * RIPPLE_HZ * t_s)

    def throttled(self, t_s: float) -> int:
        return 0

    def cpu_c(self, t_s: float) -> float:
        return 48.0
