"""The journal on a thread of its own: no disk, however slow, locked or dead, keeps the link from telling what it knows.

The link only puts in what is to be written, and takes out what was found.
"""

import functools
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from firmware.errors import JournalError
from firmware.journal import Journal, StoredEvent
from firmware.responders import Responder
from hal.clock import Clock

T = TypeVar("T")
TURN_S = 0.05  # so often it is read at least; the guard's word wakes it up before
SILENT_NS = 5_000_000_000  # longer than SQLite waits for a lock, which is a failure and no silence
WRITING_NS = 50_000_000  # in one go; then it is looked what is new
MOST_WRITES = 5000
ENDING_S = 0.5
NO_ANSWER = "the journal's disk does not answer; what happens is told from memory"

Key = tuple[str, ...]

log = logging.getLogger("rearguard.ledger")


@dataclass(frozen=True, slots=True)
class Found:
    """What is new in the journal, and what it says of one alarm."""

    states: Mapping[str, dict[str, Any]]  # those that say something else than before
    events: Sequence[StoredEvent]  # those that still have to be told, and were not found before
    boot: int
    seq: int  # the highest that was ever given
    dropped: int
    rotten: int
    damaged: int  # journals that were moved aside
    alarm: str
    people: Sequence[Responder]  # who has the alarm
    acceptances: Sequence[tuple[str, str]]  # which of its phases a service has, and its name


Outcome = Found | Callable[[], object]


class Ledger:
    """`start` gives it its thread; under simulated time `turn` is called instead. `put`, `take` and `trouble` wait for
    nothing. `alarm` is the one that the link wants to know of, `kept` the states that the journal shall hold.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal, self._clock = journal, clock
        self.alarm = ""
        self.kept: Mapping[str, Mapping[str, Any]] = {}
        self._writes: dict[Key, Callable[[Journal], Callable[[], object]]] = {}
        self._lock = threading.Lock()  # of `_writes`, never held while the journal is asked
        self._outcomes: deque[Outcome] = deque()
        self._woken, self._ended = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._answered_ns = clock.now_ns()
        self._failure = ""
        self._openings = self._version = self._last_seq = self._damaged = 0
        self._states: dict[str, dict[str, Any]] = {}  # as they were handed out
        self._counts: object = None
        self._wrote = False

    # For the link's thread

    def put(self, key: Key, write: Callable[[Journal], T], then: Callable[[T], object] = lambda _: None) -> bool:
        """Write this after everything that was put in before, until the journal has taken it; `take` then returns
        what calls `then`. What waits under the same key is replaced. False: too much waits, and this was not taken.
        """

        def done(journal: Journal) -> Callable[[], object]:
            return functools.partial(then, write(journal))

        with self._lock:
            if len(self._writes) >= MOST_WRITES and key not in self._writes:
                return False
            self._writes[key] = done
        return True

    def take(self) -> list[Outcome]:
        """What was found and done since the last call, in order."""
        self._woken.clear()
        return [self._outcomes.popleft() for _ in range(len(self._outcomes))]

    def wait(self, timeout_s: float) -> None:
        """Until there is something to take."""
        self._woken.wait(timeout_s)

    def trouble(self, now_ns: int) -> str:
        """Why the journal can be neither read nor written now; empty when it can."""
        return NO_ANSWER if now_ns - self._answered_ns >= SILENT_NS else self._failure

    def start(self, wait: Callable[[float], object]) -> None:
        """`wait` returns when the guard has news, or after so many seconds."""
        self._thread = threading.Thread(target=self._run, args=(wait,), name="ledger", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is left, unless the disk takes too long for that."""
        self._ended.set()
        if self._thread is None:
            self.turn()
        else:
            self._thread.join(ENDING_S)

    # For the journal's thread

    def turn(self) -> None:
        """Write what waits, look what is new. What fails is tried again at the next turn; nothing is raised."""
        failure = ""
        for action in (self._write, self._read):  # a disk that is full can still be read
            try:
                action()
            except JournalError as error:
                failure = failure or str(error)
            except Exception as error:  # noqa: BLE001 - a thread that dies silently would tell nothing from then on
                failure = failure or f"journal: {type(error).__name__}: {error}; this is a defect, please report it"
        if failure and not self._failure:  # said once, not twenty times a second
            log.error("%s", failure)
        self._failure, self._answered_ns = failure, self._clock.now_ns()
        if self._outcomes:  # once a turn: woken by each write, the link would keep the processor from the next one
            self._woken.set()

    def _run(self, wait: Callable[[float], object]) -> None:
        self.turn()
        while not self._ended.is_set():
            wait(TURN_S if self._failure or not self._writes else 0.0)
            self.turn()
        self.turn()  # the last words
        self._journal.close()

    def _write(self) -> None:
        began_ns = self._clock.now_ns()
        while self._writes and self._clock.now_ns() - began_ns < WRITING_NS:
            with self._lock:
                key, write = next(iter(self._writes.items()))
            try:
                self._outcomes.append(write(self._journal))
            except (TypeError, ValueError) as error:  # it would keep everything behind it waiting for ever
                log.error("journal: %s: %s; this is a defect, please report it", key, error)
            with self._lock:
                if self._writes[key] is write:  # else a newer word has taken its place meanwhile
                    del self._writes[key]
            self._wrote = True
        if self.kept:
            self._journal.set_state(self.kept)

    def _read(self) -> None:
        journal = self._journal
        dropped = journal.dropped()  # opens it, where that is still to be done
        if self._openings != journal.openings:  # another file, perhaps: what is known of the old one says nothing
            self._openings, self._version, self._last_seq = journal.openings, 0, 0
            self._damaged = journal.damaged_count()
        version, states = journal.states(self._version)
        events = journal.unaccepted(self._last_seq)
        changed = {key: body for key, body in states.items() if self._states.get(key) != body}
        alarm = str(changed["alarm"].get("alarm", "")) if "alarm" in changed else self.alarm
        rotten = journal.rotten_rows
        counts = dropped, rotten, alarm
        if changed or events or self._wrote or counts != self._counts:
            people, acceptances = (journal.responders(alarm), journal.acceptances(alarm)) if alarm else ([], [])
            self._outcomes.append(
                Found(changed, events, *journal.newest(), dropped, rotten, self._damaged, alarm, people, acceptances)
            )
        self._version, self._counts, self._wrote = version, counts, False
        self._states.update(changed)
        self._last_seq = max((stored.seq for stored in events), default=self._last_seq)
