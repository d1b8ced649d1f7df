"""The walk's states, from clip-on to the summary, and what leads from one to the next."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from firmware.core.messages import WalkState


@dataclass(frozen=True, slots=True)
class WalkConfig:
    """When somebody counts as walking, and when a walk is over."""

    start_steps: int = 3
    again_steps: int = 12  # after the end of a walk: on the way to a chair there are fewer
    pause_s: float = 8.0  # without a step
    end_after_s: float = 600.0  # without a step: a rest on a bench is shorter
    end_when_done_s: float = 20.0  # the same, once the plan's minutes are walked
    summary_after_s: float = 2.0  # after the end was told

    def __post_init__(self) -> None:
        for key, low, high in (
            ("start_steps", 2, 20),
            ("again_steps", 6, 40),
            ("pause_s", 3.0, 60.0),
            ("end_after_s", 120.0, 1800.0),
            ("end_when_done_s", 10.0, 120.0),
            ("summary_after_s", 1.0, 5.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"walk: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class WalkEvent(StrEnum):
    """What may happen to a walk; in the order in which the first one that leads on counts."""

    CLOSED = "closed"  # the device is switched off
    RESUMED = "resumed"  # the guard was started anew in a walk
    TOLD_BEFORE = "told_before"  # or after one: its end has been told, and she may wear it still
    UNCLIPPED = "unclipped"  # the device is not on a body any more
    UNFIT = "unfit"  # a protecting part cannot be trusted, or the device is worn wrongly
    FELL = "fell"
    RESTED = "rested"  # no step for `pause_s`
    DONE = "done"  # the button was held at rest, or the rest was long
    TOLD = "told"  # the end has been told for long enough
    AGAIN = "again"  # the button was held after the summary: another walk
    CLIPPED = "clipped"  # the device is on a body, and was not before
    STOOD = "stood"  # her upright is known
    FIT = "fit"  # every protecting part can be trusted
    CLEAR = "clear"  # there is room behind her, or what is there keeps its distance
    STEPPED = "stepped"  # enough steps in a row


_OFF, _ON, _TEST, _LANE = WalkState.OFF_BODY, WalkState.CLIPPED_ON, WalkState.SELF_TEST, WalkState.LANE_CHECK
_READY, _WALKING, _PAUSED = WalkState.READY, WalkState.WALKING, WalkState.PAUSED
_ENDED, _SUMMARY = WalkState.ENDED, WalkState.SUMMARY
_ANEW = {WalkEvent.RESUMED: _PAUSED, WalkEvent.TOLD_BEFORE: _SUMMARY}

TRANSITIONS: dict[WalkState, dict[WalkEvent, WalkState]] = {
    _OFF: {WalkEvent.CLIPPED: _ON, **_ANEW},
    _ON: {WalkEvent.STOOD: _TEST, WalkEvent.UNCLIPPED: _OFF, **_ANEW},
    _TEST: {WalkEvent.FIT: _LANE, WalkEvent.UNCLIPPED: _OFF, **_ANEW},
    _LANE: {WalkEvent.CLEAR: _READY, WalkEvent.UNFIT: _TEST, WalkEvent.UNCLIPPED: _OFF, **_ANEW},
    _READY: {WalkEvent.STEPPED: _WALKING, WalkEvent.UNFIT: _TEST, WalkEvent.UNCLIPPED: _OFF},
    _WALKING: {WalkEvent.RESTED: _PAUSED, WalkEvent.FELL: _PAUSED, WalkEvent.UNCLIPPED: _ENDED},
    _PAUSED: {WalkEvent.STEPPED: _WALKING, WalkEvent.DONE: _ENDED, WalkEvent.UNCLIPPED: _ENDED},
    _ENDED: {WalkEvent.TOLD: _SUMMARY},
    _SUMMARY: {
        WalkEvent.UNCLIPPED: _OFF,
        WalkEvent.AGAIN: _ON,
        WalkEvent.CLIPPED: _ON,
        WalkEvent.STEPPED: _ON,
    },
}
"""What is not here changes nothing; CLOSED leads to ENDED from everywhere, for good."""

BEFORE = (_OFF, _ON, _TEST, _LANE)
"""No walk has begun."""
ACTIVE = (_READY, _WALKING, _PAUSED)


class StepCount(Protocol):
    """What the walk has to know about steps; `firmware.core.estimators.steps.Steps` fits."""

    @property
    def count(self) -> int: ...
    @property
    def in_a_row(self) -> int: ...
    @property
    def last_ns(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at one moment; `held`: the button was held, and there was nothing to cancel."""

    on_body: bool | None = None
    upright_known: bool = False
    fit: bool = False
    clear: bool = False
    fallen: bool = False  # an alarm about a fall is open
    stays: bool = False  # a call for help is open, or nobody feels whether she steps: only the button ends the walk
    held: bool = False
    minutes_done: bool = False  # of the plan


class Walk:
    """`update` several times a second; at most one change each. Ended by `close`, it is over for good."""

    def __init__(self, config: WalkConfig) -> None:
        self._config = config
        self._since_ns = 0
        self._steps_before = 0  # those that count begin after so many
        self._was_off = True  # the device was not on a body since the last walk began
        self.state = _OFF
        self.closed = False

    @property
    def active(self) -> bool:
        """The self-test is done, or the guard was started anew, and the walk is not over."""
        return self.state in ACTIVE

    @property
    def before(self) -> bool:
        """No walk has begun."""
        return self.state in BEFORE

    def update(self, now_ns: int, facts: Facts, steps: StepCount) -> bool:
        """True when the state changed."""
        if self.closed:
            return False
        if facts.fallen or self.before:
            self._steps_before = steps.count  # crawling is no walk, nor is what was before it began
        self._was_off = facts.on_body is False or (self._was_off and not self.active)
        leads = TRANSITIONS[self.state]
        happened = next(
            (event for event in WalkEvent if event in leads and self._happens(event, now_ns, facts, steps)), None
        )
        return happened is not None and self._enter(now_ns, leads[happened], steps)

    def resume(self, now_ns: int, steps: StepCount, event: WalkEvent = WalkEvent.RESUMED) -> bool:
        """The walk of an earlier run goes on, or was over; True when the state changed.

        A walker is warned without a self-test. After her walk no other one begins until she clips it on, walks on or
        asks for it.
        """
        after = None if self.closed else TRANSITIONS[self.state].get(event)
        if after is None:
            return False
        self._was_off = False
        return self._enter(now_ns, after, steps)

    def close(self, now_ns: int, steps: StepCount) -> bool:
        """The device is switched off; True when it was not before."""
        if self.closed:
            return False
        self.closed = True
        return self._enter(now_ns, _ENDED, steps)

    def _enter(self, now_ns: int, state: WalkState, steps: StepCount) -> bool:
        self.state, self._since_ns = state, now_ns
        if state is not _WALKING:
            self._steps_before = steps.count
        return True

    def _happens(self, event: WalkEvent, now_ns: int, facts: Facts, steps: StepCount) -> bool:
        config = self._config
        rested_s = (now_ns - max(self._since_ns, steps.last_ns or 0)) * 1e-9
        match event:
            case WalkEvent.UNCLIPPED:
                return facts.on_body is False and not (facts.fallen or facts.stays)
            case WalkEvent.UNFIT:
                return not facts.fit
            case WalkEvent.FELL:
                return facts.fallen
            case WalkEvent.RESTED:
                return steps.last_ns is None or now_ns - steps.last_ns >= config.pause_s * 1e9
            case WalkEvent.DONE:
                patience_s = config.end_when_done_s if facts.minutes_done else config.end_after_s
                return not facts.fallen and (facts.held or (rested_s >= patience_s and not facts.stays))
            case WalkEvent.TOLD:
                return (now_ns - self._since_ns) * 1e-9 >= config.summary_after_s
            case WalkEvent.AGAIN:
                return facts.held
            case WalkEvent.CLIPPED:
                return facts.on_body is True and self._was_off
            case WalkEvent.STOOD:
                return facts.upright_known
            case WalkEvent.FIT:
                return facts.fit
            case WalkEvent.CLEAR:
                return facts.fit and facts.clear
            case WalkEvent.STEPPED:
                recent = steps.last_ns is not None and now_ns - steps.last_ns < config.pause_s * 1e9
                needed = config.again_steps if self.state is _SUMMARY else config.start_steps
                enough = min(steps.count - self._steps_before, steps.in_a_row) >= needed
                return recent and enough and not facts.fallen
            case _:
                return False
