"""The link's process tells what is new when the guard says so, and not only at its next turn."""

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.events import an_event
from support.waiting import eventually

from firmware.commands import link_process
from firmware.commands.link_process import InMemory
from firmware.config import Config, PathsConfig
from firmware.decided import Decided
from firmware.guard.pocket import Pocket
from firmware.ipc import NEWS_SOCKET, Sender
from firmware.journal import JOURNAL, Journal
from firmware.link import last_time, ledger
from firmware.link.config import MqttConfig
from firmware.link.ledger import Found, Ledger

A_LONG_TURN_S = 3600.0


class Turns:
    """In the place of the link: counts its turns, and the events that it hears of."""

    trouble: OSError | None = None

    def __init__(self, journal: Ledger, *_: object, **__: object) -> None:
        self._journal, self.count, self.events, self.closed = journal, 0, 0, False
        turns.append(self)

    def tick(self) -> None:
        self.count += 1
        self.events += sum(len(found.events) for found in self._journal.take() if isinstance(found, Found))
        if self.trouble is not None:
            raise self.trouble

    def close(self) -> None:
        self.closed = True


turns: list[Turns] = []


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr(link_process, "Link", Turns)
    return Config(mqtt=MqttConfig(host=""), paths=PathsConfig(state_dir=tmp_path, run_dir=tmp_path))


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Sender]:
    with contextlib.closing(Sender(tmp_path / NEWS_SOCKET)) as sender:
        yield sender


def test_link_takes_a_turn_whenever_the_guard_has_news(
    config: Config, guard: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (link_process, ledger):
        monkeypatch.setattr(module, "TURN_S", A_LONG_TURN_S)
    stop = threading.Event()
    link = threading.Thread(target=link_process.run_link, args=(config, stop))
    with contextlib.closing(Journal(tmp_path / JOURNAL)) as journal:
        link.start()
        eventually(lambda: turns and turns[-1].count)
        eventually(lambda: guard.send({"v": 1}), what="the link listens")
        for number in (1, 2):
            journal.append(an_event(number))
            guard.send({"v": 1})
            eventually(lambda wanted=number: turns[-1].events == wanted)  # type: ignore[misc]
        stop.set()
        monkeypatch.undo()
        journal.append(an_event(3))
        guard.send({"v": 1})
        link.join()
    assert turns[-1].closed
    eventually(lambda: "ledger" not in [thread.name for thread in threading.enumerate()])


def test_link_keeps_the_time_while_its_clock_is_right(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "synchronized").touch()
    monkeypatch.setattr(link_process, "SYNCED_MARK", tmp_path / "synchronized")
    stop = threading.Event()
    link = threading.Thread(target=link_process.run_link, args=(config, stop))
    link.start()
    try:
        eventually(lambda: last_time.read_s(tmp_path), what="the time is kept")
    finally:
        stop.set()
        link.join()


def test_link_believes_a_clock_that_was_set_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "synchronized"
    monkeypatch.setattr(link_process, "SYNCED_MARK", mark)
    monkeypatch.setattr(link_process.time, "time_ns", lambda: 5_000_000)
    assert link_process.today_ms() is None
    mark.touch()
    assert link_process.today_ms() == 5


def test_a_link_that_ends_by_a_failure_says_no_clean_end(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Turns, "trouble", OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
    with pytest.raises(OSError, match="open files"):
        link_process.run_link(config, threading.Event())
    assert not turns[-1].closed


def test_a_run_directory_that_cannot_be_read_for_a_moment_forgets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pocket, in_memory = Pocket(tmp_path, print), InMemory(tmp_path)
    pocket.put(an_event(1), {"active": True})
    assert in_memory() == [Decided(an_event(1), {"active": True})]

    def too_many(_: Path) -> list[Path]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patched:
        patched.setattr(link_process, "paths", too_many)
        assert len(in_memory()) == 1
    pocket.drop(an_event(1).id)
    assert in_memory() == []


def test_what_was_written_by_half_is_read_again(tmp_path: Path) -> None:
    pocket, in_memory = Pocket(tmp_path, print), InMemory(tmp_path)
    pocket.put(an_event(1), {"active": True})
    (path,) = tmp_path.glob("decided-*")
    whole = path.read_text()
    path.write_text(whole[:50])
    assert in_memory() == []
    path.write_text(whole)
    assert len(in_memory()) == 1
