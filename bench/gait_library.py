"""Our steps beside scikit-digital-health's on labelled walks: `python -m bench.gait_library [--json] [--quick]`.

Lower-back recordings of people walking forward (`ipol/`), which is what the library was made for, in the rows of steps
that our core finds. Each method's lag behind the labelled contacts is taken off before they are matched: the one number
that matches best over all trials, which favours both alike.
"""

import argparse
import json
from collections.abc import Iterator, Sequence

import numpy as np

from bench._walks import Array, Walk, folder, walks
from bench.gait import matched
from firmware.errors import MissingExtra
from firmware.reports.gait import compare_steps
from hal.samples import ImuSample

METHODS = ("ours", "theirs")
LAGS_S = [round(0.02 * step, 2) for step in range(-12, 13)]
Found = tuple[Array, dict[str, Array]]  # labelled contacts, and each method's steps


def samples(walk: Walk) -> list[ImuSample]:
    times_ns = np.round(walk.times_s * 1e9).astype(np.int64).tolist()
    rows = zip(times_ns, walk.accel_mps2.tolist(), walk.gyro_radps.tolist(), strict=True)
    return [ImuSample(t_ns, tuple(accel), tuple(gyro)) for t_ns, accel, gyro in rows]


def found_in(trials: Sequence[Walk]) -> Iterator[Found]:
    """What is labelled and found within the rows of steps of each trial."""
    for walk in trials:
        rows, ours_s, theirs_s = compare_steps(samples(walk))
        for a, b in rows:
            inside = [np.array([t for t in s if a - 0.5 <= t <= b + 0.5]) for s in (walk.contacts_s, ours_s, theirs_s)]
            if all(len(one) for one in inside):
                yield inside[0], dict(zip(METHODS, inside[1:], strict=True))


def scores(found: Sequence[Found]) -> dict[str, dict[str, float]]:
    result = {}
    for method in METHODS:
        by_lag = {lag_s: sum(matched(c, steps[method] - lag_s) for c, steps in found) for lag_s in LAGS_S}
        lag_s = max(by_lag, key=lambda lag_s: by_lag[lag_s])
        labelled = sum(len(contacts) for contacts, _ in found)
        told = sum(len(steps[method]) for _, steps in found)
        errors = [
            abs(float(np.median(np.diff(steps[method])) / np.median(np.diff(contacts))) - 1.0)
            for contacts, steps in found
            if len(contacts) > 3 and len(steps[method]) > 3
        ]
        result[method] = {
            "sensitivity": by_lag[lag_s] / labelled,
            "ppv": by_lag[lag_s] / told,
            "cadence_error_percent": 100.0 * float(np.median(errors)),
            "lag_s": lag_s,
        }
    return result


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--json", action="store_true", help="one JSON object")
    options.add_argument("--quick", action="store_true", help="every eighth trial")
    args = options.parse_args()
    data = folder()
    if data is None:
        print("no recordings: REARGUARD_DATA names their folder")
        return
    trials = [walk.at(100.0) for walk in walks(data) if walk.dataset == "ipol" and walk.labels_fit()]
    try:
        found = list(found_in(trials[:: 8 if args.quick else 1]))
    except MissingExtra as error:
        print(error)
        return
    result = scores(found)
    if args.json:
        print(json.dumps({"rows": len(found), **result}))
        return
    print(f"{len(found)} rows of steps, {sum(len(contacts) for contacts, _ in found)} labelled contacts")
    print("                        sensitivity     PPV   cadence error, median")
    for method, name in zip(METHODS, ("ours", "scikit-digital-health"), strict=True):
        score = result[method]
        told = f"{score['sensitivity']:.3f}   {score['ppv']:.3f}   {score['cadence_error_percent']:.1f} %"
        print(f"{name:<24}      {told}")


if __name__ == "__main__":
    main()
