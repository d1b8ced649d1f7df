"""`rearguard report`: one page, for paper or a screen, of a walk and of the weeks."""

import argparse
from collections.abc import Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path

from firmware.commands.plan import due
from firmware.commands.records import kept, settings, today
from firmware.errors import ConfigError, MissingExtra, how_to_add
from firmware.known_day import UNSYNCED
from firmware.plain_file import write_whole
from firmware.walks import Kept, Record, advice, planned

PAGE = Path("rearguard-report.html")


def report(args: argparse.Namespace) -> int:
    """0 when the page was written."""
    if find_spec("matplotlib") is None:
        raise MissingExtra(f"a report needs matplotlib; {how_to_add('report')}")
    config = settings(args)
    day, clock = today()
    if args.simulated:
        from firmware.reports.weeks import simulated, ups_and_downs

        found = Kept(list(simulated(config.plan, ups_and_downs)))
        last = found.walks[-1].day
        now_day = None if last is None else last + 3
    else:
        found = kept(config)
        now_day = day.toordinal() if clock != UNSYNCED else None
    walks = [walk for walk in found.walks if walk.simulated == args.simulated]
    tests = [test for test in found.tests if test.simulated == args.simulated]
    walk = _chosen(args.walk, found.records, walks)
    plan, steps = planned(config.plan, walks, simulated=args.simulated)
    from firmware.reports.page import page

    made = f"{day.isoformat()}{'' if clock != UNSYNCED else ' (by a clock that was not set)'}"
    if args.simulated and now_day is not None:
        made = f"{made}; simulated weeks, the plan as of {date.fromordinal(now_day).isoformat()}"
    reasons = advice(found, simulated=args.simulated)
    coming, path = plan.today(now_day), args.out or PAGE
    _write(path, page(walk, walks, tests, steps, coming, due(coming), reasons, made))
    print(f"wrote {path}{'' if walks else ': no walk is kept yet, so it tells only the plan'}")
    return 0


def _chosen(wish: str | None, records: Sequence[Record], walks: Sequence[Record]) -> Record | None:
    """The walk that is named by its number in `rearguard walks` or by its id; without a wish, the last one."""
    if wish is None:
        return walks[-1] if walks else None
    named = [one for number, one in enumerate(records, 1) if wish in (str(number), one.id)]
    chosen = [one for one in named if any(one is walk for walk in walks)]
    if not chosen:
        raise ConfigError(f"--walk {wish}: no such walk; `rearguard walks` lists their numbers")
    return chosen[0]


def _write(path: Path, text: str) -> None:
    """So that an older page is not half gone; readable for its owner alone."""
    if not path.name or path.is_symlink() or (path.exists() and not path.is_file()):
        raise ConfigError(f"--out {path}: expected the name of a plain file, found something else there")
    try:
        write_whole(path, text, 0o600)
    except OSError as error:
        raise ConfigError(f"--out {path}: cannot be written: {error.strerror}") from error
