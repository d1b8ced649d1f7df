"""What the judged trials come to: one score for each set, each age group and all of them.

A fall is found when an alarm (a suspected fall) comes at or after its onset or, where that is not labelled, from 1.5 s
before its impact on, and within two minutes; with neither label any alarm counts. Any other alarm is a false one, also
in a fall's trial, and takes nothing from a fall that is found besides.
An activity's trial is right when no alarm comes in it. Nothing that is not defined becomes a number: it is None.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from firmware.evaluation.dataset import UNKNOWN, Label
from firmware.evaluation.stream import Judged

Score = dict[str, Any]

WITHIN_S = 120.0  # of the impact; who lies there without having walked before is asked after a minute
LEAD_WITHIN_S = 2.0  # an estimate that armed earlier than that foresaw nothing
WALKING = ("walk", "walk_fast", "walk_pd")
AGES = ("<30", "30-59", "60+", UNKNOWN)
Z95 = 1.959963984540054


def wilson(hits: int, of: int) -> list[float] | None:
    """95 % interval of a share. Source: Wilson (1927), J. Am. Stat. Assoc. 22, 209-212."""
    if not of:
        return None
    share, square = hits / of, Z95 * Z95
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z95 / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return [low, 1.0 if hits == of else min(1.0, middle + half)]


def percentile(values: Iterable[float], percent: float) -> float | None:
    """Between the nearest two values by linear interpolation."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = (len(ordered) - 1) * percent / 100.0
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def age_group(age: float | None) -> str:
    if age is None:
        return UNKNOWN
    return "<30" if age < 30 else "30-59" if age < 60 else "60+"


def told_by_s(label: Label) -> float:
    """Until when an alarm is about the fall of the trial."""
    since_s = label.onset_s if label.impact_s is None else label.impact_s
    return math.inf if since_s is None else since_s + WITHIN_S


def _about_the_fall(trial: Judged, t_s: float) -> bool:
    return trial.label.falls_from_s <= t_s <= told_by_s(trial.label)


def found_s(trial: Judged) -> float | None:
    """When the fall of the trial was told; None: missed."""
    return next((t_s for t_s in trial.suspected_s if _about_the_fall(trial, t_s)), None)


def false_alarms_s(trial: Judged) -> list[float]:
    return [t_s for t_s in trial.suspected_s if not _about_the_fall(trial, t_s)]


def lead_s(trial: Judged) -> float | None:
    """From the first arming within the last two seconds before the impact, to the impact."""
    impact_s = trial.label.impact_s
    if impact_s is None:
        return None
    return next((impact_s - t_s for t_s, _ in trial.armed if 0.0 <= impact_s - t_s <= LEAD_WITHIN_S), None)


def score(trials: Sequence[Judged]) -> Score:
    """Everything about these trials, with those about their kinds, directions and ages in it."""
    walking = [trial for trial in trials if trial.label.kind in WALKING and not trial.label.is_fall]
    return {
        **core_score(trials),
        "latency_s": _latency(trials),
        "lead_s": _lead(trials),
        "sway_warnings_per_h": _rate(sum(len(trial.sway_s) for trial in walking), _hours(walking)),
        "by_kind": {kind: _kind(group) for kind, group in _groups(trials, _kind_of)},
        "by_direction": {
            direction: {"falls": len(group), "sensitivity": _found(group)["sensitivity"]}
            for direction, group in _groups(_falls(trials), _direction_of)
        },
        "by_age": {
            age: core_score(group)
            for age, group in _groups(trials, lambda trial: age_group(trial.label.age), order=AGES.index)
        },
        "errors": errors(trials),
        "pre_impact": _pre_impact(trials, walking),
        "activities": {kind: _activity(group) for kind, group in _groups(_activities(trials), _kind_of)},
        "directions": {direction: _found(group) for direction, group in _groups(_falls(trials), _direction_of)},
        "around_falls": _around_falls(_falls(trials)),
    }


def core_score(trials: Sequence[Judged]) -> Score:
    """Right and wrong, with intervals; `not_ready` are trials in which the device had not become ready by the end."""
    falls = _falls(trials)
    adl = _activities(trials)
    hits = sum(found_s(trial) is not None for trial in falls)
    quiet = sum(not trial.suspected_s for trial in adl)
    early = sum(bool(false_alarms_s(trial)) for trial in falls)
    wrong = len(adl) - quiet + early
    return {
        "people": len({(trial.label.set_name, trial.label.subject) for trial in trials}),
        "falls": len(falls),
        "adl": len(adl),
        "adl_h": _hours(adl),
        "sensitivity": _share(hits, len(falls)),
        "sensitivity_ci95": wilson(hits, len(falls)),
        "specificity": _share(quiet, len(adl)),
        "specificity_ci95": wilson(quiet, len(adl)),
        "precision": _share(hits, hits + wrong),
        **_f1(hits, len(falls) - hits, wrong),
        "false_alarms_per_h": _rate(sum(len(trial.suspected_s) for trial in adl), _hours(adl)),
        "early_alarms": early,
        "faults": sum(bool(trial.fault) for trial in trials),
        "not_ready": sum(trial.ready_s is None for trial in trials),
    }


def errors(trials: Iterable[Judged]) -> list[list[str]]:
    """[subject, trial, what] of every missed fall and every false alarm, sorted."""
    return sorted([trial.label.subject, trial.label.trial, what] for trial in trials for what in mistakes(trial))


def mistakes(trial: Judged) -> list[str]:
    """What the core got wrong in this trial, in words."""
    label = trial.label
    said = [f"false alarm at {t_s:.2f} s ({label.kind})" for t_s in false_alarms_s(trial)]
    if label.is_fall and found_s(trial) is None:
        why = ": not ready" if trial.ready_s is None else ": sensor not trusted" if trial.fault else ""
        said.append(f"missed fall ({label.direction}){why}")
    return said


def _falls(trials: Iterable[Judged]) -> list[Judged]:
    return [trial for trial in trials if trial.label.is_fall]


def _activities(trials: Iterable[Judged]) -> list[Judged]:
    return [trial for trial in trials if not trial.label.is_fall]


def _kind_of(trial: Judged) -> str:
    return trial.label.kind


def _direction_of(trial: Judged) -> str:
    return trial.label.direction


def _hours(trials: Iterable[Judged]) -> float:
    return math.fsum(trial.duration_s for trial in trials) / 3600.0


def _share(hits: int, of: int) -> float | None:
    return hits / of if of else None


def _rate(count: int, hours: float) -> float | None:
    return count / hours if hours > 0.0 else None


def _f1(hits: int, missed: int, wrong: int) -> Score:
    """F1 = 2 J / (1 + J), with J the share of the found falls in everything that was a fall or taken for one.

    J is a share, so its Wilson interval gives that of F1.
    """
    interval = wilson(hits, hits + missed + wrong)
    defined = hits + missed > 0
    return {
        "f1": 2 * hits / (2 * hits + missed + wrong) if defined else None,
        "f1_ci95": [2 * j / (1 + j) for j in interval] if defined and interval else None,
    }


def _latency(trials: Iterable[Judged]) -> Score:
    pairs = [(found_s(trial), trial.label.impact_s) for trial in _falls(trials)]
    late_s = [t_s - impact_s for t_s, impact_s in pairs if t_s is not None and impact_s is not None]
    return {"median": percentile(late_s, 50), "p95": percentile(late_s, 95)}


def _lead(trials: Iterable[Judged]) -> Score:
    leads_s = _leads_s(trials)
    return {"median": percentile(leads_s, 50), "p5": percentile(leads_s, 5)}


def _leads_s(trials: Iterable[Judged]) -> list[float]:
    return [lead for trial in trials if (lead := lead_s(trial)) is not None]


def _pre_impact(trials: Sequence[Judged], walking: Sequence[Judged]) -> Score:
    """How many labelled falls were foreseen, and how often the estimate armed for nothing."""
    labelled = [trial for trial in _falls(trials) if trial.label.impact_s is not None]
    adl, leads_s = _activities(trials), _leads_s(trials)
    foreseen, quiet = sum(lead_s(trial) is not None for trial in labelled), sum(not trial.armed for trial in adl)
    return {
        "sensitivity": _share(foreseen, len(labelled)),
        "sensitivity_ci95": wilson(foreseen, len(labelled)),
        "specificity": _share(quiet, len(adl)),
        "specificity_ci95": wilson(quiet, len(adl)),
        "false_alarms_per_h": _rate(sum(len(trial.armed) for trial in adl), _hours(adl)),
        "false_alarms_per_h_walking": _rate(sum(len(trial.armed) for trial in walking), _hours(walking)),
        "lead_mean_s": math.fsum(leads_s) / len(leads_s) if leads_s else None,
    }


def _kind(trials: Sequence[Judged]) -> Score:
    """Of falls, `alarms` are the true ones as well."""
    return {
        "trials": len(trials),
        "alarms": sum(len(trial.suspected_s) for trial in trials),
        "hours": _hours(trials),
    }


def _activity(trials: Sequence[Judged]) -> Score:
    quiet = sum(not trial.suspected_s for trial in trials)
    return {
        **_kind(trials),
        "specificity": _share(quiet, len(trials)),
        "specificity_ci95": wilson(quiet, len(trials)),
        "sway_warnings": sum(len(trial.sway_s) for trial in trials),
    }


def _found(falls: Sequence[Judged]) -> Score:
    hits = sum(found_s(trial) is not None for trial in falls)
    return {"falls": len(falls), "sensitivity": _share(hits, len(falls)), "sensitivity_ci95": wilson(hits, len(falls))}


def _around_falls(falls: Sequence[Judged]) -> Score:
    """What falls' trials hold besides: the time before and long after each labelled fall, and its false alarms."""
    hours = 0.0
    for trial in falls:
        since_s, until_s = max(0.0, trial.label.falls_from_s), min(trial.duration_s, told_by_s(trial.label))
        hours += (trial.duration_s - max(0.0, until_s - since_s)) / 3600.0
    return {"trials": len(falls), "alarms": sum(len(false_alarms_s(trial)) for trial in falls), "hours": hours}


def _groups(
    trials: Iterable[Judged], key: Callable[[Judged], str], order: Callable[[str], Any] = str
) -> list[tuple[str, list[Judged]]]:
    found: dict[str, list[Judged]] = {}
    for trial in trials:
        found.setdefault(key(trial), []).append(trial)
    return sorted(found.items(), key=lambda item: order(item[0]))
