"""Writes what was decided into the journal, off the loop. An event that cannot be written is kept and tried again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from firmware.core.messages import Alert, Health, Input, Output, Telemetry, WalkChanged, WalkState
from firmware.errors import JournalError
from firmware.guard.background import Background
from firmware.guard.events import EventMaker
from firmware.journal import Event, Journal
from firmware.outputs import as_json

STATES_NS = 1_000_000_000  # states are written once a second; an alarm and the end of a walk at once

States = dict[str, Mapping[str, object]]


class JournalWriter:
    """A sink of the loop. `background.run` is its thread; under simulated time `background.turn` is called instead.

    `journal` is None where it could not be opened at the start; `reopen` is then tried again with every write.
    """

    def __init__(
        self,
        journal: Journal | None,
        reopen: Callable[[], Journal],
        events: EventMaker,
        complain: Callable[[str], None],
    ) -> None:
        self._journal, self._reopen, self._events, self._complain = journal, reopen, events, complain
        self._unwritten: list[Event] = []
        self._states: States = {}
        self._waiting: States = {"alarm": events.alarm_now()}  # of an earlier run there may be another one
        self._written_ns: int | None = None
        self._failing = False
        self.background: Background[Event | States] = Background(self._write, idle=self._write_events)

    def take(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        """Called on the loop: only sorts out what is worth keeping."""
        urgent = False
        for output in outputs:
            if isinstance(output, Alert):
                event = self._events.event(output)
                if event is not None:
                    self.background.put(event)
                    self._waiting["alarm"] = self._events.alarm_now()
                    urgent = True
            elif isinstance(output, WalkChanged):
                self._waiting["walk"] = {"state": output.state, **output.summary}
                if output.state is WalkState.WALKING:
                    self._events.walks_again()
                    self._waiting["alarm"] = self._events.alarm_now()
                urgent = urgent or output.state is WalkState.ENDED
            elif isinstance(output, Health | Telemetry):
                body = as_json(output)
                self._waiting["health" if isinstance(output, Health) else "telemetry"] = body
        now_ns = max((item.t_ns for item in inputs), default=0)
        if self._waiting and (urgent or self._written_ns is None or now_ns - self._written_ns >= STATES_NS):
            self.background.put(self._waiting)
            self._waiting, self._written_ns = {}, now_ns

    def _write(self, items: Sequence[Event | States]) -> None:
        for item in items:
            if isinstance(item, Event):
                self._unwritten.append(item)
            else:
                self._states.update(item)
        self._write_events()
        if self._states and self._guarded(lambda journal: journal.set_state(self._states)):
            self._states = {}

    def _write_events(self) -> None:
        while self._unwritten and self._guarded(lambda journal: journal.append(self._unwritten[0])):
            del self._unwritten[0]

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def _opened(self) -> Journal:
        """The journal; where it opens only now, this start is counted only now, and events made before say so."""
        if self._journal is None:
            journal = self._reopen()
            boot = journal.next_boot()
            self._unwritten = [replace(event, boot=boot) for event in self._unwritten]
            self._events.boot = boot
            self._journal = journal
        return self._journal

    def _guarded(self, write: Callable[[Journal], object]) -> bool:
        try:
            write(self._opened())
        except JournalError as error:
            if not self._failing:  # said once for as long as events wait, not twice a second
                self._complain(str(error))
            self._failing = True
            return False
        self._failing = bool(self._unwritten)
        return True
