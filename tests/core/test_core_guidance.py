"""Cues, metronome, budget and test together: what each alert ends, what waits for what, and what the record gets."""

from dataclasses import dataclass, field, replace

import pytest

from firmware.core.alerts import RULES
from firmware.core.config import CoreConfig
from firmware.core.detectors.pacing import MetronomeConfig, PacingConfig
from firmware.core.guidance import Guidance
from firmware.core.messages import Alert, BackwardTest, Hazard, Pattern, Severity

S = 1_000_000_000


@dataclass
class Attitude:
    magnitude_mps2: float = 9.81
    turning_radps: float = 0.0
    yaw_radps: float = 0.0


@dataclass
class Steps:
    count: int = 0
    last_ns: int | None = None
    height_mps2: float = 1.2


@dataclass
class Moving:
    attitude: Attitude = field(default_factory=Attitude)
    steps: Steps = field(default_factory=Steps)


@dataclass
class Thing:
    since_ns: int
    distance_m: float
    sure: bool = True


@dataclass
class Stops:
    response_s: float | None = None


class Walk:
    """Slices of 20 ms; a step in every 30 of them unless told otherwise."""

    def __init__(self, config: CoreConfig | None = None) -> None:
        self.moving = Moving()
        self.guidance = Guidance(config or CoreConfig(), self.moving)
        self.told: list[Pattern | BackwardTest] = []
        self.index = 0
        self.wall_m: float | None = None
        self.sounding = Pattern.SILENT

    @property
    def now_ns(self) -> int:
        return self.index * 20_000_000

    def live(self, seconds: float, *, every: int = 0, step_m: float = 0.36, height_mps2: float = 1.2) -> "Walk":
        for _ in range(round(seconds * 50)):
            self.index += 1
            if self.wall_m is not None and every:
                self.wall_m -= step_m / every
            if every and self.index % every == 0:
                self.moving.steps = Steps(self.moving.steps.count + 1, self.now_ns, height_mps2)
            self.moving.attitude = Attitude(9.81 + (2.0 * (-1) ** self.index if every else 0.0))
            self.told += self.guidance.feel(self.now_ns, every > 0)
            if self.index % 3 == 0:
                things = [] if self.wall_m is None else [Thing(1, self.wall_m)]
                self.told += self.guidance.look(self.now_ns, things)
            self.told += self.guidance.wait(self.now_ns, every > 0, self.sounding)
        return self

    def alert(self, hazard: Hazard, severity: Severity, alarm: int = 1) -> "Walk":
        self.told += self.guidance.note(Alert(self.now_ns, hazard, severity, alarm, {}))
        return self

    def ask(self) -> "Walk":
        self.told += self.guidance.test.ask(self.now_ns)
        return self


@pytest.mark.parametrize(("hazard", "severity"), list(RULES))
def test_whatever_is_as_urgent_as_a_fault_ends_a_test_and_nothing_else_does(hazard: Hazard, severity: Severity) -> None:
    walk = Walk().ask().live(3.0).alert(hazard, severity)
    assert walk.guidance.test.active == (RULES[hazard, severity].priority < 50)


@pytest.mark.parametrize(
    ("hazard", "severity"),
    [
        (Hazard.OBSTACLE, Severity.WARNING),
        (Hazard.OBSTACLE, Severity.IMMINENT),
        (Hazard.SWAY, Severity.WARNING),
        (Hazard.FALL, Severity.SUSPECTED),
        (Hazard.SOS, Severity.CONFIRMED),
        (Hazard.FAULT, Severity.FAULT),
    ],
)
def test_every_warning_fall_call_and_fault_ends_a_test(hazard: Hazard, severity: Severity) -> None:
    walk = Walk().ask().live(3.0).alert(hazard, severity)
    assert not walk.guidance.test.active
    assert walk.told[-2] is Pattern.MEASURE_VOID


def test_the_reason_why_a_test_ended_is_told() -> None:
    walk = Walk().ask().live(3.0).alert(Hazard.OBSTACLE, Severity.IMMINENT)
    assert walk.told[:3] == [Pattern.MEASURE_READY, Pattern.MEASURE_GO, Pattern.MEASURE_VOID]
    assert isinstance(walk.told[3], BackwardTest)
    assert walk.told[3].reason == "warned of an obstacle"


@pytest.mark.parametrize(
    ("hazard", "severity", "undone"),
    [(Hazard.SOS, Severity.CONFIRMED, True), (Hazard.OBSTACLE, Severity.WARNING, False)],
)
def test_of_a_test_that_was_marked_a_call_for_help_alone_makes_none(
    hazard: Hazard, severity: Severity, undone: bool
) -> None:
    walk = Walk().ask().live(3.0).live(5.0, every=30)
    walk.guidance.test.press(walk.now_ns)
    walk.live(0.5, every=30).alert(hazard, severity)
    (test,) = [one for one in walk.told if isinstance(one, BackwardTest)]
    assert (test.duration_s is None, test.reason) == (undone, "called for help" if undone else "")


def test_smaller_steps_are_asked_for_and_counted_against_the_budget() -> None:
    config = replace(CoreConfig(), pacing=PacingConfig(every_s=30.0))
    walk = Walk(config).live(40, every=30).live(240, every=20, height_mps2=2.5)
    cues = walk.told.count(Pattern.SMALLER_STEPS)
    assert cues == walk.guidance.step_cues >= 7
    assert walk.told.count(Pattern.REST) == walk.guidance.rest_cues == 1


def test_a_rest_waits_until_nothing_sounds() -> None:
    walk = Walk().live(5, every=30)
    walk.sounding = Pattern.OBSTACLE_WARNING
    for alarm in range(21):
        walk.alert(Hazard.OBSTACLE, Severity.WARNING, alarm + 1).live(2, every=30)
    assert Pattern.REST not in walk.told
    walk.sounding = Pattern.SILENT
    assert Pattern.REST in walk.live(1, every=30).told


@pytest.mark.parametrize(
    "sounding", [pattern for pattern in Pattern if pattern not in (Pattern.SILENT, Pattern.METRONOME)]
)
def test_the_metronome_is_silent_under_every_other_pattern(sounding: Pattern) -> None:
    config = replace(CoreConfig(), metronome=MetronomeConfig(enabled=True, cadence_spm=100.0))
    walk = Walk(config).live(3, every=30)
    ticks = walk.told.count(Pattern.METRONOME)
    assert ticks > 0
    walk.sounding = sounding
    assert walk.live(10, every=30).told.count(Pattern.METRONOME) == ticks


def test_a_test_has_no_ticks_and_no_cues_in_it() -> None:
    config = replace(CoreConfig(), metronome=MetronomeConfig(enabled=True, cadence_spm=100.0))
    walk = Walk(config).live(40, every=30).live(5)
    walk.told.clear()
    walk.ask().live(3).live(4.8, every=29).live(2)
    assert walk.told[:3] == [Pattern.MEASURE_READY, Pattern.MEASURE_GO, Pattern.MEASURE_DONE]
    assert Pattern.METRONOME not in walk.told
    assert Pattern.SMALLER_STEPS not in walk.told


def test_the_record_has_the_way_with_its_error_and_says_what_is_not_known() -> None:
    walk = Walk()
    assert walk.guidance.summary(0, 0.0, Stops()) == {
        "distance_m": 0.0,
        "distance_sd_m": 0.0,
        "speed_mps": None,
        "step_length_m": None,
        "response_s": None,
        "rest_cues": 0,
        "step_cues": 0,
    }
    walk.wall_m = 3.5
    walk.live(2).live(4, every=30, step_m=0.25).live(3)
    found = walk.guidance.summary(100, 60.0, Stops(1.234))
    assert found["step_length_m"] == pytest.approx(0.25, abs=0.03)
    assert found["distance_m"] == pytest.approx(25.0, rel=0.12)
    assert 2.0 < found["distance_sd_m"] < 5.0
    assert found["speed_mps"] == pytest.approx(found["distance_m"] / 60.0, abs=0.01)
    assert found["response_s"] == 1.23
