"""On what kind of file system a folder lies: memory, which never keeps anybody waiting, or a disk."""

from pathlib import Path

MOUNTS = "proc/mounts"
MEMORY = ("tmpfs", "ramfs")
UNKNOWN = "an unknown file system"


def kind_of(folder: Path, mounts: str) -> str:
    """By the longest mount point that `folder` lies below, of the text of /proc/mounts; it need not be there yet."""
    rows = [line.split() for line in mounts.splitlines()]
    kinds = {Path(_plain(fields[1])): fields[2] for fields in rows if len(fields) > 2}
    resolved = folder.resolve()
    above = [path for path in (resolved, *resolved.parents) if path in kinds]
    return kinds[above[0]] if above else UNKNOWN


def in_memory(folder: Path) -> bool:
    """False also where that is not known."""
    try:
        mounts = Path("/", MOUNTS).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return kind_of(folder, mounts) in MEMORY


def _plain(mount_point: str) -> str:
    r"""The kernel writes a space as \040."""
    return mount_point.replace(r"\040", " ")
