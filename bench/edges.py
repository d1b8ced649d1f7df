"""What watching the echo line costs, and how well it is timed: `python -m bench.edges [--json] [--quick]`.

Three ways on the virtual Pi (hal.sim.virtual_pi), each in a process of its own and one after the other: our own line of
the kernel, gpiozero's `when_changed` on lgpio's alert thread, and looking at the level again and again, which is what
is left to RPi.GPIO. Beside them processes that watch nothing, without lgpio and with it: its library wakes up 50 times
a second as soon as a chip is open, whoever watches the line. A pulse of 8.736 ms is an echo from 1.5 m. How soon it is
known includes the virtual Pi's own delay, which is alike for all ways.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hal.clock import Clock, MonotonicClock
from hal.pins import Pin, Pins, PolledPulse, PulseInput, open_factory
from hal.sim.virtual_pi.server import VirtualPi, build, has_lgpio

ECHO = 24
WIDTH_S = 8.736e-3
M_PER_S = 343.42 / 2  # there and back
APART_S = 0.060
NO_MORE_S = 1.0  # without a pulse: the others were missed
FOR_EVER_S = 3600.0
IDLE_S, QUICK_IDLE_S = 5.0, 0.4
PULSES, QUICK_PULSES = 50, 5


class AlertPulse:
    """As a reader on gpiozero would time a pulse: by what `when_changed` is told."""

    uncertain_s = 0.0

    def __init__(self, pin: Pin) -> None:
        self._pin, self._over = pin, threading.Event()
        self.arm()
        pin.input_with_pull("floating")
        pin.edges = "both"
        pin.when_changed = self._changed

    @property
    def level(self) -> bool:
        return bool(self._pin.state)

    def arm(self) -> None:
        self.rise: float | None = None
        self.fall: float | None = None
        self._over.clear()

    def wait(self, clock: Clock, timeout_s: float) -> bool:
        return clock.wait(self._over, timeout_s)

    def close(self) -> None:
        self._pin.close()

    def _changed(self, ticks: float, level: int) -> None:
        if level:
            self.rise = ticks
        elif self.rise is not None:
            self.fall = ticks
            self._over.set()


WAYS: dict[str, Callable[[Pins], PulseInput]] = {
    "kernel_line": lambda pins: pins.pulse_input(ECHO),
    "lgpio_alert": lambda pins: AlertPulse(pins.pin(ECHO)),
    "looking": lambda pins: PolledPulse(pins, pins.pin(ECHO)),
}
STAMPED_WAYS = ("kernel_line", "lgpio_alert")


def idle(way: str, seconds: float) -> None:
    """In a process of its own: watch a line on which nothing happens, and print what that took."""
    pins = None if way == "nothing" else open_factory("lgpio")
    if pins is not None and way in WAYS:
        pulse = WAYS[way](pins)
        threading.Thread(target=pulse.wait, args=(MonotonicClock(), FOR_EVER_S), daemon=True).start()
    silence = threading.Event()
    silence.wait(0.2)  # until all threads have come to rest
    cpu_s, switches, began_s = time.process_time(), _switches(), time.perf_counter()
    silence.wait(seconds)
    took_s = time.perf_counter() - began_s
    found = {"cpu_percent": (time.process_time() - cpu_s) / took_s * 100}
    print(json.dumps(found | {"wake_ups_per_s": (_switches() - switches) / took_s}), flush=True)
    os._exit(0)  # the thread above waits on


def _switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def timed(way: str, pulses: int, *, busy: bool) -> None:
    """In a process of its own: time pulses, perhaps beside a thread that never rests; print what was found, in s."""
    pins = open_factory("lgpio")
    pulse = WAYS[way](pins)
    if busy:
        threading.Thread(target=_count, daemon=True).start()
    clock = MonotonicClock()
    found: list[tuple[float, float, float, float]] = []
    pulse.arm()
    print("ready", flush=True)
    while len(found) < pulses and pulse.wait(clock, NO_MORE_S if found else NO_MORE_S + pulses * APART_S):
        now_s = pins.ticks()
        assert pulse.rise is not None
        assert pulse.fall is not None
        found.append((pulse.rise, pulse.fall, now_s, pulse.uncertain_s))
        pulse.arm()
    print(json.dumps(found), flush=True)
    os._exit(0)  # the busy thread has no end


def _count() -> None:
    i = 0
    while True:
        i += 1


def start(pi: VirtualPi, call: str) -> "subprocess.Popen[str]":
    """One of the functions above, in a process on the virtual Pi."""
    command = [sys.executable, "-c", f"from bench.edges import idle, timed; {call}"]
    return subprocess.Popen(command, env=os.environ | pi.environment, stdout=subprocess.PIPE, text=True)


def idle_costs(library: Path, way: str, seconds: float) -> dict[str, float]:
    with VirtualPi(library) as pi:
        said, _ = start(pi, f"idle({way!r}, {seconds})").communicate()
    return {name: round(value, 3) for name, value in json.loads(said).items()}


def errors(library: Path, way: str, pulses: int, *, busy: bool) -> dict[str, float]:
    with VirtualPi(library) as pi:
        program = start(pi, f"timed({way!r}, {pulses}, busy={busy})")
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        edges_s = _send_pulses(pi, pulses)
        said, _ = program.communicate()
    sent = list(zip(edges_s[::2], edges_s[1::2], strict=True))
    errors_m, delays_s, uncertain = [], [], 0
    for rise_s, fall_s, known_s, uncertain_s in json.loads(said):
        true_rise_s, true_fall_s = min(sent, key=lambda pulse: abs(pulse[0] - rise_s))
        errors_m.append(((fall_s - rise_s) - (true_fall_s - true_rise_s)) * M_PER_S)
        delays_s.append(known_s - true_fall_s)
        uncertain += uncertain_s > 0
    if not errors_m:
        return {"missed": pulses, "pulses": pulses}
    sizes_m = [abs(error_m) for error_m in errors_m]
    return {
        "median_error_mm": round(statistics.median(sizes_m) * 1e3, 3),
        "max_error_mm": round(max(sizes_m) * 1e3, 3),
        "too_far": sum(error_m > 1e-3 for error_m in errors_m),
        "told_uncertain": uncertain,
        "median_known_after_ms": round(statistics.median(delays_s) * 1e3, 2),
        "max_known_after_ms": round(max(delays_s) * 1e3, 2),
        "missed": pulses - len(errors_m),
        "pulses": pulses,
    }


def _send_pulses(pi: VirtualPi, pulses: int) -> list[float]:
    """Begin to send them. Returns the list to which the times are added at which the line really goes up and down."""
    line = pi.pins.sim_pin(ECHO)
    edges_s: list[float] = []

    def drive(level: bool) -> None:
        now_ns = pi.clock.now_ns()
        edges_s.append(now_ns / 1e9)
        line.drive(level, now_ns)

    def edge_at(level: bool, t_ns: int) -> None:
        pi.clock.call_at(t_ns, lambda: drive(level))

    with pi.held():
        began_ns = pi.clock.now_ns()
        for i in range(1, pulses + 1):
            rise_ns = began_ns + round(i * APART_S * 1e9)
            edge_at(True, rise_ns)
            edge_at(False, rise_ns + round(WIDTH_S * 1e9))
    return edges_s


def measure(quick: bool) -> dict[str, Any]:
    seconds, pulses = (QUICK_IDLE_S, QUICK_PULSES) if quick else (IDLE_S, PULSES)
    with tempfile.TemporaryDirectory() as folder:
        library = build(Path(folder))
        costs = {way: idle_costs(library, way, seconds) for way in ("nothing", "lgpio_opened", *STAMPED_WAYS)}
        ours, theirs = (costs[way] for way in STAMPED_WAYS)
        return {
            "load_average": os.getloadavg()[0],
            **{f"idle_{way}": cost for way, cost in costs.items()},
            "wake_ups_lgpio_to_ours": round(theirs["wake_ups_per_s"] / max(ours["wake_ups_per_s"], 1 / seconds), 1),
            "cpu_lgpio_to_ours": round(theirs["cpu_percent"] / ours["cpu_percent"], 1),
            **{f"calm_{way}": errors(library, way, pulses, busy=False) for way in STAMPED_WAYS},
            **{f"busy_{way}": errors(library, way, pulses, busy=True) for way in WAYS},
        }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.edges", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="for less long, and fewer pulses")
    args = parser.parse_args()
    result = measure(args.quick) if has_lgpio() else {"not_measured": "lgpio is not installed; pip has it up to 3.12"}
    if args.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            text = ", ".join(f"{key} {number}" for key, number in value.items()) if isinstance(value, dict) else value
            print(f"{name.replace('_', ' '):44} {text}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
