"""A real person's recorded movement as a world: a trial of an .npz file, quiet standing before it, stillness after it.

The files hold one person each: `acc` and `gyr` int16 [3, N] (times `acc_lsb`, `gyr_lsb`: m/s² and rad/s, body axes
forward, left, up), `fs` in Hz, `start` [T+1], `trial` [T] and, where known, `onset` and `impact` [T] (-1 when not).
"""

import math
import random
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hal.samples import Vector
from hal.sim.world.scene import Mark
from hal.sim.world.shapes import TAU

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAD_IN_S = 4.0  # long enough for the device to check itself and find her upright
REST_S = 3.0  # held after the trial, or longer where she fell:
AFTER_IMPACT_S = 36.0  # long enough for a countdown of 30 s to end
POSTURE_S = 0.5  # of the start that tells how she stands
LAST_S = 1.0  # of the end that tells how she stays
NOISE_MPS2 = 0.02  # of a consumer sensor; a value that never changes would be a stuck one
NOISE_RADPS = 0.004
SWAY_RADPS, SWAY_HZ = 0.012, 1.0  # of who stands, 0.1 degrees: without it she would be a thing on a table
NEEDED = ("acc", "gyr", "acc_lsb", "gyr_lsb", "fs", "start", "trial")

Motion = tuple[Vector, Vector]


@dataclass(frozen=True, slots=True)
class Trial:
    """`samples` shape (n, 6): specific force (m/s²) and angular rate (rad/s); `marks` in seconds of the trial."""

    name: str
    fs_hz: float
    samples: "NDArray[np.float64]"
    marks: tuple[Mark, ...]


class Recorded:
    """Plays a trial, between its samples by linear interpolation; nothing is behind her and she presses no button."""

    def __init__(self, trial: Trial, *, lead_in_s: float = LEAD_IN_S) -> None:
        if lead_in_s < 0:
            raise ValueError(f"recorded motion: lead_in_s ({lead_in_s}) must not be negative")
        self._samples = [tuple(map(float, row)) for row in trial.samples]
        self._fs_hz, self._lead_in_s, self.name = trial.fs_hz, lead_in_s, trial.name
        self._trial_s = (len(self._samples) - 1) / self._fs_hz
        impacts_s = [mark.t_s for mark in trial.marks if mark.what == "impact"]
        self.duration_s = lead_in_s + max([self._trial_s + REST_S, *(t + AFTER_IMPACT_S for t in impacts_s)])
        first, last = max(1, round(POSTURE_S * self._fs_hz)), max(1, round(LAST_S * self._fs_hz))
        self._first, self._last = _mean(self._samples[:first]), _mean(self._samples[-last:])
        self.marks = tuple(Mark(mark.t_s + lead_in_s, mark.what) for mark in trial.marks)

    def motion(self, t_s: float) -> Motion:
        played_s = t_s - self._lead_in_s
        if played_s < 0:
            return self._resting(self._first, t_s)
        if played_s > self._trial_s:
            return self._resting(self._last, t_s)
        index = min(int(played_s * self._fs_hz), len(self._samples) - 2)
        u = played_s * self._fs_hz - index
        return _split([a + (b - a) * u for a, b in zip(self._samples[index], self._samples[index + 1], strict=True)])

    def distance_m(self, t_s: float) -> float | None:
        return None

    def pressed(self, t_s: float) -> bool:
        return False

    def _resting(self, posture: list[float], t_s: float) -> Motion:
        """At rest but alive: the posture, swaying a little, with a sensor's noise; the same for the same moment."""
        dice = random.Random(round(t_s * 1e6))
        phase = TAU * SWAY_HZ * t_s
        turned, rate = SWAY_RADPS / (TAU * SWAY_HZ) * math.sin(phase), SWAY_RADPS * math.cos(phase)
        x, y, z = posture[:3]
        force = [value + dice.gauss(0, NOISE_MPS2) for value in (x - z * turned, y, z + x * turned)]
        return _split(force + [value + dice.gauss(0, NOISE_RADPS) for value in (0.0, rate, 0.0)])


def _mean(rows: list[tuple[float, ...]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def _split(row: list[float]) -> Motion:
    forward, left, up, roll_rate, pitch_rate, yaw_rate = row
    return (forward, left, up), (roll_rate, pitch_rate, yaw_rate)


def recorded(spec: str, *, lead_in_s: float = LEAD_IN_S, backwards: bool = False) -> Recorded:
    """The world of "FILE.npz:TRIAL", TRIAL being a trial's name or its index in the file.

    `backwards` plays the trial from its end to its start: of forward walking, the nearest there is to backward walking.

    Raises:
        ValueError: in one line: what is wrong with `spec`, the file, the trial, or that numpy is missing.
    """
    file, colon, wanted = spec.rpartition(":")
    if not colon or not file or not wanted:
        raise ValueError(f"recorded motion {spec!r}: expected FILE.npz:TRIAL, for example S01.npz:0")
    arrays = _arrays(Path(file))
    trial = _trial(arrays, _index(arrays, wanted, file), file)
    return Recorded(_turned_back(trial) if backwards else trial, lead_in_s=lead_in_s)


def _arrays(path: Path) -> dict[str, Any]:
    """The file's content. Pickled objects are refused: a recording must not be able to run code."""
    try:
        import numpy as np
    except ImportError:
        raise ValueError("recorded motion needs numpy, which is not installed; run: pip install numpy") from None
    if not path.is_file():
        raise ValueError(f"recorded motion: there is no file {path}; expected an .npz file of recorded trials")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as loaded:
            arrays = {key: loaded[key] for key in loaded.files}
    except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"recorded motion: {path} is no readable .npz file: {_one_line(error)}") from None
    missing = [key for key in NEEDED if key not in arrays]
    if missing:
        raise ValueError(f"recorded motion: {path} has no {', '.join(missing)}; expected {', '.join(NEEDED)}")
    _check_kinds(arrays, path)
    return arrays


def _check_kinds(arrays: Mapping[str, Any], path: Path) -> None:
    """Only numbers where numbers belong, and a sampling rate that a motion sensor can have."""
    for key in ("acc", "gyr", "start", "acc_lsb", "gyr_lsb", "fs"):
        if arrays[key].dtype.kind not in "iuf":
            raise ValueError(f"recorded motion: {path}: {key} holds {arrays[key].dtype}, expected numbers")
    for key in ("acc_lsb", "gyr_lsb", "fs"):
        if arrays[key].size != 1:
            raise ValueError(f"recorded motion: {path}: {key} has {arrays[key].size} values, expected one")
    rate_hz = float(arrays["fs"].reshape(-1)[0])
    if not 10 <= rate_hz <= 2000:  # false for NaN as well
        raise ValueError(f"recorded motion: {path}: fs is {rate_hz:g} Hz, expected 10 to 2000 Hz")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _index(arrays: Mapping[str, Any], wanted: str, file: str) -> int:
    names = [str(name) for name in arrays["trial"]]
    if wanted in names:
        return names.index(wanted)
    if wanted.isdecimal() and int(wanted) < len(names):
        return int(wanted)
    known = get_close_matches(wanted, names, n=3, cutoff=0.3) or names[:3]
    raise ValueError(
        f"recorded motion: {file} has no trial {wanted!r}; it has {len(names)}, such as {', '.join(known)}; "
        f"expected a name or an index below {len(names)}"
    )


def _trial(arrays: Mapping[str, Any], index: int, file: str) -> Trial:
    name = str(arrays["trial"][index])
    part = f"recorded motion: {file}, trial {name!r}"
    if arrays["gyr"].shape[-1:] == (0,):
        raise ValueError(f"{part}: no gyroscope was recorded; expected a trial with acceleration and angular rate")
    start, end, fs_hz = *_span(arrays, index), float(arrays["fs"])
    samples = _samples(arrays, start, end)
    if samples is None:
        raise ValueError(f"{part}: expected at least 2 finite samples of acc and gyr, shape (3, n)")
    return Trial(f"{Path(file).stem}:{name}", fs_hz, samples, _marks(arrays, index, fs_hz))


def _span(arrays: Mapping[str, Any], index: int) -> tuple[int, int]:
    starts = [int(sample) for sample in arrays["start"].flat][index : index + 2]
    return (starts[0], starts[1]) if len(starts) == 2 else (0, 0)


def _samples(arrays: Mapping[str, Any], start: int, end: int) -> "NDArray[np.float64] | None":
    """Shape (n, 6); None where the file does not hold them."""
    import numpy as np

    shape, scales = arrays["acc"].shape, [float(arrays[key]) for key in ("acc_lsb", "gyr_lsb")]
    if arrays["gyr"].shape != shape or len(shape) != 2 or shape[0] != 3 or not 0 <= start < end - 1 < shape[1]:
        return None
    if not all(map(math.isfinite, scales)):
        return None
    force, rate = (arrays[key][:, start:end] * scale for key, scale in zip(("acc", "gyr"), scales, strict=True))
    samples: NDArray[np.float64] = np.concatenate([force, rate]).T.astype(np.float64)
    return samples if np.isfinite(samples).all() else None


def _marks(arrays: Mapping[str, Any], index: int, fs_hz: float) -> tuple[Mark, ...]:
    found = [(int(arrays[what][index]), what) for what in ("onset", "impact") if what in arrays]
    return tuple(Mark(sample / fs_hz, what) for sample, what in sorted(found) if sample >= 0)


def _turned_back(trial: Trial) -> Trial:
    """For p(t) played as p(-t) acceleration keeps its sign and angular rate changes it; marks lose their sense."""
    samples = trial.samples[::-1] * (1.0, 1.0, 1.0, -1.0, -1.0, -1.0)
    return Trial(f"{trial.name} backwards", trial.fs_hz, samples, ())
