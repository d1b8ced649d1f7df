"""Loss of balance: the cues, what is usual for the walker, the score, and the warning."""

import itertools
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.slices import Felt

from firmware.core.balance import Balance
from firmware.core.config import CoreConfig
from firmware.core.detectors.sway import SwayConfig, SwayDetector
from firmware.core.estimators.sway_baseline import PersonalSway, StepRhythm, SwayBaselineConfig
from firmware.core.messages import Severity, SwayBaseline
from firmware.core.models.sway import BOUNCE, CUES, FLOORS, JOLT, LIMIT, PRIOR, RATE, RHYTHM, TILT
from firmware.core.moving import Moving

S = 1_000_000_000
SLICE = 20_000_000
CALM = (0.4,) * 7
G0_MPS2 = 9.80665


def detector_after_calm(slices: int = 50) -> tuple[SwayDetector, int]:
    detector = SwayDetector(SwayConfig())
    for index in range(slices):
        detector.update(index * SLICE, CALM, 0.0, (0.0, 0.0))
    return detector, slices * SLICE


def heading(direction: str, times: float) -> tuple[tuple[float, ...], tuple[float, float]]:
    """Ratios and extrapolated tilt of somebody who leans so many times as far as she does in her steps."""
    forward, right = {"f": (1, 0), "b": (-1, 0), "r": (0, 1), "l": (0, -1)}[direction]
    ratios = list(CALM)
    ratios[{"f": 0, "b": 1, "r": 2, "l": 2}[direction]] = times
    return tuple(ratios), (0.2 * times * forward, 0.2 * times * right)


@given(beyond=st.floats(1.05, 8.0), rate_hz=st.integers(20, 50), direction=st.sampled_from("fblr"))
def test_lasting_sway_warns_at_any_rate_in_any_direction(beyond: float, rate_hz: int, direction: str) -> None:
    config = SwayConfig()
    detector = SwayDetector(config)
    limit = {"f": config.forward_times, "b": config.backward_times}.get(direction, config.sideways_times)
    ratios, tilt_rad = heading(direction, limit * beyond)
    for index in range(rate_hz // 4 + 2):
        detector.update(index * S // rate_hz, CALM, 0.0, (0.0, 0.0))
    for index in range(rate_hz // 4 + 2):
        detector.update(S + index * S // rate_hz, ratios, 0.0, tilt_rad)
    assert detector.detection.severity is Severity.WARNING
    assert str(detector.detection.data["direction"])[0] == direction
    assert detector.detection.data["why"] == "tilt"
    assert detector.score == pytest.approx(beyond, rel=0.01) or detector.score > beyond


def test_backward_is_judged_tighter_than_forward() -> None:
    scores = {}
    for direction in "fb":
        detector, t_ns = detector_after_calm()
        for index in range(20):
            ratios, tilt_rad = heading(direction, 2.0)
            detector.update(t_ns + index * SLICE, ratios, 0.0, tilt_rad)
        scores[direction] = detector.score
    assert scores["b"] > 1.2 * scores["f"]


def test_whoever_bent_down_before_she_seemed_to_step_does_not_sway() -> None:
    detector = SwayDetector(SwayConfig())
    ratios, tilt_rad = heading("f", 5.0)
    for index in range(100):
        detector.update(index * SLICE, ratios, 0.0, tilt_rad)
    assert detector.detection.severity is Severity.NONE


@pytest.mark.parametrize("cue", range(7))
def test_a_broken_estimate_warns_instead_of_hiding(cue: int) -> None:
    detector, t_ns = detector_after_calm()
    ratios = list(CALM)
    ratios[cue] = math.nan
    detector.update(t_ns, tuple(ratios), 0.0, (math.nan, 0.0))
    assert detector.detection.severity is Severity.WARNING


def test_one_jolt_of_the_tilt_is_no_sway_and_the_warning_ends_after_calm() -> None:
    detector, t_ns = detector_after_calm()
    ratios, tilt_rad = heading("b", 4.0)
    for index in range(4):
        assert detector.update(t_ns + index * SLICE, ratios, 0.0, tilt_rad).severity is Severity.NONE
    detector.update(t_ns + 4 * SLICE, CALM, 0.0, (0.0, 0.0))
    assert detector.detection.severity is Severity.NONE
    for index in range(5, 15):
        detector.update(t_ns + index * SLICE, ratios, 0.0, tilt_rad)
    assert detector.detection.severity is Severity.WARNING
    seen = [detector.update(t_ns + (15 + i) * SLICE, CALM, 0.0, (0.0, 0.0)).severity for i in range(60)]
    assert seen[20] is Severity.WARNING
    assert seen[-1] is Severity.NONE


def test_a_stumble_is_tilt_with_a_jolt_and_neither_alone_at_the_same_size() -> None:
    def score(*ratios: float, rhythm: float = 0.0) -> float:
        detector, t_ns = detector_after_calm()
        detector.update(t_ns, tuple(map(math.exp, ratios)), rhythm, (0.1, 0.0))
        return detector.score

    both = score(0.8, -1.0, -1.0, 0.8, 0.8, 0.8, 0.8)
    assert both > 1.0
    assert score(0.8, -1.0, -1.0, 0.8, -1.0, -1.0, -1.0) < 1.0
    assert score(-1.0, -1.0, -1.0, -1.0, 0.7, 0.7, 0.7) < 1.0
    assert score(0.8, -1.0, -1.0, 0.8, 0.8, 0.8, 0.8, rhythm=0.7) >= both


def test_the_warning_says_why() -> None:
    for expected, ratios, rhythm in (
        ("tilt", (1.5, 0.0, 0.0, 1.5, 0.8, 0.8, 0.8), 0.0),
        ("jolt", (0.9, 0.0, 0.0, 0.5, 1.2, 1.2, 1.2), 0.0),
        ("rhythm", (0.8, 0.0, 0.0, 0.6, 0.8, 0.8, 0.8), 1.0),
    ):
        detector, t_ns = detector_after_calm()
        detector.update(t_ns, tuple(map(math.exp, ratios)), rhythm, (0.3, 0.0))
        assert detector.detection.severity is Severity.WARNING
        assert detector.detection.data["why"] == expected
        assert detector.detection.data["direction"] == "forward"


def cues_of(rate_hz: int, seconds: float = 4.0, spikes: int = 0) -> list[tuple[float, ...]]:
    """Somebody who rocks and bounces, at any sampling rate; `spikes`: so many samples of a bare accelerometer."""
    moving, felt = Moving(), Felt()
    moving.attitude = felt  # type: ignore[assignment]  # her tilt and its rate are known here
    balance, out = Balance(CoreConfig(), moving), []
    for index in range(round(seconds * rate_hz)):
        t_s = index / rate_hz
        phase = 2 * math.pi * 0.9 * t_s
        bounce = 1.5 * math.sin(2 * phase)
        size = G0_MPS2 + bounce + (30.0 * (-1) ** index if index < spikes else 0.0)
        rate = 0.1 * 2 * math.pi * 0.9 * math.cos(phase)
        if moving.add(round(t_s * 1e9), (0.0, 0.0, size), (0.0, rate, 0.0), size):
            felt.pitch_rad, felt.vertical_mps2 = 0.1 * math.sin(phase), moving.slice.mean_mps2 - G0_MPS2
            felt.magnitude_mps2 = moving.slice.mean_mps2
            moving.motion.add(moving.slice, felt)
            if balance.update(walks=True):
                out.append(balance.cues.values)
    return out


@pytest.mark.parametrize("rate_hz", [20, 64, 100, 200])
def test_the_cues_are_nearly_the_same_at_any_sampling_rate(rate_hz: int) -> None:
    highest = [max(column) for column in zip(*cues_of(rate_hz), strict=True)]
    reference = [max(column) for column in zip(*cues_of(400), strict=True)]
    assert highest == pytest.approx(reference, rel=0.2, abs=0.02)


def test_samples_that_spike_are_averaged_away() -> None:
    for quiet, spiky in zip(cues_of(200, 0.2), cues_of(200, 0.2, spikes=4), strict=True):
        assert spiky == pytest.approx(quiet, abs=0.2 * PRIOR[4])


def walked(personal: PersonalSway, cues: tuple[float, ...], steps: int, *, learning: bool = True) -> PersonalSway:
    """So many steps of half a second, each with the same cues."""
    first = personal.steps + 1000 * learning
    for step in range(steps):
        for _ in range(25):
            personal.update(cues, 0.02, 0.0, first + step, learning)
    return personal


USUAL = tuple(usual - floor for usual, floor in zip(PRIOR, FLOORS, strict=True))


def times(factor: float) -> tuple[float, ...]:
    return tuple(usual * factor - floor for usual, floor in zip(PRIOR, FLOORS, strict=True))


def test_it_is_armed_from_the_first_step_with_what_is_usual_among_people() -> None:
    personal = PersonalSway(SwayBaselineConfig())
    personal.update(times(1.5), 0.02, 0.0, 1, True)
    assert personal.ratios == pytest.approx([1.5] * len(CUES))


@pytest.mark.parametrize("factor", [0.6, 1.5])
def test_the_own_range_is_learned_within_some_tens_of_steps(factor: float) -> None:
    personal = walked(PersonalSway(SwayBaselineConfig()), times(factor), 60)
    personal.update(times(factor), 0.02, 0.0, 5000, False)
    assert personal.ratios == pytest.approx([1.0] * len(CUES), abs=0.12)


def test_nothing_is_learned_while_warned_or_standing_or_turning() -> None:
    personal = PersonalSway(SwayBaselineConfig())
    before = walked(personal, times(1.8), 40, learning=False).ratios
    assert before == pytest.approx([1.8] * len(CUES))
    for step, _ in itertools.product(range(40), range(25)):
        personal.update(times(1.8), 0.02, 1.5, 2000 + step, True)
    assert personal.ratios == pytest.approx(before, abs=0.1)


def test_a_slow_decline_is_told_and_not_got_used_to_without_bound() -> None:
    personal = walked(PersonalSway(SwayBaselineConfig()), USUAL, 80)
    assert personal.drift == pytest.approx(1.0, abs=0.05)
    for factor in (1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8):
        walked(personal, times(factor), 60)
    personal.update(times(1.8), 0.02, 0.0, 9000, False)
    assert personal.drift == pytest.approx(1.3, abs=0.01)
    assert max(personal.ratios) > 1.3


def test_what_was_learned_is_carried_to_the_next_walk() -> None:
    earlier = walked(PersonalSway(SwayBaselineConfig()), times(1.5), 200).baseline(7)
    assert earlier.steps > 150
    next_walk = PersonalSway(SwayBaselineConfig())
    next_walk.carry(earlier)
    next_walk.update(times(1.5), 0.02, 0.0, 1, True)
    assert all(1.0 < ratio < 1.15 for ratio in next_walk.ratios)


@pytest.mark.parametrize(
    "usual", [(), (1.0,) * 6, (math.nan,) * 7, (-1.0,) * 7, (0.0,) * 7, (math.inf,) * 7, (1e9,) * 7, (1e-9,) * 7]
)
def test_a_baseline_that_is_none_cannot_blind_the_warning(usual: tuple[float, ...]) -> None:
    personal = PersonalSway(SwayBaselineConfig())
    personal.carry(SwayBaseline(0, 100, usual))
    personal.update(times(2.0), 0.02, 0.0, 1, True)
    assert all(1.0 <= ratio + 1e-9 <= 5.001 for ratio in personal.ratios)


def test_a_broken_cue_is_not_learned() -> None:
    personal = walked(PersonalSway(SwayBaselineConfig()), (math.nan,) * 7, 60)
    personal.update(USUAL, 0.02, 0.0, 9000, False)
    assert personal.ratios == pytest.approx([1.0] * 7)


def test_rhythm_is_broken_by_a_quick_step_and_by_a_late_one() -> None:
    rhythm, t_ns, steps = StepRhythm(), 0, 0
    for _ in range(8):
        t_ns, steps = t_ns + S // 2, steps + 1
        assert rhythm.update(t_ns, steps) == pytest.approx(0.0)
    assert rhythm.update(t_ns + S // 4, steps) == 0.0
    assert rhythm.update(t_ns + S, steps) == pytest.approx(math.log(2))
    quick = StepRhythm()
    for index in range(1, 8):
        quick.update(index * S // 2, index)
    assert quick.update(7 * S // 2 + S // 4, 8) == pytest.approx(math.log(2))


def test_published_weights_are_the_shipped_ones() -> None:
    text = " ".join((Path(__file__).parents[2] / "docs" / "DETECTION-sway.md").read_text().split())
    limit = math.exp(LIMIT / (TILT + RATE + JOLT + BOUNCE + RHYTHM))
    assert f"highest of the last half second, over {limit:.1f}." in text
    assert f"vertical speed {BOUNCE:.1f} (" in text
    assert f"tilt {TILT:.1f}, jolt {JOLT:.1f}, tilt rate {RATE:.1f}." in text
    assert f"The broken rhythm of the steps got weight {RHYTHM:g}:" in text


def test_who_lies_and_rolls_past_half_a_turn_does_not_spin() -> None:
    moving, felt = Moving(), Felt()
    moving.attitude = felt  # type: ignore[assignment]
    balance, rates = Balance(CoreConfig(), moving), []
    for index in range(100):
        if moving.add(index * 10_000_000, (0.0, 0.0, G0_MPS2), (1.0, 0.0, 0.0), G0_MPS2):
            felt.roll_rad = math.remainder(3.0 + 0.01 * index, math.tau)  # one radian a second
            moving.motion.add(moving.slice, felt)
            balance.update(walks=False)
            rates.append(balance.trunk.rate_radps)
    assert max(rates) < 1.2
