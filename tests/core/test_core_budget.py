"""Too many alarms: a rest is told once a spell, and nothing is ever silenced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.core.budget import AlarmBudget, BudgetConfig
from firmware.core.messages import Alert, Hazard, Severity

S = 1_000_000_000
OBSTACLE = (Hazard.OBSTACLE, Severity.WARNING)
SWAY = (Hazard.SWAY, Severity.WARNING)
LEAN = (Hazard.LEAN, Severity.CUE)


class Session:
    """A walk with alarms; asked ten times a second, as the core does."""

    def __init__(self, config: BudgetConfig | None = None) -> None:
        self.budget = AlarmBudget(config or BudgetConfig())
        self.t_s = 0.0
        self.alarm = 0
        self.rests_s: list[float] = []
        self.last_step_ns: int | None = 0

    def alert(self, what: tuple[Hazard, Severity], number: int | None = None) -> None:
        self.alarm += 1
        self.budget.note(Alert(round(self.t_s * S), *what, number or self.alarm, {}))

    def live(self, seconds: float, *, walks: bool = True, busy: bool = False) -> "Session":
        for _ in range(round(seconds * 10)):
            self.t_s += 0.1
            if walks:
                self.last_step_ns = round(self.t_s * S)
            if self.budget.take_rest(round(self.t_s * S), self.last_step_ns, busy):
                self.rests_s.append(self.t_s)
        return self

    def alarms(self, what: tuple[Hazard, Severity], count: int, every_s: float) -> "Session":
        for _ in range(count):
            self.alert(what)
            self.live(every_s)
        return self


@pytest.mark.parametrize(
    ("what", "count", "rests"),
    [(OBSTACLE, 20, 0), (OBSTACLE, 21, 1), (SWAY, 6, 0), (SWAY, 7, 1), (LEAN, 6, 0), (LEAN, 7, 1)],
)
def test_more_alarms_than_the_budget_within_ten_minutes_call_for_one_rest(what, count: int, rests: int) -> None:
    session = Session().alarms(what, count, 20.0)
    assert len(session.rests_s) == session.budget.cues == rests


def test_sways_and_cues_are_counted_together_and_with_the_obstacles() -> None:
    assert Session().alarms(SWAY, 4, 10).alarms(LEAN, 3, 10).budget.cues == 1
    assert Session().alarms(OBSTACLE, 15, 10).alarms(SWAY, 6, 10).budget.cues == 1


def test_alarms_far_apart_never_call_for_a_rest() -> None:
    assert Session().alarms(SWAY, 30, 101.0).rests_s == []


@pytest.mark.parametrize(
    "what",
    [
        (Hazard.OBSTACLE, Severity.CAUTION),
        (Hazard.OBSTACLE, Severity.NONE),
        (Hazard.SWAY, Severity.NONE),
        (Hazard.FAULT, Severity.FAULT),
        (Hazard.FALL, Severity.SUSPECTED),
    ],
)
def test_what_is_no_nuisance_is_not_counted(what) -> None:
    assert Session().alarms(what, 60, 5).rests_s == []


def test_a_warning_that_becomes_imminent_and_eases_again_is_one() -> None:
    session = Session()
    for number in range(1, 12):
        for severity in (Severity.WARNING, Severity.IMMINENT, Severity.WARNING):
            session.alert((Hazard.OBSTACLE, severity), number)
            session.live(2.0)
    assert session.rests_s == []


def test_a_spell_is_told_once_and_the_next_spell_again() -> None:
    session = Session().alarms(SWAY, 20, 10)
    assert len(session.rests_s) == 1
    session.live(700).alarms(SWAY, 7, 10)
    assert len(session.rests_s) == session.budget.cues == 2


def test_while_something_sounds_the_rest_waits_and_is_not_lost() -> None:
    session = Session()
    for _ in range(7):
        session.alert(SWAY)
        session.live(1.0, busy=True)
    session.live(30.0, busy=True)
    assert session.rests_s == []
    assert len(session.live(5.0).rests_s) == 1


def test_a_rest_that_was_taken_counts_anew() -> None:
    session = Session().alarms(SWAY, 6, 10).live(61, walks=False).alarms(SWAY, 6, 10)
    assert session.rests_s == []
    assert Session().alarms(SWAY, 6, 10).live(30, walks=False).alarms(SWAY, 1, 10).budget.cues == 1


def test_switched_off_it_says_nothing() -> None:
    assert Session(BudgetConfig(enabled=False)).alarms(SWAY, 50, 5).budget.cues == 0


@given(st.lists(st.tuples(st.sampled_from([OBSTACLE, SWAY, LEAN]), st.integers(1, 90)), max_size=80))
def test_a_rest_is_never_told_before_the_budget_is_exceeded(alarms) -> None:
    session, times = Session(), list[tuple[float, bool]]()
    for what, gap_s in alarms:
        told = len(session.rests_s)
        times.append((session.t_s, what is OBSTACLE))
        session.alert(what)
        session.live(1).live(0)
        if len(session.rests_s) > told:
            recent = [obstacle for t_s, obstacle in times if session.t_s - t_s <= 600.2]
            assert len(recent) > 20 or recent.count(False) > 6
        session.t_s += gap_s


@pytest.mark.parametrize(
    "setting", [{"alarms": 0}, {"unsteady": 99}, {"window_min": 1.0}, {"alarms": 5, "unsteady": 6}]
)
def test_a_setting_out_of_its_bounds_is_refused(setting) -> None:
    with pytest.raises(ValueError, match="budget: "):
        BudgetConfig(**setting)
