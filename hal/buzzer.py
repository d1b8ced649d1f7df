"""A buzzer through a transistor: a passive one is given its tone by PWM, an active one only switched."""

from collections.abc import Callable
from typing import Protocol

from hal.clock import Clock
from hal.config import BuzzerConfig
from hal.errors import PinsUnavailable
from hal.expiry import Expiring, Timer
from hal.output import CheckedOutput, Switch
from hal.pins import Pins
from hal.pwm import Channel, HardwarePwm, Sysfs, find_channel

FREQUENCIES_HZ = (20, 10_000)  # lgpio's software PWM ends there


class ToneSource(Protocol):
    """Makes PWM on one pin, in software or in hardware. Raises OutputFault."""

    def pwm(self, frequency_hz: float, duty: float) -> None: ...

    def low(self) -> None: ...

    def close(self) -> None: ...


class Buzzer:
    """A passive buzzer: sounds for half a second at a time. Loudness follows the duty cycle; half is the loudest."""

    MAX_DUTY = 0.5
    MIN_DUTY = 0.01  # lgpio rounds down to whole percents, and 0 would be silent

    def __init__(self, source: ToneSource, clock: Clock, timer: Timer) -> None:
        self._source = source
        self._expiring = Expiring(clock, timer, source.low)

    def tone(self, frequency_hz: float, volume: float) -> None:
        """Sound at `volume` from 0 (silent) to 1, for half a second from now; the same again goes on without a click.

        Raises:
            OutputFault: the pin does not follow. What can be sounded is sounding nevertheless.
            ValueError: a frequency or volume that cannot be meant.
        """
        _check(frequency_hz, volume)
        if volume == 0:
            self.off()
            return
        duty = max(volume * self.MAX_DUTY, self.MIN_DUTY)
        self._expiring.show((frequency_hz, duty), lambda: self._source.pwm(frequency_hz, duty))

    def off(self) -> None:
        """Be silent. Raises OutputFault when the pin does not fall, or was no longer low before."""
        self._expiring.off()

    def close(self) -> None:
        self._expiring.close()
        self._source.close()


class ActiveBuzzer:
    """A buzzer with a tone of its own, sounded for half a second at a time: there is only on, off and the rhythm."""

    def __init__(self, pins: Pins, clock: Clock, timer: Timer, *, pin: int) -> None:
        self._switch = Switch(pins, clock, timer, part="buzzer", pin=pin)

    def tone(self, frequency_hz: float, volume: float) -> None:
        """As `Buzzer.tone`, but whatever the frequency and at every volume but 0 the same."""
        _check(frequency_hz, volume)
        if volume == 0:
            self._switch.off()
        else:
            self._switch.on()

    def off(self) -> None:
        """Raises OutputFault when the pin does not follow."""
        self._switch.off()

    def close(self) -> None:
        self._switch.close()


def make_buzzer(
    config: BuzzerConfig, pins: Callable[[], Pins], clock: Clock, timer: Timer, sysfs: Sysfs
) -> Buzzer | ActiveBuzzer:
    """The buzzer that the configuration names; the GPIO library is opened only when it is needed.

    Raises:
        PinsUnavailable: the pin or, where the configuration asks for it, hardware PWM cannot be had.
        OutputFault: hardware PWM does not take what is written.
    """
    if config.kind == "active":
        return ActiveBuzzer(pins(), clock, timer, pin=config.pin)
    channel = None if config.pwm == "software" else _channel(config, sysfs)
    if channel is not None:
        return Buzzer(HardwarePwm(sysfs, clock, channel), clock, timer)
    return Buzzer(CheckedOutput(pins(), clock, part="buzzer", pin=config.pin), clock, timer)


def _channel(config: BuzzerConfig, sysfs: Sysfs) -> Channel | None:
    try:
        return find_channel(sysfs, config.pin)
    except PinsUnavailable:
        if config.pwm == "hardware":
            raise
        return None  # software PWM does on every pin


def _check(frequency_hz: float, volume: float) -> None:
    low_hz, high_hz = FREQUENCIES_HZ
    if not low_hz <= frequency_hz <= high_hz:
        raise ValueError(f"buzzer: frequency_hz ({frequency_hz}) must lie between {low_hz} and {high_hz}")
    if not 0 <= volume <= 1:
        raise ValueError(f"buzzer: volume ({volume}) must lie between 0 and 1")
