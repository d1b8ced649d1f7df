"""One trial through the shipping core, sample by sample, as the device would see it.

The motion sensor's samples come at the recording's own rate; where nothing was measured (NaN) none comes. What the
recording has not, is at rest: the rangefinder looks into open space twenty times a second, the guard's tick comes every
50 ms. Each trial begins with a core that has just been switched on; of the labels it is told nothing. When the
recording ends, so does the trial: nothing is held after it.

Nobody in a recording presses the button, and while an alarm is open a fall is no new one. Whoever is well cancels. So
after a false alarm the button is held, `WELL_AFTER_S` later, unless the fall of the trial begins before it is let go.
An alarm about the labelled fall is never cancelled.

Many trials begin less than a second before the fall, which is no time to be clipped on and to say that it is ready. A
device is worn for minutes before that. So a trial is led in by some seconds of standing in the posture of its first
half second, with a sensor's noise and a sway of a tenth of a degree, without which she would be a thing. Who begins
lying down is led in lying down, and the device does not become ready.
"""

import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from firmware.core.config import CoreConfig
from firmware.core.detectors.readiness import NOT_READY
from firmware.core.messages import Alert, Hazard, Output, PreImpact, Severity, Tick, WalkChanged, WalkState
from firmware.core.pipeline import SafetyPipeline
from firmware.evaluation.dataset import Array, Label, Trial
from firmware.evaluation.no_gyro import RatesFromGravity, Vector
from hal.samples import ButtonSample, ImuSample, RangeSample

EPOCH_NS = 1_000_000_000_000  # as a clock that began long before the trial
TURN_NS = 50_000_000
BUTTON_TURNS = 10
LEAD_IN_S = 3.0  # long enough for the device to check itself and find the upright
POSTURE_S = 0.5
G0_MPS2 = 9.80665
NOISE_MPS2, NOISE_RADPS = 0.03, 0.003  # of a motion sensor at rest
# Who stands quietly turns at 0.011 rad/s (median of 19 people); periods that fill a second add nothing to its mean.
SWAY_RADPS, ROLL_HZ, PITCH_HZ = 0.012, 1, 2
WELL_AFTER_S, HELD_S = 10.0, 1.0  # who is well cancels so long after a false alarm; longer than the gesture takes
CHUNK = 4096  # samples at a time as Python's numbers, which are eight times as large

Progress = Callable[[float], None]
"""Told what share of the work is done, 0 to 1."""


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


def judge(
    trial: Trial,
    config: CoreConfig | None = None,
    *,
    lead_in_s: float = LEAD_IN_S,
    progress: Progress = lambda share: None,
) -> Judged:
    """Feed one trial to a new core; `lead_in_s` is 0 for exactly what was recorded and no more."""
    began_s = time.process_time()
    config = config or CoreConfig()
    accel, gyro = led_in(trial, lead_in_s)
    before = len(accel) - len(trial.accel_mps2)
    listener = _Listener(EPOCH_NS + round(before * 1e9 / trial.fs_hz))
    wearer = _Wearer(trial.label, listener, config.button_gesture.hold_s + HELD_S)
    _feed(SafetyPipeline(config), _samples(accel, gyro, trial.fs_hz, progress), listener, wearer)
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
    known = accel[:first][np.isfinite(accel[:first]).all(axis=1)]
    posture = known.mean(axis=0) if len(known) else np.zeros(3)
    size_mps2 = float(np.linalg.norm(posture))
    if not count or not size_mps2 > 0.0:
        return accel, gyro
    dice = random.Random(1)
    noise = np.array([[dice.gauss(0.0, 1.0) for _ in range(6)] for _ in range(count)])
    upward = posture * (G0_MPS2 / size_mps2)
    turned, turning = standing_sway(np.arange(-count, 0) / trial.fs_hz)
    standing = upward + np.cross(upward, turned) + noise[:, :3] * NOISE_MPS2
    at_rest = turning + noise[:, 3:] * NOISE_RADPS
    return np.concatenate([standing, accel]), None if gyro is None else np.concatenate([at_rest, gyro])


def standing_sway(times_s: Array) -> tuple[Array, Array]:
    """How far somebody who stands is turned about the body's axes (rad), and how fast (rad/s)."""
    turned, turning = np.zeros((len(times_s), 3)), np.zeros((len(times_s), 3))
    for axis, hz in enumerate((ROLL_HZ, PITCH_HZ)):
        phase, radps = 2 * math.pi * hz * times_s, 2 * math.pi * hz
        turned[:, axis], turning[:, axis] = SWAY_RADPS / radps * np.sin(phase), SWAY_RADPS * np.cos(phase)
    return turned, turning


def _samples(accel: Array, gyro: Array | None, fs_hz: float, progress: Progress) -> Iterator[ImuSample | int]:
    """Each sample as the sensor tells it; only its time where nothing was measured."""
    turning = RatesFromGravity(fs_hz)
    for begin in range(0, len(accel), CHUNK):
        progress(begin / len(accel))
        forces: list[Vector] = [tuple(row) for row in accel[begin : begin + CHUNK].tolist()]
        if gyro is None:
            rates = [turning.next(force) for force in forces]
        else:
            rates = [tuple(row) for row in gyro[begin : begin + CHUNK].tolist()]
        for index, (force, rate) in enumerate(zip(forces, rates, strict=True), begin):
            t_ns = EPOCH_NS + round(index * 1e9 / fs_hz)
            yield ImuSample(t_ns, force, rate) if math.isfinite(sum(force) + sum(rate)) else t_ns


def _feed(core: SafetyPipeline, samples: Iterator[ImuSample | int], listener: "_Listener", wearer: "_Wearer") -> None:
    step, hear = core.step, listener.hear
    turn, due_ns = 0, EPOCH_NS
    for sample in samples:
        t_ns = sample if isinstance(sample, int) else sample.t_ns
        while due_ns <= t_ns:
            hear(step(RangeSample(due_ns, None)))
            pressed = wearer.presses(due_ns)
            if turn % BUTTON_TURNS == 0 or pressed is not wearer.told:
                wearer.told = pressed
                hear(step(ButtonSample(due_ns, pressed)))
            hear(step(Tick(due_ns)))
            turn, due_ns = turn + 1, due_ns + TURN_NS
        if not isinstance(sample, int):
            outputs = step(sample)
            if outputs:
                hear(outputs)


class _Wearer:
    """Knows whether she fell. Holds the button some time after each alarm that is about no fall."""

    def __init__(self, label: Label, listener: "_Listener", hold_s: float) -> None:
        self._falls_from_s, self._listener, self._hold_s = label.falls_from_s, listener, hold_s
        self.told = False  # what the button said last

    def presses(self, t_ns: int) -> bool:
        if not self._listener.suspected_s:
            return False
        alarm_s, now_s = self._listener.suspected_s[-1], self._listener.seconds(t_ns)
        let_go_s = alarm_s + WELL_AFTER_S + self._hold_s
        return alarm_s + WELL_AFTER_S <= now_s < let_go_s < self._falls_from_s


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
                self.armed.append((self.seconds(output.t_ns), output.score))
            elif isinstance(output, WalkChanged) and output.state is WalkState.READY and self.ready_s is None:
                self.ready_s = self.seconds(output.t_ns)

    def _alert(self, alert: Alert) -> None:
        t_s = self.seconds(alert.t_ns)
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

    def seconds(self, t_ns: int) -> float:
        return (t_ns - self._zero_ns) / 1e9
