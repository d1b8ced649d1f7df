"""Slices of 20 ms from samples at any rate, and the trunk's movement that is made of them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.core.estimators.motion import G0_MPS2, KEPT_S
from firmware.core.estimators.slices import SLICE_NS, Slicer
from firmware.core.moving import Moving
from hal.samples import Vector

S, MS = 1_000_000_000, 1_000_000
STILL: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Ended:
    """What stood in the slicer when a slice had ended."""

    began_ns: int
    t_ns: int
    span_s: float
    accel_mps2: Vector
    gyro_radps: Vector
    mean_mps2: float
    peak_mps2: float
    least_mps2: float


def slices(forces: Iterable[tuple[int, float]], slicer: Slicer | None = None) -> list[Ended]:
    """Of somebody who feels (when, how much) along the third axis and turns by a tenth of it about the first."""
    slicer, found = slicer or Slicer(), []
    for t_ns, force_mps2 in forces:
        if slicer.add(t_ns, (0.0, 0.0, force_mps2), (0.1 * force_mps2, 0.0, 0.0), abs(force_mps2)):
            found.append(Ended(**{name: getattr(slicer, name) for name in Ended.__dataclass_fields__}))
    return found


def steady(rate_hz: float, seconds: float, force_mps2: float = G0_MPS2) -> list[tuple[int, float]]:
    return [(round(index * S / rate_hz), force_mps2) for index in range(round(seconds * rate_hz) + 1)]


def bobbing(rate_hz: float, seconds: float) -> list[tuple[int, float]]:
    """Two steps a second."""
    return [(t_ns, G0_MPS2 + 3.0 * math.sin(4.0 * math.pi * t_ns * 1e-9)) for t_ns, _ in steady(rate_hz, seconds)]


@pytest.mark.parametrize("rate_hz", [20, 25, 50, 64, 100, 104, 200, 400])
def test_half_a_bob_weighs_the_same_at_any_rate(rate_hz: float) -> None:
    """The means, times what they stand for: 3 m/s2 for half of a sine of 0.5 s come to 0.477 m/s."""
    seen = [piece for piece in slices(bobbing(rate_hz, 2.0)) if S < piece.t_ns <= 1.25 * S]
    for gained_mps in (
        sum((piece.accel_mps2[2] - G0_MPS2) * piece.span_s for piece in seen),
        sum((piece.mean_mps2 - G0_MPS2) * piece.span_s for piece in seen),
        sum((10.0 * piece.gyro_radps[0] - G0_MPS2) * piece.span_s for piece in seen),
    ):
        assert gained_mps == pytest.approx(1.5 / math.pi, abs=0.04)


@pytest.mark.parametrize("rate_hz", [50, 64, 100, 104, 200, 400])
def test_extremes_are_those_of_the_movement_at_any_rate(rate_hz: float) -> None:
    seen = slices(bobbing(rate_hz, 2.0))
    assert max(piece.peak_mps2 for piece in seen) == pytest.approx(G0_MPS2 + 3.0, abs=0.1)
    assert min(piece.least_mps2 for piece in seen) == pytest.approx(G0_MPS2 - 3.0, abs=0.1)


@pytest.mark.parametrize("rate_hz", [50, 64, 100, 104, 200, 400])
def test_usual_sensor_makes_fifty_slices_a_second_for_as_long_as_it_lasts(rate_hz: float) -> None:
    assert len(slices(steady(rate_hz, 60.0))) == pytest.approx(60 * 50, abs=1)


@pytest.mark.parametrize("rate_hz", [20, 25, 40])
def test_slower_sensor_makes_one_slice_a_sample(rate_hz: float) -> None:
    assert len(slices(steady(rate_hz, 10.0))) == 10 * rate_hz


def test_slices_of_50_100_and_200_hz_end_together() -> None:
    ends = [[piece.t_ns for piece in slices(steady(rate_hz, 5.0))] for rate_hz in (50, 100, 200)]
    assert ends[0] == ends[1] == ends[2]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=200))
def test_slices_follow_each_other_without_a_hole_however_samples_come(waits_ms: list[int]) -> None:
    times_ns = [sum(waits_ms[:count]) * MS for count in range(len(waits_ms) + 1)]
    seen = slices((t_ns, G0_MPS2) for t_ns in times_ns)
    begins = [times_ns[0], *(piece.t_ns for piece in seen)]
    assert [piece.began_ns for piece in seen] == begins[:-1]
    for piece in seen:
        assert piece.span_s == pytest.approx((piece.t_ns - piece.began_ns) * 1e-9)
        assert piece.mean_mps2 == pytest.approx(G0_MPS2)
    assert times_ns[-1] - begins[-1] < 2 * SLICE_NS  # what is left is not ended yet


def test_grid_begins_anew_after_a_late_sample() -> None:
    late_ns = 105 * MS
    seen = slices([*steady(100, 0.04), *((late_ns + t_ns, force) for t_ns, force in steady(100, 0.04))])
    assert [piece.t_ns // MS for piece in seen] == [20, 40, 105, 125, 145]
    assert seen[2].span_s == pytest.approx(0.065)


def spike(rate_hz: float, force_mps2: float) -> float:
    """The highest |a| that is believed when one single sample reads so much."""
    samples = steady(rate_hz, 0.5)
    samples[len(samples) // 2] = samples[len(samples) // 2][0], force_mps2
    return max(piece.peak_mps2 for piece in slices(samples))


def test_single_sample_of_a_quick_sensor_counts_half_and_of_a_usual_one_whole() -> None:
    assert spike(200, 24.0 * G0_MPS2) == pytest.approx(12.5 * G0_MPS2)
    assert spike(100, 4.0 * G0_MPS2) == pytest.approx(4.0 * G0_MPS2)


def test_blow_across_the_end_of_a_slice_is_smoothed_like_any_other() -> None:
    """Two samples of 5 g, one on each side."""
    samples = [(t_ns, 5.0 * G0_MPS2 if t_ns in (40 * MS, 45 * MS) else G0_MPS2) for t_ns, _ in steady(200, 0.1)]
    peaks = {piece.t_ns // MS: piece.peak_mps2 / G0_MPS2 for piece in slices(samples)}
    assert peaks == pytest.approx({20: 1.0, 40: 3.0, 60: 5.0, 80: 1.0, 100: 1.0})


def test_nothing_of_before_a_restart_is_in_what_follows() -> None:
    slicer = Slicer()
    slices([*steady(100, 0.1), (110 * MS, 90.0)], slicer)  # the last one in a slice that has not ended
    slicer.restart()
    seen = slices(((S + t_ns, force) for t_ns, force in steady(200, 0.1)), slicer)
    assert seen[0].began_ns == S
    assert seen[0].span_s == pytest.approx(0.02)
    assert {round(value, 6) for p in seen for value in (p.mean_mps2, p.peak_mps2, p.least_mps2)} == {G0_MPS2}


def standing(moving: Moving, seconds: float, from_ns: int = 0, lean_rad: float = 0.0) -> int:
    """At 100 Hz; the time of the next sample."""
    force = (-G0_MPS2 * math.sin(lean_rad), 0.0, G0_MPS2 * math.cos(lean_rad))
    times_ns = [from_ns + index * 10 * MS for index in range(round(seconds * 100))]
    for t_ns in times_ns:
        moving.take(t_ns, force, STILL)
    return times_ns[-1] + 10 * MS


def test_last_six_seconds_of_movement_are_kept_and_no_more() -> None:
    moving = Moving()
    end_ns = standing(moving, 10.0)
    kept = moving.motion.slices
    assert (kept[-1].t_ns - kept[0].t_ns) * 1e-9 == pytest.approx(KEPT_S, abs=0.021)
    assert end_ns - kept[-1].t_ns <= SLICE_NS
    assert abs(kept[-1].speed_mps - kept[0].speed_mps) < 1e-6
    assert kept[-1].peak_mps2 == pytest.approx(G0_MPS2)


def test_garbled_movement_is_forgotten_and_the_upright_is_not() -> None:
    moving = Moving()
    t_ns = standing(moving, 3.0)
    assert moving.attitude.upright_known
    moving.forget_motion()
    assert not moving.motion.slices
    standing(moving, 0.1, t_ns)
    assert moving.motion.slices[0].t_ns > t_ns
    assert moving.attitude.upright_known


def test_after_a_silence_the_tilt_is_the_one_there_is_now() -> None:
    moving = Moving()
    t_ns = standing(moving, 3.0)
    moving.restart()
    standing(moving, 0.1, t_ns + S, lean_rad=math.radians(40.0))
    assert math.degrees(moving.attitude.tilt_rad) == pytest.approx(40.0, abs=1.0)
    assert all(piece.t_ns > t_ns + S for piece in moving.motion.slices)


@pytest.mark.parametrize("gap_ms", [200, 500, 850])
def test_jolt_at_the_end_of_a_gap_is_no_speed_of_the_whole_gap(gap_ms: int) -> None:
    moving = Moving()
    for t_ns, force_mps2 in steady(100.0, 1.0):
        moving.take(t_ns, (0.0, 0.0, force_mps2), STILL)
    before_mps = moving.motion.slices[-1].speed_mps
    assert moving.take(S + gap_ms * MS, (0.0, 0.0, G0_MPS2 - 3.0), STILL)
    assert moving.motion.slices[-1].speed_mps - before_mps == pytest.approx(-0.3, abs=0.05)
