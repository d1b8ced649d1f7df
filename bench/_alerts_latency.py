"""How soon: from the impact to the decision, exactly, in simulated time; from the journal to a subscriber, really."""

import contextlib
import os
import statistics
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from bench._alerts_broker import Broker
from bench._alerts_line import Line, until
from bench._alerts_power import made
from bench.walk import APART_S, FALL_S, Later
from firmware.config import Config
from firmware.core.messages import Alert, Hazard, Severity
from firmware.virtual import VirtualDevice
from hal.sim.world.scenarios import scenario


def decision_s(shift_s: float) -> float:
    """From the impact of the scene `fall`, begun later by `shift_s`, to the suspected fall."""
    world = Later(scenario("fall"), shift_s)
    impact_s = next(mark.t_s for mark in world.marks if mark.what == "impact")
    with tempfile.TemporaryDirectory() as folder:
        device = VirtualDevice(Config(), world, Path(folder))
        device.run_until(FALL_S + shift_s + 2.0)
        device.end()
    falls = (out for out in device.log.outputs if isinstance(out, Alert) and out.hazard is Hazard.FALL)
    return next(fall.t_ns for fall in falls if fall.severity is Severity.SUSPECTED) / 1e9 - impact_s


def telling_s(count: int) -> tuple[list[float], list[float]]:
    """To write an event into the journal, and from there to the line that the caregiver's client writes."""
    chance, written, told = Random("latency"), list[float](), list[float]()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        line = stack.enter_context(Line(folder, stack.enter_context(Broker(folder))))
        until(lambda: line.connected, "connected")
        for number in range(count):
            line.reader.wait(chance.uniform(0.0, 0.1))  # so that no turn of the link is met more often than another
            event, began_ns = made(number + 1, chance), time.monotonic_ns()
            line.journal.append(event)
            queued_ns = time.monotonic_ns()
            line.wake()
            until(lambda wanted=number + 1: len(line.reader.told) >= wanted, "it is told")  # type: ignore[misc]
            written.append((queued_ns - began_ns) / 1e9)
            told.append((line.reader.told[-1][0] - queued_ns) / 1e9)
    return written, told


def measured(falls: int, events: int) -> dict[str, Any]:
    """Milliseconds. The first two are of the detector alone, the others beyond it."""
    decided = [decision_s(number * APART_S) for number in range(falls)]
    written, told = telling_s(events)
    both = [first + second for first, second in zip(written, told, strict=True)]
    return {
        "falls": falls,
        "impact_to_decision_median_ms": round(statistics.median(decided) * 1e3),
        "impact_to_decision_max_ms": round(max(decided) * 1e3),
        "events": events,
        "queue_to_subscriber_median_ms": round(statistics.median(told) * 1e3, 1),
        "queue_to_subscriber_p99_ms": round(_p99(told) * 1e3, 1),
        "journal_sync_median_ms": round(statistics.median(written) * 1e3, 1),
        "impact_to_subscriber_p99_ms": round((max(decided) + _p99(both)) * 1e3),
        "load": round(os.getloadavg()[0] / (os.cpu_count() or 1), 1),
    }


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]
