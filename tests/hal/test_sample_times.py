"""When buffered samples were taken, for a chip with a clock of its own."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.imu.sample_times import SampleTimes

MS = 1_000_000


def fetched(times: SampleTimes, end_s: float, *, from_s: float = 0.0, chip_hz: float = 100.0) -> list[int]:
    """Stamps of a chip that samples at `chip_hz` and is fetched from every 20 ms."""
    stamps: list[int] = []
    taken = 0
    for t_ns in range(round(from_s * 1e9) + 20 * MS, round(end_s * 1e9) + 1, 20 * MS):
        due = int((t_ns / 1e9 - from_s) * chip_hz) - taken
        taken += due
        if due:
            stamps += times.stamp(due, t_ns, t_ns)
    return stamps


def test_samples_after_a_lost_batch_are_not_spread_over_the_gap() -> None:
    times = SampleTimes(100, 0)
    last_ns = fetched(times, 2.0)[-1]
    assert last_ns == pytest.approx(2000 * MS, abs=10 * MS)
    stamps = times.stamp(2, 2100 * MS, 2100 * MS)
    assert stamps[0] == pytest.approx(2090 * MS, abs=10 * MS)
    assert stamps[1] - stamps[0] == pytest.approx(10 * MS, rel=0.02)
    fetched(times, 3.5, from_s=2.1)
    assert times.measured_hz == pytest.approx(100, rel=0.01)


def test_a_chip_that_stutters_does_not_pass_for_one_with_a_slow_clock() -> None:
    times = SampleTimes(100, 0)
    for t_ns in range(26 * MS, 4000 * MS, 26 * MS):
        times.stamp(2, t_ns, t_ns)
    assert times.measured_hz == 100


@pytest.mark.parametrize("late_hz", [97.0, 103.0])
def test_the_rate_follows_a_chip_that_warms_up(late_hz: float) -> None:
    times = SampleTimes(100, 0)
    fetched(times, 120.0, chip_hz=100.5)
    assert times.measured_hz == pytest.approx(100.5, rel=0.001)
    fetched(times, 160.0, from_s=120.0, chip_hz=late_hz)
    assert times.measured_hz == pytest.approx(late_hz, rel=0.001)


def test_stamps_go_on_from_where_the_buffer_was_emptied() -> None:
    times = SampleTimes(100, 0)
    fetched(times, 1.0)
    times.restart(5000 * MS)
    assert times.stamp(2, 5021 * MS, 5021 * MS) == [5010 * MS, 5020 * MS]


@given(batches=st.lists(st.tuples(st.integers(1, 85), st.integers(1, 2_000_000_000)), max_size=50))
def test_whatever_a_chip_does_stamps_increase_and_are_never_in_the_future(batches: list[tuple[int, int]]) -> None:
    times = SampleTimes(100, 0)
    t_ns, stamps = 0, [0]
    for samples, elapsed_ns in batches:
        t_ns += elapsed_ns + samples  # no chip takes more than a sample a nanosecond
        stamps += times.stamp(samples, t_ns, t_ns)
        assert stamps[-1] <= t_ns
    assert all(before < after for before, after in itertools.pairwise(stamps))
