"""`rearguard walk`: the whole device as separate processes, watched: what it senses, sounds and tells.

Simulated, it also brings the world, a broker where none is configured, and a caregiver's client that shows what
really arrives.
"""

import argparse
import contextlib
import json
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from firmware.commands.processes import Child
from firmware.commands.run import check_recordable, make_folders, open_world
from firmware.commands.screen import Screen, open_screen
from firmware.commands.speaker import Speaker
from firmware.commands.story import Story
from firmware.commands.summary import summary_json
from firmware.commands.supervisor import restart_dead, run_arguments, start_device
from firmware.config import Config, load, to_toml
from firmware.core.messages import Pattern
from firmware.errors import ConfigError, RearguardError
from firmware.ids import device_id
from firmware.ipc import Receiver
from firmware.journal import Journal
from firmware.link.config import MqttConfig

LEAD_S = 1.0  # the processes are up before the world begins to move
TURN_S = 0.05
BROKER_PATIENCE_S = 20.0
DELIVERY_PATIENCE_S = 8.0
TAKEN = ("delivered", "accepted", "acknowledged")
OK, FAILURE = 0, 1


def walk(args: argparse.Namespace) -> int:
    """Walk until the scenario is over or Ctrl-C, then sum up; 0 when all was as it should be."""
    if args.virtual_time:
        from firmware.commands.virtual_walk import virtual_walk

        return virtual_walk(args)
    if args.simulated:
        open_world(args)  # a wrong name is said before anything starts
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    with contextlib.ExitStack() as stack:
        config = _configure(args, stack)
        session = _Session(args, config, stop, stack)
        session.walk()
        return session.end()


def _configure(args: argparse.Namespace, stack: contextlib.ExitStack) -> Config:
    """The configuration; a simulated walk keeps its journal and sockets in a folder that goes with it."""
    config = load(args.config)
    if args.broker:
        config = _with_broker(config, args.broker)
    if args.simulated:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rearguard-")))
        paths = replace(config.paths, state_dir=folder / "state", run_dir=folder / "run")
        config = replace(config, paths=paths)
    make_folders(config)
    if args.record:
        check_recordable(Path(args.record))
    return config


def _with_broker(config: Config, address: str) -> Config:
    host, _, port = address.rpartition(":")
    try:
        return replace(config, mqtt=replace(config.mqtt, host=host, port=int(port)))
    except ValueError as error:
        raise ConfigError(
            f"--broker {address!r}: expected HOST:PORT, for example 192.168.1.20:1883 ({error})"
        ) from None


@dataclass(slots=True)
class _Broker:
    child: Child | None
    host: str
    port: int


def _broker(config: Config, *, embedded: bool) -> _Broker:
    """The configured broker, or the embedded one on a free port of this machine alone."""
    if not embedded:
        return _Broker(None, config.mqtt.host, config.mqtt.port)
    child = Child("broker", "caregiver.broker", ["--port", "0"])
    deadline_s = time.monotonic() + BROKER_PATIENCE_S
    while time.monotonic() < deadline_s and child.exit_code is None:
        line = child.line(timeout_s=0.2)
        if line and line.startswith("listening "):
            host, _, port = line.removeprefix("listening ").rpartition(":")
            return _Broker(child, host, int(port))
    child.stop()
    raise RearguardError(
        "the embedded broker did not start; install it with `pip install 'rearguard[demo]'` or name one with --broker"
    )


class _Session:
    """The processes of one walk, and what is known of it."""

    def __init__(
        self, args: argparse.Namespace, config: Config, stop: threading.Event, stack: contextlib.ExitStack
    ) -> None:
        self._args, self._stop = args, stop
        embedded = args.simulated and not args.broker and (args.config is None or config.mqtt == MqttConfig())
        broker = _broker(config, embedded=embedded)
        if broker.child:
            stack.callback(broker.child.stop)
        self._config = replace(config, mqtt=replace(config.mqtt, host=broker.host, port=broker.port))
        run_dir = self._config.paths.run_dir
        file = run_dir / "walk.toml"
        file.write_text(to_toml(self._config), encoding="utf-8")
        self._journal = Journal(self._config.paths.state_dir / "journal.db")
        stack.callback(self._journal.close)
        self._before = {delivery.id for delivery in self._journal.deliveries()}
        self._monitor = Receiver(run_dir / "monitor.sock")
        stack.callback(self._monitor.close)
        self._watch = self._start_watch(broker)
        stack.callback(self._watch.stop)
        self._epoch_ns = time.monotonic_ns() + round(LEAD_S * 1e9)
        self.story = Story(self._epoch_ns)
        guard_arguments = ["--monitor", str(run_dir / "monitor.sock")]
        guard_arguments += ["--record", str(Path(args.record).absolute())] if args.record else []
        self._children = start_device(run_arguments(args, file, self._epoch_ns), guard_arguments, watched=True)
        for child in self._children.values():
            stack.callback(child.stop)
        self._screen: Screen = stack.enter_context(open_screen(args, self.story))
        self._speaker = None if args.no_sound or args.json else Speaker()
        if self._speaker:
            stack.callback(self._speaker.close)

    def _start_watch(self, broker: _Broker) -> Child:
        """The caregiver's client. It accepts what a simulated device tells; a real one has a service for that."""
        device = device_id(self._config.paths.state_dir)
        arguments = ["--host", broker.host, "--port", str(broker.port), "--json", "--id", device]
        return Child("watch", "caregiver.watch", [*arguments, *(["--accept"] if self._args.simulated else [])])

    def walk(self) -> None:
        """Follow the walk until it is over."""
        duration_s = open_world(self._args).duration_s if self._args.simulated else float("inf")
        while not self._stop.is_set() and self.story.seconds(time.monotonic_ns()) < duration_s:
            self._turn()
            for name in restart_dead(self._children):
                self._say(f"{name} ended by itself; started again")

    def end(self) -> int:
        """End the device in order, let the caregiver hear the last of it, and sum up."""
        self._children["guard"].stop()
        deadline_s = time.monotonic() + DELIVERY_PATIENCE_S
        self._turn()
        while self._journal.unaccepted() and time.monotonic() < deadline_s:
            self._turn()
        self._children["link"].stop()
        self._children["sounder"].stop()
        self._turn()
        self._screen.close()
        summary = summary_json(self.story, [one for one in self._journal.deliveries() if one.id not in self._before])
        self._screen.summary(summary)
        lost = [alert for alert in summary["alerts"] if alert["delivery"] not in TAKEN]
        return FAILURE if lost or summary.get("state") != "ended" else OK

    def _turn(self) -> None:
        waited_s = TURN_S
        while (body := self._monitor.receive(timeout_s=waited_s)) is not None:
            waited_s = 0.0
            text = self.story.output(body)
            self._screen.output(body, text)
            if body["kind"] == "pattern" and self._speaker:
                self._speaker.play(Pattern(str(body["pattern"])))
        for word, text in self._words():
            self._screen.word(word, text)
        for child in (*self._children.values(), self._watch):
            while (complaint := child.complaint()) is not None:
                self._say(complaint)
        self._screen.refresh()

    def _say(self, text: str) -> None:
        self._screen.say(f"{self.story.seconds(time.monotonic_ns()):6.2f} s  {text}")

    def _words(self) -> Iterator[tuple[dict[str, object], str | None]]:
        while (line := self._watch.line()) is not None:
            try:
                word = json.loads(line)
            except ValueError:
                continue
            yield word, self.story.word(word, time.monotonic_ns())
