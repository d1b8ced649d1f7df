"""The sounder as a process: silent before all else, watched while it turns, silent at the end."""

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from support.waiting import eventually

from firmware.commands import sounder_process
from firmware.commands.sounder_process import run_sounder
from firmware.config import Config, PathsConfig
from firmware.core.messages import Pattern
from firmware.ipc import SOUNDER_SOCKET, Play, Sender, encode_play
from firmware.sounder.sounder import TURN_S, Sounder, SounderConfig
from firmware.sounder.voice import VoiceConfig
from hal.config import AirbagConfig, BoardConfig, LedConfig
from hal.sim.board import SimBoard
from hal.sim.clock import PacedClock, SimClock
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


def test_countdown_grows_over_the_time_that_is_set(
    config: Config, board: SimBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []

    def spy(*args: object, countdown_s: float, **more: object) -> Sounder:
        told.append(countdown_s)
        return Sounder(*args, countdown_s=countdown_s, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(sounder_process, "Sounder", spy)
    fall = replace(config.core.fall, countdown_s=17.0)
    run(replace(config, core=replace(config.core, fall=fall)), board, Turns(2))
    assert told == [17.0]


class Inbox:
    """The guard's word comes 3.7 ms after every fifth turn."""

    rejected = 0

    def __init__(self, clock: SimClock) -> None:
        self._clock, self._next_ns = clock, 3_700_000

    def receive(self, timeout_s: float = 0.0) -> dict[str, object] | None:
        until_ns = self._clock.now_ns() + round(timeout_s * 1e9)
        if self._next_ns > until_ns:
            self._clock.sleep((until_ns - self._clock.now_ns()) / 1e9)
            return None
        self._clock.sleep(max(self._next_ns - self._clock.now_ns(), 0) / 1e9)
        self._next_ns += 50_000_000
        return encode_play(Play(Pattern.SILENT, 1, True))


def test_turns_keep_their_beat_whenever_the_guard_speaks() -> None:
    """A turn that was put off by a word would lengthen the pause that it ends."""
    clock = SimClock()
    ticks_ns: list[int] = []

    class Listener:
        def receive(self, play: Play, now_ns: int) -> None: ...

        def tick(self, now_ns: int) -> None:
            ticks_ns.append(now_ns)

    sounder_process._play(Listener(), Inbox(clock), clock, Turns(200), lambda now_ns: None)  # type: ignore[arg-type]
    turn_ns = round(TURN_S * 1e9)
    beat = [t_ns for t_ns in ticks_ns if t_ns % turn_ns == ticks_ns[0] % turn_ns]
    assert [after - before for before, after in pairwise(beat)] == [turn_ns] * (len(beat) - 1)
    assert len(ticks_ns) - len(beat) >= 20, "and each word is heeded at once"


def speaking(config: Config, folder: Path, player: str) -> Config:
    (folder / "de").mkdir()
    (folder / "de" / "ready.wav").write_bytes(b"RIFF")
    script = folder / "play"
    script.write_text(f"#!/bin/sh\n{player}\n")
    script.chmod(0o755)
    voice = VoiceConfig(language="de", folder=str(folder), player=str(script))
    return replace(config, sounder=SounderConfig(voice=voice))


def test_a_prompt_is_spoken_after_its_pattern_and_a_hanging_player_ends_with_the_sounder(
    config: Config, board: SimBoard, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    stop = threading.Event()
    hanging = f"trap '' TERM INT HUP; echo $$ > {started}; exec sleep 300"
    thread = threading.Thread(target=run_sounder, args=(speaking(config, tmp_path, hanging), board, stop))
    thread.start()
    to_sounder = Sender(tmp_path / SOUNDER_SOCKET)

    def asked() -> bool:
        to_sounder.send(encode_play(Play(Pattern.READY, 1, True)))
        return started.exists() and bool(started.read_text().strip())

    eventually(asked)
    stop.set()
    thread.join()
    to_sounder.close()
    stat = Path(f"/proc/{started.read_text().strip()}/stat")
    eventually(lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z")
    assert [pin.pad.level for pin in output_pins(board)] == [0, 0, 0, 0]


def test_a_sounder_without_a_voice_starts_no_process(
    config: Config, board: SimBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subprocess.Popen", lambda *args, **more: pytest.fail("nobody asked for a voice"))
    assert run(config, board, Turns(5)) == []
