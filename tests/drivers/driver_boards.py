"""Boards for the tests of what every driver promises: simulated, and the real one."""

from collections.abc import Iterator
from contextlib import contextmanager

from firmware.config import installed, load
from hal.board import Board, PiBoard
from hal.config import BoardConfig
from hal.imu.find import MODELS
from hal.samples import Vector
from hal.sim.board import SimBoard
from hal.sim.clock import SimClock
from hal.sim.world.scene import Mark

EPOCH_NS = 5_000_000_000
IMU_MODELS = tuple(MODELS)
RANGEFINDER_MODELS = ("hcsr04", "hcsr04p", "jsn_sr04t", "i2cxl")
WALL_M = 1.25


class Room:
    """The device lies still before a wall."""

    name = "room"
    duration_s = 600.0
    marks: tuple[Mark, ...] = ()

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        return (0.6, -0.8, 9.76), (0.0, 0.0, 0.0)

    def distance_m(self, t_s: float) -> float | None:
        return WALL_M

    def pressed(self, t_s: float) -> bool:
        return False


def simulated(config: BoardConfig) -> SimBoard:
    clock = SimClock(EPOCH_NS)
    return SimBoard(config, Room(), epoch_ns=EPOCH_NS, new_clock=lambda: clock)


@contextmanager
def real() -> Iterator[Board]:
    """With the configuration that is installed on this machine."""
    board = PiBoard(load(installed()).board)
    try:
        yield board
    finally:
        board.close()
