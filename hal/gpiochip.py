"""One input line straight from the kernel: edges stamped in the interrupt, and a reader that sleeps until there is one.

lgpio passes the same stamps on, but by a thread that wakes every 0.5 ms as long as a line is watched (`bench.edges`).
The package gpiod would do, but has no wheels for armv7, and Debian 12 has its version 1, with another interface.

Sources: Linux include/uapi/linux/gpio.h and Documentation/userspace-api/gpio: version 2 of the interface, since 5.10.
"""

import errno
import fcntl
import os
import select
import struct
from contextlib import suppress
from typing import NamedTuple

from hal.clock import Clock
from hal.errors import ImplausibleEcho, PinsUnavailable

LABELS = ("pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1")
"""The chips with the 40-pin header: Pi Zero to 3, Pi 4, Pi 5 (there as gpiochip4 or 0: raspberrypi/linux PR 6144)."""

CHIPS = range(16)  # a Pi 5 has up to gpiochip13
CONSUMER = b"rearguard"  # what `gpioinfo` shows

CHIP_INFO = struct.Struct("=32s32sI")  # name, label, lines
LINE_INFO = struct.Struct("=32s32sIIQ160x16x")  # name, consumer, offset, attributes in use, flags
LINE_REQUEST = struct.Struct("=64I32sQI20x240xII20xi")  # offsets, consumer, flags, attributes, lines, buffer, fd
LINE_VALUES = struct.Struct("=QQ")  # bits, mask
LINE_EVENT = struct.Struct("=QIIII24x")  # stamp in ns of CLOCK_MONOTONIC, edge, offset, sequence number, of the line

INPUT, EDGE_RISING, EDGE_FALLING, BIAS_DISABLED = 1 << 2, 1 << 4, 1 << 5, 1 << 10
RISING_EVENT = 1
BUFFERED = 16  # events that the kernel keeps for a line; then it drops the oldest, which their numbers tell

_READ, _WRITE = 2, 1


def _request(direction: int, number: int, size: int) -> int:
    """The number of an ioctl (asm-generic/ioctl.h, which both ARM and x86 use)."""
    return direction << 30 | size << 16 | 0xB4 << 8 | number


GET_CHIP_INFO = _request(_READ, 0x01, CHIP_INFO.size)
GET_LINE_INFO = _request(_READ | _WRITE, 0x05, LINE_INFO.size)
GET_LINE = _request(_READ | _WRITE, 0x07, LINE_REQUEST.size)
GET_VALUES = _request(_READ | _WRITE, 0x0E, LINE_VALUES.size)


class Edge(NamedTuple):
    """An edge, stamped by the kernel. `number` counts the line's edges, those included that nobody fetched in time."""

    at_s: float
    rising: bool
    number: int


class Line:
    """A requested line, by its file descriptor. `is_set` and `wait` are about edges to fetch, as `Clock.wait` asks."""

    def __init__(self, fd: int, number: int) -> None:
        self.number, self._fd = number, fd
        os.set_blocking(fd, False)
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def level(self) -> bool:
        """Whether the line is high now. Raises OSError."""
        answer = bytearray(LINE_VALUES.pack(0, 1))
        fcntl.ioctl(self._fd, GET_VALUES, answer)
        bits: int = LINE_VALUES.unpack(answer)[0]
        return bool(bits & 1)

    def edges(self) -> list[Edge]:
        """What happened since the last time, oldest first. Raises OSError."""
        found: list[Edge] = []
        with suppress(BlockingIOError):  # nothing is left
            while data := os.read(self._fd, BUFFERED * LINE_EVENT.size):
                found += [
                    Edge(stamp_ns / 1e9, event == RISING_EVENT, number)
                    for stamp_ns, event, _, _, number in LINE_EVENT.iter_unpack(data)
                ]
            raise OSError(errno.ENODEV, "the GPIO chip is gone")
        return found

    def is_set(self) -> bool:
        return self.wait(0.0)

    def wait(self, timeout: float | None = None) -> bool:
        return bool(self._poll.poll(None if timeout is None else timeout * 1e3))

    def close(self) -> None:
        os.close(self._fd)


class KernelPulse:
    """A `hal.pins.PulseInput` on a kernel's line. A busy process does not distort it: the stamps are the kernel's.

    Edges are lost where the kernel's buffer overflows, and where a second one comes before the first is looked at. Such
    a pulse is refused: it might be taken for a longer one, and a wall for farther away than it is.
    """

    uncertain_s = 0.0

    def __init__(self, line: Line) -> None:
        self._line = line
        self._number = 0  # of the last edge
        self.arm()

    @property
    def rise(self) -> float | None:
        self._take()
        return self._rise

    @property
    def fall(self) -> float | None:
        self._take()
        return self._fall

    @property
    def level(self) -> bool:
        return self._line.level()

    def arm(self) -> None:
        """Forget the last pulse and look out for the next, while the line is low."""
        self._rise: float | None = None
        self._fall: float | None = None
        self._lost = 0
        self._deaf = True
        self._take()
        self._deaf = False

    def wait(self, clock: Clock, timeout_s: float) -> bool:
        """True once the pulse is over, False when it is not within `timeout_s`.

        Raises:
            ImplausibleEcho: an edge was lost, so that the pulse cannot be timed; said once.
        """
        until_ns = clock.now_ns() + round(timeout_s * 1e9)
        while self.fall is None:
            if self._lost:
                raise self._loss()
            left_ns = until_ns - clock.now_ns()
            if left_ns <= 0:
                return False
            clock.wait(self._line, left_ns / 1e9)
        return True

    def close(self) -> None:
        self._line.close()

    def _take(self) -> None:
        for at_s, rising, number in self._line.edges():
            missed = (number - self._number - 1) % 2**32
            self._number = number
            if self._deaf or self._fall is not None:
                continue
            if missed or (rising and self._rise is not None):
                self._lost, self._deaf, self._rise = missed or 1, True, None
            elif rising:
                self._rise = at_s
            elif self._rise is not None:
                self._fall = at_s

    def _loss(self) -> ImplausibleEcho:
        lost, self._lost = self._lost, 0
        return ImplausibleEcho(
            f"echo on pin {self._line.number}: {lost} edge{'s' * (lost > 1)} lost, so the pulse cannot be timed; "
            "check the wire for a loose contact and for noise, or stop other programs"
        )


def open_line(number: int) -> Line:
    """Claim line `number` (BCM) of the header's chip as an input without a pull, both edges watched.

    Raises:
        PinsUnavailable: there is no such line, or it may not be used.
    """
    chip = _open_chip(number)
    try:
        flags = INPUT | EDGE_RISING | EDGE_FALLING | BIAS_DISABLED
        request = bytearray(LINE_REQUEST.pack(number, *[0] * 63, CONSUMER, flags, 0, 1, BUFFERED, -1))
        fcntl.ioctl(chip, GET_LINE, request)
    except OSError as error:
        raise _refusal(chip, number, error) from error
    finally:
        os.close(chip)
    return Line(LINE_REQUEST.unpack(request)[-1], number)


def _open_chip(number: int) -> int:
    """The file descriptor of the chip with the 40-pin header."""
    refused: OSError | None = None
    for chip in CHIPS:
        try:
            fd = os.open(f"/dev/gpiochip{chip}", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError as error:
            refused = error
            continue
        if _label(fd) in LABELS:
            return fd
        os.close(fd)
    if refused is not None:
        advice = "add this user to the group gpio (`sudo usermod -aG gpio $USER`) and log in again"
        raise PinsUnavailable(f"pin {number}: a /dev/gpiochip* may not be opened ({refused}); {advice}") from refused
    raise PinsUnavailable(
        f"pin {number}: no /dev/gpiochip* is one of {', '.join(LABELS)}; "
        "this takes a Raspberry Pi with a kernel of 5.10 or newer"
    )


def _label(chip: int) -> str:
    answer = bytearray(CHIP_INFO.size)
    try:
        fcntl.ioctl(chip, GET_CHIP_INFO, answer)
    except OSError:
        return ""
    return _text(CHIP_INFO.unpack(answer)[1])


def _refusal(chip: int, number: int, error: OSError) -> PinsUnavailable:
    """Why the kernel did not give the line, and what to do."""
    advice = {
        errno.EBUSY: f"{_holder(chip, number)} holds it: end that program, or remove its dtoverlay from "
        "/boot/firmware/config.txt",
        errno.EINVAL: "there is no such line, or the kernel is older than 5.10: correct the pin, or update",
        errno.ENOTTY: "the kernel is older than 5.10: update it",
    }.get(error.errno or 0, "see `gpioinfo`")
    return PinsUnavailable(f"pin {number}: the kernel does not give the line ({error.strerror}); {advice}")


def _holder(chip: int, number: int) -> str:
    answer = bytearray(LINE_INFO.pack(b"", b"", number, 0, 0))
    try:
        fcntl.ioctl(chip, GET_LINE_INFO, answer)
    except OSError:
        return "another program"
    consumer = _text(LINE_INFO.unpack(answer)[1])
    return f'"{consumer}"' if consumer else "another program"


def _text(padded: bytes) -> str:
    return padded.rstrip(b"\0").decode(errors="replace")
