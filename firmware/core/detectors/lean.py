"""A soft cue to stand up straight: the trunk leans far from its own upright, step after step."""

import math
from dataclasses import dataclass

from firmware.core.messages import Detection, Hazard, Severity


@dataclass(frozen=True, slots=True)
class LeanConfig:
    """How far and how long the trunk may lean from the upright that was learned standing, before a cue is given.

    Source of 10 degrees for 5 s: peers.md W13. People who walked slowly leaned by 6 at the most (`bench.posture`).
    """

    enabled: bool = True
    forward_deg: float = 10.0
    backward_deg: float = 10.0
    sideways_deg: float = 10.0
    smoothing_s: float = 2.0  # the swing of the steps is no posture
    hold_s: float = 5.0
    every_s: float = 30.0  # at most one cue in so long
    back_share: float = 0.7  # of the limit, and the posture is good again
    give_up_after_s: float = 180.0  # nobody leans so long in spite of the cues: the device has slipped

    def __post_init__(self) -> None:
        for key, low, high in (
            ("forward_deg", 8.0, 40.0),
            ("backward_deg", 8.0, 40.0),
            ("sideways_deg", 8.0, 40.0),
            ("smoothing_s", 1.0, 20.0),
            ("hold_s", 3.0, 60.0),
            ("every_s", 30.0, 600.0),
            ("back_share", 0.3, 0.95),
            ("give_up_after_s", 60.0, 1800.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"lean: {key} ({getattr(self, key)}) must lie between {low} and {high}")


_STRAIGHT = Detection(Hazard.LEAN, Severity.NONE)


class LeanDetector:
    """`detection` says in which direction she leans; how often that is heard, is a matter of the alerts' table."""

    def __init__(self, config: LeanConfig) -> None:
        self._config = config
        degrees = (config.forward_deg, config.backward_deg, config.sideways_deg)
        self._limits = tuple(math.radians(limit) for limit in degrees)
        self._next_ns: int | None = None
        self.clear()

    def clear(self) -> None:
        """Nobody walks, or nothing is known about the trunk."""
        self._t_ns: int | None = None
        self._since_ns: int | None = None
        self._pitch_rad = self._roll_rad = 0.0
        self.detection = _STRAIGHT

    def update(self, t_ns: int, pitch_rad: float, roll_rad: float) -> Detection:
        """In walking: tilt from the own upright, forward and to the right positive. No number changes nothing."""
        if not (self._config.enabled and math.isfinite(pitch_rad) and math.isfinite(roll_rad)):
            return self.detection  # a broken sensor is another hazard, and no posture
        dt_s = 0.0 if self._t_ns is None else (t_ns - self._t_ns) * 1e-9
        self._t_ns = t_ns
        gain = dt_s / (self._config.smoothing_s + dt_s)
        self._pitch_rad += gain * (pitch_rad - self._pitch_rad)
        self._roll_rad += gain * (roll_rad - self._roll_rad)
        self._judge(t_ns)
        return self.detection

    def _judge(self, t_ns: int) -> None:
        forward, backward, sideways = self._limits
        along = self._pitch_rad / (forward if self._pitch_rad > 0.0 else backward)
        across = self._roll_rad / sideways
        if max(abs(along), abs(across)) < (1.0 if self.detection is _STRAIGHT else self._config.back_share):
            self._since_ns, self.detection = None, _STRAIGHT
            return
        if self._since_ns is None:
            self._since_ns = t_ns
        leant_s = (t_ns - self._since_ns) * 1e-9
        if leant_s >= self._config.give_up_after_s:
            self.detection = _STRAIGHT
        elif leant_s >= self._config.hold_s and self.detection is _STRAIGHT and t_ns >= (self._next_ns or t_ns):
            self._next_ns = t_ns + round(self._config.every_s * 1e9)
            self.detection = Detection(Hazard.LEAN, Severity.CUE, self._data(along, across))

    def _data(self, along: float, across: float) -> dict[str, str | float]:
        if abs(across) > abs(along):
            direction, tilt_rad = "right" if across > 0.0 else "left", self._roll_rad
        else:
            direction, tilt_rad = "forward" if along > 0.0 else "backward", self._pitch_rad
        return {"direction": direction, "lean_deg": round(abs(math.degrees(tilt_rad)), 1)}
