"""The mounting that was found: kept so that no power cut tears it, used by the guard, refused when it is damaged."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware import plain_file
from firmware.config import Config, PathsConfig, parse, to_toml
from firmware.core.detectors.mounting_check import CALIBRATED_TILT_DEG, MountingCheckConfig
from firmware.mounting import FILE, DamagedMounting, StoredMounting, forget, keep, mounted, read
from hal.config import ImuConfig
from hal.imu.mounting import Mounting, square_mountings

FOUND = StoredMounting("-z", "-x", "+y", (1.5, -7.25, 0.0), "MPU-6050", 0x68, "2026-03-01")


def config(state_dir: Path, **imu: object) -> Config:
    paths = PathsConfig(state_dir=state_dir, run_dir=state_dir)
    base = Config(paths=paths)
    return replace(base, board=replace(base.board, imu=ImuConfig(**imu)))  # type: ignore[arg-type]


def told() -> tuple[list[str], Callable[[str], None]]:
    lines: list[str] = []
    return lines, lines.append


@given(
    square=st.sampled_from(square_mountings()),
    tilt=st.tuples(*[st.floats(-36, 36)] * 3),
    model=st.sampled_from(["MPU-6050", "ICM-20948", "LSM6DSOX", "BNO055"]),
    address=st.integers(8, 0x77),
    date=st.sampled_from(["", "2026-12-31"]),
)
def test_what_is_kept_is_read_back_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    square: Mounting,
    tilt: tuple[float, float, float],
    model: str,
    address: int,
    date: str,
) -> None:
    folder = tmp_path_factory.mktemp("state")
    stored = StoredMounting(square.forward, square.left, square.up, tilt, model, address, date)
    keep(folder, stored)
    assert read(folder) == stored
    assert stored.mounting == Mounting(square.forward, square.left, square.up, tilt)


def test_without_a_file_the_configured_axes_hold(tmp_path: Path) -> None:
    lines, tell = told()
    given_config = config(tmp_path, forward="-z", left="+x", up="-y")
    assert mounted(given_config, tell) == given_config
    assert lines == ["mounting: -z forward, +x left, -y up (from the configuration)"]


def test_a_kept_mounting_replaces_the_configured_axes_and_the_check_of_it_becomes_stricter(tmp_path: Path) -> None:
    keep(tmp_path, FOUND)
    lines, tell = told()
    used = mounted(config(tmp_path), tell)
    assert used.board.imu.mounting == FOUND.mounting
    assert used.core.mounting_check.max_tilt_deg == CALIBRATED_TILT_DEG < MountingCheckConfig().max_tilt_deg
    assert lines == [
        "mounting: -z forward, -x left, +y up, tilted 7 deg back and 2 deg to the right (calibrated on 2026-03-01)"
    ]


def test_a_limit_that_is_stricter_already_stays(tmp_path: Path) -> None:
    keep(tmp_path, FOUND)
    base = config(tmp_path)
    strict = replace(base, core=replace(base.core, mounting_check=MountingCheckConfig(18.0)))
    assert mounted(strict, lambda text: None).core.mounting_check.max_tilt_deg == 18.0


def test_what_a_recording_says_of_its_configuration_is_the_mounting_that_was_used(tmp_path: Path) -> None:
    keep(tmp_path, FOUND)
    used = mounted(config(tmp_path), lambda text: None)
    again = parse(to_toml(used), "recording")
    assert again.board.imu.mounting == FOUND.mounting
    assert again.core.mounting_check.max_tilt_deg == CALIBRATED_TILT_DEG


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff\xfe",
        b'forward = "+x"',
        b"forward = ",
        b'forward = "+x"\nleft = "-y"\nup = "+z"\ntilt_deg = [0, 0, 0]\nmodel = "x"\naddress = 1\ndate = ""\n',
        b'forward = "+x"\nleft = "+y"\nup = "+z"\ntilt_deg = [0, 0]\nmodel = "x"\naddress = 1\ndate = ""\n',
        b'forward = "+x"\nleft = "+y"\nup = "+z"\ntilt_deg = [0, 90, 0]\nmodel = "x"\naddress = 1\ndate = ""\n',
        b'forward = "+x"\nleft = "+y"\nup = "+z"\ntilt_deg = [0, nan, 0]\nmodel = "x"\naddress = 1\ndate = ""\n',
        b"a = " + b"[" * 5000 + b"]" * 5000,
    ],
)
def test_a_damaged_file_is_named_and_kept_aside_and_the_configured_axes_hold(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "mounting.toml").write_bytes(damage)
    with pytest.raises(DamagedMounting, match=r"mounting\.toml is damaged: "):
        read(tmp_path)
    lines, tell = told()
    given_config = config(tmp_path)
    assert mounted(given_config, tell) == given_config
    assert "is damaged" in lines[0]
    assert "kept as mounting.toml.damaged-1, run `rearguard calibrate` again" in lines[0]
    assert (tmp_path / "mounting.toml.damaged-1").read_bytes() == damage
    assert mounted(given_config, tell) == given_config
    assert len(lines) == 3, "the second time it is simply not there"


@given(cut=st.integers(0, 400), flip=st.integers(0, 400), bit=st.integers(0, 7))
def test_no_damage_stops_the_guard(tmp_path_factory: pytest.TempPathFactory, cut: int, flip: int, bit: int) -> None:
    folder = tmp_path_factory.mktemp("state")
    whole = keep(folder, FOUND).read_bytes()
    damaged = bytearray(whole[: max(1, cut % len(whole))] if flip % 2 else whole)
    damaged[flip % len(damaged)] ^= 1 << bit
    (folder / "mounting.toml").write_bytes(damaged)
    used = mounted(config(folder), lambda text: None)
    assert isinstance(used.board.imu.mounting, Mounting)


def test_two_damaged_files_are_both_kept(tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "mounting.toml").write_text("nonsense")
        mounted(config(tmp_path), lambda text: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mounting.toml.damaged-1", "mounting.toml.damaged-2"]


@pytest.mark.parametrize("imu", [{"model": "icm20948"}, {"address": 0x69}, {"model": "mpu6050", "address": 0x69}])
def test_a_mounting_found_with_another_sensor_is_not_used(tmp_path: Path, imu: dict[str, object]) -> None:
    keep(tmp_path, FOUND)
    lines, tell = told()
    given_config = config(tmp_path, **imu)
    assert mounted(given_config, tell) == given_config
    assert "was found with the MPU-6050 at 0x68, which is not the sensor of the configuration" in lines[0]
    assert read(tmp_path) == FOUND, "it may be configured back"


@pytest.mark.parametrize("imu", [{}, {"model": "mpu6050"}, {"address": 0x68}])
def test_a_mounting_found_with_the_configured_sensor_is_used(tmp_path: Path, imu: dict[str, object]) -> None:
    keep(tmp_path, FOUND)
    assert mounted(config(tmp_path, **imu), lambda text: None).board.imu.mounting == FOUND.mounting


def test_a_power_cut_while_it_is_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path, FOUND)

    def cut(handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", cut)
    with pytest.raises(OSError, match="Input/output"):
        keep(tmp_path, replace(FOUND, forward="+x", left="+y", up="+z"))
    assert read(tmp_path) == FOUND
    assert [path.name for path in tmp_path.iterdir()] == ["mounting.toml"]


def test_it_reaches_the_disk_before_its_name_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real_fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (seen.append("fsync"), real_fsync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda self, target: (seen.append("replace"), os.replace(self, target))[1])
    monkeypatch.setattr(plain_file, "sync_directory", lambda path: seen.append("directory"))
    keep(tmp_path, FOUND)
    assert seen == ["fsync", "replace", "directory"]


def test_forgetting_removes_it_once(tmp_path: Path) -> None:
    keep(tmp_path, FOUND)
    assert forget(tmp_path)
    assert not forget(tmp_path)
    assert read(tmp_path) is None


@pytest.mark.timeout(20)
def test_pipe_in_its_place_is_told_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    said: list[str] = []
    config = Config(paths=PathsConfig(state_dir=tmp_path, run_dir=tmp_path))
    assert mounted(config, said.append) == config
    assert said[0] == f"{tmp_path / FILE} cannot be read: it is no regular file"
