"""How soon a sensor that was sound is known to be dead, and that neither a clone nor a late one is taken for it."""

from itertools import pairwise

import pytest
from hcsr04_rig import Rig

from firmware.guard.pace import Jitter, Pinging
from firmware.guard.readers import Reader
from hal.board import ping_times
from hal.config import BoardConfig
from hal.errors import HalError, NoEcho
from hal.samples import RangeSample, SensorFault
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory, Wire

DIES_S = 1.02
MISSED = 3  # so many failures in a row are a fault


def errors_from(rig: Rig, reads: int) -> list[tuple[str, float]]:
    """Of reads without a pause: what they raised, and how long after the first began."""
    from_ns = rig.clock.now_ns()
    found = []
    for _ in range(reads):
        try:
            rig.sensor.read()
        except HalError as error:
            found.append((type(error).__name__, (rig.clock.now_ns() - from_ns) / 1e9))
    return found


def sound_rig(fault: Fault | None = None, *, no_object_s: float | None = None) -> Rig:
    rig = Rig(SimPinFactory(SimClock(0)), fault, no_object_s=no_object_s)
    rig.pings(1.0)
    return rig


def test_sensor_that_was_sound_is_given_up_soon_and_listened_to_again_from_the_fourth_ping_on() -> None:
    rig = sound_rig(Fault("off", "rangefinder", start_s=1.0))
    pings_s: list[float] = []
    rig.pins.sim_pin(23).listen(lambda high: pings_s.append(rig.clock.now_ns() / 1e9) if high else None)
    errors = errors_from(rig, 6)
    assert {name for name, _ in errors} == {"NoEcho"}
    assert errors[MISSED - 1][1] <= 0.075
    apart_s = [b - a for a, b in pairwise(pings_s)]
    assert apart_s[:2] == [pytest.approx(0.0301, abs=0.0001)] * 2, "no echo of the one before is in the air any more"
    assert min(apart_s[3:]) >= 0.045, "it listens to the end of each read"


def test_sensor_that_is_not_yet_known_to_be_sound_is_listened_to_for_longer() -> None:
    rig = Rig(SimPinFactory(SimClock(0)), Fault("off", "rangefinder", start_s=0.2))
    rig.pings(0.24)
    with pytest.raises(NoEcho, match="no echo within 60 ms"):
        rig.sensor.read()


def test_one_ping_that_is_lost_costs_one_ping() -> None:
    rig = sound_rig(Fault("off", "rangefinder", start_s=1.0, end_s=1.03))
    assert [rig.ping() for _ in range(4)] == ["NoEcho", *[pytest.approx(1.5, abs=0.001)] * 3]


def polled(rig: Rig, seconds: float) -> list[RangeSample | SensorFault]:
    """As the guard does it."""
    pace = Pinging(ping_times(BoardConfig()), 1.5, Jitter(0.0, rig.sensor._random))
    reader = Reader("rangefinder", lambda: rig.sensor, rig.clock, period_s=0.05, pace=pace)
    found: list[RangeSample | SensorFault] = []
    until_ns = rig.clock.now_ns() + round(seconds * 1e9)
    while rig.clock.now_ns() < until_ns:
        due_ns = rig.clock.now_ns()
        found += [item for item in reader.poll() if isinstance(item, RangeSample | SensorFault)]
        rig.clock.advance_to(max(due_ns + reader.wait_ns(), rig.clock.now_ns()))
    return found


def longest_row_of_faults(told: list[RangeSample | SensorFault]) -> int:
    longest = row = 0
    for item in told:
        row = row + 1 if isinstance(item, SensorFault) else 0
        longest = max(longest, row)
    return longest


@pytest.mark.parametrize("wire", ["cut", "high"])
@pytest.mark.parametrize("after_s", [i * 0.0031 for i in range(17)])
def test_broken_wire_is_three_failures_soon_whenever_it_breaks(wire: Wire, after_s: float) -> None:
    rig = sound_rig()
    rig.clock.call_at(rig.clock.now_ns() + round(after_s * 1e9), lambda: rig.pins.sim_pin(24).rewire(wire))
    broken_ns = rig.clock.now_ns() + round(after_s * 1e9)
    faults = [item for item in polled(rig, 0.4) if isinstance(item, SensorFault)]
    assert faults[MISSED - 1].t_ns - broken_ns <= 135_000_000


def test_line_that_sticks_in_an_echo_is_known_though_nothing_was_out_of_range_before() -> None:
    rig = sound_rig()
    rig.clock.call_at(rig.clock.now_ns() + 3_000_000, lambda: rig.pins.sim_pin(24).rewire("high"))
    from_ns = rig.clock.now_ns()
    told = polled(rig, 0.4)
    assert isinstance(told[0], RangeSample)
    assert told[0].distance_m is None, "once"
    faults = [item for item in told[1:] if isinstance(item, SensorFault)]
    assert len(faults) == len(told) - 1
    assert faults[0].kind == "EchoStuck"
    assert faults[MISSED - 1].t_ns - from_ns <= 130_000_000


@pytest.mark.parametrize("no_object_s", [0.038, 0.065, 0.1])
def test_clone_that_looks_into_the_open_for_the_first_time_is_no_fault(no_object_s: float) -> None:
    rig = sound_rig(no_object_s=no_object_s)
    rig.wall.distance_m = None
    assert longest_row_of_faults(polled(rig, 5.0)) < MISSED


def test_clone_with_the_longest_pulse_may_be_a_fault_once_and_is_known_from_then_on() -> None:
    rig = sound_rig(no_object_s=0.2)
    rig.wall.distance_m = None
    polled(rig, 0.3)
    assert longest_row_of_faults(polled(rig, 5.0)) == 0


def test_clone_that_begins_in_the_open_is_never_a_fault() -> None:
    rig = Rig(SimPinFactory(SimClock(0)), no_object_s=0.2)
    for distance_m in (None, 1.5, None):
        rig.wall.distance_m = distance_m
        assert longest_row_of_faults(polled(rig, 3.0)) == 0
