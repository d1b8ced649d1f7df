"""Standard streams that are closed, full or no longer read: no command answers that with a traceback."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from firmware import cli
from firmware.commands.completion import _subcommands

CALLS = {
    "walk": "walk --simulated --virtual-time --scenario stand --no-sound",
    "run": "run --simulated --scenario waltz",
    "replay": "replay absent.mcap",
    "doctor": "doctor --simulated",
    "calibrate": "calibrate --simulated",
    "evaluate": "evaluate absent",
    "walks": "walks --csv",
    "plan": "plan",
    "confirm": "confirm",
    "report": "report --out absent/page.html",
    "forget": "forget --yes",
    "gait": "gait absent.mcap",
    "patterns": "patterns --no-sound ready",
    "voice": "voice --language nobody --to absent",
    "silence": "silence",
    "completion": "completion bash",
    "pair": "pair --request absent/request.pem",
    "authority": "authority list --authority absent",
}
SETTABLE = ("run", "walks", "plan", "confirm", "report", "forget", "silence", "pair")


def call(folder: Path, name: str, streams: str) -> "subprocess.CompletedProcess[str]":
    """By a shell, so that the streams are as one would make them."""
    (folder / "state").mkdir(exist_ok=True)
    file = folder / "rearguard.toml"
    file.write_text(f'[paths]\nstate_dir = "{folder / "state"}"\nrun_dir = "{folder / "run"}"\n')
    words = CALLS.get(name, name).split() + (["--config", str(file)] if name in SETTABLE else [])
    command = f"{shlex.join([sys.executable, '-m', 'firmware', *words])} {streams}"
    path = {"PYTHONPATH": str(Path(cli.__file__).parents[1])}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, **path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_command_is_tried() -> None:
    assert set(CALLS) == set(_subcommands(cli.parser()))


@pytest.mark.parametrize("streams", ["<&- >&-", "| true", ">/dev/full", "2>&- | cat"])
@pytest.mark.parametrize("name", [*CALLS, "--help", "walks --help", "--version", "fly"])
def test_no_stream_makes_a_command_complain_in_pythons_words(tmp_path: Path, name: str, streams: str) -> None:
    found = call(tmp_path, name, streams)
    assert found.returncode in (cli.OK, cli.FAILURE, cli.USAGE, cli.NO_HARDWARE)
    said = found.stdout + found.stderr
    for word in ("Traceback", "Exception ignored", "Error: "):
        assert word not in said


def test_an_error_is_not_printed_among_the_data_where_standard_error_is_closed(tmp_path: Path) -> None:
    found = call(tmp_path, "replay", "2>&-")
    assert (found.returncode, found.stdout) == (cli.FAILURE, "")


def test_what_a_command_opens_never_gets_the_number_of_a_closed_stream() -> None:
    code = "import os, firmware.cli as cli; cli._mend_streams(); os._exit(os.open('/dev/null', os.O_RDONLY))"
    shell = f"{shlex.join([sys.executable, '-c', code])} <&- >&- 2>&-"
    path = {"PYTHONPATH": str(Path(cli.__file__).parents[1])}
    found = subprocess.run(["bash", "-c", shell], env={**os.environ, **path}, timeout=60, check=False)
    assert found.returncode > 2
