"""Echoes timed by looking at the line, where no kernel stamps its edges: never too far, however busy the process."""

import random

import pytest
from hcsr04_rig import Rig
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import EchoStuck, ImplausibleEcho, NoEcho
from hal.pins import PolledPulse, PulseInput
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory


class BusyClock(SimClock):
    """Some sleeps take longer than asked for, as beside a busy thread that holds the interpreter."""

    def __init__(self, seed: int, share: float) -> None:
        super().__init__(0)
        self._random, self._share = random.Random(seed), share

    def sleep(self, seconds: float) -> None:
        late_s = self._random.uniform(0.001, 0.011) if self._random.random() < self._share else 60e-6
        super().sleep(seconds + late_s)


class PolledPinFactory(SimPinFactory):
    """Pins whose edges nobody stamps."""

    def pulse_input(self, number: int) -> PulseInput:
        return PolledPulse(self, self.pin(number))


def polled_rig(clock: SimClock, fault: Fault | None = None, no_object_s: float = 0.038) -> Rig:
    return Rig(PolledPinFactory(clock), fault, no_object_s=no_object_s)


@pytest.mark.parametrize("distance_m", [0.3, 0.5, 1.0, 1.5, 2.7, 3.9])
def test_calm_machine_measures_a_little_too_near_at_most(distance_m: float) -> None:
    rig = polled_rig(BusyClock(0, 0.0))
    rig.wall.distance_m = distance_m
    for answer in rig.pings(2.0):
        assert isinstance(answer, float)
        assert distance_m - 0.1 <= answer <= distance_m


@settings(max_examples=100)
@given(distance_m=st.floats(0.05, 3.99), seed=st.integers(0, 10**6), share=st.sampled_from([0.01, 0.05, 0.3]))
def test_busy_machine_never_sees_a_wall_farther_than_it_is(distance_m: float, seed: int, share: float) -> None:
    rig = polled_rig(BusyClock(seed, share))
    rig.wall.distance_m = distance_m
    for answer in rig.pings(0.6):
        assert answer is not None
        assert isinstance(answer, str) or distance_m - 0.21 <= answer <= distance_m


def test_echo_whose_end_was_looked_at_late_is_refused_with_what_to_do() -> None:
    rig = polled_rig(BusyClock(0, 1.0))
    rig.wall.distance_m = 2.0
    messages = []
    for _ in range(20):
        with pytest.raises((ImplausibleEcho, NoEcho)) as raised:
            rig.sensor.read()
        messages.append(str(raised.value))
        rig.clock.advance_to(rig.clock.now_ns() + 40_000_000)
    assert any('too busy to time it; set gpio.factory to "lgpio"' in message for message in messages)


@pytest.mark.parametrize("pulse_s", [0.038, 0.1, 0.2])
def test_open_space_is_no_fault(pulse_s: float) -> None:
    rig = polled_rig(BusyClock(0, 0.0), no_object_s=pulse_s)
    rig.wall.distance_m = None
    assert set(rig.pings(10.0)) <= {None, "nothing new"}


@pytest.mark.parametrize("start_us", range(0, 1000, 100))
@pytest.mark.parametrize("level_after_s", [0.0, 0.0004, 0.0008])
def test_pulse_is_not_taken_for_longer_where_each_look_takes_long(level_after_s: float, start_us: int) -> None:
    """The level that a look finds held at some time during it, nobody knows when."""
    pins = SimPinFactory(SimClock(start_us * 1000))
    pin, clock = pins.sim_pin(24), pins.clock
    pin.input_with_pull("floating")

    def look() -> bool:
        clock.sleep(level_after_s)
        level = 0.0100 <= clock.now_ns() / 1e9 < 0.0200
        clock.sleep(0.0008 - level_after_s)
        return level

    pin.follow(look)
    pulse = PolledPulse(pins, pin)
    assert pulse.wait(clock, 0.06)
    assert pulse.rise is not None
    assert pulse.fall is not None
    assert 0.0100 <= pulse.rise <= 0.0120
    assert 0.0180 <= pulse.fall <= 0.0200
    assert pulse.fall - pulse.rise + pulse.uncertain_s >= 0.0100
    assert pulse.uncertain_s <= 0.004


def test_pulse_that_ends_unwatched_is_over_and_says_how_uncertain_its_end_is() -> None:
    pins = PolledPinFactory(SimClock())
    pulse = pins.pulse_input(24)
    pins.sim_pin(24).drive(True, 0)
    assert not pulse.wait(pins.clock, 0.001)
    assert pulse.fall is None
    pins.clock.call_at(5_000_000, lambda: pins.sim_pin(24).drive(False, 5_000_000))
    pins.clock.sleep(0.02)
    assert pulse.rise is not None
    assert pulse.fall is not None
    assert pulse.fall <= 0.005 <= pulse.fall + pulse.uncertain_s


def test_unplugged_and_stuck_lines_are_errors() -> None:
    for word, error in (("off", NoEcho), ("stuck", EchoStuck)):
        rig = polled_rig(BusyClock(0, 0.0), Fault(word, "rangefinder", start_s=0.0))
        rig.until(0.01)
        for _ in range(3):
            with pytest.raises(error):
                rig.sensor.read()


def test_lost_ping_costs_one_ping() -> None:
    rig = polled_rig(BusyClock(0, 0.0), Fault("off", "rangefinder", start_s=0.5, end_s=0.55))
    answers = rig.pings(2.0)
    assert [answer for answer in answers if isinstance(answer, str)] == ["NoEcho"]
