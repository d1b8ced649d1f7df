"""The button: whether its two contacts agree, and whether a press was seen."""

from collections.abc import Callable
from itertools import groupby

from firmware.commands.checks.check import Check, Finding, bad, found
from firmware.commands.checks.probe import Probe, Try, errors, told, values, with_wiring
from hal.board import ButtonReader
from hal.clock import Clock
from hal.samples import ButtonSample

TURN_S = 0.02  # as in a walk


def look_at_button(
    open_device: Callable[[], ButtonReader], clock: Clock, until_ns: int, wiring: str, *, contacts: int = 2
) -> Check:
    """Watch until `until_ns`. `contacts`: a button of one contact cannot contradict itself."""
    with Probe(open_device, clock) as probe:
        tries = probe.read_until(until_ns, TURN_S, lambda button: button.read())
    if errors(tries):
        return told("button", _finding(tries), errors(tries), len(tries), wiring)
    pressed = {sample.pressed for sample in values(tries)}
    if pressed == {True}:
        advice = "let go of it and run doctor again; if this stays, change it"
        return bad("button", "found, wrong", "held down all the time", with_wiring(advice, wiring))
    agree = "its contacts agree" if contacts == 2 else "one contact: a cut wire is not seen"
    return found("button", f"{agree}; " + ("a press was seen" if True in pressed else "it was not pressed"))


def _finding(tries: list[Try[ButtonSample]]) -> Finding:
    """From when its contacts contradict each other, and how."""
    states = [state for state, _ in groupby(None if item.value is None else item.value.pressed for item in tries)]
    complaints = {str(error) for error in errors(tries)}
    if states == [None] and len(complaints) == 1:
        return "not found" if "both contacts open" in complaints.pop() else "found, wrong"
    if states[0] is None and None not in states[1:] and len(complaints) == 1:
        return "found, wrong"  # up, and well as soon as it was pressed: the open contact is always closed
    around = [(states[i - 1], (*states, None)[i + 1]) for i in range(1, len(states)) if states[i] is None]
    late = all(after is not None and before is not after for before, after in around)
    return "found, wrong" if around and late else "found, noisy"  # between up and down, a contact comes late
