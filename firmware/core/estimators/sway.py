"""Trunk sway about the usual lean, and where it is heading."""

import math
from dataclasses import dataclass

OMEGA0_RADPS = 3.3
"""sqrt(g / leg length) of an adult; Hof, Gazendam and Sinke (2005), J. Biomech. 38, 1-8: XcoM = x + v / omega0."""


@dataclass(frozen=True, slots=True)
class TrunkSwayConfig:
    """How the usual lean is followed."""

    usual_s: float = 6.0  # much longer than a step, shorter than a change of posture
    usual_limit_deg: float = 12.0  # a larger lean is no posture to get used to
    rate_smoothing_s: float = 0.05  # drops the jolt of the heel

    def __post_init__(self) -> None:
        for key, low, high in (("usual_s", 3.0, 60.0), ("usual_limit_deg", 5.0, 15.0), ("rate_smoothing_s", 0.02, 0.2)):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"trunk_sway: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class TrunkSway:
    """Extrapolated tilt theta + rate / omega0 of the trunk, forward and to the right positive, in radians."""

    def __init__(self, config: TrunkSwayConfig) -> None:
        self._config = config
        self._limit_rad = math.radians(config.usual_limit_deg)
        self._t_ns: int | None = None
        self._usual_pitch_rad = self._usual_roll_rad = 0.0
        self._pitch_radps = self._roll_radps = 0.0
        self.pitch_rad = self.roll_rad = 0.0  # about the usual lean
        self.forward_rad = self.right_rad = 0.0  # extrapolated
        self.rate_radps = 0.0

    def restart(self) -> None:
        """Forget the motion, not the usual lean: for the first sample after a fault."""
        self._t_ns = None
        self._pitch_radps = self._roll_radps = 0.0

    def update(self, t_ns: int, pitch_rad: float, roll_rad: float, pitch_radps: float, roll_radps: float) -> None:
        dt_s = 0.0 if self._t_ns is None else (t_ns - self._t_ns) * 1e-9
        self._t_ns = t_ns
        gain = dt_s / (self._config.rate_smoothing_s + dt_s)
        self._pitch_radps += gain * (pitch_radps - self._pitch_radps)
        self._roll_radps += gain * (roll_radps - self._roll_radps)
        pitch, roll = pitch_rad - self._usual_pitch_rad, roll_rad - self._usual_roll_rad
        limit = self._limit_rad
        if -limit < pitch_rad < limit and -limit < roll_rad < limit:
            slow = dt_s / (self._config.usual_s + dt_s)
            self._usual_pitch_rad += slow * pitch
            self._usual_roll_rad += slow * roll
        self.pitch_rad, self.roll_rad = pitch, roll
        self.forward_rad = pitch + self._pitch_radps / OMEGA0_RADPS
        self.right_rad = roll + self._roll_radps / OMEGA0_RADPS
        self.rate_radps = math.sqrt(self._pitch_radps * self._pitch_radps + self._roll_radps * self._roll_radps)
