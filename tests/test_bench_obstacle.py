"""The bench of the obstacle warning: that its peers are who they say, and that what it counts is what happened."""

from collections.abc import Callable
from typing import Any

import pytest
from support.gpiozero_clock import GpiozeroOnPins

from bench._obstacle_peers import RISE_S, FixedZone, GpiozeroSensor, width_s
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory


def approaching_with_gaps(t_s: float) -> float | None:
    """An approach with single far, near and missing echoes, told apart by the hundredth of a second."""
    odd = round(t_s * 100) % 11
    if odd == 3:
        return None
    return 0.2 if odd == 7 else 3.5 if odd == 9 else max(2.5 - 0.4 * t_s, 0.15)


@pytest.mark.filterwarnings("ignore::gpiozero.exc.GPIOZeroWarning")
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"max_distance": 2, "threshold_distance": 0.5},
        {"max_distance": 4, "threshold_distance": 1.0},
        {"max_distance": 2, "threshold_distance": 0.6, "queue_len": 5},
        {"max_distance": 4, "queue_len": 4, "partial": True},
    ],
    ids=str,
)
def test_model_of_gpiozero_tells_at_every_ping_what_gpiozero_itself_tells(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pins, pings_s = SimPinFactory(SimClock()), []

    def distance_m(t_s: float) -> float | None:
        pings_s.append(t_s)
        return approaching_with_gaps(t_s)

    SimHcSr04(pins, trigger=23, echo=24, distance_m=distance_m)
    theirs, model = GpiozeroOnPins(pins, monkeypatch, **settings), GpiozeroSensor(**settings)
    ping_s = model.first_s
    for _ in range(90):
        theirs.turn()
        assert pings_s[-1] == pytest.approx(ping_s, abs=1e-6)
        high_s = width_s(approaching_with_gaps(pings_s[-1]))
        sounds = model.take(high_s)
        over_s = ping_s + RISE_S + high_s
        assert pins.clock.now_ns() / 1e9 == pytest.approx(over_s, abs=1e-4 * high_s + 1e-6)
        assert theirs.told == (model.distance_m is not None)
        if theirs.told:
            assert theirs.sensor.distance == pytest.approx(model.distance_m, abs=1e-3)
            assert theirs.sensor.in_range == sounds
        ping_s = model.next_s(pings_s[-1], pins.clock.now_ns() / 1e9)
    theirs.close()


@pytest.mark.filterwarnings("ignore::gpiozero.exc.GPIOZeroWarning")
def test_model_of_gpiozero_goes_on_with_the_old_median_after_the_wire_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    pins = SimPinFactory(SimClock())
    fault = Fault("off", "rangefinder", start_s=2.0)
    SimHcSr04(pins, trigger=23, echo=24, distance_m=lambda t_s: 1.2, fault=fault)
    theirs, model = GpiozeroOnPins(pins, monkeypatch, max_distance=2), GpiozeroSensor(max_distance=2)
    for _ in range(60):
        theirs.turn()
        model.take(None if pins.clock.now_ns() / 1e9 > 2.0 else width_s(1.2))
    assert model.distance_m == pytest.approx(1.2, abs=0.001)
    assert theirs.sensor.distance == pytest.approx(model.distance_m, abs=1e-3)
    theirs.close()


def sounding(peer: FixedZone | GpiozeroSensor, echo_m: Callable[[int], float | None], pings: int) -> list[bool]:
    return [peer.take(width_s(echo_m(index))) for index in range(pings)]


def test_fixed_zone_sounds_at_each_single_reading_within_it_and_at_no_other() -> None:
    readings = [1.4, 0.9, 1.1, None, 0.3]
    assert sounding(FixedZone(1.0), lambda index: readings[index], 5) == [False, True, False, False, True]


def test_gpiozero_sounds_five_readings_after_something_steps_within_its_threshold() -> None:
    sounds = sounding(GpiozeroSensor(4, 1.0), lambda index: 0.8 if index >= 20 else 3.0, 30)
    assert sounds.index(True) == 24
