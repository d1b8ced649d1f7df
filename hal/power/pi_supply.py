"""What a Raspberry Pi knows of its own supply: under-voltage, throttling, and the processor's temperature.

Three ways lead to the firmware's flags, tried in this order:

- its mailbox, /dev/vcio: each Raspberry Pi OS, for root and the group video; `vcgencmd get_throttled` asks the same;
- the kernel's rpi_volt driver (hwmon): every kernel since 4.19, under-voltage only;
- /sys/devices/platform/soc/soc:firmware/get_throttled: kernels until early 2025 (raspberrypi/linux, pull request 6697),
  which write a warning into their log the first time; so it is asked only where the two others say nothing.

The kernel's rpi_volt driver clears the firmware's "has occurred" bits every two seconds (drivers/hwmon/
raspberrypi-hwmon.c), so they are no memory of the time since the start.
"""

import contextlib
import fcntl
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MAILBOX = "dev/vcio"
PROPERTY_IOCTL = 3 << 30 | struct.calcsize("P") << 16 | 100 << 8  # _IOWR(100, 0, char *): drivers/char/broadcom/vcio.c
GET_THROTTLED = 0x00030046  # the tag; include/soc/bcm2835/raspberrypi-firmware.h
REQUEST = struct.Struct("<7I")  # bytes in all, status, tag, bytes of the value, bytes answered, value, end
ANSWERED = 0x80000000  # in the status, and in the bytes answered

HWMON, HWMON_NAME, HWMON_ALARM = "sys/class/hwmon", "rpi_volt", "in0_lcrit_alarm"
FLAGS_FILE = "sys/devices/platform/soc/soc:firmware/get_throttled"
THERMAL, CPU_ZONE = "sys/class/thermal", "cpu-thermal"
COLDEST_C, HOTTEST_C = -40.0, 125.0  # the processor itself works from about -20 to 85 °C

Ioctl = Callable[[int, int, bytearray], int]


@dataclass(frozen=True, slots=True)
class SupplyFlags:
    """The firmware's flags. Source: Raspberry Pi documentation, vcgencmd, get_throttled."""

    undervoltage: bool  # the 5 V were below 4.63 V within the last three seconds
    capped: bool  # the processor's clock is limited, for heat or under-voltage
    throttled: bool  # it is slowed down, for heat or under-voltage
    soft_limit: bool  # of the 3A+ and 3B+ alone, from 60 °C on: 1.2 instead of 1.4 GHz, no trouble
    undervoltage_seen: bool  # each of them: at any time since the start, or since the kernel last forgot it
    capped_seen: bool
    throttled_seen: bool
    soft_limit_seen: bool

    @classmethod
    def of(cls, word: int) -> "SupplyFlags":
        """From `get_throttled`; bits that are not defined say nothing."""
        return cls(*(bool(word >> bit & 1) for bit in (0, 1, 2, 3, 16, 17, 18, 19)))


@dataclass(frozen=True, slots=True)
class SupplyReading:
    """The Pi's supply now. None: this machine does not say."""

    undervoltage: bool | None = None
    throttled: bool | None = None
    cpu_c: float | None = None


class Supply(Protocol):
    """Says how the Pi is fed. Never raises: what cannot be known is None."""

    def read(self) -> SupplyReading: ...


class PiSupply:
    """Below `root`, which on a Pi is the file system's own; on another machine nearly everything is unknown."""

    def __init__(self, root: Path = Path("/"), *, ioctl: Ioctl = fcntl.ioctl) -> None:
        self._root, self._ioctl = root, ioctl

    def read(self) -> SupplyReading:
        flags = self.flags()
        if flags is None:
            return SupplyReading(self._alarm(), None, self._cpu_c())
        return SupplyReading(flags.undervoltage, flags.capped or flags.throttled, self._cpu_c())

    def flags(self) -> SupplyFlags | None:
        """None: neither the mailbox nor the file says, or the kernel's rpi_volt has to do."""
        word = self._asked()
        if word is None and self._alarm() is None:
            word = self._filed()
        return None if word is None else SupplyFlags.of(word)

    def _asked(self) -> int | None:
        buffer = bytearray(REQUEST.pack(REQUEST.size, 0, GET_THROTTLED, 4, 0, 0, 0))  # value 0: forget nothing
        try:
            mailbox = os.open(self._root / MAILBOX, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            self._ioctl(mailbox, PROPERTY_IOCTL, buffer)
        except OSError:
            return None
        finally:
            os.close(mailbox)
        _, status, tag, _, answered, word, _ = REQUEST.unpack(buffer)
        return word if (status, tag, answered) == (ANSWERED, GET_THROTTLED, ANSWERED | 4) else None

    def _filed(self) -> int | None:
        text = self._text(FLAGS_FILE)
        with contextlib.suppress(ValueError):
            word = int(text, 16)
            return word if 0 <= word < 1 << 32 else None
        return None

    def _alarm(self) -> bool | None:
        for driver in sorted((self._root / HWMON).glob("hwmon*")):
            if self._text(driver / "name") == HWMON_NAME:
                return {"0": False, "1": True}.get(self._text(driver / HWMON_ALARM))
        return None

    def _cpu_c(self) -> float | None:
        for zone in sorted((self._root / THERMAL).glob("thermal_zone*")):
            if self._text(zone / "type") == CPU_ZONE:
                with contextlib.suppress(ValueError):
                    cpu_c = int(self._text(zone / "temp")) / 1000
                    return cpu_c if COLDEST_C <= cpu_c <= HOTTEST_C else None
        return None

    def _text(self, path: Path | str) -> str:
        """Empty where there is no such file, or it cannot be read."""
        try:
            return (self._root / path).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""
