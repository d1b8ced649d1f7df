"""What holds for any inputs: no crash, no silence for what is not a number, the same outputs for the same inputs."""

import itertools
import math

import pytest
from core_scenes import Wearer, walking_wearer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware.core.detectors.pre_impact import PreImpactConfig, PreImpactDetector
from firmware.core.estimators.fall_features import FallLooks
from firmware.core.messages import (
    Acknowledgement,
    Alert,
    Command,
    Hazard,
    Input,
    Output,
    Pattern,
    Resume,
    SetPattern,
    Severity,
    Telemetry,
    Tick,
)
from firmware.core.models import fall_possible, fall_suspected
from firmware.core.moving import Moving
from firmware.core.pipeline import SafetyPipeline
from hal.samples import PARTS, ButtonSample, ImuSample, RangeSample, SensorFault

TIMES = st.integers(0, 20_000_000_000)
NUMBERS = st.floats(width=64)
VECTORS = st.tuples(NUMBERS, NUMBERS, NUMBERS)
MESSAGES: st.SearchStrategy[Input] = st.one_of(
    st.builds(ImuSample, TIMES, VECTORS, VECTORS),
    st.builds(RangeSample, TIMES, st.one_of(st.none(), NUMBERS)),
    st.builds(ButtonSample, TIMES, st.booleans()),
    st.builds(SensorFault, TIMES, st.sampled_from(PARTS), st.sampled_from(["BusError", "NoEcho"]), st.text(max_size=5)),
    st.builds(Acknowledgement, TIMES, st.integers(-1, 5), st.sampled_from(["accepted", "acknowledged", ""]), st.text()),
    st.builds(Command, TIMES, st.sampled_from(["start", "end", "test", "locate", ""])),
    st.builds(Resume, TIMES, st.booleans(), st.sampled_from(Hazard), st.sampled_from(Severity), NUMBERS),
    st.builds(Tick, TIMES),
)


@given(st.lists(MESSAGES, max_size=60))
@settings(max_examples=150)
def test_no_input_in_any_order_breaks_the_core_and_time_never_runs_back(messages: list[Input]) -> None:
    first, second = SafetyPipeline(), SafetyPipeline()
    out: list[Output] = []
    for message in messages:
        told = first.step(message)
        assert told == second.step(message)
        out += told
    times = [o.t_ns for o in out]
    assert times == sorted(times)
    patterns = [o.pattern for o in out if isinstance(o, SetPattern)]
    assert all(a is not b for a, b in itertools.pairwise(patterns))
    for output in out:
        if isinstance(output, Telemetry):
            for value in (output.distance_m, output.closing_speed_mps, output.lean_deg, output.sway_deg):
                assert value is None or math.isfinite(value)


@given(
    value=st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e300, 1e9]),
    axis=st.integers(0, 6),
    lasting=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_what_is_not_a_number_is_heard_within_a_second(value: float, axis: int, lasting: bool) -> None:
    wearer = walking_wearer()
    wearer.outputs.clear()
    finite = math.isfinite(value)
    for index in range(60 if lasting or finite else 1):
        wearer.t_s += 0.01
        numbers = [0.1, 0.2, 9.8 + 0.01 * index, 0.0, 0.0, 0.0, 1.0]
        numbers[axis] = value
        wearer.send(ImuSample(wearer.t_ns, (numbers[0], numbers[1], numbers[2]), (numbers[3], numbers[4], numbers[5])))
        if index % 6 == 0:
            wearer.send(RangeSample(wearer.t_ns, numbers[6]))
    assert Pattern.SILENT not in wearer.patterns()
    assert wearer.patterns()
    parts = [alert.data["part"] for alert in wearer.alerts(Hazard.FAULT)]
    assert "rangefinder" in parts if axis == 6 else "imu" in parts


@given(axis=st.integers(0, 5), moment=st.integers(0, 250))
@settings(max_examples=40, deadline=None)
def test_a_nan_during_a_fall_hides_neither_the_fault_nor_a_fall_already_told(axis: int, moment: int) -> None:
    wearer = walking_wearer()
    wearer.fall(lies_s=moment / 100)
    numbers = [0.0, 0.0, 9.8, 0.0, 0.0, 0.0]
    numbers[axis] = math.nan
    wearer.t_s += 0.005
    wearer.send(ImuSample(wearer.t_ns, (numbers[0], numbers[1], numbers[2]), (numbers[3], numbers[4], numbers[5])))
    assert wearer.alerts(Hazard.FAULT)
    wearer.lie(8.0)  # the posture is judged again once the IMU is trusted
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED]


@given(rate_hz=st.integers(20, 400), seed=st.integers(0, 1000), mounting_deg=st.integers(-35, 35))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_walk_and_a_fall_are_seen_alike_at_any_rate(rate_hz: int, seed: int, mounting_deg: int) -> None:
    wearer = Wearer(rate_hz=rate_hz, seed=seed, mounting_deg=mounting_deg).stand(4).walk(5)
    assert wearer.alerts() == []
    assert wearer.walk_states() == ["before", "ready", "walking"]
    wearer.fall(lies_s=1.5)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED]


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_missing_ticks_change_no_decision(data: st.DataObject) -> None:
    wearer = walking_wearer().fall(lies_s=34)
    ticks = [index for index, message in enumerate(wearer.inputs) if isinstance(message, Tick)]
    lost = set(data.draw(st.lists(st.sampled_from(ticks), max_size=len(ticks))))
    again = SafetyPipeline()
    out = [o for index, message in enumerate(wearer.inputs) if index not in lost for o in again.step(message)]
    told = [(a.hazard, a.severity, a.alarm) for a in out if isinstance(a, Alert)]
    assert told == [(a.hazard, a.severity, a.alarm) for a in wearer.alerts()]


@pytest.mark.parametrize("silence_s", [1.0, 5.9, 6.1, 7.0, 60.0])
@pytest.mark.parametrize("again_s", [0.01, 0.7, 7.0])
def test_a_standstill_of_the_whole_guard_while_a_jolt_is_judged_breaks_nothing(
    silence_s: float, again_s: float
) -> None:
    wearer = walking_wearer().live(0.06, jolt_mps2=lambda _: 40.0).stand(0.1)
    for pause_s in (silence_s, *[0.01] * 5, again_s, *[0.01] * 5, again_s):  # not even a tick comes
        wearer.t_s += pause_s
        wearer.send(wearer._sample(0.0, 0.01, False, 0.0))


@given(st.lists(st.sampled_from([0.01, 0.02, 0.1, 0.59, 0.7, 6.1, 60.0]), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_stamps_that_leap_while_a_jolt_is_judged_break_nothing(pauses_s: list[float]) -> None:
    moving, looks, coming = Moving(), FallLooks(), PreImpactDetector(PreImpactConfig())
    t_s = 0.0
    for index, pause_s in enumerate([0.02] * 10 + pauses_s):
        t_s += pause_s
        if moving.take(round(t_s * 1e9), (0.0, 9.0, 40.0 if index % 7 == 0 else 9.0), (0.1, 0.2, index / 10)):
            looks.update(moving.motion.slices, None)
            coming.update(moving.motion.slices, 0.1)


def test_a_silence_is_noticed_also_when_the_sample_that_ends_it_is_the_first_word() -> None:
    """A device that is smashed in the fall asks, whoever speaks first after it."""
    wearer = walking_wearer().live(0.06, jolt_mps2=lambda _: 60.0)
    wearer.t_s += 1.2
    wearer.send(wearer._sample(0.0, 0.01, False, 0.0))
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED]


def test_end_of_the_walk_ends_a_guess_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sample is looked at any more that could take it back."""
    monkeypatch.setattr(fall_possible, "LIMIT", -1e9)
    monkeypatch.setattr(fall_suspected, "LIMIT", 1e9)
    wearer = walking_wearer().live(0.06, jolt_mps2=lambda _: 40.0).walk(0.5)
    assert wearer.severities(Hazard.FALL) == [Severity.POSSIBLE]
    wearer.command("end")
    wearer.stand(5.0)
    assert wearer.severities(Hazard.FALL) == [Severity.POSSIBLE, Severity.NONE]
    assert wearer.patterns()[-1] is Pattern.SILENT
