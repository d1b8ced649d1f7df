"""How each pattern sounds and feels: pulses of tone and vibration, told apart blind by their rhythm.

Tones lie between 500 and 1000 Hz, where ears of seventy still hear (performance and peers: Bruck and Thomas found a
520 Hz square wave 4-12 times as effective as a high pitch), and are pulsed. The rhythm is the same on the motor.
The frequencies share no small divisor with the 10 ms turn of the sounder.
"""

from dataclasses import dataclass

from firmware.core.messages import Pattern

VOLUME_STEPS = 20  # a ramp in steps, so that the pulse width is not rewritten every 10 ms


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

    def __post_init__(self) -> None:
        length_s = sum(pulse.on_s + pulse.off_s for pulse in self.pulses)
        if self.repeat_s is not None and self.repeat_s < length_s - 1e-9:
            raise ValueError(f"sound: repeat_s ({self.repeat_s}) is shorter than its pulses ({length_s:.3f} s)")

    def at(self, elapsed_s: float) -> tuple[float, float] | None:
        """Frequency in Hz and volume 0-1 at `elapsed_s` after the start; None between pulses and after the end."""
        played_s = elapsed_s if self.repeat_s is None else elapsed_s % self.repeat_s
        for pulse in self.pulses:
            if played_s < pulse.on_s:
                return pulse.frequency_hz, self._volume_at(elapsed_s)
            played_s -= pulse.on_s + pulse.off_s
            if played_s < 0:
                return None
        return None

    def _volume_at(self, elapsed_s: float) -> float:
        if self.ramp_s <= 0 or elapsed_s >= self.ramp_s:
            return self.volume_end
        volume = self.volume + (self.volume_end - self.volume) * elapsed_s / self.ramp_s
        return round(volume * VOLUME_STEPS) / VOLUME_STEPS


def _pulses(count: int, on_s: float, off_s: float, *frequencies_hz: float) -> tuple[Pulse, ...]:
    return tuple(Pulse(on_s, off_s, frequencies_hz[i % len(frequencies_hz)]) for i in range(count))


_READY = (Pulse(0.12, 0.08, 523.0), Pulse(0.12, 0.08, 659.0), Pulse(0.25, 0.05, 784.0))
_THEN = (*_READY[:2], Pulse(0.25, 0.40, 784.0))  # the chirp, and a pause before what is counted


SOUNDS: dict[Pattern, Sound] = {
    Pattern.SILENT: Sound(()),
    Pattern.READY: Sound(_READY),
    Pattern.READY_1: Sound((*_THEN, *_pulses(1, 0.18, 0.2, 784.0))),
    Pattern.READY_2: Sound((*_THEN, *_pulses(2, 0.18, 0.2, 784.0))),
    Pattern.READY_3: Sound((*_THEN, *_pulses(3, 0.18, 0.2, 784.0))),
    Pattern.LANE_BLOCKED: Sound(_pulses(2, 0.45, 0.2, 523.0)),
    Pattern.COMPANION: Sound(  # short, long, short, and soft
        (Pulse(0.1, 0.12, 587.0), Pulse(0.4, 0.12, 587.0), Pulse(0.1, 0.1, 587.0)), volume=0.4, volume_end=0.4
    ),
    Pattern.OBSTACLE_CAUTION: Sound(_pulses(1, 0.15, 0.35, 587.0), repeat_s=0.5),
    Pattern.OBSTACLE_WARNING: Sound(_pulses(1, 0.12, 0.13, 698.0), repeat_s=0.25),
    Pattern.OBSTACLE_IMMINENT: Sound(_pulses(1, 0.08, 0.045, 831.0), repeat_s=0.125),
    Pattern.SWAY: Sound(_pulses(2, 0.14, 0.10, 622.0), repeat_s=1.0),
    Pattern.LEAN: Sound(_pulses(1, 0.22, 0.08, 523.0), volume=0.4, volume_end=0.4),
    Pattern.FAULT: Sound((Pulse(0.2, 0.1, 784.0), Pulse(0.2, 0.1, 659.0), Pulse(0.2, 0.1, 523.0)), repeat_s=1.8),
    Pattern.DEVICE_CAUTION: Sound((Pulse(0.5, 0.2, 587.0), Pulse(0.18, 0.1, 523.0))),
    Pattern.FALL_POSSIBLE: Sound((Pulse(0.3, 0.1, 523.0),), repeat_s=1.2),
    Pattern.FALL_COUNTDOWN: Sound(
        (Pulse(0.15, 0.15, 523.0), Pulse(0.15, 0.15, 659.0), Pulse(0.15, 0.15, 831.0)),
        repeat_s=2.0,
        volume=0.3,
        ramp_s=30.0,
    ),
    Pattern.FALL_NOBODY_YET: Sound(
        (*_pulses(4, 0.15, 0.1, 880.0, 659.0), Pulse(0.15, 0.3, 880.0), *_pulses(5, 0.15, 0.1, 880.0, 659.0)),
        repeat_s=3.0,
    ),
    Pattern.FALL_SENT: Sound((Pulse(0.2, 0.15, 587.0), Pulse(0.4, 0.1, 784.0)), repeat_s=6.0),
    Pattern.FALL_HEARD: Sound(
        (Pulse(0.2, 0.15, 523.0), Pulse(0.2, 0.15, 659.0), Pulse(0.2, 0.15, 784.0), Pulse(0.5, 0.1, 988.0)),
        repeat_s=10.0,
    ),
    Pattern.CANCELLED: Sound((Pulse(0.25, 0.1, 784.0), Pulse(0.4, 0.1, 523.0))),
    Pattern.LOCATE: Sound(_pulses(3, 0.3, 0.2, 659.0, 880.0, 659.0), repeat_s=2.0),
    Pattern.TEST: Sound(
        (*_pulses(2, 0.1, 0.1, 523.0, 784.0), Pulse(0.4, 0.2, 523.0), *_pulses(2, 0.1, 0.1, 523.0, 784.0))
    ),
    Pattern.ENDED: Sound((Pulse(0.15, 0.1, 784.0), Pulse(0.15, 0.1, 659.0), Pulse(0.35, 0.05, 523.0))),
}
