"""Not up after 5, 15 and 60 minutes: what is told, and what sounds all that time, with and without an answer."""

from functools import lru_cache

import pytest
from core_scenes import Wearer, walking_wearer

from firmware.core.messages import Alert, Hazard, Pattern, SetPattern, Severity, Tick
from hal.samples import PowerSample

S = 1_000_000_000
CALLED = [Severity.CONFIRMED, Severity.NOT_RECOVERED, Severity.NOT_RECOVERED, Severity.LONG_LIE]


def fallen() -> Wearer:
    wearer = walking_wearer()
    wearer.fall()
    assert wearer.severities(Hazard.FALL)[-1] is Severity.SUSPECTED
    return wearer


def pass_time(wearer: Wearer, seconds: float) -> Wearer:
    """Every sensor is silent, smashed in the fall perhaps: the alarm runs on time alone."""
    until_s = wearer.t_s + seconds
    while wearer.t_s < until_s:
        wearer.t_s += 0.5
        wearer.send(Tick(wearer.t_ns))
    return wearer


@lru_cache
def an_hour() -> Wearer:
    """Nobody answers; after 51 minutes the battery is nearly empty."""
    wearer = pass_time(fallen().lie(40.0), 3000.0)
    wearer.send(PowerSample(wearer.t_ns, battery_share=0.04))
    return pass_time(wearer, 600.0)


def asked_ns(wearer: Wearer) -> int:
    return next(alert.t_ns for alert in wearer.alerts(Hazard.FALL) if alert.severity is Severity.SUSPECTED)


def since_s(wearer: Wearer) -> list[tuple[Severity, int]]:
    told: list[Alert] = [alert for alert in wearer.alerts(Hazard.FALL) if alert.t_ns > asked_ns(wearer)]
    return [(alert.severity, round((alert.t_ns - asked_ns(wearer)) / S)) for alert in told]


def test_who_does_not_get_up_is_told_of_after_half_a_minute_5_15_and_60_minutes() -> None:
    assert since_s(an_hour()) == list(zip(CALLED, [30, 300, 900, 3600], strict=True))
    assert len({alert.alarm for alert in an_hour().alerts(Hazard.FALL)}) == 1, "one alarm all the time"


def test_without_any_answer_it_sounds_all_the_time_and_seldom_once_the_battery_is_nearly_empty() -> None:
    wearer = an_hour()
    changes = [out for out in wearer.outputs if isinstance(out, SetPattern) and out.t_ns >= asked_ns(wearer)]
    assert [change.pattern for change in changes] == [
        *(Pattern.FALL_COUNTDOWN, Pattern.FALL_NOBODY_YET, Pattern.FALL_NOBODY_SPARING)
    ]
    low_ns = next(message.t_ns for message in wearer.inputs if isinstance(message, PowerSample))
    assert low_ns <= changes[-1].t_ns < low_ns + 5 * S


@pytest.mark.parametrize(
    ("answer", "after_s", "sounds"),
    [
        ("accepted", 290.0, Pattern.FALL_SENT),
        ("accepted", 310.0, Pattern.FALL_NOBODY_YET),  # that she is not up yet has not arrived
        ("acknowledged", 310.0, Pattern.FALL_HEARD),  # a person who knows goes on knowing
    ],
)
def test_each_phase_has_to_arrive_anew_until_a_person_is_on_the_case(
    answer: str, after_s: float, sounds: Pattern
) -> None:
    wearer = fallen().lie(40.0)
    wearer.acknowledge(wearer.alerts(Hazard.FALL)[-1].alarm, answer)
    pass_time(wearer, after_s - (wearer.t_ns - asked_ns(wearer)) / S)
    assert wearer.patterns()[-1] is sounds
