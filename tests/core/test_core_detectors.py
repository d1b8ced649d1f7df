"""Obstacle, sway, fall and SOS detection, each alone."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.core.detectors.fall import FallConfig
from firmware.core.detectors.fall_alarm import FallAlarm
from firmware.core.detectors.obstacle import ObstacleConfig, ObstacleDetector
from firmware.core.detectors.sos import SosAlarm
from firmware.core.detectors.sway import SwayConfig, SwayDetector
from firmware.core.messages import Severity

S = 1_000_000_000
PING = 60_000_000
EVIDENCE = {"path": "impact", "tilt_deg": 80.0, "impact_g": 4.0, "impact_age_s": 1.0}

TIERS = [
    # distance, closing speed, walking, tier that lasting readings lead to
    (3.0, 0.6, True, Severity.NONE),
    (2.0, 0.6, True, Severity.CAUTION),
    (1.35, 0.6, True, Severity.WARNING),
    (0.7, 0.6, True, Severity.IMMINENT),
    (1.1, 0.3, True, Severity.CAUTION),
    (0.9, 0.3, True, Severity.WARNING),
    (0.45, 0.3, True, Severity.IMMINENT),
    (1.7, 0.9, True, Severity.WARNING),
    (0.45, 0.05, True, Severity.NONE),
    (0.30, 0.0, False, Severity.NONE),
    (0.30, 0.2, False, Severity.NONE),
    (0.30, 0.4, False, Severity.IMMINENT),
    (0.45, -0.6, True, Severity.NONE),
    (math.nan, 0.6, True, Severity.IMMINENT),
    (1.0, math.nan, True, Severity.IMMINENT),
    (1.0, math.inf, True, Severity.IMMINENT),
]


@pytest.mark.parametrize(("distance_m", "closing_mps", "walking", "tier"), TIERS)
def test_the_tier_follows_distance_and_closing_speed(
    distance_m: float, closing_mps: float, walking: bool, tier: Severity
) -> None:
    detector = ObstacleDetector(ObstacleConfig())
    for index in range(5):
        detector.update(index * PING, distance_m, closing_mps, walking)
    assert detector.detection.severity is tier


def test_one_measurement_is_not_enough_unless_it_is_very_near() -> None:
    far = ObstacleDetector(ObstacleConfig())
    assert far.update(0, 1.0, 0.6, True).severity is Severity.NONE
    assert far.update(PING, 3.5, 0.6, True).severity is Severity.NONE
    assert far.update(2 * PING, 1.0, 0.6, True).severity is Severity.WARNING
    near = ObstacleDetector(ObstacleConfig())
    assert near.update(0, 0.45, 0.3, True).severity is Severity.IMMINENT


def test_an_old_distance_is_no_second_vote_but_keeps_a_warning() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    detector.update(0, 1.0, 0.6, True)
    for index in range(1, 6):
        assert detector.update(index * PING, 1.0, 0.6, True, echoed=False).severity is Severity.NONE
    detector.update(6 * PING, 1.0, 0.6, True)
    detector.update(7 * PING, 1.0, 0.6, True)
    for index in range(8, 30):
        assert detector.update(index * PING, 1.0, 0.6, True, echoed=False).severity is Severity.WARNING


@pytest.mark.parametrize(
    ("distance_m", "tier"),
    [(1.2, Severity.NONE), (0.95, Severity.CAUTION), (0.54, Severity.WARNING), (0.34, Severity.IMMINENT)],
)
@pytest.mark.parametrize("closing_mps", [-0.02, 0.0, 0.05, 0.1])
def test_an_approach_that_lasts_is_warned_of_however_slow(
    distance_m: float, tier: Severity, closing_mps: float
) -> None:
    slow, still = ObstacleDetector(ObstacleConfig()), ObstacleDetector(ObstacleConfig())
    for index in range(5):
        slow.update(index * PING, distance_m, closing_mps, False, nearing=True)
        still.update(index * PING, distance_m, closing_mps, False)
    assert slow.detection.severity in (tier, *([Severity.NONE] if tier is Severity.CAUTION else []))
    assert still.detection.severity is Severity.NONE


def test_a_tier_does_not_flutter_at_its_limit() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    seen = [detector.update(i * PING, 1.39 + 0.03 * (-1) ** i, 0.6, True).severity for i in range(50)]
    assert seen[3:] == [Severity.WARNING] * 47


def test_the_warning_ends_half_a_second_after_the_walker_stopped() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    for index in range(5):
        detector.update(index * PING, 1.0, 0.6, True)
    seen = [detector.update((5 + i) * PING, 0.9, 0.0, True).severity for i in range(12)]
    assert seen[7] is Severity.WARNING
    assert seen[-1] is Severity.NONE


def test_a_lost_track_ends_the_warning_and_clear_ends_it_at_once() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    for index in range(5):
        detector.update(index * PING, 1.0, 0.6, True)
    for index in range(12):
        detector.update((5 + index) * PING, None, None, True)
    assert detector.detection.severity is Severity.NONE
    for index in range(20, 25):
        detector.update(index * PING, 1.0, 0.6, True)
    detector.clear()
    assert detector.detection.severity is Severity.NONE


@given(limit_share=st.floats(1.05, 8.0), rate_hz=st.integers(20, 400), direction=st.sampled_from("fblr"))
def test_lasting_sway_warns_at_any_rate_in_any_direction(limit_share: float, rate_hz: int, direction: str) -> None:
    config = SwayConfig()
    detector = SwayDetector(config)
    forward, right = {
        "f": (config.forward_deg, 0.0),
        "b": (-config.backward_deg, 0.0),
        "l": (0.0, -config.sideways_deg),
        "r": (0.0, config.sideways_deg),
    }[direction]
    for index in range(rate_hz // 4 + 2):
        detector.update(index * S // rate_hz, math.radians(forward * limit_share), math.radians(right * limit_share))
    assert detector.detection.severity is Severity.WARNING
    assert str(detector.detection.data["direction"])[0] == direction


@pytest.mark.parametrize("broken", [(math.nan, 0.0), (0.0, math.nan), (math.inf, 0.0), (0.0, -math.inf)])
def test_a_broken_sway_estimate_warns_instead_of_hiding(broken: tuple[float, float]) -> None:
    detector = SwayDetector(SwayConfig())
    for index in range(20):
        detector.update(index * 10_000_000, *broken)
    assert detector.detection.severity is Severity.WARNING


def test_one_jolt_is_no_sway_and_the_warning_ends_after_calm() -> None:
    detector = SwayDetector(SwayConfig())
    for index in range(7):
        detector.update(index * 10_000_000, 0.6, 0.0)
    assert detector.update(70_000_000, 0.0, 0.0).severity is Severity.NONE
    for index in range(10, 20):
        detector.update(index * 10_000_000, 0.6, 0.0)
    assert detector.detection.severity is Severity.WARNING
    seen = [detector.update((20 + i) * 10_000_000, 0.0, 0.0).severity for i in range(60)]
    assert seen[40] is Severity.WARNING
    assert seen[-1] is Severity.NONE


def alarm_in(state: str) -> FallAlarm:
    alarm = FallAlarm(FallConfig())
    times = {
        "calm": 0,
        "suspected": 1,
        "confirmed": 31,
        "not_recovered": 301,
        "not_recovered again": 901,
        "long_lie": 3601,
    }
    if state != "calm":
        alarm.suspect(0, dict(EVIDENCE))
    for second in range(times[state] + 1):
        alarm.wait(second * S)
    return alarm


STATES = ["calm", "suspected", "confirmed", "not_recovered", "not_recovered again", "long_lie"]


@pytest.mark.parametrize("state", STATES)
def test_every_open_alarm_can_be_cancelled_recovered_and_nothing_else_changes_it(state: str) -> None:
    before = alarm_in(state).detection.severity
    expected = Severity.NONE if state == "calm" else Severity(state.split()[0])
    assert before is expected
    is_open = state != "calm"

    cancelled = alarm_in(state)
    assert cancelled.cancel(4000 * S) is is_open
    assert cancelled.detection.severity is (Severity.CANCELLED if is_open else Severity.NONE)
    cancelled.finish()
    assert cancelled.detection.severity is Severity.NONE

    early = alarm_in(state)
    assert not early.cancel(1 * S)  # pressed before 3 s after the impact
    assert early.detection.severity is before

    walked = alarm_in(state)
    walked.stand(4000 * S, 0.1, 10)
    walked.stand(4002 * S, 0.1, 14)
    assert walked.detection.severity is (Severity.RECOVERED if is_open else Severity.NONE)

    waited = alarm_in(state)
    waited.stand(4000 * S, 0.1, 10)
    waited.stand(4009 * S, 0.1, 10)
    assert waited.detection.severity is before
    waited.stand(4010 * S, 0.1, 10)
    assert waited.detection.severity is (Severity.RECOVERED if is_open else Severity.NONE)

    lying = alarm_in(state)
    for tilt_rad in (1.5, math.nan):
        lying.stand(4000 * S, tilt_rad, 10)
        lying.stand(4030 * S, tilt_rad, 20)
    lying.stand(4031 * S, 0.1, 20)
    lying.lose_sight()
    lying.stand(4050 * S, 0.1, 30)
    assert lying.detection.severity is before

    again = alarm_in(state)
    again.suspect(4000 * S, dict(EVIDENCE))
    assert again.detection.severity is (before if is_open else Severity.SUSPECTED)
    again.finish()
    assert again.open


def test_sos_is_open_until_a_new_press_is_held() -> None:
    sos = SosAlarm()
    sos.cancel(5 * S)
    assert sos.detection.severity is Severity.NONE
    sos.call(10 * S)
    sos.finish()
    assert sos.detection.severity is Severity.CONFIRMED
    sos.cancel(10 * S)  # the third press of the call, held on
    assert sos.open
    sos.call(11 * S)
    sos.cancel(12 * S)
    assert sos.detection.severity is Severity.CANCELLED
    sos.finish()
    assert sos.detection.severity is Severity.NONE
