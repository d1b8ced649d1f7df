"""Trains the pre-impact estimate and measures it on people it has not seen: `python -m bench.train_pre_impact --train`.

Without `--train`: what a decision costs on this machine, and the curve as it was measured last.

Labels: with a labelled onset (KFall, video) a fall is what lies between 0.15 s after it and the impact; without one
(SisFall, whose impact is the largest |a|) the last 0.5 s before the impact. What lies just before is neither. Trees are
boosted three times, each time with the quiet rows added that the model before took for falls.
"""

import argparse
import json
import math
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import _trees
from bench._fall_data import Wearing, rotation, trials
from bench._pre_impact_curve import Point, curve, point, table
from bench._pre_impact_data import Capture, Meta, Rows, capture, stored
from firmware.core.detectors.pre_impact import FEATURES, PreImpactConfig
from firmware.core.models import pre_impact as shipped

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "firmware" / "core" / "models" / "pre_impact.py"
CURVE = Path(__file__).with_name("pre_impact_curve.json")
FALL_SETS, WALK_SETS = ("kfall", "sisfall"), ("ipol", "mobgap")  # Daphnet has no angular rate
SEED, FOLDS = 4, 5
TREES, LEAVES = 180, 14
EVERY = 3  # rows of training; neighbours say nearly the same
AFTER_ONSET_S, BEFORE_ONSET_S = 0.15, 0.3
UNLABELLED_S, UNSURE_S = 0.5, 1.5
RANDOM_ROWS, HARD_ROWS = 60_000, 25_000

Labels = NDArray[np.int8]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Rows of all trials with what they are: 1 falling, 0 not, -1 neither; `person[k]` is the index of a subject."""

    capture: Capture
    label: Labels
    person: NDArray[np.int16]
    dataset: NDArray[np.int8]  # index in FALL_SETS + WALK_SETS
    quiet: NDArray[np.bool_]


def rehearsal(capture: Capture) -> Rehearsal:
    people = sorted({trial.subject for trial in capture.trials})
    datasets = (*FALL_SETS, *WALK_SETS)
    label = np.zeros(len(capture.rows), np.int8)
    person, dataset = np.zeros(len(label), np.int16), np.zeros(len(label), np.int8)
    for trial, start, end in capture.spans():
        label[start:end] = labels(trial, capture.t_s[start:end])
        person[start:end] = people.index(trial.subject)
        dataset[start:end] = datasets.index(trial.dataset)
    return Rehearsal(capture, label, person, dataset, capture.quiet)


def labels(trial: Meta, t_s: Rows) -> Labels:
    found = np.zeros(len(t_s), np.int8)
    if trial.impact_s is None:
        return found
    if trial.onset_s is None:
        from_s, unsure_s = trial.impact_s - UNLABELLED_S, trial.impact_s - UNSURE_S
    else:
        from_s, unsure_s = trial.onset_s + AFTER_ONSET_S, trial.onset_s - BEFORE_ONSET_S
    found[t_s >= unsure_s] = -1
    found[(t_s >= from_s) & (t_s <= trial.impact_s)] = 1
    return found


def train(data: Rehearsal, usable: NDArray[np.bool_], trees: int = TREES, leaves: int = LEAVES) -> Any:
    """A fitted HistGradientBoostingClassifier; `usable` says which rows it may see."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    chance = np.random.default_rng(SEED)
    rows, thinned = data.capture.rows, (np.arange(len(data.label)) % EVERY == 0) & ~data.quiet
    falling = np.flatnonzero(usable & thinned & (data.label == 1))
    quiet = np.flatnonzero(usable & thinned & (data.label == 0))
    chosen = chance.choice(quiet, min(RANDOM_ROWS, len(quiet)), replace=False)
    model: Any = None
    for last in (False, False, True):
        index = np.concatenate([falling, chosen])
        model = HistGradientBoostingClassifier(
            max_iter=trees if last else trees // 2,
            learning_rate=0.1 if last else 0.2,
            max_leaf_nodes=leaves,
            min_samples_leaf=40,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=SEED,
        ).fit(rows[index], data.label[index] == 1)
        if not last:
            hard = quiet[np.argsort(-model.decision_function(rows[quiet]), kind="stable")[:HARD_ROWS]]
            chosen = np.union1d(chosen, hard)
    return model


def scores(model: Any, data: Rehearsal, wanted: NDArray[np.bool_]) -> Scores:
    """For the wanted rows; quiet ones score 0 without being looked at."""
    found = np.zeros(len(wanted))
    looked_at = wanted & ~data.quiet
    found[looked_at] = model.predict_proba(data.capture.rows[looked_at])[:, 1]
    return found


def unseen(data: Rehearsal, note: Callable[[str], None]) -> Scores:
    """Each person scored by a model of the others."""
    result = np.zeros(len(data.label))
    for fold in range(FOLDS):
        out = data.person % FOLDS == fold
        result += scores(train(data, ~out), data, out)
        note(f"fold {fold + 1} of {FOLDS}")
    return result


def left_out(data: Rehearsal, note: Callable[[str], None]) -> dict[str, Scores]:
    """Each set of falls scored by a model that has seen no person and no sensor of it."""
    found = {}
    for index, name in enumerate(FALL_SETS):
        out = data.dataset == index
        found[name] = scores(train(data, ~out), data, out)
        note(f"without {name}")
    return found


def gathered(folder: Path, cache: Path | None) -> Capture:
    """All sets with an angular rate, one after the other."""
    parts = []
    for name in (*FALL_SETS, *WALK_SETS):
        path = cache / f"pre_{name}.npz" if cache else None
        parts.append(stored(path, trials(folder, (name,)), Wearing("as recorded")))
    starts = [0]
    for part in parts:
        starts += [starts[-1] + start for start in part.starts[1:]]
    every = [trial for part in parts for trial in part.trials]
    t_s, rows = (np.concatenate([getattr(part, key) for part in parts]) for key in ("t_s", "rows"))
    return Capture(every, starts, t_s, rows)


def write(model: Any, folder: Path) -> None:
    files = [path for name in (*FALL_SETS, *WALK_SETS) for path in (folder / name).glob("*.npz")]
    made_by = (
        "Made by: python -m bench.train_pre_impact --train --write",
        f"Seed {SEED}, data {_trees.data_hash(files)} ({', '.join((*FALL_SETS, *WALK_SETS))})",
    )
    what = "Log-odds that a fall has begun, from `firmware.core.detectors.pre_impact.FEATURES`."
    MODEL.write_text(_trees.source(model, FEATURES, what=what, made_by=made_by))


def of(name: str) -> Callable[[Meta], bool]:
    return lambda trial: trial.dataset == name


def report(data: Rehearsal, mixed: Scores, alone: dict[str, Scores]) -> dict[str, list[Point]]:
    capture = data.capture
    found = {f"{name}, other people": curve(capture, mixed, of(name)) for name in FALL_SETS}
    found["all sets, other people"] = curve(capture, mixed)
    for name, result in alone.items():
        found[f"{name}, a model that never saw {name}"] = curve(capture, result, of(name))
    for title, points in found.items():
        print(table(title, points), end="\n\n")
    return found


def details(capture: Capture, result: Scores, limit: float, decisions: int) -> None:
    for name in FALL_SETS:
        kinds = point(capture, result, limit, decisions, of(name)).by_kind
        print(f"{name} at {limit}: " + ", ".join(f"{kind} {armed}/{n}" for kind, (n, armed) in sorted(kinds.items())))


WEARINGS = (
    Wearing("as recorded"),
    Wearing("30 deg askew", turn=rotation(np.array([0.6, 1.0, 0.3]), math.radians(30.0))),
    Wearing("upside down", turn=rotation(np.array([1.0, 0.0, 0.0]), math.pi)),
    Wearing("50 Hz", rate_hz=50.0),
    Wearing("20 Hz", rate_hz=20.0),
    Wearing("at most 4 g", range_g=4.0),
    Wearing("at most 2 g", range_g=2.0),
    Wearing("no angular rate", gyroscope=False),
    Wearing("angular rate from gravity", gyroscope=False, stand_in=True),
)


def worn_otherwise(folder: Path, data: Rehearsal, people: tuple[str, ...], limit: float) -> None:
    """The same people with the device worn, or measuring, in another way; by a model that has not seen them.

    What the detector refuses to judge (slow sensors, no angular rate) is judged here all the same, to say why.
    """
    names = sorted({trial.subject for trial in data.capture.trials})
    model = train(data, ~np.isin(data.person, [names.index(name) for name in people]))
    for wearing in WEARINGS:
        made = (trial for trial in trials(folder, FALL_SETS) if trial.subject in people)
        other = rehearsal(capture(made, wearing))
        result = scores(model, other, np.ones(len(other.label), bool))
        print(table(wearing.name, [point(other.capture, result, limit, 2)]))


def draw(curves: dict[str, list[dict[str, float]]], folder: Path) -> None:
    """Sensitivity over specificity and over lead time."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.5))
    for title, points in curves.items():
        sensitivity = [100 * p["sensitivity"] for p in points]
        left.plot([100 * p["specificity"] for p in points], sensitivity, "o-", label=title, markersize=3)
        right.plot([p["lead_mean_ms"] for p in points], sensitivity, "o-", label=title, markersize=3)
    left.set(xlabel="trials without a fall that stay silent, %", ylabel="falls armed before the impact, %")
    right.set(xlabel="mean lead before the impact, ms")
    left.legend(fontsize=7)
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.tight_layout()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "pre_impact.png", dpi=110)


def cost() -> str:
    """A decision of the shipped model, without its features."""
    chance = np.random.default_rng(SEED)
    rows = [tuple(row) for row in chance.normal(0.5, 1.0, (200, len(FEATURES))).tolist()]
    took_s = min(timeit.repeat(lambda: [shipped.score(row) for row in rows], number=1, repeat=50))
    return f"one score: {took_s / len(rows) * 1e6:.1f} us"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--train", action="store_true", help="capture, cross-validate and print the curve")
    parser.add_argument(
        "--write", action="store_true", help="with --train: write the model of everybody, and the curve"
    )
    parser.add_argument("--worn", nargs="+", metavar="SET/PERSON", help="people who wear the device in other ways")
    parser.add_argument("--cache", type=Path, help="folder that keeps the captured features between runs")
    parser.add_argument("--plot", type=Path, help="folder for a picture of the curve")
    options = parser.parse_args()
    print(cost())
    if options.worn:
        data = rehearsal(gathered(options.data, options.cache))
        worn_otherwise(options.data, data, tuple(options.worn), PreImpactConfig().limit)
        return
    curves = measured(options.data, options.cache, options.write) if options.train else json.loads(CURVE.read_text())
    if not options.train:
        print(json.dumps(curves, indent=1))
    if options.plot:
        draw(curves, options.plot)


def measured(folder: Path, cache: Path | None, kept: bool) -> dict[str, list[dict[str, float]]]:
    """The curve by people and sets that the models have not seen; `kept`: written down, with the model of everybody."""
    data = rehearsal(gathered(folder, cache))
    mixed = unseen(data, print)
    found = report(data, mixed, left_out(data, print))
    details(data.capture, mixed, PreImpactConfig().limit, PreImpactConfig().decisions)
    curves = {title: [p.figures for p in points] for title, points in found.items()}
    if kept:
        write(train(data, np.ones(len(data.label), bool)), folder)
        CURVE.write_text(json.dumps(curves, indent=1) + "\n")
    return curves


if __name__ == "__main__":
    main()
