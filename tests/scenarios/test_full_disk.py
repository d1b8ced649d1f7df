"""Guard and link as processes on a disk that is really full: what is decided is sounded and told all the same."""

import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.events import DEVICE, an_event
from support.mosquitto import Mosquitto
from support.waiting import eventually

from bench._alerts_disk import Disk, Recorder
from firmware.core.messages import Pattern
from firmware.ipc import SOUNDER_SOCKET, Receiver
from firmware.journal import JOURNAL, Journal

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]
LEAST = 4096  # bytes of a file, in which a pocketed alert has room and no commit
ALARMS = (Pattern.FALL_COUNTDOWN, Pattern.FALL_NOBODY_YET)


class SmallDisk:
    """A file system of its own where that can be mounted; else a limit on what the processes may write."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self._full, self._limited = folder, False, list[int]()
        mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
        self.mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0

    def fill(self) -> None:
        self._full = True
        if self.mounted:
            with contextlib.suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as filler:
                while True:
                    filler.write(b"x" * 512)

    def limit(self, pid: int) -> None:
        if self._full and not self.mounted:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (LEAST, resource.RLIM_INFINITY))
            self._limited.append(pid)

    def make_room(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)
        for pid in self._limited:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)


class Device:
    """A guard on the simulated board, and a link; the test is the sounder, and a caregiver's client accepts."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.state = folder, SmallDisk(folder / "state")
        (self.state.folder / "device-id").write_text(f"{DEVICE}\n")
        self._config = folder / "rearguard.toml"
        self._config.write_text(
            f'[mqtt]\nport = {port}\n[paths]\nstate_dir = "{self.state.folder}"\nrun_dir = "{folder}"\n'
        )
        self._sounder, self._told = Receiver(folder / SOUNDER_SOCKET), folder / "told.jsonl"
        options = ["--accept", "--json", "--client-id", "hub", "--name", "hub", "--port", str(port)]
        with self._told.open("w") as told:
            self._running = [subprocess.Popen([sys.executable, "-m", "caregiver.watch", *options], stdout=told)]

    def start(self, process: str, *options: str) -> None:
        command = [sys.executable, "-m", "firmware", "run", process, "--config", str(self._config), *options]
        self._running.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        self.state.limit(self._running[-1].pid)

    def guard(self, scenario: str) -> None:
        self.start("guard", "--simulated", "--scenario", scenario, "--epoch-ns", str(time.monotonic_ns() + 10**9))

    def hears_an_alarm(self) -> None:
        def heard() -> bool:
            body = self._sounder.receive(timeout_s=0.2)
            return body is not None and body.get("pattern") in ALARMS

        eventually(heard, 60.0, what="the alarm sounds")

    def told(self, kind: str) -> list[dict[str, Any]]:
        words: list[dict[str, Any]] = []
        for line in self._told.read_text().splitlines():
            with contextlib.suppress(ValueError):
                words.append(json.loads(line))
        return [word["body"] for word in words if word["kind"] == kind]

    def falls(self) -> list[str]:
        return [body["phase"] for body in self.told("event") if body["type"] == "fall"]

    def kept(self) -> list[tuple[str, str]]:
        """Of the falls in the journal, phase and state of delivery."""
        with contextlib.closing(Journal(self.state.folder / JOURNAL)) as journal:
            return [(each.phase, each.state) for each in journal.deliveries() if each.type == "fall"]

    def close(self) -> None:
        for process in reversed(self._running):
            process.kill()
            process.wait()
        self._sounder.close()
        self.state.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Device]]:
    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(tmp_path))

        def start() -> Device:
            return stack.enter_context(contextlib.closing(Device(tmp_path / "device", broker.port)))

        (tmp_path / "device").mkdir()
        yield start


def test_a_fall_on_a_full_disk_is_sounded_told_and_accepted_and_kept_once_when_there_is_room(
    start: Callable[[], Device],
) -> None:
    device = start()
    with contextlib.closing(Journal(device.state.folder / JOURNAL)) as journal:
        journal.next_boot()
    device.state.fill()
    device.start("link")
    device.guard("fall")
    device.hears_an_alarm()
    eventually(device.falls, 30.0, what="the caregiver is told")
    device.state.make_room()
    eventually(lambda: ("suspected", "accepted") in device.kept(), 30.0, what="the journal has it, and its receipt")
    assert [phase for phase, _ in device.kept()].count("suspected") == 1
    assert device.falls().count("suspected") == 1


def cut_in_an_alarm(folder: Path, seed: int) -> dict[str, bytes]:
    """What a disk may hold after a power cut just when the journal had the alarm."""
    with Recorder(folder) as recorder, contextlib.closing(Journal(folder / JOURNAL)) as journal:
        journal.next_boot()
        journal.append(an_event(1))
        alarm = {"active": True, "type": "fall", "phase": "confirmed", "severity": "critical", "boot_id": "before"}
        journal.set_state({"alarm": {**alarm, "alarm": an_event(1).alarm}})
        ops = list(recorder.ops)
    disk = Disk()
    for op in ops:
        disk.take(op)
    return disk.after_a_cut(Random(seed))


@pytest.mark.parametrize("full", [False, True], ids=["room", "full"])
def test_an_alarm_of_before_a_power_cut_sounds_again_also_on_a_full_disk(
    start: Callable[[], Device], tmp_path: Path, full: bool
) -> None:
    (tmp_path / "cut").mkdir()
    device = start()
    for name, content in cut_in_an_alarm(tmp_path / "cut", 7).items():
        (device.state.folder / name).write_bytes(content)
    if full:
        if not device.state.mounted:
            pytest.skip("no file system can be mounted, and a limit would hold for the memory as well")
        device.state.fill()
    device.guard("quiet")
    device.hears_an_alarm()
