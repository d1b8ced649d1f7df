"""A simulated fall is found as a file that `rearguard replay` reads, and deciding is not changed by it."""

from dataclasses import replace
from pathlib import Path

import pytest

from firmware.cli import main
from firmware.config import Config
from firmware.core.messages import Alert, Hazard, Severity
from firmware.guard.flight_recorder import FlightRecorderConfig
from firmware.virtual import VirtualDevice
from hal.sim.world.scenarios import scenario


def test_fall_in_the_default_walk_is_kept_and_replays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mcap")
    world = scenario("walk")
    impact_s = next(mark.t_s for mark in world.marks if mark.what == "impact")
    config = replace(Config(), recorder=FlightRecorderConfig(str(tmp_path / "falls"), after_s=8.0))
    device = VirtualDevice(config, world, tmp_path)
    device.run_until(impact_s + 12.0)
    device.end()
    suspected = [
        output
        for output in device.log.outputs
        if isinstance(output, Alert) and (output.hazard, output.severity) == (Hazard.FALL, Severity.SUSPECTED)
    ]
    assert len(suspected) == 1
    (path,) = (tmp_path / "falls").glob("fall-*.mcap")
    assert main(["replay", str(path), "--json"]) == 0
    replayed = [line for line in capsys.readouterr().out.splitlines() if '"suspected"' in line]
    assert len(replayed) == 1  # by a core that has seen no more than the twenty seconds before
    assert f'"t_ns":{suspected[0].t_ns}' in replayed[0]
    assert device.complaints == []


def test_a_walk_says_why_nothing_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mcap")
    (tmp_path / "file").touch()
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[recorder]\nfolder = "{tmp_path / "file" / "falls"}"\n')
    assert main(["walk", "--simulated", "--virtual-time", "--scenario", "fall", "--config", str(settings)]) == 0
    assert "rearguard: flight recorder: " in capsys.readouterr().err
