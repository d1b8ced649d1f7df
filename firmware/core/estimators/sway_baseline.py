"""What is usual for this walker: the range of her own steps, learned in this walk and in those before it."""

import math
from collections import deque
from dataclasses import dataclass

from firmware.core.messages import SwayBaseline
from firmware.core.models.sway import CUES, FLOORS, PRIOR

_QUANTILE = 0.75  # of the largest values within her steps
_GAIN = 1.2  # in logarithms: about the spread of those values over the density at the quantile
_WAIT_STEPS = 2  # so many steps later they are believed: a stumble is not learned before it is noticed
_TILTS = 4  # the first cues: what a slow decline of the balance shows in
_F0, _F1, _F2, _F3, _F4, _F5, _F6 = FLOORS
_LONGEST_INTERVAL_S = 2.0
_LONGEST_WAIT_S = 1.5
_LARGEST_CHANGE = 1.0


@dataclass(frozen=True, slots=True)
class SwayBaselineConfig:
    """How fast and how far the personal range may leave what is usual among people."""

    prior_steps: int = 20  # what is usual among people counts as much as so many steps of her own
    memory_steps: int = 300  # and her own steps fade over so many
    carried_steps: int = 100  # what was learned in earlier walks counts as much as so many, at most
    widest: float = 2.0  # times what is usual among people: more is not a habit
    narrowest: float = 0.4
    most_drift: float = 1.3  # times what she began the walk with: more is told, and not got used to
    turn_radps: float = 0.8  # who turns so fast sways otherwise; nothing is learned

    def __post_init__(self) -> None:
        for key, low, high in (
            ("prior_steps", 10, 100),
            ("memory_steps", 100, 2000),
            ("carried_steps", 20, 300),
            ("widest", 1.2, 3.0),
            ("narrowest", 0.2, 0.9),
            ("most_drift", 1.1, 2.0),
            ("turn_radps", 0.3, 3.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"sway_baseline: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class PersonalSway:
    """`ratios`: each cue, floor included, over the usual largest value within her steps; 1 is an ordinary step.

    The usual value is a quantile, followed step by step (Robbins and Monro 1951), with the population's as a prior
    worth some steps, so it is armed from the first step. It does not learn in turns, nor while `learning` is not said.
    """

    def __init__(self, config: SwayBaselineConfig) -> None:
        self._config, self._turn_radps = config, config.turn_radps
        self._prior = [math.log(value) for value in PRIOR]
        self._own = list(self._prior)  # logarithms
        self._shares = [1.0 / value for value in PRIOR]  # of the usual value
        self._began = list(self._prior)  # what the drift is counted from; known once `_known`
        self._known = False
        self._weight = 0.0
        self._carried = 0
        self._step: list[tuple[float, ...]] = []  # the cues since the last one
        self._whole = False  # and whether it was seen from its start
        self._waiting: deque[list[float]] = deque()
        self._count = 0
        self._yaw_radps = 0.0
        self.steps = 0  # of this walk that were learned from
        self.ratios: tuple[float, ...] = (0.0,) * len(CUES)

    def carry(self, before: SwayBaseline) -> None:
        """What the walks before this one have shown. Anything that is no habit is not believed."""
        values = before.usual
        if self.steps or before.steps <= 0 or len(values) != len(CUES):
            return
        if not all(0.0 < value < math.inf for value in values):
            return
        config = self._config
        self._carried = min(before.steps, config.carried_steps)
        share = self._carried / (config.prior_steps + self._carried)
        for index, value in enumerate(values):
            prior = self._prior[index]
            self._set(index, prior + share * (math.log(value) - prior))
        self._began = list(self._own)
        self._known = True
        self._weight = float(self._carried)

    def begin(self) -> None:
        """A new walk: what those before it have shown is carried to it, as to one in the next run of the guard."""
        if self.steps:
            before, self.steps = self.baseline(0), 0
            self.carry(before)

    def restart(self) -> None:
        """Forget the step that was under way."""
        self._forget_step()
        self._yaw_radps = 0.0

    def _forget_step(self) -> None:
        self._whole = False
        self._step.clear()
        self._waiting.clear()

    def update(self, cues: tuple[float, ...], span_s: float, yaw_radps: float, steps: int, learning: bool) -> None:
        """`span_s` later; `steps` so far, `learning` unless she stands, is warned or lies on the floor."""
        self._yaw_radps = yaw = self._yaw_radps + span_s / (0.3 + span_s) * (abs(yaw_radps) - self._yaw_radps)
        forward, backward, sideways, rate, jolt, drop, rise = cues
        for_f, for_b, for_s, for_rate, for_jolt, for_drop, for_rise = self._shares
        self.ratios = (
            (forward + _F0) * for_f,
            (backward + _F1) * for_b,
            (sideways + _F2) * for_s,
            (rate + _F3) * for_rate,
            (jolt + _F4) * for_jolt,
            (drop + _F5) * for_drop,
            (rise + _F6) * for_rise,
        )
        if not (learning and yaw < self._turn_radps):
            self._count = steps
            self._forget_step()
            return
        self._step.append(cues)
        if steps != self._count:
            self._count = steps
            if self._whole:
                highest = [max(values) for values in zip(*self._step, strict=True)]
                self._waiting.append([value + floor for value, floor in zip(highest, FLOORS, strict=True)])
            self._whole = True
            self._step.clear()
            if len(self._waiting) > _WAIT_STEPS:
                self._learn(self._waiting.popleft())

    def _learn(self, highest: list[float]) -> None:
        config = self._config
        self.steps += 1
        self._weight = min(self._weight + 1.0, float(config.memory_steps))
        gain = _GAIN / (config.prior_steps + self._weight)
        for index, value in enumerate(highest):
            if 0.0 < value < math.inf:
                below = math.log(value) < self._own[index]
                self._set(index, self._own[index] + gain * (_QUANTILE - (1.0 if below else 0.0)))
        if not self._known and self.steps >= 3 * config.prior_steps:
            self._began, self._known = list(self._own), True

    def _set(self, index: int, value: float) -> None:
        """Within what can be a habit, and not far from where the walk began."""
        config, prior = self._config, self._prior[index]
        low, high = prior + math.log(config.narrowest), prior + math.log(config.widest)
        if self._known:
            drift = math.log(config.most_drift)
            low, high = max(low, self._began[index] - drift), min(high, self._began[index] + drift)
        self._own[index] = own = min(max(value, low), high)
        self._shares[index] = math.exp(-own)

    @property
    def drift(self) -> float | None:
        """How many times as far she sways as at the start of the walk, or as in earlier walks; None: not known."""
        if not self._known or not self.steps:
            return None
        return math.exp(sum(self._own[i] - self._began[i] for i in range(_TILTS)) / _TILTS)

    @property
    def against_before(self) -> float | None:
        """How many times as far she sways as in earlier walks; None: there were none, or not enough steps yet."""
        return self.drift if self._carried else None

    def baseline(self, t_ns: int) -> SwayBaseline:
        """To be handed to the next walk."""
        return SwayBaseline(t_ns, self._carried + self.steps, tuple(round(math.exp(own), 5) for own in self._own))


class StepRhythm:
    """How far the last step, or the wait for the next one, is from her usual interval, as a logarithm from 0 to 1."""

    def __init__(self) -> None:
        self._count = 0
        self._last_ns: int | None = None
        self._due_ns = 0  # when the next step would be no late one
        self._intervals_s: deque[float] = deque(maxlen=8)
        self._usual_s = self._off = 0.0

    def update(self, t_ns: int, steps: int) -> float:
        if steps != self._count:
            self._count = steps
            self._take(t_ns)
        if self._last_ns is None or len(self._intervals_s) < 4:
            return 0.0
        if t_ns <= self._due_ns:
            return self._off
        waited_s = (t_ns - self._last_ns) * 1e-9
        waits = math.log(waited_s / self._usual_s) if waited_s < _LONGEST_WAIT_S else 0.0
        return min(max(self._off, waits), _LARGEST_CHANGE)

    def _take(self, t_ns: int) -> None:
        last_ns, self._last_ns = self._last_ns, t_ns
        if last_ns is None:
            return
        interval_s = (t_ns - last_ns) * 1e-9
        if 0.0 < interval_s < _LONGEST_INTERVAL_S:
            self._intervals_s.append(interval_s)
            before = sorted(list(self._intervals_s)[:-1] or [interval_s])
            middle = len(before) // 2
            self._usual_s = before[middle] if len(before) % 2 else 0.5 * (before[middle - 1] + before[middle])
            self._off = min(abs(math.log(interval_s / self._usual_s)), _LARGEST_CHANGE)
        self._due_ns = t_ns + round(self._usual_s * 1e9)
