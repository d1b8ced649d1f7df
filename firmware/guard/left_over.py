"""What an earlier run of the guard left in the journal, and what the core has to be told of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from firmware.core.messages import Hazard, Resume, Severity, StoppingBaseline, SwayBaseline

A_MOMENT_MS = 60_000  # longer ago, a walk that has no end in the journal is not going on
UNDER_WAY = ("ready", "walking", "paused")
OVER = ("ended", "summary")
OPEN = (Severity.SUSPECTED, Severity.CONFIRMED, Severity.NOT_RECOVERED, Severity.LONG_LIE)

States = Mapping[str, Mapping[str, Any]]


def resume(states: States, now_ns: int, boot_id: str) -> list[Resume]:
    """One for each alarm that is open; one without an alarm when only the walk goes on; none after a clean end.

    Times are of the monotonic clock, which starts anew with the machine: what another `boot_id` left has no known age.
    Such a countdown starts again, rather than an alarm going off at once, and such a walk does not go on.
    """
    walking, over = (_was_in(told, states, now_ns, boot_id) for told in (UNDER_WAY, OVER))
    found = []
    for alarm in open_alarms(states):
        hazard, severity = _open_alarm(alarm)
        age_ms = _elapsed_ms(alarm, alarm.get("began_mono_ms"), now_ns, boot_id)
        found.append(Resume(now_ns, walking, hazard, severity, (age_ms or 0) / 1000, over))
    nothing = Resume(now_ns, walking, Hazard.FALL, Severity.NONE, 0.0, over)
    return found or ([nothing] if walking or over else [])


def baselines(states: States, now_ns: int) -> list[SwayBaseline | StoppingBaseline]:
    """What earlier walks have shown of this walker; the core judges whether it can be believed."""
    found = (sway_baseline(states, now_ns), stopping_baseline(states, now_ns))
    return [before for before in found if before is not None]


def stopping_baseline(states: States, now_ns: int) -> StoppingBaseline | None:
    """How long she took to stop after warnings."""
    body = states.get("stopping_baseline", {})
    approaches, time_s = body.get("approaches"), body.get("time_s")
    if not isinstance(approaches, int) or not isinstance(time_s, int | float):
        return None
    return StoppingBaseline(now_ns, approaches, float(time_s))


def sway_baseline(states: States, now_ns: int) -> SwayBaseline | None:
    """What is usual of her balance."""
    body = states.get("sway_baseline", {})
    steps, usual = body.get("steps"), body.get("usual")
    if not isinstance(steps, int) or not isinstance(usual, list):
        return None
    values = tuple(float(value) for value in usual if isinstance(value, int | float))
    return SwayBaseline(now_ns, steps, values)


def open_alarms(states: States) -> list[Mapping[str, Any]]:
    """The bodies of the falls and calls for help that nobody has ended."""
    alarm = states.get("alarm", {})
    others = alarm.get("others", [])
    bodies = [alarm, *(others if isinstance(others, list) else [])]
    return [body for body in bodies if isinstance(body, Mapping) and _open_alarm(body)[1] is not Severity.NONE]


def _open_alarm(alarm: Mapping[str, Any]) -> tuple[Hazard, Severity]:
    try:
        hazard, severity = Hazard(str(alarm.get("type"))), Severity(str(alarm.get("phase")))
    except ValueError:
        return Hazard.FALL, Severity.NONE
    still_open = alarm.get("active") is True and hazard in (Hazard.FALL, Hazard.SOS) and severity in OPEN
    return hazard, severity if still_open else Severity.NONE


def _was_in(told: Sequence[str], states: States, now_ns: int, boot_id: str) -> bool:
    """A moment ago the walk was in one of these states; one that was switched off said so by itself, and no more."""
    telemetry, walk = states.get("telemetry", {}), states.get("walk", {})
    t_ns = telemetry.get("t_ns")
    since_ms = _elapsed_ms(telemetry, t_ns / 1e6 if isinstance(t_ns, int) else None, now_ns, boot_id)
    recent = since_ms is not None and since_ms < A_MOMENT_MS
    ended = walk.get("state") == "ended" and telemetry.get("state") == "summary"  # switched off after the summary
    return recent and walk.get("state") in told and telemetry.get("state") in told and not ended


def _elapsed_ms(body: Mapping[str, Any], mono_ms: object, now_ns: int, boot_id: str) -> float | None:
    if body.get("boot_id") != boot_id or not isinstance(mono_ms, int | float) or not 0 <= mono_ms <= now_ns / 1e6:
        return None
    return now_ns / 1e6 - mono_ms
