"""Trunk sway about the usual lean, where it is heading, and what else tells that a walker loses her balance."""

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


SLICE_NS = 20_000_000
_G0_MPS2 = 9.80665
_RATE_S = 0.15  # of the tilt rate: longer than the jolt of a heel
_JOLT_S = 0.3
_LEVEL_S = 1.0  # over which the mean vertical acceleration is no movement
_FORGETS_S = 0.4  # a vertical speed from acceleration alone drifts


class BalanceCues:
    """Slices of 20 ms, or of one sample of a slower sensor, and what each says about the balance.

    `values`: extrapolated tilt forward, backward and sideways (rad), tilt rate (rad/s), root mean square of |a| - g
    over 0.3 s (m/s2), vertical speed of the trunk down and up (m/s); all 0 or more. The mean of a slice drops the
    spikes of a bare accelerometer and makes 50, 100 and 200 Hz alike.
    """

    def __init__(self, trunk: TrunkSway) -> None:
        self._trunk = trunk
        self.restart()

    def restart(self) -> None:
        """Forget the motion: for the first sample after a fault."""
        self._until_ns: int | None = None
        self._pitch_radps = self._roll_radps = 0.0
        self._square = self._level_mps2 = self._up_mps = 0.0
        self._restart_sums()
        self.values: tuple[float, ...] = (0.0,) * 7
        self.span_s = 0.0

    def _restart_sums(self) -> None:
        self._count = 0
        self._sum_pitch = self._sum_roll = self._sum_size = self._sum_vertical = 0.0

    def update(
        self,
        t_ns: int,
        tilt_rad: tuple[float, float],
        rates_radps: tuple[float, float],
        magnitude_mps2: float,
        vertical_mps2: float,
    ) -> bool:
        """One sample; tilt and its rate forward and to the right. True when a slice was finished with it."""
        if self._until_ns is None:
            self._until_ns = self._began_ns = t_ns
            self._trunk.update(t_ns, *tilt_rad, *rates_radps)
            return False
        self._count += 1
        self._sum_pitch += rates_radps[0]
        self._sum_roll += rates_radps[1]
        self._sum_size += magnitude_mps2
        self._sum_vertical += vertical_mps2
        if t_ns < self._until_ns:
            return False
        self._finish(t_ns, tilt_rad)
        # A steady grid, so that 100 and 200 Hz agree; after a late sample it begins anew.
        self._until_ns += SLICE_NS
        if self._until_ns <= t_ns:
            self._until_ns = t_ns + SLICE_NS
        return True

    def _finish(self, t_ns: int, tilt_rad: tuple[float, float]) -> None:
        share, dt_s = 1.0 / self._count, max(0.0, (t_ns - self._began_ns) * 1e-9)
        self._began_ns, self.span_s = t_ns, dt_s
        pitch_radps, roll_radps = self._sum_pitch * share, self._sum_roll * share
        size_mps2, vertical_mps2 = self._sum_size * share - _G0_MPS2, self._sum_vertical * share
        trunk = self._trunk
        trunk.update(t_ns, *tilt_rad, pitch_radps, roll_radps)
        gain = dt_s / (_RATE_S + dt_s)
        self._pitch_radps += gain * (pitch_radps - self._pitch_radps)
        self._roll_radps += gain * (roll_radps - self._roll_radps)
        self._square += dt_s / (_JOLT_S + dt_s) * (size_mps2 * size_mps2 - self._square)
        self._level_mps2 += dt_s / (_LEVEL_S + dt_s) * (vertical_mps2 - self._level_mps2)
        keep = _FORGETS_S / (_FORGETS_S + dt_s)
        self._up_mps = (self._up_mps + (vertical_mps2 - self._level_mps2) * dt_s) * keep
        forward_rad, up_mps = trunk.forward_rad, self._up_mps
        self.values = (
            forward_rad if not forward_rad < 0.0 else 0.0,  # NaN stays NaN
            -forward_rad if not forward_rad > 0.0 else 0.0,
            abs(trunk.right_rad),
            math.sqrt(self._pitch_radps * self._pitch_radps + self._roll_radps * self._roll_radps),
            math.sqrt(self._square),
            -up_mps if not up_mps > 0.0 else 0.0,
            up_mps if not up_mps < 0.0 else 0.0,
        )
        self._restart_sums()
