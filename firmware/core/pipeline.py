"""The decision core: time-stamped inputs in, decisions out. The same inputs give the same decisions."""

from collections.abc import Iterable

from firmware.core.arbiter import Arbiter
from firmware.core.balance import Balance
from firmware.core.behind import LOOKS_AWAY_RAD, Behind
from firmware.core.config import CoreConfig
from firmware.core.course import Course
from firmware.core.detectors.fall_alarm import FallAlarm
from firmware.core.detectors.imu_check import ImuCheck
from firmware.core.detectors.power import PowerWatch
from firmware.core.detectors.sensor_health import SensorHealth
from firmware.core.detectors.sos import SosAlarm
from firmware.core.estimators.button import ButtonGestures, Gesture
from firmware.core.falling import Falling
from firmware.core.guidance import Guidance, Told
from firmware.core.messages import (
    Acknowledgement,
    Alert,
    BackwardTest,
    Command,
    Detection,
    Hazard,
    Input,
    Notice,
    Output,
    Pattern,
    PlanToday,
    PreImpact,
    Resume,
    Severity,
    StoppingBaseline,
    SwayBaseline,
    WalkSoFar,
)
from firmware.core.moving import Moving
from firmware.core.telemetry import Telling
from firmware.core.wearing import Wearing
from hal.samples import ButtonSample, ImuSample, PowerSample, RangeSample, SensorFault

WALK_NS = 100_000_000
BLIND_NS = 900_000_000
"""After so long without a usable sample of the IMU, what was seen before says nothing about now."""
LONGEST_AGE_S = 1e7
"""An alarm that claims to be older says nothing about its age."""
_SILENT, _FOUND = Pattern.SILENT, Pattern.COMPANION  # looking up the member of an enum costs 0.1 us


class SafetyPipeline:
    """`step` is the only mutation, and reads as the data flows: sense, estimate, detect, arbitrate, tell.

    Time is the newest `t_ns` of any input so far; every input lets the timers run.
    """

    def __init__(self, config: CoreConfig | None = None) -> None:
        config = config or CoreConfig()
        self._now_ns: int | None = None
        self._moving = Moving(config)
        self._attitude, self._steps = self._moving.attitude, self._moving.steps
        self._gestures = ButtonGestures(config.button_gesture)
        self._imu_check = ImuCheck(config.imu_check)
        self._health = SensorHealth(config.health)
        self._power = PowerWatch(config.power_limits)
        self._behind = Behind(config, self._moving)
        self._falling = Falling(config, self._moving)
        self._balance = Balance(config, self._moving)
        self._fall_alarm = FallAlarm(config.fall)
        self._sos = SosAlarm()
        self._arbiter = Arbiter()
        self._wearing = Wearing(config, self._moving)
        self._guidance = Guidance(config, self._moving)
        self._guided: Told = []
        self._course = Course(config, self._moving, self._behind, self._wearing, self._guidance)
        self._telling = Telling(
            *(self._course, self._moving, self._balance, self._behind, self._wearing, self._health, self._power)
        )
        self._felt_ns: int | None = None  # the last usable sample of the IMU
        self._turns = 0
        self._asked_ns = -1  # an alarm was open then
        self._said: tuple[Detection, ...] = ()
        self._next_watch_ns = self._next_walk_ns = 0
        self._due_ns = 0  # until then a sample that changes nothing leaves nothing to do

    @property
    def steps(self) -> int:
        """Counted so far."""
        return self._steps.count

    @property
    def balance(self) -> tuple[tuple[float, ...], tuple[float, ...], float]:
        """For measuring: the latest cues, what a stumble was judged by (empty: no steps), and the score."""
        balance = self._balance
        return balance.cues.values, balance.sway.cues, balance.sway.score

    def step(self, message: Input) -> list[Output]:
        """Take one input, in the order of arrival; its time may lie before that of the input before it."""
        now_ns = self._now_ns
        if now_ns is None or message.t_ns > now_ns:
            now_ns = self._now_ns = message.t_ns
        out: list[Output] = []
        if now_ns >= self._next_watch_ns:  # first, or the sample that ends a silence would hide it
            self._next_watch_ns = now_ns + WALK_NS
            self._watch_senses(now_ns)
        if isinstance(message, ImuSample):
            if not self._feel(now_ns, message) and now_ns < self._due_ns:
                return out  # as after most samples: nothing is due, nothing is new
        elif isinstance(message, RangeSample):
            self._look(now_ns, message)
        elif isinstance(message, ButtonSample):
            self._press(now_ns, message)
        elif isinstance(message, PowerSample):
            self._power.update(now_ns, message)
        elif isinstance(message, SensorFault):
            (self._power.fail if message.part == "power" else self._health.report)(now_ns, message)
        elif isinstance(message, Acknowledgement):
            self._arbiter.acknowledge(message)
        elif isinstance(message, Command):
            self._obey(now_ns, message, out)
        elif isinstance(message, Resume):
            self._resume(now_ns, message, out)
        elif isinstance(message, SwayBaseline):
            self._balance.personal.carry(message)
        elif isinstance(message, StoppingBaseline):
            self._behind.stopping.carry(message)
        elif isinstance(message, Notice | PlanToday | WalkSoFar):
            self._course.note(message, out)
        if self._gestures.waits:
            self._take_gesture(now_ns, self._gestures.wait(now_ns))
        self._judge(now_ns, out)
        self._arbiter.choose(now_ns, out)
        self._tell(now_ns, out)
        self._due_ns = self._next_due_ns()
        return out

    def _feel(self, now_ns: int, sample: ImuSample) -> bool:
        """Trust first, sample by sample. True when there is something to tell.

        A sample that is good by itself is used for falls at once, also while the IMU is on probation after a fault.
        """
        check, moving = self._imu_check, self._moving
        reason = check.judge(now_ns, sample)
        if reason:
            self._health.blame("imu", now_ns, reason)
            if check.garbled:  # the impacts of the last moments were none
                moving.forget_motion()
                self._falling.forget_motion()
        if check.usable and moving.add(sample.t_ns, sample.accel_mps2, sample.gyro_radps, check.magnitude_mps2):
            self._follow(now_ns)
            return self._new() or reason != ""
        return reason != ""

    def _follow(self, now_ns: int) -> None:
        """A slice has ended: attitude, steps and motion; then fall, pre-impact and sway detection."""
        moving, attitude, alarm, health = self._moving, self._attitude, self._fall_alarm, self._health
        course = self._course
        health.hear("imu", moving.slice.t_ns)
        self._felt_ns = now_ns
        stepping = self._steps.under_way(now_ns)
        # Nobody on the floor stands; but the alarm of an earlier run may be old, and who is upright now stands.
        standing = not alarm.open or (alarm.resumed and attitude.tilt_rad < LOOKS_AWAY_RAD)
        falling = self._falling
        moving.follow(stepping, standing and not falling.went_down, self._wearing.moved)
        if course.closed:
            return
        if falling.update(now_ns, course.active):
            if falling.evidence is not None:
                alarm.suspect(now_ns, falling.evidence)
            else:
                alarm.guess(falling.possible)
        self._wearing.update(falling.wear, alarm.open, falling.sank)
        if self._wearing.on_body is False:
            falling.take_off()
        self._guided += self._guidance.feel(now_ns, course.walking(now_ns) and not alarm.open)
        if not (attitude.upright_known and health.ok("imu")):
            return
        if alarm.open:
            if self._wearing.on_body is False:
                alarm.lose_sight()  # what stands on a table has not got up
            else:
                alarm.stand(now_ns, attitude.tilt_rad, self._steps.count)
        else:
            falling.pre_impact.update(moving.motion.slices, attitude.roll_rad)
        # Bending down while standing is no sway, and nobody on the floor needs the warning.
        if self._balance.update(stepping and not alarm.open):
            trunk = self._balance.trunk
            course.note_sway(now_ns, trunk.pitch_rad, trunk.roll_rad)

    def _watch_senses(self, now_ns: int) -> None:
        """A sense that is silent for too long, whatever the reason: neither a hazard nor calm is known any more."""
        if self._felt_ns is not None and now_ns - self._felt_ns >= BLIND_NS:
            self._felt_ns = None
            self._moving.restart()
            self._wearing.restart()
            evidence = self._falling.lose_touch(now_ns)
            self._fall_alarm.guess(None)
            if evidence is not None and not self._course.closed:
                self._fall_alarm.suspect(now_ns, evidence)
        self._behind.watch(now_ns)

    def _look(self, now_ns: int, sample: RangeSample) -> None:
        """Trust first; then the approach; then the obstacle. Good readings are used at once after a fault."""
        if sample.sensor != "rangefinder":  # looks along another beam: recorded, and only its health is judged
            self._health.hear(sample.sensor, sample.t_ns)
            return
        behind, health = self._behind, self._health
        reason = behind.judge(now_ns, sample)
        if reason:
            health.blame("rangefinder", now_ns, reason)
        if not behind.usable:
            return
        health.hear("rangefinder", sample.t_ns)
        if self._course.closed:
            return
        behind.look(now_ns, sample, health.ok("imu"))
        self._guided += self._guidance.look(sample.t_ns, behind.approach.things)
        nearest = behind.approach.nearest
        if nearest is not None and nearest.sure:
            self._course.tally.note_distance(nearest.distance_m)

    def _press(self, now_ns: int, sample: ButtonSample) -> None:
        self._health.hear("button", sample.t_ns)
        self._health.press(now_ns, sample.pressed)
        self._course.button_down = sample.pressed
        pressed_ns, gesture = self._gestures.down_since_ns, self._gestures.press(sample.t_ns, sample.pressed)
        if pressed_ns is None and self._gestures.down_since_ns is not None:
            self._guided += self._guidance.test.press(sample.t_ns)
        self._take_gesture(now_ns, gesture)

    def _take_gesture(self, now_ns: int, gesture: Gesture) -> None:
        down_ns = self._gestures.down_since_ns
        if gesture is Gesture.HELD and down_ns is not None:
            if down_ns > self._asked_ns:
                self._course.hold(down_ns)
            if self._fall_alarm.cancel(down_ns):
                self._falling.excuse(now_ns)
            self._sos.cancel(down_ns)
        elif gesture is Gesture.PRESSED_REPEATEDLY:
            self._sos.call(now_ns)
            self._fall_alarm.call()
        elif gesture is Gesture.PRESSED_TWICE and self._course.stands and not (self._fall_alarm.open or self._sos.open):
            self._guided += self._guidance.test.ask(now_ns)

    def _obey(self, now_ns: int, command: Command, out: list[Output]) -> None:
        """No command silences an alarm: "end" stops the walk, and an open fall or SOS goes on."""
        if command.name == "locate":
            self._arbiter.notify(now_ns, Pattern.LOCATE)
        elif command.name == "test":
            self._arbiter.notify(now_ns, Pattern.TEST)
        elif command.name == "end" and not self._course.closed:
            told = self._course.over
            guided, self._guided = self._guided + self._guidance.test.void(now_ns, "the walk ended"), []
            out += [word for word in guided if isinstance(word, BackwardTest)]
            self._course.close(now_ns, out)
            self._behind.clear()
            self._fall_alarm.guess(None)
            self._balance.clear()
            for detection in (*self._health.end(), *self._power.end()):
                self._arbiter.judge(now_ns, detection, out)
            if not told:
                self._arbiter.notify(now_ns, Pattern.ENDED)
            out += self._learned(now_ns)

    def _learned(self, now_ns: int) -> tuple[Output, ...]:
        """Of this walker, for her next walk."""
        return self._balance.personal.baseline(now_ns), self._behind.stopping.baseline(now_ns)

    def _resume(self, now_ns: int, message: Resume, out: list[Output]) -> None:
        """An earlier run left a walk, perhaps with an open alarm: told again at once, under a number of this run."""
        age_s = message.age_s if 0.0 <= message.age_s <= LONGEST_AGE_S else 0.0
        if message.walking or message.over:  # first: an alarm of the walk is of its record
            self._course.resume(now_ns, not message.walking, out)
        if message.walking:
            self._wearing.resume()
        if message.hazard is Hazard.FALL:
            self._fall_alarm.resume(now_ns, message.severity, age_s)
        elif message.hazard is Hazard.SOS and message.severity is Severity.CONFIRMED:
            self._sos.resume(now_ns, age_s)
        self._alert(now_ns, (self._fall_alarm.detection, self._sos.detection), out)

    def _judge(self, now_ns: int, out: list[Output]) -> None:
        """What the detectors say now, most important first, becomes alerts; then the walk takes note."""
        health, power = self._health, self._power
        changes: list[Detection] = []
        if (now_ns >= health.due_ns or now_ns >= power.due_ns) and not self._course.closed:
            changes = health.update(now_ns) + power.wait(now_ns)
        if self._turns != health.turns:
            self._turns = health.turns
            self._telling.hurry(now_ns)
            self._isolate()
        self._fall_alarm.wait(now_ns)
        if self._fall_alarm.open or self._sos.open:
            self._asked_ns = now_ns
        said = self._says()
        if changes:
            self._telling.hurry(now_ns)
        elif said == self._said:
            return
        self._alert(now_ns, (*said, *changes), out)
        self._said = said
        self._fall_alarm.finish()
        self._sos.finish()

    def _says(self) -> tuple[Detection, ...]:
        """What each detector says now; the parts of the device speak for themselves, when one changes."""
        falls, sos, obstacle = self._fall_alarm.detection, self._sos.detection, self._behind.obstacle.detection
        sway, lean = self._balance.sway.detection, self._balance.lean.detection
        return falls, sos, obstacle, sway, lean, self._wearing.detection

    def _new(self) -> bool:
        """Whether a slice left something to tell; of the detectors it reaches those that judge the trunk."""
        if self._health.turns != self._turns or self._falling.pre_impact.armed or self._guided or not self._said:
            return True
        falls, _, _, sway, lean, _ = self._said
        balance = self._balance
        if balance.sway.detection is not sway or balance.lean.detection is not lean:
            return True
        return self._fall_alarm.detection is not falls

    def _next_due_ns(self) -> int:
        """When time alone changes something next: at once while something sounds or the button is down."""
        if self._arbiter.busy or self._gestures.waits:
            return 0
        return min(
            self._next_watch_ns,
            self._next_walk_ns,
            self._telling.due_ns,
            self._health.due_ns,
            self._power.due_ns,
        )

    def _alert(self, now_ns: int, detections: Iterable[Detection], out: list[Output]) -> None:
        first = len(out)
        for detection in detections:
            self._arbiter.judge(now_ns, detection, out)
        for output in out[first:]:
            if isinstance(output, Alert):
                self._course.note_alert(output)
                self._guided += self._guidance.note(output)

    def _isolate(self) -> None:
        """What a faulty part said last must not go on sounding as a hazard, nor as calm."""
        if not self._health.ok("imu"):
            self._balance.restart()
            self._fall_alarm.lose_sight()
            self._falling.pre_impact.restart()
        if not self._health.ok("button"):
            self._gestures.forget()
        if not self._health.ok("rangefinder"):
            self._behind.obstacle.clear()  # what was seen is kept, for the first good reading
            self._guidance.lose_sight()

    def _tell(self, now_ns: int, out: list[Output]) -> None:
        """The state of the walk, the health of the parts, and the numbers of the moment."""
        coming = self._falling.pre_impact
        if coming.armed and coming.turned(now_ns):
            out.append(PreImpact(now_ns, coming.armed, round(coming.score, 4)))
        if now_ns >= self._next_walk_ns:
            self._next_walk_ns = now_ns + WALK_NS
            self._tell_walk(now_ns, out)
        if not self._course.closed:
            self._telling.tell(now_ns, self._arbiter.pattern, out)

    def _tell_walk(self, now_ns: int, out: list[Output]) -> None:
        course, health, falls, wearing = self._course, self._health, self._fall_alarm, self._wearing
        if not course.closed and not falls.open:
            health.expect("imu", now_ns, course.unready(now_ns, self._felt_ns is not None and health.ok("imu")))
        wearing.relearn()
        unfit = health.unfit or wearing.complaint or wearing.tilted or self._power.unfit
        ready, stays = health.heard and not unfit, self._sos.open or not health.ok("imu")
        tally, patterns = course.tally, course.tell(now_ns, unfit, ready, falls.open, stays, out)
        if course.tally is not tally:  # another walk
            self._balance.personal.begin()
        if Pattern.ENDED in patterns:
            out += self._learned(now_ns)
        if not (course.closed or patterns):
            patterns = self._guide(now_ns, out)
        for pattern in patterns:
            self._arbiter.notify(now_ns, pattern)
        self._arbiter.set_stage(not course.before or self._steps.under_way(now_ns), self._power.exhausted)

    def _guide(self, now_ns: int, out: list[Output]) -> list[Pattern]:
        """Cues and the 3-m test, when nothing of the walk itself is to be told."""
        pattern, walks = self._arbiter.pattern, self._course.walking(now_ns) and not self._fall_alarm.open
        guided = [*self._guided, *self._guidance.wait(now_ns, walks, pattern)]
        self._guided = []
        out += [test for test in guided if isinstance(test, BackwardTest)]
        patterns = [word for word in guided if isinstance(word, Pattern)]
        if not (patterns or self._course.before) and pattern is _SILENT and self._behind.companion.take_found():
            patterns.append(_FOUND)
        return patterns
