"""HC-SR04 ultrasonic rangefinder, timed by its echo line.

Sources: ElecFreaks HC-SR04 user guide (pulse, cycle, range); measurements of modules and clones for the 0.45 ms
between trigger and echo and for the no-object pulse of 38 ms (clones 65 to 200 ms).
"""

from contextlib import suppress
from random import Random

from hal.clock import Clock
from hal.errors import EchoStuck, ImplausibleEcho, NoEcho, PinsUnavailable
from hal.pins import Pins, claiming, pin_errors, pulse_on
from hal.samples import RangeSample


def speed_of_sound_mps(temperature_c: float) -> float:
    """In dry air; a fixed 343 m/s would read 4 % too far at 0 °C."""
    return 331.3 + 0.606 * temperature_c


class HcSr04:
    """Keep reading after an error: the driver itself finds out when the sensor is well again.

    The way is free once the line stayed high for longer than an echo from 4 m. Clones hold it for up to 200 ms;
    until it falls there is no new ping and nothing to tell.

    A ping without a timely answer puts the next answer in doubt: it may belong to the ping before. Such a ping is
    sent 2 to 12 ms later, and its answer must begin as long after it as answers usually do. A late echo that comes
    at any time is then taken for an answer in about 2 of 100 cases, and no delay makes it so again and again.
    """

    TRIGGER_PULSE_S = 10e-6
    READ_S = 0.060  # no read lasts longer
    LATEST_PING_S = 0.028  # into a read; what is left is enough for an echo from 4 m at -20 °C
    LONGEST_PULSE_S = 0.250  # after the ping; the line is stuck then
    RISE_AFTER_S = (0.1e-3, 5e-3)  # 0.45 ms is usual; sooner it cannot be an answer
    RISE_TOLERANCE_S = 0.4e-3
    SHIFT_S = (2e-3, 12e-3)  # at random, so that a sensor late by a fixed time does not hit ping after ping
    TIMING_LIMIT_S = 1.2e-3  # 0.2 m
    MIN_RANGE_M = 0.02
    MAX_RANGE_M = 4.0

    def __init__(self, pins: Pins, clock: Clock, *, trigger: int, echo: int, temperature_c: float = 20.0) -> None:
        self._pins, self._clock = pins, clock
        self._m_per_s = speed_of_sound_mps(temperature_c) / 2  # there and back
        self._wiring = f"trigger on pin {trigger}, echo on pin {echo}"
        self._ping_s = 0.0
        self._doubtful = False
        self._usual_s: tuple[float, float] | None = None  # between which times after its ping the last answer began
        self._random = Random(0)
        with claiming(f"rangefinder ({self._wiring})"):
            self._trigger, self._echo = pins.pin(trigger), pins.pin(echo)
            self._trigger.output_with_state(False)
            self._echo.input_with_pull("floating")
            self._pulse = pulse_on(pins, self._echo)

    def read(self) -> list[RangeSample]:
        """Measure once, in at most 60 ms; `distance_m` is None when nothing is within 4 m.

        Returns:
            The measurement; nothing where the line is still high of a ping that was told as free.

        Raises:
            NoEcho: the echo line did not answer the ping, so nothing is known.
            EchoStuck: the echo line was high before the ping, or is for longer than any sensor holds it.
            ImplausibleEcho: the answer came at the wrong time, could not be timed, or was shorter than 2 cm.
            PinsUnavailable: a pin cannot be read or written; open the sensor anew.
        """
        try:
            return self._read()
        except pin_errors() as error:
            raise PinsUnavailable(
                f"rangefinder: its pins cannot be used ({error}); another program may hold them, see `gpioinfo` "
                f"({self._wiring})"
            ) from error

    def close(self) -> None:
        with suppress(*pin_errors()):
            self._echo.when_changed = None
            self._echo.close()
            self._trigger.close()

    def _read(self) -> list[RangeSample]:
        from_ns = self._clock.now_ns()
        if not self._line_is_low(from_ns + round(self.LATEST_PING_S * 1e9)):
            return []
        t_ns = self._clock.now_ns()
        self._ping_s, after_s = self._ping()
        free = self._await_answer(t_ns, from_ns + round(self.READ_S * 1e9))
        if self._pulse.rise is None:
            raise self._no_rise()
        self._check_rise(self._pulse.rise, after_s)
        if self._pulse.fall is not None:
            return [RangeSample(t_ns, self._distance_m(self._pulse.rise, self._pulse.fall))]
        if free:
            return [RangeSample(t_ns, None)]
        raise NoEcho(f"rangefinder: the end of an echo was missed; check its wiring ({self._wiring})")

    def _line_is_low(self, until_ns: int) -> bool:
        """Wait until the last pulse is over, and after a lost ping a little longer; False when it goes on."""
        if self._doubtful:
            shift_s = self._random.uniform(*self.SHIFT_S)
            if self._pulse.fall is None:
                self._pulse.wait(self._clock, shift_s)
            else:  # the pulse is over, and waiting for it would take no time
                self._clock.sleep(shift_s)
        if not self._echo.state:
            return True
        age_s = self._pins.ticks_diff(self._pins.ticks(), self._ping_s)
        if self._pulse.rise is None or self._pulse.fall is not None or age_s > self.LONGEST_PULSE_S:
            raise EchoStuck(
                f"rangefinder: echo line high before the ping, expected low; check the echo's voltage divider and wire "
                f"({self._wiring}), then switch the sensor off and on"
            )
        return self._pulse.wait(self._clock, self._until_s(until_ns))

    def _ping(self) -> tuple[float, float]:
        """The times before and after it: whatever delays this process lies between them."""
        self._pulse.arm()
        before_s = self._pins.ticks()
        self._trigger.state = True
        self._clock.sleep(self.TRIGGER_PULSE_S)
        self._trigger.state = False
        return before_s, self._pins.ticks()

    def _await_answer(self, ping_ns: int, deadline_ns: int) -> bool:
        """Return when the echo is over, or lasts longer than one from 4 m (true), or at the deadline."""
        early_ns = ping_ns + round((self.RISE_AFTER_S[1] + self.MAX_RANGE_M / self._m_per_s) * 1e9)
        for until_ns in (early_ns, deadline_ns):
            if self._pulse.wait(self._clock, self._until_s(until_ns)):
                return False
            if self._lasts_beyond_range():
                return True
        return False

    def _lasts_beyond_range(self) -> bool:
        now_s = self._pins.ticks()  # before the look at the line, which is high then until later than now
        rise_s = self._pulse.rise
        if rise_s is None or self._pins.ticks_diff(now_s, rise_s) * self._m_per_s <= self.MAX_RANGE_M:
            return False
        return bool(self._echo.state)

    def _until_s(self, t_ns: int) -> float:
        return max(t_ns - self._clock.now_ns(), 0) / 1e9

    def _no_rise(self) -> NoEcho | EchoStuck:
        self._doubtful = True
        if self._echo.state:
            return EchoStuck(f"rangefinder: echo line went high without an edge; check its wiring ({self._wiring})")
        silent_ms = self._pins.ticks_diff(self._pins.ticks(), self._ping_s) * 1e3
        return NoEcho(
            f"rangefinder: no echo within {silent_ms:.0f} ms of the ping, expected after 0.5 ms; "
            f"check its wiring ({self._wiring}) and its 5 V supply"
        )

    def _check_rise(self, rise_s: float, after_s: float) -> None:
        doubtful, usual_s = self._doubtful, self._usual_s
        least_s, most_s = self._pins.ticks_diff(rise_s, after_s), self._pins.ticks_diff(rise_s, self._ping_s)
        self._doubtful = most_s < self.RISE_AFTER_S[0] or least_s > self.RISE_AFTER_S[1]
        if self._doubtful:
            raise self._bad_time(least_s, f"{self.RISE_AFTER_S[0] * 1e3:g} to {self.RISE_AFTER_S[1] * 1e3:g} ms")
        if doubtful and usual_s is None:
            raise self._bad_time(least_s, "an answer to the ping before as well, which was lost")
        if doubtful and usual_s is not None and not self._overlap((least_s, most_s), usual_s):
            raise self._bad_time(least_s, f"{usual_s[0] * 1e3:.1f} ms as usual, because the ping before was lost")
        self._usual_s = least_s, most_s

    def _overlap(self, a_s: tuple[float, float], b_s: tuple[float, float]) -> bool:
        return a_s[0] <= b_s[1] + self.RISE_TOLERANCE_S and b_s[0] <= a_s[1] + self.RISE_TOLERANCE_S

    def _bad_time(self, delay_s: float, expected: str) -> ImplausibleEcho:
        return ImplausibleEcho(
            f"rangefinder: echo began {delay_s * 1e3:.1f} ms after the ping, expected {expected}; "
            f"another sensor near by, a loose wire ({self._wiring}) or a broken sensor"
        )

    def _distance_m(self, rise_s: float, fall_s: float) -> float | None:
        distance_m = self._pins.ticks_diff(fall_s, rise_s) * self._m_per_s
        if distance_m > self.MAX_RANGE_M:
            return None
        if self._pulse.uncertain_s > self.TIMING_LIMIT_S:
            raise ImplausibleEcho(
                f"rangefinder: echo of {distance_m:.2f} m or up to {self._pulse.uncertain_s * self._m_per_s:.2f} m "
                'more, the processor was too busy to time it; set gpio.factory to "lgpio" or stop other programs'
            )
        if distance_m < self.MIN_RANGE_M:
            raise ImplausibleEcho(
                f"rangefinder: echo of {distance_m * 100:.1f} cm, expected at least {self.MIN_RANGE_M * 100:g} cm; "
                "something covers the sensor: clothing, a hand or dirt"
            )
        return distance_m
