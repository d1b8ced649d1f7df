"""How soon a rangefinder that went blind is heard, exact: `python -m bench.blind [--json] [--quick]`.

The whole device in simulated time. The sensor's wires are cut, shorted and its face covered at random moments of the
cycle of pings, while the walker walks or stands, with nothing behind, something far, something near, and in the middle
of an approach whose warning is sounding. Time from the fault to the first pulse of the fault's pattern on the buzzer's
pin. A cycle is the mean time from ping to ping in force before the fault: shorter when something is near.

Beside it a program on gpiozero's DistanceSensor, on the same pins and chip: what it is told 10 s after the same fault.
"""

import argparse
import json
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

from bench._peer_sensor import peer_sensor
from bench._stage import READY_S, SPEED_MPS, Heard, on_stage, stage
from firmware.config import Config
from firmware.core.messages import Pattern
from firmware.virtual import VirtualDevice
from hal.board import PingTimes, ping_times
from hal.config import BoardConfig, RangefinderConfig
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.clock import SimClock
from hal.sim.pins import SimPin, SimPinFactory, Wire

MOMENTS, QUICK_MOMENTS = 240, 8  # of each fault, a multiple of the eight situations
WINDOW_S = 7.0  # of one fault: the approach, the fault, and the way back to trust and silence
FAULT_FROM_S = 3.0
LASTS_S = 1.2
FAR_M, NEAR_M, APPROACH_FROM_M, COVERED_M = 3.0, 1.0, 2.3, 0.005
SITUATIONS = ("none", "far", "near", "approach")
SPELL_S = (0.2, 0.6)
PEER_FAULT_S, PEER_ASKED_S = 3.0, 13.0
NOTICED_WITHIN_S = 2.0

Breaks = list[tuple[float, str, Wire]]
"""When, which pin ("echo" or "trigger"), and what becomes of its wire."""


@dataclass(frozen=True, slots=True)
class BlindRow:
    """One kind of fault: how often it was injected and noticed, and how soon."""

    fault: str
    n: int
    noticed: int
    median_cycles: float
    max_cycles: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class PeerRow:
    """What a program on gpiozero's DistanceSensor is told 10 s after the fault; the truth was `PEER_TRUE_M`."""

    fault: str
    told_m: float | None


@dataclass(frozen=True, slots=True)
class _Moment:
    """One injection."""

    from_s: float  # of its window
    fault_s: float
    until_s: float
    situation: str

    def distance_m(self, t_s: float, covered: bool) -> float | None:
        if self.fault_s <= t_s < self.until_s and covered:
            return COVERED_M
        if not self.from_s + 0.5 <= t_s < self.until_s + 0.2:
            return None
        closing_m = SPEED_MPS * (t_s - self.from_s - 0.5)
        return {"none": None, "far": FAR_M, "near": NEAR_M}.get(self.situation, max(APPROACH_FROM_M - closing_m, 0.1))


def _whole(times_s: Sequence[float], pins: Sequence[str]) -> Breaks:
    return [(t_s, pin, "whole") for t_s in times_s for pin in pins]


def _broken(wire: Wire, pins: Sequence[str], moment: _Moment, chance: random.Random) -> Breaks:
    return [*((moment.fault_s, pin, wire) for pin in pins), *_whole([moment.until_s], pins)]


def _loose(moment: _Moment, chance: random.Random) -> Breaks:
    """Open for spells of 0.2 to 0.6 s."""
    breaks: Breaks = []
    t_s = moment.fault_s
    while t_s < moment.until_s:
        spell_s = chance.uniform(*SPELL_S)
        breaks += [(t_s, "echo", "cut"), (t_s + spell_s, "echo", "whole")]
        t_s += spell_s + chance.uniform(*SPELL_S)
    return breaks


FAULTS: dict[str, Callable[[_Moment, random.Random], Breaks]] = {
    "echo wire cut, or stuck low": partial(_broken, "cut", ("echo",)),
    "trigger wire cut": partial(_broken, "cut", ("trigger",)),
    "no supply": partial(_broken, "cut", ("echo", "trigger")),
    "echo stuck high": partial(_broken, "high", ("echo",)),
    "loose echo wire": _loose,
    "covered": lambda moment, chance: [],
}


def _moments(count: int, name: str) -> list[_Moment]:
    chance = random.Random(name)
    found = []
    for i in range(count):
        from_s = READY_S + i * WINDOW_S
        fault_s = from_s + FAULT_FROM_S + chance.uniform(0.0, 0.5)
        found.append(_Moment(from_s, fault_s, fault_s + LASTS_S, SITUATIONS[i % len(SITUATIONS)]))
    return found


def _break_wires(device: VirtualDevice, breaks: Breaks) -> None:
    pins = {"echo": device.board.rangefinders.echo_pin, "trigger": device.board.rangefinders.trigger_pin}
    for t_s, name, wire in breaks:
        device.clock.call_at(round(t_s * 1e9), _rewiring(pins[name], wire))


def _rewiring(pin: SimPin, wire: Wire) -> Callable[[], None]:
    return lambda: pin.rewire(wire)


def reactions_s(fault: str, config: Config, count: int, *, walking: bool) -> list[tuple[str, float | None]]:
    """The situation of each of `count` moments, and how long it took to be heard; None: it was not."""
    moments, chance = _moments(count, f"{fault}:{walking}"), random.Random(fault)
    covered = fault == "covered"

    def behind(t_s: float) -> float | None:
        i = int((t_s - READY_S) // WINDOW_S)
        return moments[i].distance_m(t_s, covered) if 0 <= i < count else None

    with on_stage(config, stage(behind, walking=walking)) as device:
        _break_wires(device, [broken for moment in moments for broken in FAULTS[fault](moment, chance)])
        device.run_until(moments[-1].fault_s + WINDOW_S)
        heard = Heard.by(device)
    found = []
    for moment in moments:
        heard_s = heard.first_s((Pattern.FAULT,), moment.fault_s, moment.fault_s + NOTICED_WITHIN_S)
        found.append((moment.situation, None if heard_s is None else heard_s - moment.fault_s))
    return found


def cycle_s(situation: str, times: PingTimes, jitter_s: float) -> float:
    near = situation in ("near", "approach")
    return (times.near_s if near else times.period_s) + jitter_s / 2


def blind_row(fault: str, name: str, rangefinder: RangefinderConfig, count: int) -> BlindRow:
    board = BoardConfig(rangefinder=rangefinder)
    config, times = Config(board=board), ping_times(board)
    found = [r for walking in (True, False) for r in reactions_s(fault, config, count // 2, walking=walking)]
    heard = [
        (late_s, late_s / cycle_s(what, times, rangefinder.jitter_s)) for what, late_s in found if late_s is not None
    ]
    late_s, cycles = zip(*heard, strict=True) if heard else ((float("inf"),), (float("inf"),))
    return BlindRow(
        name,
        *(len(found), len(heard), round(statistics.median(cycles), 2), round(max(cycles), 2)),
        round(max(late_s) * 1e3, 1),
    )


def measure(quick: bool) -> list[BlindRow]:
    """Each fault as shipped, and at 60 ms from ping to ping without jitter."""
    count = QUICK_MOMENTS if quick else MOMENTS
    shipped = RangefinderConfig()
    slow = replace(shipped, period_s=0.06, near_period_s=0.06, jitter_s=0.0)
    rows = [blind_row(fault, fault, shipped, count) for fault in FAULTS]
    if not quick:
        rows += [blind_row(fault, f"{fault}; 60 ms, no jitter", slow, count) for fault in FAULTS]
    return rows


def peer_rows() -> list[PeerRow]:
    """gpiozero's DistanceSensor with its defaults, but 4 m of range, before a wall at 1 m."""
    return [PeerRow(fault, _peer_told_m(fault)) for fault in FAULTS]


def _peer_told_m(fault: str) -> float | None:
    moment = _Moment(0.0, PEER_FAULT_S, PEER_ASKED_S + 1.0, "near")
    pins = SimPinFactory(SimClock())
    covered = fault == "covered"
    SimHcSr04(pins, trigger=23, echo=24, distance_m=lambda t_s: moment.distance_m(t_s + 0.5, covered))
    for t_s, name, wire in FAULTS[fault](moment, random.Random(fault)):
        pins.clock.call_at(round(t_s * 1e9), _rewiring(pins.sim_pin(24 if name == "echo" else 23), wire))
    with peer_sensor(pins, max_distance=4) as sensor:
        while pins.clock.now_ns() < PEER_ASKED_S * 1e9:
            sensor.turn()
        return None if sensor.distance_m is None else round(sensor.distance_m, 3)


def lines(rows: Sequence[BlindRow]) -> Iterator[str]:
    yield f"{'DEATH OF THE SENSOR -> FAULT PATTERN':44}{'noticed':>15}{'median':>14}{'max':>24}"
    for row in rows:
        most = f"{row.max_ms:.1f} ms, {row.max_cycles:.2f} cycles"
        yield f"{row.fault:44}{f'{row.noticed} of {row.n}':>15}{f'{row.median_cycles:.2f} cycles':>14}{most:>24}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.blind", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="fewer moments, as shipped only")
    args = parser.parse_args()
    rows, peers = measure(args.quick), peer_rows()
    if args.json:
        body = {"bench": "blind", "rows": [asdict(r) for r in rows], "gpiozero": [asdict(r) for r in peers]}
        print(json.dumps(body))
        return 0
    print(*lines(rows), sep="\n")
    for p in peers:
        told = "nothing" if p.told_m is None else f"{p.told_m:.3f} m"
        print(f"gpiozero, 10 s after: {p.fault:34}{told:>10}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
