"""A guard that is killed in a walk, or whose power is cut: the walk goes on, and one record tells of all of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from firmware import known_day, walks
from firmware.config import Config
from firmware.core.messages import Alert, Pattern, SetPattern, Severity, WalkChanged, WalkState
from firmware.core.plan import PlanConfig
from firmware.virtual import VirtualDevice
from hal.sim.world.scenarios import Scene, scenario
from hal.sim.world.walker import Walker

OUT_S, END_S = 6.0, 130.0


def long_walk(*presses: tuple[float, float]) -> Scene:
    """She stands for six seconds and walks for two minutes, in the open."""
    quiet = scenario("quiet")
    assert isinstance(quiet, Scene)
    bouts = ((OUT_S, 0.0), (OUT_S + 0.8, 0.6), (END_S - 0.6, 0.6), (END_S, 0.0))
    walker = Walker(bouts, (), seed="killed")
    return replace(quiet, walker=walker, duration_s=200.0, presses=presses)


class Rig:
    def __init__(self, folder: Path, world: Scene, config: Config) -> None:
        self.device = VirtualDevice(config, world, folder)
        self.folder = folder

    def until(self, t_s: float) -> None:
        self.device.run_until(t_s)

    def die_and_start(self, down_s: float, boot_id: str = "") -> None:
        self.device.kill_guard()
        self.until(self.device.clock.now_ns() / 1e9 + down_s)
        self.device._wall = replace(self.device._wall, boot_id=boot_id)
        self.device.start_guard()

    @property
    def records(self) -> list[walks.Record]:
        return list(walks.read(self.folder).records)

    @property
    def states(self) -> list[WalkState]:
        return [output.state for output in self.device.log.outputs if isinstance(output, WalkChanged)]

    def heard_s(self, pattern: Pattern) -> list[float]:
        said = [output for output in self.device.log.outputs if isinstance(output, SetPattern)]
        return [output.t_ns / 1e9 for output in said if output.pattern is pattern]


Start = Callable[..., Rig]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    rigs: list[Rig] = []

    def start(*presses: tuple[float, float], minutes: float = 1.0) -> Rig:
        config = replace(Config(), plan=PlanConfig(fixed_min=minutes))
        rigs.append(Rig(tmp_path, long_walk(*presses), config))
        return rigs[-1]

    yield start
    for rig in rigs:
        rig.device.journal.close()


@pytest.fixture
def chip(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine's clock chips would be; it has none."""
    folder = tmp_path_factory.mktemp("rtc")
    monkeypatch.setattr(known_day, "CHIPS", folder)
    return folder


def test_a_guard_that_is_killed_in_a_walk_leaves_one_record_of_all_of_it(start: Start) -> None:
    rig = start()
    rig.until(60.0)
    rig.die_and_start(2.0)
    rig.until(END_S + 36.0)
    assert rig.states[-1] is WalkState.SUMMARY, "the rest after the planned minutes ended it"
    (record,) = rig.records
    data = record.data
    # Two minutes and 205 steps; what was walked since it was kept last, and while nobody counted, is not known.
    assert record.number("minutes") == pytest.approx(2.04 - 2 / 60, abs=0.55)
    assert record.number("minutes") >= 1.5
    assert data["steps"] == pytest.approx(205 * data["minutes"] / 2.04, abs=8)
    assert data["distance_m"] == pytest.approx(0.36 * data["steps"], abs=1.0)
    assert (data["interruptions"], data["falls"], data["sos"], data["planned_minutes"]) == (1, 0, 0, 1.0)
    heard_s = rig.heard_s(Pattern.TIME_UP)
    assert OUT_S + 62.0 < heard_s[0] < OUT_S + 60.0 + 2.0 + 34.0
    assert Pattern.SUMMARY_WARNED in [o.pattern for o in rig.device.log.outputs if isinstance(o, SetPattern)]
    _, (step,) = walks.planned(PlanConfig(), [record], simulated=True)
    assert (step.verdict, step.reason) == ("uncounted", "a part failed: what nobody watched shows nothing")
    rig.die_and_start(1.0)
    rig.until(END_S + 40.0)
    assert len(rig.records) == 1
    assert rig.device.complaints == []


def test_killed_again_and_again_it_is_still_one_walk(start: Start) -> None:
    rig = start()
    for t_s in (20.0, 50.0, 52.0, 90.0):
        rig.until(t_s)
        rig.die_and_start(1.5)
    rig.until(END_S + 36.0)
    (record,) = rig.records
    assert record.data["interruptions"] == 4
    assert record.number("minutes") > 1.0


def test_after_a_power_cut_she_stands_once_more_and_goes_on_with_the_same_walk(start: Start) -> None:
    rig = start()
    rig.until(60.0)
    rig.die_and_start(25.0, boot_id="after the cut")
    rig.until(END_S + 8.0)
    assert rig.states[-1] is WalkState.READY
    rig.device.end()
    (record,) = rig.records
    assert record.data["interruptions"] == 1
    assert record.number("minutes") == pytest.approx((60.0 - OUT_S) / 60, abs=0.15)


def test_after_a_power_cut_without_a_clock_the_walk_is_recorded_and_another_one_begins(
    start: Start, chip: Path
) -> None:
    rig = start()
    rig.device._wall = replace(rig.device._wall, synced=lambda: False)
    rig.until(0.5)
    rig.die_and_start(0.1)  # a guard that knows of no clock
    rig.until(60.0)
    rig.die_and_start(25.0, boot_id="after the cut")
    rig.until(END_S + 8.0)
    rig.device.end()
    (record,) = rig.records
    assert (record.clock, record.data["interruptions"], record.data["falls"]) == ("unsynced", 1, None)
    assert "was cut off and is not gone on with; it is recorded" in rig.device.complaints[0]


def test_a_fall_alarm_that_goes_on_after_a_restart_is_one_fall_of_one_record(tmp_path: Path) -> None:
    world = scenario("fall")
    assert isinstance(world, Scene)
    rig = Rig(tmp_path, world, Config())
    rig.until(20.0)
    rig.die_and_start(2.0)
    rig.until(50.0)
    rig.device.end()
    (record,) = rig.records
    assert (record.data["falls"], record.data["interruptions"]) == (1, 1)


@pytest.mark.parametrize("dies_s", [12.6, 12.2])
def test_a_fall_is_recorded_once_though_the_guard_dies_right_after_it(tmp_path: Path, dies_s: float) -> None:
    """It is suspected at about 12 s: the walk may not have been kept since."""
    world = scenario("fall")
    assert isinstance(world, Scene)
    rig = Rig(tmp_path, world, Config())
    while not any(isinstance(o, Alert) and o.severity is Severity.SUSPECTED for o in rig.device.log.outputs):
        rig.until(rig.device.clock.now_ns() / 1e9 + 0.05)
    rig.until(rig.device.clock.now_ns() / 1e9 + dies_s - 12.0)
    rig.die_and_start(2.0)
    rig.until(50.0)
    rig.device.end()
    assert [record.data["falls"] for record in rig.records] == [1]


def test_killed_after_the_end_of_a_walk_it_does_not_say_ready_again_until_she_asks(start: Start) -> None:
    over_s = END_S + 36.0
    rig = start((over_s + 20.0, over_s + 22.5))
    rig.until(over_s)
    assert rig.states[-1] is WalkState.SUMMARY
    ready = rig.states.count(WalkState.READY)
    rig.die_and_start(1.0)
    rig.until(over_s + 18.0)
    assert rig.states[-1] is WalkState.SUMMARY
    assert rig.states.count(WalkState.READY) == ready
    rig.until(over_s + 32.0)
    assert rig.states[-1] is WalkState.READY
    assert len(rig.records) == 1
