"""One trial through the shipping core, sample by sample, as the device would see it.

The motion sensor's samples come at the recording's own rate. What the recording has not, is at rest: the rangefinder
looks into open space twenty times a second, nobody presses the button, the guard's tick comes every 50 ms. Each trial
begins with a core that has just been switched on; of the labels it is told nothing. When the recording ends, so does
the trial: nothing is held after it.

Many trials begin less than a second before the fall, which is no time to be clipped on and to say that it is ready. A
device is worn for minutes before that. So a trial is led in by some seconds of standing in the posture of its first
half second, with a sensor's noise. Who begins lying down is led in lying down, and the device does not become ready.
"""

import math
import random
import time
from dataclasses import dataclass, field

import numpy as np

from firmware.core.config import CoreConfig
from firmware.core.detectors.readiness import NOT_READY
from firmware.core.messages import Alert, Hazard, Output, PreImpact, Severity, Tick, WalkChanged, WalkState
from firmware.core.pipeline import SafetyPipeline
from firmware.evaluation.dataset import Array, Label, Trial
from firmware.evaluation.no_gyro import rates_from_gravity
from hal.samples import ButtonSample, ImuSample, RangeSample

EPOCH_NS = 1_000_000_000_000  # as a clock that began long before the trial
TURN_NS = 50_000_000
BUTTON_TURNS = 10
LEAD_IN_S = 3.0  # long enough for the device to check itself and find the upright
POSTURE_S = 0.5
G0_MPS2 = 9.80665
NOISE_MPS2, NOISE_RADPS = 0.03, 0.003  # of a motion sensor at rest


@dataclass(frozen=True, slots=True)
class Judged:
    """What the core said in one trial; times in seconds of the trial."""

    label: Label
    fs_hz: float
    duration_s: float
    suspected_s: tuple[float, ...] = ()
    possible_s: tuple[float, ...] = ()
    sway_s: tuple[float, ...] = ()
    armed: tuple[tuple[float, float], ...] = ()  # when the pre-impact estimate armed, and its score
    scored: tuple[tuple[float, float], ...] = ()  # when an alert about a fall told its score, and the score
    ready_s: float | None = None  # None: the walk could not begin, so nothing was watched
    fault: str = ""  # why the core did not trust the motion sensor, the first time
    has_gyro: bool = True
    cpu_s: float = field(default=0.0, compare=False)


def judge(trial: Trial, config: CoreConfig | None = None, *, lead_in_s: float = LEAD_IN_S) -> Judged:
    """Feed one trial to a new core; `lead_in_s` is 0 for exactly what was recorded and no more."""
    began_s = time.process_time()
    accel, gyro = led_in(trial, lead_in_s)
    if gyro is None:
        gyro = rates_from_gravity(accel, trial.fs_hz)
    before = len(accel) - len(trial.accel_mps2)
    listener = _Listener(EPOCH_NS + round(before * 1e9 / trial.fs_hz))
    _feed(SafetyPipeline(config), accel, gyro, trial.fs_hz, listener)
    return Judged(
        trial.label,
        trial.fs_hz,
        trial.duration_s,
        tuple(listener.suspected_s),
        tuple(listener.possible_s),
        tuple(listener.sway_s),
        tuple(listener.armed),
        tuple(listener.scored),
        listener.ready_s,
        listener.fault,
        trial.gyro_radps is not None,
        time.process_time() - began_s,
    )


def led_in(trial: Trial, lead_in_s: float) -> tuple[Array, Array | None]:
    """The trial after standing still as it begins: the same every time."""
    accel, gyro = trial.accel_mps2, trial.gyro_radps
    count, first = round(lead_in_s * trial.fs_hz), max(1, round(POSTURE_S * trial.fs_hz))
    posture = accel[:first].mean(axis=0)
    size_mps2 = float(np.linalg.norm(posture))
    if not count or not 0.0 < size_mps2 < math.inf:  # NaN as well
        return accel, gyro
    dice = random.Random(1)
    noise = np.array([[dice.gauss(0.0, 1.0) for _ in range(6)] for _ in range(count)])
    standing = posture * (G0_MPS2 / size_mps2) + noise[:, :3] * NOISE_MPS2
    at_rest = noise[:, 3:] * NOISE_RADPS
    return np.concatenate([standing, accel]), None if gyro is None else np.concatenate([at_rest, gyro])


def _feed(core: SafetyPipeline, accel: Array, gyro: Array, fs_hz: float, listener: "_Listener") -> None:
    step, hear = core.step, listener.hear
    turn, due_ns = 0, EPOCH_NS
    forces = zip(*(axis.tolist() for axis in accel.T), strict=True)
    rates = zip(*(axis.tolist() for axis in gyro.T), strict=True)
    for index, (force, rate) in enumerate(zip(forces, rates, strict=True)):
        t_ns = EPOCH_NS + round(index * 1e9 / fs_hz)
        while due_ns <= t_ns:
            hear(step(RangeSample(due_ns, None)))
            if turn % BUTTON_TURNS == 0:
                hear(step(ButtonSample(due_ns, False)))
            hear(step(Tick(due_ns)))
            turn, due_ns = turn + 1, due_ns + TURN_NS
        outputs = step(ImuSample(t_ns, force, rate))
        if outputs:
            hear(outputs)


class _Listener:
    """Keeps what the score needs."""

    def __init__(self, zero_ns: int) -> None:
        self._zero_ns = zero_ns  # where the trial begins
        self.suspected_s: list[float] = []
        self.possible_s: list[float] = []
        self.sway_s: list[float] = []
        self.armed: list[tuple[float, float]] = []
        self.scored: list[tuple[float, float]] = []
        self.ready_s: float | None = None
        self.fault = ""

    def hear(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, Alert):
                self._alert(output)
            elif isinstance(output, PreImpact) and output.armed:
                self.armed.append((self._seconds(output.t_ns), output.score))
            elif isinstance(output, WalkChanged) and output.state is WalkState.READY and self.ready_s is None:
                self.ready_s = self._seconds(output.t_ns)

    def _alert(self, alert: Alert) -> None:
        t_s = self._seconds(alert.t_ns)
        if alert.hazard is Hazard.FALL:
            if alert.severity is Severity.SUSPECTED:
                self.suspected_s.append(t_s)
            elif str(alert.severity) == "possible":
                self.possible_s.append(t_s)
            score = alert.data.get("score")
            if isinstance(score, float) and math.isfinite(score):
                self.scored.append((t_s, score))
        elif alert.hazard is Hazard.SWAY and alert.severity is Severity.WARNING:
            self.sway_s.append(t_s)
        elif alert.hazard is Hazard.FAULT and alert.severity is Severity.FAULT and alert.data.get("part") == "imu":
            reason = str(alert.data.get("reason", ""))
            if not reason.startswith(NOT_READY):
                self.fault = self.fault or reason

    def _seconds(self, t_ns: int) -> float:
        return (t_ns - self._zero_ns) / 1e9
