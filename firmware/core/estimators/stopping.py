"""How long she takes to stop after a warning began to sound, learned from how she really stops."""

import math
from collections import deque
from dataclasses import dataclass

from firmware.core.messages import StoppingBaseline


@dataclass(frozen=True, slots=True)
class StoppingConfig:
    """How far her stopping time may be learned; it begins with `obstacle.reaction_s`.

    Sources: 0.315 s reaction while walking (Sparrow 2006), 0.12 s more under vibration (Haggerty 2012), 0.574 s for a
    rapid stop of older adults (Tirosh and Sparrow 2004).
    """

    least_s: float = 0.8  # it is never less, but for what was set to begin with
    most_s: float = 2.0  # and never more
    grow_share: float = 0.6  # of what she needed more than was assumed
    shrink_share: float = 0.1  # of what she needed less: the usual time becomes a high one, not the mean
    moving_mps: float = 0.25  # she walks into a warning at least so fast
    still_mps: float = 0.08  # and has stopped when nothing comes nearer any faster
    still_s: float = 0.3  # for so long
    too_late_s: float = 3.0  # a stop so long after the warning was for another reason

    def __post_init__(self) -> None:
        for key, low, high in (
            ("least_s", 0.6, 1.0),
            ("most_s", 1.2, 3.0),
            ("grow_share", 0.2, 1.0),
            ("shrink_share", 0.02, 0.3),
            ("moving_mps", 0.1, 0.6),
            ("still_mps", 0.03, 0.15),
            ("still_s", 0.1, 1.0),
            ("too_late_s", 2.0, 5.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"stopping: {key} ({getattr(self, key)}) must lie between {low} and {high}")


_WALKS_ON_S = 0.7  # a step so long after the stop: she had not stopped, the thing behind had
_SURE_S = 2.0  # so long after the stop it is known: longer than two slow steps
_VANISHED_S = 0.5
_JUMP_M = 0.4
_CREPT_M = 0.02  # the last of the way is less than the noise of an echo


class StoppingTime:
    """`time_s` is what the warning counts with: grows fast when she needs longer, shrinks slowly, within bounds.

    The stop is where the range ends to get shorter; the filter's lag in speed is not counted, for the place is taken.
    """

    def __init__(self, config: StoppingConfig, start_s: float) -> None:
        """`start_s` is assumed until she has stopped once."""
        self._config = config
        self._least_s, self._most_s = min(config.least_s, start_s), max(config.most_s, start_s)
        self._warned = False
        self._since_ns: int | None = None
        self._path: deque[tuple[int, float]] = deque()
        self._still_ns: int | None = None
        self._stopped_ns: int | None = None
        self._carried = 0
        self.approaches = 0  # of this walk that were learned from
        self._took_s: list[float] = []
        self.time_s = start_s

    def begin(self) -> None:
        """A new walk: its stops are its own."""
        self._took_s.clear()

    @property
    def response_s(self) -> float | None:
        """From the warning to her stop, the median of this walk's; None while she has stopped for none."""
        ordered, half = sorted(self._took_s), len(self._took_s) // 2
        return (ordered[half] + ordered[~half]) / 2.0 if ordered else None

    def carry(self, before: StoppingBaseline) -> None:
        """What the walks before this one have shown. What is no number is not believed."""
        if self.approaches or before.approaches <= 0 or not math.isfinite(before.time_s):
            return
        self._carried = before.approaches
        self.time_s = self._bounded(before.time_s)

    def baseline(self, t_ns: int) -> StoppingBaseline:
        """To be handed to the next walk."""
        return StoppingBaseline(t_ns, self._carried + self.approaches, round(self.time_s, 3))

    def forget(self) -> None:
        """The approach that was under way ends without being learned from."""
        self._since_ns = self._still_ns = self._stopped_ns = None
        self._path.clear()

    def update(
        self,
        t_ns: int,
        warned: bool,
        distance_m: float | None,
        closing_mps: float | None,
        last_step_ns: int | None,
    ) -> None:
        """One measurement; `warned`: a warning or worse sounds. None for distance and speed without a track."""
        began, self._warned = warned and not self._warned, warned
        if distance_m is None or closing_mps is None or not math.isfinite(distance_m + closing_mps):
            if self._path and t_ns - self._path[-1][0] > _VANISHED_S * 1e9:
                self.forget()
            return
        if began:
            self.forget()
            stepped = last_step_ns is not None and t_ns - last_step_ns < 1.5e9
            if stepped and closing_mps >= self._config.moving_mps:
                self._since_ns = t_ns
        if self._since_ns is not None:
            self._watch(t_ns, self._since_ns, distance_m, closing_mps, last_step_ns)

    def _watch(self, t_ns: int, since_ns: int, distance_m: float, closing_mps: float, last_step_ns: int | None) -> None:
        config, path = self._config, self._path
        if path and (abs(distance_m - path[-1][1]) > _JUMP_M or t_ns - path[-1][0] > _VANISHED_S * 1e9):
            self.forget()  # another thing
            return
        path.append((t_ns, distance_m))
        if self._stopped_ns is not None:
            self._make_sure(t_ns, since_ns, self._stopped_ns, last_step_ns)
            return
        if closing_mps > config.still_mps:
            self._still_ns = None
        elif self._still_ns is None:
            self._still_ns = t_ns
        if self._still_ns is not None and t_ns - self._still_ns >= config.still_s * 1e9:
            nearest_m = min(passed_m for _, passed_m in path)
            self._stopped_ns = next(at_ns for at_ns, passed_m in path if passed_m <= nearest_m + _CREPT_M)
        elif t_ns - since_ns > (config.too_late_s + config.still_s) * 1e9:
            self.forget()

    def _make_sure(self, t_ns: int, since_ns: int, stopped_ns: int, last_step_ns: int | None) -> None:
        """Who goes on stepping has not stopped: what was behind her has, or turned aside."""
        if last_step_ns is not None and last_step_ns > stopped_ns + _WALKS_ON_S * 1e9:
            self.forget()
        elif t_ns - stopped_ns >= _SURE_S * 1e9:
            self._learn((stopped_ns - since_ns) * 1e-9)
            self.forget()

    def _learn(self, took_s: float) -> None:
        config = self._config
        if not 0.0 <= took_s <= config.too_late_s:
            return
        self.approaches += 1
        self._took_s.append(took_s)
        more_s = self._bounded(took_s) - self.time_s
        share = config.grow_share if more_s > 0.0 else config.shrink_share
        self.time_s = self._bounded(self.time_s + share * more_s)

    def _bounded(self, time_s: float) -> float:
        return min(max(time_s, self._least_s), self._most_s)
