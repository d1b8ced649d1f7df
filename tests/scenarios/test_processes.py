"""The device as four processes in real time, with a real Mosquitto and a client that shares no code with it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.mosquitto import Mosquitto, Subscriber
from support.waiting import eventually
from support.walks import take_walk

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


class RunningWalk:
    """`rearguard walk --simulated --json`, read line by line while it runs."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "firmware", "walk", "--simulated", "--json", *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            for line in stdout:
                self.said.append(json.loads(line))

    def find(self, **wanted: object) -> list[dict[str, Any]]:
        return [line for line in list(self.said) if all(line.get(key) == value for key, value in wanted.items())]

    def wait_for(self, timeout_s: float = 60.0, **wanted: object) -> dict[str, Any]:
        eventually(lambda: self.find(**wanted), timeout_s, what=f"the walk says {wanted}")
        return self.find(**wanted)[0]

    def states(self) -> list[str | None]:
        """The walk's state in each line that tells it."""
        return [line.get("state") if line.get("kind") == "telemetry" else None for line in list(self.said)]

    def child(self, name: str) -> int:
        """The process that `walk` runs under this name."""
        task = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        for pid in task.read_text().split():
            if f"run\0{name}\0" in Path(f"/proc/{pid}/cmdline").read_text():
                return int(pid)
        raise AssertionError(f"the walk has no child {name}")

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, str]:
        """Exit code and standard error."""
        self._reader.join()
        assert self._process.stderr is not None
        with self._process.stderr as stderr:
            error = stderr.read()
        return self._process.wait(), error

    def patterns(self) -> list[str]:
        return [line["pattern"] for line in self.find(kind="pattern")]


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as broker:
        yield broker


def short_countdown(folder: Path) -> str:
    path = folder / "rearguard.toml"
    path.write_text("[fall]\ncountdown_s = 10.0\n")
    return str(path)


def test_default_walk_reaches_an_independent_client(mosquitto: Mosquitto, tmp_path: Path) -> None:
    listener = Subscriber(mosquitto.port, "rearguard/v1/+/event")
    record = tmp_path / "walk.mcap"
    walk = RunningWalk("--broker", f"127.0.0.1:{mosquitto.port}", "--record", str(record))
    events = [json.loads(payload) for _, payload in listener.read_until('"confirmed"')]
    code, error = walk.end()
    listener.close()
    falls = {event["id"]: event for event in events if event["type"] == "fall"}
    assert [event["phase"] for event in falls.values()] == ["suspected", "confirmed"]
    assert len({event["data"]["alarm"] for event in falls.values()}) == 1
    assert (code, error) == (0, "")
    (summary,) = walk.find(kind="summary")
    assert [alert["delivery"] for alert in summary["alerts"]] == ["delivered", "delivered"]
    assert summary["falls"] == 1
    warnings = {warning["severity"]: warning["distance_m"] for warning in reversed(summary["warnings"])}
    assert warnings["caution"] > warnings["warning"] >= 1.16
    replayed = subprocess.run(
        [sys.executable, "-m", "firmware", "replay", str(record), "--diff"], capture_output=True, text=True, check=False
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_broker_absent_at_the_start_and_killed_at_the_fall_changes_nothing_but_the_time_of_delivery(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    mosquitto.stop()
    walk = RunningWalk(
        "--scenario", "fall", "--broker", f"127.0.0.1:{mosquitto.port}", "--config", short_countdown(tmp_path)
    )
    walk.wait_for(kind="walk", state="walking")
    mosquitto.start()
    walk.wait_for(kind="caregiver")
    walk.wait_for(kind="alert", hazard="sway", severity="warning")
    mosquitto.stop()
    walk.wait_for(kind="alert", hazard="fall", severity="confirmed")
    mosquitto.start()
    code, _ = walk.end()
    assert code == 0
    (summary,) = walk.find(kind="summary")
    assert [(alert["phase"], alert["delivery"]) for alert in summary["alerts"]] == [
        ("suspected", "delivered"),
        ("confirmed", "delivered"),
    ]
    undisturbed = take_walk("fall", tmp_path)
    heard = [pattern for pattern in walk.patterns() if pattern not in ("fall_sent", "ended")]
    expected = [str(pattern) for pattern in undisturbed.patterns() if pattern not in ("fall_sent", "ended")]
    assert heard == expected


def test_ctrl_c_ends_the_walk_cleanly_with_a_summary(mosquitto: Mosquitto) -> None:
    walk = RunningWalk("--scenario", "quiet", "--broker", f"127.0.0.1:{mosquitto.port}")
    walk.wait_for(kind="walk", state="walking")
    walk.interrupt()
    code, error = walk.end()
    assert (code, error) == (0, "")
    (summary,) = walk.find(kind="summary")
    assert summary["steps"] >= 3
    assert walk.said[-1] == summary
    assert walk.find(kind="walk", state="ended")


def test_killed_guard_is_started_again_and_the_walk_goes_on(mosquitto: Mosquitto) -> None:
    walk = RunningWalk("--scenario", "quiet", "--broker", f"127.0.0.1:{mosquitto.port}")
    walk.wait_for(kind="walk", state="walking")
    os.kill(walk.child("guard"), signal.SIGKILL)
    killed = len(walk.said)
    eventually(lambda: "walking" in walk.states()[killed:], 20.0, what="the new guard takes the walk over")
    walk.interrupt()
    assert walk.end()[0] == 0
