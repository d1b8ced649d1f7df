"""The mounting that `rearguard calibrate` found: kept in the state directory, used instead of the configured axes."""

import contextlib
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from firmware import typed
from firmware.config import Config
from firmware.core.detectors.mounting_check import CALIBRATED_TILT_DEG
from firmware.errors import RearguardError
from firmware.ids import sync_directory
from firmware.plain_file import as_text, read_bytes, write_whole
from hal.config import ImuConfig
from hal.imu.mounting import Mounting

FILE = "mounting.toml"


class DamagedMounting(RearguardError):
    """The file does not say how the sensor sits."""


@dataclass(frozen=True, slots=True)
class StoredMounting:
    """How the sensor sits, which one it was, and when it was found."""

    forward: str
    left: str
    up: str
    tilt_deg: tuple[float, float, float]
    model: str  # as its maker writes it: "MPU-6050"
    address: int
    date: str  # of the day, UTC; empty when the clock was not to be trusted

    @property
    def mounting(self) -> Mounting:
        return Mounting(self.forward, self.left, self.up, self.tilt_deg)

    def fits(self, imu: ImuConfig) -> bool:
        """Whether the configuration names no other sensor than the one it was found with."""
        model = self.model.replace("-", "").lower()
        return imu.model in ("auto", model) and imu.address in (None, self.address)


def keep(state_dir: Path, stored: StoredMounting) -> Path:
    """Write the file whole or not at all, so that it survives a power cut. Raises OSError."""
    path = state_dir / FILE
    write_whole(path, _to_toml(stored))
    return path


def forget(state_dir: Path) -> bool:
    """Remove the file; whether there was one. Raises OSError."""
    try:
        (state_dir / FILE).unlink()
    except FileNotFoundError:
        return False
    sync_directory(state_dir)
    return True


def read(state_dir: Path) -> StoredMounting | None:
    """What was kept, if anything.

    Raises:
        DamagedMounting: the file is not as it was written.
        OSError: it cannot be read.
    """
    path = state_dir / FILE
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        return None
    try:
        stored = typed.build(StoredMounting, tomllib.loads(as_text(data)))
        _ = stored.mounting  # raises for axes that are no rotation
    except (ValueError, RecursionError) as error:
        raise DamagedMounting(f"{path} is damaged: {' '.join(str(error).split())}") from error
    return stored


def mounted(config: Config, tell: Callable[[str], None]) -> Config:
    """The configuration with the mounting that was found, or as it is; `tell` is told which, and why.

    Who has a mounting of her own stands nearer to it: the walk's check of it becomes stricter.
    """
    imu, state_dir = config.board.imu, config.paths.state_dir
    try:
        stored = read(state_dir)
    except DamagedMounting as error:
        tell(f"{error}; {_set_aside(state_dir / FILE)}, run `rearguard calibrate` again")
        stored = None
    except OSError as error:
        tell(f"{state_dir / FILE} cannot be read: {error.strerror}")
        stored = None
    if stored is not None and not stored.fits(imu):
        tell(
            f"{state_dir / FILE} was found with the {stored.model} at {stored.address:#04x}, which is not the sensor "
            "of the configuration; run `rearguard calibrate` again"
        )
        stored = None
    if stored is None:
        tell(f"mounting: {imu.mounting.words()} (from the configuration)")
        return config
    tell(f"mounting: {stored.mounting.words()} (calibrated{' on ' + stored.date if stored.date else ''})")
    worn = replace(imu, forward=stored.forward, left=stored.left, up=stored.up, tilt_deg=stored.tilt_deg)
    check = config.core.mounting_check
    stricter = replace(check, max_tilt_deg=min(check.max_tilt_deg, CALIBRATED_TILT_DEG))
    return replace(config, board=replace(config.board, imu=worn), core=replace(config.core, mounting_check=stricter))


def _set_aside(path: Path) -> str:
    number = 1
    while (target := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    with contextlib.suppress(OSError):
        path.rename(target)
        return f"kept as {target.name}"
    return "it cannot be moved aside"


def _to_toml(stored: StoredMounting) -> str:
    tilts = ", ".join(map(repr, stored.tilt_deg))
    return (
        "# Found by `rearguard calibrate`; `rearguard calibrate --forget` removes it.\n"
        f'forward = "{stored.forward}"  # the sensor\'s axis that points forward, with its sign\n'
        f'left = "{stored.left}"\n'
        f'up = "{stored.up}"\n'
        f"tilt_deg = [{tilts}]  # beyond that: to the right, forward, turned to the left\n"
        f'model = "{stored.model}"\n'
        f"address = {stored.address:#04x}\n"
        f'date = "{stored.date}"\n'
    )
