"""Whole walks through the core, under simulated time."""

import pytest
from core_scenes import Wearer, ready_wearer, walking_wearer

from firmware.core.config import CoreConfig
from firmware.core.messages import Hazard, Health, Pattern, Severity, Telemetry, Tick, WalkChanged
from firmware.core.pipeline import SafetyPipeline
from hal.samples import ButtonSample, ImuSample, RangeSample


def test_a_walk_begins_by_itself_and_tells_its_states() -> None:
    wearer = ready_wearer().walk(6).stand(10).walk(5)
    wearer.command("end")
    assert wearer.walk_states() == ["before", "ready", "walking", "paused", "walking", "ended"]
    told = [Pattern.READY_3, Pattern.SILENT, Pattern.PAUSED, Pattern.SILENT, Pattern.ENDED]
    assert wearer.patterns() == told
    assert wearer.alerts() == []


def test_a_quiet_walk_in_the_open_is_silent() -> None:
    wearer = walking_wearer().walk(25)
    assert wearer.alerts() == []
    assert wearer.patterns() == [Pattern.READY_3, Pattern.SILENT]


@pytest.mark.parametrize("seed", range(4))
def test_caution_then_warning_come_with_room_to_stop_at_slow_walking_speed(seed: int) -> None:
    wearer = ready_wearer(seed=seed)
    wearer.distance_m, wearer.speed_mps = 4.5, 0.6
    distances: dict[Severity, float] = {}
    while wearer.distance_m > 0.75:
        wearer.walk(0.1)
        for alert in wearer.alerts(Hazard.OBSTACLE):
            distances.setdefault(alert.severity, wearer.distance_m)
    assert list(distances)[:2] == [Severity.CAUTION, Severity.WARNING]
    assert distances[Severity.WARNING] >= 1.20 - 0.06  # the loop looks every 6 cm
    assert 1.6 < distances[Severity.CAUTION] < 2.6


def test_the_warning_ends_when_the_walker_stops_and_standing_by_the_wall_is_quiet() -> None:
    wearer = walking_wearer()
    wearer.distance_m, wearer.speed_mps = 2.4, 0.6
    wearer.walk(2.8)
    wearer.speed_mps = 0.0
    wearer.stand(3)
    assert wearer.severities(Hazard.OBSTACLE)[-1] is Severity.NONE
    wearer.outputs.clear()
    wearer.stand(20)
    assert wearer.alerts() == []
    assert wearer.patterns() == [Pattern.PAUSED, Pattern.SILENT], "said once, softly"


def test_walking_away_from_a_wall_is_silent() -> None:
    wearer = ready_wearer()
    wearer.distance_m = 0.6
    wearer.stand(2)
    wearer.speed_mps = -0.6
    wearer.walk(6)
    assert wearer.alerts(Hazard.OBSTACLE) == []


def test_a_treadmill_or_partner_at_constant_distance_is_silent() -> None:
    wearer = ready_wearer()
    wearer.distance_m = 0.8
    wearer.stand(2).walk(30)
    assert wearer.alerts(Hazard.OBSTACLE) == []


def test_a_backward_fall_is_suspected_within_a_second_and_confirmed_after_the_countdown() -> None:
    wearer = walking_wearer()
    fell_s = wearer.t_s + 0.5
    wearer.fall(lies_s=33)
    suspected, confirmed = wearer.alerts(Hazard.FALL)
    assert suspected.severity is Severity.SUSPECTED
    assert 0.8 <= suspected.t_ns / 1e9 - fell_s <= 1.3
    assert suspected.data["deadline_s"] == 30.0
    assert confirmed.severity is Severity.CONFIRMED
    assert confirmed.alarm == suspected.alarm
    assert (confirmed.t_ns - suspected.t_ns) / 1e9 == pytest.approx(30, abs=0.06)
    assert wearer.patterns()[-2:] == [Pattern.FALL_COUNTDOWN, Pattern.FALL_NOBODY_YET]


@pytest.mark.parametrize("rate_hz", [20, 64, 100, 200, 400])
@pytest.mark.parametrize("mounting_deg", [-30, 0, 25])
def test_a_fall_is_found_at_any_rate_and_mounting(rate_hz: int, mounting_deg: int) -> None:
    wearer = walking_wearer(rate_hz=rate_hz, mounting_deg=mounting_deg)
    assert wearer.alerts() == []
    wearer.fall(lies_s=1.5)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED]
    assert wearer.alerts(Hazard.FAULT) == []


def test_help_on_its_way_is_heard_step_by_step() -> None:
    wearer = walking_wearer().fall(lies_s=32)
    alarm = wearer.alerts(Hazard.FALL)[0].alarm
    wearer.outputs.clear()
    wearer.acknowledge(alarm + 7, "acknowledged")
    wearer.acknowledge(alarm, "nonsense")
    assert wearer.patterns() == []
    wearer.acknowledge(alarm, "accepted")
    wearer.acknowledge(alarm, "acknowledged")
    wearer.acknowledge(alarm, "accepted")
    assert wearer.patterns() == [Pattern.FALL_SENT, Pattern.FALL_HEARD]


def test_the_wearer_cancels_by_holding_the_button() -> None:
    wearer = walking_wearer().fall(lies_s=6)
    wearer.press(True)
    wearer.lie(2.2)
    wearer.press(False)
    wearer.lie(20)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED, Severity.CANCELLED]
    assert wearer.patterns()[-2:] == [Pattern.CANCELLED, Pattern.SILENT]
    assert len({alert.alarm for alert in wearer.alerts(Hazard.FALL)}) == 1


def test_lying_on_long_after_a_cancelled_alarm_is_asked_about_again() -> None:
    wearer = walking_wearer().fall(lies_s=6)
    wearer.press(True)
    wearer.lie(2.2)
    wearer.press(False)
    wearer.lie(62)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED, Severity.CANCELLED, Severity.SUSPECTED]
    assert wearer.alerts(Hazard.FALL)[0].alarm != wearer.alerts(Hazard.FALL)[2].alarm


def test_a_button_held_down_by_the_fall_itself_does_not_cancel() -> None:
    wearer = walking_wearer()
    wearer.press(True)
    wearer.fall(lies_s=8)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED]


def test_a_confirmed_fall_can_still_be_cancelled() -> None:
    wearer = walking_wearer().fall(lies_s=33)
    wearer.press(True)
    wearer.lie(2.5)
    first, second, third = wearer.alerts(Hazard.FALL)
    assert [first.severity, second.severity, third.severity] == [
        Severity.SUSPECTED,
        Severity.CONFIRMED,
        Severity.CANCELLED,
    ]
    assert first.alarm == second.alarm == third.alarm


def test_getting_up_and_walking_is_recovered() -> None:
    wearer = walking_wearer().fall(lies_s=6).get_up().walk(5)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED, Severity.RECOVERED]


def test_two_falls_in_a_row_are_two_alarms() -> None:
    wearer = walking_wearer().fall(lies_s=5).get_up().walk(6).fall(lies_s=3)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED, Severity.RECOVERED, Severity.SUSPECTED]
    first, _, third = wearer.alerts(Hazard.FALL)
    assert first.alarm != third.alarm


def test_falling_again_during_the_countdown_does_not_restart_it() -> None:
    wearer = walking_wearer().fall(lies_s=10).get_up(1.0).fall(lies_s=22)
    suspected, confirmed = wearer.alerts(Hazard.FALL)
    assert (confirmed.t_ns - suspected.t_ns) / 1e9 == pytest.approx(30, abs=0.06)


@pytest.mark.parametrize(("pitch_deg", "lies_s"), [(-80.0, 6.0), (80.0, 14.0)])  # forward it may be tying a shoe
def test_a_slump_without_an_impact_is_found_by_its_posture(pitch_deg: float, lies_s: float) -> None:
    wearer = walking_wearer().live(4, pitch_deg=lambda t: pitch_deg * t / 4).live(lies_s, pitch_deg=lambda _: pitch_deg)
    alert = wearer.alerts(Hazard.FALL)[0]
    assert alert.severity is Severity.SUSPECTED
    assert alert.data["path"] == "posture"


def test_sitting_down_hard_is_no_fall() -> None:
    wearer = walking_wearer().live(0.8, pitch_deg=lambda t: 35.0 * t / 0.8)
    wearer.live(0.05, pitch_deg=lambda _: 25.0, jolt_mps2=lambda _: 25.0).live(6, pitch_deg=lambda _: -20.0)
    assert wearer.alerts(Hazard.FALL) == []


def test_the_countdown_goes_on_when_every_sensor_dies_in_the_fall() -> None:
    wearer = walking_wearer().fall(lies_s=1.5)
    wearer.imu = wearer.ranging = False
    wearer.live(31)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED, Severity.CONFIRMED]
    assert wearer.patterns()[-1] is Pattern.FALL_NOBODY_YET


def test_a_device_that_is_smashed_in_the_fall_asks_whether_it_was_one() -> None:
    wearer = walking_wearer().fall(lies_s=0.2)
    assert wearer.severities(Hazard.FALL) == [], "the impact is not judged yet"
    wearer.imu = False
    wearer.live(1.0)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED]
    assert wearer.alerts(Hazard.FALL)[0].data["path"] == "impact, then no signal"
    wearer.live(31)
    assert wearer.severities(Hazard.FALL)[-1] is Severity.CONFIRMED


def test_a_sensor_that_fails_while_walking_is_a_fault_and_no_fall() -> None:
    wearer = walking_wearer()
    wearer.imu = False
    wearer.live(5.0)
    assert wearer.severities(Hazard.FALL) == []
    assert wearer.severities(Hazard.FAULT) == [Severity.FAULT]


def test_a_fall_is_seen_though_the_rangefinder_was_broken_from_the_start() -> None:
    wearer = Wearer()
    wearer.ranging = False
    wearer.stand(3).walk(4).fall(lies_s=2)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED]


def test_a_long_lie_is_told_in_steps() -> None:
    wearer = walking_wearer().fall(lies_s=2)
    start_s = wearer.t_s
    for second in range(3700):
        wearer.send(Tick(round((start_s + second) * 1e9)))
    assert [(a.severity.value, round((a.t_ns / 1e9 - start_s) / 60, 1)) for a in wearer.alerts(Hazard.FALL)] == [
        ("suspected", 0.0),
        ("confirmed", 0.5),
        ("not_recovered", 5.0),
        ("not_recovered", 15.0),
        ("long_lie", 60.0),
    ]
    assert len({alert.alarm for alert in wearer.alerts(Hazard.FALL)}) == 1


def test_three_presses_call_for_help_at_once() -> None:
    wearer = walking_wearer()
    for _ in range(3):
        wearer.press(True)
        wearer.walk(0.2)
        wearer.press(False)
        wearer.walk(0.2)
    assert wearer.severities(Hazard.SOS) == [Severity.CONFIRMED]
    assert wearer.patterns()[-1] is Pattern.FALL_NOBODY_YET
    wearer.press(True)
    wearer.walk(2.2)
    wearer.press(False)
    assert wearer.severities(Hazard.SOS) == [Severity.CONFIRMED, Severity.CANCELLED]


def test_help_can_be_called_before_the_self_test_is_over_and_without_any_sensor() -> None:
    pipeline = SafetyPipeline()
    out = []
    for index in range(6):
        out += pipeline.step(ButtonSample(index * 200_000_000, index % 2 == 0))
    assert any(getattr(output, "hazard", None) is Hazard.SOS for output in out)


def test_a_sudden_sway_backward_is_warned() -> None:
    wearer = walking_wearer()
    wearer.live(1.0, pitch_deg=lambda t: -45.0 * t if t < 0.6 else -27.0 + 68 * (t - 0.6), stepping=True).walk(2)
    assert wearer.severities(Hazard.SWAY) == [Severity.WARNING, Severity.NONE]
    assert wearer.alerts(Hazard.SWAY)[0].data["direction"] == "backward"
    assert Pattern.SWAY in wearer.patterns()


def test_ending_the_walk_silences_no_alarm() -> None:
    wearer = walking_wearer().fall(lies_s=2)
    wearer.command("end")
    assert wearer.pipeline.step(Tick(wearer.t_ns)) == []
    wearer.lie(32)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED, Severity.CONFIRMED]


@pytest.mark.parametrize("name", ["test", "locate", "start", "silence", "", "END"])
def test_no_remote_command_changes_the_walk_or_an_alarm(name: str) -> None:
    wearer = walking_wearer().fall(lies_s=2)
    wearer.outputs.clear()
    wearer.command(name)
    wearer.lie(3)
    assert wearer.alerts() == []
    assert wearer.patterns() == []
    assert wearer.walk_states() == []


def test_locate_sounds_for_its_time() -> None:
    wearer = ready_wearer().stand(2)
    wearer.command("locate")
    wearer.stand(12)
    assert wearer.patterns()[-2:] == [Pattern.LOCATE, Pattern.SILENT]


def test_a_part_that_never_speaks_is_a_fault() -> None:
    pipeline = SafetyPipeline()
    out = [o for index in range(60) for o in pipeline.step(Tick(index * 50_000_000))]
    faults = [o for o in out if getattr(o, "hazard", None) is Hazard.FAULT]
    assert [alert.data["part"] for alert in faults] == ["imu", "rangefinder", "button"]
    assert all(2.0 <= alert.t_ns / 1e9 <= 2.1 for alert in faults)


def test_a_dead_rangefinder_is_a_fault_and_never_an_obstacle_or_calm() -> None:
    wearer = walking_wearer()
    wearer.distance_m, wearer.speed_mps = 1.5, 0.6
    wearer.walk(1.0)
    assert wearer.severities(Hazard.OBSTACLE)[-1] in (Severity.WARNING, Severity.IMMINENT)
    wearer.ranging, stopped_s = False, wearer.t_s
    wearer.walk(1.0)
    fault = wearer.alerts(Hazard.FAULT)[0]
    assert fault.t_ns / 1e9 - stopped_s <= 0.5
    assert wearer.severities(Hazard.OBSTACLE)[-1] is Severity.NONE
    assert wearer.patterns()[-1] is Pattern.FAULT


def test_a_fault_that_is_over_is_told() -> None:
    wearer = walking_wearer()
    wearer.imu = False
    wearer.live(1)
    wearer.imu = True
    wearer.walk(3)
    fault, well = wearer.alerts(Hazard.FAULT)
    assert (fault.severity, well.severity) == (Severity.FAULT, Severity.NONE)
    assert fault.alarm == well.alarm
    assert wearer.alerts(Hazard.FALL) == []


def test_one_failed_transfer_is_not_alarmed() -> None:
    wearer = walking_wearer()
    wearer.fail("imu")
    wearer.walk(3)
    assert wearer.alerts() == []


@pytest.mark.parametrize("part", ["button", "buzzer", "motor"])
def test_a_failing_output_or_button_is_alarmed_at_once(part: str) -> None:
    wearer = walking_wearer()
    out = wearer.fail(part, "OutputFault")
    assert [o.data["part"] for o in out if hasattr(o, "hazard")] == [part]
    assert Pattern.FAULT in wearer.patterns()


def test_a_fall_sounds_over_a_fault_and_an_obstacle() -> None:
    wearer = walking_wearer()
    wearer.ranging = False
    wearer.walk(2)
    assert wearer.patterns()[-1] is Pattern.FAULT
    wearer.fall(lies_s=2)
    assert wearer.patterns()[-1] is Pattern.FALL_COUNTDOWN


def test_telemetry_comes_five_times_and_health_once_a_second() -> None:
    wearer = ready_wearer()
    wearer.outputs.clear()
    wearer.walk(10)
    assert sum(isinstance(o, Telemetry) for o in wearer.outputs) == pytest.approx(50, abs=2)
    assert sum(isinstance(o, Health) for o in wearer.outputs) == pytest.approx(10, abs=1)


def test_health_is_told_on_every_change() -> None:
    wearer = walking_wearer()
    out = wearer.fail("motor", "OutputFault")
    health = next(o for o in out if isinstance(o, Health))
    assert not health.parts["motor"].ok
    assert "check its wiring" in health.parts["motor"].reason
    assert health.parts["imu"].ok


def test_the_summary_counts_the_walk() -> None:
    wearer = ready_wearer()
    wearer.distance_m, wearer.speed_mps = 5.0, 0.6
    wearer.walk(6.5)
    wearer.speed_mps = 0.0
    wearer.stand(3).walk(4).fall(lies_s=2)
    wearer.command("end")
    summary = next(o for o in reversed(wearer.outputs) if isinstance(o, WalkChanged)).summary
    assert summary["obstacle_cautions"] == 1
    assert summary["obstacle_warnings"] == 1
    assert summary["falls"] == 1
    assert summary["faults"] == summary["sos"] == 0
    assert isinstance(summary["cadence_spm"], float)
    assert summary["steps"] == pytest.approx(17, abs=3)
    assert isinstance(summary["first_warning_distance_m"], float)
    assert 1.15 <= summary["first_warning_distance_m"] <= 1.6
    assert summary["nearest_m"] == pytest.approx(1.1, abs=0.1)


def test_the_same_inputs_give_the_same_outputs() -> None:
    wearer = walking_wearer().fall(lies_s=3)
    again = SafetyPipeline(CoreConfig())
    assert [o for message in wearer.inputs for o in again.step(message)] == wearer.outputs


def test_old_times_do_not_turn_time_back() -> None:
    wearer = walking_wearer()
    now_ns = wearer.t_ns
    out = wearer.send(Tick(0)) + wearer.send(RangeSample(5, 0.3)) + wearer.send(ImuSample(7, (0, 0, 9.8), (0, 0, 0)))
    assert all(o.t_ns >= now_ns for o in out)
    assert wearer.pipeline.step(Tick(now_ns + 1)) is not None


def test_lying_down_during_the_self_test_is_not_taken_for_upright() -> None:
    wearer = Wearer().lie(5)
    assert "ready" not in wearer.walk_states()
    assert wearer.walk_states() == ["before"]
