"""Why the guard let no walk begin, the last time that it looked."""

from pathlib import Path

from firmware.commands.checks.check import Check
from firmware.errors import JournalError
from firmware.journal import JOURNAL, peek


def last_start(state_dir: Path) -> Check:
    """Why the guard let no walk begin, the last time that it looked; it may be running."""
    path = state_dir / JOURNAL
    if not path.exists():
        return Check("start", "ok", "no walk yet")
    try:
        walk = peek(path, "walk")
    except JournalError as error:
        return Check("start", "warn", f"{error}", "run it with sudo")
    reason, state = walk.get("no_start"), walk.get("state", "unknown")
    if isinstance(reason, str) and reason:
        return Check("start", "warn", f"no walk began: {reason}", "mend that, or do what it says, and clip it on again")
    return Check(
        "start", "ok", f"nothing about a part kept the last walk from beginning; the guard's last word was {state!r}"
    )
