"""`rearguard silence` switches off what a killed sounder left on, and keeps its hands off one that runs."""

import shlex
import subprocess
import sys
from argparse import Namespace
from configparser import ConfigParser
from dataclasses import replace
from pathlib import Path

import pytest

from firmware import cli
from firmware.commands import silence as command
from firmware.config import Config, PathsConfig, to_toml
from firmware.errors import AlreadyRunning
from firmware.ipc import Instance
from hal.config import AirbagConfig, BoardConfig, BuzzerConfig, LedConfig
from hal.sim.board import SimBoard
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPin
from hal.sim.world.scenarios import scenario

UNIT = Path(__file__).parents[2] / "systemd" / "rearguard-sounder.service"


def configured(run_dir: Path, buzzer: BuzzerConfig | None = None) -> Config:
    board = replace(BoardConfig(), led=LedConfig(pin=16), airbag=AirbagConfig(pin=22), buzzer=buzzer or BuzzerConfig())
    return Config(board=board, paths=PathsConfig(state_dir=run_dir, run_dir=run_dir))


def simulated(config: Config, *faults: Fault) -> SimBoard:
    clock = SimClock(10**12)
    return SimBoard(config.board, scenario("stand"), faults=faults, epoch_ns=10**12, new_clock=lambda: clock)


def output_pins(board: SimBoard) -> list[SimPin]:
    return [board.buzzer_pin, board.motor_pin, board.led_pin, board.airbag_pin]


def left_on(board: SimBoard) -> None:
    """What a sounder left that was killed in the middle of a pattern."""
    for pin in output_pins(board):
        pin.show(1.0, None)


def test_everything_that_was_left_on_goes_off(tmp_path: Path) -> None:
    config = configured(tmp_path)
    board = simulated(config)
    left_on(board)
    assert command.silenced(board, config) == ([], False)
    assert [pin.pad.level for pin in output_pins(board)] == [0, 0, 0, 0]
    assert [pin.pull for pin in output_pins(board)] == ["down"] * 4


def test_hardware_pwm_that_goes_on_without_a_process_is_disabled(tmp_path: Path) -> None:
    config = configured(tmp_path, BuzzerConfig(pwm="hardware"))
    board = simulated(config)
    board.open_buzzer().tone(800, 1.0)
    assert board.buzzer_pin.pad.level > 0
    assert command.silenced(board, config) == ([], False)
    assert board.buzzer_pin.pad.level == 0


@pytest.mark.parametrize("broken", ["buzzer", "motor", "led", "airbag"])
def test_what_cannot_be_silenced_is_named_and_the_others_are_silent(tmp_path: Path, broken: str) -> None:
    config = configured(tmp_path)
    board = simulated(config, Fault("off", broken, start_s=0.0))
    left_on(board)
    (complaint,), missing = command.silenced(board, config)
    assert not missing
    assert complaint.startswith(f"{broken} may still be on: {broken} (pin ")
    assert sum(pin.pad.level for pin in output_pins(board)) == 1


def test_pin_that_reads_high_although_it_was_driven_low_is_named(tmp_path: Path) -> None:
    config = configured(tmp_path)
    (complaint,), _ = command.silenced(simulated(config, Fault("wrong", "motor", start_s=0.0)), config)
    assert "motor may still be on: motor (pin 25): reads high after low was written" in complaint


def run(tmp_path: Path, board: SimBoard, monkeypatch: pytest.MonkeyPatch) -> int:
    path = tmp_path / "rearguard.toml"
    path.write_text(to_toml(configured(tmp_path)))
    monkeypatch.setattr(command, "PiBoard", lambda config: board)
    return command.silence(Namespace(config=path))


def test_command_ends_with_1_and_says_what_may_still_be_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    board = simulated(configured(tmp_path), Fault("off", "motor", start_s=0.0))
    left_on(board)
    assert run(tmp_path, board, monkeypatch) == 1
    assert capsys.readouterr().err.startswith("silence: motor may still be on: ")
    assert board.buzzer_pin.pad.level == 0


def test_sounder_that_runs_keeps_its_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    board = simulated(configured(tmp_path))
    left_on(board)
    sounder = Instance(tmp_path, "sounder")
    assert run(tmp_path, board, monkeypatch) == 0
    assert "silence: nothing done: a sounder is running" in capsys.readouterr().err
    assert [pin.pad.level for pin in output_pins(board)] == [1, 1, 1, 1]
    sounder.close()
    assert run(tmp_path, board, monkeypatch) == 0
    assert [pin.pad.level for pin in output_pins(board)] == [0, 0, 0, 0]


def test_no_sounder_starts_in_the_middle_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = simulated(configured(tmp_path))
    open_motor = board.open_motor

    def start_a_sounder() -> object:
        with pytest.raises(AlreadyRunning):
            Instance(tmp_path, "sounder")
        return open_motor()

    monkeypatch.setattr(board, "open_motor", start_a_sounder)
    assert run(tmp_path, board, monkeypatch) == 0
    Instance(tmp_path, "sounder").close()


def test_device_that_never_ran_a_sounder_is_silenced_without_leaving_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = simulated(configured(tmp_path))
    left_on(board)
    config = configured(tmp_path / "never")
    path = tmp_path / "rearguard.toml"
    path.write_text(to_toml(config))
    monkeypatch.setattr(command, "PiBoard", lambda config: board)
    assert command.silence(Namespace(config=path)) == 0
    assert board.motor_pin.pad.level == 0
    assert not (tmp_path / "never").exists()


def test_machine_without_pins_is_told_of_each_output(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", None)
    monkeypatch.setenv("LG_WD", str(tmp_path))
    path = tmp_path / "rearguard.toml"
    path.write_text(to_toml(configured(tmp_path)))
    assert cli.main(["silence", "--config", str(path)]) == 3
    out, err = capsys.readouterr()
    assert not out
    assert [line.split()[1] for line in err.splitlines()] == ["buzzer", "motor", "led", "airbag"]


def test_sounders_unit_runs_it_when_the_sounder_has_ended() -> None:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]  # keys keep their capitals
    unit.read_string(UNIT.read_text())
    stop, start = (shlex.split(unit["Service"][key])[1:] for key in ("ExecStopPost", "ExecStart"))
    args = cli.parser().parse_args(stop)
    assert args.command == "silence"
    assert args.config == cli.parser().parse_args(start).config
    assert unit["Service"]["ExecStopPost"].startswith("-"), "what it cannot silence is no failure of the unit"
    assert unit["Service"]["NotifyAccess"] == "main", "the feeding of its watchdog is heard"


def test_it_loads_nothing_that_is_slow() -> None:
    code = "import sys, firmware.cli, firmware.commands.silence; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    names = {name.partition(".")[0] for name in loaded.split()}
    assert "hal" in names
    assert not names & {"paho", "gpiozero", "rich", "mcap", "numpy", "amqtt", "sqlite3", "asyncio", "ssl"}


def test_lock_that_cannot_be_opened_keeps_nothing_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    board = simulated(configured(tmp_path))
    left_on(board)
    (tmp_path / "sounder.lock").mkdir()  # for root as well, whom no mode keeps out
    assert run(tmp_path, board, monkeypatch) == 0
    assert "silence: cannot see whether a sounder runs" in capsys.readouterr().err
    assert [pin.pad.level for pin in output_pins(board)] == [0, 0, 0, 0]
