"""Whether the device is on a body: it fell freely and then lay dead, or a hand turned it about and then it lay dead.

Lying dead still is never enough. People who lie quietly on their back differ from a thing on a table by their breath
and their heartbeat alone, and for a sensor that is noisy enough not even by those; somebody unconscious must never be
taken for a device that was put down. So something has to come before it that no body on its way to the floor does:

* *True free fall*: |a| below 0.25 g for 0.23 s. In 2443 recorded falls the longest is 0.21 s; jumps reach 0.31 s.
* *A hand*: turning faster than 1.5 rad/s, far from the wearer's upright, for 1.3 rad more than that within 12 s. Lying
  down, rolling over, bending and sitting down on the floor take 1.1 rad at the most (986 recorded ones); what a fall
  takes does not count, 0.7 s before its impact and 1 s after.

Who goes on taking steps after that, as far from upright, carries it in a bag or in a hand: for some minutes an alarm
waits until the steps have ended. It is not dropped: a fit shakes as regularly.

Both are undone by stepping upright, and what follows is judged for a limited time only. `python -m bench.wear`
measures what these limits stand on.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from hal.samples import Vector

G0_MPS2 = 9.80665
BLOCK_SLICES = 5
SHORT_BLOCKS, LONG_BLOCKS = 10, 100
PATH_BLOCKS = 120
GAP_S = 0.15
WORN_STEPS = 4
JOLT_MPS2 = 2.0 * G0_MPS2
CARRIED_STEPS, CARRIED_NS = 12, 180_000_000_000
JOLT_S = 0.01  # smoothed by this: a clack on a table lasts 20 ms, the softest blow of a body twice as long
BELONGS_NS, AFTER_JOLT_NS = 700_000_000, 1_000_000_000  # turning so long before and after a jolt is part of a fall


@dataclass(frozen=True, slots=True)
class WearConfig:
    """What a body never does, and how still a thing lies."""

    free_g: float = 0.25
    free_s: float = 0.23  # recorded falls stay below it for 0.21 s at the most, drops from 30 cm on for longer
    settle_s: float = 3.0  # after a free fall, so long a fall alarm waits whether it lies dead
    away_deg: float = 30.0  # from the personal upright
    brisk_radps: float = 1.5  # nobody lies down as fast, but for a moment
    handled_rad: float = 1.3  # turned so much further than at that rate, while away, within 12 s: in a hand
    handled_s: float = 25.0  # so long after the last turn it is judged whether it was put down
    moved_radps: float = 0.15  # a thing that turns as fast was picked up
    # How much larger the slow changes are than the sensor's own noise explains; a thing at rest has 1.
    dead_ratio: float = 1.28  # over 10 s, acceleration and turning alike: recorded people lie at 1.42 and more
    dropped_ratio: float = 1.9  # over 1 s

    def __post_init__(self) -> None:
        for key, low, high in (
            ("free_g", 0.1, 0.4),
            ("free_s", 0.18, 0.5),
            ("settle_s", 1.5, 5.0),
            ("away_deg", 20.0, 60.0),
            ("brisk_radps", 1.0, 3.0),
            ("handled_rad", 1.0, 10.0),
            ("handled_s", 12.0, 60.0),
            ("moved_radps", 0.05, 0.5),
            ("dead_ratio", 1.1, 1.4),
            ("dropped_ratio", 1.3, 2.5),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"wear: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class Slice(Protocol):
    """20 ms of samples, or one of a slower sensor; `firmware.core.estimators.slices.Slicer` fits."""

    began_ns: int
    t_ns: int
    span_s: float
    accel_mps2: Vector  # means
    gyro_radps: Vector
    peak_mps2: float  # of |a|


class Wear:
    """`worn`: None is not known. `free_until_ns`, `handled_until_ns`: so long it may yet turn out to be off the body.

    `handled_since_ns`: since when it is in a hand, or was a moment ago; None when no hand was noticed.
    """

    def __init__(self, config: WearConfig) -> None:
        self._config = config
        self._free_mps2 = config.free_g * G0_MPS2
        self._away_rad = math.radians(config.away_deg)
        self._t_ns = 0
        self._jolt_ns = -AFTER_JOLT_NS
        self._watching = False
        self._steps_before = 0  # when she was upright again
        self._steps = self._steps_handled = 0  # by now, and when the hand was noticed last
        self._felt_mps2 = G0_MPS2
        self._free_since_ns: int | None = None
        self._blocks = _Blocks()
        self._short, self._long = _Stillness(SHORT_BLOCKS), _Stillness(LONG_BLOCKS)
        self._path: deque[float] = deque([0.0] * PATH_BLOCKS, maxlen=PATH_BLOCKS)
        self._path_rad = 0.0
        self.worn: bool | None = None
        self.free_until_ns = self.handled_until_ns = -1
        self.handled_since_ns: int | None = None

    def restart(self) -> None:
        """After a gap: nobody knows what happened in it."""
        self._free_since_ns = None
        self._forget_stillness()
        self.worn = None

    def update(self, ended: Slice, turning_radps: float, tilt_rad: float, steps: int) -> None:
        """One slice, all finite, how fast it turned and how far from the personal upright; `steps` so far."""
        t_ns, span_s, peak_mps2 = ended.t_ns, ended.span_s, ended.peak_mps2
        gap = span_s > GAP_S or ended.began_ns != self._t_ns
        self._t_ns, self._steps = t_ns, steps
        if gap:
            self.restart()
        self._felt_mps2 += (peak_mps2 - self._felt_mps2) * span_s / (JOLT_S + span_s)
        if peak_mps2 < self._free_mps2:
            if self._free_since_ns is None:
                self._free_since_ns = ended.began_ns
        elif self._free_since_ns is not None:
            self._land(ended.began_ns)
        elif self._felt_mps2 > JOLT_MPS2:
            self._jolt(t_ns)
        upright = tilt_rad < self._away_rad
        if upright and self.worn is not False and t_ns > self.free_until_ns:
            if self._watching:
                self._watching, self._steps_before = False, steps
                self._forget_stillness()
            elif not self.worn and steps - self._steps_before >= WORN_STEPS:
                self._wear()
            return
        self._watching = True
        if self._blocks.add(ended, turning_radps):
            self._judge(t_ns, upright)

    def _land(self, t_ns: int) -> None:
        """The end of a fall, long or short."""
        assert self._free_since_ns is not None
        if t_ns - self._free_since_ns >= self._config.free_s * 1e9:
            self.free_until_ns = t_ns + round(self._config.settle_s * 1e9)
            self.worn = None
            self._forget_stillness()
        self._free_since_ns = None

    def _jolt(self, t_ns: int) -> None:
        """Who falls is turned about just before the impact and just after it: that is no hand."""
        if self.handled_since_ns is None or t_ns - self.handled_since_ns < BELONGS_NS:
            self._jolt_ns = t_ns
            self._forget_hand()

    def _forget_hand(self) -> None:
        self.handled_until_ns, self.handled_since_ns = -1, None
        self._path.extend([0.0] * PATH_BLOCKS)
        self._path_rad = 0.0

    def _wear(self) -> None:
        """Somebody steps with it, upright."""
        self.worn = True
        self._forget_hand()
        self._forget_stillness()

    def _forget_stillness(self) -> None:
        self._blocks.restart()
        self._short.restart()
        self._long.restart()

    def _judge(self, t_ns: int, upright: bool) -> None:
        """A block of 0.1 s is full."""
        config, block = self._config, self._blocks
        turned_rad = max(0.0, block.turning_radps - config.brisk_radps) * block.span_s
        if upright or t_ns - self._jolt_ns < AFTER_JOLT_NS:
            turned_rad = 0.0
        self._path_rad += turned_rad - self._path[0]
        self._path.append(turned_rad)
        if block.turning_radps > config.moved_radps:
            self._short.restart()
            self._long.restart()
            if self.worn is False:
                self.worn = None
            if self._path_rad >= config.handled_rad or self._carried(t_ns):
                self.handled_until_ns = t_ns + round(config.handled_s * 1e9)
                self.worn, self._steps_handled = None, self._steps
                if self.handled_since_ns is None:
                    self.handled_since_ns = t_ns
            return
        if t_ns > self.handled_until_ns:
            self.handled_since_ns = None
        dead = self._long.add(block)
        if t_ns <= self.free_until_ns:
            fallen = self._short.add(block)
            if fallen is not None and fallen < config.dropped_ratio:
                self.worn, self.free_until_ns = False, -1
        if dead is not None and dead < config.dead_ratio and self.worn is not False:
            self.worn = False if t_ns <= self.handled_until_ns else None

    def _carried(self, t_ns: int) -> bool:
        """Some more steps, still far from upright, not long after the hand."""
        since_ns = self.handled_since_ns
        recent = since_ns is not None and t_ns <= self.handled_until_ns and t_ns - since_ns < CARRIED_NS
        return recent and self._steps - self._steps_handled >= CARRIED_STEPS


class _Blocks:
    """Means of 0.1 s, and how the means of 20 ms in them differ from one to the next: the same at any sampling rate."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._last: tuple[float, ...] | None = None
        self._start()

    def _start(self) -> None:
        self._slices = 0
        self._turned = self._spent_s = self._accel_sum = self._gyro_sum = 0.0
        self._totals = [0.0] * 6

    def add(self, ended: Slice, turning_radps: float) -> bool:
        """True when a block is full."""
        now = (*ended.accel_mps2, *ended.gyro_radps)
        if self._last is not None:
            steps = [(b - a) * (b - a) for a, b in zip(self._last, now, strict=True)]
            self._accel_sum += steps[0] + steps[1] + steps[2]
            self._gyro_sum += steps[3] + steps[4] + steps[5]
        self._last = now
        self._totals = [total + value for total, value in zip(self._totals, now, strict=True)]
        self._turned += turning_radps
        self._spent_s += ended.span_s
        self._slices += 1
        if self._slices < BLOCK_SLICES:
            return False
        share = 1.0 / BLOCK_SLICES
        self.means = tuple(total * share for total in self._totals)
        self.turning_radps, self.span_s = self._turned * share, self._spent_s
        self.accel_steps, self.gyro_steps = self._accel_sum * share, self._gyro_sum * share
        self._start()
        return True


class _Stillness:
    """How much slower changes exceed what noise alone would leave of them, over a number of blocks."""

    def __init__(self, blocks: int) -> None:
        self._blocks = blocks
        self.restart()

    def restart(self) -> None:
        self._count = 0
        self._first: tuple[float, ...] = (0.0,) * 6
        self._sums, self._squares = [0.0] * 6, [0.0] * 6
        self._accel_steps = self._gyro_steps = 0.0

    def add(self, block: _Blocks) -> float | None:
        """The larger one of acceleration's and turning's ratio, once the last block is in; infinite when unknown."""
        if not self._count:
            self._first = block.means
        for axis, (value, first) in enumerate(zip(block.means, self._first, strict=True)):
            more = value - first
            self._sums[axis] += more
            self._squares[axis] += more * more
        self._accel_steps += block.accel_steps
        self._gyro_steps += block.gyro_steps
        self._count += 1
        if self._count < self._blocks:
            return None
        ratio = max(self._ratio(range(3), self._accel_steps), self._ratio(range(3, 6), self._gyro_steps))
        self.restart()
        return ratio

    def _ratio(self, axes: range, steps: float) -> float:
        n = self._count
        slow = sum(self._squares[axis] - self._sums[axis] * self._sums[axis] / n for axis in axes) / (n - 1)
        noise = steps / n / 2 / BLOCK_SLICES  # of a mean of five, when each differs from the next by chance alone
        return math.sqrt(max(0.0, slow) / noise) if noise > 0.0 else math.inf  # no noise: no sensor, or a stuck one
