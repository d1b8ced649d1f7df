"""Whether somebody wears the device: before the walk, in it and after it, also of a thing that stands upright.

A body is never still: who stands quietly turns her trunk by more, ten times a second, than any supported gyroscope's
noise explains; a thing on a table does not, however it lies or stands. Steps alone tell nothing before somebody has
stood with it: a bag and a hand take steps too. A hand is told by how fast it turns; one that holds it still and upright
looks like a body, and so does an upright bag while who carries it stands. Nothing about a fall is decided here: people
who lie unconscious may be as still as a thing, so lying still alone says "not known". `python -m bench.wear` measures
what the limits stand on.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hal.samples import Vector

BLOCK_S, GAP_S = 0.1, 0.15
STEPS, STEPS_BLOCKS = 3, 30
"""So many even steps within 3 s: she walks."""
MOST_ERROR_RADPS, STEADY_MPS2 = 0.36, 1.5
"""No gyroscope is so wrong at rest (MPU-6050: 20 deg/s), and who stands feels no such change of gravity."""
WORN_BLOCKS = 30
"""After so long on a body, lying still no longer tells a thing."""
UPRIGHT_COS = math.cos(math.radians(60.0))
"""Within this, or upside down, somebody may stand with it."""
NEAR_RAD = math.radians(30.0)
"""So near to her own upright nobody lies."""
AXES, ASK_BLOCKS = 6, 5


@dataclass(frozen=True, slots=True)
class OnBodyConfig:
    """How lively a body is, and how still a thing. Ratios: what changes slowly, to what the sensor's noise explains."""

    alive_s: float = 0.9  # of standing or walking, until it counts as worn
    alive_ratio: float = 2.0  # people who stand reach 2.5 in 99 of 100 seconds, things 1.9 in one of 1000
    alive_blocks: int = 4  # tenths of such a second that do so: who knocks on the table moves it for less
    least_radps: float = 0.0015  # less is the rounding of a coarse gyroscope
    calm_radps: float = (
        0.15  # root mean square, about the middle: a hand turns it faster, nobody who stands does for long
    )
    dead_s: float = 8.0  # so long must all be still
    dead_ratio: float = 1.25  # acceleration and turning alike; who sits still keeps above 1.27
    moved_radps: float = 0.15  # what was put down and turns as fast was picked up

    def __post_init__(self) -> None:
        for key, low, high in (
            ("alive_s", 0.8, 3.0),
            ("alive_ratio", 1.8, 3.0),
            ("alive_blocks", 2, 8),
            ("least_radps", 0.0005, 0.003),
            ("calm_radps", 0.05, 0.5),
            ("dead_s", 5.0, 12.0),
            ("dead_ratio", 1.1, 1.4),
            ("moved_radps", 0.05, 0.5),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"on_body: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class Slice(Protocol):
    """20 ms of samples, or one of a slower sensor; `firmware.core.estimators.slices.Slicer` fits."""

    began_ns: int
    t_ns: int
    span_s: float
    accel_mps2: Vector  # means
    gyro_radps: Vector


class Wear(Protocol):
    """What is known of hands and free falls; `firmware.core.estimators.wear.Wear` fits."""

    worn: bool | None
    free_until_ns: int
    handled_until_ns: int


class OnBody:
    """`on_body`: True, somebody wears it; False, nobody does; None, not known.

    `alive`: a body was felt, whichever way the device points: worn on its side, or by somebody who lies. `moved`: that,
    or it turns as no thing on a table does: it is on a body or in a hand.
    """

    def __init__(self, config: OnBodyConfig) -> None:
        self._config, self._calm_square = config, config.calm_radps * config.calm_radps
        self._blocks = _Blocks()
        self._lively = deque[Block](maxlen=round(config.alive_s / BLOCK_S))
        self._latest = deque[Block](maxlen=round(config.dead_s / BLOCK_S))
        self._asked = 0
        self._t_ns = 0
        self._doubts_ns = -1
        self._steps = deque[int](maxlen=STEPS_BLOCKS)
        self._worn_blocks = 0
        self.on_body: bool | None = None
        self.alive = self.moved = False

    def resume(self) -> None:
        """The walk of an earlier run goes on: she wore it, and lies perhaps."""
        self._worn_blocks = WORN_BLOCKS

    def restart(self) -> None:
        """After a gap: nobody knows what happened in it."""
        self.on_body, self.alive, self.moved = None, False, False
        self._forget()

    def update(self, ended: Slice, up: Vector, tilt_rad: float, even_steps: int, wear: Wear) -> None:
        """One slice, all finite.

        Args:
            up: where up is in body axes, a unit vector.
            tilt_rad: from the wearer's own upright, or of the sensor while that is not known.
            even_steps: so far, those that came as evenly as her usual ones.
        """
        if ended.span_s > GAP_S or ended.began_ns != self._t_ns:
            self.restart()
        self._t_ns = ended.t_ns
        doubts_ns = max(wear.free_until_ns, wear.handled_until_ns)
        if doubts_ns > self._doubts_ns:  # it falls freely, or a hand has it: what was felt till now was no body
            self.restart()
        self._doubts_ns = doubts_ns
        block = self._blocks.add(ended)
        if block is not None:
            self._steps.append(even_steps)
            self._judge(block, up, tilt_rad < NEAR_RAD, ended.t_ns <= wear.handled_until_ns)
        if wear.worn is False:
            self._take_off()

    def _judge(self, block: "Block", up: Vector, near: bool, handled: bool) -> None:
        """A tenth of a second is full; `near`: to her own upright, `handled`: a hand had it not long ago."""
        self._lively.append(block)
        was_worn = self._worn_blocks >= WORN_BLOCKS
        if self.on_body:
            self._worn_blocks += 1
        self._latest.append(block)
        if self.on_body is False and math.dist(block.means[3:], self._middle()) > self._config.moved_radps:
            self.restart()
        elif self._dead():
            if near or handled or not was_worn:
                self._take_off()
            else:  # who wore it and lies as still may be unconscious
                self.on_body, self.alive, self.moved = None, False, False
        elif self.on_body is not True and self._alive(was_worn and near):
            self.alive = self.moved = True
            if abs(up[2]) > UPRIGHT_COS:
                self.on_body = True
        elif sum(one.square for one in self._lively) > self._calm_square * len(self._lively):
            self.moved = True

    def _take_off(self) -> None:
        self.on_body, self.alive, self.moved, self._worn_blocks = False, False, False, 0

    def _dead(self) -> bool:
        """Whether nothing has moved for `dead_s`; asked twice a second, and turning first: it tells of most bodies."""
        latest, limit = self._latest, self._config.dead_ratio
        self._asked += 1
        if self._asked % ASK_BLOCKS or len(latest) < (latest.maxlen or 0):
            return False
        return _ratio(latest, range(3, AXES), 1) < limit and _ratio(latest, range(3), 0) < limit

    def _alive(self, may_walk: bool) -> bool:
        """Whether somebody has stood with it for `alive_s`, or walks with it."""
        config, blocks = self._config, self._lively
        if len(blocks) < (blocks.maxlen or 0):
            return False
        if may_walk and self._steps[-1] - self._steps[0] >= STEPS:
            return True
        middle, first = self._middle(), blocks[0].means[:3]
        swings = sum(block.square - 2.0 * _dot(block.means[3:], middle) for block in blocks) / len(blocks)
        error = _dot(middle, middle)
        if swings + error > config.calm_radps * config.calm_radps or error > MOST_ERROR_RADPS * MOST_ERROR_RADPS:
            return False
        if not all(math.dist(block.means[:3], first) < STEADY_MPS2 for block in blocks):
            return False
        noise = sum(block.noise[1] for block in blocks) / len(blocks)
        limit = max(config.alive_ratio * math.sqrt(noise), config.least_radps)
        return sum(math.dist(block.means[3:], middle) >= limit for block in blocks) >= config.alive_blocks

    def _middle(self) -> list[float]:
        """The usual angular rate of the last blocks: the gyroscope's own error, or how fast a hand turns it."""
        return [sorted(b.means[axis] for b in self._lively)[len(self._lively) // 2] for axis in range(3, AXES)]

    def _forget(self) -> None:
        self._blocks.restart()
        self._lively.clear()
        self._steps.clear()
        self._latest.clear()


@dataclass(frozen=True, slots=True)
class Block:
    """0.1 s: means of acceleration (m/s²) and angular rate (rad/s), and the variance that noise alone gives those."""

    means: tuple[float, ...]
    noise: tuple[float, float]  # sums over three axes: of the accelerometer, of the gyroscope
    square: float  # mean square of the angular rate


class _Blocks:
    """From slices to blocks. Noise is how slices differ from one to the next: the same at any sampling rate."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._last: tuple[float, ...] | None = None
        self._start()

    def _start(self) -> None:
        self._count = 0
        self._span_s = self._accel = self._gyro = self._square = 0.0
        self._totals = [0.0] * AXES

    def add(self, ended: Slice) -> Block | None:
        now = (*ended.accel_mps2, *ended.gyro_radps)
        last, self._last = self._last, now
        if last is None:
            return None
        ax, ay, az, wx, wy, wz = now
        bx, by, bz, vx, vy, vz = last
        self._accel += (ax - bx) ** 2 + (ay - by) ** 2 + (az - bz) ** 2
        self._gyro += (wx - vx) ** 2 + (wy - vy) ** 2 + (wz - vz) ** 2
        self._square += wx * wx + wy * wy + wz * wz
        totals = self._totals
        for axis, value in enumerate(now):
            totals[axis] += value
        self._span_s += ended.span_s
        self._count += 1
        if self._span_s < BLOCK_S - 1e-3:
            return None
        share = 1.0 / self._count
        means = tuple(total * share for total in totals)
        half = 0.5 * share * share  # a difference has the noise of two, a mean that of one, by their number
        block = Block(means, (self._accel * half, self._gyro * half), self._square * share)
        self._start()
        return block


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(p * q for p, q in zip(a, b, strict=True))


def _ratio(blocks: Sequence[Block], axes: range, sensor: int) -> float:
    """How much slow changes exceed what noise explains; infinite without any noise: no sensor, or a stuck one."""
    n = len(blocks)
    noise = sum(block.noise[sensor] for block in blocks) / n
    slow = 0.0
    for axis in axes:
        values = [block.means[axis] for block in blocks]
        mean = sum(values) / n
        slow += sum((value - mean) ** 2 for value in values)
    return math.sqrt(slow / (n - 1) / noise) if noise > 0.0 else math.inf
