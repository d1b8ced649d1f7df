"""Which distances can be what is behind a walker."""

import math
import random

import pytest

from firmware.core.detectors.range_check import RangeCheck, RangeCheckConfig
from hal.samples import RangeSample

S = 1_000_000_000
MS = 1_000_000


def range_reasons(distances: list[float | None]) -> list[str]:
    check = RangeCheck(RangeCheckConfig())
    return [check.judge(i * 60 * MS, RangeSample(i * 60 * MS, d)) for i, d in enumerate(distances)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.1, 28.8])
def test_an_impossible_distance_is_a_fault_at_once(value: float) -> None:
    assert "expected 0 to 6.0 m" in range_reasons([2.0, value])[1]


@pytest.mark.parametrize("seed", range(10))
def test_random_distances_are_found_within_about_a_second(seed: int) -> None:
    rng = random.Random(seed)
    reasons = range_reasons([rng.uniform(0.02, 4.0) for _ in range(30)])
    assert any(reasons[:25])


@pytest.mark.parametrize("period", [4, 5, 7])
def test_an_outlier_every_so_often_is_no_fault(period: int) -> None:
    distances: list[float | None] = [2.0] * 60
    for index in range(0, 60, period):
        distances[index] = 0.9
    assert not any(range_reasons(distances))


def test_jumps_are_over_a_second_later_though_nothing_is_in_range_any_more() -> None:
    rng = random.Random(3)
    reasons = range_reasons([rng.uniform(0.02, 4.0) for _ in range(30)] + [None] * 40)
    assert any(reasons[:30])
    assert not any(reasons[30 + 17 :])


def test_a_wall_at_the_end_of_the_range_is_no_fault() -> None:
    assert not any(range_reasons([3.95 if i % 2 else None for i in range(100)]))


@pytest.mark.parametrize("older_ns", [0, 1, 60 * MS])
def test_a_reading_that_is_not_newer_than_the_last_is_not_used(older_ns: int) -> None:
    check = RangeCheck(RangeCheckConfig())
    check.judge(S, RangeSample(S, 2.0))
    assert check.usable
    assert check.judge(S, RangeSample(S - older_ns, 0.4)) == ""
    assert not check.usable


def test_a_reading_that_comes_late_is_a_fault_and_not_used() -> None:
    check = RangeCheck(RangeCheckConfig())
    assert check.judge(S, RangeSample(S - 290 * MS, 2.0)) == ""
    assert "a reading came 0.31 s late" in check.judge(2 * S, RangeSample(2 * S - 310 * MS, 2.0))
    assert not check.usable


@pytest.mark.parametrize("period_ms", [32, 35, 50, 60, 100])
def test_checks_hold_however_often_it_pings(period_ms: int) -> None:
    """Coming near at 2.5 m/s is no jump, one reading in five far off is no fault, and noise is one within 2 s."""
    rng = random.Random(period_ms)
    times_ns = [i * period_ms * MS for i in range(round(2400 / period_ms))]
    near, now_and_then, noise = (RangeCheck(RangeCheckConfig()) for _ in range(3))
    found = ""
    for i, t_ns in enumerate(times_ns):
        assert near.judge(t_ns, RangeSample(t_ns, max(3.9 - 2.5 * t_ns / S, 0.1))) == ""
        assert now_and_then.judge(t_ns, RangeSample(t_ns, 0.8 if i % 5 == 0 else 2.5)) == ""
        reason = noise.judge(t_ns, RangeSample(t_ns, rng.uniform(0.02, 4.0)))
        found = found or (reason if t_ns <= 2000 * MS else "")
    assert "readings jump" in found


def frozen_s(check: RangeCheck, stepping: bool, distances: list[float | None]) -> float | None:
    """When it is found, of readings every 60 ms."""
    for index, distance_m in enumerate(distances):
        if check.judge(index * 60 * MS, RangeSample(index * 60 * MS, distance_m), stepping):
            assert not check.usable
            return index * 0.06
    return None


def test_a_reading_that_never_changes_while_she_walks_is_a_fault_until_it_does() -> None:
    check = RangeCheck(RangeCheckConfig())
    found_s = frozen_s(check, True, [1.2345] * 200)
    assert found_s == pytest.approx(10.0, abs=0.1)
    assert check.judge(20 * S, RangeSample(20 * S, 1.2345), False), "standing still does not mend it"
    assert check.judge(21 * S, RangeSample(21 * S, 1.2346), True) == ""


@pytest.mark.parametrize(
    ("stepping", "distances"),
    [
        (False, [1.2345] * 1000),
        (True, [None] * 1000),
        (True, [1.2345 + 0.0001 * (index % 100 == 0) for index in range(1000)]),
    ],
    ids=["she stands", "nothing in range", "a digit now and then"],
)
def test_what_may_stay_the_same_is_no_fault(stepping: bool, distances: list[float | None]) -> None:
    assert frozen_s(RangeCheck(RangeCheckConfig()), stepping, distances) is None
