"""How long the next walk is to be: it grows slowly, never past what is safe, and no clock makes it grow faster."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.core.plan import LONGEST_FIRST_WEEKS_MIN, Plan, PlanConfig, Verdict, WalkDone, not_safe_alone


def walk(day: int | None, minutes: float | None = 30.0, **other: int | None) -> WalkDone:
    facts: dict[str, int | None] = {"falls": 0, "sos": 0, "rest_cues": 0, "faults": 0, **other}
    return WalkDone(day, minutes, facts["falls"], facts["sos"], facts["rest_cues"], facts["faults"])


def after(walks: Sequence[WalkDone], config: PlanConfig | None = None) -> float:
    """Minutes of the walk that follows on the last walk's day."""
    plan = Plan(config or PlanConfig())
    for done in walks:
        plan.add(done)
    return plan.today(None).minutes


def weeks(count: int, *, first_day: int = 20_000) -> list[WalkDone]:
    """Clean walks on Monday, Wednesday and Friday."""
    return [walk(first_day + 7 * week + day) for week in range(count) for day in (0, 2, 4)]


def test_the_first_walk_is_five_minutes() -> None:
    assert Plan(PlanConfig()).today(20_000).minutes == 5.0


def test_a_minute_is_added_after_two_clean_walks() -> None:
    assert [after(weeks(2)[:count]) for count in range(7)] == [5, 5, 6, 6, 7, 7, 8]


def test_three_walks_a_week_reach_thirty_minutes_in_seventeen_weeks_and_stay_there() -> None:
    assert [after(weeks(count)) for count in (8, 16, 17, 40)] == [17, 29, 30, 30]


def test_not_more_than_ten_minutes_in_the_first_two_weeks_however_it_is_set() -> None:
    eager = PlanConfig(start_min=10.0, per_week=5, step_min=2.0)
    daily = [walk(20_000 + day) for day in range(14)]
    assert {after(daily[:count], eager) for count in range(15)} == {10.0}
    assert after([walk(20_000 + day) for day in range(28)], eager) > 10.0


def test_fewer_walks_than_planned_keep_it_at_ten_minutes_for_longer_than_two_weeks() -> None:
    fixed = PlanConfig(fixed_min=20.0)
    weekly = [walk(20_000 + 7 * week) for week in range(7)]
    assert [after(weekly[:count], fixed) for count in (3, 5, 6)] == [10, 10, 20]


def test_a_gap_between_two_walks_is_a_week_of_training_at_most() -> None:
    fixed = PlanConfig(fixed_min=20.0)
    days = [20_000, 20_001, 20_002, 20_020, 20_021, 20_022]  # 22 days, of which eleven are the plan's
    assert after([walk(day) for day in days], fixed) == 10
    assert after([walk(day) for day in (*days, 20_025)], fixed) == 20


@pytest.mark.parametrize(
    ("spoiled", "verdict", "said"),
    [
        (walk(20_002, falls=1), Verdict.FALL, "talk to your physician"),
        (walk(20_002, sos=1), Verdict.UNCLEAN, "help was called"),
        (walk(20_002, rest_cues=1), Verdict.UNCLEAN, "more warnings than the budget"),
        (walk(20_002, faults=1), Verdict.UNCOUNTED, "a part failed"),
        (walk(20_002, minutes=3.9), Verdict.UNCOUNTED, "shorter than planned"),
        (walk(20_002, minutes=None), Verdict.UNCOUNTED, "not all of it is known"),
        (walk(20_002, minutes=math.nan, rest_cues=None), Verdict.UNCOUNTED, "not all of it is known"),
        (walk(20_002, rest_cues=None), Verdict.UNCOUNTED, "not all of it is known"),
        (walk(20_000), Verdict.UNCOUNTED, "beyond one a day"),
        (walk(None), Verdict.UNCOUNTED, "clock was not to be trusted"),
        (walk(20_002, minutes=4.0), Verdict.CLEAN, "a clean walk"),
    ],
)
def test_only_a_clean_whole_and_dated_walk_adds_to_the_plan(spoiled: WalkDone, verdict: Verdict, said: str) -> None:
    plan = Plan(PlanConfig())
    plan.add(walk(20_000))
    step = plan.add(spoiled)
    assert (step.verdict, said in step.reason) == (verdict, True), step
    assert step.minutes == (6.0 if verdict is Verdict.CLEAN else 5.0)


def test_a_clean_walk_that_follows_an_unclean_one_is_the_first_of_two() -> None:
    walks = [walk(20_000), walk(20_002, rest_cues=1), walk(20_004), walk(20_007)]
    assert [after(walks[:count]) for count in (1, 2, 3, 4)] == [5, 5, 5, 6]


def test_two_unclean_walks_in_a_row_take_a_minute_back_but_never_below_the_start() -> None:
    unclean = [walk(20_014 + 2 * index, rest_cues=1) for index in range(9)]
    assert [after([*weeks(2), *unclean[:count]]) for count in (0, 1, 2, 4, 9)] == [8, 8, 7, 6, 5]


def test_after_a_fall_it_begins_anew_with_two_careful_weeks() -> None:
    walks = [*weeks(17), walk(20_120, falls=1)]
    assert (after(weeks(17)), after(walks)) == (30, 5)
    fixed = PlanConfig(fixed_min=25.0)
    assert (after(weeks(17), fixed), after(walks, fixed)) == (25, LONGEST_FIRST_WEEKS_MIN)


def test_a_fall_counts_however_short_the_walk_was() -> None:
    assert after([*weeks(4), walk(20_030, minutes=0.1, falls=1)]) == 5


def test_trying_it_on_for_some_seconds_changes_nothing() -> None:
    plan = Plan(PlanConfig())
    for done in weeks(2):
        plan.add(done)
    before = plan.today(20_014)
    plan.add(walk(20_014, minutes=0.3))
    assert (plan.today(20_014).minutes, plan.today(20_014).walks_in_week) == (before.minutes, before.walks_in_week)


@pytest.mark.parametrize(("gap_days", "minutes"), [(7, 11), (8, 10), (14, 10), (15, 9), (22, 8), (29, 5), (400, 5)])
def test_each_whole_week_without_a_walk_takes_a_minute_and_four_of_them_begin_anew(gap_days: int, minutes: int) -> None:
    plan = Plan(PlanConfig())
    for done in weeks(4):
        plan.add(done)
    assert plan.today(20_025 + gap_days).minutes == minutes
    assert ("weeks without a walk" in plan.today(20_025 + gap_days).reason) == (minutes < 11)
    assert plan.today(20_026).minutes == 11  # asking does not change it


def test_a_walk_in_missed_weeks_that_was_judged_clean_counts_against_the_shorter_plan() -> None:
    plan = Plan(PlanConfig())
    for done in weeks(4):
        plan.add(done)
    assert plan.add(walk(20_025 + 22, minutes=6.5)).verdict is Verdict.CLEAN  # of 8 minutes, not of 11


def test_more_walks_a_week_than_planned_do_not_let_it_grow_faster() -> None:
    daily = [walk(20_000 + day) for day in range(56)]
    assert after(daily) == after(weeks(8)) == 17


def test_it_says_when_the_next_walk_is_due() -> None:
    plan = Plan(PlanConfig())
    assert plan.today(20_000).due_in_days == 0
    for day in (20_000, 20_002, 20_004):
        plan.add(walk(day))
    due = [plan.today(day).due_in_days for day in (20_004, 20_005, 20_006, 20_007)]
    assert due == [3, 2, 1, 0]
    assert [plan.today(day).walks_in_week for day in (20_004, 20_007, 20_020)] == [3, 2, 0]
    assert (plan.today(None).due_in_days, plan.today(None).walks_in_week) == (None, None)


def test_it_says_that_it_began_anew_until_the_careful_weeks_are_over() -> None:
    plan = Plan(PlanConfig())
    for done in (*weeks(4), walk(20_030, falls=1)):
        plan.add(done)
    assert plan.today(20_031).reason.startswith("it began anew after a fall; the last walk: a fall")
    said = []
    for done in weeks(4, first_day=20_035):
        plan.add(done)
        said.append("after a fall" in plan.today(None).reason)
    assert said == [True] * 5 + [False] * 7  # the sixth clean walk, sixteen days after the fall


DAYS = st.integers(0, 120)
OTHER = st.fixed_dictionaries(
    {},
    optional={
        "falls": st.sampled_from([0, 0, 0, 0, 0, 0, 1, None]),
        "sos": st.sampled_from([0, 0, 0, 0, 0, 0, 1]),
        "rest_cues": st.sampled_from([0, 0, 0, 0, 1, 2, None]),
        "faults": st.sampled_from([0, 0, 0, 0, 1]),
        "minutes": st.sampled_from([0.2, 4.0, 8.0, 30.0, 30.0, 30.0, None]),
    },
)


def made(days: Sequence[int | None], facts: Sequence[dict[str, int | None]]) -> list[WalkDone]:
    return [walk(day, **fact) for day, fact in zip(days, facts, strict=False)]  # type: ignore[arg-type]


@given(days=st.lists(DAYS, max_size=60), facts=st.lists(OTHER, min_size=60, max_size=60))
def test_whatever_the_clock_says_it_grows_no_faster_than_clean_walks_allow(
    days: list[int], facts: list[dict[str, int | None]]
) -> None:
    """Days come in any order here: the clock is wrong, jumps and goes back."""
    plan, clean = Plan(PlanConfig()), 0
    minutes = 5.0
    for done in made(days, facts):
        step = plan.add(done)
        clean += step.verdict is Verdict.CLEAN
        assert 5.0 <= step.minutes <= min(30.0, 5.0 + clean // 2)
        assert step.minutes <= minutes + 1.0
        assert clean >= 6 or step.minutes <= 10.0
        minutes = step.minutes
        for day in (None, *days[:5]):
            assert 5.0 <= plan.today(day).minutes <= minutes


DATED = st.lists(DAYS, max_size=40, unique=True).map(sorted)


@given(days=DATED, unsynced=st.sets(st.integers(0, 39)))
def test_clean_walks_that_nobody_could_date_add_less_than_dated_ones(days: list[int], unsynced: set[int]) -> None:
    masked = [walk(None if index in unsynced else day) for index, day in enumerate(days)]
    assert after(masked) <= after([walk(day) for day in days])


@given(days=DATED, facts=st.lists(OTHER, min_size=40, max_size=40), unsynced=st.sets(st.integers(0, 39)))
def test_whatever_happens_it_grows_by_no_more_than_three_dated_walks_a_week(
    days: list[int], facts: list[dict[str, int | None]], unsynced: set[int]
) -> None:
    masked = [None if index in unsynced else day for index, day in enumerate(days)]
    counted: list[int] = []
    for day in masked:
        if day is not None and sum(day - other < 7 for other in counted) < 3:
            counted.append(day)
    assert after(made(masked, facts)) <= 5.0 + len(counted) // 2


@given(minutes=st.lists(st.sampled_from([20_000, 20_001, 20_002]), max_size=80))
def test_a_clock_that_stands_still_or_goes_in_circles_adds_at_most_a_week(minutes: list[int]) -> None:
    assert after([walk(day) for day in minutes]) <= 6.0


def test_a_clock_that_jumps_ahead_and_back_shortens_the_plan_and_is_survived() -> None:
    walks = [*weeks(4), walk(90_000), *weeks(8, first_day=20_028)]
    assert after(weeks(12)) == 23
    assert 5 < after(walks) <= after(weeks(8))


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"start_min": 11.0}, r"start_min \(11.0\) must lie between 1 and 10"),
        ({"per_week": 6}, r"per_week \(6\) must lie between 1 and 5"),
        ({"per_week": 0}, "per_week"),
        ({"step_min": 5.0}, "step_min"),
        ({"step_min": math.nan}, "step_min"),
        ({"clean_walks": 1}, "clean_walks"),
        ({"first_weeks_min": 12.0}, r"first_weeks_min \(12.0\) must lie between 5 and 10"),
        ({"cap_min": 31.0}, r"cap_min \(31.0\) must lie between 10 and 30"),
        ({"fixed_min": 40.0}, "fixed_min"),
        ({"cap_min": 12.0, "fixed_min": 13.0}, r"fixed_min \(13.0\) must lie between 1 and 12"),
    ],
)
def test_nobody_can_set_more_than_the_hard_caps(wish: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=f"plan: .*{said}"):
        PlanConfig(**wish)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("speeds", "test_s", "sources"),
    [
        ([], None, []),
        ([0.5, 0.5], None, []),
        ([0.5, 0.5, 0.59], None, ["Fritz 2013"]),
        ([0.5, 0.5, 0.6], None, []),
        ([0.9, 0.5, None, 0.5, 0.5], None, ["Fritz 2013"]),
        ([math.nan, 0.5, 0.5], None, []),
        ([0.9, 0.9, 0.9], 5.5, []),
        ([0.9, 0.9, 0.9], 5.6, ["Polo-Ferrero 2025"]),
        ([0.4, 0.4, 0.4], 8.0, ["Fritz 2013", "Polo-Ferrero 2025"]),
    ],
)
def test_treadmill_or_partner_is_advised_with_its_source_where_she_is_slow(
    speeds: list[float | None], test_s: float | None, sources: list[str]
) -> None:
    reasons = not_safe_alone(speeds, test_s)
    assert len(reasons) == len(sources)
    assert all(source in reason for reason, source in zip(reasons, sources, strict=True))
