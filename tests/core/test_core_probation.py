"""A short failure of a sensor must not cost what happens right after it."""

import pytest
from core_scenes import Angle, Wearer, walking_wearer

from firmware.core.course import READY_CHIRPS
from firmware.core.messages import Hazard, Pattern, Severity, Tick, WalkChanged
from hal.samples import ButtonSample


def always(value: float) -> Angle:
    return lambda _: value


def fall_with_a_gap(wearer: Wearer, begins_s: float, lasts_s: float, *, reported: bool = False) -> Wearer:
    """A backward fall of 0.5 s with an impact; the IMU is silent for `lasts_s` from `begins_s` of it on."""
    for index in range(250):
        t_s = index / 100
        wearer.imu = not begins_s <= t_s < begins_s + lasts_s
        if reported and not wearer.imu and index % 2:
            wearer.fail("imu")
        pitch_deg = -90.0 * min(1.0, t_s / 0.5) ** 2
        jolt_mps2 = 40.0 if 0.5 <= t_s < 0.56 else -6.0 if 0.2 < t_s < 0.45 else 0.0
        wearer.live(0.01, pitch_deg=always(pitch_deg), jolt_mps2=always(jolt_mps2))
    return wearer


@pytest.mark.parametrize("reported", [True, False])
@pytest.mark.parametrize(
    ("begins_s", "lasts_s"), [(0.2, 0.3), (0.1, 0.4), (0.15, 0.35), (0.6, 0.3), (0.6, 0.8), (0.9, 0.5)]
)
def test_a_short_dropout_of_the_imu_around_the_impact_does_not_cost_the_fall(
    begins_s: float, lasts_s: float, reported: bool
) -> None:
    wearer = fall_with_a_gap(walking_wearer(), begins_s, lasts_s, reported=reported)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED]
    assert wearer.alerts(Hazard.FALL)[0].t_ns / 1e9 <= 8.5 + 0.5 + 1.6


def test_a_short_dropout_while_walking_is_a_fault_and_no_fall_and_no_sway() -> None:
    wearer = walking_wearer()
    for _ in range(4):
        wearer.imu = False
        wearer.walk(0.4)
        wearer.imu = True
        wearer.walk(1.0)
    wearer.walk(3)
    assert wearer.severities(Hazard.FAULT) == [Severity.FAULT, Severity.NONE]
    assert {alert.hazard for alert in wearer.alerts()} == {Hazard.FAULT}
    assert "before" not in wearer.walk_states()[1:]


def test_a_button_that_falls_silent_is_a_fault_and_calls_nobody() -> None:
    wearer = walking_wearer()
    wearer.button = False
    silent_s = wearer.t_s
    wearer.walk(3)
    (fault,) = wearer.alerts(Hazard.FAULT)
    assert fault.data["part"] == "button"
    assert 1.0 <= fault.t_ns / 1e9 - silent_s <= 1.6
    wearer.button = True
    wearer.walk(3)
    assert wearer.severities(Hazard.FAULT) == [Severity.FAULT, Severity.NONE]


def test_a_stuck_button_cancels_no_fall() -> None:
    wearer = walking_wearer()
    wearer.press(True)
    wearer.walk(11)
    assert wearer.alerts(Hazard.FAULT)[0].data["part"] == "button"
    wearer.fall(lies_s=33)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED, Severity.CONFIRMED]


@pytest.mark.parametrize("state", ["self test", "walking", "obstacle", "ended"])
def test_a_remote_test_has_its_own_sound_and_yields_to_every_alarm(state: str) -> None:
    wearer = Wearer().live(0.2) if state == "self test" else walking_wearer()
    if state == "obstacle":
        wearer.distance_m, wearer.speed_mps = 1.4, 0.6
        wearer.walk(0.5)
    if state == "ended":
        wearer.command("end")
        wearer.walk(2)
    wearer.outputs.clear()
    wearer.command("test")
    assert wearer.patterns() == ([] if state == "obstacle" else [Pattern.TEST])
    assert not set(READY_CHIRPS) & set(wearer.patterns())


@pytest.mark.parametrize("hazard", [Hazard.FALL, Hazard.SOS])
def test_the_end_of_a_walk_closes_no_alarm_even_when_she_gets_up_and_every_sensor_stops(hazard: Hazard) -> None:
    wearer = walking_wearer()
    if hazard is Hazard.FALL:
        wearer.fall(lies_s=5)
    else:
        for index in range(6):
            wearer.send(ButtonSample(wearer.t_ns + index * 200_000_000, index % 2 == 0))
        wearer.live(1.5)
    told = wearer.severities(hazard)
    wearer.command("end")
    wearer.lie(3).get_up().walk(10)
    for tick in range(1, 700):
        wearer.send(Tick(wearer.t_ns + tick * 50_000_000))
    later = wearer.severities(hazard)[len(told) :]
    assert later == ([Severity.CONFIRMED] if hazard is Hazard.FALL else [])
    assert wearer.patterns()[-1] is Pattern.FALL_NOBODY_YET
    assert [o.state for o in wearer.outputs if isinstance(o, WalkChanged)][-1] == "ended"
    wearer.t_s += 40
    wearer.press(True)
    for tick in range(50):
        wearer.send(Tick(wearer.t_ns + tick * 50_000_000))
    assert wearer.severities(hazard)[-1] is Severity.CANCELLED, "the wearer can still end it"
