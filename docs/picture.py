"""Draws docs/walk.svg, the README's picture: the live view of `make walk` a moment after the warning.

Run as `python docs/picture.py` from the repository's root.
"""

import io
import tempfile
from pathlib import Path

from rich.console import Console

from firmware.commands.live import view
from firmware.commands.story import Story
from firmware.commands.summary import opening
from firmware.config import Config
from firmware.link.memory import MemoryBroker, MemoryCaregiver
from firmware.outputs import as_json
from firmware.virtual import VirtualDevice
from hal.sim.world.scenarios import scenario

MOMENT_S = 15.4


def main() -> None:
    world = scenario("whole")
    story = Story(epoch_ns=0, lines=[opening(world.duration_s)])
    with tempfile.TemporaryDirectory() as folder:
        broker = MemoryBroker()
        caregiver = MemoryCaregiver(broker)
        device = VirtualDevice(Config(), world, Path(folder), broker=broker)
        while device.clock.now_ns() < MOMENT_S * 1e9:
            device.run_until(device.clock.now_ns() / 1e9 + 0.05)
            for output in device.log.take_all():
                story.output(as_json(output))
            for word in caregiver.words:
                story.word(word, device.clock.now_ns())
            caregiver.words.clear()
        device.end()
    console = Console(record=True, width=80, file=io.StringIO())
    console.print(view(story))
    console.save_svg(str(Path(__file__).with_name("walk.svg")), title="make walk")


if __name__ == "__main__":
    main()
