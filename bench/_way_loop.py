"""A simulated walker before a wall, the core's eyes and feet, and what measures her way: without alerts and sounds.

The rangefinder pings every 60 ms and is never wrong here but for what the world makes of it. She heeds the first
warning.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from firmware.core.backward_test import BackwardTestConfig, BackwardTestRun
from firmware.core.behind import Behind
from firmware.core.config import CoreConfig
from firmware.core.estimators.step_length import StepLength
from firmware.core.messages import BackwardTest, Pattern, Severity
from firmware.core.moving import Moving
from hal.hcsr04 import MAX_RANGE_M
from hal.samples import RangeSample
from hal.sim.world.obstacle_world import ObstacleWorld

IMU_S, PINGS_EVERY, START_M = 0.01, 6, 0.36
WARNED = (Severity.WARNING, Severity.IMMINENT)
Told = Sequence[Pattern | BackwardTest]


@dataclass
class Loop:
    """`length` is kept from world to world, as it is in a walk from one approach to the next."""

    config: CoreConfig = field(default_factory=CoreConfig)
    length: StepLength = field(init=False)
    steps: int = 0  # of the last world
    way_m: float = 0.0
    response_s: float | None = None
    told: list[tuple[float, Pattern | BackwardTest]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.length = StepLength(self.config.step_length, START_M)

    def play(
        self,
        world: ObstacleWorld,
        *,
        stood_s: float = 3.0,
        ask_s: float | None = None,
        press_s: float | None = None,
        test: BackwardTestConfig | None = None,
    ) -> None:
        """Until `stood_s` after she stands, or the test is over that she asks for at `ask_s`."""
        moving = Moving(self.config)
        behind, run = Behind(self.config, moving), BackwardTestRun(test or self.config.backward_test, self.length)
        self.told.clear()
        self.length.forget()
        walker, index, t_s = world.walker, 0, 0.0
        while t_s < min(world.duration_s, walker.stands_s + stood_s):
            t_ns, accel_gyro = round(t_s * 1e9), world.motion(t_s)
            stepping = moving.steps.under_way(t_ns)
            accel_mps2, gyro_radps = accel_gyro
            x, y, z = accel_mps2
            if moving.add(t_ns, accel_mps2, gyro_radps, (x * x + y * y + z * z) ** 0.5):
                moving.follow(stepping)
                self._note(t_s, run.feel(moving.slice.t_ns, moving.attitude, moving.steps))
            if index % PINGS_EVERY == 0:
                self._note(t_s, self._look(world, behind, moving, run, t_s))
            if ask_s is not None and t_s >= ask_s:
                self._note(t_s, run.ask(t_ns))
                ask_s = None
            if press_s is not None and t_s >= press_s and run.active:
                self._note(t_s, run.press(t_ns))
                press_s = None
            self._note(t_s, run.wait(t_ns))
            if any(isinstance(one, BackwardTest) for _, one in self.told):
                break
            index, t_s = index + 1, (index + 1) * IMU_S
        self.response_s = behind.stopping.response_s
        self.steps, self.way_m = moving.steps.count, walker.place_m(t_s)[0] - walker.place_m(0.0)[0]

    def _look(self, world: ObstacleWorld, behind: Behind, moving: Moving, run: BackwardTestRun, t_s: float) -> Told:
        t_ns, distance_m = round(t_s * 1e9), world.distance_m(t_s)
        if distance_m is not None and distance_m > MAX_RANGE_M:
            distance_m = None
        behind.look(t_ns, RangeSample(t_ns, distance_m), True)
        self.length.update(t_ns, behind.approach.things, moving.steps)
        if behind.obstacle.detection.severity in WARNED:
            world.hear(t_s)
            return run.void(t_ns, "warned of an obstacle")
        return run.look(t_ns, behind.approach.things)

    def _note(self, t_s: float, told: Told) -> None:
        self.told += [(t_s, one) for one in told]

    @property
    def result(self) -> BackwardTest | None:
        return next((one for _, one in self.told if isinstance(one, BackwardTest)), None)
