"""Sway peak to peak: the median of trials of eight seconds, of walking alone."""

import math

import pytest

from firmware.core.estimators.sway_span import SwaySpan

S = 1_000_000_000
STEP_NS = 40_000_000


def swaying(span: SwaySpan, seconds: float, roll_deg: float, pitch_deg: float, from_ns: int = S) -> int:
    """To and fro once a second by so much from end to end; the time after it."""
    t_ns = from_ns
    for index in range(round(seconds * S / STEP_NS)):
        t_ns = from_ns + index * STEP_NS
        wave = math.sin(math.tau * index * STEP_NS / S) / 2.0
        span.add(t_ns, math.radians(roll_deg) * wave, math.radians(pitch_deg) * wave)
    return t_ns + STEP_NS


def test_nothing_is_told_of_less_than_eight_seconds() -> None:
    span = SwaySpan()
    swaying(span, 7.9, 6.0, 7.0)
    assert (span.roll_deg, span.pitch_deg) == (None, None)


def test_it_is_the_way_from_end_to_end() -> None:
    span = SwaySpan()
    swaying(span, 30.0, 6.0, 7.0)
    assert span.roll_deg == pytest.approx(6.0, abs=0.1)
    assert span.pitch_deg == pytest.approx(7.0, abs=0.1)


def test_one_stumble_in_a_minute_is_not_her_sway() -> None:
    span = SwaySpan()
    t_ns = swaying(span, 30.0, 6.0, 7.0)
    span.add(t_ns, 0.5, 0.5)
    swaying(span, 30.0, 6.0, 7.0, t_ns + STEP_NS)
    assert span.roll_deg == pytest.approx(6.0, abs=0.1)


def test_a_pause_or_no_number_ends_a_window() -> None:
    span = SwaySpan()
    t_ns = swaying(span, 7.0, 6.0, 7.0)
    t_ns = swaying(span, 7.0, 6.0, 7.0, t_ns + S)
    span.add(t_ns, math.nan, 0.0)
    swaying(span, 7.0, 6.0, 7.0, t_ns + STEP_NS)
    assert span.roll_deg is None
