"""Forward or backward, from the trunk alone: how often one cue is right on recorded walks, told from their reversal.

The cue: mean of (forward acceleration) x (rate of change of the vertical one), each about its mean, over four seconds.
In the second half of a stance the trunk falls over the foot in the direction of walking while its upward acceleration
grows again, so walking forward the cue is above zero. Played backward in time both accelerations keep their sign and
the rate of change turns: the cue is exactly the opposite, and right as often. Its sign is all that was taken from data.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench._walks import Array, walks

WINDOW, SMOOTHED = 400, 9  # samples at 100 Hz
LEAST_SD_MPS2 = 0.5  # less is standing
SETS = ("sisfall", "kfall")
TRIALS = 3  # of each person

Windows = Iterator[tuple[str, str, Array]]


def cue(accel_mps2: Array) -> float:
    """Above zero: forward."""
    up = accel_mps2.mean(axis=0)
    up /= np.linalg.norm(up)
    ahead = np.array([1.0, 0.0, 0.0]) - up[0] * up
    weights = np.hanning(SMOOTHED + 2)[1:-1] / np.hanning(SMOOTHED + 2).sum()
    forward, vertical = (
        np.convolve(accel_mps2 @ axis, weights, mode="valid") for axis in (ahead / np.linalg.norm(ahead), up)
    )
    rate = np.gradient(vertical)
    return float(np.mean((forward - forward.mean()) * (rate - rate.mean())) / (forward.std() * rate.std()))


def labelled_windows(data: Path) -> Windows:
    """Inside the labelled walks, from the second second on: set, person, accelerations."""
    for walk in walks(data):
        for from_s, to_s in walk.bouts_s:
            last = min(round(to_s * walk.fs_hz) - 50, len(walk.accel_mps2)) - WINDOW
            for i in range(round(from_s * walk.fs_hz) + 100, last + 1, WINDOW):
                yield walk.dataset, walk.subject, walk.accel_mps2[i : i + WINDOW]


def other_windows(data: Path) -> Windows:
    """Slow and normal walks of the sets of falls, at 100 Hz."""
    for path in (path for name in SETS for path in sorted((data / name).glob("*.npz"))):
        z = np.load(path)
        accel, together = z["acc"].T * float(z["acc_lsb"]), round(float(z["fs"]) / 100)
        for i in np.flatnonzero(z["kind"] == "walk")[:TRIALS]:
            trial = accel[z["start"][i] : z["start"][i + 1]]
            n = len(trial) // together
            trial = trial[: n * together].reshape(n, together, 3).mean(axis=1)
            for j in range(200, min(n - WINDOW - 100, 3000), WINDOW):
                window = trial[j : j + WINDOW]
                if np.linalg.norm(window, axis=1).std() > LEAST_SD_MPS2:
                    yield path.parent.name, str(z["subject"]), window


def accuracy(data: Path) -> dict[str, dict[str, float | int]]:
    """Share of the windows of each set in which the cue is right, and of the person with the worst share."""
    right: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for windows in (labelled_windows(data), other_windows(data)):
        for dataset, subject, accel in windows:
            for name in (dataset, "all"):
                right[name][f"{dataset} {subject}"].append(cue(accel) > 0.0)
    return {name: _figures(people) for name, people in right.items()}


def _figures(people: dict[str, list[bool]]) -> dict[str, float | int]:
    every = [hit for hits in people.values() for hit in hits]
    worst = min(sum(hits) / len(hits) for hits in people.values())
    return {"windows": len(every), "right": round(sum(every) / len(every), 3), "worst_person": round(worst, 2)}
