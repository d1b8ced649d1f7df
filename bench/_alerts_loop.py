"""The guard's loop while its broker is dead or frozen, or while the device is flooded: does it sense as before?

The real guard and the real link as processes, on the simulated board. Every condition is met in turn, again and again,
so that what else runs on the machine disturbs all of them.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench._alerts_broker import Broker
from bench._alerts_kills import LINK_CODE, config_of
from bench._alerts_line import DEVICE
from firmware.ipc import LINK_SOCKET
from firmware.link import topics

CONDITIONS = ("calm", "broker dead", "broker frozen", "commands flooding", "guard's socket flooded")
FLOOD, FLOODER = 100_000, "mosquitto_pub"
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
    from hal.sim.board import SimBoard
    from hal.sim.clock import PacedClock
    from hal.sim.world.scenarios import scenario

    config, measuring, stop = config_of(folder, "1"), Measuring(), threading.Event()
    board = SimBoard(config.board, scenario("quiet"), epoch_ns=time.monotonic_ns(), new_clock=PacedClock)

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


def met(condition: str, seconds: float) -> dict[str, float]:
    """The guard's rate and lateness in one condition, and how many commands were thrown at it."""
    with tempfile.TemporaryDirectory() as name, Broker(Path(name)) as broker, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.joinpath("device-id").write_text(DEVICE + "\n")
        link = subprocess.Popen([sys.executable, "-c", LINK_CODE, name, str(broker.port)], stderr=subprocess.DEVNULL)
        stack.callback(_end, link)
        guarding = subprocess.Popen(
            [sys.executable, "-c", CODE, name, str(seconds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        stack.callback(_end, guarding)
        assert guarding.stdout is not None
        if guarding.stdout.readline() != "up\n":
            raise RuntimeError("the guard's process did not come up")
        over, thrown = threading.Event(), list[int]()
        with ThreadPoolExecutor(1) as pool:
            thrower = pool.submit(_trouble, condition, broker, folder, over, thrown)
            line = guarding.stdout.readline()
            over.set()
            thrower.result()
        found: dict[str, float] = json.loads(line)
        return {**found, "thrown": sum(thrown)}


def _end(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.communicate()


def _trouble(condition: str, broker: Broker, folder: Path, over: threading.Event, thrown: list[int]) -> None:
    match condition:
        case "broker dead":
            broker.kill()
        case "broker frozen":
            os.kill(broker.pid, signal.SIGSTOP)
        case "commands flooding":
            _flood_link(broker, thrown)
        case "guard's socket flooded":
            _flood_guard(folder, over, thrown)


def _flood_link(broker: Broker, thrown: list[int]) -> None:
    """As fast as Mosquitto's own client can; the guard goes on being measured while the link works it off."""
    where = ["-h", "127.0.0.1", "-p", str(broker.port), "-t", topics.command(DEVICE, "locate")]
    wishes = '{"by":"flood"}\n' * FLOOD
    subprocess.run([FLOODER, *where, "-l"], input=wishes, text=True, check=True)
    thrown.append(FLOOD)


def _flood_guard(folder: Path, over: threading.Event, thrown: list[int]) -> None:
    wish = b'{"v":1,"kind":"command","name":"locate"}'
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as flood:
        flood.setblocking(False)
        while sum(thrown) < FLOOD and not over.is_set():
            for _ in range(500):
                with contextlib.suppress(OSError):
                    flood.sendto(wish, str(folder / LINK_SOCKET))
            thrown.append(500)


def why_not(condition: str) -> str:
    """Why this condition cannot be made on this machine; empty: it can."""
    missing = condition == "commands flooding" and not shutil.which(FLOODER)
    return f"{FLOODER} is missing: apt-get install mosquitto-clients" if missing else ""


def measured(rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """The medians over the rounds, and beside each condition how it stands to the calm one of the same round."""
    conditions = [condition for condition in CONDITIONS if not why_not(condition)]
    found = {condition: list[dict[str, float]]() for condition in conditions}
    for number in range(rounds):
        for condition in conditions if number % 2 == 0 else reversed(conditions):
            found[condition].append(met(condition, seconds))
    calm = found["calm"]
    return {
        condition: {
            "rate_hz": round(statistics.median(run["rate_hz"] for run in runs), 2),
            "rate_ratio": round(_ratio(runs, calm, "rate_hz"), 4),
            "late_p99_ms": round(statistics.median(run["late_p99_ms"] for run in runs), 2),
            "late_ratio": round(_ratio(runs, calm, "late_p99_ms"), 2),
            "commands": sum(run["thrown"] for run in runs),
        }
        for condition, runs in found.items()
    }


def _ratio(runs: Sequence[dict[str, float]], calm: Sequence[dict[str, float]], key: str) -> float:
    return statistics.median(run[key] / other[key] for run, other in zip(runs, calm, strict=True))
