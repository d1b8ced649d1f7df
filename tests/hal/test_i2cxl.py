"""The I2CXL-MaxSonar's driver on a simulated one: a second principle behind the same seam."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.errors import BusError, EchoStuck, HalError, ImplausibleEcho, NoEcho
from hal.i2cxl import I2cxl
from hal.sim.chips.i2cxl import SimI2cxl
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.i2c import ARBITRATION_LOST, HELD_LOW, STRETCHED, SimI2cBus, Trouble

WIRE_BYTE_S = 9 / 50e3  # at 50 kHz
RESOLUTION_M = 0.0055  # half a centimetre, which is up to 0.53 cm in hot air

Answer = float | str | None


class Rig:
    """A sensor in front of a wall, read every 0.1 s; the world began with the clock."""

    def __init__(
        self,
        fault: Fault | None = None,
        *,
        distance_m: float | None = 1.5,
        temperature_c: float = 22.5,
        start_ns: int = 0,
        least_cm: int = 20,
    ) -> None:
        self.clock = SimClock(start_ns)
        self.distance_m = distance_m
        self.chip = SimI2cxl(
            self.clock,
            lambda _: self.distance_m,
            least_cm=least_cm,
            temperature_c=temperature_c,
            fault=fault,
            epoch_ns=start_ns,
        )
        self.bus = SimI2cBus(self.clock, byte_s=WIRE_BYTE_S)
        self.bus.add(0x70, self.chip)
        self.sensor = I2cxl(self.bus, self.clock, temperature_c=temperature_c)

    def read(self) -> Answer:
        due_ns = self.clock.now_ns() + round(I2cxl.CYCLE_S * 1e9)
        try:
            (sample,) = self.sensor.read()
            return sample.distance_m
        except HalError as error:
            return type(error).__name__
        finally:
            self.clock.advance_to(due_ns)

    def reads(self, seconds: float) -> list[Answer]:
        return [self.read() for _ in range(round(seconds / I2cxl.CYCLE_S))]


def test_distance_free_way_silence_and_a_stuck_sensor_are_four_different_things() -> None:
    assert Rig().read() == pytest.approx(1.5, abs=RESOLUTION_M)
    assert Rig(distance_m=None).read() is None
    assert Rig(Fault("off", "rangefinder", 0.0)).read() == "NoEcho"
    assert Rig(Fault("stuck", "rangefinder", 0.0)).read() == "EchoStuck"


@given(distance_m=st.floats(0.215, 3.98), temperature_c=st.floats(-20.0, 50.0), start_ns=st.integers(0, 10**17))
def test_every_distance_within_range_is_right_to_its_resolution_in_any_weather(
    distance_m: float, temperature_c: float, start_ns: int
) -> None:
    rig = Rig(distance_m=distance_m, temperature_c=temperature_c, start_ns=start_ns)
    assert rig.read() == pytest.approx(distance_m, abs=RESOLUTION_M)


@pytest.mark.parametrize("distance_m", [None, 4.1, 7.0, 9.0])
def test_free_way_is_none_and_no_error(distance_m: float | None) -> None:
    assert Rig(distance_m=distance_m).reads(2.0) == [None] * 20


@pytest.mark.parametrize(("least_cm", "nearest_m"), [(20, 0.20), (25, 0.25)])
@pytest.mark.parametrize("distance_m", [0.0, 0.001, 0.1, 0.19])
def test_what_is_nearer_than_the_least_reads_as_the_least(least_cm: int, nearest_m: float, distance_m: float) -> None:
    assert Rig(distance_m=distance_m, least_cm=least_cm).read() == pytest.approx(nearest_m, abs=0.001)


def test_sample_carries_the_time_of_the_command_and_the_part() -> None:
    rig = Rig(start_ns=5_000_000_000)
    (sample,) = rig.sensor.read()
    assert sample.t_ns == 5_000_000_000
    assert sample.sensor == "rangefinder"
    assert rig.chip.commands_s == [pytest.approx(0.0, abs=0.001)]
    low = I2cxl(rig.bus, rig.clock, part="low_rangefinder")
    assert low.read()[0].sensor == "low_rangefinder"


@pytest.mark.parametrize("distance_m", [0.2, 1.5, 4.0, None])
def test_measurement_is_told_as_soon_as_it_is_ready(distance_m: float | None) -> None:
    rig = Rig(distance_m=distance_m)
    rig.sensor.read()
    sound_s = 0.0444 if distance_m is None else 2 * distance_m / 345
    assert rig.clock.now_ns() / 1e9 - 0.02 - sound_s <= I2cxl.LOOK_EVERY_S + 0.002


@pytest.mark.parametrize("word", ["ok", "off", "stuck", "garbage", "wrong", "slow", "delayed", "intermittent"])
def test_no_read_lasts_longer_than_a_tenth_of_a_second(word: str) -> None:
    rig = Rig(Fault(word, "rangefinder", 0.0), distance_m=None)
    for _ in range(50):
        from_ns = rig.clock.now_ns()
        with suppress(HalError):
            rig.sensor.read()
        assert rig.clock.now_ns() - from_ns <= 100_000_000


def all_distances(answers: list[Answer]) -> bool:
    return all(answer == pytest.approx(1.5, abs=RESOLUTION_M) for answer in answers)


def only(*names: str) -> Callable[[list[Answer]], bool]:
    return lambda answers: set(answers) == set(names)


def mostly_implausible(answers: list[Answer]) -> bool:
    return answers.count("ImplausibleEcho") >= 0.9 * len(answers)


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
    "slow": only("NoEcho"),
    "delayed": only("BusError"),
    "intermittent": in_spells,
}


@pytest.mark.parametrize("word", REPORTS)
def test_each_failure_bites_when_it_starts_and_is_over_when_it_ends(word: str) -> None:
    rig = Rig(Fault(word, "rangefinder", start_s=1.99, end_s=6.95))
    assert all_distances(rig.reads(1.9))
    rig.clock.sleep(0.1)
    assert REPORTS[word](rig.reads(4.5)), word
    rig.clock.sleep(1.0)
    assert all_distances(rig.reads(2.0))


@pytest.mark.parametrize(
    ("word", "kind", "message"),
    [
        ("off", NoEcho, r"rangefinder at 0x70: did not take the range command; I2C bus 1: no answer at 0x70; check"),
        ("slow", NoEcho, r"no range 9\d ms after the command, expected within 66 ms"),
        ("stuck", EchoStuck, r"answers 1232 within 4 ms of the range command, expected no answer.*something else has"),
        ("wrong", ImplausibleEcho, r"tells 32918 cm, expected 20 to 765 cm; bits were lost.*i2c_arm_baudrate=50000"),
        ("delayed", BusError, r"a transfer took 6\d ms, expected at most 30 ms; something holds SDA or SCL low"),
    ],
)
def test_error_says_what_was_found_and_what_to_check(word: str, kind: type[HalError], message: str) -> None:
    rig = Rig(Fault(word, "rangefinder", 0.0))
    with pytest.raises(kind, match=message):
        rig.sensor.read()


def test_range_of_before_is_never_told_again() -> None:
    rig = Rig(Fault("stuck", "rangefinder", start_s=0.95))
    assert all_distances(rig.reads(0.9))
    rig.distance_m = 0.4
    rig.clock.sleep(0.1)
    assert set(rig.reads(3.0)) == {"EchoStuck"}


def test_sensor_that_loses_its_supply_while_it_measures_does_not_tell_its_part_number_as_a_range() -> None:
    rig = Rig(distance_m=3.5)
    rig.chip.part_info = (300).to_bytes(2, "big")
    rig.clock.call_at(9_000_000, rig.chip.brown_out)
    with pytest.raises(ImplausibleEcho, match=r"tells 300 cm 9 ms after the command, sooner than its sound"):
        rig.sensor.read()


@given(word=st.integers(0, 0xFFFF))
def test_no_word_on_the_bus_becomes_a_distance_that_the_sensor_cannot_tell(word: int) -> None:
    rig = Rig(distance_m=None)
    rig.clock.call_at(60_000_000, lambda: setattr(rig.chip, "told", word.to_bytes(2, "big")))
    answer = rig.read()
    if word < 20 or word > 765:
        assert answer == "ImplausibleEcho"
    else:
        expected_m = word * 58e-6 * 344.7 / 2
        assert answer == (None if word == 765 or expected_m > 4 else pytest.approx(expected_m, abs=0.01))


def test_closed_sensor_closes_its_bus() -> None:
    rig = Rig()
    rig.sensor.close()
    assert rig.read() == "BusError"


@pytest.mark.parametrize("trouble", [HELD_LOW, STRETCHED, ARBITRATION_LOST])
@pytest.mark.parametrize("at_ms", [0, 10])
def test_trouble_of_the_bus_is_no_silence_of_the_sensor(trouble: Trouble, at_ms: int) -> None:
    rig = Rig()
    rig.clock.call_at(at_ms * 1_000_000, lambda: setattr(rig.bus.wires, "trouble", trouble))
    rig.clock.advance_to(0)
    with pytest.raises(BusError) as raised:
        rig.sensor.read()
    assert raised.value.code == trouble.code
    assert rig.clock.now_ns() <= 100_000_000
    rig.bus.wires.trouble = None
    rig.clock.sleep(0.1)
    assert rig.read() == pytest.approx(1.5, abs=RESOLUTION_M)
