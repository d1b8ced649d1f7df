"""Plays prompts in a process of its own: whatever hangs there (a sound card, a disk), no pattern waits for it.

`PlayerProcess` is the sounder's end: it sends a name or a stop and never waits. Starting a program waits for the disk,
so the sounder starts only this one, before its first turn; `main` is its body, and starts the player for each prompt.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from firmware.sounder.voice import VoiceConfig

STOP = "-"
LONGEST_S = 30.0  # no prompt is longer: its player hangs
LOOK_S = 0.1  # how often somebody looks whether the player has ended
NICE, OOM_SCORE = 10, 500  # the first to wait, and the first to go when memory runs out
END_S = 0.5


class PlayerProcess:
    """A `firmware.sounder.voice.Mouth`. What goes wrong is complained of once; then there is no voice."""

    def __init__(self, config: VoiceConfig) -> None:
        """Raises OSError when no process can be started."""
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        folder = str(config.file("").parent)
        command = [sys.executable, "-m", "firmware.sounder.player", folder, *config.command]
        with theirs:
            self._process = subprocess.Popen(
                command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, start_new_session=True
            )
        self._gone = False

    def say(self, name: str) -> None:
        self._send(name)

    def stop(self) -> None:
        self._send(STOP)

    def close(self) -> None:
        """Be silent at once."""
        self._kill()
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)

    def _send(self, word: str) -> None:
        if self._gone:
            self._process.poll()
            return
        try:
            self._socket.send(word.encode())
        except OSError:  # it has ended, or hangs and reads no more
            self._gone = True
            self._kill()
            _complain_if_free(
                "voice: its player has ended or hangs; there are no spoken prompts until the next start\n"
            )

    def _kill(self) -> None:
        """It and what it started: they are a process group."""
        if self._process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _complain_if_free(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        if select.select([], [2], [], 0)[1]:  # a journal that hangs must not hold the sounder up
            os.write(2, f"rearguard: {line}".encode())


class Player:
    """Plays one file at a time. Each thing that is wrong is complained of once."""

    def __init__(self, folder: Path, command: Sequence[str], complain: Callable[[str], None]) -> None:
        self._folder, self._command, self._complain = folder, list(command), complain
        self._told: set[str] = set()
        self._playing: subprocess.Popen[bytes] | None = None
        self._since_s = 0.0
        self._ending: list[subprocess.Popen[bytes]] = []  # killed, and not gone yet: nobody waits for them

    @property
    def busy(self) -> bool:
        return self._playing is not None or bool(self._ending)

    def say(self, name: str) -> None:
        """Instead of what is played now."""
        self.stop()
        file = self._folder / f"{name}.wav"
        if not file.is_file():
            self._tell(f"voice: {file} is missing; `rearguard voice` makes it, or record it yourself")
            return
        quiet = subprocess.DEVNULL
        try:
            self._playing = subprocess.Popen([*self._command, str(file)], stdin=quiet, stdout=quiet, stderr=quiet)
        except OSError as error:
            self._tell(
                f"voice: {self._command[0]} cannot be started ({error.strerror}); install it or set voice.player"
            )
        self._since_s = time.monotonic()

    def stop(self) -> None:
        if self._playing is not None:
            self._playing.kill()
            self._ending.append(self._playing)
            self._playing = None
        self.look()

    def look(self) -> None:
        """Whether something has ended; to be called now and then while `busy`."""
        self._ending = [process for process in self._ending if process.poll() is None]
        if self._playing is None:
            return
        code = self._playing.poll()
        if code is not None:
            self._playing = None
            if code:
                self._tell(f"voice: {self._command[0]} ended with {code}; try it on a file in {self._folder}")
        elif time.monotonic() - self._since_s > LONGEST_S:
            self._tell(f"voice: {self._command[0]} did not end within {LONGEST_S:g} s; it is killed")
            self.stop()

    def _tell(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            self._complain(what)


def serve(words: socket.socket, player: Player) -> None:
    """Until the sounder has gone."""
    while True:
        ready = select.select([words], [], [], LOOK_S if player.busy else None)[0]
        if ready:
            word = words.recv(100).decode(errors="replace")
            if not word:
                break
            player.stop() if word == STOP else player.say(word)
        player.look()
    player.stop()


def main(arguments: Sequence[str]) -> None:
    """FOLDER COMMAND...: play what comes on standard input."""
    with contextlib.suppress(OSError):  # what the sounder has is not for its voice
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.nice(NICE)
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE), encoding="ascii")
    player = Player(Path(arguments[0]), arguments[1:], lambda what: print(f"rearguard: {what}", file=sys.stderr))
    with socket.socket(fileno=0) as words, contextlib.suppress(KeyboardInterrupt, OSError):
        serve(words, player)


if __name__ == "__main__":
    main(sys.argv[1:])
