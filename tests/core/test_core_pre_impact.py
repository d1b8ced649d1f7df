"""The pre-impact estimate: it arms while somebody falls, never by itself, and lets go whatever happens."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import pytest
from core_scenes import Wearer, ready_wearer, walking_wearer
from support.slices import Bobbing

from firmware.core.detectors import pre_impact
from firmware.core.detectors.pre_impact import FEATURES, PreImpactConfig, PreImpactDetector, PreImpactFeatures, Usual
from firmware.core.estimators.motion import MotionSlice
from firmware.core.messages import Output, PreImpact, Tick
from firmware.core.models import pre_impact as model
from firmware.outputs import as_json
from hal.samples import ImuSample, SensorFault, Vector

Score = Callable[[tuple[float, ...]], float]


def told(outputs: Iterable[Output]) -> list[PreImpact]:
    return [output for output in outputs if isinstance(output, PreImpact)]


def history(
    seconds: float, *, rate_hz: float = 100.0, up: Vector = (0.0, 0.0, 1.0), turning: float = 0.3
) -> Iterator[deque[MotionSlice]]:
    """The slices of somebody who leans and bobs up and down, after each new one."""
    bobbing = Bobbing()
    for index in range(round(seconds * rate_hz)):
        t_s = index / rate_hz
        bob_mps2 = math.sin(2 * math.pi * 1.8 * t_s)
        if bobbing.add(round(t_s * 1e9), bob_mps2, turning, 0.5 + 0.1 * math.sin(t_s), up):
            yield bobbing.motion.slices


def lean(_: float) -> float:
    return 25.0


def scored(monkeypatch: pytest.MonkeyPatch, score: Score) -> None:
    monkeypatch.setattr(pre_impact.model, "score", score)


def test_fall_backward_arms_before_the_impact_and_lets_go_after_it() -> None:
    wearer = walking_wearer()
    began_ns = wearer.t_ns
    wearer.fall(lies_s=5.0)
    armed, let_go = told(wearer.outputs)
    assert (armed.armed, let_go.armed) == (True, False)
    assert began_ns < armed.t_ns < began_ns + 500_000_000
    assert armed.score > PreImpactConfig().limit
    assert let_go.t_ns >= armed.t_ns + 1_000_000_000


def test_walking_standing_and_bending_down_never_arm() -> None:
    wearer = walking_wearer().walk(30.0).stand(3.0)
    wearer.live(4.0, pitch_deg=lambda t: 70.0 * math.sin(math.pi * t / 4.0) ** 2).stand(3.0)
    assert told(wearer.outputs) == []


def test_nothing_is_armed_before_the_upright_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, lambda f: 20.0)
    wearer = Wearer().live(0.9, pitch_deg=lean)
    assert told(wearer.outputs) == []
    assert told(wearer.stand(3.0).live(3.0, pitch_deg=lean).outputs)[0].armed


def test_two_decisions_in_a_row_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    values = iter([9.0, -9.0, 9.0, -9.0, 9.0, 9.0, 9.0])
    scored(monkeypatch, lambda f: next(values))
    detector = PreImpactDetector(PreImpactConfig(decisions=2))
    for slices in history(2.0):
        detector.update(slices, 0.0)
        if detector.armed:
            break
    assert [detector.turned(0), detector.turned(0)] == [True, False]  # told once
    assert next(values) == 9.0  # it armed with the sixth decision


def test_score_that_stays_high_arms_once_and_lets_go_when_the_lean_is_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, lambda f: 9.0)
    wearer = ready_wearer().live(20.0, pitch_deg=lean)
    armed, let_go = told(wearer.outputs)
    assert (armed.armed, let_go.armed) == (True, False)
    assert 1e9 < let_go.t_ns - armed.t_ns < 4e9


def test_score_that_stays_high_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, lambda f: 9.0)
    detector = PreImpactDetector(PreImpactConfig(beyond=0.5))
    for slices in history(10.0):
        detector.update(slices, 0.0)
    assert detector.armed


def test_whoever_stands_upright_and_does_not_sink_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, lambda f: 9.0)
    assert told(ready_wearer().stand(5.0).outputs) == []


def test_sensor_that_dies_while_it_is_armed_lets_it_go(monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, lambda f: 9.0)
    wearer = ready_wearer().live(0.5, pitch_deg=lean)
    wearer.imu = False
    wearer.stand(2.0)
    assert [output.armed for output in told(wearer.outputs)] == [True, False]
    assert told(wearer.outputs)[1].t_ns <= wearer.t_ns - 900_000_000


@pytest.mark.parametrize("failures", [0, 5])
def test_sensor_that_is_not_trusted_arms_nothing(failures: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, lambda f: 9.0)
    wearer = ready_wearer()
    for _ in range(failures):
        wearer.send(SensorFault(wearer.t_ns, "imu", "BusError", "imu: no answer"))
    wearer.live(0.9, pitch_deg=lean)
    assert bool(told(wearer.outputs)) is not bool(failures)


def test_time_alone_lets_it_go(monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, lambda f: 9.0)
    wearer = ready_wearer().live(0.5, pitch_deg=lean)
    out = wearer.send(Tick(wearer.t_ns + 1_100_000_000))
    assert [output.armed for output in told(out)] == [False]


def test_sensor_without_an_angular_rate_arms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, lambda f: 9.0)
    detector = PreImpactDetector(PreImpactConfig())
    for slices in history(3.0, turning=0.0):
        detector.update(slices, 0.0)
    assert not detector.armed
    assert detector.score < 1e-9


@pytest.mark.parametrize(
    ("rate_hz", "armed"), [(10.0, False), (15.0, False), (20.0, True), (64.0, True), (200.0, True)]
)
def test_slow_sensor_arms_nothing(rate_hz: float, armed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, lambda f: 9.0)
    detector = PreImpactDetector(PreImpactConfig())
    for slices in history(3.0, rate_hz=rate_hz):
        detector.update(slices, 0.0)
    assert detector.armed is armed


def rows(slices_of: Iterable[deque[MotionSlice]]) -> list[tuple[float, ...] | None]:
    features, found = PreImpactFeatures(1.6), []
    for slices in slices_of:
        features.follow(slices)
        found.append(features.row(slices, 0.1) if features.known else None)
    return found


def named(row: tuple[float, ...] | None) -> dict[str, float]:
    assert row is not None
    return dict(zip(FEATURES, row, strict=True))


def test_estimate_needs_six_tenths_of_a_second_of_motion() -> None:
    found = rows(history(1.0))
    assert found.index(next(row for row in found if row is not None)) == pytest.approx(30, abs=1)


def test_how_the_device_is_turned_changes_nothing() -> None:
    straight, askew = (named(rows(history(2.0, up=up))[-1]) for up in ((0.0, 0.0, 1.0), (0.48, 0.6, -0.64)))
    assert straight == pytest.approx(askew)


@pytest.mark.parametrize("rate_hz", [50.0, 64.0, 200.0])
def test_features_are_nearly_the_same_at_any_rate(rate_hz: float) -> None:
    usual, other = named(rows(history(2.0))[-1]), named(rows(history(2.0, rate_hz=rate_hz))[-1])
    for name in ("force_300", "force_600", "rise_300", "turning_160", "tilt", "sink_1000"):
        assert other[name] == pytest.approx(usual[name], abs=0.15), name


def test_features_after_a_gap_forget_the_speed_of_before() -> None:
    features, falls, stands = PreImpactFeatures(1.6), Bobbing(), Bobbing()
    for index in range(100):
        if falls.add(index * 10_000_000, -4.8, 0.3, 0.0, (0.0, 0.0, 1.0)):
            features.follow(falls.motion.slices)
    assert not features.quiet
    for index in range(500, 570):
        if stands.add(index * 10_000_000, 0.0, 0.3, 0.0, (0.0, 0.0, 1.0)):
            features.follow(stands.motion.slices)
    assert features.quiet
    assert named(features.row(stands.motion.slices, 0.0))["sink_1000"] == pytest.approx(0.0, abs=1e-9)


def usual_after(*stretches: tuple[float, float]) -> Usual:
    """`stretches`: seconds, and how far she tips in them, in radians."""
    usual, t_ns = Usual(), 0
    for seconds, tipping_rad in stretches:
        for _ in range(round(seconds * 50)):
            t_ns += 20_000_000
            usual.follow(t_ns, tipping_rad, tipping_rad)
    return usual


def test_what_she_reaches_with_every_step_is_usual() -> None:
    usual = usual_after((3.0, 0.3))
    assert usual.tipping_rad == usual.sink_mps == 0.3


def test_the_fall_itself_is_not_yet_usual() -> None:
    assert usual_after((3.0, 0.1), (0.58, 1.2)).tipping_rad == pytest.approx(0.1)
    assert usual_after((3.0, 0.1), (1.2, 1.2)).tipping_rad == 1.2


def test_what_was_usual_is_forgotten() -> None:
    assert usual_after((3.0, 1.0), (10.0, 0.0)).tipping_rad < 0.15


@pytest.mark.parametrize(("beyond", "judged"), [(0.0, True), (1.6, False)])
def test_whoever_goes_no_farther_than_she_always_does_is_not_judged(beyond: float, judged: bool) -> None:
    features, bobbing, looked = PreImpactFeatures(beyond), Bobbing(), 0
    for index in range(2000):
        tilt_rad = 0.25 + 0.1 * math.sin(index / 100 * 11.0)
        if bobbing.add(index * 10_000_000, 0.0, 0.3, tilt_rad, (0.0, 0.0, 1.0)):
            features.follow(bobbing.motion.slices)
            looked += index > 500 and not features.quiet
    assert (looked > 100) is judged


def test_model_and_detector_mean_the_same_features() -> None:
    assert model.FEATURES == FEATURES
    assert math.isfinite(model.score((0.0,) * len(FEATURES)))


def test_broken_numbers_never_arm() -> None:
    """What is not finite never gets here; should it, nothing is armed rather than everything."""
    detector = PreImpactDetector(PreImpactConfig())
    for slices in history(1.0):
        detector.update(slices, math.nan)
    assert not detector.armed


@pytest.mark.parametrize(
    "wrong", [{"limit": 1.0}, {"decisions": 0}, {"hold_s": math.nan}, {"least_rate_hz": 5.0}, {"beyond": -1.0}]
)
def test_settings_out_of_their_limits_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="pre_impact"):
        PreImpactConfig(**wrong)  # type: ignore[arg-type]


def test_output_is_recorded_by_its_own_kind() -> None:
    assert as_json(PreImpact(5, True, 0.97)) == {"t_ns": 5, "kind": "pre_impact", "armed": True, "score": 0.97}


def test_estimate_goes_on_after_a_gap_in_the_samples() -> None:
    wearer = walking_wearer()
    wearer.imu = False
    wearer.stand(1.5)
    wearer.imu = True
    wearer.walk(6.0).fall()
    assert [output.armed for output in told(wearer.outputs)][:1] == [True]
    assert all(isinstance(message.t_ns, int) for message in wearer.inputs if isinstance(message, ImuSample))
