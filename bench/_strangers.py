"""The whole core, judging people whom its fall trees have never seen: five folds of `bench.train_falls`.

For each fold the trees are grown as `bench.train_falls --write` grows them, but without the people of that fold, and
take the place of the shipped ones while these people are judged. The limits stay those that ship; they were chosen on
such held-out scores. So did everything else about the core: rules, features and the other models know these people.
"""

import functools
import multiprocessing
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

from bench._fall_judging import FALLS, Seen
from firmware.core.models import fall_later, fall_possible, fall_suspected
from firmware.evaluation.dataset import Source, Trial
from firmware.evaluation.runner import Outcome, evaluate_files

MODELS: dict[str, ModuleType] = {
    "fall_possible": fall_possible,
    "fall_suspected": fall_suspected,
    "fall_later": fall_later,
}
SHIPPED = {name: module.score for name, module in MODELS.items()}
Trees = dict[str, str]
"""The source of each model, by its name."""
_in_place: list[Trees] = []


def can_teach(found: Sequence[Source]) -> bool:
    """The trees are grown on two sets of falls; without both there is nothing to grow."""
    return set(FALLS) <= {source.set_name for source in found}


def by_strangers(found: Sequence[Source], *, jobs: int | None) -> list[Outcome]:
    """Everybody in `found`, judged by trees that were grown on the others of them."""
    with tempfile.TemporaryDirectory() as folder:
        for source in found:
            place = Path(folder) / source.set_name
            place.mkdir(exist_ok=True)
            (place / source.path.name).symlink_to(source.path.resolve())
        fold_of, trees = _grown(Path(folder), jobs)
    outcomes: list[Outcome] = []
    try:
        for fold, grown in enumerate(trees):
            people = [s for s in found if fold_of.get(f"{s.set_name}/{s.path.stem}", 0) == fold]
            if people:
                outcomes += evaluate_files(people, jobs=jobs, change=functools.partial(_judged_by, grown))
    finally:
        _put_back()
    return outcomes


def _grown(folder: Path, jobs: int | None) -> tuple[dict[str, int], list[Trees]]:
    """The fold of each person, and the trees of each fold."""
    from bench.train_falls import FOLDS, TAUGHT, folds

    workers = min(jobs or multiprocessing.cpu_count(), len(TAUGHT))
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        parts = list(pool.map(functools.partial(_seen, folder), TAUGHT))
    fold_of = folds(parts)
    return fold_of, [_trees(parts, fold_of, fold) for fold in range(FOLDS)]


def _seen(folder: Path, name: str) -> Seen:
    from bench.train_falls import TAUGHT, seen

    return seen(folder, TAUGHT[name])


def _trees(parts: Sequence[Seen], fold_of: dict[str, int], fold: int) -> Trees:
    from bench._trees import source
    from bench.train_falls import STAGES, grown, lesson
    from firmware.core.estimators.fall_features import FEATURES

    found = {}
    for stage, (name, what) in enumerate(STAGES):
        model = grown(lesson(part, stage, lambda subject: fold_of[subject] != fold) for part in parts)
        found[name] = source(model, FEATURES, what=what, made_by=())
    return found


def _judged_by(trees: Trees, trial: Trial) -> Trial:
    """In whichever process judges it: the trees are in their place before the trial is."""
    if _in_place != [trees]:
        for name, text in trees.items():
            made: dict[str, Any] = {}
            exec(compile(text, f"<{name}>", "exec"), made)
            vars(MODELS[name])["score"] = made["score"]
        _in_place[:] = [trees]
    return trial


def _put_back() -> None:
    for name, module in MODELS.items():
        vars(module)["score"] = SHIPPED[name]
    _in_place.clear()
