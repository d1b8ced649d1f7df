"""The device off the body: dropped, put down, hung up, carried. A rigid body that turns as told; only up is known."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from random import Random

from hal.samples import Vector
from hal.sim.world.gait import G_MPS2
from hal.sim.world.shapes import TAU, Curve, Pulse, Wander

GRID_S = 0.002
Turning = Callable[[float], Vector]  # seconds after it came loose to rad/s in body axes
Lift = Callable[[float], float]  # to vertical acceleration, m/s²
Shake = Callable[[float], Vector]  # to what is felt besides, m/s² in body axes


class Loose:
    """From the way up pointed when it came loose; after `moves_s` it lies dead still, whichever way it came to lie."""

    def __init__(self, up: Vector, moves_s: float, turning: Turning, lift: Lift, shake: Shake) -> None:
        self._moves_s, self._turning, self._lift, self._shake = moves_s, turning, lift, shake
        self._ups = [up]
        for index in range(math.ceil(moves_s / GRID_S)):
            self._ups.append(_turned(self._ups[-1], turning((index + 0.5) * GRID_S)))

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        """Specific force and angular rate, `t_s` seconds after it came loose."""
        if t_s >= self._moves_s:
            x, y, z = self._ups[-1]
            return (G_MPS2 * x, G_MPS2 * y, G_MPS2 * z), (0.0, 0.0, 0.0)
        index, rest = divmod(max(t_s, 0.0) / GRID_S, 1.0)
        a, b = self._ups[int(index)], self._ups[min(int(index) + 1, len(self._ups) - 1)]
        felt, shake = G_MPS2 + self._lift(t_s), self._shake(t_s)
        force = tuple(felt * (p + (q - p) * rest) + s for p, q, s in zip(a, b, shake, strict=True))
        return (force[0], force[1], force[2]), self._turning(t_s)


def _turned(up: Vector, rate: Vector) -> Vector:
    """d(up)/dt = up x rate, in body axes."""
    (x, y, z), (p, q, r) = up, rate
    x, y, z = x + (y * r - z * q) * GRID_S, y + (z * p - x * r) * GRID_S, z + (x * q - y * p) * GRID_S
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


class Stages:
    """Vectors at given times, and a soft way from each to the next."""

    def __init__(self, stages: Sequence[tuple[float, Vector]]) -> None:
        self._axes = [Curve([(t, vector[axis]) for t, vector in stages]) for axis in range(3)]

    def __call__(self, t_s: float) -> Vector:
        x, y, z = (axis.at(t_s)[0] for axis in self._axes)
        return x, y, z


def any_direction(dice: Random, length: float) -> Vector:
    z, around = dice.uniform(-1, 1), dice.uniform(0, TAU)
    level = math.sqrt(1 - z * z)
    return length * level * math.cos(around), length * level * math.sin(around), length * z


def dropped(up: Vector, dice: Random, falls_s: float) -> Loose:
    """Falls freely, spinning; bounces one to three times, rocks, and lies dead still.

    Ranges: spin 1 to 12 rad/s about an axis up to 15 mm from the sensor; rebound 0.2 to 0.45 of the speed; contact 20
    to 40 ms, as a chip's low-pass filter leaves it (wood, then carpet); spin after a contact up to 15 rad/s.
    """
    spin = any_direction(dice, dice.uniform(1.0, 12.0))
    arm = any_direction(dice, dice.uniform(0.0, 0.015))
    rebound, contact_s = dice.uniform(0.2, 0.45), dice.uniform(0.020, 0.040)
    stages: list[tuple[float, Vector]] = [(0.0, (0.0, 0.0, 0.0)), (0.03, spin)]
    falling: list[tuple[float, float]] = [(0.01, falls_s)]
    blows: list[Pulse] = []
    t, speed = falls_s, G_MPS2 * falls_s
    for bounce in range(dice.randint(1, 3)):
        blows.append(Pulse(t + contact_s / 2, contact_s, 2 * speed * (1 + rebound) / contact_s))
        stages += [(t, stages[-1][1]), (t + contact_s, any_direction(dice, dice.uniform(1.0, 15.0) / (bounce + 1)))]
        flight_s = 2 * rebound * speed / G_MPS2
        falling.append((t + contact_s, t + contact_s + flight_s))
        speed *= rebound
        t += contact_s + max(flight_s, 0.01)
    blows.append(Pulse(t + contact_s / 2, contact_s, 2 * speed / contact_s))
    rocks = stages[-1][1]
    stages.append((t, rocks))
    t += contact_s
    for swing in range(dice.randint(1, 5)):  # on an edge, left and right
        share = -0.5 if swing % 2 else 0.5
        stages.append((t, (rocks[0] * share, rocks[1] * share, rocks[2] * share)))
        rocks = (rocks[0] * 0.6, rocks[1] * 0.6, rocks[2] * 0.6)
        t += dice.uniform(0.03, 0.07)
    stages.append((t, (0.0, 0.0, 0.0)))
    turning = Stages(stages)
    ends_s = [end for _, end in falling]

    def lift(t_s: float) -> float:
        index = min(bisect_right(ends_s, t_s), len(falling) - 1)
        began_s, ended_s = falling[index]
        free = -G_MPS2 if began_s <= t_s < ended_s else 0.0
        return free + sum(blow.at(t_s) for blow in blows)

    def shake(t_s: float) -> Vector:
        return _centripetal(turning(t_s), arm)

    return Loose(up, t, turning, lift, shake)


def _centripetal(rate: Vector, arm: Vector) -> Vector:
    """rate x (rate x arm)."""
    along = sum(w * r for w, r in zip(rate, arm, strict=True))
    square = sum(w * w for w in rate)
    x, y, z = (w * along - r * square for w, r in zip(rate, arm, strict=True))
    return x, y, z


def handled(up: Vector, dice: Random, holds_s: float, *, then: str = "put down") -> Loose:
    """Unclipped with a tug or two, turned about in a hand for `holds_s`, then put down, or hung up and left swinging.

    Ranges: tugs 0.2 to 0.8 g; two or three turns of 60 to 170 degrees within 0.5 to 1.2 s each, the first one of 100 at
    least, for it has to come from her back to before her eyes; unsteadiness 0.3 to 1 rad/s rms at 0.3 to 2 Hz; the
    hand's jerks 0.5 to 2 m/s² rms; the clack on the table 0.3 to 1.5 g for 12 to 30 ms; a swing of 8 to 25 degrees at
    0.8 to 1.3 Hz that dies within 1.5 to 4 s.
    What is hung up is turned half as far, and back again at the end: it hangs within 40 degrees of how it was worn.
    """
    seed = f"hand {dice.random()}"
    turn, jerk = dice.uniform(0.3, 1.0) / math.sqrt(3), dice.uniform(0.5, 2.0)
    turns = _turns(dice, holds_s, back=then == "hung up")
    axes = [Wander(f"{seed} turn {axis}", low_hz=0.3, high_hz=2.0, rms=turn) for axis in "flu"]
    jerks = [Wander(f"{seed} jerk {axis}", low_hz=0.5, high_hz=6.0, rms=jerk) for axis in "flu"]
    tugs = [Pulse(dice.uniform(0.05, 0.4), 0.08, dice.choice((-1, 1)) * dice.uniform(0.2, 0.8) * G_MPS2) for _ in "ab"]
    clack = Pulse(holds_s + 0.01, dice.uniform(0.012, 0.03), dice.uniform(0.3, 1.5) * G_MPS2)
    swings_s, swing_hz = dice.uniform(1.5, 4.0), dice.uniform(0.8, 1.3)
    amplitude = math.radians(dice.uniform(8.0, 25.0)) * TAU * swing_hz if then == "hung up" else 0.0
    moves_s = holds_s + (swings_s if then == "hung up" else 0.12)
    grip = Curve([(0.0, 0.0), (0.3, 1.0), (holds_s - 0.1, 1.0), (holds_s + 0.08, 0.0)])

    def turning(t_s: float) -> Vector:
        held = grip.at(t_s)[0]
        x, y, z = (held * axis.at(t_s)[0] for axis in axes)
        for pulse, (p, q, r) in turns:
            rate = pulse.at(t_s)
            x, y, z = x + rate * p, y + rate * q, z + rate * r
        if amplitude and t_s > holds_s:
            left = (moves_s - t_s) / swings_s
            y += amplitude * left * left * math.cos(TAU * swing_hz * (t_s - holds_s))
        return x, y, z

    def shake(t_s: float) -> Vector:
        held = grip.at(t_s)[0]
        x, y, z = (held * axis.at(t_s)[0] for axis in jerks)
        return x + sum(tug.at(t_s) for tug in tugs), y, z

    return Loose(up, moves_s, turning, clack.at, shake)


def _turns(dice: Random, holds_s: float, *, back: bool) -> list[tuple[Pulse, Vector]]:
    """How fast it is turned when, and about which axis."""
    found: list[tuple[Pulse, Vector]] = []
    for index in range(2 if back else dice.randint(2, 3)):
        lasts_s = dice.uniform(0.5, min(1.2, 0.45 * holds_s))
        middle_s = dice.uniform(0.1 + lasts_s / 2, holds_s - lasts_s / 2)
        angle = math.radians(dice.uniform(60.0 if index else 100.0, 170.0))
        if back and index:
            (first, axis), middle_s = found[0], holds_s - lasts_s / 2
            found.append((Pulse(middle_s, lasts_s, -first.integral * dice.uniform(0.8, 1.2) * 2 / lasts_s), axis))
        else:
            found.append((Pulse(middle_s, lasts_s, angle * (1.0 if back else 2.0) / lasts_s), any_direction(dice, 1.0)))
    return found
