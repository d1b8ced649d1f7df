"""How often she was warned or cued of late: too often, and she is told to rest, and the therapist to look."""

from collections import deque
from dataclasses import dataclass

from firmware.core.messages import Alert, Hazard, Severity


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """How many alarms in ten minutes are too many. Sources: peers.md W12, reliability.md row 73.

    An obstacle warning may be the usual end of a lane, so all alarms together have more room than those that tell of
    an unsteady walk: people who walk slowly are warned of sway 0.6 times in ten minutes.
    """

    enabled: bool = True
    alarms: int = 20  # obstacle warnings, sway warnings and cues: more than one each half minute
    unsteady: int = 6  # sway warnings and cues alone
    window_min: float = 10.0
    rested_s: float = 60.0  # so long without a step is a rest: counted anew

    def __post_init__(self) -> None:
        for key, low, high in (
            ("alarms", 5, 60),
            ("unsteady", 2, 30),
            ("window_min", 5.0, 20.0),
            ("rested_s", 20, 600),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"budget: {key} ({getattr(self, key)}) must lie between {low} and {high}")
        if self.unsteady > self.alarms:
            raise ValueError(f"budget: unsteady ({self.unsteady}) must not be larger than alarms ({self.alarms})")


_OBSTACLE = (Severity.WARNING, Severity.IMMINENT)


class AlarmBudget:
    """Counts; silences nothing. `cues` is how many times a rest was due in this walk.

    A spell goes on for as long as the budget is exceeded; of one spell a rest is told once. Obstacle cautions are not
    counted: they say that the way ends, not that anything went wrong.
    """

    def __init__(self, config: BudgetConfig) -> None:
        self._config = config
        self._window_ns = round(config.window_min * 60e9)
        self._rested_ns = round(config.rested_s * 1e9)
        self._obstacles: deque[int] = deque(maxlen=config.alarms + 1)
        self._unsteady: deque[int] = deque(maxlen=config.alarms + 1)
        self._warned_alarm = 0
        self._told = self._due = False
        self.cues = 0

    @property
    def spell(self) -> bool:
        """The budget is exceeded."""
        config = self._config
        total = len(self._obstacles) + len(self._unsteady)
        return config.enabled and (total > config.alarms or len(self._unsteady) > config.unsteady)

    def note(self, alert: Alert) -> None:
        """One alert. What gets worse, or begins as imminent, is one warning."""
        if alert.hazard is Hazard.OBSTACLE and alert.severity in _OBSTACLE:
            if alert.alarm != self._warned_alarm:
                self._warned_alarm = alert.alarm
                self._obstacles.append(alert.t_ns)
        elif alert.hazard is Hazard.SWAY and alert.severity is Severity.WARNING:
            self._unsteady.append(alert.t_ns)
        elif alert.severity is Severity.CUE:
            self.note_cue(alert.t_ns)

    def note_cue(self, t_ns: int) -> None:
        """She was cued by something that is no alert, as to take smaller steps."""
        self._unsteady.append(t_ns)

    def take_rest(self, now_ns: int, last_step_ns: int | None, busy: bool) -> bool:
        """True once in a spell: it is time to tell her to rest. Never while she is `busy` with something that sounds.

        Asked several times a second.
        """
        if last_step_ns is None or now_ns - last_step_ns >= self._rested_ns:
            self._obstacles.clear()
            self._unsteady.clear()
        for times in (self._obstacles, self._unsteady):
            while times and now_ns - times[0] > self._window_ns:
                times.popleft()
        if not self.spell:
            self._told = self._due = False
            return False
        if not self._told:
            self._told = self._due = True
            self.cues += 1
        if not self._due or busy:
            return False
        self._due = False
        return True
