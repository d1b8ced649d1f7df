"""What the commands about walks have in common: which folder, which day, and who may write there now."""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date

from firmware.config import Config, installed, load
from firmware.errors import RearguardError
from firmware.ipc import Instance
from firmware.known_day import SYNCED_MARK, clock, local_date
from firmware.remote_settings import with_kept
from firmware.walks import FILE, Kept, read

MOST = 20  # complaints about one file that anybody reads


def settings(args: argparse.Namespace) -> Config:
    """The configuration that `--config` names, or the device's, with what the therapist set from afar."""
    config, complaint = with_kept(load(args.config or installed()))
    if complaint:
        print(f"rearguard: {complaint}", file=sys.stderr)
    return config


def kept(config: Config) -> Kept:
    """All records; what cannot be read of them is told on standard error.

    Raises:
        RearguardError: the file cannot be read at all.
    """
    state_dir = config.paths.state_dir
    try:
        found = read(state_dir)
    except OSError as error:
        advice = "; run it with sudo" if isinstance(error, PermissionError) else ""
        raise RearguardError(f"{state_dir / FILE}: cannot be read: {error.strerror}{advice}") from error
    for complaint in (*found.complaints[:MOST], *_more(found.complaints)):
        print(f"rearguard: {complaint}", file=sys.stderr)
    if found.newer:
        what = f"{len(found.newer)} records are of a newer version and are left as they are"
        print(f"rearguard: {state_dir}: {what}", file=sys.stderr)
    return found


def person_here() -> bool:
    """Whether somebody sees what is printed, and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def asked(question: str) -> str:
    """What somebody answers; nothing where the terminal has ended."""
    try:
        return input(question).strip()
    except (EOFError, UnicodeDecodeError):  # Ctrl-D; what no keyboard of this terminal can say
        return ""


def today() -> tuple[date, str]:
    """By this machine's time zone, and how its clock is known (`firmware.known_day`)."""
    now_s = time.time()
    return local_date(now_s), clock(now_s, synced=SYNCED_MARK.exists())


def _more(complaints: Sequence[str]) -> list[str]:
    return [f"and {len(complaints) - MOST} more like these"] if len(complaints) > MOST else []


@contextlib.contextmanager
def device_at_rest(config: Config, *names: str) -> Iterator[None]:
    """No process of these names runs, and none can start meanwhile.

    Raises:
        AlreadyRunning: one does.
        RearguardError: whether one does cannot be seen.
    """
    with contextlib.ExitStack() as stack:
        run_dir = config.paths.run_dir
        for name in names if run_dir.is_dir() else ():  # without it, none has ever run here
            try:
                stack.callback(Instance(run_dir, name).close)
            except OSError as error:
                what = f"whether a {name} runs cannot be seen: {error.filename}: {error.strerror}"
                raise RearguardError(f"{what}; run it with sudo") from error
        yield
