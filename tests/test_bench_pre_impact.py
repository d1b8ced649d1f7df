"""How the pre-impact curve is counted; what a fall's rows are called in training."""

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest
from support.recordings import FOLDER, needs_recordings

from bench._fall_data import Trial
from bench._pre_impact_curve import armings, point
from bench._pre_impact_data import Capture, Meta, otherwise, stream, together
from firmware.core.detectors.pre_impact import FALLING, FEATURES, RISING, PreImpactConfig
from firmware.core.models import pre_impact as shipped

MODEL = Path(shipped.__file__)
ROOT = Path(__file__).parents[1]
CURVE, DOCUMENT = ROOT / "bench" / "pre_impact_curve.json", ROOT / "docs" / "DETECTION.md"
RATE_HZ = 50


def meta(kind: str = "fall", onset_s: float | None = 1.0, impact_s: float | None = 1.7, dataset: str = "kfall") -> Meta:
    return Meta(dataset, f"{dataset}/SA01", "T", kind, "backward", onset_s, impact_s, False, 3.0)


def capture(trial: Meta, *high: tuple[float, float]) -> tuple[Capture, np.ndarray]:  # type: ignore[type-arg]
    t_s = (np.arange(150) / RATE_HZ).astype(np.float32)
    scores = np.zeros(150)
    for from_s, to_s in high:
        scores[(t_s >= from_s) & (t_s < to_s)] = 0.99
    return Capture([trial], [0, 150], t_s, np.arange(150, dtype=np.int32), np.zeros((150, 1), np.float32)), scores


def test_one_high_score_is_no_arming_and_two_are_one() -> None:
    t_s = (np.arange(10) / RATE_HZ).astype(np.float32)
    scores, slices = np.array([0, 1, 0, 1, 1, 1, 0, 0, 1, 1], float), np.arange(10, dtype=np.int32)
    assert armings(t_s, slices, scores, 0.5, 1) == pytest.approx([0.02])
    assert armings(t_s, slices, scores, 0.5, 2) == pytest.approx([0.08])
    assert armings(t_s, slices, scores, 0.5, 3) == pytest.approx([0.10])


def test_quiet_slice_between_two_high_scores_begins_the_count_anew() -> None:
    t_s = np.array([0.02, 0.06, 0.08], np.float32)
    assert armings(t_s, np.array([1, 3, 4], np.int32), np.ones(3), 0.5, 2) == pytest.approx([0.08])


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


def walk() -> Trial:
    """Four seconds of bobbing up and down, then falling over."""
    t_s = np.arange(500) / 100.0
    lean_rad = np.clip(t_s - 4.0, 0.0, 1.2) ** 2
    acc = np.stack([-9.8 * np.sin(lean_rad), 0 * t_s, 9.8 * np.cos(lean_rad) + 2.0 * np.sin(12.0 * t_s)], axis=1)
    gyr = np.stack([0.2 * np.sin(6.0 * t_s), np.gradient(lean_rad, t_s), 0 * t_s], axis=1)
    return Trial("kfall", "kfall/SA01", "T", "fall", "forward", 100.0, acc, gyr, 4.0, 4.9)


def test_rows_come_from_the_whole_core_and_only_where_it_is_not_quiet() -> None:
    trial = walk()
    rest = np.tile([0.0, 0.0, 9.8], (300, 1)) + np.random.default_rng(1).normal(0.0, 0.03, (300, 3))
    acc, gyr = np.vstack([rest, trial.acc]), np.vstack([np.random.default_rng(2).normal(0, 0.003, (300, 3)), trial.gyr])
    t_s, slices, rows = stream(acc, gyr, 100.0, 3.0)
    assert len(t_s) == len(slices) == len(rows) > 10
    assert rows.shape[1] == len(FEATURES)
    assert np.isfinite(rows).all()
    assert t_s.min() > 0.0
    assert (np.diff(slices) >= 1).all()
    assert np.median(t_s) > 3.5  # she falls over; most of the bobbing is quiet


def test_other_sensor_is_the_same_one_every_time() -> None:
    (one, how), (again, same), (third, _) = otherwise(walk(), 4), otherwise(walk(), 4), otherwise(walk(), 5)
    assert how == same
    assert (one.acc == again.acc).all()
    assert not (one.acc == third.acc).all()
    assert (one.onset_s, one.impact_s) == (4.0, 4.9)


def test_captures_follow_each_other() -> None:
    one, _ = capture(meta())
    both = together([one, one])
    assert both.starts == [0, 150, 300]
    assert len(both.trials) == 2
    assert len(both.rows) == 300


def test_trees_may_only_lean_one_way_on_features_that_there_are() -> None:
    assert {*RISING, *FALLING} <= {*FEATURES}
    assert not {*RISING} & {*FALLING}


@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed")
@pytest.mark.filterwarnings("ignore:Could not find the number of physical cores")
def test_same_rows_grow_the_same_trees_and_hopeless_rows_stay_far_from_arming(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import train_pre_impact as training

    for name, value in (("TREES", 30), ("EVERY", 1), ("LEAF_ROWS", 10)):
        monkeypatch.setattr(training, name, value)
    trials = [meta(), meta("walk", None, None, "ipol"), meta("sit", None, None)]
    t_s = np.tile(np.arange(1500) * 0.002, 3).astype(np.float32)
    rows = np.random.default_rng(1).normal(size=(4500, len(FEATURES))).astype(np.float32)
    rows[:1500, 26] += 3.0 * (t_s[:1500] > 1.1)
    data = training.rehearsal(Capture(trials, [0, 1500, 3000, 4500], t_s, np.arange(4500, dtype=np.int32), rows))
    one, other = (training.train(data, np.ones(4500, bool)) for _ in range(2))
    assert (one.log_odds(rows) == other.log_odds(rows)).all()
    assert one.hopeless == other.hopeless <= -1.0
    assert data.walking.sum() == 1500


@pytest.mark.parametrize(
    ("curve", "row"),
    [
        ("kfall, other people", "| KFall | other people |"),
        ("sisfall, other people", "| SisFall | other people |"),
        ("all sets, other people", "| all sets | other people |"),
        ("kfall, a model that never saw kfall", "| KFall | the other sets only |"),
        ("sisfall, a model that never saw sisfall", "| SisFall | the other sets only |"),
    ],
)
def test_published_figures_are_those_of_the_curve_at_the_shipped_limit(curve: str, row: str) -> None:
    config = PreImpactConfig()
    (at,) = (p for p in json.loads(CURVE.read_text())[curve] if p["limit"] == config.limit)
    assert at["decisions"] == config.decisions
    shares = " | ".join(f"{100 * at[name]:.1f} %" for name in ("sensitivity", "specificity"))
    armings = f"{at['walking_armings']} in {at['walking_h']:.1f} h"
    assert f"{row} {shares} | {at['lead_mean_ms']} ms | {armings} |\n" in DOCUMENT.read_text()


def test_shipped_model_says_what_made_it() -> None:
    header = MODEL.read_text().split('"""')[1]
    assert "Made by: python -m bench.train_pre_impact --train --write\n" in header
    assert re.search(r"^Seed \d+, data [0-9a-f]{16} \(kfall, sisfall, ipol, mobgap\), core [0-9a-f]{16}$", header, re.M)
    assert shipped.FEATURES == FEATURES


@pytest.mark.data
@needs_recordings
@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed")
def test_shipped_model_was_grown_on_these_recordings() -> None:
    from bench.train_pre_impact import SEED, hashes

    header = MODEL.read_text().split('"""')[1]
    assert f"Seed {SEED}, data {hashes(FOLDER)[0]} " in header


@pytest.mark.data
@needs_recordings
@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed")
def test_core_still_makes_the_features_that_the_shipped_model_was_grown_on() -> None:
    """Where this fails the core has changed: grow the trees anew, by the command in the model's header."""
    from bench.train_pre_impact import sample

    person, count, means = shipped.SAMPLE
    now_count, now_means = sample(FOLDER)
    assert now_count == pytest.approx(count, rel=0.02), person
    assert dict(zip(FEATURES, now_means, strict=True)) == pytest.approx(
        dict(zip(FEATURES, means, strict=True)), rel=0.03, abs=0.01
    )
