"""The warning of an obstacle, alone: tiers by time to collision, hysteresis, and what one echo is worth."""

import math
from dataclasses import dataclass

import pytest

from firmware.core.detectors.obstacle import ObstacleConfig, ObstacleDetector
from firmware.core.messages import Severity

PING = 60_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """Something behind, as the estimator tells of it."""

    distance_m: float
    closing_mps: float
    closing_sd_mps: float = 0.0
    heard: bool = True
    hidden: bool = False
    sure: bool = True
    nearing: bool = False
    solid: bool = True
    echoes: int = 9
    assumed_mps: float = 0.0

    @property
    def measured(self) -> bool:
        return self.echoes >= 6


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


def test_limits_are_checked() -> None:
    with pytest.raises(ValueError, match="imminent_s"):
        ObstacleConfig(imminent_s=9.0)


@pytest.mark.parametrize(("distance_m", "closing_mps", "walking", "tier"), TIERS)
def test_the_tier_follows_distance_and_closing_speed(
    distance_m: float, closing_mps: float, walking: bool, tier: Severity
) -> None:
    detector = ObstacleDetector(ObstacleConfig())
    detector.update(0, [Seen(distance_m, closing_mps)], walking)
    assert detector.detection.severity is tier


def test_one_echo_is_not_enough_unless_it_is_very_near() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    assert detector.update(0, [Seen(0.6, 0.6, sure=False)], True).severity is Severity.NONE
    assert detector.update(PING, [Seen(0.14, 0.6, sure=False)], True).severity is Severity.WARNING


@pytest.mark.parametrize("echoes", [2, 5])
def test_what_is_new_is_warned_of_only_where_there_is_no_time_to_measure_it(echoes: int) -> None:
    detector = ObstacleDetector(ObstacleConfig())
    assert detector.update(0, [Seen(1.2, 0.6, echoes=echoes)], True).severity is Severity.NONE
    assert detector.update(PING, [Seen(1.0, 0.6, echoes=echoes)], True).severity is Severity.WARNING
    detector.clear()
    assert detector.update(2 * PING, [Seen(1.2, 0.6, echoes=6)], True).severity is Severity.WARNING


def test_what_is_new_closes_no_faster_than_she_walks() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    assert detector.update(0, [Seen(1.0, 0.9, echoes=2, assumed_mps=0.5)], True).severity is Severity.NONE
    assert detector.update(PING, [Seen(0.9, 0.9, echoes=2, assumed_mps=0.5)], True).severity is Severity.WARNING


def test_imminent_is_only_what_is_sure_to_close() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    assert detector.update(0, [Seen(0.7, 0.6, closing_sd_mps=0.3)], True).severity is Severity.WARNING
    assert detector.update(PING, [Seen(0.68, 0.6, closing_sd_mps=0.02)], True).severity is Severity.IMMINENT


def test_of_several_things_the_most_urgent_counts() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    things = [Seen(2.0, 0.6), Seen(1.0, 0.0), Seen(1.3, 0.6)]
    detection = detector.update(0, things, True)
    assert detection.severity is Severity.WARNING
    assert detection.data["distance_m"] == 1.3


def test_what_is_hidden_still_comes_nearer_and_what_is_lost_begins_no_warning() -> None:
    hidden, lost = ObstacleDetector(ObstacleConfig()), ObstacleDetector(ObstacleConfig())
    assert hidden.update(0, [Seen(1.3, 0.6, heard=False, hidden=True)], True).severity is Severity.WARNING
    assert lost.update(0, [Seen(1.3, 0.6, heard=False)], True).severity is Severity.NONE


def test_a_warning_tells_of_what_is_there_rather_than_of_what_is_lost() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    detection = detector.update(0, [Seen(1.0, 0.6, heard=False), Seen(1.3, 0.6)], True)
    assert (detection.severity, detection.data["distance_m"]) == (Severity.WARNING, 1.3)


def test_what_is_lost_keeps_a_warning() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    detector.update(0, [Seen(1.0, 0.6)], True)
    for index in range(1, 30):
        assert detector.update(index * PING, [Seen(1.0, 0.6, heard=False)], True).severity is Severity.WARNING


@pytest.mark.parametrize(
    ("distance_m", "tier"),
    [(1.2, Severity.NONE), (0.80, Severity.CAUTION), (0.54, Severity.WARNING), (0.34, Severity.IMMINENT)],
)
@pytest.mark.parametrize("closing_mps", [-0.02, 0.0, 0.05, 0.1])
def test_an_approach_that_lasts_is_warned_of_however_slow(
    distance_m: float, tier: Severity, closing_mps: float
) -> None:
    slow, still = ObstacleDetector(ObstacleConfig()), ObstacleDetector(ObstacleConfig())
    slow.update(0, [Seen(distance_m, closing_mps, closing_sd_mps=0.09, nearing=True)], False)
    still.update(0, [Seen(distance_m, closing_mps, closing_sd_mps=0.09)], False)
    assert slow.detection.severity is tier
    assert still.detection.severity is Severity.NONE


def test_a_tier_does_not_flutter_at_its_limit() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    seen = [detector.update(i * PING, [Seen(1.39 + 0.03 * (-1) ** i, 0.6)], True).severity for i in range(50)]
    assert seen[1:] == [Severity.WARNING] * 49


def test_the_warning_ends_half_a_second_after_the_walker_stopped() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    detector.update(0, [Seen(1.0, 0.6)], True)
    seen = [detector.update((1 + i) * PING, [Seen(0.9, 0.0)], True).severity for i in range(12)]
    assert seen[7] is Severity.WARNING
    assert seen[-1] is Severity.NONE


def test_when_nothing_is_left_the_warning_ends_late_and_clear_ends_it_at_once() -> None:
    detector = ObstacleDetector(ObstacleConfig())
    detector.update(0, [Seen(1.0, 0.6)], True)
    seen = [detector.update((1 + i) * PING, [], True).severity for i in range(12)]
    assert seen[7] is Severity.WARNING
    assert seen[-1] is Severity.NONE
    detector.update(20 * PING, [Seen(1.0, 0.6)], True)
    detector.clear()
    assert detector.detection.severity is Severity.NONE
