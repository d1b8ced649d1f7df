"""What the button says: every rhythm of presses is one gesture or none, and none is taken for another."""

from itertools import product

import pytest
from core.core_scenes import walking_wearer
from hypothesis import given
from hypothesis import strategies as st

from firmware.core.estimators.button import ButtonGestureConfig, ButtonGestures, Gesture
from firmware.core.messages import Hazard, Pattern, Severity

S = 1_000_000_000
MS = 1_000_000
POLL_MS = 20
Told = list[tuple[int, Gesture]]


def told(presses_ms: list[tuple[int, int]], until_ms: int | None = None) -> Told:
    """What is told of presses from .. to .., polled every 20 ms until long after the last one."""
    gestures, found = ButtonGestures(ButtonGestureConfig()), []
    changes = sorted([(down, True) for down, _ in presses_ms] + [(up, False) for _, up in presses_ms])
    end_ms = until_ms or changes[-1][0] + 5000
    for t_ms in range(0, end_ms, POLL_MS):
        while changes and changes[0][0] <= t_ms:
            at_ms, pressed = changes.pop(0)
            found.append((at_ms, gestures.press(at_ms * MS, pressed)))
        found.append((t_ms, gestures.wait(t_ms * MS)))
    return [(t_ms, gesture) for t_ms, gesture in found if gesture is not Gesture.NONE]


def names(presses_ms: list[tuple[int, int]]) -> list[Gesture]:
    return [gesture for _, gesture in told(presses_ms)]


@pytest.mark.parametrize(("held_ms", "held"), [(300, False), (1900, False), (2100, True), (9000, True)])
def test_a_hold_is_told_once_after_two_seconds(held_ms: int, held: bool) -> None:
    found = told([(0, held_ms)])
    assert found == ([(2000, Gesture.HELD)] if held else [])


@pytest.mark.parametrize(
    ("downs_ms", "gestures"),
    [
        ((0, 500, 1000), [Gesture.PRESSED_REPEATEDLY]),
        ((0, 1000, 2000), [Gesture.PRESSED_REPEATEDLY]),
        ((0, 1500, 2500, 3000), [Gesture.PRESSED_REPEATEDLY]),
        ((0, 300, 600, 900), [Gesture.PRESSED_REPEATEDLY]),
        ((0, 300, 600, 900, 1200, 1500), [Gesture.PRESSED_REPEATEDLY] * 2),
        ((0, 1000, 2100), [Gesture.PRESSED_TWICE]),
        ((0, 300), [Gesture.PRESSED_TWICE]),
        ((0,), []),
        ((0, 2500, 5000), []),
    ],
)
def test_presses_are_counted_within_two_seconds(downs_ms: tuple[int, ...], gestures: list[Gesture]) -> None:
    assert names([(down, down + 100) for down in downs_ms]) == gestures


def test_the_third_press_calls_at_once_and_is_no_hold_however_long_it_lasts() -> None:
    assert told([(0, 100), (400, 500), (800, 8000)]) == [(800, Gesture.PRESSED_REPEATEDLY)]


def test_two_presses_are_told_only_once_a_third_would_come_too_late() -> None:
    ((t_ms, gesture),) = told([(0, 100), (1500, 1600)])
    assert gesture is Gesture.PRESSED_TWICE
    assert 3500 < t_ms <= 3500 + POLL_MS
    assert names([(0, 100), (1500, 1600), (3400, 3500)]) == [Gesture.PRESSED_TWICE]


def test_a_hold_after_a_press_is_a_hold_alone() -> None:
    assert names([(0, 100), (400, 2900)]) == [Gesture.HELD]
    assert names([(0, 2500), (2700, 2800)]) == [Gesture.HELD], "the press that was a hold counts for nothing else"
    assert names([(0, 2100), (2150, 2200), (2300, 2350)]) == [Gesture.HELD, Gesture.PRESSED_TWICE]


@given(st.lists(st.tuples(st.integers(20, 3000), st.integers(20, 3000)), min_size=1, max_size=8))
def test_no_press_is_part_of_two_gestures(gaps_and_holds: list[tuple[int, int]]) -> None:
    presses, t_ms = [], 0
    for gap_ms, hold_ms in gaps_and_holds:
        presses.append((t_ms + gap_ms, t_ms + gap_ms + hold_ms))
        t_ms += gap_ms + hold_ms
    needs = {Gesture.HELD: 1, Gesture.PRESSED_TWICE: 2, Gesture.PRESSED_REPEATEDLY: 3}
    found = names(presses)
    assert sum(needs[gesture] for gesture in found) <= len(presses)
    holds = sum(up - down >= 2000 + POLL_MS for down, up in presses)
    assert found.count(Gesture.HELD) <= sum(up - down >= 2000 for down, up in presses)
    assert found.count(Gesture.HELD) + found.count(Gesture.PRESSED_REPEATEDLY) >= holds


def test_a_call_is_never_missed_for_what_was_pressed_before() -> None:
    for first_ms, second_ms in product(range(0, 4000, 250), repeat=2):
        before = [(0, 100), (200 + first_ms, 300 + first_ms)]
        start_ms = 400 + first_ms + second_ms
        call = [(start_ms + 600 * i, start_ms + 600 * i + 100) for i in range(3)]
        assert Gesture.PRESSED_REPEATEDLY in names(before + call), (first_ms, second_ms)


def test_a_repeated_report_of_a_press_is_no_second_press() -> None:
    gestures = ButtonGestures(ButtonGestureConfig())
    assert [gestures.press(index, True) for index in range(5)] == [Gesture.NONE] * 5


def test_an_untrusted_contact_says_nothing() -> None:
    gestures = ButtonGestures(ButtonGestureConfig())
    gestures.press(0, True)
    gestures.forget()
    assert gestures.wait(5 * S) is Gesture.NONE
    gestures.press(6 * S, True)  # still down, said again: not a new press
    assert gestures.wait(9 * S) is Gesture.NONE
    gestures.press(10 * S, False)
    gestures.press(11 * S, True)
    assert gestures.wait(13 * S) is Gesture.HELD


def test_a_call_during_the_countdown_ends_it_at_once() -> None:
    wearer = walking_wearer().fall(6.0)
    for _ in range(3):
        wearer.press(True)
        wearer.lie(0.2)
        wearer.press(False)
        wearer.lie(0.3)
    assert wearer.severities(Hazard.FALL)[-1] is Severity.CONFIRMED
    assert wearer.severities(Hazard.SOS) == [Severity.CONFIRMED]
    assert wearer.patterns()[-1] is Pattern.FALL_NOBODY_YET
    wearer.lie(40.0)
    assert wearer.severities(Hazard.FALL).count(Severity.CONFIRMED) == 1, "the countdown does not confirm it again"


def test_the_last_press_of_a_call_cancels_no_fall_when_it_is_held_on() -> None:
    wearer = walking_wearer().fall(6.0)
    for _ in range(2):
        wearer.press(True)
        wearer.lie(0.2)
        wearer.press(False)
        wearer.lie(0.3)
    wearer.press(True)
    wearer.lie(6.0)
    assert Severity.CANCELLED not in wearer.severities(Hazard.FALL)
    assert Severity.CANCELLED not in wearer.severities(Hazard.SOS)
