"""Simulated pins below gpiozero: levels, edges and PWM at the simulated time, with a history of every output pad.

A chip model drives an input pin with `drive` or `follow`, and hears an output pin with `listen`. What a driver writes
goes through a pad, which may be a broken one (`hal.sim.chips.pad`).
"""

import threading
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, cast

from gpiozero.exc import PinPWMFixedValue
from gpiozero.pins.mock import MockFactory, MockPWMPin

from hal.clock import Clock
from hal.pins import Pin, PulseInput
from hal.sim.clock import SimClock

PI_3B_REVISION = "a02082"  # the board that gpiozero's mock takes; all boards since then have the same 40 pins


class PadState(NamedTuple):
    """What an output pad does from `t_ns` on: a level of 0 or 1, or under PWM the duty cycle at `frequency_hz`."""

    t_ns: int
    level: float
    frequency_hz: float | None


LOW = PadState(0, 0.0, None)

Wire = Literal["whole", "cut", "high"]
"""From a pin to the chip on it: whole; cut, so that a resistor pulls the input low; or shorted to the supply."""


class Pad:
    """The electrical end of an output pin. This one does what it is told."""

    def write(self, pin: "SimPin", level: float, frequency_hz: float | None) -> None:
        """The driver sets the pin to `level`, or to PWM with `level` as duty cycle.

        Raises:
            OSError: the pin cannot be written.
        """
        pin.show(level, frequency_hz)

    def settle(self, pin: "SimPin") -> None:
        """Let happen what is due by now."""

    def release(self, pin: "SimPin") -> None:
        """The pin stops driving: the resistor on the board pulls it low."""
        pin.show(0.0, None)

    def read(self, pin: "SimPin") -> bool:
        """The level that the driver finds; half a duty cycle or less counts as low."""
        return pin.pad.level > 0.5


class SimPin(MockPWMPin):  # type: ignore[misc]  # gpiozero has no types
    """One pin of a SimPinFactory, with everything that a gpiozero pin has."""

    _clock: SimClock
    _function: str
    _frequency: float | None
    _state: float  # what was written, or an input's level

    def __init__(self, factory: "SimPinFactory", info: Any) -> None:
        self._clock = factory.clock
        self._ticks: float | None = None
        self._source: Callable[[], bool] | None = None
        self._wire: Wire = "whole"
        self._driven = False  # by the chip at the other end
        self._listeners: list[Callable[[bool], None]] = []
        self.pad_model: Pad = Pad()
        self._history: list[PadState] = []
        super().__init__(factory, info)

    @property
    def history(self) -> list[PadState]:
        """Every change of the output pad until now, oldest first; it is low before."""
        self.pad_model.settle(self)
        return self._history

    @property
    def pad(self) -> PadState:
        """What the output pad does now."""
        history = self.history
        return history[-1] if history else LOW

    def show(self, level: float, frequency_hz: float | None, t_ns: int | None = None) -> None:
        """Set what the output pad does, now or since `t_ns`, as a pad model decides."""
        before = self._history[-1] if self._history else LOW
        if (before.level, before.frequency_hz) != (level, frequency_hz):
            self._history.append(PadState(self._clock.now_ns() if t_ns is None else t_ns, level, frequency_hz))
            if frequency_hz is None and before.level != level and self._wire == "whole":
                for listener in self._listeners:
                    listener(level > 0.5)

    def listen(self, listener: Callable[[bool], None]) -> None:
        """Be told of each change of an output pad's steady level, when it happens."""
        self._listeners.append(listener)

    def drive(self, level: bool, t_ns: int) -> None:
        """Set an input's level from outside; an edge is stamped with `t_ns`, when it was due."""
        self._driven = level
        self._arrive(t_ns)

    def rewire(self, wire: Wire) -> None:
        """From now on the chip is reached by such a wire; an output's chip hears nothing but by a whole one."""
        self._wire = wire
        if self._function == "input":
            self._arrive(self._clock.now_ns())

    def _arrive(self, t_ns: int) -> None:
        level = self._driven if self._wire == "whole" else self._wire == "high"
        self._ticks = t_ns / 1e9
        if self._function == "input":
            self.drive_high() if level else self.drive_low()
        else:
            self._change_state(level)
        self._ticks = None

    def follow(self, source: Callable[[], bool]) -> None:
        """Take an input's level from `source` whenever it is read; such an input has no edges."""
        self._source = source

    def _call_when_changed(self) -> None:
        self._last_change = self._now() if self._ticks is None else self._ticks
        super()._call_when_changed()

    def _get_state(self) -> float:
        if self._function == "input":
            return bool(self._state if self._source is None else self._source())
        if self._frequency is not None:
            return self._state  # what was written, as gpiozero's own pins answer under PWM
        return self.pad_model.read(self)

    def _set_state(self, value: float) -> None:
        super()._set_state(value)
        self.pad_model.write(self, float(value), self._frequency)

    def _set_frequency(self, value: float | None) -> None:
        if value is None and self._frequency is None:
            return
        if self._function != "output":
            raise PinPWMFixedValue(f"cannot start PWM on pin {self!r}")
        if value is None or self._frequency is None:
            self._state = 0.0  # PWM begins with a duty cycle of 0 and ends low
        self._frequency = value
        self.pad_model.write(self, float(self._state), value)

    def _set_function(self, value: str) -> None:
        super()._set_function(value)
        if value == "input" and self._history:
            self.pad_model.release(self)

    def _change_state(self, value: float) -> bool:
        changed, self._state = self._state != value, value
        return changed

    def _now(self) -> float:
        return self._clock.now_ns() / 1e9

    def clear_states(self) -> None:
        """Nothing to clear: `history` replaces the mock's list, whose times are the machine's."""
        self._last_change = self._now()
        self.states: list[Any] = []


class SimPulse:
    """A `hal.pins.PulseInput` whose edges are stamped with the simulated time they were due at.

    Whoever looks lets what is due happen first: in real time nobody else does while the driver computes.
    """

    uncertain_s = 0.0

    def __init__(self, pin: Pin, clock: SimClock) -> None:
        self.seen = threading.Event()
        self._rise: float | None = None
        self._fall: float | None = None
        self._pin, self._clock = pin, clock
        pin.input_with_pull("floating")
        pin.edges = "both"
        pin.when_changed = self._edge  # gpiozero holds it weakly: it lasts as long as this object

    @property
    def rise(self) -> float | None:
        self._clock.catch_up()
        return self._rise

    @property
    def fall(self) -> float | None:
        self._clock.catch_up()
        return self._fall

    @property
    def level(self) -> bool:
        self._clock.catch_up()
        return bool(self._pin.state)

    def arm(self) -> None:
        """Forget the last pulse and look out for the next."""
        self._clock.catch_up()
        self._rise = self._fall = None  # before `seen`: until then a straggling edge of the last pulse is ignored
        self.seen.clear()

    def wait(self, clock: Clock, timeout_s: float) -> bool:
        return clock.wait(self.seen, timeout_s)

    def close(self) -> None:
        self._pin.when_changed = None
        self._pin.close()

    def _edge(self, ticks: float, level: int) -> None:
        if self.seen.is_set():
            return
        if level and self._rise is None:
            self._rise = ticks
        elif not level and self._rise is not None:
            self._fall = ticks
            self.seen.set()


class SimPinFactory(MockFactory):  # type: ignore[misc]  # gpiozero has no types
    """A gpiozero factory whose ticks are the simulated time in seconds."""

    def __init__(self, clock: SimClock) -> None:
        self.clock = clock
        super().__init__(revision=PI_3B_REVISION, pin_class=SimPin)

    def sim_pin(self, number: int) -> SimPin:
        """The pin behind BCM `number`, for chip models and tests."""
        return cast(SimPin, self.pin(number))

    def pulse_input(self, number: int) -> PulseInput:
        return SimPulse(self.pin(number), self.clock)

    def ticks(self) -> float:
        return self.clock.now_ns() / 1e9

    @staticmethod
    def ticks_diff(later: float, earlier: float) -> float:
        return later - earlier
