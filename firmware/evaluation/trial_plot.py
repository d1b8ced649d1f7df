"""The worst trials, drawn: what the sensor felt, how the trunk leaned, what was labelled and what was decided."""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firmware.evaluation.dataset import Array, Source, Trial, read
from firmware.evaluation.no_gyro import rates_from_gravity
from firmware.evaluation.runner import Evaluation
from firmware.evaluation.scoring import WALKING, false_alarms_s, found_s, mistakes
from firmware.evaluation.stream import POSTURE_S, Judged

DRAWN = 24
G0_MPS2 = 9.80665
SMOOTHING_S = 0.25
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
    wanted = worst(done.trials)
    for outcome in done.outcomes:
        chosen = {trial.label.trial: trial for trial in outcome.trials if trial in wanted}
        if chosen:
            yield from _draw_file(outcome.source, chosen, folder)


def _draw_file(source: Source, chosen: dict[str, Judged], folder: Path) -> Iterator[Path]:
    for trial in read(source).trials:
        judged = chosen.get(trial.label.trial)
        if judged is None:
            continue
        label = trial.label
        path = folder / (re.sub(r"[^\w.-]+", "_", f"{label.set_name}-{label.subject}-{label.trial}") + ".png")
        _figure(trial, judged).savefig(path, dpi=120)
        yield path


def _figure(trial: Trial, judged: Judged) -> Figure:
    figure = Figure(figsize=(10, 6), layout="constrained", facecolor="white")
    force, tilt, turning = (figure.add_subplot(3, 1, i + 1) for i in range(3))
    t_s = np.arange(len(trial.accel_mps2)) / trial.fs_hz
    gyro = trial.gyro_radps if trial.gyro_radps is not None else rates_from_gravity(trial.accel_mps2, trial.fs_hz)
    force.plot(t_s, np.linalg.norm(trial.accel_mps2, axis=1) / G0_MPS2, color=INK, linewidth=0.8)
    force.set_ylabel("|a| (g)")
    tilt.plot(t_s, tilt_deg(trial), color=BLUE, linewidth=1.2)
    tilt.set_ylabel("gravity from its\nstart (deg)")
    turning.plot(t_s, np.degrees(np.linalg.norm(gyro, axis=1)), color=GREEN, linewidth=0.8)
    turning.set_ylabel("turning (deg/s)" if trial.gyro_radps is not None else "turning (deg/s),\nestimated")
    turning.set_xlabel("time in the trial (s)")
    label = trial.label
    what = f"fall {label.direction}" if label.is_fall else label.kind
    force.set_title(f"{label.set_name} {label.subject} {label.trial}: {what}", loc="left", fontsize=11, pad=20)
    force.set_title("; ".join(mistakes(judged)), loc="right", fontsize=10, color=RED, pad=20)
    for ax in (force, tilt, turning):
        _tidy(ax)
        ax.set_xlim(0.0, max(trial.duration_s, 1.0 / trial.fs_hz))
        _marks(ax, judged, named=ax is force)
    return figure


def _tidy(ax: Axes) -> None:
    ax.grid(True, color=FAINT, linewidth=0.7)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _marks(ax: Axes, judged: Judged, *, named: bool) -> None:
    """Labels are dashed, decisions are solid."""
    label = judged.label
    marks = [(label.onset_s, "onset", "#666666", "--"), (label.impact_s, "impact", INK, "--")]
    marks += [(t_s, "armed", ORANGE, "-") for t_s, _ in judged.armed]
    marks += [(t_s, "possible", ORANGE, "-") for t_s in judged.possible_s]
    wrong = false_alarms_s(judged)
    marks += [(t_s, "false alarm" if t_s in wrong else "alarm", RED, "-") for t_s in judged.suspected_s]
    for t_s, name, colour, style in marks:
        if t_s is None:
            continue
        ax.axvline(t_s, color=colour, linestyle=style, linewidth=1.2)
        if named:
            ax.annotate(
                name,
                (t_s, 1.0),
                (0, 2),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                color=colour,
                fontsize=8,
                ha="center",
                va="bottom",
            )


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
