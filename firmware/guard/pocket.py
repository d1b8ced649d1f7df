"""What was decided and is not on the disk yet, in the run directory, which is memory: a killed guard does not take it
along, and no disk keeps the loop waiting. Only a power cut within the same few milliseconds does.
"""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from firmware.decided import Decided, paths, read
from firmware.journal import Event
from firmware.plain_json import encode

MOST = 100  # of falls and calls, and of the rest, with a disk that takes nothing; more is in memory alone
URGENT = ("fall", "sos")


class Pocket:
    """One small file for each event. `put` is for the loop as well, everything else for the thread that writes."""

    def __init__(self, folder: Path, complain: Callable[[str], None], *, in_memory: bool = True) -> None:
        """`in_memory` False: `folder` is on a disk, and the loop waits for none; the thread comes a moment later."""
        self._folder, self._complain, self.in_memory = folder, complain, in_memory
        self._files: dict[str, Path] = {}
        self._urgent: set[str] = set()
        self._left: list[Decided] | None = None
        self._count = 0
        self._failed = False

    def put(self, event: Event, alarm: Mapping[str, object]) -> None:
        """Keep it until `drop`. A run directory that cannot be written is complained about once."""
        urgent = event.type in URGENT
        alike = len(self._urgent) if urgent else len(self._files) - len(self._urgent)
        if event.id in self._files or alike >= MOST:
            return
        self._count += 1
        path = self._folder / f"decided-{event.mono_ms:015}-{self._count:06}-{event.id}.json"
        try:
            path.write_text(encode({"event": event.body(), "alarm": alarm}), encoding="utf-8")
        except (OSError, ValueError, RecursionError) as error:
            if not self._failed:
                self._failed = True
                self._complain(f"{path}: {error}; a guard that is killed now may lose an alert")
            return
        self._files[event.id] = path
        if urgent:
            self._urgent.add(event.id)

    def drop(self, event_id: str) -> None:
        """The journal has the event, and the alarm as it was then."""
        path = self._files.pop(event_id, None)
        self._urgent.discard(event_id)
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()

    def left(self) -> list[Decided]:
        """What an earlier run has left, oldest first, until `drop` has taken it."""
        if self._left is None:
            self._left = self._found()
        return [item for item in self._left if item.event.id in self._files]

    def _found(self) -> list[Decided]:
        found = []
        for path in paths(self._folder):
            if path in self._files.values():
                continue
            left = read(path)
            if left is None:
                with contextlib.suppress(OSError):
                    path.unlink()  # its guard was killed before it had decided
            else:
                self._files[left.event.id] = path
                if left.event.type in URGENT:
                    self._urgent.add(left.event.id)
                found.append(left)
        return found
