"""A guard that dies in a walk: the walker hears it, and what was open goes on when the next guard has started."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware.config import Config
from firmware.core.messages import Alert, Hazard, Pattern, Severity, WalkChanged, WalkState
from firmware.link.memory import MemoryBroker, MemoryCaregiver
from firmware.virtual import VirtualDevice
from hal.sim.world.scenarios import scenario


class Rig:
    """A device whose guard can die and be started again."""

    def __init__(self, name: str, folder: Path) -> None:
        self.world = scenario(name)
        broker = MemoryBroker()
        self.caregiver = MemoryCaregiver(broker)
        self.device = VirtualDevice(Config(), self.world, folder, broker=broker)

    def until(self, t_s: float) -> None:
        self.device.run_until(t_s)

    def die_and_start(self, down_s: float) -> None:
        """The guard dies; the service manager has the next one up `down_s` later."""
        self.device.kill_guard()
        self.until(self.device.clock.now_ns() / 1e9 + down_s)
        self.device.start_guard()

    @property
    def alerts(self) -> list[Alert]:
        return [output for output in self.device.log.outputs if isinstance(output, Alert)]

    @property
    def states(self) -> list[WalkState]:
        return [output.state for output in self.device.log.outputs if isinstance(output, WalkChanged)]

    @property
    def falls(self) -> list[tuple[str, str]]:
        """Phase and alarm of what the caregiver got."""
        bodies = [word["body"] for word in self.caregiver.words if word["kind"] == "event"]
        return [(body["phase"], body["data"]["alarm"]) for body in bodies if body["type"] == "fall"]


Start = Callable[[str], Rig]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    rigs: list[Rig] = []

    def start(name: str) -> Rig:
        rigs.append(Rig(name, tmp_path))
        return rigs[-1]

    yield start
    for rig in rigs:
        rig.device.end()


def test_guard_that_dies_in_a_walk_is_heard_within_four_tenths_of_a_second(start: Start) -> None:
    rig = start("quiet")
    rig.until(10.0)
    rig.device.kill_guard()
    rig.until(12.0)
    first = next(state.t_ns for state in rig.device.board.buzzer_pin.history if state.t_ns > 10e9 and state.level)
    assert first / 1e9 - 10.0 <= 0.4
    assert rig.device.sounder.sounding is Pattern.FAULT


def test_walk_goes_on_after_a_restart_with_falls_watched_again(start: Start) -> None:
    rig = start("fall")
    rig.until(6.0)
    rig.die_and_start(1.0)
    assert rig.device.sounder.sounding is Pattern.FAULT
    rig.until(7.5)
    assert rig.states[-1] in (WalkState.PAUSED, WalkState.WALKING), "not back in a self-test that guards nothing"
    rig.until(14.0)
    assert [phase for phase, _ in rig.falls] == ["suspected"]


@pytest.mark.parametrize("dies_s", [13.2, 20.0, 40.0])
def test_fall_alarm_survives_the_guard_that_raised_it(dies_s: float, start: Start) -> None:
    rig = start("fall")
    rig.until(dies_s)
    rig.die_and_start(2.0)
    rig.until(max(50.0, dies_s + 6.0))
    phases = [phase for phase, _ in rig.falls]
    assert phases[0] == "suspected"
    assert "confirmed" in phases
    assert "recovered" not in phases
    assert len({alarm for _, alarm in rig.falls}) == 1, "one fall is one alarm, whoever tells of it"
    confirmed = next(alert for alert in rig.alerts if alert.severity is Severity.CONFIRMED)
    assert confirmed.t_ns / 1e9 == pytest.approx(43.0, abs=0.5) or dies_s == 40.0
    assert rig.device.sounder.sounding in (Pattern.FALL_NOBODY_YET, Pattern.FALL_SENT)


def test_restarted_guard_still_warns_of_the_wall(start: Start) -> None:
    rig = start("wall")
    rig.until(5.5)
    rig.die_and_start(0.5)
    rig.until(10.0)
    warned = [alert for alert in rig.alerts if (alert.hazard, alert.severity) == (Hazard.OBSTACLE, Severity.WARNING)]
    assert warned
    left_m = rig.world.distance_m(warned[0].t_ns / 1e9)
    assert left_m is not None
    assert left_m >= 1.16
