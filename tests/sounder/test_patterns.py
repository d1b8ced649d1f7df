"""Patterns can be told apart blind, and are heard by old ears."""

import itertools

import pytest

from firmware.core.messages import Pattern
from firmware.sounder.patterns import SOUNDS, Sound

AUDIBLE = [pattern for pattern in Pattern if pattern is not Pattern.SILENT]
STEP_S = 0.001


def rhythm(sound: Sound, seconds: float) -> list[tuple[bool, float]]:
    """On and off spells with their lengths."""
    levels = [sound.at(i * STEP_S) is not None for i in range(round(seconds / STEP_S))]
    return [(on, sum(1 for _ in spell) * STEP_S) for on, spell in itertools.groupby(levels)]


@pytest.mark.parametrize("pattern", Pattern)
def test_every_pattern_has_a_sound(pattern: Pattern) -> None:
    assert pattern in SOUNDS


@pytest.mark.parametrize("pattern", AUDIBLE)
def test_tones_lie_where_aged_ears_hear(pattern: Pattern) -> None:
    assert all(500 <= pulse.frequency_hz <= 1000 for pulse in SOUNDS[pattern].pulses)


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(AUDIBLE, 2)))
def test_no_two_patterns_share_rhythm_and_melody(one: Pattern, other: Pattern) -> None:
    def melody(pattern: Pattern) -> list[float]:
        return [pulse.frequency_hz for pulse in SOUNDS[pattern].pulses]

    def felt(pattern: Pattern) -> list[tuple[bool, float]]:
        return [(on, round(length, 2)) for on, length in rhythm(SOUNDS[pattern], 3.0)]

    assert felt(one) != felt(other) or melody(one) != melody(other)


@pytest.mark.parametrize(
    ("pattern", "pulses_per_s"),
    [(Pattern.OBSTACLE_CAUTION, 2), (Pattern.OBSTACLE_WARNING, 4), (Pattern.OBSTACLE_IMMINENT, 8)],
)
def test_obstacle_pulses_come_faster_with_urgency(pattern: Pattern, pulses_per_s: int) -> None:
    starts = sum(on for on, _ in rhythm(SOUNDS[pattern], 10.0))
    assert starts / 10 == pytest.approx(pulses_per_s, rel=0.1)


def test_countdown_gets_louder_to_its_end_and_stays_loud() -> None:
    volumes = [tone[1] for i in range(400) if (tone := SOUNDS[Pattern.FALL_COUNTDOWN].at(i * 0.1 + 0.05))]
    assert volumes == sorted(volumes)
    assert volumes[0] < 0.4
    assert volumes[-1] == 1.0


def test_ready_chirp_plays_once() -> None:
    assert SOUNDS[Pattern.READY].at(0.05) is not None
    assert all(SOUNDS[Pattern.READY].at(2 + i * 0.01) is None for i in range(1000))


def test_sound_longer_than_its_repetition_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than its pulses"):
        Sound(SOUNDS[Pattern.READY].pulses, repeat_s=0.1)


@pytest.mark.parametrize(("pattern", "pulses"), [(Pattern.READY_1, 1), (Pattern.READY_2, 2), (Pattern.READY_3, 3)])
def test_the_clear_metres_are_counted_after_the_chirp_and_a_pause(pattern: Pattern, pulses: int) -> None:
    spells = rhythm(SOUNDS[pattern], 3.0)
    pause = next(index for index, (on, length) in enumerate(spells) if not on and length > 0.3)
    assert sum(on for on, _ in spells[:pause]) == 3
    assert sum(on for on, _ in spells[pause:]) == pulses
    assert all(length >= 0.15 for _, length in spells[pause:])


def test_the_cue_of_what_keeps_its_distance_is_soft() -> None:
    volumes = [tone[1] for i in range(100) if (tone := SOUNDS[Pattern.COMPANION].at(i * 0.01))]
    assert max(volumes) <= 0.5
