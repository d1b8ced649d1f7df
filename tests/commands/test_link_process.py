"""The link's process tells what is new when the guard says so, and not only at its next turn."""

import threading
from pathlib import Path

import pytest
from support.waiting import eventually

from firmware.commands import link_process
from firmware.config import Config, PathsConfig
from firmware.ipc import NEWS_SOCKET, Sender
from firmware.link import last_time
from firmware.link.config import MqttConfig

A_LONG_TURN_S = 3600.0


class Turns:
    """In the place of the link: counts its turns."""

    def __init__(self, *_: object, **__: object) -> None:
        self.count = 0
        turns.append(self)

    def tick(self) -> None:
        self.count += 1

    def close(self) -> None:
        """There is nobody to say farewell to."""


turns: list[Turns] = []


def test_link_keeps_the_time_while_its_clock_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "synchronized").touch()
    monkeypatch.setattr(link_process, "SYNCED_MARK", tmp_path / "synchronized")
    monkeypatch.setattr(link_process, "Link", Turns)
    stop = threading.Event()
    config = Config(mqtt=MqttConfig(host=""), paths=PathsConfig(state_dir=tmp_path, run_dir=tmp_path))
    link = threading.Thread(target=link_process.run_link, args=(config, stop))
    link.start()
    try:
        eventually(lambda: last_time.read_s(tmp_path), what="the time is kept")
    finally:
        stop.set()
        link.join()


def test_link_takes_a_turn_whenever_the_guard_has_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_process, "TURN_S", A_LONG_TURN_S)
    monkeypatch.setattr(link_process, "Link", Turns)
    config = Config(mqtt=MqttConfig(host=""), paths=PathsConfig(state_dir=tmp_path, run_dir=tmp_path))
    stop, guard = threading.Event(), Sender(tmp_path / NEWS_SOCKET)
    link = threading.Thread(target=link_process.run_link, args=(config, stop))
    link.start()
    eventually(lambda: turns and turns[-1].count == 1)
    eventually(lambda: guard.send({"v": 1}), what="the link listens")
    eventually(lambda: turns[-1].count == 2)
    stop.set()
    guard.send({"v": 1})
    link.join()
    guard.close()


def test_link_believes_a_clock_that_was_set_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "synchronized"
    monkeypatch.setattr(link_process, "SYNCED_MARK", mark)
    monkeypatch.setattr(link_process.time, "time_ns", lambda: 5_000_000)
    assert link_process.today_ms() is None
    mark.touch()
    assert link_process.today_ms() == 5
