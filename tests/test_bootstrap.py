"""deploy/bootstrap.sh on machines that lack something: it installs it, or asks for it in one clear line."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "deploy" / "bootstrap.sh"
PYTHON_WITHOUT_VENV = """#!/bin/sh
case "$*" in *ensurepip*) exit 1 ;; *) exit 0 ;; esac
"""
ABSENT = "#!/bin/sh\nexit 127\n"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A fresh project whose machine has a Python that cannot make environments, and whose tools are ours."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(SCRIPT, tmp_path / "deploy")
    (tmp_path / "bin").mkdir()
    tool(tmp_path, "python3", PYTHON_WITHOUT_VENV)
    for name in ("python3.11", "python3.12", "python3.13"):
        tool(tmp_path, name, ABSENT)
    tool(tmp_path, "apt-get", f'#!/bin/sh\necho "apt-get $*" >>"{tmp_path}/log"\n')
    tool(tmp_path, "sudo", f'#!/bin/sh\necho "sudo $*" >>"{tmp_path}/log"\n')
    return tmp_path


def tool(machine: Path, name: str, text: str) -> None:
    path = machine / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


def bootstrap(machine: Path, *arguments: str, user: int) -> "subprocess.CompletedProcess[str]":
    tool(machine, "id", f"#!/bin/sh\necho {user}\n")
    return subprocess.run(
        [str(machine / "deploy" / "bootstrap.sh"), *arguments],
        env={"PATH": f"{machine / 'bin'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def log(machine: Path) -> list[str]:
    path = machine / "log"
    return path.read_text().splitlines() if path.exists() else []


def test_as_root_what_is_missing_is_installed(machine: Path) -> None:
    found = bootstrap(machine, "python", "demo", user=0)
    assert any(line.startswith("apt-get install") and line.endswith(" python3-venv") for line in log(machine))
    assert "python3 cannot make an environment without python3-venv: installing python3-venv" in found.stderr
    assert found.returncode == 1, "this fake apt-get installs nothing, and that must be noticed"
    assert "python3-venv did not help" in found.stderr.splitlines()[-1]


def test_a_user_is_asked_through_sudo_and_told_why(machine: Path) -> None:
    found = bootstrap(machine, "python", "demo", user=1000)
    first = found.stderr.splitlines()[0]
    assert first.startswith("rearguard: python3 cannot make an environment without python3-venv: asking for sudo")
    assert log(machine)[0].startswith("sudo apt-get update")


def test_an_old_python_is_said_in_one_line_and_nothing_installed(machine: Path) -> None:
    tool(machine, "python3", '#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.9.2" || exit 1\n')
    found = bootstrap(machine, "python", "demo", user=0)
    assert found.returncode == 1
    assert found.stderr == "rearguard: python3 is Python 3.9.2, expected Python 3.11 or newer; use Debian 12 or newer\n"
    assert log(machine) == []


def test_a_broker_that_is_there_is_not_installed_again(machine: Path) -> None:
    for name in ("mosquitto", "mosquitto_sub"):
        tool(machine, name, "#!/bin/sh\n")
    assert bootstrap(machine, "broker", user=1000).returncode == 0
    assert log(machine) == []


def test_a_compiler_that_is_there_is_not_installed_again(machine: Path) -> None:
    tool(machine, "gcc", "#!/bin/sh\n")
    assert bootstrap(machine, "compiler", user=1000).returncode == 0
    assert log(machine) == []


def test_a_compiler_without_the_kernels_headers_gets_them(machine: Path) -> None:
    tool(machine, "gcc", '#!/bin/sh\necho "gcc $*: $(cat)" >>log\nexit 1\n')
    found = bootstrap(machine, "compiler", user=0)
    assert found.returncode == 0
    assert "linux/gpio.h" in "".join(log(machine)[:3])
    assert log(machine)[-1] == "apt-get install -qq -y --no-install-recommends gcc libc6-dev"
    assert "the virtual Pi is made with a C compiler: installing gcc libc6-dev" in found.stderr


def test_a_machine_without_a_voice_gets_one(machine: Path) -> None:
    tool(machine, "espeak-ng", ABSENT)
    assert bootstrap(machine, "voice", user=0).returncode == 0
    assert log(machine)[-1] == "apt-get install -qq -y --no-install-recommends espeak-ng"


def test_a_voice_that_is_there_is_not_installed_again(machine: Path) -> None:
    tool(machine, "espeak-ng", "#!/bin/sh\n")
    assert bootstrap(machine, "voice", user=1000).returncode == 0
    assert log(machine) == []


def test_a_machine_that_can_get_no_voice_is_told_what_is_skipped_and_goes_on(machine: Path) -> None:
    tool(machine, "espeak-ng", ABSENT)
    tool(machine, "apt-get", "#!/bin/sh\nexit 100\n")
    found = bootstrap(machine, "voice", user=0)
    assert found.returncode == 0
    assert "apt-get could not install espeak-ng" in found.stderr
    assert found.stderr.splitlines()[-1] == "rearguard: without espeak-ng the tests of the real voice are skipped"


def test_a_word_that_it_does_not_know_is_refused(machine: Path) -> None:
    assert bootstrap(machine, "everything", user=0).returncode == 1
