"""The walker's whole experience on the whole device, in simulated time: from the table onto the belt, and back."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.walks import Walk, take_walk

from firmware import walks
from firmware.config import Config
from firmware.core.alerts import RULES
from firmware.core.messages import (
    Alert,
    Hazard,
    Notice,
    Output,
    Pattern,
    SetPattern,
    Severity,
    Telemetry,
    WalkChanged,
    WalkState,
)
from firmware.link.memory import MemoryBroker, MemoryCaregiver
from firmware.virtual import VirtualDevice
from hal.sim.world.fall_scenes import FALL_SCENES
from hal.sim.world.scenarios import Scene, scenario
from hal.sim.world.scene import World
from hal.sim.world.surroundings import Wall
from hal.sim.world.walker import Walker
from hal.sim.world.wearing_scenes import WEARING_SCENES
from hal.sim.world.whole_walk import Clipped

ANSWERED = {rule.pattern for rule in RULES.values() if rule.sent} | {Pattern.FALL_SENT, Pattern.FALL_HEARD}


def states(outputs: "list[Output]") -> list[WalkState]:
    told = [output.state for output in outputs if isinstance(output, WalkChanged)]
    return [told[0], *(now for before, now in pairwise(told) if now is not before)]


def phases(walk: Walk, hazard: Hazard) -> list[Severity]:
    return [alert.severity for alert in walk.alerts if alert.hazard is hazard]


def nobody_is_told_of_a_fall(walk: Walk) -> bool:
    """Neither the caregiver nor, by a countdown, the walker."""
    told = [event for event in walk.events if event["type"] == "fall"]
    return not (told or walk.sounded(Pattern.FALL_COUNTDOWN) or Severity.SUSPECTED in phases(walk, Hazard.FALL))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return take_walk("whole", tmp_path_factory.mktemp("whole"))


def test_it_goes_through_every_state_in_order_and_back_to_the_table(whole: Walk) -> None:
    first_seen = list(dict.fromkeys(states(list(whole.outputs))))
    assert first_seen == list(WalkState)
    assert states(list(whole.outputs))[-2:] == [WalkState.OFF_BODY, WalkState.ENDED]


def test_it_is_ready_within_ten_seconds_of_being_clipped_on(whole: Walk) -> None:
    ready_s = next(
        output.t_ns / 1e9
        for output in whole.outputs
        if isinstance(output, WalkChanged) and output.state is WalkState.READY
    )
    assert 0.0 < ready_s - whole.mark_s("clipped on") < 10.0


def test_what_she_hears_tells_the_story(whole: Walk) -> None:
    heard = [pattern for pattern in whole.patterns() if pattern is not Pattern.SILENT]
    story = (
        *(Pattern.READY_3, Pattern.OBSTACLE_WARNING, Pattern.SWAY, Pattern.FALL_COUNTDOWN, Pattern.FALL_NOBODY_YET),
        *(Pattern.FALL_SENT, Pattern.CANCELLED, Pattern.ENDED, Pattern.SUMMARY_WARNED),
    )
    rest = iter(heard)
    assert all(pattern in rest for pattern in story), heard


def test_it_leaves_one_record_and_the_next_walk_is_planned_by_it(whole: Walk) -> None:
    (record,) = walks.read(whole.device.folder).records
    assert (record.data["falls"], record.data["obstacle_warnings"], record.data["planned_minutes"]) == (1, 1, 5.0)
    assert isinstance(record.data["distance_m"], float)


def test_live_view_summary_and_record_tell_one_number_of_steps(whole: Walk) -> None:
    """Getting up after the fall, and the hands before and after, are no steps of the walk."""
    ended = next(o for o in whole.outputs if isinstance(o, WalkChanged) and o.state is WalkState.ENDED)
    (record,) = walks.read(whole.device.folder).records
    shown = [o.steps for o in whole.outputs if isinstance(o, Telemetry) and o.t_ns >= ended.t_ns]
    assert {*shown, ended.summary["steps"], whole.summary["steps"]} == {record.data["steps"]}
    assert shown[0] > 10


@pytest.mark.parametrize("seed", range(3))
def test_worn_upside_down_it_never_becomes_ready_and_says_so_to_both(seed: int, tmp_path: Path) -> None:
    walk = take_walk(WEARING_SCENES["upside down"](seed), tmp_path)
    assert WalkState.READY not in states(list(walk.outputs))
    assert walk.sounded(Pattern.WORN_WRONG) or walk.sounded(Pattern.FAULT)
    assert any("upside down" in event["data"].get("reason", "") for event in walk.events)
    assert phases(walk, Hazard.FALL) == []


@pytest.mark.parametrize("scene", ["upright on a table", "lying on a table", "on a table with work", "in a bag"])
def test_what_nobody_wears_begins_no_walk_and_calls_nobody(scene: str, tmp_path: Path) -> None:
    walk = take_walk(WEARING_SCENES[scene](1), tmp_path)
    assert not {WalkState.READY, WalkState.WALKING} & set(states(list(walk.outputs)))
    assert phases(walk, Hazard.FALL) == []


@pytest.mark.parametrize("scene", ["clipped on, laid on a table", "clipped on, stood on a table"])
def test_taken_off_and_put_down_the_walk_is_over(scene: str, tmp_path: Path) -> None:
    walk = take_walk(WEARING_SCENES[scene](2), tmp_path)
    seen = states(list(walk.outputs))
    assert WalkState.WALKING in seen
    assert WalkState.SUMMARY in seen
    assert phases(walk, Hazard.FALL) == []


@pytest.mark.parametrize("seed", [1, 3])
def test_dropped_on_a_table_it_calls_nobody_and_the_walk_is_over(seed: int, tmp_path: Path) -> None:
    walk = take_walk(FALL_SCENES["device dropped"](seed), tmp_path)
    seen = states(list(walk.outputs))
    assert seen[seen.index(WalkState.WALKING) :][-4:-1] == [WalkState.ENDED, WalkState.SUMMARY, WalkState.OFF_BODY]
    assert nobody_is_told_of_a_fall(walk)
    assert walk.sounded(Pattern.ENDED)


@pytest.mark.parametrize("seed", range(3))
def test_who_sits_on_a_bench_and_rests_is_paused_and_neither_alarmed_nor_ended(seed: int, tmp_path: Path) -> None:
    walk = take_walk(WEARING_SCENES["rests on a bench"](seed), tmp_path)
    assert nobody_is_told_of_a_fall(walk)
    assert walk.sounded(Pattern.PAUSED)
    assert phases(walk, Hazard.MOUNTING) == []
    before_the_end = states(list(walk.outputs))[:-1]
    assert before_the_end[-1] is WalkState.PAUSED
    assert WalkState.ENDED not in before_the_end


def test_who_lies_down_on_purpose_is_not_alarmed(tmp_path: Path) -> None:
    walk = take_walk(FALL_SCENES["lying down on purpose"](1), tmp_path)
    assert nobody_is_told_of_a_fall(walk)
    assert {event["type"] for event in walk.events} <= {"walk"}


def test_who_falls_and_gets_up_raises_no_alarm_but_is_told_as_such(tmp_path: Path) -> None:
    walk = take_walk("recovered", tmp_path)
    assert phases(walk, Hazard.FALL)[-2:] == [Severity.SUSPECTED, Severity.RECOVERED]
    assert [event["phase"] for event in walk.events if event["type"] == "fall"] == ["suspected", "recovered"]
    assert not walk.sounded(Pattern.FALL_NOBODY_YET)


def test_who_falls_and_cannot_get_up_is_told_of_again_after_five_minutes(tmp_path: Path) -> None:
    walk = take_walk("fall", tmp_path, seconds=12.0 + 320.0)
    told = [event["phase"] for event in walk.events if event["type"] == "fall"]
    assert told == ["suspected", "confirmed", "not_recovered"]
    heard = [pattern for pattern in walk.patterns() if pattern is not Pattern.SILENT]
    answers = [Pattern.FALL_NOBODY_YET, Pattern.FALL_SENT]
    assert heard[heard.index(Pattern.FALL_COUNTDOWN) :] == [Pattern.FALL_COUNTDOWN, *answers, *answers]
    assert walk.pattern_at(round(300e9)) is Pattern.FALL_SENT


def test_who_cannot_get_up_without_any_network_is_heard_all_the_time_and_told_of_once_there_is_one(
    tmp_path: Path,
) -> None:
    broker = MemoryBroker()
    broker.online = False
    caregiver, fall = MemoryCaregiver(broker), scenario("fall")
    device = VirtualDevice(Config(), fall, tmp_path, broker=broker)
    device.run_until(330.0)
    changes = [output for output in device.log.outputs if isinstance(output, SetPattern)]
    assert [change.pattern for change in changes][-2:] == [Pattern.FALL_COUNTDOWN, Pattern.FALL_NOBODY_YET]
    last_s = max(state.t_ns for state in device.board.buzzer_pin.history if state.level) / 1e9
    assert last_s > 326.0, "the local alarm goes on"
    assert caregiver.words == []
    broker.online = True
    device.run_until(340.0)
    device.end()
    events = [word["body"] for word in caregiver.words if word["kind"] == "event"]
    assert [event["phase"] for event in events if event["type"] == "fall"] == [
        "suspected",
        "confirmed",
        "not_recovered",
    ]
    answered = [output.pattern for output in device.log.outputs if isinstance(output, SetPattern)]
    assert Pattern.FALL_SENT in answered[len(changes) :]


def test_who_cancels_by_reflex_and_then_lies_still_is_asked_again_after_a_minute(tmp_path: Path) -> None:
    fall = scenario("fall")
    assert isinstance(fall, Scene)
    world = replace(fall, presses=(*fall.presses, (17.0, 19.5)), duration_s=120.0)
    walk = take_walk(world, tmp_path)
    told = [a for a in walk.alerts if a.hazard is Hazard.FALL and a.severity is not Severity.POSSIBLE]
    assert [alert.severity for alert in told[:3]] == [Severity.SUSPECTED, Severity.CANCELLED, Severity.SUSPECTED]
    assert 60.0 <= (told[2].t_ns - told[1].t_ns) / 1e9 <= 75.0
    assert walk.pattern_at(told[2].t_ns) is Pattern.FALL_COUNTDOWN, "she is asked aloud"
    assert [event["phase"] for event in walk.events if event["type"] == "fall"][:4] == [
        *("suspected", "cancelled", "suspected", "confirmed")
    ]


def walks_off(behind_m: float | None) -> Scene:
    """She clips it on walking, and stands still only after twenty seconds."""
    quiet = scenario("quiet")
    assert isinstance(quiet, Scene)
    bouts = ((0.0, 0.0), (0.8, 0.6), (19.4, 0.6), (20.0, 0.0))
    walker = Walker(bouts, (), seed="walks off")
    behind = Wall(walker, behind_m) if behind_m else quiet.behind
    return replace(quiet, walker=walker, behind=behind, duration_s=28.0, presses=())


def test_who_walks_off_without_standing_hears_that_she_is_not_guarded_until_she_stands(tmp_path: Path) -> None:
    walk = take_walk(walks_off(None), tmp_path)
    faults = [alert for alert in walk.alerts if alert.hazard is Hazard.FAULT]
    assert [alert.severity for alert in faults] == [Severity.FAULT, Severity.NONE]
    assert faults[0].t_ns < 5e9
    assert 20e9 < faults[1].t_ns < 23e9
    assert WalkState.READY in states(list(walk.outputs))


def test_who_walks_off_all_the_same_is_warned_of_what_is_behind(tmp_path: Path) -> None:
    walk = take_walk(walks_off(7.0), tmp_path, seconds=12.0)
    assert Severity.WARNING in phases(walk, Hazard.OBSTACLE)


def heard_and_decided(folder: Path, world: World, *, online: bool) -> list[Output]:
    """What the walker hears and what is decided; the alarm's answer alone may differ."""
    folder.mkdir()
    broker = MemoryBroker()
    broker.online = online
    device = VirtualDevice(Config(), world, folder, broker=broker)
    device.run_until(world.duration_s)
    device.end()
    kept = [output for output in device.log.outputs if isinstance(output, SetPattern | Alert | WalkChanged)]
    return [output for output in kept if not (isinstance(output, SetPattern) and output.pattern in ANSWERED)]


def felt_at_the_pins(folder: Path, world: World, *, online: bool) -> tuple[list[Pattern], list[object]]:
    """Which patterns sounded, and each change of the buzzer's and the motor's pin with its time."""
    folder.mkdir()
    broker = MemoryBroker()
    broker.online = online
    caregiver = MemoryCaregiver(broker)
    device = VirtualDevice(Config(), world, folder, broker=broker)
    device.run_until(world.duration_s)
    device.end()
    assert bool(caregiver.words) is online
    sounded = [output.pattern for output in device.log.outputs if isinstance(output, SetPattern)]
    return sounded, [*device.board.buzzer_pin.history, *device.board.motor_pin.history]


def test_with_the_network_off_every_pulse_of_a_walk_with_all_warnings_and_a_cancelled_fall_is_the_same(
    tmp_path: Path,
) -> None:
    world = scenario("whole")
    assert isinstance(world, Clipped)
    her: Any = world.worn
    cancels = (32.0, 34.5)  # ten seconds after the impact
    world = replace(world, worn=replace(her, presses=(*her.presses, cancels)))
    sounded, pulses = felt_at_the_pins(tmp_path / "online", world, online=True)
    assert {
        *(Pattern.READY_3, Pattern.OBSTACLE_WARNING, Pattern.SWAY, Pattern.FALL_COUNTDOWN, Pattern.CANCELLED),
        *(Pattern.ENDED, Pattern.SUMMARY_WARNED),
    } <= set(sounded)
    assert not ANSWERED & set(sounded)
    assert len(pulses) > 100
    assert felt_at_the_pins(tmp_path / "offline", world, online=False) == (sounded, pulses)


@pytest.mark.parametrize("name", ["whole", "treadmill"])
def test_with_the_network_off_everything_that_the_walker_needs_is_the_same(name: str, tmp_path: Path) -> None:
    world = scenario(name)
    with_it = heard_and_decided(tmp_path / "online", world, online=True)
    assert heard_and_decided(tmp_path / "offline", world, online=False) == with_it


def test_first_use_waits_for_the_notice_which_is_confirmed_by_the_button_once_for_all(tmp_path: Path) -> None:
    quiet = scenario("quiet")
    assert isinstance(quiet, Scene)
    world = replace(quiet, presses=((2.5, 5.0),), duration_s=16.0)
    seen = []
    for _ in range(2):
        device = VirtualDevice(Config(), world, tmp_path, first_use=True)
        device.run_until(world.duration_s)
        seen.append([type(message) for message in device.log.outputs])
        told = [output for output in device.log.outputs if isinstance(output, SetPattern)]
        heard = Pattern.NOTICE in [output.pattern for output in told]
        device.end()
        assert heard == (len(seen) == 1)
    assert Notice not in seen[0]
