"""What a possible fall looked like: how she moved before, on the way down, at the impact, and after it.

Multiphase features after Palmerini et al. (Sensors 2020, 20, 6479). None of them depends on how the device is turned on
the body: directions enter only as angles between two of them, of the wearer's own upright, of where up was some
seconds before the peak, and of where it was later.
"""

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hal.samples import Vector

G0_MPS2 = 9.80665
S, MS = 1_000_000_000, 1_000_000
REST_NS = 200 * MS  # after the peak, when what follows it begins
PEAK_MPS2 = 1.5 * G0_MPS2  # every recorded fall reaches it; slow steps do so 30 times a minute
_acos = math.acos
GRID_NS = 20 * MS  # how far the slices of a sensor of 50 Hz or more are apart
BELONGS_NS = 400_000_000  # a higher peak so soon after replaces the one before
LOOKS_NS = (300_000_000, 1_000_000_000, 2_000_000_000)
HIGHEST_G = 12.0  # beyond it an impact is just hard; sensors differ in what they can measure there

# Speed and height on the way down, and for how long it was light, are left out on purpose: with them, trees that have
# learned from one set of recordings miss more falls of another.
FEATURES = (
    "before_turning_radps",
    "before_wander",
    "before_tilt_rad",
    "before_peak_g",
    "falling_least_g",
    "falling_turning_radps",
    "falling_began_rad",
    "falling_tilted_rad",
    "falling_tilt_radps",
    "impact_tilt_rad",
    "impact_g",
    "impact_mean_g",
    "impact_stop_mps",
    "impact_turning_radps",
    "impact_level_mps2",
    "impact_hard_s",
    "after_turned_least_rad",
    "after_turning_radps",
    "after_peak_g",
    "end_tilt_rad",
    "end_turned_rad",
    "end_from_impact_rad",
    "end_spread_mps2",
    "end_turning_radps",
    "end_level_mps2",
    "end_settling_rad",
)
_TURNING = tuple(FEATURES.index(f"{phase}_turning_radps") for phase in ("before", "falling", "after"))
SWINGS_RADPS = 4.0
"""Mean over the seconds of a look. No recorded fall reached 3.7; a sensor that hung loose did 4.4 to 8."""


class Slice(Protocol):
    """What has to be known of 20 ms of movement; `firmware.core.estimators.motion.MotionSlice` fits."""

    t_ns: int
    span_s: float
    peak_mps2: float
    least_mps2: float
    level_mps2: float
    turning_radps: float
    up: Vector
    force_sum: float
    force_square_sum: float
    turning_sum_rad: float
    level_sum_mps: float
    speed_mps: float


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
        self.pending: deque[_Peak] = deque(maxlen=16)

    def restart(self) -> None:
        self.pending.clear()

    def update(self, slices: Sequence[Slice], upright: Vector | None) -> list[Look]:
        """To be called when a slice was finished, the newest of `slices`."""
        last, pending = slices[-1], self.pending
        if last.peak_mps2 > PEAK_MPS2:
            self._note(last.t_ns, last.peak_mps2)
        if not pending:
            return []
        looks = []
        for peak in pending:
            if last.t_ns - peak.t_ns >= LOOKS_NS[peak.looks]:
                seen = features(slices, peak.t_ns, upright)
                if not _swings(seen, (LOOKS_NS[peak.looks] - REST_NS) * 1e-9):
                    looks.append(Look(peak.looks, peak.t_ns, peak.mps2, seen))
                peak.looks += 1
        while pending and pending[0].looks == len(LOOKS_NS):
            pending.popleft()
        return looks

    def _note(self, t_ns: int, mps2: float) -> None:
        last = self.pending[-1] if self.pending else None
        if last is None or t_ns - last.t_ns > BELONGS_NS:
            self.pending.append(_Peak(t_ns, mps2))
        elif mps2 > last.mps2:
            self.pending[-1] = _Peak(t_ns, mps2)


def _swings(seen: tuple[float, ...], after_s: float) -> bool:
    """The device dangles from its clip: no trunk turns like that for seconds. What it feels is nobody's fall."""
    before, falling, after = (seen[index] for index in _TURNING)
    return 2.0 * before + falling + after_s * after > SWINGS_RADPS * (3.0 + after_s)


def _time(piece: Slice) -> int:
    return piece.t_ns


def _since(pieces: list[Slice], times_ns: tuple[int, ...]) -> list[int]:
    """For each time the first piece that ends after it, or the last one.

    Never the very first: its sums include more than itself.
    """
    last, now_ns, found = len(pieces) - 1, pieces[-1].t_ns, []
    for t_ns in times_ns:
        index = last + 1 + (t_ns - now_ns) // GRID_NS
        if not (0 < index <= last and pieces[index].t_ns > t_ns >= pieces[index - 1].t_ns):
            index = bisect_right(pieces, t_ns, 1, last, key=_time) if last else 0
        found.append(index)
    return found


def features(history: Sequence[Slice], peak_ns: int, upright: Vector | None) -> tuple[float, ...]:
    """`FEATURES` of the peak at `peak_ns`, as far as it is known by the newest slice."""
    pieces = list(history)
    newest = pieces[-1]
    now_ns = newest.t_ns
    began, earlier, first, half, hit, rest, over, ending, lying = _since(
        pieces,
        (
            *(peak_ns - 3 * S, peak_ns - 2 * S, peak_ns - S, peak_ns - S // 2, peak_ns - 60 * MS),
            *(peak_ns + REST_NS, peak_ns + S // 2, now_ns - 500 * MS, now_ns - 300 * MS),
        ),
    )
    # Where up was before; of a history that is too short, its beginning.
    reference, wander = _mean_up(pieces[began:first:10] or pieces[:2])
    own = upright or reference
    lies, _ = _mean_up(pieces[lying::3])
    before = pieces[earlier - 1 : half] or pieces[:1]
    end = pieces[ending - 1]
    return (
        _turning(pieces[began - 1], pieces[first - 1]),
        wander,
        _angle(reference, own),
        _g(max([piece.peak_mps2 for piece in before])),
        *_falling(pieces[first - 1 : max(hit, first + 1)], reference),
        *_impact(pieces[hit - 1 : max(rest, hit + 1)], own),
        sum([piece.span_s for piece in pieces[half:over] if piece.peak_mps2 > PEAK_MPS2]),
        *_after(pieces[rest - 1 :], reference),
        _angle(lies, own),
        _angle(lies, reference),
        _angle(lies, pieces[hit].up),
        *_end(end, newest),
        _angle(lies, end.up),
    )


def _falling(falling: list[Slice], reference: Vector) -> tuple[float, ...]:
    """The first piece is the one before."""
    start, end = falling[0], falling[-1]
    middle = falling[len(falling) // 2]
    least_mps2 = min([piece.least_mps2 for piece in falling[1:]])
    tilted_rad = _angle(end.up, reference)
    rate_radps = (tilted_rad - _angle(middle.up, reference)) / max(0.1, (end.t_ns - middle.t_ns) * 1e-9)
    return least_mps2 / G0_MPS2, _turning(start, end), _angle(falling[1].up, reference), tilted_rad, rate_radps


def _impact(impact: list[Slice], own: Vector) -> tuple[float, ...]:
    """The first piece is the one before."""
    start, end = impact[0], impact[-1]
    lowest, highest = min(start.speed_mps, impact[1].speed_mps), -math.inf
    peak = turning = level = 0.0
    for piece in impact[1:]:
        if (now := piece.peak_mps2) > peak:
            peak = now
        if (now := piece.speed_mps) > highest:
            highest = now
        if (now := piece.turning_radps) > turning:
            turning = now
        if (now := piece.level_mps2) > level:
            level = now
    mean_g = (end.force_sum - start.force_sum) / (_span_s(start, end) * G0_MPS2)
    return _angle(impact[1].up, own), _g(peak), mean_g, highest - lowest, turning, level


def _after(after: list[Slice], reference: Vector) -> tuple[float, ...]:
    """The first piece is the one before."""
    x, y, z = reference
    nearest = max([ux * x + uy * y + uz * z for ux, uy, uz in [piece.up for piece in after[1::3]]])
    peak_mps2 = max([piece.peak_mps2 for piece in after[1:]])
    return math.acos(max(-1.0, min(1.0, nearest))), _turning(after[0], after[-1]), _g(peak_mps2)


def _end(a: Slice, b: Slice) -> tuple[float, float, float]:
    """Spread of |a|, turning and level force between them."""
    span_s = _span_s(a, b)
    mean = (b.force_sum - a.force_sum) / span_s
    square = (b.force_square_sum - a.force_square_sum) / span_s - mean * mean
    spread = math.sqrt(square) if square > 0.0 else 0.0
    return spread, (b.turning_sum_rad - a.turning_sum_rad) / span_s, (b.level_sum_mps - a.level_sum_mps) / span_s


def _g(peak_mps2: float) -> float:
    return min(HIGHEST_G, peak_mps2 / G0_MPS2)


def _angle(a: Vector, b: Vector) -> float:
    along = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    if -1.0 < along < 1.0:
        return _acos(along)
    return 0.0 if along > 0.0 else math.pi


def _mean_up(pieces: list[Slice]) -> tuple[Vector, float]:
    """The mean direction, and how far they differ: 0 when all are the same, up to 1."""
    x = y = z = 0.0
    for piece in pieces:
        ux, uy, uz = piece.up
        x += ux
        y += uy
        z += uz
    length = math.sqrt(x * x + y * y + z * z)
    if not length:
        return (0.0, 0.0, 1.0), 1.0
    return (x / length, y / length, z / length), 1.0 - length / len(pieces)


def _turning(a: Slice, b: Slice) -> float:
    """Mean from the end of one piece to the end of a later one."""
    span_s = (b.t_ns - a.t_ns) * 1e-9
    return (b.turning_sum_rad - a.turning_sum_rad) / (span_s if span_s > 0.005 else 0.005)


def _span_s(a: Slice, b: Slice) -> float:
    return max(0.005, (b.t_ns - a.t_ns) * 1e-9)
