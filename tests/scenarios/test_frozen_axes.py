"""One axis of the motion sensor that dies in a walk, while all the others go on, is heard and told."""

from pathlib import Path

import pytest

from firmware.config import Config
from firmware.core.messages import Alert, Hazard, Output, Pattern, SetPattern, Severity
from firmware.link.memory import MemoryBroker
from firmware.virtual import VirtualDevice
from hal.sim.world.scenarios import scenario

FROM_S = 6.0
WITHIN_S = {"accelerometer": 0.7, "gyroscope": 5.7}
FULL_SCALE = 32767


def walked(folder: Path, axis: int, word: int | None, until_s: float) -> list[Output]:
    device = VirtualDevice(Config(), scenario("quiet"), folder, faults=[], broker=MemoryBroker())
    device.board.motion_sensor.chip.freeze(axis, FROM_S, word)
    device.run_until(until_s)
    outputs = list(device.log.outputs)
    device.end()
    return outputs


def check_heard(outputs: list[Output], within_s: float, what: str) -> None:
    faults = [o for o in outputs if isinstance(o, Alert) and o.hazard is Hazard.FAULT]
    assert [o.severity for o in faults] == [Severity.FAULT], "told once, and not taken back"
    assert 0 < faults[0].t_ns / 1e9 - FROM_S <= within_s
    assert what in str(faults[0].data["reason"])
    assert any(isinstance(o, SetPattern) and o.pattern is Pattern.FAULT for o in outputs)
    assert not [o for o in outputs if isinstance(o, Alert) and o.hazard is Hazard.FALL]


@pytest.mark.parametrize("half", ["accelerometer", "gyroscope"])
@pytest.mark.parametrize("axis", range(3))
def test_axis_that_freezes_in_a_walk_is_heard_as_a_fault(half: str, axis: int, tmp_path: Path) -> None:
    outputs = walked(tmp_path, axis + (0 if half == "accelerometer" else 3), None, 16.0)
    check_heard(outputs, WITHIN_S[half], f"{half}'s {'xyz'[axis]} axis")


@pytest.mark.parametrize("axis", range(3))
def test_gyroscope_stuck_at_full_scale_is_a_fault_and_no_endless_warning_of_sway(axis: int, tmp_path: Path) -> None:
    outputs = walked(tmp_path, 3 + axis, FULL_SCALE, 12.0)
    faults = [o for o in outputs if isinstance(o, Alert) and o.hazard is Hazard.FAULT]
    assert [o.severity for o in faults] == [Severity.FAULT]
    assert 0 < faults[0].t_ns / 1e9 - FROM_S <= 0.7
    late = [o for o in outputs if isinstance(o, SetPattern) and o.t_ns / 1e9 > FROM_S + 1.0]
    assert {o.pattern for o in late} <= {Pattern.FAULT, Pattern.SILENT}
