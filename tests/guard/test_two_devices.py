"""Two devices in one room: hearing each other's pings, they must not fall into step."""

import heapq
from itertools import pairwise
from random import Random

import pytest

from firmware.core.messages import Input
from firmware.guard import pace
from firmware.guard.pace import Jitter, Pinging, Steady
from hal.board import ping_times
from hal.config import BoardConfig
from hal.samples import RangeSample

SOUND_MPS = 343.0
TIMES = ping_times(BoardConfig())
SECONDS = 300.0
LISTENS_S = 0.026
AGREE_M = 0.25


def agreed_share(paces: list[Pinging] | list[Steady], wall_m: float, apart_m: float) -> float:
    """How many readings of both are of the other's ping and agree with the false one before."""
    pings_s: list[list[float]] = [[], []]
    told_m: list[list[float]] = [[], []]
    due: list[tuple[float, str, int]] = [(0.0, "ping", 0), (0.013, "ping", 1)]
    while due and (now_s := due[0][0]) < SECONDS:
        _, what, i = heapq.heappop(due)
        if what == "ping":
            pings_s[i].append(now_s)
            heapq.heappush(due, (now_s + LISTENS_S, "listened", i))
            continue
        ping_s = pings_s[i][-1]
        strange_s = [at_s + apart_m / SOUND_MPS - ping_s for at_s in pings_s[1 - i][-3:]]
        first_s = min([2 * wall_m / SOUND_MPS, *(late_s for late_s in strange_s if late_s > 0.5e-3)])
        told_m[i].append(first_s * SOUND_MPS / 2)
        told: list[Input] = [RangeSample(round(ping_s * 1e9), told_m[i][-1])]
        heapq.heappush(due, (max(ping_s + paces[i].wait_ns(told) / 1e9, now_s), "ping", i))
    pairs = [pair for distances_m in told_m for pair in pairwise(distances_m)]
    false = [abs(a - b) <= AGREE_M for a, b in pairs if max(a, b) < wall_m - 0.05]
    return sum(false) / len(pairs)


def pinging() -> list[Pinging]:
    return [Pinging(TIMES, 1.5, Jitter(0.01, Random(seed))) for seed in (1, 2)]


def steady() -> list[Steady]:
    return [Steady(TIMES.period_s, Jitter(0.01, Random(seed))) for seed in (1, 2)]


@pytest.mark.parametrize(("wall_m", "apart_m"), [(3.0, 2.0), (2.0, 1.0), (3.0, 3.0)])
def test_looking_again_after_a_surprise_makes_two_devices_agree_hardly_more_often(
    wall_m: float, apart_m: float
) -> None:
    assert agreed_share(pinging(), wall_m, apart_m) <= agreed_share(steady(), wall_m, apart_m) + 0.01


def test_without_jitter_after_every_surprise_they_would_fall_into_step(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = agreed_share(pinging(), 3.0, 2.0)
    monkeypatch.setattr(pace, "CALM_NS", 0)
    assert agreed_share(pinging(), 3.0, 2.0) >= 2 * shipped
