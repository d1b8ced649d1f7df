"""The motion sensor: its rate, whether it is alive, gravity, noise against the data sheet, and which way round it sits.

It may lie on a table, be worn by somebody who stands, or be held in a calm hand: still means that it turns by less
than STILL_RADPS and feels changes of less than STILL_MPS2 (both rms), as in `[attitude]` of rearguard.toml. When it is
moved more, its rate and its liveliness are still judged, gravity and noise are not, and the check says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, pvariance

from firmware.commands.checks.check import Check, bad, found
from firmware.commands.checks.noise import roughness
from firmware.commands.checks.probe import Probe, Try, errors, failed, told, too_many_errors, values, with_wiring
from hal.board import Board
from hal.errors import HalError
from hal.imu.imu import AxisTest, Imu, ImuInfo
from hal.samples import ImuSample, Vector

TURN_S = 0.02  # between two readings, as in a walk
G0_MPS2 = 9.80665
GRAVITY_TOLERANCE_MPS2 = 1.0  # an MPU-6050 may be 0.05 g off in x and y and 0.08 g in z (product specification 6.2)
RATE_TOLERANCE = 0.1  # a chip's own clock may be off by some per cent
BIAS_RADPS = 0.4  # an MPU-6050's gyroscope may be 20 °/s off in each axis (product specification 6.1)
STILL_RADPS = 0.35
STILL_MPS2 = 1.0
RESTLESS_MPS2 = 3.0  # from one sample to the next; no hand and no trunk moves like this
SAME_IN_A_ROW = 20  # a real sensor's last bit is noise
NOISY, USELESS = 3.0, 10.0  # times the data sheet's noise, which is typical, not guaranteed; tenfold drowns a step
NOISE_WIDTH = math.pi / 2  # a first-order filter lets this much more noise through than its bandwidth says
LEAST_SAMPLES = 30
AXES = tuple(f"{half}, {axis}" for half in ("accelerometer", "gyroscope") for axis in ("forward", "left", "up"))
AGAIN = "hold it still and run doctor again; if this stays, change it"


@dataclass(frozen=True, slots=True)
class Measured:
    """What the samples say when the device was more or less still."""

    rate_hz: float
    gravity_mps2: float
    turning_radps: float  # mean; a gyroscope's constant error when still
    tumbling_radps: float  # rms about that
    shaking_mps2: float  # rms about the mean
    restless_mps2: float
    accel_noise: float  # times the data sheet's, of the noisiest axis
    gyro_noise: float
    dead_axes: tuple[str, ...] = ()  # gave one number all the time; of the body's, as the mounting turns them

    @property
    def still(self) -> bool:
        return self.tumbling_radps < STILL_RADPS and self.shaking_mps2 < STILL_MPS2


def look_at_imu(board: Board, until_ns: int, wiring: str, *, self_test: bool) -> tuple[Check, Vector | None]:
    """Read until `until_ns`: the check, and what it feels in body axes (m/s²) where that means something."""
    with Probe(board.open_imu, board.clock) as probe:
        tries = probe.read_until(until_ns, TURN_S, lambda imu: imu.read())
        if probe.device is None or too_many_errors(tries):
            return failed("imu", tries, wiring), None
        samples = [sample for burst in values(tries) for sample in burst]
        check = judge(tries, samples, probe.device.info, wiring)
        if self_test and check.status == "ok":
            check = _self_tested(probe.device, check, wiring)
        elif self_test:
            check = replace(check, detail=f"{check.detail}; self-test left out")
    if check.status != "ok":
        return check, None
    forward, left, up = (fmean(series) for series in zip(*(sample.accel_mps2 for sample in samples), strict=True))
    return check, (forward, left, up)


def judge(tries: Sequence[Try[list[ImuSample]]], samples: Sequence[ImuSample], info: ImuInfo, wiring: str) -> Check:
    """The check for samples, most of whose readings went well."""
    name = f"{info.model} at {info.address:#04x}"
    if len(samples) < LEAST_SAMPLES:
        what = f"{name} gave {len(samples)} samples, expected {info.output_hz:.0f} a second"
        return bad("imu", "found, wrong", what, with_wiring("switch it off and on", wiring))
    measured = measure(tries, samples, info)
    check = _judge_life(name, measured, samples, info, wiring) or _judge_rest(name, measured, wiring)
    if check.status == "ok" and errors(tries):
        return failed("imu", tries, wiring, "warn")
    return check


def _judge_life(
    name: str, measured: Measured, samples: Sequence[ImuSample], info: ImuInfo, wiring: str
) -> Check | None:
    """What can be said even when it is moved: None when it is alive and well."""
    if _same_in_a_row(samples) >= SAME_IN_A_ROW:
        advice = "switch it off and on; if this stays, change it"
        return bad("imu", "found, wrong", f"{name} repeats the same numbers", with_wiring(advice, wiring))
    if not abs(measured.rate_hz / info.output_hz - 1) <= RATE_TOLERANCE:
        what = f"{name} gives {measured.rate_hz:.0f} samples a second, expected {info.output_hz:.0f}"
        return bad("imu", "found, wrong", what, with_wiring("switch it off and on; if this stays, change it", wiring))
    if measured.dead_axes:  # see hal.imu.axis_watch: chance does this to 100 sound samples once in a million times
        what = f"{name} gives the same number all the time on {', '.join(measured.dead_axes)}"
        advice = "switch it off and on; if this stays, change it"
        return bad("imu", "found, wrong", what, with_wiring(advice, wiring))
    if not measured.restless_mps2 <= RESTLESS_MPS2:
        what = f"{name} jumps by {measured.restless_mps2:.1f} m/s² from sample to sample"
        return bad("imu", "found, noisy", what, with_wiring(AGAIN, wiring))
    return None


def _judge_rest(name: str, measured: Measured, wiring: str) -> Check:
    """What needs stillness: gravity and noise."""
    if not measured.still:
        what = f"found: {name}, {measured.rate_hz:.0f} Hz, but moving: gravity and noise were not judged"
        limits = f"turning by less than {math.degrees(STILL_RADPS):.0f}°/s, shaken by less than {STILL_MPS2:g} m/s²"
        return Check("imu", "warn", what, f"lay it down or stand still ({limits}) and run doctor again")
    if not abs(measured.gravity_mps2 - G0_MPS2) <= GRAVITY_TOLERANCE_MPS2:
        what = f"{name} feels {measured.gravity_mps2:.2f} m/s² at rest, expected {G0_MPS2:.2f}"
        return bad("imu", "found, wrong", what, with_wiring(AGAIN, wiring))
    if not measured.turning_radps <= BIAS_RADPS:
        found_dps, most_dps = math.degrees(measured.turning_radps), math.degrees(BIAS_RADPS)
        what = f"{name} turns by {found_dps:.0f}°/s at rest, expected less than {most_dps:.0f}°/s"
        return bad("imu", "found, wrong", what, with_wiring(AGAIN, wiring))
    detail = (
        f"{name}, {measured.rate_hz:.0f} Hz, gravity {measured.gravity_mps2:.2f} m/s², "
        f"noise {measured.accel_noise:.1f} and {measured.gyro_noise:.1f} times the data sheet's"
    )
    if not max(measured.accel_noise, measured.gyro_noise) <= NOISY:
        advice = f"keep it still and away from the motor, check its 3.3 V supply; {AGAIN}"
        useless = not max(measured.accel_noise, measured.gyro_noise) <= USELESS
        return bad("imu", "found, noisy", detail, with_wiring(advice, wiring), "fail" if useless else "warn")
    return found("imu", detail)


def measure(tries: Sequence[Try[list[ImuSample]]], samples: Sequence[ImuSample], info: ImuInfo) -> Measured:
    """All figures at once; `samples` are those of `tries`."""
    axes = [*zip(*(sample.accel_mps2 for sample in samples), strict=True)]
    turns = [*zip(*(sample.gyro_radps for sample in samples), strict=True)]
    rate_hz = _rate_hz(tries)
    # Neighbours are alike where the filter passes much less than half of their rate: then only every n-th is taken.
    step = max(1, min(round(info.output_hz / (2 * info.bandwidth_hz)), len(samples) // 10))
    root_hz = math.sqrt(info.bandwidth_hz * NOISE_WIDTH)
    return Measured(
        rate_hz=rate_hz,
        gravity_mps2=math.hypot(*map(fmean, axes)),
        turning_radps=math.hypot(*map(fmean, turns)),
        tumbling_radps=math.sqrt(sum(pvariance(series) for series in turns)),
        shaking_mps2=math.sqrt(sum(pvariance(series) for series in axes)),
        restless_mps2=math.sqrt(sum(2 * roughness(series, 1) ** 2 for series in axes)),
        accel_noise=max(roughness(series[::step], 3) for series in axes) / root_hz / info.accel_noise_mps2_rthz,
        gyro_noise=max(roughness(series[::step], 3) for series in turns) / root_hz / info.gyro_noise_radps_rthz,
        dead_axes=tuple(name for name, series in zip(AXES, (*axes, *turns), strict=True) if len(set(series)) == 1),
    )


def _rate_hz(tries: Sequence[Try[list[ImuSample]]]) -> float:
    """Counted here: `Imu.measured_hz` is the nominal rate until it has measured for a second."""
    bursts = [(item.t_ns, len(item.value)) for item in tries if item.value]
    elapsed_s = (bursts[-1][0] - bursts[0][0]) / 1e9
    return sum(count for _, count in bursts[1:]) / elapsed_s if elapsed_s > 0 else math.nan


def _same_in_a_row(samples: Sequence[ImuSample]) -> int:
    longest = run = 1
    for before, now in pairwise(samples):
        same = (before.accel_mps2, before.gyro_radps) == (now.accel_mps2, now.gyro_radps)
        run = run + 1 if same else 1
        longest = max(longest, run)
    return longest


def _self_tested(imu: Imu, check: Check, wiring: str) -> Check:
    """The same check with what the chip's own test says; it wants the device still, and takes up to a second."""
    try:
        axes = imu.self_test()
    except HalError as error:
        return told("imu", "found, wrong", [error], 1, wiring)
    broken = [axis for axis in axes if not axis.passed]
    if broken:
        return bad("imu", "found, wrong", f"self-test: {'; '.join(map(_response, broken))}", with_wiring(AGAIN, wiring))
    return replace(check, detail=f"{check.detail}, self-test passed ({len(axes)} of {len(axes)})")


def _response(axis: AxisTest) -> str:
    return f"{axis.axis} answers {axis.response:.3g} {axis.unit}, expected {axis.low:.3g} to {axis.high:.3g}"
