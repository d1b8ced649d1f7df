"""Writes what was decided into the journal, off the loop. An event that cannot be written is kept and tried again."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from firmware.core.messages import (
    Alert,
    Health,
    Input,
    Output,
    PowerState,
    StoppingBaseline,
    SwayBaseline,
    Telemetry,
    WalkChanged,
    WalkState,
)
from firmware.decided import Decided
from firmware.errors import JournalError
from firmware.guard.background import Background
from firmware.guard.events import EventMaker
from firmware.guard.left_over import OVER, UNDER_WAY, baselines, open_alarms, resume
from firmware.guard.left_over import States as KeptStates
from firmware.guard.pocket import Pocket
from firmware.journal import Event, Journal
from firmware.outputs import as_json
from hal.samples import SensorFault

FAULT_NS = 1_000_000_000
STATES_NS = 1_000_000_000  # states are written once a second; an alarm and the end of a walk at once

Typed = Health | Telemetry | PowerState | SwayBaseline | StoppingBaseline  # these become JSON off the loop
State = Mapping[str, object] | Typed
States = dict[str, State]
_STATE_OF: dict[type, str] = {
    Health: "health",
    Telemetry: "telemetry",
    PowerState: "power",
    SwayBaseline: "sway_baseline",
    StoppingBaseline: "stopping_baseline",
}


class JournalWriter:
    """A sink of the loop. `background.run` is its thread; under simulated time `background.turn` is called instead.

    The journal is opened by the thread, and again after a failure: guarding waits for no disk. What an earlier run
    left open is handed to the core before anything is written over it; so is a disk that goes on failing.
    """

    def __init__(
        self,
        open_journal: Callable[[], Journal],
        events: EventMaker,
        now_ns: Callable[[], int],
        hand_over: Callable[[Input], None],
        complain: Callable[[str], None],
        pocket: Pocket | None = None,
        written: Callable[[], object] = lambda: None,
        read_copy: Callable[[], KeptStates] | None = None,
    ) -> None:
        """`read_copy`: the states of a journal that cannot be opened, for its disk is full or takes nothing."""
        self._open_journal, self._events, self._now_ns = open_journal, events, now_ns
        self._hand_over, self._complain, self._pocket = hand_over, complain, pocket
        self._written = written  # called after each event: whoever tells it need not wait for its next turn
        self._read_copy, self._taken_over = read_copy, False
        self._begun: list[str] = []  # events whose alarm was not yet put into the states
        self._pocketed: list[str] = []
        self._journal: Journal | None = None
        self._boot = 0
        self._unwritten: list[Event] = []
        self._states: dict[str, Mapping[str, object]] = {}
        self._waiting: States = {}
        self._written_ns: int | None = None
        self._failing_since_ns: int | None = None
        self.background: Background[Decided | Event | States] = Background(self._write, complain)

    def take(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        """Called on the loop: only sorts out what is worth keeping."""
        urgent = False
        for output in outputs:
            if isinstance(output, Alert):
                urgent = self._take_alert(output) or urgent
            elif isinstance(output, WalkChanged):
                self._waiting["walk"] = {"state": output.state, **output.summary}
                urgent = urgent or output.state is WalkState.ENDED
            elif isinstance(output, Typed):
                self._waiting[_STATE_OF[type(output)]] = output
        now_ns = max((item.t_ns for item in inputs), default=0)
        if self._waiting and (urgent or self._written_ns is None or now_ns - self._written_ns >= STATES_NS):
            self.background.put(self._waiting)
            self._waiting, self._written_ns = {}, now_ns

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def _take_alert(self, alert: Alert) -> bool:
        event = self._events.event(alert)
        if event is None:
            return False
        self._waiting["alarm"] = alarm = self._events.alarm_now()
        if self._pocket is not None and self._pocket.in_memory:
            self._pocket.put(event, alarm)
        self.background.put(Decided(event, alarm))
        return True

    def _write(self, items: Sequence[Decided | Event | States]) -> None:
        for item in items:
            if isinstance(item, Decided):
                self._take_decided(item)
            elif isinstance(item, Event):
                self._unwritten.append(item)
            else:
                if "alarm" in item:
                    self._pocketed, self._begun = [*self._pocketed, *self._begun], []
                self._states.update({key: self._body(state) for key, state in item.items()})
        try:
            self._write_down(self._opened())
        except JournalError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - a defect that keeps alerts from being told must be heard too
            self._fail(JournalError(f"journal: {type(error).__name__}: {error}; please report this defect"))
        else:
            self._failing_since_ns = None

    def _take_decided(self, decided: Decided) -> None:
        if self._pocket is not None:
            self._pocket.put(decided.event, decided.alarm)
        self._unwritten.append(decided.event)
        self._begun.append(decided.event.id)

    def _body(self, state: State) -> Mapping[str, object]:
        if isinstance(state, Typed):
            return {**as_json(state), "boot_id": self._events.boot_id}
        return state

    def _fail(self, error: JournalError) -> None:
        """Complained about once; after a second the walker hears it, for nobody may be told of a fall now."""
        now_ns = self._now_ns()
        if self._failing_since_ns is None:
            self._failing_since_ns = now_ns
            self._complain(f"{error}; guarding goes on, alerts are kept in memory")
        elif now_ns - self._failing_since_ns >= FAULT_NS:
            self._hand_over(SensorFault(now_ns, "journal", type(error).__name__, str(error)))

    def _write_down(self, journal: Journal) -> None:
        while self._unwritten:
            event = replace(self._unwritten[0], boot=self._boot)
            try:
                journal.append(event)
            except (TypeError, ValueError) as error:  # no evidence is worth losing the alert that it belongs to
                self._complain(f"{event.type} {event.phase}: its data cannot be kept ({error})")
                journal.append(replace(event, data={}))
            del self._unwritten[0]
            self._written()
        if self._states:
            journal.set_state(self._states)
            self._states = {}
        while self._pocketed:
            self._drop(self._pocketed.pop())

    def _drop(self, event_id: str) -> None:
        if self._pocket is not None:
            self._pocket.drop(event_id)

    def _opened(self) -> Journal:
        if self._journal is None:
            try:
                journal = self._open_journal()
            except JournalError:
                self._take_over_copy()
                raise
            try:
                if not self._taken_over:
                    self._take_over(journal.states()[1])
                self._empty_pocket(journal)
                self._boot = journal.next_boot()
            except BaseException:
                journal.close()
                raise
            self._journal = journal
        return self._journal

    def _take_over_copy(self) -> None:
        """Tried once, for it may be large: what is open goes on, although nothing can be written over it."""
        if self._read_copy is not None and not self._taken_over and self._failing_since_ns is None:
            with contextlib.suppress(JournalError):
                self._take_over(self._read_copy())

    def _left(self) -> list[Decided]:
        """What a guard that was killed had decided and not written down."""
        return [] if self._pocket is None else self._pocket.left()

    def _empty_pocket(self, journal: Journal) -> None:
        """It is written as that guard's last words."""
        left = self._left()
        boot = journal.boot() if left else 0
        for item in left:
            journal.append(replace(item.event, boot=boot))
        if left:
            journal.set_state({"alarm": left[-1].alarm})
        for item in left:
            self._drop(item.event.id)

    def _take_over(self, kept: KeptStates) -> None:
        """Before anything is written, which a full disk may refuse: what is open goes on, what is not is closed."""
        self._taken_over, left = True, self._left()
        states = {**kept, "alarm": left[-1].alarm} if left else kept
        alarms = open_alarms(states)
        self._events.resumed = {str(alarm["type"]): str(alarm["alarm"]) for alarm in alarms if "alarm" in alarm}
        if alarms:
            self._keep_open_alarm()
        else:
            self._states.setdefault("alarm", {"active": False})
        for left_over in resume(states, self._now_ns(), self._events.boot_id):
            self._hand_over(left_over)
            if left_over.walking or left_over.over:
                self._keep_open_walk()
        for before in baselines(states, self._now_ns()):
            self._hand_over(before)

    def _keep_open_walk(self) -> None:
        """Killed again before the core has heard of it, it goes on as well; a walk of this run is known better here."""
        if self._states.get("walk", {}).get("state") not in (*UNDER_WAY, *OVER):
            self._states.pop("walk", None)
            self._states.pop("telemetry", None)

    def _keep_open_alarm(self) -> None:
        """What this run has said so far does not know of the alarm; the core's answer to `Resume` will."""
        if self._states.get("alarm", {}).get("severity") != "critical":
            self._states.pop("alarm", None)

    @property
    def unwritten_count(self) -> int:
        """Events that exist in memory alone."""
        return len(self._unwritten)
