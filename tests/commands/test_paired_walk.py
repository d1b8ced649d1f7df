"""The screen of a walk on a device that is paired: the broker lets in whom it knows, and the screen is nobody."""

import argparse
import contextlib
import threading
from pathlib import Path

import pytest
from support.home import Home
from support.waiting import eventually

from firmware.commands import session
from firmware.commands.processes import Child
from firmware.commands.session import SHOWN_ELSEWHERE, Session
from firmware.config import Config, PathsConfig
from firmware.ids import device_id
from firmware.link.config import MqttConfig
from firmware.pairing import device as own
from firmware.pairing.device import install

WALK = argparse.Namespace(simulated=False, record=None, json=False, plain=True, no_sound=True)


@pytest.fixture
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the parts that need a board."""
    monkeypatch.setattr(session, "start_device", lambda *_, **__: {})
    monkeypatch.setattr(session, "run_arguments", lambda *_: [])


def walk(folder: Path, mqtt: MqttConfig, stack: contextlib.ExitStack) -> Session:
    paths = PathsConfig(state_dir=folder, run_dir=folder)
    return Session(WALK, Config(mqtt=mqtt, paths=paths), None, threading.Event(), stack)


@pytest.mark.broker
@pytest.mark.usefixtures("nobody_else")
def test_a_paired_devices_screen_says_where_alerts_are_shown_and_does_not_knock_at_the_broker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(session, "Child", lambda name, *_: (started.append(name), Child(name, "platform", []))[1])
    (tmp_path / "all").mkdir()
    with Home(tmp_path / "all") as home, contextlib.ExitStack() as stack:
        request = own.request(tmp_path)
        install(tmp_path, home.authority.sign(request.encode(), "it"), "it", home.authority._now)
        walk(tmp_path, MqttConfig(), stack)._turn()
    assert started == []
    assert capsys.readouterr().out.splitlines() == [SHOWN_ELSEWHERE]


@pytest.mark.usefixtures("nobody_else")
def test_a_device_beside_its_broker_shows_what_arrives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    device, line = device_id(tmp_path), '{"kind": "status", "dev": "", "body": {"state": "ready"}}'
    program = tmp_path / "said.py"
    program.write_text(f"import sys; print({line!r}); assert sys.argv[-1] == {device!r}; sys.stdin.read()")
    monkeypatch.setattr(session, "Child", lambda name, _, arguments: Child(name, "said", arguments))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    said = ""
    with contextlib.ExitStack() as stack:
        shown = walk(tmp_path, MqttConfig(), stack)

        def look() -> bool:
            nonlocal said
            shown._turn()
            said += capsys.readouterr().out
            return "caregiver  device is ready" in said

        eventually(look, what="the word is shown")
    assert SHOWN_ELSEWHERE not in said
