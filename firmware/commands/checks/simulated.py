"""The board that `rearguard doctor --simulated` looks at: somebody stands there and presses the button."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from firmware.errors import ConfigError
from hal.board import Board
from hal.config import BoardConfig
from hal.samples import Vector
from hal.sim.board import SimBoard
from hal.sim.clock import SimClock
from hal.sim.faults import parse_fault
from hal.sim.world.scenarios import scenario
from hal.sim.world.scene import Mark, World

PRESSED_S = 0.1  # from then on: a contact that is slow or late is seen only at a press


@dataclass(frozen=True, slots=True)
class Pressing:
    """A world whose walker holds the button down from `PRESSED_S` on."""

    world: World
    name: str = "doctor"

    @property
    def duration_s(self) -> float:
        return self.world.duration_s

    @property
    def marks(self) -> tuple[Mark, ...]:
        return self.world.marks

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        return self.world.motion(t_s)

    def distance_m(self, t_s: float) -> float | None:
        return self.world.distance_m(t_s)

    def pressed(self, t_s: float) -> bool:
        return t_s >= PRESSED_S


def simulated_boards(config: BoardConfig, texts: Sequence[str]) -> Callable[[], Board]:
    """Makes boards that are all alike, each with a clock of its own. Faults without a time bite from the beginning.

    Raises:
        ConfigError: two faults name the same part, or one a part that is not fitted.
    """
    faults = tuple(parse_fault(text) if "@" in text else replace(parse_fault(text), start_s=0.0) for text in texts)
    world = Pressing(scenario("stand"))

    def board() -> Board:
        clock = SimClock()
        return SimBoard(config, world, faults=faults, epoch_ns=0, new_clock=lambda: clock)

    try:
        board()
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return board
