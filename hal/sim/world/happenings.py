"""What can happen to somebody who walks backward, drawn at random: falls with and without an impact, and what is none.

Every range stands beside its number. Where recordings have a counterpart, peaks, durations and tilts are kept inside
what was recorded (`python -m bench.scenes --figures` prints both); where they have none, the range says what it is.
"""

import math
from random import Random

from hal.sim.world.gait import G_MPS2, STILL, Pose
from hal.sim.world.incidents import Incident
from hal.sim.world.shapes import Curve, Pulse, Pulses, Wander

Knot = tuple[float, float]
FALL_S = (0.52, 1.0)  # onset to impact; KFall 0.52 to 1.00 s (5-95 %)


def curve(*knots: Knot) -> Curve:
    """Seconds and degrees."""
    return Curve([(t, math.radians(degrees)) for t, degrees in knots])


def pulses(*parts: tuple[float, float, float]) -> Pulses:
    """Each (centre s, width s, peak g)."""
    return tuple(Pulse(centre, width, peak * G_MPS2) for centre, width, peak in parts)


def at_rest(given: Pulses, *blows: tuple[float, float, float]) -> Pulses:
    """`given`, and blows (centre s, width s, share) as strong as needed for the body to be at rest afterwards."""
    made = pulses(*blows)
    strength = -sum(p.integral for p in given) / sum(p.integral for p in made)
    return given + tuple(Pulse(p.centre_s, p.width_s, p.peak * strength) for p in made)


class Squirming:
    """Somebody on the floor who moves: rolls a little, pushes, lies still for a moment. Fits where incidents do."""

    def __init__(self, start_s: float, end_s: float, dice: Random) -> None:
        seed = f"squirming {dice.random()}"
        self.start_s, self.end_s = start_s, end_s
        turn = math.radians(dice.uniform(4.0, 12.0))  # rms; rolling from side to side
        self._roll = Wander(f"{seed} roll", low_hz=0.2, high_hz=0.8, rms=turn)
        self._pitch = Wander(f"{seed} pitch", low_hz=0.2, high_hz=0.8, rms=0.4 * turn)
        push = dice.uniform(0.4, 1.5)  # m/s² rms
        self._push = [Wander(f"{seed} {axis}", low_hz=0.5, high_hz=3.0, rms=push) for axis in "flu"]

    def at(self, t_s: float) -> Pose:
        if not self.start_s < t_s < self.end_s:
            return STILL
        rise = min(t_s - self.start_s, self.end_s - t_s, 0.5)
        share, slope = rise / 0.5, (0.0 if rise == 0.5 else 2.0 if t_s - self.start_s < 0.5 else -2.0)
        roll, roll_rate = self._roll.at(t_s)
        pitch, pitch_rate = self._pitch.at(t_s)
        forward, left, up = (share * push.at(t_s)[0] for push in self._push)
        rates = roll_rate * share + roll * slope, pitch_rate * share + pitch * slope
        return roll * share, pitch * share, 0.0, *rates, 0.0, forward, left, up


def trip(impact_s: float, dice: Random) -> Incident:
    """A heel catches, backward: partly in free fall, onto pelvis and back or side, and lies there."""
    descent_s = dice.uniform(*FALL_S)
    s = descent_s / 0.62
    light = dice.uniform(0.8, 1.3) / s  # of the weight taken off on the way down: less the longer it lasts
    blow_s = dice.uniform(0.035, 0.09)  # mats and clothes; recorded impacts stay above 1.5 g for 40 to 150 ms
    side = dice.uniform(-45.0, 45.0)  # onto the back, or half onto a side
    lies = -dice.uniform(72.0, 100.0)
    i = descent_s
    return Incident(
        impact_s - i,
        impact_s + 2.0,
        pitch=curve(
            (0, 0), (0.4 * i, -8), (0.7 * i, -22), (i - 0.02, 0.5 * lies), (i + 0.06, 0.8 * lies), (i + 0.4, lies)
        ),
        roll=curve((0, 0), (i - 0.1, 0.2 * side), (i + 0.2, side), (i + 0.6, 0.9 * side)),
        yaw=curve((0, 0), (i, dice.uniform(-15, 15)), (i + 0.5, dice.uniform(-30, 30))),
        forward=at_rest(pulses((0.5 * i, 0.8 * i, -0.4 * light)), (i, blow_s, 1.0), (i + 0.08, 0.12, 0.3)),
        left=pulses((i + 0.01, blow_s, side / 50), (i + 0.07, blow_s, -side / 50)),
        up=at_rest(
            pulses(
                (0.42 * i, 0.84 * i, -0.35 * light),
                (i - 0.2 * s, 0.34 * s, -0.55 * light),
                (i - 0.11, 0.14, -0.5 * light),
            ),
            *((i, blow_s, 1.0), (i + 0.09, 0.12, 0.35), (i + 0.21, 0.10, 0.12)),
        ),
    )


def sit_fall(impact_s: float, dice: Random) -> Incident:
    """Sits down on the floor backward against her will: lowest about 0.6 g, peak about 2.4 g (peers' scene).

    To weigh no less the pelvis needs a second for the 0.6 to 0.8 m to the floor.
    """
    i, sinks_m = dice.uniform(0.95, 1.25), dice.uniform(0.6, 0.8)
    # Seated with the trunk leaning back 20 to 60 degrees, or on the back: two in three stay seated.
    ends = -dice.uniform(20.0, 60.0) if dice.random() < 0.67 else -dice.uniform(65.0, 90.0)
    light_s = 0.75 * i
    speed = sinks_m / (0.45 * i)  # m/s when the pelvis lands; the legs braked
    off_g = speed / G_MPS2 / (light_s / 2)  # weight taken off: 0.25 to 0.55 g
    blow_s = dice.uniform(0.16, 0.22)
    settle_s = dice.uniform(0.3, 0.8)
    return Incident(
        impact_s - i,
        impact_s + 2.5,
        pitch=curve(
            (0, 0),
            (0.4 * i, 10),
            (0.75 * i, 4),
            (i, 0.35 * ends),
            (i + settle_s, 1.08 * ends),
            (i + 2 * settle_s, ends),
        ),
        roll=curve((0, 0), (i, dice.uniform(-6, 6)), (i + settle_s, dice.uniform(-12, 12))),
        forward=at_rest(pulses((0.5 * i, 0.8 * i, -0.15)), (i, blow_s, 1.0)),
        up=at_rest(pulses((0.55 * i, light_s, -off_g)), (i, blow_s, 1.0), (i + 0.17, 0.18, 0.15)),
    )


def collapse(end_s: float, dice: Random) -> Incident:
    """The knees give way: 1.5 to 4 s from upright to the floor, never above 1.6 g."""
    d = dice.uniform(1.5, 4.0)
    tilt, to = dice.uniform(65.0, 105.0), dice.uniform(0.0, 2 * math.pi)  # in any direction
    back, right = tilt * math.cos(to), tilt * math.sin(to)
    knees = dice.uniform(0.35, 0.55)  # share of the way at which they touch the floor
    bump = dice.uniform(0.1, 0.35)  # g
    end = d * dice.uniform(0.9, 1.0)
    return Incident(
        end_s - d,
        end_s + 1.0,
        pitch=curve((0, 0), (knees * d, -0.25 * back), (0.8 * d, -0.8 * back), (end, -back)),
        roll=curve((0, 0), (knees * d, 0.2 * right), (0.8 * d, 0.8 * right), (end, right)),
        up=at_rest(pulses((0.5 * knees * d, knees * d, -0.12)), (knees * d, 0.30, 1.0))
        + at_rest(pulses((0.5 * (knees + 0.8) * d, 0.5 * (0.8 - knees) * d, -bump)), (0.85 * d, 0.30, 1.0)),
    )


def slide_down_a_wall(end_s: float, dice: Random) -> Incident:
    """Backs against a wall, the knees give way, slides down to sitting; the lower back ends tilted by 25 to 70 deg."""
    d, sinks_m = dice.uniform(1.5, 4.0), dice.uniform(0.6, 0.8)
    ends, side = -dice.uniform(25.0, 70.0), dice.uniform(-25.0, 25.0)  # seated against it the pelvis rolls back
    speed = sinks_m / (0.55 * d)  # m/s, until the floor
    return Incident(
        end_s - d,
        end_s + 1.5,
        pitch=curve((0, 0), (0.15 * d, -4), (0.7 * d, 0.5 * ends), (d + 0.5, ends)),
        roll=curve((0, 0), (0.6 * d, 0.2 * side), (d + 1.0, side)),
        forward=pulses((0.1, 0.12, dice.uniform(0.1, 0.5)), (0.22, 0.12, -0.1)),  # the wall
        up=at_rest(pulses((0.45 * d, 0.8 * d, -speed / (0.4 * d * G_MPS2))), (d, 0.25, 1.0)),
    )


def rise(start_s: float, fallen: Incident, lasting_s: float) -> Incident:
    """From where an incident left her, over a side and the knees, to the feet."""
    roll, pitch = (math.degrees(c.at(1e6)[0]) for c in (fallen.roll, fallen.pitch))
    d = lasting_s
    return Incident(
        start_s,
        start_s + d,
        roll=curve((0, 0), (0.3 * d, 20 - 0.5 * roll), (0.65 * d, 6 - roll), (d, -roll)),
        pitch=curve((0, 0), (0.35 * d, -0.8 * pitch), (0.65 * d, 28 - pitch), (d, -pitch)),
        up=at_rest(pulses((0.5 * d, 0.3 * d, 0.25)), (0.8 * d, 0.3 * d, 1.0)),
    )


def sit_hard(start_s: float, dice: Random) -> Incident:
    """Onto a chair: recorded ones peak at 1.4 to 3.5 g and lean forward first."""
    lean, blow_s, h = dice.uniform(15, 40), dice.uniform(0.08, 0.14), dice.uniform(0.7, 1.3)
    return Incident(
        start_s,
        start_s + 2.8,
        pitch=curve(
            (0, 0),
            (0.45, 0.7 * lean),
            (0.8, lean),
            (1.0, 0.8 * lean),
            (1.12, 5),
            (1.5, -8),
            (2.4, dice.uniform(-15, 5)),
        ),
        forward=at_rest(pulses((0.75, 0.5, -0.12 * h)), (1.0, 0.12, 1.0)),
        up=at_rest(pulses((0.7, 0.5, -0.28 * h), (0.82, 0.28, -0.36 * h)), (1.0, blow_s, 1.0), (1.11, 0.14, 0.3)),
    )


def lowered(d: float, sinks_m: float, softly: float) -> Pulses:
    """The pelvis sinks within `d` seconds; `softly` is the share of its speed that the legs take off, not the seat."""
    speed = sinks_m / ((0.5 + 0.15 * softly) * d)
    down = Pulse(0.35 * d, 0.6 * d, -speed / (0.3 * d))
    brake = Pulse(0.7 * d, 0.3 * d, softly * speed / (0.15 * d))
    return (down, brake, *at_rest((down, brake), (d, 0.16, 1.0))[2:])


def sit_down(start_s: float, dice: Random) -> Incident:
    """Onto a chair or a sofa on purpose, and leans back: she bows first, or her weight stays behind her feet.

    Recorded at the pelvis (SisFall D07 to D10, KFall T13, T14, T16): bows by 11 to 51 degrees, takes 0.7 to 2.3 s,
    sinks 0.25 to 0.65 m, and leans back at the end by up to 20 degrees on a chair, 43 on a sofa.
    """
    low = dice.random() < 0.4  # a sofa or an armchair
    d, bows = dice.uniform(0.9, 2.2), dice.uniform(14.0, 50.0)
    sinks_m, leans = dice.uniform(0.35, 0.5), dice.uniform(-10.0, 20.0)
    if low:
        sinks_m, leans = dice.uniform(0.45, 0.65), dice.uniform(5.0, 43.0)
    return Incident(
        start_s,
        start_s + d + 2.0,
        pitch=curve((0, 0), (0.45 * d, bows), (0.8 * d, 0.6 * bows), (d + dice.uniform(0.3, 1.2), -leans)),
        roll=curve((0, 0), (0.5 * d, dice.uniform(-6, 6)), (d + 1.0, dice.uniform(-5, 5))),
        forward=at_rest(pulses((0.3 * d, 0.4 * d, 0.08)), (0.8 * d, 0.4 * d, 1.0)),
        up=lowered(d, sinks_m, dice.uniform(0.3, 0.9)),
    )


def into_a_car(start_s: float, dice: Random) -> Incident:
    """Sideways into a car's seat: recorded (SisFall D17) leaning back 37 to 60 degrees in it, some without bowing."""
    d, bows, side = dice.uniform(1.5, 3.0), dice.uniform(0.0, 38.0), dice.choice((-1, 1)) * dice.uniform(5.0, 25.0)
    leans = dice.uniform(35.0, 60.0)
    return Incident(
        start_s,
        start_s + d + 2.5,
        pitch=curve((0, 0), (0.4 * d, bows), (d, -0.5 * leans), (d + 1.0, -leans)),
        roll=curve((0, 0), (0.4 * d, side), (d, 0.3 * side), (d + 1.0, 0)),
        yaw=curve((0, 0), (d, dice.choice((-1, 1)) * 80.0), (d + 1.0, dice.uniform(-10, 10))),
        up=lowered(d, dice.uniform(0.3, 0.5), dice.uniform(0.3, 0.9)),
    )


def squat(start_s: float, dice: Random) -> Incident:
    """Down on the heels for 1 to 15 s, to pick something up or to look at it, and up again: 0.3 to 0.6 m."""
    d, lean, holds_s = dice.uniform(0.8, 1.6), dice.uniform(10.0, 60.0), dice.uniform(0.3, 15.0)
    sinks_m, up_s = dice.uniform(0.3, 0.6), d + holds_s
    rises = tuple(Pulse(up_s + p.centre_s, p.width_s, -p.peak) for p in lowered(1.3 * d, sinks_m, 0.9))
    return Incident(
        start_s,
        start_s + up_s + 1.3 * d + 1.0,
        pitch=curve((0, 0), (d, lean), (up_s, 0.8 * lean), (up_s + 1.3 * d, 0)),
        roll=curve((0, 0), (d, dice.uniform(-8, 8)), (up_s + 1.3 * d, 0)),
        up=lowered(d, sinks_m, 0.9) + rises,
    )


def bend(start_s: float, dice: Random) -> Incident:
    """To tie shoes: the lower back goes 45 to 95 degrees forward (KFall T02: up to 105) for 3 to 12 s."""
    down_s, hold_s, lean = dice.uniform(0.8, 1.8), dice.uniform(3.0, 12.0), dice.uniform(45.0, 95.0)
    up_s = down_s + hold_s
    side = dice.uniform(-12, 12)
    return Incident(
        start_s,
        start_s + up_s + 2.0,
        pitch=curve((0, 0), (down_s, lean), (down_s + 0.5 * hold_s, 0.93 * lean), (up_s, lean), (up_s + 1.4, 0)),
        roll=curve((0, 0), (down_s, side), (up_s, 0.5 * side), (up_s + 1.2, 0)),
        up=at_rest(pulses((0.4 * down_s, 0.6 * down_s, -0.15)), (down_s, 0.4, 1.0)),
    )


def kneel(start_s: float, dice: Random) -> Incident:
    """Goes down on one knee, then both, on purpose; trunk 5 to 30 degrees forward; each knee lands at 0.2 to 0.7 g."""
    d, lean = dice.uniform(1.2, 2.5), dice.uniform(5.0, 30.0)
    return Incident(
        start_s,
        start_s + d + 1.0,
        pitch=curve((0, 0), (0.5 * d, 1.3 * lean), (d, lean)),
        roll=curve((0, 0), (0.4 * d, dice.uniform(-8, 8)), (d, 0)),
        up=at_rest(pulses((0.3 * d, 0.4 * d, -dice.uniform(0.15, 0.3))), (0.55 * d, 0.12, 1.0))
        + at_rest(pulses((0.75 * d, 0.3 * d, -dice.uniform(0.1, 0.25))), (0.95 * d, 0.12, 1.0)),
    )


def lie_down(start_s: float, dice: Random) -> Incident:
    """Sits down on the floor or a bed and lies back, on purpose: 3 to 7 s (recorded: 2.5 to 8 s)."""
    d, lies, side = dice.uniform(3.0, 7.0), -dice.uniform(75.0, 95.0), dice.uniform(-20, 20)
    return Incident(
        start_s,
        start_s + d + 0.5,
        pitch=curve((0, 0), (0.2 * d, 35), (0.45 * d, 5), (0.6 * d, -15), (0.85 * d, 0.85 * lies), (d, lies)),
        roll=curve((0, 0), (0.5 * d, side), (d, 0.3 * side)),
        up=at_rest(pulses((0.3 * d, 0.2 * d, -0.2)), (0.43 * d, 0.25, 1.0))
        + at_rest(pulses((0.7 * d, 0.15 * d, -0.15)), (0.85 * d, 0.3, 1.0)),
    )
