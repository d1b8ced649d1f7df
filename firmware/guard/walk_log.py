"""Keeps what a walk came to, off the loop, and tells the core before it what the walks so far mean for the next one."""

import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from firmware import notice, walks
from firmware.core.messages import (
    BackwardTest,
    Confirmed,
    Input,
    Notice,
    Output,
    PlanToday,
    Value,
    WalkChanged,
    WalkRecord,
    WalkSoFar,
    WalkState,
)
from firmware.core.plan import Plan, PlanConfig
from firmware.core.walk_so_far import began, cut_off
from firmware.errors import JournalError
from firmware.guard.background import Background
from firmware.guard.events import Wall
from firmware.guard.kept_walk import KeptWalk, Left
from firmware.ids import uuid7
from firmware.journal import Journal
from firmware.known_day import UNSYNCED, clock, local_date
from firmware.notice import BY_BUTTON, EDITION, Confirmation, DamagedNotice
from firmware.version import VERSION

MOST_UNWRITTEN = 1000  # with a dead disk, so many records are kept in memory
LOOK_AGAIN_NS = 2_000_000_000  # for a notice that somebody confirms on a terminal while the walker waits

ToKeep = WalkRecord | BackwardTest | Confirmed | WalkSoFar
Work = ToKeep | WalkChanged | PlanConfig
TAKEN_UP = ("minutes", "steps", "falls", "sos")  # never less in the walk that goes on
OVER = (WalkState.OFF_BODY, WalkState.CLIPPED_ON, WalkState.ENDED, WalkState.SUMMARY)
"""No walk is under way; while ready is only taken back it may be."""


class WalkLog:
    """A sink of the loop. `background.run` is its thread; under simulated time `background.turn` is called instead.

    With the first turn the core is handed the notice's state and today's minutes, and the minutes anew after each
    walk. A disk that cannot be read hands over no notice, so that the walk does not wait for one, and the plan's start.

    A walk that is under way is kept in the journal. The run after a kill hands it to the core once somebody walks
    again, or writes its record where it is too old to go on: one thread does both, under one id, so that a kill at
    any instant leaves one record of it.
    """

    def __init__(
        self,
        state_dir: Path,
        plan: PlanConfig,
        wall: Wall,
        device: str,
        now_ns: Callable[[], int],
        hand_over: Callable[[Input], None],
        complain: Callable[[str], None],
        open_journal: Callable[[], Journal],
        *,
        too_old_s: float,
        simulated: bool = False,
        asks: bool = True,
    ) -> None:
        """`asks`: an unconfirmed notice keeps the walk from beginning; a simulated walker has read it.

        `too_old_s`: a walk that was left so long ago is over, as one is after so long a rest.
        """
        self._state_dir, self._wall, self._device, self._simulated = state_dir, wall, device, simulated
        self._now_ns, self._hand_over, self._complain = now_ns, hand_over, complain
        self._config, self._asks = plan, asks
        self._plan: Plan | None = None
        self._told_day: int | None = None
        self._unwritten: deque[walks.Record] = deque(maxlen=MOST_UNWRITTEN)
        self._confirmation: Confirmation | None = None
        self._notice_wanted, self._looked_ns = False, 0
        self._failing = False
        self._kept = KeptWalk(open_journal, wall, now_ns, complain)
        self._too_old_s, self._began_ns = too_old_s, now_ns()
        self._left: Left | None = None  # by an earlier run, until it is known to be in the core, or its record here
        self._loaded, self._recorded = False, set[str]()  # whether that is known, and the records before this run
        self._handed = False
        self._id = ""  # of the record of the walk that is under way
        self._last: walks.Record | None = None  # what was last kept of it
        self._over = False
        self.background: Background[Work] = Background(self._write, complain)

    def take(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        """Called on the loop: only sorts out what is worth keeping."""
        for output in outputs:
            if isinstance(output, ToKeep) or (isinstance(output, WalkChanged) and output.state in OVER):
                self.background.put(output)

    def close(self) -> None:
        self._kept.close()

    @property
    def unwritten_count(self) -> int:
        """Records that exist in memory alone."""
        return len(self._unwritten)

    def replan(self, plan: PlanConfig) -> None:
        """Another plan holds from the next walk on."""
        self.background.put(plan)

    def _write(self, items: Sequence[Work]) -> None:
        plan = self._plan or self._begin()
        if self._now_ns() - self._looked_ns >= LOOK_AGAIN_NS:
            self._look_again(plan)
        for item in items:
            if isinstance(item, Confirmed):
                self._notice_wanted = False
                self._confirmation = Confirmation(EDITION, BY_BUTTON, self._today().isoformat(), self._clock())
            elif isinstance(item, WalkSoFar):
                self._follow(item, plan)
            elif isinstance(item, PlanConfig):
                self._config = item
                plan = self._plan = self._planned(self._read())
                self._tell_minutes(plan)
            elif isinstance(item, WalkChanged):
                self._over = self._id != ""
            else:
                self._keep(item, plan)
        if self._unwritten or self._confirmation:
            self._write_down()
        if self._over and not self._unwritten:  # not before: of two records of one walk, the next run drops one
            self._over, self._id, self._last = False, "", None
            self._kept.clear()

    def _begin(self) -> Plan:
        """Hand over what is known from before."""
        if self._asks:
            self._tell_notice()
        kept = self._read()
        for complaint in kept.complaints[:3]:
            self._complain(f"walks: {complaint}")
        self._plan = self._planned(kept)
        self._tell_minutes(self._plan)
        self._recorded = {record.id for record in kept.records}
        self._look_back(self._plan, walks_on=False)
        return self._plan

    def _read(self) -> walks.Kept:
        try:
            return walks.read(self._state_dir)
        except OSError as error:
            self._complain(f"{self._state_dir / walks.FILE}: {error.strerror}; the plan is at its start")
            return walks.Kept()

    def _planned(self, kept: walks.Kept) -> Plan:
        return walks.planned(self._config, kept.walks, simulated=self._simulated)[0]

    def _load(self) -> None:
        """What an earlier run left; asked again where the journal does not answer, for nothing may be kept over it."""
        with contextlib.suppress(JournalError):
            self._left = self._kept.load()
            self._loaded = True
        if self._left and self._left.record.id in self._recorded:
            self._left = None  # killed between the record and its being forgotten
            self._kept.clear()

    def _look_again(self, plan: Plan) -> None:
        """The notice may have been confirmed on a terminal, the clock set, and the day changed."""
        self._looked_ns = self._now_ns()
        self._look_back(plan, walks_on=False)
        if self._notice_wanted:
            self._tell_notice()
        if self._day() != self._told_day:
            self._tell_minutes(plan)

    def _look_back(self, plan: Plan, *, walks_on: bool) -> None:
        """Whether the walk that an earlier run left goes on; `walks_on`: a walk is under way again.

        Where the clock is not known yet it waits for that, until she walks: minutes of another day must not be hers.
        """
        if not self._loaded:
            self._load()
        left = self._left
        if left is None or self._handed:
            return
        age_s, record = self._kept.age_s(left), left.record
        young = age_s is not None and age_s <= self._too_old_s and record.simulated == self._simulated
        if young and walks_on:
            self._handed = True
            self._hand_over(WalkSoFar(self._now_ns(), record.data))
            return
        waited_s = (self._now_ns() - self._began_ns) * 1e-9
        if walks_on or waited_s > self._too_old_s or (not young and (age_s is not None or record.clock == UNSYNCED)):
            self._left, self._id, self._over = None, record.id, True
            if began(record.data):
                self._complain(f"walks: the walk of {record.t} was cut off and is not gone on with; it is recorded")
                self._append(replace(record, data=cut_off(record.data)), plan)

    def _follow(self, item: WalkSoFar, plan: Plan) -> None:
        """A walk is under way: keep it, in the place of what is left once that is in it, or its record written."""
        self._look_back(plan, walks_on=True)
        if self._settled(item.data) and not self._over:
            record = self._record(walks.WALK, item.data)
            self._id, self._last = self._id or record.id, record
            self._kept.keep(replace(record, id=self._id))

    def _settled(self, data: Mapping[str, Value]) -> bool:
        """Nothing is left of an earlier run that is not in `data`: its record is that of the walk that was left."""
        left = self._left
        if left is None:
            return self._loaded
        now = replace(left.record, data=data)
        more = (now.count("interruptions") or 0) > (left.record.count("interruptions") or 0)
        if not (self._handed and more and _goes_on(left.record, now)):
            return False
        self._left, self._id = None, left.record.id
        return True

    def _day(self) -> int | None:
        return self._today().toordinal() if self._clock() != UNSYNCED else None

    def _tell_notice(self) -> None:
        """At the start, and again once a missing confirmation is there."""
        again, self._looked_ns = self._notice_wanted, self._now_ns()
        try:
            found = notice.read(self._state_dir)
        except DamagedNotice as error:
            if not again:
                self._complain(str(error))
            found = None
        except OSError as error:
            self._complain(f"{self._state_dir / notice.FILE}: {error.strerror}; the walk does not wait for it")
            self._notice_wanted = False
            return
        confirmed = found is not None and found.current
        self._notice_wanted = not confirmed
        if confirmed or not again:
            self._hand_over(Notice(self._now_ns(), confirmed))

    def _tell_minutes(self, plan: Plan) -> None:
        self._told_day = self._day()
        self._hand_over(PlanToday(self._now_ns(), plan.today(self._told_day).minutes))

    def _keep(self, item: WalkRecord | BackwardTest, plan: Plan) -> None:
        if isinstance(item, WalkRecord):
            settled, record = self._settled(item.data), self._record(walks.WALK, item.data)
            whole = self._last is None or _goes_on(self._last, record)  # no record of a fall outside of it
            if settled and whole and self._id and not self._over:  # what is over has one, perhaps only in memory
                record, self._over = replace(record, id=self._id), True
            self._append(record, plan)
        else:
            measured = ("duration_s", "distance_m", "range_m", "steps", "reason")
            self._unwritten.append(self._record(walks.TEST, {name: getattr(item, name) for name in measured}))

    def _append(self, record: walks.Record, plan: Plan) -> None:
        self._unwritten.append(record)
        plan.add(walks.done(record))
        self._tell_minutes(plan)

    def _write_down(self) -> None:
        """What cannot be written is kept and tried again with every turn; complained about once.

        The notice and the records are files of their own: one that cannot be written keeps the other from nothing.
        """
        failed = [error for error in (self._tried(self._write_notice), self._tried(self._write_records)) if error]
        if failed and not self._failing:
            self._complain(f"walks: {self._state_dir}: {failed[0]}; it is kept in memory and tried again")
        self._failing = bool(failed)

    @staticmethod
    def _tried(write: Callable[[], None]) -> str:
        """Why it could not be written, or empty."""
        try:
            write()
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _write_notice(self) -> None:
        if self._confirmation:
            notice.keep(self._state_dir, self._confirmation)
            self._confirmation = None

    def _write_records(self) -> None:
        while self._unwritten:
            walks.append(self._state_dir, self._unwritten[0])
            self._unwritten.popleft()

    def _record(self, kind: str, data: Mapping[str, Value]) -> walks.Record:
        now_ms = self._wall.now_ms()
        t = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return walks.Record(
            schema=walks.SCHEMA,
            kind=kind,
            id=uuid7(now_ms, self._wall.random),
            t=t,
            date=self._today().isoformat(),
            clock=self._clock(),
            dev=self._device,
            software=VERSION,
            simulated=self._simulated,
            data=data,
        )

    def _today(self) -> date:
        return local_date(self._wall.now_ms() / 1000)

    def _clock(self) -> str:
        return clock(self._wall.now_ms() / 1000, synced=self._wall.synced())


def _goes_on(before: walks.Record, after: walks.Record) -> bool:
    """Whether `after` may be of the same walk: nothing of `before` is missing."""
    return all((after.number(key) or 0) >= (before.number(key) or 0) for key in TAKEN_UP)
