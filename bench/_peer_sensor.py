"""gpiozero's own DistanceSensor in simulated time: its code unchanged, only what it waits with is the simulated clock."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import gpiozero.input_devices
import gpiozero.mixins
from gpiozero import DistanceSensor

from hal.sim.clock import SimClock
from hal.sim.pins import SimPinFactory


class _Event:
    """A threading.Event that waits in simulated time."""

    def __init__(self, clock: SimClock) -> None:
        self._clock, self._set = clock, False

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float) -> bool:
        return self._clock.wait(self, timeout)


class _OneTurn:
    """In place of the event that stops gpiozero's thread: lets it wait as it does, and measure once."""

    def __init__(self, clock: SimClock) -> None:
        self._clock, self._turned = clock, False

    def wait(self, timeout: float) -> bool:
        if not self._turned:
            self._clock.sleep(timeout)
        turned, self._turned = self._turned, True
        return turned


class PeerSensor:
    """`turn` is one round of gpiozero's thread: about 60 ms of waiting, then a ping."""

    def __init__(self, pins: SimPinFactory, **settings: Any) -> None:
        self.clock: SimClock = pins.clock
        self._sensor: Any = DistanceSensor(echo=24, trigger=23, pin_factory=pins, **settings)
        self._sensor._echo = _Event(self.clock)

    def turn(self) -> None:
        self._sensor._queue.stopping = _OneTurn(self.clock)
        self._sensor._queue.fill()

    @property
    def distance_m(self) -> float | None:
        """What a program that asks is told; None: it would be held up until the queue is full."""
        told = self._sensor.partial or self._sensor._queue.full.is_set()
        return float(self._sensor.distance) if told else None

    @property
    def in_range(self) -> bool:
        return self.distance_m is not None and bool(self._sensor.in_range)

    def close(self) -> None:
        self._sensor.close()


@contextmanager
def peer_sensor(pins: SimPinFactory, **settings: Any) -> Iterator[PeerSensor]:
    """On pins 23 (trigger) and 24 (echo); closed at the end."""
    asleep = patch.object(gpiozero.input_devices, "sleep", pins.clock.sleep)
    threadless = patch.object(gpiozero.mixins.GPIOQueue, "start", lambda queue: None)
    with asleep, threadless, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of lost echoes, which are what is measured here
        sensor = PeerSensor(pins, **settings)
        try:
            yield sensor
        finally:
            sensor.close()
