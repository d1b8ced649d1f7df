"""Every way of failing, on every simulated part, through the whole device: heard, told, and nothing hangs."""

from pathlib import Path

import pytest
from support.walks import Walk, take_walk

from firmware.core.messages import Alert, Hazard, Pattern, SetPattern, Severity
from hal.samples import PARTS
from hal.sim.faults import DEFAULT_START_S, WORDS
from hal.sim.pins import SimPin

UNTIL_S = 13.0
PRESS_S = 11.0  # when the walker of the default scenario next touches the button

# From the fault, or from the first moment that the part is used, to the fault pattern. Outputs are used when they
# first have something to play (the caution at about 7.6 s); a slow or late button when it is pressed.
LIMIT_S = {"imu": 0.6, "rangefinder": 0.5, "button": 1.0, "buzzer": 1.0, "motor": 1.0}
FAILURES = [(word, part) for part in PARTS for word in WORDS if word != "ok"]


def used_s(walk: Walk, word: str, part: str) -> float:
    """When the failure can first be noticed."""
    if part == "button" and word in ("slow", "delayed"):
        return PRESS_S
    if part in ("buzzer", "motor"):
        played = [output.t_ns / 1e9 for output in walk.outputs if isinstance(output, SetPattern)]
        return next(t_s for t_s in played if t_s >= DEFAULT_START_S)
    return DEFAULT_START_S


def told_fault(walk: Walk, part: str) -> Alert | None:
    for alert in walk.alerts:
        if (alert.hazard, alert.severity, alert.data.get("part")) == (Hazard.FAULT, Severity.FAULT, part):
            return alert
    return None


def pulses(pin: SimPin, from_ns: int) -> int:
    """How often the pad was driven after `from_ns`, whatever became of it."""
    return sum(1 for state in pin.history if state.t_ns >= from_ns and state.level)


@pytest.mark.parametrize(("word", "part"), FAILURES)
def test_failure_is_felt_by_the_walker_and_seen_by_the_caregiver(word: str, part: str, tmp_path: Path) -> None:
    walk = take_walk("walk", tmp_path, f"{word}:{part}", seconds=UNTIL_S)
    fault = told_fault(walk, part)
    assert fault is not None, f"nobody noticed that {part} was {word}"
    assert -1e-9 <= fault.t_ns / 1e9 - used_s(walk, word, part) <= LIMIT_S[part]
    assert str(fault.data["reason"]).strip(), "the reason says what to do"
    played = [output for output in walk.outputs if isinstance(output, SetPattern) and output.pattern is Pattern.FAULT]
    assert played, "the fault pattern was never chosen"
    other = walk.device.board.motor_pin if part == "buzzer" else walk.device.board.buzzer_pin
    assert pulses(other, played[0].t_ns) >= 2, "the part that works plays it"
    events = [event for event in walk.events if event["type"] == "fault" and event["data"]["part"] == part]
    assert events
    assert events[0]["mono_ms"] == fault.t_ns // 1_000_000


@pytest.mark.parametrize("part", PARTS)
def test_part_that_is_ok_is_never_called_broken(part: str, tmp_path: Path) -> None:
    walk = take_walk("walk", tmp_path, f"ok:{part}", seconds=UNTIL_S)
    assert told_fault(walk, part) is None


@pytest.mark.parametrize("part", ["rangefinder", "button", "buzzer", "motor"])
def test_fall_is_told_whatever_else_is_broken(part: str, tmp_path: Path) -> None:
    walk = take_walk("walk", tmp_path, f"off:{part}", seconds=52.0)
    falls = [event["phase"] for event in walk.events if event["type"] == "fall"]
    assert falls == ["suspected", "confirmed"]


def test_part_that_recovers_is_said_to_work_again(tmp_path: Path) -> None:
    walk = take_walk("quiet", tmp_path, "off:rangefinder@8-12", seconds=20.0)
    over = [alert for alert in walk.alerts if (alert.hazard, alert.severity) == (Hazard.FAULT, Severity.NONE)]
    assert [alert.data["part"] for alert in over] == ["rangefinder"]
    assert 12.0 <= over[0].t_ns / 1e9 <= 15.0
    assert walk.pattern_at(over[0].t_ns + 2 * 10**9) is Pattern.SILENT
