"""The made scenes measured like recordings, beside those that have a recorded counterpart."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench._figures import Figures, measured, movement
from bench.synthetic import recorded_figures
from hal.sim.world.fall_scenes import FALL_SCENES
from hal.sim.world.scene import World

RATE_HZ = 200
COUNTERPARTS = {"backward trip": "backward fall", "sitting down hard": "sitting down hard", "60 s walk": "slow walk"}


@dataclass(frozen=True, slots=True)
class Range:
    """Percentiles 5, 50 and 95 of one figure, made and recorded."""

    scene: str
    figure: str
    made: tuple[float, float, float]
    recorded: tuple[float, float, float] | None

    @property
    def fits(self) -> bool | None:
        """Whether the made median lies in the recorded 5 to 95 %."""
        return None if self.recorded is None else self.recorded[0] <= self.made[1] <= self.recorded[2]


def made_figures(scene: str, count: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for seed in range(count):
        for figures in _figures(scene, FALL_SCENES[scene](seed)):
            for figure, value in figures.items():
                found.setdefault(figure, []).append(value)
    return found


def _figures(scene: str, world: World) -> list[Figures]:
    marked = next((mark.t_s for mark in world.marks), None)
    # About what happens; of a walk, what lies between its first steps and the last.
    begins_s, ends_s = (5.0, 35.0) if marked is None else (marked - 4.0, min(marked + 7.9, world.duration_s))
    times = np.arange(begins_s, ends_s, 1 / RATE_HZ)
    forces, rates = zip(*(world.motion(float(t)) for t in times), strict=True)
    impact = -1 if marked is None else round((marked - begins_s) * RATE_HZ)
    return measured(COUNTERPARTS[scene], movement(np.array(forces), np.array(rates), RATE_HZ, impact=impact))


def ranges(folder: Path | None, count: int) -> Iterator[Range]:
    recorded = recorded_figures(folder) if folder else {}
    for scene, kind in COUNTERPARTS.items():
        for figure, values in made_figures(scene, count).items():
            beside = recorded.get(kind, {}).get(figure)
            yield Range(scene, figure, _percentiles(values), _percentiles(beside) if beside else None)


def _percentiles(values: list[float]) -> tuple[float, float, float]:
    low, middle, high = (float(p) for p in np.percentile(values, [5, 50, 95]))
    return low, middle, high


def lines(table: Iterator[Range]) -> Iterator[str]:
    yield f"{'5, 50, 95 %':20} {'':18} {'made':>26} {'recorded':>28}"
    for row in table:
        made = " ".join(f"{value:8.2f}" for value in row.made)
        beside = "-" if row.recorded is None else " ".join(f"{value:8.2f}" for value in row.recorded)
        yield f"{row.scene:20} {row.figure:18} {made} | {beside}{'  OUTSIDE' if row.fits is False else ''}"
