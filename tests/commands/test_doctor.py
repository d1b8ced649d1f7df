"""What `rearguard doctor` says, to people and to programs, with which exit code, and on a machine that is no device."""

import fcntl
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.doctor import doctor, well_fitted

from firmware import cli
from firmware.commands.checks.check import Check
from firmware.commands.doctor import _summary
from hal.samples import PARTS


def test_a_whole_device_is_found_well(capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = doctor(capsys, "--simulated")
    assert code == 0
    assert {checks[part]["status"] for part in PARTS} == {"ok"}
    assert {"python", "gpio", "disk", "broker", "recording", "mounting", "power"} <= checks.keys()
    assert not {"led", "low_rangefinder"} & checks.keys()


def test_parts_that_are_fitted_are_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checks = doctor(capsys, "--simulated", "--config", str(well_fitted(tmp_path)))[1]
    assert {"led", "low_rangefinder"} <= checks.keys()


def test_people_read_one_line_a_check_with_its_hint_below(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--simulated", "--fault", "wrong:rangefinder"]) == 1
    lines = capsys.readouterr().out.splitlines()
    row = next(i for i, line in enumerate(lines) if line.startswith("fail  rangefinder"))
    assert "found, wrong: echo of 0.5 cm, expected at least 2 cm" in lines[row]
    assert lines[row + 1].strip().startswith("-> something covers the sensor")
    assert lines[-1].startswith(f"{sum(not line.startswith(' ') for line in lines[:-1])} checks, 1 failed")
    starts = {len(line) - len(line[6:].partition(" ")[2].lstrip()) for line in lines[:-1] if line[0] != " "}
    assert starts == {lines[row + 1].index("->")}, "details and hints begin in one column"


@pytest.mark.parametrize(
    ("statuses", "text"),
    [
        (["ok", "ok"], "2 checks, none failed"),
        (["ok", "warn"], "2 checks, none failed, 1 warning"),
        (["fail", "warn", "warn"], "3 checks, 1 failed, 2 warnings"),
    ],
)
def test_the_last_line_sums_up(statuses: list[str], text: str) -> None:
    assert _summary([Check(str(i), status, "") for i, status in enumerate(statuses)]) == text  # type: ignore[arg-type]


def test_a_machine_without_pins_is_no_device(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", None)
    config = tmp_path / "rearguard.toml"
    config.write_text(f'[paths]\nstate_dir = "{tmp_path}"\nrun_dir = "{tmp_path}"\n[mqtt]\nhost = ""\n')
    code, checks = doctor(capsys, "--config", str(config))
    assert code == 3
    assert "apt install python3-lgpio" in checks["gpio"]["hint"]
    assert checks["button"]["detail"] == "not looked at: there are no GPIO pins"
    assert checks["disk"]["status"] in ("ok", "warn")  # the tests may run on a file system that does not last
    assert checks["broker"]["status"] == "warn"


def test_parts_that_the_guard_uses_are_left_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = tmp_path / "rearguard.toml"
    config.write_text(f'[paths]\nstate_dir = "{tmp_path}"\nrun_dir = "{tmp_path}"\n[mqtt]\nhost = ""\n')
    with (tmp_path / "guard.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, checks = doctor(capsys, "--config", str(config))
    assert code == 1
    assert checks["running"]["hint"].startswith("sudo systemctl stop rearguard.target")
    assert {checks[part]["detail"] for part in PARTS} == {"not looked at: the parts are in use, or may be"}
    assert "gpio" not in checks
    assert not list(tmp_path.glob("sounder.lock")), "a lock made by root would keep the service from starting"


def test_parts_that_may_be_in_use_are_left_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = tmp_path / "rearguard.toml"
    config.write_text(f'[paths]\nstate_dir = "{tmp_path}"\nrun_dir = "{tmp_path}"\n[mqtt]\nhost = ""\n')
    (tmp_path / "guard.lock").mkdir()  # cannot be opened, like another user's, but by root neither
    code, checks = doctor(capsys, "--config", str(config))
    assert (code, checks["running"]["status"], checks["running"]["hint"]) == (1, "fail", "run it with sudo")
    assert {checks[part]["detail"] for part in PARTS} == {"not looked at: the parts are in use, or may be"}


def test_a_name_server_that_hangs_holds_up_no_simulated_doctor(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(60) and [])
    config = tmp_path / "rearguard.toml"
    config.write_text('[mqtt]\nhost = "localhost"\n')
    broker = doctor(capsys, "--simulated", "--config", str(config))[1]["broker"]
    release.set()
    assert (broker["status"], broker["detail"]) == ("warn", "localhost was not found in time")


def test_a_broker_that_answers_is_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = tmp_path / "rearguard.toml"
    with socket.create_server(("127.0.0.1", 0)) as broker:
        config.write_text(f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.getsockname()[1]}\n')
        assert doctor(capsys, "--simulated", "--config", str(config))[1]["broker"]["status"] == "ok"
    assert doctor(capsys, "--simulated", "--config", str(config))[1]["broker"]["status"] == "warn"


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        (["off:imu", "stuck:imu"], "imu is named 2 times"),
        (["off:led"], "there is no led to fail"),
        (["off:low_rangefinder"], "there is no low_rangefinder to fail"),
    ],
)
def test_faults_that_cannot_be_are_wrong_usage(
    faults: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["doctor", "--simulated", *(word for fault in faults for word in ("--fault", fault))]) == 2
    assert message in capsys.readouterr().err


def loaded_by(*arguments: str) -> set[str]:
    """The packages that a doctor in a process of its own has loaded at its end."""
    code = "import sys; from firmware import cli; cli.main(sys.argv[1:]); print('loaded', *sys.modules)"
    command = [sys.executable, "-c", code, "doctor", "--json", *arguments]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    last = found.stdout.splitlines()[-1].split()
    assert last[0] == "loaded"
    return set(last[1:])


def test_a_doctor_of_simulated_parts_loads_no_network_and_no_numbers_library() -> None:
    packages = {name.partition(".")[0] for name in loaded_by("--simulated")}
    assert "hal" in packages
    assert not packages & {"paho", "numpy", "rich", "mcap", "amqtt", "asyncio", "sqlite3"}


def test_a_doctor_of_real_parts_loads_no_simulation_and_gpiozero_only_for_pins(tmp_path: Path) -> None:
    config = tmp_path / "rearguard.toml"
    config.write_text('[gpio]\nfactory = "rpigpio"\n[mqtt]\nhost = ""\n')
    if Path("/proc/device-tree/model").exists():
        pytest.skip("on a Pi the pins are opened")
    loaded = loaded_by("--config", str(config))
    assert "firmware.commands.checks.kernel" in loaded
    assert not {name for name in loaded if name.startswith("hal.sim")}
    assert not {name.partition(".")[0] for name in loaded} & {"gpiozero", "paho", "numpy", "rich", "mcap"}
