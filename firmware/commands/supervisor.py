"""The device's processes under one parent: for trying it out, where systemd does not look after them."""

import argparse
import sys
import threading
import time
from pathlib import Path

from firmware.commands.processes import Child

DEVICE = ("sounder", "guard", "link")  # in the order of starting: whoever is heard first
CHECK_S = 0.2
RESTART_S = {"sounder": 0.2}  # what it left on goes off when it is started again: that is the first thing it does
RESTART_ANY_S = 1.0
KILL_PATIENCE_S = 1.0
SILENCE_S = 20.0


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
        name: Child(
            name,
            "firmware",
            ["run", name, *arguments, *extra.get(name, [])],
            watched=watched,
            beats=name in ("sounder", "guard"),
        )
        for name in DEVICE
    }


def restart_dead(children: dict[str, Child]) -> list[str]:
    """Start again whatever ended by itself or hangs, each at most once a second; what to say of it."""
    said = []
    for child in children.values():
        if child.hangs:
            child.kill(KILL_PATIENCE_S)
            said.append(f"{child.name} hangs; it is killed and started again")
            if child.exit_code is not None:  # else it is started once it is gone: two would take each other's sockets
                child.start()
        elif child.exit_code is not None and _rested_s(child) >= RESTART_S.get(child.name, RESTART_ANY_S):
            said.append(f"{child.name} ended by itself; started again")
            child.start()
    return said


def _rested_s(child: Child) -> float:
    return time.monotonic() - child.started_s


def run_all(args: argparse.Namespace, stop: threading.Event) -> int:
    """Guard, sounder and link until `stop` is set; what dies or hangs is started again."""
    guard_arguments = ["--record", args.record] if args.record else []
    config = Path(args.config) if args.config else None
    children = start_device(run_arguments(args, config, time.monotonic_ns()), guard_arguments, watched=False)
    while not stop.wait(CHECK_S):
        for line in restart_dead(children):
            print(f"rearguard: {line}", file=sys.stderr, flush=True)
    for name in ("guard", "link"):
        children[name].stop()
    if not children["sounder"].stop() and not args.simulated:  # it was killed, and its outputs may be on
        silence = Child("silence", "firmware", ["silence", *(["--config", str(config)] if config else [])])
        silence.wait(SILENCE_S)
    return 0
