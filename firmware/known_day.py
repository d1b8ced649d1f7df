"""Whether this machine knows what day it is: what counts walks by the week must not believe any clock."""

from datetime import UTC, date, datetime
from pathlib import Path

from firmware import version

SYNCED, CHIP, UNSYNCED = "synced", "chip", "unsynced"
SYNCED_MARK = Path("/run/systemd/timesync/synchronized")  # made by systemd-timesyncd once the clock was set
CHIPS = Path("/sys/class/rtc")


def clock(now_s: float, *, synced: bool) -> str:
    """SYNCED: set from the network since the start. CHIP: kept by a clock chip, so that the days pass without any
    network; one whose battery is empty lags behind, which is the careful side. UNSYNCED: nothing is known.

    `now_s` is Unix time; before this software was put here it cannot be.
    """
    if synced:
        return SYNCED
    chips = CHIPS.is_dir() and any(CHIPS.glob("rtc*"))
    return CHIP if chips and now_s >= installed_s() else UNSYNCED


def installed_s() -> float:
    """When this software was put here, as Unix time: no true clock is behind it."""
    return Path(version.__file__).stat().st_mtime


def local_date(now_s: float) -> date:
    """By this machine's time zone: a walk late in the evening is not tomorrow's."""
    return datetime.fromtimestamp(now_s, UTC).astimezone().date()
