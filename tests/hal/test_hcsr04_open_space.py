"""Nothing in range: clones hold their echo line high for up to 200 ms then, and that is no fault."""

from itertools import pairwise

import pytest
from hcsr04_rig import PERIOD_S, Answer, Rig

from hal.errors import EchoStuck
from hal.sim.clock import SimClock
from hal.sim.pins import SimPinFactory

STALE_S = 0.3  # the core calls a rangefinder silent that has told nothing newer
PULSES_S = (0.025, 0.038, 0.06, 0.065, 0.1, 0.15, 0.2, 0.21, 0.22)


def open_rig(pulse_s: float) -> Rig:
    rig = Rig(SimPinFactory(SimClock(0)), no_object_s=pulse_s)
    rig.wall.distance_m = None
    return rig


@pytest.mark.parametrize("pulse_s", PULSES_S)
def test_ten_seconds_in_the_open_are_no_fault_and_no_silence(pulse_s: float) -> None:
    rig = open_rig(pulse_s)
    told_ns, sampled_ns = [], []
    while rig.clock.now_ns() < 10e9:
        due_ns = rig.clock.now_ns() + round(PERIOD_S * 1e9)
        for sample in rig.sensor.read():  # no error at all
            assert sample.distance_m is None
            told_ns.append(rig.clock.now_ns())
            sampled_ns.append(sample.t_ns)
        rig.clock.advance_to(due_ns)
    assert all(a < b for a, b in pairwise(sampled_ns)), "a ping was told twice"
    oldest_s = max(b - a for a, b in zip(sampled_ns, told_ns[1:], strict=False)) / 1e9
    assert oldest_s < STALE_S - 0.01
    assert max(b - a for a, b in pairwise(sampled_ns)) / 1e9 <= max(PERIOD_S, pulse_s + 0.035)


@pytest.mark.parametrize("pulse_s", PULSES_S)
def test_no_ping_is_sent_while_the_line_is_high(pulse_s: float) -> None:
    rig = open_rig(pulse_s)
    levels: list[bool] = []
    pins = rig.pins
    pins.sim_pin(23).listen(lambda high: levels.append(bool(pins.sim_pin(24).state)))
    rig.pings(3.0)
    assert levels
    assert not any(levels)


def test_free_way_is_told_as_soon_as_the_echo_outlasts_four_metres() -> None:
    rig = open_rig(0.2)
    sample = rig.sensor.read()[0]
    assert sample.distance_m is None
    assert rig.clock.now_ns() - sample.t_ns <= 0.032e9


def test_wall_at_the_edge_of_the_range_is_not_cut_off() -> None:
    rig = open_rig(0.2)
    rig.wall.distance_m = 3.999
    assert rig.ping() == pytest.approx(3.999, abs=0.001)


def test_free_way_and_nothing_new_of_a_clone_that_holds_its_echo_200_ms() -> None:
    answers: list[Answer] = open_rig(0.2).pings(1.0)
    assert answers[:4] == [None, "nothing new", "nothing new", None]
    assert set(answers) == {None, "nothing new"}


def test_wall_that_comes_into_range_of_a_clone_is_seen_at_the_next_ping() -> None:
    rig = open_rig(0.2)
    rig.pings(1.0)
    rig.wall.distance_m = 3.5
    answers = rig.pings(0.5)
    first = next(i for i, answer in enumerate(answers) if isinstance(answer, float))
    assert first * PERIOD_S <= 0.27
    assert all(answer == pytest.approx(3.5, abs=0.001) for answer in answers[first:])


@pytest.mark.parametrize("pulse_s", [0.3, 0.5, 30.0])
def test_line_high_for_more_than_a_quarter_second_is_stuck(pulse_s: float) -> None:
    rig = open_rig(pulse_s)
    assert rig.pings(0.24) == [None] + ["nothing new"] * 3
    with pytest.raises(EchoStuck, match="echo line high before the ping"):
        rig.sensor.read()


@pytest.mark.parametrize("late_s", [0.002, 0.006, 0.01])
def test_end_of_an_echo_that_is_reported_late_is_still_an_echo(
    pins: SimPinFactory, monkeypatch: pytest.MonkeyPatch, late_s: float
) -> None:
    """The kernel's stamps are right, however late the process learns of them."""
    rig = Rig(pins)
    rig.wall.distance_m = 3.9
    timer, clock = pins.sim_pin(24), pins.clock
    told = timer.when_changed

    def later(ticks: float, level: int) -> None:
        clock.call_at(clock.now_ns() + round(late_s * 1e9), lambda: told(ticks, level))

    monkeypatch.setattr(rig, "keep", later, raising=False)  # gpiozero holds callbacks weakly
    timer.when_changed = later
    assert rig.ping() == pytest.approx(3.9, abs=0.001)


@pytest.mark.parametrize("pulse_s", [0.038, 0.065, 0.1, 0.15])
def test_line_that_sticks_in_the_open_is_noticed_once_it_outlasts_the_usual_pulse(pulse_s: float) -> None:
    rig = open_rig(pulse_s)
    rig.pings(1.2)
    while rig.sensor.read() == []:
        rig.clock.sleep(0.001)
    free_ns = rig.clock.now_ns()
    assert rig.pins.sim_pin(24).state
    rig.pins.sim_pin(24).drive = lambda level, t_ns: None  # type: ignore[method-assign]  # whatever the chip does
    answers: list[object] = []
    while "EchoStuck" not in answers and rig.clock.now_ns() < free_ns + 1e9:
        try:
            answers += rig.sensor.read()
        except EchoStuck:
            answers.append("EchoStuck")
        rig.clock.sleep(0.01)
    assert answers == ["EchoStuck"]
    assert rig.clock.now_ns() - free_ns <= 1.5 * pulse_s * 1e9


def test_clone_whose_pulse_grows_is_believed_again_after_one_error() -> None:
    rig = open_rig(0.04)
    rig.pings(1.0)
    rig.chip.no_object_s = 0.09
    answers = rig.pings(3.0)
    assert answers.count("EchoStuck") == 1
    assert "EchoStuck" not in answers[5:]


def test_far_echo_is_not_taken_for_the_pulse_without_an_object() -> None:
    rig = open_rig(0.2)
    rig.wall.distance_m = 4.4
    assert set(rig.pings(1.0)) == {None}
    rig.wall.distance_m = None
    assert set(rig.pings(3.0)) == {None, "nothing new"}


def test_line_that_was_stuck_teaches_no_patience() -> None:
    """What ended after a second was no pulse of the sensor: the next time it is noticed as soon as the first."""
    rig = open_rig(0.04)
    rig.pings(1.0)
    rig.chip.no_object_s = 1.0
    rig.pings(1.5)
    rig.chip.no_object_s = 0.04
    rig.pings(1.0)
    rig.chip.no_object_s = 30.0
    from_ns = rig.clock.now_ns()
    while rig.ping() != "EchoStuck":
        assert rig.clock.now_ns() - from_ns < 0.2e9
