"""How the device is fed: the battery's gauge, the Pi's 5 V and the processor's heat. What nobody knows is "unknown"."""

from collections.abc import Callable, Sequence

from firmware.commands.checks.check import Check, Status, bad, found
from firmware.commands.checks.probe import Probe, Try, failed, too_many_errors, values
from firmware.core.detectors.power import PowerLimitsConfig, PowerWatch
from firmware.core.messages import Severity
from hal.board import PowerReader
from hal.clock import Clock
from hal.errors import HalError
from hal.samples import PowerSample, SensorFault

TURN_S = 0.3  # a MAX17048 measures every 0.25 s; an INA219 opens in 0.15 s, and measures in as long after that
ERRORS = {kind.__name__: kind for kind in HalError.__subclasses__()}


def look_at_power(
    open_device: Callable[[], PowerReader], clock: Clock, until_ns: int, limits: PowerLimitsConfig, wiring: str
) -> Check:
    """Read until `until_ns`."""
    with Probe(open_device, clock) as probe:
        readings = probe.read_until(until_ns, TURN_S, lambda power: power.read())
    tries = [_of_gauge(reading) for reading in readings]
    if too_many_errors(tries):
        return failed("power", tries, wiring)
    return _judged(values(tries), limits)


def _of_gauge(reading: Try[list[PowerSample | SensorFault]]) -> Try[PowerSample]:
    """The gauge's fault, which comes beside the sample, as the error that it was."""
    for item in reading.value or ():
        if isinstance(item, SensorFault):
            return Try(reading.t_ns, None, ERRORS.get(item.kind, HalError)(item.detail))
    samples = [item for item in reading.value or () if isinstance(item, PowerSample)]
    return Try(reading.t_ns, samples[-1] if samples else None, reading.error)


def _judged(samples: Sequence[PowerSample], limits: PowerLimitsConfig) -> Check:
    """By what a walk would say of it."""
    last = samples[-1]
    if last == PowerSample(last.t_ns):
        return Check("power", "ok", "unknown: there is no gauge, and this machine does not tell of its supply")
    detail = ", ".join((_battery(last), _supply(last), _processor(last)))
    watch = PowerWatch(limits)
    for sample in samples:
        watch.update(sample.t_ns, sample)
    for detection in watch.wait(last.t_ns):
        advice = str(detection.data["reason"]).replace("power: ", "")
        status: Status = "fail" if detection.severity is Severity.WARNING else "warn"
        return bad("power", "found, wrong", detail, advice, status)
    return found("power", detail)


def _battery(sample: PowerSample) -> str:
    volts = "" if sample.battery_v is None else f" at {sample.battery_v:.2f} V"
    amperes = "" if sample.battery_a is None else f", {sample.battery_a:.2f} A drawn"
    share = "charge unknown" if sample.battery_share is None else f"battery {100 * sample.battery_share:.0f} % full"
    return f"{share}{volts}{amperes}"


def _supply(sample: PowerSample) -> str:
    if sample.undervoltage is None:
        return "5 V supply unknown"
    throttled = ", processor slowed down" if sample.throttled else ""
    return ("5 V supply below 4.63 V" if sample.undervoltage else "5 V supply well") + throttled


def _processor(sample: PowerSample) -> str:
    return "processor's heat unknown" if sample.cpu_c is None else f"processor at {sample.cpu_c:.0f} °C"
