"""An ultrasonic rangefinder: whether every ping is answered, and how well the answers agree on a still target."""

from collections.abc import Callable
from itertools import pairwise
from statistics import median

from firmware.commands.checks.check import Check, bad, found
from firmware.commands.checks.noise import roughness
from firmware.commands.checks.probe import Probe, Try, errors, failed, too_many_errors, values, with_wiring
from hal.board import Rangefinder
from hal.clock import Clock
from hal.samples import RangeSample

JUMP_M = 1.0  # from one ping to the next
JUMP_SHARE = 0.1  # of the pings
SPREAD_M = 0.03  # ten times the 3 mm of the HC-SR04's data sheet; somebody who stands sways less between three pings
SPREAD_PINGS = 5  # fewer say nothing about a spread
STILL = "point it at something still and hard, a metre away, and run doctor again"


def look_at_rangefinder(
    part: str, open_device: Callable[[], Rangefinder], clock: Clock, until_ns: int, period_s: float, wiring: str
) -> Check:
    """Ping until `until_ns`."""
    with Probe(open_device, clock) as probe:
        tries = probe.read_until(until_ns, period_s, lambda rangefinder: rangefinder.read())
    if too_many_errors(tries):
        return failed(part, tries, wiring)
    return _judged(part, tries, wiring)


def _judged(part: str, tries: list[Try[list[RangeSample]]], wiring: str) -> Check:
    samples = [sample for reading in values(tries) for sample in reading]
    distances_m = [sample.distance_m for sample in samples if sample.distance_m is not None]
    detail = _told(samples, distances_m)
    jumps = sum(abs(after - before) > JUMP_M for before, after in pairwise(distances_m))
    if jumps > JUMP_SHARE * len(tries):
        what = f"the distance jumps by more than {JUMP_M:g} m from ping to ping, {jumps} times"
        return bad(part, "found, noisy", what, with_wiring(f"{STILL}; if this stays, change it", wiring))
    if lost := len(errors(tries)):
        advice = "keep clothing away from it, and other ultrasonic sensors"
        what = f"{detail}; {lost} of {len(tries)} pings lost"
        return bad(part, "found, noisy", what, with_wiring(advice, wiring), "warn")
    if len(distances_m) >= SPREAD_PINGS and not roughness(distances_m, 2) <= SPREAD_M:
        return bad(part, "found, noisy", detail, with_wiring(STILL, wiring), "warn")
    return found(part, detail)


def _told(samples: list[RangeSample], distances_m: list[float]) -> str:
    rate = f"{_rate_hz(samples):.0f} pings a second"
    if not distances_m:
        return f"nothing within 4 m, {rate}"
    free = f", nothing within 4 m {len(samples) - len(distances_m)} times" if len(distances_m) < len(samples) else ""
    spread = f" ± {1000 * roughness(distances_m, 2):.0f} mm" if len(distances_m) >= SPREAD_PINGS else ""
    return f"{median(distances_m):.2f} m{spread}{free}, {rate}"


def _rate_hz(samples: list[RangeSample]) -> float:
    elapsed_s = (samples[-1].t_ns - samples[0].t_ns) / 1e9 if samples else 0.0
    return (len(samples) - 1) / elapsed_s if elapsed_s > 0 else 0.0
