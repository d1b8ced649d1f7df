"""Keeps what a walk came to, off the loop, and tells the core before it what the walks so far mean for the next one."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from firmware import notice, walks
from firmware.core.messages import BackwardTest, Confirmed, Input, Notice, Output, PlanToday, Value, WalkRecord
from firmware.core.plan import Plan, PlanConfig
from firmware.guard.background import Background
from firmware.guard.events import Wall
from firmware.ids import uuid7
from firmware.known_day import UNSYNCED, clock, local_date
from firmware.notice import BY_BUTTON, EDITION, Confirmation, DamagedNotice
from firmware.version import VERSION

MOST_UNWRITTEN = 1000  # with a dead disk, so many records are kept in memory
LOOK_AGAIN_NS = 2_000_000_000  # for a notice that somebody confirms on a terminal while the walker waits

ToKeep = WalkRecord | BackwardTest | Confirmed


class WalkLog:
    """A sink of the loop. `background.run` is its thread; under simulated time `background.turn` is called instead.

    With the first turn the core is handed the notice's state and today's minutes, and the minutes anew after each
    walk. A disk that cannot be read hands over no notice, so that the walk does not wait for one, and the plan's start.
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
        *,
        simulated: bool = False,
        asks: bool = True,
    ) -> None:
        """`asks`: an unconfirmed notice keeps the walk from beginning; a simulated walker has read it."""
        self._state_dir, self._wall, self._device, self._simulated = state_dir, wall, device, simulated
        self._now_ns, self._hand_over, self._complain = now_ns, hand_over, complain
        self._config, self._asks = plan, asks
        self._plan: Plan | None = None
        self._told_day: int | None = None
        self._unwritten: deque[walks.Record] = deque(maxlen=MOST_UNWRITTEN)
        self._confirmation: Confirmation | None = None
        self._notice_wanted, self._looked_ns = False, 0
        self._failing = False
        self.background: Background[ToKeep] = Background(self._write, complain)

    def take(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        """Called on the loop: only sorts out what is worth keeping."""
        for output in outputs:
            if isinstance(output, ToKeep):
                self.background.put(output)

    @property
    def unwritten_count(self) -> int:
        """Records that exist in memory alone."""
        return len(self._unwritten)

    def _write(self, items: Sequence[ToKeep]) -> None:
        plan = self._plan or self._begin()
        if self._now_ns() - self._looked_ns >= LOOK_AGAIN_NS:
            self._look_again(plan)
        for item in items:
            if isinstance(item, Confirmed):
                self._notice_wanted = False
                self._confirmation = Confirmation(EDITION, BY_BUTTON, self._today().isoformat(), self._clock())
            else:
                self._keep(item, plan)
        if self._unwritten or self._confirmation:
            self._write_down()

    def _begin(self) -> Plan:
        """Hand over what is known from before."""
        if self._asks:
            self._tell_notice()
        try:
            kept = walks.read(self._state_dir)
        except OSError as error:
            self._complain(f"{self._state_dir / walks.FILE}: {error.strerror}; the plan is at its start")
            kept = walks.Kept()
        for complaint in kept.complaints[:3]:
            self._complain(f"walks: {complaint}")
        self._plan, _ = walks.planned(self._config, kept.walks, simulated=self._simulated)
        self._tell_minutes(self._plan)
        return self._plan

    def _look_again(self, plan: Plan) -> None:
        """The notice may have been confirmed on a terminal, the clock set, and the day changed."""
        self._looked_ns = self._now_ns()
        if self._notice_wanted:
            self._tell_notice()
        if self._day() != self._told_day:
            self._tell_minutes(plan)

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
            record = self._record(walks.WALK, item.data)
            plan.add(walks.done(record))
            self._tell_minutes(plan)
        else:
            measured = ("duration_s", "distance_m", "range_m", "steps", "reason")
            record = self._record(walks.TEST, {name: getattr(item, name) for name in measured})
        self._unwritten.append(record)

    def _write_down(self) -> None:
        """What cannot be written is kept and tried again with every turn; complained about once."""
        try:
            if self._confirmation:
                notice.keep(self._state_dir, self._confirmation)
                self._confirmation = None
            while self._unwritten:
                walks.append(self._state_dir, self._unwritten[0])
                self._unwritten.popleft()
        except OSError as error:
            if not self._failing:
                self._complain(
                    f"walks: {self._state_dir}: {error.strerror}; the record is kept in memory and tried again"
                )
            self._failing = True
        else:
            self._failing = False

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
