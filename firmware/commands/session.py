"""One watched walk: the device's processes, the caregiver's client beside them, and what both of them say."""

import argparse
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from firmware.commands.embedded_broker import EmbeddedBroker
from firmware.commands.heartbeat import START_S
from firmware.commands.processes import Child
from firmware.commands.screen import Screen, open_screen
from firmware.commands.speaker import Speaker
from firmware.commands.story import Story
from firmware.commands.summary import closing, opening, summary_json
from firmware.commands.supervisor import restart_dead, run_arguments, start_device
from firmware.config import Config, to_toml
from firmware.core.messages import Pattern
from firmware.ids import device_id
from firmware.ipc import Receiver
from firmware.journal import JOURNAL, Journal
from firmware.link.config import MqttConfig
from firmware.link.pairing import paired

LEAD_S = 1.0  # the processes are up before the world begins to move
TURN_S = 0.05
DELIVERY_PATIENCE_S = 8.0
END_PATIENCE_S = 9.0  # the end chirp, and a slow disk
SILENT_S = 1.0  # the guard says something five times a second
HUNG_S = 4.0  # and is then started again, even where it still feeds its watchdog
ROUTINE = ("guard: mounting: ", "MQTT: the broker speaks only ")
"""What is said at every start; beside a simulated walker and a broker of our own it is no news."""
TAKEN = ("delivered", "accepted", "acknowledged")
SHOWN_ELSEWHERE = (
    "alerts are shown where a caregiver watches, not here: the broker asks for her certificate (docs/PAIRING.md); "
    "how far each has come stands in the summary"
)
OK, FAILURE = 0, 1


class Session:
    """Everything that it starts ends with `stack`."""

    def __init__(
        self,
        args: argparse.Namespace,
        config: Config,
        broker: EmbeddedBroker | None,
        stop: threading.Event,
        stack: contextlib.ExitStack,
    ) -> None:
        self._broker, self._stop = broker, stop
        run_dir, state_dir = config.paths.run_dir, config.paths.state_dir
        if broker:
            config = replace(config, mqtt=replace(config.mqtt, host=broker.host, port=broker.port))
        file = run_dir / "walk.toml"
        file.write_text(to_toml(config), encoding="utf-8")
        self._journal = Journal(state_dir / JOURNAL)
        stack.callback(self._journal.close)
        self._before = {delivery.id for delivery in self._journal.deliveries()}
        self._monitor = Receiver(run_dir / "monitor.sock")
        stack.callback(self._monitor.close)
        mqtt = config.mqtt if args.simulated else paired(config.mqtt, state_dir)
        watching = {} if mqtt.cert_file else {"watch": _watch_arguments(mqtt, device_id(state_dir), args)}
        self._watch = {name: Child(name, "caregiver.watch", arguments) for name, arguments in watching.items()}
        for child in self._watch.values():
            stack.callback(child.stop)
        epoch_ns = time.monotonic_ns() + round(LEAD_S * 1e9)
        self.story = Story(epoch_ns)
        guard_arguments = ["--monitor", str(run_dir / "monitor.sock")]
        guard_arguments += ["--record", str(Path(args.record).absolute())] if args.record else []
        self._children = start_device(run_arguments(args, file, epoch_ns), guard_arguments, watched=True)
        for child in self._children.values():
            stack.callback(child.stop)
        self._heard_s = 0.0  # not yet: until then the guard has as long as it takes four Pythons to start
        self._silent = False
        self._simulated, self._routine = args.simulated, ROUTINE if broker else ()
        self._scenario = args.scenario if args.simulated and not args.motion else ""
        self._screen: Screen = stack.enter_context(open_screen(args, self.story))
        if not self._watch:
            self._screen.say(SHOWN_ELSEWHERE)
        self._speaker = None if args.no_sound or args.json else Speaker()
        if self._speaker:
            stack.callback(self._speaker.close)
            if not self._speaker.available:
                self._screen.say("no sound: this machine has none of aplay, paplay and afplay")

    def walk(self, duration_s: float) -> None:
        """Follow the walk until it is over."""
        self._screen.say(opening(duration_s if self._simulated else None))
        while not self._stop.is_set() and self.story.seconds(time.monotonic_ns()) < duration_s:
            self._turn()
            self._look_after_guard()
            for line in restart_dead({**self._children, **self._watch}):
                self._say(line)
            if self._broker and self._broker.ended():
                self._say("the embedded broker ended by itself: nobody is told any more")

    def end(self) -> int:
        """End the device in order, let the caregiver hear the last of it, and sum up; 0 when all was well."""
        clean = self._stop_child("guard") == 0
        deadline_s = time.monotonic() + DELIVERY_PATIENCE_S
        self._turn()
        while self._journal.unaccepted() and self._heard_by_somebody() and time.monotonic() < deadline_s:
            self._turn()
        self._stop_child("link")
        self._stop_child("sounder")
        self._turn()
        self._screen.close()
        summary = summary_json(self.story, [one for one in self._journal.deliveries() if one.id not in self._before])
        self._screen.summary(summary)
        if self._scenario:
            self._screen.close_with(closing(self._scenario, summary))
        lost = [alert for alert in summary["alerts"] if alert["delivery"] not in TAKEN]
        return FAILURE if lost or not clean or summary["state"] != "ended" else OK

    def _heard_by_somebody(self) -> bool:
        return all(child.exit_code is None for child in self._watch.values())

    def _turn(self) -> None:
        waited_s = TURN_S
        while (body := self._monitor.receive(timeout_s=waited_s)) is not None:
            waited_s = 0.0
            if body:
                self._show(body)
        for word, text in self._words():
            self._screen.word(word, text)
        for child in (*self._children.values(), *self._watch.values()):
            while (complaint := child.complaint()) is not None:
                if not complaint.startswith(self._routine):
                    self._say(complaint)
        self._screen.refresh()

    def _show(self, body: dict[str, Any]) -> None:
        self._heard_s, self._silent = time.monotonic(), False
        self._screen.output(body, self.story.output(body))
        if body.get("kind") == "pattern" and self._speaker:
            self._speaker.play(Pattern(body["pattern"]))

    def _look_after_guard(self) -> None:
        guard = self._children["guard"]
        heard = self._heard_s > guard.started_s
        silent_s = time.monotonic() - max(self._heard_s, guard.started_s)
        if silent_s > (HUNG_S if heard else START_S):
            self._say("guard hangs; it is killed and started again")
            guard.kill()
            self._heard_s = time.monotonic()
        elif heard and silent_s > SILENT_S and not self._silent:
            self._silent = True
            self._say("guard is silent; in a walk the sounder plays the fault pattern by itself")

    def _stop_child(self, name: str) -> int | None:
        """Its exit code."""
        child = self._children[name]
        child.terminate()
        deadline_s = time.monotonic() + END_PATIENCE_S
        while child.exit_code is None and time.monotonic() < deadline_s:
            self._turn()  # its last words are heard when they come
        if not child.stop(patience_s=0.1):
            self._say(f"{name} did not end when it was asked to, and was killed")
        return child.exit_code

    def _say(self, text: str) -> None:
        self._screen.say(f"{self.story.seconds(time.monotonic_ns()):6.2f} s  {text}")

    def _words(self) -> Iterator[tuple[dict[str, Any], str | None]]:
        for child in self._watch.values():
            while (line := child.line()) is not None:
                try:
                    word = json.loads(line)
                except ValueError:
                    continue
                if isinstance(word, dict):
                    yield word, self.story.word(word, time.monotonic_ns())


def _watch_arguments(mqtt: MqttConfig, device: str, args: argparse.Namespace) -> list[str]:
    """For the caregiver's client. It accepts what a simulated device tells; a real one has a service for that."""
    arguments = ["--host", mqtt.host, "--port", str(mqtt.port), "--json", "--id", device]
    for option, value in (
        ("username", mqtt.username),
        ("password-file", mqtt.password_file),
        ("ca-file", mqtt.ca_file),
    ):
        arguments += [f"--{option}", value] if value else []
    return [*arguments, "--accept"] if args.simulated else arguments
