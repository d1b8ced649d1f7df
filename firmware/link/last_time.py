"""The last time at which the clock was known to be right: what is older than that is over, whatever the clock says."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from firmware.plain_file import read_bytes, write_whole

FILE = "last-time"  # in the state directory, beside the pairing
KEEP_EVERY_S = 3600.0  # an SD card wears out
MOST_BYTES = 100
_FORM = "%Y-%m-%dT%H:%M:%SZ\n"

log = logging.getLogger("rearguard.link")


def read_s(state_dir: Path) -> float:
    """As Unix time; 0 where none was kept, or it makes no sense."""
    try:
        text = read_bytes(state_dir / FILE, MOST_BYTES).decode("ascii")
        return datetime.strptime(text, _FORM).replace(tzinfo=UTC).timestamp()
    except (OSError, ValueError):
        return 0.0


class LastTime:
    """`keep` at every turn; `today_s` is Unix time by a clock that was set since the start, or None."""

    def __init__(self, state_dir: Path, today_s: Callable[[], float | None]) -> None:
        self._path, self._today_s = state_dir / FILE, today_s
        self._kept_s = read_s(state_dir)
        self._failed = False

    def keep(self) -> None:
        """On the disk when this returns, once an hour. One that is ahead is dropped: the clock was wrong then."""
        now_s = self._today_s()
        if now_s is None or 0 <= now_s - self._kept_s < KEEP_EVERY_S:
            return
        self._kept_s = now_s
        try:
            write_whole(self._path, f"{datetime.fromtimestamp(now_s, UTC):{_FORM}}")
        except OSError as error:
            if not self._failed:
                why = f"{error.strerror}; a clock that is behind will be compared with an older time"
                log.warning("%s: %s", self._path, why)
            self._failed = True
