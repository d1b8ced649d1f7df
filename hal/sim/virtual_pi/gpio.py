"""The GPIO chip of the virtual Pi: the kernel's interface (linux/gpio.h, version 2), with simulated pins below it."""

import array
import errno
import fcntl
import socket
import struct
import termios
from contextlib import suppress

from hal.gpiochip import BUFFERED, CHIP_INFO, LINE_EVENT, LINE_INFO, LINE_VALUES
from hal.pins import pin_errors
from hal.sim.pins import SimPin, SimPinFactory

CHIP_INFO_NR, LINE_INFO_NR, WATCH_NR, GET_LINE_NR = 0x01, 0x05, 0x06, 0x07
UNWATCH_NR, SET_CONFIG_NR, GET_VALUES_NR, SET_VALUES_NR = 0x0C, 0x0D, 0x0E, 0x0F

USED, INPUT, OUTPUT, RISING, FALLING, PULL_UP, PULL_DOWN = 1 << 0, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 8, 1 << 9
_FLAGS_ATTRIBUTE, _VALUES_ATTRIBUTE = 1, 2

_REQUEST = struct.Struct("=256s32s272sII20xi")  # offsets, consumer, configuration, lines, buffer, fd
_CONFIG = struct.Struct("=QI20x")  # flags, attributes in use; the attributes follow
_ATTRIBUTE = struct.Struct("=I4xQQ")  # kind, value, which lines


class GpioChip:
    """/dev/gpiochipN. Only pins of the 40-pin header can be requested."""

    def __init__(self, pins: SimPinFactory, *, label: str, lines: int = 58) -> None:
        self.keeps_outputs = True  # when a process lets go of them: kernels differ, and both habits must be safe
        self._pins, self._label, self._lines = pins, label, lines
        self._owners: dict[int, LineRequest | str] = {}

    def reserve(self, offset: int, consumer: str) -> None:
        """Let a driver of the kernel hold a line, as a dtoverlay would."""
        self._owners[offset] = consumer

    def holder(self, offset: int) -> str | None:
        """Who holds the line now, as `gpioinfo` would show it."""
        owner = self._owners.get(offset)
        return owner.consumer if isinstance(owner, LineRequest) else owner

    def ioctl(self, request: int, data: bytes) -> bytes:
        """Serve a request that is about the chip. Raises OSError."""
        number = request & 0xFF
        if number == CHIP_INFO_NR:
            return CHIP_INFO.pack(b"gpiochip0", self._label.encode(), self._lines)
        if number in (LINE_INFO_NR, WATCH_NR):
            return self._line_info(LINE_INFO.unpack(data)[2])
        if number == UNWATCH_NR:
            return data
        raise OSError(errno.ENOTTY, "no such ioctl")

    def request(self, data: bytes) -> "LineRequest":
        """Give out lines. Raises OSError."""
        offsets, consumer, config, count, _, _ = _REQUEST.unpack(data)
        numbers = struct.unpack_from(f"={count}I", offsets)
        if any(number in self._owners for number in numbers):
            raise OSError(errno.EBUSY, "a line is in use")
        request = LineRequest([self._pin(number) for number in numbers], numbers, _text(consumer), config)
        self._owners.update(dict.fromkeys(numbers, request))
        return request

    def release(self, request: "LineRequest") -> None:
        """The process closed the request, or died."""
        for number in request.numbers:
            if self._owners.get(number) is request:
                del self._owners[number]
        request.close(keep_levels=self.keeps_outputs)

    def _pin(self, offset: int) -> SimPin:
        try:
            return self._pins.sim_pin(offset)
        except pin_errors() as error:
            raise OSError(errno.EINVAL, f"line {offset} is not on the header") from error

    def _line_info(self, offset: int) -> bytes:
        if offset >= self._lines:
            raise OSError(errno.EINVAL, "no such line")
        owner = self._owners.get(offset)
        flags = owner.flags if isinstance(owner, LineRequest) else INPUT
        consumer = (self.holder(offset) or "").encode()
        return LINE_INFO.pack(f"GPIO{offset}".encode(), consumer, offset, 0, flags | (USED if owner else 0))


class LineRequest:
    """Lines that a process holds. `events` is the end of the stream that the process is to read."""

    def __init__(self, pins: list[SimPin], numbers: tuple[int, ...], consumer: str, config: bytes) -> None:
        self.numbers, self.consumer = numbers, consumer
        self._pins = pins
        self._count = [0] * len(pins)
        self._total = 0
        self._watchers = [_Watcher(self, index) for index in range(len(pins))]
        self._ours, self.events = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._configure(config)

    def ioctl(self, request: int, data: bytes) -> bytes:
        """Serve a request that is about these lines. Raises OSError, for what a broken pad refuses as well."""
        number = request & 0xFF
        if number == SET_CONFIG_NR:
            self._configure(data)
            return data
        bits, mask = LINE_VALUES.unpack(data)
        if number == GET_VALUES_NR:
            found = sum((pin.state > 0.5) << i for i, pin in enumerate(self._pins) if mask >> i & 1)
            return LINE_VALUES.pack(found, mask)
        if number == SET_VALUES_NR:
            for i, pin in enumerate(self._pins):
                if mask >> i & 1:
                    self._set(pin, bool(bits >> i & 1))
            return data
        raise OSError(errno.ENOTTY, "no such ioctl")

    def edge(self, index: int, ticks_s: float, rising: bool) -> None:
        """Put an event into the stream, which keeps the last ones when nobody reads them, as the kernel does."""
        self._count[index] += 1
        self._total += 1
        kind = 1 if rising else 2
        waiting = array.array("i", [0])
        fcntl.ioctl(self.events, termios.FIONREAD, waiting)
        if waiting[0] >= BUFFERED * len(self._pins) * LINE_EVENT.size:
            with suppress(BlockingIOError):  # they have just been read
                self.events.recv(LINE_EVENT.size, socket.MSG_DONTWAIT)
        event = LINE_EVENT.pack(round(ticks_s * 1e9), kind, self.numbers[index], self._total, self._count[index])
        self._ours.send(event, socket.MSG_DONTWAIT)

    def close(self, *, keep_levels: bool) -> None:
        for pin in self._pins:
            pin.when_changed = None
            if self.flags & OUTPUT and not keep_levels:
                pin.input_with_pull("floating")
        self._ours.close()
        self.events.close()

    def _configure(self, config: bytes) -> None:
        self.flags, count = _CONFIG.unpack_from(config)
        values = 0
        for i in range(count):
            kind, value, _ = _ATTRIBUTE.unpack_from(config, _CONFIG.size + i * _ATTRIBUTE.size)
            if kind == _FLAGS_ATTRIBUTE:
                self.flags = value
            elif kind == _VALUES_ATTRIBUTE:
                values = value
        for i, (pin, watcher) in enumerate(zip(self._pins, self._watchers, strict=True)):
            pin.when_changed = None
            if self.flags & OUTPUT:
                pin.output_with_state(bool(values >> i & 1))
            else:
                self._listen(pin, watcher)

    def _listen(self, pin: SimPin, watcher: "_Watcher") -> None:
        pull = "up" if self.flags & PULL_UP else "down" if self.flags & PULL_DOWN else "floating"
        try:
            pin.input_with_pull(pull)
        except pin_errors() as error:
            raise OSError(errno.EINVAL, str(error)) from error
        edges = {RISING | FALLING: "both", RISING: "rising", FALLING: "falling"}.get(self.flags & (RISING | FALLING))
        if edges is not None:
            pin.edges = edges
            pin.when_changed = watcher.changed

    def _set(self, pin: SimPin, level: bool) -> None:
        if not self.flags & OUTPUT:
            raise OSError(errno.EPERM, "the line is an input")
        pin.state = level


class _Watcher:
    """Says which of several lines an edge was on."""

    def __init__(self, request: LineRequest, index: int) -> None:
        self._request, self._index = request, index

    def changed(self, ticks_s: float, level: float) -> None:
        self._request.edge(self._index, ticks_s, bool(level))


def _text(padded: bytes) -> str:
    return padded.rstrip(b"\0").decode(errors="replace")
