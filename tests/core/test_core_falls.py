"""Falls: what is judged at three moments, and a trunk that stays down."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from core_scenes import Wearer, walking_wearer

from firmware.core.detectors import fall as fall_module
from firmware.core.detectors.fall import FallConfig, FallDetector, fell_seated
from firmware.core.estimators.fall_features import FEATURES
from firmware.core.estimators.sinking import Sinking
from firmware.core.messages import Alert, Hazard, Severity
from firmware.core.pipeline import SafetyPipeline
from hal.samples import ButtonSample, ImuSample, RangeSample, Vector
from hal.sim.world.scenarios import scenario
from hal.sim.world.scene import World

S = 1_000_000_000
SLICE = 20_000_000
LYING_RAD = math.radians(85.0)


@dataclass(frozen=True)
class Look:
    number: int
    peak_ns: int
    peak_mps2: float = 30.0
    features: tuple[float, ...] = (0.0,) * len(FEATURES)


class Says:
    """Trees that say what they are told to."""

    LIMIT, OPEN = 1.0, -1.0

    def __init__(self, score: float) -> None:
        self._score = score

    def score(self, _: tuple[float, ...]) -> float:
        return self._score


def taught(
    monkeypatch: pytest.MonkeyPatch, possible: float, suspected: float, later: float, config: FallConfig | None = None
) -> FallDetector:
    for name, score in (("fall_possible", possible), ("fall_suspected", suspected), ("fall_later", later)):
        monkeypatch.setattr(fall_module, name, Says(score))
    return FallDetector(config or FallConfig())


def judged(detector: FallDetector) -> list[tuple[bool, bool]]:
    """Whether the fall is possible, and suspected, after each of the three looks."""
    seen = []
    for number, after_ns in enumerate((3 * S // 10, S, 2 * S)):
        evidence = detector.update(10 * S + after_ns, 9.8, 0.1, [Look(number, 10 * S)], None)
        seen.append((detector.possible is not None, evidence is not None))
    return seen


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((2.0, 2.0, 2.0), [(True, False), (False, True), (False, False)]),  # possible, then suspected
        ((2.0, -2.0, 2.0), [(True, False), (False, False), (False, False)]),  # taken back after a second
        ((2.0, 0.0, 2.0), [(True, False), (True, False), (False, True)]),  # left open, then suspected
        ((2.0, 0.0, 0.0), [(True, False), (True, False), (False, False)]),  # left open, then taken back
        ((0.0, 2.0, 2.0), [(False, False), (False, True), (False, False)]),  # not expected, and suspected all the same
        ((0.0, -2.0, 2.0), [(False, False), (False, False), (False, False)]),
    ],
)
def test_a_jolt_is_judged_at_three_moments(
    monkeypatch: pytest.MonkeyPatch, scores: tuple[float, float, float], expected: list[tuple[bool, bool]]
) -> None:
    assert judged(taught(monkeypatch, *scores)) == expected


def test_a_guess_that_nobody_looks_at_again_is_over_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = taught(monkeypatch, 2.0, 0.0, 0.0)
    detector.update(10 * S, 9.8, 0.1, [Look(0, 10 * S)], None)
    assert detector.possible is not None
    detector.update(13 * S, 9.8, 0.1, [], None)
    assert detector.possible is None


SEATED = {
    "impact_g": 8.0,
    "end_turned_rad": 0.6,
    "end_tilt_rad": 0.6,
    "after_peak_g": 1.2,
    "end_turning_radps": 0.2,
    "falling_least_g": 0.4,
}


@pytest.mark.parametrize(
    ("other", "fell"),
    [
        ({}, True),
        ({"impact_g": 5.0}, False),  # sat down hard
        ({"end_tilt_rad": 0.2}, False),  # jumped
        ({"after_peak_g": 2.5}, False),  # jogs on
        ({"end_turning_radps": 3.0}, False),
        ({"falling_least_g": 0.02}, False),  # the device was dropped
    ],
)
def test_a_very_hard_impact_after_which_she_sits_leaning_is_a_fall(other: dict[str, float], fell: bool) -> None:
    seen = {**dict.fromkeys(FEATURES, 0.0), **SEATED, **other}
    assert fell_seated(tuple(seen.values())) is fell


def test_nobody_falls_with_a_device_that_is_not_worn(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = taught(monkeypatch, 2.0, 2.0, 2.0)
    assert detector.update(11 * S, 9.8, LYING_RAD, [Look(0, 10 * S), Look(1, 10 * S)], None, worn=False) is None
    assert detector.possible is None


def lies(
    detector: FallDetector,
    seconds: float,
    tilt_rad: float = LYING_RAD,
    from_s: float = 10.0,
    *,
    forward_rad: float = 0.0,
    jolt_mps2: float = 9.8,
    stepping: bool = False,
) -> float | None:
    """After how many seconds of lying she is asked; the jolt comes first."""
    for index in range(round(seconds * 50)):
        t_ns, peak_mps2 = round(from_s * S) + index * SLICE, 9.8 if index else jolt_mps2
        if detector.update(t_ns, peak_mps2, tilt_rad, [], None, forward_rad, stepping) is not None:
            return index / 50
    return None


def stands(detector: FallDetector, stepped_s: float | None, until_s: float = 10.0) -> FallDetector:
    stepped_ns = None if stepped_s is None else round(stepped_s * S)
    detector.update(round(until_s * S) - SLICE, 9.8, 0.1, [], stepped_ns)
    return detector


def test_who_goes_down_in_a_walk_is_asked_within_five_seconds() -> None:
    after_s = lies(stands(FallDetector(FallConfig()), stepped_s=9.0), 100)
    assert after_s == pytest.approx(4.0, abs=0.05)


@pytest.mark.parametrize("stepped_s", [None, 2.0])
def test_who_had_stopped_walking_may_lie_for_a_minute(stepped_s: float | None) -> None:
    after_s = lies(stands(FallDetector(FallConfig()), stepped_s), 100)
    assert after_s == pytest.approx(60.0, abs=0.05)


@pytest.mark.parametrize("tilt_deg", [61, 75, 90, 120, 180])
def test_any_way_of_being_down_counts(tilt_deg: float) -> None:
    detector = stands(FallDetector(FallConfig()), stepped_s=9.0)
    assert lies(detector, 6, math.radians(tilt_deg)) is not None


@pytest.mark.parametrize(("tilt_deg", "jolt_mps2"), [(0, 9.8), (39, 9.8), (24, 25.0)])
def test_standing_and_leaning_a_little_is_no_fall(tilt_deg: float, jolt_mps2: float) -> None:
    detector = stands(FallDetector(FallConfig()), stepped_s=9.0)
    assert lies(detector, 100, math.radians(tilt_deg), jolt_mps2=jolt_mps2) is None


@pytest.mark.parametrize(("tilt_deg", "jolt_mps2"), [(41, 9.8), (58, 9.8), (26, 25.0)])
@pytest.mark.parametrize("forward", [0.0, -1.0])
def test_who_walked_and_leans_back_or_sideways_sits_on_the_floor(
    tilt_deg: float, jolt_mps2: float, forward: float
) -> None:
    tilt_rad = math.radians(tilt_deg)
    detector = stands(FallDetector(FallConfig()), stepped_s=9.0)
    after_s = lies(detector, 20, tilt_rad, forward_rad=forward * tilt_rad, jolt_mps2=jolt_mps2)
    assert after_s == pytest.approx(5.0, abs=0.05)


def test_who_leans_and_steps_or_had_stopped_before_does_not_sit_on_the_floor() -> None:
    walked = stands(FallDetector(FallConfig()), stepped_s=9.0)
    assert lies(walked, 100, math.radians(50.0), stepping=True) is None
    rested = stands(FallDetector(FallConfig()), stepped_s=2.0)
    assert lies(rested, 100, math.radians(50.0)) is None


def sinks(
    metres: float, *, bows_deg: float = 0.0, walked: bool = True, over_deg: float = 0.0, seconds: float = 20.0
) -> float | None:
    """After how many seconds she is asked who walks for 4 s, sinks within 2 s, and rests, leaning back 30 degrees."""
    detector, sinking = FallDetector(FallConfig()), Sinking()
    for index in range(round((6 + seconds) * 50)):
        t_s, t_ns = index / 50, S + index * SLICE
        done = min(max((t_s - 4) / 2, 0.0), 1.0)
        speed_mps = -metres * math.pi / 4 * math.sin(math.pi * done) + 0.05 * t_s  # and a sensor's drift
        lean_deg, forward = (bows_deg, 1.0) if 0.2 < done < 0.5 and bows_deg else (30.0 * done, -1.0)
        lean_deg = over_deg if 0.5 < done < 0.8 and over_deg else lean_deg
        stepped_ns = S + min(t_ns - S, 4 * S) if walked else None
        lean_rad = math.radians(lean_deg)
        placed = sinking.add(t_ns, speed_mps, forward * lean_rad, lean_rad, stepped_ns)
        way = sinking.latest() if placed else None
        said = detector.update(t_ns, 9.8, lean_rad, [], stepped_ns, forward * lean_rad, stepping=done == 0.0, way=way)
        if said is not None:
            return t_s - 6
    return None


@pytest.mark.parametrize(("metres", "lasting_s"), [(0.4, 0.8), (0.8, 0.8), (0.5, 1.5), (0.8, 3.0)])
@pytest.mark.parametrize("rate_hz", [20, 50])
def test_how_far_she_sank_is_known_roughly_however_the_sensor_drifts_and_rather_too_little(
    metres: float, lasting_s: float, rate_hz: int
) -> None:
    sinking, found = Sinking(), []
    for index in range(10 * rate_hz):
        t_s = index / rate_hz
        done = min(max((t_s - 4) / lasting_s, 0.0), 1.0)
        speed_mps = (
            -metres * math.pi / (2 * lasting_s) * math.sin(math.pi * done) + 0.2 * math.cos(12 * t_s) - 0.1 * t_s
        )
        sinking.add(round(t_s * S), speed_mps, 0.0, 0.0, None)
        if abs(t_s - 5.5 - lasting_s) < 1e-6 and (way := sinking.latest()) is not None:
            found.append(way.metres)
    assert len(found) == 1
    assert 0.65 * metres <= found[0] <= 1.2 * metres


def test_who_sinks_to_the_floor_from_a_walk_and_sits_there_is_asked() -> None:
    after_s = sinks(0.75)
    assert after_s is not None
    assert 3.5 <= after_s <= 6.5


@pytest.mark.parametrize(
    "purpose",
    [
        {"metres": 0.15},  # leans against something
        {"metres": 0.75, "bows_deg": 30.0},  # sits down: bows over the feet before
        {"metres": 0.75, "walked": False},
        {"metres": 0.75, "over_deg": 75.0},  # a hand turns it over and back again
    ],
)
def test_who_sits_down_or_leans_back_on_purpose_is_not_asked(purpose: dict[str, Any]) -> None:
    assert sinks(**purpose) is None


def test_a_clack_of_a_table_after_a_long_turn_in_the_air_is_no_impact_in_a_walk() -> None:
    detector = stands(FallDetector(FallConfig()), stepped_s=9.0)
    jolts = [30.0 if index == 75 else 9.8 for index in range(150)]
    said = [detector.update(10 * S + i * SLICE, peak, LYING_RAD, [], None) for i, peak in enumerate(jolts)]
    assert not any(said)


@pytest.mark.parametrize(("tilt_deg", "asked_s"), [(58, None), (80, 12.0)])
def test_bending_forward_takes_its_time(tilt_deg: float, asked_s: float | None) -> None:
    tilt_rad = math.radians(tilt_deg)
    detector = stands(FallDetector(FallConfig()), stepped_s=9.0)
    after_s = lies(detector, 100, tilt_rad, forward_rad=0.9 * tilt_rad)
    assert after_s == (None if asked_s is None else pytest.approx(asked_s, abs=0.05))


def test_who_runs_on_does_not_lie_though_the_tilt_seems_wrong() -> None:
    detector = stands(FallDetector(FallConfig()), stepped_s=9.0)
    jolts = [22.0 if index % 17 == 0 else 9.8 for index in range(500)]
    said = [detector.update(10 * S + i * SLICE, peak, LYING_RAD, [], None) for i, peak in enumerate(jolts)]
    assert not any(said)


def test_an_impact_in_a_walk_that_leaves_her_lying_is_told_after_a_second() -> None:
    detector = stands(FallDetector(FallConfig()), stepped_s=9.0)
    jolts = [25.0 if index == 3 else 9.8 for index in range(100)]
    said = [detector.update(10 * S + i * SLICE, peak, LYING_RAD, [], None) for i, peak in enumerate(jolts)]
    first = next(index for index, evidence in enumerate(said) if evidence)
    assert (first - 3) * 0.02 == pytest.approx(1.1, abs=0.03)


def test_without_a_known_upright_no_posture_is_judged() -> None:
    detector = FallDetector(FallConfig())
    assert all(detector.update(index * SLICE, 9.8, None, [], 0) is None for index in range(5000))


def test_cancelled_lying_is_asked_about_again_only_after_a_minute() -> None:
    detector = stands(FallDetector(FallConfig()), stepped_s=9.0)
    assert lies(detector, 6) is not None
    detector.excuse(16 * S)
    assert lies(detector, 100, from_s=16.0) == pytest.approx(60.0, abs=0.05)


def test_whoever_cancels_again_and_again_is_asked_ever_more_rarely_until_she_is_up() -> None:
    detector, now_s, waits_s = stands(FallDetector(FallConfig()), stepped_s=9.0), 10.0, []
    for _ in range(7):
        detector.excuse(round(now_s * S))
        waited_s = lies(detector, 1000, from_s=now_s)
        assert waited_s is not None
        waits_s.append(round(waited_s / 60.0))
        now_s += waited_s
    assert waits_s == [1, 2, 4, 8, 16, 16, 16]
    detector.update(round(now_s * S) + SLICE, 9.8, 0.1, [], None)
    detector.excuse(round(now_s * S) + SLICE)
    assert lies(detector, 100, from_s=now_s + 0.04) == pytest.approx(60.0, abs=0.1)


def test_a_sensor_that_dies_after_a_hard_impact_asks() -> None:
    for magnitude_mps2, asks in ((60.0, True), (25.0, False)):
        detector = FallDetector(FallConfig())
        detector.update(10 * S, magnitude_mps2, 0.1, [], None)
        detector.update(10 * S + SLICE, 9.8, 0.1, [], None)
        assert (detector.lose_touch(11 * S) is not None) is asks
    old = FallDetector(FallConfig())
    old.update(10 * S, 60.0, 0.1, [], None)
    old.update(13 * S, 9.8, 0.1, [], None)
    assert old.lose_touch(14 * S) is None, "that impact had been judged"


# The whole core


def alerts_of(world: World, rate_hz: int, turned: Callable[[Vector], Vector] = lambda vector: vector) -> list[Alert]:
    """What is said of falls while she moves like that."""
    core, found = SafetyPipeline(), []
    for index in range(round(world.duration_s * rate_hz)):
        t_ns = index * S // rate_hz
        inputs = [ImuSample(t_ns, *(turned(vector) for vector in world.motion(index / rate_hz)))]
        beside = [RangeSample(t_ns, None), ButtonSample(t_ns, False)] if index % 2 else []
        found += [o for message in (*inputs, *beside) for o in core.step(message) if isinstance(o, Alert)]
    return [alert for alert in found if alert.hazard is Hazard.FALL]


@pytest.mark.parametrize("rate_hz", [20, 100, 200])
def test_a_fall_is_possible_at_once_and_suspected_under_the_same_number(rate_hz: int) -> None:
    world = scenario("fall")
    impact_s = next(mark.t_s for mark in world.marks if mark.what == "impact")
    possible, suspected, *_ = alerts_of(world, rate_hz)
    assert [possible.severity, suspected.severity] == [Severity.POSSIBLE, Severity.SUSPECTED]
    assert suspected.data["path"] == "impact"
    assert possible.alarm == suspected.alarm
    assert possible.t_ns / 1e9 - impact_s <= 0.4
    assert suspected.t_ns / 1e9 - impact_s <= 1.1


def tilted(vector: Vector) -> Vector:
    """30 deg to the front."""
    x, y, z = vector
    cos, sin = math.cos(math.radians(30)), math.sin(math.radians(30))
    return (x * cos - z * sin, y, x * sin + z * cos)


def upside_down(vector: Vector) -> Vector:
    return (vector[0], -vector[1], -vector[2])


@pytest.mark.parametrize("turned", [tilted, upside_down])
@pytest.mark.parametrize("name", ["fall", "sit", "stumble", "sway", "quiet"])
def test_it_makes_no_difference_how_it_is_worn(name: str, turned: Callable[[Vector], Vector]) -> None:
    severities = [alert.severity for alert in alerts_of(scenario(name), 100, turned)]
    expected = [Severity.POSSIBLE, Severity.SUSPECTED, Severity.CONFIRMED] if name == "fall" else []
    assert severities == expected


def test_a_slow_collapse_in_a_walk_is_asked_about_within_five_seconds() -> None:
    wearer = walking_wearer()
    wearer.live(3.0, pitch_deg=lambda t: -25.0 * t)
    down_s = wearer.t_s
    wearer.live(6.0, pitch_deg=lambda _: -75.0)
    alert = next(a for a in wearer.alerts(Hazard.FALL) if a.severity is Severity.SUSPECTED)
    assert alert.t_ns / 1e9 - down_s <= 5.0


def test_lying_down_on_purpose_after_a_rest_is_no_fall() -> None:
    wearer = walking_wearer().stand(6).live(3.0, pitch_deg=lambda t: -30.0 * t).lie(40)
    assert wearer.alerts(Hazard.FALL) == []


@pytest.mark.parametrize("mounting_deg", [-30.0, 0.0, 30.0])
def test_a_walk_is_no_fall_however_it_is_worn(mounting_deg: float) -> None:
    wearer = Wearer(mounting_deg=mounting_deg).stand(3.5).walk(20)
    assert wearer.alerts(Hazard.FALL) == []
