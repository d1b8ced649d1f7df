"""Patterns can be told apart blind, are heard by old ears, and say how urgent they are."""

import itertools

import pytest

from firmware.core.alerts import NOTICES, RULES
from firmware.core.messages import Pattern, Severity
from firmware.sounder.language import Attributes, Direction, Repetition, attributes, distance, felt_distance
from firmware.sounder.patterns import SOUNDS, VOLUME_FLOOR, Pulse, Sound, Urgency, sounds

AUDIBLE = [pattern for pattern in Pattern if pattern is not Pattern.SILENT]
SAME_BY_FEEL = {frozenset({Pattern.FALL_NOBODY_YET, Pattern.FALL_NOBODY_SPARING})}  # they mean the same
ATTRIBUTES = {pattern: attributes(SOUNDS[pattern]) for pattern in AUDIBLE}
STEP_S = 0.001


def rhythm(sound: Sound, seconds: float) -> list[tuple[bool, float]]:
    """On and off spells with their lengths."""
    levels = [sound.at(i * STEP_S) is not None for i in range(round(seconds / STEP_S))]
    return [(on, sum(1 for _ in spell) * STEP_S) for on, spell in itertools.groupby(levels)]


def volumes(sound: Sound, seconds: float) -> list[float]:
    return [tone[1] for i in range(round(seconds / STEP_S)) if (tone := sound.at(i * STEP_S))]


@pytest.mark.parametrize("pattern", Pattern)
def test_every_pattern_has_a_sound(pattern: Pattern) -> None:
    assert pattern in SOUNDS


@pytest.mark.parametrize("pattern", AUDIBLE)
def test_tones_lie_where_aged_ears_hear(pattern: Pattern) -> None:
    assert all(500 <= pulse.frequency_hz <= 1000 for pulse in SOUNDS[pattern].pulses)


@pytest.mark.parametrize("pattern", AUDIBLE)
def test_every_length_is_a_whole_number_of_the_turns_in_which_it_is_played(pattern: Pattern) -> None:
    sound = SOUNDS[pattern]
    for pulse in sound.pulses:
        assert pulse.on_s * 100 == pytest.approx(round(pulse.on_s * 100))
        assert pulse.off_s * 100 == pytest.approx(round(pulse.off_s * 100))
        assert 0.05 <= pulse.on_s <= 0.5
    assert sound.repeat_s is None or sound.repeat_s * 100 == pytest.approx(round(sound.repeat_s * 100))


def test_no_two_patterns_are_nearer_than_one_attribute() -> None:
    near = [
        f"{one} and {other}"
        for one, other in itertools.combinations(AUDIBLE, 2)
        if distance(ATTRIBUTES[one], ATTRIBUTES[other]) < 1
    ]
    assert not near


def test_all_patterns_are_told_apart_by_feel_alone_but_those_that_mean_the_same() -> None:
    alike = {
        frozenset({one, other})
        for one, other in itertools.combinations(AUDIBLE, 2)
        if felt_distance(ATTRIBUTES[one], ATTRIBUTES[other]) < 1
    }
    assert alike == SAME_BY_FEEL


@pytest.mark.parametrize("steps_per_min", range(50, 181, 10))
def test_the_metronome_at_a_walkers_cadence_is_not_taken_for_an_obstacle(steps_per_min: int) -> None:
    tick = SOUNDS[Pattern.METRONOME].pulses[0]
    every_s = max(60 / steps_per_min, tick.on_s + tick.off_s)
    ticking = attributes(Sound((tick,), repeat_s=every_s))
    rate = Attributes((), (tick.on_s, every_s - tick.on_s), ticking.direction, Repetition.UNBROKEN)
    for pattern in (Pattern.OBSTACLE_CAUTION, Pattern.OBSTACLE_WARNING, Pattern.OBSTACLE_IMMINENT):
        assert felt_distance(rate, ATTRIBUTES[pattern]) >= 1, pattern


@pytest.mark.parametrize(
    ("pattern", "direction"),
    [
        *((good, Direction.RISING) for good in (Pattern.READY, Pattern.READY_2, Pattern.SUMMARY_CLEAN)),
        *((good, Direction.RISING) for good in (Pattern.FALL_SENT, Pattern.FALL_HEARD, Pattern.MEASURE_DONE)),
        *((over, Direction.FALLING) for over in (Pattern.ENDED, Pattern.CANCELLED, Pattern.MEASURE_VOID)),
        *((bad, Direction.FALLING) for bad in (Pattern.FAULT, Pattern.NO_START, Pattern.DEVICE_CAUTION)),
        *((walk, Direction.LEVEL) for walk in (Pattern.OBSTACLE_IMMINENT, Pattern.SWAY, Pattern.LEAN)),
        *((call, Direction.WAVERING) for call in (Pattern.FALL_NOBODY_YET, Pattern.LOCATE, Pattern.WORN_WRONG)),
    ],
)
def test_the_direction_says_what_kind_of_news_it_is(pattern: Pattern, direction: Direction) -> None:
    assert ATTRIBUTES[pattern].direction is direction


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (Pattern.READY, Pattern.ENDED),
        (Pattern.FALL_HEARD, Pattern.CANCELLED),
        (Pattern.FALL_SENT, Pattern.DEVICE_CAUTION),
        (Pattern.MEASURE_DONE, Pattern.MEASURE_VOID),
    ],
)
def test_good_news_ends_long_and_bad_news_begins_long_so_that_both_are_felt(good: Pattern, bad: Pattern) -> None:
    rises, falls = SOUNDS[good].pulses, SOUNDS[bad].pulses[-len(SOUNDS[good].pulses) :]
    assert rises[-1].on_s >= 2 * rises[-2].on_s
    assert max(pulse.on_s for pulse in falls) >= 2 * falls[-1].on_s


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (Sound((Pulse(0.2, 0.1, 523.0),)), Sound((Pulse(0.2, 0.2, 600.0),)), 0),
        (Sound((Pulse(0.2, 0.1, 523.0),)), Sound((Pulse(0.29, 0.1, 523.0),)), 0),
        (Sound((Pulse(0.2, 0.1, 523.0),)), Sound((Pulse(0.3, 0.1, 523.0),)), 1),
        (Sound((Pulse(0.2, 0.1, 523.0),)), Sound((Pulse(0.2, 0.1, 523.0),), repeat_s=2.0), 1),
        (Sound((Pulse(0.2, 0.1, 523.0),) * 2), Sound((Pulse(0.2, 0.1, 523.0),) * 3), 1),
        (Sound((Pulse(0.2, 0.1, 523.0),) * 5), Sound((Pulse(0.2, 0.1, 523.0),) * 6), 0),
        (Sound((Pulse(0.2, 0.1, 523.0),) * 2), Sound((Pulse(0.2, 0.1, 523.0), Pulse(0.2, 0.1, 659.0))), 1),
        (Sound((Pulse(0.2, 0.1, 523.0),) * 2), Sound((Pulse(0.2, 0.4, 523.0), Pulse(0.2, 0.1, 659.0))), 2),
    ],
)
def test_only_what_is_clearly_different_counts_as_an_attribute(one: Sound, other: Sound, apart: int) -> None:
    assert distance(attributes(one), attributes(other)) == apart
    assert distance(attributes(other), attributes(one)) == apart


@pytest.mark.parametrize(
    ("pattern", "pulses_per_s"),
    [(Pattern.OBSTACLE_CAUTION, 2), (Pattern.OBSTACLE_WARNING, 4), (Pattern.OBSTACLE_IMMINENT, 8)],
)
def test_obstacle_pulses_come_faster_with_urgency(pattern: Pattern, pulses_per_s: int) -> None:
    starts = sum(on for on, _ in rhythm(SOUNDS[pattern], 10.0))
    assert starts / 10 == pytest.approx(pulses_per_s, rel=0.1)


def test_what_is_more_urgent_has_the_higher_priority() -> None:
    alarms = [
        rule
        for (_, severity), rule in RULES.items()
        if rule.pattern is not Pattern.SILENT and severity not in (Severity.CANCELLED, Severity.RECOVERED)
    ]
    for one, other in itertools.permutations(alarms, 2):
        if SOUNDS[one.pattern].urgency > SOUNDS[other.pattern].urgency:
            assert one.priority >= other.priority, f"{one.pattern} and {other.pattern}"


def test_whatever_is_told_once_is_played_to_its_end() -> None:
    for rule in (*RULES.values(), *NOTICES.values()):
        if SOUNDS[rule.pattern].repeat_s is None:
            assert rule.minimum_s >= SOUNDS[rule.pattern].burst_s - 1e-9, rule.pattern


@pytest.mark.parametrize("countdown_s", [10.0, 30.0, 60.0])
def test_countdown_gets_louder_to_its_end_whatever_its_length_and_stays_loud(countdown_s: float) -> None:
    countdown = sounds(volume=1.0, countdown_s=countdown_s)[Pattern.FALL_COUNTDOWN]
    at_s = [0.05 + 0.1 * i for i in range(round(countdown_s * 10) + 100)]
    found = [(t_s, tone[1]) for t_s in at_s if (tone := countdown.at(t_s))]
    louder = [volume for _, volume in found]
    assert louder == sorted(louder)
    assert louder[0] < 0.4
    assert max(volume for t_s, volume in found if t_s < 0.5 * countdown_s) < 0.75
    assert all(volume == 1.0 for t_s, volume in found if t_s >= 0.98 * countdown_s)


@pytest.mark.parametrize("pattern", AUDIBLE)
def test_a_low_volume_turns_down_what_is_told_and_never_what_warns(pattern: Pattern) -> None:
    loud, quiet = (sounds(volume=volume, countdown_s=30.0)[pattern] for volume in (1.0, VOLUME_FLOOR))
    if loud.urgency >= Urgency.MEDIUM:
        assert quiet == loud
        assert quiet.volume_end == 1.0
    else:
        assert quiet.volume == quiet.volume_end == VOLUME_FLOOR
    assert quiet.pulses == loud.pulses


def test_everything_that_warns_is_too_urgent_to_be_turned_down() -> None:
    warnings = [pattern for pattern in AUDIBLE if pattern.startswith(("obstacle", "sway", "fault", "fall"))]
    told = {Pattern.FALL_SENT, Pattern.FALL_HEARD}
    assert {pattern for pattern in AUDIBLE if SOUNDS[pattern].urgency >= Urgency.MEDIUM} == set(warnings) - told


@pytest.mark.parametrize("pattern", AUDIBLE)
def test_a_pulse_rises_within_10_to_40_percent_of_its_length(pattern: Pattern) -> None:
    played_s = 0.0
    for pulse in SOUNDS[pattern].pulses:
        inside = [SOUNDS[pattern].at(played_s + i * STEP_S) for i in range(round(pulse.on_s / STEP_S))]
        levels = [tone[1] for tone in inside if tone is not None]
        assert len(levels) == len(inside)
        full = max(levels)
        assert levels == sorted(levels)
        rise_s = levels.index(full) * STEP_S
        assert 0.1 <= rise_s / pulse.on_s <= 0.4
        assert levels[0] > 0, "it is heard from its first moment"
        played_s += pulse.on_s + pulse.off_s


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


@pytest.mark.parametrize(
    "pattern", [Pattern.COMPANION, Pattern.LEAN, Pattern.SMALLER_STEPS, Pattern.PAUSED, Pattern.METRONOME]
)
def test_cues_are_soft_and_not_softer_than_the_floor(pattern: Pattern) -> None:
    assert VOLUME_FLOOR <= max(volumes(SOUNDS[pattern], 1.0)) <= 0.5
