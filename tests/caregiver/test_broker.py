import builtins
import signal
import socket
import subprocess
import sys
from typing import Any

import pytest

from caregiver.broker import main


def _start(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "error::ResourceWarning", "-m", "caregiver.broker", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_the_embedded_broker_says_where_it_listens_and_ends_cleanly(word: signal.Signals) -> None:
    process = _start()
    assert process.stdout is not None
    host, _, port = process.stdout.readline().removeprefix("listening ").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5):
        assert host == "127.0.0.1"
    process.send_signal(word)
    assert process.communicate() == ("", "")
    assert process.returncode == 0


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = _start("--port", str(taken.getsockname()[1]))
        out, errors = process.communicate()
    assert process.returncode == 1
    assert out == ""
    assert errors.startswith("broker: 127.0.0.1:")
    assert errors.count("\n") == 1


def test_a_missing_amqtt_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = builtins.__import__

    def without(name: str, *details: Any) -> Any:
        if name.startswith("amqtt"):
            raise ImportError("No module named 'amqtt'")
        return real(name, *details)

    monkeypatch.setattr("caregiver.broker._quiet", lambda: None)
    monkeypatch.setattr(builtins, "__import__", without)
    assert main([]) == 1
    assert "-m pip install -e '.[demo]'" in capsys.readouterr().err
