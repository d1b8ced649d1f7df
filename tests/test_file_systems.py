"""What lies in memory is told from what lies on a disk, which may keep the guard's loop waiting."""

from pathlib import Path

import pytest

from firmware import file_systems
from firmware.commands import guard_process
from firmware.file_systems import in_memory, kind_of

MOUNTS = r"""
/dev/root / ext4 rw,noatime 0 0
tmpfs /run tmpfs rw,nosuid,nodev 0 0
/dev/sda1 /run/a\040stick vfat rw 0 0
ramfs /run/twice ramfs rw 0 0
/dev/sdb1 /run/twice ext4 rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/run/rearguard", "tmpfs"),
        ("/run", "tmpfs"),
        ("/running", "ext4"),
        ("/run/a stick/rearguard", "vfat"),
        ("/run/twice", "ext4"),
    ],
)
def test_a_folder_is_of_the_mount_that_it_lies_below(folder: str, kind: str) -> None:
    assert kind_of(Path(folder), MOUNTS) == kind


def test_what_the_kernel_does_not_tell_is_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kind_of(tmp_path, "") == "an unknown file system"
    monkeypatch.setattr(file_systems, "MOUNTS", tmp_path / "not there")
    assert not in_memory(tmp_path)


@pytest.mark.parametrize(
    ("kind", "simulated", "complaints"), [("tmpfs", False, 0), ("ext4", False, 1), ("ext4", True, 0)]
)
def test_a_loop_writes_only_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, simulated: bool, complaints: int
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"there {tmp_path.resolve()} {kind} rw 0 0\n")
    said = list[str]()
    monkeypatch.setattr(file_systems, "MOUNTS", mounts)
    monkeypatch.setattr(guard_process, "complain", said.append)
    assert guard_process._pocket(tmp_path, simulated=simulated).in_memory is (kind == "tmpfs")
    assert len(said) == complaints
    assert all("is not in memory" in line for line in said)
