"""Loss of balance on recordings of real people: stumbles against walking, and falls that begin while walking.

    python -m bench.stumbles [--json] [--quick] [--write]

Every trial of REARGUARD_DATA (default ../shared/data) runs through the shipping core, led in by standing, at its own
rate; walking also played backward in time. A stumble's score is the highest of its trial, a walking piece's the highest
of 8 s. `cross-validated` refits the exponents and the limit without the people they are judged on; `one set left out`
without their whole data set. `--write` fits them anew on everybody and writes firmware/core/models/sway.py.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench._stumble_data import WALKING, Array, Track, data_hash, tracks
from bench.synthetic import data_folder
from firmware.core.models import sway as shipped

PIECE_S = 8.0
LEAST_S = 2.0  # of steps in a piece, or it is no walking
FOLDS = 6
SEED = 3
ROUNDS = 6  # of looking for the worst moment of each piece with the weights of the round before
STRENGTH = 0.3  # inverse of the regularisation
WARNED = 0.93  # of the stumbles at the shipped limit, or less where that cost more than
FALSE_PER_H = 2.0  # warnings an hour of slow walking
WARNED_BEFORE_S = 2.0
MODEL = Path(__file__).parents[1] / "firmware" / "core" / "models" / "sway.py"


@dataclass(slots=True)
class Piece:
    """One stumble trial, or 8 s of walking."""

    track: Track
    t_s: Array
    cues: Array
    score: Array

    @property
    def stumble(self) -> bool:
        return self.track.kind == "stumble"


@dataclass(frozen=True, slots=True)
class Weights:
    exponents: Array  # of tilt, rate, jolt, bounce, rhythm
    limit: float

    def score(self, cues: Array) -> Array:
        """As firmware.core.detectors.sway, for stumbles alone; in logarithms."""
        times: Array = (cues[:, :5] @ self.exponents - self.limit) / self.exponents[:-1].sum()
        return times


SHIPPED = Weights(np.array([shipped.TILT, shipped.RATE, shipped.JOLT, shipped.BOUNCE, shipped.RHYTHM]), shipped.LIMIT)


def pieces(found: Sequence[Track]) -> list[Piece]:
    out = []
    for track in found:
        if track.kind == "stumble":
            out.append(Piece(track, track.t_s, track.cues, track.score))
        elif track.kind in WALKING:
            count = max(1, int(track.duration_s / PIECE_S))
            which = np.minimum((track.t_s / PIECE_S).astype(int), count - 1)
            for index in range(count):
                part = which == index
                if part.sum() and _spans_s(track.t_s[part]) >= LEAST_S:
                    out.append(Piece(track, track.t_s[part], track.cues[part], track.score[part]))
    return out


def _spans_s(t_s: Array) -> float:
    steps = np.diff(t_s)
    return float(steps[steps < 0.2].sum())


def fit(train: Sequence[Piece]) -> Weights:
    """Logistic regression on the worst moment of each piece, which is looked for anew with each fit."""
    from sklearn.linear_model import LogisticRegression

    weights = SHIPPED
    known = [piece for piece in train if len(piece.cues)]
    is_stumble = np.array([piece.stumble for piece in known])
    for _ in range(ROUNDS):
        worst = np.array([piece.cues[int(np.argmax(weights.score(piece.cues))), :5] for piece in known])
        mean, spread = worst.mean(axis=0), worst.std(axis=0) + 1e-6
        balance = np.where(is_stumble, 0.5 * (~is_stumble).sum() / max(1, is_stumble.sum()), 1.0)
        model = LogisticRegression(C=STRENGTH, max_iter=500)
        model.fit((worst - mean) / spread, is_stumble, sample_weight=balance)
        exponents = np.maximum(model.coef_[0] / spread, 0.0)  # nothing unusual makes a stumble less likely
        limit = float((model.coef_[0] / spread * mean).sum() - model.intercept_[0])
        weights = Weights(exponents, limit)
    return weights


def highest(judged: Sequence[Piece], weights: Weights | None) -> Array:
    """In logarithms; without weights, the core's own score."""
    return np.array(
        [
            -50.0
            if not len(p.score)
            else float(np.log(max(p.score.max(), 1e-20)) if weights is None else weights.score(p.cues).max())
            for p in judged
        ]
    )


def cross_validated(judged: Sequence[Piece]) -> Array:
    people = sorted({piece.track.subject for piece in judged})
    np.random.default_rng(SEED).shuffle(people)
    fold = {person: index % FOLDS for index, person in enumerate(people)}
    scores = np.zeros(len(judged))
    for held in range(FOLDS):
        weights = fit([piece for piece in judged if fold[piece.track.subject] != held])
        mine = [i for i, piece in enumerate(judged) if fold[piece.track.subject] == held]
        scores[mine] = highest([judged[i] for i in mine], weights)
    return scores


def set_left_out(judged: Sequence[Piece], train: str) -> tuple[list[Piece], Array]:
    weights = fit([piece for piece in judged if piece.track.set_name == train])
    rest = [piece for piece in judged if piece.track.set_name != train]
    return rest, highest(rest, weights)


def auc(positive: Array, negative: Array) -> float:
    """Share of pairs in the right order, ties half."""
    order = np.sort(negative)
    below, upto = np.searchsorted(order, positive, "left"), np.searchsorted(order, positive, "right")
    return float((below + upto).mean() / 2 / max(1, len(negative)))


def hours(judged: Sequence[Piece], part: NDArray[np.bool_]) -> float:
    return sum(_spans_s(piece.t_s) for piece, chosen in zip(judged, part, strict=True) if chosen) / 3600


def figures(judged: Sequence[Piece], scores: Array) -> dict[str, Any]:
    """AUC, and warnings per hour against the share of stumbles; a piece above the limit is one warning."""
    stumble = np.array([piece.stumble for piece in judged])
    backward = np.array([piece.track.reversed for piece in judged])
    slow = np.array([piece.track.slow for piece in judged])
    fast = ~stumble & ~slow
    parts = {"slow": slow & ~backward, "slow, reversed": slow & backward, "fast": fast & ~backward}
    parts["fast, reversed"] = fast & backward
    curve = []
    for share in (0.8, 0.85, 0.9, 0.95, 0.97, 0.99):
        limit = float(np.quantile(scores[stumble], 1 - share, method="lower"))
        row = {"stumbles": round(float((scores[stumble] >= limit).mean()), 3), "limit": round(float(np.exp(limit)), 2)}
        for name, part in parts.items():
            row[name] = round(float((scores[part] >= limit).sum() / max(hours(judged, part), 1e-9)), 1)
        curve.append(row)
    by_set = {
        name: round(auc(scores[[p.stumble and p.track.set_name == name for p in judged]], scores[~stumble]), 4)
        for name in sorted({p.track.set_name for p in judged if p.stumble})
    }
    return {
        "stumbles": int(stumble.sum()),
        "pieces": int((~stumble).sum()),
        "auc": round(auc(scores[stumble], scores[~stumble]), 4),
        "auc_forward_in_time": round(auc(scores[stumble], scores[~stumble & ~backward]), 4),
        "auc_slow": round(auc(scores[stumble], scores[slow]), 4),
        "auc_by_set": by_set,
        "hours": {name: round(hours(judged, part), 2) for name, part in parts.items()},
        "per_hour": curve,
    }


def as_shipped(found: Sequence[Track]) -> dict[str, Any]:
    """The warnings that the core really gave."""
    kinds: dict[str, dict[str, float]] = {}
    for track in found:
        if track.impact_s is None:
            name = f"{track.set_name} {track.activity or track.kind}{' reversed' if track.reversed else ''}"
            row = kinds.setdefault(name, {"trials": 0, "hours": 0.0, "warned": 0, "warnings": 0})
            row["trials"] += 1
            row["hours"] += track.duration_s / 3600
            row["warned"] += bool(track.warned_s)
            row["warnings"] += len(track.warned_s)
    for row in kinds.values():
        row["per_hour"], row["hours"] = round(row["warnings"] / row["hours"], 1), round(row["hours"], 3)
    slow = [track for track in found if track.slow]
    share = {
        name: round(sum(len(t.warned_s) for t in part) / max(1e-9, sum(t.duration_s for t in part) / 3600), 2)
        for name, part in (
            ("slow", [t for t in slow if not t.reversed]),
            ("slow, reversed", [t for t in slow if t.reversed]),
        )
    }
    stumbles = [track for track in found if track.kind == "stumble"]
    return {
        "stumbles_warned": round(sum(bool(t.warned_s) for t in stumbles) / max(1, len(stumbles)), 3),
        "warnings_per_h": share,
        "kinds": dict(sorted(kinds.items())),
        "walking_falls": walking_falls(found),
    }


def walking_falls(found: Sequence[Track]) -> dict[str, Any]:
    """How many were warned before the impact, and how long before."""
    out = {}
    falls = [track for track in found if track.impact_s is not None]
    for name in ("all", *sorted({f"{t.set_name} {t.activity}" for t in falls})):
        chosen = [t for t in falls if name in ("all", f"{t.set_name} {t.activity}")]
        leads = sorted(
            t.impact_s - min(early)
            for t in chosen
            if t.impact_s is not None
            and (early := [s for s in t.warned_s if t.impact_s - WARNED_BEFORE_S <= s < t.impact_s])
        )
        out[name] = {
            "falls": len(chosen),
            "warned_before": round(len(leads) / max(1, len(chosen)), 3),
            "lead_median_s": round(float(np.median(leads)), 2) if leads else None,
            "lead_p5_s": round(float(np.percentile(leads, 5)), 2) if leads else None,
            "warned_too_early": sum(
                any(s < t.impact_s - WARNED_BEFORE_S for s in t.warned_s) for t in chosen if t.impact_s
            ),
        }
    return out


def errors(judged: Sequence[Piece], scores: Array, count: int = 20) -> dict[str, list[str]]:
    """The stumbles that scored least, and the walking that scored most."""

    def named(index: int) -> str:
        piece = judged[index]
        back = " reversed" if piece.track.reversed else ""
        return f"{piece.track.subject} {piece.track.trial}{back} {piece.t_s[0] if len(piece.t_s) else 0:.0f} s: " + (
            f"{np.exp(scores[index]):.2f}"
        )

    order = np.argsort(scores)
    return {
        "stumbles": [named(i) for i in order if judged[i].stumble][:count],
        "walking": [named(i) for i in order[::-1] if not judged[i].stumble][:count],
    }


def usual_steps(found: Sequence[Track]) -> Array:
    """The prior: upper quartile of each person's steps, the median over people, floor included."""
    own: dict[str, list[Array]] = {}
    for track in found:
        if track.kind in ("walk", "walk_fast") and not track.reversed and len(track.peaks):
            own.setdefault(track.subject, []).append(track.peaks)
    quartiles = [np.quantile(np.concatenate(steps), 0.75, axis=0) for steps in own.values()]
    usual: Array = np.median(quartiles, axis=0) + np.array(shipped.FLOORS)
    return usual


def written(prior: Array, weights: Weights, digest: str) -> str:
    tilt, rate, jolt, bounce, rhythm = (round(float(e), 3) for e in weights.exponents)
    return f'''"""What an imbalance while walking looks like, learned from stumbles and from ordinary walking.

Made by `python -m bench.stumbles --write` (logistic regression, seed {SEED}, data {digest}); not to be edited.
"""

CUES = {json.dumps(shipped.CUES).replace("[", "(").replace("]", ")")}
"""Extrapolated tilt by direction (rad), tilt rate (rad/s), change of |a| (m/s2), vertical speed down and up (m/s)."""
FLOORS = {shipped.FLOORS}
"""Added to each cue, so that a calm walker's ratios stay ratios."""
PRIOR = {tuple(round(float(value), 3) for value in prior)}
"""The usual largest value within a step, floor included: median over people of their upper quartiles."""
TILT, RATE, JOLT, BOUNCE, RHYTHM = {tilt}, {rate}, {jolt}, {bounce}, {rhythm}
"""Exponents of the ratios; BOUNCE of the vertical speed, up or down, whichever is the less usual."""
LIMIT = {round(weights.limit, 3)}
"""The sum of exponent times logarithm of each ratio from which a walk is imbalance."""
'''


def at_rate(judged: Sequence[Piece], weights: Weights) -> Weights:
    """The limit at which slow walking, forward and backward in time, is warned FALSE_PER_H times an hour."""
    scores = highest(judged, weights)
    slow = np.array([piece.track.slow for piece in judged])
    allowed = int(FALSE_PER_H * hours(judged, slow))
    limit = float(np.sort(scores[slow])[::-1][allowed])
    ninety = float(np.quantile(scores[[p.stumble for p in judged]], 1 - WARNED, method="lower"))
    share = float(weights.exponents[:-1].sum())
    return Weights(weights.exponents, weights.limit + share * max(limit, ninety))


def measure(found: Sequence[Track]) -> dict[str, Any]:
    judged = pieces(found)
    scores = cross_validated(judged)
    result: dict[str, Any] = {"cross_validated": figures(judged, scores), "errors": errors(judged, scores)}
    result["set_left_out"] = {
        f"learned on {name}": figures(*set_left_out(judged, name)) for name in ("sisfall", "kfall")
    }
    result["core_score"] = figures(judged, highest(judged, None))
    return result | {"as_shipped": as_shipped(found)}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.stumbles", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="every fourth person of each set")
    parser.add_argument("--write", action="store_true", help="fit anew and write firmware/core/models/sway.py")
    options = parser.parse_args(arguments)
    folder = data_folder()
    if not folder.is_dir():
        print(f"no recordings at {folder} (REARGUARD_DATA): nothing measured", file=sys.stderr)
        return 0
    found = list(tracks(folder, 4 if options.quick else 1, nuisance=not options.write))
    if options.write:
        judged = pieces(found)
        MODEL.write_text(written(usual_steps(found), at_rate(judged, fit(judged)), data_hash(folder)))
        print(f"{MODEL}: written; run without --write for the figures")
        return 0
    result = measure(found)
    print(json.dumps(result) if options.json else json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
