"""The device's processes under one parent: for trying it out, where systemd does not look after them."""

import argparse
import sys
import threading
import time
from pathlib import Path

from firmware.commands.processes import Child

DEVICE = ("sounder", "guard", "link")  # in the order of starting: whoever is heard first
CHECK_S = 0.2
RESTART_S = 1.0


def run_arguments(args: argparse.Namespace, config: Path | None, epoch_ns: int) -> list[str]:
    """What every process of one device is told alike."""
    arguments = ["--config", str(config)] if config else []
    if args.simulated:
        arguments += ["--simulated", "--scenario", args.scenario, "--epoch-ns", str(epoch_ns)]
        arguments += ["--motion", args.motion] if args.motion else []
        for fault in args.fault:
            arguments += ["--fault", fault]
    return arguments


def start_device(arguments: list[str], guard_arguments: list[str], *, watched: bool) -> dict[str, Child]:
    """Sounder first, so that a guard that fails at once is already heard."""
    extra = {"guard": guard_arguments}
    return {
        name: Child(name, "firmware", ["run", name, *arguments, *extra.get(name, [])], watched=watched)
        for name in DEVICE
    }


def restart_dead(children: dict[str, Child]) -> list[str]:
    """Start again whatever ended by itself, each at most once a second; their names."""
    now_s = time.monotonic()
    dead = [
        child for child in children.values() if child.exit_code is not None and now_s - child.started_s >= RESTART_S
    ]
    for child in dead:
        child.start()
    return [child.name for child in dead]


def run_all(args: argparse.Namespace, stop: threading.Event) -> int:
    """Guard, sounder and link until `stop` is set; what dies is started again."""
    guard_arguments = ["--record", args.record] if args.record else []
    config = Path(args.config) if args.config else None
    children = start_device(run_arguments(args, config, time.monotonic_ns()), guard_arguments, watched=False)
    while not stop.wait(CHECK_S):
        for name in restart_dead(children):
            print(f"rearguard: {name} ended by itself and was started again", file=sys.stderr, flush=True)
    for name in ("guard", "link", "sounder"):
        children[name].stop()
    return 0
