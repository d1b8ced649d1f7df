"""What happens to a device that is not on a belt, or sits wrongly: in a hand, on a table, turned, slipping, loose.

Each is a motion: seconds to specific force (m/s²) and angular rate (rad/s) in the device's axes.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from random import Random

from hal.samples import Vector
from hal.sim.world.gait import G_MPS2
from hal.sim.world.rotation import about, direction, rotated
from hal.sim.world.shapes import TAU, Curve, Wander

Motion = Callable[[float], tuple[Vector, Vector]]
Angle = Callable[[float], tuple[float, float]]
"""Seconds to radians and their rate."""
NO_TURNING: Vector = (0.0, 0.0, 0.0)
UPRIGHT: Vector = (0.0, 0.0, 1.0)
FORWARD: Vector = (1.0, 0.0, 0.0)


def resting(up: Vector) -> Motion:
    """On a table."""
    force = G_MPS2 * up[0], G_MPS2 * up[1], G_MPS2 * up[2]
    return lambda _: (force, NO_TURNING)


def knocked(up: Vector, dice: Random, lasts_s: float) -> Motion:
    """On a table at which somebody works: knocks 1 to 6 s apart, 0.03 to 0.3 g, ringing at 15 to 40 Hz for 0.2 s.

    How far a table turns with it, 0.01 to 0.1 rad/s, is a guess.
    """
    at_s = [dice.uniform(0.5, 3.0)]
    while at_s[-1] < lasts_s:
        at_s.append(at_s[-1] + dice.uniform(1.0, 6.0))
    blows = [(dice.uniform(0.03, 0.3) * G_MPS2, dice.uniform(0.01, 0.1), dice.uniform(15.0, 40.0)) for _ in at_s]

    def motion(t_s: float) -> tuple[Vector, Vector]:
        x, y, z = (G_MPS2 * axis for axis in up)
        index = bisect_right(at_s, t_s) - 1
        if index < 0:
            return (x, y, z), NO_TURNING
        push, turn, hz = blows[index]
        since_s = t_s - at_s[index]
        ring = math.exp(-since_s / 0.05) * math.sin(TAU * hz * since_s)
        return (x, y, z + push * ring), (turn * ring, 0.6 * turn * ring, 0.0)

    return motion


class Hand:
    """Turns the device so that up lies, in its axes, as told at each time; unsteady, and with the hand's jerks.

    Ranges: it spins about the vertical by 0.2 to 0.8 rad/s rms at 0.3 to 2 Hz besides, jerks 0.3 to 1.5 m/s² rms.
    """

    def __init__(self, ups: Sequence[tuple[float, Vector]], dice: Random) -> None:
        self._times, self._ups = [t for t, _ in ups], [up for _, up in ups]
        seed, jerk = f"hand {dice.random()}", dice.uniform(0.3, 1.5)
        self._spin = Wander(f"{seed} spin", low_hz=0.3, high_hz=2.0, rms=dice.uniform(0.2, 0.8))
        self._jerks = [Wander(f"{seed} jerk {axis}", low_hz=0.5, high_hz=6.0, rms=jerk) for axis in "flu"]

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        up, rate = self._turning(t_s)
        spin = self._spin.value(t_s)
        force = tuple(G_MPS2 * u + jerk.value(t_s) for u, jerk in zip(up, self._jerks, strict=True))
        x, y, z = (r + spin * u for r, u in zip(rate, up, strict=True))
        return (force[0], force[1], force[2]), (x, y, z)

    def _turning(self, t_s: float) -> tuple[Vector, Vector]:
        """Where up is, and the least rate that turns it so: along the great circle to the next one."""
        index = bisect_right(self._times, t_s) - 1
        if not 0 <= index < len(self._times) - 1:
            return self._ups[max(0, min(index, len(self._ups) - 1))], NO_TURNING
        a, b = self._ups[index], self._ups[index + 1]
        axis, angle = _from_to(a, b)
        lasts_s = self._times[index + 1] - self._times[index]
        u = (t_s - self._times[index]) / lasts_s
        along, speed = angle * u * u * (3 - 2 * u), angle * 6 * u * (1 - u) / lasts_s
        # Up turns about the axis in the device's axes, so the device turns the other way.
        return rotated(about(axis, along), a), (-axis[0] * speed, -axis[1] * speed, -axis[2] * speed)


def _from_to(a: Vector, b: Vector) -> tuple[Vector, float]:
    """Axis and angle of the shortest turn."""
    axis, along = _cross(a, b), sum(p * q for p, q in zip(a, b, strict=True))
    angle = math.atan2(math.hypot(*axis), along)
    if math.hypot(*axis) < 1e-9:  # the same, or opposite: any axis across will do
        axis = _cross(a, UPRIGHT if abs(a[2]) < 0.9 else FORWARD)
    return direction(axis), angle


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def turned(motion: Motion, axis: Vector, angle: Angle) -> Motion:
    """On the body, but turned about one of the body's axes by an angle that may change."""

    def felt(t_s: float) -> tuple[Vector, Vector]:
        force, rate = motion(t_s)
        radians, radps = angle(t_s)
        back = about(axis, -radians)
        x, y, z = rotated(back, rate)
        return rotated(back, force), (x + axis[0] * radps, y + axis[1] * radps, z + axis[2] * radps)

    return felt


def upside_down(motion: Motion) -> Motion:
    return turned(motion, FORWARD, lambda _: (math.pi, 0.0))


def slipping(motion: Motion, axis: Vector, at_s: float, lasts_s: float, deg: float) -> Motion:
    """From `at_s` on the device turns on the belt, and stays so."""
    return turned(motion, axis, Curve([(at_s, 0.0), (at_s + lasts_s, math.radians(deg))]).at)


def wobbling(motion: Motion, axis: Vector, walks: Curve, hz: float, deg: float) -> Motion:
    """A loose clip: to and fro by `deg` while she walks (`walks`: 0 to 1 over the seconds)."""
    amplitude, omega = math.radians(deg), TAU * hz

    def angle(t_s: float) -> tuple[float, float]:
        share, growth = walks.at(t_s)
        s, c = math.sin(omega * t_s), math.cos(omega * t_s)
        return amplitude * share * s, amplitude * (growth * s + share * omega * c)

    return turned(motion, axis, angle)
