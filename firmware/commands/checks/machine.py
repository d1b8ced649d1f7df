"""The Raspberry Pi below the parts: which one it is, its clock, its disk, and what this user may open."""

import grp
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from firmware import version
from firmware.commands.checks.check import Check
from firmware.file_systems import MEMORY, MOUNTS, kind_of
from hal.clock import Clock
from hal.config import BoardConfig
from hal.power.pi_supply import PiSupply

MODEL = "proc/device-tree/model"
SYNCED = "run/systemd/timesync/synchronized"  # made by systemd-timesyncd once the clock was set from the network
REAL_TIME_CLOCKS = "sys/class/rtc"
FLEETING = ("overlay", *MEMORY)  # what is kept there is gone after a restart
FREE_MB, LEAST_FREE_MB = 200, 10
SLOW_SYNC_S = 1.0  # an SD card that stalls: the journal waits for it


def _settled() -> datetime:
    """When this software was put here: no true clock is behind it."""
    return datetime.fromtimestamp(Path(version.__file__).stat().st_mtime, UTC)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a check may look at: the file system below `root`, who looks, and what time it is."""

    root: Path = Path("/")
    uid: int = field(default_factory=os.geteuid)
    groups: frozenset[int] = field(default_factory=lambda: frozenset((os.getegid(), *os.getgroups())))
    now: datetime = field(default_factory=lambda: datetime.fromtimestamp(time.time(), UTC))
    settled: datetime = field(default_factory=_settled)

    def text(self, path: str) -> str | None:
        """None where there is no such file, or it may not be read."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip("\0\n ")
        except OSError:
            return None

    @property
    def model(self) -> str | None:
        """As the Pi names itself: "Raspberry Pi Zero 2 W Rev 1.0"."""
        return self.text(MODEL)


def processor(machine: Machine, config: BoardConfig) -> Check:
    """Which Pi it is, and whether its supply sagged before; whether it does now is the part `power`'s."""
    model = machine.model
    if model is None or "Raspberry Pi" not in model:
        what = f"{model or os.uname().machine}, expected a Raspberry Pi"
        return Check("processor", "warn", what, "rearguard doctor --simulated looks at a simulated board instead")
    if config.factory == "rpigpio" and "Pi 5" in model:
        advice = 'set factory = "lgpio" in [gpio] of rearguard.toml'
        return Check("processor", "fail", f"{model}, on which RPi.GPIO does not run", advice)
    flags = PiSupply(machine.root).flags()
    if flags is None:
        return Check("processor", "ok", f"{model}; whether its 5 V ever sagged is unknown")
    if flags.undervoltage_seen:
        advice = "use a supply or power bank of 2 A or more, and a short, thick cable"
        return Check("processor", "warn", f"{model}, whose 5 V were below 4.63 V since it started", advice)
    return Check("processor", "ok", f"{model}, its 5 V well since it started")


def clock(machine: Machine) -> Check:
    """Whether the time on a message to the caregiver can be believed; warnings and alarms need no clock, nor does
    TLS with a clock that is behind (`firmware.link.tls`).
    """
    found = f"{machine.now:%Y-%m-%d %H:%M} UTC"
    keeps = any((machine.root / REAL_TIME_CLOCKS).glob("rtc*"))
    if machine.now < machine.settled:
        what = f"{found}, which is before this software was installed ({machine.settled:%Y-%m-%d})"
        advice = "connect to the network, or set it: sudo date -u -s 'YYYY-MM-DD HH:MM'"
        return Check("clock", "warn", what, advice)
    if (machine.root / SYNCED).exists():
        return Check("clock", "ok", f"{found}, set from the network" + (", with a clock chip" if keeps else ""))
    advice = "connect to the network; see `timedatectl`"
    if keeps:
        return Check("clock", "ok", f"{found}, from a clock chip, not compared with the network since the start")
    return Check("clock", "warn", f"{found}, never set from the network, and there is no clock chip", advice)


def disk(directory: Path, machine: Machine, stopwatch: Clock, *, lasting: bool = True) -> Check:
    """Whether the journal can be kept in `directory`; `lasting`: whether that must survive a restart."""
    if not directory.exists():
        parent = next(path for path in directory.parents if path.exists())
        if os.access(parent, os.W_OK | os.X_OK) and parent.is_dir():
            return Check("disk", "ok", f"{directory} will be made when the device first runs")
    from_ns = stopwatch.now_ns()
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"rearguard")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        advice = f"make it and let this user write there: sudo install -d -o $USER {directory}"
        return Check("disk", "fail", f"{directory} cannot be written: {error.strerror}", advice)
    took_s = (stopwatch.now_ns() - from_ns) / 1e9
    free_mb = shutil.disk_usage(directory).free / 1e6
    what = f"{directory}: {_size(free_mb)} free, a write lasts {1000 * took_s:.0f} ms"
    if free_mb < FREE_MB:
        return Check(
            "disk", "fail" if free_mb < LEAST_FREE_MB else "warn", what, "delete recordings that are not needed"
        )
    kind = kind_of(directory, machine.text(MOUNTS) or "")
    if lasting and kind in FLEETING:
        advice = "set paths.state_dir to a folder that lasts, or switch the overlay file system off in raspi-config"
        return Check("disk", "warn", f"{what}, but on {kind}: alarms not yet told are lost in a power cut", advice)
    if took_s > SLOW_SYNC_S:
        return Check("disk", "warn", what, "this SD card stalls: use one of class A1 or A2")
    return Check("disk", "ok", what)


def run_dir(directory: Path, machine: Machine) -> Check:
    """Whether what was decided is kept in memory until the journal has it (`firmware.guard.pocket`)."""
    kind = kind_of(directory, machine.text(MOUNTS) or "")
    if kind in MEMORY:
        return Check("run_dir", "ok", f"{directory} is memory ({kind})")
    what = f"{directory} is on {kind}, expected memory: an alert that a killed guard had just decided on is lost"
    return Check("run_dir", "warn", what, "set paths.run_dir to a folder in memory, as /run/rearguard is")


def permissions(machine: Machine, config: BoardConfig) -> Check:
    """Whether this user may open the devices that the parts hang on."""
    patterns = [*(f"dev/i2c-{bus}" for bus in config.buses), "dev/gpiochip*"]
    if config.buzzer.kind == "passive" and config.buzzer.pwm == "hardware":
        patterns.append("sys/class/pwm/pwmchip*/export")
    files = [path for pattern in patterns for path in sorted(machine.root.glob(pattern))]
    if not files:
        return Check("permissions", "warn", "there are no I2C and GPIO devices to open", "see i2c-1 and gpio")
    closed = [path for path in files if not _may_use(path, machine)]
    if not closed:
        return Check("permissions", "ok", f"may open {_names(files, machine)}")
    groups = sorted({_group(path) for path in closed})
    advice = f"sudo usermod -aG {','.join(groups)} $USER, then log in again"
    return Check("permissions", "fail", f"may not open {_names(closed, machine)}", advice)


def _may_use(path: Path, machine: Machine) -> bool:
    """Whether it may be opened for writing, by its owner, its group and its mode; root may always."""
    status = path.stat()
    rights = (status.st_uid == machine.uid, 0o200), (status.st_gid in machine.groups, 0o020), (True, 0o002)
    return machine.uid == 0 or any(who and status.st_mode & right for who, right in rights)


def _names(paths: Sequence[Path], machine: Machine) -> str:
    return ", ".join(f"/{path.relative_to(machine.root)}" for path in paths)


def _group(path: Path) -> str:
    number = path.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _size(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"
