"""Plays what the guard asks while it keeps asking, and sounds the fault pattern when it stops asking in a walk."""

from collections.abc import Callable
from dataclasses import dataclass, field

from firmware.core.messages import Pattern
from firmware.ipc import Play, SounderReport
from firmware.sounder.airbag import AirbagPin
from firmware.sounder.light import StatusLight
from firmware.sounder.outputs import RETRY_NS, Outputs
from firmware.sounder.patterns import VOLUME_FLOOR, sounds
from firmware.sounder.voice import Voice, VoiceConfig

TURN_S = 0.01  # how often `tick` is to be called


@dataclass(frozen=True, slots=True)
class SounderConfig:
    """How loud it is, and how long the sounder believes what it was told."""

    volume: float = 1.0  # of what is no warning; warnings and alarms are never turned down
    silence_s: float = 0.3  # the guard repeats itself every 50 ms: six lost words are no accident
    expiry_s: float = 0.5  # with nobody walking, whatever was asked for ends by itself
    start_s: float = 10.0  # a guard that has not said by then whether there is a walk is broken
    report_s: float = 0.1  # more often than a broken output is tried again, so that no failure goes untold
    voice: VoiceConfig = field(default_factory=VoiceConfig)

    def __post_init__(self) -> None:
        if not VOLUME_FLOOR <= self.volume <= 1.0:
            raise ValueError(f"sounder: volume ({self.volume}) must lie between {VOLUME_FLOOR} and 1.0")
        if not 0.1 <= self.silence_s <= 1.0:
            raise ValueError(f"sounder: silence_s ({self.silence_s}) must lie between 0.1 and 1.0")
        if not 0.1 <= self.expiry_s <= 2.0:
            raise ValueError(f"sounder: expiry_s ({self.expiry_s}) must lie between 0.1 and 2.0")
        if not 2.0 <= self.start_s <= 60.0:
            raise ValueError(f"sounder: start_s ({self.start_s}) must lie between 2.0 and 60.0")
        if not 0.05 <= self.report_s < RETRY_NS / 1e9:
            raise ValueError(f"sounder: report_s ({self.report_s}) must lie between 0.05 and {RETRY_NS / 1e9}")


class Sounder:
    """One turn every 10 ms: `receive` what came, then `tick`."""

    def __init__(
        self,
        config: SounderConfig,
        outputs: Outputs,
        report: Callable[[SounderReport], None],
        airbag: AirbagPin | None = None,
        *,
        countdown_s: float = 30.0,
        voice: Voice | None = None,
    ) -> None:
        """`countdown_s`: how long the countdown gets louder, `fall.countdown_s`. `voice`: None where nobody speaks."""
        self._outputs, self._report, self._airbag, self._voice = outputs, report, airbag, voice
        self._sounds = sounds(volume=config.volume, countdown_s=countdown_s)
        self._light = StatusLight()
        self._silence_ns = round(config.silence_s * 1e9)
        self._expiry_ns = round(config.expiry_s * 1e9)
        self._start_ns = round(config.start_s * 1e9)
        self._report_ns = round(config.report_s * 1e9)
        self._play = Play(Pattern.SILENT, 0, armed=None)
        self._armed: bool | None = None  # as the guard said last, whichever run of it
        self._lost = False  # the guard went silent in a walk, and no guard has taken over yet
        self._heard_ns: int | None = None
        self._started_ns = 0  # when the pattern that sounds now began, on this process's clock
        self._sounding = Pattern.SILENT
        self._reported_ns: int | None = None

    def receive(self, play: Play, now_ns: int) -> None:
        """Take the guard's word. The same pattern with another `since_ns` starts anew."""
        if self._airbag is not None:
            self._airbag.take(play, now_ns)
        if play.since_ns != self._play.since_ns and play.pattern == self._sounding:
            self._started_ns = now_ns
        self._play, self._heard_ns = play, now_ns
        if play.armed is not None:
            self._armed, self._lost = play.armed, False
        elif self._armed is False:
            self._armed = None  # a new guard begins, and has as long as the first one to get on

    def tick(self, now_ns: int) -> None:
        if self._airbag is not None:
            self._airbag.tick(now_ns)
        if self._heard_ns is None:
            self._heard_ns = now_ns  # a guard has as long to be heard from now on
        pattern = self._wanted(now_ns)
        if pattern is not self._sounding:
            self._sounding, self._started_ns = pattern, now_ns
        sound, elapsed_s = self._sounds[pattern], (now_ns - self._started_ns) / 1e9
        tone = sound.at(elapsed_s)
        self._outputs.set(tone, now_ns)
        fault = pattern is Pattern.FAULT or not self._outputs.warns
        lit = self._light.lit(sounding=tone is not None, fault=fault, now_ns=now_ns)
        self._outputs.light(lit, now_ns)
        if self._voice is not None:
            self._voice.tick(pattern, sound, elapsed_s, now_ns)
        if self._reported_ns is None or now_ns - self._reported_ns >= self._report_ns:
            self._reported_ns = now_ns
            airbag = () if self._airbag is None else self._airbag.broken()
            for report in (*self._outputs.broken(), *airbag) or (SounderReport(),):
                self._report(report)

    @property
    def sounding(self) -> Pattern:
        return self._sounding

    def close(self) -> None:
        if self._airbag is not None:
            self._airbag.close()
        self._outputs.close()

    def _wanted(self, now_ns: int) -> Pattern:
        silent_ns = 0 if self._heard_ns is None else now_ns - self._heard_ns
        if silent_ns > (self._silence_ns if self._armed else self._start_ns) and self._armed is not False:
            self._lost = True
        asked = Pattern.SILENT if silent_ns > self._expiry_ns else self._play.pattern
        if self._lost and (silent_ns > self._silence_ns or asked is Pattern.SILENT):
            return Pattern.FAULT  # a new guard in its self-test does not guard yet; its own words come first, though
        return asked
