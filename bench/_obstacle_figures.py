"""What the tables of `bench.obstacle` are made with: shares with their intervals, quantiles, episodes of sound."""

import math
from collections.abc import Sequence

SILENCE_S = 2.0  # a sound after so much silence begins a new episode
Z = 1.959964  # two-sided 95 %


def interval(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share. Source: Wilson (1927), J. Am. Stat. Assoc. 22, 209-212."""
    if of == 0:
        return 0.0, 1.0
    share, z2 = hits / of, Z * Z
    middle = share + z2 / (2 * of)
    spread = Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    low, high = (middle - spread) / (1 + z2 / of), (middle + spread) / (1 + z2 / of)
    return (0.0 if hits == 0 else low), (1.0 if hits == of else high)


def quantile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank one; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(max(math.ceil(share * len(ordered)) - 1, 0), len(ordered) - 1)]


def spans(sounds: Sequence[tuple[float, int]], least: int, until_s: float) -> list[tuple[float, float]]:
    """From when until when it sounded at `least` this level."""
    found: list[tuple[float, float]] = []
    since_s: float | None = None
    for t_s, level in sounds:
        if t_s >= until_s:
            break
        if level >= least and since_s is None:
            since_s = t_s
        elif level < least and since_s is not None:
            found.append((since_s, t_s))
            since_s = None
    if since_s is not None:
        found.append((since_s, until_s))
    return found


def episodes(found: Sequence[tuple[float, float]], from_s: float = 0.0) -> list[tuple[float, float]]:
    """Spans with less than two seconds of silence between them are one; those over by `from_s` do not count."""
    merged: list[tuple[float, float]] = []
    for start_s, end_s in found:
        if merged and start_s - merged[-1][1] < SILENCE_S:
            merged[-1] = (merged[-1][0], end_s)
        else:
            merged.append((start_s, end_s))
    return [(max(start_s, from_s), end_s) for start_s, end_s in merged if end_s > from_s]


def lasting_s(found: Sequence[tuple[float, float]], from_s: float = 0.0) -> float:
    return sum(max(0.0, end_s - max(start_s, from_s)) for start_s, end_s in found)
