"""HC-SR04 ultrasonic rangefinder, timed by the edges of its echo line.

Sources: ElecFreaks HC-SR04 user guide (pulse, cycle, range); measurements of modules and clones for the 0.45 ms
between trigger and echo and for the no-object pulse of 38 ms (clones up to 200 ms).
"""

from contextlib import suppress

from hal.clock import Clock
from hal.errors import EchoStuck, ImplausibleEcho, NoEcho
from hal.pins import Pins, PulseTimer, claiming, pin_errors, stamp_delay_s
from hal.samples import RangeSample


def speed_of_sound_mps(temperature_c: float) -> float:
    """In dry air; a fixed 343 m/s would read 4 % too far at 0 °C."""
    return 331.3 + 0.606 * temperature_c


class HcSr04:
    """Keep reading after an error: the driver itself finds out when the sensor is well again.

    After a ping without an answer it only listens for LATE_ECHO_S, so that a late answer is never taken for the
    next ping's. Where the line is still high at the time-out, the way was free (clones hold it for up to 200 ms); if
    it is still high when the next ping is due, it is stuck.
    """

    TRIGGER_PULSE_S = 10e-6
    ECHO_TIMEOUT_S = 0.060
    LATE_ECHO_S = 0.250
    RISE_AFTER_S = (0.1e-3, 5e-3)  # 0.45 ms is usual; sooner it cannot be an answer
    MIN_RANGE_M = 0.02
    MAX_RANGE_M = 4.0

    def __init__(self, pins: Pins, clock: Clock, *, trigger: int, echo: int, temperature_c: float = 20.0) -> None:
        self._pins, self._clock = pins, clock
        self._m_per_s = speed_of_sound_mps(temperature_c) / 2  # there and back
        self._rise_limit_s = self.RISE_AFTER_S[1] + stamp_delay_s(pins)
        self._wiring = f"trigger on pin {trigger}, echo on pin {echo}"
        self._unanswered_since_s: float | None = None
        with claiming(f"rangefinder ({self._wiring})"):
            self._trigger, self._echo = pins.pin(trigger), pins.pin(echo)
            self._trigger.output_with_state(False)
            self._echo.input_with_pull("floating")
            self._pulse = PulseTimer(self._echo)

    def read(self) -> RangeSample:
        """Measure once, in at most 60 ms; `distance_m` is None when nothing is within 4 m.

        Raises:
            NoEcho: the echo line did not rise, so nothing is known.
            EchoStuck: the echo line was high before the ping.
            ImplausibleEcho: the answer came at the wrong time, or was shorter than 2 cm: covered or broken.
        """
        try:
            return self._read()
        except pin_errors() as error:
            raise NoEcho(f"rangefinder: its pins cannot be used ({error}); {self._wiring}") from error

    def close(self) -> None:
        with suppress(*pin_errors()):
            self._echo.when_changed = None
            self._echo.close()
            self._trigger.close()

    def _read(self) -> RangeSample:
        if self._unanswered_since_s is not None:
            self._listen_for_late_echo(self._unanswered_since_s)
        if self._echo.state:
            raise EchoStuck(
                f"rangefinder: echo line high before the ping, expected low; check the echo's voltage divider and wire "
                f"({self._wiring}), then switch the sensor off and on"
            )
        t_ns = self._clock.now_ns()
        before_s, after_s = self._ping()
        complete = self._clock.wait(self._pulse.seen, self.ECHO_TIMEOUT_S)
        if self._pulse.rise is None:
            raise self._no_rise(before_s)
        self._check_rise(self._pulse.rise, before_s, after_s)
        if complete:
            return RangeSample(t_ns, self._distance_m())
        if not self._echo.state:
            raise NoEcho(f"rangefinder: the end of an echo was missed; check its wiring ({self._wiring})")
        return RangeSample(t_ns, None)  # rose in time and still high: longer than 4 m

    def _ping(self) -> tuple[float, float]:
        self._pulse.arm()
        before_s = self._pins.ticks()
        self._trigger.state = True
        self._clock.sleep(self.TRIGGER_PULSE_S)
        self._trigger.state = False
        return before_s, self._pins.ticks()

    def _no_rise(self, ping_s: float) -> NoEcho | EchoStuck:
        if self._echo.state:
            return EchoStuck(f"rangefinder: echo line went high without an edge; check its wiring ({self._wiring})")
        self._unanswered_since_s = ping_s
        return self._no_echo(ping_s)

    def _no_echo(self, ping_s: float) -> NoEcho:
        silent_ms = self._pins.ticks_diff(self._pins.ticks(), ping_s) * 1e3
        return NoEcho(
            f"rangefinder: no echo within {silent_ms:.0f} ms of the ping, expected after 0.5 ms; "
            f"check its wiring ({self._wiring}) and its 5 V supply"
        )

    def _listen_for_late_echo(self, ping_s: float) -> None:
        """After an unanswered ping: return once no answer to it can come any more, raise until then."""
        silent_s = self._pins.ticks_diff(self._pins.ticks(), ping_s)
        if silent_s >= self.LATE_ECHO_S:
            self._unanswered_since_s = None
            return
        self._clock.wait(self._pulse.seen, min(self.LATE_ECHO_S - silent_s, self.ECHO_TIMEOUT_S))
        if self._pulse.rise is None:
            raise self._no_echo(ping_s)
        self._unanswered_since_s = None
        raise self._bad_time(self._pins.ticks_diff(self._pulse.rise, ping_s))

    def _check_rise(self, rise_s: float, before_s: float, after_s: float) -> None:
        too_soon = self._pins.ticks_diff(rise_s, before_s) < self.RISE_AFTER_S[0]
        delay_s = self._pins.ticks_diff(rise_s, after_s)
        if too_soon or delay_s > self._rise_limit_s:
            raise self._bad_time(delay_s)

    def _bad_time(self, delay_s: float) -> ImplausibleEcho:
        return ImplausibleEcho(
            f"rangefinder: echo began {delay_s * 1e3:.1f} ms after the ping, expected 0.1 to "
            f"{self._rise_limit_s * 1e3:g} ms; another sensor near by, a loose wire ({self._wiring}) or a broken sensor"
        )

    def _distance_m(self) -> float | None:
        if self._pulse.fall is None or self._pulse.rise is None:
            raise NoEcho(f"rangefinder: an echo without an end; check its wiring ({self._wiring})")
        distance_m = self._pins.ticks_diff(self._pulse.fall, self._pulse.rise) * self._m_per_s
        if distance_m < self.MIN_RANGE_M:
            raise ImplausibleEcho(
                f"rangefinder: echo of {distance_m * 100:.1f} cm, expected at least {self.MIN_RANGE_M * 100:g} cm; "
                "something covers the sensor: clothing, a hand or dirt"
            )
        return distance_m if distance_m <= self.MAX_RANGE_M else None
