"""When a part is polled next: always after the same time, or sooner where its last reading makes the next one urgent."""

from collections.abc import Sequence
from random import Random
from typing import Protocol

from firmware.core.messages import Input
from hal.board import PingTimes
from hal.samples import RangeSample, SensorFault

UNANSWERED = ("NoEcho", "EchoStuck")
"""Faults of a part that does not answer at all: asked again at once, it is soon known whether it is dead."""

ASKED_AGAIN = 2  # times; then the fault is known, and the part is asked at its own pace until it is well

SURPRISE_M = 0.25
"""From one reading to the next nothing moves so far: a walker at 2.5 m/s comes 0.15 m nearer in 60 ms, and an echo is
0.1 m wrong. So it is something else, or a false echo, and the next reading tells which."""


class Pace(Protocol):
    """Knows when to poll next, after a poll that told `told`."""

    def wait_ns(self, told: Sequence[Input]) -> int: ...


class Jitter:
    """How much later each time, at random up to `most_s`.

    Each time differs by a quarter of `most_s` or more from the time before. What echoes from so far that it is taken for
    an answer to the next ping is so never heard at one distance twice in a row: a quarter of 10 ms is 0.4 m.
    """

    def __init__(self, most_s: float, chance: Random) -> None:
        self._most_ns, self._chance = round(most_s * 1e9), chance
        self._last_ns = chance.randrange(self._most_ns + 1)

    def next_ns(self) -> int:
        quarter_ns = self._most_ns // 4
        moved_ns = self._chance.randrange(quarter_ns, self._most_ns - quarter_ns + 1)
        self._last_ns = (self._last_ns + moved_ns) % (self._most_ns + 1)
        return self._last_ns


class Steady:
    """Every `period_s`, and later by the jitter."""

    def __init__(self, period_s: float, jitter: Jitter) -> None:
        self._period_ns, self._jitter = round(period_s * 1e9), jitter

    def wait_ns(self, told: Sequence[Input]) -> int:
        return self._period_ns + self._jitter.next_ns()


class Pinging:
    """A rangefinder that pings sooner while something is near, after a surprise and when it was not answered."""

    def __init__(self, times: PingTimes, near_m: float, jitter: Jitter) -> None:
        self._period_ns, self._near_ns = round(times.period_s * 1e9), round(times.near_s * 1e9)
        self._again_ns, self._near_m, self._jitter = round(times.again_s * 1e9), near_m, jitter
        self._last: RangeSample | None = None
        self._soon = False
        self._unanswered = 0

    def wait_ns(self, told: Sequence[Input]) -> int:
        for item in told:
            if isinstance(item, RangeSample):
                self._unanswered, self._soon = 0, self._is_near(item) or self._surprises(item)
                self._last = item
            elif isinstance(item, SensorFault):
                self._unanswered = self._unanswered + 1 if item.kind in UNANSWERED else 0
                self._soon = False
        if 0 < self._unanswered <= ASKED_AGAIN:
            return self._again_ns
        return (self._near_ns if self._soon else self._period_ns) + self._jitter.next_ns()

    def _is_near(self, sample: RangeSample) -> bool:
        return sample.distance_m is not None and sample.distance_m < self._near_m

    def _surprises(self, sample: RangeSample) -> bool:
        """An echo that is new or elsewhere; without an echo the sensor is busy for longer than `near_s` anyway."""
        now_m, last = sample.distance_m, self._last
        if now_m is None or last is None:
            return False
        return last.distance_m is None or abs(now_m - last.distance_m) > SURPRISE_M
