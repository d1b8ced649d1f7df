"""Warns when the trunk suddenly sways farther than it usually does."""

import math
from dataclasses import dataclass

from firmware.core.messages import Detection, Hazard, Severity


@dataclass(frozen=True, slots=True)
class SwayConfig:
    """How far the extrapolated tilt (tilt + rate / 3.3 rad/s) may go from the usual lean; degrees, to be edited."""

    backward_deg: float = 20.0  # tighter than forward: there is no foot behind yet
    forward_deg: float = 26.0
    sideways_deg: float = 24.0
    clear_share: float = 0.6  # of the limit, so that the buzzer does not flutter at it
    hold_s: float = 0.08  # longer than the jolt of one heel
    clear_s: float = 0.5

    def __post_init__(self) -> None:
        for key, low, high in (
            ("backward_deg", 8.0, 40.0),
            ("forward_deg", 8.0, 45.0),
            ("sideways_deg", 8.0, 45.0),
            ("clear_share", 0.2, 0.95),
            ("hold_s", 0.0, 0.5),
            ("clear_s", 0.0, 3.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"sway: {key} ({getattr(self, key)}) must lie between {low} and {high}")


_CALM = Detection(Hazard.SWAY, Severity.NONE)


class SwayDetector:
    """Extrapolated tilt beyond the limit of its direction, for longer than one jolt."""

    def __init__(self, config: SwayConfig) -> None:
        self._config = config
        self._backward_rad = math.radians(config.backward_deg)
        self._forward_rad = math.radians(config.forward_deg)
        self._sideways_rad = math.radians(config.sideways_deg)
        self._hold_ns, self._clear_ns = round(config.hold_s * 1e9), round(config.clear_s * 1e9)
        self._since_ns: int | None = None
        self._calm_since_ns: int | None = None
        self.detection = _CALM

    def clear(self) -> None:
        """Nobody walks, or nothing is known about the trunk; the sensor's fault is another hazard."""
        self._since_ns = self._calm_since_ns = None
        self.detection = _CALM

    def update(self, t_ns: int, forward_rad: float, right_rad: float) -> Detection:
        """Extrapolated tilt about the usual lean, forward and to the right positive."""
        along = forward_rad / self._forward_rad if forward_rad > 0.0 else -forward_rad / self._backward_rad
        across = abs(right_rad) / self._sideways_rad
        if self.detection is _CALM:
            if along < 1.0 and across < 1.0:  # false for NaN: a broken estimate warns instead of hiding
                self._since_ns = None
            elif self._since_ns is None:
                self._since_ns = t_ns
            elif t_ns - self._since_ns >= self._hold_ns:
                self._warn(along, across, forward_rad, right_rad)
        elif not (along < self._config.clear_share and across < self._config.clear_share):
            self._calm_since_ns = None
        elif self._calm_since_ns is None:
            self._calm_since_ns = t_ns
        elif t_ns - self._calm_since_ns >= self._clear_ns:
            self.clear()
        return self.detection

    def _warn(self, along: float, across: float, forward_rad: float, right_rad: float) -> None:
        if across > along:
            direction = "right" if right_rad > 0.0 else "left"
        else:
            direction = "forward" if forward_rad > 0.0 else "backward"
        tilt_deg = math.degrees(math.hypot(forward_rad, right_rad))
        self.detection = Detection(
            Hazard.SWAY,
            Severity.WARNING,
            {"direction": direction, "extrapolated_tilt_deg": round(tilt_deg, 1) if tilt_deg == tilt_deg else None},
        )
