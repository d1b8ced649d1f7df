"""How the pre-impact curve is counted; what a fall's rows are called in training."""

import numpy as np
import pytest

from bench._pre_impact_curve import armings, point
from bench._pre_impact_data import Capture, Meta

RATE_HZ = 50
NOBODY = ("kfall", "kfall/SA01", "T01", "walk", "")


def meta(kind: str = "fall", onset_s: float | None = 1.0, impact_s: float | None = 1.7, dataset: str = "kfall") -> Meta:
    return Meta(dataset, f"{dataset}/SA01", "T", kind, "backward", onset_s, impact_s, False, 3.0)


def capture(trial: Meta, *high: tuple[float, float]) -> tuple[Capture, np.ndarray]:  # type: ignore[type-arg]
    t_s = (np.arange(150) / RATE_HZ).astype(np.float32)
    scores = np.zeros(150)
    for from_s, to_s in high:
        scores[(t_s >= from_s) & (t_s < to_s)] = 0.99
    return Capture([trial], [0, 150], t_s, np.zeros((150, 1), np.float32)), scores


def test_one_high_score_is_no_arming_and_two_are_one() -> None:
    t_s = (np.arange(10) / RATE_HZ).astype(np.float32)
    scores = np.array([0, 1, 0, 1, 1, 1, 0, 0, 1, 1], float)
    assert armings(t_s, scores, 0.5, 1) == pytest.approx([0.02])
    assert armings(t_s, scores, 0.5, 2) == pytest.approx([0.08])
    assert armings(t_s, scores, 0.5, 3) == pytest.approx([0.10])


def test_fall_is_found_between_its_onset_and_its_impact_only() -> None:
    for high, found, early in (((1.3, 1.4), 1, 0), ((0.5, 0.6), 0, 1), ((1.75, 2.0), 0, 0), ((0.85, 0.9), 1, 0)):
        result = point(*capture(meta(), high), 0.9, 2)
        assert (result.found, result.too_early) == (found, early), high


def test_lead_is_counted_from_the_arming_to_the_impact() -> None:
    result = point(*capture(meta(), (1.28, 1.6)), 0.9, 2)
    assert result.figures["lead_mean_ms"] == pytest.approx(400, abs=1)  # armed with the second decision


def test_walking_counts_by_the_hour_and_by_the_trial() -> None:
    walk = meta("walk", None, None)
    result = point(*capture(walk, (0.2, 0.3), (2.0, 2.1)), 0.9, 2)
    assert (result.others, result.others_armed, result.walking_armings) == (1, 1, 2)
    assert result.walking_h == pytest.approx(3.0 / 3600)
    assert result.specificity == 0.0


def test_fall_of_unknown_onset_counts_from_a_second_before_its_impact() -> None:
    result = point(*capture(meta(onset_s=None), (0.8, 0.9)), 0.9, 2)
    assert result.found == 1
