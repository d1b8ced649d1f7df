"""The simulated MPU-6500 and MPU-9250 where they differ from the MPU-6050, and the self-test of all three."""

import math
import struct

import pytest
from mpu_bench import ACCEL_GYRO_FRAME, G0_MPS2, Bench, standing

from hal.samples import Vector
from hal.sim.chips.mpu6050 import MPU6050, MPU6500, MPU9250, Kind


@pytest.mark.parametrize(("kind", "who_am_i"), [(MPU6500, 0x70), (MPU9250, 0x71)])
def test_a_successor_is_awake_at_power_on_at_2_g(kind: Kind, who_am_i: int) -> None:
    bench = Bench(kind=kind)
    assert bench.get(0x75)[0] == who_am_i
    assert bench.get(0x6B)[0] == 0x01
    bench.clock.sleep(0.1)
    assert struct.unpack(">7h", bench.get(0x3B, 14))[2] == pytest.approx(16384, abs=400)


def test_a_successors_fifo_holds_512_bytes_and_loses_the_oldest_or_with_fifo_mode_the_newest() -> None:
    def rising(t_s: float) -> tuple[Vector, Vector]:
        return (t_s * G0_MPS2, 0.0, 0.0), (0.0, 0.0, 0.0)

    running, stopping = Bench(rising, kind=MPU6500, noise=0.0), Bench(rising, kind=MPU6500, noise=0.0)
    for bench, config in ((running, 0x03), (stopping, 0x43)):
        bench.wake()
        bench.put(0x1A, config)
        bench.clock.sleep(1.0)
    assert running.count() == 512
    assert stopping.count() == 42 * 12, "whole frames, where the next one does not fit"
    for bench in (running, stopping):
        assert bench.get(0x3A)[0] & 0x10
    assert stopping.frames()[-1][0] / 2048 == pytest.approx(0.42, abs=0.02)
    assert ACCEL_GYRO_FRAME.unpack(running.get(0x74, 512)[-12:])[0] / 2048 == pytest.approx(0.99, abs=0.02)


def test_an_mpu_6050_knows_no_fifo_mode() -> None:
    bench = Bench()
    bench.wake()
    bench.put(0x1A, 0x43)
    bench.clock.sleep(1.0)
    assert bench.count() == 1024


def test_a_successors_accelerometer_and_gyroscope_have_filters_of_their_own() -> None:
    def sweep(t_s: float) -> tuple[Vector, Vector]:
        return (t_s * G0_MPS2, 0.0, 0.0), (math.radians(100 * t_s), 0.0, 0.0)

    bench = Bench(sweep, kind=MPU6500, noise=0.0)
    bench.wake()
    bench.put(0x1D, 0x06)  # accelerometer 5 Hz, late by 32 ms; the gyroscope stays at 41 Hz, late by 6 ms
    bench.clock.sleep(0.4)
    words = bench.frames()[-1]
    assert words[0] / 2048 == pytest.approx(0.4 - 0.0325, abs=0.003)
    assert words[3] / 16.4 == pytest.approx(100 * (0.4 - 0.0059), abs=0.3)


@pytest.mark.parametrize("kind", [MPU6050, MPU6500, MPU9250])
def test_each_axis_answers_to_its_own_self_test_bit_alone(kind: Kind) -> None:
    bench = Bench(lambda t_s: ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), kind=kind, noise=0.0)
    bench.wake(accel=0x00, gyro=0x00)
    for axis in range(6):
        bench.put(0x1C, 0x80 >> axis if axis < 3 else 0)
        bench.put(0x1B, 0x80 >> axis - 3 if axis >= 3 else 0)
        bench.clock.sleep(0.01)
        words = struct.unpack(">3h2x3h", bench.get(0x3B, 14))
        per_unit = 16384 if axis < 3 else 131
        assert words[axis] == pytest.approx(kind.answers[axis] * per_unit, abs=1)
        assert [word for i, word in enumerate(words) if i != axis] == [0] * 5


def test_a_fifo_that_nobody_fills_costs_one_sample_however_long_it_was_left_alone() -> None:
    calls = 0

    def counted(t_s: float) -> tuple[Vector, Vector]:
        nonlocal calls
        calls += 1
        return standing(t_s)

    bench = Bench(counted, kind=MPU6050)
    bench.put(0x6B, 0x01)
    bench.clock.sleep(60.0)
    assert struct.unpack(">7h", bench.get(0x3B, 14))[2] == pytest.approx(16384, abs=400)
    assert calls <= 2
