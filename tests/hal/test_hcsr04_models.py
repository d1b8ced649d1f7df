"""HC-SR04, HC-SR04P and JSN-SR04T: one driver, and what differs between them."""

import math
from contextlib import suppress
from typing import get_args

import pytest
from hcsr04_rig import Answer, Rig, late_echo
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.air import speed_of_sound_mps
from hal.errors import EchoStuck, HalError, ImplausibleEcho, NoEcho
from hal.hcsr04 import MAX_RANGE_M, MODELS, EchoModel, HcSr04
from hal.samples import RangeSample
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory

ALL: tuple[EchoModel, ...] = get_args(EchoModel)
STAMP_ERROR_M = 0.001  # a millimetre is 6 µs: stamps in ns, and 0.02 % between two forms of the speed of sound


@pytest.mark.parametrize("model", ALL)
def test_distance_free_way_silence_and_a_stuck_line_are_four_different_things(model: EchoModel) -> None:
    def first(fault: str, distance_m: float | None) -> Answer:
        rig = Rig(SimPinFactory(SimClock(0)), Fault(fault, "rangefinder", start_s=0.0), model=model)
        rig.wall.distance_m = distance_m
        rig.clock.sleep(0.01)
        return rig.ping()

    assert first("ok", 1.5) == pytest.approx(1.5, abs=STAMP_ERROR_M)
    assert first("ok", None) is None
    assert first("off", 1.5) == "NoEcho"
    assert first("stuck", 1.5) == "EchoStuck"


@pytest.mark.parametrize("model", ALL)
@settings(max_examples=60)
@given(share=st.floats(0.0, 1.0), temperature_c=st.floats(-20.0, 50.0), start_ns=st.integers(0, 10**17))
def test_every_distance_that_the_model_can_measure_is_right_in_any_weather(
    model: EchoModel, share: float, temperature_c: float, start_ns: int
) -> None:
    nearest_m, farthest_m = MODELS[model].blind_m + STAMP_ERROR_M, MAX_RANGE_M - STAMP_ERROR_M
    distance_m = nearest_m + share * (farthest_m - nearest_m)
    rig = Rig(SimPinFactory(SimClock(start_ns)), model=model, temperature_c=temperature_c)
    rig.wall.distance_m = distance_m
    assert rig.ping() == pytest.approx(distance_m, abs=STAMP_ERROR_M)


@pytest.mark.parametrize("temperature_c", [-20.0, 0.0, 20.0, 50.0])
def test_speed_of_sound_is_that_of_dry_air(temperature_c: float) -> None:
    # Cramer (1993), equation 15, without humidity
    cramer_mps = {-20.0: 319.09, 0.0: 331.45, 20.0: 343.36, 50.0: 360.39}[temperature_c]
    assert speed_of_sound_mps(temperature_c) == pytest.approx(cramer_mps, rel=0.0005)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("hcsr04", r"echo of 0\.5 cm, expected at least 2 cm \(HC-SR04\); something covers"),
        ("hcsr04p", r"echo of 0\.5 cm, expected at least 2 cm \(HC-SR04P\); something covers"),
        ("jsn_sr04t", r"echo of 5\.0 cm, expected at least 20 cm \(JSN-SR04T\); something covers"),
    ],
)
def test_covered_sensor_is_told_by_what_its_model_can_measure(
    pins: SimPinFactory, model: EchoModel, message: str
) -> None:
    rig = Rig(pins, Fault("wrong", "rangefinder", start_s=0.0), model=model)
    with pytest.raises(ImplausibleEcho, match=message):
        rig.sensor.read()


@given(distance_m=st.floats(0.0, 0.2))
def test_what_is_nearer_than_a_jsn_can_measure_never_reads_far(distance_m: float) -> None:
    rig = Rig(SimPinFactory(SimClock(0)), model="jsn_sr04t")
    rig.wall.distance_m = distance_m
    answer = rig.ping()
    assert answer == "ImplausibleEcho" or (isinstance(answer, float) and answer <= 0.401)


def test_jsn_read_as_an_hc_sr04_says_that_the_model_may_be_wrong(pins: SimPinFactory) -> None:
    SimHcSr04(pins, trigger=23, echo=24, distance_m=lambda _: 1.5, model="jsn_sr04t")
    with pytest.raises(NoEcho):
        HcSr04(pins, pins.clock, trigger=23, echo=24).read()  # its trigger pulse is too short for a JSN
    SimHcSr04(pins, trigger=22, echo=25, distance_m=lambda _: 1.5, model="jsn_sr04t")
    sensor = HcSr04(pins, LateClock(pins.clock), trigger=22, echo=25)
    with pytest.raises(ImplausibleEcho, match=r"began 12\.3 ms after the ping.*another model than rangefinder\.model"):
        sensor.read()


class LateClock:
    """A clock whose sleeps take 60 µs longer, as on a Pi; a trigger pulse is then long enough for any model."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self.now_ns, self.wait = clock.now_ns, clock.wait

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds + 60e-6)


def test_hc_sr04p_without_a_time_out_is_told_as_free_once_and_then_as_stuck(pins: SimPinFactory) -> None:
    rig = Rig(pins, model="hcsr04p")
    rig.wall.distance_m = None
    answers = rig.pings(0.6)
    assert answers[:4] == [None] + ["nothing new"] * 3
    assert set(answers[4:]) == {"EchoStuck"}
    with pytest.raises(EchoStuck, match="some HC-SR04P stay so whenever nothing is in range: use another model"):
        rig.sensor.read()


def test_hc_sr04p_measures_again_once_its_line_falls(pins: SimPinFactory) -> None:
    rig = Rig(pins, model="hcsr04p", no_object_s=0.7)
    rig.wall.distance_m = None
    assert rig.pings(0.6)[-1] == "EchoStuck"
    rig.wall.distance_m = 1.2
    rig.until(0.72)
    assert rig.pings(0.3) == [pytest.approx(1.2, abs=STAMP_ERROR_M)] * 5


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize("word", ["ok", "off", "slow", "delayed", "garbage", "intermittent", "stuck"])
def test_no_read_of_any_model_lasts_longer_than_60_ms(model: EchoModel, word: str) -> None:
    for distance_m in (0.1, 3.99, None):
        rig = Rig(SimPinFactory(SimClock(0)), Fault(word, "rangefinder", 0.5), model=model)
        rig.wall.distance_m = distance_m
        for _ in range(60):
            from_ns = rig.clock.now_ns()
            with suppress(HalError):
                rig.sensor.read()
            assert rig.clock.now_ns() - from_ns <= 60_000_100
            rig.clock.sleep(0.007)


@pytest.mark.parametrize("model", ALL)
def test_lost_ping_costs_one_reading_whatever_the_model(pins: SimPinFactory, model: EchoModel) -> None:
    rig = Rig(pins, Fault("off", "rangefinder", 0.95, 1.01), model=model)
    answers = rig.pings(1.5)
    errors = [i for i, answer in enumerate(answers) if isinstance(answer, str)]
    assert [answers[i] for i in errors] == ["NoEcho"]
    assert all(answer == pytest.approx(1.5, abs=STAMP_ERROR_M) for i, answer in enumerate(answers) if i not in errors)


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize("at_ms", range(61, 250, 9))
def test_late_echo_is_no_answer_to_a_later_ping_of_any_model(pins: SimPinFactory, model: EchoModel, at_ms: int) -> None:
    sensor = HcSr04(pins, pins.clock, trigger=23, echo=24, model=model)
    late_echo(pins, at_ms / 1e3)
    samples: list[RangeSample] = []
    for _ in range(8):
        with suppress(NoEcho, ImplausibleEcho):
            samples += sensor.read()
    assert samples == []


def test_every_model_names_what_it_is_and_what_differs() -> None:
    assert set(MODELS) == set(ALL)
    assert MODELS["jsn_sr04t"].trigger_pulse_s > MODELS["hcsr04"].trigger_pulse_s
    assert all(0 < traits.air_s < 0.05 and math.isfinite(traits.longest_pulse_s) for traits in MODELS.values())
