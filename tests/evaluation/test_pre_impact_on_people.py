"""The pre-impact estimate on recorded people, through the whole core as `rearguard evaluate` runs it."""

import pytest
from support.recordings import FOLDER, needs_recordings

from firmware.evaluation.dataset import Source, Trial, read, sources
from firmware.evaluation.stream import Judged, judge

pytestmark = [pytest.mark.data, needs_recordings]


def person(dataset: str, subject: str) -> list[Trial]:
    found = [source for source in sources(FOLDER)[0] if matches(source, dataset, subject)]
    return list(read(found[0]).trials)


def matches(source: Source, dataset: str, subject: str) -> bool:
    return source.path.parent.name == dataset and source.path.stem == subject


def judged(dataset: str, subject: str, *kinds: str, every: int = 1) -> list[Judged]:
    trials = [trial for trial in person(dataset, subject) if trial.label.kind in kinds]
    return [judge(trial) for trial in trials[::every]]


def test_most_falls_arm_before_the_impact() -> None:
    falls = judged("kfall", "SA06", "fall", every=3)
    leads_s = [fall.label.impact_s - fall.armed[0][0] for fall in falls if fall.armed and fall.label.impact_s]
    in_time = [lead_s for lead_s in leads_s if 0.0 <= lead_s <= 1.5]
    assert len(in_time) >= 0.9 * len(falls)
    assert sum(in_time) / len(in_time) > 0.25


def test_nobody_who_walks_or_takes_stairs_is_armed_for() -> None:
    walks = judged("kfall", "SA06", "walk", "walk_fast", "stairs")
    assert len(walks) > 10
    assert [walk.label for walk in walks if walk.armed] == []
