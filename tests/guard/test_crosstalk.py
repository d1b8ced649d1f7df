"""Another device near by that pings at our period: with jitter its sound is heard now here, now there."""

import queue
import threading
from itertools import pairwise
from random import Random

import pytest

from firmware.guard.pace import Jitter, Pace, Pinging, Steady
from firmware.guard.readers import Reader
from firmware.guard.threads import Inbox, read_for_ever
from hal.board import ping_times
from hal.config import BoardConfig, RangefinderConfig
from hal.hcsr04 import HcSr04
from hal.samples import RangeSample
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.clock import SimClock
from hal.sim.pins import SimPinFactory

CONFIG = RangefinderConfig()
WALL_M = 3.0
SECONDS = 30.0
SAME_M = 0.05


def steady() -> Pace:
    return Steady(CONFIG.period_s, Jitter(0.0, Random(0)))


def as_shipped(seed: int = 0) -> Pace:
    return Pinging(ping_times(BoardConfig()), CONFIG.near_m, Jitter(CONFIG.jitter_s, Random(seed)))


def readings_m(pace: Pace, strange_first_s: float) -> list[float]:
    """Half a minute in front of a wall, with a strange ping arriving exactly every period."""
    clock = SimClock()
    pins = SimPinFactory(clock)
    strange_s = [strange_first_s + i * CONFIG.period_s for i in range(round(2 * SECONDS / CONFIG.period_s))]
    SimHcSr04(pins, trigger=23, echo=24, distance_m=lambda _: WALL_M, strange_s=strange_s)
    reader = Reader(
        "rangefinder",
        lambda: HcSr04(pins, clock, trigger=23, echo=24),
        clock,
        period_s=CONFIG.period_s,
        pace=pace,
    )
    inbox: Inbox = queue.SimpleQueue()
    stop = threading.Event()
    clock.call_at(round(SECONDS * 1e9), stop.set)
    read_for_ever(reader, clock, inbox, stop)
    found = [sample for _ in range(inbox.qsize()) for sample in inbox.get() if isinstance(sample, RangeSample)]
    return [sample.distance_m for sample in found if sample.distance_m is not None]


def longest_stay(distances_m: list[float]) -> int:
    """How many false echoes in a row came from one distance."""
    longest = stay = 1
    for a_m, b_m in pairwise(distances_m):
        false = max(a_m, b_m) < WALL_M - SAME_M
        stay = stay + 1 if false and abs(a_m - b_m) <= SAME_M else 1
        longest = max(longest, stay)
    return longest


def test_without_jitter_a_strange_ping_is_a_wall_that_is_not_there() -> None:
    distances_m = readings_m(steady(), strange_first_s=0.006)
    assert longest_stay(distances_m) == len(distances_m) > 490
    assert max(distances_m) < 1.0


@pytest.mark.parametrize("strange_first_s", [i * 0.006 for i in range(10)])
def test_with_jitter_no_false_echo_stays_and_most_readings_are_right(strange_first_s: float) -> None:
    distances_m = readings_m(as_shipped(), strange_first_s)
    assert longest_stay(distances_m) <= 2
    assert sum(abs(distance_m - WALL_M) < 0.001 for distance_m in distances_m) >= 0.75 * len(distances_m)
    assert sum(distance_m < WALL_M - SAME_M for distance_m in distances_m) >= 0.1 * len(distances_m), "it is heard"
