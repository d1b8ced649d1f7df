"""The rangefinder dies in the middle of an approach: neither a stale warning nor silence."""

import pytest
from core_scenes import Wearer, walking_wearer

from firmware.core.messages import Hazard, Pattern, SetPattern, Severity
from hal.samples import RangeSample

WARNINGS = (Pattern.OBSTACLE_WARNING, Pattern.OBSTACLE_IMMINENT)


def warned(for_s: float) -> Wearer:
    """Walks at 0.6 m/s toward a wall, and has been warned for so long."""
    wearer = walking_wearer()
    wearer.distance_m, wearer.speed_mps = 2.5, 0.6
    while not set(wearer.patterns()) & set(WARNINGS):
        wearer.walk(0.02)
        assert wearer.t_s < 20.0, "never warned"
    return wearer.walk(for_s)


def die(wearer: Wearer) -> None:
    """The sensor does not answer: three pings, 32 ms apart."""
    wearer.ranging = False
    for _ in range(3):
        wearer.walk(0.03)
        wearer.fail("rangefinder", "NoEcho")


@pytest.mark.parametrize("for_s", [0.0, 0.1, 0.3, 0.9])
def test_fault_is_heard_at_once_over_a_warning_however_long_it_has_sounded(for_s: float) -> None:
    wearer = warned(for_s)
    assert wearer.patterns()[-1] in WARNINGS
    die(wearer)
    assert wearer.patterns()[-1] is Pattern.FAULT
    assert wearer.severities(Hazard.OBSTACLE)[-1] is Severity.NONE, "it is not measured any more"
    wearer.walk(1.5)
    assert wearer.patterns()[-1] is Pattern.FAULT, "and it is no silence"


def test_one_or_two_lost_pings_leave_the_warning_on() -> None:
    wearer = warned(0.3)
    for _ in range(4):
        wearer.ranging = False
        for _ in range(2):
            wearer.walk(0.03)
            wearer.fail("rangefinder", "NoEcho")
        wearer.ranging = True
        wearer.walk(0.13)
    assert wearer.severities(Hazard.FAULT) == []
    assert wearer.patterns()[-1] in WARNINGS


def test_sensor_that_is_well_again_warns_again_at_once_though_the_fault_is_still_told() -> None:
    wearer = warned(0.2)
    die(wearer)
    wearer.walk(0.1)
    wearer.ranging = True
    back_ns = wearer.t_ns
    wearer.walk(0.3)
    again = [o for o in wearer.outputs if isinstance(o, SetPattern) and o.t_ns > back_ns and o.pattern in WARNINGS]
    assert again
    assert again[0].t_ns - back_ns <= 200_000_000


@pytest.mark.parametrize("part", ["button", "imu"])
def test_fault_of_another_part_does_not_hide_a_warning(part: str) -> None:
    wearer = warned(0.3)
    for _ in range(10):
        wearer.fail(part)
        wearer.walk(0.03)
    assert Hazard.FAULT in {alert.hazard for alert in wearer.alerts()}
    assert wearer.patterns()[-1] in WARNINGS


@pytest.mark.parametrize("period_s", [0.035, 0.05, 0.06])
def test_one_echo_in_five_lost_as_nothing_within_range_is_no_fault(period_s: float) -> None:
    wearer = walking_wearer()
    wearer.ranging = False
    for i in range(400):
        wearer.live(period_s, stepping=True)
        wearer.send(RangeSample(wearer.t_ns, None if i % 5 == 0 else 2.0))
    assert wearer.severities(Hazard.FAULT) == []
