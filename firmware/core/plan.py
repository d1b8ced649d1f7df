"""The plan: how long the next walk is to be, from the walks so far. Pure: days are whole numbers that are handed in.

It starts with five minutes, three times a week, and a minute is added after two clean walks; at most ten minutes in the
first two weeks, at most thirty ever. Sources: about 5 min several times a week and then longer (Wickham, lay advice);
10 min, 3 a week (Alghadir 2019, BMC Musculoskelet. Disord.); 10 to 30 min, 3 a week (Chitkara, low-back pain). What a
fall, an unclean walk or a missed week does is a choice, on the careful side: no source was found.

A clock can only slow it down. A walk without a believable day never adds anything; a day counts once, and only
`per_week` of any seven; after a clock that went back, or weeks ahead, the plan is where it was or shorter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

LONGEST_MIN = 30.0  # nobody sets more
LONGEST_FIRST_WEEKS_MIN = 10.0
FIRST_DAYS = 14
WEEK_DAYS = 7
MISSED_WEEKS = 4  # without any walk, and it begins anew
UNCLEAN_IN_A_ROW = 2  # take a minute back
WHOLE_SHARE = 0.8  # of the planned minutes: a walk cut short shows nothing about a longer one
LEAST_MIN = 1.0  # shorter is trying the device on

LEAST_SPEED_MPS = 0.6  # Fritz 2013: of 62 elders, all who fell walked backward more slowly
LONGEST_TEST_S = 5.5  # Polo-Ferrero 2025: 483 people of 76 years; sensitivity 59.5 %, specificity 68.6 %
SPEED_WALKS = 3  # "stays below": each of so many, the last ones


@dataclass(frozen=True, slots=True)
class PlanConfig:
    """How long and how often to walk. The therapist sets it; what nobody may exceed is checked here."""

    start_min: float = 5.0
    per_week: int = 3  # more walks than that in seven days add nothing
    step_min: float = 1.0
    clean_walks: int = 2  # in a row, for one step
    first_weeks_min: float = LONGEST_FIRST_WEEKS_MIN  # at most, for two weeks and twice `per_week` clean walks
    cap_min: float = LONGEST_MIN
    fixed_min: float | None = None  # set: it does not grow; within the same limits

    def __post_init__(self) -> None:
        for key, low, high in (
            ("start_min", 1.0, LONGEST_FIRST_WEEKS_MIN),
            ("per_week", 1, 5),
            ("step_min", 0.5, 2.0),
            ("clean_walks", 2, 10),
            ("first_weeks_min", self.start_min, LONGEST_FIRST_WEEKS_MIN),
            ("cap_min", self.first_weeks_min, LONGEST_MIN),
            ("fixed_min", 1.0, self.cap_min),
        ):
            value = getattr(self, key)
            if value is not None and not low <= value <= high:
                raise ValueError(f"plan: {key} ({value}) must lie between {low:g} and {high:g}")


@dataclass(frozen=True, slots=True)
class WalkDone:
    """What the plan asks of a walk. None: not known, which is never clean.

    `rest_cues`: how often the budget of warnings was used up.
    """

    day: int | None  # None: the clock was not to be trusted
    minutes: float | None
    falls: int | None
    sos: int | None
    rest_cues: int | None
    faults: int | None


class Verdict(StrEnum):
    CLEAN = "clean"
    UNCOUNTED = "uncounted"  # nothing against it, and nothing is added for it
    UNCLEAN = "unclean"
    FALL = "fall"


@dataclass(frozen=True, slots=True)
class Step:
    """What one walk did to the plan: `minutes` are those of the next walk."""

    verdict: Verdict
    reason: str
    minutes: float


@dataclass(frozen=True, slots=True)
class Today:
    """The walk that is next. `due_in_days`: 0 today. None where the day is not known."""

    minutes: float
    reason: str
    walks_in_week: int | None
    due_in_days: int | None


@dataclass(frozen=True, slots=True)
class _Progress:
    """Where the plan stands."""

    minutes: float
    reason: str = "the plan begins"
    anew: str = ""  # why it began once more
    clean: int = 0  # in a row, since the last step
    unclean: int = 0
    last_day: int | None = None
    trained_days: int = 0  # since the beginning, or the last fall; a gap counts as a week at most
    trained_walks: int = 0
    counted: frozenset[int] = frozenset()  # days of the walks that counted
    walked: tuple[int, ...] = ()  # days of the last walks, for who asks how many there were this week


class Plan:
    """Told of each walk in the order in which they were walked; `today` says what is next."""

    def __init__(self, config: PlanConfig) -> None:
        self._config = config
        self._now = _Progress(config.start_min)

    def add(self, walk: WalkDone) -> Step:
        """Take one more walk into account."""
        now = self._passed(self._now, walk.day)
        verdict, reason = self._judged(walk, self._allowed(now))
        if verdict is Verdict.CLEAN and not self._counts(walk.day):
            verdict, reason = Verdict.UNCOUNTED, self._why_uncounted(walk.day)
        if verdict is not Verdict.UNCOUNTED or (walk.minutes or 0.0) >= LEAST_MIN:
            self._now = self._after(now, verdict)
        self._now = replace(self._now, reason=reason)
        return Step(verdict, reason, self._allowed(self._now))

    def today(self, day: int | None) -> Today:
        """What is to be walked on `day`; None: nobody knows the day."""
        now = self._passed(self._now, day)
        reason = self._now.reason if self._config.fixed_min is None else "set by the therapist"
        if now.minutes < self._now.minutes and not now.anew:
            reason = "weeks without a walk"
        if now.anew and self._begun(now):
            reason = f"{now.anew}; the last walk: {self._now.reason}"
        walks = [walked for walked in set(self._now.walked) if day is not None and 0 <= day - walked < WEEK_DAYS]
        in_week = None if day is None else len(walks)
        return Today(self._allowed(now), reason, in_week, self._due_in_days(walks, day))

    @staticmethod
    def _judged(walk: WalkDone, planned_min: float) -> tuple[Verdict, str]:
        """What this walk shows, whenever it was."""
        if walk.falls:
            return Verdict.FALL, "a fall; talk to your physician first"
        if walk.sos:
            return Verdict.UNCLEAN, "help was called"
        if walk.rest_cues:
            return Verdict.UNCLEAN, "more warnings than the budget allows"
        if walk.minutes is None or None in (walk.falls, walk.sos, walk.rest_cues, walk.faults):
            return Verdict.UNCOUNTED, "not all of it is known"
        if walk.faults:
            return Verdict.UNCOUNTED, "a part failed: what nobody watched shows nothing"
        if walk.minutes < WHOLE_SHARE * planned_min:
            return Verdict.UNCOUNTED, "shorter than planned"
        return Verdict.CLEAN, "a clean walk"

    def _counts(self, day: int | None) -> bool:
        """Whether a clean walk on `day` can add to the plan: a day of its own, and not too many in its week."""
        last_day, counted = self._now.last_day, self._now.counted
        if day is None or day in counted or (last_day is not None and day < last_day):
            return False
        return sum(abs(day - other) < WEEK_DAYS for other in counted) < self._config.per_week

    def _after(self, now: _Progress, verdict: Verdict) -> _Progress:
        start_min, step_min = self._config.start_min, self._config.step_min
        if verdict is Verdict.FALL:
            return self._anew(now, "it began anew after a fall")
        if verdict is Verdict.UNCLEAN:
            back = now.unclean + 1 >= UNCLEAN_IN_A_ROW
            minutes = max(start_min, now.minutes - step_min) if back else now.minutes
            return replace(now, clean=0, unclean=0 if back else now.unclean + 1, minutes=minutes)
        if verdict is Verdict.UNCOUNTED or now.last_day is None:
            return now
        counted, walks = now.counted | {now.last_day}, now.trained_walks + 1
        now = replace(now, clean=now.clean + 1, unclean=0, trained_walks=walks, counted=counted)
        if now.clean < self._config.clean_walks:
            return now
        return replace(now, clean=0, minutes=max(now.minutes, min(now.minutes + step_min, self._most(now))))

    def _passed(self, now: _Progress, day: int | None) -> _Progress:
        """The same after the days since the last walk."""
        if day is None:
            return now
        walked = (*now.walked[1 - WEEK_DAYS :], day)
        if now.last_day is None:
            return replace(now, last_day=day, walked=walked)
        gap = max(0, day - now.last_day)  # a clock that went back: no time has passed
        missed = max(0, gap - 1) // WEEK_DAYS
        if missed >= MISSED_WEEKS:
            now = self._anew(now, "it begins anew after weeks without a walk")
        elif missed:
            minutes = max(self._config.start_min, now.minutes - missed * self._config.step_min)
            now = replace(now, minutes=minutes, clean=0)
        return replace(now, last_day=day, walked=walked, trained_days=now.trained_days + min(gap, WEEK_DAYS))

    def _anew(self, now: _Progress, why: str) -> _Progress:
        start_min = self._config.start_min
        return replace(now, minutes=start_min, anew=why, clean=0, unclean=0, trained_days=0, trained_walks=0)

    def _begun(self, now: _Progress) -> bool:
        """The first two weeks, or those after a new beginning, are not over yet."""
        walks = FIRST_DAYS // WEEK_DAYS * self._config.per_week
        return now.trained_days < FIRST_DAYS or now.trained_walks < walks

    def _most(self, now: _Progress) -> float:
        return self._config.first_weeks_min if self._begun(now) else self._config.cap_min

    def _allowed(self, now: _Progress) -> float:
        fixed_min = self._config.fixed_min
        return min(now.minutes if fixed_min is None else fixed_min, self._most(now))

    def _why_uncounted(self, day: int | None) -> str:
        if day is None:
            return "a clean walk, but the clock was not to be trusted"
        return f"a clean walk, beyond one a day and {self._config.per_week} a week"

    def _due_in_days(self, walks: Sequence[int], day: int | None) -> int | None:
        """The first day on which there was no walk yet and the week has room."""
        if day is None:
            return None
        for later in range(WEEK_DAYS):
            recent = [walked for walked in walks if day + later - walked < WEEK_DAYS]
            if len(recent) < self._config.per_week and day + later not in recent:
                return later
        return WEEK_DAYS


def not_safe_alone(speeds_mps: Iterable[float | None], test_s: float | None) -> tuple[str, ...]:
    """Why a treadmill with rails, or a partner behind, is advised; empty: nothing measured says so. No diagnosis.

    Args:
        speeds_mps: mean backward speed of each walk, oldest first; None where it is not known.
        test_s: the last 3-m backward walk test; None: there was none that counts.
    """
    known = [speed for speed in speeds_mps if speed is not None][-SPEED_WALKS:]
    reasons = []
    if len(known) == SPEED_WALKS and all(speed < LEAST_SPEED_MPS for speed in known):
        reasons.append(
            f"the last {SPEED_WALKS} walks were slower than {LEAST_SPEED_MPS} m/s: in a study of 62 older people all "
            "who had fallen were (Fritz 2013)"
        )
    if test_s is not None and test_s > LONGEST_TEST_S:
        reasons.append(
            f"3 m backward took {test_s:.1f} s, more than {LONGEST_TEST_S} s: in a study of 483 older people more of "
            "the slower ones had fallen (Polo-Ferrero 2025)"
        )
    return tuple(reasons)
