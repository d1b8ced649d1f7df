"""When a spoken prompt comes: after the pattern that it explains, never instead of one, and never beside a warning.

Which words is not known here: a prompt is a file of the pattern's name. Who plays it is `firmware.sounder.player`.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from firmware.core.messages import Pattern
from firmware.sounder.patterns import Sound

SPOKEN = frozenset(
    {
        *(Pattern.READY, Pattern.READY_1, Pattern.READY_2, Pattern.READY_3),
        *(Pattern.NOTICE, Pattern.LANE_BLOCKED, Pattern.NO_START, Pattern.WORN_WRONG),
        *(Pattern.FAULT, Pattern.DEVICE_CAUTION),
        *(Pattern.MEASURE_READY, Pattern.MEASURE_DONE, Pattern.MEASURE_VOID),
        *(Pattern.TIME_UP, Pattern.ENDED, Pattern.SUMMARY_CLEAN, Pattern.SUMMARY_WARNED),
    }
)
"""What can be spoken: start, end, faults, the notice and the 3-m test; no cue, no warning and nothing of a fall."""
PAUSE_S = 0.2  # after the pattern
AGAIN_NS = 60_000_000_000  # the pattern itself says it more often than anybody wants to hear it in words


@dataclass(frozen=True, slots=True)
class VoiceConfig:
    """Spoken prompts, from the files FOLDER/LANGUAGE/PATTERN.wav; without a language there are none."""

    language: str = ""  # a folder's name such as "de"
    folder: str = "/var/lib/rearguard/voice"
    player: str = "aplay -q"  # a command that plays the file which is its last argument

    def __post_init__(self) -> None:
        if not (self.language == "" or self.language.replace("-", "").isalnum()) or len(self.language) > 20:
            raise ValueError(f"voice: language ({self.language!r}) must be a name such as de, or empty for no voice")
        if not Path(self.folder).is_absolute() or "\0" in self.folder:
            raise ValueError(f"voice: folder ({self.folder!r}) must be an absolute path")
        if not self.command or "\0" in self.player:
            raise ValueError(f"voice: player ({self.player!r}) must be a command such as aplay -q")

    @property
    def command(self) -> list[str]:
        """Raises ValueError when it is no command line."""
        try:
            return shlex.split(self.player)
        except ValueError as error:
            raise ValueError(f"voice: player ({self.player!r}) is no command line: {error}") from error

    def file(self, name: str) -> Path:
        return Path(self.folder) / self.language / f"{name}.wav"


class Mouth(Protocol):
    """Who plays prompts; neither call may wait for anything, or fail."""

    def say(self, name: str) -> None: ...

    def stop(self) -> None: ...


class Voice:
    """`tick` it every turn, after buzzer and motor: it knows what they play and changes nothing about it."""

    def __init__(self, mouth: Mouth) -> None:
        self._mouth = mouth
        self._pattern = Pattern.SILENT
        self._due: Pattern | None = None  # to be said once it has been played
        self._saying: Pattern | None = None  # as far as is known here: nobody tells when a prompt is over
        self._lasting = False  # whether what is due or said is about something that lasts as long as its pattern
        self._said_ns: dict[Pattern, int] = {}

    def tick(self, pattern: Pattern, sound: Sound, elapsed_s: float, now_ns: int) -> None:
        """`pattern` sounds since `elapsed_s`, as `sound`."""
        if pattern is not self._pattern:
            self._pattern = pattern
            if pattern is not Pattern.SILENT:
                self._begins(pattern, sound, now_ns)
            elif self._lasting:  # a fault that is over is not talked about
                self._hush()
        if self._due is not None and (pattern is Pattern.SILENT or elapsed_s >= sound.burst_s + PAUSE_S):
            self._saying, self._due = self._due, None
            self._said_ns[self._saying] = now_ns
            self._mouth.say(self._saying)

    def _begins(self, pattern: Pattern, sound: Sound, now_ns: int) -> None:
        said_ns = self._said_ns.get(pattern)
        due = pattern in SPOKEN and (said_ns is None or now_ns - said_ns >= AGAIN_NS)
        if pattern is self._saying and not due:
            return  # it is being explained
        self._hush()
        if due:
            self._due, self._lasting = pattern, sound.repeat_s is not None

    def _hush(self) -> None:
        if self._saying is not None:
            self._mouth.stop()
        self._saying = self._due = None
        self._lasting = False
