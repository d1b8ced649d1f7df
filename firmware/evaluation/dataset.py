"""Recordings of real people, one `.npz` file a person, one folder a set: what a file holds, and what is wrong with it.

Keys: `acc` [3, N] times `acc_lsb` is m/s², `gyr` [3, N] (or [3, 0]: no gyroscope) times `gyr_lsb` is rad/s, in body
axes forward, left, up; `fs` in Hz; trial i is samples `start[i]:start[i+1]`; `is_fall` [T]. Not every file has `trial`,
`activity`, `kind`, `direction`, `onset`, `impact` (samples of the trial, -1: not known) [T], `subject`, `dataset` and
`age`; other keys are never looked at. Nothing pickled is loaded: a recording must not be able to run code. Where `acc`
or `gyr` are not finite numbers, nothing was measured.
"""

import itertools
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.errors import RearguardError

Array = NDArray[np.float64]
Loaded = Mapping[str, NDArray[Any]]

NEEDED = ("acc", "acc_lsb", "fs", "start", "is_fall")
OPTIONAL = (
    *("gyr", "gyr_lsb", "trial", "activity", "kind", "direction", "onset", "impact"),
    *("subject", "dataset", "age"),
)
PER_TRIAL = ("is_fall", "trial", "activity", "kind", "direction", "onset", "impact")
LOWEST_HZ, HIGHEST_HZ = 5.0, 5000.0
STANDING_MPS2 = (5.0, 20.0)  # the middle of what people feel, whatever they do
UNKNOWN, FALL = "unknown", "fall"
BEFORE_IMPACT_S = 1.5  # where the onset is not known, a fall begins so long before its impact


class DataError(RearguardError):
    """The data folder, or a file in it, is not what it should be."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file, and the name of the set that it is counted under; empty: the file itself names its set."""

    path: Path
    set_name: str


@dataclass(frozen=True, slots=True)
class Label:
    """What is known about a trial. Times in seconds of the trial; None: not known."""

    set_name: str
    subject: str
    trial: str
    activity: str
    kind: str
    is_fall: bool
    direction: str
    age: float | None
    onset_s: float | None
    impact_s: float | None

    @property
    def falls_from_s(self) -> float:
        """From when on an alarm is about the fall of the trial: never without one, always where nothing is labelled."""
        if not self.is_fall:
            return math.inf
        if self.onset_s is not None:
            return self.onset_s
        return -math.inf if self.impact_s is None else self.impact_s - BEFORE_IMPACT_S


@dataclass(frozen=True, slots=True)
class Trial:
    """`accel_mps2` and `gyro_radps` shape (n, 3); `gyro_radps` is None where no gyroscope was worn."""

    label: Label
    fs_hz: float
    accel_mps2: Array
    gyro_radps: Array | None

    @property
    def duration_s(self) -> float:
        return len(self.accel_mps2) / self.fs_hz


@dataclass(frozen=True, slots=True)
class Person:
    """One file: its trials that hold anything, and remarks about what is unusual in it."""

    trials: tuple[Trial, ...]
    notes: tuple[str, ...]


def sources(data: Path) -> tuple[list[Source], list[str]]:
    """The files of a folder of sets, of one set or of one person; and remarks about folders without any.

    Raises:
        DataError: there is nothing to evaluate.
    """
    if data.is_file():
        return [Source(data, "")], []
    if not data.is_dir():
        raise DataError(f"{data}: there is no such folder or file; expected a folder of .npz recordings")
    found, notes = [Source(path, "") for path in _files(data)], []
    for folder in (path for path in _inside(data, "*") if path.is_dir()):
        inside = _files(folder)
        found += [Source(path, folder.name) for path in inside]
        if not inside:
            notes.append(f"{folder.name}: no .npz files of people, skipped")
    if not found:
        raise DataError(f"{data}: no .npz recordings in it or in the folders of it")
    return found, notes


def _files(folder: Path) -> list[Path]:
    return _inside(folder, "*.npz")


def _inside(folder: Path, pattern: str) -> list[Path]:
    """Hidden ones, such as a Mac leaves beside every file, are none."""
    try:
        return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror}") from None


def read(source: Source) -> Person:
    """Everything in one file.

    Raises:
        DataError: in one line, what is wrong with it.
    """
    arrays, pickled = _arrays(source.path)
    _check(arrays, source.path)
    trials, empty, beyond = [], 0, 0
    for trial, wrong_marks in _trials(arrays, source):
        beyond += wrong_marks
        if len(trial.accel_mps2):
            trials.append(trial)
        else:
            empty += 1
    notes = []
    sizes_mps2 = [float(np.linalg.norm(trial.accel_mps2[len(trial.accel_mps2) // 2])) for trial in trials]
    middle_mps2 = float(np.nanmedian(sizes_mps2)) if np.isfinite(sizes_mps2).any() else STANDING_MPS2[0]
    if not STANDING_MPS2[0] <= middle_mps2 <= STANDING_MPS2[1]:
        notes.append(f"{source.path}: acc * acc_lsb is mostly {middle_mps2:.3g}, expected about 9.8 m/s²")
    if pickled:
        notes.append(f"{source.path}: {', '.join(pickled)} not read, because pickled; save it as numbers or text")
    if empty:
        notes.append(f"{source.path}: {empty} trials without a sample, left out")
    if beyond:
        notes.append(f"{source.path}: {beyond} labels lie outside their trial, taken as not known")
    return Person(tuple(trials), tuple(notes))


def _arrays(path: Path) -> tuple[Loaded, list[str]]:
    """What the file holds, and the optional keys that were left out because they are pickled."""
    arrays: dict[str, NDArray[Any]] = {}
    pickled, key = [], ""
    try:
        if not zipfile.is_zipfile(path) and path.is_file():
            raise DataError(f"{path}: no readable .npz file: it is no whole zip archive, as numpy.savez makes it")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as loaded:
            for key in (key for key in (*NEEDED, *OPTIONAL) if key in loaded.files):
                try:
                    arrays[key] = np.asarray(loaded[key])
                except ValueError as error:
                    if key in NEEDED or "allow_pickle" not in str(error):
                        raise
                    pickled.append(key)
    except _UNREADABLE as error:
        where = f"no readable .npz file: {key}: " if key else "no readable .npz file: "
        raise DataError(f"{path}: {where}{_one_line(error)}") from None
    missing = [key for key in NEEDED if key not in arrays]
    if missing:
        raise DataError(f"{path}: has no {', '.join(missing)}; expected at least {', '.join(NEEDED)}")
    return arrays, pickled


_UNREADABLE = (
    *(OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error),
    *(NotImplementedError, RuntimeError, MemoryError, KeyError),  # an odd zip, or a size made up
)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _check(arrays: Loaded, path: Path) -> None:
    for key in ("acc", "gyr", "start", "onset", "impact", "is_fall"):
        if key in arrays and arrays[key].dtype.kind not in "iufb":
            raise DataError(f"{path}: {key} holds {arrays[key].dtype}, expected numbers")
    if not np.isfinite(arrays["is_fall"]).all():
        raise DataError(f"{path}: is_fall holds values that are no numbers, expected 0 or 1 for each trial")
    acc, start = arrays["acc"], arrays["start"].reshape(-1)
    if acc.ndim != 2 or acc.shape[0] != 3:
        raise DataError(f"{path}: acc has shape {acc.shape}, expected (3, n)")
    if _has_gyro(arrays) and arrays["gyr"].shape != acc.shape:
        raise DataError(f"{path}: gyr has shape {arrays['gyr'].shape}, expected {acc.shape} or (3, 0)")
    for key in ("acc_lsb", "gyr_lsb", "fs"):
        if (key != "gyr_lsb" or _has_gyro(arrays)) and not _number(arrays, key, math.nan) > 0.0:
            raise DataError(f"{path}: {key} is no single number above 0")
    fs_hz = _number(arrays, "fs", math.nan)
    if not LOWEST_HZ <= fs_hz <= HIGHEST_HZ:
        raise DataError(f"{path}: fs is {fs_hz:g} Hz, expected {LOWEST_HZ:g} to {HIGHEST_HZ:g} Hz")
    inside = np.isfinite(start).all() and len(start) >= 1 and start[0] >= 0 and start[-1] <= acc.shape[1]
    if not inside or (np.diff(start) < 0).any():
        raise DataError(f"{path}: start does not rise from 0 to the number of samples ({acc.shape[1]})")
    for key in PER_TRIAL:
        if key in arrays and arrays[key].size != len(start) - 1:
            raise DataError(f"{path}: {key} has {arrays[key].size} values for {len(start) - 1} trials")


def _has_gyro(arrays: Loaded) -> bool:
    """A gyroscope that reads nothing but zeros, or nothing at all, was not there."""
    return "gyr" in arrays and bool(np.nan_to_num(arrays["gyr"], nan=0.0).any())


def _number(arrays: Loaded, key: str, otherwise: float) -> float:
    """A single finite number, also as text or the same one several times; `otherwise` for whatever else is there."""
    values = arrays.get(key)
    if values is None or not values.size or (values != values.reshape(-1)[0]).any():
        return otherwise
    try:
        number = float(values.reshape(-1)[0])
    except (TypeError, ValueError):
        return otherwise
    return number if math.isfinite(number) else otherwise


def _text(arrays: Loaded, key: str, index: int, otherwise: str) -> str:
    if key not in arrays or arrays[key].size <= index:
        return otherwise
    value = arrays[key].reshape(-1)[index]
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return otherwise if arrays[key].dtype.kind == "f" and value != value else text.strip() or otherwise


def _trials(arrays: Loaded, source: Source) -> Iterator[tuple[Trial, int]]:
    """Each trial, and how many of its labels lie outside it."""
    fs_hz = _number(arrays, "fs", math.nan)
    accel = arrays["acc"].T * _number(arrays, "acc_lsb", math.nan)
    gyro = arrays["gyr"].T * _number(arrays, "gyr_lsb", math.nan) if _has_gyro(arrays) else None
    starts = [int(sample) for sample in arrays["start"].reshape(-1)]
    for index, (begin, end) in enumerate(itertools.pairwise(starts)):
        marks = {key: _mark(arrays, key, index, end - begin) for key in ("onset", "impact")}
        wrong = sum(math.isnan(sample) for sample in marks.values() if sample is not None)
        times_s = {key: None if m is None or math.isnan(m) else m / fs_hz for key, m in marks.items()}
        label = _label(arrays, source, index, times_s["onset"], times_s["impact"])
        yield Trial(label, fs_hz, accel[begin:end], None if gyro is None else gyro[begin:end]), wrong


def _mark(arrays: Loaded, key: str, index: int, samples: int) -> float | None:
    """A label's sample; None: not known, NaN: beyond the end."""
    if key not in arrays:
        return None
    sample = float(arrays[key].reshape(-1)[index])
    if not sample >= 0.0:  # NaN as well
        return None
    return sample if sample < samples else math.nan


def _label(arrays: Loaded, source: Source, index: int, onset_s: float | None, impact_s: float | None) -> Label:
    age = _number(arrays, "age", math.nan)
    is_fall = bool(arrays["is_fall"].reshape(-1)[index])
    kind = _text(arrays, "kind", index, UNKNOWN)
    return Label(
        set_name=source.set_name or _text(arrays, "dataset", 0, source.path.resolve().parent.name),
        subject=_text(arrays, "subject", 0, source.path.stem),
        trial=_text(arrays, "trial", index, str(index)),
        activity=_text(arrays, "activity", index, ""),
        kind=FALL if is_fall else UNKNOWN if kind == FALL else kind,
        is_fall=is_fall,
        direction=_text(arrays, "direction", index, UNKNOWN if is_fall else ""),
        age=age if age > 0.0 else None,  # 0 and less: not published
        onset_s=onset_s if is_fall else None,
        impact_s=impact_s if is_fall else None,
    )
