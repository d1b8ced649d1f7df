"""A pattern as samples of sound, and what somebody hears in samples: pulses with their lengths and pitches.

`heard` knows nothing of the table that `render` plays: whoever draws or checks what it says looks at the wave itself.
"""

import array
import io
import itertools
import math
import wave
from collections.abc import Sequence
from dataclasses import dataclass

from firmware.core.messages import Pattern
from firmware.sounder.patterns import SOUNDS, Sound
from hal.buzzer import Buzzer

RATE_HZ = 16_000
FULL = 8000  # of 32767: as loud as the rest of what a computer plays
WINDOW = RATE_HZ // 500  # 2 ms: a whole period of the lowest tone
HOP = RATE_HZ // 1000


def render(pattern: Pattern, seconds: float, sound: Sound | None = None) -> "array.array[int]":
    """What the buzzer gets, as 16-bit samples at RATE_HZ: pulses of a width that follows the volume, around their mean.

    Without `sound`, as it is at the full volume.
    """
    sound = sound or SOUNDS[pattern]
    samples = array.array("h")
    playing_hz, from_i, period, duty = 0.0, 0, -1, 0.0
    tone: tuple[float, float] | None = None
    for i in range(round(seconds * RATE_HZ)):
        if i % HOP == 0:  # nothing begins or ends within a millisecond
            tone = sound.at(i / RATE_HZ)
        if tone is None:
            samples.append(0)
            playing_hz = 0.0
            continue
        frequency_hz, volume = tone
        if frequency_hz != playing_hz:
            playing_hz, from_i, period = frequency_hz, i, -1
        phase = (i - from_i) * frequency_hz / RATE_HZ
        if int(phase) != period:  # PWM takes another width at the next period
            period, duty = int(phase), volume * Buzzer.MAX_DUTY
        samples.append(round(2 * FULL * ((phase % 1.0 < duty) - duty)))
    return samples


def as_wave(samples: "array.array[int]") -> bytes:
    """A WAV file."""
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return data.getvalue()


@dataclass(frozen=True, slots=True)
class Heard:
    """One pulse in samples. `loudness` is the amplitude of its first harmonic, as a share of the loudest, 0 to 1."""

    start_s: float
    length_s: float
    frequency_hz: float
    loudness: float


def heard(samples: Sequence[int]) -> list[Heard]:
    """Every pulse of at least 10 ms, to 2 ms."""
    pulses = []
    for start, end in _spells(samples):
        part = samples[start:end]
        rises = [i for i, (before, after) in enumerate(itertools.pairwise(part)) if before <= 0 < after]
        if len(rises) < 3:
            continue
        frequency_hz = (len(rises) - 1) * RATE_HZ / (rises[-1] - rises[0])
        loudness = _harmonic(part, frequency_hz) / (FULL * 4 / math.pi)
        pulses.append(Heard(start / RATE_HZ, (end - start) / RATE_HZ, frequency_hz, loudness))
    return pulses


def _spells(samples: Sequence[int]) -> list[tuple[int, int]]:
    """From where to where there is sound: where the envelope is above a hundredth of the loudest."""
    loud = [max(samples[i : i + WINDOW]) - min(samples[i : i + WINDOW]) for i in range(0, len(samples), HOP)]
    spells = []
    for on, hops in itertools.groupby(range(len(loud)), key=lambda hop: loud[hop] > FULL / 50):
        found = list(hops)
        if on:
            first = next(i for i in range(found[0] * HOP, len(samples)) if samples[i])
            spells.append((first, min(found[-1] * HOP + HOP, len(samples))))
    return spells


def _harmonic(part: Sequence[int], frequency_hz: float) -> float:
    """Amplitude at a frequency, by the second half of a pulse: its first part still rises."""
    later = part[len(part) // 2 :]
    turn = 2 * math.pi * frequency_hz / RATE_HZ
    cosine = sum(sample * math.cos(turn * i) for i, sample in enumerate(later))
    sine = sum(sample * math.sin(turn * i) for i, sample in enumerate(later))
    return 2 * math.hypot(cosine, sine) / max(len(later), 1)
