"""The guard's loop while its broker is dead or frozen, or while the device is flooded: does it sense as before?

The real guard and the real link as processes, on the simulated board. Every condition is met in turn, again and again,
so that what else runs on the machine disturbs all of them.
"""

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench._alerts_kills import config_of

CONDITIONS = ("calm", "broker dead", "broker frozen", "commands flooding", "guard's socket flooded")
FLOOD = 100_000
WARM_UP_S = 2.0
CODE = "import sys; from bench._alerts_loop import guard; guard(sys.argv[1], float(sys.argv[2]))"


class Measuring:
    """In the place of the screen: notes when each motion sample was taken, and when the loop was done with it."""

    def __init__(self) -> None:
        self.taken_ns: list[int] = []
        self.late_ns: list[int] = []

    def take(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        now_ns = time.monotonic_ns()
        for item in inputs:
            if hasattr(item, "accel_mps2"):
                self.taken_ns.append(item.t_ns)
                self.late_ns.append(now_ns - item.t_ns)


def guard(folder: str, seconds: float) -> None:
    """The guard's process: says "up" once it senses, and after `seconds` its rate and lateness as JSON."""
    from firmware.commands import guard_process
    from hal.board import SimulatedBoard
    from hal.clock import MonotonicClock
    from hal.sim.world.scenarios import scenario

    config, measuring, stop = config_of(folder, "1"), Measuring(), threading.Event()
    board = SimulatedBoard(scenario("quiet"), config.board, MonotonicClock())

    def end() -> None:
        stop.wait(WARM_UP_S)
        first = len(measuring.taken_ns)
        print("up", flush=True)
        stop.wait(seconds)
        taken_ns, late_ns = measuring.taken_ns[first:], sorted(measuring.late_ns[first:])
        rate_hz = (len(taken_ns) - 1) / ((taken_ns[-1] - taken_ns[0]) / 1e9)
        print(json.dumps({"rate_hz": rate_hz, "late_p99_ms": late_ns[len(late_ns) * 99 // 100] / 1e6}), flush=True)
        stop.set()

    threading.Thread(target=end, daemon=True).start()
    with patch.object(guard_process, "MonitorSink", lambda _: measuring):
        guard_process.run_guard(config, board, stop, simulated=True, monitor=Path(folder) / "screen")
