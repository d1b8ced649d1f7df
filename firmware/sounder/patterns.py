"""How each pattern sounds and feels: pulses of tone and vibration, a small language that is told apart blind.

Styled after IEC 60601-1-8 (bursts, rhythm, direction, priority, rise times), without claiming compliance. What rises
and ends with a long pulse is good news; what falls and begins with a long pulse means stop, or over; what stays level
is about the walk; what goes up and down calls somebody. So good and bad news differ in rhythm as well: the motor plays
the same rhythm, and no direction can be felt. `firmware.sounder.language` measures how far two sounds are apart.

Tones lie between 500 and 1000 Hz, where ears of seventy still hear (Bruck and Thomas found a 520 Hz square wave 4-12
times as effective as a high pitch). All times are whole turns of the sounder (10 ms); the frequencies share no small
divisor with it. No pulse is longer than 0.5 s: the status LED, which blinks along, never looks as if it were stuck.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from firmware.core.messages import Pattern

VOLUME_STEPS = 20  # a ramp in steps, so that the pulse width is not rewritten every 10 ms
VOLUME_FLOOR = 0.3
"""Nothing is softer, whatever is set: 7 dB below the loudest, by the first harmonic of the pulses."""
RISE_SHARE, RISE_S = 0.2, 0.05
"""A pulse is at its full volume after this share of its length, at most so late: a step or two, for it is a square
wave whose width changes from turn to turn. IEC 60601-1-8 asks for 10 to 40 % of the pulse."""
RISE_STEPS = (0.35, 0.7)


class Urgency(IntEnum):
    """IEC's priorities. What is MEDIUM or HIGH is never turned down."""

    INFORMATION = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Pulse:
    """Tone and vibration for `on_s`, then nothing for `off_s`."""

    on_s: float
    off_s: float
    frequency_hz: float


@dataclass(frozen=True, slots=True)
class Sound:
    """Pulses played in order; again after each `repeat_s` from their start, or once when that is None.

    The volume goes from `volume` to `volume_end` over `ramp_s`, so that a countdown gets louder to its end.
    """

    pulses: tuple[Pulse, ...]
    repeat_s: float | None = None
    volume: float = 1.0
    volume_end: float = 1.0
    ramp_s: float = 0.0
    urgency: Urgency = Urgency.INFORMATION

    def __post_init__(self) -> None:
        length_s = sum(pulse.on_s + pulse.off_s for pulse in self.pulses)
        if self.repeat_s is not None and self.repeat_s < length_s - 1e-9:
            raise ValueError(f"sound: repeat_s ({self.repeat_s}) is shorter than its pulses ({length_s:.3f} s)")

    @property
    def burst_s(self) -> float:
        """From the first pulse's start to the last one's end."""
        if not self.pulses:
            return 0.0
        return sum(pulse.on_s + pulse.off_s for pulse in self.pulses) - self.pulses[-1].off_s

    def at(self, elapsed_s: float) -> tuple[float, float] | None:
        """Frequency in Hz and volume 0-1 at `elapsed_s` after the start; None between pulses and after the end."""
        played_s = elapsed_s if self.repeat_s is None else elapsed_s % self.repeat_s
        for pulse in self.pulses:
            if played_s < pulse.on_s - 1e-9:
                return pulse.frequency_hz, self._volume_at(elapsed_s) * _risen(played_s, pulse.on_s)
            played_s -= pulse.on_s + pulse.off_s
            if played_s < -1e-9:
                return None
        return None

    def _volume_at(self, elapsed_s: float) -> float:
        if self.ramp_s <= 0 or elapsed_s >= self.ramp_s:
            return self.volume_end
        volume = self.volume + (self.volume_end - self.volume) * elapsed_s / self.ramp_s
        return round(volume * VOLUME_STEPS) / VOLUME_STEPS


def _risen(played_s: float, on_s: float) -> float:
    step = int(played_s / min(RISE_SHARE * on_s, RISE_S) * len(RISE_STEPS) + 1e-9)
    return RISE_STEPS[step] if step < len(RISE_STEPS) else 1.0


def _pulses(count: int, on_s: float, off_s: float, *frequencies_hz: float) -> tuple[Pulse, ...]:
    return tuple(Pulse(on_s, off_s, frequencies_hz[i % len(frequencies_hz)]) for i in range(count))


def _tune(off_s: float, *notes: tuple[float, float]) -> tuple[Pulse, ...]:
    """Notes of a length in seconds and a frequency in Hz, `off_s` apart."""
    return tuple(Pulse(on_s, off_s, frequency_hz) for on_s, frequency_hz in notes)


def _soft(*pulses: Pulse, urgency: Urgency = Urgency.INFORMATION) -> Sound:
    return Sound(pulses, volume=0.4, volume_end=0.4, urgency=urgency)


_HIGH, _MEDIUM, _LOW = Urgency.HIGH, Urgency.MEDIUM, Urgency.LOW
_READY = _tune(0.1, (0.1, 523.0), (0.1, 659.0), (0.3, 784.0))
_THEN = (*_READY[:2], Pulse(0.3, 0.4, 784.0))  # the chirp, and a pause before what is counted
_ASKS = _tune(0.1, (0.1, 523.0), (0.3, 784.0))
_CHIME = _tune(0.1, (0.3, 784.0), (0.3, 587.0))
_FALLING = _pulses(3, 0.3, 0.1, 784.0, 659.0, 523.0)
_MEASURE = (Pulse(0.1, 0.1, 523.0), Pulse(0.1, 0.3, 523.0))  # every word of the 3-m test begins with it
_NOBODY = (*_pulses(4, 0.15, 0.1, 880.0, 659.0), Pulse(0.15, 0.3, 880.0), *_pulses(5, 0.15, 0.1, 880.0, 659.0))
_COUNTDOWN = Sound(
    _pulses(3, 0.15, 0.15, 523.0, 659.0, 831.0), repeat_s=2.0, volume=VOLUME_FLOOR, ramp_s=30.0, urgency=_HIGH
)

SOUNDS: dict[Pattern, Sound] = {
    Pattern.SILENT: Sound(()),
    Pattern.READY: Sound(_READY),
    Pattern.READY_1: Sound((*_THEN, *_pulses(1, 0.18, 0.2, 784.0))),
    Pattern.READY_2: Sound((*_THEN, *_pulses(2, 0.18, 0.2, 784.0))),
    Pattern.READY_3: Sound((*_THEN, *_pulses(3, 0.18, 0.2, 784.0))),
    Pattern.LANE_BLOCKED: Sound(_pulses(2, 0.45, 0.2, 523.0)),
    Pattern.NOTICE: Sound((*_ASKS[:1], Pulse(0.3, 0.5, 784.0), *_ASKS)),
    Pattern.NO_START: Sound(
        (*_FALLING[:2], Pulse(0.3, 0.3, 523.0), Pulse(0.5, 0.1, 523.0)), repeat_s=10.0, urgency=_LOW
    ),
    Pattern.WORN_WRONG: Sound(_tune(0.1, (0.1, 523.0), (0.3, 784.0), (0.3, 784.0), (0.1, 523.0)), urgency=_LOW),
    Pattern.PAUSED: _soft(Pulse(0.2, 0.6, 523.0), Pulse(0.2, 0.1, 523.0)),
    Pattern.TIME_UP: Sound((*_CHIME[:1], Pulse(0.3, 0.4, 587.0), *_CHIME)),
    Pattern.SUMMARY_CLEAN: Sound(_tune(0.1, (0.1, 523.0), (0.1, 659.0), (0.1, 784.0), (0.1, 880.0), (0.4, 988.0))),
    Pattern.SUMMARY_WARNED: Sound(_tune(0.1, (0.4, 523.0), (0.1, 659.0), (0.1, 784.0), (0.1, 659.0), (0.1, 523.0))),
    Pattern.COMPANION: _soft(*_tune(0.12, (0.1, 587.0), (0.4, 587.0), (0.1, 587.0))),
    Pattern.SMALLER_STEPS: _soft(*_tune(0.15, (0.4, 622.0), (0.2, 622.0), (0.1, 622.0)), urgency=_LOW),
    Pattern.METRONOME: _soft(Pulse(0.05, 0.05, 988.0)),
    Pattern.REST: Sound(_tune(0.2, (0.4, 784.0), (0.4, 659.0), (0.4, 587.0), (0.4, 523.0)), urgency=_LOW),
    Pattern.MEASURE_READY: Sound((*_MEASURE, Pulse(0.4, 0.1, 523.0))),
    Pattern.MEASURE_GO: Sound((*_MEASURE, *_tune(0.1, (0.1, 659.0), (0.4, 880.0)))),
    Pattern.MEASURE_DONE: Sound((*_MEASURE, *_READY)),
    Pattern.MEASURE_VOID: Sound((*_MEASURE, *_tune(0.1, (0.3, 784.0), (0.1, 659.0), (0.1, 523.0)))),
    Pattern.OBSTACLE_CAUTION: Sound(_pulses(1, 0.15, 0.35, 587.0), repeat_s=0.5, urgency=_MEDIUM),
    Pattern.OBSTACLE_WARNING: Sound(_pulses(1, 0.12, 0.13, 698.0), repeat_s=0.25, urgency=_HIGH),
    Pattern.OBSTACLE_IMMINENT: Sound(_pulses(1, 0.07, 0.05, 831.0), repeat_s=0.12, urgency=_HIGH),
    Pattern.SWAY: Sound(_pulses(2, 0.14, 0.10, 622.0), repeat_s=1.0, urgency=_MEDIUM),
    Pattern.LEAN: _soft(Pulse(0.2, 0.1, 523.0), urgency=_LOW),
    Pattern.FAULT: Sound(_FALLING, repeat_s=1.6, urgency=_MEDIUM),
    Pattern.DEVICE_CAUTION: Sound(_tune(0.2, (0.5, 659.0), (0.18, 523.0)), urgency=_LOW),
    Pattern.FALL_POSSIBLE: Sound((Pulse(0.5, 0.1, 523.0),), repeat_s=1.2, urgency=_HIGH),
    Pattern.FALL_COUNTDOWN: _COUNTDOWN,
    Pattern.FALL_NOBODY_YET: Sound(_NOBODY, repeat_s=3.0, urgency=_HIGH),
    Pattern.FALL_NOBODY_SPARING: Sound(_NOBODY, repeat_s=15.0, urgency=_HIGH),
    Pattern.FALL_SENT: Sound(_tune(0.15, (0.15, 587.0), (0.4, 784.0)), repeat_s=6.0),
    Pattern.FALL_HEARD: Sound(_tune(0.15, (0.15, 523.0), (0.15, 659.0), (0.15, 784.0), (0.5, 988.0)), repeat_s=10.0),
    Pattern.CANCELLED: Sound(_tune(0.1, (0.35, 784.0), (0.1, 659.0), (0.1, 587.0), (0.1, 523.0))),
    Pattern.LOCATE: Sound(_pulses(5, 0.3, 0.1, 659.0, 880.0), repeat_s=3.0),
    Pattern.TEST: Sound(_tune(0.1, (0.1, 523.0), (0.1, 784.0), (0.4, 523.0), (0.1, 523.0), (0.1, 784.0))),
    Pattern.ENDED: Sound(_tune(0.1, (0.3, 784.0), (0.1, 659.0), (0.1, 523.0))),
}
"""At the full volume, and for a countdown of 30 s."""


def sounds(*, volume: float, countdown_s: float) -> Mapping[Pattern, Sound]:
    """All patterns for a device on which the volume is set to `volume`, 0.3 to 1, and the countdown to `countdown_s`.

    Only what is no warning is turned down. Anybody who wanted a warning softer would one day not hear it.
    """
    found = {pattern: _turned_down(sound, volume) for pattern, sound in SOUNDS.items()}
    found[Pattern.FALL_COUNTDOWN] = replace(_COUNTDOWN, ramp_s=countdown_s)
    return found


def _turned_down(sound: Sound, volume: float) -> Sound:
    if sound.urgency >= Urgency.MEDIUM or not sound.pulses:
        return sound
    level = max(sound.volume_end * volume, VOLUME_FLOOR)
    return replace(sound, volume=level, volume_end=level)
