"""A home's authority and a device, and the commands on them."""

from pathlib import Path

import pytest
from support.pairing import Run
from support.walk_device import Device

from firmware import cli


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """`rearguard authority ...` on the authority of this test."""

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            code = cli.main(["authority", *arguments, "--authority", str(tmp_path / "home")])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Device:
    return Device(tmp_path, capsys, 1883)
