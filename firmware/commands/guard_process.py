"""The guard as a process: sense, decide, ask the sounder, keep what was decided. No network in here."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from firmware.config import Config, matched, to_toml
from firmware.core.messages import Value
from firmware.errors import JournalError, MissingExtra, RearguardError
from firmware.file_systems import in_memory
from firmware.guard import threads
from firmware.guard.background import Background
from firmware.guard.events import EventMaker, Wall
from firmware.guard.flight_recorder import FlightRecorder
from firmware.guard.guard import assemble, open_readers
from firmware.guard.inbox import Handover, Inbox, RemoteInbox, SounderInbox, WorkInbox
from firmware.guard.journal_writer import JournalWriter
from firmware.guard.loop import Sink
from firmware.guard.pocket import Pocket
from firmware.guard.settings_keeper import SettingsKeeper
from firmware.guard.sinks import MonitorSink, RecorderSink, TransferRecorder
from firmware.guard.walk_log import WalkLog
from firmware.guard.watchdog import systemd_notifier
from firmware.ids import device_id
from firmware.ipc import (
    LINK_SOCKET,
    NEWS_SOCKET,
    SOUNDER_REPORTS_SOCKET,
    SOUNDER_SOCKET,
    Play,
    Receiver,
    Sender,
    encode_play,
)
from firmware.journal import JOURNAL, Journal, read_copy
from firmware.realtime import ask_for_real_time
from firmware.remote_settings import with_kept
from hal.board import Board
from hal.clock import MonotonicClock

SYNCED = Path("/run/systemd/timesync/synchronized")  # made by systemd-timesyncd once the clock was set from the network
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
NAMELESS = "rg-00000000"


class SounderLine:
    """The guard's end of the socket to the sounder."""

    def __init__(self, run_dir: Path) -> None:
        self._sender = Sender(run_dir / SOUNDER_SOCKET)

    def play(self, play: Play) -> None:
        self._sender.send(encode_play(play))


def complain(text: str) -> None:
    print(f"guard: {text}", file=sys.stderr, flush=True)


def run_guard(
    config: Config,
    board: Board,
    stop: threading.Event,
    *,
    simulated: bool = False,
    record: Path | None = None,
    monitor: Path | None = None,
) -> None:
    """Guard until `stop` is set, then sum the walk up and write down what is still to be written."""
    clock, handover, run_dir = MonotonicClock(), Handover(), config.paths.run_dir
    with contextlib.ExitStack() as stack:
        kept = stack.enter_context(contextlib.closing(_Kept(config, clock, handover, record, simulated=simulated)))
        sinks = [*kept.sinks, *([MonitorSink(Sender(monitor).send)] if monitor else [])]
        reports, remote = Receiver(run_dir / SOUNDER_REPORTS_SOCKET), Receiver(run_dir / LINK_SOCKET)
        stack.callback(reports.close)
        stack.callback(remote.close)
        heard = SounderInbox(reports.receive, clock.now_ns())
        written = WorkInbox(kept.writer.background, clock.now_ns())
        told = RemoteInbox(remote.receive, kept.events.number_of, kept.settings.background.put)
        inboxes: list[Inbox] = [handover, heard, written, told]
        readers = open_readers(board, clock, config.board, tell=complain)
        guard = assemble(kept.config.core, readers, SounderLine(run_dir), sinks, inboxes, systemd_notifier())
        stack.enter_context(_working(kept.workers))
        ask_for_real_time()  # after the threads that write, which must not have it
        threads.run(guard, clock, stop)
    kept.tell_what_is_lost()


class _Kept:
    """What works beside the loop: the journal, the walks, the settings, and recordings where those are wanted."""

    def __init__(
        self, file_config: Config, clock: MonotonicClock, handover: Handover, record: Path | None, *, simulated: bool
    ) -> None:
        config, complaint = with_kept(file_config)
        if complaint:
            complain(complaint)
        self.config = config = matched(config)
        state_dir, run_dir, now_ns = config.paths.state_dir, config.paths.run_dir, clock.now_ns
        boot_id = BOOT_ID.read_text(encoding="ascii").strip()
        wall, device = Wall(_wall_ms, SYNCED.exists, os.urandom, boot_id), _device(state_dir)
        news = Sender(run_dir / NEWS_SOCKET)
        self.events = EventMaker(device, wall, simulated=simulated)
        journal = state_dir / JOURNAL
        self.writer = JournalWriter(  # an open alarm sounds at once: the walks' handle looks through the file
            *(lambda: Journal(journal, check=False), self.events, now_ns, handover.put, complain),
            pocket=_pocket(run_dir, simulated=simulated),
            written=lambda: news.send({"v": 1}),
            read_copy=lambda: read_copy(journal, run_dir),
        )
        self.walks = WalkLog(
            *(state_dir, config.plan, wall, device, now_ns, handover.put, complain),
            lambda: Journal(journal),
            too_old_s=config.core.walk.end_after_s,
            simulated=simulated,
            asks=not simulated,
        )

        def tell_settings(phase: str, data: Mapping[str, Value]) -> None:
            self.writer.background.put(self.events.settings(phase, data, now_ns()))

        self.settings = SettingsKeeper(file_config, tell_settings, self.walks.replan, complain)
        self._recorders = _recorders(record, config, boot_id, clock)

    @property
    def sinks(self) -> list[Sink]:
        return [self.writer, self.walks, *self._recorders]

    @property
    def workers(self) -> list[Background[Any]]:
        return [worker.background for worker in (self.writer, self.walks, self.settings, *self._recorders)]

    def close(self) -> None:
        for each in (*reversed(self._recorders), self.walks, self.writer):
            each.close()

    def tell_what_is_lost(self) -> None:
        """Raises JournalError: events are in memory alone, and go with the process."""
        if self.walks.unwritten_count:
            complain(f"walks: {self.walks.unwritten_count} records could not be written and are lost")
        if self.writer.unwritten_count:
            raise JournalError(f"journal: {self.writer.unwritten_count} events could not be written and are lost")


def _pocket(run_dir: Path, *, simulated: bool) -> Pocket:
    memory = in_memory(run_dir)
    if not (memory or simulated):
        complain(f"{run_dir} is not in memory; a guard that is killed may lose the alert that it has just decided on")
    return Pocket(run_dir, complain, in_memory=memory)


@contextlib.contextmanager
def _working(workers: Sequence[Background[Any]]) -> Iterator[None]:
    """A thread for each; at the end they finish what is waiting, if that takes no more than 5 s."""
    work = [threading.Thread(target=worker.run, name="background", daemon=True) for worker in workers]
    for thread in work:
        thread.start()
    try:
        yield
    finally:
        for worker, thread in zip(workers, work, strict=True):
            worker.finish()
            thread.join(timeout=5.0)


def _device(state_dir: Path) -> str:
    try:
        return device_id(state_dir)
    except RearguardError as error:
        complain(f"{error}; guarding as {NAMELESS}")
        return NAMELESS


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _recorders(
    path: Path | None, config: Config, boot_id: str, clock: MonotonicClock
) -> list[RecorderSink | FlightRecorder]:
    """A recording that cannot be made is complained about; it never keeps the guard from guarding."""
    if path is None and not config.recorder.folder:
        return []
    from firmware.recording import Recorder, load_writer

    def new(file: Path) -> TransferRecorder:
        utc_ms = _wall_ms() if SYNCED.exists() else None
        return Recorder(file, config_toml=to_toml(config), boot_id=boot_id, utc_ms=utc_ms)

    found: list[RecorderSink | FlightRecorder] = []
    if path is not None:
        try:
            found.append(RecorderSink(new(path), complain))
        except (RearguardError, OSError) as error:
            complain(f"{error}; guarding goes on unrecorded")
    if config.recorder.folder:
        try:
            load_writer()
            found.append(FlightRecorder(config.recorder, new, complain, clock.sleep))
        except MissingExtra as error:
            complain(f"flight recorder: {error}; nothing is kept of falls")
    return found
