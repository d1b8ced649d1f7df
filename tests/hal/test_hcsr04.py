"""The rangefinder's driver on a simulated HC-SR04, wired to simulated pins."""

from collections import Counter
from collections.abc import Callable

import pytest
from hcsr04_rig import PERIOD_S, Answer, Rig, Wall
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.air import speed_of_sound_mps
from hal.errors import EchoStuck, ImplausibleEcho, NoEcho, PinsUnavailable
from hal.hcsr04 import HcSr04
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory


@pytest.mark.parametrize("distance_m", [0.03, 0.5, 1.0, 1.5, 2.7, 3.99])
def test_distance_is_right_to_a_millimetre(pins: SimPinFactory, distance_m: float) -> None:
    rig = Rig(pins)
    rig.wall.distance_m = distance_m
    assert rig.ping() == pytest.approx(distance_m, abs=0.001)


@settings(max_examples=50)
@given(distance_m=st.floats(0.025, 3.99), start_ns=st.integers(0, 10**17))
def test_every_distance_within_range_is_measured_however_long_the_machine_is_up(
    distance_m: float, start_ns: int
) -> None:
    rig = Rig(SimPinFactory(SimClock(start_ns)))
    rig.wall.distance_m = distance_m
    assert rig.ping() == pytest.approx(distance_m, abs=0.001)


def test_sample_carries_the_time_of_the_ping(pins: SimPinFactory, clock: SimClock) -> None:
    rig = Rig(pins)
    t_ns = clock.now_ns()
    assert rig.sensor.read()[0].t_ns == t_ns
    assert clock.now_ns() > t_ns


@pytest.mark.parametrize("distance_m", [None, 4.2, 7.0])
def test_free_way_is_none_and_no_error(pins: SimPinFactory, distance_m: float | None) -> None:
    rig = Rig(pins)
    rig.wall.distance_m = distance_m
    assert rig.pings(1.0) == [None] * 17


def test_cold_air_does_not_make_the_wall_look_farther(pins: SimPinFactory, clock: SimClock) -> None:
    wall = Wall(3.0)
    SimHcSr04(pins, trigger=23, echo=24, distance_m=wall, temperature_c=0.0)
    told = HcSr04(pins, clock, trigger=23, echo=24, temperature_c=0.0)
    assert told.read()[0].distance_m == pytest.approx(3.0, abs=0.001)
    clock.sleep(PERIOD_S)
    told.close()
    not_told = HcSr04(pins, clock, trigger=23, echo=24, temperature_c=20.0)
    wrong_m = 3.0 * speed_of_sound_mps(20) / speed_of_sound_mps(0)
    assert not_told.read()[0].distance_m == pytest.approx(wrong_m, abs=0.001)


def test_unplugged_rangefinder_is_an_error_not_an_old_distance(pins: SimPinFactory) -> None:
    rig = Rig(pins, Fault("off", "rangefinder", start_s=1.0))
    assert rig.ping() == pytest.approx(1.5, abs=0.001)
    rig.until(1.0)
    with pytest.raises(NoEcho, match=r"no echo within 60 ms of the ping.*check its wiring \(trigger on pin 23"):
        rig.sensor.read()
    assert set(rig.pings(3.0)) == {"NoEcho"}


def test_nothing_wired_at_all_is_an_error_at_the_first_ping(pins: SimPinFactory, clock: SimClock) -> None:
    with pytest.raises(NoEcho):
        HcSr04(pins, clock, trigger=23, echo=24).read()


def test_no_read_takes_longer_than_60_ms(pins: SimPinFactory, clock: SimClock) -> None:
    rig = Rig(pins, Fault("off", "rangefinder", start_s=0.0))
    for _ in range(20):
        before_ns = clock.now_ns()
        with pytest.raises(NoEcho):
            rig.sensor.read()
        assert clock.now_ns() - before_ns <= 60_100_000


def test_stuck_echo_line_is_an_error_not_a_free_way(pins: SimPinFactory) -> None:
    rig = Rig(pins, Fault("stuck", "rangefinder", start_s=1.0))
    rig.until(1.03)
    with pytest.raises(EchoStuck, match="echo line high before the ping, expected low; check"):
        rig.sensor.read()
    assert set(rig.pings(3.0)) == {"EchoStuck"}


def test_line_that_goes_high_after_an_echo_is_not_pinged(pins: SimPinFactory) -> None:
    rig = Rig(pins, Fault("stuck", "rangefinder", start_s=0.05))
    assert rig.ping() == pytest.approx(1.5, abs=0.001)
    pings: list[bool] = []
    pins.sim_pin(23).listen(pings.append)
    assert set(rig.pings(1.0)) == {"EchoStuck"}
    assert pings == []


@pytest.mark.parametrize("start_s", [1.0004, 1.003, 1.02])
def test_line_that_sticks_during_an_echo_reads_free_at_most_once(pins: SimPinFactory, start_s: float) -> None:
    rig = Rig(pins, Fault("stuck", "rangefinder", start_s=start_s))
    rig.until(1.0)
    answers = rig.pings(0.6)
    assert answers[0] in (None, "EchoStuck") or answers[0] == pytest.approx(1.5, abs=0.001)
    assert set(answers[1:4]) in ({"nothing new"}, {"EchoStuck"})
    assert set(answers[4:]) == {"EchoStuck"}


def test_echo_20_ms_late_is_an_error(pins: SimPinFactory) -> None:
    rig = Rig(pins, Fault("delayed", "rangefinder", start_s=0.0))
    with pytest.raises(ImplausibleEcho, match=r"echo began 20\.4 ms after the ping, expected 0\.1 to 5 ms"):
        rig.sensor.read()


def test_echo_from_before_the_ping_is_an_error(pins: SimPinFactory, clock: SimClock) -> None:
    sensor = HcSr04(pins, clock, trigger=23, echo=24)
    echo = pins.sim_pin(24)
    t_ns = clock.now_ns()
    clock.call_at(t_ns + 1_000, lambda: echo.drive(True, t_ns - 2_000_000))  # an edge that was reported late
    clock.call_at(t_ns + 3_000_000, lambda: echo.drive(False, t_ns + 3_000_000))
    with pytest.raises(ImplausibleEcho, match="ms after the ping"):
        sensor.read()


def test_echo_whose_end_was_missed_is_an_error_not_a_free_way(pins: SimPinFactory) -> None:
    rig = Rig(pins)
    pins.sim_pin(24).edges = "rising"
    with pytest.raises(NoEcho, match="the end of an echo was missed"):
        rig.sensor.read()


def test_line_that_is_high_without_having_risen_is_an_error(pins: SimPinFactory) -> None:
    rig = Rig(pins, no_object_s=0.2)
    rig.wall.distance_m = None
    pins.sim_pin(24).edges = "falling"
    with pytest.raises(EchoStuck, match="went high without an edge"):
        rig.sensor.read()


@pytest.mark.parametrize("wall_m", [0.3, 1.5, 3.9, None])
@pytest.mark.parametrize("period_s", [0.05, 0.06, 0.07, 0.0994, 0.1003])
def test_slow_sensor_never_gives_a_distance(pins: SimPinFactory, period_s: float, wall_m: float | None) -> None:
    rig = Rig(pins, Fault("slow", "rangefinder", start_s=0.0))
    rig.wall.distance_m = wall_m
    errors = 0
    for _ in range(50):
        due_ns = rig.clock.now_ns() + round(period_s * 1e9)
        try:
            assert rig.sensor.read() == []  # the line is still high of the late echo
        except (NoEcho, ImplausibleEcho):
            errors += 1
        rig.clock.advance_to(due_ns)
    assert errors >= 25


def all_distances(answers: list[Answer]) -> bool:
    return all(isinstance(answer, float) and abs(answer - 1.5) < 0.001 for answer in answers)


def only(*names: str) -> Callable[[list[Answer]], bool]:
    return lambda answers: set(answers) == set(names)


def mostly_implausible(answers: list[Answer]) -> bool:
    counts = Counter(answer if isinstance(answer, str) else "distance" for answer in answers)
    return counts["ImplausibleEcho"] >= len(answers) / 2


def in_spells(answers: list[Answer]) -> bool:
    errors = [answer for answer in answers if isinstance(answer, str)]
    distances = [answer for answer in answers if not isinstance(answer, str)]
    return set(errors) == {"NoEcho"} and len(errors) >= 10 and len(distances) >= 10 and all_distances(distances)


REPORTS: dict[str, Callable[[list[Answer]], bool]] = {
    "ok": all_distances,
    "off": only("NoEcho"),
    "stuck": only("EchoStuck"),
    "garbage": mostly_implausible,
    "wrong": only("ImplausibleEcho"),
    "slow": only("NoEcho", "ImplausibleEcho"),
    "delayed": only("NoEcho", "ImplausibleEcho"),  # the first ones are given up sooner
    "intermittent": in_spells,
}


@pytest.mark.parametrize("word", REPORTS)
def test_each_failure_bites_when_it_starts_and_is_over_when_it_ends(pins: SimPinFactory, word: str) -> None:
    rig = Rig(pins, Fault(word, "rangefinder", start_s=2.01, end_s=6.0))
    rig.until(0.0)
    assert all_distances(rig.pings(1.98))
    rig.until(2.03)
    assert REPORTS[word](rig.pings(3.9)), word
    rig.until(6.4)
    rig.ping()  # may still be doubted
    assert all_distances(rig.pings(2.0))


def test_same_fault_gives_the_same_run() -> None:
    runs = [Rig(SimPinFactory(SimClock(0)), Fault("garbage", "rangefinder", start_s=0.5)).pings(3.0) for _ in range(2)]
    assert runs[0] == runs[1]


def test_closed_sensor_can_be_opened_again(pins: SimPinFactory, clock: SimClock) -> None:
    rig = Rig(pins)
    rig.ping()
    rig.sensor.close()
    assert pins.sim_pin(24).when_changed is None
    again = HcSr04(pins, clock, trigger=23, echo=24)
    assert again.read()[0].distance_m == pytest.approx(1.5, abs=0.001)


def test_pin_that_cannot_be_claimed_is_named(pins: SimPinFactory, clock: SimClock) -> None:
    with pytest.raises(PinsUnavailable, match=r"rangefinder \(trigger on pin 23, echo on pin 2\): the pin cannot be"):
        HcSr04(pins, clock, trigger=23, echo=2)  # pin 2 has a pull-up of its own


def test_pins_that_fail_while_reading_are_an_error_of_the_rangefinder(pins: SimPinFactory, clock: SimClock) -> None:
    sensor = HcSr04(pins, clock, trigger=23, echo=24)
    pins.sim_pin(23).function = "input"  # another program took the line
    with pytest.raises(PinsUnavailable, match="rangefinder: its pins cannot be used"):
        sensor.read()


def test_pings_after_a_doubtful_answer_come_at_changing_times(pins: SimPinFactory) -> None:
    rig = Rig(pins, Fault("delayed", "rangefinder", start_s=0.0))
    assert set(rig.pings(1.2)) == {"ImplausibleEcho"}
    pings_ns = [state.t_ns for state in pins.sim_pin(23).history if state.level]
    shifts_ms = [(t_ns - pings_ns[0]) / 1e6 % (PERIOD_S * 1e3) for t_ns in pings_ns[1:]]
    assert len(shifts_ms) == 19
    assert all(2.0 <= shift_ms <= 12.1 for shift_ms in shifts_ms)
    assert max(shifts_ms) - min(shifts_ms) > 5.0
