"""The airbag's pin in whole walks, in simulated time: once in a fall, before the impact, and never without one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from bench.walk import pre_impact_latencies_s
from firmware.config import Config
from firmware.core.messages import PreImpact
from firmware.sounder.airbag import STALE_NS
from firmware.virtual import VirtualDevice
from hal.config import AirbagConfig
from hal.sim.faults import parse_fault
from hal.sim.world.fall_scenes import FALL_SCENES
from hal.sim.world.scenarios import scenario
from hal.sim.world.scene import World

PULSE_S = 0.4
Start = Callable[..., VirtualDevice]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    devices: list[VirtualDevice] = []

    def start(name: str | World, *faults: str) -> VirtualDevice:
        config = Config()
        config = replace(config, board=replace(config.board, airbag=AirbagConfig(pin=22, pulse_s=PULSE_S)))
        folder = tmp_path / str(len(devices))
        folder.mkdir()
        world = scenario(name) if isinstance(name, str) else name
        devices.append(VirtualDevice(config, world, folder, faults=[parse_fault(fault) for fault in faults]))
        return devices[-1]

    yield start
    for device in devices:
        device.end()


def pulses_s(device: VirtualDevice) -> list[tuple[float, float]]:
    """From when to when the pin was high."""
    history = [(state.t_ns / 1e9, state.level > 0) for state in device.board.airbag_pin.history]
    assert not history or not history[-1][1], "it ended low"
    return [(rise_s, fall_s) for (rise_s, high), (fall_s, _) in pairwise(history) if high]


def mark_s(device: VirtualDevice, what: str) -> float:
    return next(mark.t_s for mark in device.world.marks if mark.what == what)


def test_fall_in_a_walk_raises_the_pin_once_before_the_impact_and_before_the_buzzer(start: Start) -> None:
    device = start("fall")
    device.run_until(30.0)
    ((rise_s, fall_s),) = pulses_s(device)
    assert mark_s(device, "falls backward") < rise_s < mark_s(device, "impact")
    assert fall_s - rise_s == pytest.approx(PULSE_S)
    told_s = next(output.t_ns / 1e9 for output in device.log.outputs if isinstance(output, PreImpact))
    assert told_s <= rise_s
    buzzes_s = [state.t_ns / 1e9 for state in device.board.buzzer_pin.history if state.level]
    assert rise_s <= next(t_s for t_s in buzzes_s if t_s >= told_s)


def test_pin_comes_before_the_buzzer_at_whatever_moment_the_fall_begins() -> None:
    to_airbag_s, to_buzzer_s = pre_impact_latencies_s(4)
    for airbag_s, buzzer_s in zip(to_airbag_s, to_buzzer_s, strict=True):
        assert 0.0 <= airbag_s <= buzzer_s
        assert airbag_s < STALE_NS / 1e9 / 4, "far from too late to count"


def test_guard_that_dies_in_the_middle_of_a_pulse_leaves_the_pin_low(start: Start) -> None:
    device = start("fall")
    while not device.board.airbag_pin.history:
        device.run_until(device.clock.now_ns() / 1e9 + 0.01)
    device.run_until(device.clock.now_ns() / 1e9 + PULSE_S / 4)
    device.kill_guard()
    device.run_until(device.clock.now_ns() / 1e9 + 5.0)
    ((rise_s, fall_s),) = pulses_s(device)
    assert fall_s - rise_s == pytest.approx(PULSE_S)


@pytest.mark.parametrize("name", ["quiet", "wall", "stand"])
def test_without_a_fall_the_pin_stays_low(name: str, start: Start) -> None:
    device = start(name)
    device.run_until(min(device.world.duration_s, 40.0))
    assert pulses_s(device) == []


@pytest.mark.parametrize("word", ["off", "stuck", "garbage", "wrong", "slow", "delayed", "intermittent"])
def test_motion_sensor_that_fails_in_a_quiet_walk_fires_nothing(word: str, start: Start) -> None:
    device = start("quiet", f"{word}:imu@8")
    device.run_until(25.0)
    assert pulses_s(device) == []


@pytest.mark.parametrize("word", ["off", "stuck", "garbage", "wrong", "slow", "delayed"])
def test_fall_that_the_motion_sensor_cannot_be_trusted_in_fires_nothing(word: str, start: Start) -> None:
    device = start("fall", f"{word}:imu@9")
    device.run_until(25.0)
    assert pulses_s(device) == []


def test_broken_pin_is_told_in_the_walk_that_goes_on(start: Start) -> None:
    device = start("fall", "off:airbag@6")
    device.run_until(16.0)
    faults = [output for output in device.log.outputs if getattr(output, "data", {}).get("part") == "airbag"]
    assert [fault.severity for fault in faults][:1] == ["caution"]  # type: ignore[union-attr]


@pytest.mark.parametrize("ended", [False, True])
def test_device_that_is_dropped_fires_unless_its_walk_was_ended_before(ended: bool, start: Start) -> None:
    """Nobody knows yet that it is off the body: docs/SAFETY.md says so, and what to do."""
    device = start(FALL_SCENES["device dropped"](0))
    device.run_until(mark_s(device, "hits the table") - 2.0)
    if ended:
        device.guard.end()
    device.run_until(mark_s(device, "hits the table") + 5.0)
    assert len(pulses_s(device)) == (0 if ended else 1)
