"""The airbag's pin under unmodified gpiozero and lgpio: its pulse, and what is left of it when its program dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.waiting import eventually
from virtual_pi.conftest import Run
from virtual_pi.programs import ROOT

from firmware.core.messages import Pattern
from firmware.ipc import SOUNDER_SOCKET, Play, Sender, encode_play
from hal.sim.virtual_pi.server import VirtualPi

pytestmark = pytest.mark.usefixtures("needs_lgpio")

PIN = 22
RAISE = """
from hal.board import PiBoard
from hal.config import AirbagConfig, BoardConfig

airbag = PiBoard(BoardConfig(airbag=AirbagConfig(pin=22, pulse_s=0.2))).open_airbag()
say("low")
wait_for_the_test()
airbag.on()
say("raised")
wait_for_the_test()
"""


def levels(pi: VirtualPi) -> list[float]:
    with pi.held():
        return [state.level for state in pi.pins.sim_pin(PIN).history]


def configured(folder: Path) -> list[str]:
    """A sounder whose pulse is long enough to die in."""
    settings = folder / "rearguard.toml"
    settings.write_text(f'[paths]\nrun_dir = "{folder}"\n[airbag]\npin = {PIN}\npulse_s = 2.0\napart_s = 5.0\n')
    return ["--config", str(settings)]


def firmware(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "firmware", *arguments]


@contextmanager
def sounder_in_a_pulse(pi: VirtualPi, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The sounder's own process, which was told over its socket that a fall seems to begin."""
    environment = os.environ | pi.environment
    process = subprocess.Popen(firmware("run", "sounder", *configured(folder)), cwd=ROOT, env=environment)
    guard = Sender(folder / SOUNDER_SOCKET)

    def told() -> bool:
        guard.send(encode_play(Play(Pattern.SILENT, 1, True, time.monotonic_ns())))
        return levels(pi)[-1:] == [1.0]

    try:
        eventually(told, 40.0, what="the pin is high")
        yield process
    finally:
        guard.close()
        process.kill()
        process.wait()


def test_pin_is_high_for_one_pulse_which_ends_without_its_program(pi: VirtualPi, run: Run) -> None:
    program = run(RAISE)
    assert program.says() == "low"
    assert levels(pi) == [], "to open it raises nothing"
    program.proceed()
    assert program.says() == "raised"
    eventually(lambda: levels(pi) == [1.0, 0.0], what="it is low again while the program waits")
    with pi.held():
        rise, fall = pi.pins.sim_pin(PIN).history
    assert fall.t_ns - rise.t_ns >= 150_000_000
    program.proceed()
    program.end()
    assert levels(pi) == [1.0, 0.0]


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT], ids=lambda sent: sent.name)
def test_sounder_that_is_told_to_end_in_a_pulse_ends_the_pulse(
    pi: VirtualPi, tmp_path: Path, sent: signal.Signals
) -> None:
    with sounder_in_a_pulse(pi, tmp_path) as process:
        process.send_signal(sent)
        process.wait(timeout=20)
    assert levels(pi) == [1.0, 0.0]


@pytest.mark.parametrize("keeps", [True, False], ids=["lines keep their level", "lines become inputs"])
def test_sounder_that_is_killed_in_a_pulse_leaves_it_to_the_kernel_and_to_silence(
    pi: VirtualPi, tmp_path: Path, keeps: bool
) -> None:
    pi.chip.keeps_outputs = keeps
    with sounder_in_a_pulse(pi, tmp_path) as process:
        process.kill()
        process.wait()
        eventually(lambda: pi.chip.holder(PIN) is None, what="the line is free")
        assert levels(pi) == ([1.0] if keeps else [1.0, 0.0])
    settings = ["--config", str(tmp_path / "rearguard.toml")]
    subprocess.run(firmware("silence", *settings), cwd=ROOT, env=os.environ | pi.environment, check=True)
    assert levels(pi) == [1.0, 0.0]
