"""The simulated LSM6DSOX against its data sheet DS12814, register by register."""

import math
import statistics
import struct

import pytest
from fifo_rig import LSM6DSOX, Bench, check_the_faults_bite, leaning, standing

from hal.samples import Vector
from hal.sim.faults import Fault

PERIOD_S = 64 / 6667
GYRO, ACCEL = 1, 2


def running(bench: Bench, *, accel: int = 0x44, gyro: int = 0x4C, bdr: int = 0x44) -> Bench:
    """At 104 Hz, ±16 g and ±2000 °/s, both sensors into a continuous FIFO."""
    bench.put(0x0A, 0x06)
    bench.put(0x09, bdr)
    bench.put(0x10, accel, gyro)
    return bench


def still(t_s: float) -> tuple[Vector, Vector]:
    return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)


def data(bench: Bench) -> tuple[int, ...]:
    """Accelerometer x, y, z and gyroscope x, y, z."""
    words = struct.unpack("<6h", bench.get(0x22, 12))
    return words[3:] + words[:3]


def count(bench: Bench) -> int:
    low, high = bench.get(0x3A, 2)
    return (high & 3) << 8 | low


def words(bench: Bench) -> list[tuple[int, int, tuple[int, ...]]]:
    """All that the FIFO holds: sensor, slot, axes."""
    entries = struct.iter_unpack("<B3h", bench.get(0x78, 7 * count(bench)))
    return [(tag >> 3, tag >> 1 & 3, tuple(axes)) for tag, *axes in entries]


# Power-on, reset, bursts


def test_at_power_on_both_sensors_are_off() -> None:
    bench = Bench(LSM6DSOX)
    assert bench.get(0x0F) == b"\x6c"
    assert bench.get(0x10, 9) == b"\x00\x00\x04\x00\x00\x00\x00\x00\xe0"
    bench.put(0x0A, 0x06)
    bench.put(0x09, 0x44)
    bench.clock.sleep(1.0)
    assert count(bench) == 0
    assert data(bench) == (0,) * 6


def test_a_reset_ends_by_itself_after_a_while_in_which_writes_are_lost() -> None:
    bench = running(Bench(LSM6DSOX))
    bench.put(0x12, 0x01)
    assert bench.get(0x12) == b"\x05"
    bench.put(0x10, 0x44)
    bench.clock.sleep(0.0001)
    assert bench.get(0x10, 3) == b"\x00\x00\x04"
    assert count(bench) == 0


def test_a_brown_out_turns_both_sensors_off() -> None:
    bench = running(Bench(LSM6DSOX))
    bench.clock.sleep(0.1)
    bench.chip.power_cycle()
    bench.clock.sleep(0.1)
    assert (bench.get(0x10, 2), count(bench), data(bench)) == (b"\x00\x00", 0, (0,) * 6)


def test_its_identity_and_its_measurements_cannot_be_written() -> None:
    bench = Bench(LSM6DSOX)
    for register in (0x0F, 0x1E, 0x28, 0x3A, 0x63, 0x78):
        before = bench.get(register)
        bench.put(register, 0x55)
        assert bench.get(register) == before


def test_bursts_count_up_only_with_if_inc() -> None:
    bench = running(Bench(LSM6DSOX))
    bench.put(0x12, 0x00)
    assert bench.get(0x0F, 3) == b"\x6c\x6c\x6c"
    bench.put(0x10, 0x40, 0x44)
    assert bench.get(0x10) == b"\x44"
    assert bench.get(0x11) == b"\x4c"


@pytest.mark.parametrize("clock_error", [-0.19, -0.03, 0.0, 0.05])
def test_it_tells_its_own_clocks_error(clock_error: float) -> None:
    chip = LSM6DSOX.simulate(Bench(LSM6DSOX).clock, leaning, clock_error=clock_error)
    (fine,) = struct.unpack("b", chip.read(0x63, 1))
    assert 0.0015 * fine == pytest.approx(clock_error, abs=0.00076)


# What it measures


@pytest.mark.parametrize(
    ("ctrl1_xl", "ctrl8_xl", "mg_per_lsb"),
    [
        (0x40, 0x00, 0.061),
        (0x44, 0x00, 0.488),
        (0x48, 0x00, 0.122),
        (0x4C, 0x00, 0.244),
        (0x44, 0x02, 0.061),  # with XL_FS_MODE there is no ±16 g
    ],
)
def test_acceleration_at_every_range(ctrl1_xl: int, ctrl8_xl: int, mg_per_lsb: float) -> None:
    bench = running(Bench(LSM6DSOX), accel=ctrl1_xl)
    bench.put(0x17, ctrl8_xl)
    bench.clock.sleep(0.1)
    expected = [value / 9.80665 * 1000 / mg_per_lsb for value in leaning(0)[0]]
    assert list(data(bench)[:3]) == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize(
    ("ctrl2_g", "mdps_per_lsb"), [(0x42, 4.375), (0x40, 8.75), (0x44, 17.5), (0x48, 35.0), (0x4C, 70.0)]
)
def test_rotation_at_every_range(ctrl2_g: int, mdps_per_lsb: float) -> None:
    bench = running(Bench(LSM6DSOX), gyro=ctrl2_g)
    bench.clock.sleep(0.1)
    expected = [math.degrees(value) * 1000 / mdps_per_lsb for value in leaning(0)[1]]
    assert list(data(bench)[3:]) == pytest.approx(expected, abs=0.5)


def test_what_exceeds_the_range_is_clipped() -> None:
    bench = running(Bench(LSM6DSOX, lambda t_s: ((1e3, -1e3, 0.0), (1e3, -1e3, 0.0))))
    bench.clock.sleep(0.1)
    assert data(bench) == (32767, -32768, 0, 32767, -32768, 0)


@pytest.mark.parametrize("temperature_c", [-40.0, 25.0, 85.0])
def test_its_temperature(temperature_c: float) -> None:
    bench = running(Bench(LSM6DSOX, temperature_c=temperature_c))
    bench.clock.sleep(0.1)
    assert struct.unpack("<h", bench.get(0x20, 2)) == (round((temperature_c - 25) * 256),)


@pytest.mark.parametrize(
    ("ctrl1_xl", "noise_ug", "mg_per_lsb"),
    [(0x40, 70.0, 0.061), (0x48, 75.0, 0.122), (0x4C, 80.0, 0.244), (0x44, 110.0, 0.488)],
)
def test_noise_is_the_data_sheets_at_every_range(ctrl1_xl: int, noise_ug: float, mg_per_lsb: float) -> None:
    bench = running(Bench(LSM6DSOX, still, noise=1.0), accel=ctrl1_xl, gyro=0x42)
    rows = []
    for _ in range(600):
        bench.clock.sleep(PERIOD_S)
        rows.append(data(bench))
    columns = list(zip(*rows, strict=True))
    accel_lsb = noise_ug / 1000 / mg_per_lsb * math.sqrt(52 * math.pi / 2)
    gyro_lsb = 3.8 / 4.375 * math.sqrt(33.3 * math.pi / 2)
    for axis in range(3):
        rounding = 1 / 12  # of whole LSB, a variance
        assert statistics.variance(columns[axis]) == pytest.approx(accel_lsb**2 + rounding, rel=0.25)
        assert statistics.variance(columns[axis + 3]) == pytest.approx(gyro_lsb**2 + rounding, rel=0.25)


@pytest.mark.parametrize("code", range(1, 11))
def test_each_rate_code_doubles_the_rate(code: int) -> None:
    bench = running(Bench(LSM6DSOX), accel=code << 4, gyro=code << 4 | 0x0C, bdr=code << 4 | code)
    rate_hz = 6667 / 2 ** (10 - code)
    bench.clock.sleep(20.5 / rate_hz)
    assert count(bench) == 40


@pytest.mark.parametrize(
    ("accel", "gyro", "bdr", "per_sensor"),
    [
        (0x54, 0x4C, 0x45, {ACCEL: 20, GYRO: 10}),  # the accelerometer twice as fast
        (0x44, 0x5C, 0x54, {ACCEL: 10, GYRO: 20}),
        (0x54, 0x5C, 0x44, {ACCEL: 10, GYRO: 10}),  # both batched at half their rate
        (0x54, 0x0C, 0x55, {ACCEL: 20}),  # the gyroscope off
        (0x54, 0x5C, 0x05, {ACCEL: 20}),  # the gyroscope not batched
    ],
)
def test_each_sensor_is_batched_at_its_own_rate(accel: int, gyro: int, bdr: int, per_sensor: dict[int, int]) -> None:
    bench = running(Bench(LSM6DSOX), accel=accel, gyro=gyro, bdr=bdr)
    bench.clock.sleep(20.5 * PERIOD_S / 2)
    sensors = [sensor for sensor, _, _ in words(bench)]
    assert {sensor: sensors.count(sensor) for sensor in set(sensors)} == per_sensor


@pytest.mark.parametrize(("register", "ready", "other"), [(0x28, 0x01, 0x02), (0x22, 0x02, 0x01)])
def test_reading_a_sensor_makes_its_data_old(register: int, ready: int, other: int) -> None:
    bench = running(Bench(LSM6DSOX))
    assert bench.get(0x1E) == b"\x00"
    bench.clock.sleep(1.5 * PERIOD_S)
    assert bench.get(0x1E) == b"\x03"
    bench.get(register, 6)
    assert bench.get(0x1E) == bytes([other])
    bench.clock.sleep(PERIOD_S)
    assert bench.get(0x1E) == b"\x03"


# The FIFO


def test_both_words_of_a_slot_have_its_number_and_a_parity_bit() -> None:
    bench = running(Bench(LSM6DSOX))
    bench.clock.sleep(8.5 * PERIOD_S)
    tags = bench.get(0x78, 7 * count(bench))[::7]
    assert all(tag.bit_count() % 2 == 0 for tag in tags)
    assert [(tag >> 3, tag >> 1 & 3) for tag in tags] == [(sensor, i % 4) for i in range(8) for sensor in (GYRO, ACCEL)]


def test_a_word_leaves_the_fifo_with_its_last_byte() -> None:
    bench = running(Bench(LSM6DSOX))
    bench.clock.sleep(2.5 * PERIOD_S)
    first = bench.get(0x78, 6)
    assert count(bench) == 4
    assert bench.get(0x78, 7)[:6] == first
    assert count(bench) == 3


def test_an_empty_fifo_has_no_tag() -> None:
    bench = running(Bench(LSM6DSOX))
    assert bench.get(0x78, 7) == bytes(7)


def test_a_continuous_fifo_drops_its_oldest_word_and_says_so_once() -> None:
    bench = running(Bench(LSM6DSOX))
    bench.clock.sleep(256.5 * PERIOD_S)
    assert bench.get(0x3A, 2) == b"\x00\x62", "full, and nothing lost"
    bench.clock.sleep(PERIOD_S)
    assert bench.get(0x3A, 2) == b"\x00\x6a"
    assert bench.get(0x3B) == b"\x62"
    assert words(bench)[0][:2] == (GYRO, 1)


def test_in_fifo_mode_the_newest_are_dropped() -> None:
    bench = running(Bench(LSM6DSOX))
    bench.put(0x0A, 0x00)
    bench.put(0x0A, 0x01)
    bench.clock.sleep(20.0)
    slots = [slot for _, slot, _ in words(bench)]
    assert slots == [i // 2 % 4 for i in range(512)]


def test_bypass_empties_it() -> None:
    bench = running(Bench(LSM6DSOX))
    bench.clock.sleep(0.1)
    bench.put(0x0A, 0x00)
    assert count(bench) == 0
    bench.clock.sleep(0.1)
    assert count(bench) == 0


# Self-test and faults


@pytest.mark.parametrize(("ctrl5_c", "sign"), [(0x01, 1), (0x02, -1), (0x00, 0), (0x03, 0)])
def test_the_accelerometers_self_test_pushes_by_so_many_mg_at_any_range(ctrl5_c: int, sign: int) -> None:
    for accel, mg_per_lsb in ((0x40, 0.061), (0x44, 0.488)):
        bench = running(Bench(LSM6DSOX, still), accel=accel)
        bench.put(0x14, ctrl5_c)
        bench.clock.sleep(0.1)
        pushes = [word * mg_per_lsb for word in data(bench)[:3]]
        assert pushes == pytest.approx([400 * sign, 450 * sign, 500 * sign], abs=0.3)
        assert data(bench)[3:] == (0, 0, 0)


@pytest.mark.parametrize(("ctrl5_c", "sign"), [(0x04, 1), (0x0C, -1), (0x00, 0), (0x08, 0)])
def test_the_gyroscopes_self_test_pushes_less_at_250_dps(ctrl5_c: int, sign: int) -> None:
    for gyro, mdps_per_lsb, dps in ((0x4C, 70.0, (300, -280, 320)), (0x40, 8.75, (45, -40, 50))):
        bench = running(Bench(LSM6DSOX, still), gyro=gyro)
        bench.put(0x14, ctrl5_c)
        bench.clock.sleep(0.1)
        pushes = [word * mdps_per_lsb / 1000 for word in data(bench)[3:]]
        assert pushes == pytest.approx([value * sign for value in dps], abs=0.04)
        assert data(bench)[:3] == (0, 0, 0)


def test_off_intermittent_garbage_and_delayed_bite_and_end() -> None:
    check_the_faults_bite(lambda fault: Bench(LSM6DSOX, fault=fault), 0x6C, 0x0F)


def test_wrong_loses_the_ranges_and_takes_no_other() -> None:
    bench = running(Bench(LSM6DSOX, standing, fault=Fault("wrong", "imu", 1.0, 2.0)))
    bench.clock.sleep(0.9)
    assert data(bench)[2] == round(1000 / 0.488)
    bench.clock.sleep(0.5)
    bench.put(0x10, 0x44)
    bench.clock.sleep(0.1)
    assert data(bench)[2] == round(1000 / 0.061)
    bench.clock.sleep(1.0)
    assert data(bench)[2] == round(1000 / 0.061), "until they are written again"
    bench.put(0x10, 0x44)
    bench.clock.sleep(0.1)
    assert data(bench)[2] == round(1000 / 0.488)


def test_stuck_gives_the_same_words_for_ever_even_after_a_reset() -> None:
    bench = running(Bench(LSM6DSOX, noise=1.0, fault=Fault("stuck", "imu", 1.0)))
    bench.clock.sleep(1.1)
    before = data(bench)
    bench.put(0x12, 0x01)
    bench.clock.sleep(0.1)
    running(bench)
    bench.clock.sleep(0.1)
    assert {axes for sensor, _, axes in words(bench) if sensor == ACCEL} == {before[:3]}


def test_slow_samples_at_a_tenth_of_its_rate() -> None:
    bench = running(Bench(LSM6DSOX, fault=Fault("slow", "imu", 1.0)))
    bench.clock.sleep(1.0)
    words(bench)
    bench.clock.sleep(1.0)
    assert len(words(bench)) == pytest.approx(2 * 10.4, abs=2)


def test_the_same_seed_gives_the_same_noise() -> None:
    first, again, other = (running(Bench(LSM6DSOX, noise=1.0, seed=seed)) for seed in (1, 1, 2))
    for bench in (first, again, other):
        bench.clock.sleep(0.3)
    assert words(first) == words(again)
    bench = running(Bench(LSM6DSOX, noise=1.0, seed=1))
    bench.clock.sleep(0.3)
    assert words(bench) != words(other)
