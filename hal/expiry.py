"""Outputs that nobody renews go off by themselves: a sounder that hangs must not leave a motor running.

Each output has a thread of its own for this, so that neither a loop that hangs nor another output that hangs holds it
up. What it takes is a living process. What happens after a `kill -9`, until `rearguard silence` (ExecStopPost of the
sounder's unit) or the next sounder, both of which drive every output low before anything else:

| output | Raspberry Pi kernel as delivered | with `dtparam=strict_gpiod`, and Debian's kernel |
|---|---|---|
| motor, active buzzer, LED, airbag pin | stays as it was | off at once: the line becomes an input again |
| passive buzzer, software PWM | silent, its pin at the level of that moment: direct current may flow | silent, off |
| passive buzzer, hardware PWM | goes on sounding: PWM belongs to no process | goes on sounding |

RPi.GPIO writes registers past the kernel, so with `gpio.factory = "rpigpio"` the middle column always holds.
Sources: raspberrypi/linux PR 6117 and 6150 (lines after release); drivers/pwm/pwm-bcm2835.c and pwm-rp1.c.

A process that stands still as a whole (lgpio keeps Python's lock during its calls into the kernel) is no longer here
to do anything: systemd kills it (WatchdogSec of the sounder's unit), and then the same holds.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from hal.clock import Clock
from hal.errors import HalError

LIMIT_S = 0.5
"""So long an output lasts after it was last asked for."""

RETRY_S = 0.1  # an output that did not go off is told so again after this time
PATIENCE_S = 0.1  # with a write that does not come back; then the pin is tried all the same


class Timer(Protocol):
    """Calls back at a time, whatever everybody else is doing."""

    def call_at(self, t_ns: int, callback: Callable[[], None]) -> None:
        """Call back at `t_ns` of the clock, or as soon as possible after it. One call at a time waits."""

    def close(self) -> None:
        """Call nobody back any more."""


class TimerThread:
    """A timer with a thread of its own, which starts with the first call and holds up nobody's end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: queue.SimpleQueue[tuple[int, Callable[[], None]] | None] = queue.SimpleQueue()
        self._started = False

    def call_at(self, t_ns: int, callback: Callable[[], None]) -> None:
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, name="expiry", daemon=True).start()
        self._calls.put((t_ns, callback))

    def close(self) -> None:
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            t_ns, callback = call
            self._clock.sleep(max(t_ns - self._clock.now_ns(), 0) / 1e9)
            callback()


class Expiring:
    """What one output shows, for `limit_s` from the last time that it was asked for."""

    def __init__(self, clock: Clock, timer: Timer, low: Callable[[], None], limit_s: float = LIMIT_S) -> None:
        """`low` switches the output off; it may be called from the timer's thread. Raises HalError when it cannot."""
        self._clock, self._timer, self._low = clock, timer, low
        self._limit_ns = round(limit_s * 1e9)
        # Reentrant, because in simulated time the timer's call comes in the middle of a slow write.
        self._lock = threading.RLock()
        self._shown: object = None  # what was written without a fault; None: nothing, or nobody knows
        self._until_ns: int | None = None  # None: off
        self._called = False  # the timer will call back

    def show(self, setting: object, write: Callable[[], None]) -> None:
        """Write, unless `setting` is what is shown already: renewing writes nothing, so a tone goes on without a click.

        Raises:
            HalError: what `write` raised. What it did lasts no longer than a write that went well.
        """
        with self._alone():
            until_ns = self._clock.now_ns() + self._limit_ns
            lasting = self._until_ns is not None and setting == self._shown
            self._until_ns = until_ns
            if lasting:
                return
            self._shown = None
            self._call_at(until_ns)
            try:
                write()
                self._shown = setting
            finally:
                if self._clock.now_ns() >= until_ns:  # so slow that it had to be off before it was on
                    self._off()

    def off(self) -> None:
        """Switch off now. Raises HalError; what was on is then tried again until it is off, or closed."""
        with self._alone():
            if self._until_ns is not None:
                self._until_ns = self._clock.now_ns()
            self._off()

    def close(self) -> None:
        """Watch no longer; the output itself is closed by whoever opened it."""
        with self._alone():
            self._shown = self._until_ns = None
            self._timer.close()

    def _off(self) -> None:
        self._shown = None
        self._low()
        self._until_ns = None

    def _call_at(self, t_ns: int) -> None:
        if not self._called:
            self._called = True
            self._timer.call_at(t_ns, self._check)

    def _check(self) -> None:
        with self._alone():
            self._called = False
            now_ns = self._clock.now_ns()
            if self._until_ns is not None and now_ns >= self._until_ns:
                try:
                    self._off()
                except HalError:  # told when the output is used next
                    self._call_at(now_ns + round(RETRY_S * 1e9))
            if self._until_ns is not None:
                self._call_at(self._until_ns)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One write at a time, as long as writes come back at all."""
        alone = self._lock.acquire(timeout=PATIENCE_S)
        try:
            yield
        finally:
            if alone:
                self._lock.release()
