"""Buzzer, motor and LED: they sound, shake and shine in turn, and their drivers read back whether the pins follow.

What happens beyond the pin only a person can tell: did you hear, feel and see it?
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from typing import Protocol, TypeVar

from firmware.commands.checks.check import Check, Finding, found
from firmware.commands.checks.probe import told
from hal.clock import Clock
from hal.errors import HalError

STEP_S = 0.11  # twice written a beep and a pause: then a pin that lags by 0.2 s fails each time, and by rule
TONE_HZ = 800.0
VOLUME = 0.3  # the doctor's room is quieter than a walk

Rhythm = tuple[bool, ...]
"""On or off, step by step; off before it begins."""

BEEP_FIRST: Rhythm = (True, True, False, False, True, True, False, False)
BEEP_SECOND: Rhythm = (False, False, True, True, False, False, True, True, False, False)  # in the other's pauses
LOW: Rhythm = (False, False)  # for what must not be fired by being looked at
PLAYING_S = len(BEEP_SECOND) * STEP_S
NOTICE = {"buzzer": "hear it", "motor": "feel it", "led": "see it", "airbag": "measure it"}


class Output(Protocol):
    def off(self) -> None: ...

    def close(self) -> None: ...


Out = TypeVar("Out", bound=Output)


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a level to an output, which had another level before or the same."""

    before: bool
    on: bool
    error: HalError | None


def play(
    part: str, open_output: Callable[[], Out], sound: Callable[[Out], None], clock: Clock, rhythm: Rhythm, wiring: str
) -> Check:
    """Play the rhythm, each step at its time; steps whose time a slow write has taken are left out."""
    try:
        output = open_output()
    except HalError as error:
        return told(part, "not found", [error], 1, wiring)
    begin_ns, step_ns = clock.now_ns(), round(STEP_S * 1e9)
    writes: list[Write] = []
    for step, on in enumerate(rhythm):
        due_ns = begin_ns + step * step_ns
        if clock.now_ns() - due_ns < step_ns // 2:
            clock.sleep(max(due_ns - clock.now_ns(), 0) / 1e9)
            before = writes[-1].on if writes else False
            writes.append(Write(before, on, _written(output, sound if on else _silence)))
    with contextlib.suppress(HalError):  # whatever keeps it from closing was heard of already
        output.close()
    raised = [write.error for write in writes if write.error is not None]
    if raised:
        return told(part, _finding(writes), raised, len(writes), wiring)
    if not any(rhythm):
        return found(part, "its pin is low; not pulsed: --pulse-airbag does, with nothing charged connected")
    return found(part, f"its pin follows; did you {NOTICE[part]}?")


def _silence(output: Output) -> None:
    output.off()


def _written(output: Out, write: Callable[[Out], None]) -> HalError | None:
    try:
        write(output)
    except HalError as error:
        return error
    return None


def _finding(writes: Sequence[Write]) -> Finding:
    """Wrong when it fails by rule: going on, staying on, going off and staying off each fail always or never."""
    failed: dict[tuple[bool, bool], set[bool]] = {}
    for write in dropwhile(lambda write: not write.on, writes):
        failed.setdefault((write.before, write.on), set()).add(write.error is not None)
    return "found, wrong" if all(len(outcomes) == 1 for outcomes in failed.values()) else "found, noisy"
