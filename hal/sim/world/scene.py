"""What the simulated parts sense: a walker, the place behind her and her hand on the button, as functions of time."""

from dataclasses import dataclass
from typing import Protocol

from hal.samples import Vector


@dataclass(frozen=True, slots=True)
class Mark:
    """Something worth finding again happens at `t_s`: "walking", "wall in range", "sudden sway", "impact", ..."""

    t_s: float
    what: str


class World(Protocol):
    """Functions of the seconds since the world began, with the same answer whenever and in whatever order asked."""

    @property
    def name(self) -> str: ...

    @property
    def duration_s(self) -> float:
        """When the world ends; asked about later moments, it stays as it was at its end."""
        ...

    @property
    def marks(self) -> tuple[Mark, ...]:
        """In the order of time."""
        ...

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        """Specific force (m/s²) and angular rate (rad/s) in body axes forward, left, up."""
        ...

    def distance_m(self, t_s: float) -> float | None:
        """Free way behind the belt; None when nothing is within the rangefinder's reach."""
        ...

    def pressed(self, t_s: float) -> bool:
        """Whether the walker holds the button down."""
        ...
