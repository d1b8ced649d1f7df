"""GPIO through gpiozero: which library drives the pins is chosen by name, never guessed; edges come with their time.

gpiozero is imported only when a factory is opened: it costs a tenth of a second on a small Pi.
"""

import importlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Literal, Protocol

from hal.clock import Clock
from hal.errors import PinsUnavailable

FactoryName = Literal["lgpio", "rpigpio"]
EdgeCallback = Callable[[float, int], None]  # (ticks in s, level)


class Pin(Protocol):
    """The part of `gpiozero.Pin` that drivers use. `state` is the pad's level, or the duty cycle under PWM."""

    state: float
    frequency: float | None
    edges: str
    when_changed: EdgeCallback | None

    def output_with_state(self, state: bool) -> None: ...

    def input_with_pull(self, pull: str) -> None: ...

    def close(self) -> None: ...


class Pins(Protocol):
    """The part of `gpiozero.Factory` that drivers use, and whether the kernel stamps its edges."""

    kernel_stamps: bool

    def pin(self, name: int) -> Pin: ...

    def ticks(self) -> float: ...

    def ticks_diff(self, later: float, earlier: float) -> float: ...

    def close(self) -> None: ...


class Pulse(Protocol):
    """Times one pulse, in seconds of `Pins.ticks`: `rise` and `fall` are None until they are known."""

    rise: float | None
    fall: float | None
    uncertain_s: float  # how much longer than from `rise` to `fall` the pulse may have been

    def arm(self) -> None:
        """Forget the last pulse and look out for the next, while the line is low."""

    def wait(self, clock: Clock, timeout_s: float) -> bool:
        """True once the pulse is over, False when it is not within `timeout_s`."""
        ...


class PulseTimer:
    """Times one pulse on an input by its edges' own stamps, so that a busy process does not distort it.

    Only for pins whose edges the kernel stamps (lgpio, CLOCK_MONOTONIC).
    """

    uncertain_s = 0.0

    def __init__(self, pin: Pin) -> None:
        self.seen = threading.Event()
        self.rise: float | None = None
        self.fall: float | None = None
        pin.edges = "both"
        pin.when_changed = self._edge  # gpiozero holds it weakly: it lasts as long as this object

    def arm(self) -> None:
        """Forget the last pulse and look out for the next."""
        self.rise = self.fall = None  # before `seen`: until then a straggling edge of the last pulse is ignored
        self.seen.clear()

    def wait(self, clock: Clock, timeout_s: float) -> bool:
        return clock.wait(self.seen, timeout_s)

    def _edge(self, ticks: float, level: int) -> None:
        if self.seen.is_set():
            return
        if level and self.rise is None:
            self.rise = ticks
        elif not level and self.rise is not None:
            self.fall = ticks
            self.seen.set()


class PolledPulse:
    """Times one pulse by looking at the level again and again, for pins whose edges Python stamps (RPi.GPIO).

    A busy interpreter was measured to stamp an edge 5 to 11 ms late, and nothing tells. Looks do tell: the pulse
    lasted at least from the first look that found the line high to the last, and `uncertain_s` bounds the rest.
    """

    LOOK_EVERY_S = 0.2e-3

    def __init__(self, pins: Pins, pin: Pin) -> None:
        self._pins, self._pin = pins, pin
        self.arm()

    def arm(self) -> None:
        self.rise: float | None = None
        self.fall: float | None = None
        self.uncertain_s = 0.0
        self._low_s = self._high_s = self._pins.ticks()  # when it was last found low, and high

    def wait(self, clock: Clock, timeout_s: float) -> bool:
        until_ns = clock.now_ns() + round(timeout_s * 1e9)
        while not self._over():
            if clock.now_ns() >= until_ns:
                return False
            clock.sleep(self.LOOK_EVERY_S)
        return True

    def _over(self) -> bool:
        """Look once. The level held at some time between the two stamps; each bound takes the careful one."""
        if self.fall is not None:
            return True
        before_s = self._pins.ticks()
        high = bool(self._pin.state)
        after_s = self._pins.ticks()
        if high:
            self.rise = after_s if self.rise is None else self.rise
            self._high_s = before_s
        elif self.rise is None:
            self._low_s = before_s
        else:
            self.fall = max(self._high_s, self.rise)
            longest_s = self._pins.ticks_diff(after_s, self._low_s)
            self.uncertain_s = longest_s - self._pins.ticks_diff(self.fall, self.rise)
        return self.fall is not None


def pulse_on(pins: Pins, pin: Pin) -> Pulse:
    """The way of timing pulses that these pins are good for."""
    return PulseTimer(pin) if pins.kernel_stamps else PolledPulse(pins, pin)


def pin_errors() -> tuple[type[Exception], ...]:
    """What reading or writing a pin may raise; `lgpio.error` has no base class that would tell."""
    from gpiozero.exc import GPIOZeroError

    errors: tuple[type[Exception], ...] = (GPIOZeroError, OSError, RuntimeError)
    lgpio_error = getattr(sys.modules.get("lgpio"), "error", None)
    return (*errors, lgpio_error) if lgpio_error is not None else errors


@contextmanager
def claiming(what: str) -> Iterator[None]:
    """Turn what a pin library raises while pins are claimed into PinsUnavailable."""
    try:
        yield
    except pin_errors() as error:
        raise PinsUnavailable(
            f"{what}: the pin cannot be claimed ({error}); another program or a device-tree overlay may hold it: "
            "see `gpioinfo`"
        ) from error


def open_factory(name: FactoryName) -> Pins:
    """Open the named GPIO library; there is no falling back to another one.

    Raises:
        PinsUnavailable: it is not installed or does not work here.
    """
    openers: dict[str, Callable[[], Pins]] = {"lgpio": _open_lgpio, "rpigpio": _open_rpigpio}
    if name not in openers:
        raise PinsUnavailable(f"gpio: no factory {name!r}; set gpio.factory to one of: {', '.join(openers)}")
    return openers[name]()


def _open_lgpio() -> Pins:
    # lgpio makes its pipes where LG_WD says, otherwise in the working directory, which may be read-only.
    runtime_directory = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    os.environ.setdefault("LG_WD", runtime_directory or tempfile.gettempdir())
    install = "install it with `sudo apt install python3-lgpio`"
    lgpio = _import("lgpio", install)
    if not hasattr(lgpio, "gpiochip_open"):  # pip picks the empty 0.0.0.2 where there is no wheel (Python 3.13)
        raise PinsUnavailable(f"gpio: the lgpio found at {lgpio.__file__} is not the real one; remove it and {install}")
    advice = "check that /dev/gpiochip0 exists and that this user is in group gpio"
    return _construct("lgpio", "LGPIOFactory", advice, kernel_stamps=True)


def _open_rpigpio() -> Pins:
    advice = "it works up to the Pi 4 and kernel 6.5; set gpio.factory to lgpio otherwise"
    _import("RPi.GPIO", f"install rearguard[rpigpio]; {advice}")
    return _construct("rpigpio", "RPiGPIOFactory", advice, kernel_stamps=False)


def _import(module: str, advice: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except (ImportError, RuntimeError) as error:  # RPi.GPIO raises RuntimeError away from a Pi
        raise PinsUnavailable(f"gpio: {module} cannot be imported ({error}); {advice}") from error


def _construct(module: str, factory: str, advice: str, *, kernel_stamps: bool) -> Pins:
    errors: tuple[type[Exception], ...] = (ImportError, *pin_errors())
    try:
        pins: Pins = getattr(importlib.import_module(f"gpiozero.pins.{module}"), factory)()
    except errors as error:
        raise PinsUnavailable(f"gpio: {module} cannot be opened ({error}); {advice}") from error
    pins.kernel_stamps = kernel_stamps
    return pins
