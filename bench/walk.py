"""How quickly the device answers: `python -m bench.walk [--json] [--quick]`.

In real time on the simulated board: from a cold start to ready, and from an impact to an MQTT subscriber. In simulated
time, exactly: from a person stepping into the way to the buzzer's pin, from a cut echo wire to the fault pattern, and
from the sample by which a fall seems to have begun (`PreImpact`) to the airbag's pin and to the buzzer's.
Beside it, on the same simulated pins and in real time, `gpiozero.DistanceSensor` with its own defaults.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from firmware.config import Config
from firmware.core.messages import Hazard, Pattern, PreImpact, SetPattern, Severity
from firmware.virtual import VirtualDevice
from hal.config import AirbagConfig, BoardConfig
from hal.samples import Vector
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.clock import PacedClock
from hal.sim.faults import parse_fault
from hal.sim.pins import SimPinFactory
from hal.sim.world.scenarios import scenario
from hal.sim.world.scene import Mark, World

FALL_S = 14.0  # the walker of the scenario `fall` lies by then
STEPS_IN_S = 12.0  # the walker of the scenario `quiet` is well under way
NEAR_M, FAR_M = 0.8, 1.5
ALARM_AT_M = 1.0
TRIALS, QUICK_TRIALS = 15, 5
APART_S = 0.0137  # no part of the 60 ms ping cycle, so that the trials spread over it


@dataclass(frozen=True, slots=True)
class SteppingIn:
    """The world of `quiet`, into which somebody steps at `t_s`, `NEAR_M` behind the walker."""

    base: World
    t_s: float
    name: str = "stepping in"

    @property
    def duration_s(self) -> float:
        return self.base.duration_s

    @property
    def marks(self) -> tuple[Mark, ...]:
        return (*self.base.marks, Mark(self.t_s, "steps in"))

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        return self.base.motion(t_s)

    def distance_m(self, t_s: float) -> float | None:
        return None if t_s < self.t_s else max(NEAR_M - 0.6 * (t_s - self.t_s), 0.05)

    def pressed(self, t_s: float) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Later:
    """The same world, begun later: until then its walker stands as at its beginning."""

    base: World
    by_s: float
    name: str = "later"

    @property
    def duration_s(self) -> float:
        return self.base.duration_s + self.by_s

    @property
    def marks(self) -> tuple[Mark, ...]:
        return tuple(Mark(mark.t_s + self.by_s, mark.what) for mark in self.base.marks)

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        return self.base.motion(max(t_s - self.by_s, 0.0))

    def distance_m(self, t_s: float) -> float | None:
        return self.base.distance_m(max(t_s - self.by_s, 0.0))

    def pressed(self, t_s: float) -> bool:
        return self.base.pressed(max(t_s - self.by_s, 0.0))


def virtual_latency_s(world: World, event_s: float, wanted: Callable[[Pattern], bool], *faults: str) -> float:
    """From `event_s` to the first pulse of a wanted pattern on the buzzer's pin, in exact simulated time."""
    with tempfile.TemporaryDirectory() as folder:
        device = VirtualDevice(Config(), world, Path(folder), faults=[parse_fault(fault) for fault in faults])
        device.run_until(event_s + 3.0)
        patterns = [output for output in device.log.outputs if isinstance(output, SetPattern)]
        device.end()
    decided_ns = next(output.t_ns for output in patterns if output.t_ns >= event_s * 1e9 and wanted(output.pattern))
    pulses = (state.t_ns for state in device.board.buzzer_pin.history if state.level)
    return next(t_ns for t_ns in pulses if t_ns >= decided_ns) / 1e9 - event_s


def is_obstacle(pattern: Pattern) -> bool:
    return pattern in (Pattern.OBSTACLE_CAUTION, Pattern.OBSTACLE_WARNING, Pattern.OBSTACLE_IMMINENT)


def step_in_latencies_s(trials: int) -> list[float]:
    """Over moments spread through the ping cycle."""
    moments_s = [STEPS_IN_S + i * APART_S for i in range(trials)]
    return [virtual_latency_s(SteppingIn(scenario("quiet"), t_s), t_s, is_obstacle) for t_s in moments_s]


def cut_wire_latencies_s(trials: int) -> list[float]:
    """From the cut echo wire to the fault pattern."""
    moments_s = [STEPS_IN_S + i * APART_S for i in range(trials)]
    return [
        virtual_latency_s(scenario("quiet"), t_s, lambda pattern: pattern is Pattern.FAULT, f"off:rangefinder@{t_s}")
        for t_s in moments_s
    ]


def pre_impact_latencies_s(trials: int) -> tuple[list[float], list[float]]:
    """From PreImpact to the airbag's pin and to the buzzer's next pulse, of falls at moments spread over a turn."""
    board = replace(BoardConfig(), airbag=AirbagConfig(pin=22))
    to_airbag_s: list[float] = []
    to_buzzer_s: list[float] = []
    for i in range(trials):
        with tempfile.TemporaryDirectory() as folder:
            device = VirtualDevice(Config(board=board), Later(scenario("fall"), i * APART_S), Path(folder))
            device.run_until(FALL_S)
            device.end()
        told_ns = next(out.t_ns for out in device.log.outputs if isinstance(out, PreImpact))
        for pin, found in ((device.board.airbag_pin, to_airbag_s), (device.board.buzzer_pin, to_buzzer_s)):
            rise_ns = next(state.t_ns for state in pin.history if state.level and state.t_ns >= told_ns)
            found.append((rise_ns - told_ns) / 1e9)
    return to_airbag_s, to_buzzer_s


class GpiozeroPeer:
    """gpiozero's own rangefinder class with its defaults, on the simulated pins, in real time."""

    def __init__(self) -> None:
        from gpiozero import DistanceSensor

        self.distance_m: float | None = FAR_M
        clock = PacedClock()
        pins = SimPinFactory(clock)
        SimHcSr04(pins, trigger=23, echo=24, distance_m=lambda _: self.distance_m, epoch_ns=clock.now_ns())
        self._stop = threading.Event()
        self._pump = threading.Thread(target=self._run, args=(clock,), daemon=True)
        self._pump.start()
        warnings.filterwarnings("ignore", module="gpiozero")  # of lost echoes, which are what is measured here
        self.sensor = DistanceSensor(
            echo=24, trigger=23, max_distance=4, threshold_distance=ALARM_AT_M, pin_factory=pins
        )

    def latency_s(self, phase_s: float) -> float | None:
        """From a step FAR_M -> NEAR_M to `in_range`; None when it does not come within 2 s."""
        self.distance_m = FAR_M
        if not self.sensor.wait_for_out_of_range(timeout=3):
            return None
        seen = threading.Event()
        seen.wait(phase_s)
        self.sensor.when_in_range = seen.set
        began_s = time.perf_counter()
        self.distance_m = NEAR_M
        return time.perf_counter() - began_s if seen.wait(2.0) else None

    def after_cut_m(self) -> float:
        """What it still calls the distance 2 s after its echo wire was cut."""
        self.distance_m = FAR_M
        self.sensor.wait_for_out_of_range(timeout=3)
        self._stop.set()
        self._pump.join()
        threading.Event().wait(2.0)
        return float(self.sensor.distance)

    def _run(self, clock: PacedClock) -> None:
        while not self._stop.is_set():
            clock.sleep(0.0005)


def real_walk() -> dict[str, Any]:
    """One walk as four processes: seconds from the start of the command to ready, from impact to subscriber."""
    command = [sys.executable, "-m", "firmware", "walk", "--simulated", "--scenario", "fall", "--json", "--no-sound"]
    began_ns = time.monotonic_ns()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    summary = said[-1]
    ready_ns = next(line["t_ns"] for line in said if line.get("kind") == "walk" and line["state"] == "ready")
    falls = (line for line in said if line.get("kind") == "alert" and line["hazard"] == Hazard.FALL)
    suspected = next(line for line in falls if line["severity"] == Severity.SUSPECTED)
    epoch_ns = ready_ns - round(summary["ready_s"] * 1e9)
    impact_s = next(mark.t_s for mark in scenario("fall").marks if mark.what == "impact")
    decided_s = (suspected["t_ns"] - epoch_ns) / 1e9 - impact_s
    return {
        "command_to_ready_s": (ready_ns - began_ns) / 1e9,
        "impact_to_suspected_s": decided_s,
        "impact_to_subscriber_s": decided_s + summary["alerts"][0]["after_s"],
    }


def spread(values_s: list[float]) -> dict[str, float]:
    return {
        "median_ms": round(statistics.median(values_s) * 1e3, 1),
        "max_ms": round(max(values_s) * 1e3, 1),
        "trials": len(values_s),
    }


def measure(quick: bool) -> dict[str, Any]:
    trials = QUICK_TRIALS if quick else TRIALS
    ours = step_in_latencies_s(trials)
    to_airbag_s, to_buzzer_s = pre_impact_latencies_s(trials)
    peer = GpiozeroPeer()
    theirs = [latency for i in range(trials) if (latency := peer.latency_s(i * APART_S)) is not None]
    result: dict[str, Any] = {
        "load_average": os.getloadavg()[0],
        "obstacle_to_buzzer": spread(ours),
        "obstacle_to_gpiozero_in_range": spread(theirs),
        "ratio": round(statistics.median(theirs) / statistics.median(ours), 2),
        "cut_echo_wire_to_fault_pattern": spread(cut_wire_latencies_s(trials)),
        "pre_impact_to_airbag_pin": spread(to_airbag_s),
        "pre_impact_to_buzzer": spread(to_buzzer_s),
        "gpiozero_distance_2_s_after_the_cut_m": round(peer.after_cut_m(), 3),
    }
    if not quick:
        result |= {key: round(value, 3) for key, value in real_walk().items()}
    return result


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.walk", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="fewer trials, and no walk in real time")
    args = parser.parse_args()
    result = measure(args.quick)
    if args.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            text = ", ".join(f"{key} {number}" for key, number in value.items()) if isinstance(value, dict) else value
            print(f"{name.replace('_', ' '):44} {text}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
