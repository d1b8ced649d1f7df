"""Power cuts of a real file system: an ext4 image on a loop device, copied while a writer is held in mid-write.

What the copy lacks is what the kernel still had in memory. Needs root and loop devices.
"""

import contextlib
import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from bench._alerts_power import Normal, made
from firmware.errors import JournalError
from firmware.journal import JOURNAL, Journal

CUTS_OF_ONE_RUN = 10
IMAGE_BYTES = 24 * 2**20
LINES_BETWEEN = (5, 60)


def why_not() -> str:
    """Why it cannot be done on this machine; empty: it can."""
    if os.geteuid() != 0:
        return "needs root, to mount an image"
    missing = [name for name in ("mkfs.ext4", "mount", "umount", "losetup") if not shutil.which(name)]
    if missing:
        return f"{missing[0]} is missing"
    free = subprocess.run(["losetup", "-f"], capture_output=True, text=True, check=False)
    return "" if free.returncode == 0 else f"no loop device: {free.stderr.strip()}"


def measured(cuts: int, *, normal: bool = False) -> dict[str, Any]:
    """Cuts, how many of them lost something, and how many events at most in one."""
    lost: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(-(-cuts // CUTS_OF_ONE_RUN)):
            lost += _run(Path(folder), number, min(CUTS_OF_ONE_RUN, cuts - len(lost)), normal=normal)
    return {"cuts": len(lost), "broken": sum(map(bool, lost)), "most_events_lost": max(lost)}


def _run(folder: Path, number: int, cuts: int, *, normal: bool) -> list[int]:
    """Events lost at each cut of one writer's life."""
    chance, image, copy = Random(f"ext4 {number}"), folder / "disk.img", folder / "cut.img"
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    lost = []
    with _mounted(image, folder / "disk") as disk, _writer(disk, normal=normal) as writer:
        promised = 0
        for _ in range(cuts):
            promised = _read(writer, chance.randint(*LINES_BETWEEN))
            writer.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, writer.pid, os.WSTOPPED)
            promised = max(promised, _rest(writer))
            shutil.copyfile(image, copy)
            writer.send_signal(signal.SIGCONT)
            with _mounted(copy, folder / "left") as left:
                lost.append(_lost(left, promised))
    return lost


def _lost(folder: Path, promised: int) -> int:
    """How many of the first `promised` events the next start does not have."""
    try:
        with contextlib.closing(Journal(folder / JOURNAL)) as journal:
            found = {stored.event.data["number"] for stored in journal.events()}
            return sum(number not in found for number in range(1, promised + 1)) or int(journal.quarantined is not None)
    except JournalError:
        return promised


@contextlib.contextmanager
def _mounted(image: Path, at: Path) -> Iterator[Path]:
    at.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(at)], check=True)
    try:
        yield at
    finally:
        if subprocess.run(["umount", str(at)], check=False, capture_output=True).returncode:
            subprocess.run(["umount", "--lazy", str(at)], check=True)  # somebody else is looking at it


@contextlib.contextmanager
def _writer(folder: Path, *, normal: bool) -> Iterator[subprocess.Popen[bytes]]:
    code = f"import sys; from bench import _alerts_ext4 as e; e.write_for_ever(sys.argv[1], normal={normal})"
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as writer:
        assert writer.stdout is not None
        fcntl.fcntl(writer.stdout, fcntl.F_SETPIPE_SZ, 4096)  # else it would be thousands of events ahead, and fill it
        try:
            yield writer
        finally:
            writer.kill()


def _read(writer: subprocess.Popen[bytes], lines: int) -> int:
    assert writer.stdout is not None
    text = b""
    while text.count(b"\n") < lines:
        chunk = writer.stdout.read(4096)
        if not chunk:
            raise RuntimeError("ext4: the writer ended; its complaint is above")
        text += chunk
    return _last(text)


def _rest(writer: subprocess.Popen[bytes]) -> int:
    """The last number in the pipe; 0: nothing whole."""
    assert writer.stdout is not None
    text = b""
    while select.select([writer.stdout], [], [], 0)[0]:
        text += writer.stdout.read(4096)
    return _last(text)


def _last(text: bytes) -> int:
    whole = text[: text.rfind(b"\n") + 1].split()
    return int(whole[-1]) if whole else 0


def write_for_ever(folder: str, *, normal: bool) -> None:
    """Append events, and say the number of each that the journal has taken."""
    journal, chance = (Normal if normal else Journal)(Path(folder) / JOURNAL), Random()
    for number in range(1, 10**6):
        journal.append(made(number, chance))
        print(f"{number:07}", flush=True)
