"""The course of a walk as the walker lives it: its state, the room behind, the plan's minutes, and how it went."""

import math

from firmware.core.behind import Behind
from firmware.core.config import CoreConfig
from firmware.core.detectors.readiness import Readiness
from firmware.core.estimators.sway_span import SwaySpan
from firmware.core.guidance import Guidance
from firmware.core.messages import (
    Alert,
    Confirmed,
    Hazard,
    Notice,
    Output,
    Pattern,
    PlanToday,
    Severity,
    Value,
    WalkChanged,
    WalkRecord,
    WalkSoFar,
    WalkState,
)
from firmware.core.moving import Moving
from firmware.core.plan import LONGEST_MIN
from firmware.core.tally import Tally
from firmware.core.walk import ACTIVE, Facts, Walk, WalkEvent
from firmware.core.walk_so_far import believed, cut_off
from firmware.core.wearing import Wearing

READY_CHIRPS = (Pattern.READY, Pattern.READY_1, Pattern.READY_2, Pattern.READY_3)
"""By the pulses that tell the clear metres; the first one where something keeps its distance instead."""
UNCONFIRMED = "the notice is not confirmed: hear or read it, then hold the button for 2 s, or run `rearguard confirm`"
TAKEN_BACK = (WalkState.SELF_TEST, WalkState.LANE_CHECK)
"""Ready is taken back into these; a walk that an earlier run of the guard began is under way there as well, and one in
which somebody fell or called before the first step."""
CARRIED_RAD = math.radians(30.0)  # from her own upright, as in `wear`: she is down, or it is in a hand
RELEARN_S = 1.0
AGAIN_NS = 15_000_000_000  # so often she is reminded of the notice
SAY_NS = 1_000_000_000  # not more often why no walk begins
TIME_UP_NS = 60_000_000_000  # and that the plan's minutes are walked
KEEP_NS = 5_000_000_000  # so often a walk is told to be kept
KEEP_SOON_NS = 1_000_000_000  # after a fall or a call, for the alarm is written before what is counted


class Course:
    """`tell` several times a second: what has changed, what is to be kept, and what the walker hears of it."""

    def __init__(
        self, config: CoreConfig, moving: Moving, behind: Behind, wearing: Wearing, guidance: Guidance
    ) -> None:
        self._config, self._moving, self._behind = config, moving, behind
        self._wearing, self._guidance = wearing, guidance
        self._walk, self._readiness = Walk(config.walk), Readiness(config.readiness)
        self.tally, self._span = Tally(), SwaySpan()
        self._told_start, self._said_no_start = False, ""
        self._confirmed = True  # unless somebody knows better: a broken disk keeps nobody from walking
        self._minutes: float | None = None
        self._outside: list[WalkRecord] = []
        self.button_down = False
        self._resumed = False  # nothing is known of the walk before the guard was started anew
        self._took_up = False
        self._asked = False  # about a fall, which she cancelled, and was neither upright nor walking since
        self._up_rad = math.radians(config.fall.seated_deg)
        self._keep_ns = 0
        self._held = self._confirming = False
        self._again_ns = self._ready_ns = self._noticed_ns = self._said_ns = 0

    @property
    def state(self) -> WalkState:
        return self._walk.state

    @property
    def closed(self) -> bool:
        """The device is switched off: nothing more is guarded."""
        return self._walk.closed

    @property
    def active(self) -> bool:
        """The walk is under way."""
        return self._walk.active

    @property
    def before(self) -> bool:
        """No walk has begun."""
        return self._walk.before

    def walking(self, now_ns: int) -> bool:
        """The walk is under way, and she steps."""
        return self.tally.walking and self._moving.steps.under_way(now_ns)

    def unready(self, now_ns: int, imu_ok: bool) -> str:
        """What the walker has to do before she is guarded, once she could rely on it; or empty.

        Who walks off without having stood with it is told so: it may be on a body, and may be in a bag.
        """
        wearing, steps = self._wearing, self._moving.steps
        if wearing.on_body is False:
            self._readiness = Readiness(self._config.readiness)
        upright = self._moving.attitude.upright_known and (wearing.on_body is True or not self.before)
        if not (upright or wearing.alive or steps.in_a_row >= self._config.readiness.steps):
            return ""  # a thing on a table cannot stand still any better
        return self._readiness.update(now_ns, upright, imu_ok, steps.in_a_row, wearing.tilted)

    def note(self, message: Notice | PlanToday | WalkSoFar, out: list[Output]) -> None:
        """What is known before the walk. What is no sensible number of minutes is no plan."""
        if isinstance(message, Notice):
            self._confirmed = message.confirmed
        elif isinstance(message, WalkSoFar):
            self._take_up(message, out)
        elif math.isfinite(message.minutes) and 0.0 < message.minutes <= LONGEST_MIN:
            self._minutes = message.minutes
            if not (self.over or self.tally.taken_up):
                self.tally.planned_minutes = message.minutes

    def note_alert(self, alert: Alert) -> None:
        falls = alert.hazard is Hazard.FALL
        if falls and self._asked and alert.severity is Severity.SUSPECTED and alert.data.get("path") == "posture":
            return  # she lies on after she cancelled, and is asked again: it is the same fall
        # No walk, but a fall is a fall; that which an earlier run of the guard left open is in its record.
        if not (self.active or alert.data.get("resumed")):
            outside = Tally()
            outside.note_alert(alert)
            if outside.serious:
                self._outside.append(WalkRecord(alert.t_ns, self._whole(outside, alert.t_ns)))
                if self.before:
                    return  # and it is not the next walk's as well
        self.tally.note_alert(alert)
        if falls and alert.severity in (Severity.CANCELLED, Severity.RECOVERED):
            self.tally.skip()
            self._asked = alert.severity is Severity.CANCELLED
        if self.tally.serious:
            self._keep_ns = min(self._keep_ns, alert.t_ns + KEEP_SOON_NS)

    def note_sway(self, t_ns: int, pitch_rad: float, roll_rad: float) -> None:
        """How far the trunk is off its mean while she steps."""
        self.tally.note_sway(pitch_rad, roll_rad, self._moving.attitude.pitch_rad)
        if self.tally.walking:
            self._span.add(t_ns, roll_rad, pitch_rad)

    @property
    def over(self) -> bool:
        """The end of the walk has been told."""
        return self.state in (WalkState.ENDED, WalkState.SUMMARY)

    @property
    def stands(self) -> bool:
        """Ready, or at rest: the 3-m test may be asked for."""
        return self.state in (WalkState.READY, WalkState.PAUSED)

    def hold(self, down_ns: int) -> None:
        """The button was held, and there was nothing to cancel."""
        if self.before and not self._confirmed:
            self._confirming = 0 < self._noticed_ns < down_ns
        else:
            self._held = True

    def tell(self, now_ns: int, unfit: str, ready: bool, fallen: bool, stays: bool, out: list[Output]) -> list[Pattern]:
        """What the walker is to hear, once.

        Args:
            now_ns: the time.
            unfit: why a protecting part cannot be trusted, or how the device is worn wrongly; empty when all is well.
            ready: every part has been heard and can be trusted.
            fallen: an alarm about a fall is open.
            stays: a call for help is open, or the motion sensor cannot be trusted.
            out: takes the change of state, and the record of a walk that has ended.
        """
        walk, tally, steps = self._walk, self.tally, self._moving.steps
        tally.count(steps)
        tally.note_mode(now_ns, self._behind.companion.mode)
        if self._confirming:
            self._confirming, self._confirmed = False, True
            out.append(Confirmed(now_ns))
        out += self._outside
        self._outside = []
        before = walk.state
        if self.before:
            self._look_behind(now_ns, unfit)
        if walk.update(now_ns, self._facts(now_ns, ready, fallen, stays), steps):
            patterns = self._enter(now_ns, before, fallen, out)
        else:
            patterns = self._remind(now_ns, ready, out)
        self._leave_out_hands(now_ns)
        self._held, self._asked = False, self._asked and not self._upright
        if not self._told_start:
            self._say(now_ns, out)
        if self.active and now_ns >= self._keep_ns:
            self._keep_ns = now_ns + KEEP_NS
            out.append(WalkSoFar(now_ns, self._summary(now_ns)))
        return patterns

    def resume(self, now_ns: int, over: bool, out: list[Output]) -> None:
        """The walk of an earlier run goes on; or it was `over`, and no other one begins by itself."""
        steps, event = self._moving.steps, WalkEvent.TOLD_BEFORE if over else WalkEvent.RESUMED
        if self._walk.resume(now_ns, steps, event):
            self.tally.begin(steps)
            self._resumed, self.tally.interruptions = not over, int(not over)
            self._say(now_ns, out)

    def _take_up(self, message: WalkSoFar, out: list[Output]) -> None:
        """What an earlier run has kept of the walk: it goes on with this one, or else it is over.

        Nothing that cannot be true of a walk is believed, and nothing is taken up twice.
        """
        try:
            before = believed(message.data)
        except ValueError:
            return
        if self._took_up:
            return
        self._took_up, now_ns = True, message.t_ns
        if self.active:
            self.tally.take_up(before)
            self._resumed = False
            self._say(now_ns, out)
        else:
            out.append(WalkRecord(now_ns, cut_off(before)))

    def close(self, now_ns: int, out: list[Output]) -> None:
        """The device is switched off."""
        before = self.state
        if self._walk.close(now_ns, self._moving.steps):
            self._end(now_ns, before, out)
            self._say(now_ns, out)

    def _facts(self, now_ns: int, ready: bool, fallen: bool, stays: bool) -> Facts:
        attitude, lane = self._moving.attitude, self._behind.lane
        return Facts(
            on_body=self._wearing.on_body,
            upright_known=attitude.upright_known,
            fit=ready and attitude.upright_known and self._confirmed,
            # A button that is down may be stuck, and nobody could call for help by it.
            clear=(lane.open or self._behind.companion.mode is not None) and not self.button_down,
            fallen=fallen,
            stays=stays,
            held=self._held,
            minutes_done=self._minutes_done(now_ns),
        )

    @property
    def _upright(self) -> bool:
        attitude = self._moving.attitude
        return attitude.upright_known and attitude.tilt_rad < self._up_rad

    @property
    def _carried(self) -> bool:
        """Nobody wears it, or it is as far from her upright as nobody walks."""
        attitude = self._moving.attitude
        return self._wearing.on_body is False or (attitude.upright_known and attitude.tilt_rad > CARRIED_RAD)

    def _leave_out_hands(self, now_ns: int) -> None:
        """Taken off in a pause and clipped on again, it takes the hand's jerks for steps: they are no walk of hers."""
        tally, carried = self.tally, self._carried
        if carried and tally.walking:
            tally.rest(now_ns, paused=False)
        if carried and self.active:
            tally.skip()
        elif self.state is WalkState.WALKING and not (carried or tally.walking):
            tally.walk(now_ns)

    def _look_behind(self, now_ns: int, unfit: str) -> None:
        """Before the first step: how much room there is, and why no walk begins."""
        lane, tally = self._behind.lane, self.tally
        lane.watch(now_ns)
        tally.clear_m = lane.clear_m
        room = "" if self._behind.companion.mode else lane.reason
        worn = self.state is not WalkState.OFF_BODY  # on a table nothing is against it
        tally.no_start = (unfit or ("" if self._confirmed else UNCONFIRMED) or room) if worn else ""

    def _enter(self, now_ns: int, before: WalkState, fallen: bool, out: list[Output]) -> list[Pattern]:
        """What follows from a change of state."""
        tally, steps, state = self.tally, self._moving.steps, self.state
        patterns: list[Pattern] = []
        if state is WalkState.CLIPPED_ON:
            self._begin()
        elif state is WalkState.OFF_BODY:
            self._end(now_ns, before, out)
        elif state is WalkState.READY:
            steps.begin()
            tally.begin(steps)
            self._ready_ns = now_ns
            patterns.append(READY_CHIRPS[self._behind.lane.pulses if self._behind.lane.open else 0])
        elif state is WalkState.WALKING:
            self._asked = False
            if not self._carried:
                tally.walk(max(steps.row_since_ns, self._ready_ns))
        elif state is WalkState.PAUSED:
            tally.rest(now_ns)
            patterns += [] if fallen else [Pattern.PAUSED]
        elif state is WalkState.ENDED:
            self._end(now_ns, before, out)
            patterns.append(Pattern.ENDED)
        elif state is WalkState.SUMMARY:
            patterns.append(Pattern.SUMMARY_CLEAN if tally.clean else Pattern.SUMMARY_WARNED)
        self._say(now_ns, out)
        return patterns

    def _begin(self) -> None:
        """A new walk, of which nothing is known yet."""
        self.tally, self._span = Tally(), SwaySpan()
        self._guidance.begin()
        self._behind.stopping.begin()
        self._behind.lane.forget()  # what it looked at before was not behind her,
        self._moving.attitude.relearn(RELEARN_S)  # and what was upright may not be now
        self.tally.planned_minutes = self._minutes
        self._again_ns = 0

    def _end(self, now_ns: int, before: WalkState, out: list[Output]) -> None:
        self.tally.rest(now_ns, paused=False)
        out += self._outside
        self._outside = []
        began = before in ACTIVE or (before in TAKEN_BACK and (self.tally.taken_up or self.tally.counted))
        if began and (self.tally.walked or self.tally.serious):
            record = self._summary(now_ns)
            if self._resumed and not self.tally.serious:
                record["falls"] = record["sos"] = None  # what was before the guard was started anew is not known
            out.append(WalkRecord(now_ns, record))
        self._resumed = False

    def _remind(self, now_ns: int, ready: bool, out: list[Output]) -> list[Pattern]:
        """What is said now and then while nothing changes."""
        patterns = self._due(now_ns, ready)
        other = self.before and self.tally.no_start != self._said_no_start
        # Her swaying alone makes another number of the room behind, several times a second.
        if patterns in ([Pattern.NOTICE], [Pattern.LANE_BLOCKED]) or (other and now_ns - self._said_ns >= SAY_NS):
            self._say(now_ns, out)
        return patterns

    def _due(self, now_ns: int, ready: bool) -> list[Pattern]:
        state = self.state
        if state is WalkState.WALKING and self._minutes_done(now_ns) and now_ns >= self._again_ns:
            self._again_ns = now_ns + TIME_UP_NS
            return [Pattern.TIME_UP]
        if state is WalkState.SELF_TEST and ready and not self._confirmed and now_ns >= self._again_ns:
            self._again_ns, self._noticed_ns = now_ns + AGAIN_NS, now_ns
            return [Pattern.NOTICE]
        standing = not self._moving.steps.under_way(now_ns)
        if state is WalkState.LANE_CHECK and standing and self._behind.lane.say(now_ns):
            return [Pattern.LANE_BLOCKED]
        return []

    def _minutes_done(self, now_ns: int) -> bool:
        """The plan's minutes are walked."""
        planned = self.tally.planned_minutes
        return planned is not None and self.tally.minutes(now_ns) >= planned

    def _say(self, now_ns: int, out: list[Output]) -> None:
        self._told_start, self._said_no_start, self._said_ns = True, self.tally.no_start, now_ns
        self._keep_ns = now_ns  # another state is kept at once
        out.append(WalkChanged(now_ns, self.state, self._summary(now_ns)))

    def _summary(self, now_ns: int) -> dict[str, Value]:
        return self._whole(self.tally, now_ns)

    def _whole(self, tally: Tally, now_ns: int) -> dict[str, Value]:
        """With what others know of it."""
        span = self._span
        tally.add(self._guidance.summary(tally.steps, tally.walked_ns(now_ns) * 1e-9, self._behind.stopping))
        tally.add({"sway_roll_p2p_deg": span.roll_deg, "sway_pitch_p2p_deg": span.pitch_deg})
        return tally.summary(now_ns)
