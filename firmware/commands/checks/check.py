"""What `rearguard doctor` finds, in the words of one check, and how many things are looked at at the same time."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from hal.clock import MonotonicClock

Status = Literal["ok", "warn", "fail"]
Finding = Literal["not found", "found, wrong", "found, noisy"]
"""Nothing answers; it answers, and the same thing is wrong each time; what it says comes and goes, or scatters."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what was found, and what to do about it when that is not as it should be."""

    id: str
    status: Status
    detail: str
    hint: str = ""
    missing: bool = False  # the machine does not have what every part needs


def found(part: str, detail: str) -> Check:
    """A part that is well."""
    return Check(part, "ok", f"found: {detail}")


def bad(part: str, finding: Finding, detail: str, hint: str, status: Status = "fail") -> Check:
    """A part that is not."""
    return Check(part, status, f"{finding}: {detail}", hint)


def worst(checks: Sequence[Check]) -> Status:
    statuses = {check.status for check in checks}
    return "fail" if "fail" in statuses else "warn" if "warn" in statuses else "ok"


@dataclass(frozen=True, slots=True)
class Job:
    """Something to look at, and what to say when looking takes too long."""

    look: Callable[[], list[Check]]
    late: Check


def side_by_side(jobs: Sequence[Job], patience_s: float | None) -> list[Check]:
    """Every job in a thread of its own; the checks in the order of the jobs.

    The threads are daemons: one that hangs in a driver or in a name server is told as late and left
    behind. Who interrupts it waits as long: the outputs that play are off by then.

    Args:
        patience_s: real time for all of them together; None in simulated time, in which nothing hangs.
    """
    clock = MonotonicClock()
    until_ns = None if patience_s is None else clock.now_ns() + round(patience_s * 1e9)
    workers = [_Worker(job) for job in jobs]
    for worker in workers:
        worker.start()

    def join() -> None:
        for worker in workers:
            worker.join(None if until_ns is None else max(until_ns - clock.now_ns(), 0) / 1e9)

    try:
        join()
    except KeyboardInterrupt:
        join()  # a thread that dies in the middle of a beep leaves the output on
        raise
    return [check for worker in workers for check in worker.checks()]


class _Worker(threading.Thread):
    def __init__(self, job: Job) -> None:
        super().__init__(name=job.late.id, daemon=True)
        self._job = job
        self._checks: list[Check] | None = None

    def run(self) -> None:
        self._checks = self._job.look()

    def checks(self) -> list[Check]:
        if self._checks is not None:
            return self._checks
        if self.is_alive():
            return [self._job.late]
        raise RuntimeError(f"doctor: looking at {self.name} broke off")  # a bug; its own traceback is printed already
