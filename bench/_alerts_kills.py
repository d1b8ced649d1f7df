"""SIGKILL between a decision and its receipt: guard, link, broker and reader as processes, any of them or all at once.

The guard has no sensors, so that a trial is cheap (`bench._alerts_guard`); everything after the decision is the
device's own. The reader is `caregiver.watch --accept`, whose output is kept in a file.
"""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

from bench._alerts_broker import KEPT, Broker
from bench._alerts_guard import CODE
from bench._alerts_line import until
from firmware.journal import JOURNAL, Journal

PROCESSES = ("guard", "link", "broker", "reader")
VICTIMS = [*([name] for name in PROCESSES), list(PROCESSES)]  # each comes once before chance decides
SIDE_BY_SIDE = 3  # devices at once: most of a trial is waiting for a broker's client to try again
WARM_UP = 5
SETTLED_S = 100.0  # longer than any pause between two sendings
COUNTS = ("decided", "lost", "doubled", "repetitions")
LINK_CODE = (
    "import sys, threading; from bench._alerts_kills import config_of; "
    "from firmware.commands.link_process import run_link; run_link(config_of(*sys.argv[1:]), threading.Event())"
)


def config_of(folder: str, port: str) -> Any:
    """A device's configuration with everything in one folder."""
    from firmware.config import Config, PathsConfig
    from firmware.link.config import MqttConfig

    return Config(mqtt=MqttConfig(port=int(port)), paths=PathsConfig(state_dir=Path(folder), run_dir=Path(folder)))


class Device:
    """The four processes of one alert's way; `kill` and `start` by name."""

    def __init__(self, folder: Path, settings: str = KEPT) -> None:
        self.folder, self.broker = folder, Broker(folder, settings)
        self.told_file = folder / "told.jsonl"
        self.journal: Journal | None = None
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._count = 0
        self.decided: list[int] = []

    def __enter__(self) -> "Device":
        for name in ("broker", "guard", "link", "reader"):
            self.start(name)
        self.ask("written?")
        self.journal = Journal(self.folder / JOURNAL)
        return self

    def __exit__(self, *_: object) -> None:
        if self.journal is not None:
            self.journal.close()
        for name in PROCESSES:
            self.kill(name)

    def start(self, name: str) -> None:
        if name == "broker":
            self.broker.start()
            return
        pipe = subprocess.PIPE if name == "guard" else None
        with self.told_file.open("a") as told:
            self._running[name] = subprocess.Popen(
                self._command(name), stdin=pipe, stdout=pipe or told, stderr=subprocess.DEVNULL, text=True
            )
        if name == "guard":
            self._hear("up")

    def kill(self, name: str) -> None:
        if name == "broker":
            self.broker.kill()
        elif name in self._running:
            process = self._running.pop(name)
            process.kill()
            process.communicate()

    def kill_at_once(self, names: Sequence[str]) -> None:
        """All of them before any is waited for."""
        for name in names:
            os.kill(self.broker.pid if name == "broker" else self._running[name].pid, signal.SIGKILL)
        for name in names:
            self.kill(name)

    def decide(self) -> int:
        """A fall; its number, once the guard's loop has gone on."""
        self._count += 1
        self.ask(str(self._count))
        self.decided.append(self._count)
        return self._count

    def ask(self, line: str) -> None:
        guard = self._running["guard"]
        assert guard.stdin is not None
        guard.stdin.write(line + "\n")
        guard.stdin.flush()
        self._hear("written" if line == "written?" else line)

    def told(self) -> list[dict[str, Any]]:
        return events(self.told_file)

    def numbers(self) -> list[int]:
        return [body["data"]["number"] for body in self.told()]

    def _hear(self, wanted: str) -> None:
        guard = self._running["guard"]
        assert guard.stdout is not None
        found = guard.stdout.readline().strip()
        if found != wanted:
            raise RuntimeError(f"the scripted guard said {found!r}, expected {wanted!r}")

    def _command(self, name: str) -> list[str]:
        where = str(self.folder)
        if name == "guard":
            return [sys.executable, "-c", CODE, where, where]
        if name == "link":
            return [sys.executable, "-c", LINK_CODE, where, str(self.broker.port)]
        return reader(self.broker.port)


def reader(port: int) -> list[str]:
    """The command of a caregiver's client that accepts what it has written."""
    options = ["--accept", "--json", "--client-id", "hub", "--name", "hub", "--port", str(port)]
    return [sys.executable, "-m", "caregiver.watch", *options]


def events(file: Path) -> list[dict[str, Any]]:
    """Every event that a reader has written down, with repetitions."""
    words = []
    for line in file.read_text().splitlines():
        with contextlib.suppress(ValueError):  # a reader that was killed in mid-line has not accepted it
            words.append(json.loads(line))
    return [word["body"] for word in words if word["kind"] == "event"]


def usual_s(device: Device) -> float:
    """From decision to receipt, with everything alive: the median of a few."""
    found = []
    for _ in range(WARM_UP):
        began_s = time.monotonic()
        number = device.decide()
        until(lambda wanted=number: wanted in device.numbers(), "a fall is told")  # type: ignore[misc]
        found.append(time.monotonic() - began_s)
    return statistics.median(found)


def trials(count: int, seed: int = 0) -> dict[str, Any]:
    """`count` kills of one device at random instants, and what its reader has in the end."""
    chance, killed = Random(f"kills {seed}"), Counter[str]()
    with tempfile.TemporaryDirectory() as folder, Device(Path(folder)) as device:
        usual = usual_s(device)
        for number in range(count):
            device.decide()
            threading.Event().wait(chance.uniform(0.0, usual))
            names = VICTIMS[number] if number < len(VICTIMS) else chance.choice(VICTIMS)
            device.kill_at_once(names)
            killed["all" if len(names) > 1 else names[0]] += 1
            for name in names:
                device.start(name)
            with contextlib.suppress(TimeoutError):  # it is judged in the end all the same
                _settle(device)
        return _judged(device, killed, usual)


def _settle(device: Device) -> None:
    """Everything that any journal knows of has been accepted."""
    journal = device.journal
    assert journal is not None
    device.ask("written?")
    until(lambda: not journal.unaccepted(), "everything is accepted", SETTLED_S)


def _judged(device: Device, killed: Counter[str], usual: float) -> dict[str, Any]:
    told = device.told()
    first = {body["id"]: body for body in reversed(told)}
    ordered = sorted(first.values(), key=lambda body: (body["boot"], body["seq"]))
    numbers = [body["data"]["number"] for body in ordered]
    return {
        "kills": dict(killed),
        "decided": len(device.decided),
        "lost": len(set(device.decided) - set(numbers)),
        "doubled": len(numbers) - len(set(numbers)),
        "in_order": numbers == sorted(numbers),
        "repetitions": len(told) - len(first),
        "receipt_ms": round(usual * 1e3),
    }


def measured(count: int) -> dict[str, Any]:
    """On several devices side by side; the counts of all."""
    each = max(len(VICTIMS), count // SIDE_BY_SIDE)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = list(pool.map(trials, [each] * SIDE_BY_SIDE, range(SIDE_BY_SIDE)))
    return {**added(found, COUNTS), "receipt_ms": max(run["receipt_ms"] for run in found)}


def added(found: Sequence[dict[str, Any]], counts: Sequence[str]) -> dict[str, Any]:
    """The sums of several runs; in order when each is."""
    total: dict[str, Any] = {key: sum(run[key] for run in found) for key in counts}
    total["kills"] = dict(sum((Counter(run["kills"]) for run in found), Counter[str]()))
    return {**total, "in_order": all(run["in_order"] for run in found)}
