"""A device off the body is no fall; a body that lies still is never taken for a device that was put down."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from firmware.core.detectors.not_worn import NotWorn
from firmware.core.estimators.slices import Slicer
from firmware.core.estimators.wear import Wear, WearConfig
from hal.samples import Vector

G_MPS2 = 9.80665
S = 1_000_000_000
LYING = math.radians(90.0)
Course = Callable[[float], float]


def none(_: float) -> float:
    return 0.0


class Device:
    """Feeds an estimator with a sensor's noise and what is added to it."""

    def __init__(self, rate_hz: int = 100) -> None:
        self.wear, self.rate_hz = Wear(WearConfig()), rate_hz
        self._slicer = Slicer()
        self._dice, self._t_ns, self._steps = random.Random(1), 0, 0
        self.seen: list[bool | None] = []

    def live(
        self,
        seconds: float,
        *,
        tilt_rad: float = LYING,
        felt_g: float = 1.0,
        turning: Course = none,
        noise: float = 1.0,
        steps_hz: float = 0.0,
    ) -> "Device":
        for index in range(round(seconds * self.rate_hz)):
            self._t_ns += S // self.rate_hz
            self._steps += int((index + 1) / self.rate_hz * steps_hz) - int(index / self.rate_hz * steps_hz)
            rate = turning(index / self.rate_hz)
            accel = self._about(
                (-felt_g * G_MPS2 * math.sin(tilt_rad), 0.0, felt_g * G_MPS2 * math.cos(tilt_rad)), 0.03 * noise
            )
            gyro = self._about((0.0, rate, 0.0), 0.001 * noise)
            size = math.sqrt(sum(x * x for x in accel))
            if self._slicer.add(self._t_ns, accel, gyro, size):
                self.wear.update(self._slicer, abs(rate), tilt_rad, self._steps)
            self.seen.append(self.wear.worn)
        return self

    def _about(self, vector: Vector, noise: float) -> Vector:
        x, y, z = (value + self._dice.gauss(0.0, noise) for value in vector)
        return x, y, z

    def walk(self) -> "Device":
        return self.live(5.0, tilt_rad=0.1, steps_hz=1.6, turning=lambda t: 0.5 * math.sin(9 * t))

    def fall_freely(self, seconds: float) -> "Device":
        return self.live(seconds, felt_g=0.02, turning=lambda _: 5.0).live(0.03, felt_g=8.0, turning=lambda _: 5.0)

    def turn_about(self) -> "Device":
        """In a hand: two quick turns."""
        return self.live(2.5, turning=lambda t: 3.5 * math.sin(2.5 * t) ** 2)


def breathing(t_s: float) -> float:
    """0.15 degrees, 15 times a minute."""
    return math.radians(0.15) * 1.6 * math.cos(1.6 * t_s)


@pytest.mark.parametrize("rate_hz", [50, 100, 200])
def test_who_steps_upright_wears_it(rate_hz: int) -> None:
    assert Device(rate_hz).walk().wear.worn is True


@pytest.mark.parametrize("rate_hz", [50, 100, 200])
@pytest.mark.parametrize("falls_s", [0.30, 0.45])
def test_dropped_device_that_lies_dead_still_is_not_worn(rate_hz: int, falls_s: float) -> None:
    device = Device(rate_hz).walk().fall_freely(falls_s)
    assert device.wear.worn is None
    device.live(2.0)
    assert device.wear.worn is False


def test_person_who_fell_freely_and_breathes_is_not_taken_for_a_dropped_device() -> None:
    device = Device().walk().fall_freely(0.4).live(20.0, turning=breathing)
    assert False not in device.seen


@pytest.mark.parametrize("falls_s", [0.10, 0.20])
def test_as_much_free_fall_as_people_have_says_nothing(falls_s: float) -> None:
    device = Device().walk().fall_freely(falls_s).live(20.0)
    assert False not in device.seen


@pytest.mark.parametrize("rate_hz", [50, 100, 200])
def test_device_that_a_hand_turned_about_and_put_down_is_not_worn(rate_hz: int) -> None:
    assert Device(rate_hz).walk().turn_about().live(22.0).wear.worn is False


@pytest.mark.parametrize("noise", [0.3, 1.0, 5.0])
def test_lying_dead_still_alone_is_never_enough(noise: float) -> None:
    """Whatever the sensor: somebody unconscious may not show more than its noise."""
    sinks = Device().walk().live(1.2, tilt_rad=1.0, turning=lambda _: 1.3)
    assert False not in sinks.live(120.0, noise=noise).seen


def test_turning_in_a_fall_is_no_hand_even_when_nothing_moves_after_it() -> None:
    falls = (
        Device()
        .walk()
        .live(0.6, tilt_rad=1.0, turning=lambda t: 12.0 * t)
        .live(0.05, felt_g=4.0, turning=lambda _: 9.0)
    )
    assert False not in falls.live(0.8, turning=lambda t: 6.0 * (0.8 - t)).live(90.0).seen


def test_not_even_upside_down_is_lying_still_enough() -> None:
    """Recorded people lay as far as 160 degrees from how they stood."""
    assert False not in Device().walk().live(60.0, tilt_rad=math.radians(150.0)).seen


def test_stuck_values_are_no_stillness() -> None:
    assert False not in Device().walk().turn_about().live(60.0, noise=0.0).seen


def test_person_who_rolled_about_and_breathes_is_still_worn_by() -> None:
    assert False not in Device().walk().turn_about().live(120.0, turning=breathing).seen


def test_picked_up_again_nothing_is_known_until_somebody_steps_upright() -> None:
    device = Device().walk().turn_about().live(22.0)
    assert device.live(0.5, turning=lambda _: 1.0).wear.worn is None
    assert device.walk().wear.worn is True


def test_who_walks_about_with_it_in_a_bag_keeps_the_question_open_for_three_minutes_at_most() -> None:
    device = Device().walk().turn_about()
    device.live(150.0, steps_hz=1.8, turning=lambda t: 0.9 * math.sin(9 * t))
    assert device.wear.handled_until_ns > device._t_ns
    assert False not in device.seen
    device.live(60.0, steps_hz=1.8, turning=lambda t: 0.9 * math.sin(9 * t))
    assert device.wear.handled_until_ns < device._t_ns


def test_gap_in_the_samples_leaves_nothing_known() -> None:
    device = Device().walk()
    device._t_ns += S
    assert device.live(0.05).wear.worn is None


@pytest.mark.parametrize(("key", "value"), [("free_s", 0.1), ("dead_ratio", 2.0), ("handled_rad", math.nan)])
def test_limits_that_would_hide_a_fall_are_refused(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"wear: {key}"):
        WearConfig(**{key: value})  # type: ignore[arg-type]


@dataclass
class Known:
    """What an estimator may say."""

    worn: bool | None = True
    free_until_ns: int = -1
    handled_until_ns: int = -1
    handled_since_ns: int | None = None


IMPACT = {"path": "impact", "impact_age_s": 1.0}
POSTURE = {"path": "posture", "impact_age_s": 4.0}


def test_fall_of_who_wears_it_is_told_at_once() -> None:
    assert NotWorn().judge(20 * S, Known(), dict(IMPACT)) == IMPACT


def test_fall_after_a_free_fall_waits_and_is_told_when_nothing_lay_dead() -> None:
    gate, wear = NotWorn(), Known(worn=None, free_until_ns=22 * S)
    assert gate.judge(20 * S, wear, dict(IMPACT)) is None
    assert gate.judge(22 * S, wear, None) is None
    assert gate.judge(22 * S + 1, wear, None) == {"path": "impact", "impact_age_s": 3.0}
    assert gate.judge(23 * S, wear, None) is None


def test_fall_of_a_dropped_device_is_never_told() -> None:
    gate, wear = NotWorn(), Known(worn=None, free_until_ns=22 * S)
    gate.judge(20 * S, wear, dict(IMPACT))
    assert gate.judge(21 * S, Known(worn=False), None) is None
    assert gate.judge(30 * S, Known(worn=None), None) is None


def test_impact_waits_for_no_hand_that_was_noticed_in_the_fall_itself() -> None:
    wear = Known(worn=None, handled_until_ns=40 * S, handled_since_ns=19 * S - S // 2)
    assert NotWorn().judge(20 * S, wear, dict(IMPACT)) == IMPACT
    assert NotWorn().judge(20 * S, wear, dict(POSTURE)) is None


def test_soft_jolt_waits_for_a_hand_that_was_noticed_just_before_it() -> None:
    wear = Known(worn=None, handled_until_ns=40 * S, handled_since_ns=19 * S - S // 2)
    assert NotWorn().judge(20 * S, wear, {**IMPACT, "impact_g": 1.7}) is None
    assert NotWorn().judge(20 * S, wear, {**IMPACT, "impact_g": 3.1}) is not None


def test_what_waited_is_told_when_the_sensor_is_lost() -> None:
    gate = NotWorn()
    gate.judge(20 * S, Known(worn=None, free_until_ns=22 * S), dict(IMPACT))
    assert gate.restart() == IMPACT
    assert gate.restart() is None
