"""What goes into the core and what comes out of it. Everything is a frozen value with its time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hal.samples import ButtonSample, ImuSample, PowerSample, RangeSample, SensorFault

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed. Sent at least every 50 ms, so that silence is noticed."""

    t_ns: int


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has the alarm: `state` is "accepted" (a caregiver's service stored it) or "acknowledged" (a person).

    `phase` is the phase that was accepted, as in the event; empty when that is not known.
    """

    t_ns: int
    alarm: int
    state: str
    by: str
    phase: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A wish from outside: "start", "end", "test" or "locate". A remote one can never silence or weaken anything."""

    t_ns: int
    name: str


class Hazard(StrEnum):
    FALL = "fall"
    SOS = "sos"
    OBSTACLE = "obstacle"
    SWAY = "sway"
    LEAN = "lean"
    MOUNTING = "mounting"  # the device sits wrong on the body
    FAULT = "fault"


class Severity(StrEnum):
    NONE = "none"
    CUE = "cue"
    CAUTION = "caution"
    WARNING = "warning"
    IMMINENT = "imminent"
    FAULT = "fault"
    POSSIBLE = "possible"
    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    RECOVERED = "recovered"
    NOT_RECOVERED = "not_recovered"
    LONG_LIE = "long_lie"


@dataclass(frozen=True, slots=True)
class Resume:
    """An earlier run of the guard ended in a walk without a word; what it left open goes on from here.

    `hazard` is FALL or SOS with the phase that was told last, `age_s` after the fall was suspected; NONE for `severity`
    says that no alarm was open. `walking`: the walk was under way a moment ago, so silence is no calm.
    """

    t_ns: int
    walking: bool
    hazard: Hazard
    severity: Severity
    age_s: float
    over: bool = False


@dataclass(frozen=True, slots=True)
class WalkSoFar:
    """A walk that is under way, to be kept now and then, and to be told to the guard that goes on with it.

    `data` as in `WalkChanged.summary`; `firmware.core.walk_so_far` says what is believed of it.
    """

    t_ns: int
    data: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class SwayBaseline:
    """What is usual for this walker: told when a walk ends, and to be told to the next walk.

    `usual`: the usual largest value within one of her steps, of each cue of `firmware.core.models.sway` in its units.
    """

    t_ns: int
    steps: int  # that it was learned from
    usual: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StoppingBaseline:
    """How long this walker takes to stop once a warning sounds: told when a walk ends, and to be told to the next."""

    t_ns: int
    approaches: int  # that it was learned from
    time_s: float


@dataclass(frozen=True, slots=True)
class Notice:
    """Whether somebody has confirmed, once, the notice about the physician and the safe place.

    Where nobody tells, as when the disk is broken, the walk does not wait for it.
    """

    t_ns: int
    confirmed: bool


@dataclass(frozen=True, slots=True)
class PlanToday:
    """How long today's walk is to be, from the plan and the walks so far (`firmware.core.plan`)."""

    t_ns: int
    minutes: float


Input = (
    ImuSample
    | RangeSample
    | ButtonSample
    | PowerSample
    | SensorFault
    | Acknowledgement
    | Command
    | Resume
    | WalkSoFar
    | SwayBaseline
    | StoppingBaseline
    | Notice
    | PlanToday
    | Tick
)


class Pattern(StrEnum):
    """What the buzzer and the motor play; `firmware.sounder.patterns` says how each one sounds."""

    SILENT = "silent"
    READY = "ready"
    READY_1 = "ready_1"  # with the clear way behind: one pulse, two or three
    READY_2 = "ready_2"
    READY_3 = "ready_3"
    LANE_BLOCKED = "lane_blocked"
    NOTICE = "notice"  # first use: the notice waits to be confirmed
    NO_START = "no_start"  # a protecting part is not fit
    WORN_WRONG = "worn_wrong"  # upside down, tilted or loose
    PAUSED = "paused"
    TIME_UP = "time_up"  # the plan's minutes are walked
    SUMMARY_CLEAN = "summary_clean"  # how the walk went
    SUMMARY_WARNED = "summary_warned"
    COMPANION = "companion"
    SMALLER_STEPS = "smaller_steps"
    METRONOME = "metronome"  # one tick
    REST = "rest"  # the budget of alarms is used up
    MEASURE_READY = "measure_ready"  # the 3-m backward walk test: stand still; then go
    MEASURE_GO = "measure_go"
    MEASURE_DONE = "measure_done"
    MEASURE_VOID = "measure_void"
    OBSTACLE_CAUTION = "obstacle_caution"
    OBSTACLE_WARNING = "obstacle_warning"
    OBSTACLE_IMMINENT = "obstacle_imminent"
    SWAY = "sway"
    LEAN = "lean"
    FAULT = "fault"
    DEVICE_CAUTION = "device_caution"
    FALL_POSSIBLE = "fall_possible"
    FALL_COUNTDOWN = "fall_countdown"
    FALL_NOBODY_YET = "fall_nobody_yet"
    FALL_NOBODY_SPARING = "fall_nobody_sparing"  # the same, seldom: the battery is nearly empty
    FALL_SENT = "fall_sent"
    FALL_HEARD = "fall_heard"
    CANCELLED = "cancelled"
    LOCATE = "locate"
    TEST = "test"
    ENDED = "ended"


class WalkState(StrEnum):
    OFF_BODY = "off_body"
    CLIPPED_ON = "clipped_on"
    SELF_TEST = "self_test"
    LANE_CHECK = "lane_check"
    READY = "ready"
    WALKING = "walking"
    PAUSED = "paused"
    ENDED = "ended"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detector says now. `data` is the evidence, in named quantities with units."""

    hazard: Hazard
    severity: Severity
    data: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetPattern:
    """What sounds from now on."""

    t_ns: int
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Alert:
    """A hazard changed its severity. `alarm` numbers the life of one alarm, from its first phase to its last."""

    t_ns: int
    hazard: Hazard
    severity: Severity
    alarm: int
    data: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class WalkChanged:
    """The walk is in another state; `summary` holds the walk so far (see `firmware.core.walk`)."""

    t_ns: int
    state: WalkState
    summary: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class PartHealth:
    """Whether a part can be trusted, since when, and why not."""

    ok: bool
    age_s: float | None  # of its last good word; None: never heard
    reason: str  # empty while it is ok


@dataclass(frozen=True, slots=True)
class Health:
    """How the parts are; sent once a second and on every change."""

    t_ns: int
    parts: Mapping[str, PartHealth]


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The walk as numbers, five times a second. None: not known."""

    t_ns: int
    state: WalkState
    pattern: Pattern
    distance_m: float | None
    closing_speed_mps: float | None
    time_to_collision_s: float | None
    lean_deg: float | None
    sway_deg: float | None
    sway_dps: float | None
    steps: int  # of the walk, as in its summary
    cadence_spm: float | None
    worn: bool | None = None  # False: dropped, or taken off and put down
    mode: str | None = None  # "treadmill" or "partner": what keeps its distance behind her
    companion_m: float | None = None  # and the range that was learned of it
    clear_m: float | None = None  # the way behind before the walk; 4 m: nothing within reach
    no_start: str = ""  # why no walk begins


@dataclass(frozen=True, slots=True)
class PowerState:
    """How the device is fed, told with each word about it. None: not known, which is neither full nor cool."""

    t_ns: int
    battery_share: float | None = None  # of a full charge, 0 to 1
    battery_left_s: int | None = None  # None as well while it is not getting less
    battery_v: float | None = None
    battery_a: float | None = None  # positive while it discharges
    undervoltage: bool | None = None
    throttled: bool | None = None
    cpu_c: float | None = None

    @property
    def known(self) -> bool:
        """Whether anything is."""
        return self != PowerState(self.t_ns)


@dataclass(frozen=True, slots=True)
class PreImpact:
    """A fall seems to be under way (`armed`), or no longer; `score` is the estimate, 0 to 1."""

    t_ns: int
    armed: bool
    score: float


@dataclass(frozen=True, slots=True)
class WalkRecord:
    """A walk is over: what is kept of it, as in `WalkChanged.summary`."""

    t_ns: int
    data: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class BackwardTest:
    """A 3-m backward walk test is over. None: the test is void, and `reason` says why.

    Time from the first movement to 3 m, by steps; `range_m` is how far the rangefinder saw her go, None where it saw
    nothing that stands still.
    """

    t_ns: int
    duration_s: float | None
    distance_m: float | None
    range_m: float | None
    steps: int
    reason: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The walker has confirmed the notice by the button."""

    t_ns: int


Output = (
    SetPattern
    | Alert
    | WalkChanged
    | Health
    | Telemetry
    | PowerState
    | PreImpact
    | WalkSoFar
    | SwayBaseline
    | StoppingBaseline
    | WalkRecord
    | BackwardTest
    | Confirmed
)
