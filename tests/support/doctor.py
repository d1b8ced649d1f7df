"""`rearguard doctor` as a program sees it."""

import json
from pathlib import Path

import pytest

from firmware import cli
from firmware.commands.checks.check import Check, side_by_side
from firmware.commands.checks.simulated import simulated_boards
from firmware.commands.examination import Examination
from firmware.core.config import CoreConfig
from hal.board import Board
from hal.config import BoardConfig

WELL_FITTED = """
[led]
pin = 16
[airbag]
pin = 22
[low_rangefinder]
trigger = 5
echo = 6
[power]
gauge = "{gauge}"
[mqtt]
host = ""
"""
"""Every part that there can be; no broker, so that nothing outside the board is asked."""

Checks = dict[str, dict[str, str]]


def well_fitted(folder: Path, gauge: str = "ina219") -> Path:
    path = folder / "rearguard.toml"
    path.write_text(WELL_FITTED.format(gauge=gauge))
    return path


def doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Checks]:
    """The exit code, and the checks by their ids."""
    code = cli.main(["doctor", "--json", *arguments])
    body = json.loads(capsys.readouterr().out)
    assert body.keys() == {"v", "status", "checks"}
    assert body["v"] == 1
    assert all(check.keys() == {"id", "status", "detail", "hint"} for check in body["checks"])
    checks = {check["id"]: check for check in body["checks"]}
    assert len(checks) == len(body["checks"])
    statuses = {check["status"] for check in body["checks"]}
    assert body["status"] == next(status for status in ("fail", "warn", "ok") if status in statuses)
    return code, checks


def examined(
    config: BoardConfig, *faults: str, self_test: bool = False, pulse_airbag: bool = False
) -> tuple[dict[str, Check], float]:
    """The checks of the simulated parts by their ids, and how long the longest of them took on its board's clock."""
    new_board, boards = simulated_boards(config, faults), list[Board]()

    def board() -> Board:
        boards.append(new_board())
        return boards[-1]

    examination = Examination(
        config, CoreConfig(), board, mounting_told=["square"], self_test=self_test, pulse_airbag=pulse_airbag
    )
    checks = {check.id: check for check in side_by_side(examination.jobs(), None)}
    return checks, max(board.clock.now_ns() for board in boards) / 1e9
