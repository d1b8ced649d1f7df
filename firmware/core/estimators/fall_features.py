"""What a possible fall looked like: how she moved before, on the way down, at the impact, and after it.

Multiphase features after Palmerini et al. (Sensors 2020, 20, 6479). None of them depends on how the device is turned on
the body: directions enter only as angles between two of them, of the wearer's own upright, of where up was some
seconds before the peak, and of where it was later.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hal.samples import Vector

G0_MPS2 = 9.80665
PEAK_G = 1.5  # every recorded fall reaches it; slow steps do so 30 times a minute
BELONGS_NS = 400_000_000  # a higher peak so soon after replaces the one before
LOOKS_NS = (300_000_000, 1_000_000_000, 2_000_000_000)
HIGHEST_G = 6.0  # beyond it an impact is just hard; sensors differ in what they can measure there

FEATURES = (
    "before_spread_mps2",
    "before_turning_radps",
    "before_wander",
    "before_tilt_rad",
    "before_peak_g",
    "falling_least_g",
    "falling_light_s",
    "falling_speed_mps",
    "falling_drop_m",
    "falling_turning_radps",
    "falling_turning_most_radps",
    "falling_level_mps2",
    "falling_began_rad",
    "falling_tilted_rad",
    "falling_tilt_radps",
    "impact_tilt_rad",
    "impact_g",
    "impact_mean_g",
    "impact_hard_s",
    "impact_stop_mps",
    "impact_turning_radps",
    "impact_level_mps2",
    "after_tilt_rad",
    "after_turned_rad",
    "after_turned_most_rad",
    "after_turned_least_rad",
    "after_from_impact_rad",
    "after_spread_mps2",
    "after_turning_radps",
    "after_level_mps2",
    "after_peak_g",
    "after_least_g",
    "end_spread_mps2",
    "end_turning_radps",
    "end_vertical_mps2",
    "end_turned_rad",
)


class Slice(Protocol):
    """What has to be known of 20 ms of movement; `firmware.core.estimators.motion.MotionSlice` fits."""

    t_ns: int
    span_s: float
    mean_mps2: float
    peak_mps2: float
    least_mps2: float
    vertical_mps2: float
    level_mps2: float
    turning_radps: float
    up: Vector


@dataclass(frozen=True, slots=True)
class Look:
    """A possible fall at one of the moments at which it is judged; `features` are in the order of `FEATURES`."""

    number: int  # 0 the first one
    peak_ns: int
    peak_mps2: float
    features: tuple[float, ...]


@dataclass(slots=True)
class _Peak:
    t_ns: int
    mps2: float
    looks: int = 0


class FallLooks:
    """Finds the peaks of |a| and looks at each of them three times."""

    def __init__(self) -> None:
        self._limit_mps2 = PEAK_G * G0_MPS2
        self.pending: deque[_Peak] = deque(maxlen=16)

    def restart(self) -> None:
        self.pending.clear()

    def update(self, slices: Sequence[Slice], upright: Vector | None) -> list[Look]:
        """To be called when a slice was finished, the newest of `slices`."""
        last, pending = slices[-1], self.pending
        if last.peak_mps2 > self._limit_mps2:
            self._note(last.t_ns, last.peak_mps2)
        if not pending:
            return []
        looks = []
        for peak in pending:
            if last.t_ns - peak.t_ns >= LOOKS_NS[peak.looks]:
                looks.append(Look(peak.looks, peak.t_ns, peak.mps2, features(slices, peak.t_ns, upright)))
                peak.looks += 1
        if pending[0].looks == len(LOOKS_NS):
            pending.popleft()
        return looks

    def _note(self, t_ns: int, mps2: float) -> None:
        last = self.pending[-1] if self.pending else None
        if last is None or t_ns - last.t_ns > BELONGS_NS:
            self.pending.append(_Peak(t_ns, mps2))
        elif mps2 > last.mps2:
            self.pending[-1] = _Peak(t_ns, mps2)


class _Mean:
    """Mean and spread of what is seen of one phase, weighted by time."""

    __slots__ = ("square", "total", "weight")

    def __init__(self) -> None:
        self.weight = self.total = self.square = 0.0

    def add(self, value: float, span_s: float) -> None:
        self.weight += span_s
        self.total += value * span_s
        self.square += value * value * span_s

    @property
    def mean(self) -> float:
        return self.total / self.weight if self.weight else 0.0

    @property
    def spread(self) -> float:
        if not self.weight:
            return 0.0
        mean = self.total / self.weight
        return math.sqrt(max(0.0, self.square / self.weight - mean * mean))


def _angle(a: Vector, b: Vector) -> float:
    along = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return math.acos(max(-1.0, min(1.0, along)))


def _mean_up(slices: Iterable[Slice]) -> tuple[Vector, float]:
    """The mean direction, and how far they differ: 0 when all are the same, up to 1."""
    x = y = z = 0.0
    count = 0
    for piece in slices:
        ux, uy, uz = piece.up
        x, y, z, count = x + ux, y + uy, z + uz, count + 1
    length = math.sqrt(x * x + y * y + z * z)
    if not length:
        return (0.0, 0.0, 1.0), 1.0
    return (x / length, y / length, z / length), 1.0 - length / count


def features(slices: Sequence[Slice], peak_ns: int, upright: Vector | None) -> tuple[float, ...]:
    """`FEATURES` of the peak at `peak_ns`, as far as it is known by the newest of `slices`."""
    kept = [piece for piece in slices if piece.t_ns > peak_ns - 3_000_000_000]
    until = peak_ns - 60_000_000
    first = peak_ns - 1_000_000_000
    before = [p for p in kept if p.t_ns <= first]
    falling = [p for p in kept if first < p.t_ns <= until]
    impact = [p for p in kept if until < p.t_ns <= peak_ns + 200_000_000]
    after = [p for p in kept if p.t_ns > peak_ns + 200_000_000]
    reference, wander = _mean_up(before or kept[:3])
    own = upright or reference
    return (
        *_before(before, kept, peak_ns, wander, _angle(reference, own)),
        *_falling(falling or impact[:1], impact, reference),
        *_impact(kept, impact or kept[-1:], peak_ns, own),
        *_after(after or kept[-1:], (impact or kept[-1:])[0].up, reference, own),
    )


def _before(
    before: list[Slice], kept: list[Slice], peak_ns: int, wander: float, tilt_rad: float
) -> tuple[float, ...]:
    force, turning = _Mean(), _Mean()
    for piece in before:
        force.add(piece.mean_mps2, piece.span_s)
        turning.add(piece.turning_radps, piece.span_s)
    peak = max((p.peak_mps2 for p in kept if p.t_ns < peak_ns - 500_000_000), default=G0_MPS2)
    return force.spread, turning.mean, wander, tilt_rad, min(HIGHEST_G, peak / G0_MPS2)


def _falling(falling: list[Slice], impact: list[Slice], reference: Vector) -> tuple[float, ...]:
    turning, level = _Mean(), _Mean()
    least, light_s, speed, slowest, drop, most = math.inf, 0.0, 0.0, 0.0, 0.0, 0.0
    for piece in falling:
        span_s = piece.span_s
        turning.add(piece.turning_radps, span_s)
        level.add(piece.level_mps2, span_s)
        least = min(least, piece.least_mps2)
        most = max(most, piece.turning_radps)
        if piece.mean_mps2 < 0.7 * G0_MPS2:
            light_s += span_s
        speed += piece.vertical_mps2 * span_s
        drop += speed * span_s
        slowest = min(slowest, speed)
    began, ended = _angle(falling[0].up, reference), _angle(falling[-1].up, reference)
    middle = falling[len(falling) // 2]
    span_s = max(0.1, (falling[-1].t_ns - middle.t_ns) * 1e-9)
    rate = (ended - _angle(middle.up, reference)) / span_s
    return (
        least / G0_MPS2,
        light_s,
        slowest,
        drop,
        turning.mean,
        most,
        level.mean,
        began,
        ended,
        rate,
    )


def _impact(kept: list[Slice], impact: list[Slice], peak_ns: int, own: Vector) -> tuple[float, ...]:
    force = _Mean()
    stop = 0.0
    for piece in impact:
        force.add(piece.mean_mps2, piece.span_s)
        stop += max(0.0, piece.vertical_mps2) * piece.span_s
    near = [p for p in kept if abs(p.t_ns - peak_ns) < 500_000_000 and p.peak_mps2 > PEAK_G * G0_MPS2]
    return (
        _angle(impact[0].up, own),
        min(HIGHEST_G, max(p.peak_mps2 for p in impact) / G0_MPS2),
        force.mean / G0_MPS2,
        sum(p.span_s for p in near),
        stop,
        max(p.turning_radps for p in impact),
        max(p.level_mps2 for p in impact),
    )


def _after(after: list[Slice], hit: Vector, reference: Vector, own: Vector) -> tuple[float, ...]:
    force, turning, level = _Mean(), _Mean(), _Mean()
    end, end_turning, end_vertical = _Mean(), _Mean(), _Mean()
    end_ns = after[-1].t_ns - 500_000_000
    turned = [_angle(piece.up, reference) for piece in after]
    for piece in after:
        span_s = piece.span_s
        force.add(piece.mean_mps2, span_s)
        turning.add(piece.turning_radps, span_s)
        level.add(piece.level_mps2, span_s)
        if piece.t_ns > end_ns:
            end.add(piece.mean_mps2, span_s)
            end_turning.add(piece.turning_radps, span_s)
            end_vertical.add(piece.vertical_mps2, span_s)
    lies, _ = _mean_up(piece for piece in after if piece.t_ns > after[-1].t_ns - 300_000_000)
    return (
        _angle(lies, own),
        _angle(lies, reference),
        max(turned),
        min(turned),
        _angle(lies, hit),
        force.spread,
        turning.mean,
        level.mean,
        min(HIGHEST_G, max(p.peak_mps2 for p in after) / G0_MPS2),
        min(p.least_mps2 for p in after) / G0_MPS2,
        end.spread,
        end_turning.mean,
        end_vertical.spread,
        _angle(lies, next((p.up for p in after if p.t_ns > end_ns), lies)),
    )
