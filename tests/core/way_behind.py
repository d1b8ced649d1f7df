"""The part of the core about the way behind, fed with a distance and steps as functions of time."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from firmware.core.behind import Behind
from firmware.core.config import CoreConfig
from firmware.core.messages import Severity
from hal.samples import RangeSample

Range = Callable[[float], float | None]
S = 1_000_000_000
STEP_S = 0.6


@dataclass
class Trunk:
    """Upright, and turning as fast as `yaw_radps`."""

    upright_known: bool = True
    away_rad: float = 0.0
    yaw_radps: float = 0.0


@dataclass
class Feet:
    """A step every 0.6 s while she walks."""

    in_a_row: int = 0
    last_ns: int | None = None

    def step(self, t_ns: int) -> None:
        self.in_a_row = self.in_a_row + 1 if self.under_way(t_ns) or self.in_a_row < 2 else 1
        self.last_ns = t_ns

    def under_way(self, now_ns: int) -> bool:
        return self.in_a_row >= 2 and self.last_ns is not None and now_ns - self.last_ns < 3 * S

    def speed_mps(self, now_ns: int) -> float:
        return 0.6 if self.last_ns is not None and now_ns - self.last_ns < 2 * S and self.in_a_row >= 3 else 0.0


@dataclass
class Body:
    attitude: Trunk = field(default_factory=Trunk)
    steps: Feet = field(default_factory=Feet)


@dataclass
class Echoes:
    """What an ultrasonic rangefinder makes of a distance: noise, lost echoes, false ones nearer by."""

    noise_m: float = 0.01
    lost: float = 0.0
    false: float = 0.0
    swing_m: float = 0.0  # of the trunk with each step
    seed: int = 1

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def of(self, distance_m: float | None, t_s: float, stepping: bool) -> float | None:
        draw = self._random
        if draw.random() < self.lost:
            return None
        if draw.random() < self.false:
            return draw.uniform(0.1, distance_m or 4.0)
        if distance_m is None or distance_m > 4.0:
            return None
        swing_m = self.swing_m * math.sin(2 * math.pi * t_s / STEP_S) if stepping else 0.0
        return max(0.02, distance_m + swing_m + draw.gauss(0.0, self.noise_m))


class Way:
    """Feeds a `Behind`; keeps the modes and the tiers of the warning, with their times."""

    def __init__(self, echoes: Echoes | None = None, config: CoreConfig | None = None) -> None:
        self.body = Body()
        self.behind = Behind(config or CoreConfig(), self.body)  # type: ignore[arg-type]
        self.echoes = echoes or Echoes()
        self.t_s = 0.0
        self.modes: list[tuple[float, str | None]] = [(0.0, None)]
        self.tiers: list[tuple[float, Severity]] = []
        self._next_step_s: float | None = None

    def go(self, seconds: float, distance_m: Range, *, stepping: bool, yaw_radps: float = 0.0) -> "Way":
        """`distance_m` is a function of the seconds since the start of this call."""
        start_s, behind, body = self.t_s, self.behind, self.body
        body.attitude.yaw_radps = yaw_radps
        if not stepping:
            self._next_step_s = None
        elif self._next_step_s is None:
            self._next_step_s = start_s + 0.4
        for index in range(round(seconds / 0.05)):
            self.t_s = start_s + 0.05 * (index + 1)
            t_ns = round(self.t_s * S)
            while self._next_step_s is not None and self._next_step_s <= self.t_s:
                body.steps.step(t_ns)
                self._next_step_s += STEP_S
            sample = RangeSample(t_ns, self.echoes.of(distance_m(self.t_s - start_s), self.t_s, stepping))
            behind.watch(t_ns)
            behind.judge(t_ns, sample)
            if behind.usable:
                behind.look(t_ns, sample, True)
            self._note()
        return self

    def stand(self, seconds: float, distance_m: float | None) -> "Way":
        return self.go(seconds, lambda _: distance_m, stepping=False)

    def walk(self, seconds: float, distance_m: Range) -> "Way":
        return self.go(seconds, distance_m, stepping=True)

    def _note(self) -> None:
        mode, severity = self.behind.companion.mode, self.behind.obstacle.detection.severity
        if mode != self.modes[-1][1]:
            self.modes.append((self.t_s, mode))
        if severity is not (self.tiers[-1][1] if self.tiers else Severity.NONE):
            self.tiers.append((self.t_s, severity))

    @property
    def mode(self) -> str | None:
        return self.behind.companion.mode

    def warned(self, since_s: float = 0.0) -> list[float]:
        """When a warning or worse began."""
        return [t_s for t_s, tier in self.tiers if t_s >= since_s and tier in (Severity.WARNING, Severity.IMMINENT)]


def wander(seed: int, rms_m: float, low_hz: float, high_hz: float) -> Callable[[float], float]:
    """A slow change of distance: eight sines of random frequency and phase."""
    draw = random.Random(seed)
    waves = [(draw.uniform(low_hz, high_hz), draw.uniform(0.0, math.tau)) for _ in range(8)]
    scale = rms_m * math.sqrt(2.0 / len(waves))
    return lambda t_s: scale * sum(math.sin(math.tau * hz * t_s + phase) for hz, phase in waves)


def rail(seed: int, at_m: float = 0.8) -> Callable[[float], float]:
    drift = wander(seed, 0.02, 0.05, 0.3)
    return lambda t_s: at_m + drift(t_s)


def follower(seed: int, at_m: float = 1.2) -> Callable[[float], float]:
    drift = wander(seed, 0.08, 0.03, 0.15)
    return lambda t_s: at_m + drift(t_s)
