"""What doctor says of the Raspberry Pi below the parts, from files of a made-up one."""

import errno
import os
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from firmware.commands.checks import machine as machine_checks
from firmware.commands.checks import software
from firmware.commands.checks.check import Check
from firmware.commands.checks.kernel import boot_settings, kernel
from firmware.commands.checks.machine import Machine, clock, disk, permissions, processor, run_dir
from firmware.commands.checks.software import broker, python, recording, running
from firmware.ipc import Instance
from firmware.link.config import MqttConfig
from hal.config import BoardConfig, BuzzerConfig, ImuConfig, PowerConfig, RangefinderConfig
from hal.pwm import OVERLAYS
from hal.sim.clock import SimClock

SETTLED, NOW = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
ZERO, FIVE = "Raspberry Pi Zero 2 W Rev 1.0", "Raspberry Pi 5 Model B Rev 1.0"
PERSIST = "sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs"
SPEED = "sys/class/i2c-adapter/i2c-1/of_node/clock-frequency"
CONFIG_TXT = "boot/firmware/config.txt"
FAST = (400_000).to_bytes(4, "big")
STRANGER = 1 + max(os.getuid(), os.getgid())
NO_GAUGE = PowerConfig(gauge="none")


def made_up(root: Path, files: Mapping[str, str | bytes] | None = None, *, model: str | None = ZERO) -> Machine:
    """A Pi with these files, looked at by somebody who owns none of them."""
    for path, content in {**(files or {}), **({"proc/device-tree/model": f"{model}\0"} if model else {})}.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Machine(root, STRANGER, frozenset({STRANGER}), NOW, SETTLED)


def by_id(checks: list[Check]) -> dict[str, Check]:
    return {check.id: check for check in checks}


def test_the_pi_is_named(tmp_path: Path) -> None:
    check = processor(made_up(tmp_path), BoardConfig())
    assert (check.status, check.detail) == ("ok", f"{ZERO}; whether its 5 V ever sagged is unknown")


@pytest.mark.parametrize("model", [None, "Some other board"])
def test_another_machine_is_told_where_to_look_instead(tmp_path: Path, model: str | None) -> None:
    check = processor(made_up(tmp_path, model=model), BoardConfig())
    assert (check.status, "expected a Raspberry Pi" in check.detail) == ("warn", True)
    assert "--simulated" in check.hint


@pytest.mark.parametrize(("flags", "status"), [("0", "ok"), ("10000", "warn"), ("80000", "ok")])
def test_a_supply_that_sagged_since_the_start_is_told(tmp_path: Path, flags: str, status: str) -> None:
    found = made_up(tmp_path, {"sys/devices/platform/soc/soc:firmware/get_throttled": f"{flags}\n"})
    assert processor(found, BoardConfig()).status == status


def test_rpi_gpio_on_a_pi_5_is_refused_with_the_setting_to_change(tmp_path: Path) -> None:
    check = processor(made_up(tmp_path, model=FIVE), BoardConfig(factory="rpigpio"))
    assert (check.status, check.hint) == ("fail", 'set factory = "lgpio" in [gpio] of rearguard.toml')
    assert processor(made_up(tmp_path, model=FIVE), BoardConfig()).status == "ok"


SYNCED, CHIP = "run/systemd/timesync/synchronized", "sys/class/rtc/rtc0/name"


@pytest.mark.parametrize(
    ("files", "now", "status", "text"),
    [
        ([SYNCED], NOW, "ok", "2026-11-20 12:30 UTC, set from the network"),
        ([SYNCED, CHIP], NOW, "ok", "with a clock chip"),
        ([CHIP], NOW, "ok", "from a clock chip, not compared with the network"),
        ([], NOW, "warn", "never set from the network, and there is no clock chip"),
        ([], datetime(1970, 1, 1, tzinfo=UTC), "warn", "before this software was installed (2026-10-01)"),
        ([CHIP], datetime(2026, 9, 30, tzinfo=UTC), "warn", "before this software was installed"),
    ],
)
def test_a_clock_is_believed_only_for_a_reason(
    tmp_path: Path, files: list[str], now: datetime, status: str, text: str
) -> None:
    made = made_up(tmp_path, dict.fromkeys(files, ""))
    check = clock(Machine(made.root, STRANGER, frozenset(), now, SETTLED))
    assert (check.status, text in check.detail) == (status, True)
    assert bool(check.hint) is (status != "ok")


def test_this_software_was_installed_before_now() -> None:
    assert Machine().settled < Machine().now


def mounts(folder: Path, kind: str) -> dict[str, str]:
    return {"proc/mounts": f"/dev/root / ext4 rw 0 0\nbroken\nthere {folder.resolve()} {kind} rw 0 0\n"}


@pytest.mark.parametrize(("kind", "status"), [("ext4", "ok"), ("overlay", "warn"), ("tmpfs", "warn")])
def test_a_disk_must_last(tmp_path: Path, kind: str, status: str) -> None:
    check = disk(tmp_path, made_up(tmp_path / "root", mounts(tmp_path, kind)), SimClock())
    assert check.status == status
    assert ("lost in a power cut" in check.detail) is (status == "warn")
    assert disk(tmp_path, made_up(tmp_path / "root"), SimClock(), lasting=False).status == "ok"


def test_a_folder_below_another_mount_is_of_the_nearest_kind(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    assert disk(below, made_up(tmp_path / "root", mounts(tmp_path, "overlay")), SimClock()).status == "warn"
    assert disk(below, made_up(tmp_path / "root", mounts(below, "ext4")), SimClock()).status == "ok"


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("tmpfs", "ok", "is memory (tmpfs)"),
        ("ext4", "warn", "is on ext4, expected memory: an alert that a killed guard had just decided on is lost"),
    ],
)
def test_the_run_directory_must_be_memory(tmp_path: Path, kind: str, status: str, text: str) -> None:
    check = run_dir(tmp_path / "not made yet", made_up(tmp_path / "root", mounts(tmp_path, kind)))
    assert (check.id, check.status, text in check.detail) == ("run_dir", status, True)
    assert ("set paths.run_dir" in check.hint) is (status == "warn")


def test_where_the_kind_of_the_run_directory_is_not_known_that_is_said(tmp_path: Path) -> None:
    check = run_dir(tmp_path, made_up(tmp_path / "root"))
    assert (check.status, "is on an unknown file system" in check.detail) == ("warn", True)


class Usage(NamedTuple):
    free: int


@pytest.mark.parametrize(
    ("free", "status", "text"),
    [(5_000_000_000, "ok", "5.0 GB free"), (150_000_000, "warn", "150 MB free"), (5_000_000, "fail", "5 MB free")],
)
def test_a_full_disk_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: str, text: str
) -> None:
    monkeypatch.setattr(machine_checks.shutil, "disk_usage", lambda _: Usage(free))
    check = disk(tmp_path, made_up(tmp_path / "root"), SimClock())
    assert (check.status, text in check.detail) == (status, True)


def test_a_disk_that_stalls_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopwatch = SimClock()
    monkeypatch.setattr(machine_checks.os, "fsync", lambda _: stopwatch.sleep(1.5))
    check = disk(tmp_path, made_up(tmp_path / "root"), stopwatch)
    assert (check.status, "a write lasts 1500 ms" in check.detail) == ("warn", True)


def test_a_folder_that_is_not_made_yet_is_no_failure_on_a_fresh_machine(tmp_path: Path) -> None:
    check = disk(tmp_path / "lib" / "rearguard", made_up(tmp_path / "root"), SimClock())
    assert (check.status, check.detail) == ("ok", f"{tmp_path}/lib/rearguard will be made when the device first runs")


def test_a_folder_that_cannot_be_written_is_a_failure_with_the_command_that_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    absent = tmp_path / "file" / "absent"
    check = disk(absent, made_up(tmp_path / "root"), SimClock())
    assert (check.status, check.detail) == ("fail", f"{absent} cannot be written: Not a directory")
    assert check.hint.endswith(f"sudo install -d -o $USER {absent}")

    def full(**_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert "No space left on device" in disk(tmp_path, made_up(tmp_path / "root"), SimClock()).detail


def devices(root: Path, mode: int) -> None:
    for name in ("i2c-1", "gpiochip0"):
        path = root / "dev" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(mode)


@pytest.mark.parametrize(
    ("mode", "uid", "groups", "status"),
    [
        (0o660, STRANGER, {STRANGER}, "fail"),
        (0o660, STRANGER, {os.getgid()}, "ok"),
        (0o640, STRANGER, {os.getgid()}, "fail"),
        (0o660, 0, {STRANGER}, "ok"),
        (0o660, os.getuid(), {STRANGER}, "ok"),
        (0o666, STRANGER, {STRANGER}, "ok"),
    ],
)
def test_devices_may_be_opened_by_owner_group_and_mode(
    tmp_path: Path, mode: int, uid: int, groups: set[int], status: str
) -> None:
    devices(tmp_path, mode)
    check = permissions(Machine(tmp_path, uid, frozenset(groups), NOW, SETTLED), BoardConfig())
    assert check.status == status
    assert check.detail == f"may {'not ' if status == 'fail' else ''}open /dev/i2c-1, /dev/gpiochip0"
    assert check.hint.startswith("sudo usermod -aG ") is (status == "fail")


def test_without_devices_there_is_nothing_to_open(tmp_path: Path) -> None:
    assert permissions(made_up(tmp_path), BoardConfig()).status == "warn"


def test_hardware_pwm_must_be_open_as_well(tmp_path: Path) -> None:
    devices(tmp_path, 0o666)
    made_up(tmp_path, {"sys/class/pwm/pwmchip0/export": ""})
    (tmp_path / "sys/class/pwm/pwmchip0/export").chmod(0o600)
    stranger = Machine(tmp_path, STRANGER, frozenset({STRANGER}), NOW, SETTLED)
    config = BoardConfig(buzzer=BuzzerConfig(pwm="hardware"))
    assert permissions(stranger, config).detail == "may not open /sys/class/pwm/pwmchip0/export"
    assert permissions(stranger, BoardConfig()).status == "ok"


def test_only_buses_with_something_on_them_are_looked_at() -> None:
    assert BoardConfig().buses == [1]
    assert BoardConfig(imu=ImuConfig(bus=3), power=NO_GAUGE).buses == [3]
    ranged = BoardConfig(imu=ImuConfig(bus=3), rangefinder=RangefinderConfig(model="i2cxl", bus=4))
    assert ranged.buses == [1, 3, 4]


def test_a_fast_bus_is_well(tmp_path: Path) -> None:
    check = by_id(kernel(made_up(tmp_path, {"dev/i2c-1": "", SPEED: FAST}), BoardConfig()))["i2c-1"]
    assert (check.status, check.detail) == ("ok", "/dev/i2c-1 at 400 kHz")


def test_a_slow_bus_is_a_warning_with_the_line_that_is_missing(tmp_path: Path) -> None:
    slow = made_up(tmp_path, {"dev/i2c-1": "", SPEED: (100_000).to_bytes(4, "big")})
    check = by_id(kernel(slow, BoardConfig()))["i2c-1"]
    assert (check.status, check.detail) == ("warn", "/dev/i2c-1 at 100 kHz, expected 400 kHz")
    assert check.hint == "put dtparam=i2c_arm=on,i2c_arm_baudrate=400000 into /boot/firmware/config.txt and restart"


def test_an_i2cxl_wants_its_bus_slow(tmp_path: Path) -> None:
    config = BoardConfig(rangefinder=RangefinderConfig(model="i2cxl"))
    fast = made_up(tmp_path / "fast", {"dev/i2c-1": "", SPEED: FAST})
    assert "i2c_arm_baudrate=50000" in by_id(kernel(fast, config))["i2c-1"].hint
    slow = made_up(tmp_path / "slow", {"dev/i2c-1": "", SPEED: (50_000).to_bytes(4, "big")})
    assert by_id(kernel(slow, config))["i2c-1"].status == "ok"


@pytest.mark.parametrize(
    ("files", "text", "hint"),
    [
        ({}, "there is no /dev/i2c-1", "put dtparam=i2c_arm=on,i2c_arm_baudrate=400000 into /boot/firmware/config.txt"),
        ({"boot/config.txt": ""}, "there is no /dev/i2c-1", "into /boot/config.txt and restart"),
        ({CONFIG_TXT: "dtparam=i2c_arm=on\n"}, "though /boot/firmware/config.txt asks for it", "sudo reboot"),
        ({"sys/class/i2c-adapter/i2c-1/name": "x"}, "the module i2c-dev is not loaded", "sudo modprobe i2c-dev"),
    ],
)
def test_a_missing_bus_is_a_failure_that_says_why(tmp_path: Path, files: dict[str, str], text: str, hint: str) -> None:
    check = by_id(kernel(made_up(tmp_path, files), BoardConfig()))["i2c-1"]
    assert (check.status, text in check.detail, hint in check.hint) == ("fail", True, True)


def test_a_missing_bus_in_software_names_its_overlay(tmp_path: Path) -> None:
    check = by_id(kernel(made_up(tmp_path), BoardConfig(imu=ImuConfig(bus=3), power=NO_GAUGE)))["i2c-3"]
    assert (check.status, "dtoverlay=i2c-gpio,bus=3" in check.hint) == ("fail", True)


@pytest.mark.parametrize(
    ("files", "status", "hint"),
    [
        ({PERSIST: "N\n"}, "ok", ""),
        ({PERSIST: "Y\n"}, "warn", "put dtparam=strict_gpiod into /boot/firmware/config.txt and restart"),
        ({PERSIST: "Y\n", CONFIG_TXT: "dtparam=strict_gpiod\n"}, "warn", "restart the Pi: sudo reboot"),
        ({CONFIG_TXT: "dtparam=strict_gpiod\n"}, "ok", ""),
        ({}, "warn", "put dtparam=strict_gpiod into /boot/firmware/config.txt and restart"),
    ],
)
def test_pins_that_outlive_their_program_are_a_warning(
    tmp_path: Path, files: dict[str, str], status: str, hint: str
) -> None:
    check = by_id(kernel(made_up(tmp_path, files), BoardConfig()))["strict_gpiod"]
    assert (check.status, check.hint) == (status, hint)


@pytest.mark.parametrize(
    ("buzzer", "status"),
    [
        (BuzzerConfig(pwm="auto"), "ok"),
        (BuzzerConfig(pwm="hardware"), "fail"),
        (BuzzerConfig(pwm="software"), None),
        (BuzzerConfig(kind="active"), None),
    ],
)
def test_hardware_pwm_is_missed_only_where_it_is_asked_for(
    tmp_path: Path, buzzer: BuzzerConfig, status: str | None
) -> None:
    check = by_id(kernel(made_up(tmp_path), BoardConfig(buzzer=buzzer))).get("pwm")
    assert (check.status if check else None) == status
    if check and status == "fail":
        assert OVERLAYS[18] in check.hint


BOOT = """
dtparam=i2c_arm=on,i2c_arm_baudrate=400000  # fast
#dtparam=strict_gpiod
[pi4]
dtparam=spi=on
[pi02]
dtparam=audio=on
[EDID=XXX]
dtparam=i2s=on
[all]
dtparam=watchdog
"""


def test_sections_of_config_txt_count_for_their_models_only(tmp_path: Path) -> None:
    settings = boot_settings(made_up(tmp_path, {CONFIG_TXT: BOOT}))
    assert settings.on("i2c_arm")
    assert settings.parameters["i2c_arm_baudrate"] == "400000"
    assert settings.on("audio")
    assert settings.on("watchdog")
    assert not settings.on("spi")
    assert not settings.on("i2s")
    assert not settings.on("strict_gpiod")


def test_an_old_python_is_a_failure_and_a_missing_extra_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (python().status, recording().status) == ("ok", "ok")
    monkeypatch.setattr(software, "OLDEST_PYTHON", (99, 0))
    monkeypatch.setattr(software, "find_spec", lambda name: None)
    assert python().status == "fail"
    assert recording().hint == f"in the clone, run {sys.executable} -m pip install -e '.[recording]'"


def test_a_broker_that_is_not_set_is_a_warning() -> None:
    assert broker(MqttConfig(host="")).status == "warn"


@pytest.mark.parametrize("key", ["password_file", "ca_file", "cert_file", "key_file"])
def test_broker_whose_files_cannot_be_read_is_a_failure_in_the_links_words(tmp_path: Path, key: str) -> None:
    absent = str(tmp_path / "absent")
    files = {"username": "device", "password_file": absent} if key == "password_file" else {"ca_file": absent}
    if key in ("cert_file", "key_file"):
        files |= {"cert_file": absent, "key_file": absent}
    check = broker(MqttConfig(host="127.0.0.1", port=1, **files))  # type: ignore[arg-type]
    assert check.status == "fail"
    assert absent in check.detail
    assert check.detail.startswith(
        "mqtt: password_file " if key == "password_file" else "mqtt: the certificate files cannot be used"
    )


def test_parts_in_use_are_told_with_both_ways_of_ending_it(tmp_path: Path) -> None:
    guard = Instance(tmp_path, "guard")
    check = running(tmp_path)
    assert (check.status, check.detail) == ("fail", "the guard runs and uses the parts")
    assert "sudo systemctl stop rearguard.target" in check.hint
    assert "Ctrl-C in the terminal of `rearguard run`" in check.hint
    guard.close()
