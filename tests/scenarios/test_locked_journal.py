"""The link's process beside a journal that another process keeps, or whose disk hangs: a fall is told all the same."""

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.events import an_event, made_id
from support.mosquitto import Mosquitto, Subscriber

from firmware.guard.pocket import Pocket
from firmware.journal import JOURNAL, Journal

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]
PATIENCE_S = 30.0
RUN = "import sys; from firmware.cli import main; sys.exit(main(sys.argv[1:]))"
HANGS = "import threading; from firmware.journal import Journal; Journal.dropped = lambda _: threading.Event().wait()\n"
FAILS = """
from firmware.link.link import Link
tick = Link.tick
def until_connected(link):
    tick(link)
    if link._client.connected:
        raise OSError(24, "too many open files")
Link.tick = until_connected
"""
FALLEN = {"active": True, "alarm": made_id(1), "type": "fall", "severity": "critical", "t": "x"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def heard(broker: Mosquitto) -> Iterator[Subscriber]:
    with contextlib.closing(Subscriber(broker.port, "rearguard/#")) as subscriber:
        yield subscriber


@contextlib.contextmanager
def link(folder: Path, port: int, changed: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """`rearguard run link`, with something `changed` in it."""
    path = folder / "rearguard.toml"
    path.write_text(f'[paths]\nstate_dir = "{folder}"\nrun_dir = "{folder}"\n[mqtt]\nport = {port}\n')
    command = [sys.executable, "-c", changed + RUN, "run", "link", "--config", str(path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _falls(folder: Path, heard: Subscriber) -> list[str]:
    """The phases told, each before the next one is decided on."""
    pocket = Pocket(folder, print)
    for number, phase in ((1, "suspected"), (2, "confirmed")):
        pocket.put(an_event(number, alarm=made_id(1), phase=phase), {**FALLEN, "phase": phase})
        lines = heard.read_until(f'"id":"{made_id(number)}"')
    return [json.loads(payload)["phase"] for topic, payload in lines if topic.endswith("/event")]


def test_a_fall_is_told_while_another_process_holds_the_journal(
    broker: Mosquitto, heard: Subscriber, tmp_path: Path
) -> None:
    with contextlib.closing(Journal(tmp_path / JOURNAL)) as journal:
        journal.next_boot()
    locker = sqlite3.connect(tmp_path / JOURNAL, isolation_level=None)
    with contextlib.closing(locker), link(tmp_path, broker.port):
        heard.read_until('"state":"ready"')
        locker.execute("BEGIN EXCLUSIVE")
        assert list(dict.fromkeys(_falls(tmp_path, heard))) == ["suspected", "confirmed"]
        heard.read_until("database is locked")  # the heartbeat
        assert locker.in_transaction


def test_a_fall_is_told_while_the_disk_hangs_and_the_end_waits_for_no_disk(
    broker: Mosquitto, heard: Subscriber, tmp_path: Path
) -> None:
    with link(tmp_path, broker.port, HANGS) as process:
        assert list(dict.fromkeys(_falls(tmp_path, heard))) == ["suspected", "confirmed"]
        heard.read_until("disk does not answer")  # the heartbeat
        process.send_signal(signal.SIGTERM)
        heard.read_until('"state":"ended"')
        assert process.wait(PATIENCE_S) == 0


def test_a_link_that_ends_by_a_failure_is_told_as_lost(broker: Mosquitto, heard: Subscriber, tmp_path: Path) -> None:
    with link(tmp_path, broker.port, FAILS) as process:
        said = heard.read_until('"state":"lost"')
        assert process.wait(PATIENCE_S) == 1
    assert not any('"ended"' in payload for _, payload in said)
