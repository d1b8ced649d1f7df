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

from hal.errors import PinsUnavailable

FactoryName = Literal["lgpio", "rpigpio"]
EdgeCallback = Callable[[float, int], None]  # (ticks in s, level)

PYTHON_STAMP_DELAY_S = 0.015  # a busy interpreter was measured to let an edge wait 5 to 11 ms for its callback


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
    """The part of `gpiozero.Factory` that drivers use."""

    def pin(self, name: int) -> Pin: ...

    def ticks(self) -> float: ...

    def ticks_diff(self, later: float, earlier: float) -> float: ...

    def close(self) -> None: ...


class PulseTimer:
    """Times one pulse on an input by its edges' own stamps, in seconds, so that a busy process does not distort it.

    With lgpio the kernel stamps the edges (CLOCK_MONOTONIC); with RPi.GPIO Python does, which is late by milliseconds.
    """

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

    def _edge(self, ticks: float, level: int) -> None:
        if self.seen.is_set():
            return
        if level and self.rise is None:
            self.rise = ticks
        elif not level and self.rise is not None:
            self.fall = ticks
            self.seen.set()


def stamp_delay_s(pins: Pins) -> float:
    """How late the stamp of an edge may be: 0 where the kernel gives it."""
    return PYTHON_STAMP_DELAY_S if type(pins).__name__ == "RPiGPIOFactory" else 0.0


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
    return _construct("lgpio", "LGPIOFactory", "check that /dev/gpiochip0 exists and that this user is in group gpio")


def _open_rpigpio() -> Pins:
    advice = "it works up to the Pi 4 and kernel 6.5; set gpio.factory to lgpio otherwise"
    _import("RPi.GPIO", f"install rearguard[rpigpio]; {advice}")
    return _construct("rpigpio", "RPiGPIOFactory", advice)


def _import(module: str, advice: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except (ImportError, RuntimeError) as error:  # RPi.GPIO raises RuntimeError away from a Pi
        raise PinsUnavailable(f"gpio: {module} cannot be imported ({error}); {advice}") from error


def _construct(module: str, factory: str, advice: str) -> Pins:
    errors: tuple[type[Exception], ...] = (ImportError, *pin_errors())
    try:
        pins: Pins = getattr(importlib.import_module(f"gpiozero.pins.{module}"), factory)()
    except errors as error:
        raise PinsUnavailable(f"gpio: {module} cannot be opened ({error}); {advice}") from error
    return pins
