"""A whole walk in simulated time, and what can be asked of it afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.config import Config
from firmware.core.messages import Alert, Output, Pattern, SetPattern, WalkChanged
from firmware.link.memory import MemoryBroker, MemoryCaregiver
from firmware.virtual import VirtualDevice
from hal.sim.faults import parse_fault
from hal.sim.world.scenarios import scenario
from hal.sim.world.scene import World


@dataclass(frozen=True, slots=True)
class Walk:
    """What happened."""

    world: World
    device: VirtualDevice
    caregiver: MemoryCaregiver
    outputs: Sequence[Output]

    @property
    def alerts(self) -> list[Alert]:
        return [output for output in self.outputs if isinstance(output, Alert)]

    @property
    def summary(self) -> Mapping[str, Any]:
        return [output.summary for output in self.outputs if isinstance(output, WalkChanged)][-1]

    @property
    def events(self) -> list[dict[str, Any]]:
        """What the caregiver got, in order."""
        return [word["body"] for word in self.caregiver.words if word["kind"] == "event"]

    def mark_s(self, what: str) -> float:
        return next(mark.t_s for mark in self.world.marks if mark.what == what)

    def sounded(self, pattern: Pattern) -> bool:
        return any(isinstance(output, SetPattern) and output.pattern is pattern for output in self.outputs)

    def patterns(self) -> list[Pattern]:
        return [output.pattern for output in self.outputs if isinstance(output, SetPattern)]

    def pattern_at(self, t_ns: int) -> Pattern:
        changes = [output for output in self.outputs if isinstance(output, SetPattern) and output.t_ns <= t_ns]
        return changes[-1].pattern if changes else Pattern.SILENT

    def buzz_after(self, t_ns: int) -> int:
        """When the buzzer's pin first sounded from `t_ns` on."""
        return next(state.t_ns for state in self.device.board.buzzer_pin.history if state.t_ns >= t_ns and state.level)


def take_walk(
    name: str | World, folder: Path, *faults: str, seconds: float | None = None, record: Path | None = None
) -> Walk:
    """Walk a scenario to its end, or for `seconds`."""
    world = scenario(name) if isinstance(name, str) else name
    broker = MemoryBroker()
    caregiver = MemoryCaregiver(broker)
    device = VirtualDevice(
        Config(), world, folder, faults=[parse_fault(fault) for fault in faults], broker=broker, record=record
    )
    device.run_until(seconds if seconds is not None else world.duration_s)
    device.end()
    return Walk(world, device, caregiver, device.log.outputs)
