"""Trunk sway about the usual lean, where it is heading, and what else tells that a walker loses her balance."""

import math
from dataclasses import dataclass

OMEGA0_RADPS = 3.3
"""sqrt(g / leg length) of an adult; Hof, Gazendam and Sinke (2005), J. Biomech. 38, 1-8: XcoM = x + v / omega0."""
_PER_OMEGA0_S = 1.0 / OMEGA0_RADPS


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
        self._usual_s, self._smoothing_s = config.usual_s, config.rate_smoothing_s
        self._limit_rad = math.radians(config.usual_limit_deg)
        self._usual_pitch_rad = self._usual_roll_rad = 0.0
        self._pitch_radps = self._roll_radps = 0.0
        self.pitch_rad = self.roll_rad = 0.0  # about the usual lean
        self.forward_rad = self.right_rad = 0.0  # extrapolated

    def restart(self) -> None:
        """Forget the motion, not the usual lean: for the first sample after a fault."""
        self._pitch_radps = self._roll_radps = 0.0

    def update(self, dt_s: float, pitch_rad: float, roll_rad: float, pitch_radps: float, roll_radps: float) -> None:
        """`dt_s` later: the tilt, and its rate meanwhile."""
        gain = dt_s / (self._smoothing_s + dt_s)
        self._pitch_radps = rate_pitch = self._pitch_radps + gain * (pitch_radps - self._pitch_radps)
        self._roll_radps = rate_roll = self._roll_radps + gain * (roll_radps - self._roll_radps)
        pitch, roll = pitch_rad - self._usual_pitch_rad, roll_rad - self._usual_roll_rad
        limit = self._limit_rad
        if -limit < pitch_rad < limit and -limit < roll_rad < limit:
            slow = dt_s / (self._usual_s + dt_s)
            self._usual_pitch_rad += slow * pitch
            self._usual_roll_rad += slow * roll
        self.pitch_rad, self.roll_rad = pitch, roll
        self.forward_rad = pitch + rate_pitch * _PER_OMEGA0_S
        self.right_rad = roll + rate_roll * _PER_OMEGA0_S

    @property
    def rate_radps(self) -> float:
        """How fast the trunk tilts, whatever the direction."""
        return math.hypot(self._pitch_radps, self._roll_radps)


_RATE_S = 0.15  # of the tilt rate: longer than the jolt of a heel
_JOLT_S = 0.3
_LEVEL_S = 1.0  # over which the mean vertical acceleration is no movement
_FORGETS_S = 0.4  # a vertical speed from acceleration alone drifts


class BalanceCues:
    """What each 40 ms, or one sample of a slower sensor, say about the balance.

    `values`: extrapolated tilt forward, backward and sideways (rad), tilt rate (rad/s), root mean square of those
    means of |a| - g over 0.3 s (m/s2), vertical speed of the trunk down and up (m/s); all 0 or more.
    """

    def __init__(self, trunk: TrunkSway) -> None:
        self._trunk = trunk
        self.restart()

    def restart(self) -> None:
        """Forget the motion: for the first sample after a fault."""
        self._pitch_radps = self._roll_radps = 0.0
        self._square = self._level_mps2 = self._up_mps = 0.0
        self.values: tuple[float, ...] = (0.0,) * 7

    def update(
        self, span_s: float, pitch_radps: float, roll_radps: float, jolt_mps2: float, vertical_mps2: float
    ) -> None:
        """The trunk's sway is up to date; the means of the last `span_s`: tilt rates, |a| - g, upward acceleration."""
        trunk = self._trunk
        gain = span_s / (_RATE_S + span_s)
        self._pitch_radps = pitch = self._pitch_radps + gain * (pitch_radps - self._pitch_radps)
        self._roll_radps = roll = self._roll_radps + gain * (roll_radps - self._roll_radps)
        self._square = square = self._square + span_s / (_JOLT_S + span_s) * (jolt_mps2 * jolt_mps2 - self._square)
        self._level_mps2 = level = self._level_mps2 + span_s / (_LEVEL_S + span_s) * (vertical_mps2 - self._level_mps2)
        self._up_mps = up_mps = (self._up_mps + (vertical_mps2 - level) * span_s) * (_FORGETS_S / (_FORGETS_S + span_s))
        forward_rad = trunk.forward_rad
        self.values = (
            forward_rad if not forward_rad < 0.0 else 0.0,  # NaN stays NaN
            -forward_rad if not forward_rad > 0.0 else 0.0,
            abs(trunk.right_rad),
            math.sqrt(pitch * pitch + roll * roll),
            math.sqrt(square),
            -up_mps if not up_mps > 0.0 else 0.0,
            up_mps if not up_mps < 0.0 else 0.0,
        )
