"""Every kind of output on a simulated pad, opened, switched and looked at in the same way."""

from collections.abc import Callable
from typing import Protocol

from hal.airbag import Airbag
from hal.buzzer import ActiveBuzzer, Buzzer, make_buzzer
from hal.config import BuzzerConfig
from hal.errors import OutputFault
from hal.expiry import LIMIT_S
from hal.haptic import Motor
from hal.led import Led
from hal.output import Switch
from hal.pins import Pins
from hal.sim.chips.pad import FaultyPad
from hal.sim.chips.pwm import SimPwmChip, SimSysfs
from hal.sim.faults import Fault
from hal.sim.pins import SimPin, SimPinFactory
from hal.sim.timer import SimTimer

PIN = 18
KINDS = {"software": "buzzer", "hardware": "buzzer", "active": "buzzer"}
KINDS |= {part: part for part in ("motor", "led", "airbag")}
"""The kinds of output, and the part that each is called in its errors."""

READ_BACK = [kind for kind in KINDS if kind != "hardware"]
CONFIGS = {
    "software": BuzzerConfig(pin=PIN, pwm="software"),
    "hardware": BuzzerConfig(pin=PIN, pwm="hardware"),
    "active": BuzzerConfig(pin=PIN, kind="active"),
}


class Output(Protocol):
    def off(self) -> None: ...

    def close(self) -> None: ...


class MortalTimer(SimTimer):
    """A timer that dies with its process."""

    alive = True

    def call_at(self, t_ns: int, callback: Callable[[], None]) -> None:
        super().call_at(t_ns, lambda: callback() if self.alive else None)


class OutputRig:
    """One output on a pin with a fault; the world began with the clock. `other` is a second way of being on."""

    def __init__(self, pins: SimPinFactory, kind: str, fault: Fault | None = None) -> None:
        self.pins, self.kind, self.clock = pins, kind, pins.clock
        self.epoch_ns = self.clock.now_ns()
        self.pin: SimPin = pins.sim_pin(PIN)
        if fault is not None:
            self.pin.pad_model = FaultyPad(self.clock, fault, epoch_ns=self.epoch_ns)
        self.sysfs = SimSysfs()
        self.chip = SimPwmChip(self.sysfs, self.clock, functions={PIN: 2}, pads={PIN: self.pin})
        self.open()

    def open(self) -> None:
        self._timer = MortalTimer(self.clock)
        self.output, self.on, self.other = self._opened()

    def kill(self, *, kernel_keeps_lines: bool = True) -> None:
        """The process dies, and with it everything that would have let the output expire."""
        self._timer.alive = False
        if self.kind == "software":  # the thread that made the PWM is gone as well
            self.pin.frequency = None
            self.pin.show(1.0, None)
        if self.kind in READ_BACK and not kernel_keeps_lines:
            self.pin.function = "input"

    def until(self, t_s: float) -> None:
        self.clock.advance_to(self.epoch_ns + round(t_s * 1e9))

    def t_s(self) -> float:
        return (self.clock.now_ns() - self.epoch_ns) / 1e9

    def reports(self, until_s: float) -> list[str]:
        """Pulse on and off every 0.12 s; the messages of the faults, or "" for each write that went well."""
        found = []
        while self.t_s() < until_s:
            for switch in (self.on, self.output.off):
                due_s = self.t_s() + 0.06
                found.append(self.report(switch))
                self.until(due_s)
        return found

    @staticmethod
    def report(switch: Callable[[], None]) -> str:
        try:
            switch()
        except OutputFault as error:
            return str(error)
        return ""

    def spells(self) -> list[tuple[int, int]]:
        """From when to when, in ns, the pad was driven until now; a write's steps at one instant are one change."""
        at = {state.t_ns: state.level > 0 for state in self.pin.history}
        found: list[tuple[int, int]] = []
        from_ns: int | None = None
        for t_ns, driven in [*at.items(), (self.clock.now_ns(), False)]:
            if driven and from_ns is None:
                from_ns = t_ns
            elif not driven and from_ns is not None:
                found.append((from_ns, t_ns))
                from_ns = None
        return [(start, end) for start, end in found if end > start]

    def _opened(self) -> tuple[Output, Callable[[], None], Callable[[], None]]:
        timer = self._timer
        if self.kind in CONFIGS:
            buzzer = make_buzzer(CONFIGS[self.kind], lambda: self.pins, self.clock, timer, self.sysfs)
            return buzzer, lambda: buzzer.tone(800, 1.0), lambda: buzzer.tone(600, 0.5)
        switch: Switch
        if self.kind == "airbag":
            switch = Airbag(self.pins, self.clock, timer, pin=PIN, pulse_s=LIMIT_S)
        else:
            switch = (Motor if self.kind == "motor" else Led)(self.pins, self.clock, timer, pin=PIN)
        return switch, switch.on, switch.on


def software_buzzer(pins: SimPinFactory) -> Buzzer | ActiveBuzzer:
    return make_buzzer(CONFIGS["software"], lambda: pins, pins.clock, SimTimer(pins.clock), SimSysfs())


def no_pins() -> Pins:
    raise AssertionError("the GPIO library is not needed for this")
