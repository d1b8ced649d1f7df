"""`rearguard confirm`: the notice before the first walk, and the word that somebody has read it."""

import argparse
import shutil
import sys
import textwrap

from firmware import notice
from firmware.commands.records import asked, person_here, settings, today
from firmware.commands.run import make_folders
from firmware.errors import ConfigError, RearguardError
from firmware.known_day import UNSYNCED
from firmware.notice import BY_TERMINAL, EDITION, TEXT, Confirmation, DamagedNotice

OK, FAILURE = 0, 1
WIDTH, NARROWEST = 90, 30


def confirm(args: argparse.Namespace) -> int:
    """0 when the notice is confirmed, 1 when it is not."""
    config = settings(args)
    state_dir = config.paths.state_dir
    print(f"{TEXT[0]}\n")
    width = max(NARROWEST, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))
    for number, paragraph in enumerate(TEXT[1:], 1):
        print(textwrap.fill(paragraph, width, initial_indent=f"{number}. ", subsequent_indent="   "))
    try:
        before = notice.read(state_dir)
    except DamagedNotice as error:
        print(f"\n{error}", file=sys.stderr)
        before = None
    except OSError as error:
        raise RearguardError(
            f"{state_dir / notice.FILE}: cannot be read: {error.strerror}; run it with sudo"
        ) from error
    if before is not None:
        print(f"\n{_told(before)}")
        if before.current:
            return OK
    if args.show:
        return FAILURE
    if not person_here():
        raise ConfigError("confirm asks a person: run it in a terminal, or let the walker hold the button for 2 s")
    if asked('\nType "yes" if you have read this, and it has been talked about with the walker: ') != "yes":
        print("not confirmed; the device asks again before the walk")
        return FAILURE
    make_folders(config)
    day, clock = today()
    try:
        path = notice.keep(state_dir, Confirmation(EDITION, BY_TERMINAL, day.isoformat(), clock))
    except OSError as error:
        raise RearguardError(f"{state_dir}: cannot be written: {error.strerror}; run it with sudo") from error
    print(f"kept in {path}")
    return OK


def _told(before: Confirmation) -> str:
    guess = "" if before.clock != UNSYNCED else " (by a clock that was not set)"
    told = f"confirmed on {before.date}{guess}, by {before.by}"
    return told if before.current else f"an earlier edition was {told}; what is new has to be confirmed"
