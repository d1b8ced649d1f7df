"""`rearguard walk --virtual-time`: the same walk in one process under simulated time: quick and repeatable."""

import argparse
import sys
import tempfile
from pathlib import Path

from firmware.commands.run import check_recordable, open_world
from firmware.commands.screen import JsonScreen, PlainScreen, Screen
from firmware.commands.story import Story
from firmware.commands.summary import closing, opening, summary_json
from firmware.config import load
from firmware.link.memory import MemoryBroker, MemoryCaregiver
from firmware.outputs import as_json
from firmware.virtual import VirtualDevice
from hal.sim.faults import parse_fault

TURN_S = 0.05


def virtual_walk(args: argparse.Namespace) -> int:
    """Walk the scenario, printing what happens in the order in which it does; 0 at its end."""
    world = open_world(args)
    if args.record:
        check_recordable(Path(args.record))
    story = Story(epoch_ns=0)
    screen = JsonScreen() if args.json else PlainScreen()  # a live view of what is over at once shows nothing
    with tempfile.TemporaryDirectory(prefix="rearguard-") as folder:
        broker = MemoryBroker()
        caregiver = MemoryCaregiver(broker)
        device = VirtualDevice(
            load(args.config),
            world,
            Path(folder),
            faults=[parse_fault(text) for text in args.fault],
            broker=broker,
            record=Path(args.record) if args.record else None,
        )
        screen.say(opening(world.duration_s))
        pulses = 0
        turns = round(world.duration_s / TURN_S)
        for turn in range(1, turns + 1):
            device.run_until(turn * TURN_S)
            _show(device, caregiver, story, screen)
            pulses = _show_airbag(device, story, screen, pulses)
        device.end()
        _show(device, caregiver, story, screen)
        for complaint in device.complaints:
            print(f"rearguard: {complaint}", file=sys.stderr)
        summary = summary_json(story, device.deliveries)
        screen.summary(summary)
        if not args.motion:
            screen.close_with(closing(args.scenario, summary))
    return 0


def _show(device: VirtualDevice, caregiver: MemoryCaregiver, story: Story, screen: Screen) -> None:
    for output in device.log.take_all():
        body = as_json(output)
        screen.output(body, story.output(body))
    for word in caregiver.words:
        screen.word(word, story.word(word, device.clock.now_ns()))
    caregiver.words.clear()


def _show_airbag(device: VirtualDevice, story: Story, screen: Screen, told: int) -> int:
    """What the airbag's pin did, where there is one; `told` of its changes are told already."""
    if device.board.config.airbag.pin is None:
        return told
    changes = device.board.airbag_pin.history
    for state in changes[told:]:
        body = {"t_ns": state.t_ns, "kind": "airbag_pin", "high": state.level > 0}
        screen.output(body, story.output(body))
    return len(changes)
