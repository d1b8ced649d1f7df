"""Reads one part for ever. A part that fails becomes a SensorFault, and is opened anew when it goes on failing."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

from firmware.core.messages import Input
from firmware.guard.downtime import Downtime
from firmware.guard.pace import Pace
from hal.board import ButtonReader
from hal.clock import Clock
from hal.errors import (
    ContactFault,
    DeviceNotFound,
    EchoStuck,
    HalError,
    ImplausibleEcho,
    NoEcho,
    StuckAxis,
    WrongConfig,
    WrongDevice,
)
from hal.samples import ButtonSample, ImuSample, PowerSample, RangeSample, SensorFault

REOPEN_AFTER = 3  # failures in a row: one lost transfer or echo is no reason to start over
REOPEN_AT_ONCE = (DeviceNotFound, WrongConfig, WrongDevice)
# The driver listens on; opening anew adds nothing, and would forget that an axis is dead
KEEP_OPEN = (NoEcho, EchoStuck, ImplausibleEcho, ContactFault, StuckAxis)
BACK_OFF_NS = (250_000_000, 500_000_000, 1_000_000_000, 2_000_000_000)


class DriverDefect(HalError):
    """A driver raised what it should not."""


class Device(Protocol):
    """A driver of `hal`: what is new since the last call, oldest first."""

    def read(
        self,
    ) -> Sequence[ImuSample] | Sequence[ButtonSample] | Sequence[RangeSample] | Sequence[PowerSample | SensorFault]: ...

    def close(self) -> None: ...


class ButtonChanges:
    """A button that is told when it changes and twice a second, instead of fifty times."""

    REPEAT_NS = 500_000_000

    def __init__(self, button: ButtonReader) -> None:
        self._button = button
        self._told: ButtonSample | None = None

    def read(self) -> list[ButtonSample]:
        sample = self._button.read()
        told = self._told
        if told is not None and sample.pressed == told.pressed and sample.t_ns - told.t_ns < self.REPEAT_NS:
            return []
        self._told = sample
        return [sample]

    def close(self) -> None:
        self._button.close()


class Reader:
    """Turns one driver into inputs of the core, whatever the driver does."""

    def __init__(
        self,
        part: str,
        open_device: Callable[[], Device],
        clock: Clock,
        *,
        period_s: float,
        first_s: float = 0.0,
        pace: Pace | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Polled first after `first_s`, then as `pace` says; without one, every `period_s`.

        `tell` takes a line when the part goes down, and one when it is up again.
        """
        self.part, self.first_ns = part, round(first_s * 1e9)
        self.period_ns, self._pace = round(period_s * 1e9), pace
        self._open, self._clock = open_device, clock
        self._device: Device | None = None
        self._failures = 0
        self._openings = 0
        self._reopen_ns = 0
        self._fault: HalError | None = None
        self._downtime = Downtime(part, tell)
        self._told: Sequence[Input] = ()
        self.polled_ns: int | None = None  # when the last poll came back; the watchdog looks at it

    def wait_ns(self) -> int:
        """From when one poll is due until the next is; to be asked once after each poll."""
        return self.period_ns if self._pace is None else self._pace.wait_ns(self._told)

    def poll(self) -> list[Input]:
        """Measure once. While the part fails, every poll says so again, with a fresh time."""
        try:
            inputs = self._read()
        except HalError as error:
            inputs = [self._failed(error)]
        except Exception as error:  # noqa: BLE001 - a defect in one driver is a fault of its part, not of the guard
            inputs = [self._failed(DriverDefect(f"{self.part}: {type(error).__name__}: {error}; please report it"))]
        self.polled_ns = self._clock.now_ns()
        self._told = inputs
        return inputs

    def close(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            with contextlib.suppress(HalError):  # what does not answer cannot be told to stop
                device.close()

    def _read(self) -> list[Input]:
        if self._device is None:
            if self._fault is not None and self._clock.now_ns() < self._reopen_ns:
                raise self._fault
            self._device = self._open()
        samples: list[Input] = [*self._device.read()]
        if samples:
            self._failures, self._openings, self._fault = 0, 0, None
            self._downtime.measured(self._clock.now_ns())
        return samples

    def _failed(self, error: HalError) -> SensorFault:
        now_ns = self._clock.now_ns()
        given_up = False
        if error is not self._fault:
            self._failures += 1
            if given_up := self._wants_reopening(error):
                self.close()
                self._failures = 0
                self._reopen_ns = now_ns + BACK_OFF_NS[min(self._openings, len(BACK_OFF_NS) - 1)]
                self._openings += 1
        self._fault = error
        self._downtime.failed(now_ns, error, given_up=given_up)
        return SensorFault(now_ns, self.part, type(error).__name__, str(error))

    def _wants_reopening(self, error: HalError) -> bool:
        if self._device is None or isinstance(error, REOPEN_AT_ONCE):
            return True
        return self._failures >= REOPEN_AFTER and not isinstance(error, KEEP_OPEN)
