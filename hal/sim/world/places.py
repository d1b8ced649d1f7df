"""A place around a walker, as the rangefinder on her belt hears it: one echo a ping, or none.

The answer to a ping depends on its time, the sensor's pose and the place's seed alone: in whatever order pings are
asked for, each hears the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hal.sim.world.hearing import ABSORPTION_DB_PER_M, FADING_DB, bell, seed_of, share, sound_mps, throw
from hal.sim.world.surroundings import REACH_M
from hal.sim.world.things import Echo, Sensor, Thing

TOLD_C = 20.0  # the temperature that the configuration gives
SURE_DB = 3.5 * FADING_DB  # so loud an echo never fades away
FAINT_NOISE_M = 0.008  # about the threshold the sensor hears a later wave of the echo
BACK_DB = 8.0  # what a clothed back loses when sound comes to and fro again
TICKS_PER_S = 1_000_000
SLOT_S = 1.0
DEAF_S = 117e-6  # nothing from nearer than 2 cm is heard
RUN_NOISE_M = 0.05  # within one run; bench: 4 to 12 cm


@dataclass(frozen=True, slots=True)
class FalseEchoes:
    """Short echoes of nothing: clothes, leaves, the floor, noise. They count where they are nearer than the true one.

    On the bench of `../shared/data/hcsr04`, near the floor, 16 of 100 readings beyond 1 m were short (up to 48 at one
    distance), at 0.41 to 1.27 m, in runs of up to 12; a belt sees less of the floor.
    """

    single: float = 0.0  # share of pings
    in_runs: float = 0.0  # share of the time; within a run four in five pings hear it
    run_s: tuple[float, float] = (0.10, 0.60)
    near_m: float = 0.4
    far_m: float = 3.0

    def __post_init__(self) -> None:
        if not (0 <= self.single < 1 and 0 <= self.in_runs <= 0.5):
            raise ValueError(f"false echoes: shares {self.single} and {self.in_runs}, expected 0 to 1 and 0 to 0.5")

    def at_m(self, t_s: float, seed: int) -> float:
        """Infinite when there is none."""
        moment = round(t_s * TICKS_PER_S)
        nearest = math.inf
        if self.single and share(throw(seed, moment, 11)) < self.single:
            nearest = self._somewhere(throw(seed, moment, 12))
        if self.in_runs:
            slot = math.floor(t_s / SLOT_S)
            for one in (slot - 1, slot):
                nearest = min(nearest, self._of_run(t_s, one, moment, seed))
        return nearest

    def _of_run(self, t_s: float, slot: int, moment: int, seed: int) -> float:
        shortest, longest = self.run_s
        if share(throw(seed, slot, 13)) >= self.in_runs * 2 * SLOT_S / (shortest + longest):
            return math.inf
        start_s = (slot + share(throw(seed, slot, 14))) * SLOT_S
        if not 0 <= t_s - start_s < shortest + (longest - shortest) * share(throw(seed, slot, 15)):
            return math.inf
        bits = throw(seed, moment, 17)
        if share(bits) > 0.8:
            return math.inf
        return self._somewhere(throw(seed, slot, 16)) + RUN_NOISE_M * bell(throw(seed, moment, 18))

    def _somewhere(self, bits: int) -> float:
        return self.near_m + (self.far_m - self.near_m) * share(bits)


@dataclass(frozen=True, slots=True)
class Stranger:
    """Another device near by, whose pings arrive here with its own period."""

    period_s: float = 0.05
    heard: float = 0.7  # share of its pings
    from_s: float = 0.0
    to_s: float = math.inf
    jitter_s: float = 0.002

    def arrives_s(self, ping_s: float, within_s: float, seed: int) -> float:
        """How long after a ping the first of its sounds is heard; infinite when none is `within_s`."""
        phase_s = self.period_s * share(throw(seed, 0, 21))
        first = math.floor((ping_s - phase_s - self.jitter_s) / self.period_s)
        soonest = math.inf
        for number in range(first, first + 3 + math.ceil(within_s / self.period_s)):
            bits = throw(seed, number, 22)
            arrival_s = phase_s + number * self.period_s + self.jitter_s * share(throw(seed, number, 23))
            if share(bits) < self.heard and self.from_s <= arrival_s < self.to_s and arrival_s - ping_s > DEAF_S:
                soonest = min(soonest, arrival_s - ping_s)
        return soonest if soonest < within_s else math.inf


class Nearest(NamedTuple):
    """What she would meet first."""

    clear_m: float  # infinite: nothing in her way
    name: str
    at_belt: bool  # whether the beam could ever see it


NOTHING = Nearest(math.inf, "", False)


class Place:
    """Things, false echoes, another device and the air. `celsius` is the true temperature; 20 °C is what is told."""

    def __init__(
        self,
        things: Sequence[Thing] = (),
        *,
        seed: str,
        false: FalseEchoes | None = None,
        stranger: Stranger | None = None,
        celsius: float = TOLD_C,
    ) -> None:
        self.things = tuple(things)
        self.false, self.stranger, self.celsius = false, stranger, celsius
        self._heard = tuple((index, thing) for index, thing in enumerate(things) if thing.at_belt)
        self._seed = seed_of(seed)
        self._sound_mps = sound_mps(celsius)
        self._reads = sound_mps(TOLD_C) / self._sound_mps

    def echo_m(self, sensor: Sensor, t_s: float) -> float | None:
        """What a sensor that is told 20 °C reads; None when it hears nothing within its reach."""
        distance_m = self._first_m(sensor, t_s)
        if self.false is not None:
            distance_m = min(distance_m, self.false.at_m(t_s, self._seed))
        if self.stranger is not None:
            within_s = 2 * min(distance_m, REACH_M) / self._sound_mps
            distance_m = min(distance_m, self.stranger.arrives_s(t_s, within_s, self._seed) * self._sound_mps / 2)
        distance_m *= self._reads
        return max(distance_m, 0.0) if distance_m <= REACH_M else None

    def nearest(self, x: float, y: float, heading_rad: float, t_s: float) -> Nearest:
        """The truth about her way, whatever the sensor hears."""
        found = NOTHING
        for thing in self.things:
            clear_m = thing.clear_m(x, y, heading_rad, t_s)
            if clear_m < found.clear_m:
                found = Nearest(clear_m, thing.name, thing.at_belt)
        return found

    def _first_m(self, sensor: Sensor, t_s: float) -> float:
        """The nearest echo that is heard. One that is lost may still come to and fro a second time."""
        echoes: list[Echo] = []
        for index, thing in self._heard:
            echoes += [echo for echo in thing.echoes(sensor, t_s, index) if echo.loud_db > -SURE_DB]
        moment = round(t_s * TICKS_PER_S)
        late_m = math.inf
        for echo in sorted(echoes):
            if late_m <= echo.distance_m:
                break
            bits = throw(self._seed, moment, 101 + 4 * echo.thing)
            loud = echo.loud_db if echo.loud_db > SURE_DB else echo.loud_db + FADING_DB * bell(bits)
            if loud <= 0:
                continue
            if share(bits * 0x9E3779B97F4A7C15 & (1 << 64) - 1) < echo.surface.lost:
                if loud > BACK_DB + 6 + ABSORPTION_DB_PER_M * echo.distance_m:
                    late_m = min(late_m, 2 * echo.distance_m)
                continue
            return self._read_m(echo, moment)
        return late_m

    def _read_m(self, echo: Echo, moment: int) -> float:
        surface = echo.surface
        noise_m = surface.noise_m if echo.loud_db > SURE_DB else surface.noise_m + FAINT_NOISE_M
        read_m = echo.distance_m + noise_m * bell(throw(self._seed, moment, 102 + 4 * echo.thing))
        if surface.depth_m:
            read_m += surface.depth_m * share(throw(self._seed, moment, 103 + 4 * echo.thing))
        return read_m
