"""Figures of a person's movement at the waist, measured alike on recordings and on the synthetic walker."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

G_MPS2 = 9.80665
RATE_HZ = 100
Array = NDArray[np.float64]
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Movement:
    """100 Hz; `accel_g` and `gyro_dps` shape (n, 3), forward, left, up; `onset` and `impact` are samples or -1."""

    accel_g: Array
    gyro_dps: Array
    onset: int = -1
    impact: int = -1

    @property
    def size_g(self) -> Array:
        return norm(self.accel_g)


def norm(vectors: Array) -> Array:
    lengths: Array = np.sqrt(np.sum(vectors**2, axis=1))
    return lengths


def movement(accel_mps2: Array, gyro_radps: Array, fs_hz: float, *, onset: int = -1, impact: int = -1) -> Movement:
    """Averaged to 100 Hz, so that single-sample spikes of a 200 Hz sensor do not count as peaks."""
    together = max(1, round(fs_hz / RATE_HZ))
    accel_g, gyro_dps = (_averaged(x, together) for x in (accel_mps2 / G_MPS2, np.degrees(gyro_radps)))
    return Movement(accel_g, gyro_dps, onset // together, impact // together)


def _averaged(values: Array, together: int) -> Array:
    n = len(values) // together
    means: Array = values[: n * together].reshape(n, together, 3).mean(axis=1)
    return means


def angle_deg(a: Array, b: Array) -> float:
    cosine = float(a @ b) / float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _window_ms(mask: NDArray[np.bool_]) -> float:
    return float(mask.sum()) * 1000 / RATE_HZ


def _blow(m: Movement, peak: int) -> Figures:
    """About the hardest moment: how hard, how long, what came before it, how fast the trunk turned."""
    size, turning = m.size_g, norm(m.gyro_dps)
    before = size[max(0, peak - 100) : peak]
    return {
        "peak_g": float(size[peak]),
        "above_1.5g_ms": _window_ms(size[max(0, peak - 50) : peak + 50] > 1.5),
        "least_before_g": float(before.min()),
        "below_0.7g_ms": _window_ms(before < 0.7),
        "peak_rate_dps": float(turning[max(0, peak - 100) : peak + 60].max()),
    }


def fall(m: Movement) -> Figures | None:
    """A fall with a labelled impact; the peak is looked for within 0.2 s of it."""
    first = max(0, m.impact - 20)
    peak = first + int(np.argmax(m.size_g[first : m.impact + 20]))
    if m.impact < 0 or peak < 100 or peak + 250 > len(m.size_g):
        return None
    after = slice(peak + 150, peak + 250)
    figures = _blow(m, peak) | {
        "tilt_after_deg": angle_deg(m.accel_g[:50].mean(axis=0), m.accel_g[after].mean(axis=0)),
        "backward_rate_dps": -float(m.gyro_dps[peak - 60 : peak - 5, 1].min()),
        "lying_sd_g": float(m.size_g[after].std()),
        "lying_rate_sd_dps": float(norm(m.gyro_dps[after] - m.gyro_dps[after].mean(axis=0)).mean()),
    }
    if m.onset >= 0:
        figures["onset_to_impact_s"] = (m.impact - m.onset) / RATE_HZ
    return figures


def jolt(m: Movement) -> Figures | None:
    """A stumble or a hard sitting down: the same about the hardest moment, and the lean that is left 2 s later."""
    peak = int(np.argmax(m.size_g))
    if peak < 100 or peak + 60 > len(m.size_g):
        return None
    later = m.accel_g[peak + 150 : peak + 250]
    lean = {"tilt_after_deg": angle_deg(m.accel_g[:50].mean(axis=0), later.mean(axis=0))} if len(later) == 100 else {}
    return _blow(m, peak) | lean


def standing(m: Movement) -> Figures | None:
    """The middle of a quiet stand of 10 s or more."""
    if len(m.size_g) < 1000:
        return None
    middle = slice(200, -200)
    turning = m.gyro_dps[middle] - m.gyro_dps[middle].mean(axis=0)
    return {"sd_g": float(m.size_g[middle].std()), "rate_rms_dps": float(np.sqrt((turning**2).sum(axis=1).mean()))}


WALK_WINDOW = 512


def walking(m: Movement) -> list[Figures]:
    """One set for every 5.1 s of walking that has no turn in it, away from the trial's ends."""
    starts = range(200, len(m.size_g) - WALK_WINDOW - 100, WALK_WINDOW)
    windows = [(m.accel_g[i : i + WALK_WINDOW], m.gyro_dps[i : i + WALK_WINDOW]) for i in starts]
    return [_walk_window(accel, gyro) for accel, gyro in windows if _walks_straight(accel, gyro)]


def _walks_straight(accel_g: Array, gyro_dps: Array) -> bool:
    heading = np.cumsum(gyro_dps[:, 2] - np.median(gyro_dps[:, 2])) / RATE_HZ
    return bool(norm(accel_g).std() > 0.05 and np.ptp(heading) < 40)


def _walk_window(accel_g: Array, gyro_dps: Array) -> Figures:
    axes = _level_axes(accel_g.mean(axis=0))
    forward, left, up = (accel_g @ axis for axis in axes)
    step_hz = _step_frequency_hz(up)
    harmonics = {f"up_{h}x_g": _amplitude(up, h * step_hz) for h in (1, 2, 3, 4)}
    lean = _lean_ranges_deg(gyro_dps)
    return {
        "step_hz": step_hz,
        "up_rms_g": float(up.std()),
        "forward_rms_g": float(forward.std()),
        "left_rms_g": float(left.std()),
        **harmonics,
        "forward_1x_g": _amplitude(forward, step_hz),
        "left_half_g": _amplitude(left, step_hz / 2),
        "roll_range_deg": lean[0],
        "pitch_range_deg": lean[1],
        **{f"{name}_rms_dps": float(gyro_dps[:, i].std()) for i, name in enumerate(("roll", "pitch", "yaw"))},
        "peak_g": float(norm(accel_g).max()),
        "least_g": float(norm(accel_g).min()),
    }


def _level_axes(gravity: Array) -> tuple[Array, Array, Array]:
    """Forward, left and up as the walker has them, however the sensor is tilted."""
    up = gravity / np.linalg.norm(gravity)
    forward = np.array([1.0, 0.0, 0.0]) - up[0] * up
    forward /= np.linalg.norm(forward)
    return forward, np.cross(up, forward), up


def _spectrum(values: Array) -> tuple[Array, Array]:
    """Frequencies and amplitudes: a sine of amplitude 1 reads 1."""
    window = np.hanning(len(values))
    amplitudes: Array = np.abs(np.fft.rfft((values - values.mean()) * window, 4096)) * 2 / window.sum()
    frequencies: Array = np.arange(len(amplitudes)) * RATE_HZ / 4096
    return frequencies, amplitudes


def _step_frequency_hz(up: Array) -> float:
    frequencies, amplitudes = _spectrum(up)
    likely = (frequencies > 1.0) & (frequencies < 3.0)
    return float(frequencies[likely][np.argmax(amplitudes[likely])])


def _amplitude(values: Array, frequency_hz: float) -> float:
    frequencies, amplitudes = _spectrum(values)
    return float(amplitudes[np.abs(frequencies - frequency_hz) < 0.12].max())


def _lean_ranges_deg(gyro_dps: Array) -> Array:
    """5 to 95 % range of roll, pitch and yaw; slow drift taken out by a cubic."""
    angles = np.cumsum(gyro_dps - gyro_dps.mean(axis=0), axis=0) / RATE_HZ
    t = np.linspace(-1, 1, len(angles))
    basis = np.stack([t**k for k in range(4)], axis=1)
    angles -= basis @ np.linalg.lstsq(basis, angles, rcond=None)[0]
    low, high = np.percentile(angles, [5, 95], axis=0)
    ranges: Array = high - low
    return ranges


MEASURES: dict[str, Callable[[Movement], Figures | list[Figures] | None]] = {
    "backward fall": fall,
    "slow walk": walking,
    "stumble": jolt,
    "sitting down hard": jolt,
    "standing": standing,
}


def measured(kind: str, m: Movement) -> list[Figures]:
    """No, one or several sets of figures."""
    found = MEASURES[kind](m)
    return found if isinstance(found, list) else [found] if found else []
