"""GPIO through gpiozero: which library drives the pins is chosen by name, never guessed; edges come with their time.

gpiozero is imported only when a factory is opened: it costs a tenth of a second on a small Pi.
"""

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol

from hal.clock import Clock, MonotonicClock
from hal.errors import PinsUnavailable
from hal.gpiochip import KernelPulse, open_line

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
    """The part of `gpiozero.Factory` that drivers use, and inputs that time pulses."""

    def pin(self, name: int) -> Pin: ...

    def pulse_input(self, number: int) -> "PulseInput":
        """Claim pin `number` (BCM), without a pull, for timing pulses."""
        ...

    def ticks(self) -> float: ...

    def ticks_diff(self, later: float, earlier: float) -> float: ...

    def close(self) -> None: ...


class PulseInput(Protocol):
    """Times one pulse, in seconds of `Pins.ticks`: `rise` and `fall` are None until they are known."""

    @property
    def rise(self) -> float | None: ...

    @property
    def fall(self) -> float | None: ...

    @property
    def uncertain_s(self) -> float:
        """How much longer than from `rise` to `fall` the pulse may have been."""
        ...

    @property
    def level(self) -> bool:
        """Whether the line is high now."""
        ...

    def arm(self) -> None:
        """Forget the last pulse and look out for the next, while the line is low."""

    def wait(self, clock: Clock, timeout_s: float) -> bool:
        """True once the pulse is over, False when it is not within `timeout_s`."""
        ...

    def close(self) -> None: ...


class PolledPulse:
    """Times one pulse by looking at the level again and again, for pins whose edges Python stamps (RPi.GPIO).

    A busy interpreter was measured to stamp an edge 5 to 11 ms late, and nothing tells. Looks do tell: the pulse
    lasted at least from the first look that found the line high to the last, and `uncertain_s` bounds the rest.
    """

    LOOK_EVERY_S = 0.2e-3

    def __init__(self, pins: Pins, pin: Pin) -> None:
        self._pins, self._pin = pins, pin
        pin.input_with_pull("floating")
        self.arm()

    @property
    def fall(self) -> float | None:
        """Found out by another look, so that a pulse that ended unwatched is over."""
        self._over()
        return self._fall

    @property
    def level(self) -> bool:
        return bool(self._pin.state)

    def arm(self) -> None:
        self.rise: float | None = None
        self._fall: float | None = None
        self.uncertain_s = 0.0
        self._low_s = self._high_s = self._pins.ticks()  # when it was last found low, and high

    def wait(self, clock: Clock, timeout_s: float) -> bool:
        until_ns = clock.now_ns() + round(timeout_s * 1e9)
        while not self._over():
            if clock.now_ns() >= until_ns:
                return False
            clock.sleep(self.LOOK_EVERY_S)
        return True

    def close(self) -> None:
        self._pin.close()

    def _over(self) -> bool:
        """Look once. The level held at some time between the two stamps; each bound takes the careful one."""
        if self._fall is not None:
            return True
        before_s = self._pins.ticks()
        high = self.level
        after_s = self._pins.ticks()
        if high:
            self.rise = after_s if self.rise is None else self.rise
            self._high_s = before_s
        elif self.rise is None:
            self._low_s = before_s
        else:
            self._fall = max(self._high_s, self.rise)
            longest_s = self._pins.ticks_diff(after_s, self._low_s)
            self.uncertain_s = longest_s - self._pins.ticks_diff(self._fall, self.rise)
        return self._fall is not None


class GpiozeroPins:
    """A gpiozero factory, with the way of timing pulses that its library is good for.

    Ticks are CLOCK_MONOTONIC in seconds, as the kernel stamps edges; gpiozero leaves open what its own are.
    """

    def __init__(self, factory: Any, new_pulse: Callable[["GpiozeroPins", int], PulseInput]) -> None:
        self._factory, self._new_pulse = factory, new_pulse
        self._clock = MonotonicClock()

    def pin(self, name: int) -> Pin:
        pin: Pin = self._factory.pin(name)
        return pin

    def pulse_input(self, number: int) -> PulseInput:
        return self._new_pulse(self, number)

    def ticks(self) -> float:
        return self._clock.now_ns() / 1e9

    def ticks_diff(self, later: float, earlier: float) -> float:
        return later - earlier

    def close(self) -> None:
        self._factory.close()


def pin_errors() -> tuple[type[Exception], ...]:
    """What reading or writing a pin may raise; `lgpio.error` has no base class that would tell."""
    from gpiozero.exc import GPIOZeroError

    errors: tuple[type[Exception], ...] = (GPIOZeroError, OSError, RuntimeError)
    lgpio_error = getattr(sys.modules.get("lgpio"), "error", None)
    return (*errors, lgpio_error) if lgpio_error is not None else errors


def gpio_chips(folder: Path = Path("/dev")) -> tuple[tuple[str, int], ...]:
    """The GPIO chips that are there: name and inode, which is a new one when a chip comes back."""
    found = []
    for path in sorted(folder.glob("gpiochip*")):
        with suppress(OSError):  # gone meanwhile
            found.append((path.name, path.stat().st_ino))
    return tuple(found)


@contextmanager
def claiming(what: str) -> Iterator[None]:
    """Turn what a pin library raises while pins are claimed into PinsUnavailable, and name the part."""
    try:
        yield
    except PinsUnavailable as error:
        raise PinsUnavailable(f"{what}: {error}") from error
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
    with chdir("."):  # lgpio moves the whole process to LG_WD, where no relative path would be found any more
        try:
            lgpio = _import("lgpio", install)
        except OSError as error:
            raise PinsUnavailable(
                f"gpio: lgpio cannot make its pipe in {os.environ['LG_WD']} ({error}); "
                "set LG_WD to a folder in which this user may make files"
            ) from error
    if not hasattr(lgpio, "gpiochip_open"):  # pip picks the empty 0.0.0.2 where there is no wheel (Python 3.13)
        raise PinsUnavailable(f"gpio: the lgpio found at {lgpio.__file__} is not the real one; remove it and {install}")
    advice = "check that /dev/gpiochip0 exists and that this user is in group gpio"
    factory = _construct("lgpio", "LGPIOFactory", advice)
    return GpiozeroPins(factory, lambda pins, number: KernelPulse(open_line(number)))


def _open_rpigpio() -> Pins:
    advice = "it works up to the Pi 4 and kernel 6.5; set gpio.factory to lgpio otherwise"
    _import("RPi.GPIO", f"in the clone, run {sys.executable} -m pip install -e '.[rpigpio]'; {advice}")
    factory = _construct("rpigpio", "RPiGPIOFactory", advice)
    return GpiozeroPins(factory, lambda pins, number: PolledPulse(pins, pins.pin(number)))


def _import(module: str, advice: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except (ImportError, RuntimeError) as error:  # RPi.GPIO raises RuntimeError away from a Pi
        raise PinsUnavailable(f"gpio: {module} cannot be imported ({error}); {advice}") from error


def _construct(module: str, factory: str, advice: str) -> Any:
    errors: tuple[type[Exception], ...] = (ImportError, *pin_errors())
    try:
        return getattr(importlib.import_module(f"gpiozero.pins.{module}"), factory)()
    except errors as error:
        raise PinsUnavailable(f"gpio: {module} cannot be opened ({error}); {advice}") from error
