"""The simulated MPU-6050 against its register map, without a driver in between."""

import itertools
import math
import statistics
import struct

import pytest
from mpu_bench import ACCEL_GYRO_FRAME, G0_MPS2, Bench, standing

from hal.errors import BusError
from hal.imu.mounting import Mounting
from hal.samples import Vector
from hal.sim.faults import Fault


def test_at_power_on_it_sleeps_says_who_it_is_and_what_the_factory_noted_and_everything_else_is_zero() -> None:
    bench = Bench()
    registers = bench.get(0x00, 0x72)
    assert {number for number, value in enumerate(registers) if value} == {0x0D, 0x0E, 0x0F, 0x10, 0x6B}
    assert registers[0x6B] == 0x40
    assert bench.get(0x75) == b"\x68"


def test_asleep_it_answers_but_samples_nothing() -> None:
    bench = Bench()
    bench.put(0x23, 0x78)
    bench.put(0x6A, 0x40)
    bench.clock.sleep(1.0)
    assert bench.count() == 0
    assert bench.get(0x3B, 14) == bytes(14)


def test_awake_it_samples_as_often_as_divider_and_filter_say() -> None:
    bench = Bench()
    bench.wake(divider=9)
    bench.clock.sleep(0.5)
    assert bench.count() == 50 * 12
    bench.put(0x6A, 0x04)
    bench.put(0x6A, 0x40)
    bench.put(0x1A, 0)  # low-pass filter off: 8 kHz instead of 1 kHz
    bench.clock.sleep(0.05)
    assert bench.count() == 40 * 12


def test_its_clock_is_not_the_hosts() -> None:
    bench = Bench(clock_error=0.04)
    bench.wake(divider=19)
    bench.clock.sleep(1.005)
    assert bench.count() == 52 * 12


def test_at_its_power_on_ranges_it_clips_an_impact_and_at_16_g_it_does_not() -> None:
    def impact(t_s: float) -> tuple[Vector, Vector]:
        return (0.0, -6 * G0_MPS2, 5 * G0_MPS2), (math.radians(1000), 0.0, -math.radians(1000))

    clipped, whole = Bench(impact), Bench(impact)
    clipped.wake(accel=0, gyro=0)
    whole.wake()
    for bench in (clipped, whole):
        bench.clock.sleep(0.1)
    assert clipped.frames()[-1][1:4] == (-32768, 32767, 32767)
    assert clipped.frames() == []
    words = whole.frames()[-1]
    assert words[1:4] == pytest.approx((-6 * 2048, 5 * 2048, 16400), abs=40)


def test_the_sensor_axes_are_those_of_the_mounting() -> None:
    bench = Bench(mounting=Mounting("-z", "-x", "+y"))
    bench.wake()
    bench.clock.sleep(0.1)
    assert bench.frames()[-1][:3] == pytest.approx((0, 2048, 0), abs=40)


def test_data_registers_hold_accelerometer_temperature_and_gyroscope_of_the_last_sample() -> None:
    bench = Bench()
    bench.wake()
    bench.clock.sleep(0.1)
    words = struct.unpack(">7h", bench.get(0x3B, 14))
    assert (*words[:3], *words[4:]) == bench.frames()[-1]
    assert words[3] / 340 + 36.53 == pytest.approx(25, abs=0.01)


def test_temperature_joins_the_frame_where_the_fifo_is_told_so() -> None:
    bench = Bench()
    bench.wake()
    bench.put(0x23, 0xF8)
    bench.clock.sleep(0.1)
    assert bench.count() == 10 * 14
    frame = bench.get(0x74, 14)
    assert struct.unpack(">7h", frame)[3] / 340 + 36.53 == pytest.approx(25, abs=0.01)


def test_a_full_fifo_loses_its_oldest_bytes_and_with_them_its_alignment() -> None:
    bench = Bench()
    bench.wake()
    bench.clock.sleep(0.85)
    assert bench.count() == 85 * 12
    assert bench.get(0x3A)[0] & 0x10 == 0
    bench.clock.sleep(0.01)
    assert bench.count() == 1024
    assert bench.get(0x3A)[0] & 0x10
    misaligned = bench.get(0x74, 1024)
    assert ACCEL_GYRO_FRAME.unpack(misaligned[:12])[2] != pytest.approx(2048, abs=200)
    assert ACCEL_GYRO_FRAME.unpack(misaligned[-12:])[2] == pytest.approx(2048, abs=40)


def test_a_fifo_left_alone_for_an_hour_costs_no_more_than_its_size() -> None:
    calls = 0

    def counted(t_s: float) -> tuple[Vector, Vector]:
        nonlocal calls
        calls += 1
        return standing(t_s)

    bench = Bench(counted)
    bench.wake()
    bench.clock.sleep(3600)
    assert bench.count() == 1024
    assert bench.get(0x3A)[0] & 0x10
    assert calls < 200


def test_motion_is_looked_at_once_a_sample_and_not_once_a_read() -> None:
    calls = 0

    def counted(t_s: float) -> tuple[Vector, Vector]:
        nonlocal calls
        calls += 1
        return standing(t_s)

    bench = Bench(counted)
    bench.wake()
    for _ in range(1000):
        bench.clock.sleep(0.001)
        bench.get(0x3A)
    assert calls == 100


def test_an_empty_fifo_gives_its_last_byte_again() -> None:
    bench = Bench()
    bench.wake()
    bench.clock.sleep(0.01)
    frame = bench.get(0x74, 12)
    assert bench.get(0x74, 3) == frame[-1:] * 3


def test_the_count_is_latched_by_its_high_byte() -> None:
    bench = Bench()
    bench.wake()
    bench.clock.sleep(0.01)
    assert bench.count() == 12
    bench.clock.sleep(0.01)
    assert bench.get(0x73)[0] == 12
    assert bench.get(0x72, 2)[1] == 24


def test_status_is_cleared_by_being_read() -> None:
    bench = Bench()
    bench.wake()
    bench.clock.sleep(0.01)
    assert bench.get(0x3A)[0] == 0x01
    assert bench.get(0x3A)[0] == 0x00


def test_the_fifo_is_emptied_only_while_it_is_switched_off() -> None:
    bench = Bench()
    bench.wake()
    bench.clock.sleep(0.05)
    bench.put(0x6A, 0x44)
    assert bench.count() == 60
    bench.put(0x6A, 0x04)
    assert bench.count() == 0
    assert bench.get(0x6A)[0] == 0


def test_a_reset_loses_every_setting_and_what_is_written_right_after_it() -> None:
    bench = Bench()
    bench.wake()
    bench.put(0x6B, 0x80)
    bench.put(0x6B, 0x01)
    assert bench.get(0x6B)[0] == 0x40
    assert bench.get(0x19, 4) == bytes(4)
    bench.clock.sleep(0.1)
    bench.put(0x6B, 0x01)
    assert bench.get(0x6B)[0] == 0x01


def test_what_can_only_be_read_keeps_its_value() -> None:
    bench = Bench()
    for register in (0x3A, 0x3B, 0x48, 0x72, 0x73, 0x75):
        before = bench.get(register)
        bench.put(register, 0x5A)
        assert bench.get(register) == before


def test_a_live_chip_is_never_frozen_and_its_noise_is_that_of_the_data_sheet() -> None:
    bench = Bench()
    bench.wake()
    frames = []
    for _ in range(40):
        bench.clock.sleep(0.5)
        frames += bench.frames()
    assert all(a != b for a, b in itertools.pairwise(frames))
    accel_g = statistics.stdev(frame[0] / 2048 for frame in frames)
    gyro_dps = statistics.stdev(frame[3] / 16.4 for frame in frames)
    assert accel_g == pytest.approx(400e-6 * math.sqrt(44 * math.pi / 2), rel=0.05)
    assert gyro_dps == pytest.approx(0.005 * math.sqrt(44 * math.pi / 2), rel=0.15)  # rounding to 0.06 dps adds some


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    def run(seed: int) -> list[tuple[int, ...]]:
        bench = Bench(seed=seed)
        bench.wake()
        bench.clock.sleep(0.5)
        return bench.frames()

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_how_often_it_is_asked_does_not_change_what_it_measures() -> None:
    def run(step_s: float) -> list[tuple[int, ...]]:
        bench = Bench(lambda t_s: ((t_s, -t_s, G0_MPS2), (t_s, 0.0, 0.0)), clock_error=0.013)
        bench.wake()
        frames = []
        for _ in range(round(2.4 / step_s)):
            bench.clock.sleep(step_s)
            frames += bench.frames()
        return frames

    assert run(0.02) == run(0.6) == run(0.0003)


def failing(word: str, start_s: float = 1.0, end_s: float = math.inf) -> Bench:
    bench = Bench(fault=Fault(word, "imu", start_s, end_s))
    bench.wake()
    bench.clock.advance_to(950_000_000)
    bench.put(0x6A, 0x04)
    bench.put(0x6A, 0x40)
    return bench


def test_off_does_not_answer_from_its_start_to_its_end() -> None:
    bench = failing("off", 1.0, 2.0)
    assert bench.get(0x75) == b"\x68"
    for t_ns in (10**9, 2 * 10**9 - 1):
        bench.clock.advance_to(t_ns)
        with pytest.raises(BusError, match="no answer at 0x68"):
            bench.get(0x75)
        with pytest.raises(BusError, match="no answer at 0x68"):
            bench.put(0x6B, 1)
    bench.clock.advance_to(2 * 10**9)
    assert bench.get(0x75) == b"\x68"


def test_stuck_gives_the_same_words_for_ever_even_after_a_reset() -> None:
    bench = failing("stuck")
    bench.clock.advance_to(1_500_000_000)
    words = bench.frames()
    assert len(set(words[:5])) == 5
    assert len(set(words[6:])) == 1
    bench.put(0x6B, 0x80)
    bench.clock.sleep(0.1)
    bench.wake()
    bench.clock.sleep(0.2)
    assert set(bench.frames()) == {words[-1]}


def test_garbage_is_random_bytes_from_every_register() -> None:
    bench = failing("garbage")
    bench.clock.advance_to(10**9)
    assert len(set(bench.get(0x74, 240))) > 100
    assert len({bench.get(0x75) for _ in range(20)}) > 10


def test_wrong_falls_back_to_2_g_and_takes_no_other_range() -> None:
    bench = failing("wrong")
    bench.clock.advance_to(1_050_000_000)
    frames = bench.frames()
    assert frames[2][2] == pytest.approx(2048, abs=40)
    assert frames[-1][2] == pytest.approx(16384, abs=320)
    bench.put(0x1C, 0x18)
    assert bench.get(0x1B, 2) == b"\x00\x00"


def test_wrong_ranges_stay_lost_after_the_fault_until_they_are_written_again() -> None:
    bench = failing("wrong", 1.0, 2.0)
    bench.clock.advance_to(1_500_000_000)
    bench.count()
    bench.clock.advance_to(2_000_000_000)
    assert bench.get(0x1C) == b"\x00"
    bench.put(0x1C, 0x18)
    assert bench.get(0x1C) == b"\x18"


def test_slow_samples_at_a_tenth_of_its_rate() -> None:
    bench = failing("slow")
    bench.clock.advance_to(1_000_000_000)
    bench.frames()
    bench.clock.sleep(1.0)
    assert bench.count() == 10 * 12


def test_delayed_takes_a_fifth_of_a_second_for_a_transfer() -> None:
    bench = failing("delayed")
    bench.clock.advance_to(1_000_000_000)
    bench.get(0x75)
    assert bench.clock.now_ns() == 1_200_000_000
    bench.put(0x19, 9)
    assert bench.clock.now_ns() == 1_400_000_000


def test_intermittent_answers_in_between_its_spells() -> None:
    bench = failing("intermittent")
    answers = []
    for _ in range(300):
        bench.clock.sleep(0.02)
        try:
            answers.append(bench.get(0x75) == b"\x68")
        except BusError:
            answers.append(False)
    assert 0.3 < statistics.mean(answers) < 0.9
    spells = sum(a and not b for a, b in itertools.pairwise(answers))
    assert spells >= 5


def test_a_fault_named_ok_changes_nothing() -> None:
    healthy, named = Bench(), Bench(fault=Fault("ok", "imu", 0.0))
    for bench in (healthy, named):
        bench.wake()
        bench.clock.sleep(0.5)
    assert healthy.frames() == named.frames()
