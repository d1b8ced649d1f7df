"""The whole device as `rearguard run` has it, with broker and reader: the processes of an alert's way, to be killed.

The commands are the device's own. Only the scene is shorter than those that it ships, and guard and sounder say what
they decide and sound: `python -m bench._alerts_device run guard ...`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench._alerts_broker import Broker
from bench._alerts_kills import config_of, events, reader
from firmware import cli
from firmware.commands import guard_process, sounder_process
from firmware.commands.processes import Child
from firmware.commands.supervisor import CHECK_S, restart_dead
from firmware.config import Config, to_toml
from firmware.core.alerts import RULES
from firmware.core.messages import Alert, Severity
from firmware.decided import paths, read
from firmware.ipc import Play, Receiver, Sender
from firmware.journal import Event
from firmware.sounder.sounder import Sounder
from hal.sim.world.incidents import fall_backward
from hal.sim.world.scenarios import PRESS, SCENARIOS, SOFT_S, SPEED_MPS, START_S, STOP_S, Scene
from hal.sim.world.surroundings import FloorWhenDown, open_space
from hal.sim.world.walker import Walker

SCENE = "soon"
IMPACT_S = 7.0
COUNTDOWN_S = 10.0  # the shortest that can be set
BEGIN_S = 0.5  # after its guard is up first, however long that takes
DEVICE = ("sounder", "link", "guard")
PROCESSES = (*DEVICE, "broker", "reader")
WORDS = "bench.sock"
CONFIG = "rearguard.toml"


def fall_soon() -> Scene:
    """Falls backward after a few steps, and lies still."""
    bouts = ((START_S, 0.0), (START_S + SOFT_S, SPEED_MPS), (IMPACT_S - STOP_S, SPEED_MPS), (IMPACT_S, 0.0))
    walker = Walker(bouts, (fall_backward(IMPACT_S),), seed=SCENE)
    return Scene(SCENE, 60.0, walker, FloorWhenDown(walker, IMPACT_S, open_space), PRESS, ())


def _config(folder: Path, port: int) -> Config:
    config: Config = config_of(str(folder), str(port))
    return replace(config, core=replace(config.core, fall=replace(config.core.fall, countdown_s=COUNTDOWN_S)))


class WholeDevice:
    """Each process by its name. `attend` is the supervisor: it starts again what died, as soon as that one would."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._told = folder, folder / "told.jsonl"
        self._broker = Broker(folder)
        folder.joinpath(CONFIG).write_text(to_toml(_config(folder, self._broker.port)), encoding="utf-8")
        self._words = Receiver(folder / WORDS)
        self.said: list[dict[str, Any]] = []
        self.left: dict[str, Event] = {}
        self._children: dict[str, Child] = {}
        self._reader: subprocess.Popen[bytes] | None = None
        self._checked_s = 0.0

    def __enter__(self) -> "WholeDevice":
        self._broker.start()
        self._read()
        arguments = ["--config", str(self.folder / CONFIG), "--simulated", "--scenario", SCENE]
        for name in DEVICE:
            command = ["run", name, *arguments]
            self._children[name] = Child(name, "bench._alerts_device", command, beats=name != "link")
        return self

    def __exit__(self, *_: object) -> None:
        self.kill(PROCESSES)
        for child in self._children.values():
            child.stop()
        self._words.close()

    def kill(self, names: Sequence[str]) -> None:
        """All of them before any is waited for; then what the guard had decided and not written yet is noted."""
        for name in names:
            pid = self._pid(name)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        for name in names:
            self._bury(name)
        self.left |= {each.event.id: each.event for path in paths(self.folder) if (each := read(path)) is not None}

    def attend(self, until_s: float) -> None:
        """Start what died, and hear one word, if one comes before `until_s` of the monotonic clock."""
        now_s = time.monotonic()
        if now_s - self._checked_s >= CHECK_S:
            self._checked_s = now_s
            restart_dead(self._children)
            if self._broker.dead:
                self._broker.start()
            if self._reader is None:
                self._read()
        word = self._words.receive(min(max(until_s - now_s, 0.0), CHECK_S))
        if word:
            self.said.append(word)

    def told(self) -> list[dict[str, Any]]:
        """Every event that the reader has written down, with repetitions."""
        return events(self._told)

    def complaints(self) -> list[str]:
        """What guard, sounder and link have complained of since it was last asked."""
        return [line for child in self._children.values() for line in iter(child.complaint, None)]

    def _read(self) -> None:
        with self._told.open("ab") as told:
            self._reader = subprocess.Popen(reader(self._broker.port), stdout=told, stderr=subprocess.DEVNULL)

    def _pid(self, name: str) -> int | None:
        """None: it is dead already."""
        if name == "broker":
            return None if self._broker.dead else self._broker.pid
        if name == "reader":
            return None if self._reader is None else self._reader.pid
        child = self._children.get(name)
        return None if child is None or child.exit_code is not None else child.pid

    def _bury(self, name: str) -> None:
        if name == "broker":
            self._broker.kill()
        elif name == "reader":
            if self._reader is not None:
                self._reader.wait()
            self._reader = None
        elif name in self._children:
            self._children[name].kill()


class SayingAlerts:
    """In the place of the screen: what the guard has decided, once its other sinks have it."""

    def __init__(self, say: Any) -> None:
        self._say = say

    def take(self, _: Sequence[Any], outputs: Sequence[Any]) -> None:
        for alert in outputs:
            if isinstance(alert, Alert) and RULES[alert.hazard, alert.severity].published:
                phase = "over" if alert.severity is Severity.NONE else alert.severity
                self._say({"v": 1, "kind": "decided", "what": [alert.hazard, phase, alert.t_ns // 1_000_000]})


class SayingSounder(Sounder):
    """Says each pattern that it is asked for, once it has it."""

    words: Sender
    _asked: Play | None = None

    def receive(self, play: Play, now_ns: int) -> None:
        super().receive(play, now_ns)
        if self._asked is None or (play.pattern, play.since_ns) != (self._asked.pattern, self._asked.since_ns):
            self.words.send({"v": 1, "kind": "sounds", "pattern": play.pattern, "mono_ms": play.since_ns // 1_000_000})
        self._asked = play


def main(arguments: list[str]) -> int:
    """`rearguard`, with our scene, and with words to the bench."""
    words = Path(arguments[arguments.index("--config") + 1]).with_name(WORDS)
    SayingSounder.words = Sender(words)
    if "guard" in arguments:
        arguments = [*arguments, "--monitor", str(words), "--epoch-ns", _epoch_ns(words.with_name("epoch"))]
    with (
        patch.dict(SCENARIOS, {SCENE: fall_soon}),
        patch.object(sounder_process, "Sounder", SayingSounder),
        patch.object(guard_process, "MonitorSink", SayingAlerts),
    ):
        return cli.main(arguments)


def _epoch_ns(file: Path) -> str:
    """When the world began, for the first guard soon; the next ones find her lying where she fell."""
    if not file.exists():
        file.write_text(str(time.monotonic_ns() + round(BEGIN_S * 1e9)), encoding="ascii")
    return file.read_text(encoding="ascii")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
