"""What stands between the walker and her next walk besides the parts: the notice, and the records of her walks."""

from pathlib import Path

from firmware import notice
from firmware.commands.checks.check import Check
from firmware.notice import DamagedNotice
from firmware.walks import FILE, read


def confirmed(state_dir: Path) -> Check:
    """Whether somebody has confirmed the notice; without that no walk begins."""
    advice = "run `rearguard confirm`, or let the walker hold the button for 2 s when it asks"
    try:
        found = notice.read(state_dir)
    except DamagedNotice as error:
        what, _, advice = str(error).rpartition("; ")
        return Check("notice", "warn", what, advice)
    except OSError as error:
        return Check(
            "notice", "warn", f"{state_dir / notice.FILE} cannot be read: {error.strerror}", "run it with sudo"
        )
    if found is None:
        return Check("notice", "warn", "not confirmed yet, so no walk begins", advice)
    told = f"confirmed on {found.date}, by {found.by}"
    return Check("notice", "ok", told) if found.current else Check("notice", "warn", f"an earlier one: {told}", advice)


def records(state_dir: Path) -> Check:
    """Whether the walks that were kept can be read."""
    try:
        kept = read(state_dir)
    except OSError as error:
        advice = "run it with sudo, or move the file aside: the plan begins anew then"
        return Check("walks", "warn", f"{state_dir / FILE} cannot be read: {error.strerror}", advice)
    told = f"{len(kept.walks)} walks and {len(kept.tests)} backward tests are kept"
    if kept.complaints:
        return Check(
            "walks", "warn", f"{told}; {kept.complaints[0]}", "nothing: the others count, and new ones are kept"
        )
    return Check("walks", "ok", told)
