"""Trains the pre-impact estimate and measures it on people it has not seen: `python -m bench.train_pre_impact --train`.

Without `--train`: what a decision costs on this machine, and the curve as it was measured last.

Every trial streams through the shipping core, as it was recorded and once more as another sensor on another belt would
have measured it (`bench._pre_impact_data.otherwise`); walks also from their end to their start. Nothing is kept between
runs: the same seed, recordings and core give the same file, and the model's header says which they were.

Labels: with a labelled onset (KFall, video) a fall is what lies between 0.15 s after it and the impact; without one
(SisFall, whose impact is the largest |a|) the last 0.5 s before the impact. What lies just before is neither. Trees are
boosted three times, each time with the quiet rows added that the model before took for falls.
"""

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"  # the order of sums, and with it the last bit, must not depend on the machine

import json
import math
import time
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import _trees
from bench._fall_data import WALKS, Wearing, rotation, trials
from bench._pre_impact_curve import Point, curve, point, table
from bench._pre_impact_data import Capture, Meta, Rows, capture, otherwise, together
from firmware.core.detectors.pre_impact import FALLING, FEATURES, RISING, PreImpactConfig
from firmware.core.models import pre_impact as shipped

ROOT = Path(__file__).parents[1]
CORE = ROOT / "firmware" / "core"
MODEL = CORE / "models" / "pre_impact.py"
SHARED = ROOT.parent / "shared" / "data"
CURVE = Path(__file__).with_name("pre_impact_curve.json")
COMMAND = "python -m bench.train_pre_impact --train --write"
FALL_SETS, WALK_SETS = ("kfall", "sisfall"), ("ipol", "mobgap")  # Daphnet has no angular rate
SETS = (*FALL_SETS, *WALK_SETS)
SEED, FOLDS = 4, 3
SAMPLE = "mobgap/HA001"
TREES, LEAVES, PULL, LEAF_ROWS = 150, 14, 3.0, 50
FIRST = 24  # trees, that tell most of what is no fall
EVERY = 3  # rows of training; neighbours say nearly the same
WALKING_COUNTS = 3.0  # times as much as other movement: a walk is what the device is for
AFTER_ONSET_S, BEFORE_ONSET_S = 0.15, 0.3
UNLABELLED_S, UNSURE_S = 0.5, 1.5
RANDOM_ROWS, HARD_ROWS = 50_000, 25_000
AS_RECORDED = Wearing("as recorded", rate_hz=100.0)  # at most, as the device has it

Labels = NDArray[np.int8]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Rows of all trials with what they are: 1 falling, 0 not, -1 neither; `person[k]` is the index of a subject."""

    capture: Capture
    label: Labels
    person: NDArray[np.int16]
    dataset: NDArray[np.int8]  # index in SETS
    walking: NDArray[np.bool_]
    real: NDArray[np.bool_]  # as it was recorded


def rehearsal(recorded: Capture, other: Capture | None = None) -> Rehearsal:
    """`other`: the same trials, measured otherwise; to learn from, not to be judged by."""
    both = together([recorded, other]) if other is not None else recorded
    people = sorted({trial.subject for trial in both.trials})
    label = np.zeros(len(both.rows), np.int8)
    person, dataset = np.zeros(len(label), np.int16), np.zeros(len(label), np.int8)
    walking = np.zeros(len(label), bool)
    for trial, start, end in both.spans():
        label[start:end] = labels(trial, both.t_s[start:end])
        person[start:end] = people.index(trial.subject)
        dataset[start:end] = SETS.index(trial.dataset)
        walking[start:end] = trial.kind in WALKS
    return Rehearsal(both, label, person, dataset, walking, np.arange(len(label)) < len(recorded.rows))


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


@dataclass(frozen=True, slots=True)
class Grown:
    """Trees, and the log-odds after the first `FIRST` of them below which the others are not asked."""

    trees: Any
    hopeless: float

    def log_odds(self, rows: Rows) -> Scores:
        first = self.first(self.trees, rows)
        return np.where(first < self.hopeless, first, self.trees.decision_function(rows))

    @staticmethod
    def first(trees: Any, rows: Rows) -> Scores:
        found: Scores = next(islice(trees.staged_decision_function(rows), FIRST - 1, None))
        return found.ravel()


def train(data: Rehearsal, usable: NDArray[np.bool_]) -> Grown:
    """Trees that have learned from the rows that they may see."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    chance = np.random.default_rng(SEED)
    rows, thinned = data.capture.rows, np.arange(len(data.label)) % EVERY == 0
    falling = np.flatnonzero(usable & thinned & (data.label == 1))
    quiet = np.flatnonzero(usable & thinned & (data.label == 0))
    chosen = chance.choice(quiet, min(RANDOM_ROWS, len(quiet)), replace=False)
    counts = np.where(data.walking, WALKING_COUNTS, 1.0)
    model: Any = None
    for last in (False, False, True):
        index = np.concatenate([falling, chosen])
        model = HistGradientBoostingClassifier(
            max_iter=TREES if last else TREES // 2,
            learning_rate=0.1 if last else 0.2,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=LEAF_ROWS,
            l2_regularization=PULL,
            monotonic_cst=[int(name in RISING) - int(name in FALLING) for name in FEATURES],
            early_stopping=False,
            random_state=SEED,
        ).fit(rows[index], data.label[index] == 1, sample_weight=counts[index])
        if not last:
            hard = quiet[np.argsort(-model.decision_function(rows[quiet]), kind="stable")[:HARD_ROWS]]
            chosen = np.union1d(chosen, hard)
    index = np.concatenate([falling, chosen])
    likely = rows[index[model.decision_function(rows[index]) > 0.0]]
    if not len(likely):  # so few people that nothing can be learned
        return Grown(model, -math.inf)
    return Grown(model, min(-1.0, float(np.quantile(Grown.first(model, likely), 1e-3))))


def scores(model: Grown, data: Rehearsal, wanted: NDArray[np.bool_]) -> Scores:
    """Probabilities of the wanted rows, 0 for the others."""
    found = np.zeros(len(wanted))
    if wanted.any():
        found[wanted] = 1.0 / (1.0 + np.exp(-model.log_odds(data.capture.rows[wanted])))
    return found


def unseen(data: Rehearsal, note: Callable[[str], None]) -> Scores:
    """Each person scored by a model of the others."""
    result = np.zeros(len(data.label))
    for fold in range(FOLDS):
        out = data.person % FOLDS == fold
        result += scores(train(data, ~out), data, out & data.real)
        note(f"fold {fold + 1} of {FOLDS}")
    return result


def left_out(data: Rehearsal, note: Callable[[str], None]) -> dict[str, Scores]:
    """Each set of falls scored by a model that has seen no person and no sensor of it."""
    found = {}
    for name in FALL_SETS:
        out = data.dataset == SETS.index(name)
        found[name] = scores(train(data, ~out), data, out & data.real)
        note(f"without {name}")
    return found


def gathered(folder: Path, note: Callable[[str], None]) -> Rehearsal:
    """All sets with an angular rate, one after the other: as recorded, and measured otherwise."""
    began_s = time.process_time()
    recorded = capture(trials(folder, SETS), AS_RECORDED)
    note(f"{len(recorded.trials)} trials as recorded, {time.process_time() - began_s:.0f} s of CPU so far")
    other = capture(trials(folder, SETS), lambda trial: otherwise(trial, SEED))
    note(f"and as other sensors would have measured them, {time.process_time() - began_s:.0f} s")
    return rehearsal(recorded, other)


def hashes(folder: Path) -> tuple[str, str]:
    """Of the recordings, and of the core as far as it makes features: all of it but what is generated."""
    data = [path for name in SETS for path in (folder / name).glob("*.npz")]
    core = [path for path in CORE.rglob("*.py") if path.parent.name != "models"]
    return _trees.data_hash(data), _trees.data_hash(core)


def sample(folder: Path) -> tuple[int, list[float]]:
    """What the core makes of one person's walks: the number of rows, and the mean of each feature."""
    name, person = SAMPLE.split("/")
    rows = capture((trial for trial in trials(folder, (name,)) if trial.subject.endswith(person)), AS_RECORDED).rows
    return len(rows), [float(f"{mean:.6g}") for mean in rows.mean(axis=0)]


def write(model: Grown, folder: Path) -> None:
    data, core = hashes(folder)
    made_by = (
        f"Made by: {COMMAND}",
        f"Seed {SEED}, data {data} ({', '.join(SETS)}), core {core}",
        "`SAMPLE` is what that core made of one recording: person, number of rows, mean of each feature.",
    )
    what = "Log-odds that a fall has begun, from `firmware.core.detectors.pre_impact.FEATURES`."
    count, means = sample(folder)
    constants: Any = [("SAMPLE", (SAMPLE, count, tuple(means)))]
    text = _trees.source(model.trees, FEATURES, what=what, made_by=made_by, constants=constants)
    lines = text.splitlines(keepends=True)
    tree = [number for number, line in enumerate(lines) if line.startswith("    s += ")][FIRST]
    lines.insert(tree, f"    if s < {model.hopeless!r}:  # hopeless: the other trees are not asked\n        return s\n")
    MODEL.write_text("".join(lines))


def of(name: str) -> Callable[[Meta], bool]:
    return lambda trial: trial.dataset == name


def report(capture: Capture, mixed: Scores, alone: dict[str, Scores]) -> dict[str, list[Point]]:
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
        result = scores(model, other, other.real)
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
    rows = [tuple(row) for row in chance.normal(0.5, 1.0, (200, len(shipped.FEATURES))).tolist()]
    took_s = min(timeit.repeat(lambda: [shipped.score(row) for row in rows], number=1, repeat=50))
    return f"one score: {took_s / len(rows) * 1e6:.1f} us"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.train_pre_impact",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", nargs="?", type=Path, default=Path(os.environ.get("REARGUARD_DATA") or SHARED))
    parser.add_argument("--train", action="store_true", help="capture, cross-validate and print the curve")
    parser.add_argument(
        "--write", action="store_true", help="with --train: write the model of everybody, and the curve"
    )
    parser.add_argument("--worn", nargs="+", metavar="SET/PERSON", help="people who wear the device in other ways")
    parser.add_argument("--plot", type=Path, help="folder for a picture of the curve")
    options = parser.parse_args()
    if options.worn:
        data = gathered(options.data, print)
        worn_otherwise(options.data, data, tuple(options.worn), PreImpactConfig().limit)
        return
    curves = measured(options.data, options.write) if options.train else json.loads(CURVE.read_text())
    if not options.train:
        print(cost(), json.dumps(curves, indent=1), sep="\n")
    if options.plot:
        draw(curves, options.plot)


def measured(folder: Path, kept: bool) -> dict[str, list[dict[str, float]]]:
    """The curve by people and sets that the models have not seen; `kept`: written down, with the model of everybody."""
    data = gathered(folder, print)
    if kept:  # first, so that a run that is broken off has done the main thing
        write(train(data, np.ones(len(data.label), bool)), folder)
    mixed, alone = unseen(data, print), left_out(data, print)
    recorded = as_recorded(data.capture)
    count = len(recorded.t_s)
    found = report(recorded, mixed[:count], {name: result[:count] for name, result in alone.items()})
    details(recorded, mixed[:count], PreImpactConfig().limit, PreImpactConfig().decisions)
    curves = {title: [p.figures for p in points] for title, points in found.items()}
    if kept:
        CURVE.write_text(json.dumps(curves, indent=1) + "\n")
    return curves


def as_recorded(both: Capture) -> Capture:
    """The first half of the trials of a rehearsal."""
    half = len(both.trials) // 2
    end = both.starts[half]
    return Capture(both.trials[:half], both.starts[: half + 1], both.t_s[:end], both.slice_[:end], both.rows[:end])


if __name__ == "__main__":
    main()
