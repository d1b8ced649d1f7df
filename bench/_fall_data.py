"""Recorded people as the fall detector sees them: trials, worn and measured in many ways, through the shipping core."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.core.estimators.fall_features import FallLooks, Look
from firmware.core.moving import Moving
from firmware.evaluation.no_gyro import rates_from_gravity
from firmware.evaluation.stream import standing_sway

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
G0_MPS2 = 9.80665
POSTURE_S = 0.5
WALKS = ("walk", "walk_fast", "walk_pd", "stairs")


@dataclass(frozen=True, slots=True)
class Trial:
    """`acc` and `gyr` shape (n, 3), SI units, body axes; `impact_s` None where nobody falls."""

    dataset: str
    subject: str
    name: str
    kind: str
    direction: str
    fs_hz: float
    acc: Floats
    gyr: Floats  # shape (0, 3) without a gyroscope
    onset_s: float | None
    impact_s: float | None
    backwards: bool = False

    @property
    def fell(self) -> bool:
        return self.impact_s is not None

    def without_samples(self) -> "Trial":
        return replace(self, acc=np.empty((0, 3)), gyr=np.empty((0, 3)))


@dataclass(frozen=True, slots=True)
class Wearing:
    """How the device is worn and what its sensor can do. `turn` is a rotation matrix from body to sensor axes."""

    name: str
    rate_hz: float = math.inf  # at most
    range_g: float = 16.0
    gain: float = 1.0
    turn: tuple[tuple[float, ...], ...] | None = None
    gyroscope: bool = True
    stand_in: bool = False  # without a gyroscope: its rates are guessed from how gravity turns, instead of 0
    smoothed: bool = True  # low-passed before it is sampled more slowly
    still_after_s: float = math.inf  # after the hardest jolt of the trial nothing moves any more
    lead_in_s: float = 3.0  # of standing still as the trial begins; a device is worn for minutes before


def trials(folder: Path, datasets: tuple[str, ...]) -> Iterator[Trial]:
    """Every trial; walks a second time from their end to their start, the proxy for walking backward."""
    for dataset in datasets:
        for path in sorted((folder / dataset).glob("*.npz")):
            yield from _person(dataset, path)


def _person(dataset: str, path: Path) -> Iterator[Trial]:
    with np.load(path, allow_pickle=False) as loaded:
        z: dict[str, Any] = {key: loaded[key] for key in loaded.files}
    fs_hz = float(z["fs"])
    acc = z["acc"].T * float(z["acc_lsb"])
    gyr = z["gyr"].T * float(z["gyr_lsb"])
    for index, (start, end) in enumerate(zip(z["start"][:-1], z["start"][1:], strict=True)):
        fell = bool(z["is_fall"][index]) and int(z["impact"][index]) >= 0
        onset = int(z["onset"][index])
        trial = Trial(
            dataset,
            f"{dataset}/{path.stem}",
            str(z["trial"][index]),
            str(z["kind"][index]),
            str(z["direction"][index]),
            fs_hz,
            acc[start:end],
            gyr[start:end] if len(gyr) else gyr.reshape(0, 3),
            onset / fs_hz if fell and onset >= 0 else None,
            int(z["impact"][index]) / fs_hz if fell else None,
        )
        yield trial
        if trial.kind in WALKS:
            yield replace(trial, name=f"{trial.name}<", acc=trial.acc[::-1], gyr=-trial.gyr[::-1], backwards=True)


def worn(trial: Trial, wearing: Wearing) -> tuple[Floats, Floats, float]:
    """Acceleration, angular rate and their rate in Hz, as that device would measure, with the lead-in."""
    acc = trial.acc * wearing.gain
    gyr = trial.gyr if wearing.gyroscope and len(trial.gyr) else np.zeros_like(trial.acc)
    if wearing.still_after_s < math.inf:
        acc, gyr = _still(acc, gyr, trial.fs_hz, wearing.still_after_s)
    if wearing.turn is not None:
        turn = np.array(wearing.turn)
        acc, gyr = acc @ turn.T, gyr @ turn.T
    acc = np.clip(acc, -wearing.range_g * G0_MPS2, wearing.range_g * G0_MPS2)
    rate_hz = trial.fs_hz
    if wearing.rate_hz < rate_hz:
        every = trial.fs_hz / wearing.rate_hz
        width = max(1, round(every)) if wearing.smoothed else 1
        acc, gyr = (_smoothed(values, width) for values in (acc, gyr))
        at = np.arange(0, len(acc) - 1, every)
        acc, gyr = (_sampled(values, at) for values in (acc, gyr))
        rate_hz = wearing.rate_hz
    acc, gyr = _led_in(acc, gyr, rate_hz, wearing.lead_in_s)
    if wearing.stand_in and not gyr.any():
        gyr = rates_from_gravity(acc, rate_hz)
    return acc, gyr, rate_hz


def _still(acc: Floats, gyr: Floats, fs_hz: float, after_s: float) -> tuple[Floats, Floats]:
    """Who lies there without moving, or stands. People who fall for a recording move soon after it; not all do."""
    hardest = int(np.argmax(np.linalg.norm(_smoothed(acc, max(1, round(0.02 * fs_hz))), axis=1)))
    since = hardest + round(after_s * fs_hz)
    if since + fs_hz / 4 > len(acc):
        return acc, gyr
    posture = acc[since - round(0.1 * fs_hz) : since + round(0.5 * fs_hz)].mean(axis=0)
    posture *= G0_MPS2 / max(1.0, float(np.linalg.norm(posture)))
    dice, shape = np.random.default_rng(2), (len(acc) - since, 3)
    acc, gyr = acc.copy(), gyr.copy()
    acc[since:] = posture + dice.normal(0, 0.03, shape)
    gyr[since:] = dice.normal(0, 0.005, shape) * gyr.any()
    return acc, gyr


def _led_in(acc: Floats, gyr: Floats, rate_hz: float, lead_in_s: float) -> tuple[Floats, Floats]:
    """Standing, as in `firmware.evaluation.stream`: with a sway without which she would be a thing on a table."""
    count, first = round(lead_in_s * rate_hz), max(1, round(POSTURE_S * rate_hz))
    dice = np.random.default_rng(1)
    posture = acc[:first].mean(axis=0)
    upward = posture * (G0_MPS2 / max(1e-3, float(np.linalg.norm(posture))))
    turned, turning = standing_sway(np.arange(-count, 0) / rate_hz)
    still = upward + np.cross(upward, turned) + dice.normal(0, 0.03, (count, 3))
    rates = (turning + dice.normal(0, 0.003, (count, 3))) * gyr.any()
    return np.vstack([still, acc]), np.vstack([rates, gyr])


def _smoothed(values: Floats, width: int) -> Floats:
    if width <= 1 or len(values) < width:
        return values
    total = np.cumsum(np.vstack([np.zeros((1, 3)), values]), axis=0)
    means: Floats = (total[width:] - total[:-width]) / width
    return np.vstack([means, np.repeat(means[-1:], width - 1, axis=0)])


def _sampled(values: Floats, at: Floats) -> Floats:
    low = at.astype(np.int64)
    share = (at - low)[:, None]
    result: Floats = values[low] * (1 - share) + values[low + 1] * share
    return result


def recorded_looks(trial: Trial, wearing: Wearing) -> list[tuple[float, Look]]:
    """What the detector is shown, and when (seconds into the trial)."""
    acc, gyr, rate_hz = worn(trial, wearing)
    moving, looks = Moving(), FallLooks()
    found: list[tuple[float, Look]] = []
    before = round(wearing.lead_in_s * rate_hz)
    for index, (force, rate) in enumerate(zip(acc.tolist(), gyr.tolist(), strict=True)):
        t_ns = round((index - before) / rate_hz * 1e9)
        if moving.take(t_ns, force, rate):
            seen = looks.update(moving.motion.slices, moving.attitude.upright)
            found += [(t_ns * 1e-9, look) for look in seen]
    return found


def dropped(count: int, seed: int) -> Iterator[Trial]:
    """A device that falls from a hand or a belt onto something hard: true free fall, spin, bounces, then stillness."""
    dice = np.random.default_rng(seed)
    for index in range(count):
        yield _drop(index, dice)


def _drop(index: int, dice: np.random.Generator) -> Trial:
    fs_hz, parts = 100.0, []
    axis, spin_radps = dice.normal(size=3), dice.uniform(0.0, 15.0)
    up = np.array([0.0, 0.0, 1.0])

    def add(seconds: float, force_g: float, spins: bool, noise_mps2: float) -> None:
        nonlocal up
        for _ in range(max(1, round(seconds * fs_hz))):
            if spins:
                up = np.array(rotation(axis, -spin_radps / fs_hz)) @ up
            rate = axis / np.linalg.norm(axis) * spin_radps * spins + dice.normal(0, 0.01, 3)
            parts.append(np.hstack([up * force_g * G0_MPS2 + dice.normal(0, noise_mps2, 3), rate]))

    add(dice.uniform(3.0, 6.0), 1.0, False, dice.uniform(0.02, 1.0))
    height_m, hardness_g = dice.uniform(0.1, 1.2), dice.uniform(3.0, 16.0)
    rest_mps2 = dice.uniform(0.02, 0.3)
    for _ in range(dice.integers(1, 5)):
        add(math.sqrt(2 * height_m / G0_MPS2), 0.0, True, 0.3)
        add(dice.uniform(0.01, 0.03), hardness_g, True, 3.0)
        height_m, hardness_g = height_m * dice.uniform(0.02, 0.2), hardness_g * dice.uniform(0.3, 0.9)
    add(4.0, 1.0, False, rest_mps2)
    both = np.array(parts)
    acc, gyr = both[:, :3], both[:, 3:]
    name = f"drop{index}"
    return Trial("simulated", f"simulated/{index % 5}", name, "dropped", "", fs_hz, acc, gyr, None, None)


def rotation(axis: Floats, angle_rad: float) -> tuple[tuple[float, ...], ...]:
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix = np.eye(3) + math.sin(angle_rad) * cross + (1 - math.cos(angle_rad)) * (cross @ cross)
    return tuple(tuple(float(v) for v in row) for row in matrix)
