"""A logic pin that tells an airbag's own electronics of a fall that seems to have begun. Experimental.

It prevents nothing by itself (docs/DETECTION.md, "Before the impact"), and no charged inflator belongs on it without a
safety case of its own (docs/SAFETY.md).
"""

from collections.abc import Callable

from hal.clock import Clock
from hal.config import AirbagConfig
from hal.errors import DeviceNotFound
from hal.expiry import Timer
from hal.output import Switch
from hal.pins import Pins


class Airbag(Switch):
    """High for one pulse from `on`, which its own timer ends. It stays high for as long as it is asked for again."""

    def __init__(self, pins: Pins, clock: Clock, timer: Timer, *, pin: int, pulse_s: float) -> None:
        super().__init__(pins, clock, timer, part="airbag", pin=pin, limit_s=pulse_s)


def make_airbag(config: AirbagConfig, pins: Callable[[], Pins], clock: Clock, timer: Timer) -> Airbag:
    """The pin that is configured. Raises DeviceNotFound when none is."""
    if config.pin is None:
        raise DeviceNotFound("airbag: there is none; set airbag.pin")
    return Airbag(pins(), clock, timer, pin=config.pin, pulse_s=config.pulse_s)
