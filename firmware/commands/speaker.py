"""Lets a laptop play the patterns of a simulated walk. Without a player the walk is silent and says so."""

import array
import io
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

from firmware.core.messages import Pattern
from firmware.sounder.patterns import SOUNDS

RATE_HZ = 16_000
LONGEST_S = 12.0
PLAYERS = (("aplay", "-q"), ("paplay",), ("afplay",))


def render(pattern: Pattern, seconds: float) -> "array.array[int]":
    """The square wave that the buzzer gets, as 16-bit samples at RATE_HZ."""
    sound = SOUNDS[pattern]
    samples = array.array("h")
    for i in range(round(seconds * RATE_HZ)):
        tone = sound.at(i / RATE_HZ)
        if tone is None:
            samples.append(0)
        else:
            frequency_hz, volume = tone
            high = (i * frequency_hz / RATE_HZ) % 1.0 < 0.5
            samples.append(round((8000 if high else -8000) * volume))
    return samples


def as_wave(samples: "array.array[int]") -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return data.getvalue()


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
