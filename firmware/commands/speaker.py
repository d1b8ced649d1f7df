"""Lets a laptop play the patterns of a simulated walk. Without a player the walk is silent and says so."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from firmware.commands.waveform import as_wave, render
from firmware.core.messages import Pattern

LONGEST_S = 12.0
PLAYERS = (("aplay", "-q"), ("paplay",), ("afplay",))


class Speaker:
    """Plays one pattern at a time through whichever player the machine has."""

    def __init__(self) -> None:
        self._command = next((list(player) for player in PLAYERS if shutil.which(player[0])), None)
        self._folder = tempfile.TemporaryDirectory(prefix="rearguard-sound-") if self._command else None
        self.playing: subprocess.Popen[bytes] | None = None

    @property
    def available(self) -> bool:
        return self._command is not None

    def play(self, pattern: Pattern) -> None:
        self._stop()
        if self._command is None or self._folder is None or pattern is Pattern.SILENT:
            return
        path = Path(self._folder.name) / f"{pattern}.wav"
        if not path.exists():
            path.write_bytes(as_wave(render(pattern, LONGEST_S)))
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.playing = subprocess.Popen([*self._command, str(path)], **quiet)  # type: ignore[call-overload]

    def close(self) -> None:
        self._stop()
        if self._folder is not None:
            self._folder.cleanup()

    def _stop(self) -> None:
        playing, self.playing = self.playing, None
        if playing is not None:
            playing.terminate()
            playing.wait()
