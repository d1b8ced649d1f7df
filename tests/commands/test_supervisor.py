"""`rearguard run` without systemd: processes that hang are replaced, as those that die are."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.waiting import eventually

from firmware.commands import supervisor
from firmware.commands.heartbeat import HUNG_S, START_S, Heartbeat
from firmware.commands.processes import Child


class Device:
    """`rearguard run --simulated`, from outside."""

    def __init__(self, folder: Path) -> None:
        config = folder / "rearguard.toml"
        config.write_text(f'[paths]\nrun_dir = "{folder}"\nstate_dir = "{folder}"\n[mqtt]\nport = 1\n')
        self.complaints = folder / "complaints"
        with self.complaints.open("w") as complaints:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "firmware", "run", "--simulated", "--scenario", "quiet", "--config", config],
                stderr=complaints,
            )

    def child(self, name: str) -> int:
        """Its process id; 0 while there is none."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in task.read_text().split():
            try:
                if f"run\0{name}\0" in Path(f"/proc/{pid}/cmdline").read_text():
                    return int(pid)
            except FileNotFoundError:
                continue
        return 0

    def said(self) -> str:
        return self.complaints.read_text()


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    device = Device(tmp_path)
    try:
        yield device
    finally:
        device.process.send_signal(signal.SIGTERM)
        device.process.wait(30)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["sounder", "guard"])
def test_process_that_is_stopped_is_killed_and_started_again(device: Device, name: str) -> None:
    eventually(lambda: device.child("sounder") and device.child("guard"), 30.0, what="both processes run")
    eventually(lambda: (device.complaints.parent / "sounder.sock").exists(), 30.0, what="the sounder listens")
    stopped = device.child(name)
    os.kill(stopped, signal.SIGSTOP)
    eventually(lambda: device.child(name) not in (0, stopped), 2 * START_S, what=f"there is another {name}")
    eventually(lambda: f"{name} hangs; it is killed and started again" in device.said(), what="it is told")
    assert not Path(f"/proc/{stopped}").exists()


def beat(heartbeat: Heartbeat, word: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(word, "\0" + heartbeat.address[1:])


def test_who_is_heard_and_then_falls_silent_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("firmware.commands.heartbeat.time.monotonic", lambda: now[0])
    heartbeat = Heartbeat()
    now[0] += START_S - 1
    assert not heartbeat.stopped(), "it may still be starting"
    beat(heartbeat, b"WATCHDOG_USEC=2000000\nWATCHDOG=1")
    assert not heartbeat.stopped()
    now[0] += HUNG_S + 0.1
    beat(heartbeat, b"READY=1")
    assert heartbeat.stopped(), "only the watchdog's own word counts"
    heartbeat.restart()
    assert not heartbeat.stopped()
    now[0] += START_S + 1
    assert heartbeat.stopped(), "one that never says anything hangs as well"
    heartbeat.close()


def test_child_that_even_a_kill_does_not_end_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child("stubborn", "timeit", ["-n", "1", "-s", "import signal", "signal.pause()"], beats=True)
    kill = child._process.kill
    monkeypatch.setattr(child._process, "kill", lambda: None)
    monkeypatch.setattr(supervisor, "KILL_PATIENCE_S", 0.05)
    monkeypatch.setattr(Child, "hangs", True)
    pid = child.pid
    assert supervisor.restart_dead({"stubborn": child}) == ["stubborn hangs; it is killed and started again"]
    assert (child.pid, child.starts) == (pid, 1), "no second one beside it"
    kill()
    child.stop()


def test_child_without_a_watchdog_never_hangs() -> None:
    child = Child("silent", "timeit", ["-n", "1", "pass"])
    assert not child.hangs
    child.wait(30.0)
