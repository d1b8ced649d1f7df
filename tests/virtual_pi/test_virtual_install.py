"""What an installed device says about itself, unsimulated: with the real lgpio, and with the empty one of that name."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from virtual_pi.conftest import Run
from virtual_pi.programs import ROOT
from virtual_pi.wiring import connect_button, connect_imu, connect_rangefinder

from hal.sim.virtual_pi.server import VirtualPi

NOTHING_MISSING, FAILURE, NO_HARDWARE = 0, 1, 3


def test_empty_lgpio_of_the_package_index_is_refused_with_what_to_do(run: Run, tmp_path: Path) -> None:
    """lgpio 0.0.0.2 is one empty file; pip takes it where there is no wheel of the real one."""
    (tmp_path / "lgpio.py").touch()
    said = run(
        "from hal.errors import PinsUnavailable\nfrom hal.pins import open_factory\ntry:\n    open_factory('lgpio')\n"
        "except PinsUnavailable as error:\n    say(str(error))\n",
        python_path=tmp_path,
    ).says()
    assert said == (
        f"gpio: the lgpio found at {tmp_path}/lgpio.py is not the real one; "
        "remove it and install it with `sudo apt install python3-lgpio`"
    )


@pytest.mark.usefixtures("needs_lgpio")
def test_program_that_opens_the_pins_stays_in_its_working_directory(run: Run, tmp_path: Path) -> None:
    """lgpio moves a process to where it makes its pipes; relative paths would then name other files."""
    program = run(
        f"import os\nfrom hal.pins import open_factory\nos.chdir({str(tmp_path)!r})\nopen_factory('lgpio')\n"
        "say(os.getcwd())\n"
    )
    assert program.says() == str(tmp_path)


def doctor(pi: VirtualPi, folder: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code of `rearguard doctor --json`, and its checks by their ids."""
    settings = folder / "rearguard.toml"
    settings.write_text(f'[paths]\nstate_dir = "{folder}"\nrun_dir = "{folder}"\n')
    done = subprocess.run(
        [sys.executable, "-m", "firmware", "doctor", "--json", "--config", str(settings)],
        cwd=ROOT,
        env=os.environ | pi.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, {check["id"]: check for check in json.loads(done.stdout)["checks"]}


@pytest.mark.usefixtures("needs_lgpio")
def test_doctor_finds_every_part_that_is_wired(pi: VirtualPi, tmp_path: Path) -> None:
    connect_imu(pi)
    connect_rangefinder(pi, 1.5)
    connect_button(pi)
    code, checks = doctor(pi, tmp_path)
    for part in ("imu", "rangefinder", "button"):
        assert checks[part]["status"] == "ok", checks[part]
    assert code == NOTHING_MISSING, [check for check in checks.values() if check["status"] == "fail"]


@pytest.mark.usefixtures("needs_lgpio")
def test_doctor_names_the_part_that_is_not_wired(pi: VirtualPi, tmp_path: Path) -> None:
    connect_rangefinder(pi, 1.5)
    connect_button(pi)
    code, checks = doctor(pi, tmp_path)
    assert checks["imu"]["status"] == "fail"
    assert checks["rangefinder"]["status"] == "ok", checks["rangefinder"]
    assert code in (FAILURE, NO_HARDWARE)
