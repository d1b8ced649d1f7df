"""`rearguard doctor`: name each part, what it found, and what to do."""

import argparse
import json
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from firmware.commands.checks.check import Check, Job, side_by_side, worst
from firmware.commands.checks.kernel import kernel
from firmware.commands.checks.machine import Machine, clock, disk, permissions, processor, run_dir
from firmware.commands.checks.records import confirmed, records
from firmware.commands.checks.software import broker, gpio, python, recording, running
from firmware.commands.checks.voice import voice
from firmware.commands.examination import Examination
from firmware.commands.run import end_as_by_ctrl_c
from firmware.config import Config, installed, load
from firmware.mounting import mounted
from hal.board import PiBoard
from hal.clock import MonotonicClock

OK, FAILURE, NO_HARDWARE = 0, 1, 3
SPARE_S = 0.4  # of real time, beside what looking at the parts takes; what is not over by then is told as late
SURROUNDINGS_S = 1.6  # for disk and broker where the parts take no real time
NEED_PINS = ("rangefinder", "low_rangefinder", "button", "buzzer", "motor", "led", "airbag")


def doctor(args: argparse.Namespace) -> int:
    """0 when nothing failed, 1 when something did, 3 when this machine lacks the hardware altogether."""
    config = load(args.config or (None if args.simulated else installed()))
    asked = {"self_test": bool(args.self_test), "pulse_airbag": bool(args.pulse_airbag)}
    if args.simulated:
        checks = _simulated(config, args.fault, **asked)
    else:
        if not args.json and sys.stderr.isatty():
            print("Hold it still and press its button; then listen, feel and look.", file=sys.stderr)
        end_as_by_ctrl_c()
        checks = _real(config, Machine(), **asked)
    _show(checks, as_json=args.json)
    if any(check.missing for check in checks):
        return NO_HARDWARE
    return FAILURE if worst(checks) == "fail" else OK


def _simulated(config: Config, faults: Sequence[str], **asked: bool) -> list[Check]:
    """Of this machine only what a simulated walk needs as well."""
    from firmware.commands.checks.simulated import simulated_boards

    directory = Path(tempfile.gettempdir())
    told = [f"{config.board.imu.mounting.words()} (from the configuration)"]
    open_board = simulated_boards(config.board, faults)
    examination = Examination(config.board, config.core, open_board, mounting_told=told, **asked)
    parts = side_by_side(examination.jobs(), None)
    around = side_by_side(_surroundings(config, directory, Machine(), lasting=False), SURROUNDINGS_S)
    return [python(), recording(), Check("gpio", "ok", "simulated pins"), *parts, *around]


def _real(config: Config, machine: Machine, **asked: bool) -> list[Check]:
    from firmware.commands.checks.last_start import last_start  # the simulated parts have no journal

    told: list[str] = []
    config = mounted(config, told.append)
    board = PiBoard(config.board)
    examination = Examination(config.board, config.core, lambda: board, mounting_told=told, **asked)
    in_use = running(config.paths.run_dir)
    # Before anything else opens pins: gpiozero's factories share theirs, and to close one is to close them all.
    pins = [] if in_use.status == "fail" else [gpio(config.board.factory)]
    jobs = [_possible(job, in_use, *pins) for job in examination.jobs()]
    jobs += _surroundings(config, config.paths.state_dir, machine, lasting=True)
    checks = side_by_side(jobs, examination.duration_s + SPARE_S)
    state_dir = config.paths.state_dir
    return [
        *_machine(config, machine),
        in_use,
        *pins,
        *checks,
        confirmed(state_dir),
        records(state_dir),
        last_start(state_dir),
    ]


def _possible(job: Job, in_use: Check, pins: Check | None = None) -> Job:
    """The same job, unless it cannot be done; the same error from part after part would help nobody."""
    if in_use.status == "fail":
        why, see = "the parts are in use, or may be", in_use.id
    elif pins is not None and pins.missing and job.late.id in NEED_PINS:
        why, see = "there are no GPIO pins", pins.id
    else:
        return job
    unseen = Check(job.late.id, "fail", f"not looked at: {why}", f"see {see}")
    return replace(job, look=lambda: [unseen])


def _machine(config: Config, machine: Machine) -> list[Check]:
    return [
        python(),
        recording(),
        processor(machine, config.board),
        *kernel(machine, config.board),
        permissions(machine, config.board),
        clock(machine),
        run_dir(config.paths.run_dir, machine),
    ]


def _surroundings(config: Config, directory: Path, machine: Machine, *, lasting: bool) -> list[Job]:
    """What may keep us waiting: an SD card that stalls, a name server that does not answer."""
    late_disk = Check("disk", "fail", f"{directory}: a write did not end in time", "change the SD card")
    advice = "check the network and mqtt.host"
    late_broker = Check("broker", "warn", f"{config.mqtt.host} was not found in time", advice)
    late_voice = Check("voice", "warn", "its files were not read in time", "change the SD card")
    return [
        Job(lambda: [disk(directory, machine, MonotonicClock(), lasting=lasting)], late_disk),
        Job(lambda: [broker(config.mqtt, config.paths.state_dir if lasting else None)], late_broker),
        *([Job(lambda: voice(config.sounder.voice), late_voice)] if config.sounder.voice.language else []),
    ]


def _show(checks: Sequence[Check], *, as_json: bool) -> None:
    if as_json:
        rows = [{"id": c.id, "status": c.status, "detail": c.detail, "hint": c.hint} for c in checks]
        print(json.dumps({"v": 1, "status": worst(checks), "checks": rows}))
        return
    indent = len("fail  ") + max(len(check.id) for check in checks) + 2
    for check in checks:
        print(_folded(f"{check.status:<6}{check.id:<{indent - 6}}", check.detail))
        if check.hint:
            print(_folded(" " * indent + "-> ", check.hint))
    print(_summary(checks))


def _folded(head: str, text: str) -> str:
    """`text` after `head`, in a terminal folded below itself where a line is too short."""
    if not sys.stdout.isatty():
        return head + text
    width = max(shutil.get_terminal_size().columns, 60)
    return textwrap.fill(text, width, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False)


def _summary(checks: Sequence[Check]) -> str:
    failures = sum(check.status == "fail" for check in checks)
    warnings = sum(check.status == "warn" for check in checks)
    told = f", {warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    return f"{len(checks)} checks, {failures or 'none'} failed{told}"
