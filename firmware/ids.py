"""Names that are made once and never change: of events, and of the device."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from firmware.errors import ConfigError

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
DEVICE_ID = re.compile(r"rg-[0-9a-f]{8}")


def uuid7(unix_ms: int, random: Callable[[int], bytes] = os.urandom) -> str:
    """A UUID whose text sorts by time; `random` returns that many random bytes.

    Source: RFC 9562, section 5.7. Times outside its 48 bits (a clock that was never set) wrap.
    """
    raw = bytearray((unix_ms % (1 << 48)).to_bytes(6, "big") + random(10))
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def made_ms(uuid: str) -> int | None:
    """When a `uuid7` was made, in Unix milliseconds; None for what is none."""
    return int(uuid.replace("-", "")[:12], 16) if UUID7.fullmatch(uuid) else None


def device_id(state_dir: Path | str, random: Callable[[int], bytes] = os.urandom) -> str:
    """This device's name: `rg-` and 8 hex digits, made at the first call and kept in `state_dir`/device-id.

    Raises:
        ConfigError: the file cannot be kept, or holds something else. A new name is not made up then: the
            caregiver's service and the certificate know the device by the old one.
    """
    path = Path(state_dir) / "device-id"
    try:
        if not path.exists():
            _keep(path, "rg-" + random(4).hex())
        found = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise ConfigError(f"device id: {path} cannot be kept: {error.strerror}; check paths.state") from error
    if not DEVICE_ID.fullmatch(found):
        raise ConfigError(
            f"device id: {path} holds {found[:40]!r}, expected rg- and 8 hex digits; "
            "write the old name back (it is the certificate's), or delete the file for a new one"
        )
    return found


def _keep(path: Path, name: str) -> None:
    """Whole or not at all, also when two processes or a power cut come in between: the first link wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="ascii") as file:
        file.write(name + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return  # another process was quicker: its name counts
    finally:
        draft.unlink()
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make a new name in a directory survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
