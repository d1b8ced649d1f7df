"""The 3-m backward walk test: guided, timed, checked, and given up for anything that matters more."""

import itertools
import math
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.core.backward_test import BANDS, BackwardTestConfig, BackwardTestRun
from firmware.core.messages import BackwardTest, Pattern
from firmware.core.plan import LONGEST_TEST_S

S = 1_000_000_000
SLICE_S, PING_S = 0.02, 0.06
Told = list[Pattern | BackwardTest]


@dataclass
class Trunk:
    magnitude_mps2: float = 9.81
    turning_radps: float = 0.0
    yaw_radps: float = 0.0


@dataclass
class Steps:
    count: int = 0
    last_ns: int | None = None


@dataclass
class Thing:
    since_ns: int
    distance_m: float
    sure: bool = True


@dataclass
class Length:
    length_m: float = 0.4
    sd_m: float = 0.04


class Trial:
    """A walker with a wall behind her, or nothing; her steps are even, and she stands and stops at once."""

    def __init__(
        self,
        length: Length | None = None,
        *,
        wall_m: float | None = None,
        wall_mps: float = 0.0,
        config: BackwardTestConfig | None = None,
    ) -> None:
        self.run = BackwardTestRun(config or BackwardTestConfig(), length or Length())
        self.trunk, self.steps = Trunk(), Steps()
        self.wall_m, self.wall_mps = wall_m, wall_mps
        self.t_s = 0.0
        self.walked_m = 0.0
        self.told: list[tuple[float, Pattern | BackwardTest]] = []
        self._ping_s = self._step_m = 0.0

    def note(self, told: Told) -> None:
        self.told += [(self.t_s, one) for one in told]

    def ask(self) -> "Trial":
        self.note(self.run.ask(round(self.t_s * S)))
        return self

    def press(self) -> "Trial":
        self.note(self.run.press(round(self.t_s * S)))
        return self

    def stand(self, seconds: float, restless_mps2: float = 0.05, yaw_radps: float = 0.0) -> "Trial":
        return self._live(seconds, 0.0, 0.4, restless_mps2, yaw_radps)

    def walk(self, seconds: float, mps: float, step_m: float = 0.4, yaw_radps: float = 0.0) -> "Trial":
        return self._live(seconds, mps, step_m, 2.0, yaw_radps)

    def _live(self, seconds: float, mps: float, step_m: float, shakes_mps2: float, yaw_radps: float) -> "Trial":
        for index in range(round(seconds / SLICE_S)):
            self.t_s += SLICE_S
            self.walked_m += mps * SLICE_S
            self._step_m += mps * SLICE_S
            if self._step_m >= step_m - 1e-9:
                self._step_m -= step_m
                self.steps = Steps(self.steps.count + 1, round(self.t_s * S))
            self.trunk = Trunk(9.81 + shakes_mps2 * (1 if index % 2 else -1), 0.01 if mps == 0 else 0.6, yaw_radps)
            self._sense()
        return self

    def _sense(self) -> None:
        now_ns = round(self.t_s * S)
        self.note(self.run.feel(now_ns, self.trunk, self.steps))
        if self.t_s >= self._ping_s:
            self._ping_s += PING_S
            self.note(self.run.look(now_ns, self._things()))
        self.note(self.run.wait(now_ns))

    def _things(self) -> list[Thing]:
        if self.wall_m is None:
            return []
        away_m = self.wall_m - self.walked_m - self.wall_mps * self.t_s
        return [Thing(round(self.wall_m * 10), away_m)] if 0.2 < away_m <= 4.0 else []

    @property
    def patterns(self) -> list[Pattern]:
        return [one for _, one in self.told if isinstance(one, Pattern)]

    @property
    def result(self) -> BackwardTest:
        (only,) = [one for _, one in self.told if isinstance(one, BackwardTest)]
        return only


DONE = [Pattern.MEASURE_READY, Pattern.MEASURE_GO, Pattern.MEASURE_DONE]
VOID = [Pattern.MEASURE_READY, Pattern.MEASURE_GO, Pattern.MEASURE_VOID]


def on_the_way(tested: Trial | None = None, seconds: float = 2.0, mps: float = 0.6) -> Trial:
    return (tested or Trial()).ask().stand(3.0).walk(seconds, mps)


@pytest.mark.parametrize("mps", [0.3, 0.5, 0.6, 0.9, 1.2])
def test_who_stops_at_the_mark_is_timed_from_her_first_movement_to_her_stop(mps: float) -> None:
    tested = Trial().ask().stand(4.0).walk(3.0 / mps, mps).stand(3.0)
    assert tested.patterns == DONE
    assert tested.result.duration_s == pytest.approx(3.0 / mps, abs=0.1)
    assert tested.result.distance_m == pytest.approx(3.0, abs=0.4)
    assert (tested.result.range_m, tested.result.reason) == (None, "")
    assert tested.told[-1][0] - 4.0 - 3.0 / mps == pytest.approx(0.7, abs=0.1), "as soon as it is sure that she stands"


def test_who_is_never_still_again_has_stopped_when_no_step_comes() -> None:
    tested = Trial().ask().stand(3.0).walk(5.0, 0.6).stand(3.0, restless_mps2=1.0)
    assert tested.result.duration_s == pytest.approx(5.0, abs=0.5)


def test_the_shift_of_her_weight_before_the_first_step_is_the_beginning() -> None:
    tested = Trial().ask().stand(4.0).stand(0.2, restless_mps2=1.0).stand(0.2).walk(5.0, 0.6)
    assert tested.run.since_ns == pytest.approx(4.02 * S, abs=0.03 * S)
    assert tested.stand(2.0).result.duration_s == pytest.approx(5.4, abs=0.1)
    assert tested.run.since_ns is None


def test_steps_alone_are_trusted_to_half_a_step_at_either_end() -> None:
    assert Trial(Length(0.42, 0.0)).ask().stand(3.0).walk(5.65, 0.6, 0.42).stand(2.0).patterns == DONE
    assert Trial(Length(0.47, 0.0)).ask().stand(3.0).walk(6.30, 0.6, 0.47).stand(2.0).patterns == VOID


def test_what_is_seen_for_a_part_of_the_way_tells_that_part() -> None:
    tested = Trial(wall_m=3.9).ask().stand(3.0).walk(2.0, 0.6)
    tested.wall_m = None
    tested.walk(2.0, 0.6)
    tested.wall_m = 6.0  # something else, at once where the first one has never been
    tested.walk(1.0, 0.6).stand(2.0)
    assert tested.patterns == DONE
    assert tested.result.range_m == pytest.approx(1.7, abs=0.25)
    assert tested.result.distance_m == pytest.approx(3.0, abs=0.6), "half a step at either end of what was seen"


@pytest.mark.parametrize("mps", [0.3, 0.6, 0.9])
def test_who_walks_on_is_timed_at_three_metres_of_what_the_range_has_seen(mps: float) -> None:
    tested = Trial(Length(0.36, 0.1), wall_m=3.9).ask().stand(3.0).walk(3.6 / mps, mps)
    assert tested.patterns == DONE
    assert tested.result.duration_s == pytest.approx(3.0 / mps, abs=0.1)
    assert (tested.result.distance_m, tested.result.range_m) == (3.0, pytest.approx(3.35, abs=0.1))


def test_a_wall_that_comes_into_sight_later_tells_how_long_the_steps_before_were() -> None:
    tested = Trial(Length(0.3, 0.1), wall_m=5.0).ask().stand(3.0).walk(6.0, 0.6)
    assert tested.patterns == DONE
    assert tested.result.duration_s == pytest.approx(5.0, abs=0.5)
    assert tested.result.range_m == pytest.approx(2.3, abs=0.3)


def test_a_press_at_the_mark_ends_it_at_that_moment() -> None:
    tested = on_the_way(seconds=5.0, mps=0.6).press().walk(1.9, 0.6)
    assert tested.patterns == DONE[:2], "it may yet be the first press of a call for help"
    tested.stand(0.2)
    assert tested.patterns == DONE
    assert tested.result.duration_s == pytest.approx(5.0, abs=0.06)
    assert tested.result.distance_m == pytest.approx(3.0, abs=0.4)


def test_a_call_for_help_at_the_mark_stores_no_test() -> None:
    tested = on_the_way(seconds=5.0, mps=0.6).press().walk(0.4, 0.6).press().walk(0.4, 0.6).press()
    tested.note(tested.run.void(round(tested.t_s * S), "called for help", called=True))
    tested.stand(5.0)
    assert tested.patterns == VOID
    assert (tested.result.duration_s, tested.result.reason) == (None, "called for help")


def test_what_comes_after_the_mark_undoes_no_test() -> None:
    tested = on_the_way(seconds=5.0, mps=0.6).press().walk(0.6, 0.6)
    tested.note(tested.run.void(round(tested.t_s * S), "warned of an obstacle"))
    tested.walk(3.0, 0.6)
    assert tested.patterns == DONE
    assert tested.result.duration_s == pytest.approx(5.0, abs=0.06)


def test_go_comes_once_she_has_stood_still_and_not_before() -> None:
    tested = Trial().ask().stand(6.0, restless_mps2=2.0)
    assert tested.patterns == [Pattern.MEASURE_READY]
    since_s = tested.t_s
    tested.stand(3.0)
    assert tested.patterns == DONE[:2]
    assert tested.told[-1][0] - since_s == pytest.approx(2.0, abs=0.1)


def test_whoever_fidgets_after_go_has_not_set_off() -> None:
    tested = Trial().ask().stand(3.0).stand(0.3, restless_mps2=2.0).stand(2.0).walk(5.0, 0.6).stand(2.0)
    assert tested.result.duration_s == pytest.approx(5.0, abs=0.1)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda t: t.ask().stand(25.0, restless_mps2=2.0), "did not stand still for 2 s"),
        (lambda t: t.ask().stand(20.0), "did not set off"),
        (lambda t: t.ask().stand(3.0).walk(3.5, 0.4).stand(3.0), "stopped after 1.2 m, expected 3 m"),
        (lambda t: t.ask().stand(3.0).walk(10.0, 0.6).stand(3.0), "stopped after 6.0 m, expected 3 m"),
        (lambda t: t.ask().stand(3.0).walk(60.0, 0.3), "took longer than 40 s"),
        (lambda t: t.ask().stand(3.0).walk(3.0, 0.6, yaw_radps=0.6), "turned by more than 60 degrees"),
        (lambda t: t.ask().stand(1.0).press(), "given up by the button"),
        (lambda t: t.ask().stand(3.0).walk(1.0, 0.6).ask(), "given up by the button"),
    ],
)
def test_what_is_no_test_is_void_and_says_why(how, reason: str) -> None:
    tested = how(Trial())
    assert tested.patterns[-1] is Pattern.MEASURE_VOID
    assert (tested.result.duration_s, tested.result.reason) == (None, reason)
    assert not tested.run.active


@pytest.mark.parametrize("asked_s", [0.5, 2.5, 4.0])
def test_a_warning_a_fall_or_a_fault_ends_it_whenever_it_comes(asked_s: float) -> None:
    tested = Trial().ask().stand(min(asked_s, 3.0))
    tested.walk(max(0.0, asked_s - 3.0), 0.6)
    tested.note(tested.run.void(round(tested.t_s * S), "warned of an obstacle"))
    tested.walk(10.0, 0.6).stand(3.0)
    assert tested.patterns[-1] is Pattern.MEASURE_VOID
    assert tested.result.reason == "warned of an obstacle"


def test_what_moves_by_itself_measures_nothing() -> None:
    tested = Trial(wall_m=3.9, wall_mps=0.5).ask().stand(0.1)
    tested.wall_m = 8.0
    tested.stand(3.0).walk(5.0, 0.6).stand(2.0)
    assert tested.patterns == DONE
    assert (tested.result.range_m, tested.result.distance_m) == (None, pytest.approx(3.0, abs=0.3))


def test_without_a_test_under_way_nothing_is_told() -> None:
    tested = Trial(wall_m=3.5).stand(5.0).walk(10.0, 0.6).press()
    tested.note(tested.run.void(round(tested.t_s * S), "warned"))
    assert tested.told == []


def test_the_second_test_knows_nothing_of_the_first() -> None:
    tested = Trial().ask().stand(3.0).walk(1.0, 0.6)
    tested.note(tested.run.void(round(tested.t_s * S), "warned"))
    tested.told.clear()
    tested.stand(3.0).ask().stand(3.0).walk(5.0, 0.6).stand(2.0)
    assert tested.result.duration_s == pytest.approx(5.0, abs=0.1)
    assert tested.result.steps <= 8


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "press", "void", "feel", "look", "wait"]),
            st.floats(0.0, 8.0),
            st.floats(allow_nan=True, allow_infinity=True),
            st.integers(0, 3),
        ),
        max_size=120,
    )
)
def test_every_test_that_begins_ends_once_and_with_its_own_sound_whatever_happens(events) -> None:
    run, told, steps, now_ns = (
        BackwardTestRun(BackwardTestConfig(), Length()),
        list[Pattern | BackwardTest](),
        Steps(),
        0,
    )
    for what, dt_s, value, more in events:
        now_ns += round(dt_s * S)
        steps = Steps(steps.count + more, now_ns if more else steps.last_ns)
        if what == "ask":
            told += run.ask(now_ns)
        elif what == "press":
            told += run.press(now_ns)
        elif what == "void":
            told += run.void(now_ns, "warned")
        elif what == "feel":
            told += run.feel(now_ns, Trunk(value, abs(value), value), steps)
        elif what == "look":
            told += run.look(now_ns, [Thing(1, value)])
        else:
            told += run.wait(now_ns)
    told += run.void(now_ns, "over")
    begun, ended = told.count(Pattern.MEASURE_READY), [one for one in told if isinstance(one, BackwardTest)]
    assert len(ended) == begun
    for pattern, test in itertools.pairwise(told):
        if isinstance(test, BackwardTest):
            done = test.duration_s is not None
            assert pattern is (Pattern.MEASURE_DONE if done else Pattern.MEASURE_VOID)
            assert done == (test.reason == "")
            assert test.duration_s is None or (math.isfinite(test.duration_s) and test.duration_s >= 0.0)


def test_the_published_times_are_told_with_their_sources_and_are_no_diagnosis() -> None:
    assert [band.limit_s for band in BANDS] == [3.5, LONGEST_TEST_S, 8.15], "the plan's advice is by the same time"
    assert all(band.source and band.says for band in BANDS)
    assert not any(word in band.says for band in BANDS for word in ("diagnos", "you will", "safe"))


def test_a_setting_out_of_its_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="backward_test: agree_m"):
        BackwardTestConfig(agree_m=2.0)
