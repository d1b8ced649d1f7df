"""Our steps beside those of an established library, scikit-digital-health, on a recording of the belt's whole signal.

For the desk, never for the device. The library was made for, and validated on, walking forward; where the two differ
on a walk backward, neither is the truth. Source: its lumbar gait (Adamowicz 2022, JMIR mHealth; initial contacts by
wavelets of the forward acceleration).
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, pstdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.core.moving import Moving
from firmware.errors import MissingExtra, RecordingError, how_to_add
from hal.samples import ImuSample

G0_MPS2 = 9.80665
LONGEST_STEP_S = 2.0  # a longer pause ends a row of steps
LEAST_ROW_S = 8.0  # what the library needs for a bout
LEAST_RATE_HZ = 20.0
UPWARD, FORWARD = 2, 0  # axes of a sample
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gait:
    """Steps of one row by one method. None: it found too few."""

    steps: int
    cadence_spm: float | None
    step_time_sd_ms: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of steps without a pause, by both."""

    from_s: float  # since the recording's first sample
    to_s: float
    ours: Gait
    theirs: Gait


def compare(samples: Sequence[ImuSample]) -> list[Row]:
    """Every row of at least 8 s.

    Raises:
        MissingExtra: the library is not installed.
        RecordingError: there are too few samples, or they come too seldom.
    """
    rows, ours_s, theirs_s = compare_steps(samples)
    return [Row(a, b, _gait(_within(ours_s, a, b)), _gait(_within(theirs_s, a, b))) for a, b in rows]


def compare_steps(samples: Sequence[ImuSample]) -> tuple[list[tuple[float, float]], list[float], list[float]]:
    """From and to of each row, our steps, and the library's within the rows; seconds since the first sample.

    Raises:
        MissingExtra, RecordingError: see `compare`.
    """
    lumbar, signal = _library(), _Signal(samples)
    ours_s = our_steps_s(samples)
    rows = list(rows_of(ours_s))
    return rows, ours_s, _their_steps_s(lumbar, signal, rows) if rows else []


def our_steps_s(samples: Sequence[ImuSample]) -> list[float]:
    """When the core says that each step was, since the first sample."""
    moving, found, count = Moving(), [], 0
    begin_ns = samples[0].t_ns
    for sample in samples:
        moving.take(sample.t_ns, sample.accel_mps2, sample.gyro_radps)
        if moving.steps.count != count and moving.steps.last_ns is not None:
            count = moving.steps.count
            found.append((moving.steps.last_ns - begin_ns) / 1e9)
    return found


def rows_of(steps_s: Sequence[float]) -> Iterator[tuple[float, float]]:
    """From the first to the last step of each row that is long enough."""
    if not steps_s:
        return
    from_s = before_s = steps_s[0]
    for step_s in (*steps_s[1:], math.inf):
        if step_s - before_s > LONGEST_STEP_S:
            if before_s - from_s >= LEAST_ROW_S:
                yield from_s, before_s
            from_s = step_s
        before_s = step_s


class _Signal:
    """The accelerations in g at a steady rate, as the library wants them."""

    def __init__(self, samples: Sequence[ImuSample]) -> None:
        times_s = np.array([sample.t_ns for sample in samples], dtype=np.float64) / 1e9
        if len(times_s) < 2 or times_s[-1] - times_s[0] < LEAST_ROW_S:
            raise RecordingError(f"{len(times_s)} samples of the motion sensor, expected {LEAST_ROW_S:g} s or more")
        times_s -= times_s[0]
        self.rate_hz = 1.0 / float(np.median(np.diff(times_s)))
        if not self.rate_hz >= LEAST_RATE_HZ:
            raise RecordingError(f"{self.rate_hz:.0f} samples a second, expected {LEAST_RATE_HZ:g} or more")
        self.times_s: Array = np.arange(0.0, times_s[-1], 1.0 / self.rate_hz)
        accel = np.array([sample.accel_mps2 for sample in samples]) / G0_MPS2
        self.accel_g: Array = np.column_stack([np.interp(self.times_s, times_s, axis) for axis in accel.T])


def _library() -> Any:
    try:
        from skdh.gait import GaitLumbar
    except ImportError as error:
        raise MissingExtra(f"gait needs scikit-digital-health; {how_to_add('gait')}") from error
    return GaitLumbar


def _their_steps_s(lumbar: Any, signal: _Signal, rows: Sequence[tuple[float, float]]) -> list[float]:
    bouts = np.array([[round(a * signal.rate_hz), round(b * signal.rate_hz)] for a, b in rows])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of every quantity that it cannot tell without a height
        found = lumbar(day_window=None).predict(
            time=signal.times_s,
            accel=signal.accel_g,
            fs=signal.rate_hz,
            gait_bouts=bouts,
            v_axis=UPWARD,
            ap_axis=FORWARD,
        )
    contacts = np.asarray(found.get("IC Timestamp", []), dtype=np.float64)
    return sorted(set(contacts[np.isfinite(contacts)].tolist()))


def _within(steps_s: Sequence[float], from_s: float, to_s: float) -> list[float]:
    edge_s = LONGEST_STEP_S / 4  # the two call different moments of a step its time
    return [step_s for step_s in steps_s if from_s - edge_s <= step_s <= to_s + edge_s]


def _gait(steps_s: Sequence[float]) -> Gait:
    times_s = [b - a for a, b in pairwise(steps_s) if b - a <= LONGEST_STEP_S]
    if len(times_s) < 3:
        return Gait(len(steps_s), None, None)
    usual_s = median(times_s)
    regular = [time_s for time_s in times_s if abs(time_s - usual_s) <= 0.3 * usual_s]  # as the core does
    return Gait(len(steps_s), 60.0 / usual_s, 1000.0 * pstdev(regular))
