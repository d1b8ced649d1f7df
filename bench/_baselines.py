"""What others do about falls, as rules on whole trials: when each would have called.

All of them see the trial at about 100 Hz, averaged from faster sensors, and take its first half second for the upright.
After an alarm each is silent for as long as our own countdown lasts, so that false alarms are counted alike; but what
it says of a fall is heard even when a false alarm came shortly before, which our own core is not granted.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from firmware.evaluation.dataset import Array, Label, Trial
from firmware.evaluation.no_gyro import rates_from_gravity
from firmware.evaluation.scoring import found_s, score
from firmware.evaluation.stream import Judged

G0_MPS2 = 9.80665
RATE_HZ = 100.0
POSTURE_S = 0.5
SMOOTH_S = 0.25
SILENT_S = 30.0
WINDOW_S, STEP_S = 2.5, 0.5
IMPACT_IN_WINDOW_S = (0.75, 2.0)  # where a window that is shown as a fall has the impact in it


@dataclass(frozen=True, slots=True)
class Signals:
    """One trial: |a| in g, the rate in rad/s, tilt of the smoothed force from the start in degrees, C8 in g."""

    label: Label
    fs_hz: float
    duration_s: float
    size_g: Array
    tilt_deg: Array
    c8_g: Array
    windows: NDArray[np.float32]  # features of windows of `WINDOW_S`, one every `STEP_S`
    ends_s: Array  # when each window is over


def signals(trial: Trial) -> Signals:
    gyro = rates_from_gravity(trial.accel_mps2, trial.fs_hz) if trial.gyro_radps is None else trial.gyro_radps
    together = max(1, round(trial.fs_hz / RATE_HZ))
    fs_hz = trial.fs_hz / together
    accel_g, gyro = _averaged(trial.accel_mps2 / G0_MPS2, together), _averaged(gyro, together)
    smooth = _smoothed(accel_g, round(SMOOTH_S * fs_hz))
    up = accel_g[: max(1, round(POSTURE_S * fs_hz))].mean(axis=0)
    lengths = np.linalg.norm(smooth, axis=1) * np.linalg.norm(up)
    tilt_deg = np.degrees(np.arccos(np.clip(smooth @ up / np.maximum(lengths, 1e-9), -1.0, 1.0)))
    size_g = np.linalg.norm(accel_g, axis=1)
    windows, ends_s = _windows(size_g, accel_g, gyro, tilt_deg, up / np.linalg.norm(up), fs_hz)
    return Signals(trial.label, fs_hz, trial.duration_s, size_g, tilt_deg, _c8_g(accel_g, fs_hz), windows, ends_s)


def _averaged(values: Array, together: int) -> Array:
    count = len(values) // together
    if together == 1 or not count:
        return values
    means: Array = values[: count * together].reshape(count, together, 3).mean(axis=1)
    return means


def _smoothed(values: Array, width: int) -> Array:
    """A centred mean over `width` samples, fewer at the ends."""
    width = max(1, min(width, len(values)))
    kernel = np.ones(width)
    weights = np.convolve(np.ones(len(values)), kernel, mode="same")
    means: Array = np.stack([np.convolve(axis, kernel, mode="same") / weights for axis in values.T], axis=1)
    return means


def _c8_g(accel_g: Array, fs_hz: float) -> Array:
    """Standard deviation in the horizontal plane over a second, below about 5 Hz. Source: Sucerquia et al. (2017)."""
    level = _smoothed(accel_g, round(0.09 * fs_hz))[:, :2]
    second = max(1, min(round(fs_hz), len(level)))
    sums = np.cumsum(np.vstack([np.zeros(2), level]), axis=0)
    squares = np.cumsum(np.vstack([np.zeros(2), level**2]), axis=0)
    mean = (sums[second:] - sums[:-second]) / second
    variance = (squares[second:] - squares[:-second]) / second - mean**2
    values: Array = np.sqrt(np.maximum(variance.sum(axis=1), 0.0))
    return np.concatenate([np.zeros(len(level) - len(values)), values])


def _windows(
    size_g: Array, accel_g: Array, gyro: Array, tilt_deg: Array, up: Array, fs_hz: float
) -> tuple[NDArray[np.float32], Array]:
    """Mean, spread, least, most, first and last of five channels that do not know which way the sensor sits."""
    along = accel_g @ up
    across = np.sqrt(np.maximum(size_g**2 - along**2, 0.0))
    channels = np.stack([size_g, np.linalg.norm(gyro, axis=1), along, across, tilt_deg])
    width, step = round(WINDOW_S * fs_hz), max(1, round(STEP_S * fs_hz))
    if channels.shape[1] < width:  # a trial shorter than a window is held to its length
        channels = np.pad(channels, ((0, 0), (width - channels.shape[1], 0)), mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(channels, width, axis=1)[:, ::step]
    edge = max(1, width // 5)
    features = [
        views.mean(axis=2),
        views.std(axis=2),
        views.min(axis=2),
        views.max(axis=2),
        views[:, :, :edge].mean(axis=2),
        views[:, :, -edge:].mean(axis=2),
        np.abs(np.diff(views, axis=2)).max(axis=2),
        views.argmax(axis=2) / width,
    ]
    ends_s: Array = (np.arange(views.shape[1]) * step + width) / fs_hz
    return np.concatenate(features).T.astype(np.float32), np.minimum(ends_s, len(size_g) / fs_hz)


def strong(trial: Signals) -> Array:
    """|a| > 2.5 g."""
    times_s: Array = np.flatnonzero(trial.size_g > 2.5) / trial.fs_hz
    return times_s


def strong_then_tilted(trial: Signals) -> Array:
    """|a| > 2.5 g, and a second later a tilt of more than 45 degrees."""
    peaks = np.flatnonzero(trial.size_g > 2.5)
    later = peaks + round(trial.fs_hz)
    tilted = trial.tilt_deg[np.minimum(later, len(trial.tilt_deg) - 1)] > 45.0
    times_s: Array = later[tilted] / trial.fs_hz
    return times_s


def light_then_strong(trial: Signals) -> Array:
    """|a| < 0.6 g, and within a second after it |a| > 2.5 g."""
    light = np.flatnonzero(trial.size_g < 0.6)
    peaks = np.flatnonzero(trial.size_g > 2.5)
    if not len(light):
        return np.zeros(0)
    before = light[np.maximum(np.searchsorted(light, peaks) - 1, 0)]
    times_s: Array = peaks[(before < peaks) & (peaks - before <= trial.fs_hz)] / trial.fs_hz
    return times_s


def posture(trial: Signals) -> Array:
    """An impact of more than 1.8 g, and within 4 s a tilt of more than 60 degrees for 2 s; the last posture is held."""
    hold = round(2.0 * trial.fs_hz)
    down = np.concatenate([trial.tilt_deg > 60.0, np.repeat(trial.tilt_deg[-1:] > 60.0, hold)])
    lasting = np.flatnonzero(np.convolve(down, np.ones(hold), mode="valid") >= hold - 0.5) + hold  # when 2 s are full
    impacts = np.flatnonzero(trial.size_g > 1.8)
    if not len(lasting):
        return np.zeros(0)
    first = np.searchsorted(lasting, impacts + hold)
    reached = first < len(lasting)
    calls = lasting[first[reached]]
    times_s: Array = calls[calls - impacts[reached] <= 4.0 * trial.fs_hz] / trial.fs_hz
    return times_s


def called(times_s: Array) -> list[float]:
    """The first of them, and then the first after each silence."""
    alarms_s: list[float] = []
    for t_s in np.sort(times_s).tolist():
        if not alarms_s or t_s - alarms_s[-1] >= SILENT_S:
            alarms_s.append(t_s)
    return alarms_s


RULES: dict[str, Callable[[Signals], Array]] = {
    "hobby: > 2.5 g": strong,
    "hobby: > 2.5 g, then tilt > 45 deg": strong_then_tilted,
    "hobby: < 0.6 g, then > 2.5 g": light_then_strong,
    "posture: > 1.8 g, then tilt > 60 deg for 2 s": posture,
}


def judged(trial: Signals, times_s: Array) -> Judged:
    """`times_s`: whenever the rule holds."""
    quiet = Judged(trial.label, trial.fs_hz, trial.duration_s, ready_s=0.0)
    since_s = trial.label.falls_from_s
    alarms_s = called(times_s[times_s < since_s]) + called(times_s[times_s >= since_s])
    return replace(quiet, suspected_s=tuple(alarms_s))


def by_rule(trials: Sequence[Signals], rule: Callable[[Signals], Array]) -> list[Judged]:
    return [judged(trial, rule(trial)) for trial in trials]


def folds(trials: Sequence[Signals], count: int) -> NDArray[np.int_]:
    """The fold of each trial: people are dealt out in turn, set by set, so nobody is in two."""
    people = sorted({(trial.label.set_name, trial.label.subject) for trial in trials})
    place = {person: index % count for index, person in enumerate(people)}
    return np.array([place[trial.label.set_name, trial.label.subject] for trial in trials])


def by_c8(trials: Sequence[Signals], count: int) -> list[Judged]:
    """C8 above a threshold that gave the other folds the best F1."""
    peaks, fold_of = np.array([trial.c8_g.max() for trial in trials]), folds(trials, count)
    is_fall = np.array([trial.label.is_fall for trial in trials])
    limits = np.array([_best_limit(peaks[fold_of != fold], is_fall[fold_of != fold]) for fold in range(count)])
    return [
        judged(trial, np.flatnonzero(trial.c8_g > limits[fold]) / trial.fs_hz)
        for trial, fold in zip(trials, fold_of, strict=True)
    ]


def _best_limit(peaks: Array, is_fall: NDArray[np.bool_]) -> float:
    if not is_fall.any():
        return math.inf
    order = np.argsort(-peaks)
    hits, alarms = np.cumsum(is_fall[order]), np.arange(1, len(order) + 1)
    f1 = 2 * hits / np.maximum(alarms + is_fall.sum(), 1)
    best = int(np.argmax(f1))
    below = peaks[order[best + 1]] if best + 1 < len(order) else 0.0
    return float((peaks[order[best]] + below) / 2)


def by_windows(trials: Sequence[Signals], count: int, rounds: int) -> list[Judged]:
    """Boosted trees on every window of 2.5 s, learnt from the other folds' people; a call above one half."""
    import sklearn.ensemble  # noqa: F401 - limits are set on libraries that are loaded
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # on a busy machine threads wait for each other most of the time
        sure = _sure_windows(trials, count, rounds)
    return [judged(trial, trial.ends_s[calls]) for trial, calls in zip(trials, sure, strict=True)]


def _sure_windows(trials: Sequence[Signals], count: int, rounds: int) -> list[NDArray[np.bool_]]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    fold_of, sure = folds(trials, count), [np.zeros(len(trial.ends_s), bool) for trial in trials]
    for fold in range(count):
        learnt = [trial for trial, other in zip(trials, fold_of, strict=True) if other != fold]
        if not learnt:
            continue
        x, y = np.concatenate([trial.windows for trial in learnt]), np.concatenate([_targets(t) for t in learnt])
        if len(set(y[y >= 0].tolist())) < 2:
            continue
        model = HistGradientBoostingClassifier(max_iter=rounds, learning_rate=0.1, random_state=0, early_stopping=False)
        model.fit(x[y >= 0], y[y >= 0])
        for i in np.flatnonzero(fold_of == fold).tolist():
            sure[i] = model.predict_proba(trials[i].windows)[:, 1] > 0.5
    return sure


def _targets(trial: Signals) -> NDArray[np.int_]:
    """1: a window with the impact well inside, 0: one of an activity, or over before the fall begins; -1: not shown."""
    label, ends_s = trial.label, trial.ends_s
    if not label.is_fall:
        return np.zeros(len(ends_s), int)
    impact_s = label.impact_s if label.impact_s is not None else math.inf
    onset_s = label.onset_s if label.onset_s is not None else impact_s - 1.5
    since_s = impact_s - (ends_s - WINDOW_S)
    inside = (since_s >= IMPACT_IN_WINDOW_S[0]) & (since_s <= IMPACT_IN_WINDOW_S[1])
    return np.where(inside, 1, np.where(ends_s < onset_s, 0, -1))


def missed_backward(trials: Sequence[Judged]) -> int:
    return sum(t.label.direction == "backward" and found_s(t) is None for t in trials if t.label.is_fall)


def summary(trials: Sequence[Judged]) -> dict[str, object]:
    """The figures of one row of the table."""
    s = score(trials)
    keys = ("falls", "adl", "adl_h", "sensitivity", "specificity", "f1", "false_alarms_per_h", "latency_s")
    return {key: s[key] for key in keys} | {"missed_backward": missed_backward(trials)}
