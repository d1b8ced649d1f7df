"""What is said at the end of a walk."""

from collections.abc import Sequence
from typing import Any

from firmware.commands.story import Story, fed, in_words
from firmware.core.messages import Hazard
from firmware.journal import Delivery

ENDED = ("cancelled", "recovered")  # phases after which nobody needs help any more
OTHER_WALKS = {
    "whole": "from the table and back to it; she falls, and gets up again",
    "cancelled": "she falls, and says by the button that she is all right",
    "treadmill": "the rail behind her keeps its distance",
}


def opening(duration_s: float | None) -> str:
    """The first words of a walk; `duration_s` of a simulated one."""
    if duration_s is None:
        return "The device starts. Ctrl-C ends the walk."
    return f"A simulated walk of {duration_s:.0f} s begins. Ctrl-C ends it at any time."


def closing(scenario: str, summary: dict[str, Any]) -> list[str]:
    """The last words of a simulated walk: whether its alarm is open still, and which other walks there are."""
    others = [f"  {name:<11}{what}" for name, what in OTHER_WALKS.items() if name != scenario]
    return [
        f"That was the simulated walk {scenario!r}.",
        *(["It ended while her alarm was open: nobody had ended that."] if alarm_open(summary) else []),
        "Others, by `rearguard walk --simulated --scenario NAME` (--help names all):",
        *others,
    ]


def alarm_open(summary: dict[str, Any]) -> bool:
    """Whether the last fall or call for help has not ended."""
    calls = [alert for alert in summary["alerts"] if alert["type"] in (Hazard.FALL, Hazard.SOS)]
    return bool(calls) and calls[-1]["phase"] not in ENDED


def summary_json(story: Story, deliveries: Sequence[Delivery]) -> dict[str, Any]:
    """One object: the walk as the core counted it, each warning, each alert and how far it got."""
    return {
        "kind": "summary",
        "state": story.state,
        **story.summary,
        "power": {key: value for key, value in story.power.items() if key not in ("v", "t_ns", "kind")},
        "ready_s": None if story.ready_ns is None else round(story.seconds(story.ready_ns), 3),
        "warnings": [{"t_s": round(t_s, 2), **data} for t_s, data in story.warnings],
        "alerts": [_alert(story, delivery) for delivery in deliveries],
    }


def _alert(story: Story, delivery: Delivery) -> dict[str, Any]:
    told = story.told.get(delivery.id)
    return {
        "what": told.what if told else in_words(delivery.type, delivery.phase),
        "type": delivery.type,
        "phase": delivery.phase,
        "id": delivery.id,
        "alarm": delivery.alarm,
        "delivery": "delivered" if told else delivery.state,
        "after_s": round(told.after_s, 3) if told else None,
    }


def summary_lines(summary: dict[str, Any]) -> list[str]:
    """The same, to be read by a person."""
    lines = [
        _walked(summary),
        *_way(summary),
        f"Obstacles: {_count(summary.get('obstacle_cautions'), 'caution')}, "
        f"{_count(summary.get('obstacle_warnings'), 'approach')} with a warning, "
        f"nearest {_metres(summary.get('nearest_m'))}; sudden sways: {summary.get('sway_warnings', 0)}; "
        f"falls: {summary.get('falls', 0)}; faults: {summary.get('faults', 0)}",
    ]
    for warning in summary["warnings"]:
        lines.append(
            f"  {warning['t_s']:6.2f} s  {warning['severity']:<9} at {_number(warning.get('distance_m'), '.2f')} m, "
            f"contact in {_number(warning.get('time_to_collision_s'), '.1f')} s"
        )
    if summary.get("mode"):
        lines.append(f"Behind: {summary['mode']}, for {_minutes(summary.get('mode_minutes'))}")
    if summary.get("no_start"):
        lines.append(f"No walk began: {summary['no_start']}")
    power = fed(summary["power"])
    lines += [f"Power: {power}"] if power else []
    lines.append("Alerts:" if summary["alerts"] else "Alerts: none")
    for alert in summary["alerts"]:
        after = "" if alert["after_s"] is None else f" in {alert['after_s']:.2f} s"
        lines.append(f"  {alert['what']:<30} {alert['delivery']}{after}   alarm ..{alert['alarm'][-8:]}")
    return lines


def _walked(summary: dict[str, Any]) -> str:
    if not summary.get("steps"):
        return "The walk: no step was taken"
    return (
        f"The walk: {_minutes(summary.get('minutes'))}, {_count(summary.get('steps'), 'step')}, "
        f"{_number(summary.get('cadence_spm'), '.0f')} a minute; "
        f"trunk sway {_number(summary.get('sway_rms_deg'), '.1f')} deg rms"
    )


def _way(summary: dict[str, Any]) -> list[str]:
    """How far and how fast, as far as steps tell it; the plan."""
    planned = summary.get("planned_minutes")
    told = f"; the plan: {_minutes(planned)}" if isinstance(planned, int | float) else ""
    if not isinstance(summary.get("speed_mps"), int | float):
        return []
    way = f"{_number(summary.get('distance_m'), '.1f')} ± {_number(summary.get('distance_sd_m'), '.1f')} m"
    return [f"Way: about {way}, {_number(summary.get('speed_mps'), '.2f')} m/s{told}"]


def _minutes(minutes: object) -> str:
    if not isinstance(minutes, int | float):
        return "-"
    seconds = round(minutes * 60)
    return f"{seconds // 60} min {seconds % 60} s"


def _count(number: object, what: str) -> str:
    count = number if isinstance(number, int) else 0
    return f"{count} {what}{'' if count == 1 else 'es' if what.endswith('ch') else 's'}"


def _metres(value: object) -> str:
    return f"{value:.2f} m" if isinstance(value, int | float) else "none seen"


def _number(value: object, form: str) -> str:
    return format(value, form) if isinstance(value, int | float) else "-"
