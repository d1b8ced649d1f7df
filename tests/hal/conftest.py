"""A simulated clock and pins that live on it; nothing here waits in real time."""

import pytest

from hal.sim.clock import SimClock
from hal.sim.pins import SimPinFactory

START_NS = 1_000_000_000_000  # a machine that has been up for a while


@pytest.fixture
def clock() -> SimClock:
    return SimClock(START_NS)


@pytest.fixture
def pins(clock: SimClock) -> SimPinFactory:
    return SimPinFactory(clock)
