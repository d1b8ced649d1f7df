"""The states of a walk: every state with every event."""

from dataclasses import dataclass, replace

import pytest

from firmware.core.messages import WalkState
from firmware.core.walk import ACTIVE, BEFORE, TRANSITIONS, Facts, Walk, WalkConfig, WalkEvent

S = 1_000_000_000
WELL = Facts(on_body=True, upright_known=True, fit=True, clear=True)
HERE = Facts(on_body=True)
AWAY = replace(WELL, on_body=None)

# A column for each state, a row for each event; a point: the state stays.
MATRIX = """
          off_body    clipped_on  self_test   lane_check  ready      walking  paused   ended    summary
closed    ended       ended       ended       ended       ended      ended    ended    ended    ended
resumed   paused      paused      paused      paused      .          .        .        .        .
told_before summary   summary     summary     summary     .          .        .        .        .
unclipped .           off_body    off_body    off_body    off_body   ended    ended    .        off_body
unfit     .           .           .           self_test   self_test  .        .        .        .
fell      .           .           .           .           .          paused   .        .        .
rested    .           .           .           .           .          paused   .        .        .
done      .           .           .           .           .          .        ended    .        .
told      .           .           .           .           .          .        .        summary  .
again     .           .           .           .           .          .        .        .        clipped_on
clipped   clipped_on  .           .           .           .          .        .        .        clipped_on
stood     .           self_test   .           .           .          .        .        .        .
fit       .           .           lane_check  .           .          .        .        .        .
clear     .           .           .           ready       .          .        .        .        .
stepped   .           .           .           .           walking    .        walking  .        clipped_on
"""
HEADER, *ROWS = [line.split() for line in MATRIX.strip("\n").splitlines()]
CASES = [
    (WalkState(before), WalkEvent(row[0]), before if after == "." else after)
    for row in ROWS
    for before, after in zip(HEADER, row[1:], strict=True)
]


@dataclass
class StepStub:
    count: int = 0
    in_a_row: int = 0
    last_ns: int | None = None

    def take(self, number: int, t_ns: int) -> None:
        self.count += number
        self.in_a_row += number
        self.last_ns = t_ns


class Life:
    """Leads a walk into a state, and lets one thing happen to it."""

    def __init__(self) -> None:
        self.walk, self.steps, self.now_ns = Walk(WalkConfig()), StepStub(), 10 * S

    def tell(self, facts: Facts, after_s: float = 0.1) -> bool:
        self.now_ns += round(after_s * S)
        return self.walk.update(self.now_ns, facts, self.steps)

    def lead_to(self, state: WalkState) -> "Life":
        ways = {
            WalkState.OFF_BODY: (),
            WalkState.CLIPPED_ON: (HERE,),
            WalkState.SELF_TEST: (HERE, replace(HERE, upright_known=True)),
            WalkState.LANE_CHECK: (WELL, WELL, WELL),
        }
        for facts in ways.get(state, (WELL,) * 4):
            self.tell(facts)
        if state in (WalkState.WALKING, WalkState.PAUSED, WalkState.ENDED, WalkState.SUMMARY):
            self.steps.take(4, self.now_ns)
            self.tell(WELL)
        if state in (WalkState.PAUSED, WalkState.ENDED, WalkState.SUMMARY):
            self.steps.in_a_row = 0
            self.tell(WELL, 9.0)
        if state in (WalkState.ENDED, WalkState.SUMMARY):
            self.tell(replace(WELL, on_body=False))
        if state is WalkState.SUMMARY:
            self.tell(AWAY, 2.0)
        assert self.walk.state is state
        return self

    def calm(self) -> Facts:
        """The facts with which nothing happens in this state."""
        quiet = {
            WalkState.OFF_BODY: Facts(on_body=None),
            WalkState.CLIPPED_ON: HERE,
            WalkState.SELF_TEST: replace(WELL, fit=False),
            WalkState.LANE_CHECK: replace(WELL, clear=False),
            WalkState.SUMMARY: AWAY,
        }
        return quiet.get(self.walk.state, WELL)

    def happen(self, event: WalkEvent) -> bool:
        calm = self.calm()
        match event:
            case WalkEvent.CLOSED:
                return self.walk.close(self.now_ns, self.steps)
            case WalkEvent.RESUMED | WalkEvent.TOLD_BEFORE:
                return self.walk.resume(self.now_ns, self.steps, event)
            case WalkEvent.UNCLIPPED:
                return self.tell(replace(calm, on_body=False))
            case WalkEvent.UNFIT:
                return self.tell(replace(calm, fit=False))
            case WalkEvent.FELL:
                return self.tell(replace(calm, fallen=True))
            case WalkEvent.RESTED:
                return self.tell(calm, 8.0) if self.walk.state is WalkState.WALKING else self.tell(calm)
            case WalkEvent.DONE | WalkEvent.AGAIN:
                asked = {WalkEvent.DONE: WalkState.PAUSED, WalkEvent.AGAIN: WalkState.SUMMARY}
                held = self.walk.state is asked[event] or self.walk.state not in asked.values()
                return self.tell(replace(calm, held=held))
            case WalkEvent.TOLD:
                return self.tell(calm, 2.0)
            case WalkEvent.CLIPPED:
                return self.tell(replace(calm, on_body=True))
            case WalkEvent.STOOD:
                return self.tell(replace(calm, upright_known=True))
            case WalkEvent.FIT:
                return self.tell(replace(calm, fit=True))
            case WalkEvent.CLEAR:
                return self.tell(replace(calm, clear=True))
            case WalkEvent.STEPPED:
                self.steps.take(12 if self.walk.state is WalkState.SUMMARY else 3, self.now_ns)
                return self.tell(calm)


def test_the_table_has_every_state_and_every_event() -> None:
    assert list(WalkState) == HEADER
    assert [row[0] for row in ROWS] == list(WalkEvent), "in the order in which they count"
    assert len(CASES) == len(WalkState) * len(WalkEvent)


@pytest.mark.parametrize(("before", "event", "after"), CASES, ids=lambda value: str(value))
def test_every_state_with_every_event(before: WalkState, event: WalkEvent, after: str) -> None:
    life = Life().lead_to(before)
    changed = life.happen(event)
    assert life.walk.state == after
    assert changed == (after != before or event is WalkEvent.CLOSED)


def test_the_program_has_no_transition_that_the_table_has_not() -> None:
    said = {(before, event): after for before, event, after in CASES if after != before}
    known = {(before, event): after for before, leads in TRANSITIONS.items() for event, after in leads.items()}
    closing = {(state, WalkEvent.CLOSED): WalkState.ENDED for state in WalkState if state is not WalkState.ENDED}
    assert said == known | closing


def test_clipped_on_it_is_ready_after_four_looks() -> None:
    life, seen = Life(), []
    for _ in range(6):
        life.tell(WELL)
        seen.append(life.walk.state)
    assert seen[:4] == [WalkState.CLIPPED_ON, WalkState.SELF_TEST, WalkState.LANE_CHECK, WalkState.READY]
    assert seen[4:] == [WalkState.READY] * 2


def test_once_switched_off_nothing_happens_any_more() -> None:
    life = Life().lead_to(WalkState.WALKING)
    assert life.walk.close(life.now_ns, life.steps)
    assert not life.walk.close(life.now_ns, life.steps)
    assert not life.tell(WELL, 60.0)
    assert not life.walk.resume(life.now_ns, life.steps)
    assert life.walk.state is WalkState.ENDED


@pytest.mark.parametrize("state", [state for state in WalkState if state not in (WalkState.ENDED, WalkState.SUMMARY)])
def test_a_walk_is_before_its_beginning_or_under_way(state: WalkState) -> None:
    walk = Life().lead_to(state).walk
    assert walk.before == (state in BEFORE) == (not walk.active)
    assert walk.active == (state in ACTIVE)


def test_who_lies_on_the_floor_is_never_off_the_body_and_takes_no_steps() -> None:
    life = Life().lead_to(WalkState.WALKING)
    fallen = replace(WELL, fallen=True, on_body=False)
    life.tell(fallen)
    for _ in range(20):
        life.steps.take(1, life.now_ns)  # crawling
        life.tell(fallen)
    assert life.walk.state is WalkState.PAUSED
    life.tell(WELL)
    assert life.walk.state is WalkState.PAUSED, "crawling was no walk"
    life.steps.take(3, life.now_ns)
    life.tell(WELL)
    assert life.walk.state is WalkState.WALKING


@pytest.mark.parametrize(("done", "over_after_s"), [(False, 600.0), (True, 20.0)])
def test_a_rest_is_the_end_once_it_is_long_sooner_when_the_minutes_are_walked(done: bool, over_after_s: float) -> None:
    life = Life().lead_to(WalkState.PAUSED)
    rest = replace(WELL, minutes_done=done)
    paused_s = (life.now_ns - (life.steps.last_ns or 0)) / 1e9
    if not done:
        life.tell(rest, over_after_s - 1.0)
        assert life.walk.state is WalkState.PAUSED
    life.tell(rest, over_after_s if done else 1.1)
    assert life.walk.state is WalkState.ENDED
    assert paused_s < over_after_s


def test_only_three_steps_in_a_row_are_walking() -> None:
    life = Life().lead_to(WalkState.READY)
    life.steps.take(2, life.now_ns)
    life.tell(WELL)
    assert life.walk.state is WalkState.READY
    life.steps.take(1, life.now_ns)
    life.tell(WELL)
    assert life.walk.state is WalkState.WALKING


@pytest.mark.parametrize(
    "key", ["start_steps", "again_steps", "pause_s", "end_after_s", "end_when_done_s", "summary_after_s"]
)
@pytest.mark.parametrize("value", [0, 10_000])
def test_settings_beyond_reason_are_refused_by_name(key: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"walk: {key}"):
        WalkConfig(**{key: value})


def test_after_the_end_the_way_to_a_chair_is_no_walk_and_walking_on_is() -> None:
    life = Life().lead_to(WalkState.PAUSED)
    life.tell(replace(WELL, held=True))
    life.tell(WELL, 2.0)
    for _ in range(11):
        life.steps.take(1, life.now_ns)
        life.tell(WELL, 0.6)
    assert life.walk.state is WalkState.SUMMARY
    life.steps.take(1, life.now_ns)
    life.tell(WELL, 0.6)
    assert life.walk.state is WalkState.CLIPPED_ON


@pytest.mark.parametrize("seconds", [25.0, 700.0])
def test_with_a_call_open_or_no_steps_to_be_felt_no_walk_ends_by_patience(seconds: float) -> None:
    life = Life().lead_to(WalkState.PAUSED)
    stays = replace(WELL, stays=True, minutes_done=True)
    life.tell(stays, seconds)
    life.tell(replace(stays, on_body=False))
    assert life.walk.state is WalkState.PAUSED
    life.tell(replace(stays, held=True))
    assert life.walk.state is WalkState.ENDED


def test_who_was_taken_for_a_table_in_her_walk_is_soon_guarded_as_a_walker_again() -> None:
    life = Life().lead_to(WalkState.WALKING)
    life.tell(replace(WELL, on_body=False))
    for _ in range(40):
        life.tell(WELL)
    assert life.walk.state is WalkState.READY


def test_after_a_restart_in_the_summary_no_walk_begins_by_itself_and_one_does_when_she_clips_it_on_or_asks() -> None:
    for ask in (replace(WELL, held=True), replace(WELL, on_body=False)):
        life = Life()
        assert life.walk.resume(life.now_ns, life.steps, WalkEvent.TOLD_BEFORE)
        for _ in range(40):
            life.tell(WELL)
        assert life.walk.state is WalkState.SUMMARY
        life.tell(ask)
        for _ in range(40):
            life.tell(WELL)
        assert life.walk.state is WalkState.READY
