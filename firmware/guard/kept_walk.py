"""The walk that is under way, kept in the journal: what a guard that is killed in it leaves to the next one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from firmware import typed, walks
from firmware.core.walk_so_far import believed
from firmware.errors import JournalError
from firmware.guard.events import Wall
from firmware.guard.left_over import open_alarms
from firmware.ids import made_ms
from firmware.journal import Journal
from firmware.known_day import UNSYNCED, clock

KEY = "walk_so_far"
FORMAT = 1
DURABLE_NS = 30_000_000_000
"""So often what is kept survives a power cut as well, and at once after a fall, a call or a restart: each time the SD
card has to write. What is kept in between survives a kill."""
GRAVE = ("falls", "sos", "interruptions")
LARGEST_MS = 2**53
OF = {"fall": "falls", "sos": "sos"}
A_MOMENT_MS = 10_000  # a walk is kept every 5 s, by a thread that may be late


@dataclass(frozen=True, slots=True)
class Left:
    """`record` is what there would be of the walk had it ended then; `mono_ms` compares within one `boot_id`."""

    v: int
    boot_id: str
    mono_ms: int
    record: walks.Record


class KeptWalk:
    """What `keep` puts there survives a kill, and each `DURABLE_NS` a power cut. For one thread, not the loop's.

    A journal that refuses is complained about once: the walk is guarded and recorded without it.
    """

    def __init__(
        self,
        open_journal: Callable[[], Journal],
        wall: Wall,
        now_ns: Callable[[], int],
        complain: Callable[[str], None],
    ) -> None:
        self._open_journal, self._wall, self._now_ns, self._complain = open_journal, wall, now_ns, complain
        self._journal: Journal | None = None
        self._failing = False
        self._durable_ns: int | None = None
        self._grave: tuple[object, ...] = ()

    def keep(self, record: walks.Record) -> None:
        now_ns, grave = self._now_ns(), (record.id, *(record.data.get(key) for key in GRAVE))
        body = {"v": FORMAT, "boot_id": self._wall.boot_id, "mono_ms": now_ns // 1_000_000, "record": record.body()}
        due = self._durable_ns is None or now_ns - self._durable_ns >= DURABLE_NS or grave != self._grave
        if self._put(body, durable=due) and due:
            self._durable_ns, self._grave = now_ns, grave

    def clear(self) -> None:
        """The walk is over, and its record is on the disk."""
        self._put({}, durable=True)

    def load(self) -> Left | None:
        """What an earlier run left, with the alarm that ended it; None, and a complaint, for what cannot be true.

        Raises:
            JournalError: the journal does not answer, so nothing is known yet; complained about as in `keep`.
        """
        try:
            states = self._opened().states()[1]
        except JournalError as error:
            self._fail(error)
            raise
        self._failing = False
        body = states.get(KEY)
        if not body:
            return None
        try:
            return _with_alarms(_checked(typed.build(Left, body)), open_alarms(states))
        except (ValueError, OverflowError) as error:
            self._complain(f"walks: what was kept of the walk before this start {error}; that walk is not gone on with")
            return None

    def age_s(self, left: Left) -> float | None:
        """How long ago it was kept; None: not known, or not yet. Of another boot the clock alone can tell."""
        now_ms = self._wall.now_ms()
        if left.boot_id == self._wall.boot_id:
            age_ms = self._now_ns() / 1e6 - left.mono_ms
        elif UNSYNCED in (left.record.clock, clock(now_ms / 1000, synced=self._wall.synced())):
            return None
        else:
            age_ms = now_ms - _unix_s(left.record) * 1000
        return age_ms / 1000 if age_ms >= 0 else None  # from the future: one of the two clocks was wrong

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def _put(self, body: Mapping[str, Any], *, durable: bool) -> bool:
        try:
            self._opened().set_state({KEY: body}, durable=durable)
        except JournalError as error:
            self._fail(error)
            return False
        self._failing = False
        return True

    def _opened(self) -> Journal:
        if self._journal is None:
            self._journal = self._open_journal()
        return self._journal

    def _fail(self, error: JournalError) -> None:
        if not self._failing:
            self._complain(f"{error}; if the guard is killed now, the walk so far is lost")
        self._failing = True


def _checked(left: Left) -> Left:
    record = left.record
    if left.v != FORMAT:
        raise ValueError(f"has format {left.v}, expected {FORMAT}")
    if record.kind != walks.WALK or not 0 <= left.mono_ms < LARGEST_MS:
        raise ValueError(f"is a {record.kind} of {left.mono_ms} ms, expected a {walks.WALK} of this machine's time")
    _unix_s(record)
    return replace(left, record=replace(record, data=believed(record.data)))


def _with_alarms(left: Left, alarms: Sequence[Mapping[str, Any]]) -> Left:
    """An alarm is written before what is counted: in a power cut between the two it is of the walk all the same.

    Its name tells when it began. One that began long before or after the last word is of no walk, or counted in it.
    """
    record, last_ms = left.record, _unix_s(left.record) * 1000
    began_ms = {OF[alarm["type"]]: made_ms(str(alarm.get("alarm"))) for alarm in alarms}
    sudden = {key for key, t_ms in began_ms.items() if t_ms is not None and abs(t_ms - last_ms) <= A_MOMENT_MS}
    missed = {key: 1 for key in sudden if not record.data.get(key)}
    return replace(left, record=replace(record, data={**record.data, **missed}))


def _unix_s(record: walks.Record) -> float:
    return datetime.fromisoformat(record.t).timestamp()
