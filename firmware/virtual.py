"""The whole device in one process under simulated time: the same objects as in the four processes, one thread.

A composition root. Every turn is an event of one SimClock, so a run is a function of its arguments: the same world,
faults and seed give the same outputs, byte for byte.
"""

import functools
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from firmware.config import Config, matched, to_toml
from firmware.core.messages import Input, Output, Value
from firmware.guard.events import EventMaker, Wall
from firmware.guard.flight_recorder import FlightRecorder
from firmware.guard.guard import assemble, open_readers
from firmware.guard.inbox import Handover, Inbox, RemoteInbox, SounderInbox
from firmware.guard.journal_writer import JournalWriter
from firmware.guard.loop import TICK_NS, Sink
from firmware.guard.readers import Reader
from firmware.guard.settings_keeper import SettingsKeeper
from firmware.guard.sinks import RecorderSink
from firmware.guard.walk_log import WalkLog
from firmware.ipc import Play, SounderReport, encode_report
from firmware.journal import JOURNAL, Delivery, Journal
from firmware.link.ledger import Ledger
from firmware.link.link import TURN_S as LINK_TURN_S
from firmware.link.link import Link
from firmware.link.memory import MemoryBroker, MemoryClient
from firmware.recording import Recorder
from firmware.remote_settings import with_kept
from firmware.sounder.airbag import AirbagPin
from firmware.sounder.outputs import Outputs
from firmware.sounder.sounder import TURN_S as SOUNDER_TURN_S
from firmware.sounder.sounder import Sounder
from hal.sim.board import SimBoard
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.world.battery import PowerWorld
from hal.sim.world.scene import World

DEVICE = "rg-00000000"
WALL_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z: where simulated wall time begins
BACKGROUND_TURN_S = 0.01


class Every(Protocol):
    """Calls `turn` first after `first_ns`, and then again and again, each time after another `wait_ns()`."""

    def __call__(self, wait_ns: Callable[[], int], turn: Callable[[], None], first_ns: int = 0) -> None: ...


class OutputLog:
    """A sink that keeps every output until it is taken."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []

    def take_all(self) -> list[Output]:
        outputs, self.outputs = self.outputs, []
        return outputs

    def take(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        self.outputs.extend(outputs)


class VirtualGuard:
    """One run of the guard process. After `kill` it reads, decides and says nothing more."""

    def __init__(self, device: "VirtualDevice", config: Config, wall: Wall, record: Path | None) -> None:
        self._clock, self._alive = device.clock, True
        file_config = replace(config, paths=replace(config.paths, state_dir=device.folder))
        config, _ = with_kept(file_config)
        now_ns = device.clock.now_ns
        self.events = EventMaker(DEVICE, wall)
        handover = Handover()
        self._writer = JournalWriter(device.open_journal, self.events, now_ns, handover.put, device.complaints.append)
        self._recorders: list[RecorderSink | FlightRecorder] = []
        complain = device.complaints.append
        folder, plan = device.folder, config.plan
        self._walks = WalkLog(
            *(folder, plan, wall, DEVICE, now_ns, handover.put, complain, device.open_journal),
            too_old_s=config.core.walk.end_after_s,
            simulated=True,
            asks=device.first_use,
        )

        def tell_settings(phase: str, data: Mapping[str, Value]) -> None:
            self._writer.background.put(self.events.settings(phase, data, now_ns()))

        self._settings = SettingsKeeper(file_config, tell_settings, self._walks.replan, complain)
        if record:
            self._recorders.append(RecorderSink(Recorder(record, config_toml=to_toml(config)), complain))
        if config.recorder.folder:
            opened = functools.partial(Recorder, config_toml=to_toml(config))
            self._recorders.append(FlightRecorder(config.recorder, opened, complain))
        sinks: list[Sink] = [device.log, self._writer, self._walks, *self._recorders]
        inboxes: list[Inbox] = [
            handover,
            SounderInbox(lambda: _next(device.from_sounder), now_ns()),
            RemoteInbox(lambda: _next(device.to_guard), self.events.number_of, self._settings.background.put),
        ]
        readers = open_readers(device.board, device.clock, config.board, device.chance)
        self._guard = assemble(config.core, readers, device, sinks, inboxes, lambda text: None)

    def schedule(self, every: Every) -> None:
        for reader in self._guard.readers:
            turn = self._while_alive(lambda reader=reader: self._poll(reader))  # type: ignore[misc]
            every(reader.wait_ns, turn, reader.first_ns)
        every(lambda: TICK_NS, self._while_alive(lambda: self._guard.turn(self._clock.now_ns())))
        every(lambda: round(BACKGROUND_TURN_S * 1e9), self._while_alive(self._work))

    def kill(self) -> None:
        """Between two instructions, with whatever was not written yet."""
        self._alive = False
        self._writer.close()
        self._walks.close()
        for reader in self._guard.readers:
            reader.close()

    def end(self) -> None:
        """The walk is summed up and written down."""
        self._guard.end(self._clock.now_ns())
        self._work()

    def close(self) -> None:
        self._work()
        self.kill()
        for recorder in self._recorders:
            recorder.close()

    def _poll(self, reader: Reader) -> None:
        inputs = reader.poll()  # simulated time passes in here, and with it perhaps this guard's life
        if inputs and self._alive:
            self._guard.loop.take(inputs)

    def _work(self) -> None:
        self._writer.background.turn()
        self._walks.background.turn()
        self._settings.background.turn()
        for recorder in self._recorders:
            recorder.background.turn()

    def _while_alive(self, turn: Callable[[], None]) -> Callable[[], None]:
        def alive_turn() -> None:
            if self._alive:
                turn()

        return alive_turn


class VirtualDevice:
    """Guard, sounder, link and journal on a simulated board. `run_until` lets time pass."""

    def __init__(
        self,
        config: Config,
        world: World,
        folder: Path,
        *,
        faults: Sequence[Fault] = (),
        power: PowerWorld | None = None,
        broker: MemoryBroker | None = None,
        record: Path | None = None,
        seed: int = 0,
        first_use: bool = False,
    ) -> None:
        """`first_use`: nobody has confirmed the notice yet."""
        self.first_use = first_use
        self._config, self.folder, self._record = matched(config), folder, record
        self.clock = SimClock()
        self.world, self.log = world, OutputLog()
        self.complaints: list[str] = []
        self.board = SimBoard(
            config.board, world, faults=tuple(faults), power=power, epoch_ns=0, new_clock=lambda: self.clock
        )
        self.to_guard: deque[dict[str, object]] = deque()
        self.from_sounder: deque[dict[str, object]] = deque()
        self.chance = random.Random(f"pings:{seed}")
        self._wall = Wall(self._wall_ms, lambda: True, random.Random(seed).randbytes)
        self.guard = self._new_guard()
        open_led = None if config.board.led.pin is None else self.board.open_led
        outputs = Outputs(self.board.open_buzzer, self.board.open_motor, open_led)
        airbag = AirbagPin(config.board.airbag, self.board.open_airbag)
        airbag.rest(self.clock.now_ns())
        countdown_s = config.core.fall.countdown_s
        self.sounder = Sounder(config.sounder, outputs, self._report, airbag, countdown_s=countdown_s)
        self.journal = self.open_journal()
        client = MemoryClient(broker or MemoryBroker(), DEVICE)
        self._ledger = Ledger(self.journal, self.clock)
        self.link = Link(self._ledger, client, self.to_guard.append, self.clock, utc=self._utc)
        self.deliveries: list[Delivery] = []
        self.guard.schedule(self._every)
        self._sounding = False
        self._every(lambda: round(SOUNDER_TURN_S * 1e9), self._sound)
        self._every(lambda: round(LINK_TURN_S * 1e9), self._tell)

    def run_until(self, t_s: float) -> None:
        """Let everything happen until `t_s` seconds after the start."""
        self.clock.advance_to(round(t_s * 1e9))

    def kill_guard(self) -> None:
        """The guard dies; whatever it left in the journal stays there."""
        self.guard.kill()

    def start_guard(self) -> None:
        """Start a guard after the one before was killed, as a service manager does."""
        self.guard = self._new_guard()
        self.guard.schedule(self._every)

    def end(self) -> None:
        """A clean end: the walk is summed up, everything is told, the outputs are silent."""
        self.guard.end()
        self.run_until(self.clock.now_ns() / 1e9 + 1.2)
        self.guard.close()
        self.sounder.close()
        self.link.close()
        self._ledger.close()
        self.deliveries = self.journal.deliveries()
        self.journal.close()

    def open_journal(self) -> Journal:
        return Journal(self.folder / JOURNAL)

    def play(self, play: Play) -> None:
        """The guard's word to the sounder arrives at once."""
        self.sounder.receive(play, self.clock.now_ns())
        self.clock.call_at(self.clock.now_ns(), self._sound)  # a word wakes the sounder's process up

    def _new_guard(self) -> VirtualGuard:
        record, self._record = self._record, None  # a second guard would write over the first one's recording
        return VirtualGuard(self, self._config, self._wall, record)

    def _sound(self) -> None:
        """A turn of the sounder; it has only one thread, which may be waiting for a slow output."""
        if not self._sounding:
            self._sounding = True
            self.sounder.tick(self.clock.now_ns())
            self._sounding = False

    def _tell(self) -> None:
        """A turn of both threads of the link."""
        self._ledger.turn()
        self.link.tick()

    def _report(self, report: SounderReport) -> None:
        self.from_sounder.append(encode_report(report))

    def _wall_ms(self) -> int:
        return WALL_MS + self.clock.now_ns() // 1_000_000

    def _utc(self) -> str:
        now = datetime.fromtimestamp(self._wall_ms() / 1000, UTC)
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _every(self, wait_ns: Callable[[], int], turn: Callable[[], None], first_ns: int = 0) -> None:
        """One that takes longer than until its next turn, waiting inside a driver, is called late, not twice."""

        def again() -> None:
            due_ns = self.clock.now_ns()
            turn()
            self.clock.call_at(max(due_ns + wait_ns(), self.clock.now_ns()), again)

        self.clock.call_at(self.clock.now_ns() + first_ns, again)


def _next(words: deque[dict[str, object]]) -> dict[str, object] | None:
    return words.popleft() if words else None
