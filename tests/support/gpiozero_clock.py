"""gpiozero's own DistanceSensor, unchanged, in simulated time: only what it waits with is the simulated clock."""

from collections.abc import Iterator
from typing import Any

import gpiozero.input_devices
import pytest
from gpiozero import DistanceSensor

from hal.sim.clock import SimClock
from hal.sim.pins import SimPinFactory


class SimEvent:
    """A threading.Event that waits in simulated time."""

    def __init__(self, clock: SimClock) -> None:
        self._clock, self._set = clock, False

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None, "it would wait for ever"
        return self._clock.wait(self, timeout)


class OneTurn:
    """In place of the event that stops gpiozero's thread: lets it measure once."""

    def __init__(self, clock: SimClock, answers: Iterator[bool]) -> None:
        self._clock, self._answers = clock, answers

    def wait(self, timeout: float) -> bool:
        if stop := next(self._answers):
            return stop
        self._clock.sleep(timeout)
        return False


class GpiozeroOnPins:
    """A DistanceSensor on trigger 23 and echo 24 whose thread's loop is run turn by turn."""

    def __init__(self, pins: SimPinFactory, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
        clock = self._clock = pins.clock
        monkeypatch.setattr(gpiozero.input_devices, "sleep", clock.sleep)
        monkeypatch.setattr(gpiozero.mixins.GPIOQueue, "start", lambda queue: None)
        self.sensor: Any = DistanceSensor(echo=24, trigger=23, pin_factory=pins, **settings)
        self.sensor._echo = SimEvent(clock)

    def turn(self) -> None:
        """Wait and measure once, as its thread does."""
        queue = self.sensor._queue
        queue.stopping = OneTurn(self._clock, iter([False, True]))
        queue.fill()

    @property
    def told(self) -> bool:
        """Whether it tells a distance yet; asked before, it would block."""
        return bool(self.sensor._queue.full.is_set() or self.sensor.partial)

    def close(self) -> None:
        self.sensor.close()
