"""Fall and SOS detection, each alone."""

import math

import pytest

from firmware.core.detectors.fall import FallConfig
from firmware.core.detectors.fall_alarm import FallAlarm
from firmware.core.detectors.sos import SosAlarm
from firmware.core.messages import Severity

S = 1_000_000_000
EVIDENCE = {"path": "impact", "tilt_deg": 80.0, "impact_g": 4.0, "impact_age_s": 1.0}


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
