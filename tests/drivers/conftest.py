"""Each test of a driver's promises runs on every simulated model, and on the real part.

    pytest -m hardware tests/drivers

does the latter, on a Raspberry Pi with the configuration that is installed there. Lay the device down still, with
something flat 0.3 to 2 m before its rangefinder. Without `-m hardware` these are skipped, and pytest says so.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from driver_boards import IMU_MODELS, RANGEFINDER_MODELS, real, simulated

from hal.board import Board
from hal.config import BoardConfig, ImuConfig, RangefinderConfig

NEEDS_A_PI = "needs a Raspberry Pi with the parts of docs/HARDWARE.md: run `pytest -m hardware tests/drivers` there"
INSTALLED = pytest.param("installed", marks=pytest.mark.hardware)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "hardware" in config.option.markexpr:
        return
    for item in items:
        if item.get_closest_marker("hardware"):
            item.add_marker(pytest.mark.skip(reason=NEEDS_A_PI))


@pytest.fixture(params=[*IMU_MODELS, INSTALLED])
def imu_board(request: pytest.FixtureRequest) -> Iterator[Board]:
    if request.param == "installed":
        with real() as board:
            yield board
    else:
        yield simulated(replace(BoardConfig(), imu=ImuConfig(model=request.param)))


@pytest.fixture(params=[*RANGEFINDER_MODELS, INSTALLED])
def rangefinder_board(request: pytest.FixtureRequest) -> Iterator[Board]:
    if request.param == "installed":
        with real() as board:
            yield board
    else:
        yield simulated(replace(BoardConfig(), rangefinder=RangefinderConfig(model=request.param)))
