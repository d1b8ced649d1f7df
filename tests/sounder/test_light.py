"""The status LED's language, as somebody sees it who looks at the belt."""

from itertools import pairwise

import pytest

from firmware.core.messages import Pattern
from firmware.sounder.light import StatusLight
from firmware.sounder.patterns import SOUNDS

TURN_NS = 10_000_000
START_NS = 7_000_000_000_123


def seen(seconds: float, pattern: Pattern = Pattern.SILENT, *, fault: bool = False) -> list[bool]:
    """Whether it is lit in each turn while `pattern` sounds from the start."""
    light = StatusLight()
    found = []
    for turn in range(round(seconds * 100)):
        tone = SOUNDS[pattern].at(turn / 100)
        found.append(light.lit(sounding=tone is not None, fault=fault, now_ns=START_NS + turn * TURN_NS))
    return found


def flashes(turns: list[bool]) -> list[tuple[float, float]]:
    """Begin and length of each, in seconds."""
    begins = [i for i, lit in enumerate(turns) if lit and (i == 0 or not turns[i - 1])]
    ends = [i + 1 for i, lit in enumerate(turns) if lit and (i + 1 == len(turns) or not turns[i + 1])]
    return [(begin / 100, (end - begin) / 100) for begin, end in zip(begins, ends, strict=True)]


def test_silent_sounder_that_lives_flashes_shortly_every_two_seconds() -> None:
    assert flashes(seen(9.0)) == [(2.0, 0.05), (4.0, 0.05), (6.0, 0.05), (8.0, 0.05)]


@pytest.mark.parametrize("pattern", [pattern for pattern in Pattern if SOUNDS[pattern].repeat_s is not None])
def test_pattern_is_seen_in_the_rhythm_in_which_it_is_heard(pattern: Pattern) -> None:
    for turn, lit in enumerate(seen(8.0, pattern)):
        heard = SOUNDS[pattern].at(turn / 100) is not None
        long_pause = (SOUNDS[pattern].repeat_s or 0.0) > 2.0  # there is room in it for the flash of life
        assert lit == heard or (lit and long_pause), f"after {turn / 100} s"


def test_flash_of_life_comes_back_two_seconds_after_a_sound_that_has_ended() -> None:
    turns = seen(6.0, Pattern.READY)
    played = [turn for turn in range(600) if SOUNDS[Pattern.READY].at(turn / 100) is not None]
    after = [begin for begin, _ in flashes(turns) if begin > played[-1] / 100]
    assert after == [pytest.approx(played[-1] / 100 + 2.0), pytest.approx(played[-1] / 100 + 4.0)]


@pytest.mark.parametrize("pattern", [Pattern.SILENT, Pattern.OBSTACLE_IMMINENT])
def test_fault_is_an_even_blink_whatever_else_sounds(pattern: Pattern) -> None:
    found = flashes(seen(4.2, pattern, fault=True))[1:-1]
    assert len(found) >= 8
    assert {length for _, length in found} == {0.2}
    assert [round(b[0] - a[0], 3) for a, b in pairwise(found)] == [0.4] * (len(found) - 1)


def test_led_never_stays_lit() -> None:
    for fault in (False, True):
        for pattern in Pattern:
            assert all(length <= 0.5 for _, length in flashes(seen(10.0, pattern, fault=fault))), pattern
