"""The whole device in one process under simulated time: the same objects as in the four processes, one thread.

A composition root. Every turn is an event of one SimClock, so a run is a function of its arguments: the same world,
faults and seed give the same outputs, byte for byte.
"""

import random
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from firmware.config import Config, matched, to_toml
from firmware.core.messages import Input, Output
from firmware.guard.events import EventMaker, Wall
from firmware.guard.guard import Guard, assemble, open_readers
from firmware.guard.inbox import Inbox, RemoteInbox, SounderInbox
from firmware.guard.journal_writer import JournalWriter
from firmware.guard.loop import TICK_NS, Sink
from firmware.guard.readers import Reader
from firmware.guard.sinks import RecorderSink
from firmware.ipc import Play, SounderReport, encode_report
from firmware.journal import Journal
from firmware.link.link import TURN_S as LINK_TURN_S
from firmware.link.link import Link
from firmware.link.memory import MemoryBroker, MemoryClient
from firmware.recording import Recorder
from firmware.sounder.outputs import Outputs
from firmware.sounder.sounder import TURN_S as SOUNDER_TURN_S
from firmware.sounder.sounder import Sounder
from hal.sim.board import SimBoard
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.world.scene import World

DEVICE = "rg-00000000"
WALL_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z: where simulated wall time begins
BACKGROUND_TURN_S = 0.01


class OutputLog:
    """A sink that keeps every output until it is taken."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []

    def take_all(self) -> list[Output]:
        outputs, self.outputs = self.outputs, []
        return outputs

    def take(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        self.outputs.extend(outputs)


class VirtualDevice:
    """Guard, sounder, link and journal on a simulated board. `run_until` lets time pass."""

    def __init__(
        self,
        config: Config,
        world: World,
        folder: Path,
        *,
        faults: Sequence[Fault] = (),
        broker: MemoryBroker | None = None,
        record: Path | None = None,
        seed: int = 0,
    ) -> None:
        config, self.clock = matched(config), SimClock()
        self.world, self.log = world, OutputLog()
        self.board = SimBoard(config.board, world, faults=tuple(faults), epoch_ns=0, new_clock=lambda: self.clock)
        self.journal = Journal(folder / "journal.db")
        self.broker = broker or MemoryBroker()
        boot = self.journal.next_boot()
        wall = Wall(self._wall_ms, lambda: True, random.Random(seed).randbytes)
        self.events = EventMaker(DEVICE, boot, wall)
        self._to_guard: deque[dict[str, object]] = deque()
        self._from_sounder: deque[dict[str, object]] = deque()
        self._writer = JournalWriter(self.journal, lambda: self.journal, self.events, lambda text: None)
        self._recorder = (
            RecorderSink(Recorder(record, config_toml=to_toml(config), boot=boot), lambda text: None)
            if record
            else None
        )
        self.sounder = Sounder(config.sounder, Outputs(self.board.open_buzzer, self.board.open_motor), self._report)
        self.guard = self._assemble(config)
        self.link = Link(
            self.journal, MemoryClient(self.broker, DEVICE), self._to_guard.append, self.clock, utc=self._utc
        )
        self._guard_alive = True
        self._schedule()

    def run_until(self, t_s: float) -> None:
        """Let everything happen until `t_s` seconds after the start."""
        self.clock.advance_to(round(t_s * 1e9))

    def kill_guard(self) -> None:
        """The guard dies between two instructions: it reads, decides and says nothing more."""
        self._guard_alive = False

    def end(self) -> None:
        """A clean end: the walk is summed up, everything is told, the outputs are silent."""
        self.guard.end(self.clock.now_ns())
        self._writer.background.turn()
        self.run_until(self.clock.now_ns() / 1e9 + 1.0)
        for reader in self.guard.readers:
            reader.close()
        self.sounder.close()
        self.link.close()
        if self._recorder:
            self._recorder.background.turn()
            self._recorder.close()
        self.deliveries = self.journal.deliveries()
        self.journal.close()

    def _assemble(self, config: Config) -> Guard:
        sinks: list[Sink] = [self.log, self._writer]
        if self._recorder:
            sinks.append(self._recorder)
        inboxes: list[Inbox] = [
            SounderInbox(lambda: _next(self._from_sounder), 0),
            RemoteInbox(lambda: _next(self._to_guard), self.events.number_of),
        ]
        readers = open_readers(self.board, self.clock, config.board.rangefinder.period_s)
        return assemble(config.core, readers, self, sinks, inboxes, lambda text: None)

    def play(self, play: Play) -> None:
        """The guard's word to the sounder arrives at once."""
        self.sounder.receive(play, self.clock.now_ns())

    def _report(self, report: SounderReport) -> None:
        self._from_sounder.append(encode_report(report))

    def _wall_ms(self) -> int:
        return WALL_MS + self.clock.now_ns() // 1_000_000

    def _utc(self) -> str:
        now = datetime.fromtimestamp(self._wall_ms() / 1000, UTC)
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _schedule(self) -> None:
        for reader in self.guard.readers:
            self._every(reader.period_ns, self._poll(reader))
        self._every(TICK_NS, self._guards(lambda: self.guard.turn(self.clock.now_ns())))
        self._every(round(SOUNDER_TURN_S * 1e9), lambda: self.sounder.tick(self.clock.now_ns()))
        self._every(round(LINK_TURN_S * 1e9), self.link.tick)
        self._every(round(BACKGROUND_TURN_S * 1e9), self._work)

    def _poll(self, reader: Reader) -> Callable[[], None]:
        def poll() -> None:
            inputs = reader.poll()
            if inputs:
                self._guards(lambda: self.guard.loop.take(inputs))()

        return self._guards(poll)

    def _guards(self, turn: Callable[[], None]) -> Callable[[], None]:
        def alive_turn() -> None:
            if self._guard_alive:
                turn()

        return alive_turn

    def _work(self) -> None:
        self._writer.background.turn()
        if self._recorder:
            self._recorder.background.turn()

    def _every(self, period_ns: int, turn: Callable[[], None]) -> None:
        """Call `turn` each period. One that takes longer, waiting inside a driver, is called late, not twice."""

        def again() -> None:
            due_ns = self.clock.now_ns()
            turn()
            self.clock.call_at(max(due_ns + period_ns, self.clock.now_ns()), again)

        self.clock.call_at(self.clock.now_ns(), again)


def _next(words: deque[dict[str, object]]) -> dict[str, object] | None:
    return words.popleft() if words else None
