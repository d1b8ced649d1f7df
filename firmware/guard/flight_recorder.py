"""What came in and went out around a fall, kept as a recording: some seconds from before it, and the time after.

The loop only remembers, in memory and bounded; files are made by a thread beside it, slowly, for encoding costs the
loop's thread its turn. Whatever goes wrong with a file is told and costs that file, never a warning.
"""

import shutil
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware.core.messages import Alert, Hazard, Input, Output, PreImpact, Severity
from firmware.errors import MissingExtra, RearguardError
from firmware.guard.background import Background
from firmware.guard.sinks import TransferRecorder

FALL, ARMING = "fall", "arming"
LONGEST = 3  # times `after_s`: so long a file gets at most after an arming, and again after a fall
MOST_PER_S = 400  # transfers, which bounds the memory whatever the clock says; a walk has about 150
PACE = 25  # transfers encoded at a time, some milliseconds on a small Pi; then the loop has its turn
REST_S = 0.03
LEAST_FREE = 64 * 1024 * 1024  # bytes; the journal of what happened is on the same disk, and matters more

Transfer = tuple[Sequence[Input], Sequence[Output]]


@dataclass(frozen=True, slots=True)
class FlightRecorderConfig:
    """What is kept of the moments around a fall, as recordings for `rearguard replay`. An empty folder: nothing."""

    folder: str = ""  # an absolute path; made when it is needed
    before_s: float = 20.0  # kept from before, in memory until then
    after_s: float = 40.0  # and so long it goes on
    falls: int = 20  # files of suspected falls that are kept, the newest
    armings: int = 10  # and of what only looked like the beginning of one: they never take a fall's place

    def __post_init__(self) -> None:
        if self.folder and not Path(self.folder).is_absolute():
            raise ValueError(f'recorder: folder ({self.folder!r}) must be an absolute path, or "" for none')
        if "\0" in self.folder:
            raise ValueError(f"recorder: folder ({self.folder!r}) must be a path without NUL")
        for key, low, high in (
            ("before_s", 0.0, 60.0),
            ("after_s", 1.0, 120.0),
            ("falls", 1, 500),
            ("armings", 0, 500),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"recorder: {key} ({getattr(self, key)}) must lie between {low:g} and {high:g}")


class FlightRecorder:
    """A sink of the loop. `background` does the writing; `close` ends what is still being written."""

    def __init__(
        self,
        config: FlightRecorderConfig,
        open_recorder: Callable[[Path], TransferRecorder],
        complain: Callable[[str], None],
        rest: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        """`open_recorder` makes a new file; `rest` lets the writing thread wait, where there is one."""
        self._before_ns, self._after_ns = round(config.before_s * 1e9), round(config.after_s * 1e9)
        self._armings = config.armings
        self._memory: deque[tuple[int, Transfer]] = deque(maxlen=max(1, round(config.before_s * MOST_PER_S)))
        self._files = _Files(config, open_recorder, complain)
        self._most_waiting = round((config.before_s + LONGEST * config.after_s) * MOST_PER_S)
        self._rest = rest
        self._now_ns = self._until_ns = self._last_ns = 0  # the last two: of the file that is being written
        self._writing = ""
        self.background: Background[Transfer | str] = Background(self._write, complain)

    def take(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        """On the loop: remember, or hand on while a file is being written."""
        if inputs:
            self._now_ns = max(self._now_ns, inputs[-1].t_ns)
        now_ns, memory = self._now_ns, self._memory
        memory.append((now_ns, (inputs, outputs)))
        while now_ns - memory[0][0] > self._before_ns:
            memory.popleft()
        cause = _cause(outputs) if outputs else ""
        if self._writing:
            self.background.put((inputs, outputs))
        if cause:
            self._mark(cause, now_ns)
        if self._writing and (now_ns >= self._until_ns or self._stuck):
            self._writing = ""
            self.background.put("")

    @property
    def _stuck(self) -> bool:
        """The disk hangs: more is not remembered for it."""
        return self.background.waiting > self._most_waiting

    def close(self) -> None:
        """After the background has come to its end."""
        self._files.finish()

    def _mark(self, cause: str, now_ns: int) -> None:
        """Begin a file with what is remembered, or let the one that is being written last longer."""
        if not self._writing:
            if (cause == ARMING and not self._armings) or self._stuck:
                return
            self._last_ns = now_ns + LONGEST * self._after_ns
            self.background.put(cause)
            for _, transfer in self._memory:
                self.background.put(transfer)
        elif cause == FALL and self._writing == ARMING:
            self.background.put(cause)
            self._last_ns = now_ns + LONGEST * self._after_ns
        self._writing = FALL if FALL in (cause, self._writing) else ARMING
        self._until_ns = min(now_ns + self._after_ns, self._last_ns)

    def _write(self, items: Sequence[Transfer | str]) -> None:
        """In the background: a word begins, names or (empty) ends a file, what lies between goes into it."""
        for number, item in enumerate(items, 1):
            if not isinstance(item, str):
                self._files.add(item)
            elif item:
                self._files.name(item)
            else:
                self._files.finish()
            if number % PACE == 0:
                self._rest(REST_S)


def _cause(outputs: Sequence[Output]) -> str:
    cause = ""
    for output in outputs:
        if isinstance(output, Alert):
            if output.hazard is Hazard.FALL and output.severity is Severity.SUSPECTED:
                return FALL
        elif isinstance(output, PreImpact) and output.armed:
            cause = ARMING
    return cause


class _Files:
    """The folder: numbered files, a limited number of each kind, and the one that is open."""

    def __init__(
        self,
        config: FlightRecorderConfig,
        open_recorder: Callable[[Path], TransferRecorder],
        complain: Callable[[str], None],
    ) -> None:
        self._folder = Path(config.folder)
        self._kept = {FALL: config.falls, ARMING: config.armings}
        self._open_recorder, self._complain = open_recorder, complain
        self._open: TransferRecorder | None = None
        self._path = self._folder
        self._given_up = False

    def name(self, kind: str) -> None:
        """Begin a file of that kind; one that is open already turns out to be of that kind."""
        if self._given_up:
            return
        try:
            if self._open is None:
                self._begin(kind)
            else:
                self._path = self._path.rename(self._path.with_name(_file_name(kind, _number(self._path))))
            self._make_room(kind)
        except MissingExtra as error:
            self._given_up = True
            self._complain(f"flight recorder: {error}; nothing is kept of falls")
        except (OSError, RearguardError) as error:
            self._complain(f"flight recorder: {error}; this one is not kept")

    def add(self, transfer: Transfer) -> None:
        if self._open is None:
            return
        try:
            self._open.transfer(*transfer)
        except OSError as error:  # a full disk: what is written so far can be read
            self._complain(f"flight recorder: {error}; {self._path.name} ends early")
            self._end()

    def finish(self) -> None:
        if self._open is not None:
            self._end()

    def _begin(self, kind: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._folder).free
        if free < LEAST_FREE:
            raise OSError(f"{self._folder}: only {free // 1_000_000} MB are free")
        newest = max(map(_number, self._folder.glob("*.mcap")), default=0)
        self._path = self._folder / _file_name(kind, newest + 1)
        self._open = self._open_recorder(self._path)

    def _make_room(self, kind: str) -> None:
        """Of its own kind alone the oldest go; the numbers tell which, for clocks may be wrong."""
        mine = sorted(self._folder.glob(f"{kind}-*.mcap"), key=_number)
        for path in mine[: -self._kept[kind]]:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                self._complain(f"flight recorder: {error}; it stays")

    def _end(self) -> None:
        recorder, self._open = self._open, None
        try:
            if recorder is not None:
                recorder.close()
        except OSError as error:
            self._complain(f"flight recorder: {error}; {self._path.name} is not complete")


def _file_name(kind: str, number: int) -> str:
    return f"{kind}-{number:04}.mcap"


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
