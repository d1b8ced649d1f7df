"""From an obstacle's edge to the buzzer's edge, exact: `python -m bench.obstacle_latency [--json] [--quick]`.

The whole device in simulated time. Behind somebody who walks backward at 0.6 m/s, something appears at 0.8 m and comes
nearer as she walks, again and again, at moments spread over the cycle of pings. Milliseconds from the appearance to the
first pulse of an obstacle's pattern on the buzzer's pin; a cycle is the mean time from ping to ping before the edge.
Beside it, on the same simulated pins and chip, gpiozero's DistanceSensor, alarmed below 1.0 m by a step from 1.5 m to
0.8 m; its cycle is its own as well.
"""

import argparse
import json
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from bench._peer_sensor import peer_sensor
from bench._stage import READY_S, SPEED_MPS, Heard, on_stage, stage
from firmware.config import Config
from firmware.core.messages import Pattern
from hal.board import ping_times
from hal.config import BoardConfig, RangefinderConfig
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.clock import SimClock
from hal.sim.pins import SimPinFactory

EDGES, QUICK_EDGES = 200, 20
APPEARS_M, PEER_FAR_M, PEER_ALARM_M = 0.8, 1.5, 1.0
BEFORE_S = 3.0  # the first edge
APART_S = 4.0  # from edge to edge: time for the warning to end
STAYS_S = 0.8
SPREAD_S = 0.5  # of the moments: many cycles, so that every phase is as likely
WARNED = (Pattern.OBSTACLE_CAUTION, Pattern.OBSTACLE_WARNING, Pattern.OBSTACLE_IMMINENT)


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """How late `n` edges were heard; one that was not heard within a second counts as infinitely late."""

    name: str
    period_ms: float  # from ping to ping before the edge, with the mean of the jitter
    n: int
    median_ms: float
    max_ms: float
    median_cycles: float
    max_cycles: float


def edges_s(count: int) -> list[float]:
    """Moments far apart, at random phases of the cycle; the same in every run."""
    chance = random.Random("edges")
    return [READY_S + i * APART_S + chance.uniform(0.0, SPREAD_S) for i in range(count)]


def ours_s(config: Config, from_m: float | None, edges: Sequence[float]) -> list[float]:
    """The latency of each edge, of something that replaces what stood at `from_m`."""

    def behind(t_s: float) -> float | None:
        if t_s < READY_S - BEFORE_S:
            return None  # the lane is clear when she sets off
        i = int((t_s - READY_S) // APART_S)
        since_s = t_s - edges[i] if 0 <= i < len(edges) else -1.0
        return max(APPEARS_M - SPEED_MPS * since_s, 0.1) if 0.0 <= since_s < STAYS_S else from_m

    with on_stage(config, stage(behind, walking=True)) as device:
        device.run_until(edges[-1] + APART_S / 2)
        heard = Heard.by(device)
    found = [(t_s, heard.first_s(WARNED, t_s, t_s + 1.0)) for t_s in edges]
    return [float("inf") if heard_s is None else heard_s - t_s for t_s, heard_s in found]


def peers_s(edges: Sequence[float], **settings: Any) -> tuple[list[float], float]:
    """The latency of each edge, and the time from ping to ping."""
    edge_s = [float("inf")]
    pins = SimPinFactory(SimClock())
    now_s: Callable[[], float] = lambda: pins.clock.now_ns() / 1e9  # noqa: E731
    SimHcSr04(pins, trigger=23, echo=24, distance_m=lambda t_s: APPEARS_M if t_s >= edge_s[0] else PEER_FAR_M)
    found: list[float] = []
    with peer_sensor(pins, max_distance=4, threshold_distance=PEER_ALARM_M, **settings) as sensor:
        for t_s in edges:
            edge_s[0] = float("inf")
            while now_s() < t_s - 0.2:
                sensor.turn()
            edge_s[0] = t_s
            while now_s() < t_s or not sensor.in_range:
                sensor.turn()
            found.append(now_s() - t_s)
        pings_s = [state.t_ns / 1e9 for state in pins.sim_pin(23).history if state.level]
    far_s = [b - a for a, b in pairwise(pings_s) if b < edges[0] - 0.2]
    return found, statistics.median(far_s)


def row(name: str, cycle_s: float, found_s: Sequence[float]) -> LatencyRow:
    median_s, max_s = statistics.median(found_s), max(found_s)
    return LatencyRow(
        name,
        *(round(cycle_s * 1e3, 1), len(found_s), round(median_s * 1e3, 1), round(max_s * 1e3, 1)),
        *(round(median_s / cycle_s, 3), round(max_s / cycle_s, 3)),
    )


def measure(quick: bool) -> list[LatencyRow]:
    """Ours at 60 ms without and with jitter, as shipped, and where something was near already; then gpiozero."""
    count = QUICK_EDGES if quick else EDGES
    shipped, slow = RangefinderConfig(), RangefinderConfig(period_s=0.06)
    exact = RangefinderConfig(period_s=0.06, jitter_s=0.0)
    exact_near = RangefinderConfig(jitter_s=0.0)
    cases = (
        ("60 ms, no jitter", exact, None),
        ("60 ms, no jitter, before a wall at 3 m", exact, 3.0),
        ("60 ms", slow, None),
        ("as shipped", shipped, None),
        ("near: 1.4 m replaced by 0.8 m", shipped, 1.4),
        ("near, no jitter", exact_near, 1.4),
    )
    rows = []
    for name, rangefinder, from_m in cases:
        board = BoardConfig(rangefinder=rangefinder)
        times = ping_times(board)
        near = from_m is not None and from_m < rangefinder.near_m
        cycle_s = (times.near_s if near else times.period_s) + rangefinder.jitter_s / 2
        rows.append(row(name, cycle_s, ours_s(Config(board=board), from_m, edges_s(count))))
    for name, settings in (("gpiozero, defaults", {}), ("gpiozero, queue_len=3", {"queue_len": 3})):
        found_s, cycle_s = peers_s(edges_s(count), **settings)
        rows.append(row(name, cycle_s, found_s))
    return rows


def lines(rows: Sequence[LatencyRow]) -> Iterator[str]:
    yield f"{'EDGE OF AN OBSTACLE -> BUZZER':44}{'cycle':>10}{'n':>5}{'median':>22}{'max':>22}"
    for row in rows:
        median = f"{row.median_ms:.1f} ms, {row.median_cycles:.2f} cycles"
        most = f"{row.max_ms:.1f} ms, {row.max_cycles:.2f} cycles"
        yield f"{row.name:44}{row.period_ms:7.1f} ms{row.n:5}{median:>22}{most:>22}"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.obstacle_latency", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="fewer edges")
    args = parser.parse_args()
    rows = measure(args.quick)
    if args.json:
        print(json.dumps({"bench": "obstacle_latency", "rows": [asdict(found) for found in rows]}))
        return 0
    print(*lines(rows), sep="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
