"""What a lost ping costs, and that no late echo is taken for the answer to a later ping."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from hcsr04_rig import PERIOD_S, Answer, Rig, late_echo

from hal.air import Air
from hal.errors import EchoStuck, HalError, ImplausibleEcho, NoEcho
from hal.hcsr04 import HcSr04
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory

APPROACH_MPS = 0.6


def approach(pins: SimPinFactory, off_from_s: float, off_until_s: float) -> list[tuple[float, Answer, float]]:
    """Walking backward from 3 m, with the sensor off for a while: when read, what, and the distance then."""
    rig = Rig(pins, Fault("off", "rangefinder", off_from_s, off_until_s))
    found = []
    while (t_s := (pins.clock.now_ns() - rig.epoch_ns) / 1e9) < 2.0:
        rig.wall.distance_m = 3.0 - APPROACH_MPS * t_s
        found.append((t_s, rig.ping(), rig.wall.distance_m))
    return found


@pytest.mark.parametrize("lost", [1, 2])
def test_lost_pings_in_an_approach_cost_no_more_than_those_pings(pins: SimPinFactory, lost: int) -> None:
    found = approach(pins, 0.95, 0.95 + lost * PERIOD_S)
    errors = [i for i, (_, answer, _) in enumerate(found) if isinstance(answer, str)]
    assert len(errors) == lost
    assert errors[-1] - errors[0] == lost - 1
    for _, answer, distance_m in found[: errors[0]] + found[errors[-1] + 1 :]:
        assert answer == pytest.approx(distance_m, abs=0.001)


def test_each_lost_ping_is_one_error_and_a_dead_sensor_is_found_in_a_quarter_second(pins: SimPinFactory) -> None:
    rig = Rig(pins, Fault("off", "rangefinder", start_s=0.5))
    pings: list[int] = []
    rig.pings(0.54)
    pins.sim_pin(23).listen(lambda high: pings.append(pins.clock.now_ns()) if high else None)
    from_ns = pins.clock.now_ns()
    for _ in range(3):
        with pytest.raises(NoEcho):
            rig.sensor.read()
    assert pins.clock.now_ns() - from_ns <= 250_000_000
    for _ in range(20):
        assert rig.ping() == "NoEcho"
    assert len(pings) == 23


def test_first_answer_of_all_is_doubted_where_a_ping_was_lost_before_it(pins: SimPinFactory) -> None:
    rig = Rig(pins, Fault("off", "rangefinder", start_s=0.0, end_s=0.05))
    assert [rig.ping() for _ in range(2)] == ["NoEcho", "ImplausibleEcho"]
    assert rig.ping() == pytest.approx(1.5, abs=0.001)


def answers_of(sensor: HcSr04, reads: int) -> list[str]:
    answers = []
    for _ in range(reads):
        try:
            answers += [f"{sample.distance_m} m" for sample in sensor.read()]
        except (NoEcho, ImplausibleEcho, EchoStuck) as error:
            answers.append(type(error).__name__)
    return answers


@pytest.mark.parametrize("at_ms", range(61, 250, 3))
def test_late_echo_is_no_answer_to_a_later_ping(pins: SimPinFactory, clock: SimClock, at_ms: int) -> None:
    sensor = HcSr04(pins, clock, trigger=23, echo=24)
    late_echo(pins, at_ms / 1e3)
    assert set(answers_of(sensor, 8)) <= {"NoEcho", "ImplausibleEcho"}


def test_stray_echo_after_a_lost_ping_is_taken_in_2_of_100_cases_at_most() -> None:
    """The sensor worked, then is unplugged; a stray echo comes at any time within the next second."""
    taken = 0
    for at_ms in range(1000):
        pins = SimPinFactory(SimClock(0))
        rig = Rig(pins, Fault("off", "rangefinder", start_s=0.15))
        rig.pings(0.18)
        rig.ping()  # the first lost one
        late_echo(pins, at_ms / 1e3)
        taken += any(answer.endswith(" m") for answer in answers_of(rig.sensor, 18))
    assert taken <= 20


@pytest.mark.parametrize("period_ms", [60, 61, 66, 91, 94, 95, 97, 98, 99, 100, 101, 110, 150, 200])
def test_sensor_that_grows_late_does_not_pass_for_a_sound_one(period_ms: int) -> None:
    pins = SimPinFactory(SimClock(0))
    rig = Rig(pins, Fault("slow", "rangefinder", start_s=0.99))
    answers: list[str] = []
    for i in range(100):
        rig.until(i * period_ms / 1e3)
        if i * period_ms > 1000:
            answers += answers_of(rig.sensor, 1)
        else:
            rig.ping()
    assert sum(answer.endswith(" m") for answer in answers) <= len(answers) / 8
    assert longest_run_of_errors(answers) >= 3


def longest_run_of_errors(answers: Sequence[str]) -> int:
    longest = run = 0
    for answer in answers:
        run = 0 if answer.endswith(" m") else run + 1
        longest = max(longest, run)
    return longest


def test_line_still_high_of_a_late_echo_delays_the_next_ping_and_is_no_error(pins: SimPinFactory) -> None:
    rig = Rig(pins, Fault("off", "rangefinder", start_s=0.15, end_s=0.2))
    rig.pings(0.18)
    assert rig.ping() == "NoEcho"
    late_echo(pins, 0.001, width_s=0.02)
    from_ns = pins.clock.now_ns()
    sample = rig.sensor.read()[0]
    assert sample.distance_m == pytest.approx(1.5, abs=0.001)
    assert sample.t_ns - from_ns == pytest.approx(21_000_000, abs=1000)


def test_no_read_lasts_longer_than_60_ms_whatever_the_line_does() -> None:
    for word in ("off", "slow", "delayed", "garbage", "intermittent", "stuck"):
        for no_object_s in (0.038, 0.1, 0.2, 0.4):
            rig = Rig(SimPinFactory(SimClock(0)), Fault(word, "rangefinder", 1.0), no_object_s=no_object_s)
            rig.wall.distance_m = None
            for _ in range(60):
                from_ns = rig.clock.now_ns()
                with suppress(HalError):
                    rig.sensor.read()
                assert rig.clock.now_ns() - from_ns <= 60_000_100, word
                rig.clock.sleep(0.007)


def test_sensor_that_warms_up_is_compared_with_how_it_answered_last(pins: SimPinFactory) -> None:
    """Its answers begin a little later with each ping; after a lost one the last of them is what is usual."""
    rig = Rig(pins, Fault("off", "rangefinder", 1.18, 1.23))
    answers: list[Answer] = []
    while pins.clock.now_ns() - rig.epoch_ns < 1.5e9:
        rig.chip._module = replace(rig.chip._module, rise_delay_s=rig.chip._module.rise_delay_s + 50e-6)
        answers.append(rig.ping())
    assert [answer for answer in answers if isinstance(answer, str)] == ["NoEcho"]


def test_late_echo_that_begins_while_the_air_is_another_sensors_keeps_the_ping_back(
    pins: SimPinFactory, clock: SimClock
) -> None:
    air = Air()
    sensor = HcSr04(pins, clock, trigger=23, echo=24, air=air)
    levels: list[bool] = []
    pins.sim_pin(23).listen(lambda high: levels.append(bool(pins.sim_pin(24).state)))
    with suppress(NoEcho):
        sensor.read()
    air.take(clock, 0.03)
    late_echo(pins, 0.025, 0.02)
    with suppress(HalError):
        sensor.read()
    assert levels[0] is False
    assert not any(levels)
