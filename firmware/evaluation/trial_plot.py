"""The worst trials, drawn: what the sensor felt, how the trunk leaned, what was labelled and what was decided."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firmware.evaluation.dataset import Array, Label, Source, Trial, read
from firmware.evaluation.no_gyro import rates_from_gravity
from firmware.evaluation.runner import Evaluation
from firmware.evaluation.scoring import WALKING, false_alarms_s, found_s, mistakes
from firmware.evaluation.stream import POSTURE_S, Judged

DRAWN = 24
G0_MPS2 = 9.80665
SMOOTHING_S = 0.25
LONG_S = 60.0  # more of a trial in one picture shows nothing
ROWS = 4  # of words above it: onset, armed, impact and possible lie within a second
INK, FAINT, BLUE, RED, GREEN, ORANGE = "#222222", "#DDDDDD", "#0072B2", "#D55E00", "#009E73", "#E69F00"


def worst(trials: Sequence[Judged], most: int = DRAWN) -> list[Judged]:
    """Missed falls and alarms while walking first; in each class by set, person and trial, so that it is no choice."""
    wrong = [trial for trial in trials if mistakes(trial)]
    return sorted(
        wrong, key=lambda trial: (_class(trial), trial.label.set_name, trial.label.subject, trial.label.trial)
    )[:most]


def _class(trial: Judged) -> int:
    if trial.label.is_fall and found_s(trial) is None:
        return 1 if trial.ready_s is not None else 2
    return 0 if trial.label.kind in WALKING else 3


def draw_errors(done: Evaluation, folder: Path) -> Iterator[Path]:
    """One picture a trial, named after it; pictures of an earlier evaluation are taken away."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    wanted, names = {id(trial) for trial in worst(done.trials)}, Counter[str]()
    for outcome in done.outcomes:
        if not wanted.isdisjoint(map(id, outcome.trials)):
            for trial, judged in _pairs(outcome.source, outcome.trials):
                if id(judged) in wanted:
                    path = folder / f"{_name(trial.label, names)}.png"
                    _figure(trial, judged).savefig(path, dpi=120)
                    yield path


def _pairs(source: Source, judged: Sequence[Judged]) -> Iterator[tuple[Trial, Judged]]:
    """Both are in the order of the file; a trial in which the core failed was not judged."""
    left = list(judged)
    for trial in read(source).trials:
        if left and left[0].label == trial.label:
            yield trial, left.pop(0)


def _name(label: Label, names: Counter[str]) -> str:
    """Of the picture; numbered where several trials have the same name."""
    name = re.sub(r"[^\w.-]+", "_", f"{label.set_name}-{label.subject}-{label.trial}")
    names[name] += 1
    return name if names[name] == 1 else f"{name}-{names[name]}"


def _span_s(judged: Judged) -> tuple[float, float]:
    """What is drawn: a short trial whole, of a long one the surroundings of what went wrong."""
    end_s, label = judged.duration_s, judged.label
    false_s, falls_s = false_alarms_s(judged), label.onset_s if label.impact_s is None else label.impact_s
    missed_s = falls_s if label.is_fall and found_s(judged) is None else None
    wrong_s = missed_s if missed_s is not None else false_s[0] if false_s else None
    if end_s <= LONG_S or wrong_s is None:
        return 0.0, max(end_s, 1.0 / judged.fs_hz)
    begin_s = min(max(0.0, wrong_s - LONG_S / 2), end_s - LONG_S)
    return begin_s, begin_s + LONG_S


def _figure(trial: Trial, judged: Judged) -> Figure:
    figure = Figure(figsize=(10, 6), layout="constrained", facecolor="white")
    force, tilt, turning = (figure.add_subplot(3, 1, i + 1) for i in range(3))
    span_s = _span_s(judged)
    seen = slice(*(round(t_s * trial.fs_hz) for t_s in span_s))
    t_s = np.arange(len(trial.accel_mps2))[seen] / trial.fs_hz
    gyro = trial.gyro_radps if trial.gyro_radps is not None else rates_from_gravity(trial.accel_mps2, trial.fs_hz)
    force.plot(t_s, np.linalg.norm(trial.accel_mps2[seen], axis=1) / G0_MPS2, color=INK, linewidth=0.8)
    force.set_ylabel("|a| (g)")
    tilt.plot(t_s, tilt_deg(trial)[seen], color=BLUE, linewidth=1.2)
    tilt.set_ylabel("gravity from its\nstart (deg)")
    turning.plot(t_s, np.degrees(np.linalg.norm(gyro[seen], axis=1)), color=GREEN, linewidth=0.8)
    turning.set_ylabel("turning (deg/s)" if trial.gyro_radps is not None else "turning (deg/s),\nestimated")
    turning.set_xlabel("time in the trial (s)")
    label = trial.label
    what = f"fall {label.direction}" if label.is_fall else label.kind.replace("_", " ")
    first, *more = sorted(mistakes(judged), key=lambda said: not said.startswith("missed"))
    wrong = f"{first}; and {len(more)} more" if more else first
    name = f"{label.set_name} {label.subject} {label.trial}: {what}"
    force.set_title(name, loc="left", fontsize=11, pad=10 + 11 * ROWS)
    force.set_title(wrong, loc="right", fontsize=10, color=RED, pad=10 + 11 * ROWS)
    for ax in (force, tilt, turning):
        _tidy(ax)
        ax.set_xlim(span_s)
        _marks(ax, judged, span_s, named=ax is force)
    return figure


def _tidy(ax: Axes) -> None:
    ax.grid(True, color=FAINT, linewidth=0.7)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _marks(ax: Axes, judged: Judged, span_s: tuple[float, float], *, named: bool) -> None:
    """Labels are dashed, decisions are solid; an alarm has the score of its trees, if they gave it."""
    label, scores, wrong = judged.label, dict(judged.scored), false_alarms_s(judged)
    marks = [(label.onset_s, "onset", "#666666", "--"), (label.impact_s, "impact", INK, "--")]
    marks += [(t_s, f"armed {score:.2f}", ORANGE, "-") for t_s, score in judged.armed]
    marks += [(t_s, "possible" + _scored(scores.get(t_s)), ORANGE, "-") for t_s in judged.possible_s]
    for t_s in judged.suspected_s:
        name = "false alarm" if t_s in wrong else "alarm"
        marks.append((t_s, name + (_scored(scores.get(t_s)) or " (posture)"), RED, "-"))
    known = sorted((t_s, name, colour, style) for t_s, name, colour, style in marks if t_s is not None)
    shown = [mark for mark in known if span_s[0] <= mark[0] <= span_s[1]]
    for place, (t_s, name, colour, style) in enumerate(shown):
        ax.axvline(t_s, color=colour, linestyle=style, linewidth=1.2)
        if named:
            ax.annotate(
                name,
                (t_s, 1.0),
                (0, 2 + 11 * (place % ROWS)),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                color=colour,
                fontsize=8,
                ha="center",
                va="bottom",
            )


def _scored(score: float | None) -> str:
    return "" if score is None else f" {score:+.1f}"


def tilt_deg(trial: Trial) -> Array:
    """How far the smoothed acceleration points from where it pointed at the start; the core's own tilt is better."""
    accel = trial.accel_mps2
    width = max(1, round(SMOOTHING_S * trial.fs_hz))
    kernel = np.full(min(width, len(accel)), 1.0 / min(width, len(accel)))
    smooth = np.stack([np.convolve(axis, kernel, mode="same") for axis in accel.T], axis=1)
    start = accel[: max(1, round(POSTURE_S * trial.fs_hz))].mean(axis=0)
    sizes = np.linalg.norm(smooth, axis=1) * float(np.linalg.norm(start))
    with np.errstate(invalid="ignore", divide="ignore"):
        angles: Array = np.arccos(np.clip(smooth @ start / sizes, -1.0, 1.0)) * (180.0 / math.pi)
    return angles
