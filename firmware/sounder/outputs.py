"""Buzzer and motor side by side: one that fails never silences the other."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from firmware.ipc import SounderReport
from hal.board import MotorOutput, ToneOutput
from hal.errors import HalError

RETRY_NS = 200_000_000  # a broken output is tried again five times a second

Tone = tuple[float, float]  # frequency in Hz, volume 0-1


class Closable(Protocol):
    def close(self) -> None: ...


Device = TypeVar("Device", bound=Closable)
Setting = TypeVar("Setting")


class Output(Generic[Device, Setting]):
    """One output: opened when first used, set when its setting changes, opened anew after it failed."""

    def __init__(self, part: str, open_device: Callable[[], Device], apply: Callable[[Device, Setting], None]) -> None:
        self._part, self._open, self._apply = part, open_device, apply
        self._device: Device | None = None
        self._shown: Setting | None = None  # None: the pin may be anywhere
        self._retry_ns = 0
        self.fault: SounderReport | None = None

    def set(self, setting: Setting, now_ns: int) -> None:
        if setting == self._shown or now_ns < self._retry_ns:
            return
        try:
            if self._device is None:
                self._device = self._open()
            self._apply(self._device, setting)
        except HalError as error:
            self.fault = SounderReport(self._part, type(error).__name__, str(error))
            self._shown, self._retry_ns = None, now_ns + RETRY_NS
            self.close()
            return
        self._shown, self.fault = setting, None

    def close(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            try:
                device.close()
            except HalError as error:  # a pin that does not follow does not follow to rest either
                self.fault = SounderReport(self._part, type(error).__name__, str(error))


class Outputs:
    """Sets both outputs in one rhythm, and tells which of them are broken."""

    def __init__(self, open_buzzer: Callable[[], ToneOutput], open_motor: Callable[[], MotorOutput]) -> None:
        self._buzzer: Output[ToneOutput, Tone | str] = Output("buzzer", open_buzzer, _sound)
        self._motor: Output[MotorOutput, bool] = Output("motor", open_motor, _vibrate)

    def set(self, tone: Tone | None, now_ns: int) -> None:
        """None is silence; the motor follows the rhythm of the tone."""
        self._motor.set(tone is not None, now_ns)
        self._buzzer.set(tone or "off", now_ns)

    def broken(self) -> tuple[SounderReport, ...]:
        return tuple(fault for fault in (self._buzzer.fault, self._motor.fault) if fault is not None)

    def close(self) -> None:
        self._buzzer.close()
        self._motor.close()


def _sound(buzzer: ToneOutput, tone: Tone | str) -> None:
    if isinstance(tone, str):
        buzzer.off()
    else:
        buzzer.tone(*tone)


def _vibrate(motor: MotorOutput, on: bool) -> None:
    if on:
        motor.on()
    else:
        motor.off()
