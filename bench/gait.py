"""Steps, cadence and step-time variability against labelled contacts: `python -m bench.gait [--json] [--quick]`.

The core's own attitude and steps on the recordings of `ipol/` (heel strikes) and `mobgap/` (initial contacts), forward
and played backward in time, at 100, 50 and 20 Hz, and with the sensor mounted 30 degrees off. Nothing is fitted but the
detector's constant lag behind the contact: one number for each way of playing, the median over the *other* people.

- sensitivity, PPV: contacts within the labelled walks, one step each, within 0.25 s after the lag is taken off.
- cadence: error of the mean step time of each bout of four steps or more, in percent.
- step-time SD: by the same rule for both (only step times within 30 % of the usual one, as the core does), of a trial.
- direction: forward or backward from the trunk alone, in windows of 4 s; also on walks of the sets of falls. See
  `bench._direction`. It is measured here and used nowhere.

Trials in which the labels run on after the trunk has come to rest are told apart: their clocks do not agree.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench._direction import accuracy
from bench._walks import Array, Walk, detected_s, folder, walks
from firmware.core.estimators.steps import StepsConfig, StepTimes

TOLERANCE_S = 0.25
LONGEST_S = 2.0
PLAYS: tuple[tuple[str, tuple[bool, float, float]], ...] = (
    ("forward, 100 Hz", (False, 100.0, 0.0)),
    ("forward, 50 Hz", (False, 50.0, 0.0)),
    ("forward, 20 Hz", (False, 20.0, 0.0)),
    ("forward, 100 Hz, 30 deg off", (False, 100.0, 30.0)),
    ("backward in time, 100 Hz", (True, 100.0, 0.0)),
    ("backward in time, 50 Hz", (True, 50.0, 0.0)),
    ("backward in time, 20 Hz", (True, 20.0, 0.0)),
    ("backward in time, 100 Hz, 30 deg off", (True, 100.0, 30.0)),
)
GROUPS = ("ipol", "ipol, labels that fit", "mobgap HA001", "mobgap MS001")
PUBLISHED = {"sensitivity": 0.79, "ppv": 0.89, "cadence_error_percent": 8.5}
"""Mobilise-D (2023), best algorithms for each, lower back, real life, 108 people."""


def played(walk: Walk, backward: bool, rate_hz: float, mounted_deg: float) -> Walk:
    walk = walk.at(rate_hz)
    walk = walk.reversed() if backward else walk
    return walk.mounted(mounted_deg) if mounted_deg else walk


def lag_s(pairs: Iterable[tuple[Array, Array]]) -> float:
    """Median from each contact to the step nearest to where the lag must be; first roughly, then closely."""
    gaps = np.concatenate([(d[:, None] - c[None, :]).ravel() for d, c in pairs])
    rough = float(np.median(gaps[np.abs(gaps) < 0.35]))
    return float(np.median(gaps[np.abs(gaps - rough) < 0.2]))


def matched(contacts_s: Array, steps_s: Array) -> int:
    """Pairs within the tolerance, nearest first, each used once."""
    if not len(contacts_s) or not len(steps_s):
        return 0
    gaps = np.abs(contacts_s[:, None] - steps_s[None, :])
    free_rows, free_columns, found = set(range(len(contacts_s))), set(range(len(steps_s))), 0
    for flat in np.argsort(gaps, axis=None, kind="stable"):
        row, column = divmod(int(flat), len(steps_s))
        if gaps[row, column] > TOLERANCE_S:
            break
        if row in free_rows and column in free_columns:
            free_rows.remove(row)
            free_columns.remove(column)
            found += 1
    return found


@dataclass
class Score:
    contacts: int = 0
    steps: int = 0
    hits: int = 0
    cadence_errors: list[float] = field(default_factory=list)  # percent, of each bout
    sd_ms: list[tuple[float, float]] = field(default_factory=list)  # labelled and ours, of each trial

    def figures(self) -> dict[str, float | int | None]:
        true, ours = (np.array([pair[i] for pair in self.sd_ms]) for i in (0, 1))
        return {
            "contacts": self.contacts,
            "sensitivity": round(self.hits / self.contacts, 3) if self.contacts else None,
            "ppv": round(self.hits / self.steps, 3) if self.steps else None,
            "cadence_error_percent": round(float(np.mean(self.cadence_errors)), 1) if self.cadence_errors else None,
            "step_sd_true_ms": round(float(true.mean()), 1) if len(true) else None,
            "step_sd_ms": round(float(ours.mean()), 1) if len(ours) else None,
            "step_sd_error_ms": round(float(np.abs(ours - true).mean()), 1) if len(ours) else None,
        }


def within(times_s: Array, from_s: float, to_s: float, slack_s: float) -> Array:
    kept: Array = times_s[(times_s >= from_s - slack_s) & (times_s <= to_s + slack_s)]
    return kept


def step_times(times_s: Array) -> Array:
    gaps: Array = np.diff(times_s)
    return gaps[gaps < LONGEST_S]


def regular(bouts: Sequence[Array]) -> StepTimes:
    """The core's own rule for step times, on any events."""
    config, found = StepsConfig(), StepTimes()
    for times_s in bouts:
        latest: list[float] = []
        for step_s in step_times(times_s).tolist():
            usual_s = sorted(latest)[len(latest) // 2] if len(latest) >= 3 else None
            if usual_s is not None and abs(step_s - usual_s) <= config.regular_share * usual_s:
                found = found.with_one(step_s)
            latest = [*latest[-5:], step_s]
    return found


def score(into: Sequence[Score], walk: Walk, steps_s: Array) -> None:
    """`steps_s` without the lag."""
    bouts = [
        (within(walk.contacts_s, a, min(b, walk.end_s), 0.02), within(steps_s, a, b, TOLERANCE_S))
        for a, b in walk.bouts_s
    ]
    for contacts_s, near_s in bouts:
        true_s, ours_s = step_times(contacts_s), step_times(near_s)
        hits = matched(contacts_s, near_s)
        for each in into:
            each.contacts += len(contacts_s)
            each.steps += len(near_s)
            each.hits += hits
            if len(true_s) >= 3 and len(ours_s) >= 3:
                each.cadence_errors.append(abs(float(true_s.mean() / ours_s.mean()) - 1.0) * 100.0)
    true, ours = regular([c for c, _ in bouts]).sd_s, regular([n for _, n in bouts]).sd_s
    if true is not None and ours is not None:
        for each in into:
            each.sd_ms.append((true * 1e3, ours * 1e3))


def judged(recorded: Sequence[Walk], backward: bool, rate_hz: float, mounted_deg: float) -> dict[str, Any]:
    """One way of playing everything."""
    fits = [walk.labels_fit() for walk in recorded]
    plays = [played(walk, backward, rate_hz, mounted_deg) for walk in recorded]
    found = [detected_s(walk) for walk in plays]
    scores: dict[str, Score] = defaultdict(Score)
    lags = []
    for subject in sorted({walk.subject for walk in plays}):
        others = [
            (d, w.contacts_s) for d, w, fit in zip(found, plays, fits, strict=True) if fit and w.subject != subject
        ]
        lag = lag_s(others)
        lags.append(lag)
        for walk, steps_s, fit in zip(plays, found, fits, strict=True):
            if walk.subject == subject:
                group = walk.dataset if walk.dataset == "ipol" else f"{walk.dataset} {subject}"
                names = [group, *([f"{group}, labels that fit"] if fit and group == "ipol" else []), "all"]
                score([scores[name] for name in names], walk, steps_s - lag)
    table: dict[str, Any] = {name: scores[name].figures() for name in (*GROUPS, "all") if name in scores}
    return {"lag_ms": [round(min(lags) * 1e3), round(max(lags) * 1e3)], **table}


def measured(quick: bool) -> dict[str, Any] | None:
    data = folder()
    if data is None:
        return None
    recorded = walks(data)
    if quick:
        recorded = [walk for i, walk in enumerate(recorded) if walk.dataset == "mobgap" or i % 5 == 0]
    plays = PLAYS[::4] if quick else PLAYS
    found: dict[str, Any] = {name: judged(recorded, *how) for name, how in plays}
    extra: dict[str, Any] = {} if quick else {"direction": accuracy(data)}
    fit = sum(walk.labels_fit() for walk in recorded)
    return {"published": PUBLISHED, "trials": len(recorded), "trials_whose_labels_fit": fit, **found, **extra}


COLUMNS = (
    ("sensitivity", "sens."),
    ("ppv", "PPV"),
    ("cadence_error_percent", "cadence %"),
    ("step_sd_true_ms", "SD true"),
    ("step_sd_ms", "SD ours"),
    ("step_sd_error_ms", "SD error"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.gait", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="a fifth of the trials, two ways of playing")
    args = parser.parse_args()
    found = measured(args.quick)
    if args.json:
        print(json.dumps(found))
    elif found is None:
        print("no recordings of real people; REARGUARD_DATA names their folder: nothing measured")
    else:
        print(f"{'':24}" + "".join(f"{title:>11}" for _, title in COLUMNS))
        for name, table in found.items():
            if not isinstance(table, dict) or "lag_ms" not in table:
                continue
            print(f"{name}; lag {table['lag_ms'][0]} to {table['lag_ms'][1]} ms")
            for group, row in table.items():
                if isinstance(row, dict):
                    print(f"  {group:22}" + "".join(f"{row[key]!s:>11}" for key, _ in COLUMNS))
        print("cadence: error; SD: of the step time by the labels and by ours, and the error of it, ms")
        said = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in PUBLISHED.items())
        print(f"published (Mobilise-D, real life): {said}")
        print(f"labels fit in {found['trials_whose_labels_fit']} of {found['trials']} trials")
        for name, row in found.get("direction", {}).items():
            print(
                f"direction, {name}: right in {row['right']:.1%} of {row['windows']}, worst {row['worst_person']:.0%}"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
