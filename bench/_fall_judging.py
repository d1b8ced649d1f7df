"""What trees that have not seen somebody say about that person's trials: alarms, figures, the limits between."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench._fall_data import WALKS, Bools, Floats, Trial
from firmware.core.detectors.fall import fell_seated

FALLS = ("sisfall", "kfall")
NEAR_S, BEFORE_S = 0.5, 2.0
WALK_COSTS = 3.0  # as much as so many other errors: an alarm in a walk that goes well
BLUR = 0.5  # log-odds: errors are few, and their bare number would choose a limit by luck


@dataclass(frozen=True, slots=True)
class Seen:
    """Every look of all trials, worn in one way; the arrays are parallel, `trial` counts in `trials`."""

    trials: list[Trial]  # without their samples
    features: Floats
    trial: Floats
    number: Floats
    peak_s: Floats
    at_s: Floats

    @property
    def subjects(self) -> list[str]:
        return [self.trials[int(index)].subject for index in self.trial]

    @property
    def impact_s(self) -> Floats:
        return np.array([_known(self.trials[int(index)].impact_s) for index in self.trial])

    @property
    def labels(self) -> Floats:
        """1 a fall, 0 none, -1 what nobody can say: shortly before a fall, and after it."""
        after_s = self.peak_s - self.impact_s
        none = np.isnan(after_s) | (after_s < -BEFORE_S)
        return np.where(none, 0, np.where(np.abs(after_s) <= NEAR_S, 1, -1))


def _known(value_s: float | None) -> float:
    return math.nan if value_s is None else value_s


@dataclass(frozen=True, slots=True)
class Limits:
    possible: float
    suspected: float
    open: float
    later: float


def alarms(part: Seen, scores: Sequence[Floats], limits: Limits) -> Floats:
    """When each trial first alarms, in seconds; infinite when never. A fall is not found before it began."""
    first = np.full(len(part.trials), np.inf)
    left_open: dict[tuple[float, float], bool] = {}
    for row in range(len(part.trial)):
        key = (part.trial[row], part.peak_s[row])
        if part.number[row] == 1:
            fell = scores[1][row] >= limits.suspected or fell_seated(part.features[row])
            left_open[key] = limits.open <= scores[1][row] < limits.suspected and not fell
        else:
            fell = part.number[row] == 2 and left_open.get(key, False) and scores[2][row] >= limits.later
        if fell:
            index = int(part.trial[row])
            first[index] = min(first[index], part.at_s[row])
    return first


def began_s(trial: Trial) -> float:
    if trial.impact_s is None:
        return math.nan
    return trial.impact_s - 1.5 if trial.onset_s is None else trial.onset_s


@dataclass(frozen=True, slots=True)
class Figures:
    falls: int
    missed: int
    others: int
    false: int

    def __str__(self) -> str:
        found = self.falls - self.missed
        f1 = 2 * found / max(1, 2 * found + self.false + self.missed)
        sensitivity = found / self.falls if self.falls else math.nan
        specificity = 1 - self.false / self.others if self.others else math.nan
        return (
            f"sens {sensitivity:.4f} ({self.missed}/{self.falls} missed)  spec {specificity:.4f} "
            f"({self.false}/{self.others} false)  F1 {f1:.4f}"
        )


def figures(part: Seen, first_s: Floats, among: Callable[[Trial], bool]) -> Figures:
    """Walks that are played backwards and simulated drops are counted by themselves only."""
    chosen = [(trial, first_s[i]) for i, trial in enumerate(part.trials) if among(trial)]
    fell = [(trial, at) for trial, at in chosen if trial.fell]
    missed = sum(not at < math.inf for _, at in fell)
    early = sum(at < began_s(trial) for trial, at in fell)
    others = [at for trial, at in chosen if not trial.fell]
    return Figures(len(fell), missed, len(others), sum(at < math.inf for at in others) + early)


def judged(trial: Trial) -> bool:
    return trial.dataset in FALLS and not trial.backwards


def best_per_trial(part: Seen, scores: Floats, chosen: Bools) -> Floats:
    """The highest score of each trial; minus infinity where there is none, or NaN alone."""
    best = np.full(len(part.trials), -np.inf)
    np.fmax.at(best, part.trial[chosen].astype(int), scores[chosen])
    return best


def calmest(score: Floats, fell: Bools, costs: Floats, also: Bools) -> float:
    """The limit at which the errors cost least, when each score may as well have been a little higher or lower.

    `also`: found by other means.
    """
    grid = np.arange(-5.0, 6.01, 0.1)
    near = np.clip(score, -30.0, 30.0)
    found = [np.where(also, 1.0, 1.0 / (1.0 + np.exp((limit - near) / BLUR))) for limit in grid]
    errors = np.array([(costs * np.where(fell, 1.0 - share, share)).sum() for share in found])
    return round(float(grid[int(np.argmin(errors))]), 2)


def chosen_limits(parts: Sequence[Seen], scores: Sequence[Sequence[Floats]]) -> Limits:
    """From the scores of people whom the trees had not seen, recorded and drawn together."""
    every = [trial for part in parts for trial in part.trials]
    fell = np.array([trial.fell for trial in every])
    costs = np.array([WALK_COSTS if trial.kind in WALKS else 1.0 for trial in every])
    nobody = np.zeros(len(fell), bool)
    possible, suspected = (
        np.concatenate([best_per_trial(p, s[stage], p.number == stage) for p, s in zip(parts, scores, strict=True)])
        for stage in (0, 1)
    )
    limit = calmest(suspected, fell, costs, nobody)
    opened = round(min(limit - 1.0, float(np.quantile(suspected[fell & (suspected > -np.inf)], 0.001))), 2)
    late = np.concatenate([_left_open(p, s, opened, limit) for p, s in zip(parts, scores, strict=True)])
    later = calmest(late, fell, costs, suspected >= limit)
    return Limits(calmest(possible, fell, costs, nobody), limit, opened, later)


def _left_open(part: Seen, score: Sequence[Floats], opened: float, limit: float) -> Floats:
    """The highest score of the last look at what the second one left open."""
    rows = np.flatnonzero((part.number == 1) & (score[1] >= opened) & (score[1] < limit))
    keys = {(part.trial[row], part.peak_s[row]) for row in rows}
    again = np.array([key in keys for key in zip(part.trial, part.peak_s, strict=True)]) & (part.number == 2)
    return best_per_trial(part, score[2], again)


# Telling


def tell(name: str, part: Seen, first_s: Floats) -> None:
    walks = figures(part, first_s, lambda trial: trial.kind in WALKS)
    drops = figures(part, first_s, lambda trial: trial.kind == "dropped")
    print(f"{name:14} {figures(part, first_s, judged)}  walks {walks.false}/{walks.others}", end="")
    print(f"  dropped {drops.false}/{drops.others}", flush=True)


def tell_details(part: Seen, first_s: Floats, hints: Floats) -> None:
    for what in ("dataset", "direction", "kind"):
        for value in sorted({str(getattr(trial, what)) for trial in part.trials if judged(trial)} - {""}):
            found = figures(part, first_s, lambda t, w=what, v=value: judged(t) and getattr(t, w) == v)  # type: ignore[misc]
            print(f"  {what:9} {value:16} {found}")
    falls = [(trial, first_s[i]) for i, trial in enumerate(part.trials) if judged(trial) and trial.impact_s is not None]
    latency = np.array([at - trial.impact_s for trial, at in falls if at < math.inf and trial.impact_s is not None])
    print(f"  suspected after the impact: median {np.median(latency):.2f} s, p95 {np.quantile(latency, 0.95):.2f} s")
    print(f"  possible, at 0.3 s: {figures(part, hints, judged)}")
    for i, trial in enumerate(part.trials):
        if judged(trial) and (trial.fell == bool(first_s[i] == math.inf) or first_s[i] < began_s(trial)):
            what = "missed" if first_s[i] == math.inf else "false"
            print(f"  {what:7} {trial.subject:14} {trial.name:14} {trial.kind} {trial.direction}")


def hinted(part: Seen, scores: Floats, limits: Limits) -> Floats:
    first = np.full(len(part.trials), np.inf)
    for row in np.flatnonzero((part.number == 0) & (scores >= limits.possible)):
        index = int(part.trial[row])
        first[index] = min(first[index], part.at_s[row])
    return first
