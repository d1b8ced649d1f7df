"""Where what the fall detector may be set to meets how rarely it is asked, and how an alarm of a small lean ends."""

import math

import pytest

from firmware.core.config import CoreConfig
from firmware.core.detectors.fall import G0_MPS2, JOLT_MPS2, FallConfig
from firmware.core.detectors.fall_alarm import FallAlarm
from firmware.core.estimators.fall_features import PEAK_MPS2
from firmware.core.falling import LEAN_RAD, Falling
from firmware.core.messages import Severity, Value
from firmware.core.moving import Moving

S = 1_000_000_000


def test_no_jolt_and_no_lean_counts_that_the_detector_would_not_be_asked_about_at_once() -> None:
    assert JOLT_MPS2 >= PEAK_MPS2
    with pytest.raises(ValueError, match="lean_deg"):
        FallConfig(lean_deg=math.degrees(LEAN_RAD) - 0.1)


@pytest.mark.parametrize(("lean_deg", "asked_deg"), [(12.0, 13.0), (15.0, 17.0), (20.0, 22.0), (20.0, 45.0)])
def test_who_goes_on_sitting_as_she_sat_when_asked_is_not_up_again(lean_deg: float, asked_deg: float) -> None:
    alarm = FallAlarm(FallConfig(lean_deg=lean_deg))
    alarm.suspect(0, {"path": "posture", "tilt_deg": asked_deg, "impact_g": None, "impact_age_s": 5.0})
    for second in range(1, 20):
        alarm.stand(second * S, math.radians(0.9 * asked_deg), 0)
    assert alarm.detection.severity is Severity.SUSPECTED
    for second in range(20, 40):
        alarm.stand(second * S, math.radians(0.3 * asked_deg), 0)
    assert alarm.detection.severity is Severity.RECOVERED


def test_who_hardly_leaned_after_an_impact_is_up_again_when_she_stands() -> None:
    alarm = FallAlarm(FallConfig())
    alarm.suspect(0, {"path": "impact", "tilt_deg": 8.0, "impact_g": 4.0, "impact_age_s": 1.0})
    for second in range(1, 20):
        alarm.stand(second * S, math.radians(7.0), 0)
    assert alarm.detection.severity is Severity.RECOVERED


@pytest.mark.parametrize("quiet_s", [0.02, 0.04, 0.06, 0.08, 0.1])
def test_clack_weighs_the_same_however_long_ago_the_detector_was_asked(quiet_s: float) -> None:
    """20 ms of 3.9 g come to less than 3 g, so a device that fails after it was not smashed."""
    moving, jolted_ns = Moving(), 5 * S + round(quiet_s * S)
    falling = Falling(CoreConfig(), moving)
    for t_ns in range(0, jolted_ns + 1, 20_000_000):
        force = (0.0, 0.0, 3.9 * G0_MPS2 if t_ns == jolted_ns else G0_MPS2)
        if moving.take(t_ns, force, (0.0, 0.0, 0.0)):
            falling.update(t_ns, walking=True)
    assert falling.lose_touch(jolted_ns + S) is None


@pytest.mark.parametrize(("fell_deg", "now_deg", "up"), [(26.0, 25.0, False), (26.0, 10.0, True), (80.0, 25.0, True)])
def test_who_sits_on_the_floor_as_she_did_when_asked_is_not_up_again(fell_deg: float, now_deg: float, up: bool) -> None:
    alarm = FallAlarm(FallConfig())
    alarm.suspect(5 * S, {"impact_age_s": 5.0, "tilt_deg": fell_deg})
    for seconds in range(6, 20):
        alarm.stand(seconds * S, math.radians(now_deg), 0)
    assert (alarm.detection.severity is Severity.RECOVERED) is up


def test_a_guess_is_told_and_taken_back_and_hides_no_alarm() -> None:
    alarm, guess = FallAlarm(FallConfig()), {"impact_g": 3.0}
    evidence: dict[str, Value] = {"impact_age_s": 1.0}
    alarm.guess(dict(guess))
    assert alarm.detection.severity is Severity.POSSIBLE
    assert not alarm.open
    alarm.finish()
    assert alarm.detection.severity is Severity.POSSIBLE
    alarm.guess(None)
    assert alarm.detection.severity is Severity.NONE
    alarm.guess(dict(guess))
    alarm.suspect(5 * S, evidence)
    assert alarm.detection.severity is Severity.SUSPECTED
    alarm.guess(None)
    alarm.guess(dict(guess))
    assert alarm.detection.severity is Severity.SUSPECTED
