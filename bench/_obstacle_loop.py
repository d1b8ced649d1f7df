"""One warner in its closed loop with one world: it pings when it would, sounds when it would, and she hears it then.

Ours is the whole core: samples of the IMU at 100 Hz, the button, time passing, and the rangefinder's readings on the
guard's schedule, each handed over when `hal.hcsr04` would: when its echo is over, or when the line is high for longer
than an echo from 4 m. What the core decides reaches the buzzer's pin with the sounder's next turn, every 10 ms; really
it wakes the sounder up at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Protocol

from bench._obstacle_peers import RISE_S, TRIGGER_S, Peer, width_s
from firmware.core.config import CoreConfig
from firmware.core.messages import (
    Alert,
    Command,
    Hazard,
    Output,
    Pattern,
    SetPattern,
    Severity,
    StoppingBaseline,
    Tick,
    Value,
)
from firmware.core.pipeline import SafetyPipeline
from firmware.guard.pace import Jitter, Pinging
from firmware.sounder.sounder import TURN_S
from hal.board import ping_times
from hal.config import BoardConfig, RangefinderConfig
from hal.hcsr04 import MAX_RANGE_M, MODELS
from hal.samples import ButtonSample, ImuSample, RangeSample, SensorFault, Vector

IMU_NS, TICKS, PRESSES = 10_000_000, 5, 50  # the others in samples of the IMU
TRAITS = MODELS["hcsr04"]
FREE_S = TRAITS.rise_after_s[1] + width_s(MAX_RANGE_M)  # after the ping, when the driver knows that the way is free
NEVER_NS = 1 << 62
NOTHING = RangeSample(0, None)
LEVELS = {Pattern.OBSTACLE_CAUTION: 1, Pattern.OBSTACLE_WARNING: 2, Pattern.OBSTACLE_IMMINENT: 3}
SILENT, CAUTION, WARNING, IMMINENT = range(4)
SEVERITIES = {Severity.CAUTION: CAUTION, Severity.WARNING: WARNING, Severity.IMMINENT: IMMINENT}


class Felt(Protocol):
    """What the loop needs of a world."""

    def motion(self, t_s: float) -> tuple[Vector, Vector]: ...

    def distance_m(self, t_s: float) -> float | None: ...


Sounds = list[tuple[float, int]]
"""When what sounds changed, and to which level."""
Heard = Callable[[float], None]
"""A warning sounds: when it begins, and again and again while it lasts."""
Over = Callable[[float], bool]


@dataclass(slots=True)
class Course:
    """What came of it: what sounded when; for ours also what the core said of obstacles, and of its faults."""

    sounds: Sounds = field(default_factory=list)
    told: list[tuple[float, Severity, dict[str, Value]]] = field(default_factory=list)
    faults: list[tuple[float, str]] = field(default_factory=list)
    end_s: float = 0.0


def play_peer(peer: Peer, world: Felt, end_s: float, hear: Heard, over: Over) -> Course:
    """Ping by ping until `end_s`, or until `over` says of a moment that nothing is left to see."""
    course = Course()
    ping_s, sounded = peer.first_s, False
    while ping_s < end_s and not over(ping_s):
        high_s = width_s(world.distance_m(ping_s))
        heard_s = ping_s + RISE_S + high_s
        sounds = peer.take(high_s)
        if sounds is not sounded:
            sounded = sounds
            course.sounds.append((heard_s, WARNING if sounds else SILENT))
        if sounds:
            hear(heard_s)
        ping_s = peer.next_s(ping_s, heard_s)
    course.end_s = min(ping_s, end_s)
    return course


@dataclass(slots=True)
class _Left:
    """Where the loop was left: the next sample of the IMU, the last ping's time or the next one's, and its answer."""

    index: int = 0
    ping_ns: int = 0
    comes_ns: int = NEVER_NS
    coming: RangeSample | SensorFault = NOTHING


class Ours:
    """The core, the guard's schedule and the sounder's turns."""

    def __init__(
        self,
        seed: str = "",
        *,
        before: StoppingBaseline | None = None,
        core: CoreConfig | None = None,
        rangefinder: RangefinderConfig | None = None,
    ) -> None:
        """`before`: how she stopped in the walks before this one."""
        board = BoardConfig() if rangefinder is None else BoardConfig(rangefinder=rangefinder)
        self.pipeline = SafetyPipeline(core)
        if before is not None:
            self.pipeline.step(replace(before, t_ns=0))
        jitter = Jitter(board.rangefinder.jitter_s, Random(f"pings {seed}"))
        self._pace = Pinging(ping_times(board), board.rangefinder.near_m, jitter)
        self._turn_ns = round(TURN_S * 1e9)
        self._phase_ns = Random(f"sounder {seed}").randrange(self._turn_ns)
        self.course = Course()
        self._level = SILENT
        self._hear: Heard = lambda t_s: None
        self._left = _Left()

    def play(self, world: Felt, end_s: float, hear: Heard, over: Over) -> Course:
        """From where it was left until `end_s`, or until `over` says of a moment that nothing is left to see."""
        self._hear, step, motion, left = hear, self.pipeline.step, world.motion, self._left
        end_ns, index, imu_ns, comes_ns = round(end_s * 1e9), left.index, left.index * IMU_NS, left.comes_ns
        while imu_ns < end_ns:
            if comes_ns <= imu_ns:
                self._note(comes_ns, step(left.coming))
                left.ping_ns = max(left.ping_ns + self._pace.wait_ns([left.coming]), comes_ns)
                comes_ns = NEVER_NS
            elif left.ping_ns <= imu_ns and comes_ns == NEVER_NS:
                comes_ns, left.coming = _pinged(left.ping_ns, world.distance_m(left.ping_ns * 1e-9))
            else:
                found = step(ImuSample(imu_ns, *motion(imu_ns * 1e-9)))
                if found:
                    self._note(imu_ns, found)
                if index % TICKS == 0:
                    self._pass(index, imu_ns)
                    if over(imu_ns * 1e-9):
                        break
                index, imu_ns = index + 1, imu_ns + IMU_NS
        left.index, left.comes_ns = index, comes_ns
        self.course.end_s = imu_ns * 1e-9
        return self.course

    def end(self) -> StoppingBaseline:
        """The walk is over: how she stopped in it and before."""
        outputs = self.pipeline.step(Command(self._left.index * IMU_NS, "end"))
        return next(output for output in outputs if isinstance(output, StoppingBaseline))

    def _pass(self, index: int, now_ns: int) -> None:
        if index % PRESSES == 0:
            self._note(now_ns, self.pipeline.step(ButtonSample(now_ns, False)))
        self._note(now_ns, self.pipeline.step(Tick(now_ns)))
        if self._level >= WARNING:
            self._hear(now_ns * 1e-9)

    def _note(self, now_ns: int, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, SetPattern):
                self._sound(now_ns, LEVELS.get(output.pattern, SILENT))
            elif isinstance(output, Alert) and output.hazard is Hazard.OBSTACLE:
                self.course.told.append((now_ns * 1e-9, output.severity, dict(output.data)))
            elif isinstance(output, Alert) and output.severity is Severity.FAULT:
                self.course.faults.append((now_ns * 1e-9, str(output.data.get("part"))))

    def _sound(self, now_ns: int, level: int) -> None:
        if level == self._level:
            return
        turns = -(-(now_ns - self._phase_ns) // self._turn_ns)
        pin_s = (self._phase_ns + turns * self._turn_ns) * 1e-9
        self.course.sounds.append((pin_s, level))
        begins = level >= WARNING > self._level
        self._level = level
        if begins:
            self._hear(pin_s)


def _pinged(ping_ns: int, echo_m: float | None) -> tuple[int, RangeSample | SensorFault]:
    """When the driver tells what came of a ping, and what. Nearer than the sensor can measure is a fault."""
    if echo_m is None or echo_m > MAX_RANGE_M:
        return ping_ns + round(FREE_S * 1e9), RangeSample(ping_ns, None)
    over_ns = ping_ns + round((TRIGGER_S + RISE_S + width_s(echo_m)) * 1e9)
    if echo_m < TRAITS.blind_m:
        return over_ns, SensorFault(over_ns, "rangefinder", "ImplausibleEcho", "rangefinder: covered")
    return over_ns, RangeSample(ping_ns, echo_m)
