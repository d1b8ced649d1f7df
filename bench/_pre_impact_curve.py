"""Sensitivity against false alarms and lead time: what the detector would do with scores, trial by trial."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench._fall_data import WALKS
from bench._pre_impact_data import Capture, Meta, Rows

EARLY_S = 0.2  # before the labelled onset: the label is the moment that people see, not the first
UNLABELLED_S = 1.0  # before an impact whose fall has no labelled onset (median of those labelled 0.72 s)
HOLD_S = 1.0
LIMITS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.88, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)


@dataclass(slots=True)
class Point:
    """One setting's figures. A trial of a fall is found by an arming between onset - 0.2 s and impact."""

    limit: float
    decisions: int
    falls: int = 0
    found: int = 0
    too_early: int = 0  # falls with an arming before that, which is a false alarm as well
    others: int = 0  # trials without a fall, as they were recorded
    others_armed: int = 0
    others_h: float = 0.0
    armings: int = 0  # in them
    walking_h: float = 0.0  # as recorded and from its end to its start
    walking_armings: int = 0
    leads_s: list[float] = field(default_factory=list)
    by_kind: dict[str, list[int]] = field(default_factory=dict)  # trials, trials armed

    @property
    def sensitivity(self) -> float:
        return self.found / self.falls if self.falls else float("nan")

    @property
    def specificity(self) -> float:
        return 1.0 - self.others_armed / self.others if self.others else float("nan")

    def lead_ms(self, share: float) -> float:
        return 1e3 * float(np.quantile(self.leads_s, share)) if self.leads_s else float("nan")

    @property
    def figures(self) -> dict[str, float]:
        """Rounded, for people and for JSON."""
        return {
            "limit": self.limit,
            "decisions": self.decisions,
            "sensitivity": round(self.sensitivity, 4),
            "specificity": round(self.specificity, 4),
            "lead_mean_ms": round(1e3 * float(np.mean(self.leads_s))) if self.leads_s else -1,
            "lead_median_ms": round(self.lead_ms(0.5)) if self.leads_s else -1,
            "lead_p5_ms": round(self.lead_ms(0.05)) if self.leads_s else -1,
            "too_early": self.too_early,
            "walking_armings": self.walking_armings,
            "walking_h": round(self.walking_h, 2),
            "armings_per_h": round(self.armings / self.others_h, 2) if self.others_h else -1,
        }


def armings(
    t_s: Rows, slices: NDArray[np.int32], scores: NDArray[np.float64], limit: float, decisions: int
) -> list[float]:
    """When the detector would arm: so many slices in a row with a score above the limit, and not armed already."""
    above = scores > limit
    enough = above.copy()
    for back in range(1, decisions):
        enough[back:] &= above[:-back] & (slices[back:] - slices[:-back] == back)
        enough[:back] = False
    times: list[float] = []
    until_s = -np.inf
    for t in t_s[enough].tolist():
        if t >= until_s:
            times.append(t)
        until_s = t + HOLD_S
    return times


def point(
    capture: Capture,
    scores: NDArray[np.float64],
    limit: float,
    decisions: int,
    wanted: Callable[[Meta], bool] = lambda _: True,
) -> Point:
    """`scores`: probabilities, one for each row of the capture."""
    found = Point(limit, decisions)
    for trial, start, end in capture.spans():
        if wanted(trial):
            t_s, slices = capture.t_s[start:end], capture.slice_[start:end]
            _count(found, trial, armings(t_s, slices, scores[start:end], limit, decisions))
    return found


def _count(found: Point, trial: Meta, times: list[float]) -> None:
    if trial.impact_s is not None:
        from_s = trial.impact_s - UNLABELLED_S if trial.onset_s is None else trial.onset_s - EARLY_S
        found.falls += 1
        found.too_early += any(t < from_s for t in times)
        good = [t for t in times if from_s <= t <= trial.impact_s]
        kind = found.by_kind.setdefault(f"fall {trial.direction}", [0, 0])
        if good:
            found.found += 1
            found.leads_s.append(trial.impact_s - good[0])
        armed = bool(good)
    else:
        kind, armed = found.by_kind.setdefault(trial.kind + (" <" if trial.backwards else ""), [0, 0]), bool(times)
        if not trial.backwards:
            found.others += 1
            found.others_armed += armed
            found.others_h += trial.duration_s / 3600
            found.armings += len(times)
        if trial.kind in WALKS:
            found.walking_h += trial.duration_s / 3600
            found.walking_armings += len(times)
    kind[0] += 1
    kind[1] += armed


def curve(
    capture: Capture,
    scores: NDArray[np.float64],
    wanted: Callable[[Meta], bool] = lambda _: True,
    limits: Iterable[float] = LIMITS,
    decisions: Iterable[int] = (2,),
) -> list[Point]:
    return [point(capture, scores, limit, row, wanted) for row in decisions for limit in limits]


def table(title: str, points: Iterable[Point]) -> str:
    lines = [f"{title}", " limit row  sens   spec   lead mean/median/p5 ms  early  walking/h       ADL/h"]
    for p in points:
        f = p.figures
        lines.append(
            f"{f['limit']:6.3f} {f['decisions']:3} {f['sensitivity']:6.2%} {f['specificity']:7.2%}   "
            f"{f['lead_mean_ms']:4} /{f['lead_median_ms']:4} /{f['lead_p5_ms']:4}      {f['too_early']:5}"
            f"  {f['walking_armings']:4} in {f['walking_h']:5.2f} h {f['armings_per_h']:7.2f}"
        )
    return "\n".join(lines)
