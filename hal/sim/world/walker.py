"""A person at the waist: what an ideal inertial sensor on the belt measures, and where the belt is."""

import math
from collections.abc import Sequence

from hal.samples import Vector
from hal.sim.world.gait import G_MPS2, Gait, GaitStyle, Pose, Quiet
from hal.sim.world.incidents import Incident
from hal.sim.world.shapes import Knots

PATH_STEP_S = 0.02
BELT_HEIGHT_M = 0.95


class Walker:
    """Stands, walks backward (positive speed) or forward, and has incidents; her gyroscope fits her tilt exactly."""

    def __init__(
        self, backward_mps: Knots, incidents: Sequence[Incident] = (), *, seed: str, style: GaitStyle | None = None
    ) -> None:
        self._gait = Gait(backward_mps, seed, style)
        self._quiet = Quiet(seed)
        self._incidents = tuple(incidents)
        self._path: list[tuple[float, float]] = [(0.0, 0.0)]

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        """Specific force (m/s²) and angular rate (rad/s) in body axes forward, left, up."""
        return sensed(self.pose(t_s))

    def pose(self, t_s: float) -> Pose:
        parts = [self._quiet.at(t_s), self._gait.at(t_s), *(i.at(t_s) for i in self._incidents)]
        roll, pitch, yaw, roll_rate, pitch_rate, yaw_rate, forward, left, up = map(sum, zip(*parts, strict=True))
        return roll, pitch, yaw, roll_rate, pitch_rate, yaw_rate, forward, left, up

    def lean_rad(self, t_s: float) -> float:
        """Forward lean of the trunk; lying on the back is -pi/2."""
        return self._quiet.at(t_s)[1] + sum(i.at(t_s)[1] for i in self._incidents)

    def steps(self, t_s: float) -> float:
        """Steps taken by `t_s`, counted down while she walks forward."""
        return self._gait.steps(t_s)

    def place_m(self, t_s: float) -> tuple[float, float]:
        """How far the belt is from its first place: (backward, to the right) in her first heading."""
        backward_m, right_m = self._walked_m(max(t_s, 0.0))
        return backward_m - BELT_HEIGHT_M * self._quiet.at(t_s)[1], right_m  # she sways about her ankles

    def _walked_m(self, t_s: float) -> tuple[float, float]:
        index, rest = divmod(t_s, PATH_STEP_S)
        while len(self._path) < index + 2:
            self._walk_on()
        (x0, y0), (x1, y1) = self._path[int(index)], self._path[int(index) + 1]
        u = rest / PATH_STEP_S
        return x0 + (x1 - x0) * u, y0 + (y1 - y0) * u

    def _walk_on(self) -> None:
        middle_s = (len(self._path) - 0.5) * PATH_STEP_S
        step_m, heading = self._gait.backward_mps(middle_s) * PATH_STEP_S, self.heading_rad(middle_s)
        x, y = self._path[-1]
        self._path.append((x + step_m * math.cos(heading), y + step_m * math.sin(heading)))

    def heading_rad(self, t_s: float) -> float:
        """How far she has turned left, without the swing of her steps."""
        return sum(i.at(t_s)[2] for i in self._incidents)


def sensed(pose: Pose) -> tuple[Vector, Vector]:
    """What a sensor measures whose orientation is yaw, then pitch, then roll, and which is accelerated as told.

    Gravity is felt as an upward force, so standing still reads (0, 0, +g); the linear acceleration is given in the
    walker's heading (forward, left, up), so yaw does not enter. Rates of the three angles become body rates.
    """
    roll, pitch, _, roll_rate, pitch_rate, yaw_rate, forward, left, up = pose
    sin_roll, cos_roll, sin_pitch, cos_pitch = math.sin(roll), math.cos(roll), math.sin(pitch), math.cos(pitch)
    up += G_MPS2
    level = forward * sin_pitch + up * cos_pitch  # along the trunk, before the roll
    force = (
        forward * cos_pitch - up * sin_pitch,
        left * cos_roll + level * sin_roll,
        level * cos_roll - left * sin_roll,
    )
    rate = (
        roll_rate - yaw_rate * sin_pitch,
        pitch_rate * cos_roll + yaw_rate * cos_pitch * sin_roll,
        yaw_rate * cos_pitch * cos_roll - pitch_rate * sin_roll,
    )
    return force, rate
