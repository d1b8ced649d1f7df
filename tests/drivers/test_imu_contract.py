"""What every motion sensor promises, whichever chip it is: on simulated chips, and with `-m hardware` on a real one."""

import itertools
import math
import statistics

import pytest

from hal.board import Board
from hal.errors import BusError, HalError, Overflow
from hal.imu.find import MODELS
from hal.imu.imu import Imu
from hal.samples import ImuSample

G0_MPS2 = 9.80665
TURN_S = 0.02  # how often the device reads it
MAX_CLOCK_ERROR = 0.1
MAX_AGE_S = 0.06  # of the newest sample: three turns


def read_for(imu: Imu, board: Board, duration_s: float) -> list[ImuSample]:
    samples = []
    until_ns = board.clock.now_ns() + round(duration_s * 1e9)
    while board.clock.now_ns() < until_ns:
        turn_ns = board.clock.now_ns()
        samples += imu.read()
        board.clock.sleep(max(0.0, TURN_S - (board.clock.now_ns() - turn_ns) / 1e9))
    return samples


def test_it_says_which_chip_it_is_and_what_to_expect_of_it(imu_board: Board) -> None:
    imu = imu_board.open_imu()
    info = imu.info
    assert info.model in {model.name for model in MODELS.values()}
    assert 0x08 <= info.address <= 0x77
    assert any(rate_hz <= info.output_hz < 1.1 * rate_hz for rate_hz in (100, 200))
    assert 20 < info.bandwidth_hz < info.output_hz
    assert 50e-6 < info.accel_noise_mps2_rthz / G0_MPS2 < 1000e-6
    assert 0.002 < math.degrees(info.gyro_noise_radps_rthz) < 0.05
    imu.close()


def test_lying_still_it_measures_gravity_and_no_turning(imu_board: Board) -> None:
    imu = imu_board.open_imu()
    samples = read_for(imu, imu_board, 1.0)
    assert statistics.fmean(math.hypot(*sample.accel_mps2) for sample in samples) == pytest.approx(G0_MPS2, abs=1.0)
    for axis in range(3):
        assert abs(statistics.fmean(sample.gyro_radps[axis] for sample in samples)) < math.radians(20)
    assert not any(sample.saturated for sample in samples)
    imu.close()


def test_samples_come_at_the_promised_rate_with_stamps_that_increase_and_are_fresh(imu_board: Board) -> None:
    imu = imu_board.open_imu()
    read_for(imu, imu_board, 0.5)
    last_ns, count, start_ns = 0, 0, imu_board.clock.now_ns()
    for _ in range(100):
        turn_ns = imu_board.clock.now_ns()
        samples = imu.read()
        now_ns = imu_board.clock.now_ns()
        count += len(samples)
        for sample in samples:
            assert last_ns < sample.t_ns <= now_ns
            last_ns = sample.t_ns
        assert now_ns - last_ns < MAX_AGE_S * 1e9
        imu_board.clock.sleep(max(0.0, TURN_S - (now_ns - turn_ns) / 1e9))
    elapsed_s = (imu_board.clock.now_ns() - start_ns) / 1e9
    assert count / elapsed_s == pytest.approx(imu.info.output_hz, rel=MAX_CLOCK_ERROR)
    assert imu.measured_hz == pytest.approx(imu.info.output_hz, rel=MAX_CLOCK_ERROR)
    imu.close()


def test_its_noise_is_that_of_its_data_sheet_and_it_is_not_frozen(imu_board: Board) -> None:
    imu = imu_board.open_imu()
    samples = read_for(imu, imu_board, 3.0)
    root_hz = math.sqrt(imu.info.bandwidth_hz * math.pi / 2)
    for axis in range(3):
        accel = [sample.accel_mps2[axis] for sample in samples]
        gyro = [sample.gyro_radps[axis] for sample in samples]
        assert 0 < statistics.pstdev(accel) < 3 * imu.info.accel_noise_mps2_rthz * root_hz + 0.01
        assert 0 < statistics.pstdev(gyro) < 3 * imu.info.gyro_noise_radps_rthz * root_hz + 0.002
    repeats = sum(a.accel_mps2 == b.accel_mps2 and a.gyro_radps == b.gyro_radps for a, b in itertools.pairwise(samples))
    assert repeats < len(samples) / 10
    imu.close()


def test_its_temperature_is_that_of_a_room_or_a_warm_case(imu_board: Board) -> None:
    imu = imu_board.open_imu()
    assert 0 < imu.temperature_c() < 60
    imu.close()


def test_a_sound_chip_passes_its_self_test_and_measures_on(imu_board: Board) -> None:
    imu = imu_board.open_imu()
    tests = imu.self_test()
    assert {"acc", "gyr"} <= {test.axis[:3] for test in tests}
    assert all(test.passed for test in tests), tests
    assert len(read_for(imu, imu_board, 0.5)) >= 0.4 * imu.info.output_hz
    imu.close()


def test_who_comes_late_gets_every_sample_or_is_told_that_some_are_lost(imu_board: Board) -> None:
    imu = imu_board.open_imu()
    read_for(imu, imu_board, 1.5)
    for pause_s in (0.15, 0.2, 0.4, 0.8, 1.6):
        last_ns = read_for(imu, imu_board, 0.1)[-1].t_ns
        imu_board.clock.sleep(pause_s)
        try:
            samples = imu.read()
        except Overflow:
            continue
        gap_s = (samples[-1].t_ns - last_ns) / 1e9
        assert len(samples) == pytest.approx(gap_s * imu.info.output_hz, rel=MAX_CLOCK_ERROR, abs=2)
    imu.close()


def test_it_can_be_closed_and_opened_again_and_says_when_it_is_closed(imu_board: Board) -> None:
    for _ in range(3):
        imu = imu_board.open_imu()
        assert read_for(imu, imu_board, 0.1)
        imu.close()
        with pytest.raises(BusError, match="closed"):
            imu.read()


def test_two_openings_one_after_the_other_without_closing_both_measure(imu_board: Board) -> None:
    """As after a crash of the program: the chip is in the middle of its work when it is opened."""
    first = imu_board.open_imu()
    read_for(first, imu_board, 0.1)
    second = imu_board.open_imu()
    assert len(read_for(second, imu_board, 0.5)) >= 0.4 * second.info.output_hz
    for imu in (first, second):
        try:
            imu.close()
        except HalError as error:
            pytest.fail(str(error))
