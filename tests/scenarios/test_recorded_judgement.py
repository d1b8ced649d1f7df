"""The shipping core on some recorded people, held to the bars: what alarms, how soon, and how it may be worn."""

import functools
import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from support.recordings import FOLDER, needs_recordings

from bench._changes import CHANGES, walked_backward_in_time
from firmware.evaluation.dataset import Source, Trial, read
from firmware.evaluation.scoring import WALKING, false_alarms_s, found_s, percentile
from firmware.evaluation.stream import Judged, judge

pytestmark = [pytest.mark.data, needs_recordings]

FALLERS = {"sisfall": ("SA04", "SA21"), "kfall": ("SA10", "SA25")}
OLD = {"sisfall": ("SE08",)}
WALKERS = {"ipol": ("S05", "S09"), "mobgap": ("HA001",)}
EVERY = 6
"""Of the trials: these are tests, not the evaluation."""


@functools.cache
def person(dataset: str, name: str) -> tuple[Trial, ...]:
    return read(Source(FOLDER / dataset / f"{name}.npz", dataset)).trials


def people(sets: dict[str, tuple[str, ...]]) -> list[Trial]:
    return [trial for dataset, names in sets.items() for name in names for trial in person(dataset, name)]


@functools.cache
def some_falls_and_activities() -> tuple[Judged, ...]:
    """Everything is taken in turn, so of each person there is something of each kind."""
    trials = people(FALLERS)
    falls = [trial for trial in trials if trial.label.is_fall]
    others = [trial for trial in trials if not trial.label.is_fall and trial.duration_s < 30.0]
    return tuple(judge(trial) for trial in (*falls[::EVERY], *others[::EVERY]))


def names(trials: Sequence[Judged]) -> list[str]:
    return [f"{trial.label.set_name} {trial.label.trial} {trial.suspected_s}" for trial in trials]


def test_every_fall_is_found() -> None:
    falls = [trial for trial in some_falls_and_activities() if trial.label.is_fall]
    assert len(falls) > 45
    assert {trial.label.direction for trial in falls} >= {"forward", "backward", "lateral"}
    assert names([trial for trial in falls if found_s(trial) is None]) == []


def test_nothing_else_is_taken_for_a_fall() -> None:
    trials = some_falls_and_activities()
    assert sum(not trial.label.is_fall for trial in trials) > 45
    assert names([trial for trial in trials if false_alarms_s(trial)]) == []


def test_most_falls_are_told_within_1_1_s_of_the_impact() -> None:
    late_s = [
        told_s - trial.label.impact_s
        for trial in some_falls_and_activities()
        if (told_s := found_s(trial)) is not None and trial.label.impact_s is not None
    ]
    assert (percentile(late_s, 95) or math.inf) <= 1.1


def test_older_people_do_not_fall() -> None:
    trials = [judge(trial) for trial in people(OLD)[::EVERY] if trial.duration_s < 30.0]
    assert len(trials) > 8
    assert names([trial for trial in trials if trial.suspected_s]) == []


def test_nobody_who_walks_falls_neither_forward_nor_backward_in_time() -> None:
    walks = [trial for trial in people(WALKERS) if trial.label.kind in WALKING and trial.duration_s < 60.0]
    walks += [trial for trial in people(FALLERS)[::2] if trial.label.kind in WALKING and trial.duration_s < 30.0]
    backward = [turned for trial in walks if (turned := walked_backward_in_time(trial)) is not None]
    judged = [judge(trial) for trial in (*walks, *backward)]
    assert len(judged) > 30
    assert names([trial for trial in judged if trial.suspected_s]) == []


@pytest.mark.parametrize("change", ["tilted 30 deg forward", "upside down, not calibrated", "at 20 Hz"])
def test_falls_are_found_however_the_device_sits_and_however_slow_it_is(change: str) -> None:
    falls = [trial for trial in people(FALLERS) if trial.label.is_fall][:: 4 * EVERY]
    changed = [other for trial in falls if (other := CHANGES[change](trial)) is not None]
    assert len(changed) > 9
    assert names([trial for trial in map(judge, changed) if found_s(trial) is None]) == []


def test_who_wears_it_upside_down_and_lies_down_did_not_fall() -> None:
    sets = {"sisfall": ("SA11", "SE05"), "kfall": ("SA17", "SA30")}
    lying = [trial for trial in people(sets) if trial.label.kind == "lie_down"]
    changed = [other for trial in lying if (other := CHANGES["upside down, not calibrated"](trial)) is not None]
    assert len(changed) > 15
    assert names([trial for trial in map(judge, changed) if trial.suspected_s]) == []


def a_fall_after_something(first: Trial, fall: Trial) -> Trial:
    """Both in one recording; she stands between them for a moment, as `fall` begins."""
    assert first.gyro_radps is not None
    assert fall.gyro_radps is not None
    assert fall.label.impact_s is not None
    label = replace(fall.label, impact_s=first.duration_s + fall.label.impact_s, onset_s=None)
    accel = np.concatenate([first.accel_mps2, fall.accel_mps2])
    return replace(fall, label=label, accel_mps2=accel, gyro_radps=np.concatenate([first.gyro_radps, fall.gyro_radps]))


def lying_on(trial: Trial, seconds: float) -> Trial:
    """Held in the last posture."""
    count = round(seconds * trial.fs_hz)
    assert trial.gyro_radps is not None
    dice = np.random.default_rng(1)
    accel = trial.accel_mps2[-20:].mean(axis=0) + dice.normal(0, 0.03, (count, 3))
    return replace(
        trial,
        accel_mps2=np.concatenate([trial.accel_mps2, accel]),
        gyro_radps=np.concatenate([trial.gyro_radps, dice.normal(0, 0.003, (count, 3))]),
    )


@functools.cache
def backward_falls() -> list[Trial]:
    return [trial for trial in person("kfall", "SA10") if trial.label.direction == "backward"]


def test_a_false_alarm_before_a_fall_does_not_make_the_core_deaf_for_it() -> None:
    """The first fall is not labelled, as an alarm that nobody needed: she lies there, cancels, gets up and falls."""
    first, fall = backward_falls()[0], backward_falls()[1]
    found = judge(a_fall_after_something(lying_on(first, 25.0), fall))
    assert len(found.suspected_s) == 2
    assert false_alarms_s(found) == [found.suspected_s[0]]
    assert found_s(found) == found.suspected_s[1]


def test_lost_samples_before_a_fall_do_not_hide_it() -> None:
    fall = backward_falls()[2]
    before = next(trial for trial in person("kfall", "SA10") if trial.label.kind == "walk")
    both = a_fall_after_something(before, fall)
    both.accel_mps2[200:260] = math.nan
    found = judge(both)
    assert found_s(found) is not None
    assert false_alarms_s(found) == []


def test_leads_are_of_the_size_that_is_told() -> None:
    falls = [trial for trial in some_falls_and_activities() if trial.label.set_name == "kfall" and trial.label.is_fall]
    leads_s = [
        trial.label.impact_s - armed_s
        for trial in falls
        for armed_s, _ in trial.armed[:1]
        if trial.label.impact_s is not None
    ]
    assert len(leads_s) > 0.9 * len(falls)
    assert statistics.median(leads_s) > 0.25
