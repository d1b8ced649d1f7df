"""A simple simulated wearer for the core's tests: angles, steps and impacts turned into stamped inputs."""

import math
import random
from collections.abc import Callable, Iterable

from firmware.core.config import CoreConfig
from firmware.core.messages import (
    Acknowledgement,
    Alert,
    Command,
    Hazard,
    Input,
    Output,
    Pattern,
    SetPattern,
    Severity,
    Tick,
    WalkChanged,
)
from firmware.core.pipeline import SafetyPipeline
from firmware.core.walk import BEFORE
from hal.samples import ButtonSample, ImuSample, RangeSample, SensorFault

G0_MPS2 = 9.80665
Angle = Callable[[float], float]
STEP_HZ = 100 / 60
SWAY_RADPS = 0.012  # once a second by 0.1 degrees: somebody, not a thing on a table


def flat(_: float) -> float:
    return 0.0


class Wearer:
    """Feeds a pipeline: IMU samples, pings every 60 ms, ticks; keeps everything that comes out."""

    def __init__(
        self, config: CoreConfig | None = None, *, rate_hz: float = 100.0, seed: int = 1, mounting_deg: float = 0.0
    ) -> None:
        self.pipeline = SafetyPipeline(config)
        self.rate_hz, self.mounting_rad = rate_hz, math.radians(mounting_deg)
        self.t_s = 0.0
        self.outputs: list[Output] = []
        self.inputs: list[Input] = []
        self.distance_m: float | None = None
        self.speed_mps = 0.0
        self.imu = self.ranging = self.button = True
        self._pressed = False
        self._random = random.Random(seed)
        self.swing_m: Angle = flat  # of the trunk, and the sensor with it
        self._next_ping_s = 0.0
        self._next_word_s = 0.5
        self._pitch_rad = 0.0
        self.send(ButtonSample(0, False))

    @property
    def t_ns(self) -> int:
        return round(self.t_s * 1e9)

    def send(self, message: Input) -> list[Output]:
        self.inputs.append(message)
        out = self.pipeline.step(message)
        self.outputs += out
        return out

    def live(
        self, seconds: float, *, pitch_deg: Angle = flat, stepping: bool = False, jolt_mps2: Angle = flat
    ) -> "Wearer":
        """Let time pass; angles and jolts are functions of the seconds since the start of this call."""
        start_s, dt_s = self.t_s, 1.0 / self.rate_hz
        for index in range(round(seconds * self.rate_hz)):
            self.t_s = start_s + (index + 1) * dt_s
            elapsed_s = self.t_s - start_s
            sway_rad = SWAY_RADPS / math.tau * math.sin(math.tau * self.t_s)
            pitch_rad = math.radians(pitch_deg(elapsed_s)) + self.mounting_rad + sway_rad
            if self.imu:
                self.send(self._sample(pitch_rad, dt_s, stepping, jolt_mps2(elapsed_s)))
            self._pitch_rad = pitch_rad
            if self.distance_m is not None:
                self.distance_m -= self.speed_mps * dt_s
            if self.t_s >= self._next_ping_s:
                self._next_ping_s += 0.06
                if self.ranging:
                    self.send(RangeSample(self.t_ns, self._echo()))
            if self.button and self.t_s >= self._next_word_s:
                self._next_word_s += 0.5
                self.send(ButtonSample(self.t_ns, self._pressed))
            if index % 5 == 0:
                self.send(Tick(self.t_ns))
        return self

    def _sample(self, pitch_rad: float, dt_s: float, stepping: bool, jolt_mps2: float) -> ImuSample:
        noise = self._random.gauss
        bounce_mps2 = 1.2 * math.sin(2 * math.pi * STEP_HZ * self.t_s) if stepping else 0.0
        along_mps2 = G0_MPS2 + bounce_mps2 + jolt_mps2
        rate_radps = (pitch_rad - self._pitch_rad) / dt_s if self.t_ns > 1e9 * dt_s * 1.5 else 0.0
        accel = (-math.sin(pitch_rad) * along_mps2, 0.0, math.cos(pitch_rad) * along_mps2)
        return ImuSample(
            self.t_ns,
            (accel[0] + noise(0, 0.03), noise(0, 0.03), accel[2] + noise(0, 0.03)),
            (self._gyro_noise(), rate_radps + self._gyro_noise(), self._gyro_noise()),
        )

    def _gyro_noise(self) -> float:
        """As dense at every rate: a slower sensor averages for longer."""
        return self._random.gauss(0.0, 0.005 * math.sqrt(self.rate_hz / 100.0))

    def _echo(self) -> float | None:
        if self.distance_m is None or self.distance_m > 4.0:
            return None
        return max(0.02, self.distance_m + self.swing_m(self.t_s) + self._random.gauss(0, 0.01))

    # What a wearer does.

    def stand(self, seconds: float) -> "Wearer":
        return self.live(seconds)

    def walk(self, seconds: float) -> "Wearer":
        return self.live(seconds, stepping=True)

    def fall(self, lies_s: float = 2.0) -> "Wearer":
        """Backward in half a second, then an impact of about 5 g, then still on the back."""
        tip = self.live(
            0.5, pitch_deg=lambda t: -90.0 * (t / 0.5) ** 2, jolt_mps2=lambda t: -6.0 if 0.2 < t < 0.45 else 0.0
        )
        tip.live(0.06, pitch_deg=lambda _: -90.0, jolt_mps2=lambda _: 40.0)
        return tip.lie(lies_s)

    def lie(self, seconds: float) -> "Wearer":
        return self.live(seconds, pitch_deg=lambda _: -90.0)

    def get_up(self, seconds: float = 3.0) -> "Wearer":
        return self.live(seconds, pitch_deg=lambda t: -90.0 * max(0.0, 1.0 - t / seconds))

    def press(self, pressed: bool) -> list[Output]:
        self._pressed = pressed
        return self.send(ButtonSample(self.t_ns, pressed))

    def acknowledge(self, alarm: int, state: str) -> list[Output]:
        return self.send(Acknowledgement(self.t_ns, alarm, state, "Anna"))

    def command(self, name: str) -> list[Output]:
        return self.send(Command(self.t_ns, name))

    def fail(self, part: str, kind: str = "BusError") -> list[Output]:
        return self.send(SensorFault(self.t_ns, part, kind, f"{part}: {kind}; check its wiring"))

    def lose_ping(self) -> list[Output]:
        """One ping without an answer: the driver says so once, and listens for a late echo before it pings again."""
        self._next_ping_s += 0.31
        return self.fail("rangefinder", "NoEcho")

    # What came of it.

    def alerts(self, hazard: Hazard | None = None) -> list[Alert]:
        return [o for o in self.outputs if isinstance(o, Alert) and (hazard is None or o.hazard is hazard)]

    def severities(self, hazard: Hazard) -> list[Severity]:
        return [alert.severity for alert in self.alerts(hazard)]

    def patterns(self) -> list[Pattern]:
        return patterns(self.outputs)

    def walk_states(self) -> list[str]:
        """What the walk told, one word after the other; all before it is ready is "before", said once."""
        told = (o.state for o in self.outputs if isinstance(o, WalkChanged))
        words = ["before" if state in BEFORE else state.value for state in told]
        return [word for word, last in zip(words, ["", *words], strict=False) if word != "before" or last != "before"]


def patterns(outputs: Iterable[Output]) -> list[Pattern]:
    return [o.pattern for o in outputs if isinstance(o, SetPattern)]


def ready_wearer(config: CoreConfig | None = None, **how: float) -> Wearer:
    """Clipped on, stood still, READY has sounded."""
    return Wearer(config, **how).stand(3.5)  # type: ignore[arg-type]


def walking_wearer(config: CoreConfig | None = None, **how: float) -> Wearer:
    return ready_wearer(config, **how).walk(5.0)
