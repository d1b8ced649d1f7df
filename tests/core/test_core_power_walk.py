"""What the whole core makes of the words about its supply: when it sounds, and what it never drowns."""

import math
from collections.abc import Iterable

from core_scenes import Wearer, ready_wearer, walking_wearer
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.core.course import READY_CHIRPS
from firmware.core.messages import (
    Alert,
    Hazard,
    Health,
    Output,
    Pattern,
    PowerState,
    SetPattern,
    Severity,
    WalkChanged,
    WalkState,
)
from firmware.core.pipeline import SafetyPipeline
from hal.samples import PowerSample, SensorFault

S = 1_000_000_000
WELL = {"battery_share": 0.8, "battery_v": 3.9, "undervoltage": False, "throttled": False, "cpu_c": 48.0}


def power(wearer: Wearer, **values: float | bool | None) -> None:
    wearer.send(PowerSample(wearer.t_ns, **values))  # type: ignore[arg-type]


def sounds(outputs: Iterable[Output]) -> list[tuple[float, Pattern]]:
    return [(output.t_ns / 1e9, output.pattern) for output in outputs if isinstance(output, SetPattern)]


def faults(wearer: Wearer) -> list[tuple[Severity, object]]:
    return [(alert.severity, alert.data["part"]) for alert in wearer.alerts(Hazard.FAULT)]


def test_device_without_any_word_of_its_supply_decides_as_ever() -> None:
    wearer = walking_wearer()
    assert not [output for output in wearer.outputs if isinstance(output, PowerState)]
    assert all("power" not in output.parts for output in wearer.outputs if isinstance(output, Health))


def test_samples_of_a_well_fed_device_change_no_decision() -> None:
    plain, fed = walking_wearer(), ready_wearer()
    for _ in range(5):
        power(fed, **WELL)
        fed.walk(1.0)

    def decided(wearer: Wearer) -> list[Output]:
        return [output for output in wearer.outputs if isinstance(output, Alert | SetPattern | WalkChanged)]

    assert decided(fed) == decided(plain)
    assert [output for output in fed.outputs if isinstance(output, Health)][-1].parts["power"].ok


def test_each_word_is_told_on_as_it_came() -> None:
    wearer = ready_wearer()
    power(wearer, **WELL)
    told = [output for output in wearer.outputs if isinstance(output, PowerState)]
    assert told == [PowerState(wearer.t_ns, 0.8, None, 3.9, None, False, False, 48.0)]


def test_low_battery_sounds_for_a_second_every_half_minute_and_not_for_ever() -> None:
    wearer = walking_wearer()
    wearer.outputs.clear()
    start_s = wearer.t_s
    for _ in range(65):
        power(wearer, battery_share=0.12, cpu_c=48.0)
        wearer.walk(1.0)
    heard = [(round(t_s - start_s, 1), pattern) for t_s, pattern in sounds(wearer.outputs)]
    assert heard == [
        (0.0, Pattern.DEVICE_CAUTION),
        (1.0, Pattern.SILENT),
        (30.0, Pattern.DEVICE_CAUTION),
        (31.0, Pattern.SILENT),
        (60.0, Pattern.DEVICE_CAUTION),
        (61.0, Pattern.SILENT),
    ]
    assert faults(wearer) == [(Severity.CAUTION, "power")]


def test_battery_that_gets_nearly_empty_is_heard_at_once_and_not_at_the_end_of_the_half_minute() -> None:
    wearer = walking_wearer()
    power(wearer, battery_share=0.12)
    wearer.walk(5.0)
    wearer.outputs.clear()
    power(wearer, battery_share=0.05)
    assert wearer.patterns() == [Pattern.FAULT]
    wearer.walk(20.0)
    assert wearer.patterns() == [Pattern.FAULT, Pattern.SILENT]


def test_low_battery_keeps_nobody_from_walking_and_the_ready_chirp_is_heard_whole() -> None:
    plain = sounds(Wearer().stand(4.0).outputs)
    ready_s = next(t_s for t_s, pattern in plain if pattern is Pattern.READY_3)
    for tenths in range(-12, 13):
        told_s = ready_s + tenths / 10
        wearer = Wearer().stand(told_s)
        power(wearer, battery_share=0.12)
        wearer.stand(ready_s + 4.0 - told_s)
        assert wearer.walk_states() == ["before", "ready"], told_s
        heard = sounds(wearer.outputs)
        begin_s = next(t_s for t_s, pattern in heard if pattern is Pattern.READY_3)
        end_s = next(t_s for t_s, _ in heard if t_s > begin_s)
        assert end_s - begin_s >= 2.09, told_s
        assert Pattern.DEVICE_CAUTION in wearer.patterns()


def test_battery_that_is_nearly_empty_gives_no_ready_and_says_stop() -> None:
    wearer = Wearer().stand(0.2)
    power(wearer, battery_share=0.04)
    wearer.stand(6.0)
    assert wearer.walk_states() == ["before"]
    assert not set(READY_CHIRPS) & set(wearer.patterns())
    assert Pattern.FAULT in wearer.patterns()
    power(wearer, battery_share=0.5)
    wearer.stand(3.0)
    assert wearer.walk_states() == ["before", "ready"]


def test_battery_that_gets_empty_in_a_walk_does_not_end_the_guarding() -> None:
    wearer = walking_wearer()
    power(wearer, battery_share=0.04)
    wearer.walk(3.0)
    assert wearer.pipeline._course.state is WalkState.WALKING
    wearer.fall()
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED]


def test_warning_is_never_waited_for_and_the_spell_comes_after_it() -> None:
    wearer = walking_wearer()
    wearer.distance_m, wearer.speed_mps = 2.0, 0.6
    wearer.walk(1.0)
    while Pattern.OBSTACLE_WARNING not in wearer.patterns():
        power(wearer, battery_share=0.04, undervoltage=True, cpu_c=90.0)
        wearer.walk(0.1)
        assert wearer.t_s < 20.0
    warned_ns = next(a.t_ns for a in wearer.alerts(Hazard.OBSTACLE) if a.severity is Severity.WARNING)
    sounded = [(t_s, pattern) for t_s, pattern in sounds(wearer.outputs) if pattern is Pattern.OBSTACLE_WARNING]
    assert sounded[0][0] == warned_ns / 1e9
    wearer.distance_m, wearer.speed_mps = None, 0.0
    wearer.outputs.clear()
    wearer.walk(4.0)
    assert Pattern.FAULT in wearer.patterns()


def test_broken_sensor_is_heard_over_a_low_battery() -> None:
    wearer = walking_wearer()
    power(wearer, battery_share=0.12)
    wearer.fail("buzzer", "OutputFault")
    wearer.walk(0.1)
    assert wearer.patterns()[-1] is Pattern.FAULT
    wearer.outputs.clear()
    wearer.fail("buzzer", "OutputFault")
    wearer.walk(1.5)
    assert Pattern.DEVICE_CAUTION not in wearer.patterns()


def test_gauge_that_fails_is_a_caution_in_the_health_and_never_a_fault_without_end() -> None:
    wearer = walking_wearer()
    wearer.outputs.clear()
    for _ in range(4):
        power(wearer, cpu_c=48.0)
        wearer.fail("power", "DeviceNotFound")
        wearer.walk(5.0)
    assert faults(wearer) == [(Severity.CAUTION, "power")]
    assert Pattern.FAULT not in wearer.patterns()
    health = [output for output in wearer.outputs if isinstance(output, Health)][-1].parts["power"]
    assert not health.ok
    assert "DeviceNotFound" in health.reason


def test_end_of_the_walk_closes_the_alarm_and_nothing_sounds_afterwards() -> None:
    wearer = walking_wearer()
    power(wearer, battery_share=0.12)
    wearer.walk(5.0)
    wearer.command("end")
    power(wearer, battery_share=0.02)
    wearer.stand(40.0)
    assert faults(wearer) == [(Severity.CAUTION, "power"), (Severity.NONE, "power")]
    assert wearer.patterns()[-2:] == [Pattern.ENDED, Pattern.SILENT]


def test_end_chirp_is_heard_after_a_spell_that_is_longer_than_it() -> None:
    wearer = walking_wearer()
    power(wearer, battery_share=0.04)
    wearer.walk(0.5)
    assert wearer.patterns()[-1] is Pattern.FAULT
    wearer.command("end")
    wearer.stand(5.0)
    assert wearer.patterns()[-3:] == [Pattern.FAULT, Pattern.ENDED, Pattern.SILENT]


def test_improvement_and_worsening_keep_one_alarm_number() -> None:
    wearer = walking_wearer()
    for share in (0.12, 0.04, 0.12, 0.5):
        power(wearer, battery_share=share)
        wearer.walk(1.0)
    alerts = wearer.alerts(Hazard.FAULT)
    assert [alert.severity for alert in alerts] == [
        Severity.CAUTION,
        Severity.WARNING,
        Severity.CAUTION,
        Severity.NONE,
    ]
    assert len({alert.alarm for alert in alerts}) == 1


NUMBERS = st.none() | st.floats(width=64)
FLAGS = st.none() | st.booleans()
SAMPLES = st.builds(PowerSample, st.integers(0, 10**12), NUMBERS, NUMBERS, NUMBERS, FLAGS, FLAGS, NUMBERS)
FAULTS = st.builds(SensorFault, st.integers(0, 10**12), st.just("power"), st.just("BusError"), st.text(max_size=5))


@given(messages=st.lists(SAMPLES | FAULTS, max_size=60))
@settings(max_examples=100)
def test_no_word_of_the_supply_breaks_the_core_and_the_same_words_decide_the_same(
    messages: list[PowerSample | SensorFault],
) -> None:
    first, second = SafetyPipeline(), SafetyPipeline()
    for message in messages:
        told = first.step(message)
        assert told == second.step(message)
        for output in told:
            if isinstance(output, PowerState):
                for value in (output.battery_share, output.battery_v, output.battery_a, output.cpu_c):
                    assert value is None or math.isfinite(value)
