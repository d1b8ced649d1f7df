"""Child processes of a supervisor: started, watched, told to end, and never left behind."""

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO

from firmware.commands.heartbeat import Heartbeat

PR_SET_PDEATHSIG = 1  # prctl(2): what a child gets when its parent dies


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One process, with its standard output and its complaints as lines in queues where `watched` asks for that.

    It has a session of its own, so that Ctrl-C reaches only the supervisor, which ends the others in their order.
    """

    def __init__(
        self, name: str, module: str, arguments: Sequence[str], *, watched: bool = True, beats: bool = False
    ) -> None:
        """`beats`: it feeds a watchdog where there is one, and hangs when it stops doing so."""
        self.name = name
        self._heartbeat = Heartbeat() if beats else None
        self._command = [sys.executable, "-m", module, *arguments]
        self._watched = watched
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.complaints: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.starts = 0
        self.started_s = 0.0
        self.start()

    def start(self) -> None:
        self.starts += 1
        self.started_s = time.monotonic()
        if self._heartbeat:
            self._heartbeat.restart()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if self._watched else None,
            stderr=subprocess.PIPE if self._watched else None,
            text=True,
            env={**os.environ, "NOTIFY_SOCKET": self._heartbeat.address} if self._heartbeat else None,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        if self._watched:
            for stream, lines in ((self._process.stdout, self.lines), (self._process.stderr, self.complaints)):
                threading.Thread(target=_read, args=(stream, lines), daemon=True).start()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    @property
    def hangs(self) -> bool:
        """Whether it runs and has stopped feeding its watchdog."""
        return self._heartbeat is not None and self.exit_code is None and self._heartbeat.stopped()

    @property
    def pid(self) -> int:
        return self._process.pid

    def line(self, timeout_s: float = 0.0) -> str | None:
        return _next(self.lines, timeout_s)

    def complaint(self) -> str | None:
        return _next(self.complaints, 0.0)

    def kill(self, patience_s: float | None = None) -> None:
        """What hangs in the kernel dies only when that lets go of it: wait no longer than `patience_s`."""
        self._process.kill()
        if self._heartbeat:
            self._heartbeat.restart()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_s)

    def terminate(self) -> None:
        if self.exit_code is None:
            self._process.terminate()

    def stop(self, patience_s: float = 5.0) -> bool:
        """Ask it to end, for good; insist when it does not, and then return False."""
        self.terminate()
        ended = self.wait(patience_s)
        if self._heartbeat:
            self._heartbeat.close()
            self._heartbeat = None
        return ended

    def wait(self, patience_s: float) -> bool:
        """Let it end; kill it when it does not, and then return False."""
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True


def _read(stream: IO[str], lines: "queue.SimpleQueue[str]") -> None:
    with stream:
        for line in stream:
            lines.put(line.rstrip("\n"))


def _next(lines: "queue.SimpleQueue[str]", timeout_s: float) -> str | None:
    try:
        return lines.get(timeout=timeout_s) if timeout_s > 0 else lines.get_nowait()
    except queue.Empty:
        return None
