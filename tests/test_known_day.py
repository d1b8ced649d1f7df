"""Which clocks the plan believes."""

import os
from pathlib import Path

import pytest

from firmware import known_day, version

INSTALLED_S = 1_767_225_600.0


@pytest.mark.parametrize(
    ("synced", "chip", "later_s", "known"),
    [
        (True, False, 1.0, "synced"),
        (True, True, -1.0, "synced"),
        (False, True, 1.0, "chip"),
        (False, True, 0.0, "chip"),
        (False, True, -1.0, "unsynced"),  # its battery was empty
        (False, False, 1.0, "unsynced"),
    ],
)
def test_the_network_is_believed_and_a_chip_unless_it_is_before_the_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: bool, chip: bool, later_s: float, known: str
) -> None:
    here = tmp_path / "version.py"
    here.write_text("")
    os.utime(here, (0, INSTALLED_S))
    monkeypatch.setattr(version, "__file__", str(here))
    monkeypatch.setattr(known_day, "CHIPS", tmp_path)
    if chip:
        (tmp_path / "rtc0").mkdir()
    assert known_day.clock(INSTALLED_S + later_s, synced=synced) == known


def test_a_machine_without_any_place_for_chips_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_day, "CHIPS", tmp_path / "absent")
    assert known_day.clock(INSTALLED_S * 2, synced=False) == "unsynced"
