"""Whether the device is worn as it must be, all through: not tilted at the start, not slipped, not loose."""

import math
from dataclasses import dataclass

CLEAR = 0.7
"""Of a limit, and it is well again."""


@dataclass(frozen=True, slots=True)
class WornWrongConfig:
    """When the device counts as slipped or loose, while she steps."""

    slipped_deg: float = 25.0  # of 55 people walking one was told so: his trial begins in another posture
    loose_radps: float = 1.2  # of 55 people walking one was told so, at 3.4 rad/s; the others kept below 1.0

    def __post_init__(self) -> None:
        for key, low, high in (("slipped_deg", 15.0, 40.0), ("loose_radps", 0.8, 3.0)):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"worn_wrong: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class WornWrong:
    """`complaint`: empty, or what is wrong and what to do. It silences nothing: a fall is judged as before."""

    def __init__(self, config: WornWrongConfig) -> None:
        self._slipped_rad, self._loose_radps = math.radians(config.slipped_deg), config.loose_radps
        self.restart()

    def restart(self) -> None:
        """It was taken off: how it will sit is not known."""
        self._slip_deg = 0  # 0: it has not slipped
        self._loose = False
        self.complaint = ""

    @property
    def slipped(self) -> bool:
        """The learned upright is no longer hers."""
        return self._slip_deg > 0

    def update(self, tilted: str, slipped_rad: float | None, wobble_radps: float | None) -> str:
        """What is wrong now; what is not known changes nothing.

        Args:
            tilted: what is wrong with how it sat when the upright was learned, or empty.
            slipped_rad: how far it has turned since then.
            wobble_radps: how much it turns to and fro, beyond the body.
        """
        if slipped_rad is not None:
            limit_rad = self._slipped_rad * (CLEAR if self._slip_deg else 1.0)
            # "not below": no number is no calm
            if not slipped_rad < limit_rad:
                self._slip_deg = self._slip_deg or (round(math.degrees(slipped_rad)) if slipped_rad < 4.0 else 180)
            else:
                self._slip_deg = 0
        if wobble_radps is not None:
            self._loose = not wobble_radps < self._loose_radps * (CLEAR if self._loose else 1.0)
        self.complaint = tilted or self._says()
        return self.complaint

    def _says(self) -> str:
        if self._slip_deg:
            return f"it has slipped by {self._slip_deg} deg: stop, clip it on upright and tight, and stand still"
        return "it is loose and wobbles: stop, and clip it on tight" if self._loose else ""
