"""`rearguard run`: one of the device's processes, or all of them under one supervisor."""

import argparse
import faulthandler
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from firmware.config import Config, installed, load
from firmware.errors import ConfigError
from firmware.ipc import Instance
from hal.board import Board

if TYPE_CHECKING:
    from hal.sim.world.scene import World


def run(args: argparse.Namespace) -> int:
    """Run the process that is named until SIGTERM or Ctrl-C; 0 after a clean end."""
    args.config = args.config or (None if args.simulated else installed())  # the children are told the same
    config = load(args.config)
    stop = threading.Event()
    faulthandler.register(signal.SIGUSR1)  # where does it hang? kill -USR1 tells
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    make_folders(config)
    if args.process == "all":
        from firmware.commands.supervisor import run_all

        return run_all(args, stop)
    instance = Instance(config.paths.run_dir, args.process)
    try:
        _run_process(args, config, stop)
    finally:
        instance.close()
    return 0


def _run_process(args: argparse.Namespace, config: Config, stop: threading.Event) -> None:
    if args.process == "guard":
        from firmware.commands.guard_process import complain, run_guard
        from firmware.mounting import mounted

        config = mounted(config, complain)
        board, record, monitor = open_board(args, config), _path(args.record), _path(args.monitor)
        run_guard(config, board, stop, simulated=args.simulated, record=record, monitor=monitor)
    elif args.process == "sounder":
        from firmware.commands.sounder_process import run_sounder
        from firmware.remote_settings import with_kept

        config, _ = with_kept(config)  # the guard complains
        run_sounder(config, open_board(args, config), stop)
    else:
        from firmware.commands.link_process import run_link

        run_link(config, stop)


def end_as_by_ctrl_c() -> None:
    """What ends a terminal or a service must not leave an output on either; `nohup` is heeded."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(name) is signal.SIG_DFL:
            signal.signal(name, signal.default_int_handler)


def make_folders(config: Config) -> None:
    """Make what [paths] names.

    Raises:
        ConfigError: one of them cannot be made or written.
    """
    for key, folder in (("run_dir", config.paths.run_dir), ("state_dir", config.paths.state_dir)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"[paths] {key} {folder} cannot be made: {error.strerror}") from error


def check_recordable(path: Path) -> None:
    """Before the walk, not after it. A file that is there makes room, as with any other program's output."""
    try:
        path.touch()
        path.unlink()
    except OSError as error:
        raise ConfigError(f"--record {path}: cannot be written: {error.strerror}") from error


def open_board(args: argparse.Namespace, config: Config) -> Board:
    """The Pi's own parts, or simulated ones in real time; `--epoch-ns` gives every process the same world."""
    if not args.simulated:
        from hal.board import PiBoard

        return PiBoard(config.board)
    from hal.sim.board import SimBoard
    from hal.sim.clock import PacedClock
    from hal.sim.faults import parse_fault

    return SimBoard(
        config.board,
        open_world(args),
        faults=tuple(parse_fault(text) for text in args.fault),
        epoch_ns=args.epoch_ns or time.monotonic_ns(),
        new_clock=PacedClock,
    )


def open_world(args: argparse.Namespace) -> "World":
    """The recorded motion that `--motion` names, or the scenario that `--scenario` names."""
    if args.motion:
        from hal.sim.world.recorded import recorded

        return recorded(args.motion)
    from hal.sim.world.scenarios import scenario

    return scenario(args.scenario)


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
