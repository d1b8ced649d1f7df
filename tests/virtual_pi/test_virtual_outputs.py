"""A guard that dies with its outputs on: what the pins do then is the kernel's habit, and the next start is safe."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from support.waiting import eventually
from virtual_pi.conftest import Run
from virtual_pi.programs import ROOT

from hal.sim.virtual_pi.server import VirtualPi

pytestmark = pytest.mark.usefixtures("needs_lgpio")

BUZZER, MOTOR = 18, 25
OPEN = """
from hal.board import PiBoard
from hal.config import BoardConfig, BuzzerConfig

board = PiBoard(BoardConfig(buzzer=BuzzerConfig(kind="{kind}", pwm="software")))
buzzer, motor = board.open_buzzer(), board.open_motor()
"""
SOUND = """
motor.on()
buzzer.tone(800, 1.0)
say("on")
while True:
    board.clock.sleep(0.1)
    motor.on()
    buzzer.tone(800, 1.0)
"""


def level(pi: VirtualPi, pin: int) -> float:
    with pi.held():
        return pi.pins.sim_pin(pin).pad.level


def changes(pi: VirtualPi, pin: int) -> int:
    with pi.held():
        return len(pi.pins.sim_pin(pin).history)


@pytest.mark.parametrize("kind", ["passive", "active"])
@pytest.mark.parametrize("keeps", [True, False], ids=["lines keep their level", "lines become inputs"])
def test_killed_guard_with_its_outputs_on_is_silent_after_the_next_start(
    pi: VirtualPi, run: Run, keeps: bool, kind: str
) -> None:
    pi.chip.keeps_outputs = keeps
    program = run(OPEN.format(kind=kind) + SOUND)
    assert program.says() == "on"
    program.kill()
    eventually(lambda: pi.chip.holder(MOTOR) is None and pi.chip.holder(BUZZER) is None, what="the lines are free")
    assert level(pi, MOTOR) == float(keeps)
    if kind == "active" or not keeps:
        assert level(pi, BUZZER) == float(keeps)
    sounded = changes(pi, BUZZER)

    again = run(OPEN.format(kind=kind) + "say('open')\nwait_for_the_test()\n")
    assert again.says() == "open"
    assert (level(pi, BUZZER), level(pi, MOTOR)) == (0.0, 0.0)
    assert changes(pi, BUZZER) <= sounded + 1, "silent in between"
    again.proceed()
    again.end()


def test_silence_command_drives_low_what_a_killed_guard_left_on(pi: VirtualPi, run: Run, tmp_path: Path) -> None:
    """systemd runs it as soon as the sounder has ended, however it ended."""
    program = run(OPEN.format(kind="active") + SOUND)
    assert program.says() == "on"
    program.kill()
    eventually(lambda: pi.chip.holder(MOTOR) is None and pi.chip.holder(BUZZER) is None, what="the lines are free")
    assert (level(pi, BUZZER), level(pi, MOTOR)) == (1.0, 1.0)

    settings = tmp_path / "rearguard.toml"
    settings.write_text(f'[paths]\nrun_dir = "{tmp_path}"\n[buzzer]\nkind = "active"\n')
    command = [sys.executable, "-m", "firmware", "silence", "--config", str(settings)]
    subprocess.run(command, cwd=ROOT, env=os.environ | pi.environment, check=True)
    assert (level(pi, BUZZER), level(pi, MOTOR)) == (0.0, 0.0)


def test_passive_buzzer_gets_its_tone_from_unmodified_lgpio(pi: VirtualPi, run: Run) -> None:
    program = run(OPEN.format(kind="passive") + SOUND)
    assert program.says() == "on"
    eventually(lambda: changes(pi, BUZZER) > 200, what="200 edges of the tone")
    program.kill()
    history = [state.t_ns for state in pi.pins.sim_pin(BUZZER).history if state.level]
    periods_ns = sorted(after - before for before, after in pairwise(history))
    assert periods_ns[len(periods_ns) // 2] == pytest.approx(1e9 / 800, rel=0.1)
