"""When a part is polled next: always after the same time, or sooner where its last reading makes that urgent."""

from collections.abc import Sequence
from random import Random
from typing import Protocol

from firmware.core.messages import Input
from hal.board import PingTimes
from hal.samples import RangeSample, SensorFault

UNANSWERED = ("NoEcho", "EchoStuck")
"""Faults of a part that does not answer at all: asked again at once, it is soon known whether it is dead."""

STUCK_NS = 28_000_000
"""While the line is high no ping is sent, so no echo is waited for: a line that is high at three looks is stuck. A
clone's pulse of 0.1 s without an object is over by then."""

ASKED_AGAIN = 2  # times; then the fault is known, and the part is asked at its own pace until it is well

SURPRISE_M = 0.25
"""From one reading to the next nothing moves so far: a walker at 2.5 m/s comes 0.15 m nearer in 60 ms, and an echo is
0.1 m wrong. So it is something else, or a false echo, and the next reading tells which."""


CALM_NS = 1_000_000_000
"""After so long without a surprise, the look that tells comes without jitter. Who is surprised more often may be
hearing another device, which is surprised as often: with jitter, the two do not fall into step."""


class Pace(Protocol):
    """Knows when to poll next, after a poll that told `told`."""

    def wait_ns(self, told: Sequence[Input]) -> int: ...


class Jitter:
    """Makes each wait longer, at random by up to `most_s`.

    Two waits in a row differ by a quarter of `most_s` or more. What echoes from so far that it is taken for an answer
    to the next ping is so never heard at one distance twice in a row: a quarter of 10 ms is 0.4 m.
    """

    def __init__(self, most_s: float, chance: Random) -> None:
        self._most_ns, self._chance = round(most_s * 1e9), chance
        self._last_ns = 0

    def after_ns(self, wait_ns: int) -> int:
        """`wait_ns` or longer."""
        later_ns = self._chance.randrange(self._most_ns + 1)
        if abs(wait_ns + later_ns - self._last_ns) < self._most_ns // 4:
            half_ns = self._most_ns // 2
            later_ns += half_ns if later_ns + half_ns <= self._most_ns else -half_ns
        self._last_ns = wait_ns + later_ns
        return self._last_ns

    def exactly_ns(self, wait_ns: int) -> int:
        """`wait_ns`, once."""
        self._last_ns = wait_ns
        return wait_ns


class Steady:
    """Every `period_s`, and later by the jitter."""

    def __init__(self, period_s: float, jitter: Jitter) -> None:
        self._period_ns, self._jitter = round(period_s * 1e9), jitter

    def wait_ns(self, told: Sequence[Input]) -> int:
        return self._jitter.after_ns(self._period_ns)


class Pinging:
    """A rangefinder that pings sooner while something is near, after a surprise and when it was not answered."""

    def __init__(self, times: PingTimes, near_m: float, jitter: Jitter) -> None:
        self._period_ns, self._near_ns = round(times.period_s * 1e9), round(times.near_s * 1e9)
        self._again_ns, self._near_m, self._jitter = round(times.again_s * 1e9), near_m, jitter
        self._last: RangeSample | None = None
        self._wait_ns = self._period_ns
        self._unanswered = 0
        self._look_again_ns = self._again_ns
        self._surprised_ns: int | None = None

    def wait_ns(self, told: Sequence[Input]) -> int:
        for item in told:
            if isinstance(item, RangeSample):
                surprised = self._is_surprise(item)
                at_once = surprised and self._is_calm(item.t_ns)
                self._surprised_ns = item.t_ns if surprised else self._surprised_ns
                self._unanswered, self._last = 0, item
                self._wait_ns = self._again_ns if surprised else self._usual_ns(item)
                if at_once:
                    return self._jitter.exactly_ns(self._wait_ns)
            elif isinstance(item, SensorFault):
                self._unanswered = self._unanswered + 1 if item.kind in UNANSWERED else 0
                self._look_again_ns = min(STUCK_NS, self._again_ns) if item.kind == "EchoStuck" else self._again_ns
                self._wait_ns = self._period_ns
        if 0 < self._unanswered <= ASKED_AGAIN:
            return self._jitter.exactly_ns(self._look_again_ns)
        return self._jitter.after_ns(self._wait_ns)

    def _usual_ns(self, sample: RangeSample) -> int:
        near = sample.distance_m is not None and sample.distance_m < self._near_m
        return self._near_ns if near else self._period_ns

    def _is_surprise(self, sample: RangeSample) -> bool:
        """An echo that is new or elsewhere. Without an echo the sensor itself is busy for 38 ms, jitter or not."""
        now_m, last = sample.distance_m, self._last
        if now_m is None or last is None:
            return False
        return last.distance_m is None or abs(now_m - last.distance_m) > SURPRISE_M

    def _is_calm(self, t_ns: int) -> bool:
        return self._surprised_ns is None or t_ns - self._surprised_ns >= CALM_NS
