"""The simulated ICM-20948 against its data sheet DS-000189, register by register."""

import math
import statistics
import struct

import pytest
from fifo_rig import ICM20948, Bench, check_the_faults_bite, leaning, standing

from hal.samples import Vector
from hal.sim.faults import Fault

ACCEL_CONFIGS = [(0x19 | code << 1, lsb_per_g) for code, lsb_per_g in enumerate((16384, 8192, 4096, 2048))]
GYRO_CONFIGS = [(0x19 | code << 1, lsb_per_dps) for code, lsb_per_dps in enumerate((131, 65.5, 32.8, 16.4))]


def awake(bench: Bench, *, accel: int = 0x1F, gyro: int = 0x1F, divider: int = 10, fifo: int = 0x1E) -> Bench:
    """At 102 Hz, ±16 g and ±2000 °/s, both sensors into the FIFO, bank 0."""
    bench.put(0x06, 0x01)
    bench.put(0x7F, 0x20)
    bench.put(0x00, divider)
    bench.put(0x01, gyro)
    bench.put(0x11, divider)
    bench.put(0x14, accel)
    bench.put(0x7F, 0x00)
    bench.put(0x67, fifo)
    bench.put(0x03, 0x40)
    return bench


def count(bench: Bench) -> int:
    return int.from_bytes(bench.get(0x70, 2), "big")


def data(bench: Bench) -> tuple[int, ...]:
    return struct.unpack(">7h", bench.get(0x2D, 14))


def still(t_s: float) -> tuple[Vector, Vector]:
    return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)


# Power-on, reset, banks


def test_at_power_on_it_sleeps_at_its_smallest_ranges() -> None:
    bench = Bench(ICM20948)
    assert bench.get(0x00) == b"\xea"
    assert bench.get(0x06) == b"\x41"
    bench.put(0x03, 0x40)
    bench.put(0x67, 0x1E)
    bench.clock.sleep(1.0)
    assert count(bench) == 0
    assert data(bench) == (0,) * 7
    bench.put(0x7F, 0x20)
    assert (bench.get(0x00), bench.get(0x01), bench.get(0x14)) == (b"\x00", b"\x01", b"\x01")


def test_the_same_address_is_another_register_in_each_bank() -> None:
    bench = Bench(ICM20948)
    for bank in (1, 2, 3):
        bench.put(0x7F, bank << 4)
        assert bench.get(0x7F) == bytes([bank << 4])
        bench.put(0x05, 0x80 + bank)
    for bank in (1, 2, 3):
        bench.put(0x7F, bank << 4)
        assert bench.get(0x05) == bytes([0x80 + bank])
    bench.put(0x7F, 0)
    assert bench.get(0x05) == b"\x40"


def test_a_reset_takes_a_while_in_which_writes_are_lost_and_leaves_it_asleep_in_bank_0() -> None:
    bench = awake(Bench(ICM20948))
    bench.put(0x06, 0x81)
    bench.put(0x06, 0x01)
    assert bench.get(0x06) == b"\x41", "nobody listened"
    bench.clock.sleep(0.05)
    bench.put(0x06, 0x01)
    assert bench.get(0x06) == b"\x01"
    assert bench.get(0x67) == b"\x00"


def test_a_brown_out_leaves_it_as_at_power_on_whatever_the_bank() -> None:
    bench = awake(Bench(ICM20948))
    bench.put(0x7F, 0x20)
    bench.chip.power_cycle()
    assert bench.get(0x00) == b"\xea"
    assert bench.get(0x06) == b"\x41"


def test_its_identity_and_its_measurements_cannot_be_written() -> None:
    bench = Bench(ICM20948)
    for register in (0x00, 0x1B, 0x2D, 0x70):
        before = bench.get(register)
        bench.put(register, 0x55)
        assert bench.get(register) == before


# What it measures


@pytest.mark.parametrize(("config", "lsb_per_g"), ACCEL_CONFIGS)
def test_acceleration_at_every_range(config: int, lsb_per_g: float) -> None:
    bench = awake(Bench(ICM20948), accel=config)
    bench.clock.sleep(0.1)
    expected = [value / 9.80665 * lsb_per_g for value in leaning(0)[0]]
    assert list(data(bench)[:3]) == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize(("config", "lsb_per_dps"), GYRO_CONFIGS)
def test_rotation_at_every_range(config: int, lsb_per_dps: float) -> None:
    bench = awake(Bench(ICM20948), gyro=config)
    bench.clock.sleep(0.1)
    expected = [math.degrees(value) * lsb_per_dps for value in leaning(0)[1]]
    assert list(data(bench)[3:6]) == pytest.approx(expected, abs=0.5)


def test_what_exceeds_the_range_is_clipped() -> None:
    bench = awake(Bench(ICM20948, lambda t_s: ((1e3, -1e3, 0.0), (1e3, -1e3, 0.0))))
    bench.clock.sleep(0.1)
    assert data(bench)[:6] == (32767, -32768, 0, 32767, -32768, 0)


@pytest.mark.parametrize("temperature_c", [-40.0, 21.0, 85.0])
def test_its_temperature(temperature_c: float) -> None:
    bench = awake(Bench(ICM20948, temperature_c=temperature_c))
    bench.clock.sleep(0.1)
    assert data(bench)[6] == round((temperature_c - 21) * 333.87)


@pytest.mark.parametrize(
    ("dlpf", "accel_noise_hz", "gyro_noise_hz"),
    [(1, 265.0, 187.6), (2, 136.0, 154.3), (3, 68.8, 73.3), (4, 34.4, 35.9), (5, 17.0, 17.8), (6, 8.3, 8.9)],
)
def test_noise_is_the_data_sheets_behind_every_filter(dlpf: int, accel_noise_hz: float, gyro_noise_hz: float) -> None:
    bench = awake(Bench(ICM20948, still, noise=1.0), accel=0x01 | dlpf << 3, gyro=0x01 | dlpf << 3, divider=0)
    rows = []
    for _ in range(900):
        bench.clock.sleep(0.001)
        rows.append(data(bench))
    columns = list(zip(*rows, strict=True))
    for axis in range(3):
        assert statistics.stdev(columns[axis]) == pytest.approx(230e-6 * 16384 * accel_noise_hz**0.5, rel=0.12)
        assert statistics.stdev(columns[axis + 3]) == pytest.approx(0.015 * 131 * gyro_noise_hz**0.5, rel=0.12)


@pytest.mark.parametrize(("gyro", "accel_ms", "gyro_ms"), [(0x1F, 4.32, 4.89), (0x37, 4.32, 29.70)])
def test_each_filter_holds_its_own_sensor_back(gyro: int, accel_ms: float, gyro_ms: float) -> None:
    bench = awake(Bench(ICM20948, lambda t_s: ((10 * t_s, 0.0, 0.0), (10 * t_s, 0.0, 0.0))), gyro=gyro, divider=224)
    bench.clock.sleep(1.0)  # to the very moment of a sample, one in 0.2 s
    words = data(bench)
    assert 1000 * (1 - words[0] / 2048 * 9.80665 / 10) == pytest.approx(accel_ms, abs=0.3)
    assert 1000 * (1 - math.radians(words[3] / 16.4) / 10) == pytest.approx(gyro_ms, abs=0.1)


@pytest.mark.parametrize(("divider", "rate_hz"), [(0, 1125.0), (4, 225.0), (10, 1125 / 11), (255, 1125 / 256)])
def test_the_divider_sets_the_rate(divider: int, rate_hz: float) -> None:
    bench = awake(Bench(ICM20948), divider=divider)
    samples = 0
    for _ in range(2000):
        bench.clock.sleep(0.001)
        samples += count(bench) // 12
        bench.get(0x72, count(bench) or 1)
    assert samples == pytest.approx(2 * rate_hz, abs=1)


def test_without_its_filter_the_gyroscope_makes_9000_samples_a_second() -> None:
    bench = awake(Bench(ICM20948), gyro=0x06)
    bench.clock.sleep(0.004)
    assert count(bench) == 36 * 12


# The FIFO


@pytest.mark.parametrize(
    ("enabled", "parts"),
    [(0x10, [0, 1, 2]), (0x02, [3]), (0x04, [4]), (0x08, [5]), (0x01, [6]), (0x1E, range(6)), (0x1F, range(7))],
)
def test_the_fifo_takes_what_is_enabled_in_the_order_of_the_registers(enabled: int, parts: list[int]) -> None:
    bench = awake(Bench(ICM20948, standing), fifo=enabled)
    bench.clock.sleep(0.015)
    frame = bench.get(0x72, count(bench))
    assert frame == b"".join(struct.pack(">h", data(bench)[part]) for part in parts)


def test_a_stream_drops_its_oldest_bytes_and_says_so_once() -> None:
    bench = awake(Bench(ICM20948))
    bench.clock.sleep(42.5 * 11 / 1125)
    assert (count(bench), bench.get(0x1B)) == (504, b"\x00")
    bench.clock.sleep(11 / 1125)
    assert (count(bench), bench.get(0x1B), bench.get(0x1B)) == (512, b"\x01", b"\x00")
    assert bench.get(0x72, 8) == struct.pack(">7h", *data(bench))[4:12], "the first frame lost its first four bytes"


def test_a_snapshot_drops_its_newest_bytes() -> None:
    bench = awake(Bench(ICM20948, lambda t_s: ((10 * t_s, 0.0, 0.0), (0.0, 0.0, 0.0))))
    bench.put(0x69, 0x01)
    bench.clock.sleep(1.0)
    assert count(bench) == 512
    words = struct.unpack(">256h", bench.get(0x72, 512))
    assert words[0] < words[6] < words[246] < 0.45 * 10 / 9.80665 * 2048
    assert bench.get(0x1B) == b"\x01"


def test_a_fifo_reset_holds_until_it_is_taken_back() -> None:
    bench = awake(Bench(ICM20948))
    bench.clock.sleep(0.1)
    bench.put(0x68, 0x1F)
    bench.clock.sleep(0.1)
    assert count(bench) == 0
    bench.put(0x68, 0x00)
    bench.clock.sleep(0.1)
    assert count(bench) == pytest.approx(120, abs=12)


def test_the_low_byte_of_the_count_belongs_to_the_high_byte_that_was_read() -> None:
    bench = awake(Bench(ICM20948))
    bench.clock.sleep(0.105)
    assert bench.get(0x70) == b"\x00"
    bench.clock.sleep(0.2)
    assert bench.get(0x71) == b"\x78", "ten frames, as they were then"


def test_an_empty_fifo_gives_its_last_byte_again() -> None:
    bench = awake(Bench(ICM20948))
    bench.clock.sleep(0.015)
    frame = bench.get(0x72, 12)
    assert bench.get(0x72, 3) == frame[-1:] * 3


def test_a_fifo_that_is_off_stays_empty() -> None:
    bench = awake(Bench(ICM20948))
    bench.put(0x03, 0x0E)
    assert bench.get(0x03) == b"\x00", "reset bits clear themselves"
    bench.clock.sleep(0.1)
    assert count(bench) == 0


# Self-test and faults


@pytest.mark.parametrize("axis", range(6))
def test_each_axis_answers_its_own_self_test_bit(axis: int) -> None:
    bench = awake(Bench(ICM20948, still), accel=0x39, gyro=0x01)
    register, bit = (0x15, 0x10 >> axis) if axis < 3 else (0x02, 0x20 >> axis - 3)
    bench.put(0x7F, 0x10)
    codes = [*bench.get(0x0E, 3), *bench.get(0x02, 3)]
    bench.put(0x7F, 0x20)
    bench.put(register, bit)
    bench.put(0x7F, 0x00)
    bench.clock.sleep(0.1)
    expected = [0] * 6
    expected[axis] = round(2620 * 1.01 ** (codes[axis] - 1))
    assert list(data(bench)[:6]) == expected


def test_a_broken_axis_does_not_answer() -> None:
    bench = awake(Bench(ICM20948, still, broken_axes=[1]), accel=0x39)
    bench.put(0x7F, 0x20)
    bench.put(0x15, 0x1C)
    bench.put(0x7F, 0x00)
    bench.clock.sleep(0.1)
    assert [word > 2000 for word in data(bench)[:3]] == [True, False, True]


def test_off_intermittent_garbage_and_delayed_bite_and_end() -> None:
    check_the_faults_bite(lambda fault: Bench(ICM20948, fault=fault), 0xEA, 0x00)


def test_wrong_loses_the_ranges_and_takes_no_other() -> None:
    bench = awake(Bench(ICM20948, standing, fault=Fault("wrong", "imu", 1.0, 2.0)))
    bench.clock.sleep(0.9)
    assert data(bench)[2] == 2048
    bench.clock.sleep(0.5)
    assert data(bench)[2] == 16384
    bench.clock.sleep(1.0)
    assert data(bench)[2] == 16384, "until they are written again"
    awake(bench)
    bench.clock.sleep(0.1)
    assert data(bench)[2] == 2048


def test_stuck_gives_the_same_words_for_ever_even_after_a_reset() -> None:
    bench = awake(Bench(ICM20948, noise=1.0, fault=Fault("stuck", "imu", 1.0)))
    bench.clock.sleep(1.1)
    words = data(bench)
    bench.put(0x06, 0x80)
    bench.clock.sleep(0.1)
    awake(bench)
    bench.clock.sleep(0.1)
    assert data(bench) == words


def test_slow_samples_at_a_tenth_of_its_rate() -> None:
    bench = awake(Bench(ICM20948, fault=Fault("slow", "imu", 1.0)))
    bench.clock.sleep(1.0)
    bench.get(0x72, count(bench))
    bench.clock.sleep(1.0)
    assert count(bench) == pytest.approx(10 * 12, abs=12)


def test_the_same_seed_gives_the_same_noise() -> None:
    first, again, other = (awake(Bench(ICM20948, noise=1.0, seed=seed)) for seed in (1, 1, 2))
    for bench in (first, again, other):
        bench.clock.sleep(0.3)
    assert first.get(0x72, 240) == again.get(0x72, 240) != other.get(0x72, 240)
