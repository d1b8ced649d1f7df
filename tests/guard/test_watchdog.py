"""The watchdog is fed by readers that come back, not by a loop that spins."""

import socket
from pathlib import Path

import pytest

from firmware.guard.readers import Reader
from firmware.guard.watchdog import Watchdog, systemd_notifier
from hal.errors import NoEcho
from hal.samples import RangeSample
from hal.sim.clock import SimClock


class Blind:
    def read(self) -> list[RangeSample]:
        raise NoEcho("no echo")

    def close(self) -> None:
        return None


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


def test_ready_is_said_once_every_reader_came_back(clock: SimClock) -> None:
    said: list[str] = []
    reader = Reader("rangefinder", Blind, clock, period_s=0.06)
    watchdog = Watchdog(said.append, [reader])
    watchdog.turn(clock.now_ns())
    assert said == []
    reader.poll()
    watchdog.turn(clock.now_ns())
    assert said == ["READY=1", "WATCHDOG=1"]


def test_failing_part_feeds_the_watchdog_for_its_fault_is_being_sounded(clock: SimClock) -> None:
    said: list[str] = []
    reader = Reader("rangefinder", Blind, clock, period_s=0.06)
    watchdog = Watchdog(said.append, [reader])
    for _ in range(100):
        reader.poll()
        clock.sleep(0.1)
        watchdog.turn(clock.now_ns())
    assert said.count("WATCHDOG=1") > 30


def test_driver_that_never_returns_starves_the_watchdog(clock: SimClock) -> None:
    said: list[str] = []
    reader = Reader("rangefinder", Blind, clock, period_s=0.06)
    watchdog = Watchdog(said.append, [reader])
    reader.poll()
    for _ in range(100):
        clock.sleep(0.1)
        watchdog.turn(clock.now_ns())
    assert said.count("WATCHDOG=1") <= 11


def test_systemd_hears_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        systemd_notifier()("READY=1")
        assert systemd.recv(100) == b"READY=1"


def test_without_systemd_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd_notifier()("READY=1")
