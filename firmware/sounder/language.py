"""What somebody hears or feels of a sound without seeing anything, and how far two sounds are apart in that.

The attributes are those of IEC 60601-1-8: how many pulses, in which rhythm, in which direction, and whether it comes
again. The limits are far above what ears and skin can just tell apart, because nobody compares them side by side.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from firmware.sounder.patterns import Sound

GROUP_S = 0.3
"""A pause so long ends a group of pulses: what is counted is counted within a group."""
COUNTED = 4
"""So many pulses are counted at a glance (subitized); five or more are "many"."""
APART = 1.5
"""Lengths whose ratio is smaller count as the same."""
LEVEL = 1.06
"""So does a pitch within a semitone."""


class Direction(StrEnum):
    """Which way the pitch goes; nobody feels it on the motor."""

    RISING = "rising"
    FALLING = "falling"
    LEVEL = "level"
    WAVERING = "up and down"


class Repetition(StrEnum):
    """Whether it comes again by itself. UNBROKEN: no pause tells one burst from the next."""

    ONCE = "once"
    OFTEN = "again and again"
    SELDOM = "now and then"
    UNBROKEN = "unbroken"


SELDOM_S = 5.0


@dataclass(frozen=True, slots=True)
class Attributes:
    """`counts`: pulses of each group, at most `COUNTED` + 1; () when it is unbroken. `rhythm`: on and off lengths in
    s, in turns, from the first pulse to the last one's end (unbroken: to the next one's start)."""

    counts: tuple[int, ...]
    rhythm: tuple[float, ...]
    direction: Direction
    repetition: Repetition


def attributes(sound: Sound) -> Attributes:
    """Of a sound with at least one pulse."""
    lengths_s = tuple(length_s for pulse in sound.pulses for length_s in (pulse.on_s, pulse.off_s))
    pitches = groups(sound)
    direction = next((found for found in map(_direction, pitches) if found is not Direction.LEVEL), Direction.LEVEL)
    if len(sound.pulses) == 1 and sound.repeat_s is not None and sound.repeat_s < 2 * GROUP_S:
        return Attributes((), (lengths_s[0], sound.repeat_s - lengths_s[0]), direction, Repetition.UNBROKEN)
    repetition = Repetition.ONCE
    if sound.repeat_s is not None:
        repetition = Repetition.SELDOM if sound.repeat_s > SELDOM_S else Repetition.OFTEN
    counts = tuple(min(len(group), COUNTED + 1) for group in pitches)
    return Attributes(counts, lengths_s[:-1], direction, repetition)


def distance(one: Attributes, other: Attributes) -> int:
    """In how many attributes they differ, 0 to 4."""
    direction, repetition = one.direction is not other.direction, one.repetition is not other.repetition
    return felt_distance(one, other) + direction + repetition


def felt_distance(one: Attributes, other: Attributes) -> int:
    """The same by one burst on the motor alone: by count and rhythm, 0 to 2."""
    return (one.counts != other.counts) + _differs(one.rhythm, other.rhythm)


def _differs(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether any length differs clearly; of two sounds of different length, as far as the shorter one goes."""
    return any(max(a, b) / min(a, b) >= APART - 1e-9 for a, b in zip(one, other, strict=False))


def groups(sound: Sound) -> list[list[float]]:
    """The pitches in Hz of each group of pulses."""
    found: list[list[float]] = [[]]
    for i, pulse in enumerate(sound.pulses):
        if i and sound.pulses[i - 1].off_s >= GROUP_S - 1e-9:
            found.append([])
        found[-1].append(pulse.frequency_hz)
    return found


def _direction(pitches_hz: list[float]) -> Direction:
    steps = [after / before for before, after in pairwise(pitches_hz)]
    up, down = any(step > LEVEL for step in steps), any(step < 1 / LEVEL for step in steps)
    if up and down:
        return Direction.WAVERING
    if up or down:
        return Direction.RISING if up else Direction.FALLING
    return Direction.LEVEL
