"""`rearguard evaluate`: the shipping core on recordings of real people, scored."""

import argparse
import json
import math
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from firmware.config import load
from firmware.errors import ConfigError, MissingExtra, how_to_add

if TYPE_CHECKING:
    from firmware.evaluation.runner import Evaluation


def evaluate(args: argparse.Namespace) -> int:
    """0 when every file could be read and scored, 1 when one could not."""
    _check(args)
    from firmware.commands.evaluate_screen import open_progress, show
    from firmware.evaluation import runner
    from firmware.evaluation.dataset import sources

    config = load(args.config).core if args.config else None
    found, notes = sources(args.data)
    with open_progress() as progress:
        done = runner.evaluate(found, notes, jobs=args.jobs, config=config, lead_in_s=args.lead_in, progress=progress)
    scores = done.scores()
    _say(done, args.lead_in)
    if args.json:
        print(json.dumps(scores, allow_nan=False))
    elif done.trials:
        show(scores)
    if args.plot and done.trials:
        _plot(done, args.plot)
    return 1 if done.damaged or not done.trials else 0


def _check(args: argparse.Namespace) -> None:
    """Before the minutes of work."""
    needed = ["numpy", "matplotlib"] if args.plot else ["numpy"]
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise MissingExtra(f"evaluate needs {' and '.join(missing)}; {how_to_add('evaluate')}")
    if args.jobs is not None and args.jobs < 1:
        raise ConfigError(f"--jobs {args.jobs}: expected 1 or more")
    if not (math.isfinite(args.lead_in) and 0.0 <= args.lead_in <= 60.0):
        raise ConfigError(f"--lead-in {args.lead_in:g}: expected 0 to 60 seconds")
    if args.plot:
        try:
            (args.plot / "errors").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--plot {args.plot}: cannot be written: {error.strerror}") from error
        if not os.access(args.plot / "errors", os.W_OK) or not os.access(args.plot, os.W_OK):
            raise ConfigError(f"--plot {args.plot}: cannot be written: Permission denied")


def _say(done: "Evaluation", lead_in_s: float) -> None:
    """What is no figure, and what is different with each run, goes to standard error."""
    for line in (*done.notes, *done.damaged):
        print(f"rearguard: {line}", file=sys.stderr)
    led = f"{lead_in_s:g} s of standing before each trial" if lead_in_s else "each trial as it was recorded"
    speed = f", {done.recorded_s / done.cpu_s:.0f} s of recording a CPU second" if done.cpu_s else ""
    print(
        f"rearguard: {len(done.trials)} trials, {done.recorded_s / 3600:.2f} h, {led}; {done.wall_s:.0f} s{speed}",
        file=sys.stderr,
    )


def _plot(done: "Evaluation", folder: Path) -> None:
    from firmware.evaluation.plots import draw

    try:
        for path in draw(done, folder):
            print(f"rearguard: drew {path}", file=sys.stderr)
    except OSError as error:
        raise ConfigError(f"--plot {folder}: cannot be written: {error.strerror}") from error
