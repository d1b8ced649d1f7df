"""What can happen to somebody who walks backward: a near-fall, a stumble, sitting down hard, a fall, getting up.

Shapes are made up; their peaks, durations, tilts and drops are fitted to recorded ones (`python -m bench.synthetic`).
"""

import math
from dataclasses import dataclass, field

from hal.sim.world.gait import G_MPS2, STILL, Pose
from hal.sim.world.shapes import Curve, Pulse, Pulses

DESCENT_S = 0.62  # KFall: onset to impact 0.62 s in the median of backward falls


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that happens, in seconds after its start; where it ends turned, she stays so."""

    start_s: float
    end_s: float
    roll: Curve = field(default_factory=Curve)
    pitch: Curve = field(default_factory=Curve)
    yaw: Curve = field(default_factory=Curve)
    forward: Pulses = ()
    left: Pulses = ()
    up: Pulses = ()

    def at(self, t_s: float) -> Pose:
        t = t_s - self.start_s
        if t <= 0:
            return STILL
        roll, roll_rate = self.roll.at(t)
        pitch, pitch_rate = self.pitch.at(t)
        yaw, yaw_rate = self.yaw.at(t)
        if t_s >= self.end_s:
            return roll, pitch, yaw, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        forward, left, up = (sum(p.at(t) for p in pulses) for pulses in (self.forward, self.left, self.up))
        return roll, pitch, yaw, roll_rate, pitch_rate, yaw_rate, forward, left, up


def _curve(*knots: tuple[float, float]) -> Curve:
    return Curve([(t, math.radians(degrees)) for t, degrees in knots])


def _pulses(*pulses: tuple[float, float, float]) -> Pulses:
    """Each (centre s, width s, peak g)."""
    return tuple(Pulse(centre, width, peak * G_MPS2) for centre, width, peak in pulses)


def _balanced(*pulses: tuple[float, float, float], by: tuple[tuple[float, float, float], ...]) -> Pulses:
    """The pulses, and the blows `by` made as strong as needed for the body to be at rest afterwards."""
    given = _pulses(*pulses)
    blows = _pulses(*by)
    strength = -sum(p.integral for p in given) / sum(p.integral for p in blows)
    return given + tuple(Pulse(p.centre_s, p.width_s, p.peak * strength) for p in blows)


def turn(start_s: float, degrees: float, lasting_s: float) -> Incident:
    """Turns on the way, to the left where `degrees` is positive."""
    return Incident(start_s, start_s + lasting_s, yaw=_curve((0, 0), (lasting_s, degrees)))


def sudden_sway(start_s: float) -> Incident:
    """The trunk is thrown back by about 20 degrees; one hard step catches it."""
    return Incident(
        start_s,
        start_s + 1.6,
        pitch=_curve((0, 0), (0.08, -2), (0.24, -18), (0.34, -21), (0.44, -20), (0.95, 3), (1.25, 1), (1.6, 0)),
        roll=_curve((0, 0), (0.30, 5), (0.42, 5.5), (0.85, -2), (1.5, 0)),
        forward=_balanced((0.18, 0.36, -0.22), by=((0.43, 0.14, 1.0),)),
        up=_balanced((0.26, 0.34, -0.28), by=((0.42, 0.10, 1.0), (0.52, 0.12, 0.3))),
    )


def stumble(start_s: float) -> Incident:
    """A heel catches: a hop, three hard steps, the trunk pitches back and forth, and she walks on, leaning a little."""
    return Incident(
        start_s,
        start_s + 2.2,
        pitch=_curve((0, 0), (0.20, -2), (0.40, -16), (0.60, 9), (0.82, -4), (1.2, 5), (1.8, 2.5)),
        roll=_curve((0, 0), (0.38, -7), (0.56, 6), (0.95, -3), (1.5, 0)),
        yaw=_curve((0, 0), (0.45, 9), (0.85, -5), (1.6, 0)),
        forward=_balanced((0.25, 0.3, -0.35), by=((0.47, 0.10, 1.0),)),
        left=_pulses((0.44, 0.1, 0.8), (0.54, 0.1, -0.8)),
        up=_balanced(
            *((0.12, 0.24, 0.60), (0.33, 0.26, -1.15), (0.69, 0.22, -0.95), (1.06, 0.26, -0.90), (1.50, 0.24, -0.70)),
            by=((0.48, 0.07, 2.1), (0.56, 0.12, 0.7), (0.86, 0.16, 0.85), (1.28, 0.16, 0.75), (1.70, 0.16, 0.6)),
        ),
    )


def sit_down_hard(start_s: float) -> Incident:
    """Leans forward, drops onto a chair, is thrown back a little and sits upright."""
    return Incident(
        start_s,
        start_s + 2.8,
        pitch=_curve((0, 0), (0.45, 24), (0.80, 33), (0.98, 29), (1.18, 6), (1.45, -7), (2.2, -5), (2.8, -6)),
        forward=_balanced((0.75, 0.5, -0.12), by=((1.0, 0.12, 1.0),)),
        up=_balanced((0.70, 0.50, -0.30), (0.82, 0.28, -0.40), by=((1.0, 0.12, 1.0), (1.1, 0.14, 0.3))),
    )


def fall_backward(impact_s: float) -> Incident:
    """Slips, sits back into the air, hits the floor with pelvis and then back, and lies there."""
    i = DESCENT_S
    return Incident(
        impact_s - i,
        impact_s + 2.0,
        pitch=_curve(
            *((0, 0), (i - 0.40, -6), (i - 0.20, -18), (i - 0.05, -36), (i - 0.01, -41), (i + 0.015, -51)),
            *((i + 0.045, -53), (i + 0.14, -75), (i + 0.27, -91), (i + 0.42, -86), (i + 0.7, -88)),
        ),
        roll=_curve((0, 0), (i - 0.1, 3), (i + 0.01, 2), (i + 0.05, 6), (i + 0.2, 4), (i + 0.5, 3)),
        yaw=_curve((0, 0), (i - 0.05, 4), (i + 0.03, 2), (i + 0.3, 6)),
        forward=_balanced((0.35, 0.5, -0.46), by=((i, 0.06, 1.0), (i + 0.08, 0.12, 0.25))),
        left=_pulses((i + 0.01, 0.06, 0.9), (i + 0.06, 0.06, -0.9)),
        up=_balanced(
            *((0.26, 0.52, -0.32), (i - 0.20, 0.34, -0.54), (i - 0.11, 0.13, -0.60)),
            by=((i, 0.06, 1.0), (i + 0.08, 0.12, 0.36), (i + 0.21, 0.10, 0.13)),
        ),
    )


def get_up(start_s: float) -> Incident:
    """From lying on the back after `fall_backward`: onto a side, to the knees, to the feet, within 5 s."""
    return Incident(
        start_s,
        start_s + 5.0,
        roll=_curve((0, 0), (1.2, 35), (2.2, 20), (3.6, 4), (4.6, -3)),
        pitch=_curve((0, 0), (1.0, 12), (2.2, 95), (3.2, 118), (4.2, 92), (4.8, 88)),
        yaw=_curve((0, 0), (1.5, 20), (3.0, 12), (4.5, -6)),
        forward=_pulses((1.4, 0.8, 0.1), (2.2, 0.8, -0.1)),
        up=_pulses((2.3, 0.7, 0.12), (2.95, 0.6, -0.12), (3.5, 0.5, 0.25), (4.1, 0.6, -0.21)),
    )
