"""Output pads that fail in the ways of `hal.sim.faults`."""

import errno
from collections.abc import Callable

from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import Pad, PadState, SimPin

SLOW_WRITE_S = 0.08
DELAY_NS = 200_000_000


class FaultyPad(Pad):
    """The pad of an output, with one fault."""

    def __init__(self, clock: SimClock, fault: Fault, *, epoch_ns: int = 0) -> None:
        self._clock, self._fault, self._epoch_ns = clock, fault, epoch_ns
        self._random = fault.random()
        self._pending: list[PadState] = []
        self._writes: dict[str, Callable[[SimPin, float, float | None], None]] = {
            "off": self._refuse,
            "intermittent": self._refuse,
            "stuck": lambda pin, level, frequency_hz: self._freeze(pin),
            "garbage": lambda pin, level, frequency_hz: self._garble(pin),
            "wrong": lambda pin, level, frequency_hz: pin.show(1.0 - level, frequency_hz),
            "slow": self._write_slowly,
            "delayed": self._write_late,
        }

    def write(self, pin: SimPin, level: float, frequency_hz: float | None) -> None:
        self.settle(pin)
        if self._active():
            self._writes[self._fault.word](pin, level, frequency_hz)
        else:
            super().write(pin, level, frequency_hz)

    def settle(self, pin: SimPin) -> None:
        while self._pending and self._pending[0].t_ns <= self._clock.now_ns():
            due = self._pending.pop(0)
            pin.show(due.level, due.frequency_hz, due.t_ns)

    def release(self, pin: SimPin) -> None:
        if not (self._active() and self._fault.word == "stuck"):
            super().release(pin)

    def read(self, pin: SimPin) -> bool:
        if self._active() and self._fault.word == "garbage":
            self._garble(pin)
        return super().read(pin)

    def _active(self) -> bool:
        return self._fault.active((self._clock.now_ns() - self._epoch_ns) / 1e9)

    def _refuse(self, pin: SimPin, level: float, frequency_hz: float | None) -> None:
        raise OSError(errno.EIO, f"{self._fault.part} pin cannot be written")

    def _freeze(self, pin: SimPin) -> None:
        if pin.pad.frequency_hz is not None:
            pin.show(1.0, None)  # in the middle of a pulse

    def _garble(self, pin: SimPin) -> None:
        pin.show(float(self._random.random() < 0.5), None)

    def _write_slowly(self, pin: SimPin, level: float, frequency_hz: float | None) -> None:
        self._clock.sleep(SLOW_WRITE_S)
        pin.show(level, frequency_hz)

    def _write_late(self, pin: SimPin, level: float, frequency_hz: float | None) -> None:
        self._pending.append(PadState(self._clock.now_ns() + DELAY_NS, level, frequency_hz))
