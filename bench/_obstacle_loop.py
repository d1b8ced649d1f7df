"""One warner in its closed loop with one world: it pings when it would, sounds when it would, and she hears it then.

Ours is the whole core: samples of the IMU at 100 Hz, the button, time passing, and the rangefinder's readings on the
guard's schedule, each handed over when `hal.hcsr04` would: when its echo is over, or when the line is high for longer
than an echo from 4 m. What the core decides reaches the buzzer's pin with the sounder's next turn, every 10 ms.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from bench._obstacle_peers import RISE_S, TRIGGER_S, Peer, width_s
from firmware.core.config import CoreConfig
from firmware.core.messages import Alert, Hazard, Output, Pattern, SetPattern, Severity, Tick, Value
from firmware.core.pipeline import SafetyPipeline
from firmware.sounder.sounder import TURN_S
from hal.config import RangefinderConfig
from hal.hcsr04 import MAX_RANGE_M, MODELS
from hal.samples import ButtonSample, ImuSample, RangeSample, SensorFault, Vector

IMU_NS, TICKS, PRESSES = 10_000_000, 5, 50  # the others in samples of the IMU
TRAITS = MODELS["hcsr04"]
FREE_S = TRAITS.rise_after_s[1] + width_s(MAX_RANGE_M)  # after the ping, when the driver knows that the way is free
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


class Pinging:
    """When the guard pings: see `firmware.guard.readers`; sooner again after an echo from near by."""

    def __init__(self, config: RangefinderConfig, seed: str) -> None:
        self._period_ns, self._near_ns = (
            round(config.period_s * 1e9),
            round(getattr(config, "near_period_s", 0.035) * 1e9),
        )
        self._near_m, self._jitter_ns = getattr(config, "near_m", 1.5), round(config.jitter_s * 1e9)
        self._chance = Random(f"pings {seed}")

    def next_ns(self, due_ns: int, distance_m: float | None) -> int:
        near = distance_m is not None and distance_m < self._near_m
        return due_ns + (self._near_ns if near else self._period_ns) + self._chance.randrange(self._jitter_ns + 1)


class Ours:
    """The core, the guard's schedule and the sounder's turns."""

    def __init__(
        self, seed: str = "", *, core: CoreConfig | None = None, rangefinder: RangefinderConfig | None = None
    ) -> None:
        self.pipeline = SafetyPipeline(core)
        self._pinging = Pinging(rangefinder or RangefinderConfig(), seed)
        self._turn_ns = round(TURN_S * 1e9)
        self._phase_ns = Random(f"sounder {seed}").randrange(self._turn_ns)
        self.course = Course()
        self._level = SILENT
        self._hear: Heard = lambda t_s: None
        self._left: tuple[int, int, int, float, RangeSample] = (0, 0, 0, math.inf, RangeSample(0, None))

    def play(self, world: Felt, end_s: float, hear: Heard, over: Over) -> Course:
        """From where it was left until `end_s`, or until `over` says of a moment that nothing is left to see."""
        self._hear, step, motion, end_ns = hear, self.pipeline.step, world.motion, round(end_s * 1e9)
        index, imu_ns, ping_ns, comes_ns, coming = self._left
        while imu_ns < end_ns:
            if comes_ns <= imu_ns:
                self._note(int(comes_ns), step(_as_driver(coming)))
                comes_ns = math.inf
            elif ping_ns <= imu_ns:
                echo_m = world.distance_m(ping_ns * 1e-9)
                comes_ns, coming = ping_ns + _comes_after_ns(echo_m), RangeSample(ping_ns, _in_reach(echo_m))
                ping_ns = self._pinging.next_ns(ping_ns, coming.distance_m)
            else:
                found = step(ImuSample(imu_ns, *motion(imu_ns * 1e-9)))
                if found:
                    self._note(imu_ns, found)
                if index % TICKS == 0:
                    self._pass(index, imu_ns)
                    if over(imu_ns * 1e-9):
                        break
                index, imu_ns = index + 1, imu_ns + IMU_NS
        self._left = index, imu_ns, ping_ns, comes_ns, coming
        self.course.end_s = imu_ns * 1e-9
        return self.course

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


def _in_reach(echo_m: float | None) -> float | None:
    return None if echo_m is None or echo_m > MAX_RANGE_M else max(echo_m, 0.0)


def _comes_after_ns(echo_m: float | None) -> int:
    free = echo_m is None or echo_m > MAX_RANGE_M
    return round((FREE_S if free else TRIGGER_S + RISE_S + width_s(echo_m)) * 1e9)


def _as_driver(sample: RangeSample) -> RangeSample | SensorFault:
    """An echo from nearer than the sensor can measure is a fault, as the driver has it."""
    if sample.distance_m is None or sample.distance_m >= TRAITS.blind_m:
        return sample
    return SensorFault(sample.t_ns, "rangefinder", "ImplausibleEcho", "rangefinder: covered")
