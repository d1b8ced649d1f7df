"""`rearguard silence`: drive every output low, whoever left it on. systemd runs it when the sounder has ended."""

import argparse
import sys
from collections.abc import Callable
from typing import Protocol

from firmware.config import Config, installed, load
from firmware.errors import AlreadyRunning
from firmware.ipc import Instance
from hal.board import Board, PiBoard
from hal.errors import HalError, PinsUnavailable

FAILURE, NO_HARDWARE = 1, 3  # as `rearguard --help` lists them


class Output(Protocol):
    """What all outputs have in common."""

    def off(self) -> None: ...

    def close(self) -> None: ...


def silence(args: argparse.Namespace) -> int:
    """0 when all is silent, 1 when an output may still be on, and 3 when this machine has none.

    What could not be silenced is named on standard error, and the next sounder tries again. It keeps its hands off
    the outputs of a sounder that runs, and no sounder can start meanwhile.
    """
    config = load(args.config or installed())
    run_dir = config.paths.run_dir
    try:
        instance = Instance(run_dir, "sounder") if run_dir.is_dir() else None  # without it, none has ever run here
    except AlreadyRunning as error:
        print(f"silence: nothing done: {error}", file=sys.stderr)
        return 0
    except OSError as error:  # low is safe; of a sounder that runs all the same, the kernel keeps most lines for it
        print(f"silence: cannot see whether a sounder runs ({error}); going on", file=sys.stderr)
        instance = None
    board = PiBoard(config.board)
    complaints, missing = silenced(board, config)
    for complaint in complaints:
        print(f"silence: {complaint}", file=sys.stderr)
    if instance is not None:  # the board stays open: closing it would take the pull-down off the pins again
        instance.close()
    if not complaints:
        return 0
    return NO_HARDWARE if missing else FAILURE


def silenced(board: Board, config: Config) -> tuple[list[str], bool]:
    """Drive each output low; what is said of those that cannot be, and whether no pin can be had at all."""
    openers: dict[str, Callable[[], Output]] = {"buzzer": board.open_buzzer, "motor": board.open_motor}
    if config.board.led.pin is not None:
        openers["led"] = board.open_led
    if config.board.airbag.pin is not None:
        openers["airbag"] = board.open_airbag
    complaints, errors = [], []
    for part, open_output in openers.items():
        try:
            output = open_output()  # drives it low
            try:
                output.off()  # sees that it is
            finally:
                output.close()
        except HalError as error:
            errors.append(error)
            complaints.append(f"{part} may still be on: {error}")
    return complaints, len(errors) == len(openers) and all(isinstance(error, PinsUnavailable) for error in errors)
