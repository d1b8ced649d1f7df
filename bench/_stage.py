"""What the benches of latency and of blindness share: a walk as long as one likes, and whatever is wanted behind it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from firmware.config import Config
from firmware.core.messages import Pattern, SetPattern
from firmware.sounder.patterns import SOUNDS
from firmware.virtual import VirtualDevice
from hal.samples import Vector
from hal.sim.pins import PadState
from hal.sim.world.obstacle_scene import PRESS, SOFT_S, START_S
from hal.sim.world.scene import Mark
from hal.sim.world.walker import Walker

SPEED_MPS = 0.6
READY_S = 10.0  # the walk is well under way


@dataclass(frozen=True, slots=True)
class Stage:
    """A walker who walks from 3.5 s on, or stands all the time, and something behind her as told."""

    walker: Walker
    behind: Callable[[float], float | None]
    name: str = "stage"
    duration_s: float = 1e6
    marks: tuple[Mark, ...] = ()

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        return self.walker.motion(max(t_s, 0.0))

    def distance_m(self, t_s: float) -> float | None:
        return self.behind(t_s)

    def pressed(self, t_s: float) -> bool:
        return any(down <= t_s < up for down, up in PRESS)


def stage(behind: Callable[[float], float | None], *, walking: bool) -> Stage:
    speed_mps = SPEED_MPS if walking else 0.0
    return Stage(Walker(((START_S, 0.0), (START_S + SOFT_S, speed_mps)), seed="stage"), behind)


@contextmanager
def on_stage(config: Config, scene: Stage) -> Iterator[VirtualDevice]:
    with TemporaryDirectory() as folder:
        device = VirtualDevice(config, scene, Path(folder))
        yield device
        device.end()


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that the buzzer's pin did, and what each of it meant."""

    decided: list[SetPattern]
    pulses: list[PadState]

    @classmethod
    def by(cls, device: VirtualDevice) -> "Heard":
        decided = [output for output in device.log.outputs if isinstance(output, SetPattern)]
        return cls(decided, [state for state in device.board.buzzer_pin.history if state.level])

    def first_s(self, wanted: tuple[Pattern, ...], from_s: float, until_s: float) -> float | None:
        """When the buzzer's pin first pulses as a wanted pattern does; None: not before `until_s`."""
        for i, output in enumerate(self.decided):
            lasts_ns = self.decided[i + 1].t_ns if i + 1 < len(self.decided) else 2**62
            if output.pattern not in wanted or lasts_ns <= from_s * 1e9:
                continue
            tones_hz = {pulse.frequency_hz for pulse in SOUNDS[output.pattern].pulses}
            since_ns = max(output.t_ns, round(from_s * 1e9))
            pulse = next((p for p in self.pulses if p.t_ns >= since_ns and p.frequency_hz in tones_hz), None)
            if pulse is None or pulse.t_ns >= min(lasts_ns, until_s * 1e9):
                continue
            return pulse.t_ns / 1e9
        return None
