"""The simulated BNO055 against its data sheet, without a driver in between."""

import itertools
import math
import statistics
import struct

import pytest

from hal.errors import BusError
from hal.imu.mounting import Mounting
from hal.samples import Vector
from hal.sim.chips.bno055 import SimBno055
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.i2c import SimI2cBus

G0_MPS2 = 9.80665
READINGS = struct.Struct("<3h6x3h")


def standing(t_s: float) -> tuple[Vector, Vector]:
    return (0.0, 0.0, G0_MPS2), (0.0, 0.0, 0.0)


class Bench:
    """A chip on a bus, and a few words to talk to it."""

    def __init__(self, motion=standing, **options) -> None:  # type: ignore[no-untyped-def]
        self.clock = SimClock()
        self.chip = SimBno055(self.clock, motion, **{"clock_error": 0.0, **options})
        self.bus = SimI2cBus(self.clock)
        self.bus.add(0x28, self.chip)

    def get(self, register: int, count: int = 1) -> bytes:
        return self.bus.read(0x28, register, count)

    def put(self, register: int, value: int) -> None:
        self.bus.write(0x28, register, bytes([value]))

    def run(self, *, acc: int = 0x0F, gyr: int = 0x18) -> None:
        """Into ACCGYRO mode with these settings."""
        for register, value in ((0x07, 1), (0x08, acc), (0x0A, gyr), (0x07, 0), (0x3B, 0), (0x3D, 0x05)):
            self.put(register, value)
        self.clock.sleep(0.007)

    def words(self) -> tuple[int, ...]:
        return READINGS.unpack(self.get(0x08, 18))


def test_it_says_who_it_is_and_waits_in_config_mode_with_its_default_settings() -> None:
    bench = Bench()
    assert bench.get(0x00, 4) == b"\xa0\xfb\x32\x0f"
    assert bench.get(0x3D)[0] & 0x0F == 0
    assert bench.get(0x36) == b"\x0f"
    assert bench.get(0x3B) == b"\x80"
    bench.put(0x07, 1)
    assert (bench.get(0x08), bench.get(0x0A)) == (b"\x0d", b"\x38")


def test_in_config_mode_it_reads_zero() -> None:
    bench = Bench()
    bench.clock.sleep(1.0)
    assert bench.words() == (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("how", ["SYS_TRIGGER", "power"])
def test_after_a_reset_it_is_silent_for_650_ms_and_has_lost_everything(how: str) -> None:
    bench = Bench()
    bench.run()
    if how == "power":
        bench.chip.power_cycle()
    else:
        with pytest.raises(BusError, match="no answer"):
            bench.put(0x3F, 0x20)
    for _ in range(64):
        bench.clock.sleep(0.01)
        with pytest.raises(BusError, match="no answer"):
            bench.get(0x00)
    bench.clock.sleep(0.01)
    assert bench.get(0x00) == b"\xa0"
    assert bench.get(0x3D)[0] & 0x0F == 0
    assert bench.words() == (0, 0, 0, 0, 0, 0)


def test_some_come_back_from_a_reset_only_when_their_power_was_off() -> None:
    bench = Bench(dies_of_reset=True)
    with pytest.raises(BusError, match="no answer"):
        bench.put(0x3F, 0x20)
    bench.clock.sleep(3600.0)
    with pytest.raises(BusError, match="no answer"):
        bench.get(0x00)
    bench.chip.power_cycle()
    bench.clock.sleep(0.65)
    assert bench.get(0x00) == b"\xa0"


def test_a_mode_takes_its_time_to_begin() -> None:
    bench = Bench()
    bench.put(0x3D, 0x05)
    bench.clock.sleep(0.0069 + 0.008)  # and one period of the accelerometer at 62.5 Hz
    assert bench.words()[2] == 0
    bench.clock.sleep(0.0002)
    assert bench.words()[2] == pytest.approx(981, abs=10)
    bench.put(0x3D, 0x00)
    bench.clock.sleep(0.018)
    bench.put(0x3B, 0x01)
    assert bench.get(0x3B) == b"\x80"
    bench.clock.sleep(0.001)
    bench.put(0x3B, 0x01)
    assert bench.get(0x3B) == b"\x01"


def test_settings_are_taken_in_config_mode_only() -> None:
    bench = Bench()
    bench.run()
    bench.put(0x3B, 0x01)
    bench.put(0x07, 1)
    bench.put(0x08, 0x00)
    assert bench.get(0x08) == b"\x0f"
    bench.put(0x07, 0)
    assert bench.get(0x3B) == b"\x00"


def test_what_can_only_be_read_keeps_its_value() -> None:
    bench = Bench()
    for register in (0x00, 0x01, 0x08, 0x14, 0x34, 0x36, 0x39, 0x3A):
        before = bench.get(register)
        bench.put(register, 0x5A)
        assert bench.get(register) == before


@pytest.mark.parametrize(("bandwidth", "period_s"), [(2, 0.016), (3, 0.008), (4, 0.004), (5, 0.002)])
def test_readings_are_renewed_at_twice_the_bandwidth_and_stay_until_then(bandwidth: int, period_s: float) -> None:
    bench = Bench(lambda t_s: ((10 * t_s, 0.0, G0_MPS2), (0.0, 0.0, 0.0)), noise=0.0)
    bench.run(acc=bandwidth << 2 | 3)
    seen = []
    for _ in range(4000):
        bench.clock.sleep(0.0001)
        seen.append(bench.words()[0])
    assert len([1 for a, b in itertools.pairwise(seen) if a != b]) == pytest.approx(0.4 / period_s, abs=2)


def test_its_clock_is_not_the_hosts() -> None:
    def changes(clock_error: float) -> int:
        bench = Bench(lambda t_s: ((10 * t_s, 0.0, G0_MPS2), (0.0, 0.0, 0.0)), clock_error=clock_error, noise=0.0)
        bench.run()
        seen = []
        for _ in range(2000):
            bench.clock.sleep(0.001)
            seen.append(bench.words()[0])
        return len([1 for a, b in itertools.pairwise(seen) if a != b])

    assert changes(0.0) == pytest.approx(250, abs=1)
    assert changes(0.04) == pytest.approx(260, abs=1)


def test_the_unit_is_a_hundredth_of_a_metre_per_square_second_in_every_range_and_the_range_clips() -> None:
    for bits, range_g in enumerate((2, 4, 8, 16)):
        bench = Bench(lambda t_s: ((12.34, -300.0, 300.0), (0.0, 0.0, 0.0)), noise=0.0)
        bench.run(acc=3 << 2 | bits)
        bench.clock.sleep(0.02)
        x, y, z = bench.words()[:3]
        assert x == pytest.approx(1234, abs=1 + range_g * G0_MPS2 * 100 / 8192)
        assert y == -round(range_g * G0_MPS2 * 100)
        assert z == pytest.approx(range_g * G0_MPS2 * 100, abs=3)


def test_its_accelerometer_has_14_bits() -> None:
    bench = Bench(lambda t_s: ((t_s, 0.0, G0_MPS2), (0.0, 0.0, 0.0)), noise=0.0)
    bench.run(acc=7 << 2 | 3)
    seen = set()
    for _ in range(1000):
        bench.clock.sleep(0.001)
        seen.add(bench.words()[0])
    assert len(seen) == pytest.approx(1.0 / (16 * G0_MPS2 / 8192), abs=3)


def test_the_gyroscope_gives_16_lsb_per_degree_a_second_and_clips_at_its_range() -> None:
    rates = (math.radians(100), math.radians(-3000), math.radians(3000))
    for bits, range_dps in ((0, 2000), (1, 1000)):
        bench = Bench(lambda t_s: ((0.0, 0.0, G0_MPS2), rates), noise=0.0)
        bench.run(gyr=3 << 3 | bits)
        bench.clock.sleep(0.02)
        assert bench.words()[3:] == (1600, -16 * range_dps, 16 * range_dps)


def test_the_sensor_axes_are_those_of_the_mounting() -> None:
    bench = Bench(mounting=Mounting("-z", "-x", "+y"), noise=0.0)
    bench.run()
    bench.clock.sleep(0.02)
    assert bench.words()[:3] == (0, 981, 0)


def test_its_noise_is_that_of_the_data_sheet_and_the_same_seed_gives_the_same_bytes() -> None:
    def run(seed: int) -> list[tuple[int, ...]]:
        bench = Bench(seed=seed)
        bench.run()
        seen = []
        for _ in range(1000):
            bench.clock.sleep(0.008)
            seen.append(bench.words())
        return seen

    words = run(1)
    assert statistics.stdev(w[0] for w in words) == pytest.approx(
        150e-6 * G0_MPS2 * 100 * math.sqrt(62.5 * math.pi / 2), rel=0.15
    )
    assert statistics.stdev(w[3] for w in words) == pytest.approx(0.014 * 16 * math.sqrt(47 * math.pi / 2), rel=0.1)
    assert run(1) == words
    assert run(2) != words


@pytest.mark.parametrize(("broken", "result"), [((), 0x0F), ((1,), 0x0E), ((4,), 0x0B), ((0, 5), 0x0A)])
def test_the_self_test_is_asked_for_in_config_mode_and_takes_its_time(broken: tuple[int, ...], result: int) -> None:
    bench = Bench(broken_axes=broken)
    bench.put(0x3F, 0x01)
    assert bench.get(0x39) == b"\x04"
    bench.clock.sleep(0.39)
    assert bench.get(0x39) == b"\x04"
    bench.clock.sleep(0.02)
    assert (bench.get(0x39), bench.get(0x36)) == (b"\x00", bytes([result]))


def test_no_self_test_begins_while_it_measures() -> None:
    bench = Bench()
    bench.run()
    bench.put(0x3F, 0x01)
    assert bench.get(0x39) == b"\x06"


def test_temperature_is_a_signed_byte_in_degrees() -> None:
    assert Bench(temperature_c=-5.0).get(0x34) == b"\xfb"
    assert Bench(temperature_c=41.2).get(0x34) == b"\x29"


def failing(word: str, start_s: float = 1.0, end_s: float = math.inf) -> Bench:
    bench = Bench(fault=Fault(word, "imu", start_s, end_s))
    bench.run()
    bench.clock.advance_to(950_000_000)
    return bench


@pytest.mark.parametrize("word", ["off", "intermittent"])
def test_off_and_intermittent_do_not_answer(word: str) -> None:
    bench = failing(word, 1.0, 3.0)
    answers = []
    for _ in range(150):
        bench.clock.sleep(0.02)
        try:
            answers.append((bench.clock.now_ns() / 1e9, bench.get(0x00) == b"\xa0"))
        except BusError:
            answers.append((bench.clock.now_ns() / 1e9, False))
    assert all(answer for t_s, answer in answers if not 1 <= t_s < 3)
    during = [answer for t_s, answer in answers if 1 <= t_s < 3]
    assert not any(during) if word == "off" else 0.3 < statistics.mean(during) < 0.9


def test_stuck_gives_the_same_reading_for_ever() -> None:
    bench = failing("stuck")
    seen = []
    for _ in range(100):
        bench.clock.sleep(0.01)
        seen.append(bench.words())
    assert len(set(seen[:5])) > 3
    assert len(set(seen[6:])) == 1


def test_garbage_is_random_bytes() -> None:
    bench = failing("garbage")
    bench.clock.advance_to(1_100_000_000)
    assert len(set(bench.get(0x00, 120))) > 60


def test_wrong_puts_it_back_into_config_mode_and_keeps_it_there() -> None:
    bench = failing("wrong")
    bench.clock.advance_to(1_100_000_000)
    assert bench.get(0x3D)[0] & 0x0F == 0
    assert bench.words() == (0, 0, 0, 0, 0, 0)
    bench.put(0x3D, 0x05)
    bench.clock.sleep(0.1)
    assert bench.get(0x3D)[0] & 0x0F == 0


def test_slow_renews_its_readings_a_tenth_as_often_and_delayed_takes_a_fifth_of_a_second() -> None:
    bench = failing("slow")
    bench.clock.advance_to(1_000_000_000)
    seen = []
    for _ in range(1000):
        bench.clock.sleep(0.001)
        seen.append(bench.words())
    assert len([1 for a, b in itertools.pairwise(seen) if a != b]) == pytest.approx(12, abs=2)
    bench = failing("delayed")
    bench.clock.advance_to(1_000_000_000)
    bench.get(0x00)
    assert bench.clock.now_ns() == 1_200_000_000
