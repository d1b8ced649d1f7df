"""Buzzer, motor and status LED side by side: one that fails never silences another.

They share one thread, so one that is slow makes the others late while it is tried. Threads would change nothing: lgpio
keeps Python's lock in its calls into the kernel.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from firmware.ipc import SounderReport
from hal.board import LedOutput, MotorOutput, ToneOutput
from hal.errors import HalError

RETRY_NS = 200_000_000  # a broken output is tried again five times a second
LED_RETRY_NS = 5_000_000_000  # a broken LED is no hurry, and trying may take time that the others need
CALM_NS = 2_000_000_000  # so it is tried only when nothing has sounded for this long

Tone = tuple[float, float]  # frequency in Hz, volume 0-1


class Closable(Protocol):
    def close(self) -> None: ...


Device = TypeVar("Device", bound=Closable)
Setting = TypeVar("Setting")


class Output(Generic[Device, Setting]):
    """One output: opened when first used, set when its setting changes, opened anew after it failed.

    What is on is set again every time: outputs go off by themselves when they are not (`hal.expiry`).
    """

    def __init__(
        self,
        part: str,
        open_device: Callable[[], Device],
        apply: Callable[[Device, Setting], None],
        *,
        rest: Setting,
        retry_ns: int = RETRY_NS,
    ) -> None:
        self._part, self._open, self._apply = part, open_device, apply
        self._rest, self._retry_after_ns = rest, retry_ns
        self._device: Device | None = None
        self._shown: Setting | None = None  # None: the pin may be anywhere
        self._retry_ns = 0
        self.fault: SounderReport | None = None

    def set(self, setting: Setting, now_ns: int) -> None:
        if now_ns < self._retry_ns or setting == self._shown == self._rest:
            return
        try:
            if self._device is None:
                self._device = self._open()
            self._apply(self._device, setting)
        except Exception as error:  # noqa: BLE001 - a defect in one driver must not silence the other outputs
            self._shown, self._retry_ns = None, now_ns + self._retry_after_ns
            self.close()
            self.fault = self._report(error)
            return
        self._shown, self.fault = setting, None

    def rest(self, now_ns: int) -> None:
        """Open it, which drives it low, and keep it there."""
        self.set(self._rest, now_ns)

    def close(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            try:
                device.close()
            except Exception as error:  # noqa: BLE001 - a pin that does not follow does not follow to rest either
                self.fault = self._report(error)

    def _report(self, error: Exception) -> SounderReport:
        if isinstance(error, HalError):
            return SounderReport(self._part, type(error).__name__, str(error))
        return SounderReport(
            self._part, "DriverDefect", f"{self._part}: {type(error).__name__}: {error}; please report it"
        )


class Outputs:
    """Sets all outputs in one rhythm, and tells which of them are broken."""

    def __init__(
        self,
        open_buzzer: Callable[[], ToneOutput],
        open_motor: Callable[[], MotorOutput],
        open_led: Callable[[], LedOutput] | None = None,
    ) -> None:
        """`open_led` is None where no LED is fitted."""
        self._buzzer: Output[ToneOutput, Tone | str] = Output("buzzer", open_buzzer, _sound, rest="off")
        self._motor: Output[MotorOutput, bool] = Output("motor", open_motor, switch, rest=False)
        self._led: Output[LedOutput, bool] | None = None
        if open_led is not None:
            self._led = Output("led", open_led, switch, rest=False, retry_ns=LED_RETRY_NS)
        self._sounded_ns = 0

    def rest(self, now_ns: int) -> None:
        """Drive everything low, also what a sounder that was killed left on. What fails is told by `broken`."""
        self._buzzer.rest(now_ns)
        self._motor.rest(now_ns)
        if self._led is not None:
            self._led.rest(now_ns)

    def set(self, tone: Tone | None, now_ns: int) -> None:
        """None is silence; the motor follows the rhythm of the tone."""
        if tone is not None:
            self._sounded_ns = now_ns
        self._motor.set(tone is not None, now_ns)
        self._buzzer.set(tone or "off", now_ns)

    def light(self, lit: bool, now_ns: int) -> None:
        """After `set`: whoever listens or feels comes first."""
        if self._led is not None and (self._led.fault is None or now_ns - self._sounded_ns >= CALM_NS):
            self._led.set(lit, now_ns)

    @property
    def warns(self) -> bool:
        """Whether buzzer and motor both work, as far as is known."""
        return self._buzzer.fault is None and self._motor.fault is None

    def broken(self) -> tuple[SounderReport, ...]:
        faults = [self._buzzer.fault, self._motor.fault, self._led.fault if self._led else None]
        return tuple(fault for fault in faults if fault is not None)

    def close(self) -> None:
        self._buzzer.close()
        self._motor.close()
        if self._led is not None:
            self._led.close()


def _sound(buzzer: ToneOutput, tone: Tone | str) -> None:
    if isinstance(tone, str):
        buzzer.off()
    else:
        buzzer.tone(*tone)


def switch(output: MotorOutput, on: bool) -> None:
    if on:
        output.on()
    else:
        output.off()
