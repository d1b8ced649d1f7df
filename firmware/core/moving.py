"""From samples to the trunk's movement: slices, which way is up, steps, and what the last seconds were like."""

from firmware.core.config import CoreConfig
from firmware.core.estimators.attitude import Attitude
from firmware.core.estimators.motion import MotionHistory
from firmware.core.estimators.slices import Slicer
from firmware.core.estimators.steps import Steps
from hal.samples import Vector


class Moving:
    """`add` each sample that can be trusted; when a slice ended with it, `follow` it once."""

    def __init__(self, config: CoreConfig | None = None) -> None:
        config = config or CoreConfig()
        self.slice = Slicer()
        self.attitude = Attitude(config.attitude)
        self.steps = Steps(config.steps)
        self.motion = MotionHistory()
        self.add = self.slice.add

    def follow(self, stepping: bool, standing: bool = True, alive: bool = True) -> None:
        """`stepping` while the walker takes steps, `standing` unless she may be lying on the floor.

        `alive` unless the device may be lying on a table.
        """
        ended, attitude = self.slice, self.attitude
        attitude.update(ended.t_ns, ended.accel_mps2, ended.gyro_radps, stepping, standing, alive)
        self.steps.update(ended.t_ns, attitude.vertical_mps2)
        self.motion.add(ended, attitude)

    def take(self, t_ns: int, accel_mps2: Vector, gyro_radps: Vector) -> bool:
        """For measuring: one sample without any judgement of it; True when a slice ended with it."""
        x, y, z = accel_mps2
        if not self.add(t_ns, accel_mps2, gyro_radps, (x * x + y * y + z * z) ** 0.5):
            return False
        self.follow(self.steps.under_way(t_ns))
        return True

    def forget_motion(self) -> None:
        """The movement of the last moments was none."""
        self.slice.restart()
        self.motion.restart()

    def restart(self) -> None:
        """The sensor was silent for too long."""
        self.forget_motion()
        self.attitude.restart()
        self.steps.restart()
