"""Ultrasonic rangefinders timed by their echo line: HC-SR04, HC-SR04P and JSN-SR04T.

Sources: ElecFreaks HC-SR04 user guide (pulse, cycle, range); Jieshenna JSN-SR04T output modes, mode 1 (pulse, range,
60 ms without an object); measurements of modules and clones, named at the traits that they explain.
"""

import math
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Literal

from hal.air import Air, speed_of_sound_mps
from hal.clock import Clock
from hal.errors import EchoStuck, ImplausibleEcho, NoEcho, PinsUnavailable
from hal.pins import Pins, claiming, pin_errors
from hal.samples import RangeSample

EchoModel = Literal["hcsr04", "hcsr04p", "jsn_sr04t"]
MAX_RANGE_M = 4.0  # what lies farther is of no use behind a walker, and every model reaches this far
HEARD_M = 5.5  # a large flat wall at right angles may be heard from so far, though it is not told
COLDEST_C = -20.0
ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True)
class Traits:
    """What one model does differently."""

    name: str
    trigger_pulse_s: float  # at least
    rise_after_s: tuple[float, float]  # after the ping, when an answer may begin
    blind_m: float  # nearer than this it cannot measure
    longest_pulse_s: float  # after the ping; the line is stuck then
    no_object_s: float  # how long the line is high with nothing in range, by the data sheet; clones differ
    when_stuck: str = "switch the sensor off and on"

    @property
    def air_s(self) -> float:
        """From its ping until an echo from the end of the range is over, in the coldest air."""
        return self.rise_after_s[1] + 2 * MAX_RANGE_M / speed_of_sound_mps(COLDEST_C)


MODELS: dict[EchoModel, Traits] = {
    # Answers begin after 0.45 ms as measured, and 2.3 ms on one clone (Arduino forum, topic 1346554). Without an object
    # the line is high for 38 ms, and for 65 to 200 ms on clones.
    "hcsr04": Traits("HC-SR04", 10e-6, (0.1e-3, 5e-3), 0.02, 0.250, 0.038),
    # For 3.3 V, so that the echo needs no divider. Some have no time-out of their own: the line stays high until they
    # hear something (fossasia/pslab-python, pull request 209).
    "hcsr04p": Traits(
        "HC-SR04P",
        10e-6,
        (0.1e-3, 5e-3),
        0.02,
        0.250,
        0.038,
        "switch the sensor off and on; some HC-SR04P stay so whenever nothing is in range: use another model then",
    ),
    # One transducer, deaf while it rings: blind below 20 cm (2.0 and 3.0; 25 cm the first). Many boards answer only
    # after 12.3 to 15 ms (esphome/esphome, pull request 12897; SignalK/SensESP, pull request 254), and shorter triggers
    # than 20 µs fail on some (esphome/issues, issue 112).
    "jsn_sr04t": Traits("JSN-SR04T", 20e-6, (0.1e-3, 16e-3), 0.20, 0.250, 0.060),
}


class HcSr04:
    """Keep reading after an error: the driver itself finds out when the sensor is well again.

    The way is free once the line stayed high for longer than an echo from 4 m. Clones hold it for up to 200 ms;
    until it falls there is no new ping and nothing to tell. How long this one does is learned from its own pulses, so
    that a line which sticks is noticed soon; one that answered with echoes only, so far, is taken for no clone.

    A ping without a timely answer puts the next answer in doubt: it may belong to the ping before. Such a ping is
    sent 2 to 12 ms later, and its answer must begin as long after it as answers usually do. A late echo that comes
    at any time is then taken for an answer in about 2 of 100 cases, and no delay makes it so again and again.

    Whether a sensor that was sound until now is dead is found out sooner: the first pings that are lost in a row are
    given up once no answer can begin in time any more, and the next follow as soon as echoes, if any, are over.
    """

    READ_S = 0.060  # no read lasts longer, apart from waiting for another sensor's echoes
    SPARE_S = 2e-3
    RISE_TOLERANCE_S = 0.4e-3
    SHIFT_S = (2e-3, 12e-3)  # at random, so that a sensor late by a fixed time does not hit ping after ping
    TIMING_LIMIT_S = 1.2e-3  # 0.2 m
    NO_OBJECT_S = 36e-3  # so long is no echo: no model hears one from 6 m
    STUCK_AFTER = 1.5  # times its usual pulse without an object
    HASTY = 2  # pings lost in a row after which there is no hurry any more
    SOUND = 10  # timely answers in a row make a sensor that is sound

    def __init__(
        self,
        pins: Pins,
        clock: Clock,
        *,
        trigger: int,
        echo: int,
        model: EchoModel = "hcsr04",
        temperature_c: float = 20.0,
        part: str = "rangefinder",
        air: Air | None = None,
    ) -> None:
        """`part` begins error messages and is written on samples; sensors that could hear each other share `air`."""
        self._pins, self._clock, self._part, self._air = pins, clock, part, air
        self._model = MODELS[model]
        self._latest_ping_s = self.READ_S - self._model.air_s - self.SPARE_S  # into a read
        self._m_per_s = speed_of_sound_mps(temperature_c) / 2  # there and back
        self._wiring = f"trigger on pin {trigger}, echo on pin {echo}"
        self._ping_s = -math.inf  # there was none
        self._no_object_s: float | None = None  # the longest pulse that ended by itself; until then, the data sheet's
        self._lost = 0  # pings in a row without a timely answer
        self._timely = 0  # and with one, before those
        self._usual_s: tuple[float, float] | None = None  # between which times after its ping the last answer began
        self._random = Random(0)
        with claiming(f"{part} ({self._wiring})"):
            self._trigger = pins.pin(trigger)
            self._trigger.output_with_state(False)
            self._pulse = pins.pulse_input(echo)

    def read(self) -> list[RangeSample]:
        """Measure once, in at most 60 ms; longer only while the air is another sensor's.

        Returns:
            The measurement, None as its distance when nothing is within 4 m; nothing where the line is still high of
            a ping that was told as free.

        Raises:
            NoEcho: the echo line did not answer the ping, so nothing is known.
            EchoStuck: the echo line was high before the ping, or is for longer than any sensor holds it.
            ImplausibleEcho: the answer came at the wrong time, could not be timed, or is from nearer than the model
                can measure.
            PinsUnavailable: a pin cannot be read or written; open the sensor anew.
        """
        try:
            return self._read()
        except pin_errors() as error:
            raise PinsUnavailable(
                f"{self._part}: its pins cannot be used ({error}); another program may hold them, see `gpioinfo` "
                f"({self._wiring})"
            ) from error

    def close(self) -> None:
        with suppress(*pin_errors()):
            self._pulse.close()
            self._trigger.close()

    def _read(self) -> list[RangeSample]:
        deadline_ns = self._clock.now_ns() + round(self.READ_S * 1e9)
        self._shift()
        if not self._line_is_low(deadline_ns - round((self.READ_S - self._latest_ping_s) * 1e9)):
            return []
        waited_s = self._air.take(self._clock, self._model.air_s) if self._air else 0.0
        if waited_s and not self._line_is_low(self._clock.now_ns()):
            return []  # a late echo of a lost ping began meanwhile
        t_ns = self._clock.now_ns()
        self._ping_s, after_s = self._ping()
        free = self._await_answer(t_ns, deadline_ns + round(waited_s * 1e9))
        if self._pulse.rise is None:
            raise self._no_rise()
        self._check_rise(self._pulse.rise, after_s)
        if self._pulse.fall is not None:
            return [RangeSample(t_ns, self._distance_m(self._pulse.rise, self._pulse.fall), self._part)]
        if free:
            return [RangeSample(t_ns, None, self._part)]
        raise NoEcho(f"{self._part}: the end of an echo was missed; check its wiring ({self._wiring})")

    def _shift(self) -> None:
        """After a lost ping, wait a little, or until its echoes are over."""
        if not self._lost:
            return
        hasty_s = max(self._model.air_s - self._ping_age_s(), 0.0)
        shift_s = hasty_s if self._hasty else self._random.uniform(*self.SHIFT_S)
        if self._pulse.fall is None:
            self._pulse.wait(self._clock, shift_s)
        else:  # the pulse is over, and waiting for it would take no time
            self._clock.sleep(shift_s)

    @property
    def _hasty(self) -> bool:
        return self._lost <= self.HASTY and self._timely >= self.SOUND

    def _line_is_low(self, until_ns: int) -> bool:
        """Wait until the last pulse is over; False when it goes on."""
        self._learn()
        if not self._pulse.level:
            return True
        patience_s = self._patience_s()
        if patience_s > 0:
            over = self._pulse.wait(self._clock, min(patience_s, self._until_s(until_ns)))
            self._learn()
            if over or self._patience_s() > ROUNDING_S:
                return over
        raise EchoStuck(
            f"{self._part}: echo line high before the ping, expected low; check the echo's voltage divider and wire "
            f"({self._wiring}), then {self._model.when_stuck}"
        )

    def _learn(self) -> None:
        """Take note of how long the line is high without an object, where the last pulse tells."""
        rise_s, fall_s = self._pulse.rise, self._pulse.fall
        if rise_s is not None and fall_s is not None:
            width_s = self._pins.ticks_diff(fall_s, rise_s)
            if self.NO_OBJECT_S < width_s <= self._model.longest_pulse_s:
                self._no_object_s = max(width_s, self._no_object_s or 0.0)

    def _patience_s(self) -> float:
        """How much longer the line may be high: as long as this sensor usually does, or any sensor after a ping."""
        rise_s = self._pulse.rise
        if rise_s is None or self._pulse.fall is not None:
            return 0.0
        left_s = self._model.longest_pulse_s - self._ping_age_s()
        if self._no_object_s is None:
            return left_s
        return min(left_s, self.STUCK_AFTER * self._no_object_s - self._pins.ticks_diff(self._pins.ticks(), rise_s))

    def _ping_age_s(self) -> float:
        return self._pins.ticks_diff(self._pins.ticks(), self._ping_s)

    def _ping(self) -> tuple[float, float]:
        """The times before and after it: whatever delays this process lies between them."""
        self._pulse.arm()
        before_s = self._pins.ticks()
        self._trigger.state = True
        self._clock.sleep(self._model.trigger_pulse_s)
        self._trigger.state = False
        return before_s, self._pins.ticks()

    def _await_answer(self, ping_ns: int, deadline_ns: int) -> bool:
        """Return when the echo is over, or lasts longer than one from 4 m (true), or at the deadline."""
        rise_ns = ping_ns + round((self._model.rise_after_s[1] + self.SPARE_S) * 1e9)
        early_ns = ping_ns + round((self._model.rise_after_s[1] + MAX_RANGE_M / self._m_per_s) * 1e9)
        for until_ns in (rise_ns, early_ns, deadline_ns) if self._lost and self._hasty else (early_ns, deadline_ns):
            if self._pulse.wait(self._clock, self._until_s(until_ns)):
                return False
            if self._lasts_beyond_range():
                return True
            if self._hasty and self._pulse.rise is None:
                return False
        return False

    def _lasts_beyond_range(self) -> bool:
        now_s = self._pins.ticks()  # before the look at the line, which is high then until later than now
        rise_s = self._pulse.rise
        if rise_s is None or self._pins.ticks_diff(now_s, rise_s) * self._m_per_s <= MAX_RANGE_M:
            return False
        return self._pulse.level

    def _until_s(self, t_ns: int) -> float:
        return max(t_ns - self._clock.now_ns(), 0) / 1e9

    def _no_rise(self) -> NoEcho | EchoStuck:
        self._lost += 1
        if self._pulse.level:
            return EchoStuck(f"{self._part}: echo line went high without an edge; check its wiring ({self._wiring})")
        silent_ms = self._ping_age_s() * 1e3
        return NoEcho(
            f"{self._part}: no echo within {silent_ms:.0f} ms of the ping, expected within "
            f"{self._model.rise_after_s[1] * 1e3:g} ms; check its wiring ({self._wiring}) and its supply"
        )

    def _check_rise(self, rise_s: float, after_s: float) -> None:
        doubtful, usual_s = self._lost > 0, self._usual_s
        soonest_s, latest_s = self._model.rise_after_s
        least_s, most_s = self._pins.ticks_diff(rise_s, after_s), self._pins.ticks_diff(rise_s, self._ping_s)
        if most_s < soonest_s or least_s > latest_s:
            self._lost += 1
            raise self._bad_time(least_s, f"{soonest_s * 1e3:g} to {latest_s * 1e3:g} ms ({self._model.name})")
        self._lost, self._timely = 0, 1 if doubtful else self._timely + 1
        if doubtful and usual_s is None:
            raise self._bad_time(least_s, "an answer to the ping before as well, which was lost")
        if doubtful and usual_s is not None and not self._overlap((least_s, most_s), usual_s):
            raise self._bad_time(least_s, f"{usual_s[0] * 1e3:.1f} ms as usual, because the ping before was lost")
        self._usual_s = least_s, most_s

    def _overlap(self, a_s: tuple[float, float], b_s: tuple[float, float]) -> bool:
        return a_s[0] <= b_s[1] + self.RISE_TOLERANCE_S and b_s[0] <= a_s[1] + self.RISE_TOLERANCE_S

    def _bad_time(self, delay_s: float, expected: str) -> ImplausibleEcho:
        return ImplausibleEcho(
            f"{self._part}: echo began {delay_s * 1e3:.1f} ms after the ping, expected {expected}; another sensor "
            f"near by, another model than {self._part}.model, a loose wire ({self._wiring}) or a broken sensor"
        )

    def _distance_m(self, rise_s: float, fall_s: float) -> float | None:
        distance_m = self._pins.ticks_diff(fall_s, rise_s) * self._m_per_s
        if distance_m > MAX_RANGE_M:
            return None
        if self._pulse.uncertain_s > self.TIMING_LIMIT_S:
            raise ImplausibleEcho(
                f"{self._part}: echo of {distance_m:.2f} m or up to {self._pulse.uncertain_s * self._m_per_s:.2f} m "
                'more, the processor was too busy to time it; set gpio.factory to "lgpio" or stop other programs'
            )
        if distance_m < self._model.blind_m:
            raise ImplausibleEcho(
                f"{self._part}: echo of {distance_m * 100:.1f} cm, expected at least {self._model.blind_m * 100:g} cm "
                f"({self._model.name}); something covers the sensor: clothing, a hand or dirt"
            )
        if self._no_object_s is None:
            self._no_object_s = self._model.no_object_s
        return distance_m
