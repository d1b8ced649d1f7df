"""What published studies found, to hold a walk against. Each with its source; none of them is a diagnosis."""

from dataclasses import dataclass

from firmware.core.backward_test import BANDS


@dataclass(frozen=True, slots=True)
class Norm:
    """Mean and standard deviation among the people of a study."""

    mean: float
    sd: float
    source: str


LEE = "Lee 2014: 284 people of 65 years and more, walking forward; no norm for backward was found"
SWAY_ROLL_DEG = Norm(6.0, 2.0, LEE)
SWAY_PITCH_DEG = Norm(6.7, 2.2, LEE)
SPEED_SOURCE = "Fritz 2013: of 62 older people all who had fallen walked backward more slowly than 0.6 m/s"


def band_words(duration_s: float) -> str:
    """Where a test lies among the published limits."""
    limits = [band.limit_s for band in BANDS]
    below = next((limit for limit in limits if duration_s <= limit), None)
    above = next((limit for limit in reversed(limits) if duration_s > limit), None)
    if above is None:
        return f"up to {below:g} s"
    return f"over {above:g} s" if below is None else f"{above:g} to {below:g} s"
