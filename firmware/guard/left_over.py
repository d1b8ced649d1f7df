"""What an earlier run of the guard left in the journal, and what the core has to be told of it."""

from collections.abc import Mapping
from typing import Any

from firmware.core.messages import Hazard, Resume, Severity

A_MOMENT_MS = 60_000  # longer ago, a walk that has no end in the journal is not going on
UNDER_WAY = ("ready", "walking", "paused")
OPEN = (Severity.SUSPECTED, Severity.CONFIRMED, Severity.NOT_RECOVERED, Severity.LONG_LIE)

States = Mapping[str, Mapping[str, Any]]


def resume(states: States, now_ns: int, boot_id: str) -> Resume | None:
    """None when the earlier run ended its walk and nothing was open.

    Times are of the monotonic clock, which starts anew with the machine: what another `boot_id` left has no known age.
    Such a countdown starts again, rather than an alarm going off at once, and such a walk does not go on.
    """
    alarm = states.get("alarm", {})
    hazard, severity = _open_alarm(alarm)
    walking = _was_walking(states, now_ns, boot_id)
    if severity is Severity.NONE and not walking:
        return None
    age_ms = _elapsed_ms(alarm, alarm.get("began_mono_ms"), now_ns, boot_id)
    return Resume(now_ns, walking, hazard, severity, (age_ms or 0) / 1000)


def _open_alarm(alarm: Mapping[str, Any]) -> tuple[Hazard, Severity]:
    try:
        hazard, severity = Hazard(str(alarm.get("type"))), Severity(str(alarm.get("phase")))
    except ValueError:
        return Hazard.FALL, Severity.NONE
    still_open = alarm.get("active") is True and hazard in (Hazard.FALL, Hazard.SOS) and severity in OPEN
    return hazard, severity if still_open else Severity.NONE


def _was_walking(states: States, now_ns: int, boot_id: str) -> bool:
    telemetry, walk = states.get("telemetry", {}), states.get("walk", {})
    t_ns = telemetry.get("t_ns")
    since_ms = _elapsed_ms(telemetry, t_ns / 1e6 if isinstance(t_ns, int) else None, now_ns, boot_id)
    recent = since_ms is not None and since_ms < A_MOMENT_MS
    return recent and walk.get("state") in UNDER_WAY and telemetry.get("state") in UNDER_WAY


def _elapsed_ms(body: Mapping[str, Any], mono_ms: object, now_ns: int, boot_id: str) -> float | None:
    if body.get("boot_id") != boot_id or not isinstance(mono_ms, int | float) or not 0 <= mono_ms <= now_ns / 1e6:
        return None
    return now_ns / 1e6 - mono_ms
