"""A guard that dies with its outputs on: what the pins do then is the kernel's habit, and the next start is safe."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.waiting import eventually
from virtual_pi.conftest import Run
from virtual_pi.programs import ROOT
from virtual_pi.wiring import connect_imu

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
    # lgpio catches up after each delay of a busy machine, so that the tone holds on the whole, not period by period.
    assert len(history) / (history[-1] - history[0]) == pytest.approx(800 / 1e9, rel=0.25)


@pytest.mark.parametrize(("command", "pin"), [("doctor", MOTOR), ("calibrate", BUZZER)])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda sent: sent.name)
def test_who_ends_a_command_in_the_middle_of_a_tone_leaves_nothing_on(
    pi: VirtualPi, tmp_path: Path, command: str, pin: int, sent: signal.Signals
) -> None:
    """Ctrl-C, a service that is stopped, a connection that is lost."""
    connect_imu(pi)
    settings = tmp_path / "rearguard.toml"
    paths = f'[paths]\nstate_dir = "{tmp_path}"\nrun_dir = "{tmp_path}"\n'
    settings.write_text(f'{paths}[mqtt]\nhost = ""\n[buzzer]\nkind = "active"\n')
    program = subprocess.Popen(
        [sys.executable, "-m", "firmware", command, "--config", str(settings)],
        cwd=ROOT,
        env=os.environ | pi.environment,
        stdout=subprocess.DEVNULL,
    )
    eventually(lambda: level(pi, pin) == 1.0, what="it is on")
    program.send_signal(sent)
    assert program.wait(timeout=20) == 130
    assert (level(pi, BUZZER), level(pi, MOTOR)) == (0.0, 0.0)
