"""How a slow backward walk and quiet standing move the waist: sums of harmonics of the stride, and small sway.

Backward gait is close to forward gait played backwards in time (Winter, Pluck and Yang 1989, J. Motor Behav. 21,
291-305), so the pattern is that of slow forward walking and its phase runs down instead of up. Amplitudes are fitted
to slow walks of SisFall, KFall and IPOL (`python -m bench.synthetic` prints the fit).
"""

import math
from dataclasses import dataclass

from hal.sim.world.shapes import TAU, Ending, Knots, Ramps, Slope, Wander

G_MPS2 = 9.80665
Pose = tuple[float, float, float, float, float, float, float, float, float]
"""roll, pitch, yaw (rad), their rates (rad/s), acceleration forward, left, up (m/s²) in the walker's heading."""

SLOWEST_RADPS = 1.0  # so that who hardly moves does not surge far
STILL: Pose = (0.0,) * 9
Harmonics = tuple[tuple[int, float, float], ...]  # of the stride; amplitude; phase in turns

# Left and right steps alike: even harmonics of the stride. Side to side: odd ones.
UP_G: Harmonics = ((2, 0.170, 0.0), (4, 0.062, 0.07), (6, 0.066, 0.12), (8, 0.062, 0.20), (10, 0.030, 0.1))
FORWARD_G: Harmonics = ((2, 0.165, 0.30), (4, 0.078, 0.45), (6, 0.055, 0.55), (8, 0.034, 0.7))
LEFT_G: Harmonics = ((1, 0.062, 0.25), (3, 0.095, 0.6), (5, 0.08, 0.1), (7, 0.07, 0.4), (9, 0.04, 0.8))
PITCH_DEG: Harmonics = ((1, 0.8, 0.6), (2, 1.25, 0.15), (4, 0.38, 0.5), (6, 0.22, 0.25), (8, 0.13, 0.8))
ROLL_DEG: Harmonics = ((1, 2.7, 0.0), (2, 0.3, 0.3), (3, 0.75, 0.4), (5, 0.27, 0.2), (7, 0.13, 0.65))
YAW_DEG: Harmonics = ((1, 4.6, 0.2), (2, 0.5, 0.9), (3, 0.7, 0.75), (5, 0.3, 0.5))


@dataclass(frozen=True, slots=True)
class GaitStyle:
    """A person over 65 with the small, controlled steps that retro walking asks for."""

    speed_mps: float = 0.6
    cadence_spm: float = 100.0  # at that speed; it goes with the square root of the speed

    def strides_hz(self, velocity_mps: float) -> float:
        return math.copysign(self.cadence_spm / 120 * math.sqrt(abs(velocity_mps) / self.speed_mps), velocity_mps)


class Gait:
    """The waist's movement while walking at a given backward speed."""

    def __init__(self, backward_mps: Knots, seed: str, style: GaitStyle | None = None) -> None:
        style = style or GaitStyle()
        self._velocity: Slope = Ramps(backward_mps)
        self._strides: Slope = Ramps([(t, -style.strides_hz(v)) for t, v in backward_mps])
        self._vigour: Slope = Ramps([(t, min(abs(v) / style.speed_mps, 1.5)) for t, v in backward_mps])
        self._unevenness = Wander(f"{seed} vigour", low_hz=0.3, high_hz=1.1, rms=0.07)
        self._jitter = Wander(f"{seed} jitter", low_hz=0.2, high_hz=0.9, rms=0.12)

    def backward_mps(self, t_s: float) -> float:
        return self._velocity.at(t_s)[0]

    def steps(self, t_s: float) -> float:
        """Steps taken by `t_s`, as many as her speed asks for, walking forward counted down."""
        return -2 * self._strides.integral(t_s)

    def stop(self, from_s: float, lasting_s: float) -> None:
        """Whatever she was to do then, she slows from `from_s` on and stands after `lasting_s`."""
        self._velocity, self._strides, self._vigour = (
            Ending(before, from_s, lasting_s) for before in (self._velocity, self._strides, self._vigour)
        )

    def walked_m(self, t_s: float) -> float:
        """How far backward by `t_s`, if she never turned."""
        return self._velocity.integral(t_s)

    def swing(self, t_s: float) -> tuple[float, float, float]:
        """With the steps: pitch and yaw of the trunk (rad) as in `at`, and how far it surges backward (m).

        The surge is the first harmonic of the acceleration in `at`, integrated twice.
        """
        vigour = self._vigour.at(t_s)[0]
        if vigour <= 0.0:
            return 0.0, 0.0, 0.0
        phase = TAU * self._strides.integral(t_s) + self._jitter.value(t_s)
        rate = TAU * self._strides.at(t_s)[0]
        size = vigour * (1 + self._unevenness.value(t_s))
        n, amplitude, turn = FORWARD_G[0]
        surge_m = (
            size * amplitude * G_MPS2 / (n * n * (rate * rate + SLOWEST_RADPS**2)) * math.cos(n * phase - TAU * turn)
        )
        tilt = math.radians(size)
        return tilt * _sum(PITCH_DEG, phase), tilt * _sum(YAW_DEG, phase), surge_m

    def at(self, t_s: float) -> Pose:
        vigour, vigour_slope = self._vigour.at(t_s)
        forward_mps2 = -self._velocity.at(t_s)[1]
        if vigour <= 0.0:
            return (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, forward_mps2, 0.0, 0.0)
        more, more_slope = self._unevenness.at(t_s)
        jitter, jitter_slope = self._jitter.at(t_s)
        phase = TAU * self._strides.integral(t_s) + jitter
        rate = TAU * self._strides.at(t_s)[0] + jitter_slope
        size = vigour * (1 + more)
        growth = vigour_slope * (1 + more) + vigour * more_slope
        roll, roll_rate = _turning(ROLL_DEG, phase, rate, size, growth)
        pitch, pitch_rate = _turning(PITCH_DEG, phase, rate, size, growth)
        yaw, yaw_rate = _turning(YAW_DEG, phase, rate, size, growth)
        g = G_MPS2 * size
        forward = forward_mps2 + g * _sum(FORWARD_G, phase)
        return (
            roll,
            pitch,
            yaw,
            roll_rate,
            pitch_rate,
            yaw_rate,
            forward,
            g * _sum(LEFT_G, phase),
            g * _sum(UP_G, phase),
        )


def _sum(harmonics: Harmonics, phase: float) -> float:
    return sum(amplitude * math.cos(n * phase - TAU * turn) for n, amplitude, turn in harmonics)


def _turning(harmonics: Harmonics, phase: float, rate: float, size: float, growth: float) -> tuple[float, float]:
    """An angle (rad) and its exact derivative, so that the gyroscope agrees with the tilt."""
    angle = slope = 0.0
    for n, degrees, turn in harmonics:
        argument = n * phase - TAU * turn
        angle += degrees * math.cos(argument)
        slope -= degrees * n * math.sin(argument)
    return math.radians(size * angle), math.radians(growth * angle + size * rate * slope)


class Quiet:
    """Standing or lying: sway about the ankles, breathing, tremor. Nobody alive is as still as a stuck sensor."""

    def __init__(self, seed: str) -> None:
        self._pitch = Wander(f"{seed} pitch", low_hz=0.1, high_hz=1.2, rms=math.radians(0.20))
        self._roll = Wander(f"{seed} roll", low_hz=0.1, high_hz=1.2, rms=math.radians(0.14))
        self._yaw = Wander(f"{seed} yaw", low_hz=0.1, high_hz=1.0, rms=math.radians(0.12))
        self._breath = Wander(f"{seed} breath", low_hz=0.22, high_hz=0.28, rms=math.radians(0.22), parts=3)
        self._tremor = [Wander(f"{seed} {axis}", low_hz=4, high_hz=22, rms=0.026) for axis in "flu"]

    def pitch_rad(self, t_s: float) -> float:
        return self._pitch.value(t_s) + self._breath.value(t_s)

    def at(self, t_s: float) -> Pose:
        (pitch, pitch_rate), (breath, breath_rate) = self._pitch.at(t_s), self._breath.at(t_s)
        roll, roll_rate = self._roll.at(t_s)
        yaw, yaw_rate = self._yaw.at(t_s)
        forward, left, up = (tremor.at(t_s)[0] for tremor in self._tremor)
        return roll, pitch + breath, yaw, roll_rate, pitch_rate + breath_rate, yaw_rate, forward, left, up
