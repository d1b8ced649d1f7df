"""`rearguard doctor` itself on the libraries that a Raspberry Pi has: what it finds, and whom it leaves alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.doctor import Checks
from virtual_pi.programs import ROOT
from virtual_pi.wiring import connect_button, connect_imu, connect_rangefinder

from hal.samples import PARTS
from hal.sim.virtual_pi.server import VirtualPi

pytestmark = pytest.mark.usefixtures("needs_lgpio")


def doctor(pi: VirtualPi, folder: Path) -> tuple[int, Checks]:
    config = folder / "rearguard.toml"
    config.write_text(f'[paths]\nstate_dir = "{folder}"\nrun_dir = "{folder}"\n[mqtt]\nhost = ""\n')
    command = [sys.executable, "-m", "firmware", "doctor", "--json", "--config", str(config)]
    environment = os.environ | pi.environment | {"PYTHONPATH": str(ROOT)}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert not found.stderr
    return found.returncode, {check["id"]: check for check in json.loads(found.stdout)["checks"]}


def found(checks: Checks) -> set[str]:
    """The parts that were found. How well is not asked: here a busy machine makes a noisy sensor and slow writes."""
    return {part for part in PARTS if checks[part]["detail"].startswith("found")}


def test_every_part_of_a_wired_pi_is_found(pi: VirtualPi, tmp_path: Path) -> None:
    connect_imu(pi)
    connect_rangefinder(pi, 1.5)
    connect_button(pi)
    code, checks = doctor(pi, tmp_path)
    assert found(checks) == {*PARTS}, checks
    assert code == int(any(check["status"] == "fail" for check in checks.values()))
    assert checks["gpio"]["detail"] == "lgpio works"
    assert checks["processor"]["detail"].startswith("Raspberry Pi 4")
    with pi.held():
        assert sum(state.level > 0 for state in pi.pins.sim_pin(25).history) == 2, "the motor shakes twice"
        assert pi.pins.sim_pin(18).history, "the buzzer sounds"
        assert not pi.pins.sim_pin(25).pad.level


def test_parts_that_are_not_there_are_named_and_the_others_found(pi: VirtualPi, tmp_path: Path) -> None:
    connect_button(pi)
    code, checks = doctor(pi, tmp_path)
    assert code == 1
    assert checks["imu"]["detail"].startswith("not found: nothing answers on I2C bus 1")
    assert checks["rangefinder"]["detail"].startswith("not found: no echo")
    assert found(checks) == {"button", "buzzer", "motor"}, checks
