"""Reads one part over and over and keeps everything that it says, to be judged afterwards."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, Protocol, Self, TypeVar

from firmware.commands.checks.check import Check, Finding, Status, bad
from hal.clock import Clock
from hal.errors import DeviceNotFound, HalError, NoEcho, PinsUnavailable, WrongDevice

_REPEATED = re.compile(r": not found[,;] ")  # the check says so itself
_GPIO_NUMBERS = re.compile(r" \([^()]*\bpin \d+[^()]*\)")  # the wiring says what they are on the header

LOST_SHARE = 0.1  # of the tries: a coat swallows a ping now and then


class Device(Protocol):
    """A driver. Raises HalError."""

    def close(self) -> None: ...


D = TypeVar("D", bound=Device)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Try(Generic[T]):
    """One reading: what it gave, or why it gave nothing."""

    t_ns: int  # when it began; opening the device for it comes before
    value: T | None
    error: HalError | None = None


class Probe(Generic[D]):
    """A device that is opened with the first reading, and again with the next one where that failed."""

    def __init__(self, open_device: Callable[[], D], clock: Clock) -> None:
        self._open, self._clock = open_device, clock
        self.device: D | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.device is not None:
            try:
                self.device.close()
            except HalError:  # whatever keeps it from closing was heard of in its readings
                self.device = None

    def read_until(self, until_ns: int, period_s: float, read: Callable[[D], T]) -> list[Try[T]]:
        """Read every `period_s`, or as often as the device allows, and at least once."""
        tries = [self._try(read)]
        while True:
            due_ns = tries[-1].t_ns + round(period_s * 1e9)
            self._clock.sleep(max(due_ns - self._clock.now_ns(), 0) / 1e9)
            if self._clock.now_ns() >= until_ns:
                return tries
            tries.append(self._try(read))

    def _try(self, read: Callable[[D], T]) -> Try[T]:
        t_ns = self._clock.now_ns()
        try:
            if self.device is None:
                self.device = self._open()
                t_ns = self._clock.now_ns()
            return Try(t_ns, read(self.device))
        except HalError as error:
            return Try(t_ns, None, error)


def errors(tries: Sequence[Try[T]]) -> list[HalError]:
    return [item.error for item in tries if item.error is not None]


def values(tries: Sequence[Try[T]]) -> list[T]:
    return [item.value for item in tries if item.value is not None]


def too_many_errors(tries: Sequence[Try[T]]) -> bool:
    return len(errors(tries)) > LOST_SHARE * len(tries)


def failed(part: str, tries: Sequence[Try[T]], wiring: str, status: Status = "fail") -> Check:
    """The check for tries some of which failed."""
    return told(part, _finding(tries), errors(tries), len(tries), wiring, status)


def told(
    part: str, finding: Finding, raised: Sequence[HalError], tries: int, wiring: str, status: Status = "fail"
) -> Check:
    """The commonest error stands for all of them; its last clause is what to do."""
    kind = Counter(type(error) for error in raised).most_common(1)[0][0]
    first = next(error for error in raised if type(error) is kind)
    said = _REPEATED.sub(": ", _GPIO_NUMBERS.sub("", str(first)))
    what, semicolon, advice = re.sub(rf"^{part}: ", "", said, flags=re.IGNORECASE).rpartition("; ")
    if not semicolon:
        what, advice = advice, "check its wiring"
    count = f" ({len(raised)} of {tries} tries failed)" if len(raised) < tries else ""
    return bad(part, finding, what + count, with_wiring(advice, wiring), status)


def with_wiring(advice: str, wiring: str) -> str:
    """What to do, and where the wires belong."""
    return f"{advice}; {wiring}" if wiring else advice


def _finding(tries: Sequence[Try[T]]) -> Finding:
    raised = errors(tries)
    telling = [item for item in tries if item.error or item.value]  # an empty reading says neither
    recovered = any(before.error and after.value for before, after in pairwise(telling))
    names = {str(error) for error in raised if isinstance(error, WrongDevice)}
    if recovered or len(names) > 1:  # what it is cannot change: such answers are noise
        return "found, noisy"
    return "not found" if all(map(_unanswered, raised)) else "found, wrong"


def _unanswered(error: HalError) -> bool:
    """Whether nobody answered at all; a transfer that did not take place was caused by an OSError."""
    return isinstance(error, DeviceNotFound | NoEcho | PinsUnavailable) or isinstance(error.__cause__, OSError)
