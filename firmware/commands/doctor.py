"""`rearguard doctor`: name each part, what it found, and what to do."""

import argparse
import json
import os
import socket
import sys
import tempfile
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from firmware.commands.examination import Check, examine, failed
from firmware.config import Config, installed, load
from hal.board import Board
from hal.errors import PinsUnavailable
from hal.samples import PARTS, Vector
from hal.sim.world.scene import Mark, World

OLDEST_PYTHON = (3, 11)
BROKER_TIMEOUT_S = 2.0
OK, FAILURE, NO_HARDWARE = 0, 1, 3


def doctor(args: argparse.Namespace) -> int:
    """0 when nothing failed, 1 when something did, 3 when this machine lacks the hardware altogether."""
    config = load(args.config or (None if args.simulated else installed()))
    checks = [_python(), _recording()]
    if args.simulated:
        checks += [_writable(Path(tempfile.gettempdir())), Check("gpio", "ok", "simulated pins")]
        checks += examine(_simulated_board(config, args.fault), config.board)
    else:
        checks += [_writable(config.paths.state_dir), *_real_parts(config)]
    checks.append(_broker(config))
    _show(checks, as_json=args.json)
    if any(check.missing for check in checks):
        return NO_HARDWARE
    return FAILURE if _status(checks) == "fail" else OK


def _status(checks: list[Check]) -> str:
    found = {check.status for check in checks}
    return "fail" if "fail" in found else "warn" if "warn" in found else "ok"


def _show(checks: list[Check], *, as_json: bool) -> None:
    if as_json:
        rows = [{"id": c.id, "status": c.status, "detail": c.detail, "hint": c.hint} for c in checks]
        print(json.dumps({"v": 1, "status": _status(checks), "checks": rows}))
        return
    for check in checks:
        print(f"{check.status:<4}  {check.id:<12} {check.detail}")
        if check.hint:
            print(f"{'':<19}-> {check.hint}")
    bad = sum(check.status == "fail" for check in checks)
    print(f"{len(checks)} checks, {bad} failed" if bad else f"{len(checks)} checks, none failed")


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        return Check("python", "ok", f"Python {found}")
    return Check("python", "fail", f"Python {found}, expected 3.11 or newer", "use Debian 12 or newer")


def _recording() -> Check:
    if find_spec("mcap") is not None:
        return Check("recording", "ok", "walks can be recorded")
    return Check("recording", "warn", "walks cannot be recorded", "pip install 'rearguard[recording]'")


def _writable(directory: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"rearguard")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        advice = f"make it and let this user write there: sudo install -d -o $USER {directory}"
        return Check("state", "fail", f"{directory} cannot be written: {error.strerror}", advice)
    return Check("state", "ok", f"{directory} can be written")


def _broker(config: Config) -> Check:
    host, port = config.mqtt.host, config.mqtt.port
    if not host:
        return Check("broker", "warn", "no broker is set: nobody will be told of a fall", "set mqtt.host")
    try:
        socket.create_connection((host, port), timeout=BROKER_TIMEOUT_S).close()
    except OSError as error:
        advice = "start it, or set mqtt.host and mqtt.port; until then alerts are kept, and nobody is told"
        return Check("broker", "warn", f"{host}:{port} does not answer: {error.strerror or error}", advice)
    return Check("broker", "ok", f"{host}:{port} answers")


def _real_parts(config: Config) -> list[Check]:
    from hal.board import PiBoard
    from hal.pins import open_factory

    try:
        open_factory(config.board.factory).close()
    except PinsUnavailable as error:
        gpio = replace(failed("gpio", [error], 1), missing=True)
        unseen = [Check(part, "fail", "not looked at: there are no GPIO pins", gpio.hint) for part in PARTS]
        return [gpio, *unseen]
    return [Check("gpio", "ok", f"{config.board.factory} works"), *examine(PiBoard(config.board), config.board)]


@dataclass(frozen=True, slots=True)
class _Pressing:
    """A world whose walker presses the button again and again, so that faults that only a press shows are seen."""

    world: World
    name: str = "doctor"

    @property
    def duration_s(self) -> float:
        return self.world.duration_s

    @property
    def marks(self) -> tuple[Mark, ...]:
        return self.world.marks

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        return self.world.motion(t_s)

    def distance_m(self, t_s: float) -> float | None:
        return self.world.distance_m(t_s)

    def pressed(self, t_s: float) -> bool:
        return 0.4 <= t_s % 1.5 < 0.9


def _simulated_board(config: Config, faults: list[str]) -> Board:
    from hal.sim.board import SimBoard
    from hal.sim.clock import SimClock
    from hal.sim.faults import parse_fault
    from hal.sim.world.scenarios import scenario

    clock = SimClock()
    begun = [parse_fault(text) if "@" in text else replace(parse_fault(text), start_s=0.0) for text in faults]
    return SimBoard(
        config.board, _Pressing(scenario("stand")), faults=tuple(begun), epoch_ns=0, new_clock=lambda: clock
    )
