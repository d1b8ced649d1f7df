"""Teaches the fall detector: `python -m bench.train_falls --write` makes `firmware/core/models/fall_*.py`.

Every trial of SisFall and KFall (walks a second time from their end to their start, and other sets' walks) streams
through the shipping attitude, steps, slices and features: once as it was recorded, at 100 Hz at most, and twice with
the device worn and measuring in a way drawn for that trial (up to 30 deg off, one in four upside down, 20 to 100 Hz,
2 to 16 g, gain within 5 %, one in four without a gyroscope; in one of three nothing moves after the hardest jolt).
Simulated drops of the device are no falls. Five folds by subject say how good the trees are on people they have not
seen, and choose the limits; the shipped trees are then grown on everybody, with those limits. `--repeat` divides the
people in other ways as well: what differs then is luck. `--across` is the sterner question: trees and limits that know
one data set judge the other.
The same seed and data give the same files, bit for bit.
"""

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"  # the order of sums, and with it the last bit, must not depend on the machine

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench._fall_data import WALKS, Floats, Trial, Wearing, dropped, recorded_looks, rotation, trials
from bench._fall_judging import (
    FALLS,
    Limits,
    Seen,
    alarms,
    chosen_limits,
    figures,
    hinted,
    judged,
    tell,
    tell_details,
)
from bench._trees import data_hash, source
from firmware.core.estimators.fall_features import FEATURES

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

MODELS = Path(__file__).parents[1] / "firmware" / "core" / "models"
SEED = 4
FOLDS = 5
SETS = (*FALLS, "ipol", "mobgap", "daphnet")
UPSIDE_DOWN = np.diag([1.0, -1.0, -1.0])
TREES, DEPTH, RATE, LEAF, PULL = 120, 4, 0.12, 30, 3.0
SHARE = 0.5  # of the features, drawn for each split: less depends on what only these sensors show
PLENTY, EVERY = (*WALKS, "jog"), 3  # of what there is plenty of, every third look teaches
STAGES = (
    ("fall_possible", "Whether a jolt 0.3 s ago was a fall."),
    ("fall_suspected", "Whether a jolt 1 s ago was a fall."),
    ("fall_later", "Whether a jolt 2 s ago, which was left open after 1 s, was a fall."),
)


Draw = Callable[[int], Wearing]


def as_recorded(_: int) -> Wearing:
    return Wearing("as recorded", rate_hz=100.0)


def drawn(name: str) -> Draw:
    """A way of wearing for each trial by its index."""

    def wearing(index: int) -> Wearing:
        dice = np.random.default_rng([SEED, index, *name.encode()])
        turn = np.array(rotation(dice.normal(size=3), math.radians(30.0 * math.sqrt(dice.uniform()))))
        if dice.uniform() < 0.25:
            turn = turn @ UPSIDE_DOWN
        return Wearing(
            name,
            rate_hz=float(dice.choice([20, 25, 32, 50, 64, 100])),
            range_g=float(dice.choice([2, 4, 8, 16])),
            gain=float(dice.uniform(0.95, 1.05)),
            turn=_rows(turn),
            gyroscope=bool(dice.uniform() < 0.75),
            smoothed=bool(dice.uniform() < 0.5),
            stand_in=bool(dice.uniform() < 0.6),
            lead_in_s=3.0 * float(dice.integers(0, 2)),
            still_after_s=float(dice.uniform(0.3, 0.9)) if dice.uniform() < 0.3 else math.inf,
        )

    return wearing


def turned(name: str) -> Draw:
    """30 deg off about an axis drawn for each trial."""

    def wearing(index: int) -> Wearing:
        dice = np.random.default_rng([SEED, index, *name.encode()])
        return Wearing(name, rate_hz=100.0, turn=rotation(dice.normal(size=3), math.radians(30.0)))

    return wearing


def always(wearing: Wearing) -> Draw:
    return lambda _: wearing


def _rows(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in matrix)


TAUGHT = {"as recorded": as_recorded, "drawn 1": drawn("drawn 1"), "drawn 2": drawn("drawn 2")}
TRIED: dict[str, Draw] = {
    "30 deg off": turned("30 deg off"),
    "upside down": always(Wearing("upside down", rate_hz=100.0, turn=_rows(UPSIDE_DOWN))),
    "still after": always(Wearing("still after", rate_hz=100.0, still_after_s=0.5)),
    "20 Hz": always(Wearing("20 Hz", rate_hz=20.0)),
    "4 g": always(Wearing("4 g", rate_hz=100.0, range_g=4.0)),
    "2 g": always(Wearing("2 g", rate_hz=100.0, range_g=2.0)),
    "20 Hz, 2 g": always(Wearing("20 Hz, 2 g", rate_hz=20.0, range_g=2.0)),
    "no gyroscope": always(Wearing("no gyroscope", rate_hz=100.0, gyroscope=False, stand_in=True)),
    "rates 0": always(Wearing("rates 0", rate_hz=100.0, gyroscope=False)),
    "no lead-in": always(Wearing("no lead-in", rate_hz=100.0, lead_in_s=0.0)),
}


def seen(data: Path, draw: Draw, sets: Sequence[str] = SETS) -> Seen:
    """Stream everything once."""
    kept: list[Trial] = []
    rows: list[tuple[float, ...]] = []
    where: list[tuple[float, ...]] = []
    every = [trials(data, tuple(sets)), dropped(200, SEED)]
    for index, trial in enumerate(trial for source_ in every for trial in source_):
        kept.append(trial.without_samples())
        for at_s, look in recorded_looks(trial, draw(index)):
            rows.append(look.features)
            where.append((index, look.number, look.peak_ns * 1e-9, at_s))
    table = np.array(where)
    return Seen(kept, np.array(rows), table[:, 0], table[:, 1], table[:, 2], table[:, 3])


# Learning


def grown(parts: Iterable[tuple[Floats, Floats]]) -> "HistGradientBoostingClassifier":
    from sklearn.ensemble import HistGradientBoostingClassifier

    shown = list(parts)
    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        max_depth=DEPTH,
        learning_rate=RATE,
        min_samples_leaf=LEAF,
        l2_regularization=PULL,
        max_features=SHARE,
        early_stopping=False,
        random_state=SEED,
    )
    return model.fit(np.concatenate([x for x, _ in shown]), np.concatenate([y for _, y in shown]))


def lesson(part: Seen, stage: int, among: Callable[[str], bool]) -> tuple[Floats, Floats]:
    labels = part.labels
    plenty = np.array([trial.kind in PLENTY for trial in part.trials])[part.trial.astype(int)]
    chosen = (part.number == stage) & (labels >= 0) & ~(plenty & (np.arange(len(labels)) // len(STAGES) % EVERY > 0))
    chosen &= np.array([among(subject) for subject in part.subjects])
    return part.features[chosen], labels[chosen]


def folds(parts: Iterable[Seen], seed: int = SEED, among: Callable[[str], bool] = lambda _: True) -> dict[str, int]:
    """Which fold a subject is in; everything that is known of a subject is in one."""
    subjects = sorted({trial.subject for part in parts for trial in part.trials if among(trial.subject)})
    np.random.default_rng(seed).shuffle(subjects)
    return {subject: index % FOLDS for index, subject in enumerate(subjects)}


def scored(models: Sequence["HistGradientBoostingClassifier"], fold: dict[str, int], part: Seen, stage: int) -> Floats:
    """By the model that has not seen the subject; NaN for other looks, and for who is in no fold."""
    scores = np.full(len(part.trial), np.nan)
    place = np.array([fold.get(subject, -1) for subject in part.subjects])
    for index, model in enumerate(models):
        chosen = (part.number == stage) & (place == index)
        if chosen.any():
            scores[chosen] = model.decision_function(part.features[chosen])
    return scores


def grown_by_fold(parts: Sequence[Seen], fold: dict[str, int]) -> list[list["HistGradientBoostingClassifier"]]:
    """For each stage a model without each fold; who is in no fold teaches none of them."""
    return [
        [grown(lesson(p, stage, lambda s, i=i: fold.get(s, i) != i) for p in parts) for i in range(FOLDS)]  # type: ignore[misc]
        for stage in range(len(STAGES))
    ]


def scored_by_fold(
    models: Sequence[Sequence["HistGradientBoostingClassifier"]], fold: dict[str, int], parts: Iterable[Seen]
) -> list[list[Floats]]:
    return [[scored(models[stage], fold, part, stage) for stage in range(len(STAGES))] for part in parts]


def tell_across(parts: Sequence[Seen]) -> None:
    """Trees that have seen one data set judge the other, with limits from the people of the first."""
    for taught, judge in (FALLS, FALLS[::-1]):

        def teaches(subject: str, out: str = judge) -> bool:
            return not subject.startswith(out)

        fold = folds(parts, among=teaches)
        limits = chosen_limits(parts, scored_by_fold(grown_by_fold(parts, fold), fold, parts))
        models = [grown(lesson(part, stage, teaches) for part in parts) for stage in range(len(STAGES))]
        for name, part in zip(TAUGHT, parts, strict=True):
            scores = [scored([model], dict.fromkeys(part.subjects, 0), part, i) for i, model in enumerate(models)]
            found = figures(part, alarms(part, scores, limits), lambda t, j=judge: judged(t) and t.dataset == j)  # type: ignore[misc]
            print(f"{taught} -> {judge}, {name}: {found}", flush=True)


def tell_again(parts: Sequence[Seen], times: int) -> None:
    """The same figures for other divisions into folds: what differs between them is luck."""
    for seed in range(SEED + 1, SEED + times):
        fold = folds(parts, seed)
        scores = scored_by_fold(grown_by_fold(parts, fold), fold, parts)
        limits = chosen_limits(parts, scores)
        print(f"folds by seed {seed}, {limits}")
        for name, part, score in zip(TAUGHT, parts, scores, strict=True):
            tell(name, part, alarms(part, score, limits))


def write(parts: Sequence[Seen], limits: Limits, digest: str) -> None:
    made_by = (
        "By: python -m bench.train_falls --write",
        f"From: SisFall (Sucerquia et al. 2017), KFall (Yu et al. 2021), walks of others; hash {digest}, seed {SEED}",
    )
    constants = (
        [("LIMIT", limits.possible)],
        [("LIMIT", limits.suspected), ("OPEN", limits.open)],
        [("LIMIT", limits.later)],
    )
    for stage, (name, what) in enumerate(STAGES):
        model = grown(lesson(part, stage, lambda _: True) for part in parts)
        text = source(model, FEATURES, what=what, made_by=made_by, constants=constants[stage])
        (MODELS / f"{name}.py").write_text(text)
        print(f"{name}.py: {len(text) // 1000} kB, {TREES} trees")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.train_falls", description=__doc__)
    default = os.environ.get("REARGUARD_DATA") or Path(__file__).parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--write", action="store_true", help="the models, grown on everybody")
    parser.add_argument("--rows", action="store_true", help="judge each way of wearing by itself as well (slow)")
    parser.add_argument("--across", action="store_true", help="taught by one data set, judged on the other")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="judge by N divisions into folds")
    args = parser.parse_args()
    if not all((args.data / dataset).is_dir() for dataset in FALLS):
        print(f"train_falls: no recordings in {args.data}; set REARGUARD_DATA or --data", file=sys.stderr)
        return 1
    digest = data_hash(path for dataset in SETS for path in (args.data / dataset).glob("*.npz"))
    parts = [seen(args.data, draw) for draw in TAUGHT.values()]
    print(f"data {digest}, seed {SEED}; {sum(len(part.trial) for part in parts)} looks", flush=True)
    fold = folds(parts)
    models = grown_by_fold(parts, fold)
    scores = scored_by_fold(models, fold, parts)
    limits = chosen_limits(parts, scores)
    print(limits, flush=True)
    if args.write:
        write(parts, limits, digest)
    for name, part, score in zip(TAUGHT, parts, scores, strict=True):
        tell(name, part, alarms(part, score, limits))
    tell_details(parts[0], alarms(parts[0], scores[0], limits), hinted(parts[0], scores[0][0], limits))
    for name, draw in TRIED.items() if args.rows else ():
        part = seen(args.data, draw, FALLS)
        tell(name, part, alarms(part, scored_by_fold(models, fold, [part])[0], limits))
    tell_again(parts, args.repeat)
    if args.across:
        tell_across(parts)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
