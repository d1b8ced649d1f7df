"""The sounder as a process: silent before all else, watched while it turns, silent at the end."""

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from firmware.commands.sounder_process import run_sounder
from firmware.config import Config, PathsConfig
from firmware.ipc import SOUNDER_SOCKET
from hal.config import AirbagConfig, BoardConfig, LedConfig
from hal.sim.board import SimBoard
from hal.sim.clock import PacedClock
from hal.sim.pins import SimPin
from hal.sim.world.scenarios import scenario


class Turns(threading.Event):
    """Set after so many questions whether it is; `at_each` is called with their number before."""

    def __init__(self, count: int, at_each: Callable[[int], None] = lambda turn: None) -> None:
        super().__init__()
        self._count, self._at_each, self._asked = count, at_each, 0

    def is_set(self) -> bool:
        self._asked += 1
        self._at_each(self._asked)
        return self._asked > self._count


@pytest.fixture
def config(tmp_path: Path) -> Config:
    board = replace(BoardConfig(), led=LedConfig(pin=16), airbag=AirbagConfig(pin=22))
    return Config(board=board, paths=PathsConfig(state_dir=tmp_path, run_dir=tmp_path))


@pytest.fixture
def board(config: Config) -> SimBoard:
    return SimBoard(config.board, scenario("stand"), epoch_ns=PacedClock().now_ns(), new_clock=PacedClock)


def output_pins(board: SimBoard) -> list[SimPin]:
    return [board.buzzer_pin, board.motor_pin, board.led_pin, board.airbag_pin]


def run(config: Config, board: SimBoard, stop: threading.Event) -> list[BaseException]:
    """In a thread of its own, which may be given real-time priority; what it died of."""
    died: list[BaseException] = []

    def target() -> None:
        try:
            run_sounder(config, board, stop)
        except ZeroDivisionError as error:
            died.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    return died


def test_outputs_are_silent_before_the_sounder_can_be_asked_for_anything(config: Config, board: SimBoard) -> None:
    for pin in output_pins(board):
        pin.show(1.0, None)
    found: list[tuple[float, ...]] = []
    assert config.board.led.pin is not None
    open_led = board.open_led

    def last_to_open() -> object:
        led = open_led()
        found.append(tuple(pin.pad.level for pin in output_pins(board)))
        assert not (config.paths.run_dir / SOUNDER_SOCKET).exists()
        return led

    board.open_led = last_to_open  # type: ignore[method-assign,assignment]
    run(config, board, Turns(2))
    assert found == [(0, 0, 0, 0)]


def test_sounder_that_dies_of_an_error_leaves_everything_silent(config: Config, board: SimBoard) -> None:
    def crash(turn: int) -> None:
        for pin in output_pins(board):
            pin.show(1.0, None)
        if turn == 3:
            raise ZeroDivisionError

    assert run(config, board, Turns(5, crash))
    assert [pin.pad.level for pin in output_pins(board)] == [0, 0, 0, 0]
    assert [pin.pull for pin in output_pins(board)] == ["down"] * 4


def test_systemd_hears_of_the_first_turn_and_is_asked_to_watch_for_two_seconds(
    config: Config, board: SimBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30.0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        run(config, board, Turns(5))
        assert systemd.recv(100) == b"WATCHDOG_USEC=2000000\nWATCHDOG=1"
