"""What every rangefinder promises, whichever it is: on simulated ones, and with `-m hardware` on a real one."""

import statistics

import pytest
from driver_boards import RANGEFINDER_MODELS, WALL_M

from hal.board import Board, Rangefinder
from hal.errors import HalError
from hal.samples import RangeSample

PERIOD_S = 0.07
NEAREST_M, FARTHEST_M = 0.02, 8.0  # of all models


def read_for(rangefinder: Rangefinder, board: Board, duration_s: float) -> list[RangeSample]:
    """What it measures; a lost ping now and then is in order."""
    samples: list[RangeSample] = []
    errors: list[HalError] = []
    until_ns = board.clock.now_ns() + round(duration_s * 1e9)
    while board.clock.now_ns() < until_ns:
        try:
            samples += rangefinder.read()
        except HalError as error:
            errors.append(error)
        board.clock.sleep(PERIOD_S)
    assert len(errors) <= 0.1 * (len(errors) + len(samples)), errors[0]
    return samples


def test_it_measures_the_same_distance_again_and_again(rangefinder_board: Board) -> None:
    rangefinder = rangefinder_board.open_rangefinder()
    distances_m = [sample.distance_m for sample in read_for(rangefinder, rangefinder_board, 3.0)]
    known_m = [distance_m for distance_m in distances_m if distance_m is not None]
    assert len(known_m) >= 0.9 * len(distances_m) >= 10
    assert all(NEAREST_M <= distance_m <= FARTHEST_M for distance_m in known_m)
    middle_m = statistics.median(known_m)
    assert statistics.median(abs(distance_m - middle_m) for distance_m in known_m) < 0.02
    rangefinder.close()


def test_each_sample_is_a_new_measurement_with_a_fresh_stamp(rangefinder_board: Board) -> None:
    rangefinder = rangefinder_board.open_rangefinder()
    last_ns = 0
    for _ in range(30):
        before_ns = rangefinder_board.clock.now_ns()
        for sample in rangefinder.read():
            assert last_ns < sample.t_ns <= rangefinder_board.clock.now_ns()
            assert before_ns - sample.t_ns < 0.3e9
            assert sample.sensor == "rangefinder"
            last_ns = sample.t_ns
        rangefinder_board.clock.sleep(PERIOD_S)
    assert last_ns
    rangefinder.close()


def test_it_can_be_closed_and_opened_again(rangefinder_board: Board) -> None:
    for _ in range(3):
        rangefinder = rangefinder_board.open_rangefinder()
        assert read_for(rangefinder, rangefinder_board, 0.5)
        rangefinder.close()


@pytest.mark.parametrize("rangefinder_board", RANGEFINDER_MODELS, indirect=True)
def test_the_wall_of_the_simulated_room_is_where_it_is(rangefinder_board: Board) -> None:
    rangefinder = rangefinder_board.open_rangefinder()
    for sample in read_for(rangefinder, rangefinder_board, 1.0):
        assert sample.distance_m == pytest.approx(WALL_M, abs=0.015)
