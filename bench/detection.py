"""How well falls are told from everything else, beside what others do: `python -m bench.detection [--json] [--quick]`.

The same trials, the same labels and the same way of counting for all (firmware.evaluation.scoring). Rules have fixed
limits; whatever learns, learns from other people than it is judged on (five folds by person). Ours is there twice: the
core as it ships, whose trees have been trained on these people, so that its row says what the device does with them and
not how it does with strangers; and the same core with its fall trees grown without the person (`bench._strangers`).

`--stress` judges the core once more for each thing that may be different about a device: how it sits on the belt, how
often and how far its sensor measures; and walking played backward in time, the nearest there is to walking backward.

The recordings are those of REARGUARD_DATA (default ../shared/data).
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench._baselines import RULES, Signals, by_c8, by_rule, by_windows, signals, summary
from bench._changes import CHANGES
from bench._strangers import by_strangers, can_teach
from firmware.errors import how_to_add
from firmware.evaluation.dataset import DataError, Source, read, sources
from firmware.evaluation.runner import Evaluation, evaluate_files
from firmware.evaluation.stream import Judged

DEFAULT_DATA = Path(__file__).parents[2] / "shared" / "data"
FOLDS, QUICK_FOLDS = 5, 2
ROUNDS, QUICK_ROUNDS = 200, 20
QUICK_PEOPLE = 2  # of each set
WALKING = ("walk", "walk_fast", "walk_pd", "stairs")
OURS = "this core as it ships (trees trained on these people)"
STRANGERS = "this core, its fall trees grown without the person"
WINDOWS = "boosted trees on windows of 2.5 s, by person"
C8 = "SisFall's C8, threshold learnt, by person"


def data_folder() -> Path:
    return Path(os.environ.get("REARGUARD_DATA") or DEFAULT_DATA)


def chosen(found: Sequence[Source], people: int | None) -> list[Source]:
    """The first people of each set; None: all of them."""
    kept: dict[str, list[Source]] = {}
    for source in found:
        kept.setdefault(source.set_name, []).append(source)
    return [source for group in kept.values() for source in group[:people]]


def all_signals(found: Sequence[Source]) -> list[Signals]:
    trials = []
    for source in found:
        try:
            trials += [signals(trial) for trial in read(source).trials]
        except DataError as error:
            print(error, file=sys.stderr)
    return trials


def measure(found: Sequence[Source], *, quick: bool, jobs: int | None, plot: Path | None = None) -> dict[str, Any]:
    """Each row has the detector's name and its figures for each set, for all of them and for walking and stairs."""
    count, rounds = (QUICK_FOLDS, QUICK_ROUNDS) if quick else (FOLDS, ROUNDS)
    trials = all_signals(found)
    ways: dict[str, Callable[[], list[Judged]]] = {
        name: lambda rule=rule: by_rule(trials, rule)  # type: ignore[misc]
        for name, rule in RULES.items()
    }
    ways[C8] = lambda: by_c8(trials, count)
    notes = []
    learns = find_spec("sklearn") is not None
    if learns:
        ways[WINDOWS] = lambda: by_windows(trials, count, rounds)
        if can_teach(found):
            ways[STRANGERS] = lambda: by_strangers_drawn(found, jobs, plot)
        else:
            notes.append(f"{STRANGERS}: left out, it is grown on SisFall and KFall")
    else:
        for name in (WINDOWS, STRANGERS):
            notes.append(f"{name}: left out, scikit-learn is not installed ({how_to_add('bench')})")
    ways[OURS] = lambda: [trial for outcome in evaluate_files(found, jobs=jobs) for trial in outcome.trials]
    rows = []
    for name, judge in ways.items():
        print(f"judging: {name}", file=sys.stderr)
        rows.append(row(name, judge()))
    return {"bench": "detection", "people": len(found), "folds": count, "rows": rows, "notes": notes}


def by_strangers_drawn(found: Sequence[Source], jobs: int | None, plot: Path | None) -> list[Judged]:
    """And the worst of its errors as pictures, where a folder is named."""
    done = Evaluation(tuple(by_strangers(found, jobs=jobs)), (), 0.0)
    if plot is not None:
        from firmware.evaluation.trial_plot import draw_errors

        for path in draw_errors(done, plot):
            print(f"drew {path}", file=sys.stderr)
    return done.trials


def stressed(found: Sequence[Source], *, jobs: int | None) -> dict[str, Any]:
    """Our own core on changed recordings."""
    rows = []
    for name, change in {"as recorded": None, **CHANGES}.items():
        print(f"judging: {name}", file=sys.stderr)
        outcomes = evaluate_files(found, jobs=jobs, change=change)
        rows.append(row(name, [trial for outcome in outcomes for trial in outcome.trials]))
    return {"bench": "detection --stress", "people": len(found), "rows": rows, "notes": []}


def row(name: str, trials: Sequence[Judged]) -> dict[str, Any]:
    names = sorted({trial.label.set_name for trial in trials if trial.label.is_fall})
    walking = [trial for trial in trials if trial.label.kind in WALKING and not trial.label.is_fall]
    return {
        "detector": name,
        "sets": {key: summary([trial for trial in trials if trial.label.set_name == key]) for key in names},
        "all": summary(trials),
        "walking": {
            "alarms": sum(len(trial.suspected_s) for trial in walking),
            "hours": sum(trial.duration_s for trial in walking) / 3600.0,
        },
    }


def lines(result: dict[str, Any]) -> Iterator[str]:
    """One detector a line: sensitivity, specificity and F1 in per cent, for each set that has falls and for all."""
    sets = list(result["rows"][0]["sets"]) if result["rows"] else []
    width = max((len(row["detector"]) for row in result["rows"]), default=0)
    yield (
        f"{'':{width}}"
        + "".join(f" | {name:^20}" for name in (*sets, "all"))
        + " |  false   walking,  backward   after"
    )
    head = f" | {'sens':>6} {'spec':>6} {'F1':>6}"
    yield f"{'':{width}}" + head * (len(sets) + 1) + " | alarms/h   stairs    missed  impact, s"
    for row in result["rows"]:
        groups = [*row["sets"].values(), row["all"]]
        shares = "".join(
            " | " + " ".join(percent(g[key]) for key in ("sensitivity", "specificity", "f1")) for g in groups
        )
        late = row["all"]["latency_s"]["median"]
        yield (
            f"{row['detector']:{width}}{shares} | {row['all']['false_alarms_per_h'] or 0.0:8.2f} "
            f"{row['walking']['alarms']:4d} in {row['walking']['hours']:.1f} h {row['all']['missed_backward']:6d} "
            f"{'-' if late is None else f'{late:8.2f}'}"
        )
    yield from result["notes"]


def percent(value: float | None) -> str:
    return f"{'-':>6}" if value is None else f"{100 * value:6.2f}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.detection", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PEOPLE} people of each set, and fewer trees")
    parser.add_argument("--stress", action="store_true", help="our own core with other mountings and poorer sensors")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes for our own core; without it one a processor")
    parser.add_argument("--plot", type=Path, metavar="DIR", help="draw what the core gets wrong of people it never saw")
    options = parser.parse_args(arguments)
    folder = data_folder()
    found: list[Source] = []
    if folder.is_dir():
        found = chosen(sources(folder)[0], QUICK_PEOPLE if options.quick else None)
    else:
        print(f"no recordings at {folder} (REARGUARD_DATA): nothing to compare", file=sys.stderr)
    empty: dict[str, Any] = {"bench": "detection", "people": 0, "rows": [], "notes": []}
    result = empty
    if found:
        if options.stress:
            result = stressed(found, jobs=options.jobs)
        else:
            result = measure(found, quick=options.quick, jobs=options.jobs, plot=options.plot)
    if options.json:
        print(json.dumps(result))
    elif found:
        print("\n".join(lines(result)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
