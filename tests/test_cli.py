"""The command line: what it answers, with which exit code, and how it refuses."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from firmware import cli, config
from firmware.config import Config, to_toml
from firmware.core.messages import Input, Output, Pattern, SetPattern, Tick
from firmware.core.pipeline import SafetyPipeline
from firmware.errors import ConfigError
from firmware.recording import Recorder
from hal.samples import ButtonSample, ImuSample, RangeSample
from hal.sim.world.scenarios import SCENARIOS

MS = 1_000_000


Transfers = list[tuple[list[Input], list[Output]]]


def standing(seconds: int = 8) -> Transfers:
    """What the core is given and decides while somebody stands before a wall."""
    pipeline = SafetyPipeline(Config().core)
    transfers: Transfers = []
    for turn in range(seconds * 20):
        t_ns = turn * 50 * MS
        inputs: list[Input] = [
            ImuSample(t_ns + i * 10 * MS, (0.01 * ((turn + i) % 3), 0.02, 9.81), (0.0, 0.001 * i, 0.0))
            for i in range(5)
        ]
        inputs += [ButtonSample(t_ns, False), RangeSample(t_ns + 45 * MS, 1.5), Tick(t_ns + 50 * MS)]
        transfers.append((inputs, [output for item in inputs for output in pipeline.step(item)]))
    return transfers


def walked(path: Path, transfers: Transfers | None = None, *, config: str | None = None) -> Path:
    recorder = Recorder(path, config_toml=to_toml(Config()) if config is None else config)
    for inputs, outputs in transfers or standing():
        recorder.transfer(inputs, outputs)
    recorder.close()
    return path


def python(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False)


def failed(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and the one line of a command that refuses."""
    try:
        code = cli.main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert (out, len(lines)) == ("", 1), f"expected one line on standard error, got {out!r} and {err!r}"
    assert lines[0].startswith("rearguard: ")
    return code, lines[0]


def test_help_and_version_load_nothing_that_is_slow() -> None:
    code = "import sys, firmware.cli; firmware.cli.parser().format_help(); print(*sys.modules)"
    loaded = {name.partition(".")[0] for name in python("-c", code).stdout.split()}
    assert "firmware" in loaded
    assert not loaded & {"paho", "gpiozero", "rich", "mcap", "numpy", "smbus2", "amqtt", "sqlite3", "asyncio"}


def test_help_lists_every_scenario() -> None:
    assert cli._SCENARIOS.split(", ") == list(SCENARIOS)


def test_version_is_the_one_of_the_package() -> None:
    found = python("-m", "firmware", "--version")
    assert (found.returncode, found.stdout) == (0, f"rearguard {cli.VERSION}\n")


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["walk"],
        ["run"],
        ["replay"],
        ["doctor"],
        ["completion"],
        ["walks"],
        ["plan"],
        ["report"],
        ["forget"],
        ["pair"],
        ["authority"],
    ],
)
def test_help_tells_the_exit_codes(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([*command, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "0 ok, 1 failure" in " ".join(text.split())
    assert command in ([], ["completion"]) or "examples:" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND (see rearguard --help)"),
        (["fly"], "invalid choice: 'fly'"),
        (["walk", "--simulated", "--speed", "3"], "unrecognized arguments: --speed 3"),
        (["walk", "--simulated", "--fault", "stuck"], "fault 'stuck': expected WORD:PART"),
        (["walk", "--simulated", "--fault", "bored:imu"], "no word 'bored'"),
        (["walk", "--simulated", "--fault", "stuck:wheel"], "no part 'wheel'"),
        (["walk", "--simulated", "--scenario", "waltz"], "no scenario 'waltz'"),
        (["walk", "--simulated", "--motion", "absent.npz:T1"], "absent.npz"),
        (["walk", "--fault", "stuck:imu"], "--fault needs --simulated"),
        (["doctor", "--simulated", "--fault", "stuck:wheel"], "no part 'wheel'"),
        (["doctor", "--simulated", "--config", "absent.toml"], "absent.toml: cannot be read"),
        (["run", "--simulated", "--config", "absent.toml"], "absent.toml: cannot be read"),
        (["pair"], "one of the arguments --request --install --authority is required"),
        (["pair", "--request", "a", "--install", "b"], "not allowed with argument"),
        (["authority"], "the following arguments are required: WHAT (see rearguard authority --help)"),
        (["authority", "init"], "the following arguments are required: --host"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = failed(arguments, capsys)
    assert code == 2
    assert message in line


def test_a_recording_that_is_not_there_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, line = failed(["replay", "absent.mcap"], capsys)
    assert (code, "absent.mcap: cannot be read" in line) == (1, True)


def test_a_bug_is_not_mistaken_for_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_function", lambda command: _raise(ValueError("a bug")))
    with pytest.raises(ValueError, match="a bug"):
        cli.main(["doctor"])


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (ConfigError("x"), 2)])
def test_ctrl_c_is_quiet_and_configuration_errors_are_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    monkeypatch.setattr(cli, "_function", lambda command: _raise(error))
    assert cli.main(["doctor"]) == code
    assert capsys.readouterr().err == ("rearguard: x\n" if code == 2 else "")


def test_what_may_not_be_done_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = PermissionError(13, "Permission denied", "/var/lib/rearguard/journal.db")
    monkeypatch.setattr(cli, "_function", lambda command: _raise(refusal))
    assert failed(["forget"], capsys) == (
        1,
        "rearguard: /var/lib/rearguard/journal.db: Permission denied; run it with sudo",
    )


def _raise(error: BaseException) -> object:
    def command(_: object) -> int:
        raise error

    return command


@pytest.mark.parametrize(
    "command",
    [
        *("run", "run guard", "run sounder", "run link", "walk", "doctor", "calibrate", "silence"),
        *("walks", "plan", "confirm", "report", "forget --yes"),
    ],
)
def test_the_settings_of_the_device_are_those_of_each_command(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `doctor` looked at is what `run` uses; a setting that is wrong shows that the file is read."""
    installed = tmp_path / "rearguard.toml"
    installed.write_text("[mqtt]\nhost = 5\n")
    monkeypatch.setattr(config, "INSTALLED", installed)
    assert cli.main(command.split()) == 2
    assert capsys.readouterr().err == "rearguard: rearguard.toml: [mqtt] host is 5, expected a text\n"


def test_a_doctor_without_standard_output_is_no_traceback() -> None:
    command = [sys.executable, "-m", "firmware", "doctor", "--simulated"]
    done = subprocess.run(
        ["bash", "-c", 'exec "$@" >&-', "bash", *command], stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_goes_away_early_is_no_traceback(tmp_path: Path) -> None:
    path = walked(tmp_path / "walk.mcap")
    shell = f"'{sys.executable}' -m firmware replay '{path}' --json | head -n 1"
    found = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(found.stdout)["t_ns"] == 0
    assert found.stderr == ""


def test_a_name_that_the_terminal_cannot_show_ends_no_command(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "firmware",
        "report",
        "--simulated",
        "--out",
        os.fsencode(tmp_path / "w") + b"\xff",
    ]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"w\\udcff\n")


def test_a_replayed_walk_decides_what_was_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = walked(tmp_path / "walk.mcap")
    assert cli.main(["replay", str(path), "--diff"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("no difference in ")
    assert int(out.split()[3]) > 10
    assert err == ""


def test_replay_prints_one_json_object_a_line_and_twice_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = walked(tmp_path / "walk.mcap")
    assert cli.main(["replay", str(path), "--json"]) == 0
    first = capsys.readouterr().out
    assert cli.main(["replay", str(path), "--json"]) == 0
    assert capsys.readouterr().out == first
    rows = [json.loads(line) for line in first.splitlines()]
    assert {"walk", "health", "telemetry"} <= {row["kind"] for row in rows}
    assert all(isinstance(row["t_ns"], int) for row in rows)


def test_replay_in_words_leaves_out_the_telemetry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", str(walked(tmp_path / "walk.mcap"))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("walk" in line and "state=" in line for line in lines)
    assert not any("telemetry" in line for line in lines)


def test_replay_in_words_says_of_the_parts_only_what_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(walked(tmp_path / "walk.mcap"))
    assert cli.main(["replay", path]) == 0
    words = capsys.readouterr().out.count(" s  health ")
    assert cli.main(["replay", path, "--json"]) == 0
    assert 0 < words < capsys.readouterr().out.count('"kind":"health"')


def test_the_first_decision_that_differs_ends_a_comparison_with_1_and_shows_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    transfers = standing()
    where = next(i for i, (_, outputs) in enumerate(transfers) if i > 80 and outputs)
    transfers[where][1][0] = SetPattern(1, Pattern.LOCATE)
    path = walked(tmp_path / "walk.mcap", transfers)
    number = sum(len(outputs) for _, outputs in transfers[:where]) + 1
    assert cli.main(["replay", str(path), "--diff"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"output {number} differs"
    assert lines[1] == 'recorded: {"t_ns":1,"kind":"pattern","pattern":"locate"}'
    assert lines[2].startswith("replayed: {")
    assert cli.main(["replay", str(path), "--diff", "--json"]) == 1
    body = json.loads(capsys.readouterr().out)
    assert (body["same"], body["output"], body["recorded"]["pattern"]) == (False, number, "locate")


@pytest.mark.parametrize("more", [True, False])
def test_a_decision_too_many_or_too_few_at_the_end_is_a_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: bool
) -> None:
    transfers = standing()
    last = next(outputs for _, outputs in reversed(transfers) if outputs)
    if more:
        last.append(SetPattern(1, Pattern.LOCATE))
    else:
        last.pop()
    assert cli.main(["replay", str(walked(tmp_path / "walk.mcap", transfers)), "--diff"]) == 1
    assert ("replayed: nothing" if more else "recorded: nothing") in capsys.readouterr().out


def test_a_walk_that_was_cut_off_replays_up_to_the_cut_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = walked(tmp_path / "walk.mcap", standing(seconds=20)).read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(data[: len(data) // 2])
    assert cli.main(["replay", str(cut), "--diff"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("no difference in ")
    assert re.search(r"is cut off or damaged; replayed up to its last whole chunk \(\d+ read\)", err)


def test_a_recording_without_decisions_replays_but_cannot_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs: Transfers = [([item for item in given if not isinstance(item, Tick)], []) for given, _ in standing()]
    path = walked(tmp_path / "walk.mcap", inputs)
    assert cli.main(["replay", str(path), "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 10
    code, line = failed(["replay", str(path), "--diff"], capsys)
    assert (code, "holds no decisions (/output) to compare with" in line) == (1, True)


def test_a_recording_replays_with_the_settings_it_was_made_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    far = walked(tmp_path / "far.mcap", config="[obstacle]\nmargin_m = 1.4\nnear_m = 1.0\n")
    unknown = walked(tmp_path / "later.mcap", config="[obstacle]\nmargin_of_later_versions = 1\n")
    assert cli.main(["replay", str(far), "--json"]) == 0
    capsys.readouterr()
    code, line = failed(["replay", str(unknown)], capsys)
    assert (code, "later.mcap (its configuration): [obstacle] unknown key" in line) == (1, True)
    defaults = tmp_path / "rearguard.toml"
    defaults.write_text("")
    assert cli.main(["replay", str(unknown), "--config", str(defaults)]) == 0


def complete(script: str, *words: str) -> list[str]:
    shell = shutil.which("bash")
    assert shell, "these tests need bash"
    quoted = " ".join(f"'{word}'" for word in words)
    call = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _rearguard"
    code = f"{script}\n{call}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return subprocess.run([shell, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout.split()


def test_bash_completes_commands_options_scenarios_and_faults(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert set(complete(script, "rearguard", "")) >= {"walk", "run", "replay", "doctor", "completion", "--version"}
    assert complete(script, "rearguard", "walk", "--sim") == ["--simulated"]
    assert complete(script, "rearguard", "walk", "--scenario", "fal") == ["fall"]
    assert complete(script, "rearguard", "walk", "--fault", "stuck:i") == ["stuck:imu"]
    assert complete(script, "rearguard", "run", "gu") == ["guard"]
    assert "--epoch-ns" not in complete(script, "rearguard", "run", "--")


@pytest.mark.parametrize("address", [":1883", "localhost", "localhost:", "localhost:x", "localhost:99999", "a b:1"])
def test_wrong_broker_is_one_clear_line(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, error = failed(["walk", "--simulated", "--plain", "--broker", address], capsys)
    assert code == 2
    assert error.startswith(f"rearguard: --broker {address!r}: expected HOST:PORT")


def test_unwritable_recording_is_said_before_the_walk(capsys: pytest.CaptureFixture[str]) -> None:
    code, error = failed(["walk", "--simulated", "--record", "/nonexistent/walk.mcap"], capsys)
    assert code == 2
    assert error == "rearguard: --record /nonexistent/walk.mcap: cannot be written: No such file or directory"


def test_walk_without_hardware_says_so_with_an_exit_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    code, error = failed(["walk"], capsys)
    assert code == 3
    assert "rearguard walk --simulated" in error


def test_device_file_is_no_recording(capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(["replay", "/dev/zero"], capsys) == (
        1,
        "rearguard: /dev/zero: is no file, expected an MCAP recording",
    )


def test_ctrl_c_while_it_is_still_being_loaded_ends_it_without_a_traceback() -> None:
    code = (
        "import sys\n"
        "class CtrlC:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'firmware.config':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, CtrlC())\n"
        "from firmware.__main__ import main\n"
        "sys.argv = ['rearguard', 'doctor', '--simulated']\n"
        "raise SystemExit(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
