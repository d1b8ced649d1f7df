"""The posture cue: soft, rare, and only about a lean that lasts."""

import itertools
import math

import pytest
from core_scenes import ready_wearer

from firmware.core.detectors.lean import LeanConfig, LeanDetector
from firmware.core.messages import Detection, Hazard, Pattern, SetPattern, Severity

S = 1_000_000_000
STEP_NS = 20_000_000


def lean(
    detector: LeanDetector, pitch_deg: float, seconds: float, start_s: float, roll_deg: float = 0.0
) -> list[Detection]:
    """What was said, one entry for each change; the trunk swings with the steps."""
    said: list[Detection] = []
    for index in range(round(seconds * 50)):
        t_ns = round(start_s * 1e9) + index * STEP_NS
        swing_deg = 6.0 * math.sin(2 * math.pi * 0.9 * t_ns / 1e9)
        found = detector.update(t_ns, math.radians(pitch_deg + swing_deg), math.radians(roll_deg))
        if not said or said[-1] is not found:
            said.append(found)
    return said


@pytest.mark.parametrize(
    ("pitch_deg", "roll_deg", "direction"),
    [(20, 0, "forward"), (-18, 0, "backward"), (0, 18, "right"), (0, -18, "left")],
)
def test_a_lasting_lean_gives_a_cue_that_says_where_to(pitch_deg: float, roll_deg: float, direction: str) -> None:
    said = lean(LeanDetector(LeanConfig()), pitch_deg, 25, 0, roll_deg)
    assert [found.severity for found in said] == [Severity.NONE, Severity.CUE]
    assert said[-1].data["direction"] == direction


def test_a_usual_posture_gives_none() -> None:
    assert [found.severity for found in lean(LeanDetector(LeanConfig()), 7, 120, 0)] == [Severity.NONE]


def test_a_lean_that_is_soon_over_gives_none() -> None:
    detector = LeanDetector(LeanConfig())
    assert [found.severity for found in lean(detector, 20, 4, 0) + lean(detector, 0, 20, 4)] == [Severity.NONE] * 2


@pytest.mark.parametrize(("pitch_deg", "cued"), [(9.5, False), (10.5, True)])
def test_ten_degrees_for_five_seconds_are_the_limit(pitch_deg: float, cued: bool) -> None:
    detector, severities = LeanDetector(LeanConfig(smoothing_s=1.0)), dict[float, Severity]()
    for index in range(1000):
        found = detector.update(index * STEP_NS, math.radians(pitch_deg), 0.0)
        severities.setdefault(index * 0.02, found.severity)
    first_s = next((t_s for t_s, severity in severities.items() if severity is Severity.CUE), None)
    assert (first_s is not None) == cued
    assert first_s is None or 5.0 < first_s < 9.0


def test_switched_off_it_cues_nobody() -> None:
    assert [found.severity for found in lean(LeanDetector(LeanConfig(enabled=False)), 30, 60, 0)] == [Severity.NONE]


def test_whoever_sways_in_and_out_of_it_is_cued_once_in_half_a_minute_at_most() -> None:
    detector, times_s, was = LeanDetector(LeanConfig()), [], Severity.NONE
    for spell in range(20):
        for index in range(1200):
            t_ns = spell * 24 * S + index * STEP_NS
            found = detector.update(t_ns, math.radians(25 if index < 800 else -10), 0.0)
            if found.severity is Severity.CUE is not was:
                times_s.append(t_ns / 1e9)
            was = found.severity
    assert len(times_s) >= 3
    assert all(later - earlier > 29.99 for earlier, later in itertools.pairwise(times_s))


def test_a_device_that_has_slipped_does_not_nag_for_ever() -> None:
    said = lean(LeanDetector(LeanConfig()), 25, 400, 0)
    assert [found.severity for found in said] == [Severity.NONE, Severity.CUE, Severity.NONE]


def test_what_is_no_number_is_no_posture() -> None:
    detector = LeanDetector(LeanConfig())
    for index in range(2000):
        detector.update(index * STEP_NS, math.nan, math.inf)
    assert detector.detection.severity is Severity.NONE


def test_a_walker_who_bends_forward_feels_one_soft_tap_in_half_a_minute() -> None:
    wearer = ready_wearer().walk(5)
    wearer.live(4, pitch_deg=lambda t: 5.0 * t, stepping=True)
    wearer.live(50, pitch_deg=lambda _: 20.0, stepping=True)
    taps_s = [o.t_ns / 1e9 for o in wearer.outputs if isinstance(o, SetPattern) and o.pattern is Pattern.LEAN]
    assert 1 <= len(taps_s) <= 2
    assert all(later - earlier > 29.99 for earlier, later in itertools.pairwise(taps_s))
    assert [alert.severity for alert in wearer.alerts(Hazard.LEAN)] == [Severity.CUE]
    assert wearer.alerts(Hazard.SWAY) == []
