"""The whole device before a wall, on a treadmill and with a partner behind; what it learns goes on to the next walk."""

from pathlib import Path

import pytest
from support.walks import Walk, take_walk

from firmware.commands.replay import compare
from firmware.commands.story import Story
from firmware.commands.summary import summary_json, summary_lines
from firmware.config import parse
from firmware.core.messages import Hazard, Pattern, StoppingBaseline, Telemetry, WalkState
from firmware.outputs import as_json
from firmware.recording import read

CHIRPS = (Pattern.READY, Pattern.READY_1, Pattern.READY_2, Pattern.READY_3)


def told(walk: Walk) -> Story:
    story = Story(0)
    for output in walk.outputs:
        story.output(as_json(output))
    return story


def modes(walk: Walk) -> list[str | None]:
    """One after the other, as telemetry names them."""
    named: list[str | None] = [None]
    for output in walk.outputs:
        if isinstance(output, Telemetry) and output.mode != named[-1]:
            named.append(output.mode)
    return named


def test_before_a_wall_no_walk_begins_and_everybody_is_told_why(tmp_path: Path) -> None:
    walk = take_walk("stand", tmp_path)
    assert not set(CHIRPS) & set(walk.patterns())
    assert walk.patterns().count(Pattern.LANE_BLOCKED) == 3
    assert walk.alerts == []
    why = "0.7 m clear behind, expected at least 1.5 m: turn or step forward"
    assert walk.summary["no_start"] == why
    story = told(walk)
    assert any(line.endswith(f"no start: {why}") for line in story.lines)
    assert f"No walk began: {why}" in summary_lines(summary_json(story, []))


def test_on_a_treadmill_the_rail_is_found_told_once_and_never_warned_of(tmp_path: Path) -> None:
    walk = take_walk("treadmill", tmp_path)
    assert modes(walk) == [None, "treadmill"]
    assert walk.patterns() == [
        *(Pattern.LANE_BLOCKED, Pattern.SILENT, Pattern.READY, Pattern.SILENT, Pattern.COMPANION, Pattern.SILENT),
        *(Pattern.ENDED, Pattern.SILENT),
    ]
    assert walk.alerts == []
    assert walk.summary["mode"] == "treadmill"
    assert walk.summary["mode_minutes"] == pytest.approx(walk.summary["minutes"], abs=0.1)
    story = told(walk)
    assert any("the rail of a treadmill keeps its distance, 0.8 m" in line for line in story.lines)
    assert any(line.startswith("Behind: treadmill, for ") for line in summary_lines(summary_json(story, [])))


def test_with_a_partner_the_walk_begins_once_they_follow_and_is_quiet(tmp_path: Path) -> None:
    walk = take_walk("partner", tmp_path)
    assert modes(walk)[-1] == "partner"
    assert [alert for alert in walk.alerts if alert.hazard is Hazard.OBSTACLE] == []
    assert walk.summary["mode"] == "partner"
    assert WalkState.WALKING in [output.state for output in walk.outputs if isinstance(output, Telemetry)]
    assert walk.patterns().count(Pattern.COMPANION) == 1


def test_in_the_open_three_pulses_follow_the_chirp(tmp_path: Path) -> None:
    walk = take_walk("quiet", tmp_path, seconds=8.0)
    assert walk.patterns()[0] is Pattern.READY_3
    assert walk.summary["clear_m"] == 4.0


def test_how_she_stopped_goes_from_walk_to_walk_and_the_recording_tells_the_same(tmp_path: Path) -> None:
    path = tmp_path / "walk.mcap"
    take_walk("wall", tmp_path)
    second = take_walk("wall", tmp_path, record=path)
    found = read(path)
    carried = [item for item in found.records if isinstance(item, StoppingBaseline)]
    assert [item.approaches for item in carried] == [1]
    ended = [output for output in second.outputs if isinstance(output, StoppingBaseline)][-1]
    assert ended.approaches == 2
    assert ended.time_s > carried[0].time_s > 1.05  # in this scenario she takes her time
    assert isinstance(compare(found, parse(str(found.config_toml), "walk")), int)
