"""Hardware PWM through the kernel's /sys/class/pwm: a tone that no busy processor can bend.

A line in /boot/firmware/config.txt makes the channel and connects it to a pin; see `OVERLAYS`. Everything that is
written is read back, but that shows only what the kernel took. The pad cannot be read while PWM has the pin: asking for
its level would take the pin from PWM. So a pad that sticks, which software PWM notices, goes unnoticed here.

Sources: Linux Documentation/driver-api/pwm.rst (sysfs interface), drivers/pwm/core.c and sysfs.c (what is refused);
raspberrypi/linux overlays pwm and pwm-2chan (pins and functions), bcm2711-peripherals section 8 and RP1 peripherals
section 3.1.1 (channels), issue 6818 there (chip numbers change with the kernel, so chips are told apart by address).
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hal.clock import Clock
from hal.errors import PinsUnavailable
from hal.output import Complaint

FUNCTIONS = {12: 4, 13: 4, 18: 2, 19: 2}
"""The function number that connects PWM to each BCM pin, in the overlay's numbers, which hold on the Pi 5 too."""

OVERLAYS = {pin: f"dtoverlay=pwm,pin={pin},func={function}" for pin, function in FUNCTIONS.items()}
"""The line of /boot/firmware/config.txt for each pin."""

CHANNELS = {
    "20c000.pwm": {12: 0, 18: 0, 13: 1, 19: 1},  # at 2020c000, 3f20c000 or fe20c000: Pi Zero to 4
    "1f00098000.pwm": {12: 0, 13: 1, 18: 2, 19: 3},  # RP1 of the Pi 5; 1f0009c000 is its fan
}
"""How the name of the chip's device ends, and its channel for each BCM pin."""

START_FREQUENCY_HZ = 800  # while it is off: a period must be set before anything else is taken
UDEV_S = 0.3  # so long may udev take to hand a new channel over to the group gpio
LOOK_S = 0.01


class Sysfs(Protocol):
    """The files of /sys, by their paths below it. Raises OSError."""

    def glob(self, pattern: str) -> list[str]: ...

    def target(self, path: str) -> str:
        """The last part of the path that a link leads to."""
        ...

    def read(self, path: str) -> bytes: ...

    def write(self, path: str, text: str) -> None: ...


class SysfsFolder:
    """A `Sysfs` in a folder: the kernel's own, unless it is told another."""

    def __init__(self, root: Path = Path("/sys")) -> None:
        self._root = root

    def glob(self, pattern: str) -> list[str]:
        import glob  # only where hardware PWM is looked for

        return sorted(glob.glob(pattern, root_dir=self._root))

    def target(self, path: str) -> str:
        return os.path.basename(os.path.realpath(self._root / path))

    def read(self, path: str) -> bytes:
        return (self._root / path).read_bytes()

    def write(self, path: str, text: str) -> None:
        file = os.open(self._root / path, os.O_WRONLY | os.O_CLOEXEC)  # in one write, and never making a file
        try:
            os.write(file, text.encode("ascii"))
        finally:
            os.close(file)


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of one PWM chip, connected to `pin` (BCM)."""

    chip: str
    number: int
    pin: int

    def path(self, attribute: str) -> str:
        return f"{self.chip}/pwm{self.number}/{attribute}"


def find_channel(sysfs: Sysfs, pin: int) -> Channel:
    """The channel that the device tree connects to `pin` (BCM).

    Raises:
        PinsUnavailable: there is none; it says which line of config.txt is missing.
    """
    if pin not in FUNCTIONS:
        pins = ", ".join(map(str, FUNCTIONS))
        raise PinsUnavailable(f'buzzer: pin {pin} has no hardware PWM, only {pins} have; set buzzer.pwm to "software"')
    problem = "there is no PWM chip for the header"
    try:
        for chip, channels in _chips(sysfs):
            function = _functions(sysfs, chip).get(pin)
            if function == FUNCTIONS[pin]:
                return Channel(chip, channels[pin], pin)
            problem = f"the device tree connects PWM to other pins than {pin}"
            if function is not None:
                problem = f"the device tree sets pin {pin} to function {function}, expected {FUNCTIONS[pin]}"
    except OSError as error:
        problem = f"the PWM chips cannot be read ({error})"
    raise PinsUnavailable(
        f"buzzer: {problem}; put `{OVERLAYS[pin]}` into /boot/firmware/config.txt and reboot, "
        'or set buzzer.pwm to "software"'
    )


def _chips(sysfs: Sysfs) -> list[tuple[str, dict[int, int]]]:
    found = []
    for chip in sysfs.glob("class/pwm/pwmchip*"):
        device = sysfs.target(f"{chip}/device")
        found += [(chip, channels) for name, channels in CHANNELS.items() if device.endswith(name)]
    return found


def _functions(sysfs: Sysfs, chip: str) -> dict[int, int]:
    """The pins that the device tree connects to a chip, and their functions; the pins' node is the chip's neighbour."""
    node = f"{chip}/device/of_node"
    wanted = _numbers(sysfs.read(f"{node}/pinctrl-0")) if sysfs.glob(f"{node}/pinctrl-0") else []
    functions: dict[int, int] = {}
    for path in sysfs.glob(f"{node}/../gpio@*/*/phandle"):
        pins = path.replace("/phandle", "/brcm,pins")
        if set(_numbers(sysfs.read(path))[:1]) & set(wanted) and sysfs.glob(pins):
            numbers = _numbers(sysfs.read(path.replace("/phandle", "/brcm,function")))
            for i, pin in enumerate(_numbers(sysfs.read(pins)) if numbers else ()):
                functions[pin] = numbers[min(i, len(numbers) - 1)]
    return functions


def _numbers(cells: bytes) -> list[int]:
    """Cells of a device tree: 32 bits each, the most significant byte first."""
    return [int.from_bytes(cells[i : i + 4], "big") for i in range(0, len(cells), 4)]


class HardwarePwm:
    """A tone source on one channel. It is silent from the moment that it is opened, whoever left it sounding."""

    def __init__(self, sysfs: Sysfs, clock: Clock, channel: Channel) -> None:
        """Raises PinsUnavailable when the channel cannot be had, OutputFault when it does not take what is written."""
        self._sysfs, self._clock, self._channel = sysfs, clock, channel
        self._name = f"buzzer (pin {channel.pin}, hardware PWM)"
        self._complaint = Complaint(self._name, clock)
        self._period_ns = 0
        self._enabled = True  # until the contrary is known
        try:
            self._open()
        except OSError as error:
            raise PinsUnavailable(f"{self._name}: cannot be had ({error}); {_advice(error)}") from error
        self._complaint.report()

    def pwm(self, frequency_hz: float, duty: float) -> None:
        """Start or change the tone. Raises OutputFault when it is not taken, or only slowly."""
        period_ns = round(1e9 / frequency_hz)
        settings = [("period", period_ns), ("duty_cycle", round(period_ns * duty))]
        if period_ns < self._period_ns:
            settings.reverse()  # the pulse may at no time be longer than the period
        with self._taken():
            for attribute, value_ns in settings:
                self._put(attribute, value_ns)
            self._period_ns = period_ns
            if not self._enabled:
                self._put("enable", 1)
                self._enabled = True
        self._complaint.report()

    def low(self) -> None:
        """Be silent; both chips drive the pin low then. Raises OutputFault when that is not taken."""
        with self._taken():
            self._put("enable", 0)
            self._enabled = False
        self._complaint.report()

    def close(self) -> None:
        """Leave it silent, and with us: a channel that is asked for anew must wait for udev again."""
        with suppress(OSError):
            self._put("enable", 0)

    def _open(self) -> None:
        until_ns = self._clock.now_ns()
        if not self._sysfs.glob(self._channel.path("enable")):
            self._sysfs.write(f"{self._channel.chip}/export", str(self._channel.number))
            until_ns += round(UDEV_S * 1e9)
        while True:
            try:
                self._rest()
                return
            except (FileNotFoundError, PermissionError):
                if self._clock.now_ns() >= until_ns:
                    raise
            self._clock.sleep(LOOK_S)

    def _rest(self) -> None:
        """Silent, and ready for a tone. At a period of 0 an old kernel refuses everything else, also what stands."""
        for attribute, value in (("enable", "0"), ("duty_cycle", "0")):
            if self._get(attribute) != value:
                self._put(attribute, value)
        self._enabled = False
        period_ns = round(1e9 / START_FREQUENCY_HZ)
        self._put("period", period_ns)
        self._period_ns = period_ns
        if self._get("polarity") != "normal":
            self._put("polarity", "normal")

    def _get(self, attribute: str) -> str:
        return self._sysfs.read(self._channel.path(attribute)).decode("ascii", "replace").strip()

    def _put(self, attribute: str, value: int | str) -> None:
        with self._complaint.timed():
            self._sysfs.write(self._channel.path(attribute), str(value))
            found = self._get(attribute)
        if found != str(value):
            self._complaint.note(f"{attribute} reads {found} after {value} was written; another program may use it")

    @contextmanager
    def _taken(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._complaint.fault(f"the kernel does not take it ({error}); {_advice(error)}") from error


def _advice(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return (
            "add this user to the group gpio; away from Raspberry Pi OS, give that group /sys/class/pwm by a udev rule "
            "(docs/HARDWARE.md)"
        )
    if error.errno == errno.EBUSY:
        return "a driver of the kernel uses it: remove its dtoverlay from /boot/firmware/config.txt"
    return 'see `dmesg`, or set buzzer.pwm to "software"'
